// SPDX-License-Identifier: GPL-2.0
/* kvmflip: serving a queue: completions in, free buffers out. */

#include <kunit/visibility.h>
#include <linux/bpf.h>
#include <linux/nospec.h>
#include <linux/prefetch.h>
#include <net/xdp_sock.h>

#include "../compat.h"
#include "deliver.h"
#include "event.h"
#include "main.h"
#include "port.h"
#include "rxq.h"
#include "serve.h"
#include "steer.h"

/* Batches until others get a turn, and those that are taken in softirq at once. */
#define KF_BUDGET	16
#define KF_SOFT		4
/* How soon to try again when there was no memory to grant a buffer. */
#define KF_RETRY	(10 * NSEC_PER_MSEC)
/* Chunks looked at until others get a turn. */
#define KF_DRAIN_BATCH	4096

static int kf_wake(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct kvmflip_rxq *rxq = container_of(wait, struct kvmflip_rxq, wait);

	/* To wake somebody up costs more than what there is to do. */
	if (READ_ONCE(rxq->soft))
		queue_work(system_bh_wq, &rxq->arrive);
	else
		queue_work(kvmflip_wq, &rxq->work);
	return 0;
}

static enum hrtimer_restart kf_timer(struct hrtimer *timer)
{
	struct kvmflip_rxq *rxq = container_of(timer, struct kvmflip_rxq, timer);

	queue_work(kvmflip_wq, &rxq->work);
	return HRTIMER_NORESTART;
}

/*
 * A driver that has run out of chunks may complete those once more that it had before,
 * which may be anybody's by now, with the lengths of the frames that were in them then.
 */
static void kf_starved(struct kvmflip_rxq *rxq)
{
	if (rxq->delivery.trust)
		return;
	rxq->delivery.trust = KVMFLIP_TRUST_ZEROED;
	netdev_warn(rxq->nic->netdev,
		    "kvmflip: queue %u ran out of chunks: what it gets is zeroed from now on\n",
		    rxq->queue);
}

/* Are so many chunks posted that the driver has one? A batch may be in our hands. */
static bool kf_has_reserve(const struct kvmflip_rxq *rxq, u32 posted)
{
	return posted + KVMFLIP_BATCH >= rxq->reserve;
}

/*
 * A driver waits to be woken. If it cannot be for want of chunks there was no place in the
 * RX ring when it looked, and little has been taken from that before it is seen.
 */
static void kf_driver_waits(struct kvmflip_rxq *rxq, u32 posted)
{
	rxq->late = kf_has_reserve(rxq, posted) &&
		    (rxq->late || kvmflip_xsk_is_late(&rxq->xsk));
	if (!rxq->late)
		kf_starved(rxq);
}

/*
 * A driver that completes a chunk into which the NIC has written nothing, as some do
 * for chunks they had before, must not announce what somebody else had there: the bytes
 * that say whose a frame is are cleared. So is what the program has said of it, for such
 * a completion may be in the ring already, and the NIC may write somebody else's frame
 * before it is looked at. The length may be of what was there before; where that is to
 * be feared, nothing is left that could be announced.
 */
static void kf_forget(const struct kvmflip_rxq *rxq, struct kvmflip_buffer *buf,
		      struct kvmflip_delta *delta)
{
	void *start = page_address(kvmflip_pool_page(rxq->pool, buf));
	u32 i, n = 1U << rxq->pool->table.chunk_order;

	if (unlikely(rxq->delivery.trust)) {
		kvmflip_pool_zero(start, 1U << rxq->pool->buffer_shift);
		delta->v[KVMFLIP_A_STATS_BYTES_ZEROED] += 1U << rxq->pool->buffer_shift;
		buf->dirty = KVMFLIP_CLEAN;
		return;
	}
	start += XDP_PACKET_HEADROOM;
	for (i = 0; i < n; i++, start += 1U << rxq->pool->chunk_shift) {
		kvmflip_pool_zero_line(start - KVMFLIP_NOTES);
		kvmflip_pool_zero_line(start);
	}
	delta->v[KVMFLIP_A_STATS_BYTES_ZEROED_TAIL] += n * 2 * SMP_CACHE_BYTES;
}

/**
 * kvmflip_serve_post - post a buffer
 * @rxq: queue
 * @buf: buffer that the NIC has access to
 * @delta: counters of the queue
 *
 * The driver does not see it before kvmflip_xsk_fill_publish().
 *
 * Context: the queue's worker, or before it starts.
 */
void kvmflip_serve_post(struct kvmflip_rxq *rxq, struct kvmflip_buffer *buf,
			struct kvmflip_delta *delta)
{
	struct kvmflip_buffers *table = &rxq->pool->table;
	u32 first = kvmflip_buffer_index(table, buf) << table->chunk_order;
	u32 i, n = 1U << table->chunk_order, shift = rxq->pool->chunk_shift;

	buf->left = n;
	/* A guest that has the buffer too can put anything there at any time. */
	if (buf->dirty != KVMFLIP_CLEAN && !buf->lease)
		kf_forget(rxq, buf, delta);
	for (i = first; i < first + n; i++)
		kvmflip_chunk_post(&table->chunk[i], rxq->id);
	kvmflip_xsk_fill_put(&rxq->xsk, (u64)first << shift, 1U << shift, n);
	rxq->posted += n;
	rxq->buffers++;
}

/*
 * Shows the driver what was put, before which @posted chunks were. One that sleeps is
 * woken, or the worker will do so.
 */
static void kf_publish(struct kvmflip_rxq *rxq, u32 posted, struct kvmflip_delta *delta)
{
	if (rxq->delivery.soft) {
		if (!kvmflip_xsk_fill_show(&rxq->xsk))
			return;
		rxq->asleep = true;
	} else {
		if (!kvmflip_xsk_fill_publish(&rxq->xsk))
			return;
		delta->v[KVMFLIP_A_STATS_WAKEUPS]++;
	}
	/* Before its first chunk it has nothing to repeat. */
	if (rxq->filling)
		kf_driver_waits(rxq, posted);
}

/**
 * kvmflip_serve_repost - post buffers that the NIC has had before
 * @rxq: queue
 * @bufs: KVMFLIP_POSTED buffers that it has access to; empty on return
 * @delta: counters of the queue
 *
 * Context: may sleep; or softirq, after which somebody has to look at @rxq->asleep. Who
 * serves the queue, or before it starts.
 */
void kvmflip_serve_repost(struct kvmflip_rxq *rxq, struct list_head *bufs,
			  struct kvmflip_delta *delta)
{
	struct kvmflip_buffer *buf, *next;
	u32 posted = rxq->posted;

	if (list_empty(bufs))
		return;
	list_for_each_entry_safe(buf, next, bufs, list) {
		list_del_init(&buf->list);
		kvmflip_serve_post(rxq, buf, delta);
	}
	kf_publish(rxq, posted, delta);
}

/**
 * kvmflip_serve_refill - post free buffers
 * @rxq: queue
 * @bufs: KVMFLIP_FREE buffers; those that cannot be granted go back to the pool
 * @delta: counters of the queue
 *
 * Context: may sleep. The queue's worker, or before it starts.
 */
void kvmflip_serve_refill(struct kvmflip_rxq *rxq, struct list_head *bufs,
			  struct kvmflip_delta *delta)
{
	LIST_HEAD(failed);

	if (rxq->nic->iommu)
		kvmflip_iommu_grant(rxq->nic->iommu, bufs, &failed, delta);
	kvmflip_pool_move(rxq->pool, bufs, KVMFLIP_FREE, KVMFLIP_POSTED);
	kvmflip_serve_repost(rxq, bufs, delta);
	kvmflip_pool_give(rxq->pool, &failed);
}

static void kf_drop(struct kvmflip_rxq *rxq, unsigned int verdict)
{
	kvmflip_stats_frame(rxq->delivery.delta, 0, verdict);
}

/* Where a completed chunk begins in the kernel. */
static __always_inline void *kf_start(struct kvmflip_rxq *rxq, struct kvmflip_buffer *buf,
				      u32 chunk)
{
	u32 within = chunk & ((1U << rxq->pool->table.chunk_order) - 1);

	if (unlikely(buf != rxq->filling)) {
		rxq->filling = buf;
		rxq->block = page_address(kvmflip_pool_page(rxq->pool, buf));
	}
	return rxq->block + (within << rxq->pool->chunk_shift);
}

/**
 * struct kf_run - frames of one port that have arrived one right after the other
 * @end: number behind that of the last chunk, in the same buffer
 * @id: number of the port in the XDP metadata
 * @gen: generation of it
 * @index: place of it among those that wait
 */
struct kf_run {
	u32 *end;
	u32 id;
	u32 gen;
	u8 index;
};

/* The run that the next frame may become a part of, if there is one. */
static bool kf_open_run(struct kvmflip_rxq *rxq, struct kf_run *run)
{
	struct kvmflip_run *open = rxq->tally.open;
	struct kvmflip_noted *noted;

	if (open) {
		*run = (struct kf_run) {
			.end = &open->end, .id = open->waiter->id, .gen = open->waiter->gen,
			.index = open->waiter->index,
		};
		return true;
	}
	if (!rxq->steer || !rxq->steer->nr)
		return false;
	noted = &rxq->steer->noted[rxq->steer->nr - 1];
	*run = (struct kf_run) {
		.end = &noted->end, .id = rxq->port->id, .gen = noted->gen,
		.index = KVMFLIP_NO_WAITER,
	};
	return noted->own && noted->end & ((1U << rxq->pool->table.chunk_order) - 1);
}

/*
 * Takes completions of the chunks that follow those of the last run, but for the last
 * one of the buffer, as long as the frames are of the same port: this is what nearly
 * all of a burst are. Returns how many it took; the next one is none of these.
 */
static noinline u32 kf_follow(struct kvmflip_rxq *rxq, const struct xdp_desc *desc, u32 n)
{
	const struct kvmflip_buffers *table = &rxq->pool->table;
	u32 mask = (1U << table->chunk_order) - 1;
	u64 size = 1ULL << rxq->pool->chunk_shift;
	const struct kvmflip_meta *meta;
	struct kvmflip_buffer *buf;
	struct kvmflip_chunk *c;
	u64 addr, offset, at;
	u32 len, flags, i;
	u16 queue = rxq->id;
	struct kf_run run;
	const void *base;

	if (!kf_open_run(rxq, &run))
		return 0;
	buf = kvmflip_buffer_of(table, *run.end);
	n = min3(n, buf->left - 1U, mask - (*run.end & mask));
	at = (u64)*run.end << rxq->pool->chunk_shift;
	base = kf_start(rxq, buf, *run.end) - at;
	c = &table->chunk[*run.end];
	for (i = 0; i < n; i++, desc++, c++, at += size) {
		addr = READ_ONCE(desc->addr);
		len = READ_ONCE(desc->len);
		offset = addr - at;
		if (offset - sizeof(*meta) >= size - sizeof(*meta) || len - 1 >= size - offset ||
		    READ_ONCE(desc->options) & XDP_PKT_CONTD)
			break;
		meta = base + addr - sizeof(*meta);
		flags = READ_ONCE(meta->flags);
		if (READ_ONCE(meta->magic) != KVMFLIP_META_MAGIC ||
		    READ_ONCE(meta->port) != run.id || READ_ONCE(meta->gen) != run.gen ||
		    flags & ~KVMFLIP_META_CSUM_VALID || !kvmflip_chunk_complete(c, queue))
			break;
		prefetch(base + addr + KVMFLIP_AHEAD * size);
		c->offset = offset;
		c->len = len;
		c->waiter = run.index;
		c->flags = flags;
	}
	*run.end += i;
	buf->left -= i;
	return i;
}

/* Takes a completion, if it is of a chunk which this queue has posted. */
static void kf_take(struct kvmflip_rxq *rxq, const struct xdp_desc *desc,
		    struct list_head *full)
{
	const struct kvmflip_buffers *table = &rxq->pool->table;
	u32 shift = rxq->pool->chunk_shift, size = 1U << shift;
	u64 chunks = (u64)table->nr << table->chunk_order;
	u32 offset, len = READ_ONCE(desc->len);
	u64 chunk, addr = READ_ONCE(desc->addr);
	struct kvmflip_buffer *buf;
	struct kvmflip_chunk *c;
	void *start;

	chunk = addr >> shift;
	if (unlikely(chunk >= chunks)) {
		kf_drop(rxq, KVMFLIP_A_STATS_DROPPED_INVALID);
		rxq->posted++;
		return;
	}
	chunk = array_index_nospec(chunk, chunks);
	c = &table->chunk[chunk];
	if (unlikely(!kvmflip_chunk_complete(c, rxq->id))) {
		kf_drop(rxq, KVMFLIP_A_STATS_DROPPED_UNPOSTED);
		/* It may have completed what it does own like this, and have that twice. */
		rxq->delivery.trust = KVMFLIP_TRUST_NONE;
		rxq->posted++;
		return;
	}
	buf = kvmflip_buffer_of(table, chunk);
	start = kf_start(rxq, buf, chunk);
	if (unlikely(!--buf->left)) {
		rxq->buffers--;
		if (!rxq->steer)
			list_add_tail(&buf->list, full);
	}
	offset = addr & (size - 1);
	if (unlikely(offset < sizeof(struct kvmflip_meta) || len > size - offset ||
		     READ_ONCE(desc->options) & XDP_PKT_CONTD))
		len = 0;
	c->offset = offset;
	c->len = len;
	/* The NIC has most probably used the chunks in their order. */
	prefetch(start + KVMFLIP_AHEAD * size + offset);
	if (rxq->steer)
		kvmflip_steer_note(rxq, chunk, start, !buf->left);
	else if (likely(len))
		kvmflip_deliver_arrival(&rxq->delivery, buf, c, chunk, start + offset);
	else
		kf_drop(rxq, KVMFLIP_A_STATS_DROPPED_INVALID);
}

/*
 * Takes completions. Adds buffers to @full whose last they were, but not if they may be
 * in a guest.
 */
VISIBLE_IF_KUNIT
void kf_complete(struct kvmflip_rxq *rxq, const struct xdp_desc *desc, u32 n,
		 struct list_head *full)
{
	const struct xdp_desc *end = desc + n;
	const struct kvmflip_run *open;

	rxq->posted -= n;
	while (desc < end) {
		kf_take(rxq, desc++, full);
		open = rxq->tally.open;
		/* Where frames come mixed, in vain after the first of a run. */
		if (rxq->steer || (open && open->end - open->chunk > 1))
			desc += kf_follow(rxq, desc, end - desc);
	}
}

/*
 * When to look again although no frame has arrived. To set a timer costs more than
 * to look once too often: one that is set for earlier stays as it is.
 */
static void kf_set_timer(struct kvmflip_rxq *rxq, u64 now, u64 wait)
{
	if (wait == U64_MAX)
		return;
	if (hrtimer_active(&rxq->timer) && rxq->expires <= now + wait)
		return;
	rxq->expires = now + wait;
	hrtimer_start(&rxq->timer, ns_to_ktime(wait), HRTIMER_MODE_REL);
}

/* From here on the queue is the caller's, if it is not somebody else's, who is told. */
static bool kf_begin(struct kvmflip_rxq *rxq)
{
	bool mine;

	spin_lock_bh(&rxq->lock);
	mine = !rxq->serving;
	rxq->serving = true;
	rxq->missed = !mine;
	spin_unlock_bh(&rxq->lock);
	return mine;
}

/* Returns if somebody else came in vain, after whom has to be looked again. */
static bool kf_end(struct kvmflip_rxq *rxq)
{
	bool missed;

	spin_lock_bh(&rxq->lock);
	rxq->serving = false;
	missed = rxq->missed;
	spin_unlock_bh(&rxq->lock);
	return missed;
}

static void kf_count(struct kvmflip_rxq *rxq)
{
	kvmflip_stats_add(&rxq->stats, &rxq->delta);
	memset(&rxq->delta, 0, sizeof(rxq->delta));
}

/* Takes a batch of completions, or returns an error. */
static int kf_receive(struct kvmflip_rxq *rxq)
{
	struct kvmflip_delivery *delivery = &rxq->delivery;
	const struct xdp_desc *descs;
	bool waits;
	int n;

	delivery->now = ktime_get_ns();
	delivery->delta = &rxq->delta;
	if (unlikely(delivery->trust == KVMFLIP_TRUST_NONE))
		return -EPROTO;
	/* Those that were taken before are not done with yet. */
	if (rxq->steer && rxq->steer->nr)
		return rxq->steer->nr;
	n = kvmflip_xsk_peek(&rxq->xsk, &descs, KVMFLIP_BATCH);
	if (n < 0)
		return n;
	waits = kvmflip_xsk_waits(&rxq->xsk);
	rxq->late &= waits;
	if (n && unlikely(waits))
		kf_driver_waits(rxq, rxq->posted);
	kf_complete(rxq, descs, n, &rxq->full);
	kvmflip_xsk_release(&rxq->xsk, n);
	if (!rxq->steer)
		kvmflip_tally_count(&rxq->tally, n, delivery->now);
	return delivery->trust == KVMFLIP_TRUST_NONE ? -EPROTO : n;
}

/*
 * Delivers in softirq what needs nobody to sleep. Returns when to look again, or 0 if
 * there is anything left for which somebody has to.
 */
static u64 kf_serve_soft(struct kvmflip_rxq *rxq)
{
	struct kvmflip_delivery *delivery = &rxq->delivery;
	LIST_HEAD(again);
	LIST_HEAD(free);
	u64 wait;

	if (!kf_has_reserve(rxq, rxq->posted))
		return 0;
	if (rxq->steer)
		return kvmflip_steer_soft(rxq, &rxq->delta) ? U64_MAX : 0;
	if ((!list_empty(&rxq->full) && delivery->iommu) ||
	    kvmflip_tally_crowded(&rxq->tally, KVMFLIP_BATCH))
		return 0;
	wait = kvmflip_deliver_due(delivery);
	if (!wait || list_empty(&rxq->full))
		return wait;
	kvmflip_deliver_full(delivery, &rxq->full, &again, &free);
	kvmflip_serve_repost(rxq, &again, &rxq->delta);
	return rxq->asleep ? 0 : wait;
}

/* Returns if there is anything to do for which one has to sleep. */
static bool kf_arrive(struct kvmflip_rxq *rxq)
{
	int n, budget = KF_SOFT;
	u64 wait;

	rxq->delivery.soft = true;
	do {
		n = kf_receive(rxq);
		wait = n < 0 ? 0 : kf_serve_soft(rxq);
	} while (wait && n && --budget);

	if (rxq->delta.v[KVMFLIP_A_STATS_RECEIVED])
		kf_count(rxq);
	if (wait)
		kf_set_timer(rxq, rxq->delivery.now, wait);
	return !wait || !budget || rxq->late;
}

static void kf_arrive_work(struct work_struct *work)
{
	struct kvmflip_rxq *rxq = container_of(work, struct kvmflip_rxq, arrive);
	bool more;

	if (READ_ONCE(rxq->broken) || !kf_begin(rxq))
		return;
	/* Before the worker has been there none may take more: the NIC would have too few. */
	more = !rxq->soft || kf_arrive(rxq);
	if (more)
		WRITE_ONCE(rxq->soft, false);
	if (kf_end(rxq) || more)
		queue_work(kvmflip_wq, &rxq->work);
}

/**
 * kvmflip_serve_wanted - how many buffers should be posted besides
 * @rxq: queue
 *
 * Drivers that drop frames when the RX ring is full give the NIC the chunks of these again
 * behind others, so that buffer after buffer waits for its last ones.
 *
 * Context: who serves the queue.
 * Return: number of buffers.
 */
u32 kvmflip_serve_wanted(const struct kvmflip_rxq *rxq)
{
	u32 wanted = rxq->buffers < rxq->target ? rxq->target - rxq->buffers : 0;
	u32 size = 1U << rxq->pool->table.chunk_order;

	if (rxq->posted < rxq->reserve)
		wanted = max(wanted, DIV_ROUND_UP(rxq->reserve - rxq->posted, size));
	return min(wanted, rxq->most - rxq->buffers);
}

/* Posts as many buffers as are wanted, of @free and of the pool, whose the others are. */
static void kf_refill(struct kvmflip_rxq *rxq, struct list_head *free)
{
	u32 wanted = kvmflip_serve_wanted(rxq), n = list_count_nodes(free);
	LIST_HEAD(others);

	if (n < wanted)
		kvmflip_pool_take(rxq->pool, free, wanted - n);
	for (; n > wanted; n--)
		list_move(free->next, &others);
	if (!list_empty(&others))
		kvmflip_pool_give(rxq->pool, &others);
	kvmflip_serve_refill(rxq, free, &rxq->delta);
}

/*
 * Frames wait in buffers, and full ones are delivered. There is a free buffer in
 * hand for each that goes to a guest, so that the NIC never has fewer than
 * before. Returns when to look again.
 */
static u64 kf_serve_full(struct kvmflip_rxq *rxq)
{
	struct kvmflip_delivery *delivery = &rxq->delivery;
	LIST_HEAD(again);
	LIST_HEAD(free);
	u64 wait;

	kvmflip_deliver_full(delivery, &rxq->full, &again, &free);
	wait = kvmflip_deliver_due(delivery);
	if (kvmflip_tally_crowded(&rxq->tally, KVMFLIP_BATCH)) {
		kvmflip_deliver_all(delivery);
		wait = U64_MAX;
	}
	kvmflip_serve_repost(rxq, &again, &rxq->delta);
	kf_refill(rxq, &free);
	WRITE_ONCE(rxq->fill_usecs, min_t(u64, U32_MAX, kvmflip_tally_fill_ns(&rxq->tally) /
					     NSEC_PER_USEC));
	return wait;
}

static int kf_serve_batch(struct kvmflip_rxq *rxq)
{
	int received;
	u64 wait;

	received = kf_receive(rxq);
	if (received < 0)
		return received;
	rxq->delivery.soft = false;
	if (rxq->asleep)
		kf_publish(rxq, rxq->posted, &rxq->delta);
	rxq->asleep = false;
	if (unlikely(rxq->late && received < KVMFLIP_BATCH)) {
		rxq->late = false;
		kvmflip_xsk_wake(&rxq->xsk);
		rxq->delta.v[KVMFLIP_A_STATS_WAKEUPS]++;
	}
	if (rxq->steer)
		wait = kvmflip_steer_serve(rxq, &rxq->delta);
	else
		wait = kf_serve_full(rxq);
	/* There was no memory to grant a buffer, or none was free. */
	if (kvmflip_serve_wanted(rxq))
		wait = min(wait, KF_RETRY);
	kf_set_timer(rxq, rxq->delivery.now, wait);
	kf_count(rxq);
	return received;
}

/* Will what comes next need nobody to sleep, if it comes like what came now? */
static bool kf_may_be_soft(const struct kvmflip_rxq *rxq)
{
	/* Not where each frame fills a buffer, which goes from the NIC to a guest. */
	return rxq->pool->table.chunk_order || !(rxq->steer || rxq->delivery.iommu);
}

/* Returns if there may be more to do. */
static bool kf_serve(struct kvmflip_rxq *rxq)
{
	int n, budget = KF_BUDGET;

	/*
	 * After a batch there is always another look, though what comes later queues the
	 * work again: a completion that was in the ring before its chunk was posted is to
	 * be met before the NIC can have written there.
	 */
	do {
		n = kf_serve_batch(rxq);
		cond_resched();
	} while (n > 0 && --budget);

	WRITE_ONCE(rxq->soft, kf_may_be_soft(rxq));
	if (n >= 0)
		return n;
	kf_count(rxq);
	netdev_err(rxq->nic->netdev, "kvmflip: queue %u is served no longer: %s\n", rxq->queue,
		   rxq->delivery.trust == KVMFLIP_TRUST_NONE ?
		   "its driver completes chunks that it does not have" : "its RX ring is corrupt");
	WRITE_ONCE(rxq->broken, true);
	kvmflip_event_rxq(KVMFLIP_CMD_RXQ_BROKEN_NTF, rxq, KVMFLIP_REASON_RING);
	return false;
}

static void kf_serve_work(struct work_struct *work)
{
	struct kvmflip_rxq *rxq = container_of(work, struct kvmflip_rxq, work);
	bool more;

	if (rxq->broken || !kf_begin(rxq))
		return;
	more = kf_serve(rxq);
	if (kf_end(rxq) || more)
		queue_work(kvmflip_wq, &rxq->work);
}

/**
 * kvmflip_serve_init - get ready to serve a queue
 * @rxq: queue whose @pool, @mode, @target and @most are known
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM.
 */
int kvmflip_serve_init(struct kvmflip_rxq *rxq)
{
	INIT_WORK(&rxq->arrive, kf_arrive_work);
	INIT_WORK(&rxq->work, kf_serve_work);
	spin_lock_init(&rxq->lock);
	INIT_LIST_HEAD(&rxq->full);
	hrtimer_setup(&rxq->timer, kf_timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	init_waitqueue_func_entry(&rxq->wait, kf_wake);
	return kvmflip_tally_init(&rxq->tally, rxq->most, 1U << rxq->pool->table.chunk_order);
}

/**
 * kvmflip_serve_start - serve a queue
 * @rxq: queue whose @nic is known too
 * @bufs: KVMFLIP_FREE buffers to begin with
 *
 * Context: may sleep.
 */
void kvmflip_serve_start(struct kvmflip_rxq *rxq, struct list_head *bufs)
{
	struct kvmflip_delta delta = {};

	rxq->delivery.pool = rxq->pool;
	rxq->delivery.iommu = rxq->nic->iommu;
	rxq->delivery.tally = &rxq->tally;
	rxq->delivery.dev = rxq->nic->netdev;
	if (rxq->steer) {
		/* Those that are to appear in a window are claimed for its port. */
		kvmflip_pool_give(rxq->pool, bufs);
		kvmflip_steer_start(rxq);
	} else {
		kvmflip_serve_refill(rxq, bufs, &delta);
	}
	kvmflip_stats_add(&rxq->stats, &delta);
	add_wait_queue(sk_sleep(&rxq->xsk.xs->sk), &rxq->wait);
	queue_work(kvmflip_wq, &rxq->work);
}

/**
 * kvmflip_serve_stop - serve a queue no longer
 * @rxq: queue
 *
 * Frames that wait are delivered; those that arrive from now on are lost. No
 * guest has what is posted.
 *
 * Context: may sleep.
 */
void kvmflip_serve_stop(struct kvmflip_rxq *rxq)
{
	remove_wait_queue(sk_sleep(&rxq->xsk.xs->sk), &rxq->wait);
	/* Both start the timer, which queues the second, as the first does. */
	disable_work_sync(&rxq->arrive);
	disable_work_sync(&rxq->work);
	hrtimer_cancel(&rxq->timer);

	rxq->delivery.now = ktime_get_ns();
	rxq->delivery.delta = &rxq->delta;
	rxq->delivery.soft = false;
	if (rxq->steer && rxq->steer->nr)
		kvmflip_steer_serve(rxq, &rxq->delta);
	kvmflip_deliver_all(&rxq->delivery);
	kf_count(rxq);
	if (rxq->steer)
		kvmflip_lease_end(&rxq->steer->lease);
}

/**
 * kvmflip_serve_drain - take back what a queue had posted when it was stopped
 * @rxq: queue that the driver does not use any more
 *
 * Context: may sleep; rtnl is held.
 */
void kvmflip_serve_drain(struct kvmflip_rxq *rxq)
{
	struct kvmflip_buffers *table = &rxq->pool->table;
	struct kvmflip_delta delta = {};
	struct kvmflip_buffer *buf;
	LIST_HEAD(bufs);
	u32 chunk, order = table->chunk_order;

	list_splice_init(&rxq->full, &bufs);
	for (chunk = 0; chunk < table->nr << order; chunk++) {
		if (!(chunk % KF_DRAIN_BATCH))
			cond_resched();
		if (!kvmflip_chunk_complete(&table->chunk[chunk], rxq->id))
			continue;
		buf = kvmflip_buffer_of(table, chunk);
		if (list_empty(&buf->list))
			list_add_tail(&buf->list, &bufs);
	}
	list_for_each_entry(buf, &bufs, list)
		buf->dirty = KVMFLIP_DIRTY;
	/* Other queues of the device keep its mapping of the pool alive. */
	if (rxq->nic->active && rxq->nic->iommu)
		kvmflip_iommu_revoke(rxq->nic->iommu, &bufs, &delta);
	kvmflip_pool_move(rxq->pool, &bufs, KVMFLIP_POSTED, KVMFLIP_FILLED);
	kvmflip_pool_settle(rxq->pool, &bufs);
}

/**
 * kvmflip_serve_destroy - free what kvmflip_serve_init() allocated
 * @rxq: queue that was stopped, or never started
 */
void kvmflip_serve_destroy(struct kvmflip_rxq *rxq)
{
	kvmflip_tally_destroy(&rxq->tally);
}
