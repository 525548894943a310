/* SPDX-License-Identifier: GPL-2.0 */
#ifndef GUEST_DEVICE_H
#define GUEST_DEVICE_H

#include <linux/types.h>

#include "../shared.h"
#include "access.h"
#include "kvmflip_pci.h"

#define MAX_SLOTS	0x40000	/* 1 GiB of 4 KiB slots, bounce slots included */

/**
 * struct device - the kvmflip device, as its registers describe it
 * @slots: window address of slot 0
 * @slot_shift: log2 of a slot's bytes
 * @n_slots: number of slots
 * @bounces: window address of the first bounce slot
 * @bounce_shift: log2 of a bounce slot's bytes
 * @n_bounces: number of bounce slots, which are numbered on from the slots
 * @rx: ring of received frames
 * @rx_descs: its entries
 * @rx_mask: their number - 1
 * @ret: ring of slots given back
 * @ret_slots: its entries
 * @ret_mask: their number - 1
 * @rx_cons: next descriptor to take; not yet told to the host
 * @ret_prod: next entry to fill; not yet told to the host
 * @ret_told: what the host was told of @ret_prod
 */
struct device {
	__u8 *slots;
	__u32 slot_shift;
	__u32 n_slots;
	__u8 *bounces;
	__u32 bounce_shift;
	__u32 n_bounces;
	struct kvmflip_ring *rx;
	struct kvmflip_rx_desc *rx_descs;
	__u32 rx_mask;
	struct kvmflip_ring *ret;
	__u32 *ret_slots;
	__u32 ret_mask;
	__u32 rx_cons;
	__u32 ret_prod;
	__u32 ret_told;
};

static inline __u32 reg_read(__u32 reg)
{
	return read32(GUEST_REGS + reg);
}

static inline void reg_write(__u32 reg, __u32 value)
{
	write32(GUEST_REGS + reg, value);
}

/* Slots and bounce slots */
static inline __u32 device_n_all(const struct device *dev)
{
	return dev->n_slots + dev->n_bounces;
}

static inline int device_is_bounce(const struct device *dev, __u32 slot)
{
	return slot >= dev->n_slots;
}

static inline __u8 *device_slot(const struct device *dev, __u32 slot)
{
	if (device_is_bounce(dev, slot))
		return dev->bounces +
			((slot - dev->n_slots) << dev->bounce_shift);
	return dev->slots + (slot << dev->slot_shift);
}

static inline __u32 device_slot_size(const struct device *dev, __u32 slot)
{
	return 1u << (device_is_bounce(dev, slot) ? dev->bounce_shift :
		      dev->slot_shift);
}

/* Find the device and its rings: an enum guest_fatal */
int device_init(struct device *dev);

/* Empty rings, frames allowed in */
void device_start(struct device *dev);
void device_reset(struct device *dev);

/* The next descriptor, if there is one. It is copied: the ring is shared. */
int device_take(struct device *dev, struct kvmflip_rx_desc *desc);

/* Tell the host which descriptors were taken. */
void device_taken(struct device *dev);

/* Give a slot back; the host learns of it by device_returned(). */
void device_return(struct device *dev, __u32 slot);

/* Returns whether the doorbell was rung. */
int device_returned(struct device *dev);

/* Index of the return ring up to which the host asks for slots */
__u32 device_wanted(const struct device *dev);

/* Ask for an interrupt with the next frame; 0 if there is one already. */
int device_wait(struct device *dev);

#endif /* GUEST_DEVICE_H */
