/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip: network devices of the host, through which it reaches the guests. */
#ifndef _KVMFLIP_NETDEV_H
#define _KVMFLIP_NETDEV_H

#include <linux/netdevice.h>

#include "inject.h"

struct kvmflip_port;
struct net;
struct netlink_ext_ack;

/**
 * struct kvmflip_netdev - private part of a port's network device
 * @port: the port, which outlives it
 * @dev: the network device
 * @name: of @dev, as it was when that last changed
 * @inject: frames on their way into the guest
 * @napi: takes frames of the guest from @backlog
 * @backlog: frames that the guest has sent; its lock protects @up too
 * @up: the device is up
 */
struct kvmflip_netdev {
	struct kvmflip_port *port;
	struct net_device *dev;
	char name[IFNAMSIZ];
	struct kvmflip_inject inject;
	struct napi_struct napi;
	struct sk_buff_head backlog;
	bool up;
};

int kvmflip_netdev_add(struct kvmflip_port *port, struct net *net,
		       struct netlink_ext_ack *extack);
void kvmflip_netdev_readdress(struct kvmflip_port *port, const u8 *old);
void kvmflip_netdev_del(struct kvmflip_port *port);
void kvmflip_netdev_name(const struct kvmflip_port *port, char name[IFNAMSIZ]);
bool kvmflip_netdev_is(const struct net_device *dev);
bool kvmflip_netdev_is_up(const struct kvmflip_port *port);
u32 kvmflip_netdev_mtu(const struct kvmflip_port *port);
void kvmflip_netdev_carrier(struct kvmflip_port *port, bool on);
void kvmflip_netdev_kick(struct kvmflip_port *port);
void kvmflip_netdev_receive(struct kvmflip_port *port, struct sk_buff *skb);
void kvmflip_netdev_flush(struct kvmflip_port *port);
bool kvmflip_netdev_backlogged(const struct kvmflip_port *port);
int kvmflip_netdev_init(void);
void kvmflip_netdev_exit(void);

#endif /* _KVMFLIP_NETDEV_H */
