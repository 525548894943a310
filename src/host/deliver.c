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

#include <linux/bpf.h>
#include <linux/etherdevice.h>
#include <linux/netdevice.h>
#include <linux/prefetch.h>
#include <linux/skbuff.h>

#include "deliver.h"
#include "iommu.h"
#include "port.h"
#include "reclaim.h"
#include "trace.h"

/**
 * struct kf_told - what a port is being told
 * @refusal: counter that says why it takes no frames, or 0
 * @space: frames that its RX ring has space for, besides those in its buffers
 * @own: its counters
 */
struct kf_told {
	unsigned int refusal;
	int space;
	struct kvmflip_delta own;
};

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
 * Context: process context or softirq.
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
		.flip = KVMFLIP_FLIPS,
	};
	return kvmflip_tally_join(delivery->tally, &waiter);
}

/**
 * kvmflip_deliver_admit - a frame has arrived for whom no other frame waits
 * @delivery: what the queue delivers from; its tally is not crowded
 * @frame: the frame, which is the host's if it is for it
 * @len: bytes of it
 * @meta: copy of its metadata
 *
 * Context: process context or softirq.
 * Return: the port that it waits for, or NULL if it was delivered or dropped.
 */
struct kvmflip_waiter *kvmflip_deliver_admit(struct kvmflip_delivery *delivery,
					     const void *frame, u32 len,
					     const struct kvmflip_meta *meta)
{
	unsigned int verdict = KVMFLIP_A_STATS_DROPPED_NO_PORT;
	struct kvmflip_waiter *waiter;

	if (meta->magic != KVMFLIP_META_MAGIC || meta->flags & ~KVMFLIP_META_CSUM_VALID) {
		verdict = KVMFLIP_A_STATS_DROPPED_NO_META;
	} else if (meta->port == KVMFLIP_PORT_HOST) {
		verdict = kvmflip_deliver_host(delivery->dev, frame, len);
	} else {
		waiter = kf_join(delivery, meta->port, meta->gen);
		if (waiter)
			return waiter;
	}
	kvmflip_stats_frame(delivery->delta, len, verdict);
	return NULL;
}

/*
 * The XDP program runs before a completion, so if the metadata has changed
 * since then the NIC has used the chunk again, and what lies there is not the
 * frame that was announced.
 */
static bool kf_unchanged(const void *frame, u32 port, u32 gen, u32 flags)
{
	const struct kvmflip_meta *meta = frame - sizeof(*meta);

	return meta->magic == KVMFLIP_META_MAGIC && meta->port == port && meta->gen == gen &&
	       meta->flags == flags;
}

/* What is behind a frame may be somebody else's, and be taken for a part of it. */
static bool kf_doubtful(const struct kvmflip_delivery *delivery, const struct kvmflip_buffer *buf)
{
	return unlikely(delivery->trust) &&
	       (delivery->trust == KVMFLIP_TRUST_NONE || buf->dirty != KVMFLIP_CLEAN);
}

/*
 * A buffer is its owner's alone. Returns how many frames go to the owner with it.
 *
 * Nothing is left in a chunk but the frame of the owner. Behind it the NIC may
 * have written another one that it gave up. What the chunk held before in front of
 * it is zeroes or the owner's, if the buffer's last guest was the owner.
 */
static u32 kf_clean(struct kvmflip_delivery *delivery, const struct kvmflip_waiter *owner,
		    struct kvmflip_buffer *buf, struct kvmflip_delta *delta)
{
	const struct kvmflip_buffers *table = &delivery->pool->table;
	u32 first = kvmflip_buffer_index(table, buf) << table->chunk_order;
	struct kvmflip_chunk *last = &table->chunk[first + (1U << table->chunk_order)];
	bool own = buf->dirty == owner->port->tenant || buf->dirty == KVMFLIP_CLEAN;
	bool doubtful = kf_doubtful(delivery, buf);
	void *start = page_address(kvmflip_pool_page(delivery->pool, buf));
	u32 index = owner->index;
	u32 size = 1U << delivery->pool->chunk_shift;
	u32 id = owner->id, gen = owner->gen, copybreak = owner->copybreak;
	u32 offset, len, notes, room, frames = 0;
	u64 zeroed = 0, tail = 0;
	struct kvmflip_chunk *c;

	for (c = &table->chunk[first]; c < last; c++, start += size) {
		prefetchw(start + KVMFLIP_AHEAD * size + XDP_PACKET_HEADROOM - KVMFLIP_NOTES);
		offset = c->offset;
		len = c->len;
		if (unlikely(c->waiter != index || doubtful ||
			     !kf_unchanged(start + offset, id, gen, c->flags))) {
			c->waiter = KVMFLIP_NO_WAITER;
			kvmflip_pool_zero(start, size);
			zeroed += size;
			continue;
		}
		notes = kvmflip_deliver_forget_notes(start, offset);
		if (!own) {
			kvmflip_pool_zero(start, offset - notes);
			zeroed += offset - notes;
		}
		room = size - offset - len;
		kvmflip_pool_zero(start + offset + len, room);
		tail += room + notes;
		frames += len > copybreak;
	}
	delta->v[KVMFLIP_A_STATS_BYTES_ZEROED] += zeroed;
	delta->v[KVMFLIP_A_STATS_BYTES_ZEROED_TAIL] += tail;
	buf->dirty = owner->port->tenant;
	trace_kvmflip_clean(table, buf, owner->port->name, frames, zeroed + tail);
	return frames;
}

/* A buffer, all of whose strays are copied, appears in its owner's window. */
static bool kf_map(struct kvmflip_delivery *delivery, const struct kvmflip_waiter *owner,
		   struct kvmflip_flip *flip, struct kvmflip_delta *delta)
{
	struct kvmflip_port *port = owner->port;

	kvmflip_port_assert_locked(port);

	flip->slot = kvmflip_window_alloc(&port->window);
	if (flip->slot == KVMFLIP_NO_SLOT)
		return false;
	flip->frames = kf_clean(delivery, owner, flip->buf, delta);
	flip->cleaned = true;
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

/* A port's buffers of the group, before its frames. */
static void kf_map_all(struct kvmflip_delivery *delivery, const struct kvmflip_waiter *waiter,
		       struct kf_told *told)
{
	int most = 1 << delivery->pool->table.chunk_order;
	struct kvmflip_flip *flip;
	u32 i;

	for (i = waiter->flip; i != KVMFLIP_FLIPS && told->space >= most; i = flip->next) {
		flip = &delivery->flip[i];
		flip->mapped = kf_map(delivery, waiter, flip, &told->own);
		if (flip->mapped)
			told->space -= flip->frames;
	}
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
	kvmflip_port_assert_locked(port);

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

	kvmflip_port_assert_locked(port);

	if (!kvmflip_bounce_put(&port->bounce, data, len, &where))
		return false;
	kvmflip_rx_put(&port->rx, port->window.nr + where.slot, where.offset, len,
		       kvmflip_deliver_flags(port, flags) | (where.last ? KVMFLIP_RX_LAST : 0));
	return true;
}

/* The full buffer that a chunk is in, or NULL. */
static struct kvmflip_flip *kf_flip(struct kvmflip_delivery *delivery, u32 chunk)
{
	const struct kvmflip_buffer *buf = kvmflip_buffer_of(&delivery->pool->table, chunk);

	return buf->flip == KVMFLIP_NO_FLIP ? NULL : &delivery->flip[buf->flip];
}

static unsigned int kf_copy(struct kvmflip_delivery *delivery,
			    const struct kvmflip_waiter *waiter, const struct kvmflip_flip *flip,
			    u32 chunk, unsigned int why)
{
	const void *frame = kvmflip_pool_address(delivery->pool, chunk);
	const struct kvmflip_chunk *c = kf_chunk(delivery, chunk);

	prefetch(frame + (KVMFLIP_AHEAD << delivery->pool->chunk_shift) + XDP_PACKET_HEADROOM);
	frame += c->offset;
	/* In what is cleaned its metadata is gone, and was looked at before. */
	if (!(flip && flip->cleaned) &&
	    (kf_doubtful(delivery, kvmflip_buffer_of(&delivery->pool->table, chunk)) ||
	     !kf_unchanged(frame, waiter->id, waiter->gen, c->flags)))
		return KVMFLIP_A_STATS_DROPPED_INVALID;
	if (kvmflip_deliver_copy(waiter->port, frame, c->len, c->flags))
		return why;
	return why == KVMFLIP_A_STATS_COPIED_QUOTA ? KVMFLIP_A_STATS_DROPPED_QUOTA :
	       KVMFLIP_A_STATS_DROPPED_NO_BOUNCE;
}

/* Returns the counter that says why a frame for a guest that takes frames is copied. */
static unsigned int kf_verdict(const struct kvmflip_delivery *delivery,
			       const struct kvmflip_waiter *waiter,
			       const struct kvmflip_flip *flip, const struct kvmflip_chunk *c)
{
	if (c->waiter == KVMFLIP_NO_WAITER)
		return KVMFLIP_A_STATS_DROPPED_INVALID;
	if (!delivery->iommu)
		return KVMFLIP_A_STATS_COPIED_MODE;
	if (c->len <= waiter->copybreak)
		return KVMFLIP_A_STATS_COPIED_SMALL;
	if (!flip)
		return KVMFLIP_A_STATS_COPIED_LATENCY;
	if (flip->owner != waiter->index)
		return KVMFLIP_A_STATS_COPIED_STRAY;
	return KVMFLIP_A_STATS_COPIED_QUOTA;
}

/* Why a port takes no frames, or 0. */
static unsigned int kf_refusal(struct kvmflip_port *port, const struct kvmflip_waiter *waiter)
{
	kvmflip_port_assert_locked(port);

	if (waiter->gen != port->gen)
		return KVMFLIP_A_STATS_DROPPED_NO_PORT;
	if (port->state != KVMFLIP_PORT_STATE_RUNNING)
		return KVMFLIP_A_STATS_DROPPED_CLOSED;
	return 0;
}

/* The buffers that a port has got are its guest's to return from now on. */
static void kf_let_go(struct kvmflip_delivery *delivery, struct kvmflip_waiter *waiter)
{
	struct kvmflip_flip *flip;
	u32 i;

	for (i = waiter->flip; i != KVMFLIP_FLIPS; i = flip->next) {
		flip = &delivery->flip[i];
		if (!flip->mapped)
			continue;
		flip->buf->flip = KVMFLIP_NO_FLIP;
		kvmflip_window_hold(&waiter->port->window, flip->slot, false);
	}
	waiter->flip = KVMFLIP_FLIPS;
}

/* A frame that is not just named: it is copied, or dropped. */
static void kf_deliver_other(struct kvmflip_delivery *delivery,
			     const struct kvmflip_waiter *waiter,
			     const struct kvmflip_flip *flip, u32 chunk, struct kf_told *told)
{
	struct kvmflip_chunk *c = kf_chunk(delivery, chunk);
	unsigned int verdict;

	verdict = told->refusal ? : kf_verdict(delivery, waiter, flip, c);
	if (kvmflip_stats_is_copy(verdict) && told->space-- <= 0)
		verdict = KVMFLIP_A_STATS_DROPPED_RING_FULL;
	if (kvmflip_stats_is_copy(verdict))
		verdict = kf_copy(delivery, waiter, flip, chunk, verdict);
	c->waiter = KVMFLIP_NO_WAITER;
	kvmflip_stats_frame(delivery->delta, c->len, verdict);
	/* A frame of an older generation was never this port's. */
	if (verdict != KVMFLIP_A_STATS_DROPPED_NO_PORT)
		kvmflip_stats_frame(&told->own, c->len, verdict);
}

/* Frames in a buffer that the port has got. */
static void kf_deliver_mapped(struct kvmflip_delivery *delivery,
			      const struct kvmflip_waiter *waiter, struct kvmflip_flip *flip,
			      const struct kvmflip_run *run, struct kf_told *told)
{
	const struct kvmflip_pool *pool = delivery->pool;
	u32 csum = kvmflip_deliver_flags(waiter->port, KVMFLIP_META_CSUM_VALID);
	u32 start = (run->chunk & (delivery->tally->chunks - 1)) << pool->chunk_shift;
	struct kvmflip_chunk *c = kf_chunk(delivery, run->chunk);
	struct kvmflip_chunk *last = kf_chunk(delivery, run->end);
	struct kvmflip_host_ring *rx = &waiter->port->rx, ring = *rx;
	u32 copybreak = waiter->copybreak, slot = flip->slot, left = flip->frames;
	u32 len, size = 1U << pool->chunk_shift;
	u64 bytes = 0;

	for (; c < last; c++, start += size) {
		len = c->len;
		if (unlikely(len <= copybreak || c->waiter == KVMFLIP_NO_WAITER)) {
			rx->prod = ring.prod;
			kf_deliver_other(delivery, waiter, flip, c - pool->table.chunk, told);
			ring.prod = rx->prod;
			continue;
		}
		c->waiter = KVMFLIP_NO_WAITER;
		bytes += len;
		left--;
		kvmflip_rx_put(&ring, slot, start + c->offset, len,
			       (c->flags ? csum : 0) | (left ? 0 : KVMFLIP_RX_LAST));
	}
	rx->prod = ring.prod;
	kvmflip_stats_flipped(delivery->delta, flip->frames - left, bytes);
	kvmflip_stats_flipped(&told->own, flip->frames - left, bytes);
	flip->frames = left;
}

/* Frames of a port that arrived one after the other, in the same buffer. */
static void kf_deliver_run(struct kvmflip_delivery *delivery,
			   const struct kvmflip_waiter *waiter, const struct kvmflip_run *run,
			   struct kf_told *told)
{
	struct kvmflip_flip *flip = kf_flip(delivery, run->chunk);
	u32 i;

	/* Nothing is mapped for a guest that takes no frames. */
	if (flip && flip->mapped && flip->owner == waiter->index) {
		kf_deliver_mapped(delivery, waiter, flip, run, told);
		return;
	}
	for (i = run->chunk; i < run->end; i++)
		kf_deliver_other(delivery, waiter, flip, i, told);
}

/* All of a port's frames up to the end of the group, so that it is told once. */
static void kf_tell_waiter(struct kvmflip_delivery *delivery, struct kvmflip_waiter *waiter)
{
	struct kvmflip_port *port = waiter->port;
	struct kf_told told = {};

	told.refusal = kf_refusal(port, waiter);
	if (!told.refusal) {
		told.space = kvmflip_port_rx_space(port);
		if (told.space < 0) {
			kvmflip_port_fail(port);
			told.refusal = KVMFLIP_A_STATS_DROPPED_CLOSED;
		} else {
			kf_map_all(delivery, waiter, &told);
		}
	}
	while (kvmflip_waiter_before(waiter, delivery->end))
		kf_deliver_run(delivery, waiter, kvmflip_tally_take(delivery->tally, waiter),
			       &told);
	kf_let_go(delivery, waiter);
	/* Those that are left have arrived just now. */
	waiter->since = delivery->now;
	if (!told.refusal && kvmflip_ring_publish(&port->rx))
		kvmflip_port_notify(port, KVMFLIP_VEC_RX);
	kvmflip_stats_add(&port->stats, &told.own);
}

/* In softirq its frames go on waiting if somebody is at the port. */
static void kf_deliver_waiter(struct kvmflip_delivery *delivery, struct kvmflip_waiter *waiter)
{
	if (!delivery->soft) {
		kvmflip_port_lock(waiter->port);
		kf_tell_waiter(delivery, waiter);
		kvmflip_port_unlock(waiter->port);
	} else if (kvmflip_port_trylock(waiter->port)) {
		kf_tell_waiter(delivery, waiter);
		kvmflip_port_unlock_soft(waiter->port);
	}
}

/* Takes what an owner needs, if it looks as if it could take the buffer. */
static bool kf_claim(struct kvmflip_delivery *delivery, struct kvmflip_flip *flip)
{
	const struct kvmflip_waiter *owner = &delivery->tally->waiter[flip->owner];
	struct kvmflip_port *port = owner->port;
	bool willing;

	kvmflip_port_lock(port);
	willing = !kf_refusal(port, owner) && kvmflip_window_room(&port->window);
	kvmflip_port_unlock(port);
	if (willing)
		flip->spare = kvmflip_pool_claim(delivery->pool, &port->share);
	if (willing && !flip->spare)
		kvmflip_reclaim_pressure(delivery->pool);
	return flip->spare;
}

/* The buffer that is being added to the group is one of those that a port gets. */
static void kf_append(struct kvmflip_delivery *delivery, struct kvmflip_waiter *waiter)
{
	if (waiter->flip == KVMFLIP_FLIPS)
		waiter->flip = delivery->nr;
	else
		delivery->flip[waiter->flip_last].next = delivery->nr;
	waiter->flip_last = delivery->nr;
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
	delivery->end = delivery->tally->tail - delivery->tally->nr;
	list_for_each_entry_safe(buf, next, full, list) {
		DECLARE_BITMAP(strays, KVMFLIP_WAITERS) = {};

		if (delivery->nr == KVMFLIP_FLIPS)
			break;
		end = delivery->end;
		owner = kvmflip_tally_elect(delivery->tally, &delivery->pool->table, buf, strays,
					    &end);
		if (owner != KVMFLIP_NO_WAITER &&
		    (bitmap_intersects(strays, delivery->owners, KVMFLIP_WAITERS) ||
		     test_bit(owner, others)))
			break;
		flip = &delivery->flip[delivery->nr];
		*flip = (struct kvmflip_flip) {
			.buf = buf, .owner = owner, .next = KVMFLIP_FLIPS
		};
		if (owner != KVMFLIP_NO_WAITER && kf_claim(delivery, flip)) {
			__set_bit(owner, delivery->owners);
			kf_append(delivery, &delivery->tally->waiter[owner]);
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

	for_each_andnot_bit(i, tally->used, delivery->owners, KVMFLIP_WAITERS)
		if (kvmflip_waiter_before(&tally->waiter[i], delivery->end))
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
		if (waiter->runs)
			continue;
		port = waiter->port;
		kvmflip_tally_leave(tally, waiter);
		kvmflip_port_put(port);
	}
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

/* Every frame is to be copied, so that nobody gets a buffer. */
static void kf_recycle(struct kvmflip_delivery *delivery, struct list_head *full,
		       struct list_head *again)
{
	struct kvmflip_buffer *buf;

	if (list_empty(full))
		return;
	kvmflip_deliver_all(delivery);
	list_for_each_entry(buf, full, list) {
		buf->dirty = KVMFLIP_DIRTY;
		delivery->delta->v[KVMFLIP_A_STATS_RECYCLED]++;
	}
	list_splice_tail_init(full, again);
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
 * Context: may sleep, but waits for no guest and no VMM; or softirq, if no buffer is for
 * anybody and no frame waits.
 */
void kvmflip_deliver_full(struct kvmflip_delivery *delivery, struct list_head *full,
			  struct list_head *again, struct list_head *free)
{
	LIST_HEAD(revoke);

	if (!delivery->iommu)
		kf_recycle(delivery, full, again);
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

/*
 * Returns for how long frames may wait that wait now, 0 if some must not wait any longer, or
 * U64_MAX if no frame waits.
 */
static u64 kf_wait(const struct kvmflip_delivery *delivery)
{
	const struct kvmflip_tally *tally = delivery->tally;
	const struct kvmflip_waiter *waiter;
	u64 wait = U64_MAX;
	u32 i;

	for_each_set_bit(i, tally->used, KVMFLIP_WAITERS) {
		waiter = &tally->waiter[i];
		if (!delivery->iommu || kvmflip_waiter_due(waiter, delivery->now))
			return 0;
		wait = min(wait, waiter->since + waiter->latency - delivery->now);
	}
	return wait;
}

/**
 * kvmflip_deliver_due - deliver the frames that are not to wait any longer
 * @delivery: what the queue delivers from
 *
 * In softirq those alone that were never to wait, of which there are few.
 *
 * Context: may sleep, but waits for no guest and no VMM; or softirq.
 * Return: nanoseconds after which to call again, 0 if it has to be in process context,
 * or U64_MAX if no frame waits.
 */
u64 kvmflip_deliver_due(struct kvmflip_delivery *delivery)
{
	struct kvmflip_tally *tally = delivery->tally;
	struct kvmflip_waiter *waiter;
	u32 i;

	delivery->nr = 0;
	delivery->end = tally->tail;
	for_each_set_bit(i, tally->used, KVMFLIP_WAITERS) {
		waiter = &tally->waiter[i];
		if (!delivery->iommu || !waiter->patient ||
		    (!delivery->soft && kvmflip_waiter_due(waiter, delivery->now)))
			kf_deliver_waiter(delivery, waiter);
	}
	kf_leave_all(tally);
	return kf_wait(delivery);
}
