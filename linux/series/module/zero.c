// SPDX-License-Identifier: GPL-2.0-only
/*
 * A mapping at IOVA 0. arm_iommu_*() gives that address to the first buffer that a device maps, and
 * its unmap by address returned early on it.
 */
#include "test.h"

#define BYTES 1400

/* Returns the bytes that edu changes in the page, or a negative error. */
static int changed(struct edu *edu, u8 *page, dma_addr_t addr)
{
	int n, count = 0, err;

	memset(page, 0xee, PAGE_SIZE);
	err = edu_transfer(edu, addr, BYTES, false);
	for (n = 0; n < PAGE_SIZE; n++)
		count += page[n] != 0xee;
	return err ? err : count;
}

void check_zero(struct edu *edu, bool outlives)
{
	u8 *page = (u8 *)get_zeroed_page(GFP_KERNEL);
	struct device *dev = &edu->pdev->dev;
	unsigned int n;
	int mapped, after;

	if (!page) {
		report(false, "memory for the mapping at IOVA 0");
		return;
	}
	for (n = 0; n < api_count; n++) {
		struct mapping m = { .phys = virt_to_phys(page),
				     .size = PAGE_SIZE,
				     .dir = DMA_FROM_DEVICE };
		/* The first unmap by address leaves the IOVA taken, so no other API gets it. */
		bool other = outlives && n;

		if (apis[n].batch)
			continue;
		if (apis[n].map(dev, &m)) {
			report(false, "%s: the first map", apis[n].name);
			continue;
		}
		report(!m.addr == !other, "%s: is mapped at IOVA %pad", apis[n].name, &m.addr);
		mapped = changed(edu, page, m.addr);
		apis[n].unmap(dev, &m);
		after = changed(edu, page, m.addr);
		report(mapped > BYTES / 2, "%s: control, %d bytes arrive while mapped",
		       apis[n].name, mapped);
		if (outlives && !n)
			report(after > BYTES / 2,
			       "%s: the bug is seen, %d bytes arrive at IOVA 0 after the unmap",
			       apis[n].name, after);
		else
			report(!after, "%s: %d bytes arrive after the unmap", apis[n].name, after);
	}
	free_page((unsigned long)page);
}
