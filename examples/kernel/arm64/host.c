/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The host port, arm64: interrupts, caches, order and time.
 */
#include "kernel.h"

unsigned int dmah_host_enter(unsigned long *flags)
{
	__asm__ volatile("mrs %0, daif; msr daifset, #2" : "=r"(*flags) : : "memory");
	return 0;
}

void dmah_host_leave(unsigned long flags)
{
	__asm__ volatile("msr daif, %0" : : "r"(flags) : "memory");
}

void dmah_host_cache(enum dmah_cache_op op, dmah_phys_t phys, uint64_t len)
{
	uint64_t ctr, line;

	/* CTR_EL0.DminLine: log2 of the 4-byte words in the smallest data cache line. */
	__asm__("mrs %0, ctr_el0" : "=r"(ctr));
	line = 4ull << (ctr >> 16 & 15);
	for (uint64_t at = phys; at < phys + len; at += line)
		if (op == DMAH_CACHE_CLEAN)
			__asm__ volatile("dc cvac, %0" : : "r"(at) : "memory");
		else if (op == DMAH_CACHE_INVALIDATE)
			__asm__ volatile("dc ivac, %0" : : "r"(at) : "memory");
		else
			__asm__ volatile("dc civac, %0" : : "r"(at) : "memory");
	__asm__ volatile("dsb sy" : : : "memory");
}

void dmah_host_wmb(void)
{
	__asm__ volatile("dmb oshst" : : : "memory");
}

void host_rmb(void)
{
	__asm__ volatile("dmb oshld" : : : "memory");
}

/* The generic timer. Whole seconds are split off first, so that the product does not overflow. */
uint64_t dmah_host_now(void)
{
	uint64_t ticks, hz;

	__asm__ volatile("mrs %0, cntfrq_el0" : "=r"(hz));
	__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(ticks) : : "memory");
	return ticks / hz * 1000000000 + ticks % hz * 1000000000 / hz;
}

void dmah_host_relax(void)
{
	__asm__ volatile("yield");
}
