// SPDX-License-Identifier: GPL-2.0
/*
 * Misuse of returned slots. Until the host has unmapped one, its old frame is
 * there; then the sink, and later perhaps a new frame of ours. No byte that is
 * somebody else's may ever be seen, and what is written there may not come up
 * at anybody else's.
 */
#include "spin.h"

#define REMEMBERED	32
#define ROUNDS		200	/* after the last frame */
#define PIECE		4096	/* of a slot, looked at in a round */
#define WRITES_FROM	3584	/* in a piece, behind any frame that tests send */

/**
 * struct returned - a slot that was given back
 * @slot: its number, plus 1; 0: no slot
 * @frame: where its frame was
 * @first: first word of the frame; 0: it was seen to be gone
 */
struct returned {
	__u32 slot;
	const __u32 *frame;
	__u32 first;
};

static struct returned returned[REMEMBERED];
static __u32 next, rounds;

void spin_remember(const struct device *dev,
		   const struct kvmflip_rx_desc *desc)
{
	struct returned *r = &returned[next % REMEMBERED];

	/* Bounce slots stay where they are, and new frames may come any time. */
	if (device_is_bounce(dev, desc->slot))
		return;
	r->slot = desc->slot + 1;
	r->frame = (void *)(device_slot(dev, desc->slot) + desc->offset);
	r->first = READ_ONCE(*r->frame);
	next++;
	rounds = ROUNDS;
}

static void write_piece(const struct scan *scan, __u8 *piece)
{
	__u32 i;

	for (i = WRITES_FROM; i < PIECE; i += 64)
		write32((__u32)piece + i, scan->tag * 0x01010101u);
}

/*
 * A frame of another's that is seen in a large slot has many beside it, so it
 * is enough to look at one place of the slot after the other.
 */
static __u32 piece_of_round(const struct device *dev)
{
	return rounds * PIECE & ((1u << dev->slot_shift) - 1);
}

int spin_round(const struct device *dev, struct scan *scan, __u32 mode)
{
	struct guest_result *result = scan->result;
	__u32 at = piece_of_round(dev);
	__u32 i;

	if ((mode != GUEST_SPIN_READ && mode != GUEST_SPIN_WRITE) || !rounds)
		return 0;
	rounds--;
	result->spins++;
	for (i = 0; i < REMEMBERED; i++) {
		struct returned *r = &returned[i];
		__u8 *slot;

		if (!r->slot)
			continue;
		slot = device_slot(dev, r->slot - 1);
		if (mode == GUEST_SPIN_WRITE)
			write_piece(scan, slot + at);
		if (r->first && READ_ONCE(*r->frame) != r->first) {
			r->first = 0;
			result->vanished++;
		}
		result->spin_foreign += scan_range(scan, slot, r->slot - 1, at,
						   at + PIECE);
	}
	return 1;
}
