// SPDX-License-Identifier: GPL-2.0
/* Sends generated frames on a netdev, by a packet socket. */
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "payload.h"
#include "plan.h"
#include "send.h"

static int open_dev(const char *dev)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_ifindex = if_nametoindex(dev),
	};
	int fd;

	if (!addr.sll_ifindex)
		return -1;
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd >= 0 && bind(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* It blocks when the netdev takes no more, but a full queue there is an error. */
static bool send_frame(int fd, const __u8 *frame, size_t len)
{
	ssize_t n;

	do
		n = send(fd, frame, len, 0);
	while (n < 0 && (errno == ENOBUFS || errno == EINTR));
	return n == (ssize_t)len;
}

const char *send_on(const char *dev, char **words, int n, struct tally *tally)
{
	__u8 frame[PAYLOAD_MAX_FRAME];
	struct plan plan;
	const char *error = plan_parse(&plan, words, n);
	size_t len;
	__u32 i;
	int fd;

	if (error)
		return error;
	fd = open_dev(dev);
	if (fd < 0)
		return strerror(errno);
	for (i = 0; !error && i < plan.count; i++) {
		len = plan_frame(&plan, plan_choose(&plan), frame, 0, i);
		if (send_frame(fd, frame, len))
			tally_frame(tally, frame, len);
		else
			error = strerror(errno);
	}
	close(fd);
	return error;
}
