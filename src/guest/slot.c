// SPDX-License-Identifier: GPL-2.0
/*
 * kvmflip_net: slots that the guest has, and their return.
 *
 * A slot is held from its first descriptor until it was announced that no more
 * frames come in it and the stack has dropped every page of it. Then it is returned,
 * in whatever context that happens. What is held over a reset of the device is not:
 * the host has taken it, and the slot may even be in use again.
 */

#include <linux/atomic.h>
#include <linux/mm.h>

#include "device.h"

/* Each time the host is told costs an exit: it may wait so long for so many slots. */
#define KFN_RETURN_WAIT		1	/* jiffies */
#define KFN_RETURN_BATCH	8

static void kfn_ring_bell(struct kfn *kf, bool ring)
{
	if (ring)
		kfn_write(kf, KVMFLIP_REG_DOORBELL, KVMFLIP_DB_RETURN);
}

static void kfn_slots_timer(struct timer_list *timer)
{
	struct kfn *kf = container_of(timer, struct kfn, slots.timer);
	unsigned long flags;
	bool ring;

	spin_lock_irqsave(&kf->slots.lock, flags);
	ring = !kf->slots.polling && kfn_ring_publish(&kf->slots.ret);
	spin_unlock_irqrestore(&kf->slots.lock, flags);
	kfn_ring_bell(kf, ring);
}

/**
 * kfn_slots_init - nothing is held
 * @kf: device whose layout is known
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM.
 */
int kfn_slots_init(struct kfn *kf)
{
	struct kfn_slots *slots = &kf->slots;

	spin_lock_init(&slots->lock);
	init_waitqueue_head(&slots->idle);
	timer_setup(&slots->timer, kfn_slots_timer, 0);
	/* Where there are few the host is in want of each. */
	slots->batch = min(KFN_RETURN_BATCH, kf->layout.slots / KFN_RETURN_BATCH);
	slots->slot = kvcalloc(kf->layout.slots + kf->layout.bounces, sizeof(*slots->slot),
			       GFP_KERNEL);
	return slots->slot ? 0 : -ENOMEM;
}

/**
 * kfn_slots_exit - free what kfn_slots_init() made
 * @kf: device whose window is closed
 */
void kfn_slots_exit(struct kfn *kf)
{
	timer_shutdown_sync(&kf->slots.timer);
	kvfree(kf->slots.slot);
}

/**
 * kfn_slots_reset - the device was reset, the host has all slots
 * @kf: device whose window is open; no NAPI polls
 *
 * Context: any.
 */
void kfn_slots_reset(struct kfn *kf)
{
	const struct kfn_layout *layout = &kf->layout;
	struct kfn_slots *slots = &kf->slots;
	unsigned long flags;
	u32 i;

	spin_lock_irqsave(&slots->lock, flags);
	slots->epoch++;
	kfn_ring_init(&slots->ret, kf->window.base + layout->ret_off, layout->ret_entries);
	/* What is still open will never be closed by a descriptor. */
	for (i = 0; i < layout->slots + layout->bounces; i++)
		slots->slot[i].state = KFN_SLOT_CLOSED;
	spin_unlock_irqrestore(&slots->lock, flags);
}

static void kfn_set_state(struct kfn *kf, u32 slot, enum kfn_slot_state state)
{
	unsigned long flags;

	spin_lock_irqsave(&kf->slots.lock, flags);
	kf->slots.slot[slot].state = state;
	spin_unlock_irqrestore(&kf->slots.lock, flags);
}

/**
 * kfn_slots_pause - what is open alone is not held, for now
 * @kf: device; no NAPI polls any more
 *
 * Context: any.
 */
void kfn_slots_pause(struct kfn *kf)
{
	u32 i;

	for (i = 0; i < kf->layout.slots + kf->layout.bounces; i++) {
		if (kf->slots.slot[i].state != KFN_SLOT_OPEN)
			continue;
		kfn_set_state(kf, i, KFN_SLOT_PAUSED);
		kfn_slot_put(kf, i);
	}
}

static void kfn_resume_slot(struct kfn *kf, u32 slot)
{
	struct kfn_slot *s = &kf->slots.slot[slot];
	unsigned long flags;

	/* What comes too late to return it has to see a user, or that it is paused. */
	spin_lock_irqsave(&kf->slots.lock, flags);
	if (!atomic_inc_not_zero(&s->users)) {
		atomic_set(&s->users, 1);
		atomic_inc(&kf->slots.held[kfn_window_is_bounce(kf, slot)]);
	}
	s->state = KFN_SLOT_OPEN;
	spin_unlock_irqrestore(&kf->slots.lock, flags);
}

/**
 * kfn_slots_resume - undo kfn_slots_pause()
 * @kf: device; no NAPI polls yet
 *
 * Context: any.
 */
void kfn_slots_resume(struct kfn *kf)
{
	u32 i;

	for (i = 0; i < kf->layout.slots + kf->layout.bounces; i++)
		if (kf->slots.slot[i].state == KFN_SLOT_PAUSED)
			kfn_resume_slot(kf, i);
}

/**
 * kfn_slots_held - number of slots that somebody has pages of, or that are open
 * @kf: device
 *
 * Return: slots and bounce slots.
 */
u32 kfn_slots_held(const struct kfn *kf)
{
	return atomic_read(&kf->slots.held[0]) + atomic_read(&kf->slots.held[1]);
}

/**
 * kfn_slots_wait - wait until nothing is held
 * @kf: device
 * @ms: milliseconds at most
 *
 * Context: may sleep.
 * Return: true if nothing is.
 */
bool kfn_slots_wait(struct kfn *kf, u32 ms)
{
	return wait_event_timeout(kf->slots.idle, !kfn_slots_held(kf), msecs_to_jiffies(ms));
}

/* Has a slot that lost its last user become the host's? */
static bool kfn_is_done(const struct kfn_slots *slots, u32 slot, u32 epoch)
{
	lockdep_assert_held(&slots->lock);

	return epoch == slots->epoch && !atomic_read(&slots->slot[slot].users) &&
	       slots->slot[slot].state != KFN_SLOT_PAUSED;
}

/* Puts a slot into the return ring. Returns true if the host wants to know that now. */
static bool kfn_put(struct kfn *kf, u32 slot)
{
	struct kfn_slots *slots = &kf->slots;
	__le32 *entries = slots->ret.entries;

	lockdep_assert_held(&slots->lock);

	WRITE_ONCE(entries[kfn_ring_at(&slots->ret, slots->ret.prod)], cpu_to_le32(slot));
	WRITE_ONCE(slots->ret.prod, slots->ret.prod + 1);
	slots->returned++;
	if (slots->polling)
		return false;
	if (slots->ret.prod - slots->ret.published < slots->batch && !kfn_slots_wanted(kf)) {
		if (!timer_pending(&slots->timer))
			mod_timer(&slots->timer, jiffies + KFN_RETURN_WAIT);
		return false;
	}
	return kfn_ring_publish(&slots->ret);
}

/**
 * kfn_slot_open - the host has put something into a slot
 * @kf: device
 * @slot: slot that is closed
 *
 * Context: NAPI poll of the RX queue.
 * Return: false if it cannot have.
 */
bool kfn_slot_open(struct kfn *kf, u32 slot)
{
	struct kfn_slot *s = &kf->slots.slot[slot];

	/* Pairs with the end of kfn_slot_put(): who had the slot is done with it. */
	if (atomic_read_acquire(&s->users)) {
		if (s->epoch == kf->slots.epoch)
			return false;
		s->state = KFN_SLOT_COPIED;
		return true;
	}
	WRITE_ONCE(s->epoch, kf->slots.epoch);
	atomic_set(&s->users, 1);
	atomic_inc(&kf->slots.held[kfn_window_is_bounce(kf, slot)]);
	s->state = KFN_SLOT_OPEN;
	return true;
}

/**
 * kfn_slot_close - no more frames will come in a slot
 * @kf: device
 * @slot: slot that is open
 *
 * Context: NAPI poll of the RX queue.
 */
void kfn_slot_close(struct kfn *kf, u32 slot)
{
	struct kfn_slot *s = &kf->slots.slot[slot];
	bool ring, open = s->state == KFN_SLOT_OPEN;
	unsigned long flags;

	s->state = KFN_SLOT_CLOSED;
	if (open) {
		kfn_slot_put(kf, slot);
		return;
	}
	spin_lock_irqsave(&kf->slots.lock, flags);
	ring = kfn_put(kf, slot);
	spin_unlock_irqrestore(&kf->slots.lock, flags);
	kfn_ring_bell(kf, ring);
}

/**
 * kfn_slot_get - a page of a slot is used
 * @kf: device
 * @slot: slot that is open
 */
void kfn_slot_get(struct kfn *kf, u32 slot)
{
	atomic_inc(&kf->slots.slot[slot].users);
}

/**
 * kfn_slot_put - a page of a slot is no longer used
 * @kf: device
 * @slot: the slot
 *
 * Context: any.
 */
void kfn_slot_put(struct kfn *kf, u32 slot)
{
	struct kfn_slots *slots = &kf->slots;
	/* To be read first: without users the slot may be opened again. */
	u32 epoch = READ_ONCE(slots->slot[slot].epoch);
	unsigned long flags;
	bool ring;

	if (!atomic_dec_and_test(&slots->slot[slot].users))
		return;
	spin_lock_irqsave(&slots->lock, flags);
	ring = kfn_is_done(slots, slot, epoch) && kfn_put(kf, slot);
	spin_unlock_irqrestore(&slots->lock, flags);
	kfn_ring_bell(kf, ring);
	if (!atomic_dec_and_test(&slots->held[kfn_window_is_bounce(kf, slot)]))
		return;
	if (!READ_ONCE(kf->up))
		queue_work(system_freezable_wq, &kf->idle_work);
	wake_up_all(&slots->idle);
}

/**
 * kfn_slots_poll_begin - collect what is returned
 * @kf: device
 *
 * Context: NAPI poll of the RX queue.
 */
void kfn_slots_poll_begin(struct kfn *kf)
{
	unsigned long flags;

	spin_lock_irqsave(&kf->slots.lock, flags);
	kf->slots.polling = true;
	spin_unlock_irqrestore(&kf->slots.lock, flags);
}

/**
 * kfn_slots_poll_end - show the host what was returned
 * @kf: device
 *
 * Context: NAPI poll of the RX queue.
 */
void kfn_slots_poll_end(struct kfn *kf)
{
	unsigned long flags;
	bool ring;

	spin_lock_irqsave(&kf->slots.lock, flags);
	kf->slots.polling = false;
	ring = kfn_ring_publish(&kf->slots.ret);
	spin_unlock_irqrestore(&kf->slots.lock, flags);
	kfn_ring_bell(kf, ring);
}

/**
 * kfn_slots_wanted - does the host want slots back?
 * @kf: device
 *
 * Return: true if more than were returned.
 */
bool kfn_slots_wanted(const struct kfn *kf)
{
	u32 wanted = le32_to_cpu(READ_ONCE(kf->slots.ret.shared->wanted));
	u32 due = wanted - READ_ONCE(kf->slots.ret.prod);

	/* A request that is long fulfilled looks like a very large one. */
	return due && due <= kf->layout.ret_entries;
}
