/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip: receive queues of NICs that write into a pool. */
#ifndef _KVMFLIP_RXQ_H
#define _KVMFLIP_RXQ_H

#include <linux/cache.h>
#include <linux/hrtimer.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "deliver.h"
#include "nic.h"
#include "stats.h"
#include "xsk.h"

struct kvmflip_port;
struct kvmflip_steer;

/* Completions taken from a queue at once. */
#define KVMFLIP_BATCH	64

/**
 * struct kvmflip_rxq - a receive queue that is served
 * @list: in the list of queues, under rtnl and kvmflip_lock, or of those that are
 *	  being taken down
 * @nic: its device
 * @pool: where its buffers come from
 * @mode: how its frames are delivered
 * @queue: number of the queue on the device
 * @id: what marks the chunks this queue has posted, no other queue's
 * @target: number of buffers it keeps posted
 * @most: number of buffers that it may have posted at a time
 * @reserve: number of chunks, with which posted its driver does not run out of them
 * @port: the port it is dedicated to in steered mode, NULL otherwise
 * @steer: what it has besides in that mode, NULL otherwise
 * @broken: it is served no longer: its ring is corrupt, or its driver not to be believed
 * @finish: takes the queue down
 * @wait: on the socket, tells of completions in softirq
 * @arrive: takes completions, in softirq, and does what needs nobody to sleep
 * @work: serves the queue
 * @timer: queues @work when frames have waited long enough
 * @stats: counters
 * @soft: most probably @arrive is all that is needed; a hint
 * @lock: protects the next two; a leaf lock, softirq
 * @serving: @arrive or @work is at it, and what follows is theirs
 * @missed: the other one was to be at it meanwhile
 * @xsk: socket and rings; from here on everything belongs to who is serving, or is
 *	 written once both have been stopped
 * @delta: what is to be added to @stats
 * @full: buffers with no chunk left that the NIC owns, which are to be delivered
 * @buffers: number of buffers posted now
 * @posted: number of chunks posted now
 * @asleep: its driver is to be woken for what was posted
 * @late: its driver is to be woken when there is place in the RX ring
 * @fill_usecs: time in which a buffer fills, in microseconds
 * @expires: when @timer does so, in nanoseconds, or has done so
 * @filling: buffer of the last completion
 * @block: where it is mapped in the kernel
 * @delivery: what is delivered at the moment
 * @tally: frames that wait
 *
 * What others write to lies in other cache lines than what who is serving does.
 */
struct kvmflip_rxq {
	struct list_head list;
	struct kvmflip_nic *nic;
	struct kvmflip_pool *pool;
	enum kvmflip_mode mode;
	u32 queue;
	u16 id;
	u32 target;
	u32 most;
	u32 reserve;
	struct kvmflip_port *port;
	struct kvmflip_steer *steer;
	bool broken;
	struct work_struct finish;

	wait_queue_entry_t wait ____cacheline_aligned_in_smp;
	struct work_struct arrive;
	struct work_struct work;
	struct hrtimer timer;
	struct kvmflip_stats stats;
	bool soft;
	spinlock_t lock;	/* see above */
	bool serving;
	bool missed;

	struct kvmflip_xsk xsk ____cacheline_aligned_in_smp;
	struct kvmflip_delta delta;
	struct list_head full;
	u32 buffers;
	u32 posted;
	bool asleep;
	bool late;
	u32 fill_usecs;
	u64 expires;
	struct kvmflip_buffer *filling;
	void *block;
	struct kvmflip_delivery delivery;
	struct kvmflip_tally tally;
};

/**
 * struct kvmflip_rxq_args - what a user asks for
 * @ifindex: network device
 * @queue: receive queue of it
 * @pool: name of the pool
 * @xsk_fd: AF_XDP socket bound to the queue
 * @link_fd: BPF link of the XDP program, or -1
 * @all: every queue of the device will be attached
 * @mode: how its frames are to reach their guests
 * @port: name of the port in steered mode, NULL otherwise
 * @rx: layout of the socket's RX ring
 * @fill: layout of its fill ring
 */
struct kvmflip_rxq_args {
	u32 ifindex;
	u32 queue;
	const char *pool;
	int xsk_fd;
	int link_fd;
	bool all;
	enum kvmflip_mode mode;
	const char *port;
	struct kvmflip_xsk_layout rx;
	struct kvmflip_xsk_layout fill;
};

extern struct list_head kvmflip_rxqs;

int kvmflip_rxq_attach(struct net *net, const struct kvmflip_rxq_args *args,
		       struct netlink_ext_ack *extack);
int kvmflip_rxq_detach(struct net *net, u32 ifindex, u32 queue, struct netlink_ext_ack *extack);
struct file *kvmflip_rxq_share(const struct kvmflip_pool *pool);
int kvmflip_rxq_init(void);
void kvmflip_rxq_exit(void);

#endif /* _KVMFLIP_RXQ_H */
