/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip: config space and registers of the PCI device a guest sees. */
#ifndef _KVMFLIP_PCI_H
#define _KVMFLIP_PCI_H

#include <linux/pci_regs.h>
#include <linux/types.h>

struct kvmflip_port;

/**
 * struct kvmflip_pci_config - PCI configuration space
 * @value: what is read
 * @writable: bit per bit of @value that a write changes
 */
struct kvmflip_pci_config {
	u8 value[PCI_CFG_SPACE_SIZE];
	u8 writable[PCI_CFG_SPACE_SIZE];
};

void kvmflip_pci_config_init(struct kvmflip_pci_config *config);
void kvmflip_pci_config_write(struct kvmflip_pci_config *config, u32 offset, const u8 *data,
			      u32 len);
u32 kvmflip_pci_read(struct kvmflip_port *port, u32 offset);
void kvmflip_pci_write(struct kvmflip_port *port, u32 offset, u32 value);

#endif /* _KVMFLIP_PCI_H */
