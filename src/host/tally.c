// SPDX-License-Identifier: GPL-2.0
/* kvmflip: frames that wait for their buffer to fill. */

#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/time64.h>

#include "tally.h"

/*
 * A buffer goes to nobody who has less than one of so many of its chunks: all the others
 * are zeroed for him, which costs more than to copy what he has.
 */
#define KF_QUORUM		3

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
	tally->run = kvcalloc(tally->nr, sizeof(*tally->run), GFP_KERNEL);
	memset(tally->bucket, KVMFLIP_NO_WAITER, sizeof(tally->bucket));
	tally->frame_ns = KF_RATE_UNKNOWN;
	tally->steady_ns = KF_RATE_UNKNOWN;
	return tally->run ? 0 : -ENOMEM;
}

/**
 * kvmflip_tally_destroy - free what kvmflip_tally_init() allocated
 * @tally: tally in which no frame waits
 */
void kvmflip_tally_destroy(struct kvmflip_tally *tally)
{
	kvfree(tally->run);
	tally->run = NULL;
}

static u8 *kf_bucket(struct kvmflip_tally *tally, u32 id)
{
	return &tally->bucket[id % KVMFLIP_WAITERS];
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
	tally->waiter[i].runs = 0;
	tally->waiter[i].index = i;
	tally->waiter[i].chain = *kf_bucket(tally, waiter->id);
	*kf_bucket(tally, waiter->id) = i;
	return &tally->waiter[i];
}

/**
 * kvmflip_tally_leave - a port's last frame was delivered
 * @tally: tally
 * @waiter: waiter without frames, whose port is the caller's to put
 */
void kvmflip_tally_leave(struct kvmflip_tally *tally, struct kvmflip_waiter *waiter)
{
	u8 *link = kf_bucket(tally, waiter->id);

	while (&tally->waiter[*link] != waiter)
		link = &tally->waiter[*link].chain;
	*link = waiter->chain;
	__clear_bit(waiter->index, tally->used);
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
 * kvmflip_tally_begin - a frame waits that does not continue the last run
 * @tally: tally
 * @waiter: its port
 * @chunk: number of the chunk it lies in
 * @now: time, in nanoseconds
 *
 * Whether a port's frames wait is decided once, for the first of them: the rate may
 * seem to have changed by the next, but their time is not over yet.
 *
 * Return: free-running index behind the new run.
 */
u32 kvmflip_tally_begin(struct kvmflip_tally *tally, struct kvmflip_waiter *waiter, u32 chunk,
			u64 now)
{
	u32 index = tally->tail++;

	tally->open = kvmflip_tally_run(tally, index);
	*tally->open = (struct kvmflip_run) {
		.waiter = waiter, .chunk = chunk, .end = chunk + 1
	};
	if (!((chunk + 1) & (tally->chunks - 1)))
		tally->open = NULL;
	if (waiter->runs++) {
		kvmflip_tally_run(tally, waiter->last)->next = index;
	} else {
		waiter->first = index;
		waiter->since = now;
		waiter->patient = kvmflip_tally_fill_ns(tally) <= waiter->latency;
	}
	waiter->last = index;
	return tally->tail;
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

/*
 * Is a buffer full of one port's frames, each of which came right after the one in front
 * of it? If its first frame waits, so do the others: a run is delivered as a whole.
 */
static bool kf_is_one_run(const struct kvmflip_tally *tally, const struct kvmflip_buffer *buf,
			  const struct kvmflip_chunk *chunk, u32 first)
{
	const struct kvmflip_run *run = kvmflip_tally_run(tally, buf->end - 1);

	return chunk->waiter != KVMFLIP_NO_WAITER && run->chunk == first &&
	       run->end == first + tally->chunks;
}

/* The owner of such a buffer: there is no need to look at all of it. */
static u32 kf_elect_only(const struct kvmflip_tally *tally, const struct kvmflip_chunk *c,
			 u32 quorum, unsigned long *others)
{
	const struct kvmflip_chunk *end = c + tally->chunks;
	u32 copybreak = tally->waiter[c->waiter].copybreak;
	u8 waiter = c->waiter;
	u32 votes = 0;

	for (; c < end; c++) {
		votes += c->len > copybreak;
		if (votes >= quorum)
			return waiter;
	}
	__set_bit(waiter, others);
	return KVMFLIP_NO_WAITER;
}

/**
 * kvmflip_tally_elect - find the owner of a full buffer
 * @tally: tally
 * @table: buffers of the pool
 * @buf: buffer of it, all of whose chunks are completed
 * @others: bitmap, in which the ports with frames in @buf are set but the owner
 * @end: moved behind the last frame of @buf, if any waits in it
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
	u32 first = kvmflip_buffer_index(table, buf) << table->chunk_order;
	u32 quorum = max(tally->chunks / KF_QUORUM, 1U), owner = KVMFLIP_NO_WAITER;
	const struct kvmflip_chunk *c = &table->chunk[first];
	const struct kvmflip_chunk *last = c + tally->chunks;
	u8 waiter = KVMFLIP_NO_WAITER;
	u16 votes[KVMFLIP_WAITERS];
	u32 i, copybreak = 0;

	if (likely(kf_is_one_run(tally, buf, c, first))) {
		if ((s32)(buf->end - *end) > 0)
			*end = buf->end;
		return kf_elect_only(tally, c, quorum, others);
	}
	memset(votes, 0, sizeof(votes));
	for (; c < last; c++) {
		if (c->waiter == KVMFLIP_NO_WAITER)
			continue;
		if (c->waiter != waiter) {
			waiter = c->waiter;
			copybreak = tally->waiter[waiter].copybreak;
			__set_bit(waiter, others);
		}
		votes[waiter] += c->len > copybreak;
	}
	if (waiter == KVMFLIP_NO_WAITER)
		return KVMFLIP_NO_WAITER;
	if ((s32)(buf->end - *end) > 0)
		*end = buf->end;
	for_each_set_bit(i, others, KVMFLIP_WAITERS) {
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
