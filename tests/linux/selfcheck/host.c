// SPDX-License-Identifier: GPL-2.0-only
/*
 * The library's host contract by the kernel: the part that is not inline. include/dmah/host.h
 * describes each function.
 */
#include <dmah/device.h>
#include <dmah/host.h>

#include "selfcheck.h"

static gfp_t gfp_of(unsigned int flags)
{
	return (flags & DMAH_ALLOC_ATOMIC ? GFP_ATOMIC | __GFP_NOWARN : GFP_KERNEL) | __GFP_ZERO;
}

void *dmah_host_page_alloc(unsigned int flags)
{
	return (void *)__get_free_page(gfp_of(flags));
}

void dmah_host_page_free(void *page)
{
	free_page((unsigned long)page);
}

void *dmah_host_mem_alloc(size_t size, dmah_phys_t limit, unsigned int flags, dmah_phys_t *phys)
{
	gfp_t gfp = gfp_of(flags);
	void *cpu;

	/*
	 * An uncached view would need the pages' linear mapping to go. Nothing in the module asks
	 * for one.
	 */
	if (flags & DMAH_ALLOC_UNCACHED)
		return NULL;
	if (limit < U32_MAX)
		gfp |= GFP_DMA;
	else if (limit < U64_MAX)
		gfp |= GFP_DMA32;
	cpu = alloc_pages_exact(size, gfp);
	if (!cpu)
		return NULL;
	*phys = virt_to_phys(cpu);
	if (*phys + size - 1 <= limit)
		return cpu;
	free_pages_exact(cpu, size);
	return NULL;
}

void dmah_host_mem_free(dmah_phys_t phys, size_t size)
{
	free_pages_exact(phys_to_virt(phys), size);
}

void *dmah_host_table_virt(dmah_phys_t phys)
{
	return phys_to_virt(phys);
}

unsigned int host_cache_calls;

void dmah_host_cache(enum dmah_cache_op op, dmah_phys_t phys, uint64_t len)
{
	/*
	 * The devices and table walks of the self-check are coherent, so a call is a fault:
	 * selfcheck.c reports it.
	 */
	host_cache_calls++;
}

static void nothing(void *unused)
{
}

bool dmah_host_quiesce(unsigned int cpu)
{
	/* The caller holds no lock: the self-check runs in a module's init function. */
	if (irqs_disabled() || !in_task())
		return false;
	/*
	 * Interrupts are off inside a section, so a CPU that answers has left it. An offline CPU
	 * has left, too.
	 */
	(void)smp_call_function_single((int)cpu, nothing, NULL, 1);
	return true;
}

void dmah_host_relax(void)
{
	cpu_relax();
}

uint32_t dmah_host_read32(const volatile void *reg)
{
	return readl((const volatile void __iomem *)reg);
}

void dmah_host_write32(volatile void *reg, uint32_t value)
{
	writel(value, (volatile void __iomem *)reg);
}

uint64_t dmah_host_read64(const volatile void *reg)
{
	return readq((const volatile void __iomem *)reg);
}

void dmah_host_write64(volatile void *reg, uint64_t value)
{
	writeq(value, (volatile void __iomem *)reg);
}

bool host_silent;

void dmah_host_report(const struct dmah_device *dev, int err, const char *text, uint64_t addr,
		      const void *caller)
{
	if (!host_silent)
		pr_err_ratelimited("dmah: library: %s: %s (%d), address %llx, by %pS\n",
				   dev && dev->name ? dev->name : "device", text, err, addr,
				   caller);
}
