/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The reserve: IOVAs with page tables, set aside in cells of equal size.
 */
#include "backend/iommu/cells.h"
#include "backend/iommu/aperture.h"
#include "backend/iommu/entries.h"
#include "base/setup_error.h"

static void give_back(struct dmah_domain *dom, uint32_t first, uint32_t n)
{
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_iova_put_large(&dom->iova, first, n);
	dmah_host_leave(flags);
}

static int make_tables(struct dmah_domain *dom, uint32_t first, uint32_t n)
{
	int err = DMAH_OK;

	for (uint32_t i = first & ~(PT_TABLE_ENTRIES - 1); !err && i < first + n;
	     i += PT_TABLE_ENTRIES)
		err = dmah_entries_make_leaf(dom, i, 0);
	return err;
}

int dmah_iommu_place_reserve(struct dmah_domain *dom)
{
	struct iova_reserve *reserve = &dom->reserve;
	uint32_t n = reserve->cell * reserve->count, first;
	int err;

	if (!reserve->page)
		return DMAH_OK;
	first = dmah_iommu_take_range(dom, n, reserve->cell);
	if (first == RANGE_NONE)
		return dmah_setup_error(NULL, DMAH_ENOSPC,
					"dmah_reserve: no room for count * len in the aperture, "
					"rounded up to powers of two",
					(uint64_t)n << PT_GRANULE_SHIFT);
	err = make_tables(dom, first, n);
	if (err) {
		give_back(dom, first, n);
		return err;
	}
	dmah_range_init(&reserve->cells, reserve->page, reserve->count);
	reserve->first = first;
	__atomic_store_n(&reserve->placed, true, __ATOMIC_RELEASE);
	return DMAH_OK;
}

void dmah_iommu_lift_reserve(struct dmah_domain *dom)
{
	struct iova_reserve *reserve = &dom->reserve;

	if (!reserve->placed)
		return;
	__atomic_store_n(&reserve->placed, false, __ATOMIC_RELEASE);
	give_back(dom, reserve->first, reserve->cell * reserve->count);
}

int dmah_iommu_reserve(struct dmah_domain *dom, unsigned int count, uint32_t len)
{
	struct iova_reserve *reserve = &dom->reserve;
	/* A buffer may begin anywhere in its first granule. */
	uint32_t n = iommu_granules(GRANULE_MASK, len), cell;
	int err;

	if (reserve->page)
		return dmah_setup_error(NULL, DMAH_EBUSY,
					"dmah_reserve: the domain has a reserve already",
					reserve->count);
	cell = n <= 1 ? 1 : 1u << (32 - __builtin_clz(n - 1));
	if (n > dom->granules || (uint64_t)cell * count > dom->granules)
		return dmah_setup_error(NULL, DMAH_ENOSPC,
					"dmah_reserve: count * len, rounded up to powers of two, "
					"is above the aperture",
					(uint64_t)cell * count << PT_GRANULE_SHIFT);
	reserve->page = dmah_host_page_alloc(0);
	if (!reserve->page)
		return DMAH_ENOMEM;
	reserve->count = count;
	reserve->cell = cell;
	err = dmah_iommu_place_reserve(dom);
	if (err) {
		dmah_host_page_free(reserve->page);
		reserve->page = NULL;
	}
	return err;
}

uint32_t dmah_iommu_take_cell(struct dmah_domain *dom, uint32_t n, uint32_t align, uint32_t skew)
{
	struct iova_reserve *reserve = &dom->reserve;
	uint32_t cell = RANGE_NONE;
	unsigned long flags;

	if (!__atomic_load_n(&reserve->placed, __ATOMIC_ACQUIRE) || n > reserve->cell ||
	    (align > 1 && (align > reserve->cell || skew)))
		return RANGE_NONE;
	dmah_host_enter(&flags);
	dmah_host_lock(&reserve->lock);
	cell = dmah_range_alloc(&reserve->cells, 1, 1, 0, 0, 0, reserve->cells.size);
	dmah_host_unlock(&reserve->lock);
	dmah_host_leave(flags);
	return cell == RANGE_NONE ? RANGE_NONE : reserve->first + cell * reserve->cell;
}

bool dmah_iommu_put_cell(struct dmah_domain *dom, uint32_t first)
{
	struct iova_reserve *reserve = &dom->reserve;

	if (!iommu_in_reserve(dom, first))
		return false;
	dmah_host_lock(&reserve->lock);
	(void)dmah_range_free(&reserve->cells, (first - reserve->first) / reserve->cell, 1);
	dmah_host_unlock(&reserve->lock);
	return true;
}
