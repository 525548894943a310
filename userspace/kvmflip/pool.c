// SPDX-License-Identifier: GPL-2.0
/* kvmflip pool: the memory that frames are received into */
#include <stdio.h>
#include <string.h>

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

/**
 * pool_parse - all remaining words: a name and what is said of the pool
 * @config: out
 * @args: words
 *
 * Return: exit code
 */
int pool_parse(struct pool_config *config, struct args *args)
{
	static const char *const keys[] = { "size", "buffer", "chunk", "node" };
	const char *values[ARRAY_SIZE(keys)];
	int status;

	memset(config, 0, sizeof(*config));
	status = parse_name(args, "pool add", help, &config->name);
	if (!status)
		status = parse_keywords(args, keys, ARRAY_SIZE(keys), values);
	if (status)
		return status;
	if (!values[0] || !values[1])
		return usage_error("pool add %s: \"%s\" is missing", config->name,
				   values[0] ? "buffer" : "size");
	status = parse_positive_size("size", values[0], &config->size);
	if (!status)
		status = parse_size("buffer", values[1], &config->buffer);
	if (!status && values[2])
		status = parse_size("chunk", values[2], &config->chunk);
	config->has_node = values[3];
	if (!status && values[3])
		status = parse_u32("node", values[3], INT32_MAX, &config->node);
	if (status)
		return status;
	if (config->buffer != 4096 && config->buffer != 2 << 20)
		return usage_error("buffer \"%s\" is neither 4K nor 2M", values[1]);
	if (values[2] && config->chunk != 2048 && config->chunk != 4096)
		return usage_error("chunk \"%s\" is neither 2K nor 4K", values[2]);
	if (config->size % config->buffer)
		return usage_error("size \"%s\" is not a multiple of the buffer's %s",
				   values[0], values[1]);
	return EXIT_OK;
}

static int pool_add(struct args *args)
{
	struct kvmflip_request *req;
	struct pool_config config;
	int status = pool_parse(&config, args);

	if (!status)
		status = module_open();
	if (status)
		return status;
	req = module_request(KVMFLIP_CMD_POOL_ADD);
	kvmflip_put_string(req, KVMFLIP_A_POOL_NAME, config.name);
	kvmflip_put_uint(req, KVMFLIP_A_POOL_SIZE, config.size);
	kvmflip_put_uint(req, KVMFLIP_A_POOL_BUFFER_SIZE, config.buffer);
	if (config.chunk)
		kvmflip_put_uint(req, KVMFLIP_A_POOL_CHUNK_SIZE, config.chunk);
	if (config.has_node)
		kvmflip_put_uint(req, KVMFLIP_A_POOL_NODE, config.node);
	if (module_do(req, NULL))
		return refused("pool add %s: %s", config.name, module_error());
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
