/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip_net: the interface. */
#ifndef _KVMFLIP_NET_NETDEV_H
#define _KVMFLIP_NET_NETDEV_H

struct kfn;

int kfn_netdev_register(struct kfn *kf);

#endif /* _KVMFLIP_NET_NETDEV_H */
