/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip: from a queue to the guest, or the host, that a frame is for. */
#ifndef _KVMFLIP_DELIVER_H
#define _KVMFLIP_DELIVER_H

#include <linux/limits.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "pool.h"
#include "stats.h"
#include "tally.h"

struct kvmflip_iommu;
struct kvmflip_port;
struct net_device;

/*
 * In front of a frame drivers and the XDP program leave what they know of it,
 * in no more than so many bytes.
 */
#define KVMFLIP_NOTES	SMP_CACHE_BYTES

/* So many chunks ahead what will be looked at is fetched, where it most probably lies. */
#define KVMFLIP_AHEAD	2

/* Full buffers delivered in one go. */
#define KVMFLIP_FLIPS	64

/**
 * struct kvmflip_flip - a full buffer that is being delivered
 * @buf: the buffer
 * @owner: index of the waiter that gets it, or KVMFLIP_NO_WAITER
 * @next: index of the next one that the same waiter gets, or KVMFLIP_FLIPS
 * @spare: free buffer that takes its place in the NIC, claimed for the owner
 * @frames: frames of the owner that have still to be named to it
 * @slot: where it appears in the owner's window, once it is mapped
 * @cleaned: nothing is in it but what its owner may see
 * @mapped: it appears there
 */
struct kvmflip_flip {
	struct kvmflip_buffer *buf;
	u32 owner;
	u32 next;
	struct kvmflip_buffer *spare;
	u32 frames;
	u32 slot;
	bool cleaned;
	bool mapped;
};

/**
 * enum kvmflip_trust - what a driver is believed that it says of frames
 * @KVMFLIP_TRUST: all
 * @KVMFLIP_TRUST_ZEROED: what it says of frames in buffers that had nothing in them
 *			  when it got them
 * @KVMFLIP_TRUST_NONE: nothing
 */
enum kvmflip_trust {
	KVMFLIP_TRUST,
	KVMFLIP_TRUST_ZEROED,
	KVMFLIP_TRUST_NONE,
};

/**
 * struct kvmflip_delivery - what a queue delivers from
 * @pool: pool whose buffers the frames lie in
 * @iommu: mapping of the queue's device; NULL if every frame is to be copied
 * @tally: frames that wait
 * @dev: the NIC
 * @delta: counters of the queue
 * @trust: of its driver
 * @now: time, in nanoseconds
 * @soft: whoever delivers is in softirq
 * @flip: full buffers of the present group
 * @nr: number of them
 * @owners: bit per waiter that gets one of them
 * @end: free-running index in @tally behind the last frame of the group
 */
struct kvmflip_delivery {
	struct kvmflip_pool *pool;
	struct kvmflip_iommu *iommu;
	struct kvmflip_tally *tally;
	struct net_device *dev;
	struct kvmflip_delta *delta;
	enum kvmflip_trust trust;
	u64 now;
	bool soft;
	struct kvmflip_flip flip[KVMFLIP_FLIPS];
	u32 nr;
	DECLARE_BITMAP(owners, KVMFLIP_WAITERS);
	u32 end;
};

struct kvmflip_waiter *kvmflip_deliver_admit(struct kvmflip_delivery *delivery,
					     const void *frame, u32 len,
					     const struct kvmflip_meta *meta);
void kvmflip_deliver_full(struct kvmflip_delivery *delivery, struct list_head *full,
			  struct list_head *again, struct list_head *free);
void kvmflip_deliver_all(struct kvmflip_delivery *delivery);
u64 kvmflip_deliver_due(struct kvmflip_delivery *delivery);
unsigned int kvmflip_deliver_host(struct net_device *dev, const void *data, u32 len);
u32 kvmflip_deliver_flags(const struct kvmflip_port *port, u32 flags);
bool kvmflip_deliver_copy(struct kvmflip_port *port, const void *data, u32 len, u32 flags);

/**
 * kvmflip_deliver_forget_notes - zero what was left in front of a frame
 * @start: of its chunk
 * @offset: of the frame in it
 *
 * Return: bytes that were zeroed.
 */
static inline u32 kvmflip_deliver_forget_notes(void *start, u32 offset)
{
	if (unlikely(offset < KVMFLIP_NOTES)) {
		kvmflip_pool_zero(start, offset);
		return offset;
	}
	kvmflip_pool_zero_line(start + offset - KVMFLIP_NOTES);
	return KVMFLIP_NOTES;
}

/**
 * kvmflip_deliver_arrival - a frame has arrived
 * @delivery: what the queue delivers from; its tally is not crowded
 * @buf: the buffer it lies in
 * @c: the chunk it lies in, whose offset and length are valid
 * @chunk: number of that
 * @frame: the frame
 *
 * It is for the host and delivered, or it is dropped, or it waits.
 *
 * Context: process context or softirq.
 */
static inline void kvmflip_deliver_arrival(struct kvmflip_delivery *delivery,
					   struct kvmflip_buffer *buf,
					   struct kvmflip_chunk *c, u32 chunk,
					   const void *frame)
{
	struct kvmflip_tally *tally = delivery->tally;
	const struct kvmflip_run *run = tally->open;
	struct kvmflip_waiter *waiter = NULL;
	struct kvmflip_meta meta;

	memcpy(&meta, frame - sizeof(meta), sizeof(meta));
	/* What is checked has to be what is used. */
	barrier();
	if (likely(meta.magic == KVMFLIP_META_MAGIC &&
		   !(meta.flags & ~KVMFLIP_META_CSUM_VALID))) {
		waiter = run ? run->waiter : NULL;
		if (unlikely(!waiter || waiter->id != meta.port || waiter->gen != meta.gen))
			waiter = kvmflip_tally_find(tally, meta.port, meta.gen);
	}
	if (unlikely(!waiter)) {
		waiter = kvmflip_deliver_admit(delivery, frame, c->len, &meta);
		if (!waiter)
			return;
	}
	kvmflip_tally_add(tally, waiter, buf, chunk, delivery->now);
	c->waiter = waiter->index;
	c->flags = meta.flags;
}

#endif /* _KVMFLIP_DELIVER_H */
