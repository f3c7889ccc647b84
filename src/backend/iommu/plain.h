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

/** plain_attach() - what the plain mappings of a device are like. Before it maps. */
void plain_attach(struct dmah_device *dev);

/** plain_set_mode() - whether a device's mappings can be plain, in a mode. */
void plain_set_mode(struct dmah_device *dev, enum dmah_mode mode);

/**
 * plain_map_slow() - more than one granule, or the CPU's cache had none.
 *
 * Return: whether the mapping was made; else nothing has changed.
 */
bool plain_map_slow(struct dmah_device *dev, struct dmah *h, dmah_phys_t phys, uint64_t len,
		    enum dmah_dir dir, const void *caller);

/** plain_unmap_slow() - a plain mapping of any size. @err: what unmap returns, where it was one. Return: whether it was. */
bool plain_unmap_slow(struct dmah_device *dev, struct dmah *h, int *err);

/** plain_find() - the first of the @n entries of a handle's plain mapping; NULL where it is not a live one. */
uint64_t *plain_find(const struct dmah_device *dev, const struct dmah *h, uint32_t *index,
		     uint32_t *n);

/** plain_clear() - clear entries of one leaf table. @note: history_note(). */
void plain_clear(const struct dmah_domain *dom, uint64_t *pte, uint32_t n, uint64_t note);

/** plain_dir() - whether a direction is one. */
static inline bool plain_dir(enum dmah_dir dir)
{
	return (unsigned int)dir - 1 < DMAH_BIDIRECTIONAL;
}

/**
 * plain_map() - one granule, where this CPU's cache has one. @caller: for the history.
 *
 * Return: whether the mapping was made; else nothing has changed but words of an idle handle.
 */
static inline bool plain_map(struct dmah_device *dev, struct dmah *h, dmah_phys_t phys,
			     uint64_t len, enum dmah_dir dir, const void *caller)
{
	struct dmah_domain *dom = dev->dom;
	uint64_t offset = phys & GRANULE_MASK, entry, gen;
	dmah_addr_t dma;
	struct iova_entry slot;
	struct dmah_cpu *cpu;
	unsigned long flags;

	/* Where no mapping can be plain, all of memory is beyond the end. A length of 0 wraps round: too much as well. */
	if (h->meta || !plain_dir(dir) || len - 1 > GRANULE_MASK - offset ||
	    phys >= __atomic_load_n(&dev->plain_end, __ATOMIC_RELAXED))
		return false;
	/* The handle is idle as long as its meta is 0; whoever takes over from here fills or clears it. */
	h->phys = phys;
	h->len = (uint32_t)len;
	cpu = dom->cpu[dmah_host_enter(&flags)];
	if (!cache_take(&cpu->cache.ring[0], &slot)) {
		dmah_host_leave(flags);
		return false;
	}
	count_add(&count_here(dev, cpu)->maps, 1);
	dma = iommu_iova(dom, slot.first) + offset;
	/* What is left in a cleared entry is the generation of its next mapping, and when the last one ended. */
	gen = pt_load(slot.pte) & dom->pt.leaf.gen_bits;
	history_begin(&dom->history, dev, dma, phys | gen, (uint32_t)len, dir, caller);
	entry = (phys - offset) | dom->pt.leaf.prot[dir] | gen;
	pt_store_set(slot.pte, entry);
	dmah_host_wmb();
	dmah_host_leave(flags);
	h->dma = dma;
	h->be = entry;
	h->meta = dev->plain | (uint32_t)dir;
	return true;
}

/** enum plain_found - what plain_unmap() found. */
enum plain_found {
	PLAIN_NONE, /* no live mapping that is plain and of one granule */
	PLAIN_ENDED, /* one, and it has ended */
	PLAIN_LEFT, /* one, that plain_unmap_one() has to end */
};

/** plain_entry() - the entry of a handle's mapping, where it is plain, live and of one granule; NULL where it is not. */
static inline uint64_t *plain_entry(const struct dmah_device *dev, const struct dmah_domain *dom,
				    const struct dmah *h, uint32_t *index)
{
	uint32_t kind = h->meta & ~META_DIR;
	uint64_t at, entry, *pte;

	/* An idle handle of a device that is not attached is not one. */
	if (!kind || kind != dev->plain)
		return NULL;
	at = (h->dma - dom->cfg.aperture_base) >> PT_GRANULE_SHIFT;
	if (at >= dom->granules)
		return NULL;
	*index = (uint32_t)at;
	pte = entries_any(dom, *index);
	entry = pt_load(pte);
	/* Address, permissions and generation at once. */
	return entry == h->be && pt_present(&dom->pt.leaf, entry) ? pte : NULL;
}

/**
 * plain_unmap() - end a mapping in lazy mode, where that needs no lock.
 * @pte, @index: where the entry is, with PLAIN_LEFT.
 */
static inline enum plain_found plain_unmap(struct dmah_device *dev, struct dmah *h, uint64_t **pte,
					   uint32_t *index)
{
	struct dmah_domain *dom = dev->dom;
	struct iova_ring *ring;
	struct dmah_cpu *cpu;
	unsigned long flags;
	uint32_t in;

	*pte = plain_entry(dev, dom, h, index);
	if (!*pte)
		return PLAIN_NONE;
	cpu = dom->cpu[dmah_host_enter(&flags)];
	ring = &cpu->cache.ring[0];
	if (!cache_room(ring, &in)) {
		dmah_host_leave(flags);
		return PLAIN_LEFT;
	}
	pt_store_clear(*pte, pt_cleared_one(&dom->pt.leaf, h->be) | history_note(&dom->history));
	dmah_host_wmb();
	cache_put(ring, in, *pte, *index);
	count_add(&count_here(dev, cpu)->unmaps, 1);
	dmah_host_leave(flags);
	handle_clear(h);
	return PLAIN_ENDED;
}

/**
 * plain_addr_unmap() - the shortest way of an address- or page-keyed unmap: one granule, found in the directory, counted
 *	where it was searched.
 * @err: what it returns, where it was done.
 *
 * Return: whether it was; else nothing has changed, and nothing was counted.
 */
bool plain_addr_unmap(struct dmah_device *dev, const struct addr_req *req, int *err);

/** plain_unmap_one() - what plain_unmap() left, in any mode. Return: 0, DMAH_EHUNG. */
int plain_unmap_one(struct dmah_device *dev, struct dmah *h, uint64_t *pte, uint32_t index);

#endif /* DMAH_BACKEND_IOMMU_PLAIN_H */
