/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Batches behind an IOMMU, in strict mode: entries are cleared and invalidations posted first, all else comes after.
 */
#ifndef DMAH_BACKEND_IOMMU_BATCH_H
#define DMAH_BACKEND_IOMMU_BATCH_H

#include "backend/iommu/fast.h"

/** dmah_iommu_batch_start_many() - the same for one of several granules. */
bool dmah_iommu_batch_start_many(struct dmah_device *dev, struct dmah_batch *b, struct dmah *h,
				 uint64_t timestamp);

/**
 * iommu_batch_start_fast() - put a fast mapping into a batch and clear its entries. @timestamp: history_timestamp_at().
 *
 * Return: false where the handle is not that of a live fast mapping.
 */
static inline bool iommu_batch_start_fast(struct dmah_device *dev, struct dmah_batch *b,
					  struct dmah *h, uint64_t timestamp)
{
	const struct dmah_domain *dom = dev->dom;
	uint32_t index;
	uint64_t *pte;

	if (!fast_entry(dom, h, dev->fast, &pte, &index))
		return dmah_iommu_batch_start_many(dev, b, h, timestamp);
	if (!leaf_end(pte, h->backend, pt_cleared_one(&dom->pt.leaf, h->backend) | timestamp))
		return false;
	b->h[b->n++] = *h;
	handle_clear(h);
	return true;
}

/**
 * dmah_iommu_batch_start_any() - put any other mapping, whose handle was checked, into a batch, and clear its entries.
 *
 * Return: 0; DMAH_ESTALE where another CPU has ended it.
 */
int dmah_iommu_batch_start_any(struct dmah_device *dev, struct dmah_batch *b, struct dmah *h,
			       uint64_t timestamp);

/** dmah_iommu_batch_post() - post the invalidations of a batch's mappings. */
void dmah_iommu_batch_post(struct dmah_device *dev, struct dmah_batch *b);

/** dmah_iommu_batch_finish() - wait, and release every range and slot of a batch. Return: 0, DMAH_ETIMEDOUT. */
int dmah_iommu_batch_finish(struct dmah_device *dev, struct dmah_batch *b);

#endif /* DMAH_BACKEND_IOMMU_BATCH_H */
