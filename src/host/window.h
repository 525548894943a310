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
#define KVMFLIP_SLOTS_OFF	SZ_2M

/**
 * struct kvmflip_window - slots of a port and what lies in them
 * @pool: whose buffers they are
 * @stats: of the port
 * @mapping: through which the VMM's mappings are found
 * @base: file offset of the window in @mapping, in bytes
 * @rings: memory of the rings, vmalloc
 * @ring_bytes: size of @rings, whole pages
 * @sink: page of the port's own that stands in for every empty slot
 * @nr: number of slots
 * @shift: log2 of a slot's bytes
 * @fault_lock: a fault holds it for read from looking into @slot until its
 *		page table entry stands; who empties slots takes it for write in
 *		between, so that the unmap that follows finds every such entry.
 *		It is never taken on the path of a frame: a fault may sleep for
 *		as long as its VMM has no memory.
 * @slot: buffer in each slot, or NULL. Filled without a lock by who allocated
 *	  the slot, emptied under @fault_lock.
 * @sunk: bit per slot that the sink may be mapped at
 * @lock: protects @used, @in_use, @cursor, @mm and @hva; a leaf lock
 * @used: bit per slot that is allocated
 * @in_use: number of bits set in @used
 * @cursor: where to look for a slot next, so that slots come in ring order and
 *	    a batch of returns is one contiguous run
 * @mm: of the VMM, once it has mapped the window; holds mm_count
 * @hva: where in @mm the window begins
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
	u32 nr;
	u32 shift;
	struct rw_semaphore fault_lock;
	struct kvmflip_buffer **slot;
	unsigned long *sunk;
	spinlock_t lock;	/* see above */
	unsigned long *used;
	u32 in_use;
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
void kvmflip_window_fill(struct kvmflip_window *window, u32 slot, struct kvmflip_buffer *buf);
u32 kvmflip_window_empty(struct kvmflip_window *window, u32 *slots, u32 n,
			 struct list_head *bufs);
u32 kvmflip_window_used(struct kvmflip_window *window, u32 *slots, u32 max);

#endif /* _KVMFLIP_WINDOW_H */
