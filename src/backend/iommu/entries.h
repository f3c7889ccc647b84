/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Extents of page-table entries: write, compare, clear.
 */
#ifndef DMAH_BACKEND_IOMMU_ENTRIES_H
#define DMAH_BACKEND_IOMMU_ENTRIES_H

#include "backend/iommu/iommu.h"

/**
 * struct extent - neighbouring granules that map neighbouring memory.
 * @first: index of the first granule.
 * @n: granules.
 * @phys: physical address that the first granule maps, granule-aligned.
 * @dir: direction of the mapping, and so the device's permissions.
 * @gen: the mapping's generation.
 * @attrs: enum dmah_attr.
 * @cont: the extent continues a mapping that began before it.
 * @ring: the extent lies in a ring: its entries carry the mark @more of struct pt_leaf beside @cont.
 */
struct extent {
	uint32_t first;
	uint32_t n;
	dmah_phys_t phys;
	enum dmah_dir dir;
	uint32_t gen;
	uint32_t attrs;
	bool cont;
	bool ring;
};

/** dmah_entries_next_gen() - the generation of the next mapping of @n granules, none of which is mapped. */
uint32_t dmah_entries_next_gen(struct dmah_domain *dom, uint32_t first, uint32_t n);

/**
 * dmah_entries_set() - write an extent, none of whose entries is present.
 * @dev: the device, whose coherency chooses the memory type.
 * @flags: enum dmah_alloc_flags for table pages.
 * @set: granules written, from the first, also where the call fails half-way: the caller takes them back.
 *
 * Return: 0, DMAH_ENOMEM.
 */
int dmah_entries_set(const struct dmah_device *dev, const struct extent *run, unsigned int flags,
		     uint32_t *set);

/** dmah_entries_make_leaf() - a leaf table over a granule. Return: 0, DMAH_ENOMEM, DMAH_EBUSY (a block is there). */
int dmah_entries_make_leaf(struct dmah_domain *dom, uint32_t index, unsigned int flags);

/** dmah_entries_match() - Returns true if exactly this extent is mapped: every entry, its place and its generation. */
bool dmah_entries_match(const struct dmah_domain *dom, const struct extent *run);

/** dmah_entries_end_at() - Returns true if no mapping goes on at @index from the granule before it. */
bool dmah_entries_end_at(const struct dmah_domain *dom, uint32_t index);

/**
 * dmah_entries_claim() - end the first entry, leaf or block, of a mapping's first extent. Of several CPUs that unmap copies
 *	of one handle exactly one succeeds; the rest of the mapping is then its to clear.
 * @timestamp: history_timestamp_at(), or 0.
 *
 * Return: granules cleared; 0 where the entry is not the extent's any more: nothing has changed.
 */
uint32_t dmah_entries_claim(struct dmah_domain *dom, const struct extent *extent,
			    uint64_t timestamp);

/** dmah_entries_clear() - clear every entry of a range, keeping generations. @timestamp: history_timestamp_at(), or 0. */
void dmah_entries_clear(struct dmah_domain *dom, uint32_t first, uint32_t n, uint64_t timestamp);

/**
 * dmah_entries_none - stands in the directory where there is no leaf table: entries that are never present.
 *
 * Nothing changes them, but they are not const: leaf_end() of a damaged handle compares and exchanges one, and a processor may
 * demand the right to write for that even where the comparison fails.
 */
extern uint64_t dmah_entries_none[PT_TABLE_ENTRIES];

/** entries_has_leaf() - Returns true if the 2 MiB around a granule have a leaf table, so that no block can be there. */
static inline bool entries_has_leaf(const struct dmah_domain *dom, uint32_t index)
{
	return __atomic_load_n(&dom->leaf[index >> 9], __ATOMIC_ACQUIRE) != dmah_entries_none;
}

/** entries_any() - the entry of a granule, to be written only where it is present. */
static inline uint64_t *entries_any(const struct dmah_domain *dom, uint32_t index)
{
	uint64_t *table = __atomic_load_n(&dom->leaf[index >> 9], __ATOMIC_ACQUIRE);

	return &table[index & (PT_TABLE_ENTRIES - 1)];
}

/** entries_leaf() - the entry of a granule; NULL where it has no leaf table (a block, or nothing). */
static inline uint64_t *entries_leaf(const struct dmah_domain *dom, uint32_t index)
{
	return entries_has_leaf(dom, index) ? entries_any(dom, index) : NULL;
}

/** entries_block_table() - the place in the directory of the table whose entries map the 2 MiB each around a granule. */
static inline uint64_t **entries_block_table(const struct dmah_domain *dom, uint32_t index)
{
	return &dom->block[(iommu_iova(dom, index) >> PT_1G_SHIFT) -
			   (dom->cfg.aperture_base >> PT_1G_SHIFT)];
}

/** entries_block() - the entry of the 2 MiB around a granule, which may be a table's; not to be written where it is not ready. */
static inline uint64_t *entries_block(const struct dmah_domain *dom, uint32_t index)
{
	uint64_t *table = __atomic_load_n(entries_block_table(dom, index), __ATOMIC_ACQUIRE);

	return &table[iommu_iova(dom, index) >> PT_LEAF_SHIFT & (PT_TABLE_ENTRIES - 1)];
}

/** entries_block_is_ready() - Returns true if the 2 MiB that begin at a granule have an entry for a block. */
static inline bool entries_block_is_ready(const struct dmah_domain *dom, uint32_t index)
{
	return !(index & (PT_TABLE_ENTRIES - 1)) && !entries_has_leaf(dom, index) &&
	       __atomic_load_n(entries_block_table(dom, index), __ATOMIC_ACQUIRE) !=
		       dmah_entries_none;
}

/** dmah_entries_find() - translate a granule, block or not. Return: tables visited; 0 where it is not mapped. */
unsigned int dmah_entries_find(const struct dmah_domain *dom, uint32_t index,
			       struct pt_entry *entry);

#endif /* DMAH_BACKEND_IOMMU_ENTRIES_H */
