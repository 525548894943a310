// SPDX-License-Identifier: GPL-2.0
/* What kvmflip check finds out about pools, queues and ports that there are. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/kvmflip_netlink.h>

#include "findings.h"
#include "module.h"

#define HUGE_BUFFER (2u << 20)

static const cJSON *pool_named(const cJSON *pools, const char *name)
{
	const cJSON *pool;

	cJSON_ArrayForEach(pool, pools)
		if (!strcmp(obj_str(pool, "name"), name))
			return pool;
	return NULL;
}

static void check_pools(struct findings *findings, const cJSON *pools)
{
	char check[64];
	const cJSON *pool, *buffers;

	cJSON_ArrayForEach(pool, pools) {
		buffers = cJSON_GetObjectItem(pool, "buffers");
		snprintf(check, sizeof(check), "pool %s", obj_str(pool, "name"));
		if (obj_uint(buffers, "illegal"))
			find(findings, check, GRADE_WARN, "please report this",
			     "%llu buffers were in a wrong state",
			     obj_uint(buffers, "illegal"));
		if (obj_uint(buffers, "quarantined"))
			find(findings, check, GRADE_WARN,
			     "end what holds the guest's memory, or make the pool anew",
			     "%llu buffers are out of use, because somebody refers to their memory",
			     obj_uint(buffers, "quarantined"));
		if (obj_uint(pool, "buffer_size") < HUGE_BUFFER)
			find(findings, check, GRADE_WARN,
			     "a pool with buffer 2M, if there is much traffic",
			     "buffers of 4K: each frame costs a flip");
	}
}

/* memory of a pool should be where the NIC is, if there is more than one place */
static void check_node(struct findings *findings, const char *check,
		       const cJSON *rxq, const cJSON *pool)
{
	const char *dev = obj_str(rxq, "ifname");
	char node[16], advice[64];

	read_text(node, sizeof(node), "/sys/class/net/%s/device/numa_node", dev);
	if (!*node || *node == '-' || !path_exists("/sys/devices/system/node/node1"))
		return;
	if (pool && obj_has(pool, "node") && obj_uint(pool, "node") == strtoul(node, NULL, 10))
		return;
	snprintf(advice, sizeof(advice), "kvmflip pool add ... node %s", node);
	find(findings, check, GRADE_WARN, advice,
	     "the NIC is at NUMA node %s, and pool %s is not made for it", node,
	     obj_str(rxq, "pool"));
}

static void check_rxqs(struct findings *findings, const cJSON *pools, const cJSON *rxqs)
{
	char check[64];
	const cJSON *rxq;

	cJSON_ArrayForEach(rxq, rxqs) {
		snprintf(check, sizeof(check), "%s: queue %llu", obj_str(rxq, "ifname"),
			 obj_uint(rxq, "queue"));
		if (obj_has(rxq, "broken"))
			find(findings, check, GRADE_FAIL, "detach it and attach it again",
			     "it is served no longer: the kernel's log says why");
		if (!strcmp(obj_str(rxq, "mode"), "copy"))
			find(findings, check, GRADE_WARN, "mode strict",
			     "mode copy: nothing is flipped");
		check_node(findings, check, rxq, pool_named(pools, obj_str(rxq, "pool")));
	}
}

static void check_ports(struct findings *findings, const cJSON *ports)
{
	static const struct {
		const char *huge;
		const char *found;
		const char *advice;
	} places[] = {
		{ "no-memslot", "the VM has no memory slot for the window",
		  "let the guest enable the device's memory: modprobe kvmflip_net there" },
		{ "address", "the VMM maps the window at an address not aligned to 2M",
		  "use a VMM that maps BARs at aligned addresses, such as QEMU" },
		{ "gpa", "the guest has the window at an address not aligned to 2M",
		  "use firmware that aligns BARs to their size" },
	};
	const char *huge;
	const cJSON *port;
	char check[64];
	unsigned int i;

	cJSON_ArrayForEach(port, ports) {
		snprintf(check, sizeof(check), "port %s", obj_str(port, "name"));
		huge = obj_str(port, "huge");
		for (i = 0; i < ARRAY_SIZE(places); i++)
			if (!strcmp(places[i].huge, huge))
				find(findings, check, GRADE_WARN, places[i].advice,
				     "%s", places[i].found);
		if (!strcmp(obj_str(port, "state"), "failed"))
			find(findings, check, GRADE_WARN, "let the guest reset the device",
			     "the guest broke a ring and gets no frames");
	}
}

/* what is set up, if the module is there and may be asked */
void check_setup(struct findings *findings)
{
	cJSON *pools = NULL, *rxqs = NULL, *ports = NULL;

	if (!path_exists("/sys/module/kvmflip"))
		return;
	if (!module_dump(KVMFLIP_CMD_POOL_GET, &pools) &&
	    !module_dump(KVMFLIP_CMD_RXQ_GET, &rxqs) &&
	    !module_dump(KVMFLIP_CMD_PORT_GET, &ports)) {
		check_pools(findings, pools);
		check_rxqs(findings, pools, rxqs);
		check_ports(findings, ports);
	}
	cJSON_Delete(pools);
	cJSON_Delete(rxqs);
	cJSON_Delete(ports);
}
