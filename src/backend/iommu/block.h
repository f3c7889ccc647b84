/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The fast path of a mapping of exactly 2 MiB, aligned, which is one block entry. Each CPU keeps a few chunks of 2 MiB that have
 * no leaf table; a map takes one of them instead of searching the aperture. What the fast path makes is what the general path
 * (map.c) would make, so that either of them can end it.
 */
#ifndef DMAH_BACKEND_IOMMU_BLOCK_H
#define DMAH_BACKEND_IOMMU_BLOCK_H

#include "backend/iommu/entries.h"

/** dmah_block_map() - map 2 MiB. Return: false where it was not mapped: nothing has changed but an idle handle's words. @err: the result. */
bool dmah_block_map(struct dmah_device *dev, struct dmah *h, dmah_phys_t phys, uint64_t len,
		    enum dmah_dir dir, const void *caller, int *err);

/** dmah_block_unmap() - end such a mapping. Return: false where the general path must: nothing has changed. @err: the result. */
bool dmah_block_unmap(struct dmah_device *dev, struct dmah *h, int *err);

/**
 * block_keep() - keep a free chunk for this CPU's maps. Context: on that CPU, with its lock.
 *
 * Return: false where the range is no chunk without a leaf table, or the CPU keeps enough: the caller frees the range.
 */
static inline bool block_keep(const struct dmah_domain *dom, struct dmah_cpu *cpu, uint32_t first,
			      uint32_t n)
{
	uint32_t fair = dom->granules / PT_TABLE_ENTRIES / 4 / dom->cfg.cpus;

	if (n != PT_TABLE_ENTRIES || first % PT_TABLE_ENTRIES ||
	    cpu->nchunks >= (fair < CPU_CHUNKS ? fair : CPU_CHUNKS) || entries_has_leaf(dom, first))
		return false;
	cpu->chunk[cpu->nchunks++] = first;
	return true;
}

/** block_drain() - free the chunks that a CPU keeps. Context: with that CPU's lock. */
static inline void block_drain(struct dmah_domain *dom, struct dmah_cpu *cpu)
{
	while (cpu->nchunks)
		dmah_iova_put_large(&dom->iova, cpu->chunk[--cpu->nchunks], PT_TABLE_ENTRIES);
}

#endif /* DMAH_BACKEND_IOMMU_BLOCK_H */
