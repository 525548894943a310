/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Ports by a few bits of their address, for the program to find at once: a part of
 * the map of ports, which is asked for what is not here. The program only reads.
 */
#ifndef _KVMFLIP_BPF_SLOTS_H
#define _KVMFLIP_BPF_SLOTS_H

#include <linux/kvmflip.h>

#define MAX_SLOTS	1024	/* a power of two */

/* No frame has this VLAN id: here was a port that the program may still see */
#define SLOT_USED	(~0ULL)

/**
 * struct demux_slot - a place for one port
 * @key: struct kvmflip_demux_key, 0 if nobody was here yet, or SLOT_USED
 * @port: the port; does not change while @key is one
 */
struct demux_slot {
	__u64 key;
	struct kvmflip_demux_port port;
};

/* Sixteen bits of a key, by their place in memory */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define KEY_PART(bits, i)	((__u64)(bits) << (16 * (i)))
#else
#define KEY_PART(bits, i)	((__u64)(bits) << (48 - 16 * (i)))
#endif

/* @tail: the last two bytes of the address, first byte first; @vlan: id */
static inline __u32 slot_of(__u16 tail, __u16 vlan)
{
	return (tail ^ vlan) % MAX_SLOTS;
}

#endif /* _KVMFLIP_BPF_SLOTS_H */
