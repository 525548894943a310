// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: windows with slots of 2 MiB, which are mapped as a whole. */

#include <linux/mm.h>
#include <linux/mman.h>

#include "vmm.h"

#define KFT_SLOTS	3
#define KFT_SPAN	(KVMFLIP_SLOTS_OFF + (KFT_SLOTS + 1) * SZ_2M)
#define KFT_ADDR	SZ_1G
#define KFT_PAGES	(SZ_2M / PAGE_SIZE)

static struct kvmflip_test_vmm *kft_window(struct kunit *test)
{
	return kvmflip_test_vmm(test, KFT_SLOTS, SZ_2M);
}

static unsigned long kft_map(struct kunit *test, struct kvmflip_test_vmm *vmm,
			     unsigned long addr, unsigned long span)
{
	if (!IS_ENABLED(CONFIG_ARCH_SUPPORTS_PMD_PFNMAP))
		kunit_skip(test, "no huge mappings of page frames on this architecture");
	KUNIT_ASSERT_EQ(test, kvmflip_test_map(test, vmm, addr, span), addr);
	return addr;
}

static unsigned long kft_slot(unsigned long addr, u32 slot)
{
	return addr + KVMFLIP_SLOTS_OFF + slot * SZ_2M;
}

/* Reads a byte of each page, beginning with one in the middle. */
static void kft_peek_all(struct kunit *test, unsigned long addr, int expect)
{
	u32 i, page;

	for (i = 0; i < KFT_PAGES; i++) {
		page = i ^ (KFT_PAGES / 2);
		KUNIT_ASSERT_EQ(test, kvmflip_test_peek(addr + page * PAGE_SIZE + 9), expect);
	}
}

static void kft_fill(struct kunit *test, struct kvmflip_test_vmm *vmm, u32 slot, u8 byte)
{
	struct kvmflip_buffer *buf = kvmflip_test_fill(test, vmm, slot);

	memset(kvmflip_test_bytes(vmm->pool, buf), byte, SZ_2M);
}

/* One fault for each slot, whether it holds a buffer or not. */
static void kft_faults(struct kunit *test)
{
	struct kvmflip_test_vmm *vmm = kft_window(test);
	unsigned long addr = kft_map(test, vmm, KFT_ADDR, KFT_SPAN);
	struct kvmflip_window *window = &vmm->window;
	u32 slots[] = { 1, 0 };
	LIST_HEAD(bufs);

	disable_delayed_work_sync(&window->clean_work);
	kft_fill(test, vmm, 0, 0x90);
	kft_fill(test, vmm, 1, 0x91);
	kft_peek_all(test, kft_slot(addr, 0), 0x90);
	kft_peek_all(test, kft_slot(addr, 1), 0x91);
	KUNIT_EXPECT_EQ(test, kvmflip_test_counter(vmm, KVMFLIP_A_STATS_WINDOW_FAULTS), 2);
	KUNIT_EXPECT_EQ(test, kvmflip_test_counter(vmm, KVMFLIP_A_STATS_SINK_FAULTS), 0);
	KUNIT_EXPECT_EQ(test, kvmflip_test_poke(kft_slot(addr, 1) - 1, 0xa0), 0);
	KUNIT_EXPECT_EQ(test, kvmflip_test_bytes(vmm->pool, window->slot[0])[SZ_2M - 1], 0xa0);
	KUNIT_EXPECT_EQ(test, folio_ref_count(page_folio(vmm->pool->pages[0])), 1);

	/* They disappear, and from then on there is the sink. */
	KUNIT_EXPECT_EQ(test, kvmflip_window_empty(window, slots, 2, &bufs), 2);
	KUNIT_EXPECT_EQ(test, kvmflip_test_counter(vmm, KVMFLIP_A_STATS_UNMAP_CALLS), 1);
	kvmflip_test_give(vmm, &bufs);
	kft_peek_all(test, kft_slot(addr, 0), 0);
	kft_peek_all(test, kft_slot(addr, 1), 0);
	KUNIT_EXPECT_EQ(test, kvmflip_test_poke(kft_slot(addr, 0) + 9, 0x42), 0);
	KUNIT_EXPECT_EQ(test, kvmflip_test_poke(kft_slot(addr, 0) + SZ_1M + 9, 0x43), 0);
	KUNIT_EXPECT_EQ(test, kvmflip_test_peek(kft_slot(addr, 1) + 9), 0x42);
	KUNIT_EXPECT_EQ(test, kvmflip_test_peek(kft_slot(addr, 1) + SZ_1M + 9), 0x43);
	KUNIT_EXPECT_EQ(test, kvmflip_test_counter(vmm, KVMFLIP_A_STATS_SINK_FAULTS), 2);
	KUNIT_EXPECT_EQ(test, kvmflip_test_counter(vmm, KVMFLIP_A_STATS_WINDOW_FAULTS), 2);

	/* Which keeps a slot from being used until it is gone. */
	KUNIT_EXPECT_EQ(test, kvmflip_window_alloc(window), 2);
	KUNIT_EXPECT_EQ(test, kvmflip_window_alloc(window), KVMFLIP_NO_SLOT);
	enable_delayed_work(&window->clean_work);
	schedule_delayed_work(&window->clean_work, 0);
	flush_delayed_work(&window->clean_work);
	kft_fill(test, vmm, 0, 0x92);
	kft_peek_all(test, kft_slot(addr, 0), 0x92);
	KUNIT_EXPECT_EQ(test, kvmflip_test_counter(vmm, KVMFLIP_A_STATS_WINDOW_FAULTS), 3);
	KUNIT_EXPECT_EQ(test, kvmflip_window_empty(window, slots, 1, &bufs), 1);
	kvmflip_test_give(vmm, &bufs);
}

/* Rings, and what is behind the slots, are mapped page by page. */
static void kft_rest(struct kunit *test)
{
	struct kvmflip_test_vmm *vmm = kft_window(test);
	unsigned long addr = kft_map(test, vmm, KFT_ADDR, KFT_SPAN);
	u8 *rings = vmm->window.rings;

	KUNIT_EXPECT_EQ(test, kvmflip_test_poke(addr + 5, 0x55), 0);
	KUNIT_EXPECT_EQ(test, rings[5], 0x55);
	KUNIT_EXPECT_EQ(test, kvmflip_test_peek(addr + PAGE_SIZE), 0);
	KUNIT_EXPECT_EQ(test, kvmflip_test_peek(kft_slot(addr, KFT_SLOTS)), 0);
	KUNIT_EXPECT_EQ(test, kvmflip_test_peek(kft_slot(addr, KFT_SLOTS) + SZ_1M), 0);
	KUNIT_EXPECT_EQ(test, kvmflip_test_counter(vmm, KVMFLIP_A_STATS_SINK_FAULTS), 0);
}

/* Everything works as with small buffers, just slower. */
static void kft_misaligned(struct kunit *test)
{
	struct kvmflip_test_vmm *vmm = kft_window(test);
	unsigned long addr = kft_map(test, vmm, KFT_ADDR + PAGE_SIZE, KFT_SPAN);
	u32 slot = 0;
	LIST_HEAD(bufs);

	/* Or a slow machine sees the sink go while it still looks. */
	disable_delayed_work_sync(&vmm->window.clean_work);
	kft_fill(test, vmm, 0, 0x90);
	kft_peek_all(test, kft_slot(addr, 0), 0x90);
	KUNIT_EXPECT_EQ(test, kvmflip_test_counter(vmm, KVMFLIP_A_STATS_WINDOW_FAULTS), KFT_PAGES);
	KUNIT_EXPECT_EQ(test, kvmflip_window_empty(&vmm->window, &slot, 1, &bufs), 1);
	kvmflip_test_give(vmm, &bufs);
	kft_peek_all(test, kft_slot(addr, 0), 0);
	KUNIT_EXPECT_EQ(test, kvmflip_test_counter(vmm, KVMFLIP_A_STATS_SINK_FAULTS), KFT_PAGES);
}

/* A mapping that ends within a slot. */
static void kft_partial(struct kunit *test)
{
	struct kvmflip_test_vmm *vmm = kft_window(test);
	unsigned long span = KVMFLIP_SLOTS_OFF + SZ_2M + SZ_1M;
	unsigned long addr = kft_map(test, vmm, KFT_ADDR, span);

	kft_fill(test, vmm, 0, 0x90);
	kft_fill(test, vmm, 1, 0x91);
	kft_peek_all(test, kft_slot(addr, 0), 0x90);
	KUNIT_EXPECT_EQ(test, kvmflip_test_counter(vmm, KVMFLIP_A_STATS_WINDOW_FAULTS), 1);
	KUNIT_EXPECT_EQ(test, kvmflip_test_peek(kft_slot(addr, 1)), 0x91);
	KUNIT_EXPECT_EQ(test, kvmflip_test_peek(addr + span - 1), 0x91);
	KUNIT_EXPECT_EQ(test, kvmflip_test_peek(addr + span), -EFAULT);
	KUNIT_EXPECT_EQ(test, kvmflip_test_counter(vmm, KVMFLIP_A_STATS_WINDOW_FAULTS), 3);
}

/* One that begins within a slot, at which nothing is mapped in front of it. */
static void kft_partial_start(struct kunit *test)
{
	struct kvmflip_test_vmm *vmm = kft_window(test);
	struct file *file = kvmflip_test_file(test, vmm);
	unsigned long first = KVMFLIP_SLOTS_OFF + SZ_1M;
	unsigned long addr;

	if (!IS_ENABLED(CONFIG_ARCH_SUPPORTS_PMD_PFNMAP))
		kunit_skip(test, "no huge mappings of page frames on this architecture");
	addr = kunit_vm_mmap(test, file, KFT_ADDR + first, SZ_1M + SZ_2M, PROT_READ | PROT_WRITE,
			     MAP_SHARED, KVMFLIP_TEST_BASE + first);
	KUNIT_ASSERT_EQ(test, addr, KFT_ADDR + first);
	kft_fill(test, vmm, 0, 0x90);
	kft_fill(test, vmm, 1, 0x91);
	KUNIT_EXPECT_EQ(test, kvmflip_test_peek(addr), 0x90);
	KUNIT_EXPECT_EQ(test, kvmflip_test_peek(addr + SZ_1M - 1), 0x90);
	KUNIT_EXPECT_EQ(test, kvmflip_test_counter(vmm, KVMFLIP_A_STATS_WINDOW_FAULTS), 2);
	kft_peek_all(test, addr + SZ_1M, 0x91);
	KUNIT_EXPECT_EQ(test, kvmflip_test_counter(vmm, KVMFLIP_A_STATS_WINDOW_FAULTS), 3);
	KUNIT_EXPECT_EQ(test, kvmflip_test_peek(addr - 1), -EFAULT);
}

/* There was no block for the sink: what has seen it stays mapped by pages. */
static void kft_small_sink(struct kunit *test)
{
	struct kvmflip_test_vmm *vmm = kft_window(test);
	unsigned long addr = kft_map(test, vmm, KFT_ADDR, KFT_SPAN);
	struct kvmflip_window *window = &vmm->window;

	kvmflip_block_free(window->sink, window->sink_order);
	window->sink_order = 0;
	window->sink = kvmflip_block_alloc(NUMA_NO_NODE, 0, GFP_KERNEL | __GFP_ZERO);
	KUNIT_ASSERT_NOT_NULL(test, window->sink);

	disable_delayed_work_sync(&window->clean_work);
	KUNIT_EXPECT_EQ(test, kvmflip_test_poke(kft_slot(addr, 0) + SZ_1M, 0x42), 0);
	KUNIT_EXPECT_EQ(test, kvmflip_test_peek(kft_slot(addr, 0)), 0x42);
	KUNIT_EXPECT_EQ(test, kvmflip_test_counter(vmm, KVMFLIP_A_STATS_SINK_FAULTS), 2);
	enable_delayed_work(&window->clean_work);
	schedule_delayed_work(&window->clean_work, 0);
	flush_delayed_work(&window->clean_work);

	kft_fill(test, vmm, 0, 0x90);
	kft_fill(test, vmm, 1, 0x91);
	kft_peek_all(test, kft_slot(addr, 0), 0x90);
	KUNIT_EXPECT_EQ(test, kvmflip_test_counter(vmm, KVMFLIP_A_STATS_WINDOW_FAULTS), KFT_PAGES);
	kft_peek_all(test, kft_slot(addr, 1), 0x91);
	KUNIT_EXPECT_EQ(test, kvmflip_test_counter(vmm, KVMFLIP_A_STATS_WINDOW_FAULTS),
			KFT_PAGES + 1);
}

static void kft_no_pins(struct kunit *test)
{
	struct kvmflip_test_vmm *vmm = kft_window(test);
	unsigned long addr = kft_map(test, vmm, KFT_ADDR, KFT_SPAN);
	unsigned long slot = kft_slot(addr, 0);
	struct page *page;

	kft_fill(test, vmm, 0, 0x90);
	KUNIT_EXPECT_EQ(test, kvmflip_test_peek(slot), 0x90);
	KUNIT_EXPECT_LT(test, pin_user_pages_fast(slot, 1, FOLL_WRITE, &page), 0);
	KUNIT_EXPECT_LT(test, pin_user_pages_fast(slot + SZ_1M, 1, FOLL_WRITE, &page), 0);
	KUNIT_EXPECT_LT(test, pin_user_pages_fast(slot + SZ_2M, 1, FOLL_WRITE, &page), 0);
	KUNIT_EXPECT_LT(test, get_user_pages_fast(slot, 1, 0, &page), 0);
	KUNIT_EXPECT_EQ(test, kvmflip_test_counter(vmm, KVMFLIP_A_STATS_WINDOW_FAULTS), 1);
}

/**
 * struct kft_huge_fault - a fault that asks for a large mapping and gets none
 * @name: of the case
 * @offset: of the fault from the first slot, in bytes
 * @shift: of its address from where it should be
 * @flags: FAULT_FLAG_*
 * @order: asked for
 */
struct kft_huge_fault {
	const char *name;
	long offset;
	unsigned long shift;
	unsigned int flags;
	unsigned int order;
};

static const struct kft_huge_fault kft_huge_faults[] = {
	{ "1 GiB", 0, 0, 0, PUD_ORDER },
	{ "somebody else's", 0, 0, FAULT_FLAG_REMOTE, PMD_ORDER },
	{ "in front of the slots", -PAGE_SIZE, 0, 0, PMD_ORDER },
	{ "behind the slots", KFT_SLOTS * SZ_2M, 0, 0, PMD_ORDER },
	{ "in front of the mapping", -KVMFLIP_SLOTS_OFF - PAGE_SIZE, 0, 0, PMD_ORDER },
	{ "a page off", 0, PAGE_SIZE, 0, PMD_ORDER },
	{ "a page off, further on", SZ_1M, PAGE_SIZE, 0, PMD_ORDER },
};

KUNIT_ARRAY_PARAM_DESC(kft_huge_fault, kft_huge_faults, name);

static void kft_huge_fault_refused(struct kunit *test)
{
	const struct kft_huge_fault *row = test->param_value;
	struct kvmflip_test_vmm *vmm = kft_window(test);
	unsigned long addr = kft_map(test, vmm, KFT_ADDR, KFT_SPAN);
	struct vm_area_struct *vma;
	vm_fault_t fault = 0;

	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, addr);
	if (vma) {
		struct vm_fault vmf = {
			.vma = vma,
			.pgoff = (KVMFLIP_TEST_BASE + KVMFLIP_SLOTS_OFF + row->offset) >>
				 PAGE_SHIFT,
			.address = kft_slot(addr, 0) + row->offset + row->shift,
			.flags = row->flags,
		};

		fault = vma->vm_ops->huge_fault(&vmf, row->order);
	}
	mmap_read_unlock(current->mm);
	KUNIT_EXPECT_TRUE(test, fault == VM_FAULT_FALLBACK);
}

static struct kunit_case kft_cases[] = {
	KUNIT_CASE(kft_faults),
	KUNIT_CASE(kft_rest),
	KUNIT_CASE(kft_misaligned),
	KUNIT_CASE(kft_partial),
	KUNIT_CASE(kft_partial_start),
	KUNIT_CASE(kft_small_sink),
	KUNIT_CASE(kft_no_pins),
	KUNIT_CASE_PARAM(kft_huge_fault_refused, kft_huge_fault_gen_params),
	{}
};

static struct kunit_suite kft_suite = {
	.name = "kvmflip_huge",
	.test_cases = kft_cases,
};

kunit_test_suite(kft_suite);
