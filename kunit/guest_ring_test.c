// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: the guest's ends of the rings that are shared with the host. */

#include <kunit/test.h>

#include "../src/guest/ring.h"

#define KFT_NR		8

static struct kfn_ring *kft_ring(struct kunit *test)
{
	struct kfn_ring *ring = kunit_kzalloc(test, sizeof(*ring), GFP_KERNEL);
	void *mem = kunit_kzalloc(test, kfn_ring_bytes(KFT_NR, sizeof(u32)), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, ring);
	KUNIT_ASSERT_NOT_NULL(test, mem);
	kfn_ring_init(ring, mem, KFT_NR);
	return ring;
}

/**
 * struct kft_index - an index that the host shows
 * @name: of the case
 * @ahead: of what the guest has consumed
 * @filled: entries that the guest may read, or an error
 */
struct kft_index {
	const char *name;
	u32 ahead;
	int filled;
};

static const struct kft_index kft_indices[] = {
	{ "nothing", 0, 0 },
	{ "one", 1, 1 },
	{ "full", KFT_NR, KFT_NR },
	{ "more than full", KFT_NR + 1, -EPROTO },
	{ "one back", -1, -EPROTO },
	{ "far away", 0x80000000, -EPROTO },
};

KUNIT_ARRAY_PARAM_DESC(kft_index, kft_indices, name);

/* Wherever in its 32 bits an index is. */
static const u32 kft_bases[] = { 0, 1, KFT_NR - 1, 0x7fffffff, 0x80000000, -KFT_NR, -3, -1 };

static void kft_filled(struct kunit *test)
{
	const struct kft_index *row = test->param_value;
	struct kfn_ring *ring = kft_ring(test);
	u32 i;

	for (i = 0; i < ARRAY_SIZE(kft_bases); i++) {
		ring->cons = kft_bases[i];
		ring->shared->prod = cpu_to_le32(kft_bases[i] + row->ahead);
		KUNIT_EXPECT_EQ(test, kfn_ring_filled(ring), row->filled);
		KUNIT_EXPECT_EQ(test, ring->cons, kft_bases[i]);
		kfn_ring_consumed(ring);
		KUNIT_EXPECT_EQ(test, le32_to_cpu(ring->shared->cons), kft_bases[i]);
		KUNIT_EXPECT_LT(test, kfn_ring_at(ring, kft_bases[i]), KFT_NR);
		KUNIT_EXPECT_EQ(test, (kfn_ring_at(ring, kft_bases[i]) + 1) % KFT_NR,
				kfn_ring_at(ring, kft_bases[i] + 1));
	}
}

/* What comes before the host reads the event has to be seen here. */
static void kft_arm(struct kunit *test)
{
	struct kfn_ring *ring = kft_ring(test);
	u32 i, ahead, n;

	for (i = 0; i < ARRAY_SIZE(kft_bases); i++) {
		for (ahead = 0; ahead < KFT_NR; ahead++) {
			for (n = 0; n <= KFT_NR; n++) {
				ring->cons = kft_bases[i];
				ring->shared->prod = cpu_to_le32(kft_bases[i] + n);
				KUNIT_ASSERT_EQ(test, kfn_ring_arm(ring, ahead), n > ahead);
				KUNIT_ASSERT_EQ(test, le32_to_cpu(ring->shared->event),
						kft_bases[i] + ahead);
			}
		}
	}
}

/* A doorbell is for the host that waits for one of the new entries. */
static void kft_publish(struct kunit *test)
{
	struct kfn_ring *ring = kft_ring(test);
	int event;
	u32 i, n;

	for (i = 0; i < ARRAY_SIZE(kft_bases); i++) {
		for (n = 0; n <= KFT_NR; n++) {
			for (event = -3; event < (int)KFT_NR + 3; event++) {
				ring->published = kft_bases[i];
				ring->prod = kft_bases[i] + n;
				ring->shared->prod = cpu_to_le32(kft_bases[i]);
				ring->shared->event = cpu_to_le32(kft_bases[i] + event);
				KUNIT_ASSERT_EQ(test, kfn_ring_publish(ring),
						event >= 0 && event < (int)n);
				KUNIT_ASSERT_EQ(test, le32_to_cpu(ring->shared->prod), ring->prod);
				KUNIT_ASSERT_FALSE(test, kfn_ring_publish(ring));
			}
		}
	}
}

static struct kunit_case kft_cases[] = {
	KUNIT_CASE_PARAM(kft_filled, kft_index_gen_params),
	KUNIT_CASE(kft_arm),
	KUNIT_CASE(kft_publish),
	{}
};

static struct kunit_suite kft_suite = {
	.name = "kvmflip_guest_ring",
	.test_cases = kft_cases,
};

kunit_test_suite(kft_suite);
