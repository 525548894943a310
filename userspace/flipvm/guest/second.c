// SPDX-License-Identifier: GPL-2.0
/*
 * What the second processor does: it looks into all slots, those that are empty, that come
 * and that go, and knows nothing of the rings. Each word is read once, as its slot may change
 * between any two.
 */
#include "second.h"

#define PAGE		4096
#define WRITES_FROM	3584	/* in a page, behind any frame that tests send */
#define CHUNK		2048	/* or twice that */
#define VLAN_TAG	268	/* in a chunk, of frames that have one */

__u32 second_rounds, second_foreign;

static __u32 n_foreign(__u32 word, __u8 tag)
{
	__u32 n = 0;

	for (; word; word >>= 8)
		n += (word & 0xff) && ((word ^ tag) & 0xf0);
	return n;
}

static void look(__u32 page, const struct guest_params *params)
{
	__u32 at, n = 0;

	for (at = page; at < page + PAGE; at += 4)
		if ((at & (CHUNK - 1)) != VLAN_TAG)
			n += n_foreign(read32(at), params->tag);
	if (n)
		WRITE_ONCE(second_foreign, second_foreign + n);
	if (params->mode != GUEST_SPIN_WRITE)
		return;
	for (at = page + WRITES_FROM; at < page + PAGE; at += 64)
		write32(at, params->tag * 0x01010101u);
}

void second_main(const struct device *dev, const struct guest_params *params)
{
	__u32 slot, size = 1u << dev->slot_shift;

	for (;;) {
		for (slot = 0; slot < dev->n_slots; slot++)
			look((__u32)device_slot(dev, slot) + (second_rounds * PAGE & (size - 1)),
			     params);
		WRITE_ONCE(second_rounds, second_rounds + 1);
	}
}
