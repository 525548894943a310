// SPDX-License-Identifier: GPL-2.0
/*
 * Anything that a guest can write, at random. What it writes into the window is its own
 * tag, so that a byte of somebody else's would still be seen.
 */
#include "fuzz.h"

#define FEATURES	(KVMFLIP_F_TX | KVMFLIP_F_TX_CSUM | KVMFLIP_F_TX_GSO | KVMFLIP_F_CONFIG)

static __u32 state;

static __u32 random(void)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

static __u32 below(__u32 n)
{
	return random() % n;
}

void fuzz_init(__u32 seed)
{
	state = seed ?: 1;
}

/* Next to @index, at one of the ends of the ring, or anywhere */
static __u32 near(__u32 index, __u32 entries)
{
	switch (below(4)) {
	case 0:
		return index + below(8) - 4;
	case 1:
		return index + entries + below(3) - 1;
	case 2:
		return index + below(entries);
	default:
		return random();
	}
}

/* A ring by the registers that say where it is and how many entries it has */
static struct kvmflip_ring *any_ring(__u32 *entries)
{
	static const __u32 regs[] = {
		KVMFLIP_REG_RX_OFF, KVMFLIP_REG_RET_OFF, KVMFLIP_REG_TX_OFF, KVMFLIP_REG_TXC_OFF,
	};
	__u32 reg = regs[below(4)];

	*entries = reg_read(reg + 4);
	return (void *)(GUEST_WINDOW + reg_read(reg));
}

static void write_index(void)
{
	__u32 entries;
	struct kvmflip_ring *ring = any_ring(&entries);
	__u32 *const fields[] = { &ring->prod, &ring->cons, &ring->event, &ring->wanted };
	__u32 *field = fields[below(4)];
	__u32 index = below(2) ? READ_ONCE(ring->prod) : READ_ONCE(ring->cons);

	store_release(field, near(index, entries));
}

/* Slots that are ours and others, bounce slots, and what is none; some twice */
static void return_slots(struct device *dev)
{
	__u32 slot, n = below(3) ? below(4) : below(2 * dev->ret_mask);

	while (n--) {
		slot = below(16) ? below(device_n_all(dev) + 8) : random();
		device_return(dev, slot);
		if (!below(4))
			device_return(dev, slot);
	}
	device_returned(dev);
}

/* Pieces anywhere: the guest's memory, the window, and where nothing is */
static void send_frames(void)
{
	struct kvmflip_ring *ring = (void *)(GUEST_WINDOW + reg_read(KVMFLIP_REG_TX_OFF));
	struct kvmflip_tx_desc *entries = (void *)((__u8 *)ring + KVMFLIP_RING_ENTRIES_OFF);
	__u32 mask = reg_read(KVMFLIP_REG_TX_ENTRIES) - 1;
	__u32 n = below(2) ? below(4) : below(40), prod = READ_ONCE(ring->prod);
	__u32 cons = READ_ONCE(ring->cons);
	struct kvmflip_tx_desc *entry;

	for (; n && prod - cons <= mask; n--, prod++) {
		entry = &entries[prod & mask];
		entry->addr = below(2) ? below(GUEST_RAM_SIZE) : below(2) ?
			      GUEST_WINDOW + below(0x1000000) : (__u64)random() << below(33);
		entry->len = below(4) ? below(2000) : below(4) ? below(0x10000) : random();
		entry->flags = below(8) ? below(4) : random();
	}
	store_release(&ring->prod, prod);
	reg_write(KVMFLIP_REG_DOORBELL, KVMFLIP_DB_TX);
	/* While they are being read */
	for (n = below(50); n; n--) {
		entry = &entries[below(mask + 1)];
		WRITE_ONCE(entry->len, random());
		WRITE_ONCE(entry->flags, below(8) ? below(4) : random());
	}
	/* Completions are taken, mostly. */
	if (below(8)) {
		ring = (void *)(GUEST_WINDOW + reg_read(KVMFLIP_REG_TXC_OFF));
		store_release(&ring->cons, load_acquire(&ring->prod));
	}
}

static void access_registers(void)
{
	__u32 at, n, value;

	for (n = below(16); n; n--) {
		at = GUEST_REGS + (below(2) ? below(0x90) : below(KVMFLIP_BAR_REGS_SIZE - 4));
		value = below(2) ? below(4) : random();
		switch (below(6)) {
		case 0:
			*(volatile __u8 *)at = value;
			break;
		case 1:
			*(volatile __u16 *)at = value;
			break;
		case 2:
			*(volatile __u32 *)at = value;
			break;
		case 3:
			value = *(volatile __u8 *)at;
			break;
		case 4:
			value = *(volatile __u16 *)at;
			break;
		default:
			value = *(volatile __u32 *)at;
		}
	}
}

static void storm(void)
{
	__u32 n;

	for (n = below(64); n; n--)
		reg_write(KVMFLIP_REG_DOORBELL, below(3));
}

/* Slots that are ours, that are empty, that are just being revoked */
static void touch(const struct device *dev, const struct scan *scan)
{
	__u32 n, slot;
	__u8 *at;

	for (n = below(16); n; n--) {
		slot = below(device_n_all(dev));
		at = device_slot(dev, slot) + (below(device_slot_size(dev, slot)) & ~3u);
		if (below(2))
			write32((__u32)at, scan->tag * 0x01010101u);
		else
			read32((__u32)at);
	}
}

void fuzz_start(struct device *dev)
{
	device_reset(dev);
	reg_write(KVMFLIP_REG_ACCEPT, random() & FEATURES);
	reg_write(KVMFLIP_REG_STATUS, KVMFLIP_STATUS_DRIVER_OK);
}

void fuzz_round(struct device *dev, const struct scan *scan)
{
	scan->result->attacks++;
	switch (below(16)) {
	case 0:
		write_index();
		break;
	case 1:
		access_registers();
		break;
	case 2:
		storm();
		break;
	case 3:
	case 4:
	case 5:
		touch(dev, scan);
		break;
	case 6:
	case 7:
	case 8:
	case 9:
		send_frames();
		break;
	default:
		return_slots(dev);
	}
}
