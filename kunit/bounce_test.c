// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: memory of a port into which frames are copied. */

#include <kunit/resource.h>
#include <linux/prandom.h>
#include <linux/vmalloc.h>

#include "../src/host/bounce.h"
#include "fixture.h"

#define KFT_SLOT	BIT(KVMFLIP_BOUNCE_SHIFT)
#define KFT_MOST	4096
#define KFT_STALE	0xa5

static void kft_free(void *mem)
{
	vfree(mem);
}

static struct kvmflip_bounce *kft_bounce(struct kunit *test, u32 most)
{
	struct kvmflip_bounce *bounce = kunit_kmalloc(test, sizeof(*bounce), GFP_KERNEL);
	void *mem = vmalloc(KVMFLIP_BOUNCE_BYTES);

	KUNIT_ASSERT_NOT_NULL(test, mem);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, kft_free, mem), 0);
	KUNIT_ASSERT_NOT_NULL(test, bounce);
	memset(mem, KFT_STALE, KVMFLIP_BOUNCE_BYTES);
	memset(bounce, 0xff, sizeof(*bounce));
	kvmflip_bounce_init(bounce, mem, most);
	return bounce;
}

static u8 *kft_at(const struct kvmflip_bounce *bounce, const struct kvmflip_bounced *where)
{
	return (u8 *)bounce->mem + where->slot * KFT_SLOT + where->offset;
}

/* A frame of one byte after the other, of no interest but for its length. */
static bool kft_put(struct kvmflip_bounce *bounce, u32 len, struct kvmflip_bounced *where)
{
	static const u8 frame[KFT_MOST];

	return kvmflip_bounce_put(bounce, frame, len, where);
}

/* Fills slots until one is complete; returns how many frames that took. */
static u32 kft_fill(struct kunit *test, struct kvmflip_bounce *bounce, u32 len)
{
	struct kvmflip_bounced where;
	u32 n = 0;

	do {
		KUNIT_ASSERT_TRUE(test, kft_put(bounce, len, &where));
		n++;
	} while (!where.last);
	return n;
}

/**
 * struct kft_pack - frames of one length
 * @name: of the case
 * @most: bytes of the longest frame there may be
 * @len: bytes of these
 * @step: from one to the next
 * @frames: that one slot takes
 */
struct kft_pack {
	const char *name;
	u32 most;
	u32 len;
	u32 step;
	u32 frames;
};

static const struct kft_pack kft_packs[] = {
	{ "1 byte", 4096, 1, 64, 961 },
	{ "60 bytes", 4096, 60, 64, 961 },
	{ "a line", 4096, 64, 64, 961 },
	{ "a byte more than a line", 4096, 65, 128, 481 },
	{ "256 bytes", 4096, 256, 256, 241 },
	{ "1514 bytes", 4096, 1514, 1536, 41 },
	{ "the longest", 4096, 4096, 4096, 16 },
	{ "almost the longest", 4096, 4000, 4032, 16 },
	{ "the longest in small chunks", 2048, 2048, 2048, 32 },
	{ "60 bytes in small chunks", 2048, 60, 64, 993 },
};

KUNIT_ARRAY_PARAM_DESC(kft_pack, kft_packs, name);

/* One behind the other, and the last flagged when the longest would not fit any more. */
static void kft_packing(struct kunit *test)
{
	const struct kft_pack *row = test->param_value;
	struct kvmflip_bounce *bounce = kft_bounce(test, row->most);
	struct kvmflip_bounced where;
	u32 i, slot;

	for (slot = 0; slot < 3; slot++) {
		for (i = 0; i < row->frames; i++) {
			KUNIT_ASSERT_TRUE(test, kft_put(bounce, row->len, &where));
			KUNIT_ASSERT_EQ(test, where.slot, slot);
			KUNIT_ASSERT_EQ(test, where.offset, i * row->step);
			KUNIT_ASSERT_EQ(test, where.last, i == row->frames - 1);
			KUNIT_ASSERT_LE(test, where.offset + row->len, KFT_SLOT);
		}
	}
}

/* Nothing but the frame itself is written, and no frame over another. */
static void kft_bytes(struct kunit *test)
{
	struct kvmflip_bounce *bounce = kft_bounce(test, KFT_MOST);
	u8 *frame = kunit_kmalloc(test, KFT_MOST, GFP_KERNEL);
	u32 i, len, end = 0, last_slot = 0, wrong = 0;
	struct kvmflip_bounced where;
	struct rnd_state rnd;
	u8 *at;

	KUNIT_ASSERT_NOT_NULL(test, frame);
	prandom_seed_state(&rnd, 2004);
	for (i = 0; i < 300; i++) {
		len = 1 + prandom_u32_state(&rnd) % KFT_MOST;
		memset(frame, i % KFT_STALE, len);
		KUNIT_ASSERT_TRUE(test, kvmflip_bounce_put(bounce, frame, len, &where));
		if (where.slot != last_slot)
			end = 0;
		last_slot = where.slot;
		at = kft_at(bounce, &where);
		wrong += where.offset < end || where.offset % 64 || where.offset + len > KFT_SLOT;
		wrong += !!memchr_inv(at, i % KFT_STALE, len);
		wrong += where.offset > end && memchr_inv(at - (where.offset - end), KFT_STALE,
							  where.offset - end);
		if (where.offset + len < KFT_SLOT)
			wrong += at[len] != KFT_STALE;
		end = where.offset + len;
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
}

static void kft_exhausted(struct kunit *test)
{
	struct kvmflip_bounce *bounce = kft_bounce(test, KFT_MOST);
	struct kvmflip_bounced where = { .slot = 77 };
	u32 i;

	for (i = 0; i < KVMFLIP_BOUNCES; i++)
		KUNIT_EXPECT_EQ(test, kft_fill(test, bounce, KFT_MOST), KFT_SLOT / KFT_MOST);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_FALSE(test, kft_put(bounce, 1, &where));
	KUNIT_EXPECT_EQ(test, where.slot, 77);

	/* Any slot that comes back is good again, and just that one. */
	KUNIT_EXPECT_TRUE(test, kvmflip_bounce_return(bounce, 5));
	for (i = 0; i < KFT_SLOT / KFT_MOST; i++) {
		KUNIT_EXPECT_TRUE(test, kft_put(bounce, KFT_MOST, &where));
		KUNIT_EXPECT_EQ(test, where.slot, 5);
		KUNIT_EXPECT_EQ(test, where.offset, i * KFT_MOST);
	}
	KUNIT_EXPECT_TRUE(test, where.last);
	KUNIT_EXPECT_FALSE(test, kft_put(bounce, 1, &where));
}

/* What is not the guest's it cannot return. */
static void kft_bad_returns(struct kunit *test)
{
	static const u32 bad[] = { 2, 3, 63, 64, 65, 0x80000000, 0x80000001, U32_MAX };
	struct kvmflip_bounce *bounce = kft_bounce(test, KFT_MOST);
	struct kvmflip_bounced where;
	u32 i;

	for (i = 0; i < 2; i++)
		kft_fill(test, bounce, KFT_MOST);
	/* Slot 2 is open: more frames will come in it. */
	KUNIT_ASSERT_TRUE(test, kft_put(bounce, 100, &where));
	KUNIT_ASSERT_EQ(test, where.slot, 2);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_FALSE_MSG(test, kvmflip_bounce_return(bounce, bad[i]), "%u", bad[i]);

	KUNIT_EXPECT_TRUE(test, kvmflip_bounce_return(bounce, 1));
	KUNIT_EXPECT_FALSE(test, kvmflip_bounce_return(bounce, 1));
	KUNIT_EXPECT_TRUE(test, kvmflip_bounce_return(bounce, 0));
	KUNIT_EXPECT_FALSE(test, kvmflip_bounce_return(bounce, 0));

	/* The open one goes on where it was. */
	KUNIT_ASSERT_TRUE(test, kft_put(bounce, 100, &where));
	KUNIT_EXPECT_EQ(test, where.slot, 2);
	KUNIT_EXPECT_EQ(test, where.offset, 128);
	KUNIT_EXPECT_FALSE(test, kvmflip_bounce_return(bounce, 2));
	kft_fill(test, bounce, KFT_MOST);
	KUNIT_EXPECT_TRUE(test, kvmflip_bounce_return(bounce, 2));
}

static void kft_init_again(struct kunit *test)
{
	struct kvmflip_bounce *bounce = kft_bounce(test, KFT_MOST);
	struct kvmflip_bounced where;
	u32 i;

	for (i = 0; i < KVMFLIP_BOUNCES; i++)
		kft_fill(test, bounce, KFT_MOST);
	kvmflip_bounce_init(bounce, bounce->mem, KFT_MOST);
	for (i = 0; i < KVMFLIP_BOUNCES; i++)
		KUNIT_EXPECT_FALSE(test, kvmflip_bounce_return(bounce, i));
	KUNIT_ASSERT_TRUE(test, kft_put(bounce, 100, &where));
	KUNIT_EXPECT_EQ(test, where.slot, 0);
	KUNIT_EXPECT_EQ(test, where.offset, 0);
}

/* Fills slots with frames of the host's until there are no more; returns how many. */
static u32 kft_fill_host(struct kvmflip_bounce *bounce, u32 len)
{
	struct kvmflip_bounced where;
	u32 n = 0;

	while (kvmflip_bounce_take(bounce, 0, len, &where))
		n++;
	return n;
}

/**
 * struct kft_long - a frame of the host's behind one of a NIC
 * @name: of the case
 * @front: bytes in front of it
 * @len: bytes of it
 * @slot: where it goes
 * @offset: and where there
 * @last: nothing fits behind it
 */
struct kft_long {
	const char *name;
	u32 front;
	u32 len;
	u32 slot;
	u32 offset;
	bool last;
};

/* The one of the NIC has 1,536 bytes of slot 0, so that 64,000 are left. */
static const struct kft_long kft_longs[] = {
	{ "short", 0, 60, 0, 1536, false },
	{ "short with a header", 12, 60, 0, 1600, false },
	{ "all there is", 0, 64000, 0, 1536, true },
	{ "all there is with a header", 64, 63936, 0, 1600, true },
	{ "a byte more", 0, 64001, 1, 0, true },
	{ "a byte more with a header", 12, 63937, 1, 64, true },
	{ "room for a NIC's behind it", 0, 59904, 0, 1536, false },
	{ "no room for a NIC's behind it", 0, 59905, 0, 1536, true },
	{ "the longest", 12, 61440, 0, 1600, true },
};

KUNIT_ARRAY_PARAM_DESC(kft_long, kft_longs, name);

/* It closes a slot that it does not fit into. */
static void kft_take(struct kunit *test)
{
	const struct kft_long *row = test->param_value;
	struct kvmflip_bounce *bounce = kft_bounce(test, KFT_MOST);
	struct kvmflip_bounced where;
	void *at;

	KUNIT_ASSERT_TRUE(test, kft_put(bounce, 1514, &where));
	KUNIT_EXPECT_EQ(test, where.closed, KVMFLIP_BOUNCES);
	at = kvmflip_bounce_take(bounce, row->front, row->len, &where);
	KUNIT_ASSERT_PTR_EQ(test, at, kft_at(bounce, &where));
	KUNIT_EXPECT_EQ(test, where.slot, row->slot);
	KUNIT_EXPECT_EQ(test, where.offset, row->offset);
	KUNIT_EXPECT_EQ(test, where.last, row->last);
	KUNIT_EXPECT_EQ(test, where.closed, row->slot ? 0 : KVMFLIP_BOUNCES);
	/* What was closed is the guest's to return, what is open is not. */
	KUNIT_EXPECT_EQ(test, kvmflip_bounce_return(bounce, row->slot), row->last);
	if (row->slot)
		KUNIT_EXPECT_TRUE(test, kvmflip_bounce_return(bounce, 0));
}

/* The host cannot have all slots, whichever way it goes about it. */
static void kft_spare(struct kunit *test)
{
	struct kvmflip_bounce *bounce = kft_bounce(test, KFT_MOST);
	u32 most = KVMFLIP_BOUNCES - KVMFLIP_BOUNCES_SPARE;
	struct kvmflip_bounced where;
	u32 i;

	KUNIT_EXPECT_EQ(test, kft_fill_host(bounce, 61440), most);
	for (i = 0; i < KVMFLIP_BOUNCES_SPARE; i++)
		kft_fill(test, bounce, KFT_MOST);
	/* Nor a part of one that was opened for a NIC. */
	KUNIT_ASSERT_TRUE(test, kft_put(bounce, 60, &where));
	KUNIT_EXPECT_NULL(test, kvmflip_bounce_take(bounce, 0, 60, &where));
	KUNIT_EXPECT_TRUE(test, kft_put(bounce, 60, &where));
	KUNIT_EXPECT_EQ(test, where.slot, KVMFLIP_BOUNCES - 1);

	for (i = 0; i < KVMFLIP_BOUNCES_SPARE - 1; i++)
		KUNIT_EXPECT_TRUE(test, kvmflip_bounce_return(bounce, i));
	KUNIT_EXPECT_NULL(test, kvmflip_bounce_take(bounce, 0, 60, &where));
	KUNIT_EXPECT_TRUE(test, kvmflip_bounce_return(bounce, i));
	KUNIT_EXPECT_NOT_NULL(test, kvmflip_bounce_take(bounce, 0, 60, &where));
	KUNIT_EXPECT_EQ(test, where.slot, KVMFLIP_BOUNCES - 1);
	/* One that would have to be closed for it is none of those that are spared. */
	KUNIT_EXPECT_NULL(test, kvmflip_bounce_take(bounce, 0, 65500, &where));
	KUNIT_EXPECT_TRUE(test, kft_put(bounce, 60, &where));
	KUNIT_EXPECT_EQ(test, where.slot, KVMFLIP_BOUNCES - 1);
}

static struct kunit_case kft_cases[] = {
	KUNIT_CASE_PARAM(kft_packing, kft_pack_gen_params),
	KUNIT_CASE(kft_bytes),
	KUNIT_CASE(kft_exhausted),
	KUNIT_CASE(kft_bad_returns),
	KUNIT_CASE(kft_init_again),
	KUNIT_CASE_PARAM(kft_take, kft_long_gen_params),
	KUNIT_CASE(kft_spare),
	{}
};

static struct kunit_suite kft_suite = {
	.name = "kvmflip_bounce",
	.test_cases = kft_cases,
};

kunit_test_suite(kft_suite);
