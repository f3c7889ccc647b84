/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The IOVA allocator: granules of an aperture, by index from its base.
 *
 * Small sizes (1, 2, 4, ... 32 granules: 128 KiB) come from what each CPU keeps (cache.h), filled from aligned runs of 8, so that a
 * CPU's entries lie in cache lines of page table of its own. All else comes from the depot, a bitmap.
 * Locks: what a CPU keeps under the CPU's lock, which the caller holds; the depot under its own, taken here.
 */
#ifndef DMAH_IOVA_H
#define DMAH_IOVA_H

#include <dmah/host.h>
#include "iova/range.h"

#define IOVA_CLASSES   6u
#define IOVA_CLASS_MAX (1u << (IOVA_CLASSES - 1))
/** IOVA_RUN - fewest granules that a CPU gets at one time: a cache line of page table. */
#define IOVA_RUN 8u
/** IOVA_DEPTH - most entries of a class that a CPU keeps, where it has room for so many. */
#define IOVA_DEPTH 8192u

/**
 * struct iova - one aperture's allocator.
 * @lock: the depot's.
 * @depot: one bit a granule.
 * @quarantine: one bit a granule whose invalidation was not confirmed; such a granule is taken in @depot.
 * @quarantined: granules there.
 * @quarantine_seq: the number of the last flush begun before something was put there.
 * @depth: entries of each class that a CPU may keep.
 * @limit: granules at and above this are not handed out.
 * @base_granule: the aperture's base, in granules from IOVA 0.
 */
struct iova {
	struct dmah_lock lock;
	struct range depot;
	uint64_t *quarantine;
	uint32_t quarantined;
	uint32_t quarantine_seq;
	uint32_t depth[IOVA_CLASSES];
	uint32_t limit;
	uint64_t base_granule;
};

/** dmah_iova_memory() - bytes of bookkeeping for @granules. */
size_t dmah_iova_memory(uint32_t granules);

/** dmah_iova_init() - all of @granules free. @memory: dmah_iova_memory() bytes, zeroed, aligned to 8. */
void dmah_iova_init(struct iova *iova, void *memory, uint32_t granules, uint64_t base_granule,
		    unsigned int cpus);

/** dmah_iova_cut() - from now on nothing at or above @granules is handed out. */
void dmah_iova_cut(struct iova *iova, uint32_t granules, unsigned int cpus);

/** iova_class() - the class of @n granules, 1 to IOVA_CLASS_MAX. */
static inline unsigned int iova_class(uint32_t n)
{
	return n <= 1 ? 0 : 32u - (unsigned int)__builtin_clz(n - 1);
}

/** dmah_iova_get_small() - 1 << @class granules, aligned to their number. Return: the first, or RANGE_NONE. */
uint32_t dmah_iova_get_small(struct iova *iova, unsigned int class);

/**
 * dmah_iova_get_large() - granules from the depot, of any number.
 * @align: a power of two.
 * @skew: what the first granule's IOVA is modulo @align, in granules.
 * @boundary: no multiple of this is crossed, in granules, a power of two; 0: none.
 */
uint32_t dmah_iova_get_large(struct iova *iova, uint32_t n, uint32_t align, uint32_t skew,
			     uint64_t boundary);

/** dmah_iova_put_large() - give the granules of dmah_iova_get_large() back. */
void dmah_iova_put_large(struct iova *iova, uint32_t first, uint32_t n);

/** dmah_iova_take() - take these very granules. Return: false where one is taken. */
bool dmah_iova_take(struct iova *iova, uint32_t first, uint32_t n);

/**
 * dmah_iova_quarantine() - these granules must not be handed out before dmah_iova_leave_quarantine().
 * @seq: the number of the last flush begun.
 */
void dmah_iova_quarantine(struct iova *iova, uint32_t first, uint32_t n, uint32_t seq);

/**
 * dmah_iova_leave_quarantine() - take the next granule out of quarantine; it stays taken, and is the caller's.
 * @from: where to look on, 0 at first.
 * @seq: a confirmed flush: nothing leaves if anything was put in quarantine after it began.
 *
 * Return: the granule, or RANGE_NONE.
 */
uint32_t dmah_iova_leave_quarantine(struct iova *iova, uint32_t from, uint32_t seq);

#endif /* DMAH_IOVA_H */
