/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip: buffers and the states they go through. */
#ifndef _KVMFLIP_BUFFER_H
#define _KVMFLIP_BUFFER_H

#include <linux/cache.h>
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
 * @KVMFLIP_STEERED: one guest and the NIC whose queue is dedicated to it
 * @KVMFLIP_STATES: number of states
 */
enum kvmflip_state {
	KVMFLIP_FREE,
	KVMFLIP_POSTED,
	KVMFLIP_FILLED,
	KVMFLIP_MAPPED,
	KVMFLIP_RETURNED,
	KVMFLIP_QUARANTINED,
	KVMFLIP_STEERED,
	KVMFLIP_STATES,
};

/**
 * enum kvmflip_told - what a guest knows of a steered buffer
 * @KVMFLIP_TOLD_NOTHING: nothing since it was posted
 * @KVMFLIP_TOLD_FRAMES: of frames in it, and that there may be more
 * @KVMFLIP_TOLD_LAST: that there are no more, so that it is the guest's to return
 */
enum kvmflip_told {
	KVMFLIP_TOLD_NOTHING,
	KVMFLIP_TOLD_FRAMES,
	KVMFLIP_TOLD_LAST,
};

struct kvmflip_lease;

/* &kvmflip_buffer.dirty, besides the number of a tenant */
#define KVMFLIP_CLEAN		0
#define KVMFLIP_DIRTY		U64_MAX

/* &kvmflip_buffer.flip of a buffer that is not being delivered */
#define KVMFLIP_NO_FLIP		U8_MAX

/**
 * struct kvmflip_buffer - unit of remapping
 * @list: place in a list of whoever holds it, but not while a guest has it
 * @lru: place among the pool's buffers that guests have, @lock of the table. As long as
 *	 a steered one is not the guest's to return, place in a list of @lease
 * @holder: the port whose guest has it; @lock of the table, as the next
 * @slot: where in that port's window
 * @end: free-running index behind the last run of frames that came to wait in it.
 *	 Belongs to who holds the buffer, as @dirty, @left and @flip
 * @dirty: what it may hold besides frames of this round: KVMFLIP_CLEAN, zeroes;
 *	   the number of a tenant, that guest's bytes and zeroes; KVMFLIP_DIRTY,
 *	   anything
 * @lease: what it is part of while it is KVMFLIP_STEERED, NULL otherwise; the
 *	   lock of the port
 * @left: chunks that the NIC has not completed yet
 * @flip: place in the group of buffers that is being delivered
 * @state: enum kvmflip_state, who may touch it; changed by kvmflip_buffer_move() alone
 * @told: enum kvmflip_told, what the guest knows of it while it has a @lease; the lock
 *	  of the port
 *
 * With 4 KiB buffers there is one for each page of a pool, so it is small.
 */
struct kvmflip_buffer {
	struct list_head list;
	struct list_head lru;
	void *holder;
	u32 slot;
	u32 end;
	u64 dirty;
	struct kvmflip_lease *lease;
	u16 left;
	u8 flip;
	u8 state;
	u8 told;
};

/* &kvmflip_chunk.waiter of a chunk in which no frame waits */
#define KVMFLIP_NO_WAITER	U8_MAX

/**
 * struct kvmflip_chunk - unit of DMA
 * @queue: id of the queue whose NIC owns it, or 0; changed by
 *	   kvmflip_chunk_post() and kvmflip_chunk_complete() alone, no lock
 * @offset: where in the chunk the frame begins, in bytes
 * @len: bytes of the frame
 * @waiter: index of the port whose frame waits in it, or KVMFLIP_NO_WAITER
 * @flags: KVMFLIP_META_* of the frame
 *
 * All but @queue belong to who holds the buffer. There is one for each frame that
 * a pool has room for, and it is looked at several times for each, so it is small.
 */
struct kvmflip_chunk {
	u16 queue;
	u16 offset;
	u16 len;
	u8 waiter;
	u8 flags;
};

/**
 * struct kvmflip_buffers - all buffers of a pool
 * @nr: number of buffers
 * @chunk_order: log2 of the chunks in a buffer
 * @name: of the pool, for those who trace it
 * @chunk: the chunks
 * @buf: the buffers
 * @lock: protects the states, @count and @illegal; a leaf lock, process context.
 *	  Whoever takes it leaves those alone that only look up buffers: from here on
 *	  there is another cache line
 * @count: number of buffers in each state
 * @illegal: changes of state that were refused
 */
struct kvmflip_buffers {
	u32 nr;
	u32 chunk_order;
	const char *name;
	struct kvmflip_chunk *chunk;
	struct kvmflip_buffer *buf;

	spinlock_t lock ____cacheline_aligned_in_smp;	/* see above */
	u32 count[KVMFLIP_STATES];
	u64 illegal;
};

extern const char *const kvmflip_state_names[KVMFLIP_STATES];

int kvmflip_buffers_init(struct kvmflip_buffers *table, const char *name, u32 nr,
			 u32 chunk_order);
void kvmflip_buffers_destroy(struct kvmflip_buffers *table);
bool kvmflip_buffer_move(struct kvmflip_buffers *table, struct kvmflip_buffer *buf,
			 enum kvmflip_state from, enum kvmflip_state to);

/**
 * kvmflip_buffer_of - the buffer that a chunk is in
 * @table: buffers of the pool
 * @chunk: number of the chunk in the pool
 *
 * Return: buffer.
 */
static inline struct kvmflip_buffer *kvmflip_buffer_of(const struct kvmflip_buffers *table,
						       u32 chunk)
{
	return &table->buf[chunk >> table->chunk_order];
}

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

/**
 * kvmflip_chunk_post - note that a NIC owns a chunk from now on
 * @chunk: chunk that no NIC owns
 * @queue: id of the queue it is posted to, not 0
 */
static inline void kvmflip_chunk_post(struct kvmflip_chunk *chunk, u16 queue)
{
	WRITE_ONCE(chunk->queue, queue);
}

/**
 * kvmflip_chunk_complete - take a chunk back from a NIC that says it is done
 * @chunk: chunk
 * @queue: id of the queue that says so
 *
 * Nobody but who serves the queue that posted a chunk changes who owns it until
 * it is taken back, so that it needs no atomic to do so. Who serves another one,
 * whose NIC makes it up, finds an id that is not its own.
 *
 * Context: who serves the queue, or when it is served no more.
 * Return: false if it was not posted to that queue, so that the completion must
 * be ignored.
 */
static inline bool kvmflip_chunk_complete(struct kvmflip_chunk *chunk, u16 queue)
{
	if (READ_ONCE(chunk->queue) != queue)
		return false;
	WRITE_ONCE(chunk->queue, 0);
	return true;
}

#endif /* _KVMFLIP_BUFFER_H */
