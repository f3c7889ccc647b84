/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Batches: unmaps that begin together and share one wait. */
#include "backend/iommu/batch.h"
#include "base/check.h"
#include "base/count.h"
#include "core/map.h"

/*
 * Returns true if an unmap would wait for hardware. If not, dmah_unmap_start() ends each mapping at
 * once.
 */
static bool waits(const struct dmah_device *dev)
{
	return dev->dom->ops->waits && dev->dom->ops->waits(dev);
}

static int start_one(struct dmah_device *dev, struct dmah_batch *b, struct dmah *h,
		     uint64_t timestamp, const void *caller)
{
	int err = dmah_handle_check(dev, h, 0);

	if (!err)
		err = dmah_check_unmap(dev, h);
	if (!err) {
		dmah_history_unmap(dev, h);
		err = dmah_iommu_batch_start_any(dev, b, h, timestamp);
	}
	if (!err)
		return DMAH_OK;
	return dmah_report_misuse(dev, err,
				  err == DMAH_ESTALE ? "unmap of a mapping that is not live"
						     : "unmap with a handle that does not fit",
				  h->dma, caller);
}

int dmah_unmap_start(struct dmah_device *dev, struct dmah_batch *b, struct dmah *const *h,
		     uint32_t n)
{
	int first = DMAH_OK, err;
	uint64_t timestamp;
	bool later;

	if (!dev->dom)
		return DMAH_ENODEV;
	if (b->n || n > b->max || (n && !b->h))
		return dmah_report_misuse(dev, DMAH_EINVAL,
					  "a batch that is under way, or too small", b->n,
					  __builtin_return_address(0));
	later = waits(dev);
	timestamp = later ? history_timestamp_at(dmah_host_now()) : 0;
	for (uint32_t i = 0; i < n; i++) {
		if (!h[i]->meta || (later && iommu_batch_start_fast(dev, b, h[i], timestamp)))
			continue;
		err = later ? start_one(dev, b, h[i], timestamp, __builtin_return_address(0))
			    : dmah_unmap(dev, h[i]);
		first = first ? first : err;
	}
	if (b->n)
		dmah_iommu_batch_post(dev, b);
	return first;
}

int dmah_unmap_finish(struct dmah_device *dev, struct dmah_batch *b)
{
	int err;

	if (!b->n)
		return DMAH_OK;
	if (!dev->dom)
		return DMAH_ENODEV;
	err = dmah_iommu_batch_finish(dev, b);
	b->n = 0;
	return err;
}
