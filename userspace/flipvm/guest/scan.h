/* SPDX-License-Identifier: GPL-2.0 */
#ifndef GUEST_SCAN_H
#define GUEST_SCAN_H

#include "../shared.h"

/**
 * struct scan - what is looked for, and where findings go
 * @result: what flipvm reads
 * @delays: of our frames, from when they were made to when they were read;
 *	    only their differences mean something
 * @class: upper half of our tag, in each byte
 * @tag: our tag byte
 * @found: something was, and its place noted
 * @seq: last sequence number by NIC
 */
struct scan {
	struct guest_result *result;
	__u32 *delays;
	__u32 class;
	__u8 tag;
	__u8 found;
	__u32 seq[16];
};

/*
 * Bytes from @from to @to (offsets in a slot) that are neither zero nor ours.
 * The VLAN tag between our addresses and our EtherType is ours.
 */
__u32 scan_range(struct scan *scan, const __u8 *slot, __u32 slot_nr,
		 __u32 from, __u32 to);

/* Check a frame that lies at @offset in a slot. */
void scan_frame(struct scan *scan, const __u8 *slot, __u32 slot_nr,
		__u32 offset, __u32 len);

/* A frame of ours is done with, and others will be copied to where it lies. */
void scan_blot(const struct scan *scan, __u8 *frame, __u32 len);

#endif /* GUEST_SCAN_H */
