/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip: the host's ends of the rings that are shared with a guest. */
#ifndef _KVMFLIP_RING_H
#define _KVMFLIP_RING_H

#include <asm/byteorder.h>
#include <linux/compiler.h>
#include <linux/types.h>
#include <uapi/linux/kvmflip_pci.h>

/**
 * struct kvmflip_host_ring - the host's end of one ring
 * @shared: head of the ring, in memory the guest can write at any time
 * @entries: the entries behind it
 * @nr: number of entries, a power of two
 * @prod: the host's own copy of the index it produces, or the last valid one
 *	  it read
 * @cons: the same of the consumer's index
 * @published: @prod that the guest was last shown
 *
 * Memory ordering: a producer writes entries, then prod with release; a
 * consumer reads prod with acquire, then entries, then writes cons with
 * release. To decide on a notification the producer needs a full barrier
 * between its store to prod and its load of event, the consumer one between
 * its store to event and its load of prod.
 *
 * What the guest writes is read once into a local variable, checked against
 * the host's own indices and only then used.
 *
 * Locking: the caller's. One thread at a time on the host's end.
 */
struct kvmflip_host_ring {
	struct kvmflip_ring *shared;
	void *entries;
	u32 nr;
	u32 prod;
	u32 cons;
	u32 published;
};

size_t kvmflip_ring_bytes(u32 nr, size_t entry_size);
void kvmflip_ring_init(struct kvmflip_host_ring *ring, void *mem, u32 nr);
int kvmflip_ring_space(struct kvmflip_host_ring *ring);
bool kvmflip_ring_publish(struct kvmflip_host_ring *ring);
int kvmflip_return_pull(struct kvmflip_host_ring *ring, u32 *slots, u32 max);
bool kvmflip_ring_arm(struct kvmflip_host_ring *ring);
void kvmflip_return_want(struct kvmflip_host_ring *ring, u32 n);
int kvmflip_tx_ready(struct kvmflip_host_ring *ring);
void kvmflip_tx_next(struct kvmflip_host_ring *ring, struct kvmflip_tx_desc *desc);
void kvmflip_tx_release(struct kvmflip_host_ring *ring);
void kvmflip_txc_put(struct kvmflip_host_ring *ring, u32 index);

/**
 * kvmflip_rx_put - write a descriptor, which the guest does not see yet
 * @ring: RX ring with space for it
 * @slot: slot of the window
 * @offset: of the frame in the slot, in bytes
 * @len: of the frame, in bytes
 * @flags: KVMFLIP_RX_*
 */
static inline void kvmflip_rx_put(struct kvmflip_host_ring *ring, u32 slot, u32 offset, u32 len,
				  u32 flags)
{
	struct kvmflip_rx_desc *desc = ring->entries;

	desc += ring->prod++ & (ring->nr - 1);
	WRITE_ONCE(desc->slot, cpu_to_le32(slot));
	WRITE_ONCE(desc->offset, cpu_to_le32(offset));
	WRITE_ONCE(desc->len, cpu_to_le32(len));
	WRITE_ONCE(desc->flags, cpu_to_le32(flags));
}

#endif /* _KVMFLIP_RING_H */
