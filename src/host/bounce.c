// SPDX-License-Identifier: GPL-2.0
/* kvmflip: memory of a port into which frames are copied. */

#include <linux/align.h>
#include <linux/cache.h>
#include <linux/nospec.h>
#include <linux/string.h>

#include "bounce.h"

/**
 * kvmflip_bounce_init - every slot is empty
 * @bounce: bounce slots
 * @mem: KVMFLIP_BOUNCE_BYTES of memory
 * @most: bytes of the longest frame, less than a slot
 */
void kvmflip_bounce_init(struct kvmflip_bounce *bounce, void *mem, u32 most)
{
	bounce->mem = mem;
	bounce->most = most;
	bitmap_zero(bounce->lent, KVMFLIP_BOUNCES);
	bounce->open = KVMFLIP_BOUNCES;
	bounce->offset = 0;
}

/**
 * kvmflip_bounce_put - copy a frame
 * @bounce: bounce slots
 * @data: the frame
 * @len: bytes of it, not more than the longest
 * @where: to fill in
 *
 * Return: false if the guest has all slots.
 */
bool kvmflip_bounce_put(struct kvmflip_bounce *bounce, const void *data, u32 len,
			struct kvmflip_bounced *where)
{
	if (bounce->open == KVMFLIP_BOUNCES) {
		bounce->open = find_first_zero_bit(bounce->lent, KVMFLIP_BOUNCES);
		bounce->offset = 0;
		if (bounce->open == KVMFLIP_BOUNCES)
			return false;
	}
	where->slot = bounce->open;
	where->offset = bounce->offset;
	memcpy(bounce->mem + ((size_t)where->slot << KVMFLIP_BOUNCE_SHIFT) + where->offset,
	       data, len);

	bounce->offset = ALIGN(where->offset + len, SMP_CACHE_BYTES);
	where->last = bounce->offset + bounce->most > 1U << KVMFLIP_BOUNCE_SHIFT;
	if (where->last) {
		__set_bit(where->slot, bounce->lent);
		bounce->open = KVMFLIP_BOUNCES;
	}
	return true;
}

/**
 * kvmflip_bounce_return - the guest gives a slot back
 * @bounce: bounce slots
 * @slot: bounce slot, not to be trusted
 *
 * Return: false if it was not the guest's to return.
 */
bool kvmflip_bounce_return(struct kvmflip_bounce *bounce, u32 slot)
{
	if (slot >= KVMFLIP_BOUNCES)
		return false;
	slot = array_index_nospec(slot, KVMFLIP_BOUNCES);
	return __test_and_clear_bit(slot, bounce->lent);
}
