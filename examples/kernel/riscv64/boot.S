/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * riscv64: entry in machine mode, with the hart's number in a0 and the device tree in a1, and the trap vector.
 */
	.section .text.entry, "ax"
	.globl _start
_start:
	bnez a0, park
	la sp, stack_top
	la t0, device_tree
	sd a1, 0(t0)
	la t0, trap_entry
	csrw mtvec, t0
	call kernel_main
park:	wfi
	j park

	/* A trap: save what a C function may change. */
	.align 2
trap_entry:
	addi sp, sp, -128
	sd ra, 0(sp)
	sd t0, 8(sp)
	sd t1, 16(sp)
	sd t2, 24(sp)
	sd t3, 32(sp)
	sd t4, 40(sp)
	sd t5, 48(sp)
	sd t6, 56(sp)
	sd a0, 64(sp)
	sd a1, 72(sp)
	sd a2, 80(sp)
	sd a3, 88(sp)
	sd a4, 96(sp)
	sd a5, 104(sp)
	sd a6, 112(sp)
	sd a7, 120(sp)
	csrr a0, mcause
	csrr a1, mepc
	call trap
	ld ra, 0(sp)
	ld t0, 8(sp)
	ld t1, 16(sp)
	ld t2, 24(sp)
	ld t3, 32(sp)
	ld t4, 40(sp)
	ld t5, 48(sp)
	ld t6, 56(sp)
	ld a0, 64(sp)
	ld a1, 72(sp)
	ld a2, 80(sp)
	ld a3, 88(sp)
	ld a4, 96(sp)
	ld a5, 104(sp)
	ld a6, 112(sp)
	ld a7, 120(sp)
	addi sp, sp, 128
	mret

	.bss
	.align 4
	.skip 16384
stack_top:
	.section .note.GNU-stack, "", %progbits
