/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Loops over the entries of an extent that lies in one leaf table, four entries a turn: these loops are most of what a mapping of
 * several granules costs. Entry number i of an extent holds its value plus i granules.
 */
#ifndef DMAH_PT_EXTENT_H
#define DMAH_PT_EXTENT_H

#include "pt/pt.h"

/*
 * Load an entry to compare it. Which of several CPUs ends a mapping is decided by leaf_end() of its first entry, never by such a
 * load.
 */
static inline uint64_t extent_load(const uint64_t *entry)
{
#if UINTPTR_MAX > 0xffffffffu
	return hint_load(entry);
#else
	return pt_load(entry);
#endif
}

/** extent_generations() - Returns the bits of @gen_bits that are not the same in all of @n entries. @n: not 0. */
static inline uint64_t extent_generations(const uint64_t *pte, uint32_t n, uint64_t gen_bits)
{
	uint64_t some = 0, all = ~0ull;
	const uint64_t *end = pte + n;

	for (; n & 3; n--, pte++) {
		some |= extent_load(pte);
		all &= extent_load(pte);
	}
	for (; pte != end; pte += 4) {
		some |= extent_load(pte) | extent_load(pte + 1) | extent_load(pte + 2) |
			extent_load(pte + 3);
		all &= extent_load(pte) & extent_load(pte + 1) & extent_load(pte + 2) &
		       extent_load(pte + 3);
	}
	return (some ^ all) & gen_bits;
}

/** extent_differs() - Returns the bits in which any of @n entries is another than @value and what follows it. */
static inline uint64_t extent_differs(const uint64_t *pte, uint32_t n, uint64_t value)
{
	const uint64_t *end = pte + n;
	uint64_t differ = 0;

	for (; n & 3; n--, value += PT_GRANULE)
		differ |= extent_load(pte++) ^ value;
	for (; pte != end; pte += 4, value += 4 * PT_GRANULE) {
		differ |= extent_load(pte) ^ value;
		differ |= extent_load(pte + 1) ^ (value + PT_GRANULE);
		differ |= extent_load(pte + 2) ^ (value + 2 * PT_GRANULE);
		differ |= extent_load(pte + 3) ^ (value + 3 * PT_GRANULE);
	}
	return differ;
}

/** extent_set() - write @n present entries, @value and what follows it, over entries that are not present. */
static inline void extent_set(uint64_t *pte, uint32_t n, uint64_t value)
{
	uint64_t *end = pte + n;

	for (; n & 3; n--, value += PT_GRANULE)
		leaf_set(pte++, value);
	for (; pte != end; pte += 4, value += 4 * PT_GRANULE) {
		leaf_set(pte, value);
		leaf_set(pte + 1, value + PT_GRANULE);
		leaf_set(pte + 2, value + 2 * PT_GRANULE);
		leaf_set(pte + 3, value + 3 * PT_GRANULE);
	}
}

/** extent_clear() - write @cleared over @n entries that no other CPU writes. */
static inline void extent_clear(uint64_t *pte, uint32_t n, uint64_t cleared)
{
	uint64_t *end = pte + n;

	for (; n & 3; n--)
		leaf_clear(pte++, cleared);
	for (; pte != end; pte += 4) {
		leaf_clear(pte, cleared);
		leaf_clear(pte + 1, cleared);
		leaf_clear(pte + 2, cleared);
		leaf_clear(pte + 3, cleared);
	}
}

#endif /* DMAH_PT_EXTENT_H */
