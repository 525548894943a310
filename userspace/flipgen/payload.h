/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a test frame looks like, so that each of its bytes says whose it is.
 *
 * A destination has a tag byte; its upper half, the class, is in the upper
 * half of every byte of the frame but the VLAN tags. The lower halves hold
 * the data: addresses are chosen so by whoever sets up the test, the EtherType
 * is the tag twice, then come the coded header (two bytes for each of its
 * own), in frames with room for it the time in the same code, and a pattern.
 * Class 0 is not used: a byte of zero is nobody's.
 *
 * Used by the generator, by the counter and in the guest: no library here.
 */
#ifndef FLIPGEN_PAYLOAD_H
#define FLIPGEN_PAYLOAD_H

#include <linux/types.h>

#define PAYLOAD_MAGIC		0x50494c46u	/* "FLIP" */
#define PAYLOAD_MIN_FRAME	60
#define PAYLOAD_MAX_FRAME	3498
#define PAYLOAD_CLASS		0xf0

/**
 * struct payload_hdr - says what the frame is
 * @magic: PAYLOAD_MAGIC
 * @tag: the destination's tag byte
 * @nic: number of the NIC it was sent to
 * @len: of the frame as sent, VLAN tags included
 * @seq: counts all frames sent to this NIC
 * @sum: of the frame without the coded form of this field
 */
struct payload_hdr {
	__u32 magic;
	__u8 tag;
	__u8 nic;
	__u16 len;
	__u32 seq;
	__u32 sum;
};

#define PAYLOAD_CODED	(2 * sizeof(struct payload_hdr))
#define PAYLOAD_SUM_AT	24	/* of the coded @sum in the coded header */
#define PAYLOAD_SUM_LEN	8
#define PAYLOAD_TIME	(2 * sizeof(__u32))	/* coded, behind the header */

static inline __u32 payload_mix(__u32 h, const __u8 *p, __u32 n)
{
	__u32 w;

	for (; n >= 4; n -= 4, p += 4) {
		w = p[0] | p[1] << 8 | p[2] << 16 | (__u32)p[3] << 24;
		h = (h ^ w) * 16777619u;
		h ^= h >> 15;
	}
	for (; n; n--, p++)
		h = (h ^ *p) * 16777619u;
	return h;
}

/* @at: where the coded header begins */
static inline __u32 payload_sum(const __u8 *frame, __u32 len, __u32 at)
{
	__u32 skip = at + PAYLOAD_SUM_AT;
	__u32 h = payload_mix(2166136261u, frame, skip);

	skip += PAYLOAD_SUM_LEN;
	return payload_mix(h, frame + skip, len - skip);
}

static inline __u8 payload_pattern(__u8 tag, __u32 seq, __u32 i)
{
	return (tag & PAYLOAD_CLASS) | ((seq + i) & 0xf);
}

static inline void payload_encode(__u8 *to, __u8 tag, const void *data,
				  __u32 n)
{
	const __u8 *from = data;
	__u32 i;

	for (i = 0; i < n; i++) {
		to[2 * i] = (tag & PAYLOAD_CLASS) | from[i] >> 4;
		to[2 * i + 1] = (tag & PAYLOAD_CLASS) | (from[i] & 0xf);
	}
}

static inline void payload_decode(void *data, const __u8 *from, __u32 n)
{
	__u8 *to = data;
	__u32 i;

	for (i = 0; i < n; i++)
		to[i] = from[2 * i] << 4 | (from[2 * i + 1] & 0xf);
}

/*
 * A clock that runs alike here, in the machine that is fed and in its guests,
 * but for a constant: the processor's, in units of 1024 cycles.
 */
static inline __u32 payload_now(void)
{
	return __builtin_ia32_rdtsc() >> 10;
}

/* Where the coded header of a frame begins, or 0 if it cannot have one */
static inline __u32 payload_find(const __u8 *frame, __u32 len)
{
	__u32 at = 12;

	while (at + 2 <= len &&
	       ((frame[at] == 0x81 && frame[at + 1] == 0x00) ||
		(frame[at] == 0x88 && frame[at + 1] == 0xa8)))
		at += 4;
	at += 2;
	return at + PAYLOAD_CODED <= len ? at : 0;
}

/* Read and check a frame's header; the sum is up to the caller. */
static inline int payload_parse(const __u8 *frame, __u32 len,
				struct payload_hdr *hdr, __u32 *at)
{
	*at = payload_find(frame, len);
	if (!*at)
		return 0;
	payload_decode(hdr, frame + *at, sizeof(*hdr));
	return hdr->magic == PAYLOAD_MAGIC;
}

/* Whether the frame says when it was made; @at as found by payload_parse() */
static inline int payload_time(const __u8 *frame, __u32 len, __u32 at,
			       __u32 *time)
{
	at += PAYLOAD_CODED;
	if (at + PAYLOAD_TIME > len)
		return 0;
	payload_decode(time, frame + at, sizeof(*time));
	return 1;
}

#endif /* FLIPGEN_PAYLOAD_H */
