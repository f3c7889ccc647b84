/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Reserved ranges of a domain: taken at attach, given back when the last device has left.
 */
#ifndef DMAH_BACKEND_IOMMU_RESERVED_H
#define DMAH_BACKEND_IOMMU_RESERVED_H

#include "backend/iommu/iommu.h"

/**
 * dmah_iommu_add_reserved() - take @n ranges out of the allocator, and map those with the identity flag.
 *
 * Return: 0, or an error with the ranges before the failing one still there: the caller drops them.
 */
int dmah_iommu_add_reserved(struct dmah_domain *dom, const struct dmah_reserved *range,
			    unsigned int n);

/** dmah_iommu_drop_reserved() - give back all ranges but the first @keep. */
void dmah_iommu_drop_reserved(struct dmah_domain *dom, unsigned int keep);

#endif /* DMAH_BACKEND_IOMMU_RESERVED_H */
