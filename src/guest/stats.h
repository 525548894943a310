/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip_net: counters, as the kernel has them for every interface. */
#ifndef _KVMFLIP_NET_STATS_H
#define _KVMFLIP_NET_STATS_H

#include <linux/netdevice.h>
#include <net/netdev_queues.h>

extern const struct netdev_stat_ops kfn_stat_ops;

void kfn_stats64(struct net_device *netdev, struct rtnl_link_stats64 *stats);

#endif /* _KVMFLIP_NET_STATS_H */
