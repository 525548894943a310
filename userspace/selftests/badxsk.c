// SPDX-License-Identifier: GPL-2.0
/*
 * badxsk: sockets that are handed to the module and are not what they should be.
 *
 *	badxsk attach NIC POOL OTHER	some that it has to refuse, and some that it
 *					may take; queue 0 of NIC has none
 *	badxsk scribble POOL SECONDS SEED	anything into the rings of a queue of POOL
 *
 * OTHER is a pool like POOL. Prints how many attaches there were and how many of them were
 * accepted, or how often it has scribbled.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_xdp.h>
#include <net/if.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <linux/kvmflip.h>

#include "libkvmflip.h"

#define RX_ENTRIES	512
#define FILL_ENTRIES	16384
#define PAGE		4096
#define UNSTEADY	20	/* attaches while the rings change */

#define expect(what) do {						\
	if (!(what)) {							\
		fprintf(stderr, "badxsk: line %d: not %s (%s)\n",	\
			__LINE__, #what, strerror(errno));		\
		exit(1);						\
	}								\
} while (0)

/**
 * struct rings - a socket's rings, mapped
 * @at: each of them
 * @bytes: of each
 * @offsets: where in them things are
 */
struct rings {
	__u8 *at[2];
	size_t bytes[2];
	struct xdp_mmap_offsets offsets;
};

/**
 * struct bad - what is wrong
 * @why: it is
 * @err: what the module answers; 0 if it need not mind
 * @memory: of the UMEM
 * @chunk_size: of it, 0: the pool's
 * @headroom: of it
 * @flags: to bind with, instead of those for zero-copy
 * @unbound: it is not even bound
 * @filled: entries of the fill ring before it is attached
 * @queue: that is asked for
 * @loopback: it is asked for at another device
 * @rx_entries: that the RX ring is said to have
 * @fill_desc: where the fill ring's entries are said to be
 * @link: a file that is no link
 */
struct bad {
	const char *why;
	int err;
	enum { MEMORY_POOL, MEMORY_HALF, MEMORY_OTHER, MEMORY_OWN, MEMORY_SWAPPED } memory;
	__u32 chunk_size;
	__u32 headroom;
	__u16 flags;
	bool unbound;
	__u32 filled;
	__u32 queue;
	bool loopback;
	__u32 rx_entries;
	__u32 fill_desc;
	bool link;
};

static const struct bad bads[] = {
	{ "nothing", .err = 0 },
	{ "a smaller RX ring", .rx_entries = RX_ENTRIES / 2 },
	{ "a link that is the socket", EINVAL, .link = true },
	{ "half of the pool", EINVAL, .memory = MEMORY_HALF },
	{ "another pool's memory", EINVAL, .memory = MEMORY_OTHER },
	{ "its own memory", EINVAL, .memory = MEMORY_OWN },
	{ "pages in another order", EINVAL, .memory = MEMORY_SWAPPED },
	{ "other chunks", EINVAL, .chunk_size = 2048 },
	{ "headroom", EINVAL, .headroom = 256 },
	{ "not bound", EINVAL, .unbound = true },
	{ "not in zero-copy mode", EOPNOTSUPP, .flags = XDP_COPY },
	{ "a fill ring with entries", EBUSY, .filled = 3 },
	{ "another queue", EINVAL, .queue = 1 },
	{ "another device", EINVAL, .loopback = true },
	{ "no power of two", EINVAL, .rx_entries = RX_ENTRIES - 1 },
	{ "no entries", EINVAL, .rx_entries = 1u << 31 },
	{ "a larger RX ring", EINVAL, .rx_entries = 1u << 16 },
	{ "entries beyond the ring", EINVAL, .fill_desc = 1u << 20 },
	{ "entries over the indices", EINVAL, .fill_desc = 8 },
	{ }
};

static struct kvmflip *kf;
static unsigned int ifindex;
static bool steady;

static int open_pool(const char *name, struct kvmflip_ioc_pool *ioc)
{
	int fd = open("/dev/kvmflip", O_RDWR | O_CLOEXEC);

	*ioc = (struct kvmflip_ioc_pool){ .size = sizeof(*ioc) };
	snprintf(ioc->name, sizeof(ioc->name), "%s", name);
	expect(fd >= 0 && !ioctl(fd, KVMFLIP_IOC_POOL, ioc));
	return fd;
}

static void *map_pool(const char *name, size_t *bytes)
{
	struct kvmflip_ioc_pool ioc;
	int fd = open_pool(name, &ioc);
	void *at = mmap(NULL, ioc.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	expect(at != MAP_FAILED);
	close(fd);
	*bytes = ioc.bytes;
	return at;
}

/* Its first two pages have changed places. */
static void swap(char *at)
{
	char *room = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	expect(room != MAP_FAILED);
	expect(mremap(at, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, room) == room);
	expect(mremap(at + PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at) == at);
	expect(mremap(room, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at + PAGE) == at + PAGE);
}

static void set_memory(int fd, const struct bad *bad, const char *pool, const char *other)
{
	struct xdp_umem_reg reg = { .chunk_size = bad->chunk_size ?: PAGE,
				    .headroom = bad->headroom };
	size_t bytes, mapped;
	void *at;

	at = map_pool(bad->memory == MEMORY_OTHER ? other : pool, &mapped);
	bytes = mapped;
	if (bad->memory == MEMORY_OWN) {
		expect(!munmap(at, mapped));
		at = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		expect(at != MAP_FAILED);
	} else if (bad->memory == MEMORY_SWAPPED) {
		swap(at);
	} else if (bad->memory == MEMORY_HALF) {
		bytes /= 2;
	}
	reg.addr = (unsigned long)at;
	reg.len = bytes;
	expect(!setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &reg, sizeof(reg)));
	expect(!munmap(at, mapped));
}

static void map_rings(struct rings *rings, int fd, int rx, int fill)
{
	static const off_t where[] = { XDP_PGOFF_RX_RING, XDP_UMEM_PGOFF_FILL_RING };
	socklen_t len = sizeof(rings->offsets);
	int i;

	expect(!getsockopt(fd, SOL_XDP, XDP_MMAP_OFFSETS, &rings->offsets, &len));
	rings->bytes[0] = rings->offsets.rx.desc + rx * sizeof(struct xdp_desc);
	rings->bytes[1] = rings->offsets.fr.desc + fill * sizeof(__u64);
	for (i = 0; i < 2; i++) {
		rings->at[i] = mmap(NULL, rings->bytes[i], PROT_READ | PROT_WRITE, MAP_SHARED, fd,
				    where[i]);
		expect(rings->at[i] != MAP_FAILED);
	}
}

static void unmap_rings(struct rings *rings)
{
	expect(!munmap(rings->at[0], rings->bytes[0]) && !munmap(rings->at[1], rings->bytes[1]));
}

/* Mostly at what is looked at often */
static void scribble(struct rings *rings)
{
	const struct xdp_ring_offset *offset;
	int which = random() % 2;
	__u32 *word, value;
	size_t at;

	offset = which ? &rings->offsets.fr : &rings->offsets.rx;
	switch (random() % 8) {
	case 0:
		at = offset->producer;
		break;
	case 1:
		at = offset->consumer;
		break;
	case 2:
		at = offset->flags;
		break;
	default:
		at = random() % rings->bytes[which];
		break;
	}
	word = (__u32 *)(rings->at[which] + at / 4 * 4);
	value = __atomic_load_n(word, __ATOMIC_RELAXED);
	value = random() % 2 ? value + random() % 9 - 4 : (__u32)random() << random() % 32;
	__atomic_store_n(word, value, __ATOMIC_RELAXED);
}

static int open_socket(const struct bad *bad, const char *pool, const char *other)
{
	const int rx = RX_ENTRIES, fill = FILL_ENTRIES, completion = 64;
	struct sockaddr_xdp addr = {
		.sxdp_family = AF_XDP,
		.sxdp_flags = bad->flags ?: XDP_ZEROCOPY | XDP_USE_NEED_WAKEUP,
		.sxdp_ifindex = ifindex,
	};
	int tries, fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);

	expect(fd >= 0);
	set_memory(fd, bad, pool, other);
	expect(!setsockopt(fd, SOL_XDP, XDP_UMEM_FILL_RING, &fill, sizeof(fill)));
	expect(!setsockopt(fd, SOL_XDP, XDP_UMEM_COMPLETION_RING, &completion,
			   sizeof(completion)));
	expect(!setsockopt(fd, SOL_XDP, XDP_RX_RING, &rx, sizeof(rx)));
	if (bad->unbound)
		return fd;
	/* The one before may not have gone yet. */
	for (tries = 0; bind(fd, (struct sockaddr *)&addr, sizeof(addr)); tries++) {
		expect(errno == EBUSY && tries < 1000);
		usleep(10000);
	}
	return fd;
}

static void put_ring(struct kvmflip_request *req, int attr, __u32 entries,
		     const struct xdp_ring_offset *offset, __u32 desc)
{
	kvmflip_put_begin(req, attr);
	kvmflip_put_uint(req, KVMFLIP_A_RING_LAYOUT_ENTRIES, entries);
	kvmflip_put_uint(req, KVMFLIP_A_RING_LAYOUT_PRODUCER, offset->producer);
	kvmflip_put_uint(req, KVMFLIP_A_RING_LAYOUT_CONSUMER, offset->consumer);
	kvmflip_put_uint(req, KVMFLIP_A_RING_LAYOUT_FLAGS, offset->flags);
	kvmflip_put_uint(req, KVMFLIP_A_RING_LAYOUT_DESC, desc ?: offset->desc);
	kvmflip_put_end(req);
}

static int attach(int fd, const struct rings *rings, const struct bad *bad, const char *pool)
{
	struct kvmflip_request *req = kvmflip_request(kf, KVMFLIP_CMD_RXQ_ATTACH);

	kvmflip_put_uint(req, KVMFLIP_A_RXQ_IFINDEX, bad->loopback ? 1 : ifindex);
	kvmflip_put_uint(req, KVMFLIP_A_RXQ_QUEUE, bad->queue);
	kvmflip_put_string(req, KVMFLIP_A_RXQ_POOL, pool);
	kvmflip_put_uint(req, KVMFLIP_A_RXQ_MODE, KVMFLIP_MODE_STRICT);
	kvmflip_put_uint(req, KVMFLIP_A_RXQ_XSK_FD, fd);
	if (bad->link)
		kvmflip_put_uint(req, KVMFLIP_A_RXQ_LINK_FD, fd);
	put_ring(req, KVMFLIP_A_RXQ_RX_RING, bad->rx_entries ?: RX_ENTRIES, &rings->offsets.rx, 0);
	put_ring(req, KVMFLIP_A_RXQ_FILL_RING, FILL_ENTRIES, &rings->offsets.fr, bad->fill_desc);
	return kvmflip_call(kf, req, NULL, NULL);
}

static int detach(void)
{
	struct kvmflip_request *req = kvmflip_request(kf, KVMFLIP_CMD_RXQ_DETACH);

	kvmflip_put_uint(req, KVMFLIP_A_RXQ_IFINDEX, ifindex);
	kvmflip_put_uint(req, KVMFLIP_A_RXQ_QUEUE, 0);
	return kvmflip_call(kf, req, NULL, NULL);
}

static void *scribble_on(void *data)
{
	while (!__atomic_load_n(&steady, __ATOMIC_ACQUIRE))
		scribble(data);
	return NULL;
}

/* Returns if it was accepted. */
static bool try(const struct bad *bad, const char *pool, const char *other, bool unsteady)
{
	int fd = open_socket(bad, pool, other), err;
	struct rings rings;
	pthread_t thread;

	map_rings(&rings, fd, RX_ENTRIES, FILL_ENTRIES);
	*(__u32 *)(rings.at[1] + rings.offsets.fr.producer) = bad->filled;
	if (unsteady) {
		steady = false;
		expect(!pthread_create(&thread, NULL, scribble_on, &rings));
	}
	err = attach(fd, &rings, bad, pool);
	if (unsteady) {
		usleep(20000);
		__atomic_store_n(&steady, true, __ATOMIC_RELEASE);
		pthread_join(thread, NULL);
	} else {
		printf("# %s: %s\n", bad->why, err ? kvmflip_error(kf) : "accepted");
		if (-err != bad->err) {
			fprintf(stderr, "badxsk: %s: %s\n", bad->why, strerror(-err));
			exit(1);
		}
	}
	close(fd);
	unmap_rings(&rings);
	if (!err && detach()) {
		fprintf(stderr, "badxsk: %s: detach: %s\n", bad->why, kvmflip_error(kf));
		exit(1);
	}
	return !err;
}

static int try_all(const char *pool, const char *other)
{
	unsigned int tried = 0, accepted = 0, i;
	const struct bad *bad;

	expect(!kvmflip_open(&kf));
	for (bad = bads; bad->why; bad++, tried++)
		accepted += try(bad, pool, other, false);
	for (i = 0; i < UNSTEADY; i++, tried++)
		accepted += try(&bads[0], pool, other, true);
	printf("{\"attaches\": %u, \"accepted\": %u}\n", tried, accepted);
	return 0;
}

static int scribble_for(const char *pool, unsigned int seconds)
{
	struct kvmflip_ioc_xsk ioc = { .size = sizeof(ioc) };
	time_t end = time(NULL) + seconds;
	struct kvmflip_ioc_pool unused;
	unsigned long times = 0;
	struct rings rings;
	int fd = open_pool(pool, &unused);

	expect(!ioctl(fd, KVMFLIP_IOC_XSK, &ioc));
	map_rings(&rings, ioc.fd, RX_ENTRIES, FILL_ENTRIES);
	close(ioc.fd);
	close(fd);
	for (; time(NULL) < end; times++) {
		scribble(&rings);
		usleep(100);
	}
	printf("{\"scribbled\": %lu}\n", times);
	return 0;
}

int main(int argc, char **argv)
{
	const struct rlimit infinity = { RLIM_INFINITY, RLIM_INFINITY };

	setrlimit(RLIMIT_MEMLOCK, &infinity);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 5 && !strcmp(argv[1], "attach")) {
		ifindex = if_nametoindex(argv[2]);
		expect(ifindex);
		return try_all(argv[3], argv[4]);
	}
	if (argc == 5 && !strcmp(argv[1], "scribble")) {
		srandom(strtoul(argv[4], NULL, 0));
		return scribble_for(argv[2], strtoul(argv[3], NULL, 0));
	}
	fputs("usage: badxsk attach NIC POOL OTHER\n"
	      "       badxsk scribble POOL SECONDS SEED\n", stderr);
	return 2;
}
