/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The places of a vector's pieces in its range of IOVAs.
 *
 * Each piece begins on the granule after the one before it; where it would cross one of the device's boundaries it
 * begins on that. The same pieces always give the same layout, so that a scatter list can be unmapped from nothing but
 * itself.
 */
#ifndef DMAH_BACKEND_IOMMU_LAYOUT_H
#define DMAH_BACKEND_IOMMU_LAYOUT_H

#include "backend/iommu/entries.h"
#include "backend/iommu/flush.h"
#include "backend/iommu/invalidate.h"

/**
 * struct layout - so far.
 * @at: start of the last piece placed, in granules from the range's start.
 * @end: granules in all.
 */
struct layout {
	uint32_t at;
	uint32_t end;
};

/** layout_boundary() - the device's boundary in granules; 0: none that a range of at most 2^28 granules needs to mind. */
static inline uint32_t layout_boundary(uint64_t boundary)
{
	uint64_t granules = boundary >> PT_GRANULE_SHIFT;

	return granules > 1u << 28 ? 0 : (uint32_t)granules;
}

/**
 * layout_whole() - the boundary, in granules, that a whole range of @n must not cross; 0: none. A range that is longer
 *	than the boundary is aligned instead, and its pieces are placed around the multiples inside.
 */
static inline uint64_t layout_whole(uint32_t n, uint64_t boundary)
{
	uint64_t granules = boundary >> PT_GRANULE_SHIFT;

	return n <= granules ? granules : 0;
}

/** layout_place() - place the next piece, of @n granules. Return: 0, DMAH_ERANGE, DMAH_ENOSPC (too long in all). */
static inline int layout_place(struct layout *layout, uint32_t n, uint64_t boundary)
{
	uint32_t granules = layout_boundary(boundary), at = layout->end;

	if (granules) {
		if (n > granules)
			return DMAH_ERANGE;
		if ((at & (granules - 1)) + n > granules)
			at = (at + granules - 1) & ~(granules - 1);
	}
	if (at > 1u << 28 || n > (1u << 28) - at)
		return DMAH_ENOSPC;
	layout->at = at;
	layout->end = at + n;
	return DMAH_OK;
}

/** layout_align() - the alignment, in granules, that a range of @n must have for its pieces to keep off the boundary. */
static inline uint32_t layout_align(uint32_t n, uint64_t boundary)
{
	uint32_t size = n <= 1 ? 1 : 1u << (32 - __builtin_clz(n - 1)),
		 granules = layout_boundary(boundary);

	/* Small ranges are aligned to their size rounded up whatever is asked for. */
	if (!granules || n <= IOVA_CLASS_MAX)
		return 1;
	return size < granules ? size : granules;
}

#endif /* DMAH_BACKEND_IOMMU_LAYOUT_H */
