/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Steps of a mapping that vectors, lists, rings and batches share.
 */
#ifndef DMAH_BACKEND_IOMMU_MAP_H
#define DMAH_BACKEND_IOMMU_MAP_H

#include "backend/iommu/entries.h"
#include "backend/iommu/flush.h"

/**
 * dmah_iommu_take_iova() - granules for a mapping, written by nobody else until they are released.
 * @align, @skew, @boundary: as dmah_iova_get_large(), for more than IOVA_CLASS_MAX granules.
 * @attempt: 0; then 1, 2, 3 after failures: drain what CPUs keep, flush, take from the reserve.
 *
 * Return: index, or RANGE_NONE.
 */
uint32_t dmah_iommu_take_iova(struct dmah_device *dev, uint32_t n, uint32_t align, uint32_t skew,
			      uint32_t boundary, unsigned int attempt);
#define IOMMU_ATTEMPTS 4u

/**
 * struct partial - how a buffer lies in granules, and which of them bounce.
 * @n: granules.
 * @head_len: bytes that the head slot stands in for; 0: no head slot.
 * @tail_len: bytes that the tail slot stands in for.
 */
struct partial {
	uint32_t n;
	uint32_t head_len;
	uint32_t tail_len;
};

/** dmah_iommu_find_partial() - what of a buffer must bounce. Return: 0, DMAH_ERANGE, DMAH_ENOPOOL. */
int dmah_iommu_find_partial(const struct dmah_device *dev, const struct map_req *req,
			    struct partial *edges);

/** dmah_iommu_get_slots() - the bounce slots of a buffer. Return: 0, or an error with none taken. */
int dmah_iommu_get_slots(struct dmah_device *dev, const struct map_req *req,
			 const struct partial *edges, uint64_t *backend);

/** dmah_iommu_put_slots() - give them back; nothing ever led a device to them. */
void dmah_iommu_put_slots(struct dmah_device *dev, uint64_t backend);

/**
 * dmah_iommu_extents() - the up to three runs of a handle's granules: head slot, memory, tail slot.
 * @index: of the first granule.
 * @gen: its generation.
 * @cont: it continues a vector.
 *
 * Return: how many.
 */
unsigned int dmah_iommu_extents(const struct dmah_domain *dom, const struct dmah *h, uint32_t index,
				uint32_t gen, bool cont, struct extent runs[3]);

/**
 * struct unmap_release - the way home of what an unmap has cleared.
 * @defer: by the lazy queue; else at once, or into quarantine where the hardware did not confirm.
 * @err: 0, DMAH_ETIMEDOUT.
 */
struct unmap_release {
	bool defer;
	int err;
};

/** dmah_iommu_release_wait() - choose the way and, if it is not the queue's, wait for the invalidation. */
void dmah_iommu_release_wait(struct dmah_device *dev, uint32_t first, uint32_t n, bool strict,
			     struct unmap_release *release);

/** dmah_iommu_release_buffer() - a buffer is the CPU's again, and its slots go their way. */
void dmah_iommu_release_buffer(struct dmah_device *dev, const struct dmah *h,
			       struct unmap_release *release);

/** dmah_iommu_release_granules() - and the granules. */
void dmah_iommu_release_granules(struct dmah_device *dev, uint32_t first, uint32_t n,
				 struct unmap_release *release);

/** dmah_iommu_undo_map() - entries were written and no one was told: they go before anything else may use their IOVA. */
void dmah_iommu_undo_map(struct dmah_device *dev, uint32_t first, uint32_t n, uint32_t set);

#endif /* DMAH_BACKEND_IOMMU_MAP_H */
