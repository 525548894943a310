/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip_net: the device. */
#ifndef _KVMFLIP_NET_DEVICE_H
#define _KVMFLIP_NET_DEVICE_H

#include <linux/io.h>
#include <linux/netdevice.h>
#include <linux/workqueue.h>

#include "rx.h"
#include "slot.h"
#include "tx.h"
#include "window.h"

struct bpf_prog;
struct pci_dev;

/**
 * struct kfn - the device, and the interface it is
 * @pdev: PCI device
 * @netdev: interface
 * @regs: BAR0
 * @offered: KVMFLIP_F_* that the device has
 * @accepted: those that are used, since it was started
 * @running: the device was started and not reset; rtnl
 * @up: interrupts and NAPI are there to serve it; changed under rtnl
 * @restarted: when it was last restarted, in jiffies; rtnl
 * @config_work: looks at what has changed
 * @idle_work: resets the device if nothing is held and the interface is down
 * @restart_work: resets and starts the device, because something is broken
 * @xdp_prog: XDP program, or NULL; changed under rtnl
 * @layout: what lies where in the window
 * @window: the window
 * @slots: slots
 * @rx: RX queue
 * @tx: TX queue
 */
struct kfn {
	struct pci_dev *pdev;
	struct net_device *netdev;
	void __iomem *regs;
	u32 offered;
	u32 accepted;
	bool running;
	bool up;
	unsigned long restarted;
	struct work_struct config_work;
	struct work_struct idle_work;
	struct delayed_work restart_work;
	struct bpf_prog __rcu *xdp_prog;
	struct kfn_layout layout;
	struct kfn_window window;
	struct kfn_slots slots;
	struct kfn_rx rx;
	struct kfn_tx tx;
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
bool kfn_device_runs(const struct kfn *kf);
u32 kfn_device_features(const struct kfn *kf);
void kfn_device_mac(const struct kfn *kf, u8 *mac);
u32 kfn_device_mtu(const struct kfn *kf);

#endif /* _KVMFLIP_NET_DEVICE_H */
