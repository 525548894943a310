// SPDX-License-Identifier: GPL-2.0
/* kvmflip: the rings of an AF_XDP socket, used from within the kernel. */

#include <kunit/visibility.h>
#include <linux/error-injection.h>
#include <linux/file.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/netlink.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <net/xdp_sock.h>

#include "xsk.h"

static void kf_ring_close(struct kvmflip_xsk_ring *ring)
{
	if (ring->map)
		vunmap(ring->map);
	unpin_user_pages(ring->pages, ring->nr_pages);
	kvfree(ring->pages);
	memset(ring, 0, sizeof(*ring));
}

VISIBLE_IF_KUNIT
bool kf_layout_valid(const struct kvmflip_xsk_layout *layout, size_t desc_size)
{
	u64 head = max3(layout->producer, layout->consumer, layout->flags);

	return layout->entries && is_power_of_2(layout->entries) && layout->entries <= SZ_1M &&
	       head <= SZ_1M && layout->desc <= SZ_1M && head + sizeof(u32) <= layout->desc &&
	       !((layout->producer | layout->consumer | layout->flags) % sizeof(u32)) &&
	       !(layout->desc % sizeof(u64));
}

/*
 * The rings are mapped from the socket here, rather than taken from where the
 * caller has them mapped, so that a mistake of the caller's cannot give other
 * memory for them. A caller that remaps the address in between can, and can
 * write to the rings at any time anyway: nothing in them is trusted.
 */
static noinline int kf_ring_open(struct kvmflip_xsk_ring *ring, struct file *file,
				 const struct kvmflip_xsk_layout *layout, size_t desc_size,
				 u64 pgoff)
{
	size_t bytes = PAGE_ALIGN(layout->desc + layout->entries * desc_size);
	unsigned long addr;
	int pinned, err;

	ring->pages = kvcalloc(bytes >> PAGE_SHIFT, sizeof(*ring->pages), GFP_KERNEL);
	if (!ring->pages)
		return -ENOMEM;

	addr = vm_mmap(file, 0, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, pgoff);
	if (IS_ERR_VALUE(addr)) {
		err = addr;
		goto err_close;
	}
	pinned = pin_user_pages_fast(addr, bytes >> PAGE_SHIFT, FOLL_WRITE | FOLL_LONGTERM,
				     ring->pages);
	vm_munmap(addr, bytes);
	if (pinned < 0) {
		err = pinned;
		goto err_close;
	}
	ring->nr_pages = pinned;
	err = -EFAULT;
	if (pinned != bytes >> PAGE_SHIFT)
		goto err_close;

	err = -ENOMEM;
	ring->map = vmap(ring->pages, ring->nr_pages, VM_MAP, PAGE_KERNEL);
	if (!ring->map)
		goto err_close;

	ring->producer = ring->map + layout->producer;
	ring->consumer = ring->map + layout->consumer;
	ring->flags = ring->map + layout->flags;
	ring->desc = ring->map + layout->desc;
	ring->nr = layout->entries;
	return 0;

err_close:
	kf_ring_close(ring);
	return err;
}
ALLOW_ERROR_INJECTION(kf_ring_open, ERRNO);

/**
 * kvmflip_xsk_open - take over a bound AF_XDP socket
 * @xsk: to fill in
 * @fd: descriptor of the caller's
 * @zero_copy: the socket must be in zero-copy mode
 * @rx: layout of the socket's RX ring
 * @fill: layout of its fill ring
 * @extack: for the reason of an error
 *
 * Context: the process that owns @fd; may sleep; takes its mmap_lock.
 * Return: 0, -EBADF, -ENOTSOCK, -EINVAL, -EOPNOTSUPP if the socket is not a
 * zero-copy one, or what mapping the rings returns.
 */
int kvmflip_xsk_open(struct kvmflip_xsk *xsk, int fd, bool zero_copy,
		     const struct kvmflip_xsk_layout *rx, const struct kvmflip_xsk_layout *fill,
		     struct netlink_ext_ack *extack)
{
	struct socket *sock;
	int err;

	if (!kf_layout_valid(rx, sizeof(struct xdp_desc)) ||
	    !kf_layout_valid(fill, sizeof(u64))) {
		NL_SET_ERR_MSG(extack, "the layout of a ring makes no sense");
		return -EINVAL;
	}

	xsk->file = fget(fd);
	if (!xsk->file) {
		NL_SET_ERR_MSG(extack, "xsk-fd is not an open file");
		return -EBADF;
	}
	sock = sock_from_file(xsk->file);
	if (!sock || !sock->sk || sock->sk->sk_family != PF_XDP) {
		NL_SET_ERR_MSG(extack, "xsk-fd is not an AF_XDP socket");
		err = -ENOTSOCK;
		goto err_put;
	}
	xsk->xs = (struct xdp_sock *)sock->sk;
	if (READ_ONCE(xsk->xs->state) != XSK_BOUND) {
		NL_SET_ERR_MSG(extack, "the socket is not bound to a queue");
		err = -EINVAL;
		goto err_put;
	}
	if (zero_copy && !xsk->xs->zc) {
		NL_SET_ERR_MSG(extack,
			       "the socket is not in zero-copy mode, as all but mode copy need");
		err = -EOPNOTSUPP;
		goto err_put;
	}

	err = kf_ring_open(&xsk->rx, xsk->file, rx, sizeof(struct xdp_desc), XDP_PGOFF_RX_RING);
	if (err) {
		NL_SET_ERR_MSG(extack, "the socket's RX ring cannot be mapped");
		goto err_put;
	}
	err = kf_ring_open(&xsk->fill, xsk->file, fill, sizeof(u64), XDP_UMEM_PGOFF_FILL_RING);
	if (err) {
		NL_SET_ERR_MSG(extack, "the socket's fill ring cannot be mapped");
		goto err_rx;
	}
	xsk->rx.index = READ_ONCE(*xsk->rx.consumer);
	xsk->fill.index = READ_ONCE(*xsk->fill.producer);
	if (xsk->fill.index != READ_ONCE(*xsk->fill.consumer)) {
		NL_SET_ERR_MSG(extack, "the socket's fill ring is not empty");
		err = -EBUSY;
		goto err_fill;
	}
	return 0;

err_fill:
	kf_ring_close(&xsk->fill);
err_rx:
	kf_ring_close(&xsk->rx);
err_put:
	fput(xsk->file);
	return err;
}
ALLOW_ERROR_INJECTION(kvmflip_xsk_open, ERRNO);

/**
 * kvmflip_xsk_close - give a socket up
 * @xsk: socket
 *
 * The NIC may go on using the queue until AF_XDP has taken it down, which it
 * does in its own time.
 *
 * Context: may sleep; without rtnl.
 */
void kvmflip_xsk_close(struct kvmflip_xsk *xsk)
{
	kf_ring_close(&xsk->fill);
	kf_ring_close(&xsk->rx);
	/* Not from the task that waits for it, as fput() would have it. */
	__fput_sync(xsk->file);
}

/**
 * kvmflip_xsk_peek - look at completions in the RX ring
 * @xsk: socket
 * @descs: where they are, one behind the other; who else has the ring mapped may
 *	   change them at any time
 * @max: how many at most
 *
 * Return: how many there are, fewer if the ring ends behind them; or -EPROTO if it is
 * corrupt.
 */
int kvmflip_xsk_peek(const struct kvmflip_xsk *xsk, const struct xdp_desc **descs, u32 max)
{
	const struct kvmflip_xsk_ring *ring = &xsk->rx;
	const struct xdp_desc *desc = ring->desc;
	/* Pairs with the release in AF_XDP, before which it wrote descriptors. */
	u32 n = smp_load_acquire(ring->producer) - ring->index;
	u32 at = ring->index & (ring->nr - 1);

	if (n > ring->nr)
		return -EPROTO;
	*descs = desc + at;
	return min3(n, max, ring->nr - at);
}

/**
 * kvmflip_xsk_release - take completions from the RX ring
 * @xsk: socket
 * @n: how many, that kvmflip_xsk_peek() has found and nobody looks at any more
 */
void kvmflip_xsk_release(struct kvmflip_xsk *xsk, u32 n)
{
	struct kvmflip_xsk_ring *ring = &xsk->rx;

	ring->index += n;
	/* Pairs with the acquire in AF_XDP, after which it writes descriptors. */
	smp_store_release(ring->consumer, ring->index);
}

/**
 * kvmflip_xsk_fill_put - put chunks into the fill ring, not yet visible
 * @xsk: socket
 * @addr: offset of the first chunk in the pool
 * @step: from one to the next, in bytes
 * @n: number of chunks
 *
 * The caller never has more chunks posted than the ring has entries, so that
 * there is always space; the consumer's index is not looked at because drivers
 * publish it late.
 */
void kvmflip_xsk_fill_put(struct kvmflip_xsk *xsk, u64 addr, u32 step, u32 n)
{
	u32 index = xsk->fill.index, mask = xsk->fill.nr - 1;
	u64 *desc = xsk->fill.desc;

	xsk->fill.index += n;
	for (; n; n--, addr += step)
		WRITE_ONCE(desc[index++ & mask], addr);
}

/**
 * kvmflip_xsk_fill_show - show the driver what was put, if it looks
 * @xsk: socket
 *
 * Context: any.
 * Return: true if it does not, so that kvmflip_xsk_fill_publish() is to be called.
 */
bool kvmflip_xsk_fill_show(struct kvmflip_xsk *xsk)
{
	/* Pairs with the acquire in AF_XDP, after which it reads addresses. */
	smp_store_release(xsk->fill.producer, xsk->fill.index);
	/* The driver sets the flag, then looks at the ring once more. */
	smp_mb();
	return kvmflip_xsk_waits(xsk);
}

/**
 * kvmflip_xsk_fill_publish - show the driver what was put
 * @xsk: socket
 *
 * Context: process context.
 * Return: true if the driver had to be woken for it.
 */
bool kvmflip_xsk_fill_publish(struct kvmflip_xsk *xsk)
{
	if (!kvmflip_xsk_fill_show(xsk))
		return false;
	kvmflip_xsk_wake(xsk);
	return true;
}

/**
 * kvmflip_xsk_wake - wake the driver
 * @xsk: socket
 *
 * Context: process context.
 */
void kvmflip_xsk_wake(struct kvmflip_xsk *xsk)
{
	/* AF_XDP's poll does so, if the socket is still bound. */
	vfs_poll(xsk->file, NULL);
}
