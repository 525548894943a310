// SPDX-License-Identifier: GPL-2.0
/* kvmflip_net: the device. */

#include <linux/etherdevice.h>
#include <linux/pci.h>
#include <linux/unaligned.h>

#include "device.h"

/* What this driver makes use of. */
#define KFN_FEATURES		0

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
	kf->offered = kfn_read(kf, KVMFLIP_REG_FEATURES);
	err = kfn_layout_read(kf, &kf->layout);
	if (err) {
		pci_err(kf->pdev, "the device says of its window what cannot be\n");
		return err;
	}
	err = kfn_slots_init(kf);
	if (err)
		return err;
	err = kfn_window_open(kf);
	if (err)
		goto err_slots;
	kfn_device_reset(kf);
	return 0;

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
	kfn_slots_exit(kf);
}

/**
 * kfn_device_reset - take everything from the host, and the reverse
 * @kf: device; no NAPI polls
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
	kfn_write(kf, KVMFLIP_REG_ACCEPT, kf->offered & KFN_FEATURES);
	kf->accepted = kfn_read(kf, KVMFLIP_REG_ACCEPT) & KFN_FEATURES;
	kfn_rx_start(kf);
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
