// SPDX-License-Identifier: GPL-2.0
/*
 * kvmflip: network devices of the host, through which it reaches the guests.
 *
 * There is one for each port. It is to a guest what a tap is: what the host
 * sends on it is received by the guest, and what the guest sends comes out of it.
 */

#include <kunit/static_stub.h>
#include <linux/error-injection.h>
#include <linux/etherdevice.h>
#include <linux/if_arp.h>
#include <linux/if_vlan.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/xdp.h>

#include "../compat.h"
#include "ethtool.h"
#include "main.h"
#include "netdev.h"
#include "nic.h"
#include "port.h"

/* Frames of a guest that may wait to be received. */
#define KF_BACKLOG	1024

/* So many that wait are received at once, whether there are more to come or not. */
#define KF_FLUSH	NAPI_POLL_WEIGHT

/* What libvirt gives a tap, so that a bridge never takes it as its own address. */
#define KF_MAC_FIRST	0xfe
#define KF_MAC_OTHER	0xfa

#define KF_FEATURES	(NETIF_F_SG | NETIF_F_FRAGLIST | NETIF_F_HIGHDMA | NETIF_F_HW_CSUM | \
			 NETIF_F_TSO | NETIF_F_TSO6 | NETIF_F_TSO_ECN)

/* The name of a device changes under rtnl, and is asked for without. */
static DEFINE_SPINLOCK(kf_names_lock);

static struct kvmflip_netdev *kf_netdev(const struct kvmflip_port *port)
{
	return port->netdev ? netdev_priv(port->netdev) : NULL;
}

/* The guest is told of what it sees in its registers. */
static void kf_changed(struct kvmflip_netdev *nd)
{
	kvmflip_port_lock(nd->port);
	kvmflip_port_config_changed(nd->port);
	kvmflip_port_unlock(nd->port);
}

static void kf_set_up(struct kvmflip_netdev *nd, bool up)
{
	spin_lock_bh(&nd->backlog.lock);
	nd->up = up;
	spin_unlock_bh(&nd->backlog.lock);
}

static int kf_open(struct net_device *dev)
{
	struct kvmflip_netdev *nd = netdev_priv(dev);

	napi_enable(&nd->napi);
	kf_set_up(nd, true);
	kvmflip_inject_start(&nd->inject);
	netif_tx_start_all_queues(dev);
	kf_changed(nd);
	return 0;
}

static int kf_stop(struct net_device *dev)
{
	struct kvmflip_netdev *nd = netdev_priv(dev);

	netif_tx_disable(dev);
	kvmflip_inject_stop(&nd->inject);
	kf_set_up(nd, false);
	napi_disable(&nd->napi);
	skb_queue_purge(&nd->backlog);
	kf_changed(nd);
	return 0;
}

static int kf_init(struct net_device *dev)
{
	struct kvmflip_netdev *nd = netdev_priv(dev);

	return kvmflip_inject_init(&nd->inject, nd->port, dev);
}

static void kf_uninit(struct net_device *dev)
{
	struct kvmflip_netdev *nd = netdev_priv(dev);

	kvmflip_inject_destroy(&nd->inject);
}

static netdev_tx_t kf_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct kvmflip_netdev *nd = netdev_priv(dev);

	kvmflip_inject_skb(&nd->inject, skb);
	return NETDEV_TX_OK;
}

static int kf_xdp_xmit(struct net_device *dev, int n, struct xdp_frame **frames, u32 flags)
{
	struct kvmflip_netdev *nd = netdev_priv(dev);
	int i, sent;

	if (flags & ~XDP_XMIT_FLAGS_MASK)
		return -EINVAL;
	if (!netif_running(dev) || !netif_carrier_ok(dev))
		return -ENETDOWN;
	sent = kvmflip_inject_xdp(&nd->inject, frames, n, flags & XDP_XMIT_FLUSH);
	for (i = sent; i < n; i++)
		dev_core_stats_tx_dropped_inc(dev);
	return sent;
}

/* What the guest's driver does not do, the stack does. */
static netdev_features_t kf_features_check(struct sk_buff *skb, struct net_device *dev,
					   netdev_features_t features)
{
	struct kvmflip_netdev *nd = netdev_priv(dev);
	u32 accepted = READ_ONCE(nd->port->features);

	if (!(accepted & KVMFLIP_F_RX_GSO))
		features &= ~NETIF_F_GSO_MASK;
	if (!(accepted & KVMFLIP_F_RX_CSUM))
		features &= ~(NETIF_F_CSUM_MASK | NETIF_F_GSO_MASK);
	return vlan_features_check(skb, features);
}

static int kf_change_mtu(struct net_device *dev, int mtu)
{
	WRITE_ONCE(dev->mtu, mtu);
	kf_changed(netdev_priv(dev));
	return 0;
}

static int kf_poll(struct napi_struct *napi, int budget)
{
	struct kvmflip_netdev *nd = container_of(napi, struct kvmflip_netdev, napi);
	struct sk_buff *skb;
	int done = 0;

	while (done < budget) {
		skb = skb_dequeue(&nd->backlog);
		if (!skb)
			break;
		napi_gro_receive(napi, skb);
		done++;
	}
	if (done < budget && napi_complete_done(napi, done) && !skb_queue_empty(&nd->backlog))
		napi_schedule(napi);
	return done;
}

static const struct net_device_ops kf_netdev_ops = {
	.ndo_init		= kf_init,
	.ndo_uninit		= kf_uninit,
	.ndo_open		= kf_open,
	.ndo_stop		= kf_stop,
	.ndo_start_xmit		= kf_xmit,
	.ndo_xdp_xmit		= kf_xdp_xmit,
	.ndo_features_check	= kf_features_check,
	.ndo_change_mtu		= kf_change_mtu,
	.ndo_validate_addr	= eth_validate_addr,
	.ndo_set_mac_address	= eth_mac_addr,
};

static void kf_setup(struct net_device *dev)
{
	struct kvmflip_netdev *nd = netdev_priv(dev);

	ether_setup(dev);
	nd->dev = dev;
	dev->netdev_ops = &kf_netdev_ops;
	dev->ethtool_ops = &kvmflip_ethtool_ops;
	dev->needs_free_netdev = true;
	dev->pcpu_stat_type = NETDEV_PCPU_STAT_TSTATS;
	dev->priv_flags |= IFF_LIVE_ADDR_CHANGE;
	dev->priv_flags &= ~IFF_TX_SKB_SHARING;
	dev->hw_features = KF_FEATURES;
	dev->features = KF_FEATURES;
	dev->vlan_features = KF_FEATURES;
	dev->xdp_features = NETDEV_XDP_ACT_NDO_XMIT | NETDEV_XDP_ACT_NDO_XMIT_SG;
	netif_set_tso_max_size(dev, KVMFLIP_FRAME_MAX);
	skb_queue_head_init(&nd->backlog);
	netif_napi_add(dev, &nd->napi, kf_poll);
}

static void kf_address(u8 *addr, const u8 *guest)
{
	ether_addr_copy(addr, guest);
	addr[0] = guest[0] == KF_MAC_FIRST ? KF_MAC_OTHER : KF_MAC_FIRST;
}

static void kf_set_name(struct kvmflip_netdev *nd)
{
	ASSERT_RTNL();

	spin_lock(&kf_names_lock);
	strscpy(nd->name, nd->dev->name);
	spin_unlock(&kf_names_lock);
}

static noinline int kf_alias(struct net_device *dev, const char *name)
{
	char alias[IFALIASZ];
	int len = scnprintf(alias, sizeof(alias), "kvmflip port %s", name);

	return dev_set_alias(dev, alias, len);
}
ALLOW_ERROR_INJECTION(kf_alias, ERRNO);

/**
 * kvmflip_netdev_add - make the network device of a port
 * @port: port without one
 * @net: network namespace that it is to be in
 * @extack: for the reason of an error
 *
 * Context: may sleep; rtnl and kvmflip_lock are held.
 * Return: 0 or an error.
 */
int kvmflip_netdev_add(struct kvmflip_port *port, struct net *net,
		       struct netlink_ext_ack *extack)
{
	struct kvmflip_netdev *nd;
	struct net_device *dev;
	u8 addr[ETH_ALEN];
	int err;

	ASSERT_RTNL();
	lockdep_assert_held(&kvmflip_lock);

	dev = alloc_netdev(sizeof(*nd), "kf%d", NET_NAME_ENUM, kf_setup);
	if (!dev)
		return -ENOMEM;
	nd = netdev_priv(dev);
	nd->port = port;
	dev_net_set(dev, net);
	dev->min_mtu = ETH_MIN_MTU;
	dev->max_mtu = kvmflip_nic_mtu(port->pool);
	kf_address(addr, port->config.mac);
	eth_hw_addr_set(dev, addr);
	netif_carrier_off(dev);
	err = kf_alias(dev, port->name);
	if (err >= 0)
		err = register_netdevice(dev);
	if (err) {
		NL_SET_ERR_MSG(extack, "the network device of the port cannot be made");
		/* Nobody else frees that of a device that never was. */
		dev_set_alias(dev, NULL, 0);
		free_netdev(dev);
		return err;
	}
	port->netdev = dev;
	return 0;
}
ALLOW_ERROR_INJECTION(kvmflip_netdev_add, ERRNO);

/**
 * kvmflip_netdev_readdress - the guest has another address
 * @port: port
 * @old: address it had before
 *
 * The device's follows, unless somebody has given it one that was not made of the
 * guest's.
 *
 * Context: may sleep; rtnl and kvmflip_lock are held.
 */
void kvmflip_netdev_readdress(struct kvmflip_port *port, const u8 *old)
{
	struct sockaddr_storage addr = { .ss_family = ARPHRD_ETHER };
	u8 before[ETH_ALEN];

	ASSERT_RTNL();

	kf_address(before, old);
	if (!port->netdev || !ether_addr_equal(port->netdev->dev_addr, before))
		return;
	kf_address((u8 *)&addr.__data, port->config.mac);
	if (dev_set_mac_address(port->netdev, kvmflip_compat_sockaddr(&addr), NULL))
		netdev_warn(port->netdev, "the address could not be changed\n");
}

/**
 * kvmflip_netdev_del - remove the network device of a port
 * @port: port that no VMM has open
 *
 * Context: may sleep; kvmflip_lock is held, and rtnl if there is one.
 */
void kvmflip_netdev_del(struct kvmflip_port *port)
{
	lockdep_assert_held(&kvmflip_lock);

	if (!port->netdev)
		return;
	ASSERT_RTNL();
	unregister_netdevice(port->netdev);
	port->netdev = NULL;
}

/**
 * kvmflip_netdev_name - what the network device of a port is called
 * @port: port that has one
 * @name: to fill in
 *
 * Context: process context; kvmflip_lock is held.
 */
void kvmflip_netdev_name(const struct kvmflip_port *port, char name[IFNAMSIZ])
{
	spin_lock(&kf_names_lock);
	strscpy(name, kf_netdev(port)->name, IFNAMSIZ);
	spin_unlock(&kf_names_lock);
}

/**
 * kvmflip_netdev_is - is a network device that of a port?
 * @dev: network device
 *
 * Return: true or false.
 */
bool kvmflip_netdev_is(const struct net_device *dev)
{
	return dev->netdev_ops == &kf_netdev_ops;
}

/**
 * kvmflip_netdev_is_up - may frames pass between host and guest?
 * @port: port
 *
 * Context: any; the port is open, or kvmflip_lock is held.
 * Return: true if its network device is up, or if it has none.
 */
bool kvmflip_netdev_is_up(const struct kvmflip_port *port)
{
	return !port->netdev || netif_running(port->netdev);
}

/**
 * kvmflip_netdev_mtu - longest packet
 * @port: port
 *
 * Context: any; the port is open, or kvmflip_lock is held.
 * Return: bytes, without Ethernet header.
 */
u32 kvmflip_netdev_mtu(const struct kvmflip_port *port)
{
	return port->netdev ? READ_ONCE(port->netdev->mtu) : ETH_DATA_LEN;
}

/**
 * kvmflip_netdev_carrier - the guest's driver is ready for frames, or no longer
 * @port: port that is open, or being closed
 * @on: whether it is
 *
 * Context: any.
 */
void kvmflip_netdev_carrier(struct kvmflip_port *port, bool on)
{
	struct kvmflip_netdev *nd = kf_netdev(port);

	if (!nd)
		return;
	if (on) {
		netif_carrier_on(nd->dev);
	} else {
		netif_carrier_off(nd->dev);
		/* What waits for the guest waits for nothing. */
		kvmflip_inject_kick(&nd->inject);
	}
}

/**
 * kvmflip_netdev_kick - the guest has made room for frames
 * @port: port that is open
 *
 * Context: any.
 */
void kvmflip_netdev_kick(struct kvmflip_port *port)
{
	struct kvmflip_netdev *nd = kf_netdev(port);

	if (nd)
		kvmflip_inject_room(&nd->inject);
}

/**
 * kvmflip_netdev_receive - the guest has sent a frame
 * @port: port that is open
 * @skb: the frame with its Ethernet header, which is consumed
 *
 * It may wait for others, so that GRO makes one of them: kvmflip_netdev_flush() is
 * to be called after the last one.
 *
 * Context: process context.
 */
void kvmflip_netdev_receive(struct kvmflip_port *port, struct sk_buff *skb)
{
	struct kvmflip_netdev *nd = kf_netdev(port);
	struct kvmflip_delta delta = {};
	u32 len = skb->len;
	bool up;

	KUNIT_STATIC_STUB_REDIRECT(kvmflip_netdev_receive, port, skb);
	if (!nd) {
		kfree_skb(skb);
		return;
	}
	skb->protocol = eth_type_trans(skb, nd->dev);
	skb_record_rx_queue(skb, 0);

	local_bh_disable();
	spin_lock(&nd->backlog.lock);
	up = nd->up;
	if (up)
		__skb_queue_tail(&nd->backlog, skb);
	spin_unlock(&nd->backlog.lock);
	if (up) {
		dev_sw_netstats_rx_add(nd->dev, len);
		if (skb_queue_len_lockless(&nd->backlog) >= KF_FLUSH)
			napi_schedule(&nd->napi);
	} else {
		dev_core_stats_rx_dropped_inc(nd->dev);
		kfree_skb(skb);
	}
	local_bh_enable();
	if (!up)
		return;
	delta.v[KVMFLIP_A_STATS_FROM_GUEST] = 1;
	delta.v[KVMFLIP_A_STATS_FROM_GUEST_BYTES] = len;
	kvmflip_stats_add(&port->stats, &delta);
}

/**
 * kvmflip_netdev_flush - the guest has sent all its frames for now
 * @port: port that is open
 *
 * Context: process context.
 */
void kvmflip_netdev_flush(struct kvmflip_port *port)
{
	struct kvmflip_netdev *nd = kf_netdev(port);

	if (!nd || skb_queue_empty_lockless(&nd->backlog))
		return;
	local_bh_disable();
	napi_schedule(&nd->napi);
	local_bh_enable();
}

/**
 * kvmflip_netdev_backlogged - is the host behind with what the guest has sent?
 * @port: port that is open
 *
 * Context: any.
 * Return: true if it is better to leave what else there is in the TX ring.
 */
bool kvmflip_netdev_backlogged(const struct kvmflip_port *port)
{
	const struct kvmflip_netdev *nd = kf_netdev(port);

	KUNIT_STATIC_STUB_REDIRECT(kvmflip_netdev_backlogged, port);
	return nd && skb_queue_len_lockless(&nd->backlog) >= KF_BACKLOG;
}

static int kf_event(struct notifier_block *nb, unsigned long event, void *ptr)
{
	struct net_device *dev = netdev_notifier_info_to_dev(ptr);

	/* A device that is moved may have to take another name. */
	if (kvmflip_netdev_is(dev) && (event == NETDEV_CHANGENAME || event == NETDEV_REGISTER))
		kf_set_name(netdev_priv(dev));
	return NOTIFY_DONE;
}

static struct notifier_block kf_notifier = {
	.notifier_call = kf_event,
};

/**
 * kvmflip_netdev_init - get ready for network devices
 *
 * Return: 0 or an error.
 */
int kvmflip_netdev_init(void)
{
	return register_netdevice_notifier(&kf_notifier);
}

/**
 * kvmflip_netdev_exit - there will be no network devices any more
 */
void kvmflip_netdev_exit(void)
{
	unregister_netdevice_notifier(&kf_notifier);
}
