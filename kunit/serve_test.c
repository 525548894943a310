// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: serving a queue: completions in, free buffers out. */

#include <kunit/resource.h>
#include <linux/bitmap.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/if_xdp.h>
#include <linux/poll.h>
#include <linux/prandom.h>
#include <linux/sizes.h>

#include "../src/host/lease.h"
#include "../src/host/serve.h"
#include "nic.h"

#define KFT_BUFFERS	KVMFLIP_TEST_BUFFERS
#define KFT_SLOTS	KVMFLIP_TEST_SLOTS
#define KFT_TARGET	KVMFLIP_TEST_TARGET
#define KFT_QUEUE	KVMFLIP_TEST_QUEUE
#define KFT_RING	KVMFLIP_TEST_RING
#define KFT_CHUNKS	KVMFLIP_TEST_CHUNKS
#define KFT_AT		KVMFLIP_TEST_AT

static void kft_stop(void *data)
{
	kvmflip_serve_stop(data);
}

static void kft_start(struct kunit *test, struct kvmflip_test_nic *kft, u64 dirty)
{
	struct kvmflip_buffer *buf;
	LIST_HEAD(bufs);

	KUNIT_ASSERT_EQ(test, kvmflip_pool_take(kft->pool, &bufs, KFT_TARGET), KFT_TARGET);
	list_for_each_entry(buf, &bufs, list)
		buf->dirty = dirty;
	kvmflip_serve_start(&kft->rxq, &bufs);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, kft_stop, &kft->rxq), 0);
	flush_work(&kft->rxq.work);
}

static struct kvmflip_test_nic *kft_serving(struct kunit *test)
{
	struct kvmflip_test_nic *kft = kvmflip_test_nic(test);

	kft_start(test, kft, KVMFLIP_CLEAN);
	return kft;
}

/* The driver takes what is in the fill ring, which nobody else may have. */
static void kft_take(struct kvmflip_test_nic *kft)
{
	const u64 *desc = kft->rxq.xsk.fill.desc;
	u32 chunk;

	for (; kft->fill.consumer != kft->fill.producer; kft->fill.consumer++) {
		chunk = desc[kft->fill.consumer % KFT_RING] >> 11;
		if (desc[kft->fill.consumer % KFT_RING] != KFT_AT(chunk, 0) ||
		    chunk >= KFT_CHUNKS || test_bit(chunk, kft->owned) ||
		    kvmflip_buffer_of(&kft->pool->table, chunk)->state != KVMFLIP_POSTED) {
			kft->wrong++;
			continue;
		}
		__set_bit(chunk, kft->owned);
	}
}

static void kft_announce(struct kvmflip_test_nic *kft, u64 addr, u32 len)
{
	struct xdp_desc *desc = kft->rxq.xsk.rx.desc;

	desc += kft->rx.producer % KFT_RING;
	desc->addr = addr;
	desc->len = len;
	desc->options = 0;
	/* Pairs with the acquire of who takes it. */
	smp_store_release(&kft->rx.producer, kft->rx.producer + 1);
}

static void kft_wake(struct kvmflip_test_nic *kft)
{
	wake_up(&kft->wq.wait);
	flush_work(&kft->rxq.arrive);
	flush_work(&kft->rxq.work);
}

/* The driver receives a frame for the port, into a chunk that it has. */
static void kft_receive_in(struct kvmflip_test_nic *kft, u32 chunk, u32 len)
{
	struct kvmflip_meta meta = kvmflip_test_meta(kft->port);
	u8 *bytes;

	if (chunk >= KFT_CHUNKS || !test_bit(chunk, kft->owned)) {
		kft->wrong++;
		return;
	}
	__clear_bit(chunk, kft->owned);
	bytes = kvmflip_test_chunk_bytes(kft->test, chunk);
	memset(bytes + 256, KVMFLIP_TEST_TAG(0), len);
	memcpy(bytes + 256 - sizeof(meta), &meta, sizeof(meta));
	kft_announce(kft, KFT_AT(chunk, 256), len);
}

/* The same, into the next one. */
static void kft_receive(struct kvmflip_test_nic *kft, u32 len)
{
	kft_receive_in(kft, find_first_bit(kft->owned, KFT_CHUNKS), len);
}

/* The guest takes what there is, and returns what it may if it is told to. */
static u32 kft_consume(struct kvmflip_test_nic *kft, bool give_back)
{
	struct kvmflip_test_rx rx;
	u32 n = 0;

	for (; kvmflip_test_receive(kft->port, &rx); n++) {
		if (!rx.bytes || memchr_inv(rx.bytes, KVMFLIP_TEST_TAG(0), rx.len))
			kft->wrong++;
		if (give_back && rx.flags & KVMFLIP_RX_LAST)
			kvmflip_test_give_back(kft->port, rx.slot);
	}
	return n;
}

static u64 kft_counter(const struct kvmflip_test_nic *kft, unsigned int counter)
{
	return kft->rxq.stats.v[counter];
}

/* All that it is to keep posted, each chunk once. */
static void kft_starts(struct kunit *test)
{
	struct kvmflip_test_nic *kft = kft_serving(test);
	u32 chunk, ours = 0;

	kft_take(kft);
	KUNIT_EXPECT_EQ(test, kft->wrong, 0);
	KUNIT_EXPECT_EQ(test, bitmap_weight(kft->owned, KFT_CHUNKS), 2 * KFT_TARGET);
	KUNIT_EXPECT_EQ(test, kft->rxq.posted, 2 * KFT_TARGET);
	KUNIT_EXPECT_EQ(test, kft->rxq.buffers, KFT_TARGET);
	for (chunk = 0; chunk < KFT_CHUNKS; chunk++)
		ours += kft->pool->table.chunk[chunk].queue == KFT_QUEUE;
	KUNIT_EXPECT_EQ(test, ours, 2 * KFT_TARGET);
	KUNIT_EXPECT_EQ(test, kft->pool->table.count[KVMFLIP_POSTED], KFT_TARGET);
	KUNIT_EXPECT_EQ(test, kft_counter(kft, KVMFLIP_A_STATS_GRANTS), KFT_TARGET);
}

/* Whatever comes, the driver never runs out, and every frame arrives. */
static void kft_goes_on(struct kunit *test)
{
	struct kvmflip_test_nic *kft = kft_serving(test);
	u32 i, n, sent = 0, got = 0;
	struct rnd_state rnd;

	prandom_seed_state(&rnd, 2004);
	for (i = 0; i < 400; i++) {
		kft_take(kft);
		/* All but the chunks of buffers that are not full yet. */
		KUNIT_ASSERT_EQ(test, kft->rxq.buffers, KFT_TARGET);
		KUNIT_ASSERT_GE(test, bitmap_weight(kft->owned, KFT_CHUNKS), KFT_TARGET);
		KUNIT_ASSERT_EQ(test, bitmap_weight(kft->owned, KFT_CHUNKS), kft->rxq.posted);
		n = prandom_u32_state(&rnd) % KFT_TARGET;
		sent += n;
		while (n--)
			kft_receive(kft, 1 + prandom_u32_state(&rnd) % 1700);
		kft_wake(kft);
		got += kft_consume(kft, true);
		KUNIT_ASSERT_EQ(test, kft->wrong, 0);
	}
	KUNIT_EXPECT_LE(test, sent - got, KFT_TARGET);
	KUNIT_EXPECT_GT(test, kft_counter(kft, KVMFLIP_A_STATS_FLIPPED), sent / 4);
	kvmflip_test_sums(test, kft->rxq.stats.v);
	kvmflip_test_sums(test, kft->port->stats.v);
	kvmflip_test_states(test, &kft->pool->table);
}

/* A guest that returns nothing: its frames are copied, and the driver goes on. */
static void kft_kept(struct kunit *test)
{
	struct kvmflip_test_nic *kft = kft_serving(test);
	u32 i, got = 0;

	for (i = 0; i < 100; i++) {
		kft_take(kft);
		kft_receive(kft, 1000);
		kft_receive(kft, 1000);
		kft_wake(kft);
		got += kft_consume(kft, false);
		KUNIT_ASSERT_EQ(test, kft->rxq.buffers, KFT_TARGET);
	}
	KUNIT_EXPECT_EQ(test, kft->wrong, 0);
	KUNIT_EXPECT_EQ(test, got, 200);
	KUNIT_EXPECT_EQ(test, kft->port->window.mapped, KFT_SLOTS);
	KUNIT_EXPECT_EQ(test, kft_counter(kft, KVMFLIP_A_STATS_FLIPPED), 2 * KFT_SLOTS);
	KUNIT_EXPECT_EQ(test, kft_counter(kft, KVMFLIP_A_STATS_COPIED_QUOTA), 200 - 2 * KFT_SLOTS);
	KUNIT_EXPECT_EQ(test, kft_counter(kft, KVMFLIP_A_STATS_RECYCLED), 100 - KFT_SLOTS);
}

/*
 * A driver that leaves a chunk of each buffer for later has as many as it needs all the
 * same, though not of any number of buffers; and when it uses them not more.
 */
static void kft_passed_over(struct kunit *test)
{
	struct kvmflip_test_nic *kft = kvmflip_test_nic(test);
	DECLARE_BITMAP(first, KFT_CHUNKS);
	u32 chunk, round;

	kft->rxq.reserve = 2 * KFT_TARGET;
	kft_start(test, kft, KVMFLIP_CLEAN);
	for (round = 0; round < 4; round++) {
		kft_take(kft);
		bitmap_copy(first, kft->owned, KFT_CHUNKS);
		for_each_set_bit(chunk, first, KFT_CHUNKS)
			if (!(chunk % 2))
				kft_receive_in(kft, chunk, 1000);
		WRITE_ONCE(kft->rxq.soft, false);
		kft_wake(kft);
		KUNIT_EXPECT_GT(test, kft->rxq.buffers, KFT_TARGET);
		KUNIT_EXPECT_LE(test, kft->rxq.buffers, kft->rxq.most);
	}
	KUNIT_EXPECT_EQ(test, kft->rxq.buffers, kft->rxq.most);
	kft_take(kft);
	bitmap_copy(first, kft->owned, KFT_CHUNKS);
	for_each_set_bit(chunk, first, KFT_CHUNKS)
		kft_receive_in(kft, chunk, 1000);
	kft_wake(kft);
	KUNIT_EXPECT_EQ(test, kft->rxq.buffers, KFT_TARGET);
	KUNIT_EXPECT_EQ(test, kft->rxq.posted, 2 * KFT_TARGET);
	KUNIT_EXPECT_EQ(test, kft_consume(kft, true), 4 * KFT_TARGET);
	KUNIT_EXPECT_EQ(test, kft->wrong, 0);
	kvmflip_test_states(test, &kft->pool->table);
}

/* When no buffer can be granted the queue tries again, and is whole again in the end. */
static void kft_no_memory(struct kunit *test)
{
	struct kvmflip_test_nic *kft = kft_serving(test);
	u32 tries;

	kft->test->no_memory = true;
	kft_take(kft);
	kft_receive(kft, 1000);
	kft_receive(kft, 1000);
	kft_wake(kft);
	KUNIT_EXPECT_EQ(test, kft_consume(kft, true), 2);
	KUNIT_EXPECT_EQ(test, kft->rxq.buffers, KFT_TARGET - 1);
	KUNIT_EXPECT_EQ(test, kft->pool->nr_free, KFT_BUFFERS - KFT_TARGET + 1);
	kft->test->no_memory = false;
	for (tries = 0; tries < 100 && kft->rxq.buffers < KFT_TARGET; tries++)
		usleep_range(1000, 2000);
	flush_work(&kft->rxq.work);
	KUNIT_EXPECT_EQ(test, kft->rxq.buffers, KFT_TARGET);
	kft_take(kft);
	KUNIT_EXPECT_EQ(test, kft->wrong, 0);
}

/* Where the driver looks for a frame there is none that somebody else had. */
static void kft_forgets(struct kunit *test)
{
	struct kvmflip_test_nic *kft = kvmflip_test_nic(test);
	struct kvmflip_buffer *buf;
	u32 i, n = 0, zeroed = 0;
	LIST_HEAD(bufs);
	u8 *bytes;

	KUNIT_ASSERT_EQ(test, kvmflip_pool_take(kft->pool, &bufs, KFT_TARGET), KFT_TARGET);
	list_for_each_entry(buf, &bufs, list) {
		memset(kvmflip_test_bytes(kft->pool, buf), KVMFLIP_TEST_STALE, SZ_4K);
		buf->dirty = n == 0 ? KVMFLIP_CLEAN : n == 1 ? 77 : KVMFLIP_DIRTY;
		n++;
	}
	kvmflip_serve_start(&kft->rxq, &bufs);
	kvmflip_serve_stop(&kft->rxq);
	kft_take(kft);
	for_each_set_bit(i, kft->owned, KFT_CHUNKS) {
		bytes = kvmflip_test_chunk_bytes(kft->test, i);
		zeroed += !memchr_inv(bytes + 192, 0, 128);
		KUNIT_EXPECT_NULL(test, memchr_inv(bytes, KVMFLIP_TEST_STALE, 192));
		KUNIT_EXPECT_NULL(test, memchr_inv(bytes + 320, KVMFLIP_TEST_STALE, SZ_2K - 320));
	}
	KUNIT_EXPECT_EQ(test, zeroed, 2 * (KFT_TARGET - 1));
	KUNIT_EXPECT_EQ(test, kft_counter(kft, KVMFLIP_A_STATS_BYTES_ZEROED_TAIL), 128 * zeroed);
}

/*
 * A driver that completes a chunk twice may announce others with older, longer lengths:
 * nothing that it has announced is delivered any more.
 */
static void kft_repeats(struct kunit *test)
{
	struct kvmflip_test_nic *kft = kft_serving(test);

	kft_take(kft);
	kft_receive(kft, 1000);
	kft_wake(kft);
	KUNIT_EXPECT_FALSE(test, kft->rxq.broken);
	kft_announce(kft, KFT_AT(find_last_bit(kft->owned, KFT_CHUNKS) + 1, 256), 1700);
	kft_receive(kft, 1000);
	kft_wake(kft);
	KUNIT_EXPECT_TRUE(test, kft->rxq.broken);
	KUNIT_EXPECT_EQ(test, kft_counter(kft, KVMFLIP_A_STATS_DROPPED_UNPOSTED), 1);
	kunit_release_action(test, kft_stop, &kft->rxq);
	KUNIT_EXPECT_EQ(test, kft_counter(kft, KVMFLIP_A_STATS_DROPPED_INVALID), 2);
	KUNIT_EXPECT_EQ(test, kft_consume(kft, false), 0);
}

/*
 * What a driver gets that may announce older, longer lengths is empty, but what a guest
 * has with it stays.
 */
static void kft_empty_post(struct kunit *test)
{
	struct kvmflip_test_nic *kft = kft_serving(test);
	struct kvmflip_lease lease = {};
	struct kvmflip_buffer *buf;
	u32 n, stale = 0;
	LIST_HEAD(bufs);
	u8 *bytes;

	kft->rxq.delivery.trust = KVMFLIP_TRUST_ZEROED;
	KUNIT_ASSERT_EQ(test, kvmflip_pool_take(kft->pool, &bufs, 4), 4);
	kvmflip_pool_move(kft->pool, &bufs, KVMFLIP_FREE, KVMFLIP_POSTED);
	for (n = 0; n < 4; n++) {
		buf = list_first_entry(&bufs, struct kvmflip_buffer, list);
		list_del_init(&buf->list);
		bytes = kvmflip_test_bytes(kft->pool, buf);
		memset(bytes, KVMFLIP_TEST_STALE, SZ_4K);
		buf->dirty = n == 0 ? KVMFLIP_CLEAN : n == 1 ? 77 : KVMFLIP_DIRTY;
		buf->lease = n == 2 ? &lease : NULL;
		kvmflip_serve_post(&kft->rxq, buf, &kft->test->delta);
		buf->lease = NULL;
		stale += !memchr_inv(bytes, KVMFLIP_TEST_STALE, SZ_4K);
		if (n % 2) {
			KUNIT_EXPECT_NULL(test, memchr_inv(bytes, 0, SZ_4K));
			KUNIT_EXPECT_EQ(test, buf->dirty, KVMFLIP_CLEAN);
		}
	}
	KUNIT_EXPECT_EQ(test, stale, 2);
	KUNIT_EXPECT_EQ(test, kft->test->delta.v[KVMFLIP_A_STATS_BYTES_ZEROED], 2 * SZ_4K);
}

/*
 * So may one that has run out of chunks, before it is seen: of what it had until then
 * nothing is delivered, neither mapped nor copied.
 */
static void kft_starved(struct kunit *test, struct kvmflip_test_nic *kft)
{
	u32 n;

	kft_start(test, kft, KVMFLIP_DIRTY);
	kft_take(kft);
	kft->fill.flags = XDP_RING_NEED_WAKEUP;
	kft_wake(kft);
	KUNIT_EXPECT_EQ(test, kft->rxq.delivery.trust, KVMFLIP_TRUST);
	kft_receive(kft, 1000);
	WRITE_ONCE(kft->rxq.soft, true);
	kft_wake(kft);
	KUNIT_EXPECT_EQ(test, kft->rxq.delivery.trust, KVMFLIP_TRUST_ZEROED);
	kft->fill.flags = 0;
	for (n = 1; n < 2 * KFT_TARGET; n++) {
		kft_receive(kft, 1000);
		kft_wake(kft);
	}
	KUNIT_EXPECT_EQ(test, kft_consume(kft, false), 0);
	KUNIT_EXPECT_EQ(test, kft_counter(kft, KVMFLIP_A_STATS_DROPPED_INVALID), n);
	kft_take(kft);
	for (n = 0; n < 2; n++) {
		kft_receive(kft, 1000);
		kft_wake(kft);
	}
	KUNIT_EXPECT_EQ(test, kft_consume(kft, false), 2);
	KUNIT_EXPECT_EQ(test, kft->wrong, 0);
}

static void kft_starved_flip(struct kunit *test)
{
	kft_starved(test, kvmflip_test_nic(test));
}

static void kft_starved_copy(struct kunit *test)
{
	struct kvmflip_test_nic *kft = kvmflip_test_nic(test);

	kft->port->config.latency = 0;
	kft_starved(test, kft);
}

/* Frames that are never to wait are copied in softirq, and nobody is woken for them. */
static void kft_copied_soft(struct kunit *test)
{
	struct kvmflip_test_nic *kft = kvmflip_test_nic(test);

	kft->nic.iommu = NULL;
	kft_start(test, kft, KVMFLIP_CLEAN);
	kft_take(kft);
	kft_receive(kft, 1000);
	disable_work_sync(&kft->rxq.work);
	wake_up(&kft->wq.wait);
	flush_work(&kft->rxq.arrive);
	KUNIT_EXPECT_EQ(test, kft_consume(kft, true), 1);
	KUNIT_EXPECT_EQ(test, kft_counter(kft, KVMFLIP_A_STATS_COPIED_MODE), 1);
	enable_work(&kft->rxq.work);
	KUNIT_EXPECT_EQ(test, kft->wrong, 0);
}

static __poll_t kft_poll(struct file *file, poll_table *table)
{
	u32 *polls = file->private_data;

	(*polls)++;
	return 0;
}

static const struct file_operations kft_fops = {
	.poll = kft_poll,
};

/* @polls is how often the driver is woken. */
static void kft_count_polls(struct kunit *test, struct kvmflip_test_nic *kft, u32 *polls)
{
	struct file *file = kunit_kzalloc(test, sizeof(*file), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, file);
	file->f_op = &kft_fops;
	file->private_data = polls;
	kft->rxq.xsk.file = file;
}

/* A softirq gives a driver that sleeps its chunks back; somebody else wakes it. */
static void kft_woken_after_soft(struct kunit *test)
{
	struct kvmflip_test_nic *kft = kvmflip_test_nic(test);
	u32 polls = 0;

	kft_count_polls(test, kft, &polls);
	kft->nic.iommu = NULL;
	kft_start(test, kft, KVMFLIP_CLEAN);
	kft_take(kft);
	kft_receive(kft, 1000);
	kft_receive(kft, 1000);
	kft->fill.flags = XDP_RING_NEED_WAKEUP;
	kft_wake(kft);
	KUNIT_EXPECT_EQ(test, kft_consume(kft, true), 2);
	KUNIT_EXPECT_EQ(test, polls, 1);
	KUNIT_EXPECT_FALSE(test, kft->rxq.asleep);
	kft->fill.flags = 0;
}

#define KFT_FULL	4

/**
 * struct kft_full - a driver that waits to be woken
 * @name: of the case
 * @frames: in the RX ring, that has place for twice as many as make it late
 * @reserve: chunks with which it does not run out of them
 * @trust: in it then
 * @woken: it is, for that alone
 */
struct kft_full {
	const char *name;
	u32 frames;
	u32 reserve;
	enum kvmflip_trust trust;
	bool woken;
};

static const struct kft_full kft_fulls[] = {
	{ "late", KFT_FULL, 2 * KFT_TARGET - KFT_FULL, KVMFLIP_TRUST, true },
	{ "not late", KFT_FULL - 1, KFT_TARGET, KVMFLIP_TRUST_ZEROED, false },
	{ "late, too few", KFT_FULL, 4 * KFT_TARGET + KVMFLIP_BATCH + 1, KVMFLIP_TRUST_ZEROED,
	  false },
};

KUNIT_ARRAY_PARAM_DESC(kft_full, kft_fulls, name);

/*
 * A driver that waits because the RX ring was full is woken, and believed. It is not
 * believed if it may have run out of chunks: few frames wait in the ring, or fewer chunks
 * are posted than it may have.
 */
static void kft_ring_full(struct kunit *test)
{
	const struct kft_full *row = test->param_value;
	struct kvmflip_test_nic *kft = kvmflip_test_nic(test);
	u32 i, polls = 0;

	kft_count_polls(test, kft, &polls);
	kft->rxq.xsk.rx.nr = 2 * KFT_FULL;
	kft->rxq.reserve = row->reserve;
	kft_start(test, kft, KVMFLIP_CLEAN);
	kft_take(kft);
	/* None is the last of a buffer: nothing is posted for which it would be woken. */
	for (i = 0; i < row->frames; i++)
		kft_receive_in(kft, find_next_bit(kft->owned, KFT_CHUNKS, 2 * i), 1000);
	kft->fill.flags = XDP_RING_NEED_WAKEUP;
	kft_wake(kft);
	KUNIT_EXPECT_EQ(test, kft->rxq.delivery.trust, row->trust);
	KUNIT_EXPECT_EQ(test, polls > 0, row->woken);
	KUNIT_EXPECT_LE(test, kft->rxq.buffers, kft->rxq.most);
	KUNIT_EXPECT_FALSE(test, kft->rxq.late);
	KUNIT_EXPECT_EQ(test, kft->wrong, 0);
	kft->fill.flags = 0;
}

/* One that goes on by itself need not be woken, and may run out of chunks then. */
static void kft_no_longer_full(struct kunit *test)
{
	struct kvmflip_test_nic *kft = kvmflip_test_nic(test);
	u32 i, polls = 0;

	kft_count_polls(test, kft, &polls);
	kft->rxq.xsk.rx.nr = 2 * KFT_FULL;
	kft_start(test, kft, KVMFLIP_CLEAN);
	kft_take(kft);
	disable_work_sync(&kft->rxq.work);
	for (i = 0; i < KFT_FULL; i++)
		kft_receive_in(kft, find_next_bit(kft->owned, KFT_CHUNKS, 2 * i), 1000);
	kft->fill.flags = XDP_RING_NEED_WAKEUP;
	kft_wake(kft);
	KUNIT_EXPECT_TRUE(test, kft->rxq.late);
	kft->fill.flags = 0;
	enable_work(&kft->rxq.work);
	kft_wake(kft);
	KUNIT_EXPECT_FALSE(test, kft->rxq.late);
	KUNIT_EXPECT_EQ(test, polls, 0);
	KUNIT_EXPECT_EQ(test, kft->rxq.delivery.trust, KVMFLIP_TRUST);
	kft->fill.flags = XDP_RING_NEED_WAKEUP;
	kft_receive_in(kft, find_next_bit(kft->owned, KFT_CHUNKS, 2 * KFT_FULL), 1000);
	kft_wake(kft);
	KUNIT_EXPECT_EQ(test, kft->rxq.delivery.trust, KVMFLIP_TRUST_ZEROED);
	kft->fill.flags = 0;
}

/* What a softirq has handed over the worker does, before anything more is taken. */
static void kft_handed_over(struct kunit *test)
{
	struct kvmflip_test_nic *kft = kft_serving(test);
	u32 i, posted;

	kft_take(kft);
	disable_work_sync(&kft->rxq.work);
	posted = kft->rxq.posted - 2;
	for (i = 0; i < 3; i++) {
		kft_receive(kft, 1000);
		kft_receive(kft, 1000);
		wake_up(&kft->wq.wait);
		/* It may have been queued before. */
		if (i == 2)
			queue_work(system_bh_wq, &kft->rxq.arrive);
		flush_work(&kft->rxq.arrive);
		KUNIT_EXPECT_EQ(test, kft->rxq.posted, posted);
	}
	enable_work(&kft->rxq.work);
	kft_wake(kft);
	KUNIT_EXPECT_EQ(test, kft_consume(kft, true), 6);
	KUNIT_EXPECT_EQ(test, kft->rxq.posted, posted + 2);
	KUNIT_EXPECT_EQ(test, kft->wrong, 0);
}

/*
 * If somebody is at the port they wait for the worker, and the buffer that they have
 * filled meanwhile is not the driver's again before they are gone.
 */
static void kft_port_busy(struct kunit *test)
{
	struct kvmflip_test_nic *kft = kvmflip_test_nic(test);
	u32 posted;

	kft->nic.iommu = NULL;
	kft_start(test, kft, KVMFLIP_CLEAN);
	kft_take(kft);
	posted = kft->fill.producer;
	kvmflip_port_lock(kft->port);
	kft_receive(kft, 1000);
	kft_receive(kft, 1000);
	wake_up(&kft->wq.wait);
	flush_work(&kft->rxq.arrive);
	KUNIT_EXPECT_EQ(test, kft->fill.producer, posted);
	KUNIT_EXPECT_EQ(test, kft_consume(kft, true), 0);
	kvmflip_port_unlock(kft->port);
	flush_work(&kft->rxq.work);
	KUNIT_EXPECT_EQ(test, kft->fill.producer, posted + 2);
	KUNIT_EXPECT_EQ(test, kft_consume(kft, true), 2);
	KUNIT_EXPECT_EQ(test, kft_counter(kft, KVMFLIP_A_STATS_COPIED_MODE), 2);
	kft_take(kft);
	KUNIT_EXPECT_EQ(test, kft->wrong, 0);
}

/* What waits is delivered; what the driver still has comes back, dirty. */
static void kft_stops(struct kunit *test)
{
	struct kvmflip_test_nic *kft = kvmflip_test_nic(test);
	u32 i, dirty = 0;
	LIST_HEAD(bufs);

	KUNIT_ASSERT_EQ(test, kvmflip_pool_take(kft->pool, &bufs, KFT_TARGET), KFT_TARGET);
	kvmflip_serve_start(&kft->rxq, &bufs);
	flush_work(&kft->rxq.work);
	kft_take(kft);
	kft_receive(kft, 1000);
	kft_wake(kft);
	KUNIT_EXPECT_EQ(test, kft_consume(kft, false), 0);
	KUNIT_EXPECT_EQ(test, kref_read(&kft->port->ref), 2);
	kvmflip_serve_stop(&kft->rxq);
	KUNIT_EXPECT_FALSE(test, wq_has_sleeper(&kft->wq.wait));
	KUNIT_EXPECT_EQ(test, kft_consume(kft, false), 1);
	KUNIT_EXPECT_EQ(test, kref_read(&kft->port->ref), 1);
	KUNIT_EXPECT_EQ(test, kft_counter(kft, KVMFLIP_A_STATS_COPIED_LATENCY), 1);

	/* Nobody is served any more. */
	kft_receive(kft, 1000);
	kft_wake(kft);
	KUNIT_EXPECT_EQ(test, kft_consume(kft, false), 0);

	/* The half of a buffer, as whole ones. */
	kvmflip_serve_drain(&kft->rxq);
	KUNIT_EXPECT_EQ(test, kft->pool->table.count[KVMFLIP_FREE], KFT_BUFFERS);
	KUNIT_EXPECT_EQ(test, kft->pool->nr_free, KFT_BUFFERS);
	KUNIT_EXPECT_EQ(test, list_count_nodes(&kft->pool->free), KFT_BUFFERS);
	for (i = 0; i < KFT_BUFFERS; i++)
		dirty += kft->pool->table.buf[i].dirty == KVMFLIP_DIRTY;
	KUNIT_EXPECT_EQ(test, dirty, KFT_TARGET);
	for (i = 0; i < KFT_CHUNKS; i++)
		KUNIT_EXPECT_EQ(test, kft->pool->table.chunk[i].queue, 0);
	KUNIT_EXPECT_EQ(test, kft->pool->table.illegal, 0);
}

static void kft_synced(struct kvmflip_test_queue *queue)
{
	u32 *syncs = queue->arg;

	++*syncs;
}

/* What other queues of the device keep mapped is taken from it, and nothing if it is gone. */
static void kft_drains(struct kunit *test)
{
	struct kvmflip_test_nic *kft = kvmflip_test_nic(test);
	u32 active, syncs = 0;
	LIST_HEAD(bufs);

	kft->test->synced = kft_synced;
	kft->test->arg = &syncs;
	for (active = 0; active < 2; active++) {
		kft->nic.active = active;
		KUNIT_ASSERT_EQ(test, kvmflip_pool_take(kft->pool, &bufs, KFT_TARGET), KFT_TARGET);
		kvmflip_serve_refill(&kft->rxq, &bufs, &kft->test->delta);
		kvmflip_serve_drain(&kft->rxq);
		KUNIT_EXPECT_EQ(test, syncs, active);
		KUNIT_EXPECT_EQ(test, kft->pool->table.count[KVMFLIP_FREE], KFT_BUFFERS);
	}
}

/* Frames that wait for a buffer to fill are delivered when their time is over. */
static void kft_in_time(struct kunit *test)
{
	struct kvmflip_test_nic *kft = kft_serving(test);
	u32 tries;

	kft->port->config.latency = 2000;
	kft_take(kft);
	kft_receive(kft, 1000);
	kft_wake(kft);
	for (tries = 0; tries < 1000 && !kft_counter(kft, KVMFLIP_A_STATS_COPIED); tries++)
		fsleep(1000);
	KUNIT_EXPECT_EQ(test, kft_consume(kft, false), 1);
	KUNIT_EXPECT_EQ(test, kft_counter(kft, KVMFLIP_A_STATS_COPIED_LATENCY), 1);
}

/* So many ports have frames waiting that of a batch more some might have to be turned away. */
static void kft_crowded(struct kunit *test)
{
	struct kvmflip_pool *pool = kvmflip_test_pool_chunks(test, "kunit", 2 * KFT_SLOTS,
							     SZ_2M, SZ_2K);
	struct kvmflip_test_nic *kft = kvmflip_test_nic_of(test, "kunit-a", pool);
	struct kvmflip_meta meta = kvmflip_test_meta(kft->port);
	struct kvmflip_rxq *rxq = &kft->rxq;
	struct kvmflip_buffer *buf;
	LIST_HEAD(bufs);
	u32 i, round;
	u8 *bytes;

	rxq->target = 1;
	KUNIT_ASSERT_EQ(test, kvmflip_pool_take(pool, &bufs, 1), 1);
	buf = list_first_entry(&bufs, struct kvmflip_buffer, list);
	bytes = kvmflip_test_bytes(pool, buf);
	kvmflip_serve_start(rxq, &bufs);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, kft_stop, rxq), 0);
	for (round = 0; round < 2; round++) {
		KUNIT_EXPECT_EQ(test, bitmap_weight(rxq->tally.used, KVMFLIP_WAITERS),
				round * KFT_RING);
		for (i = 0; i < KFT_RING; i++, bytes += SZ_2K, meta.gen++) {
			memcpy(bytes + 256 - sizeof(meta), &meta, sizeof(meta));
			kft_announce(kft, kvmflip_buffer_index(&pool->table, buf) * SZ_2M +
				     (round * KFT_RING + i) * SZ_2K + 256, 1000);
		}
		kft_wake(kft);
	}
	KUNIT_EXPECT_TRUE(test, bitmap_empty(rxq->tally.used, KVMFLIP_WAITERS));
	/* All but the first were of generations that the port does not have. */
	KUNIT_EXPECT_EQ(test, kft_consume(kft, false), 1);
	KUNIT_EXPECT_EQ(test, kft_counter(kft, KVMFLIP_A_STATS_DROPPED_NO_PORT),
			2 * KFT_RING - 1);
	kvmflip_test_sums(test, rxq->stats.v);
}

/* An index that cannot be ends it. */
static void kft_corrupt(struct kunit *test)
{
	struct kvmflip_test_nic *kft = kft_serving(test);

	kft_take(kft);
	kft->rx.producer += KFT_RING + 1;
	kft_wake(kft);
	KUNIT_EXPECT_TRUE(test, kft->rxq.broken);
	kft->rx.producer -= KFT_RING + 1;
	kft_receive(kft, 1000);
	kft_receive(kft, 1000);
	kft_wake(kft);
	KUNIT_EXPECT_EQ(test, kft_counter(kft, KVMFLIP_A_STATS_RECEIVED), 0);
}

static struct kunit_case kft_cases[] = {
	KUNIT_CASE(kft_starts),
	KUNIT_CASE(kft_goes_on),
	KUNIT_CASE(kft_kept),
	KUNIT_CASE(kft_passed_over),
	KUNIT_CASE(kft_no_memory),
	KUNIT_CASE(kft_forgets),
	KUNIT_CASE(kft_repeats),
	KUNIT_CASE(kft_empty_post),
	KUNIT_CASE(kft_starved_flip),
	KUNIT_CASE(kft_starved_copy),
	KUNIT_CASE(kft_copied_soft),
	KUNIT_CASE(kft_woken_after_soft),
	KUNIT_CASE_PARAM(kft_ring_full, kft_full_gen_params),
	KUNIT_CASE(kft_no_longer_full),
	KUNIT_CASE(kft_handed_over),
	KUNIT_CASE(kft_port_busy),
	KUNIT_CASE(kft_stops),
	KUNIT_CASE(kft_drains),
	KUNIT_CASE(kft_in_time),
	KUNIT_CASE(kft_crowded),
	KUNIT_CASE(kft_corrupt),
	{}
};

static struct kunit_suite kft_suite = {
	.name = "kvmflip_serve",
	.test_cases = kft_cases,
};

kunit_test_suite(kft_suite);
