// SPDX-License-Identifier: GPL-2.0
/* kvmflip: the netlink family. */

#include <linux/if_ether.h>
#include <linux/numa.h>
#include <linux/rtnetlink.h>
#include <net/genetlink.h>
#include <net/xdp_sock.h>

#include "event.h"
#include "kvm.h"
#include "layout.h"
#include "netdev.h"
#include "netlink-gen.h"
#include "netlink.h"
#include "port.h"
#include "reclaim.h"
#include "rxq.h"

typedef int (*kf_fill_t)(struct sk_buff *skb, const void *object);

static const char *kf_string(struct genl_info *info, int attr)
{
	return nla_data(info->attrs[attr]);
}

/* The name of what is to be made, which is attribute @attr. */
static int kf_get_new_name(struct genl_info *info, int attr, const char **name)
{
	if (GENL_REQ_ATTR_CHECK(info, attr))
		return -EINVAL;
	*name = kf_string(info, attr);
	if (**name)
		return 0;
	NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[attr], "the name is empty");
	return -EINVAL;
}

static int kf_no_such(struct genl_info *info, int attr, const char *what)
{
	NL_SET_ERR_MSG_ATTR_FMT(info->extack, info->attrs[attr], "there is no %s %s", what,
				kf_string(info, attr));
	return -ENOENT;
}

/* One message with one object. */
static int kf_put(struct sk_buff *skb, u32 portid, u32 seq, int flags, u8 cmd, kf_fill_t fill,
		  const void *object)
{
	void *hdr = genlmsg_put(skb, portid, seq, &kvmflip_nl_family, flags, cmd);

	if (!hdr)
		return -EMSGSIZE;
	if (fill(skb, object)) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);
	return 0;
}

/* Sends an answer that there is memory for, or frees it. */
static int kf_send(struct sk_buff *skb, struct genl_info *info, kf_fill_t fill,
		   const void *object)
{
	int err = kf_put(skb, info->snd_portid, info->snd_seq, 0, info->genlhdr->cmd, fill, object);

	if (err) {
		nlmsg_free(skb);
		return err;
	}
	return genlmsg_reply(skb, info);
}

static int kf_reply(struct genl_info *info, kf_fill_t fill, const void *object)
{
	struct sk_buff *skb = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);

	return skb ? kf_send(skb, info, fill, object) : -ENOMEM;
}

/*
 * All objects of a list, as many as fit into one message; the rest is asked for
 * again. @offset is that of the list head in an object.
 */
static int kf_dump(struct sk_buff *skb, struct netlink_callback *cb, struct list_head *head,
		   size_t offset, u8 cmd, kf_fill_t fill)
{
	struct list_head *pos;
	long i = 0;
	int err = 0;

	mutex_lock(&kvmflip_lock);
	list_for_each(pos, head) {
		if (i++ < cb->args[0])
			continue;
		err = kf_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq, NLM_F_MULTI,
			     cmd, fill, (void *)pos - offset);
		if (err)
			break;
		cb->args[0]++;
	}
	mutex_unlock(&kvmflip_lock);
	return skb->len ? : err;
}

/* Pools */

static const int kf_state_attr[KVMFLIP_STATES] = {
	[KVMFLIP_FREE]		= KVMFLIP_A_BUFFERS_FREE,
	[KVMFLIP_POSTED]	= KVMFLIP_A_BUFFERS_POSTED,
	[KVMFLIP_FILLED]	= KVMFLIP_A_BUFFERS_FILLED,
	[KVMFLIP_MAPPED]	= KVMFLIP_A_BUFFERS_MAPPED,
	[KVMFLIP_RETURNED]	= KVMFLIP_A_BUFFERS_RETURNED,
	[KVMFLIP_QUARANTINED]	= KVMFLIP_A_BUFFERS_QUARANTINED,
	[KVMFLIP_STEERED]	= KVMFLIP_A_BUFFERS_STEERED,
};

static int kf_put_buffers(struct sk_buff *skb, struct kvmflip_pool *pool)
{
	u32 count[KVMFLIP_STATES];
	struct nlattr *nest;
	unsigned int i;
	u64 illegal;

	spin_lock(&pool->table.lock);
	memcpy(count, pool->table.count, sizeof(count));
	illegal = pool->table.illegal;
	spin_unlock(&pool->table.lock);

	nest = nla_nest_start(skb, KVMFLIP_A_POOL_BUFFERS);
	if (!nest)
		return -EMSGSIZE;
	for (i = 0; i < KVMFLIP_STATES; i++)
		if (nla_put_uint(skb, kf_state_attr[i], count[i]))
			return -EMSGSIZE;
	if (nla_put_uint(skb, KVMFLIP_A_BUFFERS_ILLEGAL, illegal) ||
	    nla_put_uint(skb, KVMFLIP_A_BUFFERS_TOTAL, pool->table.nr))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int kf_fill_pool(struct sk_buff *skb, const void *object)
{
	struct kvmflip_pool *pool = (struct kvmflip_pool *)object;

	if (nla_put_string(skb, KVMFLIP_A_POOL_NAME, pool->name) ||
	    nla_put_uint(skb, KVMFLIP_A_POOL_SIZE, kvmflip_pool_bytes(pool)) ||
	    nla_put_u32(skb, KVMFLIP_A_POOL_BUFFER_SIZE, 1U << pool->buffer_shift) ||
	    nla_put_u32(skb, KVMFLIP_A_POOL_CHUNK_SIZE, 1U << pool->chunk_shift) ||
	    (pool->node != NUMA_NO_NODE &&
	     nla_put_u32(skb, KVMFLIP_A_POOL_NODE, pool->node)) ||
	    kf_put_buffers(skb, pool) ||
	    nla_put_u32(skb, KVMFLIP_A_POOL_PORTS, pool->ports) ||
	    nla_put_u32(skb, KVMFLIP_A_POOL_RXQS, pool->rxqs))
		return -EMSGSIZE;
	return 0;
}

/**
 * kvmflip_nl_pool_add_doit - make a pool
 * @skb: request
 * @info: its attributes
 *
 * Return: 0 or an error.
 */
int kvmflip_nl_pool_add_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct kvmflip_pool_config config = {
		.chunk_size = SZ_4K,
		.node = NUMA_NO_NODE,
	};
	const char *name;
	int err;

	err = kf_get_new_name(info, KVMFLIP_A_POOL_NAME, &name);
	if (err)
		return err;
	if (GENL_REQ_ATTR_CHECK(info, KVMFLIP_A_POOL_SIZE) ||
	    GENL_REQ_ATTR_CHECK(info, KVMFLIP_A_POOL_BUFFER_SIZE))
		return -EINVAL;
	if (info->attrs[KVMFLIP_A_POOL_NODE]) {
		config.node = nla_get_u32(info->attrs[KVMFLIP_A_POOL_NODE]);
		if (config.node < 0 || config.node >= MAX_NUMNODES ||
		    !node_online(config.node)) {
			NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[KVMFLIP_A_POOL_NODE],
					    "there is no such NUMA node");
			return -EINVAL;
		}
	}
	config.size = nla_get_uint(info->attrs[KVMFLIP_A_POOL_SIZE]);
	config.buffer_size = nla_get_u32(info->attrs[KVMFLIP_A_POOL_BUFFER_SIZE]);
	if (info->attrs[KVMFLIP_A_POOL_CHUNK_SIZE])
		config.chunk_size = nla_get_u32(info->attrs[KVMFLIP_A_POOL_CHUNK_SIZE]);
	return kvmflip_pool_add(name, &config, info->extack);
}

static struct kvmflip_pool *kf_pool(struct genl_info *info, int attr)
{
	struct kvmflip_pool *pool;

	if (GENL_REQ_ATTR_CHECK(info, attr))
		return ERR_PTR(-EINVAL);
	pool = kvmflip_pool_find(kf_string(info, attr));
	return pool ? : ERR_PTR(kf_no_such(info, attr, "pool"));
}

/**
 * kvmflip_nl_pool_del_doit - delete a pool
 * @skb: request
 * @info: its attributes
 *
 * Return: 0 or an error.
 */
int kvmflip_nl_pool_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct kvmflip_pool *pool;

	guard(mutex)(&kvmflip_lock);
	pool = kf_pool(info, KVMFLIP_A_POOL_NAME);
	return IS_ERR(pool) ? PTR_ERR(pool) : kvmflip_pool_del(pool, info->extack);
}

/**
 * kvmflip_nl_pool_get_doit - show a pool
 * @skb: request
 * @info: its attributes
 *
 * Return: 0 or an error.
 */
int kvmflip_nl_pool_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct kvmflip_pool *pool;

	guard(mutex)(&kvmflip_lock);
	pool = kf_pool(info, KVMFLIP_A_POOL_NAME);
	return IS_ERR(pool) ? PTR_ERR(pool) : kf_reply(info, kf_fill_pool, pool);
}

/**
 * kvmflip_nl_pool_get_dumpit - show all pools
 * @skb: answer
 * @cb: state of the dump
 *
 * Return: bytes in the answer, 0 at the end, or an error.
 */
int kvmflip_nl_pool_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	return kf_dump(skb, cb, &kvmflip_pools, offsetof(struct kvmflip_pool, list),
		       KVMFLIP_CMD_POOL_GET, kf_fill_pool);
}

/* Queues */

static int kf_fill_rxq(struct sk_buff *skb, const void *object)
{
	struct kvmflip_rxq *rxq = (struct kvmflip_rxq *)object;
	u32 fill_usecs = READ_ONCE(rxq->fill_usecs);

	if (nla_put_u32(skb, KVMFLIP_A_RXQ_IFINDEX, rxq->nic->ifindex) ||
	    nla_put_string(skb, KVMFLIP_A_RXQ_IFNAME, rxq->nic->name) ||
	    nla_put_u32(skb, KVMFLIP_A_RXQ_QUEUE, rxq->queue) ||
	    nla_put_string(skb, KVMFLIP_A_RXQ_POOL, rxq->pool->name) ||
	    nla_put_u32(skb, KVMFLIP_A_RXQ_MODE, rxq->mode) ||
	    (rxq->port && nla_put_string(skb, KVMFLIP_A_RXQ_PORT, rxq->port->name)) ||
	    nla_put_u32(skb, KVMFLIP_A_RXQ_POSTED, READ_ONCE(rxq->posted)) ||
	    (READ_ONCE(rxq->broken) && nla_put_flag(skb, KVMFLIP_A_RXQ_BROKEN)) ||
	    (fill_usecs <= KVMFLIP_LATENCY_USECS_MAX &&
	     nla_put_u32(skb, KVMFLIP_A_RXQ_FILL_USECS, fill_usecs)))
		return -EMSGSIZE;
	kvmflip_stats_set(&rxq->stats, KVMFLIP_A_STATS_RX_RING_FULL,
			  READ_ONCE(rxq->xsk.xs->rx_queue_full));
	return kvmflip_stats_put(skb, KVMFLIP_A_RXQ_STATS, &rxq->stats, KVMFLIP_STATS_RXQ);
}

static int kf_get_layout(struct genl_info *info, int attr, struct kvmflip_xsk_layout *layout)
{
	struct nlattr *tb[KVMFLIP_A_RING_LAYOUT_MAX + 1];
	int err, i;

	if (GENL_REQ_ATTR_CHECK(info, attr))
		return -EINVAL;
	err = nla_parse_nested(tb, KVMFLIP_A_RING_LAYOUT_MAX, info->attrs[attr],
			       kvmflip_ring_layout_nl_policy, info->extack);
	if (err)
		return err;
	for (i = 1; i <= KVMFLIP_A_RING_LAYOUT_MAX; i++)
		if (NL_REQ_ATTR_CHECK(info->extack, info->attrs[attr], tb, i))
			return -EINVAL;
	layout->entries = nla_get_u32(tb[KVMFLIP_A_RING_LAYOUT_ENTRIES]);
	layout->producer = nla_get_uint(tb[KVMFLIP_A_RING_LAYOUT_PRODUCER]);
	layout->consumer = nla_get_uint(tb[KVMFLIP_A_RING_LAYOUT_CONSUMER]);
	layout->flags = nla_get_uint(tb[KVMFLIP_A_RING_LAYOUT_FLAGS]);
	layout->desc = nla_get_uint(tb[KVMFLIP_A_RING_LAYOUT_DESC]);
	return 0;
}

/* A queue is dedicated to a port in steered mode, and in no other. */
static int kf_get_mode(struct genl_info *info, struct kvmflip_rxq_args *args)
{
	struct nlattr *port = info->attrs[KVMFLIP_A_RXQ_PORT];

	if (info->attrs[KVMFLIP_A_RXQ_MODE])
		args->mode = nla_get_u32(info->attrs[KVMFLIP_A_RXQ_MODE]);
	if (args->mode == KVMFLIP_MODE_STEERED) {
		if (GENL_REQ_ATTR_CHECK(info, KVMFLIP_A_RXQ_PORT))
			return -EINVAL;
		args->port = kf_string(info, KVMFLIP_A_RXQ_PORT);
	} else if (port) {
		NL_SET_ERR_MSG_ATTR(info->extack, port, "only a steered queue has a port");
		return -EINVAL;
	}
	return 0;
}

/**
 * kvmflip_nl_rxq_attach_doit - take over a socket and serve its queue
 * @skb: request
 * @info: its attributes
 *
 * Return: 0 or an error.
 */
int kvmflip_nl_rxq_attach_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct kvmflip_rxq_args args = { .link_fd = -1, .mode = KVMFLIP_MODE_STRICT };
	int err;

	if (GENL_REQ_ATTR_CHECK(info, KVMFLIP_A_RXQ_IFINDEX) ||
	    GENL_REQ_ATTR_CHECK(info, KVMFLIP_A_RXQ_QUEUE) ||
	    GENL_REQ_ATTR_CHECK(info, KVMFLIP_A_RXQ_POOL) ||
	    GENL_REQ_ATTR_CHECK(info, KVMFLIP_A_RXQ_XSK_FD))
		return -EINVAL;
	args.ifindex = nla_get_u32(info->attrs[KVMFLIP_A_RXQ_IFINDEX]);
	args.queue = nla_get_u32(info->attrs[KVMFLIP_A_RXQ_QUEUE]);
	args.pool = kf_string(info, KVMFLIP_A_RXQ_POOL);
	args.xsk_fd = nla_get_u32(info->attrs[KVMFLIP_A_RXQ_XSK_FD]);
	if (info->attrs[KVMFLIP_A_RXQ_LINK_FD])
		args.link_fd = nla_get_u32(info->attrs[KVMFLIP_A_RXQ_LINK_FD]);
	args.all = nla_get_flag(info->attrs[KVMFLIP_A_RXQ_ALL_QUEUES]);
	err = kf_get_mode(info, &args);
	if (err)
		return err;
	err = kf_get_layout(info, KVMFLIP_A_RXQ_RX_RING, &args.rx);
	if (err)
		return err;
	err = kf_get_layout(info, KVMFLIP_A_RXQ_FILL_RING, &args.fill);
	if (err)
		return err;
	return kvmflip_rxq_attach(genl_info_net(info), &args, info->extack);
}

static int kf_get_queue(struct genl_info *info, u32 *ifindex, u32 *queue)
{
	if (GENL_REQ_ATTR_CHECK(info, KVMFLIP_A_RXQ_IFINDEX) ||
	    GENL_REQ_ATTR_CHECK(info, KVMFLIP_A_RXQ_QUEUE))
		return -EINVAL;
	*ifindex = nla_get_u32(info->attrs[KVMFLIP_A_RXQ_IFINDEX]);
	*queue = nla_get_u32(info->attrs[KVMFLIP_A_RXQ_QUEUE]);
	return 0;
}

/**
 * kvmflip_nl_rxq_detach_doit - give a queue up
 * @skb: request
 * @info: its attributes
 *
 * Return: 0 or an error.
 */
int kvmflip_nl_rxq_detach_doit(struct sk_buff *skb, struct genl_info *info)
{
	u32 ifindex, queue;
	int err = kf_get_queue(info, &ifindex, &queue);

	if (err)
		return err;
	return kvmflip_rxq_detach(genl_info_net(info), ifindex, queue, info->extack);
}

/**
 * kvmflip_nl_rxq_get_doit - show a queue
 * @skb: request
 * @info: its attributes
 *
 * Return: 0 or an error.
 */
int kvmflip_nl_rxq_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct kvmflip_rxq *rxq;
	u32 ifindex, queue;
	int err = kf_get_queue(info, &ifindex, &queue);

	if (err)
		return err;
	guard(mutex)(&kvmflip_lock);
	list_for_each_entry(rxq, &kvmflip_rxqs, list)
		if (rxq->nic->ifindex == ifindex && rxq->queue == queue)
			return kf_reply(info, kf_fill_rxq, rxq);
	NL_SET_ERR_MSG_FMT(info->extack, "queue %u of device %u is not attached", queue, ifindex);
	return -ENOENT;
}

/**
 * kvmflip_nl_rxq_get_dumpit - show all queues
 * @skb: answer
 * @cb: state of the dump
 *
 * Return: bytes in the answer, 0 at the end, or an error.
 */
int kvmflip_nl_rxq_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	return kf_dump(skb, cb, &kvmflip_rxqs, offsetof(struct kvmflip_rxq, list),
		       KVMFLIP_CMD_RXQ_GET, kf_fill_rxq);
}

/* Ports */

static int kf_put_netdev(struct sk_buff *skb, const struct kvmflip_port *port)
{
	char name[IFNAMSIZ];

	kvmflip_netdev_name(port, name);
	if (nla_put_u32(skb, KVMFLIP_A_PORT_IFINDEX, port->netdev->ifindex) ||
	    nla_put_string(skb, KVMFLIP_A_PORT_IFNAME, name))
		return -EMSGSIZE;
	return 0;
}

/* What identifies a port to the demux program, to VFIO and to the host. */
static int kf_fill_port_id(struct sk_buff *skb, const void *object)
{
	const struct kvmflip_port *port = object;

	if (nla_put_string(skb, KVMFLIP_A_PORT_NAME, port->name) ||
	    nla_put_u32(skb, KVMFLIP_A_PORT_ID, port->id) ||
	    nla_put_u32(skb, KVMFLIP_A_PORT_GEN, port->gen) ||
	    nla_put(skb, KVMFLIP_A_PORT_UUID, UUID_SIZE, &port->uuid))
		return -EMSGSIZE;
	return port->netdev ? kf_put_netdev(skb, port) : 0;
}

DEFINE_GUARD(kf_port, struct kvmflip_port *, kvmflip_port_lock(_T), kvmflip_port_unlock(_T))

static int kf_put_window(struct sk_buff *skb, struct kvmflip_port *port)
{
	u64 gpa;

	guard(kf_port)(port);
	if (nla_put_u32(skb, KVMFLIP_A_PORT_STATE, port->state) ||
	    nla_put_u32(skb, KVMFLIP_A_PORT_MAPPED, READ_ONCE(port->window.mapped)) ||
	    nla_put_u32(skb, KVMFLIP_A_PORT_HUGE, kvmflip_port_huge(port)))
		return -EMSGSIZE;
	if (port->state == KVMFLIP_PORT_STATE_CLOSED)
		return 0;
	gpa = kvmflip_port_gpa(port);
	if (nla_put_u32(skb, KVMFLIP_A_PORT_PID, port->pid) ||
	    (gpa != KVMFLIP_NO_GPA && nla_put_uint(skb, KVMFLIP_A_PORT_GPA, gpa)))
		return -EMSGSIZE;
	return 0;
}

static int kf_fill_port(struct sk_buff *skb, const void *object)
{
	struct kvmflip_port *port = (struct kvmflip_port *)object;

	if (kf_fill_port_id(skb, port) ||
	    nla_put_string(skb, KVMFLIP_A_PORT_POOL, port->pool->name) ||
	    nla_put(skb, KVMFLIP_A_PORT_MAC, ETH_ALEN, port->config.mac) ||
	    nla_put_u16(skb, KVMFLIP_A_PORT_VLAN, port->config.vlan) ||
	    nla_put_uint(skb, KVMFLIP_A_PORT_MIN_SIZE, port->config.min) ||
	    nla_put_uint(skb, KVMFLIP_A_PORT_MAX_SIZE, port->config.max) ||
	    nla_put_u32(skb, KVMFLIP_A_PORT_COPYBREAK, port->config.copybreak) ||
	    nla_put_u32(skb, KVMFLIP_A_PORT_LATENCY_USECS, port->config.latency) ||
	    nla_put_uint(skb, KVMFLIP_A_PORT_WINDOW_SIZE, KVMFLIP_WINDOW_BYTES) ||
	    nla_put_u32(skb, KVMFLIP_A_PORT_SLOTS, kvmflip_layout_slots(port)) ||
	    kf_put_window(skb, port))
		return -EMSGSIZE;
	return kvmflip_stats_put(skb, KVMFLIP_A_PORT_STATS, &port->stats, KVMFLIP_STATS_PORT);
}

static struct kvmflip_port *kf_port(struct genl_info *info)
{
	struct kvmflip_port *port;

	if (GENL_REQ_ATTR_CHECK(info, KVMFLIP_A_PORT_NAME))
		return ERR_PTR(-EINVAL);
	port = kvmflip_port_find(kf_string(info, KVMFLIP_A_PORT_NAME));
	return port ? : ERR_PTR(kf_no_such(info, KVMFLIP_A_PORT_NAME, "port"));
}

/* Changes in @config what the request names. */
static void kf_get_config(struct genl_info *info, struct kvmflip_port_config *config)
{
	if (info->attrs[KVMFLIP_A_PORT_MAC])
		nla_memcpy(config->mac, info->attrs[KVMFLIP_A_PORT_MAC], ETH_ALEN);
	if (info->attrs[KVMFLIP_A_PORT_VLAN])
		config->vlan = nla_get_u16(info->attrs[KVMFLIP_A_PORT_VLAN]);
	if (info->attrs[KVMFLIP_A_PORT_MAX_SIZE])
		config->max = nla_get_uint(info->attrs[KVMFLIP_A_PORT_MAX_SIZE]);
	if (info->attrs[KVMFLIP_A_PORT_MIN_SIZE])
		config->min = nla_get_uint(info->attrs[KVMFLIP_A_PORT_MIN_SIZE]);
	if (info->attrs[KVMFLIP_A_PORT_COPYBREAK])
		config->copybreak = nla_get_u32(info->attrs[KVMFLIP_A_PORT_COPYBREAK]);
	if (info->attrs[KVMFLIP_A_PORT_LATENCY_USECS])
		config->latency = nla_get_u32(info->attrs[KVMFLIP_A_PORT_LATENCY_USECS]);
}

/* What may concern the port's network device too. */
static int kf_change(struct genl_info *info, int (*change)(struct genl_info *info))
{
	int err;

	rtnl_lock();
	mutex_lock(&kvmflip_lock);
	err = change(info);
	mutex_unlock(&kvmflip_lock);
	/* Waits for those who still use a device that is gone. */
	rtnl_unlock();
	return err;
}

static int kf_port_add(struct genl_info *info)
{
	struct kvmflip_port_config config = {};
	struct kvmflip_port *port;
	struct kvmflip_pool *pool;
	const char *name;
	uuid_t uuid;
	int err;

	err = kf_get_new_name(info, KVMFLIP_A_PORT_NAME, &name);
	if (err)
		return err;
	if (GENL_REQ_ATTR_CHECK(info, KVMFLIP_A_PORT_MAC))
		return -EINVAL;
	if (info->attrs[KVMFLIP_A_PORT_UUID])
		nla_memcpy(&uuid, info->attrs[KVMFLIP_A_PORT_UUID], UUID_SIZE);
	else
		uuid_gen(&uuid);
	pool = kf_pool(info, KVMFLIP_A_PORT_POOL);
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	kvmflip_port_defaults(pool, &config);
	kf_get_config(info, &config);
	err = kvmflip_port_add(name, pool, &uuid, &config, &port, info->extack);
	if (err)
		return err;
	err = kvmflip_netdev_add(port, genl_info_net(info), info->extack);
	if (!err)
		err = kf_reply(info, kf_fill_port_id, port);
	if (err)
		kvmflip_port_del(port, info->extack);
	return err;
}

/**
 * kvmflip_nl_port_add_doit - make a port
 * @skb: request
 * @info: its attributes
 *
 * Return: 0 or an error.
 */
int kvmflip_nl_port_add_doit(struct sk_buff *skb, struct genl_info *info)
{
	return kf_change(info, kf_port_add);
}

static int kf_port_set(struct genl_info *info)
{
	struct kvmflip_port *port = kf_port(info);
	struct kvmflip_port_config config, old;
	struct sk_buff *reply;
	int err;

	if (IS_ERR(port))
		return PTR_ERR(port);
	/* Who asks has to know the new generation: there is none without an answer. */
	reply = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	if (!reply)
		return -ENOMEM;
	old = port->config;
	config = old;
	kf_get_config(info, &config);
	err = kvmflip_port_set(port, &config, info->extack);
	if (err) {
		nlmsg_free(reply);
		return err;
	}
	kvmflip_netdev_readdress(port, old.mac);
	kvmflip_event_port(KVMFLIP_CMD_PORT_SET_NTF, port, KVMFLIP_REASON_REQUEST);
	return kf_send(reply, info, kf_fill_port_id, port);
}

/**
 * kvmflip_nl_port_set_doit - change a port
 * @skb: request
 * @info: its attributes
 *
 * Return: 0 or an error.
 */
int kvmflip_nl_port_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	return kf_change(info, kf_port_set);
}

/**
 * kvmflip_nl_port_reclaim_doit - ask a guest to return buffers
 * @skb: request
 * @info: its attributes
 *
 * Return: 0 or an error.
 */
int kvmflip_nl_port_reclaim_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct kvmflip_port *port;
	u64 bytes = U64_MAX;

	if (info->attrs[KVMFLIP_A_PORT_RECLAIM_SIZE])
		bytes = nla_get_uint(info->attrs[KVMFLIP_A_PORT_RECLAIM_SIZE]);
	guard(mutex)(&kvmflip_lock);
	port = kf_port(info);
	return IS_ERR(port) ? PTR_ERR(port) : kvmflip_reclaim(port, bytes, info->extack);
}

static int kf_port_del(struct genl_info *info)
{
	struct kvmflip_port *port = kf_port(info);
	struct kvmflip_rxq *rxq;

	if (IS_ERR(port))
		return PTR_ERR(port);
	list_for_each_entry(rxq, &kvmflip_rxqs, list) {
		if (rxq->port != port)
			continue;
		NL_SET_ERR_MSG_FMT(info->extack, "queue %u of %s is dedicated to port %s",
				   rxq->queue, rxq->nic->name, port->name);
		return -EBUSY;
	}
	return kvmflip_port_del(port, info->extack);
}

/**
 * kvmflip_nl_port_del_doit - delete a port
 * @skb: request
 * @info: its attributes
 *
 * Return: 0 or an error.
 */
int kvmflip_nl_port_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	return kf_change(info, kf_port_del);
}

/**
 * kvmflip_nl_port_get_doit - show a port
 * @skb: request
 * @info: its attributes
 *
 * Return: 0 or an error.
 */
int kvmflip_nl_port_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct kvmflip_port *port;

	guard(mutex)(&kvmflip_lock);
	port = kf_port(info);
	return IS_ERR(port) ? PTR_ERR(port) : kf_reply(info, kf_fill_port, port);
}

/**
 * kvmflip_nl_port_get_dumpit - show all ports
 * @skb: answer
 * @cb: state of the dump
 *
 * Return: bytes in the answer, 0 at the end, or an error.
 */
int kvmflip_nl_port_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	return kf_dump(skb, cb, &kvmflip_ports, offsetof(struct kvmflip_port, list),
		       KVMFLIP_CMD_PORT_GET, kf_fill_port);
}

/**
 * kvmflip_netlink_init - take requests
 *
 * Return: 0 or an error.
 */
int kvmflip_netlink_init(void)
{
	return kvmflip_event_init();
}

/**
 * kvmflip_netlink_exit - take no more requests; none is under way on return
 */
void kvmflip_netlink_exit(void)
{
	kvmflip_event_exit();
}
