// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/kvmflip.yaml */
/* YNL-GEN kernel source */
/* To regenerate run: tools/net/ynl/ynl-regen.sh */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "netlink-gen.h"

#include <uapi/linux/kvmflip_netlink.h>

/* Integer value ranges */
static const struct netlink_range_validation kvmflip_a_port_latency_usecs_range = {
	.max	= KVMFLIP_LATENCY_USECS_MAX,
};

/* Common nested types */
const struct nla_policy kvmflip_ring_layout_nl_policy[KVMFLIP_A_RING_LAYOUT_DESC + 1] = {
	[KVMFLIP_A_RING_LAYOUT_ENTRIES] = { .type = NLA_U32, },
	[KVMFLIP_A_RING_LAYOUT_PRODUCER] = { .type = NLA_UINT, },
	[KVMFLIP_A_RING_LAYOUT_CONSUMER] = { .type = NLA_UINT, },
	[KVMFLIP_A_RING_LAYOUT_FLAGS] = { .type = NLA_UINT, },
	[KVMFLIP_A_RING_LAYOUT_DESC] = { .type = NLA_UINT, },
};

/* KVMFLIP_CMD_POOL_ADD - do */
static const struct nla_policy kvmflip_pool_add_nl_policy[KVMFLIP_A_POOL_NODE + 1] = {
	[KVMFLIP_A_POOL_NAME] = { .type = NLA_NUL_STRING, .len = KVMFLIP_NAME_MAX, },
	[KVMFLIP_A_POOL_SIZE] = { .type = NLA_UINT, },
	[KVMFLIP_A_POOL_BUFFER_SIZE] = { .type = NLA_U32, },
	[KVMFLIP_A_POOL_CHUNK_SIZE] = { .type = NLA_U32, },
	[KVMFLIP_A_POOL_NODE] = { .type = NLA_U32, },
};

/* KVMFLIP_CMD_POOL_DEL - do */
static const struct nla_policy kvmflip_pool_del_nl_policy[KVMFLIP_A_POOL_NAME + 1] = {
	[KVMFLIP_A_POOL_NAME] = { .type = NLA_NUL_STRING, .len = KVMFLIP_NAME_MAX, },
};

/* KVMFLIP_CMD_POOL_GET - do */
static const struct nla_policy kvmflip_pool_get_nl_policy[KVMFLIP_A_POOL_NAME + 1] = {
	[KVMFLIP_A_POOL_NAME] = { .type = NLA_NUL_STRING, .len = KVMFLIP_NAME_MAX, },
};

/* KVMFLIP_CMD_RXQ_ATTACH - do */
static const struct nla_policy kvmflip_rxq_attach_nl_policy[KVMFLIP_A_RXQ_PORT + 1] = {
	[KVMFLIP_A_RXQ_IFINDEX] = NLA_POLICY_MIN(NLA_U32, 1),
	[KVMFLIP_A_RXQ_QUEUE] = { .type = NLA_U32, },
	[KVMFLIP_A_RXQ_POOL] = { .type = NLA_NUL_STRING, .len = KVMFLIP_NAME_MAX, },
	[KVMFLIP_A_RXQ_MODE] = NLA_POLICY_MAX(NLA_U32, 2),
	[KVMFLIP_A_RXQ_XSK_FD] = { .type = NLA_U32, },
	[KVMFLIP_A_RXQ_LINK_FD] = { .type = NLA_U32, },
	[KVMFLIP_A_RXQ_RX_RING] = NLA_POLICY_NESTED(kvmflip_ring_layout_nl_policy),
	[KVMFLIP_A_RXQ_FILL_RING] = NLA_POLICY_NESTED(kvmflip_ring_layout_nl_policy),
	[KVMFLIP_A_RXQ_ALL_QUEUES] = { .type = NLA_FLAG, },
	[KVMFLIP_A_RXQ_PORT] = { .type = NLA_NUL_STRING, .len = KVMFLIP_NAME_MAX, },
};

/* KVMFLIP_CMD_RXQ_DETACH - do */
static const struct nla_policy kvmflip_rxq_detach_nl_policy[KVMFLIP_A_RXQ_QUEUE + 1] = {
	[KVMFLIP_A_RXQ_IFINDEX] = NLA_POLICY_MIN(NLA_U32, 1),
	[KVMFLIP_A_RXQ_QUEUE] = { .type = NLA_U32, },
};

/* KVMFLIP_CMD_RXQ_GET - do */
static const struct nla_policy kvmflip_rxq_get_nl_policy[KVMFLIP_A_RXQ_QUEUE + 1] = {
	[KVMFLIP_A_RXQ_IFINDEX] = NLA_POLICY_MIN(NLA_U32, 1),
	[KVMFLIP_A_RXQ_QUEUE] = { .type = NLA_U32, },
};

/* KVMFLIP_CMD_PORT_ADD - do */
static const struct nla_policy kvmflip_port_add_nl_policy[KVMFLIP_A_PORT_LATENCY_USECS + 1] = {
	[KVMFLIP_A_PORT_NAME] = { .type = NLA_NUL_STRING, .len = KVMFLIP_NAME_MAX, },
	[KVMFLIP_A_PORT_POOL] = { .type = NLA_NUL_STRING, .len = KVMFLIP_NAME_MAX, },
	[KVMFLIP_A_PORT_MAC] = NLA_POLICY_EXACT_LEN(6),
	[KVMFLIP_A_PORT_VLAN] = NLA_POLICY_MAX(NLA_U16, 4094),
	[KVMFLIP_A_PORT_MIN_SIZE] = { .type = NLA_UINT, },
	[KVMFLIP_A_PORT_MAX_SIZE] = { .type = NLA_UINT, },
	[KVMFLIP_A_PORT_COPYBREAK] = NLA_POLICY_MAX(NLA_U32, KVMFLIP_COPYBREAK_MAX),
	[KVMFLIP_A_PORT_LATENCY_USECS] = NLA_POLICY_FULL_RANGE(NLA_U32, &kvmflip_a_port_latency_usecs_range),
	[KVMFLIP_A_PORT_UUID] = NLA_POLICY_EXACT_LEN(16),
};

/* KVMFLIP_CMD_PORT_SET - do */
static const struct nla_policy kvmflip_port_set_nl_policy[KVMFLIP_A_PORT_LATENCY_USECS + 1] = {
	[KVMFLIP_A_PORT_NAME] = { .type = NLA_NUL_STRING, .len = KVMFLIP_NAME_MAX, },
	[KVMFLIP_A_PORT_MAC] = NLA_POLICY_EXACT_LEN(6),
	[KVMFLIP_A_PORT_VLAN] = NLA_POLICY_MAX(NLA_U16, 4094),
	[KVMFLIP_A_PORT_MIN_SIZE] = { .type = NLA_UINT, },
	[KVMFLIP_A_PORT_MAX_SIZE] = { .type = NLA_UINT, },
	[KVMFLIP_A_PORT_COPYBREAK] = NLA_POLICY_MAX(NLA_U32, KVMFLIP_COPYBREAK_MAX),
	[KVMFLIP_A_PORT_LATENCY_USECS] = NLA_POLICY_FULL_RANGE(NLA_U32, &kvmflip_a_port_latency_usecs_range),
};

/* KVMFLIP_CMD_PORT_DEL - do */
static const struct nla_policy kvmflip_port_del_nl_policy[KVMFLIP_A_PORT_NAME + 1] = {
	[KVMFLIP_A_PORT_NAME] = { .type = NLA_NUL_STRING, .len = KVMFLIP_NAME_MAX, },
};

/* KVMFLIP_CMD_PORT_GET - do */
static const struct nla_policy kvmflip_port_get_nl_policy[KVMFLIP_A_PORT_NAME + 1] = {
	[KVMFLIP_A_PORT_NAME] = { .type = NLA_NUL_STRING, .len = KVMFLIP_NAME_MAX, },
};

/* KVMFLIP_CMD_PORT_RECLAIM - do */
static const struct nla_policy kvmflip_port_reclaim_nl_policy[KVMFLIP_A_PORT_RECLAIM_SIZE + 1] = {
	[KVMFLIP_A_PORT_NAME] = { .type = NLA_NUL_STRING, .len = KVMFLIP_NAME_MAX, },
	[KVMFLIP_A_PORT_RECLAIM_SIZE] = NLA_POLICY_MIN(NLA_UINT, 1),
};

/* Ops table for kvmflip */
static const struct genl_split_ops kvmflip_nl_ops[] = {
	{
		.cmd		= KVMFLIP_CMD_POOL_ADD,
		.doit		= kvmflip_nl_pool_add_doit,
		.policy		= kvmflip_pool_add_nl_policy,
		.maxattr	= KVMFLIP_A_POOL_NODE,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= KVMFLIP_CMD_POOL_DEL,
		.doit		= kvmflip_nl_pool_del_doit,
		.policy		= kvmflip_pool_del_nl_policy,
		.maxattr	= KVMFLIP_A_POOL_NAME,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= KVMFLIP_CMD_POOL_GET,
		.doit		= kvmflip_nl_pool_get_doit,
		.policy		= kvmflip_pool_get_nl_policy,
		.maxattr	= KVMFLIP_A_POOL_NAME,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd	= KVMFLIP_CMD_POOL_GET,
		.dumpit	= kvmflip_nl_pool_get_dumpit,
		.flags	= GENL_ADMIN_PERM | GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= KVMFLIP_CMD_RXQ_ATTACH,
		.doit		= kvmflip_nl_rxq_attach_doit,
		.policy		= kvmflip_rxq_attach_nl_policy,
		.maxattr	= KVMFLIP_A_RXQ_PORT,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= KVMFLIP_CMD_RXQ_DETACH,
		.doit		= kvmflip_nl_rxq_detach_doit,
		.policy		= kvmflip_rxq_detach_nl_policy,
		.maxattr	= KVMFLIP_A_RXQ_QUEUE,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= KVMFLIP_CMD_RXQ_GET,
		.doit		= kvmflip_nl_rxq_get_doit,
		.policy		= kvmflip_rxq_get_nl_policy,
		.maxattr	= KVMFLIP_A_RXQ_QUEUE,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd	= KVMFLIP_CMD_RXQ_GET,
		.dumpit	= kvmflip_nl_rxq_get_dumpit,
		.flags	= GENL_ADMIN_PERM | GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= KVMFLIP_CMD_PORT_ADD,
		.doit		= kvmflip_nl_port_add_doit,
		.policy		= kvmflip_port_add_nl_policy,
		.maxattr	= KVMFLIP_A_PORT_LATENCY_USECS,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= KVMFLIP_CMD_PORT_SET,
		.doit		= kvmflip_nl_port_set_doit,
		.policy		= kvmflip_port_set_nl_policy,
		.maxattr	= KVMFLIP_A_PORT_LATENCY_USECS,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= KVMFLIP_CMD_PORT_DEL,
		.doit		= kvmflip_nl_port_del_doit,
		.policy		= kvmflip_port_del_nl_policy,
		.maxattr	= KVMFLIP_A_PORT_NAME,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= KVMFLIP_CMD_PORT_GET,
		.doit		= kvmflip_nl_port_get_doit,
		.policy		= kvmflip_port_get_nl_policy,
		.maxattr	= KVMFLIP_A_PORT_NAME,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd	= KVMFLIP_CMD_PORT_GET,
		.dumpit	= kvmflip_nl_port_get_dumpit,
		.flags	= GENL_ADMIN_PERM | GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= KVMFLIP_CMD_PORT_RECLAIM,
		.doit		= kvmflip_nl_port_reclaim_doit,
		.policy		= kvmflip_port_reclaim_nl_policy,
		.maxattr	= KVMFLIP_A_PORT_RECLAIM_SIZE,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
};

static const struct genl_multicast_group kvmflip_nl_mcgrps[] = {
	[KVMFLIP_NLGRP_MONITOR] = { "monitor", },
};

struct genl_family kvmflip_nl_family __ro_after_init = {
	.name		= KVMFLIP_FAMILY_NAME,
	.version	= KVMFLIP_FAMILY_VERSION,
	.netnsok	= true,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.split_ops	= kvmflip_nl_ops,
	.n_split_ops	= ARRAY_SIZE(kvmflip_nl_ops),
	.mcgrps		= kvmflip_nl_mcgrps,
	.n_mcgrps	= ARRAY_SIZE(kvmflip_nl_mcgrps),
};
