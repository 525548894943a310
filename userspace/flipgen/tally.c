// SPDX-License-Identifier: GPL-2.0
/* Counts of frames by tag byte and kind. */
#include <string.h>

#include "payload.h"
#include "tally.h"

static unsigned int vlan_tags(const __u8 *frame, size_t len)
{
	unsigned int n = 0;
	size_t at = 12;

	while (at + 2 <= len && n < 2 &&
	       ((frame[at] == 0x81 && frame[at + 1] == 0x00) ||
		(frame[at] == 0x88 && frame[at + 1] == 0xa8))) {
		at += 4;
		n++;
	}
	return n;
}

void tally_frame(struct tally *tally, const __u8 *frame, size_t len)
{
	static const __u8 everybody[6] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff
	};
	struct tally_tag *tag = &tally->tags[0];
	struct payload_hdr hdr;
	__u32 at;

	if (payload_parse(frame, len, &hdr, &at)) {
		tag = &tally->tags[hdr.tag];
		if (hdr.len == len && hdr.sum == payload_sum(frame, len, at)) {
			tag->ok++;
			tag->sum += hdr.sum;
		} else {
			tag->bad++;
		}
	}
	tag->frames++;
	tag->bytes += len;

	if (len >= 6 && !memcmp(frame, everybody, 6))
		tally->broadcast++;
	else if (len && frame[0] & 1)
		tally->multicast++;
	else
		tally->unicast++;
	switch (vlan_tags(frame, len)) {
	case 0:
		tally->untagged++;
		break;
	case 1:
		tally->tagged++;
		break;
	default:
		tally->double_tagged++;
	}
}

static void member(FILE *to, const char *name, __u64 value)
{
	fprintf(to, ", \"%s\": %llu", name, value);
}

void tally_print(const struct tally *tally, FILE *to)
{
	__u64 frames = 0, bytes = 0;
	const char *comma = "";
	unsigned int i;

	fputs("\"tags\": {", to);
	for (i = 0; i < 256; i++) {
		const struct tally_tag *tag = &tally->tags[i];

		if (!tag->frames)
			continue;
		frames += tag->frames;
		bytes += tag->bytes;
		fprintf(to, "%s\"0x%02x\": {\"frames\": %llu", comma, i,
			tag->frames);
		member(to, "bytes", tag->bytes);
		member(to, "checksum_ok", tag->ok);
		member(to, "checksum_bad", tag->bad);
		member(to, "checksum_sum", tag->sum);
		fputs("}", to);
		comma = ", ";
	}
	fputs("}", to);
	member(to, "frames", frames);
	member(to, "bytes", bytes);
	member(to, "unicast", tally->unicast);
	member(to, "multicast", tally->multicast);
	member(to, "broadcast", tally->broadcast);
	member(to, "untagged", tally->untagged);
	member(to, "tagged", tally->tagged);
	member(to, "double_tagged", tally->double_tagged);
}
