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
#define WRITES_FROM	3584	/* behind any frame that tests send */

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
	struct returned *r = &returned[next++ % REMEMBERED];

	r->slot = desc->slot + 1;
	r->frame = (void *)(dev->slots + desc->slot * dev->slot_size +
			    desc->offset);
	r->first = READ_ONCE(*r->frame);
	rounds = ROUNDS;
}

static void write_slot(const struct scan *scan, __u8 *slot)
{
	__u32 i;

	for (i = WRITES_FROM; i < 4096; i += 64)
		write32((__u32)slot + i, scan->tag * 0x01010101u);
}

int spin_round(const struct device *dev, struct scan *scan, __u32 mode)
{
	struct guest_result *result = scan->result;
	__u32 i;

	if ((mode != GUEST_SPIN_READ && mode != GUEST_SPIN_WRITE) || !rounds)
		return 0;
	rounds--;
	result->spins++;
	for (i = 0; i < REMEMBERED; i++) {
		struct returned *r = &returned[i];
		__u8 *slot = dev->slots + (r->slot - 1) * dev->slot_size;
		__u32 foreign;

		if (!r->slot)
			continue;
		if (mode == GUEST_SPIN_WRITE)
			write_slot(scan, slot);
		if (r->first && READ_ONCE(*r->frame) != r->first) {
			r->first = 0;
			result->vanished++;
		}
		foreign = scan_range(scan, slot, r->slot - 1, 0, 4096);
		result->spin_foreign += foreign;
	}
	return 1;
}
