// SPDX-License-Identifier: GPL-2.0
/* What a guest may try; the host must survive it and other guests not see. */
#include "hostile.h"

static __u32 last_returned(const struct device *dev)
{
	return dev->ret_slots[(dev->ret_prod - 1) & dev->ret_mask];
}

static void garbage_ring(struct device *dev)
{
	__u32 i;

	for (i = 0; i <= dev->ret_mask; i++)
		device_return(dev, i * 2654435761u);
}

static void touch_empty_slots(const struct device *dev)
{
	__u32 i;

	for (i = 0; i < dev->n_slots; i += dev->n_slots / 64 + 1) {
		__u32 *p = (void *)(device_slot(dev, i + 1) - 4);

		WRITE_ONCE(*p, READ_ONCE(*p));
	}
}

static void scribble(struct device *dev)
{
	__u32 *p = (__u32 *)dev->rx;
	__u32 i;

	for (i = 0; i < KVMFLIP_RING_ENTRIES_OFF / 4 + 4 * dev->rx_mask; i++)
		p[i] = i * 2654435761u;
}

/* With bytes of our own, so that those of others would still be seen */
static void scribble_bounces(const struct device *dev, const struct scan *scan)
{
	__u32 bytes = dev->n_bounces << dev->bounce_shift;
	__u32 i;

	for (i = 0; i < bytes; i += 64)
		write32((__u32)dev->bounces + i, scan->tag * 0x01010101u);
}

int hostile_attack(struct device *dev, const struct scan *scan)
{
	__u32 i;

	switch (scan->result->attacks++ % 14) {
	case 0:	/* twice the same */
		device_return(dev, last_returned(dev));
		break;
	case 1:	/* no slots */
		device_return(dev, device_n_all(dev));
		device_return(dev, 0x80000000u);
		device_return(dev, ~0u);
		break;
	case 2:	/* slots that we never had */
		for (i = 0; i < 64; i++)
			device_return(dev, dev->n_slots - 1 - i);
		break;
	case 3:	/* as much garbage as the ring holds */
		garbage_ring(dev);
		break;
	case 4:	/* more entries than the ring holds */
		store_release(&dev->ret->prod, dev->ret_prod + 0x80000000u);
		reg_write(KVMFLIP_REG_DOORBELL, KVMFLIP_DB_RETURN);
		return 1;
	case 5:	/* entries taken back */
		store_release(&dev->ret->prod, dev->ret_prod - 1);
		reg_write(KVMFLIP_REG_DOORBELL, KVMFLIP_DB_RETURN);
		return 1;
	case 6:	/* doorbells for nothing */
		for (i = 0; i < 64; i++)
			reg_write(KVMFLIP_REG_DOORBELL, i);
		break;
	case 7:	/* descriptors taken that are not there */
		store_release(&dev->rx->cons, dev->rx_cons + 0x10000);
		return 1;
	case 8:	/* all of the RX ring is the guest's to spoil */
		scribble(dev);
		return 1;
	case 9:
		touch_empty_slots(dev);
		break;
	case 10: /* registers that cannot be written, and some that are not */
		for (i = 0; i < KVMFLIP_BAR_REGS_SIZE; i += 4)
			if (i != KVMFLIP_REG_STATUS)
				reg_write(i, ~0u);
		break;
	case 11: /* bounce slots, the one that frames come into and others */
		for (i = dev->n_slots; i < device_n_all(dev); i++)
			device_return(dev, i);
		break;
	case 12: /* twice, so that one is given back before it is used again */
		for (i = 0; i < 2 * dev->n_bounces; i++)
			device_return(dev, dev->n_slots + i / 2);
		break;
	case 13:
		scribble_bounces(dev, scan);
		break;
	}
	device_returned(dev);
	return 0;
}
