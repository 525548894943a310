/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip_net: the window, as memory with pages of its own. */
#ifndef _KVMFLIP_NET_WINDOW_H
#define _KVMFLIP_NET_WINDOW_H

#include <linux/memremap.h>
#include <linux/types.h>

struct kfn;

/**
 * struct kfn_layout - what lies where in the window
 * @slots_off: offset of slot 0
 * @slot_shift: log2 of a slot's bytes
 * @slots: number of slots
 * @rx_off: offset of the RX ring
 * @rx_entries: descriptors in it
 * @ret_off: offset of the return ring
 * @ret_entries: entries in it
 * @bounce_off: offset of the first bounce slot
 * @bounce_shift: log2 of a bounce slot's bytes
 * @bounces: number of bounce slots
 * @tx_off: offset of the TX ring
 * @tx_entries: descriptors in it, 0 if the device does not send
 * @txc_off: offset of the TX completion ring
 * @txc_entries: entries in it
 * @chunk_shift: log2 of the bytes a frame has to itself in a slot, or 0
 *
 * Checked: all of it lies in the BAR. It is the same from one start of the device
 * to the next.
 */
struct kfn_layout {
	u32 slots_off;
	u32 slot_shift;
	u32 slots;
	u32 rx_off;
	u32 rx_entries;
	u32 ret_off;
	u32 ret_entries;
	u32 bounce_off;
	u32 bounce_shift;
	u32 bounces;
	u32 tx_off;
	u32 tx_entries;
	u32 txc_off;
	u32 txc_entries;
	u32 chunk_shift;
};

/**
 * struct kfn_window - the window
 * @pgmap: its pages. Those that nobody uses have a reference count of 0, as memory
 *	   of this type has it; each that somebody uses holds a reference to it
 * @base: where it is mapped
 */
struct kfn_window {
	struct dev_pagemap pgmap;
	void *base;
};

int kfn_layout_read(struct kfn *kf, struct kfn_layout *layout);
int kfn_window_open(struct kfn *kf);
void kfn_window_close(struct kfn *kf);
struct page *kfn_window_page(struct kfn *kf, u32 slot, u32 offset);
void *kfn_window_slot(struct kfn *kf, u32 slot);
u32 kfn_window_slot_size(const struct kfn *kf, u32 slot);
bool kfn_window_is_bounce(const struct kfn *kf, u32 slot);
bool kfn_window_has(const struct kfn *kf, const struct page *page);
void kfn_window_get(struct kfn *kf, u32 slot, struct page *page);

#endif /* _KVMFLIP_NET_WINDOW_H */
