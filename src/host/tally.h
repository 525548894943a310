/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip: frames that wait for their buffer to fill. */
#ifndef _KVMFLIP_TALLY_H
#define _KVMFLIP_TALLY_H

#include <linux/bitmap.h>
#include <linux/types.h>

#include "buffer.h"

struct kvmflip_port;

/* Ports that may have frames waiting in one queue. */
#define KVMFLIP_WAITERS		128
#define KVMFLIP_NO_WAITER	KVMFLIP_WAITERS

/**
 * struct kvmflip_waiter - a port that has frames waiting
 * @port: the port, with a reference of whoever made it join
 * @id: its number in the XDP metadata
 * @gen: its generation in the XDP metadata when the frames arrived
 * @copybreak: its frames of up to so many bytes are copied
 * @latency: longest time they may wait, in nanoseconds
 * @tenant: number of its guest
 * @patient: it is worth while to wait: a buffer fills in time
 * @frames: how many wait
 * @since: when the oldest of them arrived, in nanoseconds
 */
struct kvmflip_waiter {
	struct kvmflip_port *port;
	u32 id;
	u32 gen;
	u32 copybreak;
	u64 latency;
	u64 tenant;
	bool patient;
	u32 frames;
	u64 since;
};

/**
 * struct kvmflip_waiting - a frame that waits
 * @chunk: number of the chunk it lies in
 * @waiter: index of its port; KVMFLIP_NO_WAITER once it is delivered
 */
struct kvmflip_waiting {
	u32 chunk;
	u8 waiter;
};

/**
 * struct kvmflip_tally - frames of a queue that wait, in the order of arrival
 * @frame: the frames, a ring
 * @chunks: chunks in a buffer
 * @nr: its entries, a power of two, no fewer than the chunks that are posted
 * @head: free-running index of the first that waits
 * @tail: free-running index behind the last
 * @waiter: their ports
 * @used: bit per place in @waiter that is taken
 * @recent: index of the port of the last frame
 * @frame_ns: time from frame to frame, a moving average, in nanoseconds
 * @steady_ns: the same, changed only when the average is far off
 * @counted: frames since @counted_from
 * @counted_from: when the average was last brought up to date, in nanoseconds
 *
 * A buffer's frames lie anywhere between @head and @tail, though as a rule they
 * follow each other. All frames of a port are delivered in the order in which
 * they arrived, whatever buffers they lie in.
 *
 * Locking: the queue's worker alone.
 */
struct kvmflip_tally {
	struct kvmflip_waiting *frame;
	u32 chunks;
	u32 nr;
	u32 head;
	u32 tail;
	struct kvmflip_waiter waiter[KVMFLIP_WAITERS];
	DECLARE_BITMAP(used, KVMFLIP_WAITERS);
	u32 recent;
	u64 frame_ns;
	u64 steady_ns;
	u32 counted;
	u64 counted_from;
};

int kvmflip_tally_init(struct kvmflip_tally *tally, u32 buffers, u32 chunks);
void kvmflip_tally_destroy(struct kvmflip_tally *tally);
struct kvmflip_waiter *kvmflip_tally_find(struct kvmflip_tally *tally, u32 id, u32 gen);
struct kvmflip_waiter *kvmflip_tally_join(struct kvmflip_tally *tally,
					  const struct kvmflip_waiter *waiter);
void kvmflip_tally_leave(struct kvmflip_tally *tally, struct kvmflip_waiter *waiter);
bool kvmflip_tally_crowded(const struct kvmflip_tally *tally, u32 more);
void kvmflip_tally_add(struct kvmflip_tally *tally, struct kvmflip_waiter *waiter, u32 chunk,
		       u64 now);
void kvmflip_tally_done(struct kvmflip_tally *tally, struct kvmflip_waiting *frame);
void kvmflip_tally_count(struct kvmflip_tally *tally, u32 frames, u64 now);
u64 kvmflip_tally_fill_ns(const struct kvmflip_tally *tally);
u32 kvmflip_tally_elect(const struct kvmflip_tally *tally, const struct kvmflip_buffers *table,
			const struct kvmflip_buffer *buf, unsigned long *others, u32 *end);

/**
 * kvmflip_waiter_index - place of a waiter
 * @tally: tally
 * @waiter: waiter of it
 *
 * Return: index from 0.
 */
static inline u32 kvmflip_waiter_index(const struct kvmflip_tally *tally,
				       const struct kvmflip_waiter *waiter)
{
	return waiter - tally->waiter;
}

/**
 * kvmflip_waiter_due - must a port's frames be delivered now?
 * @waiter: waiter with frames
 * @now: time, in nanoseconds
 *
 * Return: false if they may wait for their buffer to fill.
 */
static inline bool kvmflip_waiter_due(const struct kvmflip_waiter *waiter, u64 now)
{
	return !waiter->patient || now - waiter->since >= waiter->latency;
}

/**
 * kvmflip_tally_frame - a frame by its free-running index
 * @tally: tally
 * @index: from @head to before @tail
 *
 * Return: frame, perhaps delivered already.
 */
static inline struct kvmflip_waiting *kvmflip_tally_frame(const struct kvmflip_tally *tally,
							  u32 index)
{
	return &tally->frame[index & (tally->nr - 1)];
}

#endif /* _KVMFLIP_TALLY_H */
