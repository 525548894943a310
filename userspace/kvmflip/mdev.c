// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mdev.h"
#include "output.h"

#define CREATE "/sys/devices/platform/kvmflip/mdev_supported_types/kvmflip-port/create"

/* 0 or a negative errno */
static int write_file(const char *path, const char *text)
{
	int err = 0, fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

/* Return: exit code */
int mdev_create(const char *uuid)
{
	int err = write_file(CREATE, uuid);

	switch (err) {
	case 0:
		return EXIT_OK;
	case -EEXIST:
		return refused("a mediated device %s is there already", uuid);
	case -ENOENT:
		return refused("mediated device %s: there is no " CREATE, uuid);
	default:
		return refused("mediated device %s: %s", uuid, strerror(-err));
	}
}

/* A device that is gone already is as good. Return: exit code */
int mdev_remove(const char *uuid)
{
	char path[128];
	int err;

	snprintf(path, sizeof(path), MDEV_DEVICES "%s/remove", uuid);
	err = write_file(path, "1");
	if (err && err != -ENOENT)
		return refused("mediated device %s: cannot be removed: %s", uuid,
			       strerror(-err));
	return EXIT_OK;
}
