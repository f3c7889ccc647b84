/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The reserve: IOVAs with page tables, set aside in cells of equal size.
 */
#include "backend/iommu/cells.h"
#include "backend/iommu/entries.h"

int dmah_iommu_reserve(struct dmah_domain *dom, unsigned int count, uint32_t len)
{
	struct iova_reserve *reserve = &dom->reserve;
	uint32_t first, cell, n;
	unsigned long flags;
	void *page;

	if (reserve->page)
		return DMAH_EBUSY;
	/* Whatever the buffer's offset in its first granule. */
	n = iommu_granules(GRANULE_MASK, len);
	if (n > dom->granules)
		return DMAH_ENOSPC;
	cell = n <= 1 ? 1 : 1u << (32 - __builtin_clz(n - 1));
	if ((uint64_t)cell * count > dom->granules)
		return DMAH_ENOSPC;
	page = dmah_host_page_alloc(0);
	if (!page)
		return DMAH_ENOMEM;
	dmah_host_enter(&flags);
	first = dmah_iova_get_large(&dom->iova, cell * count, cell, 0, 0);
	dmah_host_leave(flags);
	if (first == RANGE_NONE) {
		dmah_host_page_free(page);
		return DMAH_ENOSPC;
	}
	for (uint32_t i = first & ~(PT_TABLE_ENTRIES - 1); i < first + cell * count;
	     i += PT_TABLE_ENTRIES) {
		int err = dmah_entries_make_leaf(dom, i, 0);

		if (err) {
			dmah_host_enter(&flags);
			dmah_iova_put_large(&dom->iova, first, cell * count);
			dmah_host_leave(flags);
			dmah_host_page_free(page);
			return err;
		}
	}
	dmah_range_init(&reserve->cells, page, count);
	reserve->first = first;
	reserve->cell = cell;
	__atomic_store_n(&reserve->page, page, __ATOMIC_RELEASE);
	return DMAH_OK;
}

uint32_t dmah_iommu_take_cell(struct dmah_domain *dom, uint32_t n, uint32_t align, uint32_t skew)
{
	struct iova_reserve *reserve = &dom->reserve;
	uint32_t cell = RANGE_NONE;
	unsigned long flags;

	if (!reserve->page || n > reserve->cell || (align > 1 && (align > reserve->cell || skew)))
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
