// SPDX-License-Identifier: GPL-2.0
/* kvmflip: counters of pools, queues and ports. */

#include <net/netlink.h>

#include "stats.h"

/**
 * kvmflip_stats_init - start with every counter at zero
 * @stats: counters
 */
void kvmflip_stats_init(struct kvmflip_stats *stats)
{
	BUILD_BUG_ON(KVMFLIP_STATS_NR > 64);

	spin_lock_init(&stats->lock);
	memset(stats->v, 0, sizeof(stats->v));
}

/**
 * kvmflip_stats_frame - count what becomes of a frame
 * @delta: where to count
 * @len: bytes of the frame
 * @verdict: KVMFLIP_A_STATS_* of what becomes of it
 */
void kvmflip_stats_frame(struct kvmflip_delta *delta, u32 len, unsigned int verdict)
{
	delta->v[KVMFLIP_A_STATS_RECEIVED]++;
	delta->v[KVMFLIP_A_STATS_RECEIVED_BYTES] += len;
	delta->v[verdict]++;
	if (kvmflip_stats_is_copy(verdict)) {
		delta->v[KVMFLIP_A_STATS_COPIED]++;
		delta->v[KVMFLIP_A_STATS_BYTES_COPIED] += len;
	}
}

/**
 * kvmflip_stats_add - add what a batch counted, as a whole
 * @stats: counters
 * @delta: increments
 *
 * Context: process context or softirq.
 */
void kvmflip_stats_add(struct kvmflip_stats *stats, const struct kvmflip_delta *delta)
{
	unsigned int i;

	spin_lock_bh(&stats->lock);
	for (i = 0; i < KVMFLIP_STATS_NR; i++)
		stats->v[i] += delta->v[i];
	spin_unlock_bh(&stats->lock);
}

/**
 * kvmflip_stats_inc - add to a counter that is in no sum
 * @stats: counters
 * @counter: KVMFLIP_A_STATS_*
 * @n: increment
 *
 * Context: process context or softirq.
 */
void kvmflip_stats_inc(struct kvmflip_stats *stats, unsigned int counter, u64 n)
{
	spin_lock_bh(&stats->lock);
	stats->v[counter] += n;
	spin_unlock_bh(&stats->lock);
}

/**
 * kvmflip_stats_set - bring a counter up to date that somebody else counts
 * @stats: counters
 * @counter: KVMFLIP_A_STATS_*
 * @n: what it is now
 *
 * Context: process context or softirq.
 */
void kvmflip_stats_set(struct kvmflip_stats *stats, unsigned int counter, u64 n)
{
	spin_lock_bh(&stats->lock);
	stats->v[counter] = n;
	spin_unlock_bh(&stats->lock);
}

/**
 * kvmflip_stats_get - get all counters of one moment
 * @stats: counters
 * @now: to fill in
 *
 * Context: process context or softirq.
 */
void kvmflip_stats_get(struct kvmflip_stats *stats, struct kvmflip_delta *now)
{
	spin_lock_bh(&stats->lock);
	memcpy(now->v, stats->v, sizeof(now->v));
	spin_unlock_bh(&stats->lock);
}

/**
 * kvmflip_stats_put - put counters into a netlink message, all of one moment
 * @skb: message
 * @attr: type of the nest
 * @stats: counters
 * @mask: bit per counter that the object has
 *
 * Context: process context or softirq.
 * Return: 0, or -EMSGSIZE.
 */
int kvmflip_stats_put(struct sk_buff *skb, int attr, struct kvmflip_stats *stats, u64 mask)
{
	struct kvmflip_delta now;
	struct nlattr *nest;
	unsigned int i;

	kvmflip_stats_get(stats, &now);
	nest = nla_nest_start(skb, attr);
	if (!nest)
		return -EMSGSIZE;
	for (i = 0; i < KVMFLIP_STATS_NR; i++) {
		if ((mask & BIT_ULL(i)) && nla_put_uint(skb, i, now.v[i])) {
			nla_nest_cancel(skb, nest);
			return -EMSGSIZE;
		}
	}
	nla_nest_end(skb, nest);
	return 0;
}
