/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip: network devices that have queues attached. */
#ifndef _KVMFLIP_NIC_H
#define _KVMFLIP_NIC_H

#include <linux/list.h>
#include <linux/netdevice.h>

#include "iommu.h"

struct file;

/**
 * struct kvmflip_nic - a network device with queues attached to a pool
 * @list: in the list of NICs
 * @netdev: the device, held until the last queue is down: if it is unregistered
 *	    AF_XDP takes the queues down, and its driver waits for us
 * @tracker: of the reference to @netdev
 * @name: last known name of @netdev; kvmflip_lock too
 * @ifindex: number of @netdev
 * @pool: the pool all its queues use
 * @iommu: what it can reach of the pool; NULL if it can reach all of it
 * @link: BPF link of its XDP program, held for as long as this exists
 * @active: queues that are served
 * @users: queues that are served or not yet taken down
 *
 * Locking: rtnl protects everything.
 */
struct kvmflip_nic {
	struct list_head list;
	struct net_device *netdev;
	netdevice_tracker tracker;
	char name[IFNAMSIZ];
	int ifindex;
	struct kvmflip_pool *pool;
	struct kvmflip_iommu *iommu;
	struct file *link;
	u32 active;
	u32 users;
};

u32 kvmflip_nic_mtu(const struct kvmflip_pool *pool);
struct kvmflip_nic *kvmflip_nic_find(const struct net_device *netdev);
struct kvmflip_nic *kvmflip_nic_get(struct net_device *netdev, struct kvmflip_pool *pool,
				    struct xsk_buff_pool *xsk, int link_fd, bool exposed,
				    struct netlink_ext_ack *extack);
void kvmflip_nic_stop(struct kvmflip_nic *nic);
struct file *kvmflip_nic_put(struct kvmflip_nic *nic);

#endif /* _KVMFLIP_NIC_H */
