// SPDX-License-Identifier: GPL-2.0
/* kvmflip: the host's ends of the rings that are shared with a guest. */

#include <linux/align.h>
#include <linux/cache.h>
#include <linux/errno.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include <asm/barrier.h>

#include "ring.h"

/**
 * kvmflip_ring_bytes - memory a ring takes
 * @nr: number of entries
 * @entry_size: bytes of an entry
 *
 * Return: bytes, so that another ring may follow.
 */
size_t kvmflip_ring_bytes(u32 nr, size_t entry_size)
{
	return ALIGN(KVMFLIP_RING_ENTRIES_OFF + nr * entry_size, SMP_CACHE_BYTES);
}

/**
 * kvmflip_ring_init - make an empty ring
 * @ring: the host's end
 * @mem: kvmflip_ring_bytes() of memory
 * @nr: number of entries, a power of two
 */
void kvmflip_ring_init(struct kvmflip_host_ring *ring, void *mem, u32 nr)
{
	memset(ring, 0, sizeof(*ring));
	ring->shared = mem;
	ring->entries = mem + KVMFLIP_RING_ENTRIES_OFF;
	ring->nr = nr;
	memset(ring->shared, 0, sizeof(*ring->shared));
}

/**
 * kvmflip_ring_space - number of entries that may be put
 * @ring: ring that the host produces
 *
 * Return: 0 to the ring's entries, or -EPROTO if the guest's index is none that
 * it can have.
 */
int kvmflip_ring_space(struct kvmflip_host_ring *ring)
{
	/* Pairs with the guest's release, after which it reads no entry again. */
	u32 cons = le32_to_cpu(smp_load_acquire(&ring->shared->cons));

	if (cons - ring->cons > ring->prod - ring->cons)
		return -EPROTO;
	ring->cons = cons;
	return ring->nr - (ring->prod - cons);
}

/**
 * kvmflip_ring_publish - show the guest what was put since the last time
 * @ring: ring that the host produces
 *
 * Return: true if the guest asked to be notified of it.
 */
bool kvmflip_ring_publish(struct kvmflip_host_ring *ring)
{
	u32 old = ring->published;
	u32 event;

	if (ring->prod == old)
		return false;
	/* Pairs with the guest's acquire, after which it reads entries. */
	smp_store_release(&ring->shared->prod, cpu_to_le32(ring->prod));
	/* Pairs with the guest's barrier between its event and reading prod. */
	smp_mb();
	event = le32_to_cpu(READ_ONCE(ring->shared->event));
	ring->published = ring->prod;
	return ring->prod - event - 1 < ring->prod - old;
}

/**
 * kvmflip_return_pull - take slot numbers that the guest returns
 * @ring: return ring
 * @slots: where to put them; any number, to be checked by the caller
 * @max: how many at most
 *
 * Return: how many were taken, or -EPROTO if the guest's index is none that it
 * can have.
 */
int kvmflip_return_pull(struct kvmflip_host_ring *ring, u32 *slots, u32 max)
{
	/* Pairs with the guest's release, before which it wrote the entries. */
	u32 prod = le32_to_cpu(smp_load_acquire(&ring->shared->prod));
	const __le32 *entry = ring->entries;
	u32 n = prod - ring->cons;
	u32 i;

	if (n > ring->nr)
		return -EPROTO;
	n = min(n, max);
	for (i = 0; i < n; i++)
		slots[i] = le32_to_cpu(READ_ONCE(entry[ring->cons++ & (ring->nr - 1)]));
	/* Pairs with the guest's acquire, after which it writes entries again. */
	smp_store_release(&ring->shared->cons, cpu_to_le32(ring->cons));
	return n;
}

/**
 * kvmflip_ring_arm - ask for a doorbell at the next entry
 * @ring: ring that the host consumes, of which it has read all it has seen
 *
 * Return: true if there is something to read by now, for which no doorbell
 * may have been rung.
 */
bool kvmflip_ring_arm(struct kvmflip_host_ring *ring)
{
	WRITE_ONCE(ring->shared->event, cpu_to_le32(ring->cons));
	/* Pairs with the guest's barrier between its prod and reading event. */
	smp_mb();
	return le32_to_cpu(READ_ONCE(ring->shared->prod)) != ring->cons;
}

/**
 * kvmflip_return_want - ask for slots
 * @ring: return ring
 * @n: how many, besides those that are pulled already
 */
void kvmflip_return_want(struct kvmflip_host_ring *ring, u32 n)
{
	WRITE_ONCE(ring->shared->wanted, cpu_to_le32(ring->cons + n));
}

/**
 * kvmflip_tx_ready - number of entries that are there to be read
 * @ring: TX ring
 *
 * New ones are looked for when the old ones are read, so that a frame that was shown
 * with one store is seen as a whole.
 *
 * Return: 0 to the ring's entries, or -EPROTO if the guest's index is none that
 * it can have.
 */
int kvmflip_tx_ready(struct kvmflip_host_ring *ring)
{
	u32 prod;

	if (ring->prod != ring->cons)
		return ring->prod - ring->cons;
	/* Pairs with the guest's release, before which it wrote the entries. */
	prod = le32_to_cpu(smp_load_acquire(&ring->shared->prod));
	if (prod - ring->cons > ring->nr)
		return -EPROTO;
	ring->prod = prod;
	return prod - ring->cons;
}

/**
 * kvmflip_tx_next - read an entry
 * @ring: TX ring with an entry that is ready
 * @desc: where to put it, as the guest wrote it
 */
void kvmflip_tx_next(struct kvmflip_host_ring *ring, struct kvmflip_tx_desc *desc)
{
	const struct kvmflip_tx_desc *entry = ring->entries;

	entry += ring->cons++ & (ring->nr - 1);
	desc->addr = READ_ONCE(entry->addr);
	desc->len = READ_ONCE(entry->len);
	desc->flags = READ_ONCE(entry->flags);
}

/**
 * kvmflip_tx_release - let the guest write new entries where old ones were read
 * @ring: TX ring
 */
void kvmflip_tx_release(struct kvmflip_host_ring *ring)
{
	/* Pairs with the guest's acquire, after which it writes entries again. */
	smp_store_release(&ring->shared->cons, cpu_to_le32(ring->cons));
}

/**
 * kvmflip_txc_put - complete a frame, which the guest does not see yet
 * @ring: TX completion ring with space for it
 * @index: of the frame's first entry in the TX ring
 */
void kvmflip_txc_put(struct kvmflip_host_ring *ring, u32 index)
{
	__le32 *entry = ring->entries;

	WRITE_ONCE(entry[ring->prod++ & (ring->nr - 1)], cpu_to_le32(index));
}
