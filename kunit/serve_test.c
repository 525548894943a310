// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: serving a queue: completions in, free buffers out. */

#include <kunit/resource.h>
#include <linux/bitmap.h>
#include <linux/bpf.h>
#include <linux/delay.h>
#include <linux/etherdevice.h>
#include <linux/if_xdp.h>
#include <linux/prandom.h>
#include <linux/sizes.h>
#include <net/xdp_sock.h>

#include "../src/host/lease.h"
#include "../src/host/rxq.h"
#include "../src/host/serve.h"
#include "queue.h"

#define KFT_BUFFERS	24
#define KFT_SLOTS	8
#define KFT_TARGET	6
#define KFT_QUEUE	3
#define KFT_RING	64
#define KFT_CHUNKS	(2 * KFT_BUFFERS)

/* What the chunks are in some of these tests. */
#define KFT_OURS	10
#define KFT_THEIRS	12
#define KFT_FREE	14

#define KFT_AT(chunk, offset)	(((u64)(chunk) << 11) + (offset))

/**
 * struct kft_indices - what the other end of a ring writes
 * @producer: its index, or ours
 * @consumer: its index, or ours
 * @flags: from the driver
 */
struct kft_indices {
	u32 producer;
	u32 consumer;
	u32 flags;
};

/**
 * struct kft_serve - a queue, its driver and a guest
 * @rxq: the queue
 * @nic: its device
 * @xs: its socket
 * @wq: who waits for the socket
 * @test: what has the device's IOMMU
 * @pool: the pool, whose buffers are two chunks each
 * @port: a port of that pool, running
 * @rx: indices of the RX ring
 * @fill: indices of the fill ring
 * @owned: bit per chunk that the driver has
 * @wrong: chunks that it should not have had
 */
struct kft_serve {
	struct kvmflip_rxq rxq;
	struct kvmflip_nic nic;
	struct xdp_sock xs;
	struct socket_wq wq;
	struct kvmflip_test_queue *test;
	struct kvmflip_pool *pool;
	struct kvmflip_port *port;
	struct kft_indices rx;
	struct kft_indices fill;
	DECLARE_BITMAP(owned, KFT_CHUNKS);
	u32 wrong;
	u32 written;	/* behind the last chunk with a scene */
};

static void kft_netdev_free(void *data)
{
	free_netdev(data);
}

static void kft_destroy(void *data)
{
	kvmflip_serve_destroy(data);
}

static void kft_ring(struct kunit *test, struct kvmflip_xsk_ring *ring, size_t desc_size,
		     struct kft_indices *shared)
{
	ring->desc = kunit_kzalloc(test, KFT_RING * desc_size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ring->desc);
	ring->producer = &shared->producer;
	ring->consumer = &shared->consumer;
	ring->flags = &shared->flags;
	ring->nr = KFT_RING;
}

static struct kft_serve *kft_serve_pool(struct kunit *test, const char *port,
					struct kvmflip_pool *pool)
{
	struct kft_serve *kft = kunit_kzalloc(test, sizeof(*kft), GFP_KERNEL);
	struct kvmflip_rxq *rxq = &kft->rxq;

	KUNIT_ASSERT_NOT_NULL(test, kft);
	kft->pool = pool;
	kft->port = kvmflip_test_port_running(test, port, pool, KFT_SLOTS);
	/* As long as a test may take. */
	kft->port->config.latency = U32_MAX;
	kft->test = kvmflip_test_queue(test, kft->pool);
	kft->nic.iommu = &kft->test->iommu;
	kft->nic.netdev = alloc_etherdev(0);
	KUNIT_ASSERT_NOT_NULL(test, kft->nic.netdev);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, kft_netdev_free, kft->nic.netdev), 0);
	init_waitqueue_head(&kft->wq.wait);
	RCU_INIT_POINTER(kft->xs.sk.sk_wq, &kft->wq);

	rxq->nic = &kft->nic;
	rxq->pool = kft->pool;
	rxq->queue = 7;
	rxq->id = KFT_QUEUE;
	rxq->target = KFT_TARGET;
	rxq->xsk.xs = &kft->xs;
	kvmflip_stats_init(&rxq->stats);
	kft_ring(test, &rxq->xsk.rx, sizeof(struct xdp_desc), &kft->rx);
	kft_ring(test, &rxq->xsk.fill, sizeof(u64), &kft->fill);
	KUNIT_ASSERT_EQ(test, kvmflip_serve_init(rxq), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, kft_destroy, rxq), 0);
	/* A buffer fills soon enough, as far as the queue knows. */
	rxq->tally.steady_ns = 1;
	rxq->tally.frame_ns = 1;
	rxq->delivery.pool = kft->pool;
	rxq->delivery.tally = &rxq->tally;
	rxq->delivery.delta = &kft->test->delta;
	return kft;
}

static struct kft_serve *kft_serve(struct kunit *test)
{
	return kft_serve_pool(test, "kunit-a", kvmflip_test_pool_chunks(test, "kunit", KFT_BUFFERS,
									SZ_4K, SZ_2K));
}

static void kft_stop(void *data)
{
	kvmflip_serve_stop(data);
}

static void kft_start(struct kunit *test, struct kft_serve *kft, u64 dirty)
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

static struct kft_serve *kft_serving(struct kunit *test)
{
	struct kft_serve *kft = kft_serve(test);

	kft_start(test, kft, KVMFLIP_CLEAN);
	return kft;
}

/* The driver takes what is in the fill ring, which nobody else may have. */
static void kft_take(struct kft_serve *kft)
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

static void kft_announce(struct kft_serve *kft, u64 addr, u32 len)
{
	struct xdp_desc *desc = kft->rxq.xsk.rx.desc;

	desc += kft->rx.producer % KFT_RING;
	desc->addr = addr;
	desc->len = len;
	desc->options = 0;
	/* Pairs with the acquire of who takes it. */
	smp_store_release(&kft->rx.producer, kft->rx.producer + 1);
}

static void kft_wake(struct kft_serve *kft)
{
	wake_up(&kft->wq.wait);
	flush_work(&kft->rxq.arrive);
	flush_work(&kft->rxq.work);
}

/* The driver receives a frame for the port, into the next chunk that it has. */
static void kft_receive(struct kft_serve *kft, u32 len)
{
	struct kvmflip_meta meta = kvmflip_test_meta(kft->port);
	u32 chunk = find_first_bit(kft->owned, KFT_CHUNKS);
	u8 *bytes;

	if (chunk == KFT_CHUNKS) {
		kft->wrong++;
		return;
	}
	__clear_bit(chunk, kft->owned);
	bytes = kvmflip_test_chunk_bytes(kft->test, chunk);
	memset(bytes + 256, KVMFLIP_TEST_TAG(0), len);
	memcpy(bytes + 256 - sizeof(meta), &meta, sizeof(meta));
	kft_announce(kft, KFT_AT(chunk, 256), len);
}

/* The guest takes what there is, and returns what it may if it is told to. */
static u32 kft_consume(struct kft_serve *kft, bool give_back)
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

static u64 kft_counter(const struct kft_serve *kft, unsigned int counter)
{
	return kft->rxq.stats.v[counter];
}

/* A queue with one chunk posted; another queue of the pool has one as well. */
static struct kft_serve *kft_one_posted(struct kunit *test)
{
	struct kft_serve *kft = kft_serve(test);
	struct kvmflip_buffers *table = &kft->pool->table;
	LIST_HEAD(bufs);

	list_move(&kvmflip_buffer_of(table, KFT_OURS)->list, &bufs);
	list_move(&kvmflip_buffer_of(table, KFT_THEIRS)->list, &bufs);
	kft->pool->nr_free -= 2;
	kvmflip_test_advance(kft->pool, &bufs, KVMFLIP_POSTED);
	list_del_init(&kvmflip_buffer_of(table, KFT_OURS)->list);
	list_del_init(&kvmflip_buffer_of(table, KFT_THEIRS)->list);
	kvmflip_buffer_of(table, KFT_OURS)->left = 1;
	kvmflip_buffer_of(table, KFT_THEIRS)->left = 1;
	kvmflip_chunk_post(&table->chunk[KFT_OURS], KFT_QUEUE);
	kvmflip_chunk_post(&table->chunk[KFT_THEIRS], KFT_QUEUE + 1);
	kft->rxq.posted = 1;
	kft->rxq.buffers = 1;
	return kft;
}

/**
 * struct kft_completion - what a driver may tell us
 * @name: of the case
 * @desc: its descriptor
 * @verdict: counter, or 0 if there is a frame
 * @taken: whether the queue has its chunk back
 */
struct kft_completion {
	const char *name;
	struct xdp_desc desc;
	unsigned int verdict;
	bool taken;
};

static const struct kft_completion kft_completions[] = {
	{ "good", { KFT_AT(KFT_OURS, 256), 100, 0 }, 0, true },
	{ "right behind the metadata", { KFT_AT(KFT_OURS, 16), 100, 0 }, 0, true },
	{ "to the end", { KFT_AT(KFT_OURS, 256), 1792, 0 }, 0, true },
	{ "all but the metadata", { KFT_AT(KFT_OURS, 16), 2032, 0 }, 0, true },
	{ "the last byte", { KFT_AT(KFT_OURS, 2047), 1, 0 }, 0, true },
	{ "no room for metadata", { KFT_AT(KFT_OURS, 15), 100, 0 },
	  KVMFLIP_A_STATS_DROPPED_INVALID, true },
	{ "at the start", { KFT_AT(KFT_OURS, 0), 100, 0 },
	  KVMFLIP_A_STATS_DROPPED_INVALID, true },
	{ "empty", { KFT_AT(KFT_OURS, 256), 0, 0 },
	  KVMFLIP_A_STATS_DROPPED_INVALID, true },
	{ "a byte beyond the end", { KFT_AT(KFT_OURS, 256), 1793, 0 },
	  KVMFLIP_A_STATS_DROPPED_INVALID, true },
	{ "as long as a chunk", { KFT_AT(KFT_OURS, 256), 2048, 0 },
	  KVMFLIP_A_STATS_DROPPED_INVALID, true },
	{ "longest", { KFT_AT(KFT_OURS, 256), U32_MAX, 0 },
	  KVMFLIP_A_STATS_DROPPED_INVALID, true },
	{ "longest, wraps", { KFT_AT(KFT_OURS, 2047), U32_MAX - 2046, 0 },
	  KVMFLIP_A_STATS_DROPPED_INVALID, true },
	{ "good in 16 bits", { KFT_AT(KFT_OURS, 256), 65536 + 100, 0 },
	  KVMFLIP_A_STATS_DROPPED_INVALID, true },
	{ "to be continued", { KFT_AT(KFT_OURS, 256), 100, XDP_PKT_CONTD },
	  KVMFLIP_A_STATS_DROPPED_INVALID, true },
	{ "another queue's", { KFT_AT(KFT_THEIRS, 256), 100, 0 },
	  KVMFLIP_A_STATS_DROPPED_UNPOSTED, false },
	{ "nobody's", { KFT_AT(KFT_FREE, 256), 100, 0 },
	  KVMFLIP_A_STATS_DROPPED_UNPOSTED, false },
	{ "of our buffer, but not posted", { KFT_AT(KFT_OURS + 1, 256), 100, 0 },
	  KVMFLIP_A_STATS_DROPPED_UNPOSTED, false },
	{ "nobody's and wrong", { KFT_AT(KFT_FREE, 0), U32_MAX, 0 },
	  KVMFLIP_A_STATS_DROPPED_UNPOSTED, false },
	{ "behind the pool", { KFT_AT(KFT_CHUNKS, 256), 100, 0 },
	  KVMFLIP_A_STATS_DROPPED_INVALID, false },
	{ "a bit too high", { KFT_AT(KFT_OURS, 256) | BIT_ULL(32), 100, 0 },
	  KVMFLIP_A_STATS_DROPPED_INVALID, false },
	{ "good in 32 bits of chunk", { KFT_AT(KFT_OURS, 256) | BIT_ULL(32 + 11), 100, 0 },
	  KVMFLIP_A_STATS_DROPPED_INVALID, false },
	{ "highest bit", { KFT_AT(KFT_OURS, 256) | BIT_ULL(63), 100, 0 },
	  KVMFLIP_A_STATS_DROPPED_INVALID, false },
	{ "all bits", { U64_MAX, 100, 0 },
	  KVMFLIP_A_STATS_DROPPED_INVALID, false },
};

KUNIT_ARRAY_PARAM_DESC(kft_completion, kft_completions, name);

static void kft_complete(struct kunit *test)
{
	const struct kft_completion *row = test->param_value;
	struct kft_serve *kft = kft_one_posted(test);
	struct kvmflip_buffers *table = &kft->pool->table;
	struct kvmflip_buffer *buf = kvmflip_buffer_of(table, KFT_OURS);
	u8 *bytes = kvmflip_test_chunk_bytes(kft->test, KFT_OURS);
	struct kvmflip_tally *tally = &kft->rxq.tally;
	u32 offset = row->desc.addr % SZ_2K;
	struct kvmflip_meta meta = kvmflip_test_meta(kft->port);
	const u64 *v = kft->test->delta.v;
	LIST_HEAD(full);

	if (!row->verdict)
		memcpy(bytes + offset - sizeof(meta), &meta, sizeof(meta));
	kf_complete(&kft->rxq, &row->desc, 1, &full);
	KUNIT_EXPECT_EQ(test, tally->tail, !row->verdict);
	if (row->verdict) {
		KUNIT_EXPECT_EQ(test, v[row->verdict], 1);
		KUNIT_EXPECT_EQ(test, v[KVMFLIP_A_STATS_RECEIVED], 1);
	} else {
		KUNIT_EXPECT_EQ(test, table->chunk[KFT_OURS].offset, offset);
		KUNIT_EXPECT_EQ(test, table->chunk[KFT_OURS].len, row->desc.len);
		KUNIT_EXPECT_EQ(test, table->chunk[KFT_OURS].waiter, 0);
		KUNIT_EXPECT_EQ(test, v[KVMFLIP_A_STATS_RECEIVED], 0);
	}
	KUNIT_EXPECT_EQ(test, kft->rxq.posted, !row->taken);
	KUNIT_EXPECT_EQ(test, kft->rxq.buffers, !row->taken);
	KUNIT_EXPECT_EQ(test, list_count_nodes(&full), row->taken);
	KUNIT_EXPECT_EQ(test, list_empty(&buf->list), !row->taken);
	KUNIT_EXPECT_EQ(test, table->chunk[KFT_OURS].queue, row->taken ? 0 : KFT_QUEUE);
	KUNIT_EXPECT_EQ(test, table->chunk[KFT_THEIRS].queue, KFT_QUEUE + 1);
	list_del_init(&buf->list);

	/* A driver that says it again. */
	kf_complete(&kft->rxq, &row->desc, 1, &full);
	KUNIT_EXPECT_EQ(test, v[row->taken ? KVMFLIP_A_STATS_DROPPED_UNPOSTED : row->verdict],
			row->taken ? 1 : 2);
	KUNIT_EXPECT_TRUE(test, list_empty(&full));
	KUNIT_EXPECT_EQ(test, tally->tail, !row->verdict);
	KUNIT_EXPECT_EQ(test, kft->rxq.posted, !row->taken);
	kvmflip_test_sums(test, v);
	kvmflip_deliver_all(&kft->rxq.delivery);
}

/* What a driver says of the next chunk, or of another one. Returns which. */
static u32 kft_scene(struct kft_serve *kft, struct rnd_state *rnd, u32 chunk,
		     struct xdp_desc *desc)
{
	u32 what = prandom_u32_state(rnd) % 64, offset = 256;
	struct kvmflip_meta meta = kvmflip_test_meta(kft->port);

	if (what == 0 || what == 1)
		chunk -= min(chunk, what + 1);
	else if (what == 2 || what == 3)
		chunk += what - 1;
	*desc = (struct xdp_desc) { .len = 1 + prandom_u32_state(rnd) % 1700 };
	if (what == 4)
		offset = prandom_u32_state(rnd) % 2 * 8;
	else if (what == 5)
		desc->len = 0;
	else if (what == 6)
		desc->len = SZ_2K - offset + prandom_u32_state(rnd) % 2;
	else if (what == 7)
		desc->options = XDP_PKT_CONTD;
	else if (what == 8)
		meta.magic++;
	else if (what == 9)
		meta.port += 1000;
	else if (what == 10)
		meta.gen++;
	else if (what < 15)
		meta.flags = what - 10;
	desc->addr = KFT_AT(chunk, offset);
	if (what == 15)
		desc->addr |= BIT_ULL(40);
	/* Not to what is completed again, perhaps before somebody has looked. */
	if (chunk >= kft->written && offset == 256)
		memcpy(kvmflip_test_chunk_bytes(kft->test, chunk) + 240, &meta, sizeof(meta));
	kft->written = max(kft->written, chunk + 1);
	return chunk;
}

/* Completions that come together mean the same as if they came one by one. */
static void kft_together(struct kunit *test)
{
	static const char * const name[] = { "kunit-a", "kunit-b" };
	struct xdp_desc desc[KVMFLIP_BATCH];
	struct kvmflip_buffers *table;
	struct rnd_state rnd[2];
	struct kft_serve *kft[2];
	u32 i, k, n, at, chunk, batch;
	LIST_HEAD(full);

	for (k = 0; k < 2; k++) {
		kft[k] = kft_serve_pool(test, name[k],
					kvmflip_test_pool_chunks(test, name[k], KFT_SLOTS,
								 SZ_2M, SZ_2K));
		table = &kft[k]->pool->table;
		list_del_init(&table->buf[0].list);
		kft[k]->pool->nr_free--;
		table->buf[0].left = SZ_2M / SZ_2K;
		kft[k]->rxq.posted = SZ_2M / SZ_2K;
		kft[k]->rxq.buffers = 1;
		for (i = 0; i < SZ_2M / SZ_2K; i++)
			kvmflip_chunk_post(&table->chunk[i], KFT_QUEUE);
		prandom_seed_state(&rnd[k], 64);
	}
	for (batch = 0, chunk = 0; chunk < SZ_2M / SZ_2K - 1; batch++) {
		n = 1 + batch % KVMFLIP_BATCH;
		for (k = 0; k < 2; k++) {
			for (i = 0, at = chunk; i < n; i++) {
				at = kft_scene(kft[k], &rnd[k], at, &desc[i]) + 1;
				/* As the NIC writes, before it says so. */
				if (k)
					kf_complete(&kft[k]->rxq, &desc[i], 1, &full);
			}
			if (!k)
				kf_complete(&kft[k]->rxq, desc, n, &full);
		}
		chunk = at;
	}
	for (i = 0; i < SZ_2M / SZ_2K; i++)
		KUNIT_EXPECT_MEMEQ(test, &kft[0]->pool->table.chunk[i],
				   &kft[1]->pool->table.chunk[i], sizeof(struct kvmflip_chunk));
	KUNIT_EXPECT_MEMEQ(test, &kft[0]->test->delta, &kft[1]->test->delta,
			   sizeof(struct kvmflip_delta));
	KUNIT_EXPECT_GT(test, kft[0]->rxq.tally.tail, 1);
	KUNIT_EXPECT_EQ(test, kft[0]->rxq.tally.tail, kft[1]->rxq.tally.tail);
	for (i = 0; i < kft[0]->rxq.tally.tail; i++) {
		KUNIT_EXPECT_EQ(test, kft[0]->rxq.tally.run[i].chunk,
				kft[1]->rxq.tally.run[i].chunk);
		KUNIT_EXPECT_EQ(test, kft[0]->rxq.tally.run[i].end, kft[1]->rxq.tally.run[i].end);
	}
	KUNIT_EXPECT_EQ(test, kft[0]->pool->table.buf[0].left, kft[1]->pool->table.buf[0].left);
	KUNIT_EXPECT_EQ(test, kft[0]->rxq.posted, kft[1]->rxq.posted);
	KUNIT_EXPECT_EQ(test, kft[0]->rxq.delivery.trust, kft[1]->rxq.delivery.trust);
	for (k = 0; k < 2; k++) {
		kvmflip_deliver_all(&kft[k]->rxq.delivery);
		list_del_init(&kft[k]->pool->table.buf[0].list);
	}
}

/* All that it is to keep posted, each chunk once. */
static void kft_starts(struct kunit *test)
{
	struct kft_serve *kft = kft_serving(test);
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
	struct kft_serve *kft = kft_serving(test);
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
	struct kft_serve *kft = kft_serving(test);
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

/* When no buffer can be granted the queue tries again, and is whole again in the end. */
static void kft_no_memory(struct kunit *test)
{
	struct kft_serve *kft = kft_serving(test);
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
	struct kft_serve *kft = kft_serve(test);
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
	struct kft_serve *kft = kft_serving(test);

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
	struct kft_serve *kft = kft_serving(test);
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
static void kft_starved(struct kunit *test, struct kft_serve *kft)
{
	u32 n;

	kft_start(test, kft, KVMFLIP_DIRTY);
	kft_take(kft);
	kft->fill.flags = XDP_RING_NEED_WAKEUP;
	kft_wake(kft);
	KUNIT_EXPECT_EQ(test, kft->rxq.delivery.trust, KVMFLIP_TRUST);
	kft_receive(kft, 1000);
	WRITE_ONCE(kft->rxq.patient, true);
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
	kft_starved(test, kft_serve(test));
}

static void kft_starved_copy(struct kunit *test)
{
	struct kft_serve *kft = kft_serve(test);

	kft->port->config.latency = 0;
	kft_starved(test, kft);
}

/* What waits is delivered; what the driver still has comes back, dirty. */
static void kft_stops(struct kunit *test)
{
	struct kft_serve *kft = kft_serve(test);
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
	struct kft_serve *kft = kft_serve(test);
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
	struct kft_serve *kft = kft_serving(test);
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

/* An index that cannot be ends it. */
static void kft_corrupt(struct kunit *test)
{
	struct kft_serve *kft = kft_serving(test);

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
	KUNIT_CASE_PARAM(kft_complete, kft_completion_gen_params),
	KUNIT_CASE(kft_together),
	KUNIT_CASE(kft_starts),
	KUNIT_CASE(kft_goes_on),
	KUNIT_CASE(kft_kept),
	KUNIT_CASE(kft_no_memory),
	KUNIT_CASE(kft_forgets),
	KUNIT_CASE(kft_repeats),
	KUNIT_CASE(kft_empty_post),
	KUNIT_CASE(kft_starved_flip),
	KUNIT_CASE(kft_starved_copy),
	KUNIT_CASE(kft_stops),
	KUNIT_CASE(kft_drains),
	KUNIT_CASE(kft_in_time),
	KUNIT_CASE(kft_corrupt),
	{}
};

static struct kunit_suite kft_suite = {
	.name = "kvmflip_serve",
	.test_cases = kft_cases,
};

kunit_test_suite(kft_suite);
