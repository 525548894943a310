/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Entry of the guest program. flipvm starts the processors in flat 32-bit
 * protected mode with the stack set and their number in eax; tables for interrupts
 * are ours.
 */
	.code32
	.section .text.start, "ax"
	.globl	start
start:
	lgdt	gdt_ptr
	ljmp	$8, $1f
1:	test	%eax, %eax
	jne	3f
	call	guest_main
2:	cli
	hlt
	jmp	2b
3:	call	guest_second
	jmp	2b

	.text
	.globl	irq_entry
irq_entry:
	cld
	pushal
	call	guest_irq
	popal
	iretl

	.globl	exception_entry
exception_entry:
	cld
	call	guest_exception
	jmp	2b

	.globl	idle
/*
 * void idle(const u32 *news, u32 seen): halt unless *news != seen.
 * An interrupt that comes after the comparison is held off until hlt, because
 * sti takes effect after the instruction that follows it.
 */
idle:
	mov	4(%esp), %eax
	mov	8(%esp), %edx
	cli
	cmp	%edx, (%eax)
	jne	1f
	sti
	hlt
	ret
1:	sti
	ret

	.section .rodata
	.balign	8
gdt:
	.quad	0
	.quad	0x00cf9b000000ffff	/* code */
	.quad	0x00cf93000000ffff	/* data */
gdt_ptr:
	.word	gdt_ptr - gdt - 1
	.long	gdt
	.section .note.GNU-stack, "", @progbits
