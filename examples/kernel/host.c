/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The host port for one CPU and memory that is mapped one to one: the functions of <dmah/host.h>
 * that do not depend on the architecture. ARCH/host.c has the others.
 */
#include "kernel.h"

/* ---- memory: a pool that only grows, and a list of pages that came back ---- */

#define RAM 0x800000u

static _Alignas(DMAH_PAGE_SIZE) uint8_t ram[RAM];
static size_t ram_used;
static void **free_pages;

void *pages_alloc(size_t size)
{
	uint8_t *memory = ram + ram_used;

	if (size > RAM - ram_used)
		return NULL;
	ram_used += (size + DMAH_PAGE_SIZE - 1) & ~(size_t)(DMAH_PAGE_SIZE - 1);
	return memory; /* Zeroed: nothing was there before. */
}

void *dmah_host_page_alloc(unsigned int flags)
{
	void **page = free_pages;

	(void)flags;
	if (!page)
		return pages_alloc(DMAH_PAGE_SIZE);
	free_pages = *page;
	return __builtin_memset(page, 0, DMAH_PAGE_SIZE);
}

void dmah_host_page_free(void *page)
{
	*(void **)page = free_pages;
	free_pages = page;
}

/*
 * Devices and IOMMUs of both machines read through the caches, so this kernel has no uncached
 * memory.
 */
void *dmah_host_mem_alloc(size_t size, dmah_phys_t limit, unsigned int flags, dmah_phys_t *phys)
{
	void *memory = NULL;

	if (!(flags & DMAH_ALLOC_UNCACHED) && (uintptr_t)(ram + RAM - 1) <= limit)
		memory = pages_alloc(size);
	*phys = (uintptr_t)memory;
	return memory;
}

void dmah_host_mem_free(dmah_phys_t phys, size_t size)
{
	for (uintptr_t page = phys; page < phys + size; page += DMAH_PAGE_SIZE)
		dmah_host_page_free((void *)page);
}

dmah_phys_t dmah_host_virt_to_phys(const void *cpu)
{
	return (uintptr_t)cpu;
}

void *dmah_host_table_virt(dmah_phys_t phys)
{
	return (void *)(uintptr_t)phys;
}

void *dmah_host_phys_map(dmah_phys_t phys, size_t len)
{
	(void)len;
	return (void *)(uintptr_t)phys;
}

void dmah_host_phys_unmap(void *cpu, dmah_phys_t phys, size_t len)
{
	(void)cpu, (void)phys, (void)len;
}

/* ---- one CPU ---- */

bool dmah_host_quiesce(unsigned int cpu)
{
	(void)cpu;
	return true;
}

void dmah_host_lock(struct dmah_lock *lock)
{
	while (__atomic_exchange_n(&lock->word[0], 1, __ATOMIC_ACQUIRE))
		dmah_host_relax();
}

void dmah_host_unlock(struct dmah_lock *lock)
{
	__atomic_store_n(&lock->word[0], 0, __ATOMIC_RELEASE);
}

/* ---- registers: after earlier stores to memory, and before later loads from memory ---- */

uint32_t dmah_host_read32(const volatile void *reg)
{
	uint32_t value = *(const volatile uint32_t *)reg;

	host_rmb();
	return value;
}

void dmah_host_write32(volatile void *reg, uint32_t value)
{
	dmah_host_wmb();
	*(volatile uint32_t *)reg = value;
}

uint64_t dmah_host_read64(const volatile void *reg)
{
	uint64_t value = *(const volatile uint64_t *)reg;

	host_rmb();
	return value;
}

void dmah_host_write64(volatile void *reg, uint64_t value)
{
	dmah_host_wmb();
	*(volatile uint64_t *)reg = value;
}

/* ---- reports ---- */

void dmah_host_report(const struct dmah_device *dev, int err, const char *text, uint64_t addr,
		      const void *caller)
{
	print("dmah: %s: %s, %s: 0x%llx, called by %s\n", dev ? dev->name : "-", dmah_strerror(err),
	      text, (unsigned long long)addr, caller ? symbol_of(caller) : "-");
}
