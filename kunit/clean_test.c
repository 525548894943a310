// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: what is left in a buffer that a guest gets. */

#include <kunit/resource.h>
#include <linux/sizes.h>
#include <linux/vmalloc.h>

#include "queue.h"

#define KFT_SLOTS	4
#define KFT_COPYBREAK	64

/* Whose bytes are whose. */
#define KFT_OWNER	KVMFLIP_TEST_TAG(0)
#define KFT_OTHER	KVMFLIP_TEST_TAG(1)
#define KFT_NOTES	KVMFLIP_TEST_TAG(4)
#define KFT_TAIL	KVMFLIP_TEST_TAG(5)

/* What drivers leave in front of a frame. */
#define KFT_NOTES_BYTES	64

/**
 * enum kft_before - what a buffer held before
 * @KFT_CLEAN: zeroes
 * @KFT_SAME: bytes of the guest that gets it now
 * @KFT_TENANT: bytes of another guest
 * @KFT_DIRTY: bytes of anybody
 */
enum kft_before {
	KFT_CLEAN,
	KFT_SAME,
	KFT_TENANT,
	KFT_DIRTY,
};

/**
 * struct kft_case - a buffer that a guest gets
 * @name: of the case
 * @buffer_size: bytes of the buffer
 * @chunk_size: bytes of a chunk
 * @before: what it held before
 */
struct kft_case {
	const char *name;
	u32 buffer_size;
	u32 chunk_size;
	enum kft_before before;
};

static const struct kft_case kft_buffers[] = {
	{ "4 KiB, clean", SZ_4K, SZ_4K, KFT_CLEAN },
	{ "4 KiB, same guest", SZ_4K, SZ_4K, KFT_SAME },
	{ "4 KiB, other guest", SZ_4K, SZ_4K, KFT_TENANT },
	{ "4 KiB, dirty", SZ_4K, SZ_4K, KFT_DIRTY },
	{ "4 KiB of 2 KiB, clean", SZ_4K, SZ_2K, KFT_CLEAN },
	{ "4 KiB of 2 KiB, same guest", SZ_4K, SZ_2K, KFT_SAME },
	{ "4 KiB of 2 KiB, other guest", SZ_4K, SZ_2K, KFT_TENANT },
	{ "4 KiB of 2 KiB, dirty", SZ_4K, SZ_2K, KFT_DIRTY },
	{ "2 MiB, clean", SZ_2M, SZ_4K, KFT_CLEAN },
	{ "2 MiB, same guest", SZ_2M, SZ_4K, KFT_SAME },
	{ "2 MiB, other guest", SZ_2M, SZ_4K, KFT_TENANT },
	{ "2 MiB, dirty", SZ_2M, SZ_4K, KFT_DIRTY },
	{ "2 MiB of 2 KiB, clean", SZ_2M, SZ_2K, KFT_CLEAN },
	{ "2 MiB of 2 KiB, same guest", SZ_2M, SZ_2K, KFT_SAME },
	{ "2 MiB of 2 KiB, other guest", SZ_2M, SZ_2K, KFT_TENANT },
	{ "2 MiB of 2 KiB, dirty", SZ_2M, SZ_2K, KFT_DIRTY },
};

KUNIT_ARRAY_PARAM_DESC(kft_case, kft_buffers, name);

/**
 * enum kft_kind - what comes in a chunk
 * @KFT_LARGE: a frame of the owner's
 * @KFT_SMALL: likewise, that is copied
 * @KFT_STRAY: a frame of another port
 * @KFT_NO_META: a frame without metadata
 * @KFT_NO_PORT: a frame for a port that there is not
 * @KFT_OLD: a frame for the owner's port as it was before
 * @KFT_INVALID: a completion that is none
 * @KFT_CHANGED: a frame of the owner's, in whose place there came another one later
 * @KFT_LATE: a frame of the owner's that was copied already, because it was late
 * @KFT_KINDS: number of kinds
 */
enum kft_kind {
	KFT_LARGE,
	KFT_SMALL,
	KFT_STRAY,
	KFT_NO_META,
	KFT_NO_PORT,
	KFT_OLD,
	KFT_INVALID,
	KFT_CHANGED,
	KFT_LATE,
	KFT_KINDS,
};

/**
 * struct kft_clean - two ports and a queue
 * @owner: port that gets the buffer
 * @other: port that does not
 * @queue: the queue
 * @expect: what must be in the buffer in the end
 * @zeroed: bytes that must have been zeroed
 * @tail: bytes, likewise, that a NIC may have left around frames
 * @zeroed_before: @zeroed before the present buffer
 * @tail_before: likewise
 * @named: frames that must be named in the buffer
 * @changed: frames of the owner's that are gone
 */
struct kft_clean {
	struct kvmflip_port *owner;
	struct kvmflip_port *other;
	struct kvmflip_test_queue *queue;
	u8 *expect;
	u64 zeroed;
	u64 tail;
	u64 zeroed_before;
	u64 tail_before;
	u32 named;
	u32 changed;
};

static void kft_vfree(void *mem)
{
	vfree(mem);
}

static struct kft_clean *kft_clean(struct kunit *test)
{
	struct kft_clean *kft = kunit_kzalloc(test, sizeof(*kft), GFP_KERNEL);
	const struct kft_case *row = test->param_value;
	struct kvmflip_pool *pool;

	KUNIT_ASSERT_NOT_NULL(test, kft);
	kft->expect = vzalloc(row->buffer_size);
	KUNIT_ASSERT_NOT_NULL(test, kft->expect);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, kft_vfree, kft->expect), 0);
	pool = kvmflip_test_pool_chunks(test, "kunit", 3, row->buffer_size, row->chunk_size);
	kft->owner = kvmflip_test_port_running(test, "kunit-a", pool, 2);
	kft->other = kvmflip_test_port_running(test, "kunit-b", pool, 2);
	kft->owner->config.copybreak = KFT_COPYBREAK;
	kft->other->config.copybreak = KFT_COPYBREAK;
	kft->queue = kvmflip_test_queue(test, pool);
	return kft;
}

/* A buffer with what it held before, with the device. */
static struct kvmflip_buffer *kft_buffer(struct kunit *test, struct kft_clean *kft)
{
	struct kvmflip_buffer *buf = kvmflip_test_post(test, kft->queue);
	const struct kft_case *row = test->param_value;
	u32 i, order = kft->queue->pool->table.chunk_order;
	u8 byte = 0;

	kft->zeroed_before = kft->zeroed;
	kft->tail_before = kft->tail;

	switch (row->before) {
	case KFT_CLEAN:
		buf->dirty = KVMFLIP_CLEAN;
		break;
	case KFT_SAME:
		buf->dirty = kft->owner->tenant;
		byte = KFT_OWNER;
		break;
	case KFT_TENANT:
		buf->dirty = kft->other->tenant;
		byte = KFT_OTHER;
		break;
	case KFT_DIRTY:
		buf->dirty = KVMFLIP_DIRTY;
		byte = KVMFLIP_TEST_STALE;
		break;
	}
	for (i = 0; i < 1U << order; i++)
		memset(kvmflip_test_chunk_bytes(kft->queue, kvmflip_test_chunk(kft->queue, buf, i)),
		       byte, row->chunk_size);
	return buf;
}

/* The device writes: its notes, then the frame, and behind it what it gave up. */
static void kft_arrive(struct kft_clean *kft, u32 chunk, enum kft_kind kind, u32 offset, u32 len)
{
	struct kvmflip_port *port = kind == KFT_STRAY ? kft->other : kft->owner;
	struct kvmflip_test_queue *queue = kft->queue;
	u8 *bytes = kvmflip_test_chunk_bytes(queue, chunk);
	u32 size = 1U << queue->pool->chunk_shift;
	u32 notes = offset - min(offset, KFT_NOTES_BYTES);
	struct kvmflip_meta meta = {
		.magic = KVMFLIP_META_MAGIC + (kind == KFT_NO_META),
		.port = port->id + (kind == KFT_NO_PORT) * 1000,
		.gen = port->gen - (kind == KFT_OLD),
	};
	struct kvmflip_meta *there = (void *)(bytes + offset - sizeof(meta));

	memset(bytes + notes, KFT_NOTES, offset - notes);
	memset(bytes + offset, KFT_TAIL, size - offset);
	if (kind == KFT_INVALID) {
		kvmflip_test_complete(queue, chunk);
		return;
	}
	kvmflip_test_frame(queue, chunk, &meta, port == kft->other ? KFT_OTHER : KFT_OWNER,
			   offset, len);
	if (kind == KFT_CHANGED) {
		there->port = kft->other->id;
		there->gen = kft->other->gen;
		memset(bytes + offset, KFT_OTHER, len);
	}
	if (kind == KFT_LATE) {
		/* With all that came before: nothing there is the owner's any more. */
		kvmflip_deliver_all(&queue->delivery);
		kft->named = 0;
		chunk &= (1U << queue->pool->table.chunk_order) - 1;
		memset(kft->expect, 0, chunk * size);
		kft->zeroed = kft->zeroed_before + chunk * size;
		kft->tail = kft->tail_before;
	}
}

static bool kft_is_owners(enum kft_kind kind)
{
	return kind == KFT_LARGE || kind == KFT_SMALL;
}

/* What must be in a chunk in the end. */
static void kft_expect(struct kunit *test, struct kft_clean *kft, u32 n, enum kft_kind kind,
		       u32 offset, u32 len)
{
	u32 size = 1U << kft->queue->pool->chunk_shift;
	const struct kft_case *row = test->param_value;
	u32 notes = offset - min(offset, KFT_NOTES_BYTES);
	u8 *bytes = kft->expect + n * size;

	memset(bytes, 0, size);
	if (!kft_is_owners(kind)) {
		kft->changed += kind == KFT_CHANGED;
		kft->zeroed += size;
		return;
	}
	if (row->before == KFT_SAME)
		memset(bytes, KFT_OWNER, notes);
	else if (row->before != KFT_CLEAN)
		kft->zeroed += notes;
	memset(bytes + offset, KFT_OWNER, len);
	kft->tail += size - len - notes;
	kft->named += kind == KFT_LARGE;
}

/* Who has most of a buffer finds this in it and nothing else. */
static void kft_check(struct kunit *test, struct kft_clean *kft, struct kvmflip_buffer *buf,
		      enum kft_kind kind)
{
	const struct kft_case *row = test->param_value;
	u32 i, named = 0, last = 0, wrong = 0, size = row->chunk_size;
	const u64 *port = kft->owner->stats.v;
	struct kvmflip_test_rx rx;

	KUNIT_ASSERT_EQ_MSG(test, buf->state, KVMFLIP_MAPPED, "kind %u", kind);
	KUNIT_ASSERT_PTR_EQ(test, buf->holder, (void *)kft->owner);
	KUNIT_EXPECT_EQ(test, buf->dirty, kft->owner->tenant);
	for (i = 0; i < row->buffer_size / size; i++)
		wrong += !!memcmp(kvmflip_test_chunk_bytes(kft->queue,
							   kvmflip_test_chunk(kft->queue, buf, i)),
				  kft->expect + i * size, size);
	KUNIT_EXPECT_EQ(test, wrong, 0);
	KUNIT_EXPECT_EQ(test, port[KVMFLIP_A_STATS_BYTES_ZEROED], kft->zeroed);
	KUNIT_EXPECT_EQ(test, port[KVMFLIP_A_STATS_BYTES_ZEROED_TAIL], kft->tail);
	KUNIT_EXPECT_EQ(test, kft->other->stats.v[KVMFLIP_A_STATS_BYTES_ZEROED], 0);
	KUNIT_EXPECT_EQ(test, kft->other->stats.v[KVMFLIP_A_STATS_BYTES_ZEROED_TAIL], 0);

	while (kvmflip_test_receive(kft->owner, &rx)) {
		KUNIT_ASSERT_NOT_NULL(test, rx.bytes);
		wrong += !!memchr_inv(rx.bytes, KFT_OWNER, rx.len);
		if (rx.slot != buf->slot)
			continue;
		named++;
		last += !!(rx.flags & KVMFLIP_RX_LAST);
		wrong += !!(rx.flags & KVMFLIP_RX_LAST) != (named == kft->named);
	}
	while (kvmflip_test_receive(kft->other, &rx))
		wrong += !rx.bytes || memchr_inv(rx.bytes, KFT_OTHER, rx.len);
	KUNIT_EXPECT_EQ(test, wrong, 0);
	KUNIT_EXPECT_EQ(test, named, kft->named);
	KUNIT_EXPECT_EQ(test, last, 1);
	KUNIT_EXPECT_EQ(test, port[KVMFLIP_A_STATS_DROPPED_INVALID], kft->changed);
	kvmflip_test_sums(test, kft->queue->delta.v);
	kvmflip_test_sums(test, kft->owner->stats.v);
	kvmflip_test_sums(test, kft->other->stats.v);
}

/* Where a frame lies and how long it is, in whatever chunk. */
static u32 kft_offset(u32 n)
{
	static const u32 offsets[] = { 256, 16, 64, 65, 320, 48 };

	return offsets[n % ARRAY_SIZE(offsets)];
}

static u32 kft_len(struct kft_clean *kft, u32 n, enum kft_kind kind, u32 offset)
{
	u32 room = (1U << kft->queue->pool->chunk_shift) - offset;

	if (kind == KFT_SMALL)
		return 1 + n % KFT_COPYBREAK;
	/* Up to the last byte now and then. */
	return n % 5 ? KFT_COPYBREAK + 1 + n * 37 % (room - KFT_COPYBREAK) : room;
}

static void kft_fill(struct kunit *test, struct kft_clean *kft, struct kvmflip_buffer *buf, u32 n,
		     enum kft_kind kind)
{
	u32 offset = kft_offset(n), len = kft_len(kft, n, kind, offset);

	kft_arrive(kft, kvmflip_test_chunk(kft->queue, buf, n), kind, offset, len);
	kft_expect(test, kft, n, kind, offset, len);
}

/*
 * Between two ports that have a frame each the one wins that had the buffer last.
 * Who came first counts if one is the other's former self.
 */
static u32 kft_place(u32 chunks, enum kft_kind kind)
{
	if (chunks == 2)
		return kind != KFT_LATE;
	return kind * 40;
}

/* A frame of the owner's in every chunk but one, in which there is anything. */
static void kft_one(struct kunit *test)
{
	const struct kft_case *row = test->param_value;
	u32 i, place, chunks = row->buffer_size / row->chunk_size;
	struct kvmflip_buffer *buf;
	struct kft_clean *kft = kft_clean(test);
	enum kft_kind kind;

	for (kind = KFT_LARGE; kind < (chunks > 1 ? KFT_KINDS : KFT_SMALL); kind++) {
		if (chunks == 2 && ((kind == KFT_STRAY && row->before == KFT_TENANT) ||
				    (kind == KFT_OLD && row->before == KFT_SAME)))
			continue;
		buf = kft_buffer(test, kft);
		kft->named = 0;
		place = chunks > 1 ? kft_place(chunks, kind) : 0;
		for (i = 0; i < chunks; i++)
			kft_fill(test, kft, buf, i, i == place ? kind : KFT_LARGE);
		kvmflip_test_deliver(kft->queue);
		kft_check(test, kft, buf, kind);
		kvmflip_test_give_back(kft->owner, buf->slot);
		KUNIT_ASSERT_EQ(test, buf->state, KVMFLIP_FREE);
		kvmflip_pool_give(kft->queue->pool, &kft->queue->free);
	}
}

/* Everything at once; all of it is somebody else's but a majority. */
static void kft_mixed(struct kunit *test)
{
	const struct kft_case *row = test->param_value;
	u32 i, chunks = row->buffer_size / row->chunk_size;
	struct kft_clean *kft = kft_clean(test);
	struct kvmflip_buffer *buf;

	if (chunks < 2 * KFT_KINDS)
		kunit_skip(test, "a buffer has not as many chunks");
	buf = kft_buffer(test, kft);
	for (i = 0; i < chunks; i++)
		kft_fill(test, kft, buf, i, i % 2 ? KFT_LARGE :
			 i / 2 % (i < chunks / 4 ? KFT_KINDS : KFT_LATE));
	kvmflip_test_deliver(kft->queue);
	kft_check(test, kft, buf, KFT_KINDS);
}

/* It goes from one to the other and back, and each writes all over it. */
static void kft_to_and_fro(struct kunit *test)
{
	const struct kft_case *row = test->param_value;
	u32 i, round, foreign, chunks = row->buffer_size / row->chunk_size;
	struct kft_clean *kft = kft_clean(test);
	struct kvmflip_buffer *buf = kft_buffer(test, kft);
	struct kvmflip_test_rx rx;
	u8 tag, *bytes;

	for (round = 0; round < 4; round++) {
		tag = round % 2 ? KFT_OTHER : KFT_OWNER;
		for (i = 0; i < chunks; i++)
			kvmflip_test_arrive(kft->queue, kvmflip_test_chunk(kft->queue, buf, i),
					    round % 2 ? kft->other : kft->owner, tag, 256, 100);
		kvmflip_test_deliver(kft->queue);
		KUNIT_ASSERT_EQ(test, buf->state, KVMFLIP_MAPPED);
		foreign = 0;
		for (i = 0; i < chunks; i++) {
			bytes = kvmflip_test_chunk_bytes(kft->queue,
							 kvmflip_test_chunk(kft->queue, buf, i));
			foreign += memchr_inv(bytes, 0, 256) ||
				   memchr_inv(bytes + 356, 0, row->chunk_size - 356);
			memset(bytes, tag, row->chunk_size);
		}
		/* Only who has had it before may find anything but the frame. */
		KUNIT_EXPECT_EQ(test, foreign, !round && row->before == KFT_SAME ? chunks : 0);
		while (kvmflip_test_receive(round % 2 ? kft->other : kft->owner, &rx))
			;
		kvmflip_test_give_back(round % 2 ? kft->other : kft->owner, buf->slot);
		KUNIT_ASSERT_EQ(test, buf->state, KVMFLIP_FREE);
		kvmflip_pool_give(kft->queue->pool, &kft->queue->free);
		while (kvmflip_test_post(test, kft->queue) != buf)
			;
	}
}

static struct kunit_case kft_cases[] = {
	KUNIT_CASE_PARAM(kft_one, kft_case_gen_params),
	KUNIT_CASE_PARAM(kft_mixed, kft_case_gen_params),
	KUNIT_CASE_PARAM(kft_to_and_fro, kft_case_gen_params),
	{}
};

static struct kunit_suite kft_suite = {
	.name = "kvmflip_clean",
	.test_cases = kft_cases,
};

kunit_test_suite(kft_suite);
