/* SPDX-License-Identifier: GPL-2.0 */
#ifndef GUEST_SLOTS_H
#define GUEST_SLOTS_H

#include <linux/types.h>

/*
 * Which slots and bounce slots, numbered as in descriptors, the guest has. A
 * slot is open from the first descriptor that names it, and full from the last
 * one.
 */

/* A descriptor names it; returns 0 if it is full. */
int slots_open(__u32 slot);

/* Its last frame has come. */
void slots_fill(__u32 slot);

/* It is the guest's no longer; returns whether it was. */
int slots_drop(__u32 slot);

/* Put a full slot aside. */
void slots_keep(__u32 slot);

/* The slot put aside first, of those still there; 0 if there is none */
int slots_oldest(__u32 *slot);

/* Forget all. */
void slots_reset(void);

#endif /* GUEST_SLOTS_H */
