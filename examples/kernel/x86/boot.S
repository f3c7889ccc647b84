/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * x86: entry by the PVH protocol (32-bit protected mode, paging off), and interrupt entries.
 */
	/* The note by which QEMU's -kernel finds the entry: XEN_ELFNOTE_PHYS32_ENTRY. */
	.section .note.pvh, "a", @note
	.align 4
	.long 4, 4, 18
	.asciz "Xen"
	.long start32

	.text
	.code32
	.globl start32
start32:
	cli
	mov $stack_top, %esp
	mov %ebx, start_info

	/*
	 * Map 4 GiB one to one with 2 MiB pages; the last GiB uncached, since registers are there.
	 */
	movl $pdpt + 3, pml4
	mov $pdpt, %edi
	mov $pd + 3, %eax
	mov $4, %ecx
1:	mov %eax, (%edi)
	add $8, %edi
	add $4096, %eax
	loop 1b
	mov $pd, %edi
	mov $0x83, %eax
	mov $2048, %ecx
2:	cmp $0xc0000000, %eax
	jb 3f
	or $0x18, %eax
3:	mov %eax, (%edi)
	add $8, %edi
	add $0x200000, %eax
	loop 2b

	/* Long mode: PAE, the page table, EFER.LME, then paging. */
	mov $0x20, %eax
	mov %eax, %cr4
	mov $pml4, %eax
	mov %eax, %cr3
	mov $0xc0000080, %ecx
	rdmsr
	or $0x100, %eax
	wrmsr
	mov $0x80000011, %eax
	mov %eax, %cr0
	lgdt gdt_pointer
	ljmp $8, $start64

	.code64
start64:
	mov $16, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	call kernel_main

	/* An interrupt: save what a C function may change. */
	.globl interrupt_entry
interrupt_entry:
	.irp reg, rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11
	push %\reg
	.endr
	cld
	call interrupt
	.irp reg, r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax
	pop %\reg
	.endr
	iretq

	/* An exception or an interrupt that nobody expects ends the kernel. */
	.globl unexpected_entry
unexpected_entry:
	and $-16, %rsp
	call unexpected

	.section .rodata
	.align 8
gdt:	.quad 0, 0x00af9a000000ffff, 0x00cf92000000ffff
gdt_pointer:
	.word . - gdt - 1
	.long gdt

	.bss
	.globl start_info
	.align 8
start_info:
	.skip 8
	.align 4096
pml4:	.skip 4096
pdpt:	.skip 4096
pd:	.skip 4 * 4096
	.skip 16384
stack_top:
	.section .note.GNU-stack, "", @progbits
