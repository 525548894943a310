/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip_net: what the host changes while the interface is up. */
#ifndef _KVMFLIP_NET_LINK_H
#define _KVMFLIP_NET_LINK_H

struct kfn;

void kfn_link_init(struct kfn *kf);
void kfn_link_exit(struct kfn *kf);
void kfn_link_follow(struct kfn *kf);

#endif /* _KVMFLIP_NET_LINK_H */
