/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/*
 * kvmflip: the PCI device a guest sees. Version 1.
 *
 * BAR0	registers, 32 bits wide, little-endian, trapped by the VMM.
 * BAR2	the window: memory. It begins with the rings; from KVMFLIP_REG_SLOTS_OFF
 *	on it is an array of slots of (1 << KVMFLIP_REG_SLOT_SHIFT) bytes. A slot
 *	holds a buffer of received frames from the moment a descriptor names it
 *	until the guest returns it; at any other time what is read there is
 *	zeroes or what the guest itself wrote, and means nothing. From
 *	KVMFLIP_REG_BOUNCE_OFF on there is an array of bounce slots of
 *	(1 << KVMFLIP_REG_BOUNCE_SHIFT) bytes, memory that stays where it is, into
 *	which the host copies frames. Bounce slots are numbered on from the slots
 *	and are returned like them.
 * BAR4	the MSI-X table.
 */
#ifndef _UAPI_LINUX_KVMFLIP_PCI_H
#define _UAPI_LINUX_KVMFLIP_PCI_H

#include <linux/types.h>

/* From the range set aside for devices that have no id of their own yet. */
#define KVMFLIP_PCI_VENDOR	0x1af4
#define KVMFLIP_PCI_DEVICE	0x10f0

#define KVMFLIP_BAR_REGS	0
#define KVMFLIP_BAR_WINDOW	2
#define KVMFLIP_BAR_MSIX	4

/* BAR0. Writes to read-only and unknown registers are ignored. */
#define KVMFLIP_REG_MAGIC	0x00	/* ro: KVMFLIP_PCI_MAGIC */
#define KVMFLIP_REG_VERSION	0x04	/* ro: KVMFLIP_PCI_VERSION */
#define KVMFLIP_REG_FEATURES	0x08	/* ro: offered features */
#define KVMFLIP_REG_ACCEPT	0x0c	/* rw: accepted features, a subset of those */
#define KVMFLIP_REG_STATUS	0x10	/* rw: KVMFLIP_STATUS_*; 0 resets */
#define KVMFLIP_REG_MAC_LO	0x14	/* ro: bytes 0 to 3 of the address */
#define KVMFLIP_REG_MAC_HI	0x18	/* ro: bytes 4 and 5 */
#define KVMFLIP_REG_SLOTS_OFF	0x1c	/* ro: window offset of slot 0 */
#define KVMFLIP_REG_SLOT_SHIFT	0x20	/* ro: log2 of a slot's bytes */
#define KVMFLIP_REG_SLOTS	0x24	/* ro: number of slots */
#define KVMFLIP_REG_RX_OFF	0x28	/* ro: window offset of the RX ring */
#define KVMFLIP_REG_RX_ENTRIES	0x2c	/* ro: descriptors in it, a power of two */
#define KVMFLIP_REG_RET_OFF	0x30	/* ro: window offset of the return ring */
#define KVMFLIP_REG_RET_ENTRIES	0x34	/* ro: entries in it, a power of two, one for each slot */
#define KVMFLIP_REG_BOUNCE_OFF	0x38	/* ro: window offset of the first bounce slot */
#define KVMFLIP_REG_BOUNCE_SHIFT 0x3c	/* ro: log2 of a bounce slot's bytes */
#define KVMFLIP_REG_BOUNCES	0x40	/* ro: number of bounce slots */
#define KVMFLIP_REG_DOORBELL	0x80	/* wo: KVMFLIP_DB_* */
#define KVMFLIP_BAR_REGS_SIZE	0x1000

#define KVMFLIP_PCI_MAGIC	0x504c464bu	/* "KFLP" */
#define KVMFLIP_PCI_VERSION	1

/*
 * KVMFLIP_REG_STATUS. The driver sets DRIVER_OK when it is ready for frames;
 * until then frames are dropped (dropped-closed). A write of 0 is a reset:
 * every slot is emptied, both rings are empty with all indices, and event, 0.
 * After FAILED nothing but a reset has an effect.
 */
#define KVMFLIP_STATUS_DRIVER_OK	0x1
#define KVMFLIP_STATUS_FAILED		0x80	/* ro: the guest broke a ring, reset it */

/* KVMFLIP_REG_DOORBELL */
#define KVMFLIP_DB_RETURN	0	/* entries were added to the return ring */

/* MSI-X vectors */
/*
 * Descriptors were added to the RX ring. An interrupt is lost while MSI-X is
 * off: look at the ring once after turning it on.
 */
#define KVMFLIP_VEC_RX		0
#define KVMFLIP_VECS		1

/**
 * struct kvmflip_ring - head of a ring in the window, followed by its entries
 * @prod: free-running index of the next entry to be written; the producer
 *	  stores it with release semantics after the entries
 * @cons: free-running index of the next entry to be read; the consumer stores
 *	  it with release semantics after it has read the entries
 * @event: the consumer asks to be notified when @prod passes this index (as a
 *	   virtio ring's used_event does): after a store to @prod from old to
 *	   new the producer notifies, after a full barrier, if
 *	   (u16)-style modular (new - @event - 1) < (new - old)
 * @wanted: in the return ring: the host asks for slots (not bounce slots) back,
 *	    until @prod has reached this index; it interrupts with
 *	    KVMFLIP_VEC_RX when it has asked for more. A guest that keeps the host
 *	    waiting for long loses those it has had for longest
 *
 * All fields are little-endian. An entry's place is its index modulo the
 * number of entries. Producer and consumer fields lie 64 bytes apart. The
 * entries begin at KVMFLIP_RING_ENTRIES_OFF from the head.
 *
 * RX ring: the host produces &struct kvmflip_rx_desc.
 * Return ring: the guest produces __le32 slot numbers.
 */
struct kvmflip_ring {
	__le32 prod;
	__u8 pad0[60];
	__le32 cons;
	__le32 event;
	__le32 wanted;
	__u8 pad1[52];
};

#define KVMFLIP_RING_ENTRIES_OFF	128

/**
 * struct kvmflip_rx_desc - a frame that was received
 * @slot: slot, or bounce slot, that it lies in; many frames may lie in one
 * @offset: of its first byte in that slot
 * @len: bytes, without the frame check sequence
 * @flags: KVMFLIP_RX_*
 *
 * A descriptor of @len 0 carries no frame, only its @flags.
 */
struct kvmflip_rx_desc {
	__le32 slot;
	__le32 offset;
	__le32 len;
	__le32 flags;
};

/* No more frames will come in this slot: return it when done with all of them. */
#define KVMFLIP_RX_LAST		0x1
/*
 * Not a frame, @len is 0: the slot was taken back by force, what was in it is
 * gone. Return it to say that nothing looks at it any more; if it was returned
 * already that was it.
 */
#define KVMFLIP_RX_REVOKED	0x2

#endif /* _UAPI_LINUX_KVMFLIP_PCI_H */
