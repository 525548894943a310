// SPDX-License-Identifier: GPL-2.0
/*
 * The control socket. QEMU connects to it and passes on what is written to
 * the virtio-serial port "gen"; one client at a time, a new one replaces the
 * old.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "command.h"
#include "serve.h"

#define MAX_NICS	16

/**
 * struct client - who gives commands
 * @fd: its connection, -1: there is none
 * @answer: the same, to be written to
 * @line: what has come of the next command
 * @used: bytes in it
 */
struct client {
	int fd;
	FILE *answer;
	char line[8192];
	size_t used;
};

static int listen_at(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(addr.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(addr.sun_path, path, strlen(path));
	unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && !bind(fd, (struct sockaddr *)&addr, sizeof(addr)) &&
	    !listen(fd, 1))
		return fd;
	return -1;
}

static void drop_client(struct client *client)
{
	if (client->fd >= 0)
		fclose(client->answer);
	client->fd = -1;
	client->used = 0;
}

static void take_client(struct client *client, int listener)
{
	int fd = accept(listener, NULL, NULL);

	if (fd < 0)
		return;
	drop_client(client);
	client->answer = fdopen(fd, "w");
	if (client->answer)
		client->fd = fd;
	else
		close(fd);
}

static void take_input(struct client *client, struct nic *nics, int n_nics)
{
	char *end_of_line;
	ssize_t n;

	n = read(client->fd, client->line + client->used,
		 sizeof(client->line) - 1 - client->used);
	if (n <= 0) {
		drop_client(client);
		return;
	}
	client->used += n;
	client->line[client->used] = '\0';
	while ((end_of_line = strchr(client->line, '\n'))) {
		size_t len = end_of_line + 1 - client->line;

		*end_of_line = '\0';
		command_run(nics, n_nics, client->line, client->answer);
		client->used -= len;
		memmove(client->line, end_of_line + 1, client->used + 1);
	}
	if (client->used == sizeof(client->line) - 1) {
		fprintf(stderr, "flipgen: command too long\n");
		client->used = 0;
	}
}

int serve(const char *path, struct nic *nics, int n_nics)
{
	struct client client = { .fd = -1 };
	struct pollfd fds[2 + MAX_NICS];
	int listener, i;

	if (n_nics > MAX_NICS) {
		fprintf(stderr, "flipgen: too many NICs\n");
		return 1;
	}
	signal(SIGPIPE, SIG_IGN);
	listener = listen_at(path);
	if (listener < 0) {
		fprintf(stderr, "flipgen: %s: %s\n", path, strerror(errno));
		return 1;
	}
	for (;;) {
		fds[0] = (struct pollfd){ .fd = listener, .events = POLLIN };
		fds[1] = (struct pollfd){ .fd = client.fd, .events = POLLIN };
		for (i = 0; i < n_nics; i++)
			fds[2 + i] = (struct pollfd){
				.fd = nics[i].fd, .events = POLLIN
			};
		if (poll(fds, 2 + n_nics, -1) < 0)
			continue;
		for (i = 0; i < n_nics; i++)
			nic_drain(&nics[i]);
		if (fds[1].revents)
			take_input(&client, nics, n_nics);
		if (fds[0].revents)
			take_client(&client, listener);
	}
}
