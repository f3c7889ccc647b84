/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The host port, x86-64: interrupts, caches, order and time.
 */
#include "kernel.h"
#include "machine.h"

unsigned int dmah_host_enter(unsigned long *flags)
{
	__asm__ volatile("pushfq; popq %0; cli" : "=r"(*flags) : : "memory");
	return 0;
}

void dmah_host_leave(unsigned long flags)
{
	__asm__ volatile("pushq %0; popfq" : : "r"(flags) : "memory", "cc");
}

/*
 * CLFLUSH writes a dirty line back before it drops the line, so that one instruction serves all
 * three operations.
 */
void dmah_host_cache(enum dmah_cache_op op, dmah_phys_t phys, uint64_t len)
{
	(void)op;
	for (uint64_t done = 0; done < len; done += 64)
		__asm__ volatile("clflush (%0)" : : "r"(phys + done) : "memory");
	__asm__ volatile("mfence" : : : "memory");
}

/* x86 keeps stores in order and loads in order: only the compiler must not move them. */
void dmah_host_wmb(void)
{
	__asm__ volatile("" : : : "memory");
}

void host_rmb(void)
{
	__asm__ volatile("" : : : "memory");
}

/*
 * QEMU's HPET counts every 10,000,000 fs. A period below 1 ns would need more than this division.
 */
uint64_t dmah_host_now(void)
{
	volatile uint32_t *period = (volatile uint32_t *)(HPET + HPET_PERIOD);

	return *(volatile uint64_t *)(HPET + HPET_COUNT) * (*period / 1000000);
}

void dmah_host_relax(void)
{
	__asm__ volatile("pause");
}
