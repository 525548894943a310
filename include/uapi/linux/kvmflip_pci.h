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
#define KVMFLIP_REG_RET_ENTRIES	0x34	/* ro: entries in it, as many as slots or more */
#define KVMFLIP_REG_BOUNCE_OFF	0x38	/* ro: window offset of the first bounce slot */
#define KVMFLIP_REG_BOUNCE_SHIFT 0x3c	/* ro: log2 of a bounce slot's bytes */
#define KVMFLIP_REG_BOUNCES	0x40	/* ro: number of bounce slots */
#define KVMFLIP_REG_TX_OFF	0x44	/* ro: window offset of the TX ring */
#define KVMFLIP_REG_TX_ENTRIES	0x48	/* ro: descriptors in it, a power of two */
#define KVMFLIP_REG_TXC_OFF	0x4c	/* ro: window offset of the TX completion ring */
#define KVMFLIP_REG_TXC_ENTRIES	0x50	/* ro: entries in it, as many as the TX ring has */
#define KVMFLIP_REG_LINK	0x54	/* ro: KVMFLIP_LINK_* */
#define KVMFLIP_REG_MTU		0x58	/* ro: longest packet, in bytes, without Ethernet header */
#define KVMFLIP_REG_KEEP	0x5c	/* ro: slots the guest holds without losing any by force */
#define KVMFLIP_REG_CHUNK_SHIFT	0x60	/* ro: log2 of the bytes a frame has in a slot */
#define KVMFLIP_REG_DOORBELL	0x80	/* wo: KVMFLIP_DB_* */
#define KVMFLIP_BAR_REGS_SIZE	0x1000

#define KVMFLIP_PCI_MAGIC	0x504c464bu	/* "KFLP" */
#define KVMFLIP_PCI_VERSION	1

/*
 * KVMFLIP_REG_FEATURES and _ACCEPT. What depends on a feature is as if it were not
 * there until the driver has accepted it. Bits that were not offered, or that need
 * one that is not accepted too, do not stick: read _ACCEPT back. It cannot be
 * changed while DRIVER_OK is set; a reset clears it.
 */
#define KVMFLIP_F_TX		0x01	/* the TX rings, KVMFLIP_VEC_TX */
#define KVMFLIP_F_TX_CSUM	0x02	/* NEEDS_CSUM in a frame's TX header; needs F_TX */
#define KVMFLIP_F_TX_GSO	0x04	/* segmentation of TCP by the host; needs F_TX_CSUM */
#define KVMFLIP_F_RX_CSUM	0x08	/* KVMFLIP_RX_CSUM_VALID, and RX headers with NEEDS_CSUM */
#define KVMFLIP_F_RX_GSO	0x10	/* RX headers with gso_type; needs F_RX_CSUM */
#define KVMFLIP_F_CONFIG	0x20	/* KVMFLIP_VEC_CONFIG, link may be down */

/* KVMFLIP_REG_LINK */
#define KVMFLIP_LINK_UP		0x1

/*
 * KVMFLIP_REG_STATUS. The driver sets DRIVER_OK when it is ready for frames;
 * until then frames are dropped (dropped-closed). A write of 0 is a reset:
 * every slot is emptied, all rings are empty with all indices, and event, 0.
 * After FAILED nothing but a reset has an effect.
 */
#define KVMFLIP_STATUS_DRIVER_OK	0x1
#define KVMFLIP_STATUS_FAILED		0x80	/* ro: the guest broke a ring, reset it */

/* KVMFLIP_REG_DOORBELL */
#define KVMFLIP_DB_RETURN	0	/* entries were added to the return ring */
#define KVMFLIP_DB_TX		1	/* entries were added to the TX ring */

/*
 * MSI-X vectors. An interrupt is lost while MSI-X is off: look at the rings once
 * after turning it on.
 */
#define KVMFLIP_VEC_RX		0	/* descriptors were added to the RX ring */
#define KVMFLIP_VEC_TX		1	/* entries were added to the TX completion ring */
#define KVMFLIP_VEC_CONFIG	2	/* link, MTU, MAC or the state changed: read them */
#define KVMFLIP_VECS		3

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
 * TX ring: the guest produces &struct kvmflip_tx_desc. The host moves @cons on when
 * it has read descriptors; the memory they name is the host's to read until the
 * frame is completed.
 * TX completion ring: the host produces, for each frame, the __le32 index that its
 * first entry had in the TX ring (free-running, not reduced), in any order. It never
 * overflows: a frame whose completion the guest has not consumed counts as in the
 * TX ring, so the guest may have no more frames under way than it has entries. One
 * that has more has broken the ring.
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

/* The frame has passed the NIC's or the host's check of its checksums. */
#define KVMFLIP_RX_CSUM_VALID	0x4
/* A &struct kvmflip_net_hdr lies directly in front of the frame, at @offset - 12. */
#define KVMFLIP_RX_NET_HDR	0x8

/**
 * struct kvmflip_net_hdr - what is left to be done with a frame
 * @flags: KVMFLIP_NET_HDR_F_*
 * @gso_type: VIRTIO_NET_HDR_GSO_NONE, _TCPV4 or _TCPV6, and _ECN
 * @hdr_len: bytes of the headers, a hint
 * @gso_size: bytes of payload in a segment
 * @csum_start: where in the frame to begin summing
 * @csum_offset: where from there to put the sum
 * @reserved: 0
 *
 * The first ten bytes are those of a little-endian &struct virtio_net_hdr and mean
 * the same.
 */
struct kvmflip_net_hdr {
	__u8 flags;
	__u8 gso_type;
	__le16 hdr_len;
	__le16 gso_size;
	__le16 csum_start;
	__le16 csum_offset;
	__le16 reserved;
};

#define KVMFLIP_NET_HDR_F_NEEDS_CSUM	0x1

/**
 * struct kvmflip_tx_desc - a piece of a frame that is sent
 * @addr: of its first byte, as the platform maps memory for the device's DMA
 * @len: bytes of it, not 0
 * @flags: KVMFLIP_TX_*
 *
 * A frame is up to KVMFLIP_TX_PIECES of these, and may have a
 * &struct kvmflip_tx_hdr as its first entry. All but its last entry have
 * KVMFLIP_TX_MORE; other bits of @flags are 0. They are shown with one store to prod.
 * A frame that is none (too long, too short, in memory that is not the guest's, or not
 * the device's to read because it is no bus master) is completed like any other and
 * dropped.
 */
struct kvmflip_tx_desc {
	__le64 addr;
	__le32 len;
	__le32 flags;
};

/**
 * struct kvmflip_tx_hdr - first entry of a frame that is not just to be sent
 * @net: what is to be done with it; a gso_type needs NEEDS_CSUM too
 * @flags: KVMFLIP_TX_HDR and KVMFLIP_TX_MORE
 */
struct kvmflip_tx_hdr {
	struct kvmflip_net_hdr net;
	__le32 flags;
};

#define KVMFLIP_TX_MORE		0x1	/* the frame goes on in the next entry */
#define KVMFLIP_TX_HDR		0x2	/* the entry is a &struct kvmflip_tx_hdr */

#define KVMFLIP_TX_PIECES	20	/* most entries of a frame, without its header */
#define KVMFLIP_FRAME_MAX	61440	/* bytes of the longest frame, either way */

#endif /* _UAPI_LINUX_KVMFLIP_PCI_H */
