// SPDX-License-Identifier: GPL-2.0
/*
 * kvmflip_net: receiving.
 *
 * What the host writes is read once into a local variable, checked and only then
 * used. What a frame's own bytes say is for the stack to check.
 */

#include <linux/etherdevice.h>
#include <linux/mm.h>
#include <linux/virtio_net.h>

#include "device.h"
#include "netdev.h"
#include "xdp.h"

/* Of frames longer than this the headers are copied only, the rest goes to pages. */
#define KFN_LINEAR_MOST		2048

/* A frame's headers, at most. */
#define KFN_HEADERS_MOST	256

/**
 * kfn_rx_init - set up what outlives a reset
 * @kf: device
 */
void kfn_rx_init(struct kfn *kf)
{
	kf->rx.copybreak = KFN_COPYBREAK;
	u64_stats_init(&kf->rx.syncp);
}

/**
 * kfn_rx_reset - the device was reset
 * @kf: device; no NAPI polls
 */
void kfn_rx_reset(struct kfn *kf)
{
	kfn_ring_init(&kf->rx.ring, kf->window.base + kf->layout.rx_off, kf->layout.rx_entries);
	kf->rx.broken = false;
}

/**
 * kfn_rx_set_limits - read how much may be held for long
 * @kf: device
 *
 * Context: may sleep.
 */
void kfn_rx_set_limits(struct kfn *kf)
{
	u32 keep = kfn_read(kf, KVMFLIP_REG_KEEP);

	if (!keep || keep > kf->layout.slots)
		keep = kf->layout.slots / 2;
	WRITE_ONCE(kf->rx.most[0], keep);
	WRITE_ONCE(kf->rx.most[1], kf->layout.bounces / 2);
}

static void kfn_count(struct kfn_rx *rx, u64_stats_t *counter, u64 n)
{
	u64_stats_update_begin(&rx->syncp);
	u64_stats_add(counter, n);
	u64_stats_update_end(&rx->syncp);
}

/* Fragments of what is in the window, from @from on. False if there are too many. */
static bool kfn_add_frags(struct kfn *kf, struct sk_buff *skb, const struct kfn_frame *frame,
			  u32 from)
{
	bool bounce = kfn_window_is_bounce(kf, frame->slot);
	u32 offset = frame->offset + from, left = frame->len - from;
	u32 most = bounce ? SMP_CACHE_BYTES : 1U << kf->layout.chunk_shift;
	struct page *page;
	u32 i, n, window = 0;

	if (DIV_ROUND_UP(offset_in_page(offset) + left, PAGE_SIZE) > MAX_SKB_FRAGS)
		return false;
	for (i = 0; left; i++) {
		page = kfn_window_page(kf, frame->slot, offset);
		n = min(left, PAGE_SIZE - offset_in_page(offset));
		kfn_window_get(kf, frame->slot, page);
		skb_add_rx_frag(skb, i, page, offset_in_page(offset), n,
				i ? n : ALIGN(n, most));
		window += kfn_window_has(kf, page);
		offset += n;
		left -= n;
	}
	kfn_count(&kf->rx, &kf->rx.stats.window_pages, window);
	return true;
}

/* A frame that consists of fragments. */
static struct sk_buff *kfn_attach(struct kfn *kf, const struct kfn_frame *frame)
{
	struct sk_buff *skb = napi_get_frags(&kf->rx.napi);

	if (!skb || !kfn_add_frags(kf, skb, frame, 0))
		return NULL;
	return skb;
}

/* A frame whose headers are copied, and of which the rest is fragments. */
static struct sk_buff *kfn_split(struct kfn *kf, const struct kfn_frame *frame)
{
	u32 headers = eth_get_headlen(kf->netdev, frame->data, min(frame->len, KFN_HEADERS_MOST));
	struct sk_buff *skb = napi_alloc_skb(&kf->rx.napi, headers);

	if (!skb)
		return NULL;
	skb_put_data(skb, frame->data, headers);
	if (!kfn_add_frags(kf, skb, frame, headers)) {
		kfree_skb(skb);
		return NULL;
	}
	return skb;
}

/* A copy of a frame, the headers of which are linear. */
static struct sk_buff *kfn_copy(struct kfn *kf, const struct kfn_frame *frame)
{
	u32 linear = frame->len > KFN_LINEAR_MOST ? KFN_HEADERS_MOST : frame->len;
	struct sk_buff *skb;
	int err;

	if (linear == frame->len) {
		skb = napi_alloc_skb(&kf->rx.napi, linear);
	} else {
		skb = alloc_skb_with_frags(NET_SKB_PAD + NET_IP_ALIGN + linear,
					   frame->len - linear, 0, &err, GFP_ATOMIC);
		if (skb)
			skb_reserve(skb, NET_SKB_PAD + NET_IP_ALIGN);
	}
	if (!skb)
		return NULL;
	skb->dev = kf->netdev;
	skb_put(skb, linear);
	skb->len = frame->len;
	skb->data_len = frame->len - linear;
	if (skb_store_bits(skb, 0, frame->data, frame->len)) {
		kfree_skb(skb);
		return NULL;
	}
	return skb;
}

static void kfn_count_frame(struct kfn *kf, const struct kfn_frame *frame, u32 copied,
			    bool watermark)
{
	struct kfn_rx *rx = &kf->rx;

	u64_stats_update_begin(&rx->syncp);
	u64_stats_inc(&rx->stats.packets);
	u64_stats_add(&rx->stats.bytes, frame->len);
	if (copied)
		u64_stats_inc(&rx->stats.copied);
	else
		u64_stats_inc(&rx->stats.zero_copy);
	u64_stats_add(&rx->stats.bytes_copied, copied);
	u64_stats_add(&rx->stats.watermark_copies, watermark);
	u64_stats_add(&rx->stats.bounced, kfn_window_is_bounce(kf, frame->slot));
	u64_stats_update_end(&rx->syncp);
}

/* Are there so few slots that none of this kind should be held for long? */
static bool kfn_is_short(const struct kfn *kf, u32 slot)
{
	bool bounce = kfn_window_is_bounce(kf, slot);

	return kf->slots.slot[slot].state == KFN_SLOT_COPIED ||
	       atomic_read(&kf->slots.held[bounce]) > READ_ONCE(kf->rx.most[bounce]) ||
	       (!bounce && kfn_slots_wanted(kf));
}

/* What the host says of a frame. Returns false if it is nonsense. */
static bool kfn_heed(struct kfn *kf, struct sk_buff *skb, const struct kfn_frame *frame)
{
	struct kfn_rx *rx = &kf->rx;
	struct virtio_net_hdr hdr;

	if (frame->flags & KVMFLIP_RX_NET_HDR) {
		memcpy(&hdr, &frame->hdr, sizeof(hdr));
		switch (hdr.gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
		case VIRTIO_NET_HDR_GSO_NONE:
		case VIRTIO_NET_HDR_GSO_TCPV4:
		case VIRTIO_NET_HDR_GSO_TCPV6:
			break;
		default:
			return false;
		}
		if (virtio_net_hdr_to_skb(skb, &hdr, true))
			return false;
		kfn_count(rx, &rx->stats.net_hdr, 1);
	}
	if (frame->flags & KVMFLIP_RX_CSUM_VALID && kf->netdev->features & NETIF_F_RXCSUM &&
	    skb->ip_summed == CHECKSUM_NONE) {
		skb->ip_summed = CHECKSUM_UNNECESSARY;
		kfn_count(rx, &rx->stats.csum_valid, 1);
	}
	return true;
}

/* A packet that has its headers. */
static void kfn_pass(struct kfn *kf, struct sk_buff *skb, const struct kfn_frame *frame)
{
	struct kfn_rx *rx = &kf->rx;

	if (!kfn_heed(kf, skb, frame)) {
		kfn_count(rx, &rx->stats.bad, 1);
		kfree_skb(skb);
		return;
	}
	skb_record_rx_queue(skb, 0);
	skb->protocol = eth_type_trans(skb, kf->netdev);
	napi_gro_receive(&rx->napi, skb);
}

/* Gives a frame to the stack without copying it. Returns false if that cannot be done. */
static bool kfn_pass_window(struct kfn *kf, const struct kfn_frame *frame)
{
	struct sk_buff *skb;
	u32 headers;

	if (frame->flags & KVMFLIP_RX_NET_HDR) {
		skb = kfn_split(kf, frame);
		if (!skb)
			return false;
		headers = skb_headlen(skb);
		kfn_count_frame(kf, frame, 0, false);
		kfn_count(&kf->rx, &kf->rx.stats.bytes_copied, headers);
		kfn_pass(kf, skb, frame);
		return true;
	}
	skb = kfn_attach(kf, frame);
	if (!skb)
		return false;
	kfn_count_frame(kf, frame, 0, false);
	kfn_heed(kf, skb, frame);
	skb_record_rx_queue(skb, 0);
	napi_gro_frags(&kf->rx.napi);
	return true;
}

static void kfn_receive(struct kfn *kf, struct kfn_frame *frame)
{
	struct bpf_prog *prog = rcu_dereference_bh(kf->xdp_prog);
	bool small, watermark = false;

	if (prog && !kfn_xdp_run(kf, prog, frame))
		return;
	if (!frame->skb) {
		small = frame->len <= READ_ONCE(kf->rx.copybreak);
		watermark = !small && kfn_is_short(kf, frame->slot);
		if (!small && !watermark && kfn_pass_window(kf, frame))
			return;
		frame->skb = kfn_copy(kf, frame);
	}
	if (!frame->skb) {
		kfn_count(&kf->rx, &kf->rx.stats.dropped, 1);
		return;
	}
	kfn_count_frame(kf, frame, frame->len, watermark);
	kfn_pass(kf, frame->skb, frame);
}

/* The host has taken a slot by force. What was in it is gone, whoever looks at it. */
static void kfn_revoked(struct kfn *kf, u32 slot)
{
	struct kfn_slot *s = &kf->slots.slot[slot];
	struct kfn_rx *rx = &kf->rx;

	kfn_count(rx, &rx->stats.revoked, 1);
	if (s->state != KFN_SLOT_CLOSED)
		kfn_slot_close(kf, slot);
	if (!atomic_read(&s->users))
		return;
	kfn_count(rx, &rx->stats.revoked_in_use, 1);
	if (net_ratelimit())
		netdev_warn(kf->netdev,
			    "the host took memory back that held data which nobody has read yet; a port with a larger min would keep it\n");
}

/* Finds out where a frame lies, and what is said of it. Returns false if it is nowhere. */
static bool kfn_find(struct kfn *kf, struct kfn_frame *frame)
{
	u32 size = kfn_window_slot_size(kf, frame->slot);

	if (frame->len < ETH_HLEN || frame->len > KVMFLIP_FRAME_MAX || frame->offset >= size ||
	    frame->len > size - frame->offset)
		return false;
	frame->data = kfn_window_slot(kf, frame->slot) + frame->offset;
	if (!(kf->accepted & KVMFLIP_F_RX_CSUM))
		frame->flags &= ~(KVMFLIP_RX_CSUM_VALID | KVMFLIP_RX_NET_HDR);
	if (frame->flags & KVMFLIP_RX_NET_HDR) {
		if (frame->offset < sizeof(frame->hdr))
			return false;
		memcpy(&frame->hdr, frame->data - sizeof(frame->hdr), sizeof(frame->hdr));
	}
	return true;
}

static void kfn_take(struct kfn *kf, const struct kvmflip_rx_desc *desc)
{
	struct kfn_frame frame = {
		.slot = le32_to_cpu(READ_ONCE(desc->slot)),
		.offset = le32_to_cpu(READ_ONCE(desc->offset)),
		.len = le32_to_cpu(READ_ONCE(desc->len)),
		.flags = le32_to_cpu(READ_ONCE(desc->flags)),
	};
	bool last = frame.flags & KVMFLIP_RX_LAST;
	struct kfn_slot *slot;

	if (frame.slot >= kf->layout.slots + kf->layout.bounces)
		goto bad;
	if (frame.flags & KVMFLIP_RX_REVOKED) {
		kfn_revoked(kf, frame.slot);
		return;
	}
	slot = &kf->slots.slot[frame.slot];
	if (slot->state == KFN_SLOT_CLOSED && !kfn_slot_open(kf, frame.slot))
		goto bad;
	if (frame.len) {
		if (kfn_find(kf, &frame))
			kfn_receive(kf, &frame);
		else
			kfn_count(&kf->rx, &kf->rx.stats.bad, 1);
	}
	if (last)
		kfn_slot_close(kf, frame.slot);
	return;

bad:
	kfn_count(&kf->rx, &kf->rx.stats.bad, 1);
}

/**
 * kfn_rx_poll - take frames
 * @napi: the RX queue's NAPI instance
 * @budget: frames at most
 *
 * Context: NAPI.
 * Return: how many were taken.
 */
int kfn_rx_poll(struct napi_struct *napi, int budget)
{
	struct kfn *kf = container_of(napi, struct kfn, rx.napi);
	struct kfn_ring *ring = &kf->rx.ring;
	const struct kvmflip_rx_desc *descs = ring->entries;
	int n, filled;

	if (!budget)
		return 0;
	filled = kfn_ring_filled(ring);
	if (filled < 0) {
		if (!kf->rx.broken)
			kfn_netdev_broken(kf, "RX ring");
		kf->rx.broken = true;
		napi_complete_done(napi, 0);
		return 0;
	}
	kfn_slots_poll_begin(kf);
	for (n = 0; n < min(filled, budget); n++)
		kfn_take(kf, &descs[kfn_ring_at(ring, ring->cons++)]);
	if (n)
		kfn_ring_consumed(ring);
	kfn_xdp_flush(kf);
	kfn_slots_poll_end(kf);
	if (n < budget && napi_complete_done(napi, n) && kfn_ring_arm(ring, 0))
		napi_schedule(napi);
	return n;
}
