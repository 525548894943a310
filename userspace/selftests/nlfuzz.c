// SPDX-License-Identifier: GPL-2.0
/*
 * nlfuzz: asks the module for things that no program would ask for.
 *
 *	nlfuzz COUNT SEED
 *
 * Commands with attributes at random: there or not, twice, of another type, too long or too
 * short, other commands' ones, numbers at their bounds, and files for attach that are no
 * queue's; and ioctls and mappings of /dev/kvmflip. Names are often those of a pool p and a
 * port a, which may go by that. Prints how many requests there were, and how many the module
 * did.
 */
#include <fcntl.h>
#include <linux/kvmflip.h>
#include <linux/kvmflip_netlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define ATTRS		20
#define LONGEST		300
#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

static int files[10];

static unsigned int below(unsigned int n)
{
	return random() % n;
}

static uint64_t number(void)
{
	static const uint64_t numbers[] = {
		0, 1, 2, 4, 4095, 4096, 65536, 1u << 20, 2u << 20, ~0u, 1ull << 63, ~0ull,
	};

	/* Interfaces, queues and files have small numbers. */
	switch (below(3)) {
	case 0:
		return below(16);
	case 1:
		return files[below(COUNT(files))];
	default:
		return numbers[below(COUNT(numbers))] + (below(8) ? 0 : below(3) - 1);
	}
}

static void put(struct nl_msg *msg, unsigned int depth)
{
	static const char *const names[] = { "p", "p", "a", "a", "q", "b", "", "kf0", "a/b", "%s" };
	int attr = below(ATTRS) | (below(16) ? 0 : NLA_F_NESTED);
	struct nlattr *nest;
	char bytes[LONGEST];
	uint64_t value;
	unsigned int i;

	switch (below(depth ? 5 : 6)) {
	case 0:
	case 1:
		value = number();
		nla_put(msg, attr, 1u << below(4), &value);
		break;
	case 2:
		nla_put_string(msg, attr, names[below(COUNT(names))]);
		break;
	case 3:
		for (i = 0; i < LONGEST; i++)
			bytes[i] = random();
		i = below(4);
		nla_put(msg, attr, i == 0 ? 6 : i == 1 ? 16 : below(LONGEST), bytes);
		break;
	case 4:
		nla_put_flag(msg, attr);
		break;
	case 5:
		nest = nla_nest_start(msg, attr);
		for (i = below(6); nest && i; i--)
			put(msg, depth + 1);
		if (nest)
			nla_nest_end(msg, nest);
		break;
	}
}

/* What a program would begin with */
static void begin(struct nl_msg *msg, int cmd)
{
	const unsigned char mac[] = { 2, 0, 0, 0, 0, below(4) };

	switch (cmd) {
	case KVMFLIP_CMD_POOL_ADD:
		nla_put_string(msg, KVMFLIP_A_POOL_NAME, below(2) ? "p" : "q");
		nla_put_u32(msg, KVMFLIP_A_POOL_SIZE, 2u << 20);
		break;
	case KVMFLIP_CMD_RXQ_ATTACH:
		nla_put_u32(msg, KVMFLIP_A_RXQ_IFINDEX, 1 + below(6));
		nla_put_u32(msg, KVMFLIP_A_RXQ_QUEUE, below(2));
		nla_put_string(msg, KVMFLIP_A_RXQ_POOL, "p");
		nla_put_u32(msg, KVMFLIP_A_RXQ_MODE, below(3));
		nla_put_u32(msg, KVMFLIP_A_RXQ_XSK_FD, files[below(COUNT(files))]);
		nla_put_u32(msg, KVMFLIP_A_RXQ_LINK_FD, files[below(COUNT(files))]);
		break;
	case KVMFLIP_CMD_PORT_ADD:
		nla_put_string(msg, KVMFLIP_A_PORT_NAME, below(2) ? "a" : "b");
		nla_put_string(msg, KVMFLIP_A_PORT_POOL, below(4) ? "p" : "q");
		nla_put(msg, KVMFLIP_A_PORT_MAC, sizeof(mac), mac);
		break;
	case KVMFLIP_CMD_PORT_SET:
		nla_put_string(msg, KVMFLIP_A_PORT_NAME, below(2) ? "a" : "b");
		if (below(2))
			nla_put(msg, KVMFLIP_A_PORT_MAC, sizeof(mac), mac);
		if (below(2))
			nla_put_u32(msg, KVMFLIP_A_PORT_COPYBREAK, below(3000));
		if (below(2))
			nla_put_u16(msg, KVMFLIP_A_PORT_VLAN, below(5000));
		break;
	default:
		nla_put_string(msg, 1, below(2) ? "a" : "p");
	}
}

/* Returns if the module did it. Any answer will do, but there has to be one. */
static bool call(struct nl_sock *sock, struct nl_msg *msg)
{
	static char answer[65536];
	struct nlmsghdr *nlh;
	int left;

	if (nl_send_auto(sock, msg) < 0)
		return false;
	for (;;) {
		left = recv(nl_socket_get_fd(sock), answer, sizeof(answer), 0);
		if (left < 0) {
			perror("nlfuzz: no answer");
			exit(1);
		}
		for (nlh = (void *)answer; nlmsg_ok(nlh, left); nlh = nlmsg_next(nlh, &left)) {
			if (nlh->nlmsg_type == NLMSG_ERROR)
				return !((struct nlmsgerr *)nlmsg_data(nlh))->error;
			if (nlh->nlmsg_type == NLMSG_DONE)
				return true;
		}
	}
}

/* What /dev/kvmflip takes, and what it does not */
static void use_device(void)
{
	static const unsigned long cmds[] = { KVMFLIP_IOC_POOL, KVMFLIP_IOC_XSK };
	int fd = open("/dev/kvmflip", O_RDWR | O_CLOEXEC);
	struct kvmflip_ioc_pool *pool;
	struct kvmflip_ioc_xsk *xsk;
	unsigned char arg[128];
	unsigned long cmd;
	size_t bytes;
	void *at;
	int n;

	for (n = below(8); fd >= 0 && n; n--) {
		memset(arg, below(3) ? 0 : random(), sizeof(arg));
		pool = (void *)arg;
		xsk = (void *)arg;
		cmd = below(4) ? cmds[below(2)] : (unsigned long)random();
		pool->size = below(2) ? sizeof(*pool) : below(200);
		if (cmd == KVMFLIP_IOC_POOL)
			snprintf(pool->name, sizeof(pool->name), "%s", below(4) ? "p" : "q");
		else if (below(2))
			pool->size = sizeof(*xsk);
		/* What it may have got is closed when this ends. */
		ioctl(fd, cmd, below(8) ? arg : (void *)(unsigned long)random());
		bytes = below(4) ? 2u << 20 : (size_t)below(1000) << 12;
		at = mmap(NULL, bytes, below(8), below(4) ? MAP_SHARED : MAP_PRIVATE, fd,
			  below(4) ? 0 : (off_t)random() << 12);
		if (at != MAP_FAILED) {
			madvise(at, bytes, below(30));
			munmap(at, bytes);
		}
	}
	if (fd >= 0)
		close(fd);
}

static void open_files(void)
{
	int i = 0, pair[2];

	files[i++] = -1;
	files[i++] = open("/dev/null", O_RDWR);
	files[i++] = open("/proc/self/exe", O_RDONLY);
	files[i++] = open("/dev/kvmflip", O_RDWR);
	files[i++] = memfd_create("nlfuzz", 0);
	files[i++] = eventfd(0, 0);
	files[i++] = epoll_create1(0);
	files[i++] = socket(AF_INET, SOCK_DGRAM, 0);
	/* One that has neither rings nor a queue */
	files[i++] = socket(AF_XDP, SOCK_RAW, 0);
	files[i++] = socketpair(AF_UNIX, SOCK_STREAM, 0, pair) ? -1 : pair[0];
}

int main(int argc, char **argv)
{
	const struct timeval patience = { .tv_sec = 60 };
	unsigned int i, n, count, accepted = 0;
	struct nl_sock *sock;
	struct nl_msg *msg;
	int family, cmd;

	if (argc != 3) {
		fputs("usage: nlfuzz COUNT SEED\n", stderr);
		return 2;
	}
	count = strtoul(argv[1], NULL, 0);
	srandom(strtoul(argv[2], NULL, 0));
	open_files();
	sock = nl_socket_alloc();
	if (!sock || genl_connect(sock))
		return 1;
	family = genl_ctrl_resolve(sock, KVMFLIP_FAMILY_NAME);
	if (family < 0) {
		nl_perror(family, "nlfuzz");
		return 1;
	}
	setsockopt(nl_socket_get_fd(sock), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	for (i = 0; i < count; i++) {
		cmd = below(KVMFLIP_CMD_MAX + 2);
		msg = nlmsg_alloc();
		if (!msg || !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0,
					 NLM_F_ACK | (below(8) ? 0 : NLM_F_DUMP), cmd,
					 KVMFLIP_FAMILY_VERSION))
			return 1;
		if (below(4))
			begin(msg, cmd);
		/* Much of it is refused for a single attribute. */
		for (n = below(2) ? 0 : below(6); n; n--)
			put(msg, 0);
		accepted += call(sock, msg);
		if (!below(4))
			use_device();
		nlmsg_free(msg);
	}
	nl_socket_free(sock);
	printf("{\"requests\": %u, \"accepted\": %u}\n", count, accepted);
	return 0;
}
