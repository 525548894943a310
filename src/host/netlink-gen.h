/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/kvmflip.yaml */
/* YNL-GEN kernel header */
/* To regenerate run: tools/net/ynl/ynl-regen.sh */

#ifndef _LINUX_KVMFLIP_GEN_H
#define _LINUX_KVMFLIP_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/kvmflip_netlink.h>

/* Common nested types */
extern const struct nla_policy kvmflip_ring_layout_nl_policy[KVMFLIP_A_RING_LAYOUT_DESC + 1];

int kvmflip_nl_pool_add_doit(struct sk_buff *skb, struct genl_info *info);
int kvmflip_nl_pool_del_doit(struct sk_buff *skb, struct genl_info *info);
int kvmflip_nl_pool_get_doit(struct sk_buff *skb, struct genl_info *info);
int kvmflip_nl_pool_get_dumpit(struct sk_buff *skb,
			       struct netlink_callback *cb);
int kvmflip_nl_rxq_attach_doit(struct sk_buff *skb, struct genl_info *info);
int kvmflip_nl_rxq_detach_doit(struct sk_buff *skb, struct genl_info *info);
int kvmflip_nl_rxq_get_doit(struct sk_buff *skb, struct genl_info *info);
int kvmflip_nl_rxq_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int kvmflip_nl_port_add_doit(struct sk_buff *skb, struct genl_info *info);
int kvmflip_nl_port_set_doit(struct sk_buff *skb, struct genl_info *info);
int kvmflip_nl_port_del_doit(struct sk_buff *skb, struct genl_info *info);
int kvmflip_nl_port_get_doit(struct sk_buff *skb, struct genl_info *info);
int kvmflip_nl_port_get_dumpit(struct sk_buff *skb,
			       struct netlink_callback *cb);
int kvmflip_nl_port_reclaim_doit(struct sk_buff *skb, struct genl_info *info);

enum {
	KVMFLIP_NLGRP_MONITOR,
};

extern struct genl_family kvmflip_nl_family;

#endif /* _LINUX_KVMFLIP_GEN_H */
