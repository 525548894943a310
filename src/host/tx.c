// SPDX-License-Identifier: GPL-2.0
/*
 * kvmflip: what guests send.
 *
 * A frame is copied out of the guest's memory, as the VMM has it mapped for the
 * device, and goes up the stack of the host through the port's network device. It
 * is completed as soon as it is copied. The guest can change its memory at any
 * time, so all that is checked is checked in the host's copy.
 */

#include <linux/sched/signal.h>
#include <linux/skbuff.h>
#include <linux/virtio_net.h>

#include "main.h"
#include "netdev.h"
#include "port.h"
#include "tx.h"

/* Frames until others get a turn, and a reset that waits gets through. */
#define KF_TX_BUDGET		64

/* Frames that are completed at once, unless there are no more. */
#define KF_TX_BATCH		16

/* Frames of up to so many bytes are in one piece, others have so much in front. */
#define KF_LINEAR_MAX		1536
#define KF_LINEAR_MIN		256

/* When to look again at a network device that could take no more, in jiffies. */
#define KF_TX_WAIT		1

/**
 * struct kf_piece - a piece of a frame
 * @addr: where the guest has it
 * @len: bytes of it
 */
struct kf_piece {
	u64 addr;
	u32 len;
};

/**
 * struct kf_frame - a frame, as its entries describe it
 * @first: index of its first entry
 * @bad: it is no frame
 * @len: bytes of it
 * @pieces: number of @piece
 * @net: what is to be done with it
 * @piece: where it lies
 */
struct kf_frame {
	u32 first;
	bool bad;
	u32 len;
	u32 pieces;
	struct kvmflip_net_hdr net;
	struct kf_piece piece[KVMFLIP_TX_PIECES];
};

/**
 * struct kf_dest - where in a packet the next bytes go
 * @skb: packet
 * @part: 0 for the linear part, or the number of a fragment, from 1 on
 * @offset: in that part, in bytes
 */
struct kf_dest {
	struct sk_buff *skb;
	u32 part;
	u32 offset;
};

/* Adds an entry to a frame. Returns false if it does not belong there. */
static bool kf_add(struct kf_frame *frame, const struct kvmflip_tx_desc *desc, bool first)
{
	u32 flags = le32_to_cpu(desc->flags);
	struct kf_piece piece = {
		.addr = le64_to_cpu(desc->addr),
		.len = le32_to_cpu(desc->len),
	};

	if (flags & ~(KVMFLIP_TX_MORE | KVMFLIP_TX_HDR))
		return false;
	if (flags & KVMFLIP_TX_HDR) {
		memcpy(&frame->net, desc, sizeof(frame->net));
		return first;
	}
	if (!piece.len || piece.len > KVMFLIP_FRAME_MAX - frame->len ||
	    piece.addr + piece.len < piece.addr || frame->pieces == KVMFLIP_TX_PIECES)
		return false;
	frame->len += piece.len;
	frame->piece[frame->pieces++] = piece;
	return true;
}

/* Reads all entries of a frame, and looks at none a second time. */
static void kf_read(struct kvmflip_host_ring *ring, struct kf_frame *frame)
{
	struct kvmflip_tx_desc desc;

	BUILD_BUG_ON(sizeof(struct kvmflip_tx_hdr) != sizeof(desc));
	BUILD_BUG_ON(offsetof(struct kvmflip_tx_hdr, flags) != offsetof(typeof(desc), flags));

	frame->first = ring->cons;
	frame->bad = false;
	frame->len = 0;
	frame->pieces = 0;
	memset(&frame->net, 0, sizeof(frame->net));
	do {
		bool first = ring->cons == frame->first;

		kvmflip_tx_next(ring, &desc);
		frame->bad |= !kf_add(frame, &desc, first);
	} while (desc.flags & cpu_to_le32(KVMFLIP_TX_MORE) && ring->cons != ring->prod);
	if (desc.flags & cpu_to_le32(KVMFLIP_TX_MORE) || frame->len < ETH_HLEN)
		frame->bad = true;
}

static struct sk_buff *kf_alloc(u32 len)
{
	struct sk_buff *skb;
	int err;

	if (len <= KF_LINEAR_MAX) {
		skb = __netdev_alloc_skb_ip_align(NULL, len, GFP_KERNEL | __GFP_NOWARN);
		if (skb)
			skb_put(skb, len);
		return skb;
	}
	skb = alloc_skb_with_frags(NET_SKB_PAD + NET_IP_ALIGN + KF_LINEAR_MIN, len - KF_LINEAR_MIN,
				   PAGE_ALLOC_COSTLY_ORDER, &err, GFP_KERNEL | __GFP_NOWARN);
	if (!skb)
		return NULL;
	skb_reserve(skb, NET_SKB_PAD + NET_IP_ALIGN);
	skb_put(skb, KF_LINEAR_MIN);
	skb->data_len = len - KF_LINEAR_MIN;
	skb->len = len;
	return skb;
}

/* Returns how many bytes fit at @where without a gap. */
static u32 kf_room(struct kf_dest *dest, void **where)
{
	struct sk_buff *skb = dest->skb;
	const skb_frag_t *frag;
	void *part = skb->data;
	u32 size = skb_headlen(skb);

	for (;;) {
		if (dest->part) {
			frag = &skb_shinfo(skb)->frags[dest->part - 1];
			part = skb_frag_address(frag);
			size = skb_frag_size(frag);
		}
		if (dest->offset < size)
			break;
		dest->part++;
		dest->offset = 0;
	}
	*where = part + dest->offset;
	return size - dest->offset;
}

static int kf_copy(struct kvmflip_port *port, const struct kf_frame *frame, struct sk_buff *skb)
{
	struct kf_dest dest = { .skb = skb };
	u32 i, n, done;
	void *where;
	int err;

	for (i = 0; i < frame->pieces; i++) {
		for (done = 0; done < frame->piece[i].len; done += n) {
			n = min(kf_room(&dest, &where), frame->piece[i].len - done);
			err = port->read(port->read_arg, frame->piece[i].addr + done, where, n);
			if (err)
				return err;
			dest.offset += n;
		}
	}
	return 0;
}

/* Notes in a packet what is to be done with it, if the driver may ask for that. */
static bool kf_ask(struct sk_buff *skb, const struct kvmflip_net_hdr *net, u32 features)
{
	struct virtio_net_hdr hdr;

	BUILD_BUG_ON(offsetof(struct kvmflip_net_hdr, reserved) != sizeof(hdr));

	if (net->reserved || net->flags & ~KVMFLIP_NET_HDR_F_NEEDS_CSUM)
		return false;
	if (net->flags && !(features & KVMFLIP_F_TX_CSUM))
		return false;
	switch (net->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_NONE:
		break;
	case VIRTIO_NET_HDR_GSO_TCPV4:
	case VIRTIO_NET_HDR_GSO_TCPV6:
		if (!net->flags || !(features & KVMFLIP_F_TX_GSO))
			return false;
		break;
	default:
		return false;
	}
	memcpy(&hdr, net, sizeof(hdr));
	return !virtio_net_hdr_to_skb(skb, &hdr, true);
}

/* Sends a frame, or drops it. */
static bool kf_send(struct kvmflip_port *port, const struct kf_frame *frame, u32 features)
{
	struct sk_buff *skb;

	if (frame->bad)
		return false;
	skb = kf_alloc(frame->len);
	if (!skb)
		return false;
	if (kf_copy(port, frame, skb) || !kf_ask(skb, &frame->net, features)) {
		kfree_skb(skb);
		return false;
	}
	kvmflip_netdev_receive(port, skb);
	return true;
}

/* Tells the guest what was read and completed, and the host that there is no more. */
static void kf_publish(struct kvmflip_port *port)
{
	kvmflip_netdev_flush(port);
	kvmflip_tx_release(&port->tx);
	if (!kvmflip_ring_publish(&port->txc))
		return;
	kvmflip_port_lock(port);
	kvmflip_port_notify(port, KVMFLIP_VEC_TX);
	kvmflip_port_unlock(port);
}

/* One frame: 1, or 0 if there is none, or -EPROTO if the guest has broken a ring. */
static int kf_serve_frame(struct kvmflip_port *port, u32 features)
{
	struct kf_frame frame;
	int n;

	n = kvmflip_tx_ready(&port->tx);
	if (n <= 0)
		return n;
	/* Its completions are in the guest's own way: it has more frames than it may. */
	if (kvmflip_ring_space(&port->txc) <= 0)
		return -EPROTO;
	kf_read(&port->tx, &frame);
	if (!kf_send(port, &frame, features))
		kvmflip_stats_inc(&port->stats, KVMFLIP_A_STATS_TX_ERRORS, 1);
	kvmflip_txc_put(&port->txc, frame.first);
	return 1;
}

/* Returns after how many jiffies to look again, or a negative number: at the doorbell. */
static long kf_serve(struct kvmflip_port *port, u32 features)
{
	u32 budget;
	int n;

	for (budget = 1; budget <= KF_TX_BUDGET; budget++) {
		if (kvmflip_netdev_backlogged(port)) {
			kf_publish(port);
			return KF_TX_WAIT;
		}
		n = kf_serve_frame(port, features);
		if (n < 0) {
			kvmflip_port_lock(port);
			kvmflip_port_fail(port);
			kvmflip_port_unlock(port);
			return n;
		}
		if (!n || budget % KF_TX_BATCH == 0)
			kf_publish(port);
		if (!n && !kvmflip_ring_arm(&port->tx))
			return -1;
		cond_resched();
	}
	return 0;
}

/*
 * While a reader is known it can be interrupted. It is not if the guest is not running,
 * so that after kvmflip_tx_interrupt() none begins to wait.
 */
static bool kf_begin(struct kvmflip_port *port, u32 *features)
{
	bool running;

	allow_kernel_signal(SIGKILL);
	kvmflip_port_lock(port);
	running = port->state == KVMFLIP_PORT_STATE_RUNNING;
	*features = port->features;
	port->reader = running ? current : NULL;
	kvmflip_port_unlock(port);
	return running;
}

static void kf_end(struct kvmflip_port *port)
{
	kvmflip_port_lock(port);
	port->reader = NULL;
	kvmflip_port_unlock(port);
	/* Forgets one that was sent, too. */
	disallow_signal(SIGKILL);
}

/**
 * kvmflip_tx_interrupt - do not wait for memory of the guest any longer
 * @port: port that is no longer running
 *
 * Who provides that memory may be who waits for the port to be closed.
 *
 * Context: &kvmflip_port.lock is held.
 */
void kvmflip_tx_interrupt(struct kvmflip_port *port)
{
	kvmflip_port_assert_locked(port);

	if (port->reader)
		send_sig(SIGKILL, port->reader, true);
}

/**
 * kvmflip_tx_work - send what a guest wants to send
 * @work: &kvmflip_port.tx_work
 *
 * Context: may sleep, for as long as the VMM wants.
 */
void kvmflip_tx_work(struct work_struct *work)
{
	struct kvmflip_port *port = container_of(to_delayed_work(work), struct kvmflip_port,
						 tx_work);
	long again = -1;
	u32 features;

	mutex_lock(&port->tx_lock);
	if (kf_begin(port, &features) && features & KVMFLIP_F_TX)
		again = kf_serve(port, features);
	kf_end(port);
	if (again >= 0)
		queue_delayed_work(kvmflip_tx_wq, &port->tx_work, again);
	mutex_unlock(&port->tx_lock);
}

/**
 * kvmflip_tx_doorbell - the guest says that it has something to send
 * @port: port that is open
 *
 * Context: process context.
 */
void kvmflip_tx_doorbell(struct kvmflip_port *port)
{
	if (!(READ_ONCE(port->features) & KVMFLIP_F_TX))
		return;
	kvmflip_stats_inc(&port->stats, KVMFLIP_A_STATS_DOORBELLS, 1);
	queue_delayed_work(kvmflip_tx_wq, &port->tx_work, 0);
}
