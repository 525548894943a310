/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip: what a VMM reads and writes of a port's device. */
#ifndef _KVMFLIP_REGION_H
#define _KVMFLIP_REGION_H

#include <linux/mutex.h>

#include "pci.h"

struct kvmflip_port;

#define KVMFLIP_REGION_SHIFT		40
#define KVMFLIP_REGION_OFFSET(index)	((u64)(index) << KVMFLIP_REGION_SHIFT)

/**
 * struct kvmflip_regions - the regions of a device
 * @port: whose device it is
 * @config_lock: protects @config
 * @config: PCI configuration space
 */
struct kvmflip_regions {
	struct kvmflip_port *port;
	struct mutex config_lock;	/* see above */
	struct kvmflip_pci_config config;
};

u64 kvmflip_region_size(u32 index);
ssize_t kvmflip_region_rw(struct kvmflip_regions *regions, char __user *buf, size_t count,
			  loff_t *ppos, bool write);

#endif /* _KVMFLIP_REGION_H */
