/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip: queues that are dedicated to one port. */
#ifndef _KVMFLIP_STEER_H
#define _KVMFLIP_STEER_H

#include "lease.h"

struct kvmflip_pool;
struct kvmflip_rxq;
struct netlink_ext_ack;

/* Completions of a steered queue that are worked on at once. */
#define KVMFLIP_NOTED	64

/**
 * struct kvmflip_noted - a chunk that the NIC has completed
 * @start: where it is mapped in the kernel
 * @chunk: number of the chunk
 * @gen: generation of the port that its frame is for
 * @last: it was the last one of its buffer
 * @own: its frame is for the queue's port
 */
struct kvmflip_noted {
	void *start;
	u32 chunk;
	u32 gen;
	bool last;
	bool own;
};

/**
 * struct kvmflip_steer - what a steered queue has besides others
 * @lease: the buffers that it shares with its port's guest
 * @slots: slots of the port that it needs
 * @noted: chunks completed in this batch, in the order of completion
 * @nr: number of them
 *
 * Locking: the queue's worker alone, but for @lease.
 */
struct kvmflip_steer {
	struct kvmflip_lease lease;
	u32 slots;
	struct kvmflip_noted noted[KVMFLIP_NOTED];
	u32 nr;
};

int kvmflip_steer_init(struct kvmflip_rxq *rxq, const char *port,
		       struct netlink_ext_ack *extack);
void kvmflip_steer_destroy(struct kvmflip_rxq *rxq);
void kvmflip_steer_start(struct kvmflip_rxq *rxq);
void kvmflip_steer_note(struct kvmflip_steer *steer, u32 chunk, void *start, bool last);
u64 kvmflip_steer_serve(struct kvmflip_rxq *rxq, struct kvmflip_delta *delta);

#endif /* _KVMFLIP_STEER_H */
