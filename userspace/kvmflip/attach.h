/* SPDX-License-Identifier: GPL-2.0 */
/* Queues of a NIC, handed to the module and taken back. */
#ifndef _KVMFLIP_CLI_ATTACH_H
#define _KVMFLIP_CLI_ATTACH_H

#include <stdint.h>

#include <linux/kvmflip_netlink.h>

#include "demux.h"
#include "nic.h"
#include "xsk.h"

#define ALL_QUEUES UINT32_MAX

/**
 * struct attach - an attach command at work
 * @nic: the device
 * @pool_name: the pool's name
 * @mode: how frames reach their guests
 * @port: the port that steered queues are dedicated to, or NULL
 * @all: every queue is attached
 * @pool: the pool's memory
 * @demux: the program
 */
struct attach {
	struct nic nic;
	const char *pool_name;
	enum kvmflip_mode mode;
	const char *port;
	bool all;
	struct pool_file pool;
	struct demux demux;
};

int attach_run(struct attach *a, __u32 queue);
int detach_queue(const struct nic *nic, __u32 queue);
void unpin_unused(void);

#endif /* _KVMFLIP_CLI_ATTACH_H */
