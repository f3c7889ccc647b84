/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The shortest way through map and unmap: a buffer of at most IOVA_CLASS_MAX granules, of a device that is coherent and
 * trusted, behind IOMMUs that see the CPU's caches and need nothing told of a new mapping. Nothing is copied, maintained
 * or waited for then, and all that there is to do is here: granules from the CPU's cache, entries, counters, handle.
 *
 * Whatever does not fit is left, unchanged, to map.c, which can do everything. Check builds always take that way, so
 * that their shadow table sees each mapping.
 */
#ifndef DMAH_BACKEND_IOMMU_PLAIN_H
#define DMAH_BACKEND_IOMMU_PLAIN_H

#include "backend/iommu/iommu.h"
#include "core/count.h"

/** plain_set() - whether a device's mappings can be plain, in a mode. */
void plain_set(struct dmah_device *dev, enum dmah_mode mode);

/**
 * plain_map_slow() - more than one granule, or the CPU's cache had none.
 *
 * Return: whether the mapping was made; else nothing has changed.
 */
bool plain_map_slow(struct dmah_device *dev, struct dmah *h, dmah_phys_t phys, uint64_t len,
		    enum dmah_dir dir, uint32_t attrs);

/** plain_unmap_slow() - the same for unmap. @err: what it returns, where it was done. */
bool plain_unmap_slow(struct dmah_device *dev, struct dmah *h, int *err);

/** plain_find() - the first of the @n entries of a handle's plain mapping; NULL where it is not a live one. */
uint64_t *plain_find(const struct dmah_device *dev, const struct dmah *h, uint32_t *index,
		     uint32_t *n);

/** plain_clear() - clear entries of one leaf table. */
void plain_clear(const struct dmah_domain *dom, uint64_t *pte, uint32_t n);

/** plain_device() - whether mappings with these properties can be plain; what their handles' meta is then, but for @dir. */
static inline uint32_t plain_device(const struct dmah_device *dev, enum dmah_dir dir,
				    uint32_t attrs)
{
	return (unsigned int)dir - 1 <= DMAH_BIDIRECTIONAL - 1 && !attrs
		       ? __atomic_load_n(&dev->plain, __ATOMIC_RELAXED)
		       : 0;
}

/** plain_map() - Return: whether the mapping was made; else nothing has changed but words of an idle handle. */
static inline bool plain_map(struct dmah_device *dev, struct dmah *h, dmah_phys_t phys,
			     uint64_t len, enum dmah_dir dir, uint32_t attrs)
{
	uint32_t meta = plain_device(dev, dir, attrs);
	struct dmah_domain *dom = dev->dom;
	uint64_t offset = phys & GRANULE_MASK, entry;
	struct iova_entry slot;
	struct dmah_cpu *cpu;
	unsigned long flags;

	/* A length of 0 wraps round, and is too much too. */
	if (!meta || h->meta || len - 1 > GRANULE_MASK - offset || phys > dom->phys_last)
		return false;
	/* The handle is idle as long as its meta is 0; whoever takes over from here fills or clears it. */
	h->phys = phys;
	h->len = (uint32_t)len;
	cpu = dom->cpu[dmah_host_enter(&flags)];
	if (!cache_take(&cpu->cache.ring[0], &slot)) {
		dmah_host_leave(flags);
		return false;
	}
	/* What is left in a cleared entry is the generation of its next mapping. */
	entry = (phys - offset) | dom->pt.leaf.prot[dir] | pt_load(slot.pte);
	pt_store_set(slot.pte, entry);
	dmah_host_wmb();
	count_add(&count_here(dev, cpu)->maps, 1);
	dmah_host_leave(flags);
	h->dma = iommu_iova(dom, slot.first) + offset;
	h->be = entry;
	h->meta = meta | (uint32_t)dir;
	return true;
}

/** plain_unmap() - in lazy mode. Return: whether the mapping was ended; else nothing has changed. */
static inline bool plain_unmap(struct dmah_device *dev, struct dmah *h)
{
	uint32_t kind = h->meta & ~META_DIR;
	struct dmah_domain *dom = dev->dom;
	const struct pt_leaf *leaf;
	struct iova_ring *ring;
	struct dmah_cpu *cpu;
	unsigned long flags;
	uint64_t index, *pte;
	uint32_t in;

	/* An idle handle, where no mapping can be plain, is not one. */
	if (!kind || kind != dev->plain)
		return false;
	index = (h->dma - dom->cfg.aperture_base) >> PT_GRANULE_SHIFT;
	if (index >= dom->granules)
		return false;
	pte = entries_any(dom, (uint32_t)index);
	leaf = &dom->pt.leaf;
	/* Address, permissions and generation at once. */
	if (pt_load(pte) != h->be || !pt_present(leaf, h->be))
		return false;
	cpu = dom->cpu[dmah_host_enter(&flags)];
	ring = &cpu->cache.ring[0];
	if (!cache_room(ring, &in)) {
		dmah_host_leave(flags);
		return false;
	}
	pt_store_clear(pte, pt_cleared(leaf, h->be));
	dmah_host_wmb();
	cache_put(ring, in, pte, (uint32_t)index);
	count_add(&count_here(dev, cpu)->unmaps, 1);
	dmah_host_leave(flags);
	handle_clear(h);
	return true;
}

#endif /* DMAH_BACKEND_IOMMU_PLAIN_H */
