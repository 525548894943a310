// SPDX-License-Identifier: GPL-2.0
/* kvmflip: ports, the guests' endpoints. */

#include <kunit/static_stub.h>
#include <linux/error-injection.h>
#include <linux/eventfd.h>
#include <linux/netlink.h>
#include <linux/random.h>
#include <linux/rtnetlink.h>
#include <linux/xarray.h>

#include "../compat.h"
#include "event.h"
#include "kvm.h"
#include "layout.h"
#include "lease.h"
#include "main.h"
#include "netdev.h"
#include "port.h"
#include "reclaim.h"
#include "returns.h"
#include "tx.h"

/* Buffers taken back at once. */
#define KF_REVOKE_BATCH		64

/* What a user of drivers expects, where each frame is flipped by itself. */
#define KF_COPYBREAK		256
/*
 * Elsewhere a flip costs little but the zeroing of what is left of the chunk. That and
 * a copy are even at such a part of it, see Documentation/benchmarks.rst.
 */
#define KF_COPYBREAK_PART	7

/* In microseconds. */
#define KF_LATENCY		1000

/* Guests that ever opened a port. */
static atomic64_t kf_tenants;

/* Every port that is not deleted; kvmflip_lock. */
LIST_HEAD(kvmflip_ports);

static DEFINE_XARRAY_ALLOC1(kf_port_ids);
static u32 kf_last_gen;

static void kf_port_release(struct kref *ref)
{
	struct kvmflip_port *port = container_of(ref, struct kvmflip_port, ref);

	kfree_rcu(port, rcu);
}

/**
 * kvmflip_port_put - drop a reference
 * @port: port
 */
void kvmflip_port_put(struct kvmflip_port *port)
{
	kref_put(&port->ref, kf_port_release);
}

/**
 * kvmflip_port_get - find a port for frames that name it
 * @id: number from the XDP metadata
 *
 * Context: any.
 * Return: port with a reference for the caller, or NULL.
 */
struct kvmflip_port *kvmflip_port_get(u32 id)
{
	struct kvmflip_port *port;

	rcu_read_lock();
	port = xa_load(&kf_port_ids, id);
	if (port && !kref_get_unless_zero(&port->ref))
		port = NULL;
	rcu_read_unlock();
	return port;
}

/**
 * kvmflip_port_find - find a port by its name
 * @name: name
 *
 * Context: kvmflip_lock is held.
 * Return: port, or NULL.
 */
struct kvmflip_port *kvmflip_port_find(const char *name)
{
	struct kvmflip_port *port;

	lockdep_assert_held(&kvmflip_lock);

	list_for_each_entry(port, &kvmflip_ports, list)
		if (!strcmp(port->name, name))
			return port;
	return NULL;
}

/**
 * kvmflip_port_find_uuid - find a port by its mediated device
 * @uuid: of the device
 *
 * Context: kvmflip_lock is held.
 * Return: port, or NULL.
 */
struct kvmflip_port *kvmflip_port_find_uuid(const uuid_t *uuid)
{
	struct kvmflip_port *port;

	lockdep_assert_held(&kvmflip_lock);

	list_for_each_entry(port, &kvmflip_ports, list)
		if (uuid_equal(&port->uuid, uuid))
			return port;
	return NULL;
}

/**
 * kvmflip_port_rx_space - number of frames that a port's RX ring has space for
 * @port: port that is open
 *
 * Context: &kvmflip_port.lock is held.
 * Return: 0 or more, or -EPROTO if the guest has broken the ring.
 */
int kvmflip_port_rx_space(struct kvmflip_port *port)
{
	int space = kvmflip_ring_space(&port->rx);

	kvmflip_port_assert_locked(port);

	return space < 0 ? space : max(space - (int)port->window.nr, 0);
}

/**
 * kvmflip_port_defaults - what a port is like if nobody says
 * @pool: where its buffers come from
 * @config: to fill in; half of the pool, so that a port that returns nothing
 *	    does not have it all
 */
void kvmflip_port_defaults(const struct kvmflip_pool *pool, struct kvmflip_port_config *config)
{
	u32 half = max(pool->table.nr / 2, 1);

	config->max = (u64)min(half, kvmflip_layout_slots_max(pool)) << pool->buffer_shift;
	config->copybreak = pool->table.chunk_order ?
			    (1U << pool->chunk_shift) / KF_COPYBREAK_PART : KF_COPYBREAK;
	config->latency = KF_LATENCY;
}

static int kf_check_config(const struct kvmflip_port *self, struct kvmflip_pool *pool,
			   const struct kvmflip_port_config *config,
			   struct netlink_ext_ack *extack)
{
	u64 slots = config->max >> pool->buffer_shift;
	u64 most = kvmflip_layout_slots_max(pool);
	struct kvmflip_port *port;

	if (!is_valid_ether_addr(config->mac)) {
		NL_SET_ERR_MSG_FMT(extack, "mac %pM is not the address of a station", config->mac);
		return -EADDRNOTAVAIL;
	}
	if (slots < 1 || slots > most || config->max != slots << pool->buffer_shift) {
		NL_SET_ERR_MSG_FMT(extack, "max must be a multiple of %lu, up to %llu bytes",
				   1UL << pool->buffer_shift, most << pool->buffer_shift);
		return -ERANGE;
	}
	if (config->min > config->max || !IS_ALIGNED(config->min, 1ULL << pool->buffer_shift)) {
		NL_SET_ERR_MSG_FMT(extack, "min must be a multiple of %lu, up to max",
				   1UL << pool->buffer_shift);
		return -ERANGE;
	}
	if (self && slots < self->dedicated) {
		NL_SET_ERR_MSG_FMT(extack, "the queues dedicated to the port need max %llu",
				   (u64)self->dedicated << pool->buffer_shift);
		return -ERANGE;
	}
	list_for_each_entry(port, &kvmflip_ports, list) {
		if (port == self || port->config.vlan != config->vlan ||
		    !ether_addr_equal(port->config.mac, config->mac))
			continue;
		NL_SET_ERR_MSG_FMT(extack, "port %s has mac %pM vlan %u", port->name,
				   config->mac, config->vlan);
		return -EADDRINUSE;
	}
	return 0;
}

static int kf_reserve(struct kvmflip_port *port, const struct kvmflip_port_config *config,
		      struct netlink_ext_ack *extack)
{
	struct kvmflip_pool *pool = port->pool;

	if (kvmflip_pool_reserve(pool, &port->share, config->min >> pool->buffer_shift))
		return 0;
	NL_SET_ERR_MSG_FMT(extack, "pool %s has not so much that is neither used nor kept",
			   pool->name);
	return -ENOSPC;
}

/* Begins anywhere, so as not to meet entries of an earlier life of the module. */
static u32 kf_next_gen(void)
{
	lockdep_assert_held(&kvmflip_lock);

	if (!kf_last_gen)
		kf_last_gen = get_random_u32();
	if (!++kf_last_gen)
		kf_last_gen = 1;
	return kf_last_gen;
}

/**
 * kvmflip_port_add - make a port
 * @name: name, not yet in use
 * @pool: where its buffers come from
 * @uuid: of its mediated device
 * @config: what the user asks of it
 * @ret: where to put the port
 * @extack: for the reason of an error
 *
 * Context: may sleep; kvmflip_lock is held.
 * Return: 0, -EEXIST, -EADDRINUSE, -EADDRNOTAVAIL, -ERANGE, -ENOSPC, -ENOMEM.
 */
int kvmflip_port_add(const char *name, struct kvmflip_pool *pool, const uuid_t *uuid,
		     const struct kvmflip_port_config *config, struct kvmflip_port **ret,
		     struct netlink_ext_ack *extack)
{
	struct kvmflip_port *port;
	int err;

	lockdep_assert_held(&kvmflip_lock);

	if (kvmflip_port_find(name)) {
		NL_SET_ERR_MSG_FMT(extack, "port %s exists", name);
		return -EEXIST;
	}
	port = kvmflip_port_find_uuid(uuid);
	if (port) {
		NL_SET_ERR_MSG_FMT(extack, "port %s has this uuid", port->name);
		return -EEXIST;
	}
	err = kf_check_config(NULL, pool, config, extack);
	if (err)
		return err;

	port = kzalloc_obj(*port);
	if (!port)
		return -ENOMEM;
	strscpy(port->name, name);
	port->pool = pool;
	port->config = *config;
	port->gen = kf_next_gen();
	uuid_copy(&port->uuid, uuid);
	kref_init(&port->ref);
	mutex_init(&port->tx_lock);
	mutex_init(&port->return_lock);
	mutex_init(&port->lock);
	spin_lock_init(&port->gate);
	INIT_DELAYED_WORK(&port->tx_work, kvmflip_tx_work);
	INIT_WORK(&port->return_work, kvmflip_returns_work);
	INIT_DELAYED_WORK(&port->reclaim_work, kvmflip_reclaim_work);
	INIT_LIST_HEAD(&port->leases);
	kvmflip_stats_init(&port->stats);
	err = kf_reserve(port, config, extack);
	if (err)
		goto err_free;
	err = xa_alloc(&kf_port_ids, &port->id, port, xa_limit_31b, GFP_KERNEL);
	if (err)
		goto err_reserve;
	list_add_tail(&port->list, &kvmflip_ports);
	pool->ports++;
	kvmflip_event_port(KVMFLIP_CMD_PORT_ADD_NTF, port, KVMFLIP_REASON_REQUEST);
	*ret = port;
	return 0;

err_reserve:
	kvmflip_pool_reserve(pool, &port->share, 0);
err_free:
	kfree(port);
	return err;
}

/**
 * kvmflip_port_set - change what a user asked of a port
 * @port: port
 * @config: all of it, changed or not
 * @extack: for the reason of an error
 *
 * A new address makes a new generation, so that frames still under way under
 * the old address are not delivered.
 *
 * Context: may sleep; kvmflip_lock is held.
 * Return: 0, -EBUSY, -EADDRINUSE, -EADDRNOTAVAIL, -ERANGE, -ENOSPC.
 */
int kvmflip_port_set(struct kvmflip_port *port, const struct kvmflip_port_config *config,
		     struct netlink_ext_ack *extack)
{
	bool news;
	int err;

	lockdep_assert_held(&kvmflip_lock);

	err = kf_check_config(port, port->pool, config, extack);
	if (err)
		return err;

	kvmflip_port_lock(port);
	if (config->max != port->config.max && port->state != KVMFLIP_PORT_STATE_CLOSED) {
		NL_SET_ERR_MSG_FMT(extack, "process %d has the port open: stop its VM first",
				   port->pid);
		err = -EBUSY;
	} else {
		err = kf_reserve(port, config, extack);
	}
	if (!err) {
		if (config->vlan != port->config.vlan ||
		    !ether_addr_equal(config->mac, port->config.mac))
			port->gen = kf_next_gen();
		news = config->min != port->config.min ||
		       !ether_addr_equal(config->mac, port->config.mac);
		port->config = *config;
		if (news)
			kvmflip_port_config_changed(port);
	}
	kvmflip_port_unlock(port);
	return err;
}

/**
 * kvmflip_port_del - delete a port
 * @port: port; the caller has no reference of its own afterwards
 * @extack: for the reason of an error
 *
 * Context: may sleep; kvmflip_lock is held, and rtnl if the port has a network
 * device.
 * Return: 0, or -EBUSY while a VMM has the device open.
 */
int kvmflip_port_del(struct kvmflip_port *port, struct netlink_ext_ack *extack)
{
	lockdep_assert_held(&kvmflip_lock);

	kvmflip_port_lock(port);
	if (port->state != KVMFLIP_PORT_STATE_CLOSED) {
		NL_SET_ERR_MSG_FMT(extack, "process %d has the port open: stop its VM first",
				   port->pid);
		kvmflip_port_unlock(port);
		return -EBUSY;
	}
	port->dead = true;
	kvmflip_port_unlock(port);

	kvmflip_event_port(KVMFLIP_CMD_PORT_DEL_NTF, port, KVMFLIP_REASON_REQUEST);
	kvmflip_netdev_del(port);
	kvmflip_pool_reserve(port->pool, &port->share, 0);
	list_del(&port->list);
	xa_erase(&kf_port_ids, port->id);
	port->pool->ports--;
	kvmflip_port_put(port);
	return 0;
}

/**
 * kvmflip_port_exit - delete all ports, whose devices are gone
 *
 * Context: may sleep.
 */
void kvmflip_port_exit(void)
{
	struct kvmflip_port *port, *next;

	rtnl_lock();
	mutex_lock(&kvmflip_lock);
	list_for_each_entry_safe(port, next, &kvmflip_ports, list)
		WARN_ON_ONCE(kvmflip_port_del(port, NULL));
	mutex_unlock(&kvmflip_lock);
	rtnl_unlock();
}

static void kf_init_rings(struct kvmflip_port *port)
{
	void *mem = port->window.rings;

	lockdep_assert_held(&port->tx_lock);
	lockdep_assert_held(&port->return_lock);
	kvmflip_port_assert_locked(port);

	kvmflip_ring_init(&port->rx, mem, kvmflip_layout_rx_entries(port));
	kvmflip_ring_init(&port->ret, mem + kvmflip_layout_ret_off(port),
			  kvmflip_layout_ret_entries(port));
	kvmflip_ring_init(&port->tx, mem + kvmflip_layout_tx_off(port), KVMFLIP_TX_ENTRIES);
	kvmflip_ring_init(&port->txc, mem + kvmflip_layout_txc_off(port), KVMFLIP_TX_ENTRIES);
	kvmflip_bounce_init(&port->bounce, mem + kvmflip_layout_bounce_off(port),
			    1U << port->pool->chunk_shift);
	port->owed = 0;
	port->features = 0;
}

static void kf_tell_state(const struct kvmflip_port *port, enum kvmflip_reason reason)
{
	kvmflip_event_port(KVMFLIP_CMD_PORT_STATE_NTF, port, reason);
}

static void kf_set_state(struct kvmflip_port *port, enum kvmflip_port_state state)
{
	kvmflip_port_lock(port);
	port->state = state;
	kvmflip_netdev_carrier(port, false);
	kvmflip_port_unlock(port);
}

/**
 * kvmflip_port_open - a VMM opens the device
 * @port: port
 * @vmm: the VMM; what it names is valid until kvmflip_port_close()
 *
 * Context: may sleep.
 * Return: 0, -ENODEV if the port was deleted, -ENOMEM.
 */
int kvmflip_port_open(struct kvmflip_port *port, const struct kvmflip_vmm *vmm)
{
	int err = 0;

	mutex_lock(&port->tx_lock);
	mutex_lock(&port->return_lock);
	/* A port that is open is not deleted, and its pool neither. */
	kvmflip_port_lock(port);
	if (port->dead)
		err = -ENODEV;
	else
		port->state = KVMFLIP_PORT_STATE_OPENED;
	port->pid = task_tgid_nr(current);
	kvmflip_port_unlock(port);
	if (err)
		goto out;

	/* Nobody looks at the window before it runs: no lock of the frames' path. */
	err = kvmflip_window_init(&port->window, port->pool, &port->stats,
				  kvmflip_layout_slots(port),
				  kvmflip_layout_bounce_off(port) + KVMFLIP_BOUNCE_BYTES);
	if (err) {
		kf_set_state(port, KVMFLIP_PORT_STATE_CLOSED);
		goto out;
	}
	port->window.mapping = vmm->mapping;
	port->window.base = vmm->base;
	port->read = vmm->read;
	port->read_arg = vmm->arg;

	kvmflip_port_lock(port);
	kf_init_rings(port);
	port->kvm = vmm->kvm;
	port->tenant = atomic64_inc_return(&kf_tenants);
	kf_tell_state(port, KVMFLIP_REASON_VMM);
	kvmflip_port_unlock(port);
out:
	mutex_unlock(&port->return_lock);
	mutex_unlock(&port->tx_lock);
	return err;
}
ALLOW_ERROR_INJECTION(kvmflip_port_open, ERRNO);

/* Nothing is delivered any more, so the window only gets emptier. */
static void kf_revoke_all(struct kvmflip_port *port)
{
	u32 slots[KF_REVOKE_BATCH];
	LIST_HEAD(bufs);
	u32 n;

	lockdep_assert_held(&port->return_lock);

	kvmflip_window_concede_all(&port->window);
	while ((n = kvmflip_window_used(&port->window, slots, ARRAY_SIZE(slots)))) {
		n = kvmflip_window_empty(&port->window, slots, n, &bufs);
		if (WARN_ON_ONCE(!n))
			break;
		kvmflip_lease_part(port, &bufs);
		kvmflip_pool_return(port->pool, &port->share, &bufs);
		kvmflip_stats_inc(&port->stats, KVMFLIP_A_STATS_REVOKED, n);
	}
}

/**
 * kvmflip_port_close - the VMM is gone
 * @port: port that was opened
 *
 * Context: may sleep; any task.
 */
void kvmflip_port_close(struct kvmflip_port *port)
{
	struct eventfd_ctx *irq[KVMFLIP_VECS];
	u32 i;

	/* First keep frames out, but keep the window until it is empty. */
	kf_set_state(port, KVMFLIP_PORT_STATE_OPENED);
	kvmflip_port_lock(port);
	kvmflip_tx_interrupt(port);
	kvmflip_port_unlock(port);
	cancel_delayed_work_sync(&port->tx_work);
	cancel_work_sync(&port->return_work);

	mutex_lock(&port->tx_lock);
	mutex_lock(&port->return_lock);
	kf_revoke_all(port);
	kvmflip_port_lock(port);
	memcpy(irq, port->irq, sizeof(irq));
	memset(port->irq, 0, sizeof(port->irq));
	port->features = 0;
	port->kvm = NULL;
	port->pid = 0;
	port->state = KVMFLIP_PORT_STATE_CLOSED;
	kf_tell_state(port, KVMFLIP_REASON_VMM);
	kvmflip_port_unlock(port);
	kvmflip_window_destroy(&port->window);
	port->owed = 0;
	port->read = NULL;
	mutex_unlock(&port->return_lock);
	mutex_unlock(&port->tx_lock);
	/* Without a window it is asked for nothing any more. */
	cancel_delayed_work_sync(&port->reclaim_work);
	for (i = 0; i < KVMFLIP_VECS; i++)
		if (irq[i])
			eventfd_ctx_put(irq[i]);
}

/**
 * kvmflip_port_start - the guest's driver is ready for frames
 * @port: port that is open
 *
 * A reset that another thread of the VMM has under way ends first, so that no
 * frame gets into a window that is being emptied.
 *
 * Context: may sleep.
 */
void kvmflip_port_start(struct kvmflip_port *port)
{
	mutex_lock(&port->return_lock);
	kvmflip_port_lock(port);
	if (port->state == KVMFLIP_PORT_STATE_OPENED) {
		port->state = KVMFLIP_PORT_STATE_RUNNING;
		kvmflip_netdev_carrier(port, true);
		kf_tell_state(port, KVMFLIP_REASON_DRIVER);
		/* A doorbell before that was for nothing. */
		queue_delayed_work(kvmflip_tx_wq, &port->tx_work, 0);
	}
	kvmflip_port_unlock(port);
	mutex_unlock(&port->return_lock);
}

/**
 * kvmflip_port_reset - take everything back from the guest
 * @port: port that is open
 *
 * Context: may sleep, for as long as the VMM wants; unless the task is to die, for the
 * VMM may be waiting for that.
 * Return: 0, or -EINTR if nothing has been done.
 */
int kvmflip_port_reset(struct kvmflip_port *port)
{
	bool news;

	if (mutex_lock_killable(&port->tx_lock))
		return -EINTR;
	mutex_lock(&port->return_lock);
	/* A VMM resets a device that nobody has used, too. */
	news = READ_ONCE(port->state) != KVMFLIP_PORT_STATE_OPENED;
	kf_set_state(port, KVMFLIP_PORT_STATE_OPENED);
	kf_revoke_all(port);
	kvmflip_port_lock(port);
	kf_init_rings(port);
	if (news)
		kf_tell_state(port, KVMFLIP_REASON_DRIVER);
	kvmflip_port_unlock(port);
	mutex_unlock(&port->return_lock);
	mutex_unlock(&port->tx_lock);
	return 0;
}

/**
 * kvmflip_port_fail - the guest has broken a ring
 * @port: port that is open
 *
 * Context: &kvmflip_port.lock is held.
 */
void kvmflip_port_fail(struct kvmflip_port *port)
{
	kvmflip_port_assert_locked(port);

	port->state = KVMFLIP_PORT_STATE_FAILED;
	kf_tell_state(port, KVMFLIP_REASON_RING);
	kvmflip_netdev_carrier(port, false);
	kvmflip_port_config_changed(port);
}

/**
 * kvmflip_port_set_irq - say how to interrupt the guest
 * @port: port that is open
 * @vector: KVMFLIP_VEC_*
 * @irq: eventfd, whose reference the port takes over, or NULL
 *
 * Context: may sleep.
 */
void kvmflip_port_set_irq(struct kvmflip_port *port, u32 vector, struct eventfd_ctx *irq)
{
	kvmflip_port_lock(port);
	swap(port->irq[vector], irq);
	kvmflip_port_unlock(port);
	if (irq)
		eventfd_ctx_put(irq);
}

/**
 * kvmflip_port_notify - interrupt the guest
 * @port: port
 * @vector: KVMFLIP_VEC_*; nothing happens if it is not in use
 *
 * Context: &kvmflip_port.lock is held.
 */
void kvmflip_port_notify(struct kvmflip_port *port, u32 vector)
{
	KUNIT_STATIC_STUB_REDIRECT(kvmflip_port_notify, port, vector);
	kvmflip_port_assert_locked(port);

	if (!port->irq[vector])
		return;
	eventfd_signal(port->irq[vector]);
	kvmflip_stats_inc(&port->stats, KVMFLIP_A_STATS_INTERRUPTS, 1);
}

/**
 * kvmflip_port_config_changed - a register or the state is not what it was
 * @port: port, open or not
 *
 * Context: &kvmflip_port.lock is held.
 */
void kvmflip_port_config_changed(struct kvmflip_port *port)
{
	kvmflip_port_assert_locked(port);

	if (port->features & KVMFLIP_F_CONFIG)
		kvmflip_port_notify(port, KVMFLIP_VEC_CONFIG);
}

/**
 * kvmflip_port_doorbell - the guest says that it returned something
 * @port: port that is open
 *
 * Context: process context.
 */
void kvmflip_port_doorbell(struct kvmflip_port *port)
{
	kvmflip_stats_inc(&port->stats, KVMFLIP_A_STATS_DOORBELLS, 1);
	queue_work(kvmflip_wq, &port->return_work);
}

/* Where the VMM has the slots, or 0 if it has no VM or has not mapped them. */
static unsigned long kf_slots_hva(struct kvmflip_port *port)
{
	unsigned long hva = 0;

	kvmflip_port_assert_locked(port);

	if (port->kvm) {
		spin_lock(&port->window.lock);
		hva = port->window.hva;
		spin_unlock(&port->window.lock);
	}
	return hva ? hva + KVMFLIP_SLOTS_OFF : 0;
}

/**
 * kvmflip_port_gpa - where the guest sees the slots
 * @port: port
 *
 * Context: may sleep; &kvmflip_port.lock is held.
 * Return: guest-physical address, or KVMFLIP_NO_GPA.
 */
u64 kvmflip_port_gpa(struct kvmflip_port *port)
{
	unsigned long hva = kf_slots_hva(port);

	return hva ? kvmflip_kvm_gpa(port->kvm, hva) : KVMFLIP_NO_GPA;
}

/**
 * kvmflip_port_huge - can KVM map a buffer of the port with one entry?
 * @port: port
 *
 * Context: may sleep; &kvmflip_port.lock is held.
 * Return: KVMFLIP_HUGE_POSSIBLE, or why not.
 */
enum kvmflip_huge kvmflip_port_huge(struct kvmflip_port *port)
{
	unsigned long hva = kf_slots_hva(port);

	if (port->pool->buffer_shift < PMD_SHIFT)
		return KVMFLIP_HUGE_SMALL_BUFFERS;
	return hva ? kvmflip_kvm_huge(port->kvm, hva) : KVMFLIP_HUGE_UNKNOWN;
}
