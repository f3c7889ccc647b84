/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Commands that name a range of addresses (sections 2.4.3, INVALIDATE_IOMMU_PAGES, and 2.4.4, INVALIDATE_IOTLB_PAGES). */
#include "hw/amdvi/amdvi.h"

/*
 * Returns the address field of the smallest aligned power of two of pages that covers the range: with S set, the lowest zero
 * of the address, from bit 12 up, gives the size. @size 0: all.
 */
static uint64_t range(dmah_addr_t iova, uint64_t size)
{
	uint64_t first = iova >> 12, last = (iova + size - 1) >> 12;
	unsigned int order = 0;

	if (!size || iova + size - 1 < iova)
		return PAGES_ALL | PAGES_S;
	while (first >> order != last >> order)
		order++;
	if (!order)
		return iova & ~0xfffull;
	if (order > 50)
		return PAGES_ALL | PAGES_S;
	return (iova >> (12 + order) << (12 + order)) | (((1ull << (11 + order)) - 1) & ~0xfffull) |
	       PAGES_S;
}

struct amdvi_command dmah_amdvi_pages(uint32_t domain, dmah_addr_t iova, uint64_t size, bool tables)
{
	struct amdvi_command c = { CMD(OP_PAGES) | PAGES_DOMAIN(domain), range(iova, size) };

	if (tables || !size)
		c.hi |= PAGES_PDE;
	return c;
}

struct amdvi_command dmah_amdvi_iotlb(uint32_t id, dmah_addr_t iova, uint64_t size)
{
	return (struct amdvi_command){
		CMD(OP_IOTLB) | CMD_ID(id) | IOTLB_QUEUE(id) | IOTLB_MAXPEND(1), range(iova, size)
	};
}
