// SPDX-License-Identifier: GPL-2.0
/* kvmflip: notifications to those who monitor. */

#include <net/genetlink.h>

#include "event.h"
#include "netlink-gen.h"
#include "port.h"
#include "rxq.h"

/* The code that is generated leaves the flag out that the spec has. */
static const struct genl_multicast_group kf_groups[] = {
	[KVMFLIP_NLGRP_MONITOR] = {
		.name = KVMFLIP_MCGRP_MONITOR,
		.flags = GENL_MCAST_CAP_NET_ADMIN,
	},
};

/* The family is registered; cleared before it is not, see kvmflip_event_exit(). */
static bool kf_open;

typedef int (*kf_fill_t)(struct sk_buff *skb, const void *object, enum kvmflip_reason reason);

/*
 * Callers hold locks of all kinds. Those who listen and fall behind, or for whose message
 * there is no memory, hear of it from their socket.
 */
static void kf_send(u8 cmd, kf_fill_t fill, const void *object, enum kvmflip_reason reason)
{
	struct sk_buff *skb;
	void *hdr;

	rcu_read_lock();
	if (!READ_ONCE(kf_open) ||
	    !genl_has_listeners(&kvmflip_nl_family, &init_net, KVMFLIP_NLGRP_MONITOR))
		goto out;
	skb = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_ATOMIC);
	if (!skb) {
		genl_set_err(&kvmflip_nl_family, &init_net, 0, KVMFLIP_NLGRP_MONITOR, -ENOBUFS);
		goto out;
	}
	hdr = genlmsg_put(skb, 0, 0, &kvmflip_nl_family, 0, cmd);
	if (!hdr || fill(skb, object, reason)) {
		nlmsg_free(skb);
		goto out;
	}
	genlmsg_end(skb, hdr);
	genlmsg_multicast_netns(&kvmflip_nl_family, &init_net, skb, 0, KVMFLIP_NLGRP_MONITOR,
				GFP_ATOMIC);
out:
	rcu_read_unlock();
}

static int kf_fill_pool(struct sk_buff *skb, const void *object, enum kvmflip_reason reason)
{
	const struct kvmflip_pool *pool = object;

	return nla_put_string(skb, KVMFLIP_A_POOL_NAME, pool->name);
}

/**
 * kvmflip_event_pool - tell of a pool
 * @cmd: KVMFLIP_CMD_POOL_*_NTF
 * @pool: pool
 */
void kvmflip_event_pool(u8 cmd, const struct kvmflip_pool *pool)
{
	kf_send(cmd, kf_fill_pool, pool, KVMFLIP_REASON_REQUEST);
}

static int kf_fill_rxq(struct sk_buff *skb, const void *object, enum kvmflip_reason reason)
{
	const struct kvmflip_rxq *rxq = object;

	if (nla_put_u32(skb, KVMFLIP_A_RXQ_IFINDEX, rxq->nic->ifindex) ||
	    nla_put_string(skb, KVMFLIP_A_RXQ_IFNAME, rxq->nic->name) ||
	    nla_put_u32(skb, KVMFLIP_A_RXQ_QUEUE, rxq->queue) ||
	    nla_put_string(skb, KVMFLIP_A_RXQ_POOL, rxq->pool->name) ||
	    nla_put_u32(skb, KVMFLIP_A_RXQ_MODE, rxq->mode) ||
	    (rxq->port && nla_put_string(skb, KVMFLIP_A_RXQ_PORT, rxq->port->name)))
		return -EMSGSIZE;
	return nla_put_u32(skb, KVMFLIP_A_RXQ_REASON, reason);
}

/**
 * kvmflip_event_rxq - tell of a queue
 * @cmd: KVMFLIP_CMD_RXQ_*_NTF
 * @rxq: queue
 * @reason: what it comes from
 */
void kvmflip_event_rxq(u8 cmd, const struct kvmflip_rxq *rxq, enum kvmflip_reason reason)
{
	kf_send(cmd, kf_fill_rxq, rxq, reason);
}

static int kf_fill_port(struct sk_buff *skb, const void *object, enum kvmflip_reason reason)
{
	const struct kvmflip_port *port = object;
	u32 state = READ_ONCE(port->state);

	if (nla_put_string(skb, KVMFLIP_A_PORT_NAME, port->name) ||
	    nla_put_string(skb, KVMFLIP_A_PORT_POOL, port->pool->name) ||
	    nla_put(skb, KVMFLIP_A_PORT_MAC, ETH_ALEN, port->config.mac) ||
	    nla_put_u16(skb, KVMFLIP_A_PORT_VLAN, port->config.vlan) ||
	    nla_put(skb, KVMFLIP_A_PORT_UUID, UUID_SIZE, &port->uuid) ||
	    nla_put_u32(skb, KVMFLIP_A_PORT_STATE, state) ||
	    (state != KVMFLIP_PORT_STATE_CLOSED &&
	     nla_put_u32(skb, KVMFLIP_A_PORT_PID, READ_ONCE(port->pid))))
		return -EMSGSIZE;
	return nla_put_u32(skb, KVMFLIP_A_PORT_REASON, reason);
}

/**
 * kvmflip_event_port - tell of a port
 * @cmd: KVMFLIP_CMD_PORT_*_NTF
 * @port: port
 * @reason: what it comes from
 */
void kvmflip_event_port(u8 cmd, const struct kvmflip_port *port, enum kvmflip_reason reason)
{
	kf_send(cmd, kf_fill_port, port, reason);
}

/**
 * kvmflip_event_init - register the family, and tell from now on what happens
 *
 * Nobody may monitor who may not ask either.
 *
 * Return: 0 or an error.
 */
int kvmflip_event_init(void)
{
	int err;

	kvmflip_nl_family.mcgrps = kf_groups;
	err = genl_register_family(&kvmflip_nl_family);
	if (!err)
		WRITE_ONCE(kf_open, true);
	return err;
}

/**
 * kvmflip_event_exit - tell nothing any more, and unregister the family
 *
 * Its group would be another family's for those that come too late.
 *
 * Context: may sleep.
 */
void kvmflip_event_exit(void)
{
	WRITE_ONCE(kf_open, false);
	synchronize_rcu();
	genl_unregister_family(&kvmflip_nl_family);
}
