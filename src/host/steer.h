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
 * struct kvmflip_noted - chunks that the NIC has completed, one right after the other
 * @start: where the first is mapped in the kernel
 * @chunk: number of the first
 * @end: number behind that of the last, all in one buffer
 * @gen: generation of the port that their frames are for
 * @last: no other chunk of the buffer is the NIC's; it is one chunk then
 * @own: their frames are for the queue's port; otherwise it is one chunk, which is done
 *	 with
 */
struct kvmflip_noted {
	void *start;
	u32 chunk;
	u32 end;
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
 * @scrubbed: bytes of them that were zeroed
 *
 * Locking: the queue's worker alone, but for @lease.
 */
struct kvmflip_steer {
	struct kvmflip_lease lease;
	u32 slots;
	struct kvmflip_noted noted[KVMFLIP_NOTED];
	u32 nr;
	u64 scrubbed;
};

int kvmflip_steer_init(struct kvmflip_rxq *rxq, const char *port,
		       struct netlink_ext_ack *extack);
void kvmflip_steer_destroy(struct kvmflip_rxq *rxq);
void kvmflip_steer_start(struct kvmflip_rxq *rxq);
void kvmflip_steer_note(struct kvmflip_rxq *rxq, u32 chunk, void *start, bool last);
bool kvmflip_steer_soft(struct kvmflip_rxq *rxq, struct kvmflip_delta *delta);
u64 kvmflip_steer_serve(struct kvmflip_rxq *rxq, struct kvmflip_delta *delta);

#endif /* _KVMFLIP_STEER_H */
