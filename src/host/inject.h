/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip: frames of the host on their way into a guest. */
#ifndef _KVMFLIP_INJECT_H
#define _KVMFLIP_INJECT_H

#include <linux/hrtimer.h>
#include <linux/ptr_ring.h>
#include <linux/workqueue.h>

struct kvmflip_port;
struct net_device;
struct sk_buff;
struct xdp_frame;

/**
 * struct kvmflip_inject - what the host has sent and the guest has not got
 * @port: port of the guest
 * @dev: its network device
 * @ring: &struct sk_buff, and &struct xdp_frame with the lowest bit set. Who adds
 *	  to it holds the lock of the device's queue, @work alone takes from it
 * @work: copies the frames
 * @timer: queues @work, if nobody else may have reason to
 * @up: frames are taken; &kvmflip_port.lock
 * @since: time at which there was no room for the oldest frame, in jiffies, or 0;
 *	   &kvmflip_port.lock
 *
 * Frames are copied from a work item, as &kvmflip_port.lock is a mutex. A frame
 * that finds no room waits, and so does the queue behind it; but not for ever: a
 * guest that has been stopped must not keep what belongs to others.
 */
struct kvmflip_inject {
	struct kvmflip_port *port;
	struct net_device *dev;
	struct ptr_ring ring;
	struct work_struct work;
	struct hrtimer timer;
	bool up;
	unsigned long since;
};

int kvmflip_inject_init(struct kvmflip_inject *inject, struct kvmflip_port *port,
			struct net_device *dev);
void kvmflip_inject_destroy(struct kvmflip_inject *inject);
void kvmflip_inject_start(struct kvmflip_inject *inject);
void kvmflip_inject_stop(struct kvmflip_inject *inject);
void kvmflip_inject_kick(struct kvmflip_inject *inject);
void kvmflip_inject_room(struct kvmflip_inject *inject);
void kvmflip_inject_skb(struct kvmflip_inject *inject, struct sk_buff *skb);
int kvmflip_inject_xdp(struct kvmflip_inject *inject, struct xdp_frame **frames, int n,
		       bool flush);

#endif /* _KVMFLIP_INJECT_H */
