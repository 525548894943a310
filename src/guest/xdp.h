/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip_net: XDP programs. */
#ifndef _KVMFLIP_NET_XDP_H
#define _KVMFLIP_NET_XDP_H

#include <linux/if_vlan.h>
#include <linux/skbuff.h>
#include <net/xdp.h>

struct kfn;
struct kfn_frame;
struct netdev_bpf;

/* Longest packet that fits into a page with what a program may put around it. */
#define KFN_XDP_MTU_MAX								\
	((int)(SKB_WITH_OVERHEAD(PAGE_SIZE) - XDP_PACKET_HEADROOM -		\
	       VLAN_ETH_HLEN - VLAN_HLEN))

int kfn_xdp_command(struct net_device *netdev, struct netdev_bpf *command);
int kfn_xdp_register(struct kfn *kf);
void kfn_xdp_unregister(struct kfn *kf);
bool kfn_xdp_run(struct kfn *kf, struct bpf_prog *prog, struct kfn_frame *frame);
void kfn_xdp_flush(struct kfn *kf);

#endif /* _KVMFLIP_NET_XDP_H */
