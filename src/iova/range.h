/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A range allocator over a bitmap: IOVA granules of an aperture, slots of a bounce pool.
 *
 * One bit a unit (1: taken) and one summary bit for each full word of 64. Freeing allocates nothing, and every
 * size and alignment is possible. All calls are made under the owner's lock.
 */
#ifndef DMAH_RANGE_H
#define DMAH_RANGE_H

#include <dmah/types.h>

/**
 * struct range - the allocator.
 * @bits: one bit a unit.
 * @full: one bit for each word of @bits that has no free unit.
 * @size: units.
 * @used: units taken, reserved ones included.
 */
struct range {
	uint64_t *bits;
	uint64_t *full;
	uint32_t size;
	uint32_t used;
};

/** RANGE_NONE - no unit. */
#define RANGE_NONE UINT32_MAX

/** dmah_range_memory() - bytes of bookkeeping for @size units, a multiple of 8. */
size_t dmah_range_memory(uint32_t size);

/**
 * dmah_range_init() - all units free.
 * @memory: dmah_range_memory(@size) bytes, aligned to 8.
 * @size: units, 1 to 2^28.
 */
void dmah_range_init(struct range *r, void *memory, uint32_t size);

/**
 * dmah_range_alloc() - take @n neighbouring units.
 * @n: how many, not 0.
 * @align: the first is a multiple of this (plus @skew), a power of two.
 * @skew: what the first unit is modulo @align.
 * @boundary: the units do not cross a multiple of this (counted from @base_offset below unit 0), a power of two; 0: none.
 * @base_offset: unit 0 lies this many units above a multiple of @boundary and of @align.
 * @limit: units at and above this are not taken.
 *
 * Return: the first unit, or RANGE_NONE.
 */
uint32_t dmah_range_alloc(struct range *r, uint32_t n, uint32_t align, uint32_t skew,
			  uint64_t boundary, uint64_t base_offset, uint32_t limit);

/** dmah_range_free() - give @n units back. Return: false where one of them was free already: nothing is changed then. */
bool dmah_range_free(struct range *r, uint32_t first, uint32_t n);

/** dmah_range_take() - take these very units. Return: false where one of them is taken: nothing is changed then. */
bool dmah_range_take(struct range *r, uint32_t first, uint32_t n);

/** dmah_range_is_free() - whether none of @n units is taken. */
bool dmah_range_is_free(const struct range *r, uint32_t first, uint32_t n);

#endif /* DMAH_RANGE_H */
