/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip: memory of a port into which frames are copied. */
#ifndef _KVMFLIP_BOUNCE_H
#define _KVMFLIP_BOUNCE_H

#include <linux/bitmap.h>
#include <linux/sizes.h>
#include <linux/types.h>

#define KVMFLIP_BOUNCE_SHIFT	16
#define KVMFLIP_BOUNCES		64
/* What the host sends leaves so many to the frames of NICs, which do not wait. */
#define KVMFLIP_BOUNCES_SPARE	16
#define KVMFLIP_BOUNCE_BYTES	((size_t)KVMFLIP_BOUNCES << KVMFLIP_BOUNCE_SHIFT)

/**
 * struct kvmflip_bounce - bounce slots of a port
 * @mem: the slots, which the guest can write to at any time
 * @most: bytes of the longest frame of a NIC
 * @lent: bit per slot that is the guest's to return
 * @open: slot that frames are put into, or KVMFLIP_BOUNCES
 * @offset: where in it the next one goes, in bytes
 *
 * Frames are packed into one slot after the other. A slot stays open until a
 * frame of any length might not fit any more, so that it is known of each frame
 * whether it is the last one. But what the host sends may be longer than what a
 * NIC receives: if such a frame does not fit the slot is closed without one.
 *
 * Locking: the caller's.
 */
struct kvmflip_bounce {
	void *mem;
	u32 most;
	DECLARE_BITMAP(lent, KVMFLIP_BOUNCES);
	u32 open;
	u32 offset;
};

/**
 * struct kvmflip_bounced - where a frame was put
 * @slot: bounce slot
 * @offset: in it, in bytes
 * @last: no other frame will be put there
 * @closed: bounce slot that no other frame will be put into either, as the guest
 *	    is still to be told, or KVMFLIP_BOUNCES
 */
struct kvmflip_bounced {
	u32 slot;
	u32 offset;
	bool last;
	u32 closed;
};

void kvmflip_bounce_init(struct kvmflip_bounce *bounce, void *mem, u32 most);
bool kvmflip_bounce_put(struct kvmflip_bounce *bounce, const void *data, u32 len,
			struct kvmflip_bounced *where);
void *kvmflip_bounce_take(struct kvmflip_bounce *bounce, u32 front, u32 len,
			  struct kvmflip_bounced *where);
bool kvmflip_bounce_return(struct kvmflip_bounce *bounce, u32 slot);

#endif /* _KVMFLIP_BOUNCE_H */
