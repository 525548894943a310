// SPDX-License-Identifier: GPL-2.0
/*
 * kvmflip: network devices of the host, through which it reaches the guests.
 *
 * There is one for each port. It is to a guest what a tap is: what the host
 * sends on it is received by the guest, and what the guest sends comes out of it.
 */

#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "main.h"
#include "netdev.h"
#include "nic.h"
#include "port.h"

/* Frames of a guest that may wait to be received. */
#define KF_BACKLOG	1024

/* What libvirt gives a tap, so that a bridge never takes it as its own address. */
#define KF_MAC_FIRST	0xfe
#define KF_MAC_OTHER	0xfa

static struct kvmflip_netdev *kf_netdev(const struct kvmflip_port *port)
{
	return port->netdev ? netdev_priv(port->netdev) : NULL;
}

static int kf_open(struct net_device *dev)
{
	struct kvmflip_netdev *nd = netdev_priv(dev);

	napi_enable(&nd->napi);
	spin_lock_bh(&nd->backlog.lock);
	nd->up = true;
	spin_unlock_bh(&nd->backlog.lock);
	netif_tx_start_all_queues(dev);
	return 0;
}

static int kf_stop(struct net_device *dev)
{
	struct kvmflip_netdev *nd = netdev_priv(dev);

	netif_tx_disable(dev);
	spin_lock_bh(&nd->backlog.lock);
	nd->up = false;
	spin_unlock_bh(&nd->backlog.lock);
	napi_disable(&nd->napi);
	skb_queue_purge(&nd->backlog);
	return 0;
}

static netdev_tx_t kf_xmit(struct sk_buff *skb, struct net_device *dev)
{
	dev_core_stats_tx_dropped_inc(dev);
	kfree_skb(skb);
	return NETDEV_TX_OK;
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
	.ndo_open		= kf_open,
	.ndo_stop		= kf_stop,
	.ndo_start_xmit		= kf_xmit,
	.ndo_validate_addr	= eth_validate_addr,
	.ndo_set_mac_address	= eth_mac_addr,
};

static void kf_setup(struct net_device *dev)
{
	struct kvmflip_netdev *nd = netdev_priv(dev);

	ether_setup(dev);
	nd->dev = dev;
	dev->netdev_ops = &kf_netdev_ops;
	dev->needs_free_netdev = true;
	dev->pcpu_stat_type = NETDEV_PCPU_STAT_TSTATS;
	dev->priv_flags |= IFF_LIVE_ADDR_CHANGE;
	dev->priv_flags &= ~IFF_TX_SKB_SHARING;
	skb_queue_head_init(&nd->backlog);
	netif_napi_add(dev, &nd->napi, kf_poll);
}

static void kf_address(struct net_device *dev, const u8 *guest)
{
	u8 addr[ETH_ALEN];

	ether_addr_copy(addr, guest);
	addr[0] = addr[0] == KF_MAC_FIRST ? KF_MAC_OTHER : KF_MAC_FIRST;
	eth_hw_addr_set(dev, addr);
}

static int kf_alias(struct net_device *dev, const char *name)
{
	char alias[IFALIASZ];
	int len = scnprintf(alias, sizeof(alias), "kvmflip port %s", name);

	return dev_set_alias(dev, alias, len);
}

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
	kf_address(dev, port->config.mac);
	netif_carrier_off(dev);
	err = kf_alias(dev, port->name);
	if (err >= 0)
		err = register_netdevice(dev);
	if (err) {
		NL_SET_ERR_MSG(extack, "the network device of the port cannot be made");
		free_netdev(dev);
		return err;
	}
	port->netdev = dev;
	return 0;
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
	if (!port->netdev)
		return;
	if (on)
		netif_carrier_on(port->netdev);
	else
		netif_carrier_off(port->netdev);
}

/**
 * kvmflip_netdev_kick - the guest has made room for frames
 * @port: port that is open
 *
 * Context: any.
 */
void kvmflip_netdev_kick(struct kvmflip_port *port)
{
}

/**
 * kvmflip_netdev_receive - the guest has sent a frame
 * @port: port that is open
 * @skb: the frame with its Ethernet header, which is consumed
 *
 * Context: process context.
 */
void kvmflip_netdev_receive(struct kvmflip_port *port, struct sk_buff *skb)
{
	struct kvmflip_netdev *nd = kf_netdev(port);
	u32 len = skb->len;
	bool up = false;

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
		napi_schedule(&nd->napi);
	} else {
		dev_core_stats_rx_dropped_inc(nd->dev);
		kfree_skb(skb);
	}
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

	return nd && skb_queue_len_lockless(&nd->backlog) >= KF_BACKLOG;
}
