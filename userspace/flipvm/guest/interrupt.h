/* SPDX-License-Identifier: GPL-2.0 */
#ifndef GUEST_INTERRUPT_H
#define GUEST_INTERRUPT_H

#include <linux/types.h>

/* Interrupts of the device so far */
extern __u32 interrupt_count;

/* Table of vectors, local APIC on, interrupts on */
void interrupt_init(void);

/* Halt until the next interrupt, unless one came since *news was @seen. */
void idle(const __u32 *news, __u32 seen);

#endif /* GUEST_INTERRUPT_H */
