// SPDX-License-Identifier: GPL-2.0
/* kvmflip_net: counters, as the kernel has them for every interface. */

#include "device.h"
#include "stats.h"

/**
 * kfn_stats64 - ndo_get_stats64
 * @netdev: interface
 * @stats: to fill in
 *
 * Context: any.
 */
void kfn_stats64(struct net_device *netdev, struct rtnl_link_stats64 *stats)
{
	struct kfn *kf = netdev_priv(netdev);
	struct kfn_rx *rx = &kf->rx;
	struct kfn_tx *tx = &kf->tx;
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&rx->syncp);
		stats->rx_packets = u64_stats_read(&rx->stats.packets);
		stats->rx_bytes = u64_stats_read(&rx->stats.bytes);
		stats->rx_dropped = u64_stats_read(&rx->stats.dropped);
		stats->rx_errors = u64_stats_read(&rx->stats.bad);
	} while (u64_stats_fetch_retry(&rx->syncp, start));
	do {
		start = u64_stats_fetch_begin(&tx->in_syncp);
		stats->tx_packets = u64_stats_read(&tx->in.packets);
		stats->tx_bytes = u64_stats_read(&tx->in.bytes);
		stats->tx_errors = u64_stats_read(&tx->in.bad);
	} while (u64_stats_fetch_retry(&tx->in_syncp, start));
	do {
		start = u64_stats_fetch_begin(&tx->out_syncp);
		stats->tx_dropped = u64_stats_read(&tx->out.dropped);
	} while (u64_stats_fetch_retry(&tx->out_syncp, start));
}

static void kfn_queue_stats_rx(struct net_device *netdev, int queue,
			       struct netdev_queue_stats_rx *stats)
{
	struct kfn *kf = netdev_priv(netdev);
	struct kfn_rx *rx = &kf->rx;
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&rx->syncp);
		stats->packets = u64_stats_read(&rx->stats.packets);
		stats->bytes = u64_stats_read(&rx->stats.bytes);
		stats->alloc_fail = u64_stats_read(&rx->stats.dropped);
		stats->csum_unnecessary = u64_stats_read(&rx->stats.csum_valid);
	} while (u64_stats_fetch_retry(&rx->syncp, start));
}

static void kfn_queue_stats_tx(struct net_device *netdev, int queue,
			       struct netdev_queue_stats_tx *stats)
{
	struct kfn *kf = netdev_priv(netdev);
	struct kfn_tx *tx = &kf->tx;
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&tx->in_syncp);
		stats->packets = u64_stats_read(&tx->in.packets);
		stats->bytes = u64_stats_read(&tx->in.bytes);
	} while (u64_stats_fetch_retry(&tx->in_syncp, start));
	do {
		start = u64_stats_fetch_begin(&tx->out_syncp);
		stats->needs_csum = u64_stats_read(&tx->out.csum) +
				    u64_stats_read(&tx->out.gso);
		stats->hw_gso_packets = u64_stats_read(&tx->out.gso);
		stats->stop = u64_stats_read(&tx->out.stops);
	} while (u64_stats_fetch_retry(&tx->out_syncp, start));
}

/* There were never other queues. */
static void kfn_base_stats(struct net_device *netdev, struct netdev_queue_stats_rx *rx,
			   struct netdev_queue_stats_tx *tx)
{
	rx->packets = 0;
	rx->bytes = 0;
	rx->alloc_fail = 0;
	rx->csum_unnecessary = 0;
	tx->packets = 0;
	tx->bytes = 0;
	tx->needs_csum = 0;
	tx->hw_gso_packets = 0;
	tx->stop = 0;
}

/* Statistics by queue, for netlink's qstats-get. */
const struct netdev_stat_ops kfn_stat_ops = {
	.get_base_stats = kfn_base_stats,
	.get_queue_stats_rx = kfn_queue_stats_rx,
	.get_queue_stats_tx = kfn_queue_stats_tx,
};
