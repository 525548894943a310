/* SPDX-License-Identifier: GPL-2.0 */
#ifndef GUEST_SCAN_H
#define GUEST_SCAN_H

#include "../shared.h"

/**
 * struct scan - what is looked for, and where findings go
 * @result: the page flipvm reads
 * @class: upper half of our tag, in each byte
 * @tag: our tag byte
 * @seq: last sequence number by NIC
 */
struct scan {
	struct guest_result *result;
	__u32 class;
	__u8 tag;
	__u32 seq[16];
};

/*
 * Bytes from @from to @to (offsets in a slot) that are neither zero nor ours.
 * @where: remember the first one for the report.
 */
__u32 scan_range(struct scan *scan, const __u8 *slot, __u32 slot_nr,
		 __u32 from, __u32 to);

/* Check a frame of ours and everything around it in its chunk. */
void scan_frame(struct scan *scan, const __u8 *slot, __u32 slot_nr,
		__u32 offset, __u32 len, __u32 chunk_end);

#endif /* GUEST_SCAN_H */
