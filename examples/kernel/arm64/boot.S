/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * arm64: entry at EL1 with the MMU off, and exception vectors.
 */
	.text
	.globl _start
_start:
	adrp x0, stack_top
	mov sp, x0
	adrp x0, vectors
	add x0, x0, :lo12:vectors
	msr vbar_el1, x0

	/*
	 * Switch the MMU and the caches on: atomic instructions are defined on cached memory only.
	 * 39-bit addresses, blocks of 1 GiB. Attribute 0 is device memory, attribute 1 is
	 * write-back memory.
	 */
	mov x0, #0xff00
	msr mair_el1, x0
	ldr x0, =0x280803519
	msr tcr_el1, x0
	adrp x0, blocks
	add x0, x0, :lo12:blocks
	msr ttbr0_el1, x0
	tlbi vmalle1
	dsb nsh
	isb
	ldr x0, =0x30d0199d
	msr sctlr_el1, x0
	isb
	bl kernel_main

	/* An interrupt: save what a C function may change. */
interrupt_entry:
	sub sp, sp, #192
	stp x0, x1, [sp]
	stp x2, x3, [sp, #16]
	stp x4, x5, [sp, #32]
	stp x6, x7, [sp, #48]
	stp x8, x9, [sp, #64]
	stp x10, x11, [sp, #80]
	stp x12, x13, [sp, #96]
	stp x14, x15, [sp, #112]
	stp x16, x17, [sp, #128]
	stp x18, x29, [sp, #144]
	str x30, [sp, #160]
	bl interrupt
	ldp x0, x1, [sp]
	ldp x2, x3, [sp, #16]
	ldp x4, x5, [sp, #32]
	ldp x6, x7, [sp, #48]
	ldp x8, x9, [sp, #64]
	ldp x10, x11, [sp, #80]
	ldp x12, x13, [sp, #96]
	ldp x14, x15, [sp, #112]
	ldp x16, x17, [sp, #128]
	ldp x18, x29, [sp, #144]
	ldr x30, [sp, #160]
	add sp, sp, #192
	eret

	/*
	 * Sixteen vectors of 128 bytes. Number 5 is an IRQ at this level; all others end the
	 * kernel.
	 */
	.align 11
vectors:
	.rept 5
	mrs x0, esr_el1
	b unexpected
	.align 7
	.endr
	b interrupt_entry
	.align 7
	.rept 10
	mrs x0, esr_el1
	b unexpected
	.align 7
	.endr

	/*
	 * The table of 1 GiB blocks: registers at 0, memory at 1 GiB, PCI configuration space at
	 * 256 GiB.
	 */
	.section .rodata
	.align 12
blocks:	.quad 0x0060000000000401, 0x0000000040000705
	.skip 254 * 8
	.quad 0x0060004000000401
	.skip 255 * 8

	.bss
	.align 12
	.skip 16384
stack_top:
	.section .note.GNU-stack, "", %progbits
