/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FLIPGEN_TALLY_H
#define FLIPGEN_TALLY_H

#include <stddef.h>
#include <linux/types.h>
#include <stdio.h>

/**
 * struct tally_tag - frames of one tag byte
 * @frames: how many
 * @bytes: of these
 * @ok: those whose checksum is right
 * @bad: those whose checksum is wrong
 * @sum: of the right checksums, modulo 2^64: equal on both sides of a path
 *	 that loses, adds and changes nothing
 */
struct tally_tag {
	__u64 frames;
	__u64 bytes;
	__u64 ok;
	__u64 bad;
	__u64 sum;
};

/**
 * struct tally - what was sent or received
 * @tags: by tag byte; frames that are not the generator's are under 0
 * @unicast: frames by kind of destination address
 * @multicast: same
 * @broadcast: same
 * @untagged: frames by VLAN tags
 * @tagged: same
 * @double_tagged: same
 */
struct tally {
	struct tally_tag tags[256];
	__u64 unicast;
	__u64 multicast;
	__u64 broadcast;
	__u64 untagged;
	__u64 tagged;
	__u64 double_tagged;
};

void tally_frame(struct tally *tally, const __u8 *frame, size_t len);

/* JSON members, without the braces */
void tally_print(const struct tally *tally, FILE *to);

#endif /* FLIPGEN_TALLY_H */
