/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip: ports, the guests' endpoints. */
#ifndef _KVMFLIP_PORT_H
#define _KVMFLIP_PORT_H

#include <linux/etherdevice.h>
#include <linux/kref.h>
#include <linux/uuid.h>

#include "bounce.h"
#include "ring.h"
#include "stats.h"
#include "window.h"

struct address_space;
struct eventfd_ctx;
struct kvm;
struct net_device;
struct netlink_ext_ack;
struct task_struct;

/**
 * struct kvmflip_port_config - what a user asks of a port
 * @mac: address of the guest
 * @vlan: VLAN id, 0 for untagged
 * @min: bytes of the pool that are kept for it
 * @max: most bytes of the pool it may hold
 * @copybreak: frames of up to so many bytes are copied
 * @latency: longest time a frame waits in a buffer that is not full, in
 *	     microseconds
 */
struct kvmflip_port_config {
	u8 mac[ETH_ALEN];
	u16 vlan;
	u64 min;
	u64 max;
	u32 copybreak;
	u32 latency;
};

/**
 * struct kvmflip_vmm - the process that opens a port
 * @mapping: of the device's file
 * @base: offset of the window in the file, in bytes
 * @kvm: its VM, or NULL
 * @read: reads memory of the guest; 0 or an error. May sleep for as long as the
 *	  VMM has no memory, and may fault in the window of any port
 * @arg: for @read
 */
struct kvmflip_vmm {
	struct address_space *mapping;
	loff_t base;
	struct kvm *kvm;
	int (*read)(void *arg, u64 iova, void *buf, size_t len);
	void *arg;
};

/**
 * struct kvmflip_port - a guest's endpoint
 * @list: in the list of ports; kvmflip_lock
 * @name: what users call it
 * @uuid: of its mediated device
 * @pool: where its buffers come from
 * @bound: its mediated device exists; kvmflip_lock
 * @dedicated: slots that the queues dedicated to it need; kvmflip_lock
 * @config: what the user asked for; changed under kvmflip_lock and @lock, @max
 *	    only while @state is CLOSED
 * @tx_lock: serialises the reading of frames that the guest sends. It waits for
 *	     the VMM for as long as that wants, so nobody else may wait for it
 * @tx_work: reads them
 * @tx: TX ring; @tx_lock
 * @txc: TX completion ring; @tx_lock
 * @read: reads memory of the guest, see &struct kvmflip_vmm; @tx_lock
 * @read_arg: for @read; @tx_lock
 * @id: number in the XDP metadata
 * @gen: generation in the XDP metadata; changed under @lock
 * @return_lock: serialises what takes buffers out of the window; may wait for
 *		 the VMM
 * @return_work: drains the return ring
 * @ret: return ring; @return_lock
 * @owed: buffers the guest was asked for and has not returned; @return_lock
 * @reclaim_work: takes those that it still owes after a grace period
 * @asked: buffers it is about to be asked for; kvmflip_lock
 * @share: what it has of the pool
 * @netdev: the host's side, or NULL; changed under rtnl and kvmflip_lock, while
 *	    @state is CLOSED
 * @rcu: frees it
 * @ref: references; one is the list's, one the mediated device's, others are
 *	 held while frames are delivered
 * @lock: protects all that follows; never waits for the VMM. Taken and given up by
 *	  kvmflip_port_lock() and kvmflip_port_unlock() alone
 * @gate: for softirqs that do what else is done with @lock held, see
 *	  kvmflip_port_trylock()
 * @held: @lock is held; changed by who holds it, from false with @gate held
 * @state: enum kvmflip_port_state; buffers reach the guest in RUNNING only
 * @dead: deleted; the device can no longer be opened
 * @tenant: number of the guest, never that of another one of any port
 * @kvm: VM of the VMM while the device is open, or NULL
 * @pid: thread group that opened the device
 * @irq: eventfd of each KVMFLIP_VEC_*, or NULL
 * @reader: task that reads frames which the guest sends, and may wait for the VMM; NULL if
 *	    there is none
 * @features: KVMFLIP_F_* that the driver has accepted; changed in OPENED only
 * @rx: RX ring
 * @bounce: bounce slots
 * @leases: queues dedicated to it
 * @leased: buffers in @window that are not the guest's to return
 * @window: slots; it exists while the device is open, made and destroyed under
 *	    @return_lock while nothing is delivered
 * @stats: counters
 *
 * Lock order: rtnl, kvmflip_lock, @return_lock, @lock; and @tx_lock, @return_lock, @lock.
 * With @tx_lock held the VMM's mmap_lock may be taken, with @lock never.
 *
 * Each lock has the cache lines of what it protects to itself: frames go in and out,
 * and slots come back, on different CPUs.
 */
struct kvmflip_port {
	struct list_head list;
	char name[KVMFLIP_NAME_LEN];
	uuid_t uuid;
	struct kvmflip_pool *pool;
	bool bound;
	u32 dedicated;
	struct kvmflip_port_config config;
	u32 id;
	u32 gen;

	struct mutex tx_lock ____cacheline_aligned_in_smp;	/* see above */
	struct delayed_work tx_work;
	struct kvmflip_host_ring tx;
	struct kvmflip_host_ring txc;
	int (*read)(void *arg, u64 iova, void *buf, size_t len);
	void *read_arg;

	struct mutex return_lock ____cacheline_aligned_in_smp;	/* see above */
	struct work_struct return_work;
	struct kvmflip_host_ring ret;
	u32 owed;
	struct delayed_work reclaim_work;
	u32 asked;
	struct kvmflip_share share;

	struct net_device *netdev;

	struct rcu_head rcu;

	struct kref ref ____cacheline_aligned_in_smp;
	struct mutex lock;	/* see above */
	spinlock_t gate;	/* see above */
	bool held;
	enum kvmflip_port_state state;
	bool dead;
	u64 tenant;
	struct kvm *kvm;
	pid_t pid;
	struct eventfd_ctx *irq[KVMFLIP_VECS];
	struct task_struct *reader;
	u32 features;
	struct kvmflip_host_ring rx;
	struct kvmflip_bounce bounce;
	struct list_head leases;
	u32 leased;
	struct kvmflip_window window;
	struct kvmflip_stats stats;
};

extern struct list_head kvmflip_ports;

int kvmflip_port_add(const char *name, struct kvmflip_pool *pool, const uuid_t *uuid,
		     const struct kvmflip_port_config *config, struct kvmflip_port **port,
		     struct netlink_ext_ack *extack);
int kvmflip_port_set(struct kvmflip_port *port, const struct kvmflip_port_config *config,
		     struct netlink_ext_ack *extack);
int kvmflip_port_del(struct kvmflip_port *port, struct netlink_ext_ack *extack);
void kvmflip_port_exit(void);
void kvmflip_port_defaults(const struct kvmflip_pool *pool, struct kvmflip_port_config *config);
struct kvmflip_port *kvmflip_port_find(const char *name);
struct kvmflip_port *kvmflip_port_find_uuid(const uuid_t *uuid);
struct kvmflip_port *kvmflip_port_get(u32 id);
void kvmflip_port_put(struct kvmflip_port *port);

int kvmflip_port_open(struct kvmflip_port *port, const struct kvmflip_vmm *vmm);
void kvmflip_port_close(struct kvmflip_port *port);
void kvmflip_port_start(struct kvmflip_port *port);
int kvmflip_port_reset(struct kvmflip_port *port);
void kvmflip_port_fail(struct kvmflip_port *port);
void kvmflip_port_set_irq(struct kvmflip_port *port, u32 vector, struct eventfd_ctx *irq);
void kvmflip_port_notify(struct kvmflip_port *port, u32 vector);
void kvmflip_port_config_changed(struct kvmflip_port *port);
void kvmflip_port_doorbell(struct kvmflip_port *port);
u64 kvmflip_port_gpa(struct kvmflip_port *port);
enum kvmflip_huge kvmflip_port_huge(struct kvmflip_port *port);
int kvmflip_port_rx_space(struct kvmflip_port *port);

/**
 * kvmflip_port_lock - take &kvmflip_port.lock
 * @port: port
 *
 * Context: process context, may sleep.
 */
static inline void kvmflip_port_lock(struct kvmflip_port *port)
	__acquires(&port->lock)
{
	mutex_lock(&port->lock);
	spin_lock_bh(&port->gate);
	port->held = true;
	spin_unlock_bh(&port->gate);
	__acquire(&port->lock);
}

/**
 * kvmflip_port_unlock - give &kvmflip_port.lock up
 * @port: port
 */
static inline void kvmflip_port_unlock(struct kvmflip_port *port)
	__releases(&port->lock)
{
	__release(&port->lock);
	/* Pairs with the acquire in kvmflip_port_trylock(). */
	smp_store_release(&port->held, false);
	mutex_unlock(&port->lock);
}

/**
 * kvmflip_port_trylock - have what &kvmflip_port.lock protects to oneself for a moment
 * @port: port
 *
 * Who takes @lock waits meanwhile, without sleeping.
 *
 * Context: softirq, which must not sleep until kvmflip_port_unlock_soft().
 * Return: false if somebody holds @lock.
 */
static inline bool kvmflip_port_trylock(struct kvmflip_port *port)
{
	spin_lock(&port->gate);
	/* Pairs with the release in kvmflip_port_unlock(). */
	if (smp_load_acquire(&port->held)) {
		spin_unlock(&port->gate);
		return false;
	}
	/* What comes after it is the business of the caller. */
	__release(&port->gate);
	return true;
}

/**
 * kvmflip_port_unlock_soft - end what kvmflip_port_trylock() has begun
 * @port: port
 */
static inline void kvmflip_port_unlock_soft(struct kvmflip_port *port)
{
	__acquire(&port->gate);
	spin_unlock(&port->gate);
}

/**
 * kvmflip_port_assert_locked - what &kvmflip_port.lock protects has to be the caller's
 * @port: port
 */
static inline void kvmflip_port_assert_locked(const struct kvmflip_port *port)
{
	lockdep_assert(lockdep_is_held(&port->lock) || lockdep_is_held(&port->gate));
}

#endif /* _KVMFLIP_PORT_H */
