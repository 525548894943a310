/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip: from a queue to the guest, or the host, that a frame is for. */
#ifndef _KVMFLIP_DELIVER_H
#define _KVMFLIP_DELIVER_H

#include <linux/list.h>

#include "stats.h"
#include "tally.h"

struct kvmflip_iommu;
struct kvmflip_pool;
struct kvmflip_port;
struct net_device;

/*
 * In front of a frame drivers and the XDP program leave what they know of it,
 * in no more than so many bytes.
 */
#define KVMFLIP_NOTES	64

/* Full buffers delivered in one go. */
#define KVMFLIP_FLIPS	64

/**
 * struct kvmflip_flip - a full buffer that is being delivered
 * @buf: the buffer
 * @owner: index of the waiter that gets it, or KVMFLIP_NO_WAITER
 * @spare: free buffer that takes its place in the NIC, claimed for the owner
 * @frames: frames of the owner that have still to be named to it
 * @slot: where it appears in the owner's window, once it is mapped
 * @cleaned: nothing is in it but what its owner may see
 * @mapped: it appears there
 */
struct kvmflip_flip {
	struct kvmflip_buffer *buf;
	u32 owner;
	struct kvmflip_buffer *spare;
	u32 frames;
	u32 slot;
	bool cleaned;
	bool mapped;
};

/**
 * struct kvmflip_delivery - what a queue delivers from
 * @pool: pool whose buffers the frames lie in
 * @iommu: mapping of the queue's device; NULL if every frame is to be copied
 * @tally: frames that wait
 * @delta: counters of the queue
 * @now: time, in nanoseconds
 * @flip: full buffers of the present group
 * @nr: number of them
 * @owners: bit per waiter that gets one of them
 * @end: free-running index in @tally behind the last frame of the group
 */
struct kvmflip_delivery {
	struct kvmflip_pool *pool;
	struct kvmflip_iommu *iommu;
	struct kvmflip_tally *tally;
	struct kvmflip_delta *delta;
	u64 now;
	struct kvmflip_flip flip[KVMFLIP_FLIPS];
	u32 nr;
	DECLARE_BITMAP(owners, KVMFLIP_WAITERS);
	u32 end;
};

void kvmflip_deliver_arrival(struct kvmflip_delivery *delivery, struct net_device *dev,
			     u32 chunk);
void kvmflip_deliver_full(struct kvmflip_delivery *delivery, struct list_head *full,
			  struct list_head *again, struct list_head *free);
void kvmflip_deliver_all(struct kvmflip_delivery *delivery);
u64 kvmflip_deliver_due(struct kvmflip_delivery *delivery);
unsigned int kvmflip_deliver_host(struct net_device *dev, const void *data, u32 len);
u32 kvmflip_deliver_flags(const struct kvmflip_port *port, u32 flags);
bool kvmflip_deliver_copy(struct kvmflip_port *port, const void *data, u32 len, u32 flags);

#endif /* _KVMFLIP_DELIVER_H */
