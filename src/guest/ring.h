/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip_net: the guest's ends of the rings that are shared with the host. */
#ifndef _KVMFLIP_NET_RING_H
#define _KVMFLIP_NET_RING_H

#include <linux/types.h>
#include <uapi/linux/kvmflip_pci.h>

/**
 * struct kfn_ring - the guest's end of one ring
 * @shared: head of the ring, in memory the host can write at any time
 * @entries: the entries behind it
 * @nr: number of entries, a power of two
 * @prod: the guest's own copy of the index it produces
 * @cons: the guest's own copy of the index it consumes
 * @published: @prod that the host was last shown
 *
 * Of @prod and @cons one is used, that which the guest writes. The host is another
 * processor even where the guest has but one, so all barriers are the virt_ ones.
 *
 * Locking: the caller's. One thread at a time on the guest's end.
 */
struct kfn_ring {
	struct kvmflip_ring *shared;
	void *entries;
	u32 nr;
	u32 prod;
	u32 cons;
	u32 published;
};

size_t kfn_ring_bytes(u32 nr, size_t entry_size);
void kfn_ring_init(struct kfn_ring *ring, void *mem, u32 nr);
int kfn_ring_filled(struct kfn_ring *ring);
void kfn_ring_consumed(struct kfn_ring *ring);
bool kfn_ring_arm(struct kfn_ring *ring, u32 ahead);
bool kfn_ring_publish(struct kfn_ring *ring);

/**
 * kfn_ring_at - place of an entry
 * @ring: ring
 * @index: free-running index
 *
 * Return: place in the ring, less than its number of entries.
 */
static inline u32 kfn_ring_at(const struct kfn_ring *ring, u32 index)
{
	return index & (ring->nr - 1);
}

#endif /* _KVMFLIP_NET_RING_H */
