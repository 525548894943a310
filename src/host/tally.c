// SPDX-License-Identifier: GPL-2.0
/* kvmflip: frames that wait for their buffer to fill. */

#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/time64.h>

#include "tally.h"

/*
 * A buffer goes to nobody who has less than this share of its chunks: to copy
 * 8 of 512 frames costs less than an unmap, a flush and a fault.
 */
#define KF_QUORUM_SHIFT		6

/* Over so many frames, or nanoseconds, a rate is measured: several bursts. */
#define KF_RATE_FRAMES		256
#define KF_RATE_NS		(8 * NSEC_PER_MSEC)

/* How slow a queue is that nothing is known of. */
#define KF_RATE_UNKNOWN		BIT_ULL(40)

/**
 * kvmflip_tally_init - no frame waits
 * @tally: tally
 * @buffers: buffers that are posted at a time
 * @chunks: chunks in each, a power of two
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM.
 */
int kvmflip_tally_init(struct kvmflip_tally *tally, u32 buffers, u32 chunks)
{
	memset(tally, 0, sizeof(*tally));
	tally->chunks = chunks;
	tally->nr = roundup_pow_of_two(buffers * chunks);
	tally->frame = kvcalloc(tally->nr, sizeof(*tally->frame), GFP_KERNEL);
	tally->frame_ns = KF_RATE_UNKNOWN;
	tally->steady_ns = KF_RATE_UNKNOWN;
	return tally->frame ? 0 : -ENOMEM;
}

/**
 * kvmflip_tally_destroy - free what kvmflip_tally_init() allocated
 * @tally: tally in which no frame waits
 */
void kvmflip_tally_destroy(struct kvmflip_tally *tally)
{
	kvfree(tally->frame);
	tally->frame = NULL;
}

/**
 * kvmflip_tally_find - find a port among those with waiting frames
 * @tally: tally
 * @id: number of the port
 * @gen: generation of the port
 *
 * Return: waiter, or NULL.
 */
struct kvmflip_waiter *kvmflip_tally_find(struct kvmflip_tally *tally, u32 id, u32 gen)
{
	struct kvmflip_waiter *waiter = &tally->waiter[tally->recent];
	u32 i;

	if (waiter->port && waiter->id == id && waiter->gen == gen)
		return waiter;
	for_each_set_bit(i, tally->used, KVMFLIP_WAITERS) {
		waiter = &tally->waiter[i];
		if (waiter->id == id && waiter->gen == gen)
			return waiter;
	}
	return NULL;
}

/**
 * kvmflip_tally_join - a port's first frame is going to wait
 * @tally: tally that is not crowded
 * @waiter: what is known of the port
 *
 * Return: the waiter to give to kvmflip_tally_add().
 */
struct kvmflip_waiter *kvmflip_tally_join(struct kvmflip_tally *tally,
					  const struct kvmflip_waiter *waiter)
{
	u32 i = find_first_zero_bit(tally->used, KVMFLIP_WAITERS);

	if (WARN_ON_ONCE(i >= KVMFLIP_WAITERS))
		return NULL;
	__set_bit(i, tally->used);
	tally->waiter[i] = *waiter;
	tally->waiter[i].frames = 0;
	return &tally->waiter[i];
}

/**
 * kvmflip_tally_leave - a port's last frame was delivered
 * @tally: tally
 * @waiter: waiter without frames, whose port is the caller's to put
 */
void kvmflip_tally_leave(struct kvmflip_tally *tally, struct kvmflip_waiter *waiter)
{
	__clear_bit(kvmflip_waiter_index(tally, waiter), tally->used);
	waiter->port = NULL;
}

/**
 * kvmflip_tally_crowded - may ports be turned away?
 * @tally: tally
 * @more: ports that may join
 *
 * Return: true if there is not place for so many.
 */
bool kvmflip_tally_crowded(const struct kvmflip_tally *tally, u32 more)
{
	return bitmap_weight(tally->used, KVMFLIP_WAITERS) + more > KVMFLIP_WAITERS;
}

/**
 * kvmflip_tally_add - a frame waits
 * @tally: tally
 * @waiter: its port
 * @chunk: number of the chunk it lies in, in which no other frame waits
 * @now: time, in nanoseconds
 *
 * Whether a port's frames wait is decided once, for the first of them: the rate may
 * seem to have changed by the next, but their time is not over yet.
 */
void kvmflip_tally_add(struct kvmflip_tally *tally, struct kvmflip_waiter *waiter, u32 chunk,
		       u64 now)
{
	struct kvmflip_waiting *frame = kvmflip_tally_frame(tally, tally->tail++);

	tally->recent = kvmflip_waiter_index(tally, waiter);
	frame->chunk = chunk;
	frame->waiter = tally->recent;
	if (waiter->frames++)
		return;
	waiter->since = now;
	waiter->patient = kvmflip_tally_fill_ns(tally) <= waiter->latency;
}

/**
 * kvmflip_tally_done - a frame waits no longer
 * @tally: tally
 * @frame: frame that waits
 */
void kvmflip_tally_done(struct kvmflip_tally *tally, struct kvmflip_waiting *frame)
{
	tally->waiter[frame->waiter].frames--;
	frame->waiter = KVMFLIP_NO_WAITER;
	while (tally->head != tally->tail &&
	       kvmflip_tally_frame(tally, tally->head)->waiter == KVMFLIP_NO_WAITER)
		tally->head++;
}

/**
 * kvmflip_tally_count - bring the rate of a queue up to date
 * @tally: tally
 * @frames: how many arrived since the last call
 * @now: time, in nanoseconds
 *
 * What is decided by the rate must not change back and forth with every burst,
 * so a new average counts only when it is a quarter off.
 */
void kvmflip_tally_count(struct kvmflip_tally *tally, u32 frames, u64 now)
{
	u64 ns = now - tally->counted_from;
	u64 sample;

	tally->counted += frames;
	if (!tally->counted_from) {
		tally->counted = 0;
		tally->counted_from = now;
		return;
	}
	if (tally->counted < KF_RATE_FRAMES && ns < KF_RATE_NS)
		return;

	sample = div_u64(ns, max(tally->counted, 1));
	/* Traffic begins or ends at once, it does not do so by and by. */
	if (sample > 4 * tally->frame_ns || sample < tally->frame_ns / 4)
		tally->frame_ns = sample;
	else
		tally->frame_ns = (tally->frame_ns + sample) / 2;
	if (tally->frame_ns > tally->steady_ns + tally->steady_ns / 4 ||
	    tally->frame_ns < tally->steady_ns - tally->steady_ns / 4)
		tally->steady_ns = tally->frame_ns;
	tally->counted = 0;
	tally->counted_from = now;
}

/**
 * kvmflip_tally_fill_ns - how long a buffer takes to fill
 * @tally: tally
 *
 * Return: nanoseconds.
 */
u64 kvmflip_tally_fill_ns(const struct kvmflip_tally *tally)
{
	return tally->steady_ns * tally->chunks;
}

/* Between equals the one whose bytes are in the buffer anyway, or the first. */
static bool kf_precedes(const struct kvmflip_waiter *a, const struct kvmflip_waiter *b,
			const struct kvmflip_buffer *buf)
{
	if (a->tenant != b->tenant && (a->tenant == buf->dirty || b->tenant == buf->dirty))
		return a->tenant == buf->dirty;
	return a->id < b->id;
}

/**
 * kvmflip_tally_elect - find the owner of a full buffer
 * @tally: tally
 * @table: buffers of the pool
 * @buf: buffer of it, all of whose chunks are completed
 * @others: bitmap, in which the ports with frames in @buf are set but the owner
 * @end: moved behind the last frame that waits in @buf
 *
 * The owner is who has most frames waiting in it that are longer than its
 * copybreak; of several, the one whose guest had the buffer last, or else the
 * port with the lowest number.
 *
 * Return: index of the waiter, or KVMFLIP_NO_WAITER if nobody has enough.
 */
u32 kvmflip_tally_elect(const struct kvmflip_tally *tally, const struct kvmflip_buffers *table,
			const struct kvmflip_buffer *buf, unsigned long *others, u32 *end)
{
	u32 quorum = max((1U << table->chunk_order) >> KF_QUORUM_SHIFT, 1U);
	u32 owner = KVMFLIP_NO_WAITER;
	u16 votes[KVMFLIP_WAITERS] = {};
	const struct kvmflip_waiting *frame;
	u32 i;

	for (i = tally->head; i != tally->tail; i++) {
		frame = kvmflip_tally_frame(tally, i);
		if (frame->waiter == KVMFLIP_NO_WAITER ||
		    kvmflip_buffer_of(table, frame->chunk) != buf)
			continue;
		__set_bit(frame->waiter, others);
		if (table->chunk[frame->chunk].len > tally->waiter[frame->waiter].copybreak)
			votes[frame->waiter]++;
		if ((s32)(i + 1 - *end) > 0)
			*end = i + 1;
	}
	for_each_set_bit(i, tally->used, KVMFLIP_WAITERS) {
		if (votes[i] < quorum)
			continue;
		if (owner == KVMFLIP_NO_WAITER || votes[i] > votes[owner] ||
		    (votes[i] == votes[owner] &&
		     kf_precedes(&tally->waiter[i], &tally->waiter[owner], buf)))
			owner = i;
	}
	if (owner != KVMFLIP_NO_WAITER)
		__clear_bit(owner, others);
	return owner;
}
