/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip_net: the device. */
#ifndef _KVMFLIP_NET_DEVICE_H
#define _KVMFLIP_NET_DEVICE_H

#include <linux/io.h>
#include <linux/netdevice.h>

#include "rx.h"
#include "slot.h"
#include "window.h"

struct pci_dev;

/* Most entries of a frame that is sent, with its header. */
#define KFN_TX_ENTRIES_MOST	(KVMFLIP_TX_PIECES + 1)

/**
 * struct kfn - the device, and the interface it is
 * @pdev: PCI device
 * @netdev: interface
 * @regs: BAR0
 * @offered: KVMFLIP_F_* that the device has
 * @accepted: those that are used, since it was started
 * @running: the device was started and not reset; rtnl
 * @layout: what lies where in the window
 * @window: the window
 * @slots: slots
 * @rx: RX queue
 */
struct kfn {
	struct pci_dev *pdev;
	struct net_device *netdev;
	void __iomem *regs;
	u32 offered;
	u32 accepted;
	bool running;
	struct kfn_layout layout;
	struct kfn_window window;
	struct kfn_slots slots;
	struct kfn_rx rx;
};

/**
 * kfn_read - read a register
 * @kf: device
 * @reg: KVMFLIP_REG_*
 *
 * Return: its value.
 */
static inline u32 kfn_read(const struct kfn *kf, u32 reg)
{
	return ioread32(kf->regs + reg);
}

/**
 * kfn_write - write a register
 * @kf: device
 * @reg: KVMFLIP_REG_*
 * @value: what to write
 */
static inline void kfn_write(const struct kfn *kf, u32 reg, u32 value)
{
	iowrite32(value, kf->regs + reg);
}

int kfn_device_open(struct kfn *kf);
void kfn_device_close(struct kfn *kf);
int kfn_device_start(struct kfn *kf);
void kfn_device_reset(struct kfn *kf);
void kfn_device_mac(const struct kfn *kf, u8 *mac);

#endif /* _KVMFLIP_NET_DEVICE_H */
