// SPDX-License-Identifier: GPL-2.0
/* kvmflip_net: the interface. */

#include <linux/etherdevice.h>
#include <linux/pci.h>

#include "device.h"
#include "ethtool.h"
#include "netdev.h"

static irqreturn_t kfn_rx_irq(int irq, void *arg)
{
	struct kfn *kf = arg;

	napi_schedule_irqoff(&kf->rx.napi);
	return IRQ_HANDLED;
}

static int kfn_open(struct net_device *netdev)
{
	struct kfn *kf = netdev_priv(netdev);
	int err;

	if (!kf->running) {
		err = kfn_device_start(kf);
		if (err)
			return err;
	}
	err = request_irq(pci_irq_vector(kf->pdev, KVMFLIP_VEC_RX), kfn_rx_irq, 0, netdev->name,
			  kf);
	if (err)
		goto err_reset;
	napi_enable(&kf->rx.napi);
	netif_start_queue(netdev);
	netif_carrier_on(netdev);
	/* An interrupt that came before there was a handler was lost. */
	local_bh_disable();
	napi_schedule(&kf->rx.napi);
	local_bh_enable();
	return 0;

err_reset:
	kfn_device_reset(kf);
	return err;
}

static int kfn_stop(struct net_device *netdev)
{
	struct kfn *kf = netdev_priv(netdev);

	netif_carrier_off(netdev);
	netif_tx_disable(netdev);
	free_irq(pci_irq_vector(kf->pdev, KVMFLIP_VEC_RX), kf);
	napi_disable(&kf->rx.napi);
	/* What sockets have not read yet lies in the window: it has to stay there. */
	if (!kfn_slots_held(kf))
		kfn_device_reset(kf);
	return 0;
}

static netdev_tx_t kfn_start_xmit(struct sk_buff *skb, struct net_device *netdev)
{
	dev_core_stats_tx_dropped_inc(netdev);
	dev_kfree_skb_any(skb);
	return NETDEV_TX_OK;
}

static void kfn_get_stats64(struct net_device *netdev, struct rtnl_link_stats64 *stats)
{
	struct kfn *kf = netdev_priv(netdev);
	struct kfn_rx *rx = &kf->rx;
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&rx->syncp);
		stats->rx_packets = u64_stats_read(&rx->stats.packets);
		stats->rx_bytes = u64_stats_read(&rx->stats.bytes);
		stats->rx_dropped = u64_stats_read(&rx->stats.dropped);
		stats->rx_errors = u64_stats_read(&rx->stats.bad);
	} while (u64_stats_fetch_retry(&rx->syncp, start));
}

static const struct net_device_ops kfn_netdev_ops = {
	.ndo_get_stats64 = kfn_get_stats64,
	.ndo_open = kfn_open,
	.ndo_start_xmit = kfn_start_xmit,
	.ndo_stop = kfn_stop,
	.ndo_validate_addr = eth_validate_addr,
};

/**
 * kfn_netdev_register - make the interface known
 * @kf: device that was reset
 *
 * Context: may sleep.
 * Return: 0, -EINVAL if it has no address, or what register_netdev() says.
 */
int kfn_netdev_register(struct kfn *kf)
{
	struct net_device *netdev = kf->netdev;
	u8 mac[ETH_ALEN];

	kfn_device_mac(kf, mac);
	if (!is_valid_ether_addr(mac))
		return -EINVAL;
	eth_hw_addr_set(netdev, mac);
	netdev->netdev_ops = &kfn_netdev_ops;
	netdev->ethtool_ops = &kfn_ethtool_ops;
	netdev->features = NETIF_F_HIGHDMA;
	netdev->max_mtu = ETH_DATA_LEN;
	netif_napi_add(netdev, &kf->rx.napi, kfn_rx_poll);
	netif_carrier_off(netdev);
	return register_netdev(netdev);
}
