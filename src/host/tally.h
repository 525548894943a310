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

/**
 * struct kvmflip_waiter - a port that has frames waiting
 * @id: its number in the XDP metadata
 * @gen: its generation in the XDP metadata when the frames arrived
 * @runs: how many runs of frames wait
 * @first: free-running index of the run that the oldest is in
 * @last: free-running index of the run that the newest is in
 * @copybreak: its frames of up to so many bytes are copied
 * @since: when the oldest of them arrived, in nanoseconds
 * @latency: longest time they may wait, in nanoseconds
 * @port: the port, with a reference of whoever made it join
 * @tenant: number of its guest
 * @patient: it is worth while to wait: a buffer fills in time
 * @flip: index of the first of the full buffers that it gets at the moment, see
 *	  &struct kvmflip_flip
 * @flip_last: index of the last
 * @index: its place among the waiters
 * @chain: next waiter of the same bucket, or KVMFLIP_NO_WAITER
 */
struct kvmflip_waiter {
	u32 id;
	u32 gen;
	u32 runs;
	u32 first;
	u32 last;
	u32 copybreak;
	u64 since;
	u64 latency;
	struct kvmflip_port *port;
	u64 tenant;
	bool patient;
	u8 flip;
	u8 flip_last;
	u8 index;
	u8 chain;
};

/**
 * struct kvmflip_run - frames that wait, one arrived right after the other
 * @waiter: their port
 * @chunk: number of the chunk that the first lies in; the others lie in those that
 *	   follow, all in one buffer
 * @end: number behind that of the last chunk
 * @next: free-running index of the next run of the same port, if there is one
 */
struct kvmflip_run {
	struct kvmflip_waiter *waiter;
	u32 chunk;
	u32 end;
	u32 next;
};

/**
 * struct kvmflip_tally - frames of a queue that wait, in the order of arrival
 * @run: the frames, a ring
 * @nr: its entries, a power of two, no fewer than the chunks that are posted
 * @tail: free-running index behind the last
 * @open: the last, if the next frame may become a part of it, or NULL
 * @chunks: chunks in a buffer
 * @counted: frames since @counted_from
 * @counted_from: when the average was last brought up to date, in nanoseconds
 * @frame_ns: time from frame to frame, a moving average, in nanoseconds
 * @steady_ns: the same, changed only when the average is far off
 * @used: bit per place in @waiter that is taken
 * @bucket: by the low bits of a port's number, first waiter, or KVMFLIP_NO_WAITER
 * @waiter: their ports
 *
 * All frames of a port are delivered in the order in which they arrived, whatever
 * buffers they lie in, so each port's are a list and nobody looks through those of
 * others. NICs use chunks in the order in which they were posted, and frames come in
 * bursts, so most of the time a run stands for many of them.
 *
 * While one waits no buffer that filled after it came is posted again: it would have
 * been delivered with it. So what has come since, delivered or not, lies in chunks that
 * were all posted at a time, and @run does not overflow.
 *
 * Locking: who serves the queue alone.
 */
struct kvmflip_tally {
	struct kvmflip_run *run;
	struct kvmflip_run *open;
	u32 nr;
	u32 tail;
	u32 chunks;
	u32 counted;
	u64 counted_from;
	u64 frame_ns;
	u64 steady_ns;
	DECLARE_BITMAP(used, KVMFLIP_WAITERS);
	u8 bucket[KVMFLIP_WAITERS];
	struct kvmflip_waiter waiter[KVMFLIP_WAITERS];
};

int kvmflip_tally_init(struct kvmflip_tally *tally, u32 buffers, u32 chunks);
void kvmflip_tally_destroy(struct kvmflip_tally *tally);
struct kvmflip_waiter *kvmflip_tally_join(struct kvmflip_tally *tally,
					  const struct kvmflip_waiter *waiter);
void kvmflip_tally_leave(struct kvmflip_tally *tally, struct kvmflip_waiter *waiter);
bool kvmflip_tally_crowded(const struct kvmflip_tally *tally, u32 more);
u32 kvmflip_tally_begin(struct kvmflip_tally *tally, struct kvmflip_waiter *waiter, u32 chunk,
			u64 now);
void kvmflip_tally_count(struct kvmflip_tally *tally, u32 frames, u64 now);
u64 kvmflip_tally_fill_ns(const struct kvmflip_tally *tally);
u32 kvmflip_tally_elect(const struct kvmflip_tally *tally, const struct kvmflip_buffers *table,
			const struct kvmflip_buffer *buf, unsigned long *others, u32 *end);

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
 * kvmflip_tally_run - a run by its free-running index
 * @tally: tally
 * @index: before @tail
 *
 * Return: run, perhaps delivered already.
 */
static inline struct kvmflip_run *kvmflip_tally_run(const struct kvmflip_tally *tally, u32 index)
{
	return &tally->run[index & (tally->nr - 1)];
}

/**
 * kvmflip_tally_find - find a port among those with waiting frames
 * @tally: tally
 * @id: number of the port
 * @gen: generation of the port
 *
 * Return: waiter, or NULL.
 */
static inline struct kvmflip_waiter *kvmflip_tally_find(struct kvmflip_tally *tally, u32 id,
							u32 gen)
{
	struct kvmflip_waiter *waiter;
	u8 i;

	for (i = tally->bucket[id % KVMFLIP_WAITERS]; i != KVMFLIP_NO_WAITER; i = waiter->chain) {
		waiter = &tally->waiter[i];
		if (waiter->id == id && waiter->gen == gen)
			return waiter;
	}
	return NULL;
}

/**
 * kvmflip_tally_add - a frame waits
 * @tally: tally
 * @waiter: its port
 * @buf: the buffer it lies in
 * @chunk: number of the chunk it lies in, in which no other frame waits
 * @now: time, in nanoseconds
 */
static inline void kvmflip_tally_add(struct kvmflip_tally *tally, struct kvmflip_waiter *waiter,
				     struct kvmflip_buffer *buf, u32 chunk, u64 now)
{
	struct kvmflip_run *run = tally->open;

	if (likely(run && run->waiter == waiter && run->end == chunk)) {
		/* The next one will be in another buffer. */
		if (unlikely(!(++run->end & (tally->chunks - 1))))
			tally->open = NULL;
		return;
	}
	buf->end = kvmflip_tally_begin(tally, waiter, chunk, now);
}

/**
 * kvmflip_waiter_before - has a port a frame that arrived before a moment?
 * @waiter: waiter
 * @end: @tail of the tally at that moment
 *
 * Return: true or false.
 */
static inline bool kvmflip_waiter_before(const struct kvmflip_waiter *waiter, u32 end)
{
	return waiter->runs && (s32)(waiter->first - end) < 0;
}

/**
 * kvmflip_tally_take - the oldest frames of a port wait no longer
 * @tally: tally
 * @waiter: waiter with frames
 *
 * Return: run of them, valid until the next frame waits.
 */
static inline const struct kvmflip_run *kvmflip_tally_take(struct kvmflip_tally *tally,
							   struct kvmflip_waiter *waiter)
{
	const struct kvmflip_run *run = kvmflip_tally_run(tally, waiter->first);

	if (run == tally->open)
		tally->open = NULL;
	waiter->runs--;
	waiter->first = run->next;
	return run;
}

#endif /* _KVMFLIP_TALLY_H */
