/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KVMFLIP_CLI_RXQ_H
#define _KVMFLIP_CLI_RXQ_H

#include <linux/kvmflip_netlink.h>
#include <linux/types.h>

struct args;

/**
 * struct rxq_config - what the command line says of a queue
 * @dev: its device
 * @queue: its number, or ALL_QUEUES
 * @pool: the pool it receives into
 * @mode: how frames reach their guests
 * @port: the port it is dedicated to, or NULL
 */
struct rxq_config {
	const char *dev;
	__u32 queue;
	const char *pool;
	enum kvmflip_mode mode;
	const char *port;
};

const char *rxq_mode(enum kvmflip_mode mode);
int rxq_parse_queue(struct args *args, const char *what, struct rxq_config *config);
int rxq_parse(struct args *args, struct rxq_config *config);
int rxq_command(struct args *args);

#endif /* _KVMFLIP_CLI_RXQ_H */
