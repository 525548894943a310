/* SPDX-License-Identifier: GPL-2.0 */
/* The guest program as a part of flipvm */
	.section .rodata
	.globl	guest_image, guest_image_end
guest_image:
	.incbin	"guest/guest.bin"
guest_image_end:
	.section .note.GNU-stack, "", @progbits
