// SPDX-License-Identifier: GPL-2.0
/*
 * kvmflip: queues that are dedicated to one port.
 *
 * The NIC is told to steer that port's frames, and no others, to the queue. Each
 * is named to the guest at once, where the NIC has put it. What comes besides
 * is dropped, or copied if it is for the host, and scrubbed.
 *
 * The guest can write to a buffer at any time, so what is read there once
 * counts, and is not read again.
 */

#include <linux/error-injection.h>
#include <linux/netlink.h>
#include <linux/slab.h>
#include <linux/time64.h>

#include "../compat.h"
#include "layout.h"
#include "port.h"
#include "rxq.h"
#include "serve.h"
#include "steer.h"

/* How soon to look whether an RX ring that was full has space. */
#define KF_RING_NS	NSEC_PER_MSEC

/* Buffers let into the window until the port's lock is given up. */
#define KF_GROW		64

/**
 * struct kf_round - a batch of completions that is worked on
 * @rxq: the queue
 * @lease: its buffers
 * @port: its port
 * @delta: counters of the queue
 * @own: counters of the port
 * @running: the guest takes frames
 * @space: frames that its RX ring has space for
 * @full: completed buffers that are in no slot
 */
struct kf_round {
	struct kvmflip_rxq *rxq;
	struct kvmflip_lease *lease;
	struct kvmflip_port *port;
	struct kvmflip_delta *delta;
	struct kvmflip_delta own;
	bool running;
	int space;
	struct list_head full;
};

static struct kvmflip_port *kf_find_port(const struct kvmflip_pool *pool, const char *name,
					 struct netlink_ext_ack *extack)
{
	struct kvmflip_port *port = kvmflip_port_find(name);

	if (!port) {
		NL_SET_ERR_MSG_FMT(extack, "there is no port %s", name);
		return ERR_PTR(-ENOENT);
	}
	if (port->pool != pool) {
		NL_SET_ERR_MSG_FMT(extack, "port %s takes its buffers from pool %s", name,
				   port->pool->name);
		return ERR_PTR(-EINVAL);
	}
	return port;
}

/**
 * kvmflip_steer_init - get ready to dedicate a queue to a port
 * @rxq: queue whose @pool and @target are known
 * @name: name of the port
 * @extack: for the reason of an error
 *
 * Context: may sleep; kvmflip_lock is held.
 * Return: 0, -ENOENT, -EINVAL, -ENOMEM; -ERANGE if the port may not have as many
 * buffers as the queue needs.
 */
int kvmflip_steer_init(struct kvmflip_rxq *rxq, const char *name, struct netlink_ext_ack *extack)
{
	struct kvmflip_port *port = kf_find_port(rxq->pool, name, extack);
	struct kvmflip_steer *steer;
	u32 slots;

	lockdep_assert_held(&kvmflip_lock);

	if (IS_ERR(port))
		return PTR_ERR(port);
	/* What is posted, and a batch in the hands of the guest. */
	slots = rxq->target + max(KVMFLIP_NOTED >> rxq->pool->table.chunk_order, 1);
	if (kvmflip_layout_slots(port) < port->dedicated + slots) {
		NL_SET_ERR_MSG_FMT(extack, "port %s has max %llu, a steered queue needs %llu",
				   name, port->config.max,
				   (u64)(port->dedicated + slots) << rxq->pool->buffer_shift);
		return -ERANGE;
	}
	steer = kzalloc_obj(*steer);
	if (!steer)
		return -ENOMEM;
	steer->slots = slots;
	port->dedicated += slots;
	kref_get(&port->ref);
	rxq->port = port;
	rxq->steer = steer;
	return 0;
}
ALLOW_ERROR_INJECTION(kvmflip_steer_init, ERRNO);

/**
 * kvmflip_steer_destroy - a queue is dedicated to no port any more
 * @rxq: queue, perhaps never dedicated to one
 *
 * Context: kvmflip_lock is held.
 */
void kvmflip_steer_destroy(struct kvmflip_rxq *rxq)
{
	lockdep_assert_held(&kvmflip_lock);

	if (!rxq->steer)
		return;
	rxq->port->dedicated -= rxq->steer->slots;
	kvmflip_port_put(rxq->port);
	kfree(rxq->steer);
	rxq->steer = NULL;
}

/* Returns what becomes of a frame, or 0 if it is for the queue's port. */
static unsigned int kf_sort(struct kvmflip_rxq *rxq, struct kvmflip_noted *noted)
{
	struct kvmflip_chunk *c = &rxq->pool->table.chunk[noted->chunk];
	void *data = noted->start + c->offset;
	struct kvmflip_meta meta;

	if (!c->len)
		return KVMFLIP_A_STATS_DROPPED_INVALID;
	memcpy(&meta, data - sizeof(meta), sizeof(meta));
	/* What is checked has to be what is used. */
	barrier();
	if (meta.magic != KVMFLIP_META_MAGIC || meta.flags & ~KVMFLIP_META_CSUM_VALID)
		return KVMFLIP_A_STATS_DROPPED_NO_META;
	if (unlikely(meta.port != rxq->port->id)) {
		if (meta.port == KVMFLIP_PORT_HOST)
			return kvmflip_deliver_host(rxq->nic->netdev, data, c->len);
		return KVMFLIP_A_STATS_DROPPED_FOREIGN;
	}
	noted->gen = meta.gen;
	noted->own = true;
	c->flags = meta.flags;
	return 0;
}

static void kf_scrub_chunk(struct kvmflip_rxq *rxq, void *start)
{
	u32 bytes = 1U << rxq->pool->chunk_shift;

	kvmflip_pool_zero(start, bytes);
	rxq->steer->scrubbed += bytes;
}

/**
 * kvmflip_steer_note - the NIC has completed a chunk
 * @rxq: steered queue
 * @chunk: number of the chunk, whose offset and length are valid, or the length 0
 * @start: where it is mapped in the kernel
 * @last: its buffer has no other chunk that the NIC owns
 *
 * What is not the port's does not stay, whether its guest sees the buffer or not.
 *
 * Context: any. Who serves the queue.
 */
void kvmflip_steer_note(struct kvmflip_rxq *rxq, u32 chunk, void *start, bool last)
{
	struct kvmflip_steer *steer = rxq->steer;
	struct kvmflip_noted *noted;
	unsigned int verdict;

	if (WARN_ON_ONCE(steer->nr == KVMFLIP_NOTED))
		return;
	noted = &steer->noted[steer->nr++];
	*noted = (struct kvmflip_noted) {
		.start = start, .chunk = chunk, .end = chunk + 1, .last = last
	};
	verdict = kf_sort(rxq, noted);
	if (likely(noted->own))
		return;
	kvmflip_stats_frame(rxq->delivery.delta, rxq->pool->table.chunk[chunk].len, verdict);
	kf_scrub_chunk(rxq, start);
}

/* May the guest get frames of a buffer? */
static bool kf_shows(struct kf_round *round, struct kvmflip_buffer *buf)
{
	if (!buf->lease)
		return false;
	if (buf->told == KVMFLIP_TOLD_FRAMES)
		return true;
	if (!kvmflip_lease_promise(round->lease, round->delta, &round->own))
		return false;
	buf->told = KVMFLIP_TOLD_FRAMES;
	return true;
}

/* Returns what becomes of a frame of the port that is not just named to the guest. */
static unsigned int kf_verdict(struct kf_round *round, const struct kvmflip_buffer *buf,
			       const struct kvmflip_chunk *c, void *start, u32 gen)
{
	if (gen != round->port->gen) {
		kf_scrub_chunk(round->rxq, start);
		return KVMFLIP_A_STATS_DROPPED_NO_PORT;
	}
	if (round->rxq->delivery.trust == KVMFLIP_TRUST_NONE)
		return KVMFLIP_A_STATS_DROPPED_INVALID;
	if (!round->running)
		return KVMFLIP_A_STATS_DROPPED_CLOSED;
	if (round->space <= 0)
		return KVMFLIP_A_STATS_DROPPED_RING_FULL;
	if (!kvmflip_deliver_copy(round->port, start + c->offset, c->len, c->flags))
		return buf->lease ? KVMFLIP_A_STATS_DROPPED_QUOTA :
		       KVMFLIP_A_STATS_DROPPED_NO_BOUNCE;
	round->space--;
	return buf->lease ? KVMFLIP_A_STATS_COPIED_QUOTA : KVMFLIP_A_STATS_COPIED_MODE;
}

static void kf_deliver_other(struct kf_round *round, const struct kvmflip_buffer *buf,
			     const struct kvmflip_chunk *c, void *start, u32 gen)
{
	unsigned int verdict = kf_verdict(round, buf, c, start, gen);

	kvmflip_stats_frame(round->delta, c->len, verdict);
	if (verdict == KVMFLIP_A_STATS_DROPPED_NO_PORT)
		return;
	kvmflip_stats_frame(&round->own, c->len, verdict);
	/* The guest may see the buffer nevertheless. */
	round->own.v[KVMFLIP_A_STATS_BYTES_ZEROED_TAIL] +=
		kvmflip_deliver_forget_notes(start, c->offset);
}

/* The guest learns that it has all frames of a buffer, as soon as there is space. */
static void kf_tell_last(struct kf_round *round, struct kvmflip_buffer *buf)
{
	if (!round->running) {
		kvmflip_lease_park(round->lease, buf);
		return;
	}
	if (round->space <= 0) {
		kvmflip_lease_defer(round->lease, buf);
		return;
	}
	round->space--;
	kvmflip_rx_put(&round->port->rx, buf->slot, 0, 0, KVMFLIP_RX_LAST);
	kvmflip_lease_give(round->lease, buf);
}

static void kf_tell_due(struct kf_round *round)
{
	struct kvmflip_buffer *buf, *next;

	list_for_each_entry_safe(buf, next, &round->lease->due, lru)
		kf_tell_last(round, buf);
}

/* The NIC is done with all of a buffer. */
static void kf_finish(struct kf_round *round, struct kvmflip_buffer *buf)
{
	if (buf->lease && buf->told == KVMFLIP_TOLD_LAST)
		return;
	if (buf->lease && buf->told == KVMFLIP_TOLD_FRAMES) {
		kf_tell_last(round, buf);
		return;
	}
	if (buf->lease) {
		kvmflip_lease_park(round->lease, buf);
	} else {
		buf->dirty = KVMFLIP_DIRTY;
		list_add_tail(&buf->list, &round->full);
	}
	round->delta->v[KVMFLIP_A_STATS_RECYCLED]++;
}

/* Names frames to the guest that lie in a buffer it has. Returns how many. */
static u32 kf_name(struct kf_round *round, const struct kvmflip_buffer *buf,
		   const struct kvmflip_noted *noted)
{
	const struct kvmflip_pool *pool = round->rxq->pool;
	u32 csum = kvmflip_deliver_flags(round->port, KVMFLIP_META_CSUM_VALID);
	u32 at = (noted->chunk & ((1U << pool->table.chunk_order) - 1)) << pool->chunk_shift;
	const struct kvmflip_chunk *c = &pool->table.chunk[noted->chunk];
	struct kvmflip_host_ring *rx = &round->port->rx, ring = *rx;
	u32 n = min_t(u32, noted->end - noted->chunk, round->space);
	u32 slot = buf->slot, size = 1U << pool->chunk_shift;
	const struct kvmflip_chunk *end = c + n;
	void *start = noted->start;
	u32 notes = 0;
	u64 bytes = 0;

	for (; c < end; c++, at += size, start += size) {
		notes += kvmflip_deliver_forget_notes(start, c->offset);
		bytes += c->len;
		kvmflip_rx_put(&ring, slot, at + c->offset, c->len,
			       (c->flags ? csum : 0) | (noted->last ? KVMFLIP_RX_LAST : 0));
	}
	rx->prod = ring.prod;
	round->space -= n;
	round->own.v[KVMFLIP_A_STATS_BYTES_ZEROED_TAIL] += notes;
	kvmflip_stats_flipped(round->delta, n, bytes);
	kvmflip_stats_flipped(&round->own, n, bytes);
	return n;
}

static void kf_deliver_all(struct kf_round *round)
{
	struct kvmflip_buffers *table = &round->rxq->pool->table;
	u32 size = 1U << round->rxq->pool->chunk_shift;
	struct kvmflip_steer *steer = round->rxq->steer;
	struct kvmflip_noted *noted;
	struct kvmflip_buffer *buf;
	u32 i, n;

	for (noted = steer->noted; noted < steer->noted + steer->nr; noted++) {
		buf = kvmflip_buffer_of(table, noted->chunk);
		n = noted->own ? noted->end - noted->chunk : 0;
		i = 0;
		if (likely(n && round->running && noted->gen == round->port->gen &&
			   round->space > 0 && kf_shows(round, buf))) {
			i = kf_name(round, buf, noted);
			if (unlikely(noted->last && i == n))
				kvmflip_lease_give(round->lease, buf);
		}
		for (; i < n; i++)
			kf_deliver_other(round, buf, &table->chunk[noted->chunk + i],
					 noted->start + i * size, noted->gen);
		if (unlikely(noted->last))
			kf_finish(round, buf);
	}
	round->own.v[KVMFLIP_A_STATS_BYTES_ZEROED] += steer->scrubbed;
	steer->scrubbed = 0;
	steer->nr = 0;
}

/*
 * Is what was noted nothing but frames that are named to the guest, for which neither it
 * nor the NIC needs another buffer at once?
 */
static bool kf_is_soft(const struct kf_round *round)
{
	const struct kvmflip_steer *steer = round->rxq->steer;
	const struct kvmflip_noted *noted;
	const struct kvmflip_buffer *buf;
	u32 promised = round->lease->promised;

	if (!round->running || round->space < KVMFLIP_NOTED || !list_empty(&round->lease->due))
		return false;
	for (noted = steer->noted; noted < steer->noted + steer->nr; noted++) {
		buf = kvmflip_buffer_of(&round->rxq->pool->table, noted->chunk);
		if (noted->last || (noted->own && (noted->gen != round->port->gen || !buf->lease)))
			return false;
		promised += noted->own && buf->told != KVMFLIP_TOLD_FRAMES;
	}
	return round->lease->nr_idle >= promised;
}

static void kf_publish(struct kf_round *round)
{
	if (round->running && kvmflip_ring_publish(&round->port->rx))
		kvmflip_port_notify(round->port, KVMFLIP_VEC_RX);
}

static void kf_look_at_guest(struct kf_round *round)
{
	struct kvmflip_port *port = round->port;

	/* Of frames that nobody believes in nobody is told. */
	round->running = port->state == KVMFLIP_PORT_STATE_RUNNING &&
			 round->rxq->delivery.trust != KVMFLIP_TRUST_NONE;
	if (!round->running)
		return;
	round->space = kvmflip_port_rx_space(port);
	if (round->space < 0) {
		kvmflip_port_fail(port);
		round->running = false;
	}
}

/* Posts idle buffers until the NIC has enough, and lets others into the window. */
static void kf_post_leased(struct kf_round *round)
{
	struct kvmflip_rxq *rxq = round->rxq;
	struct kvmflip_buffer *buf;
	u32 grown, wanted;

	do {
		kvmflip_port_lock(round->port);
		grown = 0;
		while (kvmflip_serve_wanted(rxq) && (buf = kvmflip_lease_take(round->lease)))
			kvmflip_serve_post(rxq, buf, round->delta);
		wanted = kvmflip_serve_wanted(rxq);
		if (wanted)
			grown = kvmflip_lease_grow(round->lease, min(wanted, KF_GROW),
						   round->delta, &round->own);
		kvmflip_port_unlock(round->port);
	} while (grown);
}

/* Full buffers in no slot: others that are in one take their place, if they can. */
static void kf_replace(struct kf_round *round, bool room)
{
	struct kvmflip_rxq *rxq = round->rxq;

	if (!room) {
		kvmflip_serve_repost(rxq, &round->full, round->delta);
		return;
	}
	if (rxq->nic->iommu)
		kvmflip_iommu_revoke(rxq->nic->iommu, &round->full, round->delta);
	kvmflip_pool_move(rxq->pool, &round->full, KVMFLIP_POSTED, KVMFLIP_FILLED);
	kvmflip_pool_settle(rxq->pool, &round->full);
}

static void kf_refill(struct kf_round *round)
{
	struct kvmflip_rxq *rxq = round->rxq;
	u32 posted = rxq->posted, wanted;
	LIST_HEAD(free);

	kf_post_leased(round);
	if (rxq->posted != posted && kvmflip_xsk_fill_publish(&rxq->xsk))
		round->delta->v[KVMFLIP_A_STATS_WAKEUPS]++;
	kvmflip_stats_add(&round->port->stats, &round->own);
	wanted = kvmflip_serve_wanted(rxq);
	if (wanted)
		kvmflip_pool_take(rxq->pool, &free, wanted);
	kvmflip_serve_refill(rxq, &free, round->delta);
}

static void kf_round_begin(struct kf_round *round, struct kvmflip_rxq *rxq,
			   struct kvmflip_delta *delta)
{
	memset(round, 0, sizeof(*round));
	round->rxq = rxq;
	round->lease = &rxq->steer->lease;
	round->port = rxq->port;
	round->delta = delta;
	INIT_LIST_HEAD(&round->full);
}

/**
 * kvmflip_steer_soft - work on the chunks that were noted, if nobody has to sleep
 * @rxq: steered queue
 * @delta: counters of the queue
 *
 * Context: softirq. Who serves the queue.
 * Return: false if it is left to kvmflip_steer_serve().
 */
bool kvmflip_steer_soft(struct kvmflip_rxq *rxq, struct kvmflip_delta *delta)
{
	struct kf_round round;
	bool soft;

	if (!rxq->steer->nr)
		return true;
	if (!kvmflip_port_trylock(rxq->port))
		return false;
	kf_round_begin(&round, rxq, delta);
	kf_look_at_guest(&round);
	soft = kf_is_soft(&round);
	if (soft) {
		kf_deliver_all(&round);
		kf_publish(&round);
		kvmflip_stats_add(&round.port->stats, &round.own);
	}
	kvmflip_port_unlock_soft(rxq->port);
	return soft;
}

/**
 * kvmflip_steer_serve - work on the chunks that were noted
 * @rxq: steered queue
 * @delta: counters of the queue
 *
 * Context: may sleep, but waits for no guest and no VMM. The queue's worker.
 * Return: nanoseconds after which to call again, or U64_MAX if it needs not be.
 */
u64 kvmflip_steer_serve(struct kvmflip_rxq *rxq, struct kvmflip_delta *delta)
{
	struct kf_round round;
	bool room, due;

	kf_round_begin(&round, rxq, delta);

	kvmflip_port_lock(round.port);
	kf_look_at_guest(&round);
	kf_tell_due(&round);
	kf_deliver_all(&round);
	kf_publish(&round);
	room = round.running && kvmflip_window_room(&round.port->window);
	due = !list_empty(&round.lease->due);
	kvmflip_port_unlock(round.port);

	kf_replace(&round, room);
	kf_refill(&round);
	return due ? KF_RING_NS : U64_MAX;
}

/**
 * kvmflip_steer_start - dedicate a queue to its port
 * @rxq: queue whose @nic is known, with nothing posted yet
 *
 * Context: may sleep.
 */
void kvmflip_steer_start(struct kvmflip_rxq *rxq)
{
	struct kvmflip_delta delta = {};
	struct kf_round round;

	kvmflip_lease_begin(&rxq->steer->lease, rxq->port, rxq->nic->iommu, &rxq->stats);
	kf_round_begin(&round, rxq, &delta);
	kf_refill(&round);
	kvmflip_stats_add(&rxq->stats, &delta);
}
