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
 * @most: bytes of the longest frame of a NIC, less than a slot
 */
void kvmflip_bounce_init(struct kvmflip_bounce *bounce, void *mem, u32 most)
{
	bounce->mem = mem;
	bounce->most = most;
	bitmap_zero(bounce->lent, KVMFLIP_BOUNCES);
	bounce->open = KVMFLIP_BOUNCES;
	bounce->offset = 0;
}

/* If no slot is open one is opened; false if the guest has all of them. */
static bool kf_open(struct kvmflip_bounce *bounce)
{
	if (bounce->open == KVMFLIP_BOUNCES) {
		bounce->open = find_first_zero_bit(bounce->lent, KVMFLIP_BOUNCES);
		bounce->offset = 0;
	}
	return bounce->open < KVMFLIP_BOUNCES;
}

static void kf_close(struct kvmflip_bounce *bounce)
{
	__set_bit(bounce->open, bounce->lent);
	bounce->open = KVMFLIP_BOUNCES;
}

/* The next frame of the open slot lies @front bytes behind the last one. */
static void *kf_place(struct kvmflip_bounce *bounce, u32 front, u32 len,
		      struct kvmflip_bounced *where)
{
	where->slot = bounce->open;
	where->offset = bounce->offset + front;
	bounce->offset = ALIGN(where->offset + len, SMP_CACHE_BYTES);
	where->last = bounce->offset + bounce->most > 1U << KVMFLIP_BOUNCE_SHIFT;
	if (where->last)
		kf_close(bounce);
	return bounce->mem + ((size_t)where->slot << KVMFLIP_BOUNCE_SHIFT) + where->offset;
}

/**
 * kvmflip_bounce_put - copy a frame of a NIC
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
	where->closed = KVMFLIP_BOUNCES;
	if (!kf_open(bounce))
		return false;
	memcpy(kf_place(bounce, 0, len, where), data, len);
	return true;
}

/**
 * kvmflip_bounce_take - make room for a frame that the host sends
 * @bounce: bounce slots
 * @front: bytes in front of the frame
 * @len: bytes of the frame; both together not more than a slot has
 * @where: to fill in
 *
 * Return: where to copy the frame to, or NULL if the guest has all slots but those
 * that are spared for NICs.
 */
void *kvmflip_bounce_take(struct kvmflip_bounce *bounce, u32 front, u32 len,
			  struct kvmflip_bounced *where)
{
	u32 left = KVMFLIP_BOUNCES - bitmap_weight(bounce->lent, KVMFLIP_BOUNCES);
	bool close;

	front = ALIGN(front, SMP_CACHE_BYTES);
	close = bounce->open < KVMFLIP_BOUNCES &&
		bounce->offset + front + len > 1U << KVMFLIP_BOUNCE_SHIFT;
	if (left - close <= KVMFLIP_BOUNCES_SPARE)
		return NULL;
	where->closed = KVMFLIP_BOUNCES;
	if (close) {
		where->closed = bounce->open;
		kf_close(bounce);
	}
	/* It cannot fail, as some are spared. */
	kf_open(bounce);
	return kf_place(bounce, front, len, where);
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
