// SPDX-License-Identifier: GPL-2.0
/* kvmflip: what ethtool sees of the ports' network devices. */

#include <linux/ethtool.h>

#include "ethtool.h"
#include "netdev.h"
#include "port.h"

/**
 * struct kf_counter - a counter of a port
 * @id: KVMFLIP_A_STATS_*
 * @name: as in the netlink family
 */
struct kf_counter {
	unsigned int id;
	char name[ETH_GSTRING_LEN];
};

static const struct kf_counter kf_counters[] = {
	{ KVMFLIP_A_STATS_RECEIVED, "received" },
	{ KVMFLIP_A_STATS_RECEIVED_BYTES, "received_bytes" },
	{ KVMFLIP_A_STATS_FLIPPED, "flipped" },
	{ KVMFLIP_A_STATS_COPIED, "copied" },
	{ KVMFLIP_A_STATS_COPIED_SMALL, "copied_small" },
	{ KVMFLIP_A_STATS_COPIED_STRAY, "copied_stray" },
	{ KVMFLIP_A_STATS_COPIED_LATENCY, "copied_latency" },
	{ KVMFLIP_A_STATS_COPIED_QUOTA, "copied_quota" },
	{ KVMFLIP_A_STATS_COPIED_MODE, "copied_mode" },
	{ KVMFLIP_A_STATS_BYTES_COPIED, "bytes_copied" },
	{ KVMFLIP_A_STATS_DROPPED_CLOSED, "dropped_closed" },
	{ KVMFLIP_A_STATS_DROPPED_QUOTA, "dropped_quota" },
	{ KVMFLIP_A_STATS_DROPPED_NO_BOUNCE, "dropped_no_bounce" },
	{ KVMFLIP_A_STATS_DROPPED_RING_FULL, "dropped_ring_full" },
	{ KVMFLIP_A_STATS_DROPPED_INVALID, "dropped_invalid" },
	{ KVMFLIP_A_STATS_FLIPS, "flips" },
	{ KVMFLIP_A_STATS_RETURNS, "returns" },
	{ KVMFLIP_A_STATS_BAD_RETURNS, "bad_returns" },
	{ KVMFLIP_A_STATS_REVOKED, "revoked" },
	{ KVMFLIP_A_STATS_RECLAIM_ASKED, "reclaim_asked" },
	{ KVMFLIP_A_STATS_WINDOW_FAULTS, "window_faults" },
	{ KVMFLIP_A_STATS_SINK_FAULTS, "sink_faults" },
	{ KVMFLIP_A_STATS_UNMAP_CALLS, "unmap_calls" },
	{ KVMFLIP_A_STATS_UNLOCKED_UNMAPS, "unlocked_unmaps" },
	{ KVMFLIP_A_STATS_INTERRUPTS, "interrupts" },
	{ KVMFLIP_A_STATS_DOORBELLS, "doorbells" },
	{ KVMFLIP_A_STATS_BYTES_ZEROED, "bytes_zeroed" },
	{ KVMFLIP_A_STATS_BYTES_ZEROED_TAIL, "bytes_zeroed_tail" },
	{ KVMFLIP_A_STATS_TO_GUEST, "to_guest" },
	{ KVMFLIP_A_STATS_TO_GUEST_BYTES, "to_guest_bytes" },
	{ KVMFLIP_A_STATS_FROM_GUEST, "from_guest" },
	{ KVMFLIP_A_STATS_FROM_GUEST_BYTES, "from_guest_bytes" },
	{ KVMFLIP_A_STATS_TX_ERRORS, "tx_errors" },
};

static struct kvmflip_port *kf_port(struct net_device *dev)
{
	struct kvmflip_netdev *nd = netdev_priv(dev);

	return nd->port;
}

static void kf_get_drvinfo(struct net_device *dev, struct ethtool_drvinfo *info)
{
	strscpy(info->driver, "kvmflip");
	strscpy(info->bus_info, kf_port(dev)->name);
}

static int kf_get_sset_count(struct net_device *dev, int set)
{
	return set == ETH_SS_STATS ? ARRAY_SIZE(kf_counters) : -EOPNOTSUPP;
}

static void kf_get_strings(struct net_device *dev, u32 set, u8 *data)
{
	u32 i;

	if (set != ETH_SS_STATS)
		return;
	for (i = 0; i < ARRAY_SIZE(kf_counters); i++)
		ethtool_puts(&data, kf_counters[i].name);
}

static void kf_get_ethtool_stats(struct net_device *dev, struct ethtool_stats *stats, u64 *data)
{
	struct kvmflip_delta now;
	u32 i;

	kvmflip_stats_get(&kf_port(dev)->stats, &now);
	for (i = 0; i < ARRAY_SIZE(kf_counters); i++)
		data[i] = now.v[kf_counters[i].id];
}

/* There is no wire: what a tap says. */
static int kf_get_link_ksettings(struct net_device *dev, struct ethtool_link_ksettings *cmd)
{
	ethtool_link_ksettings_zero_link_mode(cmd, supported);
	ethtool_link_ksettings_zero_link_mode(cmd, advertising);
	cmd->base.speed = SPEED_10000;
	cmd->base.duplex = DUPLEX_FULL;
	cmd->base.port = PORT_OTHER;
	cmd->base.autoneg = AUTONEG_DISABLE;
	return 0;
}

const struct ethtool_ops kvmflip_ethtool_ops = {
	.get_drvinfo		= kf_get_drvinfo,
	.get_link		= ethtool_op_get_link,
	.get_link_ksettings	= kf_get_link_ksettings,
	.get_ts_info		= ethtool_op_get_ts_info,
	.get_sset_count		= kf_get_sset_count,
	.get_strings		= kf_get_strings,
	.get_ethtool_stats	= kf_get_ethtool_stats,
};
