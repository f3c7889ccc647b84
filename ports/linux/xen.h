/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a Xen guest knows of its memory. Physical address to machine address is asked when a mapping is made; the other
 * way, which has no right answer where one grant is mapped twice, never.
 */
#ifndef DMAH_LINUX_XEN_H
#define DMAH_LINUX_XEN_H

#include <linux/mm.h>
#include <linux/pfn.h>
#include <linux/types.h>

#if defined(CONFIG_ARM64) && defined(CONFIG_XEN)
#include <xen/xen.h>

/** xen_translates() - whether DMA addresses are machine addresses that differ from physical ones. */
static inline bool xen_translates(void)
{
	return xen_initial_domain();
}

/**
 * xen_foreign() - the machine address behind physical memory that is another domain's.
 * Return: the address; 0 where the memory is this domain's own, or not contiguous in the machine.
 */
dma_addr_t xen_foreign(phys_addr_t phys, u32 len);

/** xen_clean() - the hypervisor cleans or invalidates cache lines of the machine's memory. Return: hypercalls made. */
unsigned int xen_cache(dma_addr_t bus, u32 len, bool invalidate);
#else
static inline bool xen_translates(void)
{
	return false;
}

static inline dma_addr_t xen_foreign(phys_addr_t phys, u32 len)
{
	return 0;
}

static inline unsigned int xen_cache(dma_addr_t bus, u32 len, bool invalidate)
{
	return 0;
}
#endif

/** xen_kernel_maps() - whether the kernel's linear mapping has all of this physical memory. */
static inline bool xen_kernel_maps(phys_addr_t phys, u32 len)
{
	for (unsigned long pfn = PHYS_PFN(phys); pfn <= PHYS_PFN(phys + len - 1); pfn++) {
#ifdef CONFIG_ARM64
		/* pfn_valid() is true of memory that is in no mapping, too. */
		if (!pfn_is_map_memory(pfn))
			return false;
#else
		if (!pfn_valid(pfn))
			return false;
#endif
	}
	return true;
}

#endif /* DMAH_LINUX_XEN_H */
