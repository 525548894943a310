/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip_net: receiving. */
#ifndef _KVMFLIP_NET_RX_H
#define _KVMFLIP_NET_RX_H

#include <linux/netdevice.h>
#include <linux/u64_stats_sync.h>
#include <net/xdp.h>

#include "ring.h"

struct kfn;

/* Frames of up to so many bytes are copied, unless the user says otherwise. */
#define KFN_COPYBREAK		256

/**
 * struct kfn_rx_stats - counters of the RX queue
 * @packets: frames given to the stack
 * @bytes: bytes of those
 * @dropped: frames that were not, for want of memory
 * @zero_copy: frames given to the stack where they lay
 * @copied: frames that were copied
 * @bytes_copied: bytes that were copied, of those and of headers
 * @watermark_copies: frames copied because slots are short
 * @window_pages: pages of the window that fragments were made of
 * @bounced: frames that the host had copied, into bounce slots
 * @revoked: slots that the host took back by force
 * @revoked_in_use: those of them that somebody still had pages of
 * @bad: descriptors and headers that made no sense
 * @csum_valid: frames whose checksums were verified before
 * @net_hdr: frames that left something to be done
 * @xdp_drop: frames that an XDP program dropped
 * @xdp_tx: frames that it sent back
 * @xdp_redirect: frames that it gave to others
 * @xdp_errors: frames dropped because what it wanted could not be done
 */
struct kfn_rx_stats {
	u64_stats_t packets;
	u64_stats_t bytes;
	u64_stats_t dropped;
	u64_stats_t zero_copy;
	u64_stats_t copied;
	u64_stats_t bytes_copied;
	u64_stats_t watermark_copies;
	u64_stats_t window_pages;
	u64_stats_t bounced;
	u64_stats_t revoked;
	u64_stats_t revoked_in_use;
	u64_stats_t bad;
	u64_stats_t csum_valid;
	u64_stats_t net_hdr;
	u64_stats_t xdp_drop;
	u64_stats_t xdp_tx;
	u64_stats_t xdp_redirect;
	u64_stats_t xdp_errors;
};

/**
 * struct kfn_rx - the RX queue
 * @napi: its NAPI instance
 * @ring: RX ring
 * @copybreak: frames of up to so many bytes are copied
 * @most: slots and bounce slots of which frames are not copied if no more are held
 * @broken: the ring is, nothing more comes
 * @xdp_rxq: what XDP programs are told of the queue
 * @xdp_sent: an XDP program has sent something in this poll
 * @xdp_redirected: an XDP program has redirected something in this poll
 * @syncp: for @stats
 * @stats: counters
 */
struct kfn_rx {
	struct napi_struct napi;
	struct kfn_ring ring;
	u32 copybreak;
	u32 most[2];
	bool broken;
	struct xdp_rxq_info xdp_rxq;
	bool xdp_sent;
	bool xdp_redirected;
	struct u64_stats_sync syncp;
	struct kfn_rx_stats stats;
};

/**
 * struct kfn_frame - a frame that was received
 * @slot: slot it lies in
 * @offset: of its first byte in that slot
 * @len: bytes of it
 * @flags: KVMFLIP_RX_* of its descriptor
 * @data: the frame
 * @hdr: what is to be done with it, if @flags say that there is something
 * @skb: a copy of it, if one was made
 */
struct kfn_frame {
	u32 slot;
	u32 offset;
	u32 len;
	u32 flags;
	void *data;
	struct kvmflip_net_hdr hdr;
	struct sk_buff *skb;
};

void kfn_rx_init(struct kfn *kf);
void kfn_rx_reset(struct kfn *kf);
void kfn_rx_set_limits(struct kfn *kf);
int kfn_rx_poll(struct napi_struct *napi, int budget);

#endif /* _KVMFLIP_NET_RX_H */
