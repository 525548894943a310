// SPDX-License-Identifier: GPL-2.0
/*
 * poolpeek: looks into a pool's memory, and plays a broken NIC, for tests.
 *
 *	poolpeek find POOL TAG		print the chunks that hold a frame of TAG
 *	poolpeek poke POOL TAG COUNT	have the NIC write to such chunks
 *	poolpeek soil POOL TAG		fill all chunks, as if the NIC had written
 *					frames of TAG there and given them up
 *
 * poke overwrites what lies in the fill ring of an attached queue, and was not
 * taken by the NIC yet, with chunks that a guest owns. It prints "ready N" then
 * (N entries changed), and waits for a line on stdin, while which the test
 * sends frames. At the end it prints how many of the chunks changed.
 *
 * While the pool is mapped here its pages are referenced, so that buffers
 * given back would be quarantined: it is mapped only for a moment.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_xdp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../flipgen/payload.h"
#include "kvmflip.h"

#define HEADROOM	256	/* of XDP, in front of a frame */
#define CHUNKS		64	/* that are poked at most */
#define MARGIN		128	/* entries that may have been read */

/**
 * struct pool - a pool that is open
 * @fd: its file
 * @bytes: its size
 * @chunk_size: of a chunk
 * @memory: mapped, or NULL
 */
struct pool {
	int fd;
	__u64 bytes;
	__u32 chunk_size;
	__u8 *memory;
};

/**
 * struct chunk - one that is watched
 * @address: in the pool
 * @sum: of its bytes from the frame on
 */
struct chunk {
	__u64 address;
	__u32 sum;
};

static void die(const char *what)
{
	fprintf(stderr, "poolpeek: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void pool_open(struct pool *pool, const char *name)
{
	struct kvmflip_ioc_pool ioc = { .size = sizeof(ioc) };

	snprintf(ioc.name, sizeof(ioc.name), "%s", name);
	pool->fd = open("/dev/kvmflip", O_RDWR | O_CLOEXEC);
	if (pool->fd < 0 || ioctl(pool->fd, KVMFLIP_IOC_POOL, &ioc))
		die("pool");
	pool->bytes = ioc.bytes;
	pool->chunk_size = ioc.chunk_size;
}

static void pool_map(struct pool *pool)
{
	pool->memory = mmap(NULL, pool->bytes, PROT_READ | PROT_WRITE,
			    MAP_SHARED, pool->fd, 0);
	if (pool->memory == MAP_FAILED)
		die("mapping the pool");
}

static void pool_unmap(struct pool *pool)
{
	munmap(pool->memory, pool->bytes);
}

static bool has_frame(const struct pool *pool, __u64 address, __u8 tag)
{
	const __u8 *frame = pool->memory + address + HEADROOM;
	struct payload_hdr hdr;
	__u32 at;

	return payload_parse(frame, pool->chunk_size - HEADROOM, &hdr, &at) &&
		hdr.tag == tag;
}

static __u32 chunk_sum(const struct pool *pool, __u64 address)
{
	return payload_mix(1, pool->memory + address + HEADROOM,
			   pool->chunk_size - HEADROOM);
}

static int find(struct pool *pool, __u8 tag)
{
	__u64 address;

	pool_map(pool);
	for (address = 0; address < pool->bytes; address += pool->chunk_size)
		if (has_frame(pool, address, tag))
			printf("%llu\n", address / pool->chunk_size);
	pool_unmap(pool);
	return 0;
}

static int soil(struct pool *pool, __u8 tag)
{
	__u64 address;

	pool_map(pool);
	for (address = 0; address < pool->bytes; address += pool->chunk_size)
		memset(pool->memory + address + HEADROOM, tag,
		       pool->chunk_size - HEADROOM);
	pool_unmap(pool);
	return 0;
}

/*
 * The newest entries become the chunks: of the others the driver may have read
 * some already, because it is late in saying so.
 */
static __u32 overwrite_fill(struct pool *pool, const struct chunk *chunks,
			    __u32 n)
{
	struct kvmflip_ioc_xsk ioc = { .size = sizeof(ioc) };
	struct xdp_mmap_offsets offsets;
	socklen_t len = sizeof(offsets);
	__u32 consumer, producer, i;
	__u64 *entries;
	size_t size;
	__u8 *ring;

	if (ioctl(pool->fd, KVMFLIP_IOC_XSK, &ioc))
		die("no queue is attached");
	if (getsockopt(ioc.fd, SOL_XDP, XDP_MMAP_OFFSETS, &offsets, &len))
		die("ring offsets");
	size = offsets.fr.desc + 4096 * sizeof(*entries);
	ring = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, ioc.fd,
		    XDP_UMEM_PGOFF_FILL_RING);
	if (ring == MAP_FAILED)
		die("fill ring");
	entries = (__u64 *)(ring + offsets.fr.desc);
	consumer = __atomic_load_n((__u32 *)(ring + offsets.fr.consumer),
				   __ATOMIC_ACQUIRE);
	producer = __atomic_load_n((__u32 *)(ring + offsets.fr.producer),
				   __ATOMIC_ACQUIRE);
	if (producer - consumer < MARGIN + n)
		die("too few entries in the fill ring");
	for (i = 0; i < n; i++)
		entries[(producer - n + i) % 4096] = chunks[i].address;
	munmap(ring, size);
	close(ioc.fd);
	return i;
}

static int poke(struct pool *pool, __u8 tag, __u32 wanted)
{
	struct chunk chunks[CHUNKS];
	__u32 n = 0, i, changed = 0;
	__u64 address;
	char line[16];

	pool_map(pool);
	for (address = 0; address < pool->bytes && n < wanted && n < CHUNKS;
	     address += pool->chunk_size) {
		if (!has_frame(pool, address, tag))
			continue;
		chunks[n].address = address;
		chunks[n++].sum = chunk_sum(pool, address);
	}
	pool_unmap(pool);
	n = overwrite_fill(pool, chunks, n);
	printf("ready %u\n", n);
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return 1;
	pool_map(pool);
	for (i = 0; i < n; i++)
		changed += chunk_sum(pool, chunks[i].address) != chunks[i].sum;
	pool_unmap(pool);
	printf("changed %u\n", changed);
	return 0;
}

int main(int argc, char **argv)
{
	struct pool pool;
	__u8 tag;

	if (argc < 4) {
		fputs("usage: poolpeek find POOL TAG\n"
		      "       poolpeek poke POOL TAG COUNT\n"
		      "       poolpeek soil POOL TAG\n", stderr);
		return 2;
	}
	pool_open(&pool, argv[2]);
	tag = strtoul(argv[3], NULL, 0);
	if (!strcmp(argv[1], "find"))
		return find(&pool, tag);
	if (!strcmp(argv[1], "soil"))
		return soil(&pool, tag);
	return poke(&pool, tag, argc > 4 ? strtoul(argv[4], NULL, 0) : 1);
}
