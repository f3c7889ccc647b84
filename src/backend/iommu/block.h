/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The fast path of a mapping of exactly 2 MiB, aligned, which is one block entry. Each CPU keeps chunks of 2 MiB without a leaf
 * table in a ring, as it keeps smaller sizes; the directory of the tables above leads to their entries. What the fast path makes
 * is what the general path (map.c) would make, so that either of them can end it.
 */
#ifndef DMAH_BACKEND_IOMMU_BLOCK_H
#define DMAH_BACKEND_IOMMU_BLOCK_H

#include "backend/iommu/entries.h"

#define BLOCK_BYTES (1u << PT_LEAF_SHIFT)

/** dmah_block_map() - map 2 MiB. Return: false where they were not mapped: nothing has changed. */
bool dmah_block_map(struct dmah_device *dev, struct dmah *h, dmah_phys_t phys, enum dmah_dir dir,
		    const void *caller);

/**
 * dmah_block_unmap() - end such a mapping.
 *
 * Return: 0; DMAH_ETIMEDOUT; DMAH_ESTALE where the general path must decide: nothing has changed.
 */
int dmah_block_unmap(struct dmah_device *dev, struct dmah *h);

/** block_is_handle() - Returns true if a handle may be that of a block. */
static inline bool block_is_handle(const struct dmah *h)
{
	return h->len == BLOCK_BYTES && meta_kind(h->meta) == DMAH_BACKEND_IOMMU;
}

#endif /* DMAH_BACKEND_IOMMU_BLOCK_H */
