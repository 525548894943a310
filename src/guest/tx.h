/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip_net: sending. */
#ifndef _KVMFLIP_NET_TX_H
#define _KVMFLIP_NET_TX_H

#include <linux/netdevice.h>
#include <linux/u64_stats_sync.h>

#include "ring.h"

struct kfn;
struct xdp_frame;

/* Most entries of a frame, with its header. */
#define KFN_TX_ENTRIES_MOST	(KVMFLIP_TX_PIECES + 1)

/* Frames that are completed without an interrupt, unless the user says otherwise. */
#define KFN_TX_FRAMES		32

/**
 * enum kfn_tx_kind - what is sent
 * @KFN_TX_NONE: nothing, or an entry that is not a frame's first
 * @KFN_TX_SKB: a packet of the stack
 * @KFN_TX_XDP: a frame that another device has received
 * @KFN_TX_PAGE: a frame that was received here, and goes back
 */
enum kfn_tx_kind {
	KFN_TX_NONE,
	KFN_TX_SKB,
	KFN_TX_XDP,
	KFN_TX_PAGE,
};

/**
 * struct kfn_tx_buf - an entry of the TX ring
 * @addr: what is mapped for the device
 * @len: bytes of that, or 0
 * @kind: what is sent, in a frame's first entry
 * @entries: of the frame
 * @bytes: of the frame
 * @done: the frame is completed, but one before it is not
 * @skb: KFN_TX_SKB: the packet
 * @xdpf: KFN_TX_XDP: the frame
 * @page: KFN_TX_PAGE: the page
 */
struct kfn_tx_buf {
	dma_addr_t addr;
	u32 len;
	enum kfn_tx_kind kind;
	u32 entries;
	u32 bytes;
	bool done;
	union {
		struct sk_buff *skb;
		struct xdp_frame *xdpf;
		struct page *page;
	};
};

/**
 * struct kfn_tx_stats - counters of the TX queue
 * @packets: frames that the host has taken
 * @bytes: bytes of those
 * @dropped: frames that could not be sent
 * @csum: frames whose checksum is left to the host
 * @gso: frames that are left to the host to be cut into segments
 * @linearized: frames that were in too many pieces
 * @stops: times that the queue was stopped for want of room
 * @doorbells: times that the host was told
 * @bad: completions that made no sense
 * @xdp: frames of those in @packets that an XDP program has sent
 */
struct kfn_tx_stats {
	u64_stats_t packets;
	u64_stats_t bytes;
	u64_stats_t dropped;
	u64_stats_t csum;
	u64_stats_t gso;
	u64_stats_t linearized;
	u64_stats_t stops;
	u64_stats_t doorbells;
	u64_stats_t bad;
	u64_stats_t xdp;
};

/**
 * struct kfn_tx - the TX queue
 * @napi: its NAPI instance
 * @ring: TX ring; the queue's transmit lock
 * @sent: frames shown to the host or about to be; the queue's transmit lock
 * @out: counters of what is sent; the queue's transmit lock
 * @out_syncp: for @out
 * @done: completion ring; NAPI, as all that follows
 * @clean: index of the oldest entry that is not completed
 * @completed: frames that are completed
 * @in: counters of what is completed
 * @in_syncp: for @in
 * @buf: for each entry of the ring
 * @frames: completed without an interrupt
 * @broken: a ring is, no more is sent
 */
struct kfn_tx {
	struct napi_struct napi;
	struct kfn_ring ring;
	u32 sent;
	struct kfn_tx_stats out;
	struct u64_stats_sync out_syncp;

	struct kfn_ring done;
	u32 clean;
	u32 completed;
	struct kfn_tx_stats in;
	struct u64_stats_sync in_syncp;

	struct kfn_tx_buf *buf;
	u32 frames;
	bool broken;
};

int kfn_tx_init(struct kfn *kf);
void kfn_tx_exit(struct kfn *kf);
void kfn_tx_reset(struct kfn *kf);
bool kfn_tx_drain(struct kfn *kf);
netdev_tx_t kfn_tx_xmit(struct sk_buff *skb, struct net_device *netdev);
int kfn_tx_xdp_xmit(struct net_device *netdev, int n, struct xdp_frame **frames, u32 flags);
bool kfn_tx_page(struct kfn *kf, struct page *page, void *data, u32 len);
void kfn_tx_kick(struct kfn *kf);
int kfn_tx_poll(struct napi_struct *napi, int budget);

#endif /* _KVMFLIP_NET_TX_H */
