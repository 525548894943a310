// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: a dedicated queue, or its guest, goes. */

#include <linux/workqueue.h>
#include <net/xdp_sock.h>

#include "../src/host/main.h"
#include "../src/host/reclaim.h"
#include "../src/host/serve.h"
#include "steered.h"

#define KFT_BUFFERS	KVMFLIP_STEERED_BUFFERS
#define KFT_TARGET	KVMFLIP_STEERED_TARGET
#define KFT_SLOTS	KVMFLIP_STEERED_SLOTS

static u64 kft_queue(const struct kvmflip_test_steered *kft, unsigned int counter)
{
	return kft->delta.v[counter];
}

static u64 kft_port(const struct kvmflip_test_steered *kft, unsigned int counter)
{
	return kft->port->stats.v[counter];
}

/* A buffer of each kind: idle, begun, given, and those that are posted. */
static struct kvmflip_buffer *kft_all_kinds(struct kunit *test, struct kvmflip_test_steered *kft)
{
	struct kvmflip_buffer *buf = kvmflip_steered_given(test, kft);

	kvmflip_steered_given(test, kft);
	kvmflip_steered_return(kft, buf->slot);
	kvmflip_steered_given(test, kft);
	kvmflip_steered_own(test, kft, 100);
	kvmflip_steered_serve(kft);
	return buf;
}

/* All buffers leave the guest; what the NIC has comes home by and by. */
static void kft_reset(struct kunit *test)
{
	struct kvmflip_test_steered *kft = kvmflip_steered(test);
	struct kvmflip_buffer *buf;
	u32 i, chunk;
	u8 *bytes;

	kft_all_kinds(test, kft);
	kvmflip_port_reset(kft->port);
	kvmflip_steered_states(test, kft, KFT_TARGET, 0, 0);
	KUNIT_EXPECT_EQ(test, kft->rxq->steer->lease.nr_idle, 0);
	KUNIT_EXPECT_EQ(test, kft->rxq->steer->lease.promised, 0);
	KUNIT_EXPECT_EQ(test, kft->port->leased, 0);

	/* The rest of the buffer that the guest knew of, and one that it did not. */
	for (i = 0; i < 3; i++)
		kvmflip_steered_own(test, kft, 100);
	kvmflip_steered_serve(kft);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_DROPPED_CLOSED), 3);
	kvmflip_steered_states(test, kft, KFT_TARGET, 0, 0);

	/* The guest is back: what the NIC has is copied, and replaced. */
	kvmflip_port_start(kft->port);
	for (i = 0; i < 2 * KFT_TARGET; i++) {
		chunk = kvmflip_steered_own(test, kft, 100);
		kvmflip_steered_serve(kft);
		KUNIT_EXPECT_NE(test, kvmflip_steered_buffer(kft, chunk)->dirty, kft->port->tenant);
	}
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_COPIED_MODE), 2 * KFT_TARGET);
	kvmflip_steered_states(test, kft, 0, KFT_TARGET, 0);
	/* Nothing of what the NIC wrote meanwhile is in what the guest sees. */
	for (i = 0; i < KFT_SLOTS; i++) {
		buf = kft->port->window.slot[i];
		if (!buf)
			continue;
		bytes = kvmflip_test_bytes(kft->pool, buf);
		KUNIT_EXPECT_NULL(test, memchr_inv(bytes, 0, PAGE_SIZE));
	}
	kvmflip_steered_given(test, kft);
}

/* The queue goes: the guest keeps what it was given, and no more. */
static void kft_detach(struct kunit *test)
{
	struct kvmflip_test_steered *kft = kvmflip_steered(test);
	u32 prod, slot;

	kft_all_kinds(test, kft);
	slot = kft->pool->table.buf[0].slot;
	prod = kvmflip_steered_prod(kft);
	kvmflip_lease_end(&kft->rxq->steer->lease);
	kft->ended = true;
	kvmflip_steered_states(test, kft, KFT_TARGET, 0, 2);
	/* It is told of the one that it knew of. */
	KUNIT_EXPECT_EQ(test, kvmflip_steered_prod(kft), prod + 1);
	KUNIT_EXPECT_EQ(test, kft->port->rx.prod, prod + 1);
	KUNIT_EXPECT_EQ(test, bitmap_weight(kft->port->window.revoked, KFT_SLOTS), 1);
	slot = find_first_bit(kft->port->window.revoked, KFT_SLOTS);
	kvmflip_steered_expect_desc(test, kft, prod, slot, 0, 0, KVMFLIP_RX_REVOKED);
	kvmflip_steered_return(kft, slot);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_BAD_RETURNS), 0);

	kvmflip_serve_drain(kft->rxq);
	kvmflip_steered_states(test, kft, 0, 0, 2);
	for (slot = 0; slot < KFT_SLOTS; slot++)
		if (kft->port->window.slot[slot])
			kvmflip_steered_return(kft, slot);
	kvmflip_steered_states(test, kft, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, kft->pool->nr_free, KFT_BUFFERS);
}

static void kft_reclaim(struct kunit *test)
{
	struct kvmflip_test_steered *kft = kvmflip_steered(test);
	struct kvmflip_buffer *given;
	int err;

	given = kvmflip_steered_given(test, kft);
	kft_all_kinds(test, kft);
	mutex_lock(&kvmflip_lock);
	err = kvmflip_reclaim(kft->port, U64_MAX & PAGE_MASK, NULL);
	mutex_unlock(&kvmflip_lock);
	KUNIT_EXPECT_EQ(test, err, 0);
	/* Only what the guest can return is asked for. */
	KUNIT_EXPECT_EQ(test, kft->port->owed, 3);
	KUNIT_EXPECT_EQ(test, kft->port->window.mapped - kft->port->leased, 3);
	kvmflip_steered_return(kft, given->slot);
	KUNIT_EXPECT_EQ(test, given->state, KVMFLIP_FREE);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_RETURNS), 2);
	/* And by force. */
	mod_delayed_work(system_wq, &kft->port->reclaim_work, 0);
	flush_delayed_work(&kft->port->reclaim_work);
	KUNIT_EXPECT_EQ(test, kft->port->owed, 0);
	KUNIT_EXPECT_EQ(test, kft->port->window.mapped, kft->port->leased);
	kvmflip_steered_states(test, kft, 0, kft->port->leased, 0);
	KUNIT_EXPECT_EQ(test, kft->rxq->buffers, KFT_TARGET);
}

/* Nobody is running: everything is posted, and in no window. */
static void kft_no_guest(struct kunit *test)
{
	struct kvmflip_test_steered *kft = kvmflip_steered_new(test, KFT_SLOTS);

	kvmflip_port_reset(kft->port);
	kvmflip_steered_start(test, kft);
	kvmflip_steered_states(test, kft, KFT_TARGET, 0, 0);
	kvmflip_steered_own(test, kft, 100);
	kvmflip_steered_own(test, kft, 100);
	kvmflip_steered_serve(kft);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_DROPPED_CLOSED), 2);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_RECYCLED), 1);
	kvmflip_steered_states(test, kft, KFT_TARGET, 0, 0);
	KUNIT_EXPECT_EQ(test, kft->rxq->buffers, KFT_TARGET);
}

/* Its driver is not believed any more: nothing is told, but all buffers come back. */
static void kft_distrusted(struct kunit *test)
{
	struct kvmflip_test_steered *kft = kvmflip_steered(test);
	struct xdp_sock *xs = kunit_kzalloc(test, sizeof(*xs), GFP_KERNEL);
	struct socket_wq *wq = kunit_kzalloc(test, sizeof(*wq), GFP_KERNEL);
	struct kvmflip_rxq *rxq = kft->rxq;
	u32 prod, i;

	KUNIT_ASSERT_NOT_NULL(test, xs);
	KUNIT_ASSERT_NOT_NULL(test, wq);
	init_waitqueue_head(&wq->wait);
	RCU_INIT_POINTER(xs->sk.sk_wq, wq);
	rxq->xsk.xs = xs;
	rxq->delivery.tally = &rxq->tally;
	KUNIT_ASSERT_EQ(test, kvmflip_serve_init(rxq), 0);
	add_wait_queue(&wq->wait, &rxq->wait);

	kvmflip_steered_own(test, kft, 100);
	kvmflip_steered_serve(kft);
	prod = kvmflip_steered_prod(kft);
	/* The rest of that buffer, all of another, and some of the next. */
	for (i = 0; i < 4; i++)
		kvmflip_steered_own(test, kft, 100);
	rxq->delivery.trust = KVMFLIP_TRUST_NONE;
	kvmflip_serve_stop(rxq);
	kft->ended = true;
	KUNIT_EXPECT_EQ(test, kvmflip_steered_prod(kft), prod);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_DROPPED_INVALID), 4);
	kvmflip_serve_drain(rxq);
	kvmflip_steered_states(test, kft, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, kft->pool->nr_free, KFT_BUFFERS);
	kvmflip_tally_destroy(&rxq->tally);
}

static struct kunit_case kft_cases[] = {
	KUNIT_CASE(kft_reset),
	KUNIT_CASE(kft_detach),
	KUNIT_CASE(kft_reclaim),
	KUNIT_CASE(kft_no_guest),
	KUNIT_CASE(kft_distrusted),
	{}
};

static struct kunit_suite kft_suite = {
	.name = "kvmflip_steer_end",
	.test_cases = kft_cases,
};

kunit_test_suite(kft_suite);
