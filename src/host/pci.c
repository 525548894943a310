// SPDX-License-Identifier: GPL-2.0
/* kvmflip: config space and registers of the PCI device a guest sees. */

#include <linux/pci_ids.h>
#include <linux/unaligned.h>

#include "layout.h"
#include "netdev.h"
#include "pci.h"
#include "port.h"
#include "tx.h"

#define KF_MSIX_CAP		0x40
#define KF_MSIX_PBA_OFF		0x800

#define KF_FEATURES \
	(KVMFLIP_F_TX | KVMFLIP_F_TX_CSUM | KVMFLIP_F_TX_GSO | KVMFLIP_F_RX_CSUM | \
	 KVMFLIP_F_RX_GSO | KVMFLIP_F_CONFIG)

/**
 * struct kf_need - a feature that is nothing without another
 * @feature: KVMFLIP_F_*
 * @needs: KVMFLIP_F_*
 */
struct kf_need {
	u32 feature;
	u32 needs;
};

/* What is needed comes before what needs it. */
static const struct kf_need kf_needs[] = {
	{ KVMFLIP_F_TX_CSUM, KVMFLIP_F_TX },
	{ KVMFLIP_F_TX_GSO, KVMFLIP_F_TX_CSUM },
	{ KVMFLIP_F_RX_GSO, KVMFLIP_F_RX_CSUM },
};

static void kf_bar(struct kvmflip_pci_config *config, unsigned int bar, u32 type, u64 size)
{
	u32 offset = PCI_BASE_ADDRESS_0 + bar * sizeof(u32);

	put_unaligned_le32(type, config->value + offset);
	put_unaligned_le32(-size & ~(u64)0xf, config->writable + offset);
	if (type & PCI_BASE_ADDRESS_MEM_TYPE_64)
		put_unaligned_le32(-size >> 32, config->writable + offset + sizeof(u32));
}

/**
 * kvmflip_pci_config_init - configuration space after power-on
 * @config: to fill in
 */
void kvmflip_pci_config_init(struct kvmflip_pci_config *config)
{
	u8 *value = config->value, *writable = config->writable;

	memset(config, 0, sizeof(*config));
	put_unaligned_le16(KVMFLIP_PCI_VENDOR, value + PCI_VENDOR_ID);
	put_unaligned_le16(KVMFLIP_PCI_DEVICE, value + PCI_DEVICE_ID);
	put_unaligned_le16(KVMFLIP_PCI_VENDOR, value + PCI_SUBSYSTEM_VENDOR_ID);
	put_unaligned_le16(KVMFLIP_PCI_DEVICE, value + PCI_SUBSYSTEM_ID);
	put_unaligned_le16(PCI_CLASS_NETWORK_ETHERNET, value + PCI_CLASS_DEVICE);
	value[PCI_REVISION_ID] = KVMFLIP_PCI_VERSION;
	put_unaligned_le16(PCI_STATUS_CAP_LIST, value + PCI_STATUS);
	put_unaligned_le16(PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE,
			   writable + PCI_COMMAND);
	writable[PCI_CACHE_LINE_SIZE] = 0xff;
	writable[PCI_INTERRUPT_LINE] = 0xff;

	kf_bar(config, KVMFLIP_BAR_REGS, 0, KVMFLIP_BAR_REGS_SIZE);
	kf_bar(config, KVMFLIP_BAR_WINDOW,
	       PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH,
	       KVMFLIP_WINDOW_BYTES);
	kf_bar(config, KVMFLIP_BAR_MSIX, 0, KVMFLIP_BAR_REGS_SIZE);

	value[PCI_CAPABILITY_LIST] = KF_MSIX_CAP;
	value[KF_MSIX_CAP] = PCI_CAP_ID_MSIX;
	put_unaligned_le16(KVMFLIP_VECS - 1, value + KF_MSIX_CAP + PCI_MSIX_FLAGS);
	put_unaligned_le16(PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL,
			   writable + KF_MSIX_CAP + PCI_MSIX_FLAGS);
	put_unaligned_le32(KVMFLIP_BAR_MSIX, value + KF_MSIX_CAP + PCI_MSIX_TABLE);
	put_unaligned_le32(KVMFLIP_BAR_MSIX | KF_MSIX_PBA_OFF,
			   value + KF_MSIX_CAP + PCI_MSIX_PBA);
}

/**
 * kvmflip_pci_config_write - write to configuration space
 * @config: configuration space
 * @offset: where, of any alignment, within it
 * @data: bytes to write
 * @len: number of bytes, not beyond the end
 */
void kvmflip_pci_config_write(struct kvmflip_pci_config *config, u32 offset, const u8 *data,
			      u32 len)
{
	u32 i;

	for (i = 0; i < len; i++, offset++)
		config->value[offset] = (config->value[offset] & ~config->writable[offset]) |
					(data[i] & config->writable[offset]);
}

static u32 kf_status(enum kvmflip_port_state state)
{
	switch (state) {
	case KVMFLIP_PORT_STATE_RUNNING:
		return KVMFLIP_STATUS_DRIVER_OK;
	case KVMFLIP_PORT_STATE_FAILED:
		return KVMFLIP_STATUS_DRIVER_OK | KVMFLIP_STATUS_FAILED;
	default:
		return 0;
	}
}

static u32 kf_link(const struct kvmflip_port *port)
{
	/* A driver that does not look at it again must not find it down. */
	if (!(port->features & KVMFLIP_F_CONFIG) || kvmflip_netdev_is_up(port))
		return KVMFLIP_LINK_UP;
	return 0;
}

/**
 * kvmflip_pci_read - read a register of BAR0
 * @port: port that is open
 * @offset: KVMFLIP_REG_*
 *
 * Context: may sleep.
 * Return: value, 0 for an unknown register.
 */
u32 kvmflip_pci_read(struct kvmflip_port *port, u32 offset)
{
	u32 value = 0;

	kvmflip_port_lock(port);
	switch (offset) {
	case KVMFLIP_REG_MAGIC:
		value = KVMFLIP_PCI_MAGIC;
		break;
	case KVMFLIP_REG_VERSION:
		value = KVMFLIP_PCI_VERSION;
		break;
	case KVMFLIP_REG_FEATURES:
		value = KF_FEATURES;
		break;
	case KVMFLIP_REG_ACCEPT:
		value = port->features;
		break;
	case KVMFLIP_REG_STATUS:
		value = kf_status(port->state);
		break;
	case KVMFLIP_REG_MAC_LO:
		value = get_unaligned_le32(port->config.mac);
		break;
	case KVMFLIP_REG_MAC_HI:
		value = get_unaligned_le16(port->config.mac + 4);
		break;
	case KVMFLIP_REG_SLOTS_OFF:
		value = KVMFLIP_SLOTS_OFF;
		break;
	case KVMFLIP_REG_SLOT_SHIFT:
		value = port->window.shift;
		break;
	case KVMFLIP_REG_SLOTS:
		value = port->window.nr;
		break;
	case KVMFLIP_REG_RX_OFF:
		value = 0;
		break;
	case KVMFLIP_REG_RX_ENTRIES:
		value = kvmflip_layout_rx_entries(port);
		break;
	case KVMFLIP_REG_RET_ENTRIES:
		value = kvmflip_layout_ret_entries(port);
		break;
	case KVMFLIP_REG_BOUNCE_OFF:
		value = kvmflip_layout_bounce_off(port);
		break;
	case KVMFLIP_REG_BOUNCE_SHIFT:
		value = KVMFLIP_BOUNCE_SHIFT;
		break;
	case KVMFLIP_REG_BOUNCES:
		value = KVMFLIP_BOUNCES;
		break;
	case KVMFLIP_REG_RET_OFF:
		value = kvmflip_layout_ret_off(port);
		break;
	case KVMFLIP_REG_TX_OFF:
		value = kvmflip_layout_tx_off(port);
		break;
	case KVMFLIP_REG_TXC_OFF:
		value = kvmflip_layout_txc_off(port);
		break;
	case KVMFLIP_REG_TX_ENTRIES:
	case KVMFLIP_REG_TXC_ENTRIES:
		value = KVMFLIP_TX_ENTRIES;
		break;
	case KVMFLIP_REG_LINK:
		value = kf_link(port);
		break;
	case KVMFLIP_REG_MTU:
		value = kvmflip_netdev_mtu(port);
		break;
	case KVMFLIP_REG_KEEP:
		value = port->config.min >> port->pool->buffer_shift;
		break;
	case KVMFLIP_REG_CHUNK_SHIFT:
		value = port->pool->chunk_shift;
		break;
	}
	kvmflip_port_unlock(port);
	return value;
}

/* What the driver may have of what it wants. */
static void kf_accept(struct kvmflip_port *port, u32 features)
{
	const struct kf_need *need;

	features &= KF_FEATURES;
	for (need = kf_needs; need < kf_needs + ARRAY_SIZE(kf_needs); need++)
		if (!(features & need->needs))
			features &= ~need->feature;

	kvmflip_port_lock(port);
	if (port->state == KVMFLIP_PORT_STATE_OPENED)
		port->features = features;
	kvmflip_port_unlock(port);
}

/**
 * kvmflip_pci_write - write a register of BAR0
 * @port: port that is open
 * @offset: KVMFLIP_REG_*; unknown and read-only ones are ignored
 * @value: what the guest wrote
 *
 * Context: may sleep.
 */
void kvmflip_pci_write(struct kvmflip_port *port, u32 offset, u32 value)
{
	switch (offset) {
	case KVMFLIP_REG_ACCEPT:
		kf_accept(port, value);
		break;
	case KVMFLIP_REG_STATUS:
		if (!value)
			kvmflip_port_reset(port);
		else if (value & KVMFLIP_STATUS_DRIVER_OK)
			kvmflip_port_start(port);
		break;
	case KVMFLIP_REG_DOORBELL:
		if (value == KVMFLIP_DB_RETURN)
			kvmflip_port_doorbell(port);
		else if (value == KVMFLIP_DB_TX)
			kvmflip_tx_doorbell(port);
		break;
	}
}
