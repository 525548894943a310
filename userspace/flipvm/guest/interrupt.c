// SPDX-License-Identifier: GPL-2.0
/* One interrupt vector and a local APIC, nothing more. */
#include "../shared.h"
#include "access.h"
#include "entry.h"
#include "interrupt.h"

#define APIC		0xfee00000u
#define APIC_EOI	0xb0
#define APIC_SVR	0xf0
#define APIC_SVR_ON	0x1ff		/* enabled, spurious vector 255 */

#define GATE_INTERRUPT	0x8e00
#define CODE_SEGMENT	8

struct gate {
	__u16 offset_low;
	__u16 segment;
	__u16 type;
	__u16 offset_high;
};

static struct gate idt[256];
__u32 interrupt_count;

static void apic_write(__u32 reg, __u32 value)
{
	write32(APIC + reg, value);
}

static void set_gate(unsigned int vector, void (*entry)(void))
{
	idt[vector] = (struct gate){
		.offset_low = (__u32)entry,
		.segment = CODE_SEGMENT,
		.type = GATE_INTERRUPT,
		.offset_high = (__u32)entry >> 16,
	};
}

void guest_irq(void)
{
	WRITE_ONCE(interrupt_count, interrupt_count + 1);
	apic_write(APIC_EOI, 0);
}

void interrupt_init(void)
{
	const struct {
		__u16 pad;
		__u16 limit;
		__u32 base;
	} idt_ptr = { 0, sizeof(idt) - 1, (__u32)idt };
	unsigned int i;

	for (i = 0; i < 32; i++)
		set_gate(i, exception_entry);
	set_gate(GUEST_VECTOR, irq_entry);
	asm volatile("lidt %0" : : "m"(idt_ptr.limit), "m"(idt_ptr.base));
	apic_write(APIC_SVR, APIC_SVR_ON);
	asm volatile("sti");
}
