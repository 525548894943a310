// SPDX-License-Identifier: GPL-2.0
/* kvmflip: what guests return. */

#include "lease.h"
#include "main.h"
#include "netdev.h"
#include "port.h"
#include "returns.h"

/* Slot numbers taken from a return ring at once. */
#define KF_RETURN_BATCH		64
/* Batches until others get a turn. */
#define KF_RETURN_BUDGET	64

/*
 * What of @slots may hold a buffer to be taken out moves to the front; what else
 * there is to return is taken. Returns how much of it is good, and how many
 * buffers that is.
 */
static u32 kf_sort_out(struct kvmflip_port *port, u32 *slots, u32 n, u32 *front, u32 *steered)
{
	enum kvmflip_lease_return what;
	u32 i, good = 0;

	*front = 0;
	*steered = 0;
	kvmflip_port_lock(port);
	for (i = 0; i < n; i++) {
		if (slots[i] < port->window.nr) {
			if (kvmflip_window_concede(&port->window, slots[i])) {
				good++;
				continue;
			}
			what = kvmflip_lease_return(port, slots[i]);
			if (what == KVMFLIP_LEASE_OTHER)
				slots[(*front)++] = slots[i];
			else if (what == KVMFLIP_LEASE_GOOD)
				++*steered;
		} else if (kvmflip_bounce_return(&port->bounce, slots[i] - port->window.nr)) {
			good++;
		}
	}
	kvmflip_port_unlock(port);
	return good + *steered;
}

/* One batch of returns: how many, or what kvmflip_return_pull() says. */
static int kf_return_batch(struct kvmflip_port *port)
{
	u32 slots[KF_RETURN_BATCH];
	u32 good, buffers, steered;
	LIST_HEAD(bufs);
	int n;

	n = kvmflip_return_pull(&port->ret, slots, ARRAY_SIZE(slots));
	if (n <= 0)
		return n;
	good = kf_sort_out(port, slots, n, &buffers, &steered);
	buffers = kvmflip_window_empty(&port->window, slots, buffers, &bufs);
	kvmflip_lease_part(port, &bufs);
	kvmflip_pool_return(port->pool, &port->share, &bufs);
	port->owed -= min(port->owed, buffers);
	if (!port->owed)
		cancel_delayed_work(&port->reclaim_work);
	kvmflip_stats_inc(&port->stats, KVMFLIP_A_STATS_RETURNS, buffers + steered);
	/* Some may have been bounce slots. */
	kvmflip_netdev_kick(port);
	if (good + buffers < n)
		kvmflip_stats_inc(&port->stats, KVMFLIP_A_STATS_BAD_RETURNS, n - good - buffers);
	return n;
}

/**
 * kvmflip_returns_work - take what a guest has returned
 * @work: &kvmflip_port.return_work
 *
 * Context: may sleep, for as long as the VMM keeps its lock.
 */
void kvmflip_returns_work(struct work_struct *work)
{
	struct kvmflip_port *port = container_of(work, struct kvmflip_port, return_work);
	int n, budget = KF_RETURN_BUDGET;

	mutex_lock(&port->return_lock);
	do {
		n = kf_return_batch(port);
		if (!n && !kvmflip_ring_arm(&port->ret))
			break;
		cond_resched();
	} while (n >= 0 && --budget);
	if (n < 0) {
		kvmflip_port_lock(port);
		kvmflip_port_fail(port);
		kvmflip_port_unlock(port);
	} else if (!budget) {
		queue_work(kvmflip_wq, &port->return_work);
	}
	mutex_unlock(&port->return_lock);
}
