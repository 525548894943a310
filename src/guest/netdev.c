// SPDX-License-Identifier: GPL-2.0
/*
 * kvmflip_net: the interface.
 *
 * What sockets have not read yet lies in the window, and a reset of the device takes
 * it away. So an interface that goes down is halted only, and the device is reset
 * when nothing of the window is held any more.
 */

#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/pci.h>
#include <linux/rtnetlink.h>

#include "device.h"
#include "ethtool.h"
#include "link.h"
#include "netdev.h"
#include "stats.h"
#include "xdp.h"

/* How long the queue may be stopped while the host takes nothing. */
#define KFN_WATCHDOG		(10 * HZ)

/* How long what was received may wait to be read before something is refused. */
#define KFN_HELD_PATIENCE_MS	1000

static irqreturn_t kfn_rx_irq(int irq, void *arg)
{
	struct kfn *kf = arg;

	napi_schedule_irqoff(&kf->rx.napi);
	return IRQ_HANDLED;
}

static irqreturn_t kfn_tx_irq(int irq, void *arg)
{
	struct kfn *kf = arg;

	napi_schedule_irqoff(&kf->tx.napi);
	return IRQ_HANDLED;
}

static irqreturn_t kfn_config_irq(int irq, void *arg)
{
	struct kfn *kf = arg;

	queue_work(system_freezable_wq, &kf->config_work);
	return IRQ_HANDLED;
}

/**
 * struct kfn_vector - an interrupt
 * @handler: its handler
 * @name: what it is called behind the interface's name
 */
struct kfn_vector {
	irq_handler_t handler;
	const char *name;
};

static const struct kfn_vector kfn_vector[KVMFLIP_VECS] = {
	[KVMFLIP_VEC_RX] = { kfn_rx_irq, "rx" },
	[KVMFLIP_VEC_TX] = { kfn_tx_irq, "tx" },
	[KVMFLIP_VEC_CONFIG] = { kfn_config_irq, "config" },
};

static void kfn_free_irqs(struct kfn *kf, u32 n)
{
	while (n--)
		kfree(free_irq(pci_irq_vector(kf->pdev, n), kf));
}

static int kfn_request_irqs(struct kfn *kf)
{
	char *name;
	int err;
	u32 i;

	for (i = 0; i < KVMFLIP_VECS; i++) {
		name = kasprintf(GFP_KERNEL, "%s-%s", kf->netdev->name, kfn_vector[i].name);
		err = name ? request_irq(pci_irq_vector(kf->pdev, i), kfn_vector[i].handler, 0,
					 name, kf) : -ENOMEM;
		if (err) {
			kfree(name);
			kfn_free_irqs(kf, i);
			return err;
		}
	}
	return 0;
}

/* A device that runs goes on if it can: what it holds may be wanted still. */
static int kfn_prepare(struct kfn *kf)
{
	if (kf->running && !kfn_device_runs(kf)) {
		if (kfn_slots_held(kf))
			netdev_warn(kf->netdev, "what was received and not read yet is lost\n");
		kfn_device_reset(kf);
	}
	if (kf->running && kf->accepted != kfn_device_features(kf)) {
		if (!kfn_slots_wait(kf, KFN_HELD_PATIENCE_MS))
			return -EBUSY;
		kfn_device_reset(kf);
	}
	return kf->running ? 0 : kfn_device_start(kf);
}

/**
 * kfn_netdev_go - have the device served
 * @kf: device that is not
 *
 * Context: may sleep; rtnl.
 * Return: 0, -EBUSY, -ENODEV, -EIO, -ENOMEM, or what request_irq() says.
 */
int kfn_netdev_go(struct kfn *kf)
{
	int err;

	ASSERT_RTNL();

	err = kfn_prepare(kf);
	if (err)
		return err;
	err = kfn_xdp_register(kf);
	if (err)
		goto err_reset;
	err = kfn_request_irqs(kf);
	if (err)
		goto err_xdp;
	kfn_slots_resume(kf);
	WRITE_ONCE(kf->up, true);
	napi_enable(&kf->rx.napi);
	napi_enable(&kf->tx.napi);
	kfn_link_follow(kf);
	netif_tx_start_all_queues(kf->netdev);
	/* An interrupt that came before there was a handler was lost. */
	local_bh_disable();
	napi_schedule(&kf->rx.napi);
	if (kf->accepted & KVMFLIP_F_TX)
		napi_schedule(&kf->tx.napi);
	local_bh_enable();
	return 0;

err_xdp:
	kfn_xdp_unregister(kf);
err_reset:
	if (!kfn_slots_held(kf))
		kfn_device_reset(kf);
	return err;
}

/**
 * kfn_netdev_halt - no longer serve the device, which goes on
 * @kf: device that is served
 *
 * Context: may sleep; rtnl.
 * Return: false if the host still reads what was sent, until a reset.
 */
bool kfn_netdev_halt(struct kfn *kf)
{
	bool drained;

	ASSERT_RTNL();

	netif_carrier_off(kf->netdev);
	WRITE_ONCE(kf->up, false);
	netif_tx_disable(kf->netdev);
	drained = kfn_tx_drain(kf);
	kfn_free_irqs(kf, KVMFLIP_VECS);
	napi_disable(&kf->tx.napi);
	napi_disable(&kf->rx.napi);
	kfn_slots_pause(kf);
	kfn_xdp_unregister(kf);
	return drained;
}

static int kfn_open(struct net_device *netdev)
{
	return kfn_netdev_go(netdev_priv(netdev));
}

static int kfn_stop(struct net_device *netdev)
{
	struct kfn *kf = netdev_priv(netdev);
	bool drained = true;

	if (kf->up)
		drained = kfn_netdev_halt(kf);
	if (!drained || !kfn_slots_held(kf))
		kfn_device_reset(kf);
	return 0;
}

/**
 * kfn_netdev_replace - change what a start of the device depends on
 * @kf: device
 * @change: to be called while it is reset
 * @arg: for that
 *
 * Context: may sleep; rtnl.
 * Return: false if it was not changed, because sockets do not read what was received.
 */
bool kfn_netdev_replace(struct kfn *kf, void (*change)(struct kfn *kf, void *arg), void *arg)
{
	bool idle;

	ASSERT_RTNL();

	if (!kf->up) {
		change(kf, arg);
		return true;
	}
	kfn_netdev_halt(kf);
	idle = kfn_slots_wait(kf, KFN_HELD_PATIENCE_MS);
	if (idle) {
		kfn_device_reset(kf);
		change(kf, arg);
	}
	if (kfn_netdev_go(kf))
		kfn_netdev_broken(kf, "device");
	return idle;
}

static void kfn_tx_timeout(struct net_device *netdev, unsigned int queue)
{
	struct kfn *kf = netdev_priv(netdev);

	netdev_warn(netdev, "the host has taken nothing for a while\n");
	napi_schedule(&kf->tx.napi);
	queue_work(system_freezable_wq, &kf->config_work);
}

static int kfn_change_mtu(struct net_device *netdev, int mtu)
{
	struct kfn *kf = netdev_priv(netdev);

	if (rcu_access_pointer(kf->xdp_prog) && mtu > KFN_XDP_MTU_MAX)
		return -EINVAL;
	WRITE_ONCE(netdev->mtu, mtu);
	return 0;
}

static const struct net_device_ops kfn_netdev_ops = {
	.ndo_bpf = kfn_xdp_command,
	.ndo_change_mtu = kfn_change_mtu,
	.ndo_get_stats64 = kfn_stats64,
	.ndo_open = kfn_open,
	.ndo_start_xmit = kfn_tx_xmit,
	.ndo_stop = kfn_stop,
	.ndo_tx_timeout = kfn_tx_timeout,
	.ndo_validate_addr = eth_validate_addr,
	.ndo_xdp_xmit = kfn_tx_xdp_xmit,
};

static void kfn_set_features(struct kfn *kf)
{
	struct net_device *netdev = kf->netdev;

	netdev->features = NETIF_F_HIGHDMA;
	if (kf->offered & KVMFLIP_F_TX)
		netdev->hw_features |= NETIF_F_SG;
	if (kf->offered & KVMFLIP_F_TX_CSUM)
		netdev->hw_features |= NETIF_F_HW_CSUM;
	if (kf->offered & KVMFLIP_F_TX_GSO)
		netdev->hw_features |= NETIF_F_TSO | NETIF_F_TSO6 | NETIF_F_TSO_ECN;
	if (kf->offered & KVMFLIP_F_RX_CSUM)
		netdev->hw_features |= NETIF_F_RXCSUM;
	netdev->features |= netdev->hw_features;
	netdev->vlan_features = netdev->features;
	netif_set_tso_max_size(netdev, KVMFLIP_FRAME_MAX - VLAN_ETH_HLEN - VLAN_HLEN);
	netdev->xdp_features = NETDEV_XDP_ACT_BASIC | NETDEV_XDP_ACT_REDIRECT;
	if (kf->offered & KVMFLIP_F_TX)
		netdev->xdp_features |= NETDEV_XDP_ACT_NDO_XMIT;
}

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
	if (!is_valid_ether_addr(mac)) {
		pci_err(kf->pdev, "%pM is no address\n", mac);
		return -EINVAL;
	}
	eth_hw_addr_set(netdev, mac);
	netdev->netdev_ops = &kfn_netdev_ops;
	netdev->ethtool_ops = &kfn_ethtool_ops;
	netdev->stat_ops = &kfn_stat_ops;
	netdev->watchdog_timeo = KFN_WATCHDOG;
	netdev->max_mtu = kfn_device_mtu(kf);
	netdev->mtu = netdev->max_mtu;
	kfn_set_features(kf);
	netif_napi_add(netdev, &kf->rx.napi, kfn_rx_poll);
	netif_napi_add_tx(netdev, &kf->tx.napi, kfn_tx_poll);
	netif_carrier_off(netdev);
	return register_netdev(netdev);
}
