/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The fast path of map and unmap: a buffer of at most IOVA_CLASS_MAX granules, of a device that is coherent and trusted,
 * behind IOMMUs whose walks see the CPU's caches and which need no flush at map. Nothing is copied, maintained or waited
 * for then, and the whole work is here: granules from the CPU's cache, entries, counters, handle.
 *
 * A request that does not fit is left, unchanged, to map.c, which can do everything. Check builds always take the general
 * path, so that their shadow table sees each mapping.
 */
#ifndef DMAH_BACKEND_IOMMU_FAST_H
#define DMAH_BACKEND_IOMMU_FAST_H

#include "backend/iommu/entries.h"
#include "backend/iommu/flush.h"
#include "backend/iommu/invalidate.h"
#include "base/count.h"

/** dmah_fast_set_limits() - set the fast path's limits. Call before the device's first map. */
void dmah_fast_set_limits(struct dmah_device *dev);

/** dmah_fast_set_mode() - allow or forbid a device the fast path, by the domain's mode. */
void dmah_fast_set_mode(struct dmah_device *dev, enum dmah_mode mode);

/**
 * dmah_fast_map_refill() - map several granules, or one where the CPU's cache was empty and must be refilled.
 *
 * Return: false where the mapping was not made: nothing has changed.
 */
bool dmah_fast_map_refill(struct dmah_device *dev, struct dmah *h, dmah_phys_t phys, uint64_t len,
			  enum dmah_dir dir, const void *caller);

/** dmah_fast_refill() - put a run of fresh granules, cut up for one class, into this CPU's cache. Returns false if none is left. */
bool dmah_fast_refill(struct dmah_domain *dom, unsigned int class);

/**
 * dmah_fast_map_vec() - map an idle vector of @n pieces, which have room in it.
 * @stands: set to false where the domain's mode changed meanwhile: the caller unmaps the vector again.
 *
 * Return: false where the general path has to do it: nothing has changed but words of idle handles and segments.
 */
bool dmah_fast_map_vec(struct dmah_device *dev, struct dmah_vec *v, const struct dmah_seg *segs,
		       uint32_t n, enum dmah_dir dir, const void *caller, bool *stands);

/**
 * dmah_fast_unmap_vec() - end the mapping of a vector that is not idle. @err: the result. The caller clears the vector.
 *
 * Return: false where the general path has to do it: nothing has changed.
 */
bool dmah_fast_unmap_vec(struct dmah_device *dev, struct dmah_vec *v, int *err);

/**
 * dmah_fast_unmap_any() - end a fast mapping of any size. @err: the result of the unmap.
 *
 * Return: false where the handle is not that of a live fast mapping: nothing has changed.
 */
bool dmah_fast_unmap_any(struct dmah_device *dev, struct dmah *h, int *err);

/** dmah_fast_find() - the first of the @n entries of a handle's fast mapping; NULL where none is live. */
uint64_t *dmah_fast_find(const struct dmah_device *dev, const struct dmah *h, uint32_t *index,
			 uint32_t *n);

/**
 * dmah_fast_end() - end @n entries of one leaf table, the first of which was @value. @timestamp: for the cleared entries.
 *
 * Return: false where another CPU has ended the mapping: nothing has changed.
 */
bool dmah_fast_end(const struct dmah_domain *dom, uint64_t *pte, uint64_t value, uint32_t n,
		   uint64_t timestamp);

/** fast_dir_valid() - Returns true for a valid direction. */
static inline bool fast_dir_valid(enum dmah_dir dir)
{
	return (unsigned int)dir - 1 < DMAH_BIDIRECTIONAL;
}

/**
 * fast_write() - write the entry and the history of a new mapping of one granule. Returns the entry.
 *
 * A cleared entry holds the generation of its next mapping, and the time at which the last one ended.
 */
static inline uint64_t fast_write(const struct dmah_device *dev, const struct dmah_domain *dom,
				  uint64_t *pte, dmah_addr_t dma, dmah_phys_t phys, uint32_t len,
				  enum dmah_dir dir, const void *caller)
{
	uint64_t entry = (phys & ~GRANULE_MASK) | (pt_load(pte) & dom->pt.leaf.gen_bits);

	history_begin(&dom->history, dev, dma, entry, len, dir, caller);
	entry |= dom->pt.leaf.prot[dir];
	leaf_set(pte, entry);
	dmah_host_wmb();
	return entry;
}

/** fast_cleared() - the entry that a lazy unmap leaves of a handle's mapping. */
static inline uint64_t fast_cleared(const struct dmah_domain *dom, const struct dmah *h)
{
	return pt_cleared_one(&dom->pt.leaf, h->backend) | history_timestamp(&dom->history);
}

/**
 * fast_map() - map one granule, where this CPU's cache has one. @caller: for the history.
 *
 * Return: false where the mapping was not made: nothing has changed but words of an idle handle.
 */
__attribute__((always_inline)) static inline bool fast_map(struct dmah_device *dev, struct dmah *h,
							   dmah_phys_t phys, uint64_t len,
							   enum dmah_dir dir, const void *caller)
{
	struct dmah_domain *dom = dev->dom;
	uint64_t offset = phys & GRANULE_MASK, entry;
	dmah_addr_t dma;
	struct iova_entry slot;
	struct dmah_cpu *cpu;
	unsigned long flags;

	/* All memory lies beyond fast_end where the fast path is closed. A length of 0 wraps round and is too much. */
	if (h->meta || !fast_dir_valid(dir) || len - 1 > GRANULE_MASK - offset ||
	    phys >= __atomic_load_n(&dev->fast_end, __ATOMIC_RELAXED))
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
	entry = fast_write(dev, dom, slot.pte, dma, phys, (uint32_t)len, dir, caller);
	dmah_host_leave(flags);
	h->dma = dma;
	h->backend = entry;
	h->meta = dev->fast | (uint32_t)dir;
	return true;
}

/**
 * fast_generation() - the generation of the next mapping of @n granules of one leaf table, at its place in an entry: that of
 *	all of them, nearly always.
 */
static inline uint64_t fast_generation(struct dmah_domain *dom, const uint64_t *pte, uint32_t first,
				       uint32_t n)
{
	const struct pt_leaf *leaf = &dom->pt.leaf;
	uint64_t one = pt_load(pte), differ = 0;

	for (const uint64_t *at = pte + 1; at < pte + n; at++)
		differ |= pt_load(at) ^ one;
	if (!(differ & leaf->gen_bits))
		return one & leaf->gen_bits;
	return (uint64_t)dmah_entries_next_gen(dom, first, n) << leaf->gen_shift;
}

/** enum fast_result - the result of fast_unmap(). */
enum fast_result {
	FAST_NONE, /* the handle is not that of a live fast mapping of one granule */
	FAST_ENDED, /* the mapping has ended */
	FAST_LEFT, /* the mapping is live, for dmah_fast_unmap_one() to end */
};

/**
 * fast_first() - the first entry of a fast mapping, as it was written. The handle of several granules has it without the mark
 *	@more: if its kind is damaged, no entry fits it, and no part of the mapping is taken for a mapping of one granule.
 */
static inline uint64_t fast_first(const struct pt_leaf *leaf, const struct dmah *h)
{
	return meta_kind(h->meta) == KIND_FAST_MANY ? h->backend | leaf->more : h->backend;
}

/**
 * fast_entry() - find the entry of a handle of one granule that says that it is a fast one. Whether the entry still is what
 *	the handle says (address, permissions and generation at once) is for leaf_end() to compare.
 *
 * Returns false where the handle names no entry.
 */
static inline bool fast_entry(const struct dmah_device *dev, const struct dmah_domain *dom,
			      const struct dmah *h, uint64_t **pte, uint32_t *index)
{
	uint32_t kind = h->meta & ~META_DIR;
	uint64_t at;

	/* An idle handle of a device that is not attached is not one. */
	if (!kind || kind != dev->fast)
		return false;
	at = (h->dma - dom->cfg.aperture_base) >> PT_GRANULE_SHIFT;
	if (at >= dom->granules || !pt_present(&dom->pt.leaf, h->backend))
		return false;
	*index = (uint32_t)at;
	*pte = entries_any(dom, *index);
	return true;
}

/**
 * fast_unmap() - end a mapping in lazy mode, where that needs no lock.
 * @pte, @index: the entry, with FAST_LEFT.
 */
__attribute__((always_inline)) static inline enum fast_result
fast_unmap(struct dmah_device *dev, struct dmah *h, uint64_t **pte, uint32_t *index)
{
	struct dmah_domain *dom = dev->dom;
	struct iova_ring *ring;
	struct dmah_cpu *cpu;
	unsigned long flags;
	uint32_t in;

	if (!fast_entry(dev, dom, h, pte, index))
		return FAST_NONE;
	cpu = dom->cpu[dmah_host_enter(&flags)];
	ring = &cpu->cache.ring[0];
	if (!cache_room(ring, &in)) {
		dmah_host_leave(flags);
		return FAST_LEFT;
	}
	if (!leaf_end(*pte, h->backend, fast_cleared(dom, h))) {
		dmah_host_leave(flags);
		return FAST_NONE;
	}
	dmah_host_wmb();
	cache_put(ring, in, *pte, *index);
	count_add(&count_here(dev, cpu)->unmaps, 1);
	dmah_host_leave(flags);
	handle_clear(h);
	return FAST_ENDED;
}

/**
 * fast_replace() - end a mapping of one granule and make another in lazy mode, where neither needs a lock.
 *
 * Return: false where nothing has changed.
 */
static inline bool fast_replace(struct dmah_device *dev, struct dmah *h, dmah_phys_t phys,
				uint64_t len, enum dmah_dir dir, const void *caller)
{
	struct dmah_domain *dom = dev->dom;
	uint64_t offset = phys & GRANULE_MASK, entry, *pte;
	struct iova_entry slot;
	struct iova_ring *ring;
	struct dmah_cpu *cpu;
	unsigned long flags;
	uint32_t index, in;
	dmah_addr_t dma;

	if (!fast_dir_valid(dir) || len - 1 > GRANULE_MASK - offset ||
	    phys >= __atomic_load_n(&dev->fast_end, __ATOMIC_RELAXED) ||
	    !fast_entry(dev, dom, h, &pte, &index))
		return false;
	cpu = dom->cpu[dmah_host_enter(&flags)];
	ring = &cpu->cache.ring[0];
	if (!cache_room(ring, &in) || !cache_has(ring) ||
	    !leaf_end(pte, h->backend, fast_cleared(dom, h))) {
		dmah_host_leave(flags);
		return false;
	}
	dmah_host_wmb();
	cache_put(ring, in, pte, index);
	slot = cache_take_seen(ring);
	count_add(&count_here(dev, cpu)->unmaps, 1);
	count_add(&count_here(dev, cpu)->maps, 1);
	dma = iommu_iova(dom, slot.first) + offset;
	entry = fast_write(dev, dom, slot.pte, dma, phys, (uint32_t)len, dir, caller);
	dmah_host_leave(flags);
	h->dma = dma;
	h->phys = phys;
	h->backend = entry;
	h->len = (uint32_t)len;
	h->meta = dev->fast | (uint32_t)dir;
	return true;
}

/**
 * dmah_fast_addr_unmap() - the fast path of an address- or page-keyed unmap: one granule, found in the directory; the search
 *	of an address-keyed one is counted.
 * @err: the result of the unmap.
 *
 * Return: false where the general path has to do it: nothing has changed.
 */
bool dmah_fast_addr_unmap(struct dmah_device *dev, const struct addr_req *req, int *err);

/** dmah_fast_unmap_one() - end the mapping that fast_unmap() left, in any mode. Return: 0, DMAH_ETIMEDOUT, DMAH_ESTALE. */
int dmah_fast_unmap_one(struct dmah_device *dev, struct dmah *h, uint64_t *pte, uint32_t index);

#endif /* DMAH_BACKEND_IOMMU_FAST_H */
