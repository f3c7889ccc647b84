// SPDX-License-Identifier: GPL-2.0-only
#include "xen.h"

#if defined(CONFIG_ARM64) && defined(CONFIG_XEN)
#include <linux/ratelimit.h>
#include <asm/xen/hypercall.h>
#include <xen/interface/grant_table.h>
#include <xen/page.h>

dma_addr_t xen_foreign(phys_addr_t phys, u32 len)
{
	unsigned long pfn = PHYS_PFN(phys), last = PHYS_PFN(phys + len - 1);
	unsigned long bfn = pfn_to_bfn(pfn);

	if (bfn == pfn)
		return 0;
	for (unsigned long i = 1; pfn + i <= last; i++)
		if (pfn_to_bfn(pfn + i) != bfn + i)
			return 0;
	return ((dma_addr_t)bfn << XEN_PAGE_SHIFT) + offset_in_page(phys);
}

/* One page at most in one hypercall: struct gnttab_cache_flush in Xen's public/grant_table.h. */
unsigned int xen_cache(dma_addr_t bus, u32 len, bool invalidate)
{
	unsigned int calls = 0;

	while (len) {
		u32 offset = bus & (XEN_PAGE_SIZE - 1);
		u32 part = min_t(u32, len, XEN_PAGE_SIZE - offset);
		struct gnttab_cache_flush flush = {
			.a.dev_bus_addr = bus - offset,
			.offset = (u16)offset,
			.length = (u16)part,
			/* Clean with it: a line at the edge may hold what is not the buffer's. */
			.op = GNTTAB_CACHE_CLEAN | (invalidate ? GNTTAB_CACHE_INVAL : 0),
		};
		int err = HYPERVISOR_grant_table_op(GNTTABOP_cache_flush, &flush, 1);

		if (err)
			pr_err_ratelimited("dmah: Xen refuses cache maintenance at %pad: %d\n",
					   &bus, err);
		calls++;
		bus += part;
		len -= part;
	}
	return calls;
}
#endif
