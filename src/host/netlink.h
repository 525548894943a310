/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip: the netlink family. */
#ifndef _KVMFLIP_NETLINK_H
#define _KVMFLIP_NETLINK_H

int kvmflip_netlink_init(void);
void kvmflip_netlink_exit(void);

#endif /* _KVMFLIP_NETLINK_H */
