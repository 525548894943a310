// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: receive queues of NICs that write into a pool. */

#include <kunit/resource.h>
#include <linux/if_xdp.h>

#include "../src/host/rxq.h"
#include "fixture.h"

#define KFT_BUFFERS	8
#define KFT_QUEUE	3

/* What the buffers are in these tests. */
#define KFT_OURS	5
#define KFT_THEIRS	6
#define KFT_FREE	7

#define KFT_AT(buf, offset)	(((u64)(buf) << PAGE_SHIFT) + (offset))

/**
 * struct kft_completion - what a driver may tell us
 * @name: of the case
 * @desc: its descriptor
 * @verdict: counter, or 0 if there is a frame
 * @taken: whether the queue has its buffer back
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
	{ "to the end", { KFT_AT(KFT_OURS, 256), 3840, 0 }, 0, true },
	{ "all but the metadata", { KFT_AT(KFT_OURS, 16), 4080, 0 }, 0, true },
	{ "the last byte", { KFT_AT(KFT_OURS, 4095), 1, 0 }, 0, true },
	{ "no room for metadata", { KFT_AT(KFT_OURS, 15), 100, 0 },
	  KVMFLIP_A_STATS_DROPPED_INVALID, true },
	{ "at the start", { KFT_AT(KFT_OURS, 0), 100, 0 },
	  KVMFLIP_A_STATS_DROPPED_INVALID, true },
	{ "empty", { KFT_AT(KFT_OURS, 256), 0, 0 },
	  KVMFLIP_A_STATS_DROPPED_INVALID, true },
	{ "a byte beyond the end", { KFT_AT(KFT_OURS, 256), 3841, 0 },
	  KVMFLIP_A_STATS_DROPPED_INVALID, true },
	{ "as long as a chunk", { KFT_AT(KFT_OURS, 256), 4096, 0 },
	  KVMFLIP_A_STATS_DROPPED_INVALID, true },
	{ "longest", { KFT_AT(KFT_OURS, 256), U32_MAX, 0 },
	  KVMFLIP_A_STATS_DROPPED_INVALID, true },
	{ "longest, wraps", { KFT_AT(KFT_OURS, 4095), U32_MAX - 4094, 0 },
	  KVMFLIP_A_STATS_DROPPED_INVALID, true },
	{ "to be continued", { KFT_AT(KFT_OURS, 256), 100, XDP_PKT_CONTD },
	  KVMFLIP_A_STATS_DROPPED_INVALID, true },
	{ "another queue's", { KFT_AT(KFT_THEIRS, 256), 100, 0 },
	  KVMFLIP_A_STATS_DROPPED_UNPOSTED, false },
	{ "nobody's", { KFT_AT(KFT_FREE, 256), 100, 0 },
	  KVMFLIP_A_STATS_DROPPED_UNPOSTED, false },
	{ "nobody's and wrong", { KFT_AT(KFT_FREE, 0), U32_MAX, 0 },
	  KVMFLIP_A_STATS_DROPPED_UNPOSTED, false },
	{ "behind the pool", { KFT_AT(KFT_BUFFERS, 256), 100, 0 },
	  KVMFLIP_A_STATS_DROPPED_INVALID, false },
	{ "a bit too high", { KFT_AT(KFT_OURS, 256) | BIT_ULL(32), 100, 0 },
	  KVMFLIP_A_STATS_DROPPED_INVALID, false },
	{ "good in 32 bits of chunk", { KFT_AT(KFT_OURS, 256) | BIT_ULL(32 + PAGE_SHIFT), 100, 0 },
	  KVMFLIP_A_STATS_DROPPED_INVALID, false },
	{ "highest bit", { KFT_AT(KFT_OURS, 256) | BIT_ULL(63), 100, 0 },
	  KVMFLIP_A_STATS_DROPPED_INVALID, false },
	{ "all bits", { U64_MAX, 100, 0 },
	  KVMFLIP_A_STATS_DROPPED_INVALID, false },
};

KUNIT_ARRAY_PARAM_DESC(kft_completion, kft_completions, name);

/* A queue with one buffer posted; another queue of the pool has one as well. */
static struct kvmflip_rxq *kft_rxq(struct kunit *test)
{
	struct kvmflip_rxq *rxq = kunit_kzalloc(test, sizeof(*rxq), GFP_KERNEL);
	struct kvmflip_buffers *table;
	LIST_HEAD(bufs);

	KUNIT_ASSERT_NOT_NULL(test, rxq);
	rxq->pool = kvmflip_test_pool(test, "kunit", KFT_BUFFERS);
	rxq->id = KFT_QUEUE;
	rxq->posted = 1;
	table = &rxq->pool->table;

	list_move(&table->buf[KFT_OURS].list, &bufs);
	list_move(&table->buf[KFT_THEIRS].list, &bufs);
	kvmflip_test_advance(rxq->pool, &bufs, KVMFLIP_POSTED);
	list_del_init(&table->buf[KFT_OURS].list);
	list_del_init(&table->buf[KFT_THEIRS].list);
	kvmflip_chunk_post(table, KFT_OURS, KFT_QUEUE);
	kvmflip_chunk_post(table, KFT_THEIRS, KFT_QUEUE + 1);
	return rxq;
}

static void kft_complete(struct kunit *test)
{
	const struct kft_completion *row = test->param_value;
	struct kvmflip_rxq *rxq = kft_rxq(test);
	struct kvmflip_buffers *table = &rxq->pool->table;
	struct kvmflip_buffer *buf = &table->buf[KFT_OURS];
	struct kvmflip_frame frame;

	memset(&frame, 0xff, sizeof(frame));
	KUNIT_EXPECT_EQ(test, kf_complete(rxq, &row->desc, &frame), row->verdict);
	KUNIT_EXPECT_PTR_EQ(test, frame.buf, row->taken ? buf : NULL);
	KUNIT_EXPECT_EQ(test, frame.len, row->desc.len);
	if (!row->verdict) {
		KUNIT_EXPECT_EQ(test, frame.offset, row->desc.addr & ~PAGE_MASK);
		KUNIT_EXPECT_PTR_EQ(test, frame.data,
				    (void *)(kvmflip_test_bytes(rxq->pool, buf) + frame.offset));
	}
	KUNIT_EXPECT_EQ(test, rxq->posted, !row->taken);
	KUNIT_EXPECT_EQ(test, table->posted[KFT_OURS], row->taken ? 0 : KFT_QUEUE);
	KUNIT_EXPECT_EQ(test, table->posted[KFT_THEIRS], KFT_QUEUE + 1);
	/* Whatever it says, the device may have written to what it had. */
	KUNIT_EXPECT_EQ(test, buf->dirty, row->taken);

	/* A driver that says it again. */
	KUNIT_EXPECT_EQ(test, kf_complete(rxq, &row->desc, &frame),
			row->taken ? KVMFLIP_A_STATS_DROPPED_UNPOSTED : row->verdict);
	KUNIT_EXPECT_NULL(test, frame.buf);
	KUNIT_EXPECT_EQ(test, rxq->posted, !row->taken);
}

/* One that says it again after the buffer has gone to a guest. */
static void kft_complete_replayed(struct kunit *test)
{
	static const struct xdp_desc good = { KFT_AT(KFT_OURS, 256), 100, 0 };
	struct kvmflip_rxq *rxq = kft_rxq(test);
	struct kvmflip_buffers *table = &rxq->pool->table;
	struct kvmflip_buffer *buf = &table->buf[KFT_OURS];
	struct kvmflip_frame frame;
	LIST_HEAD(bufs);

	KUNIT_ASSERT_EQ(test, kf_complete(rxq, &good, &frame), 0);
	list_add(&buf->list, &bufs);
	kvmflip_pool_move(rxq->pool, &bufs, KVMFLIP_POSTED, KVMFLIP_FILLED);
	kvmflip_pool_move(rxq->pool, &bufs, KVMFLIP_FILLED, KVMFLIP_MAPPED);
	KUNIT_EXPECT_EQ(test, kf_complete(rxq, &good, &frame), KVMFLIP_A_STATS_DROPPED_UNPOSTED);
	KUNIT_EXPECT_NULL(test, frame.buf);
	KUNIT_EXPECT_EQ(test, buf->state, KVMFLIP_MAPPED);

	/* And after another queue has posted it. */
	kvmflip_pool_return(rxq->pool, &bufs);
	list_move(&buf->list, &bufs);
	kvmflip_pool_move(rxq->pool, &bufs, KVMFLIP_FREE, KVMFLIP_POSTED);
	kvmflip_chunk_post(table, KFT_OURS, KFT_QUEUE + 1);
	KUNIT_EXPECT_EQ(test, kf_complete(rxq, &good, &frame), KVMFLIP_A_STATS_DROPPED_UNPOSTED);
	KUNIT_EXPECT_EQ(test, table->posted[KFT_OURS], KFT_QUEUE + 1);
	KUNIT_EXPECT_EQ(test, table->illegal, 0);
}

static struct kunit_case kft_cases[] = {
	KUNIT_CASE_PARAM(kft_complete, kft_completion_gen_params),
	KUNIT_CASE(kft_complete_replayed),
	{}
};

static struct kunit_suite kft_suite = {
	.name = "kvmflip_rxq",
	.test_cases = kft_cases,
};

kunit_test_suite(kft_suite);
