/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip_net: slots that the guest has, and their return. */
#ifndef _KVMFLIP_NET_SLOT_H
#define _KVMFLIP_NET_SLOT_H

#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/wait.h>

#include "ring.h"

struct kfn;

/**
 * enum kfn_slot_state - what is to be expected of a slot
 * @KFN_SLOT_CLOSED: no more frames, unless the host uses it anew
 * @KFN_SLOT_OPEN: more frames
 * @KFN_SLOT_COPIED: more frames, which are all copied: somebody still has pages of
 *		     it from before a reset
 * @KFN_SLOT_PAUSED: as KFN_SLOT_OPEN, but NAPI does not poll. It does not count as
 *		     held unless somebody has pages of it
 */
enum kfn_slot_state {
	KFN_SLOT_CLOSED,
	KFN_SLOT_OPEN,
	KFN_SLOT_COPIED,
	KFN_SLOT_PAUSED,
};

/**
 * struct kfn_slot - a slot or bounce slot
 * @users: pages of it that somebody has, and one while it is open
 * @epoch: the resets there had been when @users became 1; does not change while
 *	   there are users
 * @state: enum kfn_slot_state; of the RX queue's NAPI poll, and KFN_SLOT_PAUSED of
 *	   &kfn_slots.lock
 */
struct kfn_slot {
	atomic_t users;
	u32 epoch;
	enum kfn_slot_state state;
};

/**
 * struct kfn_slots - all slots
 * @slot: the slots, and behind them the bounce slots
 * @held: number of slots and of bounce slots that have users
 * @idle: woken when nothing is held any more
 * @lock: protects what follows
 * @ret: return ring
 * @epoch: number of resets
 * @polling: NAPI polls, and shows the host at its end what is returned meanwhile
 * @batch: so many that are returned outside of NAPI are shown to the host at once
 * @returned: number of slots returned
 * @timer: shows the host what is less than that
 */
struct kfn_slots {
	struct kfn_slot *slot;
	atomic_t held[2];
	wait_queue_head_t idle;
	spinlock_t lock;		/* see above */
	struct kfn_ring ret;
	u32 epoch;
	bool polling;
	u32 batch;
	u64 returned;
	struct timer_list timer;
};

int kfn_slots_init(struct kfn *kf);
void kfn_slots_exit(struct kfn *kf);
void kfn_slots_reset(struct kfn *kf);
void kfn_slots_pause(struct kfn *kf);
void kfn_slots_resume(struct kfn *kf);
u32 kfn_slots_held(const struct kfn *kf);
bool kfn_slots_wait(struct kfn *kf, u32 ms);
bool kfn_slot_open(struct kfn *kf, u32 slot);
void kfn_slot_close(struct kfn *kf, u32 slot);
void kfn_slot_get(struct kfn *kf, u32 slot);
void kfn_slot_put(struct kfn *kf, u32 slot);
void kfn_slots_poll_begin(struct kfn *kf);
void kfn_slots_poll_end(struct kfn *kf);
bool kfn_slots_wanted(const struct kfn *kf);

#endif /* _KVMFLIP_NET_SLOT_H */
