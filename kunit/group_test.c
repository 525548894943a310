// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: full buffers of several ports, delivered together. */

#include <kunit/resource.h>
#include <linux/sizes.h>
#include <linux/time64.h>

#include "../src/host/main.h"
#include "queue.h"

#define KFT_PORTS	4
#define KFT_BUFFERS	24
#define KFT_SLOTS	6

/**
 * struct kft_group - ports of a pool, and a queue
 * @pool: the pool
 * @port: the ports, running
 * @queue: the queue
 * @chunks: in a buffer
 */
struct kft_group {
	struct kvmflip_pool *pool;
	struct kvmflip_port *port[KFT_PORTS];
	struct kvmflip_test_queue *queue;
	u32 chunks;
};

static struct kft_group *kft_group_of(struct kunit *test, u32 nr, u32 buffer_size, u32 chunk_size)
{
	static const char * const names[] = { "kunit-a", "kunit-b", "kunit-c", "kunit-d" };
	struct kft_group *kft = kunit_kzalloc(test, sizeof(*kft), GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, kft);
	kft->pool = kvmflip_test_pool_chunks(test, "kunit", nr, buffer_size, chunk_size);
	for (i = 0; i < KFT_PORTS; i++)
		kft->port[i] = kvmflip_test_port_running(test, names[i], kft->pool, KFT_SLOTS);
	kft->queue = kvmflip_test_queue(test, kft->pool);
	kft->chunks = buffer_size / chunk_size;
	return kft;
}

/* Buffers of two chunks. */
static struct kft_group *kft_group(struct kunit *test)
{
	return kft_group_of(test, KFT_BUFFERS, SZ_4K, SZ_2K);
}

/* A frame for a port; its length tells it from others. */
static void kft_arrive(struct kft_group *kft, struct kvmflip_buffer *buf, u32 n, u32 p, u32 len)
{
	kvmflip_test_arrive(kft->queue, kvmflip_test_chunk(kft->queue, buf, n), kft->port[p],
			    KVMFLIP_TEST_TAG(p), 256, len);
}

/* The next descriptor of a port is a frame of its own, that long, copied or not. */
static void kft_expect(struct kunit *test, struct kft_group *kft, u32 p, u32 len, bool copied)
{
	struct kvmflip_test_rx rx;

	KUNIT_ASSERT_TRUE(test, kvmflip_test_receive(kft->port[p], &rx));
	KUNIT_EXPECT_EQ(test, rx.len, len);
	KUNIT_EXPECT_EQ(test, rx.slot >= KFT_SLOTS, copied);
	KUNIT_ASSERT_NOT_NULL(test, rx.bytes);
	KUNIT_EXPECT_EQ(test, rx.bytes[0] & KVMFLIP_TEST_CLASS, KVMFLIP_TEST_TAG(p));
	KUNIT_EXPECT_NULL(test, memchr_inv(rx.bytes, rx.bytes[0], len));
}

static void kft_nothing_more(struct kunit *test, struct kft_group *kft)
{
	struct kvmflip_test_rx rx;
	u32 i;

	for (i = 0; i < KFT_PORTS; i++) {
		KUNIT_EXPECT_FALSE(test, kvmflip_test_receive(kft->port[i], &rx));
		kvmflip_test_sums(test, kft->port[i]->stats.v);
		KUNIT_EXPECT_EQ(test, kref_read(&kft->port[i]->ref), 1);
		KUNIT_EXPECT_EQ(test, kft->port[i]->share.held, kft->port[i]->window.mapped);
	}
	kvmflip_test_sums(test, kft->queue->delta.v);
	KUNIT_EXPECT_TRUE(test, bitmap_empty(kft->queue->tally.used, KVMFLIP_WAITERS));
	KUNIT_EXPECT_TRUE(test, list_empty(&kft->queue->full));
	kvmflip_test_states(test, &kft->pool->table);
}

static u64 kft_queue(const struct kft_group *kft, unsigned int counter)
{
	return kft->queue->delta.v[counter];
}

/* Each port gets its own frames, in order, and all in one go. */
static void kft_ports_interleaved(struct kunit *test)
{
	static const u8 order[] = { 0, 1, 2, 1, 1, 0, 2, 0, 1, 2, 0, 0 };
	struct kft_group *kft = kft_group_of(test, 32, SZ_4K, SZ_4K);
	u32 i, p;

	for (i = 0; i < ARRAY_SIZE(order); i++)
		kft_arrive(kft, kvmflip_test_post(test, kft->queue), 0, order[i], 100 + i);
	kvmflip_test_deliver(kft->queue);
	for (p = 0; p < 3; p++)
		for (i = 0; i < ARRAY_SIZE(order); i++)
			if (order[i] == p)
				kft_expect(test, kft, p, 100 + i, false);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_FLIPPED), ARRAY_SIZE(order));
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_IOTLB_SYNCS), 1);
	KUNIT_EXPECT_EQ(test, list_count_nodes(&kft->queue->free), ARRAY_SIZE(order));
	kft_nothing_more(test, kft);
}

static void kft_spares_run_out(struct kunit *test)
{
	struct kft_group *kft = kft_group_of(test, 17, SZ_4K, SZ_4K);
	u32 i;

	for (i = 0; i < 10; i++)
		kft_arrive(kft, kvmflip_test_post(test, kft->queue), 0, i % 2, 100 + i);
	kvmflip_test_deliver(kft->queue);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_FLIPPED), 7);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_COPIED_QUOTA), 3);
	KUNIT_EXPECT_EQ(test, list_count_nodes(&kft->queue->free), 7);
	KUNIT_EXPECT_EQ(test, list_count_nodes(&kft->queue->again), 3);
	for (i = 0; i < 10; i++)
		kft_expect(test, kft, i % 2, 100 + i, i >= 7);
	kft_nothing_more(test, kft);
}

/**
 * struct kft_synced - what is seen when the device's access ends
 * @kft: the ports
 * @syncs: how often that happens
 * @early: what was done too early
 */
struct kft_synced {
	struct kft_group *kft;
	u32 syncs;
	u32 early;
};

/* No guest has been told of anything since the last time, and nothing is cleaned. */
static void kft_synced(struct kvmflip_test_queue *queue)
{
	struct kvmflip_buffers *table = &queue->pool->table;
	struct kft_synced *seen = queue->arg;
	const struct kvmflip_meta *meta;
	u32 i, chunk;

	seen->syncs++;
	for (i = 0; i < KFT_PORTS; i++)
		seen->early += seen->kft->port[i]->rx.prod != seen->kft->port[i]->rx.published;
	for (i = 0; i < queue->delivery.nr; i++) {
		seen->early += queue->delivery.flip[i].buf->state != KVMFLIP_POSTED;
		chunk = kvmflip_test_chunk(queue, queue->delivery.flip[i].buf, 0);
		meta = (void *)(kvmflip_test_chunk_bytes(queue, chunk) +
				table->chunk[chunk].offset - sizeof(*meta));
		seen->early += meta->magic != KVMFLIP_META_MAGIC;
	}
}

/* First the device's access ends, then strays are copied, then the owner sees it. */
static void kft_stray(struct kunit *test)
{
	struct kft_group *kft = kft_group_of(test, 8, SZ_2M, SZ_4K);
	struct kvmflip_buffer *buf = kvmflip_test_post(test, kft->queue);
	struct kft_synced seen = { .kft = kft };
	u32 i;

	kft->queue->synced = kft_synced;
	kft->queue->arg = &seen;
	for (i = 0; i < 512; i++)
		kft_arrive(kft, buf, i, i % 8 == 7 ? 1 : 0, 300 + i);
	kvmflip_test_deliver(kft->queue);
	KUNIT_EXPECT_EQ(test, seen.syncs, 1);
	KUNIT_EXPECT_EQ(test, seen.early, 0);
	for (i = 0; i < 512; i++)
		kft_expect(test, kft, i % 8 == 7 ? 1 : 0, 300 + i, i % 8 == 7);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_FLIPPED), 448);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_COPIED_STRAY), 64);
	KUNIT_EXPECT_EQ(test, kft->port[0]->stats.v[KVMFLIP_A_STATS_FLIPS], 1);
	KUNIT_EXPECT_EQ(test, kft->port[0]->stats.v[KVMFLIP_A_STATS_BYTES_ZEROED], 64 * SZ_4K);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_REVOKES), 1);
	kft_nothing_more(test, kft);
}

/* Each has a stray in the other's buffer, so that neither can be mapped before the other. */
static void kft_crossing(struct kunit *test)
{
	struct kft_group *kft = kft_group(test);
	struct kvmflip_buffer *one = kvmflip_test_post(test, kft->queue);
	struct kvmflip_buffer *two = kvmflip_test_post(test, kft->queue);
	struct kft_synced seen = { .kft = kft };

	kft->queue->synced = kft_synced;
	kft->queue->arg = &seen;
	/* Ties, that whoever had the buffer wins. */
	one->dirty = kft->port[0]->tenant;
	two->dirty = kft->port[1]->tenant;
	kft_arrive(kft, one, 0, 0, 100);
	kft_arrive(kft, one, 1, 1, 101);
	kft_arrive(kft, two, 0, 0, 102);
	kft_arrive(kft, two, 1, 1, 103);
	kvmflip_test_deliver(kft->queue);
	KUNIT_EXPECT_EQ(test, seen.syncs, 2);
	KUNIT_EXPECT_EQ(test, seen.early, 0);
	KUNIT_EXPECT_PTR_EQ(test, one->holder, (void *)kft->port[0]);
	KUNIT_EXPECT_PTR_EQ(test, two->holder, (void *)kft->port[1]);
	kft_expect(test, kft, 0, 100, false);
	kft_expect(test, kft, 0, 102, true);
	kft_expect(test, kft, 1, 101, true);
	kft_expect(test, kft, 1, 103, false);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_COPIED_STRAY), 2);
	kft_nothing_more(test, kft);
}

/* A stray of who has a buffer already, and whose turn comes after the other one's. */
static void kft_stray_of_owner(struct kunit *test)
{
	struct kft_group *kft = kft_group(test);
	struct kvmflip_buffer *one = kvmflip_test_post(test, kft->queue);
	struct kvmflip_buffer *two = kvmflip_test_post(test, kft->queue);

	two->dirty = kft->port[1]->tenant;
	kft_arrive(kft, kvmflip_test_post(test, kft->queue), 0, 1, 100);
	kft_arrive(kft, one, 0, 0, 101);
	kft_arrive(kft, one, 1, 0, 102);
	kft_arrive(kft, two, 0, 1, 103);
	kft_arrive(kft, two, 1, 0, 104);
	kvmflip_test_deliver(kft->queue);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_IOTLB_SYNCS), 2);
	kft_expect(test, kft, 0, 101, false);
	kft_expect(test, kft, 0, 102, false);
	kft_expect(test, kft, 0, 104, true);
	kft_expect(test, kft, 1, 100, true);
	kft_expect(test, kft, 1, 103, false);
	kft_nothing_more(test, kft);
}

/* A buffer for somebody of whom there is a stray in one before. */
static void kft_owner_of_stray(struct kunit *test)
{
	struct kft_group *kft = kft_group(test);
	struct kvmflip_buffer *one = kvmflip_test_post(test, kft->queue);
	struct kvmflip_buffer *two = kvmflip_test_post(test, kft->queue);

	one->dirty = kft->port[0]->tenant;
	kft_arrive(kft, one, 0, 0, 100);
	kft_arrive(kft, one, 1, 1, 101);
	kft_arrive(kft, two, 0, 1, 102);
	kft_arrive(kft, two, 1, 1, 103);
	kvmflip_test_deliver(kft->queue);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_IOTLB_SYNCS), 2);
	kft_expect(test, kft, 0, 100, false);
	kft_expect(test, kft, 1, 101, true);
	kft_expect(test, kft, 1, 102, false);
	kft_expect(test, kft, 1, 103, false);
	kft_nothing_more(test, kft);
}

/* Strays of somebody who owns none of them keep nobody waiting. */
static void kft_not_crossing(struct kunit *test)
{
	struct kft_group *kft = kft_group(test);
	struct kvmflip_buffer *one = kvmflip_test_post(test, kft->queue);
	struct kvmflip_buffer *two = kvmflip_test_post(test, kft->queue);

	one->dirty = kft->port[0]->tenant;
	two->dirty = kft->port[1]->tenant;
	kft_arrive(kft, one, 0, 0, 100);
	kft_arrive(kft, one, 1, 2, 101);
	kft_arrive(kft, two, 0, 2, 102);
	kft_arrive(kft, two, 1, 1, 103);
	kvmflip_test_deliver(kft->queue);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_IOTLB_SYNCS), 1);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_REVOKES), 2);
	kft_expect(test, kft, 0, 100, false);
	kft_expect(test, kft, 2, 101, true);
	kft_expect(test, kft, 2, 102, true);
	kft_expect(test, kft, 1, 103, false);
	kft_nothing_more(test, kft);
}

/* What lies in a buffer that nobody gets is copied all the same. */
static void kft_nobody(struct kunit *test)
{
	struct kft_group *kft = kft_group_of(test, 8, SZ_2M, SZ_4K);
	struct kvmflip_buffer *buf = kvmflip_test_post(test, kft->queue);
	u32 i;

	for (i = 0; i < 512; i++)
		if (i % 3 < 2)
			kft_arrive(kft, buf, i, i % 3, 300 + i);
		else
			kvmflip_test_complete(kft->queue, kvmflip_test_chunk(kft->queue, buf, i));
	for (i = 0; i < KFT_PORTS; i++)
		kft->port[i]->config.copybreak = 0;
	kvmflip_test_deliver(kft->queue);
	/* A third is enough for the one who comes first. */
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_FLIPPED), 171);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_COPIED_STRAY), 171);
	for (i = 0; i < 512; i++)
		if (i % 3 < 2)
			kft_expect(test, kft, i % 3, 300 + i, i % 3);
	kft_nothing_more(test, kft);

	buf = kvmflip_test_post(test, kft->queue);
	for (i = 0; i < 512; i++)
		kft_arrive(kft, buf, i, i % KFT_PORTS, 300 + i);
	kvmflip_test_deliver(kft->queue);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_FLIPPED), 171);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_COPIED_STRAY), 171 + 512);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_RECYCLED), 1);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_REVOKES), 1);
	KUNIT_EXPECT_EQ(test, buf->dirty, KVMFLIP_DIRTY);
	for (i = 0; i < 512; i++)
		kft_expect(test, kft, i % KFT_PORTS, 300 + i, true);
	kft_nothing_more(test, kft);
}

/* What the first port's guest was told with a frame. */
static u32 kft_flags(const struct kft_group *kft, u32 n)
{
	const struct kvmflip_rx_desc *desc = kft->port[0]->rx.entries;

	return le32_to_cpu(desc[n].flags);
}

/* Frames of a port in a buffer that fills later come before those behind them. */
static void kft_order_kept(struct kunit *test)
{
	struct kft_group *kft = kft_group(test);
	struct kvmflip_buffer *one = kvmflip_test_post(test, kft->queue);
	struct kvmflip_buffer *two = kvmflip_test_post(test, kft->queue);

	kft_arrive(kft, one, 0, 0, 100);
	kft_arrive(kft, two, 0, 0, 101);
	kft_arrive(kft, one, 1, 0, 102);
	kvmflip_test_deliver(kft->queue);
	kft_expect(test, kft, 0, 100, false);
	kft_expect(test, kft, 0, 101, true);
	kft_expect(test, kft, 0, 102, false);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_COPIED_LATENCY), 1);

	/* What was copied is not named again, nor waited for by the last flag. */
	kft_arrive(kft, two, 1, 0, 103);
	kvmflip_test_deliver(kft->queue);
	kft_expect(test, kft, 0, 103, false);
	/* Just the last frame of a buffer, or of a bounce slot, is said to be that. */
	KUNIT_EXPECT_EQ(test, kft_flags(kft, 0), 0);
	KUNIT_EXPECT_EQ(test, kft_flags(kft, 2), KVMFLIP_RX_LAST);
	KUNIT_EXPECT_EQ(test, kft_flags(kft, 3), KVMFLIP_RX_LAST);
	kft_nothing_more(test, kft);
}

/* A port's frames behind the group are left for the next one. */
static void kft_left_behind(struct kunit *test)
{
	struct kft_group *kft = kft_group(test);
	struct kvmflip_buffer *one = kvmflip_test_post(test, kft->queue);
	struct kvmflip_buffer *two = kvmflip_test_post(test, kft->queue);
	struct kvmflip_test_rx rx;

	kft->queue->delivery.now = 5;
	kft_arrive(kft, one, 0, 0, 100);
	kft_arrive(kft, one, 1, 0, 101);
	kft_arrive(kft, two, 0, 0, 102);
	kvmflip_test_deliver(kft->queue);
	kft_expect(test, kft, 0, 100, false);
	kft_expect(test, kft, 0, 101, false);
	KUNIT_EXPECT_FALSE(test, kvmflip_test_receive(kft->port[0], &rx));
	KUNIT_EXPECT_EQ(test, kref_read(&kft->port[0]->ref), 2);
	kvmflip_deliver_all(&kft->queue->delivery);
	kft_expect(test, kft, 0, 102, true);
	kft_nothing_more(test, kft);
}

/* Sets how fast buffers fill, and a port's patience. */
static void kft_patience(struct kft_group *kft, u32 p, u64 frame_ns, u32 latency)
{
	kft->queue->tally.steady_ns = frame_ns;
	kft->port[p]->config.latency = latency;
}

static u64 kft_due(struct kft_group *kft, u64 now)
{
	kft->queue->delivery.now = now;
	return kvmflip_deliver_due(&kft->queue->delivery);
}

/* Frames wait as long as they may, each port's its own time. */
static void kft_latency(struct kunit *test)
{
	struct kft_group *kft = kft_group(test);
	struct kvmflip_buffer *one = kvmflip_test_post(test, kft->queue);
	struct kvmflip_buffer *two = kvmflip_test_post(test, kft->queue);
	struct kvmflip_test_rx rx;
	u64 ms = NSEC_PER_MSEC;

	kft_patience(kft, 0, 100, 1000);
	kft_patience(kft, 1, 100, 3000);
	KUNIT_EXPECT_EQ(test, kft_due(kft, ms), U64_MAX);
	kft_arrive(kft, one, 0, 0, 100);
	KUNIT_EXPECT_EQ(test, kft_due(kft, ms), ms);
	kft->queue->delivery.now = ms + 1000;
	kft_arrive(kft, two, 0, 1, 101);
	KUNIT_EXPECT_EQ(test, kft_due(kft, ms + 1000), ms - 1000);
	KUNIT_EXPECT_EQ(test, kft_due(kft, 2 * ms - 1), 1);
	KUNIT_EXPECT_FALSE(test, kvmflip_test_receive(kft->port[0], &rx));
	KUNIT_EXPECT_EQ(test, kft_due(kft, 2 * ms), 2 * ms + 1000);
	kft_expect(test, kft, 0, 100, true);
	KUNIT_EXPECT_FALSE(test, kvmflip_test_receive(kft->port[1], &rx));
	KUNIT_EXPECT_EQ(test, kft_due(kft, 9 * ms), U64_MAX);
	kft_expect(test, kft, 1, 101, true);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_COPIED_LATENCY), 2);
	kft_nothing_more(test, kft);
}

/* Where a buffer does not fill in time nobody waits for it. */
static void kft_slow(struct kunit *test)
{
	struct kft_group *kft = kft_group(test);
	struct kvmflip_buffer *buf = kvmflip_test_post(test, kft->queue);

	kft_patience(kft, 0, NSEC_PER_MSEC, 1000);
	kft_patience(kft, 1, NSEC_PER_MSEC, 2000);
	kft_arrive(kft, buf, 0, 0, 100);
	kft_arrive(kft, buf, 1, 1, 101);
	list_del_init(&buf->list);
	KUNIT_EXPECT_EQ(test, kft_due(kft, 1), 2 * NSEC_PER_MSEC);
	kft_expect(test, kft, 0, 100, true);
	kft->queue->delivery.iommu = NULL;
	KUNIT_EXPECT_EQ(test, kft_due(kft, 1), U64_MAX);
	kft_expect(test, kft, 1, 101, true);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_COPIED_LATENCY), 1);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_COPIED_MODE), 1);
	kft_nothing_more(test, kft);
}

/* Others' buffers that fill do not make a frame wait longer than it may. */
static void kft_not_starved(struct kunit *test)
{
	struct kft_group *kft = kft_group(test);
	struct kvmflip_buffer *mine = kvmflip_test_post(test, kft->queue);
	struct kvmflip_buffer *buf[4];
	u32 i;

	kft_patience(kft, 0, 100, 1000);
	kft_patience(kft, 1, 100, 1000);
	for (i = 0; i < 4; i++)
		buf[i] = kvmflip_test_post(test, kft->queue);
	kft->queue->delivery.now = 1;
	kft_arrive(kft, buf[3], 0, 1, 102);
	kft_arrive(kft, mine, 0, 0, 100);
	/* These hold nothing that waits, so the group ends before mine. */
	for (i = 0; i < 3; i++) {
		kft->queue->delivery.now = 1 + (i + 1) * 300000;
		kvmflip_test_complete(kft->queue, kvmflip_test_chunk(kft->queue, buf[i], 0));
		kvmflip_test_complete(kft->queue, kvmflip_test_chunk(kft->queue, buf[i], 1));
		kvmflip_test_deliver(kft->queue);
	}
	KUNIT_EXPECT_EQ(test, kft_due(kft, NSEC_PER_MSEC), 1);
	KUNIT_EXPECT_EQ(test, kft_due(kft, NSEC_PER_MSEC + 1), U64_MAX);
	kft_expect(test, kft, 0, 100, true);
	kft_expect(test, kft, 1, 102, true);
	kft_nothing_more(test, kft);
}

/* A frame in whose place there is another port's by the time it is copied. */
static void kft_changed(struct kunit *test)
{
	struct kft_group *kft = kft_group(test);
	struct kvmflip_buffer *buf = kvmflip_test_post(test, kft->queue);
	struct kvmflip_meta *meta = (void *)(kvmflip_test_bytes(kft->pool, buf) + 240);

	kft_arrive(kft, buf, 0, 1, 100);
	meta->gen = kft->port[2]->gen;
	kft_arrive(kft, buf, 1, 0, 101);
	kvmflip_test_deliver(kft->queue);
	KUNIT_EXPECT_EQ(test, kft->port[1]->stats.v[KVMFLIP_A_STATS_DROPPED_INVALID], 1);
	kft_expect(test, kft, 0, 101, false);
	kft_nothing_more(test, kft);
}

/* More full buffers than go into a group. */
static void kft_many(struct kunit *test)
{
	struct kft_group *kft = kft_group_of(test, 200, SZ_4K, SZ_4K);
	u32 i;

	for (i = 0; i < KVMFLIP_FLIPS + 30; i++)
		kft_arrive(kft, kvmflip_test_post(test, kft->queue), 0, i % 4, 100 + i);
	kvmflip_test_deliver(kft->queue);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_FLIPPED), KFT_PORTS * KFT_SLOTS);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_COPIED_QUOTA),
			KVMFLIP_FLIPS + 30 - KFT_PORTS * KFT_SLOTS);
	for (i = 0; i < KVMFLIP_FLIPS + 30; i++)
		kft_expect(test, kft, i % 4, 100 + i, i >= KFT_PORTS * KFT_SLOTS);
	KUNIT_EXPECT_EQ(test, list_count_nodes(&kft->queue->free) +
			list_count_nodes(&kft->queue->again), KVMFLIP_FLIPS + 30);
	kft_nothing_more(test, kft);
}

/* There is space for the frames of one buffer and one more: two buffers are one too many. */
static void kft_little_space(struct kunit *test)
{
	struct kft_group *kft = kft_group(test);
	struct kvmflip_port *port = kft->port[0];
	struct kvmflip_test_rx rx;
	u32 i;

	kvmflip_port_lock(port);
	while (kvmflip_port_rx_space(port) > 3)
		kvmflip_rx_put(&port->rx, 0, 0, 0, 0);
	kvmflip_port_unlock(port);
	for (i = 0; i < 2; i++) {
		struct kvmflip_buffer *buf = kvmflip_test_post(test, kft->queue);

		kft_arrive(kft, buf, 0, 0, 100 + 2 * i);
		kft_arrive(kft, buf, 1, 0, 101 + 2 * i);
	}
	kvmflip_test_deliver(kft->queue);
	KUNIT_EXPECT_EQ(test, port->window.mapped, 1);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_FLIPPED), 2);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_COPIED_QUOTA), 1);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_DROPPED_RING_FULL), 1);
	KUNIT_EXPECT_EQ(test, kvmflip_ring_space(&port->rx), port->window.nr);
	do {
		KUNIT_ASSERT_TRUE(test, kvmflip_test_receive(port, &rx));
	} while (!rx.len);
	KUNIT_EXPECT_EQ(test, rx.len, 100);
	kft_expect(test, kft, 0, 101, false);
	kft_expect(test, kft, 0, 102, true);
	kft_nothing_more(test, kft);
}

/* A port that gets no buffer because there is none makes another one pay. */
static void kft_presses(struct kunit *test)
{
	struct kft_group *kft = kft_group_of(test, KFT_SLOTS + 1, SZ_4K, SZ_4K);
	u32 i;

	disable_delayed_work_sync(&kft->port[1]->reclaim_work);
	for (i = 0; i < KFT_SLOTS; i++)
		kvmflip_test_hold(test, kft->port[1]);
	kft_arrive(kft, kvmflip_test_post(test, kft->queue), 0, 0, 100);
	kvmflip_test_deliver(kft->queue);
	flush_workqueue(kvmflip_wq);
	KUNIT_EXPECT_EQ(test, kft->port[1]->owed, 1);
	kft_expect(test, kft, 0, 100, true);
	kft_nothing_more(test, kft);
}

static struct kunit_case kft_cases[] = {
	KUNIT_CASE(kft_ports_interleaved),
	KUNIT_CASE(kft_spares_run_out),
	KUNIT_CASE(kft_stray),
	KUNIT_CASE(kft_crossing),
	KUNIT_CASE(kft_stray_of_owner),
	KUNIT_CASE(kft_owner_of_stray),
	KUNIT_CASE(kft_not_crossing),
	KUNIT_CASE(kft_nobody),
	KUNIT_CASE(kft_order_kept),
	KUNIT_CASE(kft_left_behind),
	KUNIT_CASE(kft_latency),
	KUNIT_CASE(kft_slow),
	KUNIT_CASE(kft_not_starved),
	KUNIT_CASE(kft_changed),
	KUNIT_CASE(kft_many),
	KUNIT_CASE(kft_little_space),
	KUNIT_CASE(kft_presses),
	{}
};

static struct kunit_suite kft_suite = {
	.name = "kvmflip_group",
	.test_cases = kft_cases,
};

kunit_test_suite(kft_suite);
