/* SPDX-License-Identifier: GPL-2.0 */
#ifndef GUEST_FUZZ_H
#define GUEST_FUZZ_H

#include "device.h"
#include "scan.h"

/* Where the numbers come from: the same seed makes the same attempts. */
void fuzz_init(__u32 seed);

/* Start the device with any features that change nothing of what is received. */
void fuzz_start(struct device *dev);

/* One attempt at anything a guest can write. */
void fuzz_round(struct device *dev, const struct scan *scan);

#endif /* GUEST_FUZZ_H */
