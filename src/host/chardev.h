/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip: /dev/kvmflip, a pool's memory for AF_XDP. */
#ifndef _KVMFLIP_CHARDEV_H
#define _KVMFLIP_CHARDEV_H

int kvmflip_chardev_init(void);
void kvmflip_chardev_exit(void);

#endif /* _KVMFLIP_CHARDEV_H */
