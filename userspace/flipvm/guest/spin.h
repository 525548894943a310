/* SPDX-License-Identifier: GPL-2.0 */
#ifndef GUEST_SPIN_H
#define GUEST_SPIN_H

#include "device.h"
#include "scan.h"

/* A slot, whose last frame @desc is, is about to be returned. */
void spin_remember(const struct device *dev,
		   const struct kvmflip_rx_desc *desc);

/*
 * Look at the slots that were returned last (and write to them). Returns 0
 * when that has been done long enough since the last frame.
 */
int spin_round(const struct device *dev, struct scan *scan, __u32 mode);

#endif /* GUEST_SPIN_H */
