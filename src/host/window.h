/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip: the range of guest-physical memory in which a port's buffers appear. */
#ifndef _KVMFLIP_WINDOW_H
#define _KVMFLIP_WINDOW_H

#include <linux/mm.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>

#include "pool.h"

/* So that firmware places the BAR above 4 GiB, where it is write-back cached. */
#define KVMFLIP_WINDOW_BYTES	SZ_1G
/* The rings come first; the slots are aligned for the largest buffer. */
#define KVMFLIP_SLOTS_OFF	SZ_8M

/**
 * struct kvmflip_window - slots of a port and what lies in them
 * @pool: whose buffers they are
 * @stats: of the port
 * @mapping: through which the VMM's mappings are found
 * @base: file offset of the window in @mapping, in bytes
 * @rings: memory of the rings, vmalloc
 * @ring_bytes: size of @rings, whole pages
 * @sink: block of the port's own that stands in for every empty slot
 * @sink_order: log2 of the pages of @sink, as many as a slot has or just one
 * @nr: number of slots
 * @shift: log2 of a slot's bytes
 * @fault_lock: a fault holds it for read from looking into @slot until its
 *		page table entry stands; who empties slots takes it for write in
 *		between, so that the unmap that follows finds every such entry.
 *		It is never taken on the path of a frame: a fault may sleep for
 *		as long as its VMM has no memory.
 * @clean_work: unmaps the sink and frees the slots it stood at
 * @no_wait: until then, in jiffies, the VMM's lock is waited for less
 * @lock: protects all that follows; a leaf lock
 * @slot: buffer in each slot, or NULL; emptied with @fault_lock held too
 * @mapped: number of slots that hold a buffer
 * @used: bit per slot that is allocated
 * @sunk: bit per slot that the sink is mapped at
 * @held: bit per slot whose buffer is not to be taken out, even if the guest says so
 * @revoked: bit per slot that is @used but was taken from the guest by force
 * @busy: bit per slot that is @used or @sunk, or just being cleaned
 * @cursor: where to look for a slot next, so that slots come in ring order and
 *	    a batch of returns is one contiguous run
 * @mm: of the VMM, once it has mapped the window; holds mm_count
 * @hva: where in @mm the window begins
 *
 * A guest that touches an empty slot gets the sink there, and the slot is not
 * used again before the sink has been unmapped. That is done now and then and
 * off the path of frames, so the guest takes away only from itself.
 *
 * Lock order: mmap_lock, @fault_lock, @lock.
 */
struct kvmflip_window {
	struct kvmflip_pool *pool;
	struct kvmflip_stats *stats;
	struct address_space *mapping;
	loff_t base;
	void *rings;
	size_t ring_bytes;
	struct page *sink;
	u32 sink_order;
	u32 nr;
	u32 shift;
	struct rw_semaphore fault_lock;
	struct delayed_work clean_work;
	unsigned long no_wait;
	spinlock_t lock ____cacheline_aligned_in_smp;	/* see above */
	struct kvmflip_buffer **slot;
	u32 mapped;
	unsigned long *used;
	unsigned long *sunk;
	unsigned long *held;
	unsigned long *revoked;
	unsigned long *busy;
	u32 cursor;
	struct mm_struct *mm;
	unsigned long hva;
};

#define KVMFLIP_NO_SLOT	U32_MAX

int kvmflip_window_init(struct kvmflip_window *window, struct kvmflip_pool *pool,
			struct kvmflip_stats *stats, u32 nr, size_t ring_bytes);
void kvmflip_window_destroy(struct kvmflip_window *window);
int kvmflip_window_mmap(struct kvmflip_window *window, struct vm_area_struct *vma);
u32 kvmflip_window_alloc(struct kvmflip_window *window);
void kvmflip_window_release(struct kvmflip_window *window, const u32 *slots, u32 n);
void kvmflip_window_hold(struct kvmflip_window *window, u32 slot, bool hold);
bool kvmflip_window_fill(struct kvmflip_window *window, u32 slot, struct kvmflip_buffer *buf);
u32 kvmflip_window_empty(struct kvmflip_window *window, u32 *slots, u32 n,
			 struct list_head *bufs);
struct kvmflip_buffer *kvmflip_window_buffer(struct kvmflip_window *window, u32 slot);
u32 kvmflip_window_used(struct kvmflip_window *window, u32 *slots, u32 max);
bool kvmflip_window_room(struct kvmflip_window *window);
u32 kvmflip_window_revoke(struct kvmflip_window *window, u32 *slots, u32 n,
			  struct list_head *bufs);
bool kvmflip_window_concede(struct kvmflip_window *window, u32 slot);
void kvmflip_window_concede_all(struct kvmflip_window *window);

#endif /* _KVMFLIP_WINDOW_H */
