// SPDX-License-Identifier: GPL-2.0-only
#include "xen.h"

#if defined(CONFIG_ARM64) && defined(CONFIG_XEN)
#include <linux/dma-direct.h>
#include <linux/ratelimit.h>
#include <linux/swiotlb.h>
#include <asm/xen/hypercall.h>
#include <xen/interface/grant_table.h>
#include <xen/page.h>

/* 7.3: with the mapping's attributes, the newest of which came with that. */
static bool reaches(struct device *dev, dma_addr_t dma, u32 len)
{
#ifdef DMA_ATTR_CC_SHARED
	return dma_capable(dev, dma, len, true, 0);
#else
	return dma_capable(dev, dma, len, true);
#endif
}

enum xen_memory xen_memory(struct device *dev, phys_addr_t phys, u32 len, dma_addr_t *dma)
{
	/* Xen's frames are of 4 KiB, whatever the kernel's pages are. */
	unsigned long pfn = XEN_PFN_DOWN(phys), last = XEN_PFN_DOWN(phys + len - 1);
	unsigned long bfn;

	if (!xen_translates())
		return XEN_OWN;
	bfn = pfn_to_bfn(pfn);
	for (unsigned long i = 1; pfn + i <= last; i++)
		if (pfn_to_bfn(pfn + i) != bfn + i)
			return XEN_BOUNCE;
	if (bfn == pfn)
		return XEN_OWN;
	*dma = phys_to_dma(dev, ((phys_addr_t)bfn << XEN_PAGE_SHIFT) + xen_offset_in_page(phys));
	if (is_swiotlb_force_bounce(dev) || !reaches(dev, *dma, len))
		return XEN_BOUNCE;
	return XEN_FOREIGN;
}

bool xen_astray(struct device *dev, phys_addr_t phys, dma_addr_t dma)
{
	return dma == phys_to_dma(dev, phys);
}

/* One page at most in one hypercall: struct gnttab_cache_flush in Xen's public/grant_table.h. */
unsigned int xen_cache(struct device *dev, dma_addr_t dma, u32 len, bool invalidate)
{
	/* Of the machine: Linux has one conversion for both. */
	phys_addr_t machine = dma_to_phys(dev, dma);
	unsigned int calls = 0;

	while (len) {
		u32 offset = machine & (XEN_PAGE_SIZE - 1);
		u32 part = min_t(u32, len, XEN_PAGE_SIZE - offset);
		struct gnttab_cache_flush flush = {
			.a.dev_bus_addr = machine - offset,
			.offset = (u16)offset,
			.length = (u16)part,
			/* Clean with it: a line at the edge may hold what is not the buffer's. */
			.op = GNTTAB_CACHE_CLEAN | (invalidate ? GNTTAB_CACHE_INVAL : 0),
		};
		int err = HYPERVISOR_grant_table_op(GNTTABOP_cache_flush, &flush, 1);

		if (err)
			pr_err_ratelimited("dmah: Xen refuses cache maintenance at %pap: %d\n",
					   &machine, err);
		calls++;
		machine += part;
		len -= part;
	}
	return calls;
}
#endif
