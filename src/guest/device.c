// SPDX-License-Identifier: GPL-2.0
/* kvmflip_net: the device. */

#include <linux/if_vlan.h>
#include <linux/pci.h>
#include <linux/unaligned.h>

#include "device.h"

/* What this driver makes use of. */
#define KFN_FEATURES								\
	(KVMFLIP_F_TX | KVMFLIP_F_TX_CSUM | KVMFLIP_F_TX_GSO | KVMFLIP_F_RX_CSUM |	\
	 KVMFLIP_F_RX_GSO | KVMFLIP_F_CONFIG)

/* XDP programs are to see frames as they were on the wire, and one at a time. */
#define KFN_NOT_WITH_XDP	(KVMFLIP_F_RX_CSUM | KVMFLIP_F_RX_GSO)

/**
 * kfn_device_open - make the device known, and its window
 * @kf: device whose registers are mapped
 *
 * Context: may sleep.
 * Return: 0, -ENODEV, -EINVAL, -ENOMEM, or what mapping the window says.
 */
int kfn_device_open(struct kfn *kf)
{
	u32 magic = kfn_read(kf, KVMFLIP_REG_MAGIC);
	u32 version = kfn_read(kf, KVMFLIP_REG_VERSION);
	int err;

	if (magic != KVMFLIP_PCI_MAGIC || version != KVMFLIP_PCI_VERSION) {
		pci_err(kf->pdev, "device %#x of version %u is none that this driver knows\n",
			magic, version);
		return -ENODEV;
	}
	kfn_write(kf, KVMFLIP_REG_STATUS, 0);
	kf->offered = kfn_read(kf, KVMFLIP_REG_FEATURES) & KFN_FEATURES;
	if (!pci_resource_len(kf->pdev, KVMFLIP_BAR_WINDOW)) {
		pci_err(kf->pdev,
			"there is no room for BAR %d; a port it is plugged into needs room for 1 GiB (pref64-reserve of QEMU)\n",
			KVMFLIP_BAR_WINDOW);
		return -ENODEV;
	}
	err = kfn_layout_read(kf, &kf->layout);
	if (err) {
		pci_err(kf->pdev, "the device says of its window what cannot be\n");
		return err;
	}
	err = kfn_slots_init(kf);
	if (err)
		return err;
	err = kfn_tx_init(kf);
	if (err)
		goto err_slots;
	err = kfn_window_open(kf);
	if (err)
		goto err_tx;
	kfn_device_reset(kf);
	return 0;

err_tx:
	kfn_tx_exit(kf);
err_slots:
	kfn_slots_exit(kf);
	return err;
}

/**
 * kfn_device_close - undo kfn_device_open()
 * @kf: device that was reset
 *
 * Context: may sleep, until nobody has a page of the window any more.
 */
void kfn_device_close(struct kfn *kf)
{
	kfn_window_close(kf);
	kfn_tx_exit(kf);
	kfn_slots_exit(kf);
}

/**
 * kfn_device_reset - take everything from the host, and the reverse
 * @kf: device; no NAPI polls, and nothing is sent
 *
 * What is in slots that are held is lost.
 *
 * Context: may sleep; rtnl, or nobody else knows the device.
 */
void kfn_device_reset(struct kfn *kf)
{
	kfn_write(kf, KVMFLIP_REG_STATUS, 0);
	kf->running = false;
	kfn_slots_reset(kf);
	kfn_rx_reset(kf);
	kfn_tx_reset(kf);
}

/**
 * kfn_device_features - what is to be accepted
 * @kf: device
 *
 * Context: rtnl.
 * Return: KVMFLIP_F_*.
 */
u32 kfn_device_features(const struct kfn *kf)
{
	return kf->offered & ~(rcu_access_pointer(kf->xdp_prog) ? KFN_NOT_WITH_XDP : 0);
}

/**
 * kfn_device_runs - is the device in the state that the driver has left it in?
 * @kf: device
 *
 * Context: may sleep.
 * Return: false if it was reset or has failed.
 */
bool kfn_device_runs(const struct kfn *kf)
{
	return kfn_read(kf, KVMFLIP_REG_MAGIC) == KVMFLIP_PCI_MAGIC &&
	       kfn_read(kf, KVMFLIP_REG_STATUS) == KVMFLIP_STATUS_DRIVER_OK;
}

/**
 * kfn_device_start - have the device deliver frames
 * @kf: device that was reset; no NAPI polls
 *
 * Context: may sleep; rtnl.
 * Return: 0, -ENODEV if it is another device than it was, -EIO.
 */
int kfn_device_start(struct kfn *kf)
{
	struct kfn_layout layout;

	if (kfn_read(kf, KVMFLIP_REG_MAGIC) != KVMFLIP_PCI_MAGIC ||
	    kfn_layout_read(kf, &layout) ||
	    memcmp(&layout, &kf->layout, sizeof(layout))) {
		netdev_err(kf->netdev, "the device is not the one that it was\n");
		return -ENODEV;
	}
	kf->accepted = kfn_device_features(kf);
	kfn_write(kf, KVMFLIP_REG_ACCEPT, kf->accepted);
	if (kfn_read(kf, KVMFLIP_REG_ACCEPT) != kf->accepted) {
		netdev_err(kf->netdev, "the device does not let its features be used\n");
		return -EIO;
	}
	kfn_rx_set_limits(kf);
	kfn_write(kf, KVMFLIP_REG_STATUS, KVMFLIP_STATUS_DRIVER_OK);
	if (kfn_read(kf, KVMFLIP_REG_STATUS) != KVMFLIP_STATUS_DRIVER_OK) {
		netdev_err(kf->netdev, "the device does not start\n");
		kfn_device_reset(kf);
		return -EIO;
	}
	kf->running = true;
	return 0;
}

/**
 * kfn_device_mac - read the address
 * @kf: device
 * @mac: ETH_ALEN bytes to fill in
 *
 * Context: may sleep.
 */
void kfn_device_mac(const struct kfn *kf, u8 *mac)
{
	put_unaligned_le32(kfn_read(kf, KVMFLIP_REG_MAC_LO), mac);
	put_unaligned_le16(kfn_read(kf, KVMFLIP_REG_MAC_HI), mac + 4);
}

/**
 * kfn_device_mtu - read the longest packet
 * @kf: device
 *
 * Context: may sleep.
 * Return: bytes without the Ethernet header.
 */
u32 kfn_device_mtu(const struct kfn *kf)
{
	u32 mtu = kfn_read(kf, KVMFLIP_REG_MTU);

	return mtu ? clamp(mtu, ETH_MIN_MTU, KVMFLIP_FRAME_MAX - VLAN_ETH_HLEN) : ETH_DATA_LEN;
}
