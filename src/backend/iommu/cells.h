/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The reserve of dmah_reserve(): a map that finds no page for a table, or no IOVA, takes a cell that has its tables.
 */
#ifndef DMAH_BACKEND_IOMMU_CELLS_H
#define DMAH_BACKEND_IOMMU_CELLS_H

#include "backend/iommu/iommu.h"

/** dmah_iommu_reserve() - as backend_ops.reserve. */
int dmah_iommu_reserve(struct dmah_domain *dom, unsigned int count, uint32_t len);

/**
 * dmah_iommu_place_reserve() - give the reserve its IOVAs, with their page tables.
 *
 * Context: a setup call; the reserve has none. Return: 0, also where nothing was reserved; DMAH_ENOSPC, DMAH_ENOMEM.
 */
int dmah_iommu_place_reserve(struct dmah_domain *dom);

/** dmah_iommu_lift_reserve() - take the reserve's IOVAs back. Context: a setup call; no cell is taken. */
void dmah_iommu_lift_reserve(struct dmah_domain *dom);

/** dmah_iommu_take_cell() - a free cell that has room for @n granules so aligned. Return: its first granule, RANGE_NONE. */
uint32_t dmah_iommu_take_cell(struct dmah_domain *dom, uint32_t n, uint32_t align, uint32_t skew);

/** dmah_iommu_put_cell() - give a granule's cell back. Context: inside dmah_host_enter(). Return: false: not of a cell. */
bool dmah_iommu_put_cell(struct dmah_domain *dom, uint32_t first);

/** iommu_in_reserve() - Returns true if a granule belongs to a cell of the reserve. */
static inline bool iommu_in_reserve(const struct dmah_domain *dom, uint32_t index)
{
	const struct iova_reserve *reserve = &dom->reserve;

	return __atomic_load_n(&reserve->placed, __ATOMIC_ACQUIRE) &&
	       index - reserve->first < reserve->count * reserve->cell;
}

#endif /* DMAH_BACKEND_IOMMU_CELLS_H */
