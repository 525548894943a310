// SPDX-License-Identifier: GPL-2.0
/* kvmflip_net: the guest's ends of the rings that are shared with the host. */

#include <linux/errno.h>

#include <asm/barrier.h>
#include <asm/rwonce.h>

#include "ring.h"

/**
 * kfn_ring_bytes - memory a ring takes
 * @nr: number of entries
 * @entry_size: bytes of an entry
 *
 * Return: bytes.
 */
size_t kfn_ring_bytes(u32 nr, size_t entry_size)
{
	return KVMFLIP_RING_ENTRIES_OFF + nr * entry_size;
}

/**
 * kfn_ring_init - a ring after a reset of the device
 * @ring: the guest's end
 * @mem: kfn_ring_bytes() of memory
 * @nr: number of entries, a power of two
 */
void kfn_ring_init(struct kfn_ring *ring, void *mem, u32 nr)
{
	*ring = (struct kfn_ring) {
		.shared = mem,
		.entries = mem + KVMFLIP_RING_ENTRIES_OFF,
		.nr = nr,
	};
}

/**
 * kfn_ring_filled - number of entries that may be read
 * @ring: ring that the guest consumes
 *
 * Return: 0 to the ring's entries, or -EPROTO if the host's index is none that it
 * can have.
 */
int kfn_ring_filled(struct kfn_ring *ring)
{
	/* Pairs with the host's release, before which it wrote the entries. */
	u32 n = le32_to_cpu(virt_load_acquire(&ring->shared->prod)) - ring->cons;

	return n <= ring->nr ? n : -EPROTO;
}

/**
 * kfn_ring_consumed - the host may write again over what was read
 * @ring: ring that the guest consumes
 */
void kfn_ring_consumed(struct kfn_ring *ring)
{
	/* Pairs with the host's acquire, after which it writes entries again. */
	virt_store_release(&ring->shared->cons, cpu_to_le32(ring->cons));
}

/**
 * kfn_ring_arm - ask for an interrupt
 * @ring: ring that the guest consumes
 * @ahead: how many entries may come without one
 *
 * Return: true if more than that are there by now, for which no interrupt may come.
 */
bool kfn_ring_arm(struct kfn_ring *ring, u32 ahead)
{
	WRITE_ONCE(ring->shared->event, cpu_to_le32(ring->cons + ahead));
	/* Pairs with the host's barrier between its prod and reading event. */
	virt_mb();
	return le32_to_cpu(READ_ONCE(ring->shared->prod)) - ring->cons > ahead;
}

/**
 * kfn_ring_publish - show the host what was added since the last time
 * @ring: ring that the guest produces
 *
 * Return: true if the host wants a doorbell for it.
 */
bool kfn_ring_publish(struct kfn_ring *ring)
{
	u32 old = ring->published, event;

	if (ring->prod == old)
		return false;
	/* Pairs with the host's acquire, after which it reads the entries. */
	virt_store_release(&ring->shared->prod, cpu_to_le32(ring->prod));
	/* Pairs with the host's barrier between its event and reading prod. */
	virt_mb();
	event = le32_to_cpu(READ_ONCE(ring->shared->event));
	ring->published = ring->prod;
	return ring->prod - event - 1 < ring->prod - old;
}
