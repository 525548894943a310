/* SPDX-License-Identifier: GPL-2.0 */
/* Between start.S and C */
#ifndef GUEST_ENTRY_H
#define GUEST_ENTRY_H

/* In start.S, called by the processor */
void irq_entry(void);
void exception_entry(void);

/* Called from start.S */
void guest_main(void);
void guest_second(void);
void guest_irq(void);
void guest_exception(void);

#endif /* GUEST_ENTRY_H */
