// SPDX-License-Identifier: GPL-2.0
/* Looks at every byte the guest is given. */
#include "../../flipgen/payload.h"
#include "access.h"
#include "scan.h"

#define CLASS_MASK	0xf0f0f0f0u

static void found(struct scan *scan, __u32 slot_nr, __u32 offset, __u8 value)
{
	if (scan->result->foreign_bytes || scan->result->spin_foreign)
		return;
	scan->result->where_slot = slot_nr;
	scan->result->where_offset = offset;
	scan->result->where_value = value;
}

__u32 scan_range(struct scan *scan, const __u8 *slot, __u32 slot_nr,
		 __u32 from, __u32 to)
{
	__u32 n = 0;

	while (from < to) {
		__u32 word, bytes = 1;

		if (!(from & 3) && to - from >= 4) {
			word = READ_ONCE(*(const __u32 *)(slot + from));
			bytes = 4;
			if (!word || (word & CLASS_MASK) == scan->class) {
				from += 4;
				continue;
			}
		} else {
			word = READ_ONCE(slot[from]);
		}
		for (; bytes; bytes--, from++, word >>= 8) {
			if (!(__u8)word ||
			    !((word ^ scan->tag) & PAYLOAD_CLASS))
				continue;
			if (!n)
				found(scan, slot_nr, from, word);
			n++;
		}
	}
	return n;
}

void scan_frame(struct scan *scan, const __u8 *slot, __u32 slot_nr,
		__u32 offset, __u32 len, __u32 chunk_end)
{
	struct guest_result *result = scan->result;
	const __u8 *frame = slot + offset;
	__u32 chunk = offset & ~4095u;
	struct payload_hdr hdr;
	__u32 at, foreign;

	result->bytes += len;
	foreign = scan_range(scan, slot, slot_nr, chunk, offset);
	foreign += scan_range(scan, slot, slot_nr, offset + len, chunk_end);

	if (!payload_parse(frame, len, &hdr, &at)) {
		/* Whatever it is, it is not for us: broken or host memory. */
		result->checksum_bad++;
		foreign += scan_range(scan, slot, slot_nr, offset,
				      offset + len);
		result->foreign_bytes += foreign;
		return;
	}
	foreign += scan_range(scan, slot, slot_nr, offset + at, offset + len);
	if (hdr.tag != scan->tag)
		result->misdelivered++;
	if (hdr.len == len && hdr.sum == payload_sum(frame, len, at)) {
		result->checksum_ok++;
		result->checksum_sum += hdr.sum;
	} else {
		result->checksum_bad++;
	}
	if (at > 14)
		result->tagged++;
	if (hdr.seq + 1 <= scan->seq[hdr.nic & 15])
		result->reordered++;
	else
		scan->seq[hdr.nic & 15] = hdr.seq + 1;
	result->foreign_bytes += foreign;
}
