/* SPDX-License-Identifier: GPL-2.0 */
/* The mediated device of a port, by sysfs. */
#ifndef _KVMFLIP_CLI_MDEV_H
#define _KVMFLIP_CLI_MDEV_H

#define MDEV_DEVICES "/sys/bus/mdev/devices/"

int mdev_create(const char *uuid);
int mdev_remove(const char *uuid);

#endif /* _KVMFLIP_CLI_MDEV_H */
