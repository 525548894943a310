/* SPDX-License-Identifier: GPL-2.0 */
/* An AF_XDP socket on a NIC queue, over the memory of a pool. */
#ifndef _KVMFLIP_CLI_XSK_H
#define _KVMFLIP_CLI_XSK_H

#include <linux/types.h>

#include <linux/if_xdp.h>

#define XSK_RX_ENTRIES 512
#define XSK_FILL_ENTRIES 16384

struct nic;

/**
 * struct pool_file - /dev/kvmflip, standing for a pool
 * @fd: the file
 * @name: the pool's name
 * @chunk_size: bytes of a chunk
 * @bytes: bytes of the pool
 */
struct pool_file {
	int fd;
	const char *name;
	__u32 chunk_size;
	__u64 bytes;
};

/* How frames get into the memory: enough to say before a socket is bound */
enum xsk_way {
	XSK_ZERO_COPY,	/* the NIC writes them, or there is no socket */
	XSK_ANY,	/* the NIC writes them where its driver can do that */
	XSK_COPY,	/* the kernel copies them */
};

/**
 * struct xsk - a bound socket
 * @fd: the socket
 * @offsets: where the parts of its rings lie
 */
struct xsk {
	int fd;
	struct xdp_mmap_offsets offsets;
};

int pool_file_open(struct pool_file *pool, const char *name);
void pool_file_close(struct pool_file *pool);

int xsk_open(struct xsk *xsk, const struct nic *nic, unsigned int queue,
	     const struct pool_file *pool, enum xsk_way way);
void xsk_close(struct xsk *xsk);

#endif /* _KVMFLIP_CLI_XSK_H */
