/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip: the rings of an AF_XDP socket, used from within the kernel. */
#ifndef _KVMFLIP_XSK_H
#define _KVMFLIP_XSK_H

#include <linux/compiler.h>
#include <linux/if_xdp.h>
#include <linux/types.h>

struct file;
struct netlink_ext_ack;
struct xdp_sock;

/**
 * struct kvmflip_xsk_layout - where the parts of a ring lie in its mapping
 * @entries: number of descriptors, a power of two
 * @producer: offset of the producer's index, in bytes as all offsets
 * @consumer: offset of the consumer's index
 * @flags: offset of the flags
 * @desc: offset of the descriptors
 */
struct kvmflip_xsk_layout {
	u32 entries;
	u64 producer;
	u64 consumer;
	u64 flags;
	u64 desc;
};

/**
 * struct kvmflip_xsk_ring - one ring
 * @producer: index the producer writes
 * @consumer: index the consumer writes
 * @flags: XDP_RING_NEED_WAKEUP, from the driver
 * @desc: descriptors
 * @nr: number of descriptors
 * @index: our own index, free-running
 * @pages: pinned pages of the ring
 * @nr_pages: number of them
 * @map: where they are mapped
 *
 * Memory ordering is AF_XDP's: producer written with release, read with
 * acquire. Whoever created the socket may have the rings mapped too, so an
 * index read from one is checked, and our own is never read back.
 */
struct kvmflip_xsk_ring {
	u32 *producer;
	u32 *consumer;
	u32 *flags;
	void *desc;
	u32 nr;
	u32 index;
	struct page **pages;
	u32 nr_pages;
	void *map;
};

/**
 * struct kvmflip_xsk - an AF_XDP socket and its rings
 * @file: the socket's file
 * @xs: the socket
 * @rx: we consume
 * @fill: we produce
 *
 * Locking: one thread at a time on the rings.
 */
struct kvmflip_xsk {
	struct file *file;
	struct xdp_sock *xs;
	struct kvmflip_xsk_ring rx;
	struct kvmflip_xsk_ring fill;
};

int kvmflip_xsk_open(struct kvmflip_xsk *xsk, int fd, bool zero_copy,
		     const struct kvmflip_xsk_layout *rx, const struct kvmflip_xsk_layout *fill,
		     struct netlink_ext_ack *extack);
void kvmflip_xsk_close(struct kvmflip_xsk *xsk);
int kvmflip_xsk_peek(const struct kvmflip_xsk *xsk, const struct xdp_desc **descs, u32 max);
void kvmflip_xsk_release(struct kvmflip_xsk *xsk, u32 n);
void kvmflip_xsk_fill_put(struct kvmflip_xsk *xsk, u64 addr, u32 step, u32 n);
bool kvmflip_xsk_fill_show(struct kvmflip_xsk *xsk);
bool kvmflip_xsk_fill_publish(struct kvmflip_xsk *xsk);
void kvmflip_xsk_wake(struct kvmflip_xsk *xsk);

/**
 * kvmflip_xsk_waits - does the driver wait to be woken?
 * @xsk: socket
 *
 * It has found no chunk when it wanted one; or no place in the RX ring, if it is one that
 * drops no frame then.
 *
 * Context: any.
 * Return: true from then on until it has got all that it wanted.
 */
static inline bool kvmflip_xsk_waits(const struct kvmflip_xsk *xsk)
{
	return READ_ONCE(*xsk->fill.flags) & XDP_RING_NEED_WAKEUP;
}

/**
 * kvmflip_xsk_is_late - is the RX ring at least half full?
 * @xsk: socket
 *
 * Context: any.
 * Return: true or false.
 */
static inline bool kvmflip_xsk_is_late(const struct kvmflip_xsk *xsk)
{
	return READ_ONCE(*xsk->rx.producer) - xsk->rx.index >= xsk->rx.nr / 2;
}

#if IS_ENABLED(CONFIG_KUNIT)
bool kf_layout_valid(const struct kvmflip_xsk_layout *layout, size_t desc_size);
#endif

#endif /* _KVMFLIP_XSK_H */
