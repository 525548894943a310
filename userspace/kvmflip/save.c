// SPDX-License-Identifier: GPL-2.0
/* kvmflip save: what there is, as a file for kvmflip apply */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "mdev.h"
#include "module.h"
#include "nic.h"
#include "output.h"
#include "parse.h"
#include "save.h"

static int help(void)
{
	fputs("Usage: kvmflip save\n"
	      "Prints what there is as commands, for kvmflip apply.\n", stdout);
	return EXIT_OK;
}

/* a name, in quotes if a file of commands would take it for something else */
static void save_name(const char *before, const char *name)
{
	const char *quote = strpbrk(name, "#\"'\\") ? strchr(name, '"') ? "'" : "\"" : "";

	printf("%s %s%s%s", before, quote, name, quote);
}

static void save_pool(const cJSON *pool)
{
	save_name("pool add", obj_str(pool, "name"));
	print_size("size", obj_uint(pool, "size"));
	print_size("buffer", obj_uint(pool, "buffer_size"));
	print_size("chunk", obj_uint(pool, "chunk_size"));
	if (obj_has(pool, "node"))
		printf(" node %u", (unsigned int)obj_uint(pool, "node"));
	putchar('\n');
}

static void save_port(const cJSON *port)
{
	const char *uuid = obj_str(port, "uuid");
	char text[CONFIG_TEXT_LEN], path[128];
	struct config config;

	config_of(port, &config);
	config_text(&config, (1u << CONFIG_SETTABLE) - 1, text);
	snprintf(path, sizeof(path), MDEV_DEVICES "%s", uuid);
	save_name("port add", config.name);
	save_name(" pool", obj_str(port, "pool"));
	printf("%s uuid %s%s\n", text, uuid, access(path, F_OK) ? " device no" : "");
}

static void save_rxq(const cJSON *rxq, const char *queue)
{
	printf("rxq attach %s %s", obj_str(rxq, "ifname"), queue);
	save_name(" pool", obj_str(rxq, "pool"));
	printf(" mode %s", obj_str(rxq, "mode"));
	if (obj_has(rxq, "port"))
		save_name(" port", obj_str(rxq, "port"));
	putchar('\n');
}

static bool same_config(const cJSON *a, const cJSON *b)
{
	return !strcmp(obj_str(a, "pool"), obj_str(b, "pool")) &&
	       !strcmp(obj_str(a, "mode"), obj_str(b, "mode")) &&
	       !strcmp(obj_str(a, "port"), obj_str(b, "port"));
}

static const cJSON *find_queue(const cJSON *rxqs, const cJSON *first, unsigned int queue)
{
	const cJSON *rxq;

	cJSON_ArrayForEach(rxq, rxqs)
		if (obj_uint(rxq, "ifindex") == obj_uint(first, "ifindex") &&
		    obj_uint(rxq, "queue") == queue)
			return rxq;
	return NULL;
}

/*
 * A device is attached as a whole, and then those of its queues are changed that are
 * not like @first, in the only order in which each of them can be.
 */
static int save_device(const cJSON *rxqs, const cJSON *first)
{
	const char *dev = obj_str(first, "ifname");
	const cJSON *rxq;
	char queue[16];
	struct nic nic;
	unsigned int i;
	int status = nic_open(&nic, dev);

	if (status)
		return status;
	save_rxq(first, "all");
	for (i = 0; i < nic.queues; i++) {
		rxq = find_queue(rxqs, first, i);
		if (rxq && same_config(rxq, first))
			continue;
		snprintf(queue, sizeof(queue), "%u", i);
		printf("rxq detach %s %s\n", dev, queue);
		if (rxq)
			save_rxq(rxq, queue);
	}
	return EXIT_OK;
}

/* the first queue of its device in the list */
static bool is_first(const cJSON *rxqs, const cJSON *rxq)
{
	const cJSON *other;

	cJSON_ArrayForEach(other, rxqs)
		if (obj_uint(other, "ifindex") == obj_uint(rxq, "ifindex"))
			return other == rxq;
	return false;
}

int save_command(struct args *args)
{
	cJSON *pools = NULL, *rxqs = NULL, *ports = NULL;
	const cJSON *obj;
	int status;

	if (args->argc && is_help(args->argv[0]))
		return help();
	status = no_more_args(args);
	if (!status)
		status = module_dump(KVMFLIP_CMD_POOL_GET, &pools);
	if (!status)
		status = module_dump(KVMFLIP_CMD_PORT_GET, &ports);
	if (!status)
		status = module_dump(KVMFLIP_CMD_RXQ_GET, &rxqs);
	cJSON_ArrayForEach(obj, pools)
		save_pool(obj);
	cJSON_ArrayForEach(obj, ports)
		save_port(obj);
	cJSON_ArrayForEach(obj, rxqs)
		if (!status && is_first(rxqs, obj))
			status = save_device(rxqs, obj);
	cJSON_Delete(pools);
	cJSON_Delete(ports);
	cJSON_Delete(rxqs);
	return status;
}
