// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: the rings of sending, and when they are looked at. */

#include <kunit/resource.h>
#include <linux/workqueue.h>

#include "../src/host/layout.h"
#include "../src/host/pci.h"
#include "../src/host/tx.h"
#include "sender.h"

#define KFT_LEN		100
#define KFT_NR		KVMFLIP_TX_ENTRIES

static u32 kft_completions(struct kvmflip_test_sender *sender)
{
	u32 index, n = 0;

	while (kvmflip_test_completed(sender, &index))
		n++;
	kvmflip_test_free(sender);
	return n;
}

static u32 kft_got(struct kvmflip_test_sender *sender)
{
	u32 n = skb_queue_len(&sender->got);

	skb_queue_purge(&sender->got);
	return n;
}

/* Lets both ends of the rings begin elsewhere than at 0. */
static void kft_begin_at(struct kvmflip_test_sender *sender, u32 tx, u32 txc)
{
	struct kvmflip_port *port = sender->port;

	mutex_lock(&port->tx_lock);
	port->tx.prod = tx;
	port->tx.cons = tx;
	port->txc.prod = txc;
	port->txc.cons = txc;
	port->txc.published = txc;
	mutex_unlock(&port->tx_lock);
	sender->prod = tx;
	sender->cons = txc;
	sender->tx->prod = cpu_to_le32(tx);
	sender->tx->cons = cpu_to_le32(tx);
	sender->tx->event = cpu_to_le32(tx);
	sender->txc->prod = cpu_to_le32(txc);
	sender->txc->cons = cpu_to_le32(txc);
	sender->txc->event = cpu_to_le32(txc);
}

/* Frames of three entries across all that wraps around. */
static void kft_wrap(struct kunit *test)
{
	struct kvmflip_test_sender *sender = kvmflip_test_sender(test, KVMFLIP_F_TX);
	u32 i, first, index;

	kft_begin_at(sender, -7, -3);
	for (i = 0; i < 3 * KFT_NR; i++) {
		first = sender->prod;
		kvmflip_test_piece(sender, KVMFLIP_TEST_IOVA, 20, KVMFLIP_TX_MORE);
		kvmflip_test_piece(sender, KVMFLIP_TEST_IOVA, 20, KVMFLIP_TX_MORE);
		kvmflip_test_piece(sender, KVMFLIP_TEST_IOVA, 20, 0);
		kvmflip_test_send(sender);
		KUNIT_ASSERT_TRUE(test, kvmflip_test_completed(sender, &index));
		KUNIT_ASSERT_EQ(test, index, first);
		kvmflip_test_free(sender);
		KUNIT_ASSERT_EQ(test, kft_got(sender), 1);
		KUNIT_ASSERT_EQ(test, le32_to_cpu(sender->tx->cons), sender->prod);
	}
	KUNIT_EXPECT_EQ(test, sender->port->stats.v[KVMFLIP_A_STATS_TX_ERRORS], 0);
}

/**
 * struct kft_attack - indices that the guest cannot have
 * @name: of the case
 * @frames: good ones before it, all completed
 * @prod: what is added to the TX ring's prod
 * @cons: what is added to the completion ring's cons
 * @harmless: it can have these
 */
struct kft_attack {
	const char *name;
	u32 frames;
	u32 prod;
	u32 cons;
	bool harmless;
};

static const struct kft_attack kft_attacks[] = {
	{ "one too many", 0, KFT_NR + 1, 0 },
	{ "one too many later", 5, KFT_NR + 1, 0 },
	{ "back by one", 5, -1, 0 },
	{ "back to the beginning", 5, -5, 0 },
	{ "far ahead", 0, BIT(31), 0 },
	{ "nothing", 5, 0, 0, true },
	{ "completion ahead by one", 5, 1, 1 },
	{ "completion far ahead", 5, 1, BIT(31) },
	{ "completion not ahead", 5, 1, -1, true },
	{ "completion back by one", 5, 1, -2 },
	{ "completion back to the beginning", 5, 1, -5 },
	{ "one more frame", 5, 1, 0, true },
};

KUNIT_ARRAY_PARAM_DESC(kft_attack, kft_attacks, name);

static void kft_indices(struct kunit *test)
{
	const struct kft_attack *row = test->param_value;
	struct kvmflip_test_sender *sender = kvmflip_test_sender(test, KVMFLIP_F_TX |
								 KVMFLIP_F_CONFIG);
	struct kvmflip_port *port = sender->port;
	u32 i;

	for (i = 0; i < row->frames; i++) {
		kvmflip_test_packet(sender, KFT_LEN);
		kvmflip_test_send(sender);
		KUNIT_ASSERT_EQ(test, kft_completions(sender), 1);
		KUNIT_ASSERT_EQ(test, kft_got(sender), 1);
	}
	/* So that there is something where the index points. */
	for (i = row->frames; i < KFT_NR; i++)
		kvmflip_test_packet(sender, KFT_LEN);
	sender->reads = 0;
	memset(sender->interrupts, 0, sizeof(sender->interrupts));

	sender->prod = row->frames + row->prod;
	sender->txc->cons = cpu_to_le32(row->frames + row->cons);
	kvmflip_test_send(sender);
	if (row->harmless) {
		KUNIT_EXPECT_EQ(test, port->state, KVMFLIP_PORT_STATE_RUNNING);
		KUNIT_EXPECT_EQ(test, kft_got(sender), row->prod);
		return;
	}
	KUNIT_EXPECT_EQ(test, port->state, KVMFLIP_PORT_STATE_FAILED);
	KUNIT_EXPECT_EQ(test, sender->reads, 0);
	KUNIT_EXPECT_EQ(test, kft_got(sender), 0);
	KUNIT_EXPECT_EQ(test, sender->interrupts[KVMFLIP_VEC_CONFIG], 1);
	KUNIT_EXPECT_EQ(test, kvmflip_pci_read(port, KVMFLIP_REG_STATUS), 0x81);

	/* It stays so, whatever the guest does then but a reset. */
	sender->prod = row->frames + 1;
	sender->txc->cons = cpu_to_le32(row->frames);
	kvmflip_test_send(sender);
	KUNIT_EXPECT_EQ(test, sender->reads, 0);
	KUNIT_EXPECT_EQ(test, port->state, KVMFLIP_PORT_STATE_FAILED);
	kvmflip_port_reset(port);
	kvmflip_test_sender_start(sender, KVMFLIP_F_TX);
	kvmflip_test_packet(sender, KFT_LEN);
	kvmflip_test_send(sender);
	KUNIT_EXPECT_EQ(test, kft_got(sender), 1);
	KUNIT_EXPECT_EQ(test, kft_completions(sender), 1);
}

/* A guest that consumes no completion may send as many frames as there are entries. */
static void kft_overflow(struct kunit *test)
{
	struct kvmflip_test_sender *sender = kvmflip_test_sender(test, KVMFLIP_F_TX);
	u32 i;

	for (i = 0; i < KFT_NR; i++) {
		kvmflip_test_packet(sender, KFT_LEN);
		kvmflip_test_send(sender);
		KUNIT_ASSERT_EQ(test, sender->port->state, KVMFLIP_PORT_STATE_RUNNING);
		KUNIT_ASSERT_EQ(test, kft_got(sender), 1);
	}
	kvmflip_test_packet(sender, KFT_LEN);
	kvmflip_test_send(sender);
	KUNIT_EXPECT_EQ(test, sender->port->state, KVMFLIP_PORT_STATE_FAILED);
	KUNIT_EXPECT_EQ(test, kft_got(sender), 0);
	KUNIT_EXPECT_EQ(test, kft_completions(sender), KFT_NR);
}

/**
 * struct kft_event - when the guest wants to be interrupted
 * @name: of the case
 * @frames: that are completed at once
 * @event: index that it waits for
 * @interrupts: how many it gets
 */
struct kft_event {
	const char *name;
	u32 frames;
	u32 event;
	u32 interrupts;
};

static const struct kft_event kft_events[] = {
	{ "the next", 1, 0, 1 },
	{ "the next of some", 5, 0, 1 },
	{ "the last of some", 5, 4, 1 },
	{ "one later", 5, 5, 0 },
	{ "much later", 5, 1000, 0 },
	{ "long ago", 5, -1, 0 },
	{ "nothing happened", 0, 0, 0 },
	{ "in the second lot", 20, 17, 1 },
	{ "in the first lot", 20, 3, 1 },
};

KUNIT_ARRAY_PARAM_DESC(kft_event, kft_events, name);

static void kft_events_suppressed(struct kunit *test)
{
	const struct kft_event *row = test->param_value;
	struct kvmflip_test_sender *sender = kvmflip_test_sender(test, KVMFLIP_F_TX);
	u32 i, at = 0;

	/* As new, and where 16 bits wrap and where 32 do. */
	for (i = 0; i < 3; i++, at = i == 1 ? 0xfffe : -2) {
		kft_begin_at(sender, 3 * at, at);
		sender->txc->event = cpu_to_le32(at + row->event);
		memset(sender->interrupts, 0, sizeof(sender->interrupts));
		while (sender->prod - 3 * at < row->frames)
			kvmflip_test_packet(sender, KFT_LEN);
		kvmflip_test_send(sender);
		KUNIT_EXPECT_EQ(test, sender->interrupts[KVMFLIP_VEC_TX], row->interrupts);
		KUNIT_EXPECT_EQ(test, sender->interrupts[KVMFLIP_VEC_RX], 0);
		KUNIT_EXPECT_EQ(test, sender->interrupts[KVMFLIP_VEC_CONFIG], 0);
		KUNIT_EXPECT_EQ(test, kft_completions(sender), row->frames);
		kft_got(sender);
	}
}

/* Frames that come while others are being sent need no doorbell. */
static void kft_one_more(struct kvmflip_test_sender *sender)
{
	if (sender->prod == 10)
		return;
	kvmflip_test_packet(sender, KFT_LEN);
	kvmflip_test_show(sender);
}

static void kft_busy(struct kunit *test)
{
	struct kvmflip_test_sender *sender = kvmflip_test_sender(test, KVMFLIP_F_TX);

	sender->during = kft_one_more;
	kvmflip_test_packet(sender, KFT_LEN);
	kvmflip_test_send(sender);
	KUNIT_EXPECT_EQ(test, kft_got(sender), 10);
	KUNIT_EXPECT_EQ(test, kft_completions(sender), 10);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(sender->tx->event), 10);
}

/* What the host cannot take stays where it is, and it looks again by itself. */
static void kft_back_pressure(struct kunit *test)
{
	struct kvmflip_test_sender *sender = kvmflip_test_sender(test, KVMFLIP_F_TX);
	struct kvmflip_port *port = sender->port;

	kvmflip_test_packet(sender, KFT_LEN);
	kvmflip_test_packet(sender, KFT_LEN);
	sender->backlogged = true;
	kvmflip_test_send(sender);
	KUNIT_EXPECT_EQ(test, kft_got(sender), 0);

	/* The work asks the device itself, which has no backlog. */
	flush_delayed_work(&port->tx_work);
	KUNIT_EXPECT_EQ(test, port->state, KVMFLIP_PORT_STATE_RUNNING);
	KUNIT_EXPECT_EQ(test, kft_completions(sender), 2);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(sender->tx->event), 2);
}

/* More than are sent in one go, at a doorbell. */
static void kft_doorbell(struct kunit *test)
{
	struct kvmflip_test_sender *sender = kvmflip_test_sender(test, KVMFLIP_F_TX);
	struct kvmflip_port *port = sender->port;
	u32 i;

	for (i = 0; i < KFT_NR; i++)
		kvmflip_test_packet(sender, KFT_LEN);
	kvmflip_test_show(sender);
	kvmflip_pci_write(port, KVMFLIP_REG_DOORBELL, KVMFLIP_DB_TX);
	KUNIT_EXPECT_EQ(test, port->stats.v[KVMFLIP_A_STATS_DOORBELLS], 1);
	while (flush_delayed_work(&port->tx_work))
		;
	KUNIT_EXPECT_EQ(test, kft_completions(sender), KFT_NR);
	KUNIT_EXPECT_EQ(test, sender->reads, KFT_NR);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(sender->tx->event), KFT_NR);
}

/* A driver that does not send has no rings to send, whatever lies there. */
static void kft_not_accepted(struct kunit *test)
{
	struct kvmflip_test_sender *sender = kvmflip_test_sender(test, KVMFLIP_F_RX_CSUM |
								 KVMFLIP_F_CONFIG);
	struct kvmflip_port *port = sender->port;

	kvmflip_test_packet(sender, KFT_LEN);
	kvmflip_test_show(sender);
	kvmflip_pci_write(port, KVMFLIP_REG_DOORBELL, KVMFLIP_DB_TX);
	flush_delayed_work(&port->tx_work);
	kvmflip_test_send(sender);
	sender->prod = U32_MAX;
	kvmflip_test_send(sender);
	KUNIT_EXPECT_EQ(test, sender->reads, 0);
	KUNIT_EXPECT_EQ(test, kft_completions(sender), 0);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(sender->tx->event), 0);
	KUNIT_EXPECT_EQ(test, port->state, KVMFLIP_PORT_STATE_RUNNING);
	KUNIT_EXPECT_EQ(test, port->stats.v[KVMFLIP_A_STATS_DOORBELLS], 0);
}

/* What was there before the driver said that it is ready is sent then. */
static void kft_before_start(struct kunit *test)
{
	struct kvmflip_test_sender *sender = kvmflip_test_sender(test, KVMFLIP_F_TX);
	struct kvmflip_port *port = sender->port;

	kvmflip_port_reset(port);
	sender->prod = 0;
	kvmflip_pci_write(port, KVMFLIP_REG_ACCEPT, KVMFLIP_F_TX);
	kvmflip_test_packet(sender, KFT_LEN);
	kvmflip_test_show(sender);
	kvmflip_pci_write(port, KVMFLIP_REG_DOORBELL, KVMFLIP_DB_TX);
	flush_delayed_work(&port->tx_work);
	KUNIT_EXPECT_EQ(test, sender->reads, 0);
	kvmflip_pci_write(port, KVMFLIP_REG_STATUS, KVMFLIP_STATUS_DRIVER_OK);
	flush_delayed_work(&port->tx_work);
	KUNIT_EXPECT_EQ(test, sender->reads, 1);
	KUNIT_EXPECT_EQ(test, kft_completions(sender), 1);
}

/**
 * struct kft_end - a port that is reset or closed while a frame is read
 * @work: does it
 * @sender: whose port it is
 * @close: close it
 * @begun: the frame is being read
 * @go: read it
 * @done: it is closed or reset
 */
struct kft_end {
	struct work_struct work;
	struct kvmflip_test_sender *sender;
	bool close;
	struct completion begun;
	struct completion go;
	struct completion done;
};

static struct kft_end kft_end;

static void kft_end_work(struct work_struct *work)
{
	if (kft_end.close)
		kvmflip_port_close(kft_end.sender->port);
	else
		kvmflip_port_reset(kft_end.sender->port);
	complete(&kft_end.done);
}

static void kft_wait(struct kvmflip_test_sender *sender)
{
	complete(&kft_end.begun);
	wait_for_completion_timeout(&kft_end.go, 10 * HZ);
}

/* Begins to send two frames, and ends the port in the middle of the first. */
static void kft_end_port(struct kunit *test, struct kvmflip_test_sender *sender, bool close)
{
	struct kvmflip_port *port = sender->port;

	kft_end.sender = sender;
	kft_end.close = close;
	init_completion(&kft_end.begun);
	init_completion(&kft_end.go);
	init_completion(&kft_end.done);
	INIT_WORK(&kft_end.work, kft_end_work);
	sender->during = kft_wait;
	kvmflip_test_packet(sender, KFT_LEN);
	kvmflip_test_packet(sender, KFT_LEN);
	kvmflip_test_show(sender);
	kvmflip_pci_write(port, KVMFLIP_REG_DOORBELL, KVMFLIP_DB_TX);
	KUNIT_ASSERT_NE(test, wait_for_completion_timeout(&kft_end.begun, 10 * HZ), 0);

	queue_work(system_long_wq, &kft_end.work);
	/* Nobody else has to wait for the guest's memory. */
	KUNIT_EXPECT_EQ(test, wait_for_completion_timeout(&kft_end.done, HZ / 10), 0);
	KUNIT_EXPECT_EQ(test, kvmflip_pci_read(port, KVMFLIP_REG_MAGIC), KVMFLIP_PCI_MAGIC);
	KUNIT_EXPECT_TRUE(test, mutex_trylock(&port->return_lock));
	mutex_unlock(&port->return_lock);
	KUNIT_EXPECT_NOT_NULL(test, port->window.rings);

	sender->during = NULL;
	complete(&kft_end.go);
	KUNIT_EXPECT_NE(test, wait_for_completion_timeout(&kft_end.done, 10 * HZ), 0);
	KUNIT_EXPECT_FALSE(test, work_busy(&port->tx_work.work) && close);
}

static void kft_reset(struct kunit *test)
{
	struct kvmflip_test_sender *sender = kvmflip_test_sender(test,
								 KVMFLIP_TEST_TX_FEATURES);
	struct kvmflip_port *port = sender->port;
	u32 i;

	for (i = 0; i < 3; i++) {
		kft_end_port(test, sender, false);
		flush_delayed_work(&port->tx_work);
		KUNIT_EXPECT_NULL(test, memchr_inv(sender->tx, 0, sizeof(*sender->tx)));
		KUNIT_EXPECT_NULL(test, memchr_inv(sender->txc, 0, sizeof(*sender->txc)));
		KUNIT_EXPECT_EQ(test, port->features, 0);
		KUNIT_EXPECT_EQ(test, port->tx.cons, 0);
		KUNIT_EXPECT_EQ(test, port->txc.prod, 0);
		kvmflip_test_sender_start(sender, KVMFLIP_TEST_TX_FEATURES);
		kvmflip_test_packet(sender, KFT_LEN);
		kvmflip_test_send(sender);
		KUNIT_EXPECT_EQ(test, kft_got(sender), 1);
		KUNIT_EXPECT_EQ(test, kft_completions(sender), 1);
	}
}

static void kft_close(struct kunit *test)
{
	struct kvmflip_test_sender *sender = kvmflip_test_sender(test,
								 KVMFLIP_TEST_TX_FEATURES);
	struct kvmflip_port *port = sender->port;
	u32 i;

	for (i = 0; i < 3; i++) {
		kft_end_port(test, sender, true);
		KUNIT_EXPECT_EQ(test, port->state, KVMFLIP_PORT_STATE_CLOSED);
		KUNIT_EXPECT_FALSE(test, delayed_work_pending(&port->tx_work));
		KUNIT_EXPECT_EQ(test, port->features, 0);
		/* Work that comes after all finds that there is nothing to look at. */
		kvmflip_tx_work(&port->tx_work.work);

		kvmflip_test_sender_open(sender);
		kvmflip_test_sender_start(sender, KVMFLIP_TEST_TX_FEATURES);
		kvmflip_test_packet(sender, KFT_LEN);
		kvmflip_test_send(sender);
		KUNIT_EXPECT_EQ(test, kft_got(sender), 1);
		KUNIT_EXPECT_EQ(test, kft_completions(sender), 1);
	}
}

static int kft_waited;

static void kft_wait_for_ever(struct kvmflip_test_sender *sender)
{
	complete(&kft_end.begun);
	kft_waited = wait_for_completion_killable_timeout(&kft_end.go, 10 * HZ);
}

/* Memory that never comes, as of a VMM that is being killed, does not keep a port open. */
static void kft_close_unread(struct kunit *test)
{
	struct kvmflip_test_sender *sender = kvmflip_test_sender(test,
								 KVMFLIP_TEST_TX_FEATURES);
	u32 i;

	for (i = 0; i < 3; i++) {
		init_completion(&kft_end.begun);
		init_completion(&kft_end.go);
		sender->during = kft_wait_for_ever;
		kft_waited = 0;
		kvmflip_test_packet(sender, KFT_LEN);
		kvmflip_test_packet(sender, KFT_LEN);
		kvmflip_test_show(sender);
		kvmflip_pci_write(sender->port, KVMFLIP_REG_DOORBELL, KVMFLIP_DB_TX);
		KUNIT_ASSERT_NE(test, wait_for_completion_timeout(&kft_end.begun, 10 * HZ), 0);

		kvmflip_port_close(sender->port);
		KUNIT_EXPECT_EQ(test, kft_waited, -ERESTARTSYS);
		KUNIT_EXPECT_NULL(test, sender->port->reader);

		/* What comes next has not heard of it. */
		sender->during = NULL;
		kvmflip_test_sender_open(sender);
		kvmflip_test_sender_start(sender, KVMFLIP_TEST_TX_FEATURES);
		kvmflip_test_packet(sender, KFT_LEN);
		kvmflip_test_send(sender);
		KUNIT_EXPECT_EQ(test, kft_completions(sender), 1);
		KUNIT_EXPECT_FALSE(test, signal_pending(current));
	}
}

static struct kunit_case kft_cases[] = {
	KUNIT_CASE(kft_wrap),
	KUNIT_CASE_PARAM(kft_indices, kft_attack_gen_params),
	KUNIT_CASE(kft_overflow),
	KUNIT_CASE_PARAM(kft_events_suppressed, kft_event_gen_params),
	KUNIT_CASE(kft_busy),
	KUNIT_CASE(kft_back_pressure),
	KUNIT_CASE(kft_doorbell),
	KUNIT_CASE(kft_not_accepted),
	KUNIT_CASE(kft_before_start),
	KUNIT_CASE(kft_reset),
	KUNIT_CASE(kft_close),
	KUNIT_CASE(kft_close_unread),
	{}
};

static struct kunit_suite kft_suite = {
	.name = "kvmflip_tx_ring",
	.test_cases = kft_cases,
};

kunit_test_suite(kft_suite);
