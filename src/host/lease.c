// SPDX-License-Identifier: GPL-2.0
/*
 * kvmflip: buffers that a NIC and a guest have at the same time.
 *
 *	        claimed, granted, scrubbed, into a slot
 *	                        |
 *	                        v
 *	    ,---------------> idle ---------------.
 *	    |                   ^                 v
 *	returned                `---- posted: the NIC writes to it
 *	    |            no frame for the guest   |
 *	    |                                     v
 *	    `----- the guest's: LAST <--- its frames are named
 */

#include "iommu.h"
#include "lease.h"
#include "port.h"
#include "reclaim.h"
#include "trace.h"

/* Slots emptied with the VMM's lock held once. */
#define KF_LEASE_BATCH	64

/**
 * kvmflip_lease_begin - a queue is dedicated to a port from now on
 * @lease: to set up
 * @port: the port
 * @iommu: what the queue's device can reach of the pool, or NULL
 * @stats: of the queue
 *
 * Context: may sleep.
 */
void kvmflip_lease_begin(struct kvmflip_lease *lease, struct kvmflip_port *port,
			 struct kvmflip_iommu *iommu, struct kvmflip_stats *stats)
{
	lease->port = port;
	lease->iommu = iommu;
	lease->stats = stats;
	INIT_LIST_HEAD(&lease->idle);
	INIT_LIST_HEAD(&lease->due);
	kvmflip_port_lock(port);
	list_add_tail(&lease->list, &port->leases);
	kvmflip_port_unlock(port);
}

/* What others have left in a buffer goes before the guest sees it. */
static void kf_scrub(struct kvmflip_port *port, struct kvmflip_buffer *buf,
		     struct kvmflip_delta *delta)
{
	u32 pages = 1U << (port->pool->buffer_shift - PAGE_SHIFT);
	u32 i, first = kvmflip_pool_first_page(port->pool, buf);
	u32 zeroed = 0;

	if (buf->dirty != KVMFLIP_CLEAN && buf->dirty != port->tenant) {
		for (i = first; i < first + pages; i++)
			kvmflip_pool_zero(page_address(port->pool->pages[i]), PAGE_SIZE);
		zeroed = pages << PAGE_SHIFT;
	}
	delta->v[KVMFLIP_A_STATS_BYTES_ZEROED] += zeroed;
	buf->dirty = port->tenant;
	trace_kvmflip_clean(&port->pool->table, buf, port->name, 0, zeroed);
}

/* Is another buffer kept for the moment when the NIC is done with this one? */
static bool kf_is_promised(const struct kvmflip_buffer *buf)
{
	return buf->told == KVMFLIP_TOLD_FRAMES && list_empty(&buf->lru);
}

/* Nothing of a lease's bookkeeping is left in a buffer. Is the NIC done with it? */
static bool kf_forget(struct kvmflip_buffer *buf)
{
	struct kvmflip_lease *lease = buf->lease;
	bool done = buf->told == KVMFLIP_TOLD_LAST || !list_empty(&buf->lru);

	kvmflip_port_assert_locked(lease->port);

	if (buf->told != KVMFLIP_TOLD_LAST)
		lease->port->leased--;
	if (kf_is_promised(buf))
		lease->promised--;
	if (buf->told == KVMFLIP_TOLD_NOTHING && !list_empty(&buf->lru))
		lease->nr_idle--;
	/* What is the guest's to return is in the list of the pool. */
	if (buf->told != KVMFLIP_TOLD_LAST)
		list_del_init(&buf->lru);
	buf->told = KVMFLIP_TOLD_NOTHING;
	buf->lease = NULL;
	/* The NIC may have left part of a frame behind that it gave up. */
	buf->dirty = KVMFLIP_DIRTY;
	return done;
}

/*
 * A claimed buffer that the NIC has access to appears in the window. Everything
 * about it is in order before that: a guest may return a slot it never had.
 */
static bool kf_enter(struct kvmflip_lease *lease, struct kvmflip_buffer *buf,
		     struct kvmflip_delta *delta)
{
	struct kvmflip_port *port = lease->port;
	struct kvmflip_pool *pool = port->pool;
	u32 slot = kvmflip_window_alloc(&port->window);

	kvmflip_port_assert_locked(port);

	if (slot == KVMFLIP_NO_SLOT)
		return false;
	kf_scrub(port, buf, delta);
	list_del_init(&buf->list);
	spin_lock(&pool->table.lock);
	kvmflip_buffer_move(&pool->table, buf, KVMFLIP_FREE, KVMFLIP_STEERED);
	buf->holder = port;
	buf->slot = slot;
	spin_unlock(&pool->table.lock);
	buf->lease = lease;
	port->leased++;
	kvmflip_lease_park(lease, buf);
	if (!kvmflip_window_fill(&port->window, slot, buf))
		goto err_leave;
	delta->v[KVMFLIP_A_STATS_FLIPS]++;
	return true;

err_leave:
	kvmflip_window_release(&port->window, &slot, 1);
	kf_forget(buf);
	spin_lock(&pool->table.lock);
	kvmflip_buffer_move(&pool->table, buf, KVMFLIP_STEERED, KVMFLIP_MAPPED);
	kvmflip_buffer_move(&pool->table, buf, KVMFLIP_MAPPED, KVMFLIP_RETURNED);
	kvmflip_buffer_move(&pool->table, buf, KVMFLIP_RETURNED, KVMFLIP_FREE);
	buf->holder = NULL;
	spin_unlock(&pool->table.lock);
	return false;
}

static void kf_claim(struct kvmflip_lease *lease, u32 n, struct list_head *bufs)
{
	struct kvmflip_port *port = lease->port;
	struct kvmflip_buffer *buf;

	for (; n; n--) {
		buf = kvmflip_pool_claim(port->pool, &port->share);
		if (!buf) {
			kvmflip_reclaim_pressure(port->pool);
			break;
		}
		list_add_tail(&buf->list, bufs);
	}
}

static void kf_unclaim(struct kvmflip_port *port, struct list_head *bufs)
{
	kvmflip_pool_unclaim(port->pool, &port->share, list_count_nodes(bufs));
	kvmflip_pool_give(port->pool, bufs);
}

/**
 * kvmflip_lease_grow - let more buffers appear in the window
 * @lease: lease
 * @n: how many at most
 * @queue: counters of the queue
 * @counters: those of the port
 *
 * Context: may sleep; &kvmflip_port.lock is held. The queue's worker.
 * Return: how many are idle now that were not; fewer than @n if no guest is
 * running, if it has all it may have, or the pool has no more.
 */
u32 kvmflip_lease_grow(struct kvmflip_lease *lease, u32 n, struct kvmflip_delta *queue,
		       struct kvmflip_delta *counters)
{
	struct kvmflip_port *port = lease->port;
	struct kvmflip_buffer *buf, *next;
	LIST_HEAD(unused);
	LIST_HEAD(failed);
	LIST_HEAD(bufs);
	u32 grown = 0;

	kvmflip_port_assert_locked(port);

	if (port->state != KVMFLIP_PORT_STATE_RUNNING)
		return 0;
	if (kvmflip_window_room(&port->window))
		kf_claim(lease, min(n, port->window.nr - READ_ONCE(port->window.mapped)), &bufs);
	if (lease->iommu)
		kvmflip_iommu_grant(lease->iommu, &bufs, &failed, queue);
	kf_unclaim(port, &failed);
	list_for_each_entry_safe(buf, next, &bufs, list) {
		if (kf_enter(lease, buf, counters))
			grown++;
		else
			list_move_tail(&buf->list, &unused);
	}
	if (lease->iommu)
		kvmflip_iommu_revoke(lease->iommu, &unused, queue);
	kf_unclaim(port, &unused);
	return grown;
}

/**
 * kvmflip_lease_take - take a buffer to be posted
 * @lease: lease
 *
 * Context: &kvmflip_port.lock is held. The queue's worker.
 * Return: buffer in a slot, which the NIC has access to; NULL if none is idle, or
 * those that are have been promised.
 */
struct kvmflip_buffer *kvmflip_lease_take(struct kvmflip_lease *lease)
{
	struct kvmflip_buffer *buf;

	kvmflip_port_assert_locked(lease->port);

	if (lease->nr_idle <= lease->promised)
		return NULL;
	buf = list_first_entry(&lease->idle, struct kvmflip_buffer, lru);
	list_del_init(&buf->lru);
	lease->nr_idle--;
	return buf;
}

/**
 * kvmflip_lease_promise - make sure of a buffer that replaces another one
 * @lease: lease
 * @queue: counters of the queue
 * @counters: those of the port
 *
 * Before a guest gets the first frame of a buffer there has to be another
 * for the NIC, or a guest that returns nothing could run its queue dry.
 *
 * Context: may sleep; &kvmflip_port.lock is held. The queue's worker.
 * Return: false if there is none.
 */
bool kvmflip_lease_promise(struct kvmflip_lease *lease, struct kvmflip_delta *queue,
			   struct kvmflip_delta *counters)
{
	kvmflip_port_assert_locked(lease->port);

	if (lease->nr_idle <= lease->promised &&
	    !kvmflip_lease_grow(lease, 1, queue, counters))
		return false;
	lease->promised++;
	return true;
}

/**
 * kvmflip_lease_park - neither the NIC nor the guest uses a buffer
 * @lease: lease
 * @buf: buffer of it
 *
 * Context: &kvmflip_port.lock is held.
 */
void kvmflip_lease_park(struct kvmflip_lease *lease, struct kvmflip_buffer *buf)
{
	kvmflip_port_assert_locked(lease->port);

	if (kf_is_promised(buf))
		lease->promised--;
	buf->told = KVMFLIP_TOLD_NOTHING;
	list_move(&buf->lru, &lease->idle);
	lease->nr_idle++;
}

/**
 * kvmflip_lease_defer - a guest is to be told later that it has all of a buffer
 * @lease: lease
 * @buf: buffer of it, whose frames the guest has begun to get
 *
 * Context: &kvmflip_port.lock is held.
 */
void kvmflip_lease_defer(struct kvmflip_lease *lease, struct kvmflip_buffer *buf)
{
	kvmflip_port_assert_locked(lease->port);

	if (kf_is_promised(buf))
		lease->promised--;
	list_move_tail(&buf->lru, &lease->due);
}

/**
 * kvmflip_lease_give - a guest has been told that a buffer is its to return
 * @lease: lease
 * @buf: buffer of it, whose frames the guest has begun to get
 *
 * Context: &kvmflip_port.lock is held.
 */
void kvmflip_lease_give(struct kvmflip_lease *lease, struct kvmflip_buffer *buf)
{
	struct kvmflip_pool *pool = lease->port->pool;

	kvmflip_port_assert_locked(lease->port);

	if (kf_is_promised(buf))
		lease->promised--;
	buf->told = KVMFLIP_TOLD_LAST;
	lease->port->leased--;
	list_del_init(&buf->lru);
	spin_lock(&pool->table.lock);
	list_add_tail(&buf->lru, &pool->lru);
	spin_unlock(&pool->table.lock);
}

/**
 * kvmflip_lease_return - a guest returns a slot
 * @port: its port
 * @slot: slot, not to be trusted
 *
 * Context: &kvmflip_port.return_lock and &kvmflip_port.lock are held.
 * Return: what becomes of it.
 */
enum kvmflip_lease_return kvmflip_lease_return(struct kvmflip_port *port, u32 slot)
{
	struct kvmflip_buffer *buf = kvmflip_window_buffer(&port->window, slot);

	lockdep_assert_held(&port->return_lock);
	kvmflip_port_assert_locked(port);

	if (!buf || !buf->lease)
		return KVMFLIP_LEASE_OTHER;
	if (buf->told != KVMFLIP_TOLD_LAST)
		return KVMFLIP_LEASE_BAD;
	if (port->owed)
		return KVMFLIP_LEASE_OTHER;
	spin_lock(&port->pool->table.lock);
	list_del_init(&buf->lru);
	spin_unlock(&port->pool->table.lock);
	port->leased++;
	kvmflip_lease_park(buf->lease, buf);
	return KVMFLIP_LEASE_GOOD;
}

/* The NIC has it still, and the guest no longer. */
static void kf_to_nic(struct kvmflip_port *port, struct kvmflip_buffer *buf)
{
	struct kvmflip_pool *pool = port->pool;

	list_del_init(&buf->list);
	spin_lock(&pool->table.lock);
	kvmflip_buffer_move(&pool->table, buf, KVMFLIP_STEERED, KVMFLIP_POSTED);
	buf->holder = NULL;
	spin_unlock(&pool->table.lock);
	kvmflip_pool_unclaim(pool, &port->share, 1);
}

/* The guest may have them still, and the NIC no longer. */
static void kf_to_guest(struct kvmflip_lease *lease, struct list_head *bufs)
{
	struct kvmflip_delta delta = {};

	if (lease->iommu)
		kvmflip_iommu_revoke(lease->iommu, bufs, &delta);
	kvmflip_pool_move(lease->port->pool, bufs, KVMFLIP_STEERED, KVMFLIP_MAPPED);
	kvmflip_stats_add(lease->stats, &delta);
}

/**
 * kvmflip_lease_part - a NIC and a guest have the same buffers no longer
 * @port: port of the guest
 * @bufs: buffers that were taken out of their slots, steered or not; on return
 *	  those that are KVMFLIP_MAPPED. What the NIC is not done with is
 *	  KVMFLIP_POSTED and belongs to its queue.
 *
 * Context: may sleep; &kvmflip_port.return_lock is held. If there are buffers
 * among them that a NIC is not done with, their slots will not be filled until
 * this returns.
 */
void kvmflip_lease_part(struct kvmflip_port *port, struct list_head *bufs)
{
	struct kvmflip_buffer *buf, *next;
	struct kvmflip_lease *lease;
	LIST_HEAD(parted);
	LIST_HEAD(done);

	lockdep_assert_held(&port->return_lock);

	kvmflip_port_lock(port);
	list_for_each_entry(lease, &port->leases, list) {
		list_for_each_entry_safe(buf, next, bufs, list) {
			if (buf->lease != lease)
				continue;
			if (kf_forget(buf))
				list_move_tail(&buf->list, &done);
			else
				kf_to_nic(port, buf);
		}
		kf_to_guest(lease, &done);
		list_splice_tail_init(&done, &parted);
	}
	kvmflip_port_unlock(port);
	list_splice_tail(&parted, bufs);
}

/* Takes slots away from a guest. */
static void kf_clear(struct kvmflip_port *port, u32 *slots, u32 n, bool tell)
{
	LIST_HEAD(bufs);

	if (!n)
		return;
	if (tell)
		n = kvmflip_window_revoke(&port->window, slots, n, &bufs);
	else
		n = kvmflip_window_empty(&port->window, slots, n, &bufs);
	kvmflip_lease_part(port, &bufs);
	kvmflip_pool_return(port->pool, &port->share, &bufs);
	kvmflip_stats_inc(&port->stats, KVMFLIP_A_STATS_REVOKED, n);
	if (tell)
		kvmflip_reclaim_tell(port, slots, n);
}

/**
 * kvmflip_lease_shed - take idle buffers back from a port
 * @port: port that is open
 * @n: how many at most
 *
 * Context: may sleep; &kvmflip_port.return_lock is held.
 * Return: how many there were.
 */
u32 kvmflip_lease_shed(struct kvmflip_port *port, u32 n)
{
	u32 slots[KF_LEASE_BATCH], count, shed = 0;
	struct kvmflip_lease *lease;
	struct kvmflip_buffer *buf;

	lockdep_assert_held(&port->return_lock);

	do {
		count = 0;
		kvmflip_port_lock(port);
		list_for_each_entry(lease, &port->leases, list) {
			while (shed + count < n && count < ARRAY_SIZE(slots) &&
			       (buf = kvmflip_lease_take(lease))) {
				/* As if the guest had it, and were about to return it. */
				buf->told = KVMFLIP_TOLD_LAST;
				port->leased--;
				slots[count++] = buf->slot;
			}
		}
		kvmflip_port_unlock(port);
		kf_clear(port, slots, count, false);
		shed += count;
	} while (count);
	return shed;
}

/* The slots of a lease whose buffers the guest knows as much of. */
static u32 kf_collect(struct kvmflip_lease *lease, u32 *slots, enum kvmflip_told told)
{
	struct kvmflip_port *port = lease->port;
	struct kvmflip_buffer *buf;
	u32 slot, n = 0;

	kvmflip_port_lock(port);
	for (slot = 0; slot < port->window.nr; slot++) {
		buf = kvmflip_window_buffer(&port->window, slot);
		if (buf && buf->lease == lease && buf->told == told)
			slots[n++] = slot;
	}
	kvmflip_port_unlock(port);
	return n;
}

/* What the guest has stays with it, and the NIC loses it. */
static void kf_keep(struct kvmflip_lease *lease, const u32 *slots, u32 n)
{
	struct kvmflip_port *port = lease->port;
	struct kvmflip_buffer *buf, *next;
	LIST_HEAD(bufs);
	u32 i;

	kvmflip_port_lock(port);
	for (i = 0; i < n; i++) {
		buf = kvmflip_window_buffer(&port->window, slots[i]);
		kf_forget(buf);
		list_add_tail(&buf->list, &bufs);
	}
	kf_to_guest(lease, &bufs);
	list_for_each_entry_safe(buf, next, &bufs, list)
		list_del_init(&buf->list);
	kvmflip_port_unlock(port);
}

/**
 * kvmflip_lease_end - a queue is dedicated to its port no longer
 * @lease: lease whose queue's worker has stopped
 *
 * The guest keeps the buffers that it was told are its to return, and loses
 * the others, of whose loss it is told if it knows of frames in them.
 *
 * Context: may sleep; as long as the device has access to what is posted.
 */
void kvmflip_lease_end(struct kvmflip_lease *lease)
{
	struct kvmflip_port *port = lease->port;
	u32 *slots;

	mutex_lock(&port->return_lock);
	/* All at once: the caller may hold rtnl, and the VMM its own lock. */
	slots = kvmalloc_array(max(port->window.nr, 1U), sizeof(*slots),
			       GFP_KERNEL | __GFP_NOFAIL);
	kf_clear(port, slots, kf_collect(lease, slots, KVMFLIP_TOLD_NOTHING), false);
	kf_clear(port, slots, kf_collect(lease, slots, KVMFLIP_TOLD_FRAMES), true);
	kf_keep(lease, slots, kf_collect(lease, slots, KVMFLIP_TOLD_LAST));
	kvfree(slots);
	kvmflip_port_lock(port);
	list_del(&lease->list);
	kvmflip_port_unlock(port);
	mutex_unlock(&port->return_lock);
}
