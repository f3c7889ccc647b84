/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The smallest host port, as a program: one CPU, no interrupts, static memory, no IOMMU, and
 * devices that read through the caches. All functions of the host contract are here.
 * examples/kernel has the port of a kernel that boots.
 */
#include <dmah/device.h>

#include "machine.h"

_Alignas(4096) unsigned char machine_ram[MACHINE_RAM];

/* ---- memory: physical address MACHINE_BASE is the first byte of machine_ram ---- */

dmah_phys_t dmah_host_virt_to_phys(const void *cpu)
{
	return MACHINE_BASE + (dmah_phys_t)((const unsigned char *)cpu - machine_ram);
}

static void *virt(dmah_phys_t phys)
{
	return machine_ram + (phys - MACHINE_BASE);
}

void *dmah_host_table_virt(dmah_phys_t phys)
{
	return virt(phys);
}

/* The CPU can access all memory at any time. */
void *dmah_host_phys_map(dmah_phys_t phys, size_t len)
{
	(void)len;
	return virt(phys);
}

void dmah_host_phys_unmap(void *cpu, dmah_phys_t phys, size_t len)
{
	(void)cpu;
	(void)phys;
	(void)len;
}

/*
 * This allocator never frees: the program sets one domain up and ends. The memory is static and so
 * it is zeroed.
 */
static size_t used = MACHINE_HEAP;

static void *take(size_t size, dmah_phys_t limit)
{
	void *memory = machine_ram + used;

	if (size > sizeof(machine_ram) - used ||
	    dmah_host_virt_to_phys(machine_ram + used + size - 1) > limit)
		return NULL;
	used += size;
	return memory;
}

void *dmah_host_page_alloc(unsigned int flags)
{
	(void)flags;
	return take(DMAH_PAGE_SIZE, ~(dmah_phys_t)0);
}

void dmah_host_page_free(void *page)
{
	(void)page;
}

void *dmah_host_mem_alloc(size_t size, dmah_phys_t limit, unsigned int flags, dmah_phys_t *phys)
{
	void *memory = take(size, limit);

	(void)flags;
	if (memory)
		*phys = dmah_host_virt_to_phys(memory);
	return memory;
}

void dmah_host_mem_free(dmah_phys_t phys, size_t size)
{
	(void)phys;
	(void)size;
}

/* Empty, since the device reads through the caches and there is no IOMMU. */
void dmah_host_cache(enum dmah_cache_op op, dmah_phys_t phys, uint64_t len)
{
	(void)op;
	(void)phys;
	(void)len;
}

/* ---- one CPU without interrupts ---- */

unsigned int dmah_host_enter(unsigned long *flags)
{
	*flags = 0;
	return 0;
}

void dmah_host_leave(unsigned long flags)
{
	(void)flags;
}

bool dmah_host_quiesce(unsigned int cpu)
{
	(void)cpu;
	return true;
}

void dmah_host_lock(struct dmah_lock *lock)
{
	lock->word[0] = 1;
}

void dmah_host_unlock(struct dmah_lock *lock)
{
	lock->word[0] = 0;
}

void dmah_host_wmb(void)
{
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

/* ---- time: each reading is 1 us later than the one before ---- */

uint64_t dmah_host_now(void)
{
	static uint64_t ticks;

	return ticks += 1000;
}

void dmah_host_relax(void)
{
}

/* ---- registers: this machine has none; a read or write of memory ---- */

uint32_t dmah_host_read32(const volatile void *reg)
{
	return *(const volatile uint32_t *)reg;
}

void dmah_host_write32(volatile void *reg, uint32_t value)
{
	*(volatile uint32_t *)reg = value;
}

uint64_t dmah_host_read64(const volatile void *reg)
{
	return *(const volatile uint64_t *)reg;
}

void dmah_host_write64(volatile void *reg, uint64_t value)
{
	*(volatile uint64_t *)reg = value;
}

/* ---- reports ---- */

void dmah_host_report(const struct dmah_device *dev, int err, const char *text, uint64_t addr,
		      const void *caller)
{
	(void)caller;
	machine_print(dev ? dev->name : "-", dmah_strerror(err), text, addr);
}
