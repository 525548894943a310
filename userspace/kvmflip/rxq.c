// SPDX-License-Identifier: GPL-2.0
/* kvmflip rxq: queues of NICs that receive into a pool */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kvmflip_netlink.h>

#include "counters.h"
#include "demux.h"
#include "genl.h"
#include "nic.h"
#include "output.h"
#include "parse.h"
#include "rxq.h"
#include "xsk.h"

#define ALL_QUEUES UINT32_MAX

static int help(void)
{
	fputs("Usage: kvmflip rxq attach DEV { QUEUE | all } pool NAME [ mode MODE ]\n"
	      "       kvmflip rxq detach DEV { QUEUE | all }\n"
	      "       kvmflip rxq [ show [ DEV ] ]\n"
	      "MODE := { strict }\n", stdout);
	return EXIT_OK;
}

/* DEV { QUEUE | all } */
static int parse_queue(struct args *args, const char *what, const char **dev,
		       __u32 *queue)
{
	const char *word;

	*dev = next_arg(args);
	if (is_help(*dev))
		exit(help());
	if (!*dev)
		return usage_error("%s: a network device is missing", what);
	word = next_arg(args);
	if (!word)
		return usage_error("%s %s: a queue is missing: a number, or all",
				   what, *dev);
	*queue = ALL_QUEUES;
	if (!strcmp(word, "all"))
		return EXIT_OK;
	return parse_u32("queue", word, UINT16_MAX, queue);
}

/* the attached queues of the device among all of @rxqs */
static unsigned int count_attached(const cJSON *rxqs, unsigned int ifindex)
{
	unsigned int n = 0;
	const cJSON *rxq;

	cJSON_ArrayForEach(rxq, rxqs)
		n += obj_uint(rxq, "ifindex") == ifindex;
	return n;
}

/* tidy up pins after something was detached or not attached */
static void unpin_unused(void)
{
	cJSON *rxqs;

	if (genl_dump(KVMFLIP_CMD_RXQ_GET, &rxqs))
		return;
	demux_unpin_unused(rxqs);
	cJSON_Delete(rxqs);
}

static int detach_queue(const struct nic *nic, __u32 queue)
{
	struct nl_msg *msg = genl_request(KVMFLIP_CMD_RXQ_DETACH);

	nla_put_u32(msg, KVMFLIP_A_RXQ_IFINDEX, nic->ifindex);
	nla_put_u32(msg, KVMFLIP_A_RXQ_QUEUE, queue);
	if (genl_do(msg, NULL))
		return refused("rxq detach %s %u: %s", nic->name, queue,
			       genl_error());
	return EXIT_OK;
}

/**
 * struct attach - an attach command at work
 * @nic: the device
 * @pool_name: the pool's name
 * @mode: "strict", or NULL for the module's choice
 * @all: every queue is attached
 * @pool: the pool's memory
 * @demux: the program
 */
struct attach {
	struct nic nic;
	const char *pool_name;
	const char *mode;
	bool all;
	struct pool_file pool;
	struct demux demux;
};

static void put_ring(struct nl_msg *msg, int attr, __u32 entries,
		     const struct xdp_ring_offset *offset)
{
	struct nlattr *nest = nla_nest_start(msg, attr);

	nla_put_u32(msg, KVMFLIP_A_RING_LAYOUT_ENTRIES, entries);
	nla_put_u64(msg, KVMFLIP_A_RING_LAYOUT_PRODUCER, offset->producer);
	nla_put_u64(msg, KVMFLIP_A_RING_LAYOUT_CONSUMER, offset->consumer);
	nla_put_u64(msg, KVMFLIP_A_RING_LAYOUT_FLAGS, offset->flags);
	nla_put_u64(msg, KVMFLIP_A_RING_LAYOUT_DESC, offset->desc);
	nla_nest_end(msg, nest);
}

static int hand_over(struct attach *a, __u32 queue, const struct xsk *xsk)
{
	struct nl_msg *msg = genl_request(KVMFLIP_CMD_RXQ_ATTACH);

	nla_put_u32(msg, KVMFLIP_A_RXQ_IFINDEX, a->nic.ifindex);
	nla_put_u32(msg, KVMFLIP_A_RXQ_QUEUE, queue);
	nla_put_string(msg, KVMFLIP_A_RXQ_POOL, a->pool_name);
	if (a->mode)
		nla_put_u32(msg, KVMFLIP_A_RXQ_MODE, KVMFLIP_MODE_STRICT);
	nla_put_u32(msg, KVMFLIP_A_RXQ_XSK_FD, xsk->fd);
	if (a->demux.link_fd >= 0)
		nla_put_u32(msg, KVMFLIP_A_RXQ_LINK_FD, a->demux.link_fd);
	put_ring(msg, KVMFLIP_A_RXQ_RX_RING, XSK_RX_ENTRIES, &xsk->offsets.rx);
	put_ring(msg, KVMFLIP_A_RXQ_FILL_RING, XSK_FILL_ENTRIES,
		 &xsk->offsets.fr);
	if (a->all)
		nla_put_flag(msg, KVMFLIP_A_RXQ_ALL_QUEUES);
	if (genl_do(msg, NULL))
		return refused("rxq attach %s %u: %s", a->nic.name, queue,
			       genl_error());
	/* it has the link, and the next queue needs none */
	demux_drop_link(&a->demux);
	return EXIT_OK;
}

static int attach_queue(struct attach *a, __u32 queue)
{
	struct xsk xsk;
	int status = xsk_open(&xsk, &a->nic, queue, &a->pool);

	if (status)
		return status;
	/* before the NIC has anywhere to write to: no frame is passed by */
	status = demux_set_socket(&a->demux, queue, xsk.fd);
	if (!status)
		status = hand_over(a, queue, &xsk);
	xsk_close(&xsk);
	return status;
}

static int attach_queues(struct attach *a, __u32 first, __u32 last)
{
	__u32 queue, undo;
	int status = EXIT_OK;

	for (queue = first; queue <= last && !status; queue++)
		status = attach_queue(a, queue);
	if (status)
		for (undo = first; undo + 1 < queue; undo++)
			detach_queue(&a->nic, undo);
	return status;
}

/* what can be said before anything is touched */
static int check_queue(const struct nic *nic, __u32 queue, const cJSON *rxqs)
{
	unsigned int attached = count_attached(rxqs, nic->ifindex);
	const cJSON *rxq;

	if (queue != ALL_QUEUES && queue >= nic->queues)
		return refused("%s has no receive queue %u: it has %u", nic->name,
			       queue, nic->queues);
	cJSON_ArrayForEach(rxq, rxqs)
		if (obj_uint(rxq, "ifindex") == nic->ifindex &&
		    (queue == ALL_QUEUES || obj_uint(rxq, "queue") == queue))
			return refused("%s queue %u is attached already, to pool %s",
				       nic->name,
				       (unsigned int)obj_uint(rxq, "queue"),
				       obj_str(rxq, "pool"));
	if (queue != ALL_QUEUES && nic->queues > attached + 1)
		return refused("%s has %u receive queues: attach all, or ethtool -L %s combined 1",
			       nic->name, nic->queues, nic->name);
	return EXIT_OK;
}

static int attach_locked(struct attach *a, __u32 queue)
{
	bool attached, carrier = nic_has_carrier(&a->nic);
	cJSON *rxqs;
	int status;

	status = genl_dump(KVMFLIP_CMD_RXQ_GET, &rxqs);
	if (status)
		return status;
	demux_unpin_unused(rxqs);
	attached = count_attached(rxqs, a->nic.ifindex);
	status = check_queue(&a->nic, queue, rxqs);
	cJSON_Delete(rxqs);
	if (!status)
		status = pool_file_open(&a->pool, a->pool_name);
	if (status)
		return status;

	status = nic_prepare(&a->nic, a->pool.chunk_size);
	if (status)
		goto close_pool;
	status = demux_open(&a->demux, &a->nic, attached);
	if (!status && a->all)
		status = attach_queues(a, 0, a->nic.queues - 1);
	else if (!status)
		status = attach_queues(a, queue, queue);
	demux_close(&a->demux);
	if (status)
		unpin_unused();
	else if (carrier)
		nic_wait_carrier(&a->nic);
close_pool:
	pool_file_close(&a->pool);
	return status;
}

static int rxq_attach(struct args *args)
{
	static const char *const keys[] = { "pool", "mode" };
	static const char *const modes[] = { "strict" };
	const char *dev, *values[ARRAY_SIZE(keys)];
	struct attach a = { };
	__u32 queue;
	int status;

	status = parse_queue(args, "rxq attach", &dev, &queue);
	if (!status)
		status = parse_keywords(args, keys, ARRAY_SIZE(keys), values);
	if (status)
		return status;
	if (!values[0])
		return usage_error("rxq attach %s: \"pool\" is missing", dev);
	status = check_name("pool", values[0]);
	if (!status && values[1])
		status = parse_choice("mode", values[1], modes,
				      ARRAY_SIZE(modes), &a.mode);
	if (status)
		return status;
	a.pool_name = values[0];
	a.all = queue == ALL_QUEUES;

	status = genl_open();
	if (!status)
		status = nic_open(&a.nic, dev);
	if (!status)
		status = demux_lock();
	return status ? status : attach_locked(&a, queue);
}

static int detach_all(const struct nic *nic)
{
	unsigned int detached = 0;
	const cJSON *rxq;
	cJSON *rxqs;
	int status;

	status = genl_dump(KVMFLIP_CMD_RXQ_GET, &rxqs);
	if (status)
		return status;
	cJSON_ArrayForEach(rxq, rxqs) {
		if (obj_uint(rxq, "ifindex") != nic->ifindex)
			continue;
		/* one that fails is no reason to keep the others */
		status |= detach_queue(nic, obj_uint(rxq, "queue"));
		detached++;
	}
	cJSON_Delete(rxqs);
	if (!detached)
		return refused("%s has no attached queue", nic->name);
	return status;
}

static int rxq_detach(struct args *args)
{
	struct nic nic;
	const char *dev;
	__u32 queue;
	int status;

	status = parse_queue(args, "rxq detach", &dev, &queue);
	if (!status)
		status = no_more_args(args);
	if (!status)
		status = genl_open();
	if (!status)
		status = nic_open(&nic, dev);
	if (!status)
		status = demux_lock();
	if (status)
		return status;
	status = queue == ALL_QUEUES ? detach_all(&nic) :
				       detach_queue(&nic, queue);
	unpin_unused();
	return status;
}

static void print_rxq(const cJSON *rxq)
{
	printf("%s queue %u: pool %s mode %s posted %u\n", obj_str(rxq, "ifname"),
	       (unsigned int)obj_uint(rxq, "queue"), obj_str(rxq, "pool"),
	       obj_str(rxq, "mode"), (unsigned int)obj_uint(rxq, "posted"));
	print_stats(cJSON_GetObjectItem(rxq, "stats"));
}

static int rxq_show(struct args *args)
{
	const char *dev = next_arg(args);
	cJSON *rxqs, *rxq, *next;
	struct nic nic;
	int status;

	if (is_help(dev))
		return help();
	status = no_more_args(args);
	if (!status && dev)
		status = nic_open(&nic, dev);
	if (!status)
		status = genl_dump(KVMFLIP_CMD_RXQ_GET, &rxqs);
	if (status)
		return status;
	for (rxq = rxqs->child; rxq && dev; rxq = next) {
		next = rxq->next;
		if (obj_uint(rxq, "ifindex") != nic.ifindex)
			cJSON_Delete(cJSON_DetachItemViaPointer(rxqs, rxq));
	}
	return show_objects(rxqs, print_rxq);
}

int rxq_command(struct args *args)
{
	static const struct command commands[] = {
		{ "show", rxq_show },
		{ "attach", rxq_attach },
		{ "detach", rxq_detach },
	};

	return run_command(args, commands, ARRAY_SIZE(commands), "command", help);
}
