// SPDX-License-Identifier: GPL-2.0
/* kvmflip: frames of the host on their way into a guest. */

#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/virtio_net.h>
#include <net/xdp.h>

#include "../compat.h"
#include "inject.h"
#include "main.h"
#include "port.h"

/* Frames that may wait behind the queueing discipline. */
#define KF_RING		512

/* Copied at once: so many frames, or so many bytes, since deliver.c waits meanwhile. */
#define KF_BATCH	64
#define KF_BATCH_BYTES	SZ_256K
/* Batches until others get a turn. */
#define KF_BUDGET	16

/* A guest that consumes its RX ring tells nobody: look again. */
#define KF_POLL		(1 * NSEC_PER_MSEC)

/*
 * How long a frame waits for a guest that takes none: as long as one waits for a
 * NIC until the watchdog of its driver barks.
 */
#define KF_PATIENCE	(5 * HZ)

#define KF_XDP		1UL

/**
 * enum kf_verdict - what becomes of a frame
 * @KF_TAKEN: it is the guest's
 * @KF_DROPPED: it cannot be
 * @KF_WAITS: there is no room for it at the moment
 */
enum kf_verdict {
	KF_TAKEN,
	KF_DROPPED,
	KF_WAITS,
};

/**
 * struct kf_batch - frames that are done with
 * @frame: those that the guest has got
 * @taken: number of them
 * @bytes: of them
 * @dropped: number of others
 * @skbs: how many were &struct sk_buff, which the stack waits for
 * @skb_bytes: of these
 */
struct kf_batch {
	void *frame[KF_BATCH];
	u32 taken;
	u32 bytes;
	u32 dropped;
	u32 skbs;
	u32 skb_bytes;
};

static struct xdp_frame *kf_xdp(void *frame)
{
	return (unsigned long)frame & KF_XDP ? frame - KF_XDP : NULL;
}

static u32 kf_len(void *frame)
{
	struct xdp_frame *xdp = kf_xdp(frame);

	return xdp ? xdp_get_frame_len(xdp) : ((struct sk_buff *)frame)->len;
}

static void kf_free(void *frame, bool taken)
{
	struct xdp_frame *xdp = kf_xdp(frame);

	if (xdp)
		xdp_return_frame(xdp);
	else if (taken)
		consume_skb(frame);
	else
		kfree_skb(frame);
}

static void kf_copy_xdp(struct xdp_frame *xdp, void *to)
{
	const struct skb_shared_info *shared;
	const skb_frag_t *frag;
	u32 i;

	memcpy(to, xdp->data, xdp->len);
	if (!xdp_frame_has_frags(xdp))
		return;
	to += xdp->len;
	shared = xdp_get_shared_info_from_frame(xdp);
	for (i = 0; i < shared->nr_frags; i++) {
		frag = &shared->frags[i];
		memcpy(to, skb_frag_address(frag), skb_frag_size(frag));
		to += skb_frag_size(frag);
	}
}

/*
 * Gets an skb ready for what the guest can do. The stack has done so already, but
 * the guest's driver may be another one by now.
 */
static bool kf_prepare(struct sk_buff *skb, u32 features, struct kvmflip_net_hdr *hdr, u32 *flags)
{
	struct virtio_net_hdr virtio;

	BUILD_BUG_ON(offsetof(struct kvmflip_net_hdr, reserved) != sizeof(virtio));

	if (skb_is_gso(skb) && !(features & KVMFLIP_F_RX_GSO))
		return false;
	if (skb->ip_summed == CHECKSUM_PARTIAL && !(features & KVMFLIP_F_RX_CSUM) &&
	    skb_checksum_help(skb))
		return false;
	if (virtio_net_hdr_from_skb(skb, &virtio, true, false, 0))
		return false;
	memcpy(hdr, &virtio, sizeof(virtio));
	if (hdr->flags || hdr->gso_type)
		*flags |= KVMFLIP_RX_NET_HDR;
	if (skb->ip_summed == CHECKSUM_UNNECESSARY && (features & KVMFLIP_F_RX_CSUM))
		*flags |= KVMFLIP_RX_CSUM_VALID;
	return true;
}

/* Some of the RX ring is left to the frames of NICs, which do not wait. */
static bool kf_ring_has_room(struct kvmflip_port *port, int space)
{
	/* A slot may have to be closed before. */
	return space >= 2 + (int)(port->rx.nr - port->window.nr) / 4;
}

static enum kf_verdict kf_put(struct kvmflip_port *port, void *frame)
{
	struct sk_buff *skb = kf_xdp(frame) ? NULL : frame;
	struct kvmflip_net_hdr hdr = {};
	struct kvmflip_bounced where;
	u32 len = kf_len(frame);
	u32 flags = 0;
	void *to;

	kvmflip_port_assert_locked(port);

	if (len < ETH_HLEN || len > KVMFLIP_FRAME_MAX)
		return KF_DROPPED;
	if (skb && !kf_prepare(skb, port->features, &hdr, &flags))
		return KF_DROPPED;
	to = kvmflip_bounce_take(&port->bounce, flags & KVMFLIP_RX_NET_HDR ? sizeof(hdr) : 0,
				 len, &where);
	if (!to)
		return KF_WAITS;
	if (where.closed != KVMFLIP_BOUNCES)
		kvmflip_rx_put(&port->rx, port->window.nr + where.closed, 0, 0, KVMFLIP_RX_LAST);
	if (flags & KVMFLIP_RX_NET_HDR)
		memcpy(to - sizeof(hdr), &hdr, sizeof(hdr));
	if (skb)
		skb_copy_bits(skb, 0, to, len);
	else
		kf_copy_xdp(kf_xdp(frame), to);
	kvmflip_rx_put(&port->rx, port->window.nr + where.slot, where.offset, len,
		       flags | (where.last ? KVMFLIP_RX_LAST : 0));
	return KF_TAKEN;
}

static void kf_done(struct kvmflip_inject *inject, struct kf_batch *batch, void *frame, bool taken)
{
	u32 len = kf_len(frame);

	__ptr_ring_discard_one(&inject->ring);
	if (!kf_xdp(frame)) {
		batch->skbs++;
		batch->skb_bytes += len;
	}
	if (taken) {
		batch->frame[batch->taken++] = frame;
		batch->bytes += len;
	} else {
		batch->dropped++;
		kf_free(frame, false);
	}
}

static bool kf_is_full(const struct kf_batch *batch)
{
	return batch->taken + batch->dropped == KF_BATCH || batch->bytes >= KF_BATCH_BYTES;
}

/* Is it worth to wait with the oldest frame, for up to @ns? */
static bool kf_wait(struct kvmflip_inject *inject, u64 ns)
{
	kvmflip_port_assert_locked(inject->port);

	if (!inject->since)
		WRITE_ONCE(inject->since, jiffies | 1);
	else if (time_after(jiffies, inject->since + KF_PATIENCE))
		return false;
	hrtimer_start(&inject->timer, ns_to_ktime(ns), HRTIMER_MODE_REL);
	return true;
}

/* Does the guest take frames, and the host send any? @space is what its RX ring has. */
static bool kf_is_open(struct kvmflip_inject *inject, int *space)
{
	struct kvmflip_port *port = inject->port;

	if (!inject->up || port->state != KVMFLIP_PORT_STATE_RUNNING)
		return false;
	*space = kvmflip_port_rx_space(port);
	if (*space < 0)
		kvmflip_port_fail(port);
	return *space >= 0;
}

/* One frame, the oldest: false if it waits. */
static bool kf_one(struct kvmflip_inject *inject, struct kf_batch *batch, void *frame)
{
	struct kvmflip_port *port = inject->port;
	enum kf_verdict verdict = KF_WAITS;
	u64 ns = KF_POLL;
	int space;

	if (!kf_is_open(inject, &space)) {
		verdict = KF_DROPPED;
		WRITE_ONCE(inject->since, 0);
	} else if (kf_ring_has_room(port, space)) {
		verdict = kf_put(port, frame);
		/* Who returns a slot says so. */
		ns = jiffies_to_nsecs(KF_PATIENCE + 1);
	}
	if (verdict == KF_WAITS && kf_wait(inject, ns))
		return false;
	if (verdict == KF_TAKEN)
		WRITE_ONCE(inject->since, 0);
	kf_done(inject, batch, frame, verdict == KF_TAKEN);
	return true;
}

/* With the guest's lock no longer held. */
static void kf_settle(struct kvmflip_inject *inject, struct kf_batch *batch)
{
	struct netdev_queue *queue = netdev_get_tx_queue(inject->dev, 0);
	struct kvmflip_delta delta = {};
	u32 i;

	if (batch->taken) {
		delta.v[KVMFLIP_A_STATS_TO_GUEST] = batch->taken;
		delta.v[KVMFLIP_A_STATS_TO_GUEST_BYTES] = batch->bytes;
		kvmflip_stats_add(&inject->port->stats, &delta);
	}
	local_bh_disable();
	dev_sw_netstats_tx_add(inject->dev, batch->taken, batch->bytes);
	for (i = 0; i < batch->dropped; i++)
		dev_core_stats_tx_dropped_inc(inject->dev);
	netdev_tx_completed_queue(queue, batch->skbs, batch->skb_bytes);
	/* Pairs with the barrier in kf_stop_if_full(). */
	smp_mb();
	if (netif_tx_queue_stopped(queue) && netif_running(inject->dev) &&
	    !ptr_ring_full(&inject->ring))
		netif_tx_wake_queue(queue);
	local_bh_enable();
	for (i = 0; i < batch->taken; i++)
		kf_free(batch->frame[i], true);
}

/* Returns if there may be more to do. */
static bool kf_run(struct kvmflip_inject *inject)
{
	struct kvmflip_port *port = inject->port;
	struct kf_batch batch = {};
	void *frame;

	kvmflip_port_lock(port);
	while (!kf_is_full(&batch)) {
		frame = __ptr_ring_peek(&inject->ring);
		if (!frame || !kf_one(inject, &batch, frame))
			break;
	}
	if (batch.taken && kvmflip_ring_publish(&port->rx))
		kvmflip_port_notify(port, KVMFLIP_VEC_RX);
	kvmflip_port_unlock(port);
	kf_settle(inject, &batch);
	return kf_is_full(&batch);
}

static void kf_work(struct work_struct *work)
{
	struct kvmflip_inject *inject = container_of(work, struct kvmflip_inject, work);
	u32 budget = KF_BUDGET;

	while (kf_run(inject)) {
		if (!--budget) {
			queue_work(kvmflip_wq, &inject->work);
			break;
		}
		cond_resched();
	}
}

static enum hrtimer_restart kf_timer(struct hrtimer *timer)
{
	kvmflip_inject_kick(container_of(timer, struct kvmflip_inject, timer));
	return HRTIMER_NORESTART;
}

/**
 * kvmflip_inject_init - nothing is on its way yet
 * @inject: to fill in
 * @port: port of the guest
 * @dev: its network device
 *
 * Return: 0 or -ENOMEM.
 */
int kvmflip_inject_init(struct kvmflip_inject *inject, struct kvmflip_port *port,
			struct net_device *dev)
{
	inject->port = port;
	inject->dev = dev;
	inject->since = 0;
	inject->up = false;
	INIT_WORK(&inject->work, kf_work);
	hrtimer_setup(&inject->timer, kf_timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	return ptr_ring_init(&inject->ring, KF_RING, GFP_KERNEL);
}

static void kf_set_up(struct kvmflip_inject *inject, bool up)
{
	kvmflip_port_lock(inject->port);
	inject->up = up;
	kvmflip_port_unlock(inject->port);
}

/**
 * kvmflip_inject_start - take frames
 * @inject: frames
 *
 * Context: may sleep.
 */
void kvmflip_inject_start(struct kvmflip_inject *inject)
{
	kf_set_up(inject, true);
}

/**
 * kvmflip_inject_stop - drop what is on its way, and what may still come
 * @inject: frames
 *
 * Context: may sleep.
 */
void kvmflip_inject_stop(struct kvmflip_inject *inject)
{
	/* From here on the work starts no timer. */
	kf_set_up(inject, false);
	hrtimer_cancel(&inject->timer);
	kvmflip_inject_kick(inject);
	flush_work(&inject->work);
}

static void kf_destroy_frame(void *frame)
{
	kf_free(frame, false);
}

/**
 * kvmflip_inject_destroy - the device is gone
 * @inject: that was stopped, and nothing was sent since
 *
 * Context: may sleep.
 */
void kvmflip_inject_destroy(struct kvmflip_inject *inject)
{
	hrtimer_cancel(&inject->timer);
	cancel_work_sync(&inject->work);
	ptr_ring_cleanup(&inject->ring, kf_destroy_frame);
}

/**
 * kvmflip_inject_kick - look at what is on its way
 * @inject: frames
 *
 * Context: any.
 */
void kvmflip_inject_kick(struct kvmflip_inject *inject)
{
	queue_work(kvmflip_wq, &inject->work);
}

/**
 * kvmflip_inject_room - the guest has returned slots
 * @inject: frames
 *
 * Context: any; &kvmflip_port.lock was held while they were taken.
 */
void kvmflip_inject_room(struct kvmflip_inject *inject)
{
	if (READ_ONCE(inject->since))
		kvmflip_inject_kick(inject);
}

/* What the work takes out in between has to be seen, or nobody would start it again. */
static void kf_stop_if_full(struct kvmflip_inject *inject, struct netdev_queue *queue)
{
	if (!ptr_ring_full(&inject->ring))
		return;
	netif_tx_stop_queue(queue);
	/* Pairs with the barrier in kf_settle(). */
	smp_mb__after_atomic();
	if (!ptr_ring_full(&inject->ring))
		netif_tx_start_queue(queue);
}

/**
 * kvmflip_inject_skb - the host's stack sends a frame
 * @inject: frames
 * @skb: the frame, which is consumed
 *
 * Context: BH is off and the lock of the device's queue is held.
 */
void kvmflip_inject_skb(struct kvmflip_inject *inject, struct sk_buff *skb)
{
	struct netdev_queue *queue = netdev_get_tx_queue(inject->dev, 0);
	u32 len = skb->len;
	bool kick;

	/* It may be long until the guest takes it: nobody else is to wait for that. */
	if (!netif_carrier_ok(inject->dev) || skb_orphan_frags_rx(skb, GFP_ATOMIC))
		goto drop;
	nf_reset_ct(skb);
	skb_tx_timestamp(skb);

	kick = __netdev_tx_sent_queue(queue, len, netdev_xmit_more());
	if (ptr_ring_produce(&inject->ring, skb)) {
		netdev_tx_completed_queue(queue, 1, len);
		goto drop;
	}
	kf_stop_if_full(inject, queue);
	if (kick || netif_tx_queue_stopped(queue))
		kvmflip_inject_kick(inject);
	return;

drop:
	dev_core_stats_tx_dropped_inc(inject->dev);
	kfree_skb(skb);
	/* Those before it were told to expect more. */
	kvmflip_inject_kick(inject);
}

/**
 * kvmflip_inject_xdp - an XDP program has sent frames here
 * @inject: frames
 * @frames: the frames
 * @n: number of them
 * @flush: no more will follow for now
 *
 * Context: BH is off.
 * Return: how many were taken; the others are still the caller's.
 */
int kvmflip_inject_xdp(struct kvmflip_inject *inject, struct xdp_frame **frames, int n,
		       bool flush)
{
	struct netdev_queue *queue = netdev_get_tx_queue(inject->dev, 0);
	int i;

	__netif_tx_lock(queue, smp_processor_id());
	for (i = 0; i < n; i++)
		if (ptr_ring_produce(&inject->ring, (void *)frames[i] + KF_XDP))
			break;
	kf_stop_if_full(inject, queue);
	__netif_tx_unlock(queue);
	if (flush || i < n)
		kvmflip_inject_kick(inject);
	return i;
}
