// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: slots that the guest has, and their return. */

#include <kunit/resource.h>
#include <kunit/test.h>
#include <linux/atomic.h>
#include <linux/bottom_half.h>

#include "../src/guest/device.h"

#define KFT_SLOTS	64
#define KFT_BOUNCES	4
#define KFT_ENTRIES	128
#define KFT_BATCH	8

static void kft_exit(void *data)
{
	kfn_slots_exit(data);
}

/* Was the doorbell rung since the last time? The timer may ring it just now. */
static bool kft_rung(struct kfn *kf)
{
	__le32 *bell = (__le32 __force *)(kf->regs + KVMFLIP_REG_DOORBELL);

	return le32_to_cpu(xchg(bell, cpu_to_le32(U32_MAX))) == KVMFLIP_DB_RETURN;
}

/* A device whose registers are memory. */
static struct kfn *kft_device(struct kunit *test)
{
	struct kfn *kf = kunit_kzalloc(test, sizeof(*kf), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, kf);
	kf->up = true;
	kf->layout.slots = KFT_SLOTS;
	kf->layout.bounces = KFT_BOUNCES;
	kf->layout.ret_entries = KFT_ENTRIES;
	kf->regs = (void __iomem *)kunit_kzalloc(test, KVMFLIP_BAR_REGS_SIZE, GFP_KERNEL);
	kf->window.base = kunit_kzalloc(test, kfn_ring_bytes(KFT_ENTRIES, sizeof(u32)),
					GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, (void __force *)kf->regs);
	KUNIT_ASSERT_NOT_NULL(test, kf->window.base);
	KUNIT_ASSERT_EQ(test, kfn_slots_init(kf), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, kft_exit, kf), 0);
	kfn_slots_reset(kf);
	kft_rung(kf);
	return kf;
}

/* What the host asks for, beyond what it has been shown. */
static void kft_host_waits(struct kfn *kf, bool waits)
{
	struct kfn_ring *ret = &kf->slots.ret;

	ret->shared->event = cpu_to_le32(waits ? ret->published : ret->published - 1);
}

/* The next slot that the host has been shown, or U32_MAX. */
static u32 kft_shown(struct kfn *kf)
{
	struct kfn_ring *ret = &kf->slots.ret;
	const __le32 *entries = ret->entries;

	if (ret->cons == le32_to_cpu(ret->shared->prod))
		return U32_MAX;
	return le32_to_cpu(entries[ret->cons++ % KFT_ENTRIES]);
}

/* A slot is the host's again when it is closed and nobody has a page of it. */
static void kft_users(struct kunit *test)
{
	static const u32 slots[] = { 0, KFT_SLOTS - 1, KFT_SLOTS, KFT_SLOTS + KFT_BOUNCES - 1 };
	struct kfn *kf = kft_device(test);
	u32 i, slot;

	for (i = 0; i < ARRAY_SIZE(slots); i++) {
		slot = slots[i];
		kfn_slots_poll_begin(kf);
		KUNIT_EXPECT_TRUE(test, kfn_slot_open(kf, slot));
		KUNIT_EXPECT_EQ(test, atomic_read(&kf->slots.held[slot >= KFT_SLOTS]), 1);
		KUNIT_EXPECT_FALSE(test, kfn_slot_open(kf, slot));
		kfn_slot_get(kf, slot);
		kfn_slot_get(kf, slot);
		kfn_slot_put(kf, slot);
		kfn_slot_close(kf, slot);
		KUNIT_EXPECT_EQ(test, kf->slots.returned, i);
		KUNIT_EXPECT_FALSE(test, kfn_slot_open(kf, slot));
		KUNIT_EXPECT_EQ(test, kfn_slots_held(kf), 1);
		KUNIT_EXPECT_FALSE(test, kfn_slots_wait(kf, 1));
		kfn_slot_put(kf, slot);
		KUNIT_EXPECT_EQ(test, kfn_slots_held(kf), 0);
		KUNIT_EXPECT_TRUE(test, kfn_slots_wait(kf, 1));
		KUNIT_EXPECT_EQ(test, kft_shown(kf), U32_MAX);
		kfn_slots_poll_end(kf);
		KUNIT_EXPECT_EQ(test, kft_shown(kf), slot);
		KUNIT_EXPECT_EQ(test, kft_shown(kf), U32_MAX);
		KUNIT_EXPECT_EQ(test, kf->slots.returned, i + 1);
	}
}

static void kft_return(struct kfn *kf, u32 slot)
{
	kfn_slot_open(kf, slot);
	kfn_slot_close(kf, slot);
}

/* The host hears of a batch at once, and of a whole poll. */
static void kft_batch(struct kunit *test)
{
	struct kfn *kf = kft_device(test);
	bool rung, pending;
	u32 i, shown;

	kft_host_waits(kf, true);
	/* The timer must not be in time, however long this takes. */
	local_bh_disable();
	for (i = 0; i < KFT_BATCH - 1; i++)
		kft_return(kf, i);
	rung = kft_rung(kf);
	shown = kft_shown(kf);
	pending = timer_pending(&kf->slots.timer);
	kft_return(kf, i);
	local_bh_enable();
	KUNIT_EXPECT_FALSE(test, rung);
	KUNIT_EXPECT_EQ(test, shown, U32_MAX);
	KUNIT_EXPECT_TRUE(test, pending);
	KUNIT_EXPECT_TRUE(test, kft_rung(kf));
	for (i = 0; i < KFT_BATCH; i++)
		KUNIT_EXPECT_EQ(test, kft_shown(kf), i);

	/* One that does not wait needs no doorbell. */
	kft_host_waits(kf, false);
	local_bh_disable();
	for (i = 0; i < KFT_BATCH; i++)
		kft_return(kf, i);
	local_bh_enable();
	KUNIT_EXPECT_EQ(test, le32_to_cpu(kf->slots.ret.shared->prod), 2 * KFT_BATCH);
	KUNIT_EXPECT_FALSE(test, kft_rung(kf));

	kft_host_waits(kf, true);
	kfn_slots_poll_begin(kf);
	for (i = 0; i < 3 * KFT_BATCH; i++)
		kft_return(kf, i);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(kf->slots.ret.shared->prod), 2 * KFT_BATCH);
	KUNIT_EXPECT_FALSE(test, kft_rung(kf));
	kfn_slots_poll_end(kf);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(kf->slots.ret.shared->prod), 5 * KFT_BATCH);
	KUNIT_EXPECT_TRUE(test, kft_rung(kf));
}

/* Less than a batch does not stay for long. */
static void kft_late(struct kunit *test)
{
	struct kfn *kf = kft_device(test);
	u32 tries;

	kft_host_waits(kf, true);
	kft_return(kf, 5);
	for (tries = 0; tries < 100 && !kft_rung(kf); tries++)
		msleep(20);
	KUNIT_EXPECT_LT(test, tries, 100);
	KUNIT_EXPECT_EQ(test, kft_shown(kf), 5);
}

/**
 * struct kft_wanted - what the host wants
 * @name: of the case
 * @ahead: of what was returned, in slots
 * @wanted: it does
 */
struct kft_wanted {
	const char *name;
	u32 ahead;
	bool wanted;
};

static const struct kft_wanted kft_wanteds[] = {
	{ "nothing", 0, false },
	{ "one", 1, true },
	{ "as many as there can be", KFT_ENTRIES, true },
	{ "more than there can be", KFT_ENTRIES + 1, false },
	{ "what it has got just now", -1, false },
	{ "what it has long got", 0x80000000, false },
};

KUNIT_ARRAY_PARAM_DESC(kft_wanted, kft_wanteds, name);

/* A host that wants slots hears of each. */
static void kft_wants(struct kunit *test)
{
	static const u32 bases[] = { 0, 100, 0x7fffffff, -1 };
	const struct kft_wanted *row = test->param_value;
	struct kfn *kf = kft_device(test);
	struct kfn_ring *ret = &kf->slots.ret;
	bool rung;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(bases); i++) {
		ret->prod = bases[i];
		ret->published = bases[i];
		ret->shared->wanted = cpu_to_le32(bases[i] + row->ahead);
		KUNIT_EXPECT_EQ(test, kfn_slots_wanted(kf), row->wanted);
		/* One more than that, and it gets one. */
		ret->shared->wanted = cpu_to_le32(bases[i] + row->ahead + 1);
		kft_host_waits(kf, true);
		/* Nor must it be late: the next one would take its ring for its own. */
		local_bh_disable();
		kft_return(kf, 1);
		rung = kft_rung(kf);
		timer_delete_sync(&kf->slots.timer);
		local_bh_enable();
		KUNIT_EXPECT_EQ(test, rung, row->wanted);
	}
}

/* What is held over a reset is the host's already, and is not returned. */
static void kft_reset(struct kunit *test)
{
	struct kfn *kf = kft_device(test);

	kfn_slots_poll_begin(kf);
	kfn_slot_open(kf, 3);
	kfn_slot_get(kf, 3);
	kfn_slot_open(kf, 4);
	kfn_slot_get(kf, 4);
	kfn_slots_poll_end(kf);
	kfn_slots_pause(kf);
	kfn_slots_reset(kf);
	KUNIT_EXPECT_EQ(test, kfn_slots_held(kf), 2);
	kfn_slot_put(kf, 3);
	KUNIT_EXPECT_EQ(test, kfn_slots_held(kf), 1);
	KUNIT_EXPECT_EQ(test, kf->slots.returned, 0);

	/* The host uses both anew. What comes in one that somebody has a page of is copied. */
	kfn_slots_poll_begin(kf);
	KUNIT_EXPECT_TRUE(test, kfn_slot_open(kf, 3));
	KUNIT_EXPECT_EQ(test, (int)kf->slots.slot[3].state, (int)KFN_SLOT_OPEN);
	KUNIT_EXPECT_TRUE(test, kfn_slot_open(kf, 4));
	KUNIT_EXPECT_EQ(test, (int)kf->slots.slot[4].state, (int)KFN_SLOT_COPIED);
	kfn_slot_close(kf, 4);
	kfn_slots_poll_end(kf);
	KUNIT_EXPECT_EQ(test, kft_shown(kf), 4);
	kfn_slot_put(kf, 4);
	KUNIT_EXPECT_EQ(test, kf->slots.returned, 1);
	kfn_slots_poll_begin(kf);
	kfn_slot_close(kf, 3);
	kfn_slots_poll_end(kf);
	KUNIT_EXPECT_EQ(test, kft_shown(kf), 3);
	KUNIT_EXPECT_EQ(test, kf->slots.returned, 2);
	KUNIT_EXPECT_EQ(test, kfn_slots_held(kf), 0);
}

/* A slot that is open while nobody polls is neither held nor returned. */
static void kft_pause(struct kunit *test)
{
	struct kfn *kf = kft_device(test);

	kfn_slots_poll_begin(kf);
	kfn_slot_open(kf, 3);
	kfn_slot_open(kf, 4);
	kfn_slot_get(kf, 4);
	kfn_slot_open(kf, 5);
	kfn_slot_get(kf, 5);
	kfn_slot_close(kf, 5);
	kfn_slots_poll_end(kf);
	kfn_slots_pause(kf);
	KUNIT_EXPECT_EQ(test, kfn_slots_held(kf), 2);
	kfn_slot_put(kf, 4);
	KUNIT_EXPECT_EQ(test, kfn_slots_held(kf), 1);
	KUNIT_EXPECT_EQ(test, kf->slots.returned, 0);
	kfn_slot_put(kf, 5);
	KUNIT_EXPECT_EQ(test, kf->slots.returned, 1);

	kfn_slots_resume(kf);
	KUNIT_EXPECT_EQ(test, kfn_slots_held(kf), 2);
	kfn_slots_poll_begin(kf);
	kfn_slot_close(kf, 3);
	kfn_slot_close(kf, 4);
	kfn_slots_poll_end(kf);
	KUNIT_EXPECT_EQ(test, kf->slots.returned, 3);
	KUNIT_EXPECT_EQ(test, kfn_slots_held(kf), 0);
}

static struct kunit_case kft_cases[] = {
	KUNIT_CASE(kft_users),
	KUNIT_CASE(kft_batch),
	KUNIT_CASE(kft_late),
	KUNIT_CASE_PARAM(kft_wants, kft_wanted_gen_params),
	KUNIT_CASE(kft_reset),
	KUNIT_CASE(kft_pause),
	{}
};

static struct kunit_suite kft_suite = {
	.name = "kvmflip_guest_slot",
	.test_cases = kft_cases,
};

kunit_test_suite(kft_suite);
