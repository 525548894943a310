// SPDX-License-Identifier: GPL-2.0
/*
 * kvmflip: making guests return buffers.
 *
 * A guest is asked through its return ring and with an interrupt. What it does
 * not return in time is taken from it, those buffers first that it has had for
 * longest.
 */

#include <linux/netlink.h>

#include "lease.h"
#include "main.h"
#include "port.h"
#include "reclaim.h"

/* How long a guest has to return what it is asked for. */
#define KF_GRACE		(HZ / 2)

/* Buffers revoked at once. */
#define KF_RECLAIM_BATCH	64

/* This part of a pool is asked for when it has run dry. */
#define KF_PRESSURE_SHIFT	5

/**
 * struct kf_slots - slots of a port's oldest buffers
 * @slot: the slots
 * @n: number of them
 * @max: how many are asked for
 */
struct kf_slots {
	u32 slot[KF_RECLAIM_BATCH];
	u32 n;
	u32 max;
};

static void kf_ask(struct kvmflip_port *port, u32 n)
{
	mutex_lock(&port->return_lock);
	n -= kvmflip_lease_shed(port, n);
	kvmflip_port_lock(port);
	n = min(n, READ_ONCE(port->window.mapped) - port->leased);
	kvmflip_port_unlock(port);
	if (n > port->owed) {
		kvmflip_stats_inc(&port->stats, KVMFLIP_A_STATS_RECLAIM_ASKED, n - port->owed);
		port->owed = n;
		kvmflip_return_want(&port->ret, n);
		kvmflip_port_lock(port);
		kvmflip_port_notify(port, KVMFLIP_VEC_RX);
		kvmflip_port_unlock(port);
		queue_delayed_work(kvmflip_wq, &port->reclaim_work, KF_GRACE);
	}
	mutex_unlock(&port->return_lock);
}

static bool kf_collect(struct kvmflip_buffer *buf, void *arg)
{
	struct kf_slots *slots = arg;

	slots->slot[slots->n++] = buf->slot;
	return slots->n < slots->max;
}

/**
 * kvmflip_reclaim_tell - tell a guest of slots that were revoked
 * @port: its port
 * @slots: the slots
 * @n: number of them
 *
 * Context: may sleep; &kvmflip_port.return_lock is held.
 */
void kvmflip_reclaim_tell(struct kvmflip_port *port, const u32 *slots, u32 n)
{
	u32 i;

	kvmflip_port_lock(port);
	for (i = 0; i < n && kvmflip_ring_space(&port->rx) > 0; i++)
		kvmflip_rx_put(&port->rx, slots[i], 0, 0, KVMFLIP_RX_REVOKED);
	kvmflip_ring_publish(&port->rx);
	kvmflip_port_notify(port, KVMFLIP_VEC_RX);
	kvmflip_port_unlock(port);
}

/**
 * kvmflip_reclaim_work - take what a guest owes
 * @work: &kvmflip_port.reclaim_work
 *
 * Context: may sleep.
 */
void kvmflip_reclaim_work(struct work_struct *work)
{
	struct kvmflip_port *port = container_of(to_delayed_work(work), struct kvmflip_port,
						 reclaim_work);
	struct kf_slots slots;
	LIST_HEAD(bufs);
	u32 n;

	mutex_lock(&port->return_lock);
	while (port->owed) {
		slots.n = 0;
		slots.max = min(port->owed, KF_RECLAIM_BATCH);
		kvmflip_pool_oldest(port->pool, port, kf_collect, &slots);
		if (!slots.n)
			break;
		n = kvmflip_window_revoke(&port->window, slots.slot, slots.n, &bufs);
		if (!n)
			break;
		kvmflip_lease_part(port, &bufs);
		kvmflip_pool_return(port->pool, &port->share, &bufs);
		kvmflip_stats_inc(&port->stats, KVMFLIP_A_STATS_REVOKED, n);
		kvmflip_reclaim_tell(port, slots.slot, n);
		port->owed -= n;
	}
	port->owed = 0;
	mutex_unlock(&port->return_lock);
}

/**
 * kvmflip_reclaim - ask a guest to return buffers
 * @port: its port
 * @bytes: how much; everything it has, if that is less
 * @extack: for the reason of an error
 *
 * Context: may sleep; kvmflip_lock is held.
 * Return: 0, or -ENOTCONN if no guest has the port.
 */
int kvmflip_reclaim(struct kvmflip_port *port, u64 bytes, struct netlink_ext_ack *extack)
{
	u64 n = bytes >> port->pool->buffer_shift;

	lockdep_assert_held(&kvmflip_lock);

	if (!IS_ALIGNED(bytes, 1ULL << port->pool->buffer_shift))
		n++;
	if (READ_ONCE(port->state) == KVMFLIP_PORT_STATE_CLOSED) {
		NL_SET_ERR_MSG_FMT(extack, "port %s has no guest", port->name);
		return -ENOTCONN;
	}
	kf_ask(port, min(n, (u64)U32_MAX));
	return 0;
}

static bool kf_blame(struct kvmflip_buffer *buf, void *arg)
{
	struct kvmflip_port *port = buf->holder;
	u32 *left = arg;

	/* What it was promised is its own. */
	if (port->share.held - port->asked <= port->share.min)
		return true;
	port->asked++;
	return --*left;
}

/* What a port uses least, but not what it was promised. */
static u32 kf_shed(struct kvmflip_port *port, u32 n)
{
	u32 held = READ_ONCE(port->share.held), kept = READ_ONCE(port->share.min);

	if (held <= kept)
		return 0;
	mutex_lock(&port->return_lock);
	n = kvmflip_lease_shed(port, min(n, held - kept));
	mutex_unlock(&port->return_lock);
	return n;
}

static void kf_relieve(struct kvmflip_pool *pool)
{
	u32 left = max(pool->table.nr >> KF_PRESSURE_SHIFT, 1U);
	struct kvmflip_port *port;

	list_for_each_entry(port, &kvmflip_ports, list) {
		port->asked = 0;
		if (port->pool == pool)
			left -= kf_shed(port, left);
	}
	if (!left)
		return;
	/* A port whose buffers are mapped is open, and so is in the list. */
	kvmflip_pool_oldest(pool, NULL, kf_blame, &left);
	list_for_each_entry(port, &kvmflip_ports, list)
		if (port->asked)
			kf_ask(port, port->asked);
}

static void kf_pressure_work(struct work_struct *work)
{
	struct kvmflip_pool *pool;

	mutex_lock(&kvmflip_lock);
	list_for_each_entry(pool, &kvmflip_pools, list)
		if (xchg(&pool->pressed, false))
			kf_relieve(pool);
	mutex_unlock(&kvmflip_lock);
}

static DECLARE_WORK(kf_pressure, kf_pressure_work);

/**
 * kvmflip_reclaim_pressure - a port needs a buffer, and the pool has none
 * @pool: pool
 *
 * Those that have had buffers for longest are asked for some.
 *
 * Context: any.
 */
void kvmflip_reclaim_pressure(struct kvmflip_pool *pool)
{
	WRITE_ONCE(pool->pressed, true);
	queue_work(kvmflip_wq, &kf_pressure);
}

/**
 * kvmflip_reclaim_exit - relieve no more
 *
 * Context: may sleep; there is no pressure any more.
 */
void kvmflip_reclaim_exit(void)
{
	cancel_work_sync(&kf_pressure);
}
