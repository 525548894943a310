/* SPDX-License-Identifier: GPL-2.0 */
#ifndef GUEST_SECOND_H
#define GUEST_SECOND_H

#include "device.h"

/* Rounds over all slots, and foreign bytes seen there; the other processor reads them. */
extern __u32 second_rounds, second_foreign;

/* Does not return. */
void second_main(const struct device *dev, const struct guest_params *params);

#endif /* GUEST_SECOND_H */
