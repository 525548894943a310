// SPDX-License-Identifier: GPL-2.0
/* kvmflip_net: what ethtool shows and sets. */

#include <linux/pci.h>

#include "device.h"
#include "ethtool.h"

/**
 * struct kfn_stat - a counter
 * @name: what ethtool calls it
 * @offset: of it in &struct kfn_rx_stats, or &struct kfn_tx_stats
 */
struct kfn_stat {
	char name[ETH_GSTRING_LEN];
	size_t offset;
};

#define KFN_RX(name) { "rx_" #name, offsetof(struct kfn_rx_stats, name) }

static const struct kfn_stat kfn_rx_stat[] = {
	KFN_RX(packets),
	KFN_RX(bytes),
	KFN_RX(dropped),
	KFN_RX(zero_copy),
	KFN_RX(copied),
	KFN_RX(bytes_copied),
	KFN_RX(watermark_copies),
	KFN_RX(window_pages),
	KFN_RX(bounced),
	KFN_RX(revoked),
	KFN_RX(revoked_in_use),
	KFN_RX(bad),
	KFN_RX(csum_valid),
	KFN_RX(net_hdr),
	KFN_RX(xdp_drop),
	KFN_RX(xdp_tx),
	KFN_RX(xdp_redirect),
	KFN_RX(xdp_errors),
};

#define KFN_TX(name) { "tx_" #name, offsetof(struct kfn_tx_stats, name) }

/* Counted when they are sent. */
static const struct kfn_stat kfn_tx_out[] = {
	KFN_TX(dropped),
	KFN_TX(csum),
	KFN_TX(gso),
	KFN_TX(linearized),
	KFN_TX(stops),
	KFN_TX(doorbells),
};

/* Counted when they are completed. */
static const struct kfn_stat kfn_tx_in[] = {
	KFN_TX(packets),
	KFN_TX(bytes),
	KFN_TX(xdp),
	KFN_TX(bad),
};

static const char kfn_slot_stat[][ETH_GSTRING_LEN] = {
	"rx_slots_held",
	"rx_bounces_held",
	"rx_slots_returned",
};

static void kfn_get_drvinfo(struct net_device *netdev, struct ethtool_drvinfo *info)
{
	struct kfn *kf = netdev_priv(netdev);

	strscpy(info->driver, KBUILD_MODNAME, sizeof(info->driver));
	strscpy(info->bus_info, pci_name(kf->pdev), sizeof(info->bus_info));
}

static int kfn_get_sset_count(struct net_device *netdev, int sset)
{
	if (sset != ETH_SS_STATS)
		return -EOPNOTSUPP;
	return ARRAY_SIZE(kfn_rx_stat) + ARRAY_SIZE(kfn_slot_stat) + ARRAY_SIZE(kfn_tx_in) +
	       ARRAY_SIZE(kfn_tx_out);
}

static void kfn_put_names(u8 **data, const struct kfn_stat *stat, u32 n)
{
	for (; n; n--, stat++)
		ethtool_puts(data, stat->name);
}

static void kfn_get_strings(struct net_device *netdev, u32 sset, u8 *data)
{
	u32 i;

	if (sset != ETH_SS_STATS)
		return;
	kfn_put_names(&data, kfn_rx_stat, ARRAY_SIZE(kfn_rx_stat));
	for (i = 0; i < ARRAY_SIZE(kfn_slot_stat); i++)
		ethtool_puts(&data, kfn_slot_stat[i]);
	kfn_put_names(&data, kfn_tx_in, ARRAY_SIZE(kfn_tx_in));
	kfn_put_names(&data, kfn_tx_out, ARRAY_SIZE(kfn_tx_out));
}

static u64 *kfn_get_stats(const void *stats, const struct u64_stats_sync *syncp,
			  const struct kfn_stat *stat, u32 n, u64 *data)
{
	unsigned int start;
	u32 i;

	do {
		start = u64_stats_fetch_begin(syncp);
		for (i = 0; i < n; i++)
			data[i] = u64_stats_read((const u64_stats_t *)(stats + stat[i].offset));
	} while (u64_stats_fetch_retry(syncp, start));
	return data + n;
}

static void kfn_get_ethtool_stats(struct net_device *netdev, struct ethtool_stats *stats,
				  u64 *data)
{
	struct kfn *kf = netdev_priv(netdev);

	data = kfn_get_stats(&kf->rx.stats, &kf->rx.syncp, kfn_rx_stat, ARRAY_SIZE(kfn_rx_stat),
			     data);
	*data++ = atomic_read(&kf->slots.held[0]);
	*data++ = atomic_read(&kf->slots.held[1]);
	*data++ = READ_ONCE(kf->slots.returned);
	data = kfn_get_stats(&kf->tx.in, &kf->tx.in_syncp, kfn_tx_in, ARRAY_SIZE(kfn_tx_in),
			     data);
	kfn_get_stats(&kf->tx.out, &kf->tx.out_syncp, kfn_tx_out, ARRAY_SIZE(kfn_tx_out), data);
}

static void kfn_get_ringparam(struct net_device *netdev, struct ethtool_ringparam *ring,
			      struct kernel_ethtool_ringparam *kernel_ring,
			      struct netlink_ext_ack *extack)
{
	struct kfn *kf = netdev_priv(netdev);

	ring->rx_max_pending = kf->layout.rx_entries;
	ring->rx_pending = kf->layout.rx_entries;
	ring->tx_max_pending = kf->layout.tx_entries;
	ring->tx_pending = kf->layout.tx_entries;
}

static void kfn_get_channels(struct net_device *netdev, struct ethtool_channels *channels)
{
	channels->max_combined = 1;
	channels->combined_count = 1;
}

static int kfn_get_coalesce(struct net_device *netdev, struct ethtool_coalesce *coalesce,
			    struct kernel_ethtool_coalesce *kernel_coalesce,
			    struct netlink_ext_ack *extack)
{
	struct kfn *kf = netdev_priv(netdev);

	coalesce->tx_max_coalesced_frames = READ_ONCE(kf->tx.frames);
	return 0;
}

static int kfn_set_coalesce(struct net_device *netdev, struct ethtool_coalesce *coalesce,
			    struct kernel_ethtool_coalesce *kernel_coalesce,
			    struct netlink_ext_ack *extack)
{
	struct kfn *kf = netdev_priv(netdev);

	WRITE_ONCE(kf->tx.frames, coalesce->tx_max_coalesced_frames);
	return 0;
}

static int kfn_get_tunable(struct net_device *netdev, const struct ethtool_tunable *tunable,
			   void *data)
{
	struct kfn *kf = netdev_priv(netdev);

	if (tunable->id != ETHTOOL_RX_COPYBREAK)
		return -EOPNOTSUPP;
	*(u32 *)data = READ_ONCE(kf->rx.copybreak);
	return 0;
}

static int kfn_set_tunable(struct net_device *netdev, const struct ethtool_tunable *tunable,
			   const void *data)
{
	struct kfn *kf = netdev_priv(netdev);

	if (tunable->id != ETHTOOL_RX_COPYBREAK)
		return -EOPNOTSUPP;
	WRITE_ONCE(kf->rx.copybreak, *(const u32 *)data);
	return 0;
}

static int kfn_get_link_ksettings(struct net_device *netdev,
				  struct ethtool_link_ksettings *settings)
{
	settings->base.speed = SPEED_UNKNOWN;
	settings->base.duplex = DUPLEX_FULL;
	settings->base.port = PORT_OTHER;
	return 0;
}

/* What ethtool shows and sets. */
const struct ethtool_ops kfn_ethtool_ops = {
	.supported_coalesce_params = ETHTOOL_COALESCE_TX_MAX_FRAMES,
	.get_channels = kfn_get_channels,
	.get_coalesce = kfn_get_coalesce,
	.get_drvinfo = kfn_get_drvinfo,
	.get_ethtool_stats = kfn_get_ethtool_stats,
	.get_link = ethtool_op_get_link,
	.get_link_ksettings = kfn_get_link_ksettings,
	.get_ringparam = kfn_get_ringparam,
	.get_sset_count = kfn_get_sset_count,
	.get_strings = kfn_get_strings,
	.get_ts_info = ethtool_op_get_ts_info,
	.get_tunable = kfn_get_tunable,
	.set_coalesce = kfn_set_coalesce,
	.set_tunable = kfn_set_tunable,
};
