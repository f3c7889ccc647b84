/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The IOVA allocator: granules of an aperture, by index from its base.
 *
 * Small sizes (1, 2, 4, ... 32 granules: 128 KiB) come from a cache for each CPU (cache.h). A cache
 * is filled with aligned groups of 8 granules, so that the page-table entries of one CPU do not
 * share cache lines with another CPU's. All other sizes come from the depot, a bitmap.
 *
 * The caller holds the CPU's lock for the CPU's cache. The depot has its own lock, which these
 * functions take.
 */
#ifndef DMAH_IOVA_H
#define DMAH_IOVA_H

#include <dmah/host.h>
#include "iova/range.h"

#define IOVA_CLASSES   6u
#define IOVA_CLASS_MAX (1u << (IOVA_CLASSES - 1))
/** IOVA_BLOCK - the class of IOVA_BLOCK_SIZE granules, a leaf table's: a block entry maps them. */
#define IOVA_BLOCK	IOVA_CLASSES
#define IOVA_BLOCK_SIZE 512u
/** IOVA_RINGS - the classes of which a CPU keeps granules. */
#define IOVA_RINGS (IOVA_CLASSES + 1)
/**
 * IOVA_RUN - smallest number of granules that a CPU gets at once: a cache line of page-table
 * entries.
 */
#define IOVA_RUN 8u
/** IOVA_DEPTH - largest number of entries of a class that a CPU keeps, if the cache has room. */
#define IOVA_DEPTH 8192u

/**
 * struct iova - the allocator of one aperture.
 * @lock: protects the depot.
 * @depot: one bit for each granule.
 * @quarantine: one bit for each granule whose invalidation was not confirmed; such a granule is
 *	taken in @depot.
 * @quarantined: number of granules in quarantine.
 * @quarantine_seq: number of the last flush begun before a granule was put in quarantine.
 * @depth: entries of each class that a CPU may keep.
 * @limit: granules at and above this index are not handed out.
 * @base_granule: the aperture's base, in granules from IOVA 0.
 */
struct iova {
	struct dmah_lock lock;
	struct range depot;
	uint64_t *quarantine;
	uint32_t quarantined;
	uint32_t quarantine_seq;
	uint32_t depth[IOVA_RINGS];
	uint32_t limit;
	uint64_t base_granule;
};

/** dmah_iova_memory() - return the bytes of bookkeeping for @granules. */
size_t dmah_iova_memory(uint32_t granules);

/**
 * dmah_iova_init() - set up an allocator with @granules free granules.
 * @memory: dmah_iova_memory() bytes, zeroed, aligned to 8.
 */
void dmah_iova_init(struct iova *iova, void *memory, uint32_t granules, uint64_t base_granule,
		    unsigned int cpus);

/** dmah_iova_cut() - stop handing out granules at and above @granules. */
void dmah_iova_cut(struct iova *iova, uint32_t granules, unsigned int cpus);

/** iova_class() - return the size class of @n granules, 1 to IOVA_CLASS_MAX. */
static inline unsigned int iova_class(uint32_t n)
{
	return n <= 1 ? 0 : 32u - (unsigned int)__builtin_clz(n - 1);
}

/** iova_class_size() - return the granules of a class. */
static inline uint32_t iova_class_size(unsigned int class)
{
	return class < IOVA_CLASSES ? 1u << class : IOVA_BLOCK_SIZE;
}

/**
 * dmah_iova_get_small() - allocate iova_class_size() granules, aligned to their number. Return: the first
 * granule, or RANGE_NONE.
 */
uint32_t dmah_iova_get_small(struct iova *iova, unsigned int class);

/**
 * dmah_iova_get_large() - allocate any number of granules from the depot.
 * @align: a power of two.
 * @skew: remainder of the first granule's IOVA modulo @align, in granules.
 * @boundary: the range must not cross a multiple of this, in granules, a power of two; 0: no such
 *	limit.
 *
 * Takes up to RANGE_STEPS() steps with the depot's lock held: two words for each 64 granules of the aperture, whatever is mapped
 * in it and however it is fragmented.
 */
uint32_t dmah_iova_get_large(struct iova *iova, uint32_t n, uint32_t align, uint32_t skew,
			     uint64_t boundary);

/** dmah_iova_put_large() - free granules from dmah_iova_get_large(). */
void dmah_iova_put_large(struct iova *iova, uint32_t first, uint32_t n);

/** dmah_iova_take() - allocate exactly these granules. Returns false if one of them is taken. */
bool dmah_iova_take(struct iova *iova, uint32_t first, uint32_t n);

/**
 * dmah_iova_quarantine() - keep these granules taken until dmah_iova_leave_quarantine().
 * @flushes: number of the last flush begun. Read with the lock held: a flush that begins later finds the granules.
 */
void dmah_iova_quarantine(struct iova *iova, uint32_t first, uint32_t n, const uint32_t *flushes);

/** dmah_iova_next_quarantined() - Returns the first granule in quarantine from @from on, or RANGE_NONE; @n: how many from there. */
uint32_t dmah_iova_next_quarantined(struct iova *iova, uint32_t from, uint32_t *n);

/**
 * dmah_iova_leave_quarantine() - take the next granule out of quarantine. The granule stays
 * allocated, and the caller owns it.
 * @from: first granule to search; 0 for the first call.
 * @seq: number of a confirmed flush. No granule leaves if one was put in quarantine after that
 *	flush began.
 *
 * Return: the granule, or RANGE_NONE.
 */
uint32_t dmah_iova_leave_quarantine(struct iova *iova, uint32_t from, uint32_t seq);

#endif /* DMAH_IOVA_H */
