// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

#include "attach.h"
#include "module.h"
#include "output.h"

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
void unpin_unused(void)
{
	cJSON *rxqs;

	if (module_dump(KVMFLIP_CMD_RXQ_GET, &rxqs))
		return;
	demux_unpin_unused(rxqs);
	cJSON_Delete(rxqs);
}

/* Return: exit code */
int detach_queue(const struct nic *nic, __u32 queue)
{
	struct kvmflip_request *req = module_request(KVMFLIP_CMD_RXQ_DETACH);

	kvmflip_put_uint(req, KVMFLIP_A_RXQ_IFINDEX, nic->ifindex);
	kvmflip_put_uint(req, KVMFLIP_A_RXQ_QUEUE, queue);
	if (module_do(req, NULL))
		return refused("rxq detach %s %u: %s", nic->name, queue,
			       module_error());
	return EXIT_OK;
}

static void put_ring(struct kvmflip_request *req, int attr, __u32 entries,
		     const struct xdp_ring_offset *offset)
{
	kvmflip_put_begin(req, attr);
	kvmflip_put_uint(req, KVMFLIP_A_RING_LAYOUT_ENTRIES, entries);
	kvmflip_put_uint(req, KVMFLIP_A_RING_LAYOUT_PRODUCER, offset->producer);
	kvmflip_put_uint(req, KVMFLIP_A_RING_LAYOUT_CONSUMER, offset->consumer);
	kvmflip_put_uint(req, KVMFLIP_A_RING_LAYOUT_FLAGS, offset->flags);
	kvmflip_put_uint(req, KVMFLIP_A_RING_LAYOUT_DESC, offset->desc);
	kvmflip_put_end(req);
}

static int hand_over(struct attach *a, __u32 queue, const struct xsk *xsk)
{
	struct kvmflip_request *req = module_request(KVMFLIP_CMD_RXQ_ATTACH);

	kvmflip_put_uint(req, KVMFLIP_A_RXQ_IFINDEX, a->nic.ifindex);
	kvmflip_put_uint(req, KVMFLIP_A_RXQ_QUEUE, queue);
	kvmflip_put_string(req, KVMFLIP_A_RXQ_POOL, a->pool_name);
	kvmflip_put_uint(req, KVMFLIP_A_RXQ_MODE, a->mode);
	if (a->port)
		kvmflip_put_string(req, KVMFLIP_A_RXQ_PORT, a->port);
	kvmflip_put_uint(req, KVMFLIP_A_RXQ_XSK_FD, xsk->fd);
	if (a->demux.link_fd >= 0)
		kvmflip_put_uint(req, KVMFLIP_A_RXQ_LINK_FD, a->demux.link_fd);
	put_ring(req, KVMFLIP_A_RXQ_RX_RING, XSK_RX_ENTRIES, &xsk->offsets.rx);
	put_ring(req, KVMFLIP_A_RXQ_FILL_RING, XSK_FILL_ENTRIES,
		 &xsk->offsets.fr);
	if (a->all)
		kvmflip_put_flag(req, KVMFLIP_A_RXQ_ALL_QUEUES);
	if (module_do(req, NULL))
		return refused("rxq attach %s %u: %s", a->nic.name, queue,
			       module_error());
	/* it has the link, and the next queue needs none */
	demux_drop_link(&a->demux);
	return EXIT_OK;
}

/* copying takes any socket, and needs one that copies where zero-copy fails */
static enum xsk_way socket_way(const struct attach *a)
{
	if (a->mode != KVMFLIP_MODE_COPY)
		return XSK_ZERO_COPY;
	if (a->demux.generic || !nic_fits_chunks(&a->nic, a->pool.chunk_size))
		return XSK_COPY;
	return XSK_ANY;
}

static int attach_queue(struct attach *a, __u32 queue)
{
	struct xsk xsk;
	int status = xsk_open(&xsk, &a->nic, queue, &a->pool, socket_way(a));

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

/**
 * attach_run - attach a queue, or all of a device
 * @a: what is to be done
 * @queue: the queue, or ALL_QUEUES
 *
 * With the lock of the pins.
 *
 * Return: exit code
 */
int attach_run(struct attach *a, __u32 queue)
{
	bool attached, all = queue == ALL_QUEUES, carrier = nic_has_carrier(&a->nic);
	cJSON *rxqs;
	int status;

	status = module_dump(KVMFLIP_CMD_RXQ_GET, &rxqs);
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
	a->all = all;
	status = demux_open(&a->demux, &a->nic, attached,
			    a->mode == KVMFLIP_MODE_COPY);
	if (!status)
		status = attach_queues(a, all ? 0 : queue,
				       all ? a->nic.queues - 1 : queue);
	demux_close(&a->demux);
	if (status)
		unpin_unused();
	else if (carrier)
		nic_wait_carrier(&a->nic);
close_pool:
	pool_file_close(&a->pool);
	return status;
}
