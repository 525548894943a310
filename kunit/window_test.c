// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: the range of guest-physical memory in which a port's buffers appear. */

#include <linux/mman.h>

#include "vmm.h"

#define KFT_SLOTS	16
#define KFT_SPAN	(KVMFLIP_SLOTS_OFF + 32 * PAGE_SIZE)

static struct kvmflip_test_vmm *kft_window(struct kunit *test)
{
	return kvmflip_test_vmm(test, KFT_SLOTS, PAGE_SIZE);
}

/* Maps rings, slots and a little of what is behind, as a VMM would. */
static unsigned long kft_map(struct kunit *test, struct kvmflip_test_vmm *vmm)
{
	return kvmflip_test_map(test, vmm, 0, KFT_SPAN);
}

static void kft_alloc_in_ring_order(struct kunit *test)
{
	struct kvmflip_test_vmm *vmm = kft_window(test);
	struct kvmflip_window *window = &vmm->window;
	u32 i, slots[] = { 3, 4, 11 };

	for (i = 0; i < KFT_SLOTS; i++) {
		KUNIT_EXPECT_EQ(test, kvmflip_window_alloc(window), i);
		KUNIT_EXPECT_EQ(test, kvmflip_test_slots(window), i + 1);
	}
	KUNIT_EXPECT_EQ(test, kvmflip_window_alloc(window), KVMFLIP_NO_SLOT);
	KUNIT_EXPECT_EQ(test, kvmflip_window_alloc(window), KVMFLIP_NO_SLOT);
	KUNIT_EXPECT_EQ(test, kvmflip_test_slots(window), KFT_SLOTS);

	kvmflip_window_release(window, slots, ARRAY_SIZE(slots));
	KUNIT_EXPECT_EQ(test, kvmflip_test_slots(window), KFT_SLOTS - 3);
	KUNIT_EXPECT_EQ(test, kvmflip_window_alloc(window), 3);
	KUNIT_EXPECT_EQ(test, kvmflip_window_alloc(window), 4);
	KUNIT_EXPECT_EQ(test, kvmflip_window_alloc(window), 11);
	KUNIT_EXPECT_EQ(test, kvmflip_window_alloc(window), KVMFLIP_NO_SLOT);
}

/* A slot that was just freed is taken last, so that runs stay long. */
static void kft_alloc_goes_round(struct kunit *test)
{
	struct kvmflip_test_vmm *vmm = kft_window(test);
	u32 i, slot;

	for (i = 0; i < 5 * KFT_SLOTS + 3; i++) {
		slot = kvmflip_window_alloc(&vmm->window);
		KUNIT_ASSERT_EQ(test, slot, i % KFT_SLOTS);
		kvmflip_window_release(&vmm->window, &slot, 1);
	}
	KUNIT_EXPECT_EQ(test, kvmflip_test_slots(&vmm->window), 0);
}

static void kft_used(struct kunit *test)
{
	struct kvmflip_test_vmm *vmm = kft_window(test);
	u32 slots[KFT_SLOTS + 1];
	u32 i, release[] = { 1, 5 };

	KUNIT_EXPECT_EQ(test, kvmflip_window_used(&vmm->window, slots, KFT_SLOTS), 0);
	for (i = 0; i < 8; i++)
		kvmflip_window_alloc(&vmm->window);
	kvmflip_window_release(&vmm->window, release, ARRAY_SIZE(release));
	memset(slots, 0xff, sizeof(slots));
	KUNIT_ASSERT_EQ(test, kvmflip_window_used(&vmm->window, slots, KFT_SLOTS), 6);
	KUNIT_EXPECT_EQ(test, slots[0], 0);
	KUNIT_EXPECT_EQ(test, slots[1], 2);
	KUNIT_EXPECT_EQ(test, slots[4], 6);
	KUNIT_EXPECT_EQ(test, slots[5], 7);
	KUNIT_EXPECT_EQ(test, slots[6], U32_MAX);

	memset(slots, 0xff, sizeof(slots));
	KUNIT_EXPECT_EQ(test, kvmflip_window_used(&vmm->window, slots, 2), 2);
	KUNIT_EXPECT_EQ(test, slots[1], 2);
	KUNIT_EXPECT_EQ(test, slots[2], U32_MAX);
	KUNIT_EXPECT_EQ(test, kvmflip_window_used(&vmm->window, slots, 0), 0);
}

/**
 * struct kft_empty - slots that a guest returns; 0 and 2 to 9 hold a buffer, 1
 * and 10 are allocated without one
 * @name: of the case
 * @n: number of slots
 * @slots: the slots
 * @kept: how many of them are good
 * @runs: number of unmap calls for them
 */
struct kft_empty {
	const char *name;
	u32 n;
	u32 slots[KFT_SLOTS];
	u32 kept;
	u32 runs;
};

static const struct kft_empty kft_empties[] = {
	{ "none", 0, {}, 0, 0 },
	{ "one", 1, { 5 }, 1, 1 },
	{ "the first", 1, { 0 }, 1, 1 },
	{ "the last", 1, { 9 }, 1, 1 },
	{ "a long run", 8, { 2, 3, 4, 5, 6, 7, 8, 9 }, 8, 1 },
	{ "a long run, unsorted", 8, { 9, 2, 8, 3, 7, 4, 6, 5 }, 8, 1 },
	{ "a long run, backwards", 8, { 9, 8, 7, 6, 5, 4, 3, 2 }, 8, 1 },
	{ "every other", 4, { 2, 4, 6, 8 }, 4, 4 },
	{ "two runs", 5, { 9, 8, 3, 2, 4 }, 5, 2 },
	{ "a run around unfilled ones", 4, { 1, 2, 9, 10 }, 2, 2 },
	{ "twice", 2, { 4, 4 }, 1, 1 },
	{ "many times", 8, { 4, 4, 4, 4, 4, 4, 4, 4 }, 1, 1 },
	{ "a run, all twice", 6, { 3, 4, 5, 5, 4, 3 }, 3, 1 },
	{ "allocated, unfilled", 2, { 1, 10 }, 0, 0 },
	{ "never allocated", 3, { 11, 14, 15 }, 0, 0 },
	{ "the number of slots", 1, { KFT_SLOTS }, 0, 0 },
	{ "one out of range, one good", 2, { KFT_SLOTS, 2 }, 1, 1 },
	{ "largest number", 1, { U32_MAX }, 0, 0 },
	{ "negative numbers", 3, { U32_MAX, 0x80000000, 0x80000002 }, 0, 0 },
	{ "good in the low bits", 2, { 0x10002, 0x80000003 }, 0, 0 },
	{ "garbage with four good", 16,
	  { U32_MAX, 2, 0, 15, 2, 16, 17, 0x7fffffff, 0x80000000, 5, 11, 6, 5, 1, 10, 999 }, 4, 3 },
};

KUNIT_ARRAY_PARAM_DESC(kft_empty, kft_empties, name);

static bool kft_listed(const struct kft_empty *row, u32 slot)
{
	u32 i;

	for (i = 0; i < row->n; i++)
		if (row->slots[i] == slot)
			return true;
	return false;
}

static void kft_empty(struct kunit *test)
{
	const struct kft_empty *row = test->param_value;
	struct kvmflip_test_vmm *vmm = kft_window(test);
	struct kvmflip_buffer *held[KFT_SLOTS] = {};
	struct kvmflip_window *window = &vmm->window;
	struct kvmflip_buffer *buf;
	u32 slots[KFT_SLOTS];
	LIST_HEAD(bufs);
	u32 i, n = 0;
	bool gone;

	held[0] = kvmflip_test_fill(test, vmm, 0);
	kvmflip_window_alloc(window);
	for (i = 2; i < 10; i++)
		held[i] = kvmflip_test_fill(test, vmm, i);
	kvmflip_window_alloc(window);

	memcpy(slots, row->slots, sizeof(slots));
	KUNIT_EXPECT_EQ(test, kvmflip_window_empty(window, slots, row->n, &bufs), row->kept);
	KUNIT_EXPECT_EQ(test, kvmflip_test_counter(vmm, KVMFLIP_A_STATS_UNMAP_CALLS), row->runs);
	KUNIT_EXPECT_EQ(test, kvmflip_test_slots(window), 11 - row->kept);

	/* Those and only those that held a buffer are empty and free now. */
	for (i = 0; i < KFT_SLOTS; i++) {
		gone = held[i] && kft_listed(row, i);
		KUNIT_EXPECT_PTR_EQ(test, window->slot[i], gone ? NULL : held[i]);
		KUNIT_EXPECT_EQ(test, test_bit(i, window->used), i < 11 && !gone);
	}
	list_for_each_entry(buf, &bufs, list) {
		KUNIT_ASSERT_LT(test, n, row->kept);
		KUNIT_EXPECT_PTR_EQ(test, buf, held[slots[n]]);
		KUNIT_EXPECT_TRUE(test, !n || slots[n] > slots[n - 1]);
		n++;
	}
	KUNIT_EXPECT_EQ(test, n, row->kept);
	kvmflip_test_give(vmm, &bufs);

	/* A second time there is nothing. */
	memcpy(slots, row->slots, sizeof(slots));
	KUNIT_EXPECT_EQ(test, kvmflip_window_empty(window, slots, row->n, &bufs), 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&bufs));
	KUNIT_EXPECT_EQ(test, kvmflip_test_counter(vmm, KVMFLIP_A_STATS_UNMAP_CALLS), row->runs);

	for (i = 0; i < KFT_SLOTS; i++)
		slots[i] = i;
	kvmflip_window_empty(window, slots, KFT_SLOTS, &bufs);
	kvmflip_test_give(vmm, &bufs);
	kvmflip_test_states(test, &vmm->pool->table);
	KUNIT_EXPECT_EQ(test, vmm->pool->table.count[KVMFLIP_FREE], 2 * KFT_SLOTS);
}

static unsigned long kft_slot(unsigned long addr, u32 slot)
{
	return addr + KVMFLIP_SLOTS_OFF + slot * PAGE_SIZE;
}

static void kft_empty_slots_are_sink(struct kunit *test)
{
	struct kvmflip_test_vmm *vmm = kft_window(test);
	unsigned long addr = kft_map(test, vmm);
	u32 slot;

	for (slot = 0; slot < KFT_SLOTS; slot++)
		KUNIT_EXPECT_EQ(test, kvmflip_test_peek(kft_slot(addr, slot) + 7), 0);
	KUNIT_EXPECT_EQ(test, kvmflip_test_counter(vmm, KVMFLIP_A_STATS_SINK_FAULTS), KFT_SLOTS);
	KUNIT_EXPECT_EQ(test, kvmflip_test_counter(vmm, KVMFLIP_A_STATS_WINDOW_FAULTS), 0);

	/* Writes go to a page of the port's own. */
	KUNIT_EXPECT_EQ(test, kvmflip_test_poke(kft_slot(addr, 3) + 7, 0x77), 0);
	KUNIT_EXPECT_EQ(test, kvmflip_test_peek(kft_slot(addr, 4) + 7), 0x77);
	KUNIT_EXPECT_EQ(test, *((u8 *)page_address(vmm->window.sink) + 7), 0x77);

	/* So do those behind the slots, and between them and the rings. */
	KUNIT_EXPECT_EQ(test, kvmflip_test_peek(kft_slot(addr, KFT_SLOTS) + 7), 0x77);
	KUNIT_EXPECT_EQ(test, kvmflip_test_peek(addr + KFT_SPAN - PAGE_SIZE + 7), 0x77);
	KUNIT_EXPECT_EQ(test, kvmflip_test_peek(addr + PAGE_SIZE + 7), 0x77);
	KUNIT_EXPECT_EQ(test, kvmflip_test_peek(addr + KVMFLIP_SLOTS_OFF - PAGE_SIZE + 7), 0x77);
}

static void kft_rings_are_mapped(struct kunit *test)
{
	struct kvmflip_test_vmm *vmm = kft_window(test);
	unsigned long addr = kft_map(test, vmm);
	u8 *rings = vmm->window.rings;

	KUNIT_EXPECT_EQ(test, vmm->window.ring_bytes, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, kvmflip_test_poke(addr + 5, 0x55), 0);
	KUNIT_EXPECT_EQ(test, rings[5], 0x55);
	rings[PAGE_SIZE - 1] = 0x66;
	KUNIT_EXPECT_EQ(test, kvmflip_test_peek(addr + PAGE_SIZE - 1), 0x66);
}

/* A slot at which the sink stands is not used before that is gone. */
static void kft_sunk_slots_wait(struct kunit *test)
{
	struct kvmflip_test_vmm *vmm = kft_window(test);
	struct kvmflip_window *window = &vmm->window;
	unsigned long addr = kft_map(test, vmm);
	u32 slot;

	disable_delayed_work_sync(&window->clean_work);
	for (slot = 0; slot < KFT_SLOTS; slot++)
		if (slot != 4 && slot != 7)
			KUNIT_EXPECT_EQ(test, kvmflip_test_peek(kft_slot(addr, slot)), 0);
	KUNIT_EXPECT_EQ(test, kvmflip_window_alloc(window), 4);
	KUNIT_EXPECT_EQ(test, kvmflip_window_alloc(window), 7);
	KUNIT_EXPECT_EQ(test, kvmflip_window_alloc(window), KVMFLIP_NO_SLOT);
	KUNIT_EXPECT_EQ(test, kvmflip_test_counter(vmm, KVMFLIP_A_STATS_UNMAP_CALLS), 0);

	/* Touched when it was allocated already: no buffer for this one either. */
	slot = 4;
	KUNIT_EXPECT_EQ(test, kvmflip_test_peek(kft_slot(addr, slot)), 0);
	KUNIT_EXPECT_FALSE(test, kvmflip_window_fill(window, slot, &vmm->pool->table.buf[0]));
	KUNIT_EXPECT_NULL(test, window->slot[slot]);
	KUNIT_EXPECT_EQ(test, window->mapped, 0);
	kvmflip_window_release(window, &slot, 1);
	KUNIT_EXPECT_EQ(test, kvmflip_window_alloc(window), KVMFLIP_NO_SLOT);
	/* And another that stays allocated. */
	KUNIT_EXPECT_EQ(test, kvmflip_test_peek(kft_slot(addr, 7)), 0);

	enable_delayed_work(&window->clean_work);
	schedule_delayed_work(&window->clean_work, 0);
	flush_delayed_work(&window->clean_work);
	KUNIT_EXPECT_EQ(test, kvmflip_test_counter(vmm, KVMFLIP_A_STATS_UNMAP_CALLS), 1);
	for (slot = 8; slot < KFT_SLOTS; slot++)
		KUNIT_EXPECT_EQ(test, kvmflip_window_alloc(window), slot);
	for (slot = 0; slot < 7; slot++)
		KUNIT_EXPECT_EQ(test, kvmflip_window_alloc(window), slot);
	KUNIT_EXPECT_EQ(test, kvmflip_window_alloc(window), KVMFLIP_NO_SLOT);
}

/* Whatever was looked at in the slot before. */
static void kft_buffer_appears(struct kunit *test)
{
	struct kvmflip_test_vmm *vmm = kft_window(test);
	unsigned long addr = kft_map(test, vmm);
	struct kvmflip_buffer *buf[2];
	u32 i, slots[] = { 0, 1 };
	LIST_HEAD(bufs);

	/* At slot 0 there was the sink, at slot 1 nothing. */
	KUNIT_EXPECT_EQ(test, kvmflip_test_peek(kft_slot(addr, 0) + 9), 0);
	flush_delayed_work(&vmm->window.clean_work);
	KUNIT_EXPECT_EQ(test, kvmflip_test_counter(vmm, KVMFLIP_A_STATS_UNMAP_CALLS), 1);
	KUNIT_EXPECT_EQ(test, kvmflip_test_counter(vmm, KVMFLIP_A_STATS_SINK_FAULTS), 1);
	buf[0] = kvmflip_test_fill(test, vmm, 0);
	buf[1] = kvmflip_test_fill(test, vmm, 1);
	KUNIT_EXPECT_EQ(test, vmm->window.mapped, 2);

	for (i = 0; i < 2; i++) {
		kvmflip_test_bytes(vmm->pool, buf[i])[9] = 0x90 + i;
		KUNIT_EXPECT_EQ(test, kvmflip_test_peek(kft_slot(addr, i) + 9), 0x90 + i);
		KUNIT_EXPECT_EQ(test, kvmflip_test_poke(kft_slot(addr, i) + 10, 0xa0 + i), 0);
		KUNIT_EXPECT_EQ(test, kvmflip_test_bytes(vmm->pool, buf[i])[10], 0xa0 + i);
		/* No reference is taken for the mapping: the pool's is the only one. */
		KUNIT_EXPECT_EQ(test, page_ref_count(kvmflip_pool_page(vmm->pool, buf[i])), 1);
	}
	KUNIT_EXPECT_EQ(test, kvmflip_test_counter(vmm, KVMFLIP_A_STATS_WINDOW_FAULTS), 2);
	KUNIT_EXPECT_EQ(test, kvmflip_test_counter(vmm, KVMFLIP_A_STATS_SINK_FAULTS), 1);

	/* And they disappear, for reads and for writes. */
	KUNIT_EXPECT_EQ(test, kvmflip_window_empty(&vmm->window, slots, 2, &bufs), 2);
	KUNIT_EXPECT_EQ(test, kvmflip_test_counter(vmm, KVMFLIP_A_STATS_UNMAP_CALLS), 2);
	KUNIT_EXPECT_EQ(test, vmm->window.mapped, 0);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, kvmflip_test_peek(kft_slot(addr, i) + 9), 0);
		KUNIT_EXPECT_EQ(test, kvmflip_test_poke(kft_slot(addr, i) + 10, 0xff), 0);
		KUNIT_EXPECT_EQ(test, kvmflip_test_bytes(vmm->pool, buf[i])[10], 0xa0 + i);
	}
	kvmflip_test_give(vmm, &bufs);
}

/* What a guest returns before it has been told of it stays where it is. */
static void kft_held(struct kunit *test)
{
	struct kvmflip_test_vmm *vmm = kft_window(test);
	u32 slot = 0;
	LIST_HEAD(bufs);

	kft_map(test, vmm);
	kvmflip_test_fill(test, vmm, 0);
	kvmflip_window_hold(&vmm->window, 0, true);
	KUNIT_EXPECT_EQ(test, kvmflip_window_empty(&vmm->window, &slot, 1, &bufs), 0);
	KUNIT_EXPECT_EQ(test, vmm->window.mapped, 1);
	kvmflip_window_hold(&vmm->window, 0, false);
	KUNIT_EXPECT_EQ(test, kvmflip_window_empty(&vmm->window, &slot, 1, &bufs), 1);
	kvmflip_test_give(vmm, &bufs);
}

/* A process that sits on its own mmap_lock gains no second more of a buffer. */
static void kft_empty_with_vmm_locked(struct kunit *test)
{
	struct kvmflip_test_vmm *vmm = kft_window(test);
	unsigned long addr = kft_map(test, vmm);
	struct kvmflip_buffer *buf = kvmflip_test_fill(test, vmm, 0);
	u32 kept, slot = 0;
	LIST_HEAD(bufs);
	bool locked;

	kvmflip_test_bytes(vmm->pool, buf)[0] = 0x42;
	KUNIT_EXPECT_EQ(test, kvmflip_test_peek(kft_slot(addr, 0)), 0x42);
	mmap_read_lock(current->mm);
	kept = kvmflip_window_empty(&vmm->window, &slot, 1, &bufs);
	mmap_read_unlock(current->mm);
	KUNIT_EXPECT_EQ(test, kept, 1);
	KUNIT_EXPECT_EQ(test, kvmflip_test_counter(vmm, KVMFLIP_A_STATS_UNMAP_CALLS), 1);
	KUNIT_EXPECT_EQ(test, kvmflip_test_counter(vmm, KVMFLIP_A_STATS_UNLOCKED_UNMAPS), 1);
	KUNIT_EXPECT_EQ(test, kvmflip_test_peek(kft_slot(addr, 0)), 0);
	kvmflip_test_give(vmm, &bufs);
	/* It is not waited for as long the next time. */
	KUNIT_EXPECT_TRUE(test, time_after(vmm->window.no_wait, jiffies));

	/* The sink is unmapped in good order. */
	flush_delayed_work(&vmm->window.clean_work);
	KUNIT_EXPECT_EQ(test, kvmflip_test_counter(vmm, KVMFLIP_A_STATS_UNMAP_CALLS), 2);
	KUNIT_EXPECT_EQ(test, kvmflip_test_counter(vmm, KVMFLIP_A_STATS_UNLOCKED_UNMAPS), 1);

	/* And nothing of the lock is left taken. */
	locked = down_write_trylock(&current->mm->mmap_lock);
	KUNIT_EXPECT_TRUE(test, locked);
	if (locked)
		up_write(&current->mm->mmap_lock);
}

static void kft_vma_is_safe(struct kunit *test)
{
	struct kvmflip_test_vmm *vmm = kft_window(test);
	unsigned long addr = kft_map(test, vmm);
	struct vm_area_struct *vma;
	vm_flags_t flags = 0;
	vm_fault_t fault = 0;

	kvmflip_test_fill(test, vmm, 0);
	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, addr);
	if (vma) {
		struct vm_fault vmf = {
			.vma = vma,
			.pgoff = (KVMFLIP_TEST_BASE + KVMFLIP_SLOTS_OFF) >> PAGE_SHIFT,
			.address = kft_slot(addr, 0),
			.flags = FAULT_FLAG_REMOTE,
		};

		flags = vma->vm_flags;
		fault = vma->vm_ops->fault(&vmf);
	}
	mmap_read_unlock(current->mm);

	KUNIT_EXPECT_TRUE(test, flags & VM_PFNMAP);
	KUNIT_EXPECT_TRUE(test, flags & VM_DONTCOPY);
	KUNIT_EXPECT_TRUE(test, flags & VM_DONTEXPAND);
	KUNIT_EXPECT_TRUE(test, flags & VM_DONTDUMP);
	KUNIT_EXPECT_FALSE(test, flags & VM_MAYEXEC);
	/* Somebody else's access, ptrace or a pin. */
	KUNIT_EXPECT_TRUE(test, fault == VM_FAULT_SIGBUS);
	KUNIT_EXPECT_EQ(test, kvmflip_test_counter(vmm, KVMFLIP_A_STATS_WINDOW_FAULTS), 0);
}

static void kft_no_pins(struct kunit *test)
{
	struct kvmflip_test_vmm *vmm = kft_window(test);
	unsigned long addr = kft_map(test, vmm);
	struct page *page;

	kvmflip_test_fill(test, vmm, 0);
	KUNIT_EXPECT_GE(test, kvmflip_test_peek(kft_slot(addr, 0)), 0);
	KUNIT_EXPECT_LT(test, pin_user_pages_fast(kft_slot(addr, 0), 1, FOLL_WRITE, &page), 0);
	KUNIT_EXPECT_LT(test, pin_user_pages_fast(kft_slot(addr, 1), 1, FOLL_WRITE, &page), 0);
	KUNIT_EXPECT_LT(test, get_user_pages_fast(kft_slot(addr, 0), 1, 0, &page), 0);
}

/**
 * struct kft_refusal - a mapping that must not come about
 * @name: of the case
 * @prot: PROT_*
 * @flags: MAP_*
 * @offset: in the window
 * @len: bytes
 * @err: the reason; the file system of such files forbids code by itself
 */
struct kft_refusal {
	const char *name;
	unsigned long prot;
	unsigned long flags;
	unsigned long offset;
	unsigned long len;
	long err;
};

static const struct kft_refusal kft_refusals[] = {
	{ "private", PROT_READ | PROT_WRITE, MAP_PRIVATE, 0, SZ_4M, -EINVAL },
	{ "executable", PROT_READ | PROT_EXEC, MAP_SHARED, 0, SZ_4M, -EPERM },
	{ "a page too long", PROT_READ, MAP_SHARED, 0, KVMFLIP_WINDOW_BYTES + PAGE_SIZE,
	  -EINVAL },
	{ "a page beyond", PROT_READ, MAP_SHARED, KVMFLIP_WINDOW_BYTES, PAGE_SIZE, -EINVAL },
	{ "over the end", PROT_READ, MAP_SHARED, KVMFLIP_WINDOW_BYTES - PAGE_SIZE, 2 * PAGE_SIZE,
	  -EINVAL },
};

KUNIT_ARRAY_PARAM_DESC(kft_refusal, kft_refusals, name);

static void kft_mmap_refused(struct kunit *test)
{
	const struct kft_refusal *row = test->param_value;
	struct kvmflip_test_vmm *vmm = kft_window(test);
	unsigned long addr;

	addr = kunit_vm_mmap(test, kvmflip_test_file(test, vmm), 0, row->len, row->prot, row->flags,
			     KVMFLIP_TEST_BASE + row->offset);
	KUNIT_EXPECT_EQ(test, (long)addr, row->err);
	KUNIT_EXPECT_NULL(test, vmm->window.mm);
}

/* The last page of the window can be mapped, and is the sink. */
static void kft_mmap_last_page(struct kunit *test)
{
	struct kvmflip_test_vmm *vmm = kft_window(test);
	struct file *file = kvmflip_test_file(test, vmm);
	unsigned long addr;

	addr = kunit_vm_mmap(test, file, 0, PAGE_SIZE, PROT_READ, MAP_SHARED,
			     KVMFLIP_TEST_BASE + KVMFLIP_WINDOW_BYTES - PAGE_SIZE);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	KUNIT_EXPECT_EQ(test, kvmflip_test_peek(addr), 0);
	KUNIT_EXPECT_EQ(test, kvmflip_test_poke(addr, 1), -EFAULT);
}

static struct kunit_case kft_cases[] = {
	KUNIT_CASE(kft_alloc_in_ring_order),
	KUNIT_CASE(kft_alloc_goes_round),
	KUNIT_CASE(kft_used),
	KUNIT_CASE_PARAM(kft_empty, kft_empty_gen_params),
	KUNIT_CASE(kft_empty_slots_are_sink),
	KUNIT_CASE(kft_rings_are_mapped),
	KUNIT_CASE(kft_sunk_slots_wait),
	KUNIT_CASE(kft_buffer_appears),
	KUNIT_CASE(kft_held),
	KUNIT_CASE(kft_empty_with_vmm_locked),
	KUNIT_CASE(kft_vma_is_safe),
	KUNIT_CASE(kft_no_pins),
	KUNIT_CASE_PARAM(kft_mmap_refused, kft_refusal_gen_params),
	KUNIT_CASE(kft_mmap_last_page),
	{}
};

static struct kunit_suite kft_suite = {
	.name = "kvmflip_window",
	.test_cases = kft_cases,
};

kunit_test_suite(kft_suite);
