/* SPDX-License-Identifier: GPL-2.0 */
#ifndef GUEST_HOSTILE_H
#define GUEST_HOSTILE_H

#include "../shared.h"
#include "device.h"

/* The next attack; returns whether only a reset can mend what it broke. */
int hostile_attack(struct device *dev, struct guest_result *result);

#endif /* GUEST_HOSTILE_H */
