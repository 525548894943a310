/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The demux program of userspace/bpf, its maps and their pins:
 *
 *   /sys/fs/bpf/kvmflip/ports		ports by address, for all NICs
 *   /sys/fs/bpf/kvmflip/slots		some of them once more, found sooner
 *   /sys/fs/bpf/kvmflip/xsks-IFINDEX	sockets by queue of a NIC, while queues
 *					of it are attached
 *
 * The program's link is the module's to hold.
 */
#ifndef _KVMFLIP_CLI_DEMUX_H
#define _KVMFLIP_CLI_DEMUX_H

#include <stdbool.h>

#include <cjson/cJSON.h>
#include <linux/kvmflip.h>

struct nic;

/**
 * struct demux - the program on a NIC
 * @link_fd: its link, if it was attached just now; -1 if it was there
 * @xsks_fd: its map of sockets
 * @generic: it was attached just now, and not to the driver but behind it
 */
struct demux {
	int link_fd;
	int xsks_fd;
	bool generic;
};

void demux_unpin_unused(const cJSON *rxqs);

int demux_open(struct demux *demux, const struct nic *nic, bool attached,
	       bool generic);
int demux_set_socket(const struct demux *demux, unsigned int queue, int xsk);
void demux_drop_link(struct demux *demux);
void demux_close(struct demux *demux);

int demux_add_port(const struct kvmflip_demux_key *key,
		   const struct kvmflip_demux_port *port);
int demux_del_port(const struct kvmflip_demux_key *key);
int demux_purge_ports(bool (*alive)(const struct kvmflip_demux_key *key,
				    const struct kvmflip_demux_port *port,
				    const void *data), const void *data);

#endif /* _KVMFLIP_CLI_DEMUX_H */
