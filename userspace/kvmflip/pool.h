/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KVMFLIP_CLI_POOL_H
#define _KVMFLIP_CLI_POOL_H

#include <stdbool.h>

#include <linux/types.h>

struct args;

/**
 * struct pool_config - what the command line says of a pool
 * @name: its name
 * @size: bytes
 * @buffer: bytes of a buffer
 * @chunk: bytes of a chunk, or 0
 * @has_node: @node is said
 * @node: NUMA node
 */
struct pool_config {
	const char *name;
	__u64 size;
	__u64 buffer;
	__u64 chunk;
	bool has_node;
	__u32 node;
};

int pool_parse(struct pool_config *config, struct args *args);
int pool_command(struct args *args);

#endif /* _KVMFLIP_CLI_POOL_H */
