// SPDX-License-Identifier: GPL-2.0
/* kvmflip: from a queue to the guest, or the host, that a frame is for. */

#include <linux/etherdevice.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>

#include "deliver.h"
#include "port.h"

/* Up the stack of the NIC, as if the driver had never had an XDP program. */
static unsigned int kf_to_host(struct net_device *dev, const struct kvmflip_frame *frame,
			       struct kvmflip_delta *delta)
{
	struct sk_buff *skb;

	if (frame->len < ETH_HLEN)
		return KVMFLIP_A_STATS_DROPPED_INVALID;
	skb = netdev_alloc_skb_ip_align(dev, frame->len);
	if (!skb)
		return KVMFLIP_A_STATS_DROPPED_NO_MEMORY;
	skb_put_data(skb, frame->data, frame->len);
	skb->protocol = eth_type_trans(skb, dev);
	local_bh_disable();
	netif_receive_skb(skb);
	local_bh_enable();
	delta->v[KVMFLIP_A_STATS_BYTES_COPIED] += frame->len;
	return KVMFLIP_A_STATS_COPIED;
}

/*
 * Around a frame there are the metadata, the driver's header and whatever the
 * NIC wrote of a frame that it then gave up.
 */
static u64 kf_zero_around(struct kvmflip_pool *pool, const struct kvmflip_frame *frame)
{
	u32 end = frame->offset + frame->len;
	u32 tail = (1U << pool->buffer_shift) - end;

	memset(frame->data - frame->offset, 0, frame->offset);
	memset(frame->data + frame->len, 0, tail);
	return frame->offset + tail;
}

/* Returns the counter that says what became of the frame. */
static unsigned int kf_to_guest(struct kvmflip_port *port, struct kvmflip_frame *frame,
				u32 spares, struct kvmflip_delta *delta)
{
	LIST_HEAD(unseen);
	bool moved;
	int space;
	u32 slot;

	lockdep_assert_held(&port->lock);

	if (frame->meta.gen != port->gen)
		return KVMFLIP_A_STATS_DROPPED_NO_PORT;
	if (port->state != KVMFLIP_PORT_STATE_RUNNING)
		return KVMFLIP_A_STATS_DROPPED_CLOSED;
	space = kvmflip_rx_space(&port->rx);
	if (space < 0) {
		port->state = KVMFLIP_PORT_STATE_FAILED;
		return KVMFLIP_A_STATS_DROPPED_CLOSED;
	}
	if (!space)
		return KVMFLIP_A_STATS_DROPPED_RING_FULL;
	if (!spares)
		return KVMFLIP_A_STATS_DROPPED_QUOTA;
	slot = kvmflip_window_alloc(&port->window);
	if (slot == KVMFLIP_NO_SLOT)
		return KVMFLIP_A_STATS_DROPPED_QUOTA;

	delta->v[KVMFLIP_A_STATS_BYTES_ZEROED_TAIL] += kf_zero_around(port->pool, frame);
	list_del_init(&frame->buf->list);
	spin_lock(&port->pool->table.lock);
	moved = kvmflip_buffer_move(&port->pool->table, frame->buf, KVMFLIP_FILLED,
				    KVMFLIP_MAPPED);
	spin_unlock(&port->pool->table.lock);
	if (!moved) {
		kvmflip_window_release(&port->window, &slot, 1);
		frame->buf = NULL;
		return KVMFLIP_A_STATS_DROPPED_INVALID;
	}
	if (!kvmflip_window_fill(&port->window, slot, frame->buf)) {
		kvmflip_window_release(&port->window, &slot, 1);
		list_add(&frame->buf->list, &unseen);
		kvmflip_pool_return(port->pool, &unseen);
		frame->buf = NULL;
		return KVMFLIP_A_STATS_DROPPED_QUOTA;
	}
	kvmflip_rx_put(&port->rx, slot, frame->offset, frame->len, KVMFLIP_RX_LAST);
	frame->buf = NULL;
	delta->v[KVMFLIP_A_STATS_FLIPS]++;
	return KVMFLIP_A_STATS_FLIPPED;
}

static void kf_count(struct kvmflip_delta *delta, const struct kvmflip_frame *frame,
		     unsigned int verdict)
{
	delta->v[KVMFLIP_A_STATS_RECEIVED]++;
	delta->v[KVMFLIP_A_STATS_RECEIVED_BYTES] += frame->len;
	delta->v[verdict]++;
}

/* All frames of the batch for one port, so that it is locked and told once. */
static u32 kf_port_batch(struct kvmflip_pool *pool, struct kvmflip_frame *frames, u32 n,
			 u32 spares, struct kvmflip_delta *delta)
{
	struct kvmflip_port *port = frames[0].port;
	struct kvmflip_delta own = {};
	unsigned int verdict;
	u32 i, flips = 0;

	mutex_lock(&port->lock);
	for (i = 0; i < n; i++) {
		if (frames[i].port != port)
			continue;
		verdict = kf_to_guest(port, &frames[i], spares - flips, &own);
		if (verdict == KVMFLIP_A_STATS_FLIPPED)
			flips++;
		/* A frame of an older generation was never this port's. */
		if (verdict != KVMFLIP_A_STATS_DROPPED_NO_PORT)
			kf_count(&own, &frames[i], verdict);
		kf_count(delta, &frames[i], verdict);
		if (i)
			kvmflip_port_put(port);
		frames[i].port = NULL;
	}
	if (port->state == KVMFLIP_PORT_STATE_RUNNING && kvmflip_rx_publish(&port->rx))
		kvmflip_port_notify(port);
	kvmflip_stats_add(&port->stats, &own);
	mutex_unlock(&port->lock);
	kvmflip_port_put(port);
	return flips;
}

static bool kf_meta_valid(const struct kvmflip_meta *meta)
{
	return meta->magic == KVMFLIP_META_MAGIC && !meta->reserved;
}

/**
 * kvmflip_deliver - deliver a batch of frames
 * @pool: pool whose buffers they lie in
 * @dev: the NIC they came from
 * @frames: the batch
 * @n: number of frames
 * @spares: free buffers the caller has to replace flipped ones
 * @delta: counters of the queue
 *
 * Context: may sleep, but waits for no guest and no VMM.
 * Return: how many buffers went to guests; the others are still the caller's.
 */
u32 kvmflip_deliver(struct kvmflip_pool *pool, struct net_device *dev,
		    struct kvmflip_frame *frames, u32 n, u32 spares,
		    struct kvmflip_delta *delta)
{
	struct kvmflip_frame *frame;
	u32 flips = 0;

	for (frame = frames; frame < frames + n; frame++) {
		frame->port = NULL;
		if (!kf_meta_valid(&frame->meta)) {
			kf_count(delta, frame, KVMFLIP_A_STATS_DROPPED_NO_META);
		} else if (frame->meta.port == KVMFLIP_PORT_HOST) {
			kf_count(delta, frame, kf_to_host(dev, frame, delta));
		} else {
			frame->port = kvmflip_port_get(frame->meta.port);
			if (frame->port && frame->port->pool == pool)
				continue;
			if (frame->port)
				kvmflip_port_put(frame->port);
			frame->port = NULL;
			kf_count(delta, frame, KVMFLIP_A_STATS_DROPPED_NO_PORT);
		}
	}
	for (frame = frames; frame < frames + n; frame++)
		if (frame->port)
			flips += kf_port_batch(pool, frame, frames + n - frame, spares - flips,
					       delta);
	return flips;
}
