/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A range allocator over a bitmap, for IOVA granules of an aperture and slots of a bounce pool.
 *
 * Each unit has one bit (1: taken), and each full word of 64 has one summary bit. Freeing allocates
 * nothing, and every size and alignment is possible. The owner's lock must be held for all calls.
 */
#ifndef DMAH_RANGE_H
#define DMAH_RANGE_H

#include <dmah/types.h>

/**
 * struct range - the allocator.
 * @bits: one bit for each unit.
 * @full: one bit for each word of @bits without a free unit.
 * @size: number of units.
 * @used: number of taken units, including reserved ones.
 * @none: so many neighbouring units are not free, since a search found none and nothing was freed since: the next one of that
 *	size need not search.
 */
struct range {
	uint64_t *bits;
	uint64_t *full;
	uint32_t size;
	uint32_t used;
	uint32_t none;
};

/**
 * RANGE_STEP() - called for each word that a call reads or writes. A build of a test defines another one, which counts.
 */
#ifndef RANGE_STEP
#define RANGE_STEP() ((void)0)
#endif

/**
 * RANGE_STEPS() - the most words that dmah_range_alloc() reads and writes in a bitmap of @size units, to find @n units. The
 * bound holds for all contents of the bitmap, alignments and boundaries. A search does not look at single units: 4 GiB of IOVAs
 * take 33,024 steps at most, one after the other in 130 KiB of memory.
 */
#define RANGE_STEPS(size, n) (((size) + 63) / 64 * 2 + ((size) + 4095) / 4096 + ((n) + 126) / 64)

/** RANGE_NONE - not a unit. */
#define RANGE_NONE UINT32_MAX

/** dmah_range_memory() - return the bytes of bookkeeping for @size units, a multiple of 8. */
size_t dmah_range_memory(uint32_t size);

/**
 * dmah_range_init() - set up an allocator with all units free.
 * @memory: dmah_range_memory(@size) bytes, aligned to 8.
 * @size: number of units, 1 to 2^28.
 */
void dmah_range_init(struct range *r, void *memory, uint32_t size);

/**
 * dmah_range_alloc() - take @n neighbouring units.
 * @n: number of units, not 0.
 * @align: the first unit is a multiple of this (plus @skew), a power of two.
 * @skew: remainder of the first unit modulo @align.
 * @boundary: the units do not cross a multiple of this (counted from @base_offset below unit 0), a
 *	power of two; 0: no such limit.
 * @base_offset: unit 0 lies this many units above a multiple of @boundary and of @align.
 * @limit: units at and above this are not taken.
 *
 * Takes up to RANGE_STEPS() steps.
 *
 * Return: the first unit, or RANGE_NONE.
 */
uint32_t dmah_range_alloc(struct range *r, uint32_t n, uint32_t align, uint32_t skew,
			  uint64_t boundary, uint64_t base_offset, uint32_t limit);

/**
 * dmah_range_free() - free @n units. Returns false, and changes nothing, if one of them is already
 * free.
 */
bool dmah_range_free(struct range *r, uint32_t first, uint32_t n);

/**
 * dmah_range_take() - take exactly these units. Returns false, and changes nothing, if one of them
 * is taken.
 */
bool dmah_range_take(struct range *r, uint32_t first, uint32_t n);

/** dmah_range_is_free() - Returns true if none of @n units is taken. */
bool dmah_range_is_free(const struct range *r, uint32_t first, uint32_t n);

/**
 * dmah_range_free_in_word() - free units that lie in one word of the bitmap: @word * 64 plus the number of each bit of @mask. Units
 * that are free already stay so.
 */
void dmah_range_free_in_word(struct range *r, uint32_t word, uint64_t mask);

#endif /* DMAH_RANGE_H */
