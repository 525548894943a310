/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip: counters of pools, queues and ports. */
#ifndef _KVMFLIP_STATS_H
#define _KVMFLIP_STATS_H

#include <linux/spinlock.h>
#include <linux/types.h>
#include <uapi/linux/kvmflip_netlink.h>

struct sk_buff;

#define KVMFLIP_STATS_NR	(KVMFLIP_A_STATS_MAX + 1)

/**
 * struct kvmflip_delta - what one batch of work adds to the counters
 * @v: increments, indexed by KVMFLIP_A_STATS_*
 *
 * A batch counts into one of these without a lock and adds it as a whole, so
 * that the sums hold whenever somebody looks.
 */
struct kvmflip_delta {
	u64 v[KVMFLIP_STATS_NR];
};

/**
 * struct kvmflip_stats - counters of one object
 * @lock: protects @v; a leaf lock, softirq
 * @v: values since the object was made, indexed by KVMFLIP_A_STATS_*
 */
struct kvmflip_stats {
	spinlock_t lock;	/* see above */
	u64 v[KVMFLIP_STATS_NR];
};

#define KVMFLIP_STATS_FRAMES \
	(BIT_ULL(KVMFLIP_A_STATS_RECEIVED) | \
	 BIT_ULL(KVMFLIP_A_STATS_RECEIVED_BYTES) | \
	 BIT_ULL(KVMFLIP_A_STATS_FLIPPED) | \
	 BIT_ULL(KVMFLIP_A_STATS_COPIED) | \
	 BIT_ULL(KVMFLIP_A_STATS_COPIED_SMALL) | \
	 BIT_ULL(KVMFLIP_A_STATS_COPIED_STRAY) | \
	 BIT_ULL(KVMFLIP_A_STATS_COPIED_LATENCY) | \
	 BIT_ULL(KVMFLIP_A_STATS_COPIED_QUOTA) | \
	 BIT_ULL(KVMFLIP_A_STATS_COPIED_MODE) | \
	 BIT_ULL(KVMFLIP_A_STATS_BYTES_COPIED) | \
	 BIT_ULL(KVMFLIP_A_STATS_DROPPED_CLOSED) | \
	 BIT_ULL(KVMFLIP_A_STATS_DROPPED_QUOTA) | \
	 BIT_ULL(KVMFLIP_A_STATS_DROPPED_NO_BOUNCE) | \
	 BIT_ULL(KVMFLIP_A_STATS_DROPPED_RING_FULL) | \
	 BIT_ULL(KVMFLIP_A_STATS_DROPPED_INVALID))

#define KVMFLIP_STATS_RXQ \
	(KVMFLIP_STATS_FRAMES | \
	 BIT_ULL(KVMFLIP_A_STATS_COPIED_HOST) | \
	 BIT_ULL(KVMFLIP_A_STATS_DROPPED_NO_META) | \
	 BIT_ULL(KVMFLIP_A_STATS_DROPPED_NO_PORT) | \
	 BIT_ULL(KVMFLIP_A_STATS_DROPPED_FOREIGN) | \
	 BIT_ULL(KVMFLIP_A_STATS_DROPPED_UNPOSTED) | \
	 BIT_ULL(KVMFLIP_A_STATS_DROPPED_NO_MEMORY) | \
	 BIT_ULL(KVMFLIP_A_STATS_IOTLB_SYNCS) | \
	 BIT_ULL(KVMFLIP_A_STATS_REVOKES) | \
	 BIT_ULL(KVMFLIP_A_STATS_GRANTS) | \
	 BIT_ULL(KVMFLIP_A_STATS_RECYCLED) | \
	 BIT_ULL(KVMFLIP_A_STATS_BYTES_ZEROED_TAIL) | \
	 BIT_ULL(KVMFLIP_A_STATS_WAKEUPS) | \
	 BIT_ULL(KVMFLIP_A_STATS_RX_RING_FULL))

#define KVMFLIP_STATS_PORT \
	(KVMFLIP_STATS_FRAMES | \
	 BIT_ULL(KVMFLIP_A_STATS_FLIPS) | \
	 BIT_ULL(KVMFLIP_A_STATS_RETURNS) | \
	 BIT_ULL(KVMFLIP_A_STATS_BAD_RETURNS) | \
	 BIT_ULL(KVMFLIP_A_STATS_REVOKED) | \
	 BIT_ULL(KVMFLIP_A_STATS_RECLAIM_ASKED) | \
	 BIT_ULL(KVMFLIP_A_STATS_WINDOW_FAULTS) | \
	 BIT_ULL(KVMFLIP_A_STATS_SINK_FAULTS) | \
	 BIT_ULL(KVMFLIP_A_STATS_UNMAP_CALLS) | \
	 BIT_ULL(KVMFLIP_A_STATS_UNLOCKED_UNMAPS) | \
	 BIT_ULL(KVMFLIP_A_STATS_INTERRUPTS) | \
	 BIT_ULL(KVMFLIP_A_STATS_DOORBELLS) | \
	 BIT_ULL(KVMFLIP_A_STATS_BYTES_ZEROED) | \
	 BIT_ULL(KVMFLIP_A_STATS_BYTES_ZEROED_TAIL) | \
	 BIT_ULL(KVMFLIP_A_STATS_TO_GUEST) | \
	 BIT_ULL(KVMFLIP_A_STATS_TO_GUEST_BYTES) | \
	 BIT_ULL(KVMFLIP_A_STATS_FROM_GUEST) | \
	 BIT_ULL(KVMFLIP_A_STATS_FROM_GUEST_BYTES) | \
	 BIT_ULL(KVMFLIP_A_STATS_TX_ERRORS))

void kvmflip_stats_init(struct kvmflip_stats *stats);
void kvmflip_stats_add(struct kvmflip_stats *stats, const struct kvmflip_delta *delta);
void kvmflip_stats_frame(struct kvmflip_delta *delta, u32 len, unsigned int verdict);
void kvmflip_stats_inc(struct kvmflip_stats *stats, unsigned int counter, u64 n);
void kvmflip_stats_set(struct kvmflip_stats *stats, unsigned int counter, u64 n);
void kvmflip_stats_get(struct kvmflip_stats *stats, struct kvmflip_delta *now);
int kvmflip_stats_put(struct sk_buff *skb, int attr, struct kvmflip_stats *stats, u64 mask);

/**
 * kvmflip_stats_is_copy - does a verdict mean that a frame is copied?
 * @verdict: KVMFLIP_A_STATS_*
 *
 * Return: true, or false if it is flipped or dropped.
 */
static inline bool kvmflip_stats_is_copy(unsigned int verdict)
{
	return BIT_ULL(verdict) & (BIT_ULL(KVMFLIP_A_STATS_COPIED_HOST) |
				   BIT_ULL(KVMFLIP_A_STATS_COPIED_SMALL) |
				   BIT_ULL(KVMFLIP_A_STATS_COPIED_STRAY) |
				   BIT_ULL(KVMFLIP_A_STATS_COPIED_LATENCY) |
				   BIT_ULL(KVMFLIP_A_STATS_COPIED_QUOTA) |
				   BIT_ULL(KVMFLIP_A_STATS_COPIED_MODE));
}

/**
 * kvmflip_stats_flipped - count frames that are flipped
 * @delta: where to count
 * @frames: number of them
 * @bytes: of them
 */
static inline void kvmflip_stats_flipped(struct kvmflip_delta *delta, u32 frames, u64 bytes)
{
	delta->v[KVMFLIP_A_STATS_RECEIVED] += frames;
	delta->v[KVMFLIP_A_STATS_RECEIVED_BYTES] += bytes;
	delta->v[KVMFLIP_A_STATS_FLIPPED] += frames;
}

#endif /* _KVMFLIP_STATS_H */
