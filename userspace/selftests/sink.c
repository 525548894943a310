// SPDX-License-Identifier: GPL-2.0
/*
 * sink: what guests send and receive, by sockets, every byte of it known.
 *
 *	sink udp PORT FRAMES [SECONDS [FILE]]
 *		take so many frames of "flipgen send ... udp=", or those that come
 *		before none has come for SECONDS; read none before FILE exists
 *	sink tcp PORT CONNECTIONS [SECONDS [FILE]]
 *		the same for connections of "sink send", till all of them have ended
 *	sink send ADDRESS PORT CONNECTIONS BYTES [SECONDS]
 *		send so many bytes on each of them; a peer may read nothing for
 *		SECONDS
 *
 * Prints what came or went, as JSON; status 1 if a byte was wrong, 3 if something
 * did not come or go.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "payload.h"

#define HEADERS		42	/* of Ethernet, IPv4 and UDP */
#define ROOM		(64 << 20)

static int seconds = 10;
static const char *file;

/**
 * struct stream - one connection
 * @at: bytes that went or came
 * @done: all of them, and the end
 */
struct stream {
	__u64 at;
	bool done;
};

static void die(const char *what)
{
	fprintf(stderr, "sink: %s: %s\n", what, strerror(errno));
	exit(2);
}

static __u8 byte_at(__u64 i)
{
	return (i ^ i >> 8 ^ i >> 16) * 167;
}

static int bound(int type, int port)
{
	struct sockaddr_in6 any = {
		.sin6_family = AF_INET6, .sin6_port = htons(port),
	};
	int fd = socket(AF_INET6, type, 0), one = 1, room = ROOM;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (type == SOCK_DGRAM)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)))
		die("bind");
	return fd;
}

static void wait_for_file(void)
{
	while (file && access(file, F_OK))
		usleep(20000);
}

/* Every byte of a frame from its coded header on */
static bool frame_is_good(const __u8 *data, __u32 n, __u32 *seq)
{
	struct payload_hdr hdr;
	__u32 i;

	if (n < PAYLOAD_CODED)
		return false;
	payload_decode(&hdr, data, sizeof(hdr));
	if (hdr.magic != PAYLOAD_MAGIC || hdr.len < n + HEADERS)
		return false;
	*seq = hdr.seq;
	for (i = 0; i < PAYLOAD_CODED + PAYLOAD_TIME && i < n; i++)
		if ((data[i] & PAYLOAD_CLASS) != (hdr.tag & PAYLOAD_CLASS))
			return false;
	for (; i < n; i++)
		if (data[i] != payload_pattern(hdr.tag, hdr.seq, i + hdr.len - n))
			return false;
	return true;
}

static int take_frames(int port, __u64 want)
{
	struct pollfd fd = { .fd = bound(SOCK_DGRAM, port), .events = POLLIN };
	__u64 frames = 0, bytes = 0, bad = 0, reordered = 0;
	__u32 seq = 0, last = 0;
	__u8 data[65536];
	ssize_t n;

	wait_for_file();
	while (frames < want && poll(&fd, 1, seconds * 1000) > 0) {
		n = recv(fd.fd, data, sizeof(data), 0);
		if (n < 0)
			continue;
		if (!frame_is_good(data, n, &seq))
			bad++;
		reordered += frames && (__s32)(seq - last) <= 0;
		last = seq;
		frames++;
		bytes += n;
	}
	printf("{\"frames\": %llu, \"bytes\": %llu, \"bad\": %llu, \"reordered\": %llu}\n",
	       frames, bytes, bad, reordered);
	return bad ? 1 : frames < want ? 3 : 0;
}

static bool bytes_are_good(const __u8 *data, ssize_t n, __u64 at)
{
	ssize_t i;

	for (i = 0; i < n; i++)
		if (data[i] != byte_at(at + i))
			return false;
	return true;
}

static int report(const struct stream *streams, int n, __u64 bad)
{
	__u64 bytes = 0;
	int i, done = 0;

	for (i = 0; i < n; i++) {
		bytes += streams[i].at;
		done += streams[i].done;
	}
	printf("{\"connections\": %d, \"bytes\": %llu, \"bad\": %llu}\n", done, bytes, bad);
	return bad ? 1 : done < n ? 3 : 0;
}

static int take_streams(int port, int n)
{
	struct stream *streams = calloc(n, sizeof(*streams));
	struct pollfd *fds = calloc(n + 1, sizeof(*fds));
	int taken = 0, done = 0, i;
	__u8 data[65536];
	__u64 bad = 0;
	ssize_t got;

	fds[n].fd = bound(SOCK_STREAM, port);
	fds[n].events = POLLIN;
	if (listen(fds[n].fd, n))
		die("listen");
	for (i = 0; i < n; i++)
		fds[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
	while (taken < n && poll(&fds[n], 1, seconds * 1000) > 0) {
		fds[taken].fd = accept4(fds[n].fd, NULL, NULL, SOCK_NONBLOCK);
		taken += fds[taken].fd >= 0;
	}
	wait_for_file();
	while (done < taken && poll(fds, n, seconds * 1000) > 0) {
		for (i = 0; i < n; i++) {
			if (!fds[i].revents)
				continue;
			got = read(fds[i].fd, data, sizeof(data));
			if (got > 0) {
				bad += !bytes_are_good(data, got, streams[i].at);
				streams[i].at += got;
			} else if (!got || errno != EAGAIN) {
				bad += got < 0;
				streams[i].done = true;
				fds[i].fd = -1;
				done++;
			}
		}
	}
	return report(streams, n, bad);
}

static int connected(const char *address, int port)
{
	struct sockaddr_in6 to6 = {
		.sin6_family = AF_INET6, .sin6_port = htons(port),
	};
	struct sockaddr_in to4 = {
		.sin_family = AF_INET, .sin_port = htons(port),
	};
	bool is6 = inet_pton(AF_INET6, address, &to6.sin6_addr) > 0;
	int fd = socket(is6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);

	if (!is6 && inet_pton(AF_INET, address, &to4.sin_addr) <= 0)
		die(address);
	if (fd < 0 || connect(fd, is6 ? (void *)&to6 : (void *)&to4,
			      is6 ? sizeof(to6) : sizeof(to4)))
		die("connect");
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static int send_streams(const char *address, int port, int n, __u64 bytes)
{
	struct stream *streams = calloc(n, sizeof(*streams));
	struct pollfd *fds = calloc(n, sizeof(*fds));
	__u8 data[16384];
	int done = 0, i;
	__u64 k, len;
	ssize_t put;

	for (i = 0; i < n; i++)
		fds[i] = (struct pollfd){
			.fd = connected(address, port), .events = POLLOUT
		};
	while (done < n && poll(fds, n, seconds * 1000) > 0) {
		for (i = 0; i < n; i++) {
			if (!fds[i].revents)
				continue;
			len = bytes - streams[i].at;
			len = len < sizeof(data) ? len : sizeof(data);
			for (k = 0; k < len; k++)
				data[k] = byte_at(streams[i].at + k);
			put = write(fds[i].fd, data, len);
			if (put < 0 && errno != EAGAIN)
				die("write");
			streams[i].at += put > 0 ? put : 0;
			if (streams[i].at < bytes)
				continue;
			close(fds[i].fd);
			fds[i].fd = -1;
			streams[i].done = true;
			done++;
		}
	}
	return report(streams, n, 0);
}

int main(int argc, char **argv)
{
	struct rlimit many = { 65536, 65536 };

	setrlimit(RLIMIT_NOFILE, &many);
	if (argc >= 4 && strcmp(argv[1], "send")) {
		if (argc > 4)
			seconds = atoi(argv[4]);
		if (argc > 5)
			file = argv[5];
		if (!strcmp(argv[1], "udp"))
			return take_frames(atoi(argv[2]), strtoull(argv[3], NULL, 0));
		if (!strcmp(argv[1], "tcp"))
			return take_streams(atoi(argv[2]), atoi(argv[3]));
	} else if (argc >= 6) {
		if (argc > 6)
			seconds = atoi(argv[6]);
		return send_streams(argv[2], atoi(argv[3]), atoi(argv[4]),
				    strtoull(argv[5], NULL, 0));
	}
	fprintf(stderr, "usage: sink udp|tcp PORT COUNT [SECONDS [FILE]]\n"
		"       sink send ADDRESS PORT CONNECTIONS BYTES [SECONDS]\n");
	return 2;
}
