// SPDX-License-Identifier: GPL-2.0
/*
 * xskdrop: a program that takes frames from an AF_XDP zero-copy socket and drops them.
 *
 *	xskdrop DEV QUEUE OBJECT
 *
 * OBJECT is bench.bpf.o. Nothing that gets frames from a NIC to another place can do
 * with less. Prints "ready" once it has the queue, and at SIGTERM how many came.
 */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define CHUNK		4096
#define CHUNKS		4096
#define RING		2048

/**
 * struct ring - one that is shared with the kernel
 * @producer: index of who fills it
 * @consumer: index of who empties it
 * @flags: XDP_RING_*
 * @entries: descriptors or addresses
 */
struct ring {
	__u32 *producer;
	__u32 *consumer;
	__u32 *flags;
	void *entries;
};

static volatile sig_atomic_t ended;

static void on_signal(int signal)
{
	ended = signal;
}

static void die(const char *what)
{
	fprintf(stderr, "xskdrop: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void set(int fd, int option, const void *value, socklen_t len)
{
	if (setsockopt(fd, SOL_XDP, option, value, len))
		die("setsockopt");
}

static struct ring map_ring(int fd, const struct xdp_ring_offset *at, size_t entry, off_t offset)
{
	char *map = mmap(NULL, at->desc + RING * entry, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_POPULATE, fd, offset);

	if (map == MAP_FAILED)
		die("mmap");
	return (struct ring) {
		.producer = (__u32 *)(map + at->producer),
		.consumer = (__u32 *)(map + at->consumer),
		.flags = (__u32 *)(map + at->flags),
		.entries = map + at->desc,
	};
}

static int open_socket(struct ring *fill, struct ring *rx, int ifindex, int queue)
{
	static const int entries = RING;
	struct xdp_umem_reg umem = { .len = (__u64)CHUNKS * CHUNK, .chunk_size = CHUNK };
	struct sockaddr_xdp addr = {
		.sxdp_family = AF_XDP,
		.sxdp_flags = XDP_ZEROCOPY | XDP_USE_NEED_WAKEUP,
		.sxdp_ifindex = ifindex,
		.sxdp_queue_id = queue,
	};
	struct xdp_mmap_offsets offsets;
	socklen_t len = sizeof(offsets);
	int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	void *area;

	if (fd < 0)
		die("socket");
	area = mmap(NULL, umem.len, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (area == MAP_FAILED)
		die("mmap");
	umem.addr = (uintptr_t)area;
	set(fd, XDP_UMEM_REG, &umem, sizeof(umem));
	set(fd, XDP_UMEM_FILL_RING, &entries, sizeof(entries));
	set(fd, XDP_UMEM_COMPLETION_RING, &entries, sizeof(entries));
	set(fd, XDP_RX_RING, &entries, sizeof(entries));
	if (getsockopt(fd, SOL_XDP, XDP_MMAP_OFFSETS, &offsets, &len))
		die("offsets");
	*fill = map_ring(fd, &offsets.fr, sizeof(__u64), XDP_UMEM_PGOFF_FILL_RING);
	*rx = map_ring(fd, &offsets.rx, sizeof(struct xdp_desc), XDP_PGOFF_RX_RING);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		die("bind");
	return fd;
}

static void put(struct ring *fill, __u32 at, __u64 addr)
{
	((__u64 *)fill->entries)[at % RING] = addr & ~(__u64)(CHUNK - 1);
}

/* All that is there; every chunk goes straight back. */
static unsigned int take(struct ring *rx, struct ring *fill)
{
	__u32 from = *rx->consumer, to = __atomic_load_n(rx->producer, __ATOMIC_ACQUIRE);
	__u32 free = *fill->producer, i;

	for (i = from; i != to; i++)
		put(fill, free++, ((struct xdp_desc *)rx->entries)[i % RING].addr);
	__atomic_store_n(rx->consumer, to, __ATOMIC_RELEASE);
	__atomic_store_n(fill->producer, free, __ATOMIC_RELEASE);
	return to - from;
}

static void attach(const char *path, int ifindex, int queue, int fd)
{
	struct bpf_object *obj = bpf_object__open_file(path, NULL);
	int prog, map;

	if (!obj || bpf_object__load(obj))
		die(path);
	prog = bpf_program__fd(bpf_object__find_program_by_name(obj, "do_xsk"));
	map = bpf_object__find_map_fd_by_name(obj, "xsks");
	if (bpf_map_update_elem(map, &queue, &fd, BPF_ANY) ||
	    bpf_xdp_attach(ifindex, prog, XDP_FLAGS_DRV_MODE, NULL))
		die("attach");
}

int main(int argc, char **argv)
{
	const struct rlimit infinity = { RLIM_INFINITY, RLIM_INFINITY };
	struct sigaction action = { .sa_handler = on_signal };
	struct pollfd fd = { .events = POLLIN };
	unsigned long frames = 0;
	struct ring fill, rx;
	int ifindex, queue;
	unsigned int i;

	ifindex = argc == 4 ? if_nametoindex(argv[1]) : 0;
	if (!ifindex) {
		fputs("usage: xskdrop DEV QUEUE OBJECT\n", stderr);
		return 2;
	}
	queue = atoi(argv[2]);
	sigaction(SIGTERM, &action, NULL);
	setrlimit(RLIMIT_MEMLOCK, &infinity);
	fd.fd = open_socket(&fill, &rx, ifindex, queue);
	attach(argv[3], ifindex, queue, fd.fd);
	for (i = 0; i < RING; i++)
		put(&fill, i, (__u64)i * CHUNK);
	__atomic_store_n(fill.producer, RING, __ATOMIC_RELEASE);
	puts("ready");
	fflush(stdout);
	while (!ended) {
		poll(&fd, 1, 1000);
		while ((i = take(&rx, &fill)))
			frames += i;
	}
	bpf_xdp_detach(ifindex, XDP_FLAGS_DRV_MODE, NULL);
	printf("%lu frames\n", frames);
	return 0;
}
