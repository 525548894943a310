// SPDX-License-Identifier: GPL-2.0
/* Looks at every byte the guest is given. */
#include "../../flipgen/payload.h"
#include "access.h"
#include "scan.h"

#define CLASS_MASK	0xf0f0f0f0u
#define BLOCK		64
#define ADDRESSES	12	/* in front of a VLAN tag */
#define VLAN_TAG	4

static void found(struct scan *scan, __u32 slot_nr, __u32 offset, __u8 value)
{
	if (scan->found)
		return;
	scan->found = 1;
	scan->result->where_slot = slot_nr;
	scan->result->where_offset = offset;
	scan->result->where_value = value;
}

/*
 * Nearly all blocks are zero or ours throughout, and there are 32,768 of them
 * in a slot of 2 MiB: one instruction for a word, and no branch. In C it would
 * be three or four, most of them about the stack.
 */
static int block_is_clean(const __u32 *p, __u32 class)
{
	__u32 any = 0, all = ~0u;
	unsigned int i;

	if (!*p) {
#pragma GCC unroll 16
		for (i = 0; i < BLOCK / 4; i++)
			asm("orl %1, %0" : "+r"(any) : "m"(p[i]));
		return !any;
	}
#pragma GCC unroll 16
	for (i = 0; i < BLOCK / 4; i++)
		asm("orl %2, %0; andl %2, %1"
		    : "+&r"(any), "+&r"(all) : "m"(p[i]));
	return (any & CLASS_MASK) == class && (all & CLASS_MASK) == class;
}

static int is_ours(const struct scan *scan, __u8 byte)
{
	return !((byte ^ scan->tag) & PAYLOAD_CLASS);
}

/* Whether a VLAN tag of a frame of ours begins at @at */
static int is_vlan_tag(const struct scan *scan, const __u8 *slot, __u32 at)
{
	__u32 i;

	if (at < ADDRESSES || slot[at] != 0x81 || slot[at + 1])
		return 0;
	for (i = at - ADDRESSES; i < at; i++)
		if (!is_ours(scan, slot[i]))
			return 0;
	return slot[at + VLAN_TAG] == scan->tag &&
		slot[at + VLAN_TAG + 1] == scan->tag;
}

static int in_vlan_tag(const struct scan *scan, const __u8 *slot, __u32 at,
		       __u32 to)
{
	__u32 i;

	for (i = 0; i < VLAN_TAG && i <= at; i++)
		if (at - i + VLAN_TAG + 2 <= to &&
		    is_vlan_tag(scan, slot, at - i))
			return 1;
	return 0;
}

static __attribute__((noinline))
__u32 scan_bytes(struct scan *scan, const __u8 *slot, __u32 slot_nr,
		 __u32 from, __u32 to, __u32 end)
{
	__u32 n = 0;

	for (; from < to; from++) {
		__u8 byte = READ_ONCE(slot[from]);

		if (!byte || is_ours(scan, byte) ||
		    in_vlan_tag(scan, slot, from, end))
			continue;
		found(scan, slot_nr, from, byte);
		n++;
	}
	return n;
}

__u32 scan_range(struct scan *scan, const __u8 *slot, __u32 slot_nr,
		 __u32 from, __u32 to)
{
	__u32 at = from, n = 0, next;

	barrier();
	while (at < to) {
		next = (at | (BLOCK - 1)) + 1;
		if (next > to)
			next = to;
		if (next - at < BLOCK ||
		    !block_is_clean((const __u32 *)(slot + at), scan->class))
			n += scan_bytes(scan, slot, slot_nr, at, next, to);
		at = next;
	}
	return n;
}

static void note_delay(struct scan *scan, const __u8 *frame, __u32 len,
		       __u32 at)
{
	struct guest_result *result = scan->result;
	__u32 time;

	if (result->delays < GUEST_N_DELAYS &&
	    payload_time(frame, len, at, &time))
		scan->delays[result->delays++] = payload_now() - time;
}

/*
 * The VLAN tag of a frame that was looked at is made ours: another frame copied
 * over this one may leave a part of it, which would not be recognised.
 */
void scan_blot(const struct scan *scan, __u8 *frame, __u32 len)
{
	__u32 i, at = payload_find(frame, len);

	for (i = ADDRESSES; i + 2 < at; i++)
		WRITE_ONCE(frame[i], scan->tag);
}

void scan_frame(struct scan *scan, const __u8 *slot, __u32 slot_nr,
		__u32 offset, __u32 len)
{
	struct guest_result *result = scan->result;
	const __u8 *frame = slot + offset;
	struct payload_hdr hdr;
	__u32 at;

	result->bytes += len;
	result->foreign_bytes += scan_range(scan, slot, slot_nr, offset,
					    offset + len);
	if (!payload_parse(frame, len, &hdr, &at)) {
		result->checksum_bad++;
		return;
	}
	note_delay(scan, frame, len, at);
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
}
