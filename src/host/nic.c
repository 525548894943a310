// SPDX-License-Identifier: GPL-2.0
/* kvmflip: network devices that have queues attached. */

#include <linux/bpf.h>
#include <linux/error-injection.h>
#include <linux/file.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/xsk_buff_pool.h>

#include "../compat.h"
#include "netdev.h"
#include "nic.h"

/* Every NIC with a queue; rtnl. */
static LIST_HEAD(kf_nics);

/**
 * kvmflip_nic_find - find what is known of a network device
 * @netdev: network device
 *
 * Context: rtnl is held.
 * Return: NIC, or NULL.
 */
struct kvmflip_nic *kvmflip_nic_find(const struct net_device *netdev)
{
	struct kvmflip_nic *nic;

	ASSERT_RTNL();

	list_for_each_entry(nic, &kf_nics, list)
		if (nic->netdev == netdev)
			return nic;
	return NULL;
}

/**
 * kvmflip_nic_mtu - longest packet of a NIC that fits into a chunk
 * @pool: pool
 *
 * Return: bytes, without Ethernet header and VLAN tags.
 */
u32 kvmflip_nic_mtu(const struct kvmflip_pool *pool)
{
	return (1U << pool->chunk_shift) - XDP_PACKET_HEADROOM - ETH_HLEN - 2 * VLAN_HLEN;
}

static int kf_check_netdev(struct net_device *netdev, const struct kvmflip_pool *pool,
			   struct netlink_ext_ack *extack)
{
	if (kvmflip_netdev_is(netdev)) {
		NL_SET_ERR_MSG_FMT(extack, "%s is the host's side of a port", netdev->name);
		return -EINVAL;
	}
	if (netdev->features & NETIF_F_HW_VLAN_CTAG_RX) {
		NL_SET_ERR_MSG_FMT(extack, "turn VLAN stripping off: ethtool -K %s rxvlan off",
				   netdev->name);
		return -EINVAL;
	}
	if (netdev->mtu > kvmflip_nic_mtu(pool)) {
		NL_SET_ERR_MSG_FMT(extack, "the mtu is too large: ip link set %s mtu %u",
				   netdev->name, kvmflip_nic_mtu(pool));
		return -EMSGSIZE;
	}
	return 0;
}

/*
 * Some other file could be what holds the queue's socket, and as it is kept until that has
 * gone, the queue would never end.
 */
static struct file *kf_link_file(int fd)
{
	struct bpf_link *link = bpf_link_get_from_fd(fd);
	struct file *file;

	if (IS_ERR(link))
		return ERR_CAST(link);
	file = fget(fd);
	if (file && file->private_data != link) {
		fput(file);
		file = NULL;
	}
	bpf_link_put(link);
	return file ?: ERR_PTR(-EBADF);
}

static struct kvmflip_nic *kf_nic_new(struct net_device *netdev, struct kvmflip_pool *pool,
				      struct xsk_buff_pool *xsk, int link_fd, bool exposed,
				      struct netlink_ext_ack *extack)
{
	struct kvmflip_nic *nic;
	int err;

	err = kf_check_netdev(netdev, pool, extack);
	if (err)
		return ERR_PTR(err);

	nic = kzalloc_obj(*nic);
	if (!nic)
		return ERR_PTR(-ENOMEM);
	nic->link = link_fd < 0 ? NULL : kf_link_file(link_fd);
	if (IS_ERR(nic->link)) {
		NL_SET_ERR_MSG(extack, "link-fd is not a BPF link");
		err = PTR_ERR(nic->link);
		goto err_free;
	}
	/* The guests' addresses are not the device's. */
	err = dev_set_promiscuity(netdev, 1);
	if (err)
		goto err_link;
	nic->iommu = exposed ? NULL : kvmflip_iommu_attach(pool, xsk, extack);
	if (IS_ERR(nic->iommu)) {
		err = PTR_ERR(nic->iommu);
		goto err_promiscuity;
	}
	nic->pool = pool;
	nic->ifindex = netdev->ifindex;
	strscpy(nic->name, netdev->name);
	nic->netdev = netdev;
	netdev_hold(netdev, &nic->tracker, GFP_KERNEL);
	list_add_tail(&nic->list, &kf_nics);
	return nic;

err_promiscuity:
	dev_set_promiscuity(netdev, -1);
err_link:
	if (nic->link)
		fput(nic->link);
err_free:
	kfree(nic);
	return ERR_PTR(err);
}

/**
 * kvmflip_nic_get - use a NIC for one more queue
 * @netdev: network device
 * @pool: pool of the queue
 * @xsk: AF_XDP's view of the pool for the queue, nothing posted yet
 * @link_fd: BPF link of the XDP program, or -1
 * @exposed: the NIC may reach all of the pool
 * @extack: for the reason of an error
 *
 * After this the queue is to be served: it has other addresses than before.
 *
 * Context: may sleep; rtnl is held.
 * Return: NIC with one more active queue; an error otherwise.
 */
struct kvmflip_nic *kvmflip_nic_get(struct net_device *netdev, struct kvmflip_pool *pool,
				    struct xsk_buff_pool *xsk, int link_fd, bool exposed,
				    struct netlink_ext_ack *extack)
{
	struct kvmflip_nic *nic = kvmflip_nic_find(netdev);

	if (!nic) {
		nic = kf_nic_new(netdev, pool, xsk, link_fd, exposed, extack);
		if (IS_ERR(nic))
			return nic;
	} else if (!nic->active) {
		NL_SET_ERR_MSG_FMT(extack, "%s is still being detached", netdev->name);
		return ERR_PTR(-EBUSY);
	} else if (nic->pool != pool) {
		NL_SET_ERR_MSG_FMT(extack, "%s has queues attached to pool %s", netdev->name,
				   nic->pool->name);
		return ERR_PTR(-EBUSY);
	} else if (nic->iommu && !kvmflip_iommu_share(nic->iommu, xsk)) {
		NL_SET_ERR_MSG(extack, "the queue does not share the memory of the others");
		return ERR_PTR(-EINVAL);
	}
	nic->active++;
	nic->users++;
	return nic;
}
ALLOW_ERROR_INJECTION(kvmflip_nic_get, ERRNO);

/**
 * kvmflip_nic_stop - a queue is no longer served
 * @nic: NIC with an active queue
 *
 * After the last one the device reaches no buffer any more.
 *
 * Context: may sleep; rtnl is held.
 */
void kvmflip_nic_stop(struct kvmflip_nic *nic)
{
	ASSERT_RTNL();

	if (--nic->active)
		return;
	dev_set_promiscuity(nic->netdev, -1);
	if (nic->iommu)
		kvmflip_iommu_detach(nic->iommu);
}

/**
 * kvmflip_nic_put - a queue has been taken down
 * @nic: NIC
 *
 * Context: may sleep; rtnl is held.
 * Return: the link's file if the NIC was freed, to be released without rtnl,
 * which that takes; NULL otherwise.
 */
struct file *kvmflip_nic_put(struct kvmflip_nic *nic)
{
	struct file *link = nic->link;

	ASSERT_RTNL();

	if (--nic->users)
		return NULL;
	list_del(&nic->list);
	if (nic->iommu)
		kvmflip_iommu_free(nic->iommu);
	netdev_put(nic->netdev, &nic->tracker);
	kfree(nic);
	return link;
}
