/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/*
 * kvmflip: what userspace and XDP programs share with the module besides the
 * netlink family (which is in kvmflip_netlink.h, generated from its spec).
 */
#ifndef _UAPI_LINUX_KVMFLIP_H
#define _UAPI_LINUX_KVMFLIP_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define KVMFLIP_NAME_LEN	32	/* of a pool or port, with its NUL */
#define KVMFLIP_PORT_HOST	0	/* port id that means the host's own stack */

/*
 * The metadata contract between an XDP program and the module, version 1.
 *
 * The program calls bpf_xdp_adjust_meta(ctx, -16), writes this structure at
 * ctx->data_meta and redirects the frame to the socket of the queue it came
 * from. It redirects every frame, unknown ones with @port KVMFLIP_PORT_HOST: a
 * frame that it passes or drops by itself upsets the order in which the NIC
 * uses the chunks. A frame whose metadata is missing or of another version
 * is dropped and counted (dropped-no-meta).
 */
#define KVMFLIP_META_MAGIC	0x314d464bu	/* "KFM1" in memory */

/* The NIC has verified the frame's checksums, as virtio's DATA_VALID says it. */
#define KVMFLIP_META_CSUM_VALID	0x1

/**
 * struct kvmflip_meta - whose frame this is, written in front of the frame
 * @magic: KVMFLIP_META_MAGIC, host byte order as all fields are
 * @port: id of the port the frame is for, or KVMFLIP_PORT_HOST
 * @gen: generation of that port, so that a stale entry in the program's map
 *	 never delivers to a later port of the same id; 0 for the host
 * @flags: KVMFLIP_META_*; all other bits must be zero
 */
struct kvmflip_meta {
	__u32 magic;
	__u32 port;
	__u32 gen;
	__u32 flags;
};

/*
 * The keys and values of the demux program's port map
 * (/sys/fs/bpf/kvmflip/ports), one for all NICs.
 */

/**
 * struct kvmflip_demux_key - what identifies a port on the wire
 * @mac: destination address
 * @vlan: VLAN id in host byte order, 0 for untagged and priority-tagged frames
 */
struct kvmflip_demux_key {
	__u8 mac[6];
	__u16 vlan;
};

/**
 * struct kvmflip_demux_port - the port behind a key
 * @port: port id
 * @gen: port generation
 */
struct kvmflip_demux_port {
	__u32 port;
	__u32 gen;
};

/*
 * /dev/kvmflip: the memory of a pool, to be registered as an AF_XDP UMEM.
 *
 * Each structure begins with its size. A structure longer than the module
 * knows is accepted if the bytes it does not know are zero. All ioctls:
 * ENOTTY for an unknown number, EINVAL for a size that is too small,
 * E2BIG for unknown bytes that are not zero, EFAULT for bad addresses.
 */
#define KVMFLIP_IOC_MAGIC	0xb7

/**
 * struct kvmflip_ioc_pool - choose the pool that this file stands for
 * @size: sizeof(struct kvmflip_ioc_pool)
 * @chunk_size: out: bytes of a chunk
 * @name: name of the pool, NUL-terminated
 * @bytes: out: length to mmap() at offset 0, and of the UMEM
 *
 * Once per open file. ENOENT: no such pool. EBUSY: this file has a pool.
 */
struct kvmflip_ioc_pool {
	__u32 size;
	__u32 chunk_size;
	char name[KVMFLIP_NAME_LEN];
	__aligned_u64 bytes;
};

/**
 * struct kvmflip_ioc_xsk - get a bound socket of the pool to share its UMEM
 * @size: sizeof(struct kvmflip_ioc_xsk)
 * @fd: out: descriptor for sockaddr_xdp.sxdp_shared_umem_fd
 *
 * EBADFD: KVMFLIP_IOC_POOL comes first. ENOENT: no queue is attached, so the
 * caller registers the pool's memory as a new UMEM.
 */
struct kvmflip_ioc_xsk {
	__u32 size;
	__s32 fd;
};

#define KVMFLIP_IOC_POOL	_IOWR(KVMFLIP_IOC_MAGIC, 0, struct kvmflip_ioc_pool)
#define KVMFLIP_IOC_XSK		_IOWR(KVMFLIP_IOC_MAGIC, 1, struct kvmflip_ioc_xsk)

#endif /* _UAPI_LINUX_KVMFLIP_H */
