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
			      uint64_t boundary, unsigned int attempt);
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

/** dmah_iommu_find_partial() - find the parts of a buffer that must bounce. Return: 0, DMAH_ERANGE, DMAH_ENOPOOL, DMAH_EPERM. */
int dmah_iommu_find_partial(const struct dmah_device *dev, const struct map_req *req,
			    struct partial *partial);

/** dmah_iommu_get_slots() - the bounce slots of a buffer. Return: 0, or an error with none taken. */
int dmah_iommu_get_slots(struct dmah_device *dev, const struct map_req *req,
			 const struct partial *partial, uint64_t *backend);

/** dmah_iommu_put_slots() - give back slots that no entry has led to. */
void dmah_iommu_put_slots(struct dmah_device *dev, uint64_t backend);

/** dmah_iommu_drop_slots() - give back the slots of a failed map; into quarantine unless its undo was @confirmed. */
void dmah_iommu_drop_slots(struct dmah_device *dev, uint64_t backend, bool confirmed);

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
 * struct unmap_release - how the range and the slots of an unmap become free.
 * @defer: through the lazy queue; else at once, or into quarantine where the hardware did not confirm.
 * @err: 0, DMAH_ETIMEDOUT.
 */
struct unmap_release {
	bool defer;
	int err;
};

/** dmah_iommu_release_wait() - choose between the lazy queue and a wait for the invalidation, and wait. */
void dmah_iommu_release_wait(struct dmah_device *dev, uint32_t first, uint32_t n, bool strict,
			     struct unmap_release *release);

/** dmah_iommu_release_buffer() - sync the buffer for the CPU and release its bounce slots. */
void dmah_iommu_release_buffer(struct dmah_device *dev, const struct dmah *h,
			       struct unmap_release *release);

/** dmah_iommu_release_granules() - release the IOVA range: now, at the next flush, or into quarantine. */
void dmah_iommu_release_granules(struct dmah_device *dev, uint32_t first, uint32_t n,
				 struct unmap_release *release);

/**
 * dmah_iommu_undo_map() - roll back a failed map: clear the first @set entries and invalidate before the IOVA is reused.
 *
 * Return: false where the hardware did not confirm: the range is in quarantine, and so must be the slots that it led to.
 */
bool dmah_iommu_undo_map(struct dmah_device *dev, uint32_t first, uint32_t n, uint32_t set);

/**
 * dmah_iommu_end() - clear the entries of a handle's mapping; the caller then invalidates them.
 * @timestamp: history_timestamp_at().
 *
 * Return: false where another CPU has ended the mapping: nothing has changed.
 */
bool dmah_iommu_end(struct dmah_domain *dom, const struct dmah *h, uint64_t timestamp);

/**
 * dmah_iommu_goes_on() - Returns true if a mapping that has granule @index - 1 goes on behind it: at once, or behind a gap
 *	that keeps a list's next piece off a boundary.
 */
bool dmah_iommu_goes_on(const struct dmah_device *dev, uint32_t index);

/* As the entries of the same name in backend_ops. */
int dmah_iommu_map(struct dmah_device *dev, struct dmah *h, const struct map_req *req);
int dmah_iommu_check(struct dmah_device *dev, const struct dmah *h);
int dmah_iommu_unmap(struct dmah_device *dev, struct dmah *h, bool strict);

#endif /* DMAH_BACKEND_IOMMU_MAP_H */
