// SPDX-License-Identifier: GPL-2.0
/* kvmflip pool: the memory that frames are received into */
#include <stdio.h>

#include <linux/kvmflip_netlink.h>

#include "counters.h"
#include "module.h"
#include "named.h"
#include "output.h"
#include "parse.h"
#include "pool.h"

static int help(void)
{
	fputs("Usage: kvmflip pool add NAME size SIZE buffer { 4K | 2M } [ chunk { 2K | 4K } ]\n"
	      "                            [ node N ]\n"
	      "       kvmflip pool del NAME\n"
	      "       kvmflip pool [ show [ NAME ] ]\n"
	      "SIZE := bytes, or a number with K, M, G or T (powers of 1024)\n"
	      "chunk is 4K if not given.\n",
	      stdout);
	return EXIT_OK;
}

static int pool_add(struct args *args)
{
	static const char *const keys[] = { "size", "buffer", "chunk", "node" };
	const char *name, *values[ARRAY_SIZE(keys)];
	__u64 size, buffer, chunk = 0;
	struct kvmflip_request *req;
	__u32 node = 0;
	int status;

	status = parse_name(args, "pool add", help, &name);
	if (!status)
		status = parse_keywords(args, keys, ARRAY_SIZE(keys), values);
	if (status)
		return status;
	if (!values[0] || !values[1])
		return usage_error("pool add %s: \"%s\" is missing", name,
				   values[0] ? "buffer" : "size");
	status = parse_positive_size("size", values[0], &size);
	if (!status)
		status = parse_size("buffer", values[1], &buffer);
	if (!status && values[2])
		status = parse_size("chunk", values[2], &chunk);
	if (!status && values[3])
		status = parse_u32("node", values[3], INT32_MAX, &node);
	if (status)
		return status;
	if (buffer != 4096 && buffer != 2 << 20)
		return usage_error("buffer \"%s\" is neither 4K nor 2M", values[1]);
	if (values[2] && chunk != 2048 && chunk != 4096)
		return usage_error("chunk \"%s\" is neither 2K nor 4K", values[2]);
	if (size % buffer)
		return usage_error("size \"%s\" is not a multiple of the buffer's %s",
				   values[0], values[1]);

	status = module_open();
	if (status)
		return status;
	req = module_request(KVMFLIP_CMD_POOL_ADD);
	kvmflip_put_string(req, KVMFLIP_A_POOL_NAME, name);
	kvmflip_put_uint(req, KVMFLIP_A_POOL_SIZE, size);
	kvmflip_put_uint(req, KVMFLIP_A_POOL_BUFFER_SIZE, buffer);
	if (chunk)
		kvmflip_put_uint(req, KVMFLIP_A_POOL_CHUNK_SIZE, chunk);
	if (values[3])
		kvmflip_put_uint(req, KVMFLIP_A_POOL_NODE, node);
	if (module_do(req, NULL))
		return refused("pool add %s: %s", name, module_error());
	return EXIT_OK;
}

static int pool_del(struct args *args)
{
	const char *name;
	int status = parse_name(args, "pool del", help, &name);

	if (!status)
		status = no_more_args(args);
	return status ? status : named_do("pool del", KVMFLIP_CMD_POOL_DEL, name, NULL);
}

static void print_pool(const cJSON *pool)
{
	printf("%s:", obj_str(pool, "name"));
	print_size("size", obj_uint(pool, "size"));
	print_size("buffer", obj_uint(pool, "buffer_size"));
	print_size("chunk", obj_uint(pool, "chunk_size"));
	if (obj_has(pool, "node"))
		printf(" node %u", (unsigned int)obj_uint(pool, "node"));
	printf(" ports %u rxqs %u\n", (unsigned int)obj_uint(pool, "ports"),
	       (unsigned int)obj_uint(pool, "rxqs"));
	print_counters("buffers", cJSON_GetObjectItem(pool, "buffers"));
	print_stats(cJSON_GetObjectItem(pool, "stats"));
}

static int pool_show(struct args *args)
{
	return named_show(args, "pool", KVMFLIP_CMD_POOL_GET, print_pool, help);
}

int pool_command(struct args *args)
{
	static const struct command commands[] = {
		{ "show", pool_show },
		{ "add", pool_add },
		{ "del", pool_del },
	};

	return run_command(args, commands, ARRAY_SIZE(commands), "command", help);
}
