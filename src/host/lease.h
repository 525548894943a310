/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip: buffers that a NIC and a guest have at the same time. */
#ifndef _KVMFLIP_LEASE_H
#define _KVMFLIP_LEASE_H

#include <linux/list.h>
#include <linux/types.h>

struct kvmflip_buffer;
struct kvmflip_delta;
struct kvmflip_iommu;
struct kvmflip_port;
struct kvmflip_stats;

/**
 * struct kvmflip_lease - what a steered queue shares with its port's guest
 * @list: in the port's list of leases
 * @port: the port
 * @iommu: what the queue's device can reach of the pool; NULL if that is all of it
 * @stats: of the queue
 * @idle: buffers in slots of the window that neither the NIC nor the guest uses
 * @nr_idle: number of them
 * @promised: how many of them are to replace buffers that the NIC is not done
 *	      with, but of which the guest has got frames
 * @due: buffers that the guest has all frames of, but is still to be told so
 *
 * From kvmflip_lease_grow() until the guest loses it, or the NIC, a buffer is
 * KVMFLIP_STEERED and in a slot of the window. It goes round: idle, posted,
 * the guest's, idle; nothing is unmapped, revoked or scrubbed on the way.
 *
 * Locking: &kvmflip_port.lock protects everything that does not say otherwise.
 * Whoever ends a lease's part in a buffer holds &kvmflip_port.return_lock too.
 */
struct kvmflip_lease {
	struct list_head list;
	struct kvmflip_port *port;
	struct kvmflip_iommu *iommu;
	struct kvmflip_stats *stats;
	struct list_head idle;
	u32 nr_idle;
	u32 promised;
	struct list_head due;
};

/**
 * enum kvmflip_lease_return - what a guest's return of a slot comes to
 * @KVMFLIP_LEASE_OTHER: the slot holds no steered buffer, or one that is wanted
 *			 back
 * @KVMFLIP_LEASE_GOOD: its buffer goes round again
 * @KVMFLIP_LEASE_BAD: it is not the guest's to return
 */
enum kvmflip_lease_return {
	KVMFLIP_LEASE_OTHER,
	KVMFLIP_LEASE_GOOD,
	KVMFLIP_LEASE_BAD,
};

void kvmflip_lease_begin(struct kvmflip_lease *lease, struct kvmflip_port *port,
			 struct kvmflip_iommu *iommu, struct kvmflip_stats *stats);
void kvmflip_lease_end(struct kvmflip_lease *lease);
u32 kvmflip_lease_grow(struct kvmflip_lease *lease, u32 n, struct kvmflip_delta *queue,
		       struct kvmflip_delta *counters);
struct kvmflip_buffer *kvmflip_lease_take(struct kvmflip_lease *lease);
bool kvmflip_lease_promise(struct kvmflip_lease *lease, struct kvmflip_delta *queue,
			   struct kvmflip_delta *counters);
void kvmflip_lease_park(struct kvmflip_lease *lease, struct kvmflip_buffer *buf);
void kvmflip_lease_defer(struct kvmflip_lease *lease, struct kvmflip_buffer *buf);
void kvmflip_lease_give(struct kvmflip_lease *lease, struct kvmflip_buffer *buf);
enum kvmflip_lease_return kvmflip_lease_return(struct kvmflip_port *port, u32 slot);
void kvmflip_lease_part(struct kvmflip_port *port, struct list_head *bufs);
u32 kvmflip_lease_shed(struct kvmflip_port *port, u32 n);

#endif /* _KVMFLIP_LEASE_H */
