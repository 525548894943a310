// SPDX-License-Identifier: GPL-2.0
/* kvmflip: receive queues of NICs that write into a pool. */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/ethtool.h>
#include <linux/file.h>
#include <linux/idr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/suspend.h>
#include <net/xdp_sock.h>
#include <net/xdp_sock_drv.h>

#include "../compat.h"
#include "event.h"
#include "main.h"
#include "rxq.h"
#include "serve.h"
#include "steer.h"

/* The ring of a driver that does not say how large it is. */
#define KF_DRIVER_RING	1024
/* What drivers take from a fill ring before they say so. */
#define KF_FILL_SLACK	64
/* How long a driver may take to give a queue back until somebody is told. */
#define KF_DETACH	(30 * HZ)
/* Built without it fill rings run dry, which guests have to survive. */
#ifdef KVMFLIP_NO_RESERVE
#define KF_RESERVE(chunks)	((chunks) / 32)
#else
#define KF_RESERVE(chunks)	(chunks)
#endif
/* In this time a lazy IOMMU domain has forgotten what AF_XDP unmapped. */
#define KF_FLUSH_MS	20

/* Every queue that is served; changed under rtnl and kvmflip_lock. */
LIST_HEAD(kvmflip_rxqs);

/* What marks the chunks of each queue until the last of them is back. */
static DEFINE_IDA(kf_ids);

/* Where queues are taken down, which may take as long as their driver does. */
static struct workqueue_struct *kf_finish_wq;

/* Queues that are being taken down, and who waits for that. */
static LIST_HEAD(kf_finishing);
static DEFINE_SPINLOCK(kf_finishing_lock);
static DECLARE_WAIT_QUEUE_HEAD(kf_finished);

/* The host sleeps, or is about to; rtnl. */
static bool kf_sleeping;

static struct kvmflip_rxq *kf_rxq_find(const struct net_device *netdev, u32 queue)
{
	struct kvmflip_rxq *rxq;

	list_for_each_entry(rxq, &kvmflip_rxqs, list)
		if (rxq->nic->netdev == netdev && rxq->queue == queue)
			return rxq;
	return NULL;
}

/* The memory of the socket must be the pool's, page by page. */
static int kf_check_umem(const struct kvmflip_pool *pool, const struct xdp_umem *umem,
			 struct netlink_ext_ack *extack)
{
	struct kvmflip_rxq *rxq;
	u32 i;

	if (umem->npgs != pool->nr_pages || umem->chunk_size != 1U << pool->chunk_shift ||
	    umem->headroom || umem->flags & XDP_UMEM_UNALIGNED_CHUNK_FLAG) {
		NL_SET_ERR_MSG_FMT(extack, "the socket's memory is not laid out as pool %s",
				   pool->name);
		return -EINVAL;
	}
	for (i = 0; i < pool->nr_pages; i++) {
		if (umem->pgs[i] == pool->pages[i])
			continue;
		NL_SET_ERR_MSG_FMT(extack, "the socket's memory is not that of pool %s",
				   pool->name);
		return -EINVAL;
	}
	list_for_each_entry(rxq, &kvmflip_rxqs, list) {
		if (rxq->pool != pool || rxq->xsk.xs->umem == umem)
			continue;
		NL_SET_ERR_MSG_FMT(extack, "the socket does not share the UMEM of pool %s",
				   pool->name);
		return -EINVAL;
	}
	return 0;
}

/*
 * Will the NIC reach all of the pool? In copy mode, and where it has to be; a
 * steered queue does not depend on its being kept out, others may.
 */
static bool kf_exposes(const struct kvmflip_pool *pool, enum kvmflip_mode mode,
		       struct device *dev)
{
	switch (mode) {
	case KVMFLIP_MODE_COPY:
		return true;
	case KVMFLIP_MODE_STEERED:
		return pool->rxqs ? pool->exposed : !kvmflip_iommu_translates(dev);
	default:
		return false;
	}
}

/* A NIC that may write to all of a pool must not share it with strict queues. */
static int kf_check_exposed(const struct kvmflip_pool *pool, bool exposes,
			    struct netlink_ext_ack *extack)
{
	if (exposes && !pool->rxqs && !list_empty(&pool->lru)) {
		NL_SET_ERR_MSG_FMT(extack, "guests still have buffers of pool %s", pool->name);
		return -EBUSY;
	}
	if (!pool->rxqs || pool->exposed == exposes)
		return 0;
	if (exposes)
		NL_SET_ERR_MSG_FMT(extack,
				   "pool %s has queues in other modes than copy: use another pool",
				   pool->name);
	else
		NL_SET_ERR_MSG_FMT(extack, "pool %s has queues in mode copy, or without IOMMU",
				   pool->name);
	return -EBUSY;
}

static int kf_check_queue(struct net_device *netdev, const struct kvmflip_rxq_args *args,
			  struct netlink_ext_ack *extack)
{
	struct kvmflip_nic *nic = kvmflip_nic_find(netdev);
	u32 attached = nic ? nic->active : 0;

	if (kf_sleeping) {
		NL_SET_ERR_MSG(extack, "the host is about to sleep");
		return -EBUSY;
	}
	if (kf_rxq_find(netdev, args->queue)) {
		NL_SET_ERR_MSG_FMT(extack, "queue %u of %s is attached already", args->queue,
				   netdev->name);
		return -EBUSY;
	}
	if (netdev->real_num_rx_queues > attached + 1 && !args->all) {
		NL_SET_ERR_MSG_FMT(extack, "attach all %u queues, or ethtool -L %s combined 1",
				   netdev->real_num_rx_queues, netdev->name);
		return -EINVAL;
	}
	return 0;
}

/*
 * A driver that finds its fill ring empty may replay old descriptors, and then
 * no completion can be told from a replayed one. So there are always more
 * chunks posted than can be elsewhere: in the driver's ring, completed and
 * unread in the RX ring, or in our hands. When we are late the RX ring fills
 * up, and the driver drops frames in good order, or waits to be woken.
 */
static u32 kf_reserve(struct net_device *netdev, u32 rx_entries)
{
	struct kernel_ethtool_ringparam kernel_param = {};
	struct ethtool_ringparam param = { .rx_pending = KF_DRIVER_RING };

	ASSERT_RTNL();

	if (netdev->ethtool_ops->get_ringparam) {
		netdev_lock_ops(netdev);
		netdev->ethtool_ops->get_ringparam(netdev, &param, &kernel_param, NULL);
		netdev_unlock_ops(netdev);
	}
	return KF_RESERVE(rx_entries + KVMFLIP_BATCH + param.rx_pending + KF_FILL_SLACK);
}

/* Everything about the queue that rtnl and kvmflip_lock keep from changing. */
static int kf_rxq_start(struct kvmflip_rxq *rxq, struct net_device *netdev,
			const struct kvmflip_rxq_args *args, struct netlink_ext_ack *extack)
{
	struct xsk_buff_pool *xsk = xsk_get_pool_from_qid(netdev, args->queue);
	u32 got, chunks, order;
	LIST_HEAD(bufs);
	bool exposes;
	int err;

	rxq->pool = kvmflip_pool_find(args->pool);
	if (!rxq->pool) {
		NL_SET_ERR_MSG_FMT(extack, "there is no pool %s", args->pool);
		return -ENOENT;
	}
	if (rxq->xsk.xs->dev != netdev || rxq->xsk.xs->queue_id != args->queue ||
	    !xsk || rxq->xsk.xs->pool != xsk) {
		NL_SET_ERR_MSG_FMT(extack, "the socket is not bound to queue %u of %s",
				   args->queue, netdev->name);
		return -EINVAL;
	}
	err = kf_check_queue(netdev, args, extack);
	if (err)
		return err;
	err = kf_check_umem(rxq->pool, rxq->xsk.xs->umem, extack);
	if (err)
		return err;
	exposes = kf_exposes(rxq->pool, args->mode, xsk->dev);
	err = kf_check_exposed(rxq->pool, exposes, extack);
	if (err)
		return err;

	/* One buffer is filling, and another has chunks that a driver passed over. */
	order = rxq->pool->table.chunk_order;
	rxq->reserve = kf_reserve(netdev, rxq->xsk.rx.nr);
	rxq->target = ((rxq->reserve - 1) >> order) + 1 + (order ? 2 : 0);
	/* Those of one chunk do not wait for another. */
	rxq->most = order ? 2 * rxq->target : rxq->target;
	chunks = rxq->target << order;
	/* Twice, so that a driver that skips entries does not make it overflow. */
	if (rxq->xsk.fill.nr < 2 * chunks) {
		NL_SET_ERR_MSG_FMT(extack, "the fill ring has %u entries, it needs %u",
				   rxq->xsk.fill.nr, 2 * chunks);
		return -EINVAL;
	}
	if (args->mode == KVMFLIP_MODE_STEERED) {
		err = kvmflip_steer_init(rxq, args->port, extack);
		if (err)
			return err;
	}
	got = kvmflip_pool_take(rxq->pool, &bufs, rxq->target);
	if (got < rxq->target) {
		NL_SET_ERR_MSG_FMT(extack, "pool %s has %u free buffers, a queue needs %u",
				   rxq->pool->name, got, rxq->target);
		err = -ENOSPC;
		goto err_give;
	}
	err = kvmflip_serve_init(rxq);
	if (err)
		goto err_give;
	rxq->nic = kvmflip_nic_get(netdev, rxq->pool, xsk, args->link_fd, exposes, extack);
	if (IS_ERR(rxq->nic)) {
		err = PTR_ERR(rxq->nic);
		goto err_serve;
	}
	if (!rxq->pool->rxqs++)
		atomic_set(&rxq->pool->umems, 1);
	rxq->pool->exposed = exposes;
	list_add_tail(&rxq->list, &kvmflip_rxqs);
	kvmflip_serve_start(rxq, &bufs);
	return 0;

err_serve:
	kvmflip_serve_destroy(rxq);
err_give:
	kvmflip_pool_give(rxq->pool, &bufs);
	kvmflip_steer_destroy(rxq);
	return err;
}

/* Nobody serves the queue from here on, and its device reaches no buffer. */
static void kf_rxq_stop(struct kvmflip_rxq *rxq, enum kvmflip_reason reason)
{
	ASSERT_RTNL();
	lockdep_assert_held(&kvmflip_lock);

	kvmflip_event_rxq(KVMFLIP_CMD_RXQ_DETACH_NTF, rxq, reason);
	kvmflip_serve_stop(rxq);
	kvmflip_nic_stop(rxq->nic);
	spin_lock(&kf_finishing_lock);
	list_move_tail(&rxq->list, &kf_finishing);
	spin_unlock(&kf_finishing_lock);
	queue_work(kf_finish_wq, &rxq->finish);
}

/* Still being taken down, it or, for NULL, any? @rxq may be gone, so it is only compared. */
static bool kf_is_finishing(const struct kvmflip_rxq *rxq)
{
	const struct kvmflip_rxq *other;
	bool found = false;

	spin_lock(&kf_finishing_lock);
	list_for_each_entry(other, &kf_finishing, list)
		found |= !rxq || other == rxq;
	spin_unlock(&kf_finishing_lock);
	return found;
}

/*
 * AF_XDP takes a queue down from a work item of its own after the last
 * reference to the socket is gone; until then the driver may touch the chunks.
 */
static bool kf_queue_is_down(struct kvmflip_rxq *rxq, const struct xsk_buff_pool *xsk)
{
	bool down;

	rtnl_lock();
	down = xsk_get_pool_from_qid(rxq->nic->netdev, rxq->queue) != xsk;
	rtnl_unlock();
	return down;
}

static void kf_finish_work(struct work_struct *work)
{
	struct kvmflip_rxq *rxq = container_of(work, struct kvmflip_rxq, finish);
	const struct xsk_buff_pool *xsk = rxq->xsk.xs->pool;
	struct file *link;

	/*
	 * If the device is being unregistered AF_XDP hears of it after us, and
	 * has to find the socket still there.
	 */
	rtnl_lock();
	rtnl_unlock();
	kvmflip_xsk_close(&rxq->xsk);
	do
		msleep(KF_FLUSH_MS);
	while (!kf_queue_is_down(rxq, xsk));
	msleep(KF_FLUSH_MS);

	rtnl_lock();
	kvmflip_serve_drain(rxq);
	link = kvmflip_nic_put(rxq->nic);
	rtnl_unlock();
	if (link)
		__fput_sync(link);

	mutex_lock(&kvmflip_lock);
	kvmflip_steer_destroy(rxq);
	if (!--rxq->pool->rxqs)
		atomic_set(&rxq->pool->umems, 0);
	mutex_unlock(&kvmflip_lock);
	spin_lock(&kf_finishing_lock);
	list_del(&rxq->list);
	spin_unlock(&kf_finishing_lock);
	wake_up_all(&kf_finished);
	kvmflip_serve_destroy(rxq);
	ida_free(&kf_ids, rxq->id);
	kfree(rxq);
}

/**
 * kvmflip_rxq_attach - serve a queue
 * @net: network namespace of the caller
 * @args: what the user asks for
 * @extack: for the reason of an error
 *
 * Context: the process that owns the descriptors; may sleep.
 * Return: 0 or an error, of which @extack says more.
 */
int kvmflip_rxq_attach(struct net *net, const struct kvmflip_rxq_args *args,
		       struct netlink_ext_ack *extack)
{
	struct net_device *netdev;
	struct kvmflip_rxq *rxq;
	int err;

	rxq = kzalloc_obj(*rxq);
	if (!rxq)
		return -ENOMEM;
	rxq->queue = args->queue;
	rxq->mode = args->mode;
	INIT_WORK(&rxq->finish, kf_finish_work);
	kvmflip_stats_init(&rxq->stats);
	err = ida_alloc_range(&kf_ids, 1, U16_MAX, GFP_KERNEL);
	if (err < 0)
		goto err_free;
	rxq->id = err;

	err = kvmflip_xsk_open(&rxq->xsk, args->xsk_fd, args->mode != KVMFLIP_MODE_COPY,
			       &args->rx, &args->fill, extack);
	if (err)
		goto err_id;

	rtnl_lock();
	mutex_lock(&kvmflip_lock);
	netdev = __dev_get_by_index(net, args->ifindex);
	if (netdev) {
		err = kf_rxq_start(rxq, netdev, args, extack);
		if (!err)
			kvmflip_event_rxq(KVMFLIP_CMD_RXQ_ATTACH_NTF, rxq,
					  KVMFLIP_REASON_REQUEST);
	} else {
		NL_SET_ERR_MSG_FMT(extack, "there is no device %u", args->ifindex);
		err = -ENODEV;
	}
	mutex_unlock(&kvmflip_lock);
	rtnl_unlock();
	if (err)
		goto err_close;
	return 0;

err_close:
	kvmflip_xsk_close(&rxq->xsk);
err_id:
	ida_free(&kf_ids, rxq->id);
err_free:
	kfree(rxq);
	return err;
}

/**
 * kvmflip_rxq_detach - give a queue up
 * @net: network namespace of the caller
 * @ifindex: network device
 * @queue: receive queue of it
 * @extack: for the reason of an error
 *
 * Context: may sleep until the driver has given the queue back.
 * Return: 0, -ENODEV, -ENOENT; -EBUSY if the queue is given up but somebody
 * still holds its socket, so that it goes down when they let go of it.
 */
int kvmflip_rxq_detach(struct net *net, u32 ifindex, u32 queue, struct netlink_ext_ack *extack)
{
	struct net_device *netdev;
	struct kvmflip_rxq *rxq;
	int err = 0;

	rtnl_lock();
	mutex_lock(&kvmflip_lock);
	netdev = __dev_get_by_index(net, ifindex);
	rxq = netdev ? kf_rxq_find(netdev, queue) : NULL;
	if (rxq) {
		kf_rxq_stop(rxq, KVMFLIP_REASON_REQUEST);
	} else if (netdev) {
		NL_SET_ERR_MSG_FMT(extack, "queue %u of %s is not attached", queue, netdev->name);
		err = -ENOENT;
	} else {
		NL_SET_ERR_MSG_FMT(extack, "there is no device %u", ifindex);
		err = -ENODEV;
	}
	mutex_unlock(&kvmflip_lock);
	rtnl_unlock();
	if (err)
		return err;
	if (wait_event_killable_timeout(kf_finished, !kf_is_finishing(rxq), KF_DETACH) <= 0) {
		NL_SET_ERR_MSG(extack, "a process still holds the socket of the queue");
		return -EBUSY;
	}
	return 0;
}

/**
 * kvmflip_rxq_share - a socket whose UMEM others may share
 * @pool: pool
 *
 * Context: kvmflip_lock is held.
 * Return: file with a reference for the caller, or NULL if no queue is
 * attached to the pool.
 */
struct file *kvmflip_rxq_share(const struct kvmflip_pool *pool)
{
	struct kvmflip_rxq *rxq;

	lockdep_assert_held(&kvmflip_lock);

	list_for_each_entry(rxq, &kvmflip_rxqs, list)
		if (rxq->pool == pool)
			return get_file(rxq->xsk.file);
	return NULL;
}

static void kf_netdev_gone(struct net_device *netdev)
{
	struct kvmflip_nic *nic = kvmflip_nic_find(netdev);
	struct kvmflip_rxq *rxq, *next;

	if (!nic)
		return;
	mutex_lock(&kvmflip_lock);
	list_for_each_entry_safe(rxq, next, &kvmflip_rxqs, list)
		if (rxq->nic == nic)
			kf_rxq_stop(rxq, KVMFLIP_REASON_NETDEV);
	mutex_unlock(&kvmflip_lock);
}

/*
 * Without its tag a frame of one VLAN would reach the port of another. Not from
 * the notifier, which may be called with the lock of the device held.
 */
static void kf_features_work(struct work_struct *work)
{
	struct kvmflip_rxq *rxq, *next;

	rtnl_lock();
	mutex_lock(&kvmflip_lock);
	list_for_each_entry_safe(rxq, next, &kvmflip_rxqs, list) {
		if (!(rxq->nic->netdev->features & NETIF_F_HW_VLAN_CTAG_RX))
			continue;
		netdev_err(rxq->nic->netdev,
			   "kvmflip: VLAN stripping was turned on, queue %u is detached\n",
			   rxq->queue);
		kf_rxq_stop(rxq, KVMFLIP_REASON_VLAN_STRIPPING);
	}
	mutex_unlock(&kvmflip_lock);
	rtnl_unlock();
}

static DECLARE_WORK(kf_features, kf_features_work);

static void kf_netdev_renamed(struct net_device *netdev)
{
	struct kvmflip_nic *nic = kvmflip_nic_find(netdev);

	if (!nic)
		return;
	mutex_lock(&kvmflip_lock);
	strscpy(nic->name, netdev->name);
	mutex_unlock(&kvmflip_lock);
}

static int kf_netdev_event(struct notifier_block *nb, unsigned long event, void *ptr)
{
	struct net_device *netdev = netdev_notifier_info_to_dev(ptr);

	if (event == NETDEV_UNREGISTER)
		kf_netdev_gone(netdev);
	else if (event == NETDEV_CHANGENAME)
		kf_netdev_renamed(netdev);
	else if (event == NETDEV_FEAT_CHANGE)
		schedule_work(&kf_features);
	return NOTIFY_DONE;
}

static struct notifier_block kf_netdev_notifier = {
	.notifier_call = kf_netdev_event,
	/* Before AF_XDP unmaps the pool from the device. */
	.priority = 1,
};

static void kf_rxqs_stop(enum kvmflip_reason reason)
{
	struct kvmflip_rxq *rxq, *next;

	ASSERT_RTNL();

	mutex_lock(&kvmflip_lock);
	list_for_each_entry_safe(rxq, next, &kvmflip_rxqs, list)
		kf_rxq_stop(rxq, reason);
	mutex_unlock(&kvmflip_lock);
}

/*
 * A driver may come back from sleep without its program and its sockets, and when these are
 * taken down then, follow a pointer to nothing. So no queue is left when devices are put to
 * sleep, and there is no sleep if one cannot be taken down.
 */
static int kf_pm_event(struct notifier_block *nb, unsigned long event, void *unused)
{
	bool sleep = event == PM_SUSPEND_PREPARE || event == PM_HIBERNATION_PREPARE ||
		     event == PM_RESTORE_PREPARE;

	rtnl_lock();
	kf_sleeping = sleep;
	if (sleep)
		kf_rxqs_stop(KVMFLIP_REASON_SLEEP);
	rtnl_unlock();
	if (!sleep || wait_event_timeout(kf_finished, !kf_is_finishing(NULL), KF_DETACH))
		return NOTIFY_DONE;

	pr_err("no sleep: a process still holds the socket of a queue\n");
	rtnl_lock();
	kf_sleeping = false;
	rtnl_unlock();
	return notifier_from_errno(-EBUSY);
}

static struct notifier_block kf_pm_notifier = {
	.notifier_call = kf_pm_event,
};

/**
 * kvmflip_rxq_init - get ready to serve queues
 *
 * Return: 0 or an error.
 */
int kvmflip_rxq_init(void)
{
	int err;

	kf_finish_wq = alloc_workqueue("kvmflip_finish", WQ_UNBOUND, 0);
	if (!kf_finish_wq)
		return -ENOMEM;
	err = register_netdevice_notifier(&kf_netdev_notifier);
	if (err)
		goto err_wq;
	err = register_pm_notifier(&kf_pm_notifier);
	if (err)
		goto err_netdevice;
	return 0;

err_netdevice:
	unregister_netdevice_notifier(&kf_netdev_notifier);
err_wq:
	destroy_workqueue(kf_finish_wq);
	return err;
}

/**
 * kvmflip_rxq_exit - take every queue down
 *
 * Context: may sleep; nobody attaches any more.
 */
void kvmflip_rxq_exit(void)
{
	unregister_pm_notifier(&kf_pm_notifier);
	rtnl_lock();
	kf_rxqs_stop(KVMFLIP_REASON_REQUEST);
	rtnl_unlock();
	destroy_workqueue(kf_finish_wq);
	unregister_netdevice_notifier(&kf_netdev_notifier);
	cancel_work_sync(&kf_features);
}
