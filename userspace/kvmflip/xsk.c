// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/kvmflip.h>

#include "nic.h"
#include "output.h"
#include "xsk.h"

#define DEVICE "/dev/kvmflip"
#define COMPLETION_ENTRIES 64	/* nothing is sent */

/**
 * pool_file_open - open the memory of a pool
 * @pool: out
 * @name: the pool's name
 *
 * Return: exit code
 */
int pool_file_open(struct pool_file *pool, const char *name)
{
	struct kvmflip_ioc_pool arg = { .size = sizeof(arg) };

	pool->fd = open(DEVICE, O_RDWR | O_CLOEXEC);
	if (pool->fd < 0)
		return refused(DEVICE ": %s", strerror(errno));
	pool->name = name;
	snprintf(arg.name, sizeof(arg.name), "%s", name);
	if (ioctl(pool->fd, KVMFLIP_IOC_POOL, &arg)) {
		refused("pool %s: %s", name, errno == ENOENT ?
			"there is no such pool" : strerror(errno));
		pool_file_close(pool);
		return EXIT_REFUSED;
	}
	pool->chunk_size = arg.chunk_size;
	pool->bytes = arg.bytes;
	return EXIT_OK;
}

void pool_file_close(struct pool_file *pool)
{
	close(pool->fd);
	pool->fd = -1;
}

/* a socket of the pool whose UMEM is to be shared, or -1 if there is none */
static int shared_socket(const struct pool_file *pool, int *fd)
{
	struct kvmflip_ioc_xsk arg = { .size = sizeof(arg) };

	*fd = -1;
	if (!ioctl(pool->fd, KVMFLIP_IOC_XSK, &arg)) {
		*fd = arg.fd;
		return EXIT_OK;
	}
	if (errno == ENOENT)
		return EXIT_OK;
	return refused("pool %s: its socket: %s", pool->name, strerror(errno));
}

static int register_umem(int fd, const struct pool_file *pool)
{
	const struct rlimit infinity = { RLIM_INFINITY, RLIM_INFINITY };
	struct xdp_umem_reg reg = {
		.len = pool->bytes,
		.chunk_size = pool->chunk_size,
	};
	void *memory;
	int status = EXIT_OK;

	/* without CAP_IPC_LOCK the kernel counts a UMEM as locked memory */
	setrlimit(RLIMIT_MEMLOCK, &infinity);
	memory = mmap(NULL, pool->bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		      pool->fd, 0);
	if (memory == MAP_FAILED)
		return refused("pool %s: mapping its memory: %s", pool->name,
			       strerror(errno));
	reg.addr = (uintptr_t)memory;
	if (setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &reg, sizeof(reg)))
		status = refused("pool %s: registering it as UMEM: %s%s", pool->name,
				 strerror(errno), errno == ENOBUFS ?
				 "; raise the limit of locked memory (ulimit -l)" : "");
	munmap(memory, pool->bytes);
	return status;
}

static int make_rings(struct xsk *xsk, const struct nic *nic, unsigned int queue)
{
	static const struct {
		int option;
		int entries;
	} rings[] = {
		{ XDP_UMEM_FILL_RING, XSK_FILL_ENTRIES },
		{ XDP_UMEM_COMPLETION_RING, COMPLETION_ENTRIES },
		{ XDP_RX_RING, XSK_RX_ENTRIES },
	};
	socklen_t len = sizeof(xsk->offsets);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rings); i++)
		if (setsockopt(xsk->fd, SOL_XDP, rings[i].option,
			       &rings[i].entries, sizeof(rings[i].entries)))
			return refused("%s queue %u: AF_XDP rings: %s", nic->name,
				       queue, strerror(errno));
	if (getsockopt(xsk->fd, SOL_XDP, XDP_MMAP_OFFSETS, &xsk->offsets, &len))
		return refused("%s queue %u: AF_XDP ring offsets: %s", nic->name, queue,
			       strerror(errno));
	return EXIT_OK;
}

/* why the kernel did not bind, and what can be done */
static int bind_refused(const struct nic *nic, unsigned int queue, int err)
{
	const char *driver = nic_driver(nic);

	switch (err) {
	case EOPNOTSUPP:
		return refused("%s: driver %s has no AF_XDP zero-copy; mode copy needs none",
			       nic->name, driver);
	case EBUSY:
		return refused("%s queue %u has another AF_XDP socket: end its owner",
			       nic->name, queue);
	case EINVAL:
		return refused("%s queue %u: driver %s refuses the socket%s",
			       nic->name, queue, driver,
			       !strcmp(driver, "virtio_net") ?
			       ": give the virtio device iommu_platform=on,disable-legacy=on" : "");
	case ENETDOWN:
		return refused("%s is down: ip link set %s up", nic->name,
			       nic->name);
	default:
		return refused("%s queue %u: binding the socket: %s", nic->name,
			       queue, strerror(err));
	}
}

/*
 * A socket that shares a UMEM is of the kind that the first one was, whatever
 * was wanted of it.
 */
static int check_kind(const struct xsk *xsk, const struct nic *nic, unsigned int queue,
		      const struct pool_file *pool, enum xsk_way way)
{
	struct xdp_options options = { };
	socklen_t len = sizeof(options);
	bool zero_copy;

	if (getsockopt(xsk->fd, SOL_XDP, XDP_OPTIONS, &options, &len))
		return refused("%s queue %u: AF_XDP socket options: %s", nic->name,
			       queue, strerror(errno));
	zero_copy = options.flags & XDP_OPTIONS_ZEROCOPY;
	if (zero_copy && !nic_fits_chunks(nic, pool->chunk_size))
		return refused("%s: driver %s may not keep to chunks of %u bytes: use chunk 4K",
			       nic->name, nic_driver(nic), pool->chunk_size);
	if (zero_copy ? way == XSK_COPY : way == XSK_ZERO_COPY)
		return refused("pool %s has %s zero-copy queues: use another pool for %s",
			       pool->name, zero_copy ? "only" : "no", nic->name);
	return EXIT_OK;
}

static int xsk_bind(const struct xsk *xsk, const struct nic *nic,
		    unsigned int queue, enum xsk_way way)
{
	static const __u16 flags[] = {
		[XSK_ZERO_COPY] = XDP_ZEROCOPY,
		[XSK_COPY] = XDP_COPY,
	};
	struct sockaddr_xdp addr = {
		.sxdp_family = AF_XDP,
		.sxdp_flags = flags[way] | XDP_USE_NEED_WAKEUP,
		.sxdp_ifindex = nic->ifindex,
		.sxdp_queue_id = queue,
	};

	if (bind(xsk->fd, (struct sockaddr *)&addr, sizeof(addr)))
		return bind_refused(nic, queue, errno);
	return EXIT_OK;
}

static int xsk_bind_shared(const struct xsk *xsk, const struct nic *nic,
			   unsigned int queue, const struct pool_file *pool,
			   enum xsk_way way, int shared_fd)
{
	struct sockaddr_xdp addr = {
		.sxdp_family = AF_XDP,
		.sxdp_flags = XDP_SHARED_UMEM,
		.sxdp_ifindex = nic->ifindex,
		.sxdp_queue_id = queue,
		.sxdp_shared_umem_fd = shared_fd,
	};

	if (!bind(xsk->fd, (struct sockaddr *)&addr, sizeof(addr)))
		return EXIT_OK;
	if (way != XSK_ZERO_COPY && (errno == EOPNOTSUPP || errno == EINVAL))
		return refused("%s: driver %s has no zero-copy, which pool %s has: use another",
			       nic->name, nic_driver(nic), pool->name);
	return bind_refused(nic, queue, errno);
}

/**
 * xsk_open - make a socket on a queue, with the pool as its UMEM
 * @xsk: out
 * @nic: the device
 * @queue: its queue
 * @pool: the pool
 * @way: how frames get into it
 *
 * Return: exit code
 */
int xsk_open(struct xsk *xsk, const struct nic *nic, unsigned int queue,
	     const struct pool_file *pool, enum xsk_way way)
{
	int shared_fd, status;

	xsk->fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (xsk->fd < 0)
		return refused("%s queue %u: AF_XDP socket: %s", nic->name, queue,
			       strerror(errno));
	status = shared_socket(pool, &shared_fd);
	if (!status && shared_fd < 0)
		status = register_umem(xsk->fd, pool);
	if (!status)
		status = make_rings(xsk, nic, queue);
	if (!status && shared_fd < 0)
		status = xsk_bind(xsk, nic, queue, way);
	else if (!status)
		status = xsk_bind_shared(xsk, nic, queue, pool, way, shared_fd);
	if (!status)
		status = check_kind(xsk, nic, queue, pool, way);
	if (shared_fd >= 0)
		close(shared_fd);
	if (status)
		xsk_close(xsk);
	return status;
}

void xsk_close(struct xsk *xsk)
{
	close(xsk->fd);
	xsk->fd = -1;
}
