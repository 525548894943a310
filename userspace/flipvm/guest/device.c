// SPDX-License-Identifier: GPL-2.0
/* The driver's side of the rings: everything a guest driver needs to do. */
#include "device.h"

static int power_of_two(__u32 n)
{
	return n && !(n & (n - 1));
}

/* Where the slots of both kinds lie; 0 if that makes no sense */
static int find_slots(struct device *dev)
{
	__u8 *window = (__u8 *)GUEST_WINDOW;

	dev->n_slots = reg_read(KVMFLIP_REG_SLOTS);
	dev->slot_shift = reg_read(KVMFLIP_REG_SLOT_SHIFT);
	dev->slots = window + reg_read(KVMFLIP_REG_SLOTS_OFF);
	dev->n_bounces = reg_read(KVMFLIP_REG_BOUNCES);
	dev->bounce_shift = reg_read(KVMFLIP_REG_BOUNCE_SHIFT);
	dev->bounces = window + reg_read(KVMFLIP_REG_BOUNCE_OFF);
	return dev->n_slots && dev->n_slots <= MAX_SLOTS &&
		dev->slot_shift >= 12 && dev->slot_shift <= 21 &&
		dev->n_bounces <= MAX_SLOTS - dev->n_slots &&
		dev->bounce_shift >= 12 && dev->bounce_shift <= 21;
}

int device_init(struct device *dev)
{
	__u8 *window = (__u8 *)GUEST_WINDOW;
	__u32 rx_entries = reg_read(KVMFLIP_REG_RX_ENTRIES);
	__u32 ret_entries = reg_read(KVMFLIP_REG_RET_ENTRIES);

	if (reg_read(KVMFLIP_REG_MAGIC) != KVMFLIP_PCI_MAGIC ||
	    reg_read(KVMFLIP_REG_VERSION) != KVMFLIP_PCI_VERSION)
		return GUEST_BAD_MAGIC;
	if (!find_slots(dev) || !power_of_two(rx_entries) ||
	    !power_of_two(ret_entries) || ret_entries < device_n_all(dev))
		return GUEST_BAD_LAYOUT;
	dev->rx = (void *)(window + reg_read(KVMFLIP_REG_RX_OFF));
	dev->rx_descs = (void *)((__u8 *)dev->rx + KVMFLIP_RING_ENTRIES_OFF);
	dev->rx_mask = rx_entries - 1;
	dev->ret = (void *)(window + reg_read(KVMFLIP_REG_RET_OFF));
	dev->ret_slots = (void *)((__u8 *)dev->ret + KVMFLIP_RING_ENTRIES_OFF);
	dev->ret_mask = ret_entries - 1;
	return GUEST_OK;
}

void device_reset(struct device *dev)
{
	reg_write(KVMFLIP_REG_STATUS, 0);
	dev->rx_cons = 0;
	dev->ret_prod = 0;
	dev->ret_told = 0;
}

void device_start(struct device *dev)
{
	device_reset(dev);
	reg_write(KVMFLIP_REG_ACCEPT, 0);
	reg_write(KVMFLIP_REG_STATUS, KVMFLIP_STATUS_DRIVER_OK);
}

int device_take(struct device *dev, struct kvmflip_rx_desc *desc)
{
	const struct kvmflip_rx_desc *from;

	if (load_acquire(&dev->rx->prod) == dev->rx_cons)
		return 0;
	from = &dev->rx_descs[dev->rx_cons++ & dev->rx_mask];
	desc->slot = from->slot;
	desc->offset = from->offset;
	desc->len = from->len;
	desc->flags = from->flags;
	return 1;
}

void device_taken(struct device *dev)
{
	store_release(&dev->rx->cons, dev->rx_cons);
}

void device_return(struct device *dev, __u32 slot)
{
	dev->ret_slots[dev->ret_prod++ & dev->ret_mask] = slot;
}

int device_returned(struct device *dev)
{
	__u32 old = dev->ret_told, new = dev->ret_prod;

	if (old == new)
		return 0;
	store_release(&dev->ret->prod, new);
	dev->ret_told = new;
	/* The host sets event and then looks at prod again; we the reverse. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (new - load_acquire(&dev->ret->event) - 1 >= new - old)
		return 0;
	reg_write(KVMFLIP_REG_DOORBELL, KVMFLIP_DB_RETURN);
	return 1;
}

__u32 device_wanted(const struct device *dev)
{
	return READ_ONCE(dev->ret->wanted);
}

int device_wait(struct device *dev)
{
	store_release(&dev->rx->event, dev->rx_cons);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return load_acquire(&dev->rx->prod) == dev->rx_cons;
}
