// SPDX-License-Identifier: GPL-2.0
/* kvmflip: the range of guest-physical memory in which a port's buffers appear. */

#include <kunit/static_stub.h>
#include <linux/bitmap.h>
#include <linux/delay.h>
#include <linux/error-injection.h>
#include <linux/nospec.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/vmalloc.h>

#include "../compat.h"
#include "main.h"
#include "window.h"

/*
 * How long a slot is lost to a guest that touched it while it was empty: so
 * long that to keep touching costs the host next to nothing.
 */
#define KF_CLEAN_DELAY	msecs_to_jiffies(10)

/* Slots unmapped with the VMM's lock held once. */
#define KF_CLEAN_BATCH	64

/* How often to try for the VMM's lock, at some 75 us each. */
#define KF_LOCK_TRIES	2000

/*
 * A VMM that did not give it away in that time is waited for less during the next
 * second: others may wait for its port's return_lock.
 */
#define KF_LOCK_RETRIES	100
#define KF_NO_WAIT	HZ

static void kf_clean_work(struct work_struct *work);

static unsigned long *kf_bitmap(u32 nr)
{
	return kvcalloc(BITS_TO_LONGS(nr), sizeof(long), GFP_KERNEL_ACCOUNT);
}

/*
 * One sink for all slots, of a slot's size so that it can be mapped as a whole. If
 * there is no such block a page does: it costs the guest the large mappings of
 * the slots at which it has seen the sink.
 */
static int kf_sink_alloc(struct kvmflip_window *window)
{
	gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_ZERO;
	u32 order = window->shift - PAGE_SHIFT;

	window->sink = kvmflip_block_alloc(NUMA_NO_NODE, order, gfp | __GFP_NOWARN);
	if (!window->sink && order) {
		order = 0;
		window->sink = kvmflip_block_alloc(NUMA_NO_NODE, order, gfp);
	}
	window->sink_order = order;
	return window->sink ? 0 : -ENOMEM;
}

/**
 * kvmflip_window_init - make a window whose slots are all empty
 * @window: window
 * @pool: whose buffers will appear in it
 * @stats: of the port
 * @nr: number of slots
 * @ring_bytes: memory for the rings
 *
 * The caller sets @mapping and @base before anything is mapped.
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM.
 */
int kvmflip_window_init(struct kvmflip_window *window, struct kvmflip_pool *pool,
			struct kvmflip_stats *stats, u32 nr, size_t ring_bytes)
{
	memset(window, 0, sizeof(*window));
	window->pool = pool;
	window->stats = stats;
	window->nr = nr;
	window->shift = pool->buffer_shift;
	init_rwsem(&window->fault_lock);
	INIT_DELAYED_WORK(&window->clean_work, kf_clean_work);
	spin_lock_init(&window->lock);
	window->no_wait = jiffies;

	window->ring_bytes = PAGE_ALIGN(ring_bytes);
	window->rings = __vmalloc(window->ring_bytes, GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	window->slot = kvcalloc(nr, sizeof(*window->slot), GFP_KERNEL_ACCOUNT);
	window->used = kf_bitmap(nr);
	window->sunk = kf_bitmap(nr);
	window->held = kf_bitmap(nr);
	window->revoked = kf_bitmap(nr);
	window->busy = kf_bitmap(nr);
	if (window->rings && window->slot && window->used && window->sunk && window->held &&
	    window->revoked && window->busy && !kf_sink_alloc(window))
		return 0;

	kvmflip_window_destroy(window);
	return -ENOMEM;
}

/**
 * kvmflip_window_destroy - free a window whose slots are empty
 * @window: window that no process maps any more
 */
void kvmflip_window_destroy(struct kvmflip_window *window)
{
	cancel_delayed_work_sync(&window->clean_work);
	if (window->mm)
		mmdrop(window->mm);
	kvfree(window->busy);
	kvfree(window->revoked);
	kvfree(window->held);
	kvfree(window->sunk);
	kvfree(window->used);
	kvfree(window->slot);
	if (window->sink)
		kvmflip_block_free(window->sink, window->sink_order);
	vfree(window->rings);
	memset(window, 0, sizeof(*window));
}

static void kf_zap(struct kvmflip_window *window, u32 slot, u32 n)
{
	unmap_mapping_range(window->mapping,
			    window->base + KVMFLIP_SLOTS_OFF + ((loff_t)slot << window->shift),
			    (loff_t)n << window->shift, 1);
}

/* The sink is mapped at a slot: returns false if a buffer came in meanwhile. */
static bool kf_sink(struct kvmflip_window *window, u32 slot)
{
	bool empty;

	spin_lock(&window->lock);
	empty = !window->slot[slot];
	if (empty) {
		__set_bit(slot, window->sunk);
		__set_bit(slot, window->busy);
	}
	spin_unlock(&window->lock);
	if (empty)
		queue_delayed_work(kvmflip_wq, &window->clean_work, KF_CLEAN_DELAY);
	return empty;
}

static struct kvmflip_buffer *kf_slot(struct kvmflip_window *window, u32 slot)
{
	struct kvmflip_buffer *buf;

	spin_lock(&window->lock);
	buf = window->slot[slot];
	spin_unlock(&window->lock);
	return buf;
}

/* The page that belongs at an offset within a slot: of the buffer, or of the sink. */
static struct page *kf_page(const struct kvmflip_window *window, const struct kvmflip_buffer *buf,
			    u32 page)
{
	if (buf)
		return window->pool->pages[kvmflip_pool_first_page(window->pool, buf) + page];
	return window->sink + (page & ((1U << window->sink_order) - 1));
}

/* Maps a whole slot, at an address that was found suitable for it. */
static vm_fault_t kf_insert_huge(struct vm_fault *vmf, struct page *block)
{
	vm_fault_t ret = vmf_insert_pfn_pmd(vmf, kvmflip_compat_pfn(page_to_pfn(block)), false);

	/* Says so too if single pages have been mapped there meanwhile. */
	if (ret == VM_FAULT_NOPAGE && !pmd_leaf(pmdp_get_lockless(vmf->pmd)))
		return VM_FAULT_FALLBACK;
	return ret;
}

/* @order: of what is to be mapped, a page or a slot of the size of a huge page. */
static vm_fault_t kf_fault_slot(struct kvmflip_window *window, struct vm_fault *vmf,
				u64 offset, unsigned int order)
{
	u32 slot = array_index_nospec(offset >> window->shift, window->nr);
	u32 within = (offset & ((1ULL << window->shift) - 1)) >> PAGE_SHIFT;
	struct kvmflip_buffer *buf;
	vm_fault_t ret;

again:
	down_read(&window->fault_lock);
	buf = kf_slot(window, slot);
	if (!order)
		ret = vmf_insert_pfn(vmf->vma, vmf->address,
				     page_to_pfn(kf_page(window, buf, within)));
	else if (buf || window->sink_order == order)
		ret = kf_insert_huge(vmf, kf_page(window, buf, 0));
	else
		ret = VM_FAULT_FALLBACK;
	if (ret != VM_FAULT_FALLBACK && !buf && !kf_sink(window, slot)) {
		up_read(&window->fault_lock);
		/* KVM looks for what was inserted, so something must be. */
		kf_zap(window, slot, 1);
		goto again;
	}
	up_read(&window->fault_lock);
	if (ret != VM_FAULT_FALLBACK)
		kvmflip_stats_inc(window->stats, buf ? KVMFLIP_A_STATS_WINDOW_FAULTS :
				  KVMFLIP_A_STATS_SINK_FAULTS, 1);
	return ret;
}

static u64 kf_slots_end(const struct kvmflip_window *window)
{
	return KVMFLIP_SLOTS_OFF + ((u64)window->nr << window->shift);
}

static vm_fault_t kf_fault(struct vm_fault *vmf)
{
	struct kvmflip_window *window = vmf->vma->vm_private_data;
	u64 offset = ((u64)vmf->pgoff << PAGE_SHIFT) - window->base;
	unsigned long pfn;

	/* Only the VMM's own threads: a pin from elsewhere would outlive a flip. */
	if (vmf->flags & FAULT_FLAG_REMOTE)
		return VM_FAULT_SIGBUS;

	if (offset >= KVMFLIP_SLOTS_OFF && offset < kf_slots_end(window))
		return kf_fault_slot(window, vmf, offset - KVMFLIP_SLOTS_OFF, 0);

	if (offset < window->ring_bytes)
		pfn = vmalloc_to_pfn(window->rings + offset);
	else
		pfn = page_to_pfn(window->sink);
	return vmf_insert_pfn(vmf->vma, vmf->address, pfn);
}

/*
 * A fault where no page of the slot is mapped yet. Whatever speaks against mapping
 * it as a whole, kf_fault() is asked next.
 */
static vm_fault_t kf_huge_fault(struct vm_fault *vmf, unsigned int order)
{
	struct kvmflip_window *window = vmf->vma->vm_private_data;
	u64 offset = ((u64)vmf->pgoff << PAGE_SHIFT) - window->base;
	unsigned long start = ALIGN_DOWN(vmf->address, PMD_SIZE);

	if (!IS_ENABLED(CONFIG_ARCH_SUPPORTS_PMD_PFNMAP) || order != PMD_ORDER ||
	    window->shift != PMD_SHIFT || vmf->flags & FAULT_FLAG_REMOTE)
		return VM_FAULT_FALLBACK;
	if (start < vmf->vma->vm_start || start + PMD_SIZE > vmf->vma->vm_end ||
	    !IS_ALIGNED(offset ^ vmf->address, PMD_SIZE))
		return VM_FAULT_FALLBACK;
	if (offset < KVMFLIP_SLOTS_OFF || offset >= kf_slots_end(window))
		return VM_FAULT_FALLBACK;
	return kf_fault_slot(window, vmf, offset - KVMFLIP_SLOTS_OFF, order);
}

static const struct vm_operations_struct kf_vm_ops = {
	.fault = kf_fault,
	.huge_fault = kf_huge_fault,
};

/**
 * kvmflip_window_mmap - map a part of the window into the VMM
 * @window: window
 * @vma: mapping of the device file within the window's range
 *
 * Context: the mmap_lock is held for write.
 * Return: 0, or -EINVAL.
 */
int kvmflip_window_mmap(struct kvmflip_window *window, struct vm_area_struct *vma)
{
	u64 offset = ((u64)vma->vm_pgoff << PAGE_SHIFT) - window->base;
	struct mm_struct *old = NULL;

	if (!(vma->vm_flags & VM_SHARED) || vma->vm_flags & VM_EXEC)
		return -EINVAL;
	if (offset + (vma->vm_end - vma->vm_start) > KVMFLIP_WINDOW_BYTES)
		return -EINVAL;

	vm_flags_mod(vma, VM_PFNMAP | VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP, VM_MAYEXEC);
	vma->vm_private_data = window;
	vma->vm_ops = &kf_vm_ops;

	spin_lock(&window->lock);
	if (window->mm != vma->vm_mm) {
		mmgrab(vma->vm_mm);
		old = window->mm;
		window->mm = vma->vm_mm;
	}
	window->hva = vma->vm_start - offset;
	spin_unlock(&window->lock);
	if (old)
		mmdrop(old);
	return 0;
}
ALLOW_ERROR_INJECTION(kvmflip_window_mmap, ERRNO);

/*
 * A vCPU that faults while its page goes away gets -EFAULT from KVM_RUN, and
 * its VMM gives up; with the mmap_lock held it waits instead. A VMM that sits
 * on its own lock loses only that comfort. No VMA changes, so the sequence
 * counts that mmap_write_lock() keeps besides are of no use here.
 *
 * Returns NULL if nobody has the window mapped.
 */
static struct mm_struct *kf_lock_vmm(struct kvmflip_window *window)
{
	bool patient = time_after_eq(jiffies, READ_ONCE(window->no_wait));
	int tries = patient ? KF_LOCK_TRIES : KF_LOCK_RETRIES;
	struct mm_struct *mm;

	spin_lock(&window->lock);
	mm = window->mm;
	if (mm)
		mmgrab(mm);
	spin_unlock(&window->lock);
	if (!mm)
		return NULL;

	while (!down_write_trylock(&mm->mmap_lock)) {
		if (--tries <= 0) {
			if (patient)
				WRITE_ONCE(window->no_wait, jiffies + KF_NO_WAIT);
			mmdrop(mm);
			return ERR_PTR(-EBUSY);
		}
		usleep_range(50, 100);
	}
	return mm;
}

static void kf_unlock_vmm(struct mm_struct *mm)
{
	if (IS_ERR_OR_NULL(mm))
		return;
	up_write(&mm->mmap_lock);
	mmdrop(mm);
}

/* Unmaps slots, ascending, a contiguous run at a time. */
static void kf_zap_slots(struct kvmflip_window *window, const u32 *slots, u32 n)
{
	u32 i, run, runs = 0;
	struct mm_struct *mm;

	mm = kf_lock_vmm(window);
	for (i = 0; i < n; i += run) {
		for (run = 1; i + run < n && slots[i + run] == slots[i] + run; run++)
			;
		kf_zap(window, slots[i], run);
		runs++;
	}
	kf_unlock_vmm(mm);
	kvmflip_stats_inc(window->stats, KVMFLIP_A_STATS_UNMAP_CALLS, runs);
	if (IS_ERR(mm))
		kvmflip_stats_inc(window->stats, KVMFLIP_A_STATS_UNLOCKED_UNMAPS, runs);
}

static u32 kf_sunk(struct kvmflip_window *window, u32 *slots, u32 max)
{
	u32 slot, n = 0;

	spin_lock(&window->lock);
	for_each_set_bit(slot, window->sunk, window->nr) {
		if (n == max)
			break;
		__clear_bit(slot, window->sunk);
		slots[n++] = slot;
	}
	spin_unlock(&window->lock);
	return n;
}

/* A slot at which the sink has come back meanwhile waits for the next time. */
static void kf_clean_work(struct work_struct *work)
{
	struct kvmflip_window *window = container_of(to_delayed_work(work), struct kvmflip_window,
						     clean_work);
	u32 rounds = DIV_ROUND_UP(window->nr, KF_CLEAN_BATCH);
	u32 slots[KF_CLEAN_BATCH];
	u32 i, n;

	do {
		n = kf_sunk(window, slots, ARRAY_SIZE(slots));
		if (!n)
			return;
		kf_zap_slots(window, slots, n);
		spin_lock(&window->lock);
		for (i = 0; i < n; i++)
			if (!test_bit(slots[i], window->used) && !test_bit(slots[i], window->sunk))
				__clear_bit(slots[i], window->busy);
		spin_unlock(&window->lock);
		cond_resched();
	} while (--rounds);
	queue_delayed_work(kvmflip_wq, &window->clean_work, KF_CLEAN_DELAY);
}

/**
 * kvmflip_window_alloc - allocate a slot
 * @window: window
 *
 * Context: process context.
 * Return: slot, or KVMFLIP_NO_SLOT if the guest has all it may have.
 */
u32 kvmflip_window_alloc(struct kvmflip_window *window)
{
	u32 slot;

	spin_lock(&window->lock);
	slot = find_next_zero_bit(window->busy, window->nr, window->cursor);
	if (slot >= window->nr)
		slot = find_first_zero_bit(window->busy, window->nr);
	if (slot < window->nr) {
		__set_bit(slot, window->used);
		__set_bit(slot, window->busy);
		window->cursor = slot + 1;
	} else {
		slot = KVMFLIP_NO_SLOT;
	}
	spin_unlock(&window->lock);
	return slot;
}

/**
 * kvmflip_window_release - free slots
 * @window: window
 * @slots: allocated slots that hold no buffer and map none
 * @n: number of them
 *
 * Context: process context.
 */
void kvmflip_window_release(struct kvmflip_window *window, const u32 *slots, u32 n)
{
	u32 i;

	spin_lock(&window->lock);
	for (i = 0; i < n; i++) {
		__clear_bit(slots[i], window->used);
		if (!test_bit(slots[i], window->sunk))
			__clear_bit(slots[i], window->busy);
	}
	spin_unlock(&window->lock);
}

/**
 * kvmflip_window_hold - keep a buffer from being taken out of its slot
 * @window: window
 * @slot: from kvmflip_window_alloc()
 * @hold: from now on, or no longer
 *
 * A guest can guess a slot's number and return it before it has been told of it.
 *
 * Context: process context. Nobody resets the guest meanwhile.
 */
void kvmflip_window_hold(struct kvmflip_window *window, u32 slot, bool hold)
{
	KUNIT_STATIC_STUB_REDIRECT(kvmflip_window_hold, window, slot, hold);
	spin_lock(&window->lock);
	__assign_bit(slot, window->held, hold);
	spin_unlock(&window->lock);
}

/**
 * kvmflip_window_fill - let a buffer appear in a slot
 * @window: window
 * @slot: from kvmflip_window_alloc()
 * @buf: KVMFLIP_MAPPED buffer without a byte the guest must not read
 *
 * Context: process context.
 * Return: false if the guest has touched the slot in the moment since it was
 * allocated, so that it would see the sink there for a while.
 */
bool kvmflip_window_fill(struct kvmflip_window *window, u32 slot, struct kvmflip_buffer *buf)
{
	bool sunk;

	spin_lock(&window->lock);
	sunk = test_bit(slot, window->sunk);
	if (!sunk) {
		window->slot[slot] = buf;
		window->mapped++;
	}
	spin_unlock(&window->lock);
	return !sunk;
}

static int kf_cmp_u32(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return x < y ? -1 : x > y;
}

/* Keeps in @slots those that held a buffer, in ascending order. */
static u32 kf_detach_slots(struct kvmflip_window *window, u32 *slots, u32 n,
			   struct list_head *bufs)
{
	struct kvmflip_buffer *buf;
	u32 i, slot, kept = 0;

	sort(slots, n, sizeof(*slots), kf_cmp_u32, NULL);
	down_write(&window->fault_lock);
	spin_lock(&window->lock);
	for (i = 0; i < n && slots[i] < window->nr; i++) {
		slot = array_index_nospec(slots[i], window->nr);
		buf = window->slot[slot];
		if (!buf || test_bit(slot, window->held))
			continue;
		window->slot[slot] = NULL;
		list_add_tail(&buf->list, bufs);
		slots[kept++] = slot;
	}
	window->mapped -= kept;
	spin_unlock(&window->lock);
	up_write(&window->fault_lock);
	return kept;
}

/**
 * kvmflip_window_empty - take buffers out of their slots, and away from the guest
 * @window: window
 * @slots: slots, not to be trusted; sorted on return
 * @n: number of them
 * @bufs: list to append the buffers to; no CPU can reach them on return
 *
 * Context: may sleep. One caller at a time.
 * Return: how many slots held a buffer.
 */
u32 kvmflip_window_empty(struct kvmflip_window *window, u32 *slots, u32 n,
			 struct list_head *bufs)
{
	u32 kept = kf_detach_slots(window, slots, n, bufs);

	if (kept) {
		kf_zap_slots(window, slots, kept);
		kvmflip_window_release(window, slots, kept);
	}
	return kept;
}

/**
 * kvmflip_window_buffer - what is in a slot
 * @window: window
 * @slot: slot, not to be trusted
 *
 * Context: process context.
 * Return: buffer, or NULL.
 */
struct kvmflip_buffer *kvmflip_window_buffer(struct kvmflip_window *window, u32 slot)
{
	if (slot >= window->nr)
		return NULL;
	return kf_slot(window, array_index_nospec(slot, window->nr));
}

/**
 * kvmflip_window_used - list slots that are allocated
 * @window: window
 * @slots: where to put their numbers
 * @max: how many at most
 *
 * Context: process context.
 * Return: how many there were.
 */
u32 kvmflip_window_used(struct kvmflip_window *window, u32 *slots, u32 max)
{
	u32 slot, n = 0;

	spin_lock(&window->lock);
	for_each_set_bit(slot, window->used, window->nr) {
		if (n == max)
			break;
		slots[n++] = slot;
	}
	spin_unlock(&window->lock);
	return n;
}

/**
 * kvmflip_window_room - may a slot be allocated?
 * @window: window
 *
 * Context: process context.
 * Return: false if the guest has all it may have.
 */
bool kvmflip_window_room(struct kvmflip_window *window)
{
	bool room;

	spin_lock(&window->lock);
	room = find_first_zero_bit(window->busy, window->nr) < window->nr;
	spin_unlock(&window->lock);
	return room;
}

/**
 * kvmflip_window_revoke - take buffers away from a guest that does not return them
 * @window: window
 * @slots: slots; sorted on return, with those first that held a buffer
 * @n: number of them
 * @bufs: list to append the buffers to; no CPU can reach them on return
 *
 * The slots are not used again before kvmflip_window_concede(), so that the
 * guest never takes one buffer for another.
 *
 * Context: may sleep. One caller at a time, kvmflip_window_empty() included.
 * Return: how many slots held a buffer.
 */
u32 kvmflip_window_revoke(struct kvmflip_window *window, u32 *slots, u32 n,
			  struct list_head *bufs)
{
	u32 i, kept = kf_detach_slots(window, slots, n, bufs);

	if (!kept)
		return 0;
	spin_lock(&window->lock);
	for (i = 0; i < kept; i++)
		__set_bit(slots[i], window->revoked);
	spin_unlock(&window->lock);
	kf_zap_slots(window, slots, kept);
	return kept;
}

/**
 * kvmflip_window_concede - the guest gives up a slot whose buffer was revoked
 * @window: window
 * @slot: slot, not to be trusted
 *
 * Context: process context.
 * Return: false if no buffer was revoked there.
 */
bool kvmflip_window_concede(struct kvmflip_window *window, u32 slot)
{
	bool revoked;

	if (slot >= window->nr)
		return false;
	slot = array_index_nospec(slot, window->nr);
	spin_lock(&window->lock);
	revoked = __test_and_clear_bit(slot, window->revoked);
	spin_unlock(&window->lock);
	if (revoked)
		kvmflip_window_release(window, &slot, 1);
	return revoked;
}

/**
 * kvmflip_window_concede_all - the guest is reset and knows of no slot any more
 * @window: window
 *
 * Context: process context.
 */
void kvmflip_window_concede_all(struct kvmflip_window *window)
{
	u32 slot;

	for_each_set_bit(slot, window->revoked, window->nr)
		kvmflip_window_concede(window, slot);
}
