// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: what drivers say they have received. */

#include <linux/if_xdp.h>
#include <linux/prandom.h>
#include <linux/sizes.h>

#include "../src/host/serve.h"
#include "nic.h"

/* What the chunks are in some of these tests. */
#define KFT_OURS	10
#define KFT_THEIRS	12
#define KFT_FREE	14

#define KFT_SLOTS	KVMFLIP_TEST_SLOTS
#define KFT_QUEUE	KVMFLIP_TEST_QUEUE
#define KFT_CHUNKS	KVMFLIP_TEST_CHUNKS
#define KFT_AT		KVMFLIP_TEST_AT

/* A queue with one chunk posted; another queue of the pool has one as well. */
static struct kvmflip_test_nic *kft_one_posted(struct kunit *test)
{
	struct kvmflip_test_nic *kft = kvmflip_test_nic(test);
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
	struct kvmflip_test_nic *kft = kft_one_posted(test);
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
static u32 kft_scene(struct kvmflip_test_nic *kft, struct rnd_state *rnd, u32 chunk,
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
	struct kvmflip_test_nic *kft[2];
	struct kvmflip_pool *pool;
	u32 i, k, n, at, chunk, batch;
	LIST_HEAD(full);

	for (k = 0; k < 2; k++) {
		pool = kvmflip_test_pool_chunks(test, name[k], KFT_SLOTS, SZ_2M, SZ_2K);
		kft[k] = kvmflip_test_nic_of(test, name[k], pool);
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

static struct kunit_case kft_cases[] = {
	KUNIT_CASE_PARAM(kft_complete, kft_completion_gen_params),
	KUNIT_CASE(kft_together),
	{}
};

static struct kunit_suite kft_suite = {
	.name = "kvmflip_complete",
	.test_cases = kft_cases,
};

kunit_test_suite(kft_suite);
