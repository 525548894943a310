/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip_net: the interface. */
#ifndef _KVMFLIP_NET_NETDEV_H
#define _KVMFLIP_NET_NETDEV_H

#include <linux/types.h>

struct kfn;

int kfn_netdev_register(struct kfn *kf);
int kfn_netdev_go(struct kfn *kf);
bool kfn_netdev_halt(struct kfn *kf);
bool kfn_netdev_replace(struct kfn *kf, void (*change)(struct kfn *kf, void *arg), void *arg);
void kfn_netdev_broken(struct kfn *kf, const char *what);

#endif /* _KVMFLIP_NET_NETDEV_H */
