// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: a guest that sends, and what comes out at the host's side. */

#include <kunit/resource.h>
#include <kunit/static_stub.h>
#include <kunit/test-bug.h>

#include "../src/host/layout.h"
#include "../src/host/netdev.h"
#include "../src/host/tx.h"
#include "sender.h"

/* For these the test is not asked in the threads of work queues. */
static void kft_receive(struct kvmflip_port *port, struct sk_buff *skb)
{
	struct kvmflip_test_sender *sender = kunit_get_current_test()->priv;

	skb_queue_tail(&sender->got, skb);
}

static bool kft_backlogged(const struct kvmflip_port *port)
{
	struct kvmflip_test_sender *sender = kunit_get_current_test()->priv;

	return sender->backlogged;
}

static void kft_notify(struct kvmflip_port *port, u32 vector)
{
	struct kvmflip_test_sender *sender = kunit_get_current_test()->priv;

	kvmflip_port_assert_locked(port);
	sender->interrupts[vector]++;
}

static int kft_read(void *arg, u64 iova, void *buf, size_t len)
{
	struct kvmflip_test_sender *sender = arg;

	sender->reads++;
	if (sender->during)
		sender->during(sender);
	if (!len || len > KVMFLIP_TEST_MEM || iova < KVMFLIP_TEST_IOVA ||
	    iova - KVMFLIP_TEST_IOVA > KVMFLIP_TEST_MEM - len)
		return -EFAULT;
	memcpy(buf, sender->mem + (iova - KVMFLIP_TEST_IOVA), len);
	return 0;
}

static void kft_purge(void *data)
{
	skb_queue_purge(data);
}

/**
 * kvmflip_test_sender_open - open the port of a guest
 * @sender: guest whose port is closed
 */
void kvmflip_test_sender_open(struct kvmflip_test_sender *sender)
{
	struct kvmflip_vmm vmm = {
		.mapping = sender->mapping,
		.base = KVMFLIP_TEST_BASE,
		.read = kft_read,
		.arg = sender,
	};
	struct kvmflip_port *port = sender->port;

	KUNIT_ASSERT_EQ(sender->test, kvmflip_port_open(port, &vmm), 0);
	sender->tx = port->window.rings + kvmflip_layout_tx_off(port);
	sender->txc = port->window.rings + kvmflip_layout_txc_off(port);
}

/**
 * kvmflip_test_sender_start - start the driver of a guest
 * @sender: guest whose port was opened or reset
 * @features: what the driver accepts
 */
void kvmflip_test_sender_start(struct kvmflip_test_sender *sender, u32 features)
{
	struct kvmflip_port *port = sender->port;

	sender->prod = 0;
	sender->cons = 0;
	kvmflip_port_lock(port);
	port->features = features;
	kvmflip_port_unlock(port);
	kvmflip_port_start(port);
	KUNIT_ASSERT_EQ(sender->test, port->state, KVMFLIP_PORT_STATE_RUNNING);
	/* It looks once on its own; from now on it is called by the test alone. */
	flush_delayed_work(&port->tx_work);
}

/**
 * kvmflip_test_sender - make a guest that sends
 * @test: at the end of which it is gone; its priv is the guest
 * @features: what its driver accepts
 *
 * Return: guest whose driver is running.
 */
struct kvmflip_test_sender *kvmflip_test_sender(struct kunit *test, u32 features)
{
	struct kvmflip_test_sender *sender = kunit_kzalloc(test, sizeof(*sender), GFP_KERNEL);
	struct kvmflip_pool *pool;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, sender);
	test->priv = sender;
	sender->test = test;
	sender->mem = kunit_kmalloc(test, KVMFLIP_TEST_MEM, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, sender->mem);
	for (i = 0; i < KVMFLIP_TEST_MEM; i++)
		sender->mem[i] = i ^ i >> 8 ^ i >> 16;
	skb_queue_head_init(&sender->got);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, kft_purge, &sender->got), 0);
	kunit_activate_static_stub(test, kvmflip_netdev_receive, kft_receive);
	kunit_activate_static_stub(test, kvmflip_netdev_backlogged, kft_backlogged);
	kunit_activate_static_stub(test, kvmflip_port_notify, kft_notify);

	sender->mapping = kvmflip_test_mapping(test);
	pool = kvmflip_test_pool(test, "kunit", 16);
	sender->port = kvmflip_test_port(test, "kunit-a", pool, 8);
	kvmflip_test_sender_open(sender);
	kvmflip_test_sender_start(sender, features);
	return sender;
}

static struct kvmflip_tx_desc *kft_next(struct kvmflip_test_sender *sender)
{
	struct kvmflip_tx_desc *entries = (void *)sender->tx + KVMFLIP_RING_ENTRIES_OFF;

	return &entries[sender->prod++ % KVMFLIP_TX_ENTRIES];
}

/**
 * kvmflip_test_piece - write an entry into the TX ring
 * @sender: guest
 * @addr: of the piece
 * @len: of the piece
 * @flags: KVMFLIP_TX_*
 */
void kvmflip_test_piece(struct kvmflip_test_sender *sender, u64 addr, u32 len, u32 flags)
{
	*kft_next(sender) = (struct kvmflip_tx_desc) {
		.addr = cpu_to_le64(addr),
		.len = cpu_to_le32(len),
		.flags = cpu_to_le32(flags),
	};
}

/**
 * kvmflip_test_header - write a header into the TX ring
 * @sender: guest
 * @net: what is to be done with the frame
 * @flags: KVMFLIP_TX_*
 */
void kvmflip_test_header(struct kvmflip_test_sender *sender, const struct kvmflip_net_hdr *net,
			 u32 flags)
{
	struct kvmflip_tx_hdr hdr = { .net = *net, .flags = cpu_to_le32(flags) };

	memcpy(kft_next(sender), &hdr, sizeof(hdr));
}

/**
 * kvmflip_test_packet - write a good frame of one piece into the TX ring
 * @sender: guest
 * @len: bytes of it
 *
 * Return: index of its entry.
 */
u32 kvmflip_test_packet(struct kvmflip_test_sender *sender, u32 len)
{
	u32 index = sender->prod;

	kvmflip_test_piece(sender, KVMFLIP_TEST_IOVA, len, 0);
	return index;
}

/**
 * kvmflip_test_show - show the host what was written, without a doorbell
 * @sender: guest
 */
void kvmflip_test_show(struct kvmflip_test_sender *sender)
{
	/* Pairs with kvmflip_tx_ready(). */
	smp_store_release(&sender->tx->prod, cpu_to_le32(sender->prod));
}

/**
 * kvmflip_test_send - show the host what was written, and have it look
 * @sender: guest
 */
void kvmflip_test_send(struct kvmflip_test_sender *sender)
{
	kvmflip_test_show(sender);
	kvmflip_tx_work(&sender->port->tx_work.work);
}

/**
 * kvmflip_test_completed - look at a completion
 * @sender: guest, which does not consume it
 * @index: where to put the index of the frame
 *
 * Return: false if there is none.
 */
bool kvmflip_test_completed(struct kvmflip_test_sender *sender, u32 *index)
{
	const __le32 *entries = (void *)sender->txc + KVMFLIP_RING_ENTRIES_OFF;
	/* Pairs with kvmflip_ring_publish(). */
	u32 prod = le32_to_cpu(smp_load_acquire(&sender->txc->prod));

	if (prod == sender->cons)
		return false;
	*index = le32_to_cpu(entries[sender->cons++ % KVMFLIP_TX_ENTRIES]);
	return true;
}

/**
 * kvmflip_test_free - consume the completions that were looked at
 * @sender: guest
 */
void kvmflip_test_free(struct kvmflip_test_sender *sender)
{
	/* Pairs with kvmflip_ring_space(). */
	smp_store_release(&sender->txc->cons, cpu_to_le32(sender->cons));
}

static void kft_free_skb(void *data)
{
	kfree_skb(data);
}

/**
 * kvmflip_test_got - the next packet that came out
 * @sender: guest
 *
 * Return: packet, which goes away with the test, or NULL.
 */
struct sk_buff *kvmflip_test_got(struct kvmflip_test_sender *sender)
{
	struct sk_buff *skb = skb_dequeue(&sender->got);

	if (skb)
		KUNIT_ASSERT_EQ(sender->test,
				kunit_add_action_or_reset(sender->test, kft_free_skb, skb), 0);
	return skb;
}
