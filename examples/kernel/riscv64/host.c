/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The host port, riscv64: interrupts, order and time.
 */
#include "kernel.h"

/* The timer of the CLINT, which counts at 10 MHz. A real kernel reads both from the device tree. */
#define MTIME	    0x0200bff8u
#define TICK_NS	    100u
#define MSTATUS_MIE 8u

unsigned int dmah_host_enter(unsigned long *flags)
{
	__asm__ volatile("csrrci %0, mstatus, 8" : "=r"(*flags) : : "memory");
	return 0;
}

void dmah_host_leave(unsigned long flags)
{
	__asm__ volatile("csrs mstatus, %0" : : "r"(flags & MSTATUS_MIE) : "memory");
}

/* The IOMMU and the device read through the caches. */
void dmah_host_cache(enum dmah_cache_op op, dmah_phys_t phys, uint64_t len)
{
	(void)op;
	(void)phys;
	(void)len;
}

void dmah_host_wmb(void)
{
	__asm__ volatile("fence ow, ow" : : : "memory");
}

void host_rmb(void)
{
	__asm__ volatile("fence ir, ir" : : : "memory");
}

uint64_t dmah_host_now(void)
{
	return *(volatile uint64_t *)MTIME * TICK_NS;
}

void dmah_host_relax(void)
{
	__asm__ volatile("nop");
}
