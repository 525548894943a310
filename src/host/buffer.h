/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip: buffers and the states they go through. */
#ifndef _KVMFLIP_BUFFER_H
#define _KVMFLIP_BUFFER_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

/**
 * enum kvmflip_state - who may touch a buffer
 * @KVMFLIP_FREE: the pool
 * @KVMFLIP_POSTED: the NIC whose queue holds it
 * @KVMFLIP_FILLED: the module; no device has access
 * @KVMFLIP_MAPPED: one guest
 * @KVMFLIP_RETURNED: nobody; it is in no page table and no TLB any more
 * @KVMFLIP_QUARANTINED: nobody; somebody still holds a reference to a page
 * @KVMFLIP_STATES: number of states
 */
enum kvmflip_state {
	KVMFLIP_FREE,
	KVMFLIP_POSTED,
	KVMFLIP_FILLED,
	KVMFLIP_MAPPED,
	KVMFLIP_RETURNED,
	KVMFLIP_QUARANTINED,
	KVMFLIP_STATES,
};

/**
 * struct kvmflip_buffer - unit of remapping
 * @list: place in a list of whoever holds it
 * @state: who may touch it; changed by kvmflip_buffer_move() alone
 * @dirty: somebody may have written to it since it was zeroed
 */
struct kvmflip_buffer {
	struct list_head list;
	enum kvmflip_state state;
	bool dirty;
};

/**
 * struct kvmflip_buffers - all buffers of a pool
 * @lock: protects the states, @count and @illegal; a leaf lock, process context
 * @count: number of buffers in each state
 * @illegal: changes of state that were refused
 * @nr: number of buffers
 * @chunk_order: log2 of the chunks in a buffer
 * @posted: for each chunk the id of the queue whose NIC owns it, or 0; changed
 *	    by kvmflip_chunk_post() and kvmflip_chunk_complete() alone, no lock
 * @buf: the buffers
 */
struct kvmflip_buffers {
	spinlock_t lock;	/* see above */
	u32 count[KVMFLIP_STATES];
	u64 illegal;
	u32 nr;
	u32 chunk_order;
	u32 *posted;
	struct kvmflip_buffer *buf;
};

int kvmflip_buffers_init(struct kvmflip_buffers *table, u32 nr, u32 chunk_order);
void kvmflip_buffers_destroy(struct kvmflip_buffers *table);
bool kvmflip_buffer_move(struct kvmflip_buffers *table, struct kvmflip_buffer *buf,
			 enum kvmflip_state from, enum kvmflip_state to);
void kvmflip_chunk_post(struct kvmflip_buffers *table, u32 chunk, u32 queue);
bool kvmflip_chunk_complete(struct kvmflip_buffers *table, u32 chunk, u32 queue);

/**
 * kvmflip_buffer_index - number of a buffer in its pool
 * @table: buffers of the pool
 * @buf: buffer
 *
 * Return: index from 0.
 */
static inline u32 kvmflip_buffer_index(const struct kvmflip_buffers *table,
				       const struct kvmflip_buffer *buf)
{
	return buf - table->buf;
}

#endif /* _KVMFLIP_BUFFER_H */
