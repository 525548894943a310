// SPDX-License-Identifier: GPL-2.0
/*
 * kvmflip: from a queue to the guest, or the host, that a frame is for.
 *
 * A frame waits until its buffer is full or its port's patience is at an end.
 * Full buffers are delivered in groups: an owner is elected for each; the
 * NIC's access to those that somebody gets is taken away; the frames of ports
 * that own none of them are copied; then each owner gets its buffers. A group
 * holds no buffer with a stray of a port that owns another one of it, so that
 * whatever has to be copied from a buffer is copied before a guest has it.
 */

#include <linux/etherdevice.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>

#include "deliver.h"
#include "iommu.h"
#include "port.h"
#include "reclaim.h"

static struct kvmflip_chunk *kf_chunk(const struct kvmflip_delivery *delivery, u32 chunk)
{
	return &delivery->pool->table.chunk[chunk];
}

/**
 * kvmflip_deliver_host - deliver a frame to the host
 * @dev: the NIC
 * @data: the frame, which is copied once and not looked at before
 * @len: bytes of it
 *
 * It goes up the stack of the NIC, as if that never had an XDP program.
 *
 * Context: process context.
 * Return: KVMFLIP_A_STATS_* of what becomes of it.
 */
unsigned int kvmflip_deliver_host(struct net_device *dev, const void *data, u32 len)
{
	struct sk_buff *skb;

	if (len < ETH_HLEN)
		return KVMFLIP_A_STATS_DROPPED_INVALID;
	skb = netdev_alloc_skb_ip_align(dev, len);
	if (!skb)
		return KVMFLIP_A_STATS_DROPPED_NO_MEMORY;
	skb_put_data(skb, data, len);
	skb->protocol = eth_type_trans(skb, dev);
	local_bh_disable();
	netif_receive_skb(skb);
	local_bh_enable();
	return KVMFLIP_A_STATS_COPIED_HOST;
}

static struct kvmflip_waiter *kf_join(struct kvmflip_delivery *delivery, u32 id, u32 gen)
{
	struct kvmflip_port *port = kvmflip_port_get(id);
	struct kvmflip_waiter waiter;

	if (!port)
		return NULL;
	if (port->pool != delivery->pool) {
		kvmflip_port_put(port);
		return NULL;
	}
	waiter = (struct kvmflip_waiter) {
		.port = port,
		.id = id,
		.gen = gen,
		.copybreak = READ_ONCE(port->config.copybreak),
		.latency = (u64)READ_ONCE(port->config.latency) * NSEC_PER_USEC,
		.tenant = READ_ONCE(port->tenant),
	};
	return kvmflip_tally_join(delivery->tally, &waiter);
}

/**
 * kvmflip_deliver_arrival - a frame has arrived
 * @delivery: what the queue delivers from; its tally is not crowded
 * @dev: the NIC
 * @chunk: number of the chunk it lies in, whose offset and length are valid
 *
 * It is for the host and delivered, or it is dropped, or it waits.
 *
 * Context: may sleep.
 */
void kvmflip_deliver_arrival(struct kvmflip_delivery *delivery, struct net_device *dev,
			     u32 chunk)
{
	struct kvmflip_chunk *c = kf_chunk(delivery, chunk);
	void *data = kvmflip_pool_address(delivery->pool, chunk) + c->offset;
	struct kvmflip_waiter *waiter;
	struct kvmflip_meta meta;

	memcpy(&meta, data - sizeof(meta), sizeof(meta));
	/* What is checked has to be what is used. */
	barrier();
	if (meta.magic != KVMFLIP_META_MAGIC || meta.flags & ~KVMFLIP_META_CSUM_VALID) {
		kvmflip_stats_frame(delivery->delta, c->len, KVMFLIP_A_STATS_DROPPED_NO_META);
		return;
	}
	if (meta.port == KVMFLIP_PORT_HOST) {
		kvmflip_stats_frame(delivery->delta, c->len,
				    kvmflip_deliver_host(dev, data, c->len));
		return;
	}
	waiter = kvmflip_tally_find(delivery->tally, meta.port, meta.gen);
	if (!waiter)
		waiter = kf_join(delivery, meta.port, meta.gen);
	if (!waiter) {
		kvmflip_stats_frame(delivery->delta, c->len, KVMFLIP_A_STATS_DROPPED_NO_PORT);
		return;
	}
	c->gen = meta.gen;
	c->flags = meta.flags;
	kvmflip_tally_add(delivery->tally, waiter, chunk, delivery->now);
}

/*
 * The XDP program runs before a completion, so if the metadata has changed
 * since then the NIC has used the chunk again, and what lies there is not the
 * frame that was announced.
 */
static bool kf_unchanged(const struct kvmflip_delivery *delivery, u32 chunk)
{
	const struct kvmflip_chunk *c = kf_chunk(delivery, chunk);
	const struct kvmflip_meta *meta = kvmflip_pool_address(delivery->pool, chunk) + c->offset -
					  sizeof(*meta);

	return meta->magic == KVMFLIP_META_MAGIC && meta->gen == c->gen && meta->flags == c->flags;
}

/*
 * Leaves nothing in a chunk but the frame of the new owner, or nothing at all.
 * Behind a frame the NIC may have written another one that it gave up. What the
 * chunk held before in front of it is zeroes or the owner's, if the buffer's
 * last guest was the owner.
 */
static void kf_clean_chunk(struct kvmflip_delivery *delivery, u32 chunk, u32 gen, bool own,
			   struct kvmflip_delta *delta)
{
	struct kvmflip_chunk *c = kf_chunk(delivery, chunk);
	void *start = kvmflip_pool_address(delivery->pool, chunk);
	u32 notes = c->offset - min(c->offset, KVMFLIP_NOTES);
	u32 size = 1U << delivery->pool->chunk_shift;
	u32 end = c->offset + c->len;

	if (c->gen != gen || !kf_unchanged(delivery, chunk)) {
		c->gen = 0;
		kvmflip_pool_zero(start, size);
		delta->v[KVMFLIP_A_STATS_BYTES_ZEROED] += size;
		return;
	}
	if (!own) {
		kvmflip_pool_zero(start, notes);
		delta->v[KVMFLIP_A_STATS_BYTES_ZEROED] += notes;
	}
	kvmflip_pool_zero(start + notes, c->offset - notes);
	kvmflip_pool_zero(start + end, size - end);
	delta->v[KVMFLIP_A_STATS_BYTES_ZEROED_TAIL] += c->offset - notes + size - end;
}

static void kf_clean(struct kvmflip_delivery *delivery, const struct kvmflip_waiter *owner,
		     struct kvmflip_buffer *buf, struct kvmflip_delta *delta)
{
	struct kvmflip_buffers *table = &delivery->pool->table;
	u32 chunk = kvmflip_buffer_index(table, buf) << table->chunk_order;
	bool own = buf->dirty == owner->port->tenant || buf->dirty == KVMFLIP_CLEAN;
	u32 end = chunk + (1U << table->chunk_order);

	for (; chunk < end; chunk++)
		kf_clean_chunk(delivery, chunk, owner->gen, own, delta);
	buf->dirty = owner->port->tenant;
}

/* Frames that go to the owner with the buffer, once it has been cleaned. */
static u32 kf_frames(const struct kvmflip_delivery *delivery, const struct kvmflip_waiter *owner,
		     const struct kvmflip_buffer *buf)
{
	const struct kvmflip_tally *tally = delivery->tally;
	u32 i, frames = 0, index = kvmflip_waiter_index(tally, owner);
	const struct kvmflip_waiting *frame;
	const struct kvmflip_chunk *c;

	for (i = tally->head; i != delivery->end; i++) {
		frame = kvmflip_tally_frame(tally, i);
		if (frame->waiter != index ||
		    kvmflip_buffer_of(&delivery->pool->table, frame->chunk) != buf)
			continue;
		c = kf_chunk(delivery, frame->chunk);
		frames += c->gen == owner->gen && c->len > owner->copybreak;
	}
	return frames;
}

/* A buffer, all of whose strays are copied, appears in its owner's window. */
static bool kf_map(struct kvmflip_delivery *delivery, const struct kvmflip_waiter *owner,
		   struct kvmflip_flip *flip, struct kvmflip_delta *delta)
{
	struct kvmflip_port *port = owner->port;

	lockdep_assert_held(&port->lock);

	flip->slot = kvmflip_window_alloc(&port->window);
	if (flip->slot == KVMFLIP_NO_SLOT)
		return false;
	kf_clean(delivery, owner, flip->buf, delta);
	flip->cleaned = true;
	flip->frames = kf_frames(delivery, owner, flip->buf);
	if (!flip->frames || !kvmflip_pool_map(delivery->pool, flip->buf, port, flip->slot))
		goto err_release;
	/* Until its frames are named and copied it must not become another guest's. */
	kvmflip_window_hold(&port->window, flip->slot, true);
	if (!kvmflip_window_fill(&port->window, flip->slot, flip->buf))
		goto err_unmap;
	delta->v[KVMFLIP_A_STATS_FLIPS]++;
	return true;

err_unmap:
	kvmflip_window_hold(&port->window, flip->slot, false);
	kvmflip_pool_unmap(delivery->pool, flip->buf);
err_release:
	kvmflip_window_release(&port->window, &flip->slot, 1);
	return false;
}

/* A port's buffers of the group, before its frames. Returns the ring's space beside them. */
static int kf_map_all(struct kvmflip_delivery *delivery, const struct kvmflip_waiter *waiter,
		      int space, struct kvmflip_delta *delta)
{
	u32 index = kvmflip_waiter_index(delivery->tally, waiter);
	int most = 1 << delivery->pool->table.chunk_order;
	struct kvmflip_flip *flip;

	for (flip = delivery->flip; flip < delivery->flip + delivery->nr; flip++) {
		if (flip->owner != index || !flip->spare || space < most)
			continue;
		flip->mapped = kf_map(delivery, waiter, flip, delta);
		if (flip->mapped)
			space -= flip->frames;
	}
	return space;
}

/**
 * kvmflip_deliver_flags - what a guest is told of a frame
 * @port: its port
 * @flags: KVMFLIP_META_* of the frame
 *
 * Context: &kvmflip_port.lock is held.
 * Return: KVMFLIP_RX_*, those that its driver has accepted.
 */
u32 kvmflip_deliver_flags(const struct kvmflip_port *port, u32 flags)
{
	lockdep_assert_held(&port->lock);

	if (flags & KVMFLIP_META_CSUM_VALID && port->features & KVMFLIP_F_RX_CSUM)
		return KVMFLIP_RX_CSUM_VALID;
	return 0;
}

/**
 * kvmflip_deliver_copy - copy a frame into the bounce slots of its port
 * @port: port that is running, whose RX ring has space
 * @data: the frame
 * @len: bytes of it
 * @flags: KVMFLIP_META_* of it
 *
 * Context: &kvmflip_port.lock is held.
 * Return: false if there is no space.
 */
bool kvmflip_deliver_copy(struct kvmflip_port *port, const void *data, u32 len, u32 flags)
{
	struct kvmflip_bounced where;

	lockdep_assert_held(&port->lock);

	if (!kvmflip_bounce_put(&port->bounce, data, len, &where))
		return false;
	kvmflip_rx_put(&port->rx, port->window.nr + where.slot, where.offset, len,
		       kvmflip_deliver_flags(port, flags) | (where.last ? KVMFLIP_RX_LAST : 0));
	return true;
}

/* Its metadata is gone then, and it was looked at before. */
static bool kf_is_cleaned(const struct kvmflip_delivery *delivery, u32 chunk)
{
	const struct kvmflip_buffer *buf = kvmflip_buffer_of(&delivery->pool->table, chunk);

	return buf->flip != KVMFLIP_NO_FLIP && delivery->flip[buf->flip].cleaned;
}

static unsigned int kf_copy(struct kvmflip_delivery *delivery, struct kvmflip_port *port,
			    u32 chunk, unsigned int why)
{
	const struct kvmflip_chunk *c = kf_chunk(delivery, chunk);

	if (!kf_is_cleaned(delivery, chunk) && !kf_unchanged(delivery, chunk))
		return KVMFLIP_A_STATS_DROPPED_INVALID;
	if (kvmflip_deliver_copy(port, kvmflip_pool_address(delivery->pool, chunk) + c->offset,
				 c->len, c->flags))
		return why;
	return why == KVMFLIP_A_STATS_COPIED_QUOTA ? KVMFLIP_A_STATS_DROPPED_QUOTA :
	       KVMFLIP_A_STATS_DROPPED_NO_BOUNCE;
}

static unsigned int kf_name(struct kvmflip_delivery *delivery, struct kvmflip_port *port,
			    struct kvmflip_flip *flip, u32 chunk)
{
	const struct kvmflip_buffers *table = &delivery->pool->table;
	const struct kvmflip_chunk *c = kf_chunk(delivery, chunk);
	u32 within = chunk & ((1U << table->chunk_order) - 1);
	u32 flags = kvmflip_deliver_flags(port, c->flags);

	flip->frames--;
	kvmflip_rx_put(&port->rx, flip->slot, (within << delivery->pool->chunk_shift) + c->offset,
		       c->len, flags | (flip->frames ? 0 : KVMFLIP_RX_LAST));
	return KVMFLIP_A_STATS_FLIPPED;
}

/* Returns the counter that says what becomes of a frame for a guest that takes frames. */
static unsigned int kf_verdict(const struct kvmflip_delivery *delivery,
			       const struct kvmflip_waiter *waiter, u32 chunk)
{
	const struct kvmflip_buffer *buf = kvmflip_buffer_of(&delivery->pool->table, chunk);
	const struct kvmflip_chunk *c = kf_chunk(delivery, chunk);
	const struct kvmflip_flip *flip;

	if (c->gen != waiter->gen)
		return KVMFLIP_A_STATS_DROPPED_INVALID;
	if (!delivery->iommu)
		return KVMFLIP_A_STATS_COPIED_MODE;
	if (c->len <= waiter->copybreak)
		return KVMFLIP_A_STATS_COPIED_SMALL;
	if (buf->flip == KVMFLIP_NO_FLIP)
		return KVMFLIP_A_STATS_COPIED_LATENCY;
	flip = &delivery->flip[buf->flip];
	if (flip->owner != kvmflip_waiter_index(delivery->tally, waiter))
		return KVMFLIP_A_STATS_COPIED_STRAY;
	return flip->mapped ? KVMFLIP_A_STATS_FLIPPED : KVMFLIP_A_STATS_COPIED_QUOTA;
}

/* Why a port takes no frames, or 0. */
static unsigned int kf_refusal(struct kvmflip_port *port, const struct kvmflip_waiter *waiter)
{
	lockdep_assert_held(&port->lock);

	if (waiter->gen != port->gen)
		return KVMFLIP_A_STATS_DROPPED_NO_PORT;
	if (port->state != KVMFLIP_PORT_STATE_RUNNING)
		return KVMFLIP_A_STATS_DROPPED_CLOSED;
	return 0;
}

/* The buffers that a port has got are its guest's to return from now on. */
static void kf_let_go(struct kvmflip_delivery *delivery, const struct kvmflip_waiter *waiter)
{
	u32 index = kvmflip_waiter_index(delivery->tally, waiter);
	struct kvmflip_flip *flip;

	for (flip = delivery->flip; flip < delivery->flip + delivery->nr; flip++) {
		if (flip->owner != index || !flip->mapped)
			continue;
		flip->buf->flip = KVMFLIP_NO_FLIP;
		kvmflip_window_hold(&waiter->port->window, flip->slot, false);
	}
}

/* All of a port's frames up to the end of the group, so that it is told once. */
static void kf_deliver_waiter(struct kvmflip_delivery *delivery, struct kvmflip_waiter *waiter)
{
	u32 i, len, head = delivery->tally->head;
	u32 index = kvmflip_waiter_index(delivery->tally, waiter);
	struct kvmflip_port *port = waiter->port;
	struct kvmflip_waiting *frame;
	struct kvmflip_delta own = {};
	unsigned int refusal, verdict;
	struct kvmflip_flip *flip;
	int space = 0;

	mutex_lock(&port->lock);
	refusal = kf_refusal(port, waiter);
	if (!refusal) {
		space = kvmflip_port_rx_space(port);
		if (space < 0) {
			kvmflip_port_fail(port);
			refusal = KVMFLIP_A_STATS_DROPPED_CLOSED;
		} else {
			space = kf_map_all(delivery, waiter, space, &own);
		}
	}
	for (i = head; i != delivery->end; i++) {
		frame = kvmflip_tally_frame(delivery->tally, i);
		if (frame->waiter != index)
			continue;
		verdict = refusal ? : kf_verdict(delivery, waiter, frame->chunk);
		if (verdict == KVMFLIP_A_STATS_FLIPPED) {
			flip = &delivery->flip[kvmflip_buffer_of(&delivery->pool->table,
								 frame->chunk)->flip];
			kf_name(delivery, port, flip, frame->chunk);
		} else if (kvmflip_stats_is_copy(verdict)) {
			if (space > 0)
				verdict = kf_copy(delivery, port, frame->chunk, verdict);
			else
				verdict = KVMFLIP_A_STATS_DROPPED_RING_FULL;
			space--;
		}
		len = kf_chunk(delivery, frame->chunk)->len;
		kvmflip_stats_frame(delivery->delta, len, verdict);
		/* A frame of an older generation was never this port's. */
		if (verdict != KVMFLIP_A_STATS_DROPPED_NO_PORT)
			kvmflip_stats_frame(&own, len, verdict);
		kvmflip_tally_done(delivery->tally, frame);
	}
	kf_let_go(delivery, waiter);
	/* Those that are left have arrived just now. */
	if (waiter->frames && own.v[KVMFLIP_A_STATS_RECEIVED])
		waiter->since = delivery->now;
	if (!refusal && kvmflip_ring_publish(&port->rx))
		kvmflip_port_notify(port, KVMFLIP_VEC_RX);
	kvmflip_stats_add(&port->stats, &own);
	mutex_unlock(&port->lock);
}

/* Takes what an owner needs, if it looks as if it could take the buffer. */
static bool kf_claim(struct kvmflip_delivery *delivery, struct kvmflip_flip *flip)
{
	const struct kvmflip_waiter *owner = &delivery->tally->waiter[flip->owner];
	struct kvmflip_port *port = owner->port;
	bool willing;

	mutex_lock(&port->lock);
	willing = !kf_refusal(port, owner) && kvmflip_window_room(&port->window);
	mutex_unlock(&port->lock);
	if (willing)
		flip->spare = kvmflip_pool_claim(delivery->pool, &port->share);
	if (willing && !flip->spare)
		kvmflip_reclaim_pressure(delivery->pool);
	return flip->spare;
}

/*
 * Moves full buffers to the group, those that somebody gets to @revoke and the
 * others to @again, up to the first that holds strays of an owner, or whose
 * owner has strays in another.
 */
static void kf_gather(struct kvmflip_delivery *delivery, struct list_head *full,
		      struct list_head *revoke, struct list_head *again)
{
	DECLARE_BITMAP(others, KVMFLIP_WAITERS) = {};
	struct kvmflip_buffer *buf, *next;
	struct kvmflip_flip *flip;
	u32 end, owner;

	bitmap_zero(delivery->owners, KVMFLIP_WAITERS);
	delivery->nr = 0;
	delivery->end = delivery->tally->head;
	list_for_each_entry_safe(buf, next, full, list) {
		DECLARE_BITMAP(strays, KVMFLIP_WAITERS) = {};

		if (delivery->nr == KVMFLIP_FLIPS)
			break;
		end = delivery->end;
		owner = kvmflip_tally_elect(delivery->tally, &delivery->pool->table, buf, strays,
					    &end);
		if (!delivery->iommu)
			owner = KVMFLIP_NO_WAITER;
		if (owner != KVMFLIP_NO_WAITER &&
		    (bitmap_intersects(strays, delivery->owners, KVMFLIP_WAITERS) ||
		     test_bit(owner, others)))
			break;
		flip = &delivery->flip[delivery->nr];
		*flip = (struct kvmflip_flip) { .buf = buf, .owner = owner };
		if (owner != KVMFLIP_NO_WAITER && kf_claim(delivery, flip)) {
			__set_bit(owner, delivery->owners);
			bitmap_or(others, others, strays, KVMFLIP_WAITERS);
			list_move_tail(&buf->list, revoke);
		} else {
			buf->dirty = KVMFLIP_DIRTY;
			list_move_tail(&buf->list, again);
			delivery->delta->v[KVMFLIP_A_STATS_RECYCLED]++;
		}
		buf->flip = delivery->nr++;
		delivery->end = end;
	}
}

/* What became of the group's buffers: others take the place of those that are gone. */
static void kf_settle(struct kvmflip_delivery *delivery, struct list_head *free)
{
	struct kvmflip_flip *flip;
	LIST_HEAD(unused);

	for (flip = delivery->flip; flip < delivery->flip + delivery->nr; flip++) {
		if (flip->mapped) {
			list_add_tail(&flip->spare->list, free);
			continue;
		}
		flip->buf->flip = KVMFLIP_NO_FLIP;
		if (!flip->spare)
			continue;
		flip->buf->dirty = KVMFLIP_DIRTY;
		kvmflip_pool_unclaim(delivery->pool,
				     &delivery->tally->waiter[flip->owner].port->share, 1);
		list_add_tail(&flip->spare->list, &unused);
		if (flip->buf->state == KVMFLIP_FREE && list_empty(&flip->buf->list))
			list_add_tail(&flip->buf->list, free);
	}
	kvmflip_pool_give(delivery->pool, &unused);
}

static void kf_deliver_group(struct kvmflip_delivery *delivery)
{
	struct kvmflip_tally *tally = delivery->tally;
	u32 i;

	for_each_set_bit(i, tally->used, KVMFLIP_WAITERS)
		if (!test_bit(i, delivery->owners))
			kf_deliver_waiter(delivery, &tally->waiter[i]);
	for_each_set_bit(i, delivery->owners, KVMFLIP_WAITERS)
		kf_deliver_waiter(delivery, &tally->waiter[i]);
}

static void kf_leave_all(struct kvmflip_tally *tally)
{
	struct kvmflip_waiter *waiter;
	struct kvmflip_port *port;
	u32 i;

	for_each_set_bit(i, tally->used, KVMFLIP_WAITERS) {
		waiter = &tally->waiter[i];
		if (waiter->frames)
			continue;
		port = waiter->port;
		kvmflip_tally_leave(tally, waiter);
		kvmflip_port_put(port);
	}
}

/**
 * kvmflip_deliver_full - deliver full buffers, and all that arrived before
 * @delivery: what the queue delivers from
 * @full: KVMFLIP_POSTED buffers with no chunk left that the NIC owns, in the order
 *	  in which they filled; empty on return
 * @again: list to append those to that nobody got, KVMFLIP_POSTED still; nothing
 *	   waits in them any more
 * @free: list to append KVMFLIP_FREE buffers to, which replace the others
 *
 * Context: may sleep, but waits for no guest and no VMM.
 */
void kvmflip_deliver_full(struct kvmflip_delivery *delivery, struct list_head *full,
			  struct list_head *again, struct list_head *free)
{
	LIST_HEAD(revoke);

	while (!list_empty(full)) {
		kf_gather(delivery, full, &revoke, again);
		if (!list_empty(&revoke)) {
			kvmflip_iommu_revoke(delivery->iommu, &revoke, delivery->delta);
			kvmflip_pool_move(delivery->pool, &revoke, KVMFLIP_POSTED,
					  KVMFLIP_FILLED);
		}
		kf_deliver_group(delivery);
		/* Those that were not mapped after all. */
		kvmflip_pool_move(delivery->pool, &revoke, KVMFLIP_FILLED, KVMFLIP_FREE);
		list_splice_tail_init(&revoke, free);
		kf_settle(delivery, free);
	}
	kf_leave_all(delivery->tally);
}

/**
 * kvmflip_deliver_all - deliver every frame, in whatever buffers they lie
 * @delivery: what the queue delivers from
 *
 * Context: may sleep, but waits for no guest and no VMM.
 */
void kvmflip_deliver_all(struct kvmflip_delivery *delivery)
{
	delivery->nr = 0;
	delivery->end = delivery->tally->tail;
	bitmap_zero(delivery->owners, KVMFLIP_WAITERS);
	kf_deliver_group(delivery);
	kf_leave_all(delivery->tally);
}

/**
 * kvmflip_deliver_due - deliver the frames that are not to wait any longer
 * @delivery: what the queue delivers from
 *
 * Context: may sleep, but waits for no guest and no VMM.
 * Return: nanoseconds after which to call again, or U64_MAX if no frame waits.
 */
u64 kvmflip_deliver_due(struct kvmflip_delivery *delivery)
{
	struct kvmflip_tally *tally = delivery->tally;
	struct kvmflip_waiter *waiter;
	u64 wait = U64_MAX;
	u32 i;

	delivery->nr = 0;
	delivery->end = tally->tail;
	for_each_set_bit(i, tally->used, KVMFLIP_WAITERS) {
		waiter = &tally->waiter[i];
		if (!delivery->iommu || kvmflip_waiter_due(waiter, delivery->now))
			kf_deliver_waiter(delivery, waiter);
		else
			wait = min(wait, waiter->since + waiter->latency - delivery->now);
	}
	kf_leave_all(tally);
	return wait;
}
