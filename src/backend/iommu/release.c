/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The end of a mapping, after its entries were cleared: wait or not, then give back buffer, bounce slots and IOVA range.
 */
#include "backend/iommu/map.h"
#include "backend/iommu/marks.h"
#include "backend/iommu/invalidate.h"
#include "base/buffer.h"
#include "base/pool.h"

void dmah_iommu_release_wait(struct dmah_device *dev, uint32_t first, uint32_t n, bool strict,
			     struct unmap_release *release)
{
	/* A killed device reaches nothing, so nothing is waited for. */
	release->defer = !strict && iommu_defers(dev);
	release->err = DMAH_OK;
	/* The flush that ends the quarantine posts the requests that have no room now. */
	if (release->defer && dev->dom->mark) {
		release->err = dmah_marks_defer(dev, first, n);
		release->defer = !release->err;
	} else if (!release->defer) {
		release->err = dmah_iommu_invalidate(dev->dom, dev, iommu_iova(dev->dom, first),
						     (uint64_t)n << PT_GRANULE_SHIFT, false);
	}
}

static void release_range(struct dmah_device *dev, const struct iova_range *range,
			  struct unmap_release *release)
{
	if (release->defer) {
		int err = dmah_iommu_defer(dev, range);

		release->err = release->err ? release->err : err;
	} else if (release->err) {
		dmah_iommu_quarantine(dev, range);
	} else {
		dmah_iommu_release(dev->dom, range);
	}
}

void dmah_iommu_release_buffer(struct dmah_device *dev, const struct dmah *h,
			       struct unmap_release *release)
{
	struct iova_range slots = { .head = token_head(h->backend),
				    .tail = token_tail(h->backend) };

	if (!has_slots(h)) {
		dmah_buffer_take(dev, h);
		return;
	}
	/* They are this CPU's to end, since it has ended the mapping's entries. */
	(void)dmah_pool_retire(dev->dom->cfg.pool, slots.head, dev->dom, dev->number);
	(void)dmah_pool_retire(dev->dom->cfg.pool, slots.tail, dev->dom, dev->number);
	dmah_buffer_take(dev, h);
	release_range(dev, &slots, release);
}

void dmah_iommu_release_granules(struct dmah_device *dev, uint32_t first, uint32_t n,
				 struct unmap_release *release)
{
	struct iova_range range = { .first = first, .n = n };

	release_range(dev, &range, release);
}

bool dmah_iommu_undo_map(struct dmah_device *dev, uint32_t first, uint32_t n, uint32_t set)
{
	struct iova_range range = { .first = first, .n = n };

	/* No device was given these addresses, but one may guess them, and the IOMMU may have cached the entries. */
	if (set) {
		dmah_entries_clear(dev->dom, first, set, 0);
		if (dmah_iommu_invalidate(dev->dom, dev, iommu_iova(dev->dom, first),
					  (uint64_t)set << PT_GRANULE_SHIFT, false)) {
			dmah_iommu_quarantine(dev, &range);
			return false;
		}
	}
	dmah_iommu_release(dev->dom, &range);
	return true;
}
