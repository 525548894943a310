// SPDX-License-Identifier: GPL-2.0
/*
 * kvmflip_net: what the host changes while the interface is up: link, MTU, address;
 * and what is done when the device has failed.
 */

#include <linux/etherdevice.h>
#include <linux/rtnetlink.h>

#include "device.h"
#include "link.h"
#include "netdev.h"

/* A device that fails again and again is not restarted more often. */
#define KFN_RESTART_INTERVAL	(5 * HZ)

/* How long what was received may wait to be read before a restart loses it. */
#define KFN_RESTART_PATIENCE_MS	2000

static void kfn_follow_mac(struct kfn *kf)
{
	u8 mac[ETH_ALEN];

	kfn_device_mac(kf, mac);
	if (!is_valid_ether_addr(mac) || ether_addr_equal(mac, kf->netdev->dev_addr))
		return;
	eth_hw_addr_set(kf->netdev, mac);
	call_netdevice_notifiers(NETDEV_CHANGEADDR, kf->netdev);
}

static void kfn_follow_mtu(struct kfn *kf)
{
	struct net_device *netdev = kf->netdev;
	u32 mtu = kfn_device_mtu(kf);
	bool follow = netdev->mtu == netdev->max_mtu;

	if (mtu == netdev->max_mtu)
		return;
	netdev->max_mtu = mtu;
	if (follow || netdev->mtu > mtu)
		dev_set_mtu(netdev, mtu);
}

/**
 * kfn_link_follow - look at link, MTU, address, and what may be held
 * @kf: device that runs
 *
 * Context: may sleep; rtnl.
 */
void kfn_link_follow(struct kfn *kf)
{
	ASSERT_RTNL();

	kfn_follow_mac(kf);
	kfn_follow_mtu(kf);
	kfn_rx_set_limits(kf);
	if (!(kf->accepted & KVMFLIP_F_CONFIG) ||
	    kfn_read(kf, KVMFLIP_REG_LINK) & KVMFLIP_LINK_UP)
		netif_carrier_on(kf->netdev);
	else
		netif_carrier_off(kf->netdev);
}

static void kfn_config_work(struct work_struct *work)
{
	struct kfn *kf = container_of(work, struct kfn, config_work);

	rtnl_lock();
	if (kf->up) {
		if (kfn_device_runs(kf))
			kfn_link_follow(kf);
		else
			kfn_netdev_broken(kf, "device");
	}
	rtnl_unlock();
}

/* The interface is down, and what was received and kept has been read. */
static void kfn_idle_work(struct work_struct *work)
{
	struct kfn *kf = container_of(work, struct kfn, idle_work);

	rtnl_lock();
	if (kf->running && !kf->up && !kfn_slots_held(kf))
		kfn_device_reset(kf);
	rtnl_unlock();
}

static void kfn_restart_work(struct work_struct *work)
{
	struct kfn *kf = container_of(to_delayed_work(work), struct kfn, restart_work);
	struct net_device *netdev = kf->netdev;

	rtnl_lock();
	if (!netif_running(netdev) || !netif_device_present(netdev))
		goto out;
	if (kf->up)
		kfn_netdev_halt(kf);
	if (!kfn_slots_wait(kf, KFN_RESTART_PATIENCE_MS))
		netdev_warn(netdev, "what was received and not read yet is lost\n");
	kfn_device_reset(kf);
	kf->restarted = jiffies;
	if (kfn_netdev_go(kf))
		queue_delayed_work(system_freezable_wq, &kf->restart_work, KFN_RESTART_INTERVAL);
	else
		netdev_info(netdev, "restarted\n");
out:
	rtnl_unlock();
}

/**
 * kfn_netdev_broken - something is broken: restart the device, but not too often
 * @kf: device
 * @what: what is broken
 *
 * Context: any.
 */
void kfn_netdev_broken(struct kfn *kf, const char *what)
{
	unsigned long now = jiffies, next = READ_ONCE(kf->restarted) + KFN_RESTART_INTERVAL;

	netif_carrier_off(kf->netdev);
	if (queue_delayed_work(system_freezable_wq, &kf->restart_work,
			       time_before(now, next) ? next - now : 0))
		netdev_err(kf->netdev, "%s has failed, will be restarted\n", what);
}

/**
 * kfn_link_init - set up the works
 * @kf: device
 */
void kfn_link_init(struct kfn *kf)
{
	INIT_WORK(&kf->config_work, kfn_config_work);
	INIT_WORK(&kf->idle_work, kfn_idle_work);
	INIT_DELAYED_WORK(&kf->restart_work, kfn_restart_work);
	kf->restarted = jiffies - KFN_RESTART_INTERVAL;
}

/**
 * kfn_link_exit - no work runs any more
 * @kf: device that is reset and whose window is closed
 *
 * Context: may sleep, without rtnl.
 */
void kfn_link_exit(struct kfn *kf)
{
	cancel_work_sync(&kf->config_work);
	cancel_work_sync(&kf->idle_work);
	cancel_delayed_work_sync(&kf->restart_work);
}
