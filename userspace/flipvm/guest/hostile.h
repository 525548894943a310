/* SPDX-License-Identifier: GPL-2.0 */
#ifndef GUEST_HOSTILE_H
#define GUEST_HOSTILE_H

#include "device.h"
#include "scan.h"

/* The next attack; returns whether only a reset can mend what it broke. */
int hostile_attack(struct device *dev, const struct scan *scan);

#endif /* GUEST_HOSTILE_H */
