/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Commands of the invalidation queue (section 6.5.2, Queued Invalidation Interface). */
#include "hw/vtd/vtd.h"

/* Returns the order, in pages, of the smallest aligned power of two of pages that covers the range. */
static unsigned int cover(dmah_addr_t iova, uint64_t size)
{
	uint64_t first = iova >> 12, last = (iova + size - 1) >> 12;
	unsigned int order = 0;

	while (first >> order != last >> order)
		order++;
	return order;
}

struct vtd_command dmah_vtd_iotlb(const struct dmah_vtd *vtd, uint32_t did, dmah_addr_t iova,
				  uint64_t size, bool tables)
{
	bool all = !size || iova + size - 1 < iova || !(vtd->cap & CAP_PSI);
	unsigned int order = all ? 0 : cover(iova, size);
	struct vtd_command c = { .lo = QI_IOTLB | QI_DID(did) };

	all |= order > CAP_MAMV(vtd->cap);
	if (!all)
		c.hi = iova >> (12 + order) << (12 + order) | order | (tables ? 0 : QI_IOTLB_IH);
	/* PASID 0. The hardware lets accesses that are under way reach memory without being asked to. */
	if (vtd->first_stage) {
		c.lo = QI_PIOTLB | QI_DID(did) | (all ? QI_PIOTLB_ALL : QI_PIOTLB_PAGE);
		return c;
	}
	/* Accesses that are under way must have reached memory before the memory has another owner. */
	if (vtd->cap & CAP_DWD)
		c.lo |= QI_IOTLB_DW;
	if (vtd->cap & CAP_DRD)
		c.lo |= QI_IOTLB_DR;
	c.lo |= all ? QI_IOTLB_DOMAIN : QI_IOTLB_PAGE;
	return c;
}

struct vtd_command dmah_vtd_pasid_forget(uint32_t did)
{
	return (struct vtd_command){ QI_PASID | QI_PASID_ONE | QI_DID(did), 0 };
}

struct vtd_command dmah_vtd_devtlb(uint32_t id, dmah_addr_t iova, uint64_t size)
{
	struct vtd_command c = { .lo = QI_DEVTLB | QI_SID(id) | QI_DEVTLB_MIP(1) };
	unsigned int order = 52;

	if (size && iova + size - 1 >= iova)
		order = cover(iova, size);
	if (order > 51) {
		c.hi = 0x7ffffffffffff000ull | QI_DEVTLB_S;
	} else if (order) {
		/* The lowest zero of the address, from bit 12 up, gives the size of the range. */
		c.hi = iova >> (12 + order) << (12 + order);
		c.hi |= (1ull << (11 + order)) - 1;
		c.hi = (c.hi & ~0xfffull) | QI_DEVTLB_S;
	} else {
		c.hi = iova & ~0xfffull;
	}
	return c;
}

struct vtd_command dmah_vtd_fence(const struct dmah_vtd *vtd)
{
	return (struct vtd_command){ QI_WAIT | QI_WAIT_SW | QI_WAIT_FN,
				     vtd->status_phys + VTD_STATUS_FENCE };
}

struct vtd_command dmah_vtd_noop(const struct dmah_vtd *vtd)
{
	return (struct vtd_command){ QI_WAIT | QI_WAIT_SW, vtd->status_phys + VTD_STATUS_FENCE };
}
