// SPDX-License-Identifier: GPL-2.0
/* Ethernet over unix datagram sockets, as QEMU's "-netdev dgram" speaks it. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "nic.h"

#define PATIENCE_MS	5000

bool nic_open(struct nic *nic, const char *spec)
{
	/* QEMU may have no room for us before we take what it has sent. */
	const struct timeval longest = { .tv_usec = 2000 };
	struct sockaddr_un own = { .sun_family = AF_UNIX };

	nic->peer.sun_family = AF_UNIX;
	if (sscanf(spec, "%31[^=]=%107[^,],%107s", nic->name, own.sun_path,
		   nic->peer.sun_path) != 3) {
		fprintf(stderr, "flipgen: --nic NAME=BINDPATH,PEERPATH\n");
		return false;
	}
	nic->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	unlink(own.sun_path);
	if (nic->fd < 0 ||
	    bind(nic->fd, (struct sockaddr *)&own, sizeof(own))) {
		fprintf(stderr, "flipgen: %s: %s\n", own.sun_path,
			strerror(errno));
		return false;
	}
	setsockopt(nic->fd, SOL_SOCKET, SO_SNDTIMEO, &longest, sizeof(longest));
	return true;
}

void nic_drain(struct nic *nic)
{
	__u8 frame[65536];

	while (recv(nic->fd, frame, sizeof(frame), MSG_DONTWAIT) >= 0)
		nic->came++;
}

static __s64 now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

bool nic_send(struct nic *nic, const __u8 *frame, size_t len)
{
	const struct timespec pause = { .tv_nsec = 200000 };
	__s64 end = 0;

	while (sendto(nic->fd, frame, len, nic->press ? 0 : MSG_DONTWAIT,
		      (struct sockaddr *)&nic->peer, sizeof(nic->peer)) < 0) {
		bool waited = nic->press && errno == EAGAIN;

		/* No QEMU yet, a full queue, no memory: all may pass. */
		if (!end)
			end = now_ms() + PATIENCE_MS;
		if (now_ms() > end)
			return false;
		nic->waits++;
		nic_drain(nic);
		if (waited)
			continue;
		/*
		 * The socket is not connected, so poll() cannot tell when
		 * QEMU's queue has room.
		 */
		nanosleep(&pause, NULL);
	}
	tally_frame(&nic->sent, frame, len);
	return true;
}
