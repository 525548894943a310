/* SPDX-License-Identifier: GPL-2.0 */
/* A network device, made ready for its queues to be attached. */
#ifndef _KVMFLIP_NIC_H
#define _KVMFLIP_NIC_H

#include <net/if.h>
#include <stdbool.h>

/**
 * struct nic - a network device
 * @name: its name
 * @driver: its driver's name
 * @ifindex: its index
 * @mtu: its MTU
 * @queues: receive queues in use
 */
struct nic {
	char name[IFNAMSIZ];
	char driver[32];
	unsigned int ifindex;
	unsigned int mtu;
	unsigned int queues;
};

int nic_open(struct nic *nic, const char *name);
bool nic_is_up(const struct nic *nic);
int nic_set_up(const struct nic *nic);
int nic_prepare(const struct nic *nic, unsigned int chunk_size);
const char *nic_driver(const struct nic *nic);
bool nic_fits_chunks(const struct nic *nic, unsigned int chunk_size);
bool nic_has_carrier(const struct nic *nic);
void nic_wait_carrier(const struct nic *nic);

#endif /* _KVMFLIP_NIC_H */
