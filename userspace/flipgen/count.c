// SPDX-License-Identifier: GPL-2.0
/* Counts the generator's frames at a netdev, by a packet socket. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "count.h"
#include "payload.h"
#include "tally.h"

#define ETH_P_ALL	3
#define REPORT_MS	100

static int open_dev(const char *dev)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = if_nametoindex(dev),
	};
	int room = 64 << 20, on = 1;
	int fd;

	if (!addr.sll_ifindex)
		return -1;
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	if (setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on,
		       sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* The stack takes the outer VLAN tag out of the frame: put it back. */
static size_t restore_vlan(__u8 *frame, size_t len, struct msghdr *msg)
{
	struct tpacket_auxdata aux;
	struct cmsghdr *cmsg;
	__u16 tpid, tci;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		if (cmsg->cmsg_level != SOL_PACKET ||
		    cmsg->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(cmsg), sizeof(aux));
		if (!(aux.tp_status & TP_STATUS_VLAN_VALID) || len < 12)
			continue;
		tpid = htons(aux.tp_status & TP_STATUS_VLAN_TPID_VALID ?
			     aux.tp_vlan_tpid : 0x8100);
		tci = htons(aux.tp_vlan_tci);
		memmove(frame + 16, frame + 12, len - 12);
		memcpy(frame + 12, &tpid, 2);
		memcpy(frame + 14, &tci, 2);
		return len + 4;
	}
	return len;
}

static bool take_frame(int fd, struct tally *tally)
{
	__u8 frame[65536 + 4];
	__u8 control[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	struct iovec iov = { .iov_base = frame, .iov_len = 65536 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(fd, &msg, 0);

	if (n < 0)
		return false;
	tally_frame(tally, frame, restore_vlan(frame, n, &msg));
	return true;
}

/* Renamed into place, so that nobody reads half of one. */
static void write_report(const struct tally *tally, int fd, const char *path)
{
	static __u64 missed;
	struct tpacket_stats stats;
	socklen_t len = sizeof(stats);
	char tmp[4096];
	FILE *to;

	if (!getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len))
		missed += stats.tp_drops;
	snprintf(tmp, sizeof(tmp), "%s.new", path);
	to = fopen(tmp, "we");
	if (!to)
		return;
	fputs("{", to);
	tally_print(tally, to);
	fprintf(to, ", \"missed\": %llu}\n", missed);
	if (!fclose(to))
		rename(tmp, path);
}

static int end_fd(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

int count(const char *dev, const char *report)
{
	static struct tally tally;
	struct pollfd fds[2] = {
		{ .events = POLLIN },
		{ .fd = end_fd(), .events = POLLIN },
	};
	bool news = true;

	fds[0].fd = open_dev(dev);
	if (fds[0].fd < 0) {
		fprintf(stderr, "flipgen: %s: %s\n", dev, strerror(errno));
		return 1;
	}
	while (!fds[1].revents) {
		int budget = 4096;

		if (news)
			write_report(&tally, fds[0].fd, report);
		news = poll(fds, 2, REPORT_MS) > 0;
		/* A netdev that goes down is an error once, not the end. */
		while (budget-- && take_frame(fds[0].fd, &tally))
			;
	}
	write_report(&tally, fds[0].fd, report);
	return 0;
}
