// SPDX-License-Identifier: GPL-2.0-only
/*
 * The library's host contract by the kernel: the part that is not inline. See include/dmah/host.h for what each is to
 * do, host_inline.h for the rest.
 */
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/ratelimit.h>
#include <linux/smp.h>

#include "library.h"
#include <dmah/device.h>
#include <dmah/host.h>
#include "library_end.h"

#include "host_cache.h"
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

void *dmah_host_mem_alloc(size_t size, library_dmah_phys_t limit, unsigned int flags,
			  library_dmah_phys_t *phys)
{
	gfp_t gfp = gfp_of(flags);
	void *cpu;

	/* An uncached view would need the pages' linear mapping to go. Nothing in the module asks for one. */
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

void dmah_host_mem_free(library_dmah_phys_t phys, size_t size)
{
	free_pages_exact(phys_to_virt(phys), size);
}

void *dmah_host_table_virt(library_dmah_phys_t phys)
{
	return phys_to_virt(phys);
}

void dmah_host_cache(enum library_dmah_cache_op op, library_dmah_phys_t phys, uint64_t len)
{
	/* Invalidation cleans too: what is dirty beside the buffer is kept. */
	(void)host_cache(phys_to_virt(phys), len, op != DMAH_CACHE_CLEAN);
}

static void nothing(void *unused)
{
}

bool dmah_host_quiesce(unsigned int cpu)
{
	/* An interrupt may have come into the very section that would be waited for. */
	if (irqs_disabled() || !in_task())
		return false;
	/* Sections have interrupts off: who answers has left. A CPU that is offline has, too. */
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

void dmah_host_report(const struct library_dmah_device *dev, int err, const char *text,
		      uint64_t addr, const void *caller)
{
	if (!host_silent)
		pr_err_ratelimited("dmah: library: %s: %s (%d), address %llx, by %pS\n",
				   dev && dev->name ? dev->name : "device", text, err, addr,
				   caller);
}
