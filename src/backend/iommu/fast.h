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
#include "pt/extent.h"
#include "backend/iommu/flush.h"
#include "backend/iommu/invalidate.h"
#include "base/count.h"

/** dmah_fast_set_limits() - set the fast path's limits. Call before the device's first map. */
void dmah_fast_set_limits(struct dmah_device *dev);

/** dmah_fast_set_mode() - allow or forbid a device the fast path, by the domain's mode. */
void dmah_fast_set_mode(struct dmah_device *dev, enum dmah_mode mode);

/**
 * dmah_fast_map_refill() - refill the CPU's cache, and map up to IOVA_CLASS_MAX granules.
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
 * dmah_fast_unmap_any() - end a fast mapping of any size, in any mode.
 *
 * Return: 0; DMAH_ETIMEDOUT; DMAH_ESTALE where the handle is not that of a live fast mapping: nothing has changed.
 */
int dmah_fast_unmap_any(struct dmah_device *dev, struct dmah *h);

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

/** FAST_OTHER_KIND - XOR with the word @meta of a fast handle of one granule gives that of several granules, and back. */
#define FAST_OTHER_KIND ((KIND_FAST ^ KIND_FAST_MANY) << META_KIND_SHIFT)

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

/** fast_fill() - fill the handle of a mapping of one granule. */
static inline void fast_fill(const struct dmah_device *dev, struct dmah *h, dmah_addr_t dma,
			     dmah_phys_t phys, uint64_t entry, uint64_t len, enum dmah_dir dir)
{
	h->dma = dma;
	h->phys = phys;
	h->backend = entry;
	h->len = (uint32_t)len;
	h->meta = dev->fast | (uint32_t)dir;
}

/**
 * fast_map_entry() - map one granule, where this CPU's cache has one. @caller: for the history.
 * @dma, @entry: the DMA address, and the page-table entry as written, for the handle.
 *
 * Return: false where the mapping was not made: nothing has changed.
 */
__attribute__((always_inline)) static inline bool
fast_map_entry(struct dmah_device *dev, dmah_phys_t phys, uint64_t len, enum dmah_dir dir,
	       const void *caller, dmah_addr_t *dma, uint64_t *entry)
{
	struct dmah_domain *dom = dev->dom;
	uint64_t offset = phys & GRANULE_MASK;
	uint32_t slot;
	struct dmah_cpu *cpu;
	unsigned long flags;

	/* All memory lies beyond fast_end where the fast path is closed. A length of 0 wraps round and is too much. */
	if (phys >= hint_load(&dev->fast_end) || !fast_dir_valid(dir) ||
	    len - 1 > GRANULE_MASK - offset)
		return false;
	cpu = dom->cpu[dmah_host_enter(&flags)];
	if (!cache_take(&cpu->cache.ring[0], &slot)) {
		dmah_host_leave(flags);
		return false;
	}
	count_add(&count_here(dev, cpu)->maps, 1);
	slot &= IOVA_INDEX;
	*dma = iommu_iova(dom, slot) + offset;
	*entry = fast_write(dev, dom, entries_any(dom, slot), *dma, phys, (uint32_t)len, dir,
			    caller);
	dmah_host_leave(flags);
	return true;
}

/** fast_map() - map one granule with an idle handle: fast_map_entry(). */
__attribute__((always_inline)) static inline bool fast_map(struct dmah_device *dev, struct dmah *h,
							   dmah_phys_t phys, uint64_t len,
							   enum dmah_dir dir, const void *caller)
{
	dmah_addr_t dma;
	uint64_t entry;

	if (h->meta || !fast_map_entry(dev, phys, len, dir, caller, &dma, &entry))
		return false;
	fast_fill(dev, h, dma, phys, entry, len, dir);
	return true;
}

/**
 * FAST_SAME - in an entry of a CPU's ring: all entries of the class were cleared with one generation, since one mapping had all of
 * them.
 */
#define FAST_SAME (IOVA_INDEX + 1)

/**
 * fast_generation() - the generation of the next mapping of @n granules of one leaf table, at its place in an entry: that of
 *	all of them, nearly always.
 */
static inline uint64_t fast_generation(struct dmah_domain *dom, const uint64_t *pte, uint32_t first,
				       uint32_t n)
{
	const struct pt_leaf *leaf = &dom->pt.leaf;

	if (!extent_generations(pte, n, leaf->gen_bits))
		return pt_load(pte) & leaf->gen_bits;
	return (uint64_t)dmah_entries_next_gen(dom, first, n) << leaf->gen_shift;
}

/* The entry behind the first one of a fast mapping. Those behind that one are each a granule further. */
static inline uint64_t fast_second(const struct pt_leaf *leaf, uint64_t first)
{
	return ((first & ~leaf->more) + PT_GRANULE) | leaf->cont;
}

/** fast_granules() - return the granules of a buffer that fast_map_many() maps with an idle handle, or 0 where it refuses. */
__attribute__((always_inline)) static inline uint32_t fast_granules(const struct dmah_device *dev,
								    const struct dmah *h,
								    dmah_phys_t phys, uint64_t len,
								    enum dmah_dir dir)
{
	uint32_t n;

	if (phys >= hint_load(&dev->fast_end) || h->meta || !fast_dir_valid(dir) || !len ||
	    len > (IOVA_CLASS_MAX << PT_GRANULE_SHIFT) - (phys & GRANULE_MASK) ||
	    len - 1 > dev->dom->phys_last - phys)
		return 0;
	n = iommu_granules(phys, len);
	return n << PT_GRANULE_SHIFT > dev->fast_max ? 0 : n;
}

/**
 * fast_map_many() - map up to IOVA_CLASS_MAX granules, where this CPU's cache has as many. @caller: for the history.
 *
 * Return: false where the mapping was not made: nothing has changed.
 */
__attribute__((always_inline)) static inline bool fast_map_many(struct dmah_device *dev,
								struct dmah *h, dmah_phys_t phys,
								uint64_t len, enum dmah_dir dir,
								const void *caller)
{
	struct dmah_domain *dom = dev->dom;
	const struct pt_leaf *leaf = &dom->pt.leaf;
	uint32_t n = fast_granules(dev, h, phys, len, dir);
	uint32_t slot;
	struct dmah_cpu *cpu;
	uint64_t entry, gen, *pte;
	unsigned long flags;
	uint32_t index;
	dmah_addr_t dma;

	if (!n)
		return false;
	cpu = dom->cpu[dmah_host_enter(&flags)];
	if (!cache_take(&cpu->cache.ring[iova_class(n)], &slot)) {
		dmah_host_leave(flags);
		return false;
	}
	count_add(&count_here(dev, cpu)->maps, 1);
	index = slot & IOVA_INDEX;
	pte = entries_any(dom, index);
	gen = slot & FAST_SAME ? pt_load(pte) & leaf->gen_bits
			       : fast_generation(dom, pte, index, n);
	dma = iommu_iova(dom, index) + (phys & GRANULE_MASK);
	entry = (phys & ~GRANULE_MASK) | gen;
	history_begin(&dom->history, dev, dma, entry, (uint32_t)len, dir, caller);
	entry |= leaf->prot[dir];
	extent_set(pte + 1, n - 1, fast_second(leaf, entry));
	leaf_set(pte, n > 1 ? entry | leaf->more : entry);
	dmah_host_wmb();
	dmah_host_leave(flags);
	fast_fill(dev, h, dma, phys, entry, len, dir);
	if (n > 1)
		h->meta ^= FAST_OTHER_KIND;
	return true;
}

/* Returns true if a mapping ends before the granule @index: its entry, which is @pte in the same table, does not continue it. */
static inline bool fast_ends(const struct dmah_domain *dom, const uint64_t *pte, uint32_t index)
{
	uint64_t next;

	if (index % PT_TABLE_ENTRIES == 0)
		return dmah_entries_end_at(dom, index);
	next = pt_load(pte);
	return !(next & dom->pt.leaf.cont) || !pt_present(&dom->pt.leaf, next);
}

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
 * @fast: the device's @fast; or its @fast_lazy, where the caller goes on in lazy mode alone.
 *
 * Returns false where the handle names no entry.
 */
static inline bool fast_entry(const struct dmah_domain *dom, const struct dmah *h, uint32_t fast,
			      uint64_t **pte, uint32_t *index)
{
	uint32_t kind = h->meta & ~META_DIR;
	uint64_t at;

	/* An idle handle of a device that is not attached is not one. */
	if (!kind || kind != fast)
		return false;
	at = (h->dma - dom->cfg.aperture_base) >> PT_GRANULE_SHIFT;
	if (at >= dom->granules || !pt_present(&dom->pt.leaf, h->backend))
		return false;
	*index = (uint32_t)at;
	*pte = entries_any(dom, *index);
	return true;
}

/**
 * fast_unmap() - end a mapping of one granule in lazy mode, where that needs no lock.
 *
 * Return: false where nothing has changed: the mode is another, this CPU must take its lock, or the handle is not that of a
 * live fast mapping of one granule. dmah_fast_unmap_one() tells these apart.
 */
__attribute__((always_inline)) static inline bool fast_unmap(struct dmah_device *dev,
							     struct dmah *h)
{
	struct dmah_domain *dom = dev->dom;
	struct iova_ring *ring;
	struct dmah_cpu *cpu;
	unsigned long flags;
	uint32_t index, in;
	uint64_t *pte;

	if (!fast_entry(dom, h, hint_load(&dev->fast_lazy), &pte, &index))
		return false;
	cpu = dom->cpu[dmah_host_enter(&flags)];
	ring = &cpu->cache.ring[0];
	if (!cache_room(ring, &in) || !leaf_end(pte, h->backend, fast_cleared(dom, h))) {
		dmah_host_leave(flags);
		return false;
	}
	dmah_host_wmb();
	cache_put(ring, in, index);
	count_add(&count_here(dev, cpu)->unmaps, 1);
	dmah_host_leave(flags);
	handle_end(h);
	return true;
}

/**
 * fast_unmap_many() - end a mapping of several granules in lazy mode, where that needs no lock.
 *
 * Return: false where nothing has changed, as fast_unmap(): dmah_fast_unmap_any() tells the reasons apart.
 */
__attribute__((always_inline)) static inline bool fast_unmap_many(struct dmah_device *dev,
								  struct dmah *h)
{
	struct dmah_domain *dom = dev->dom;
	const struct pt_leaf *leaf = &dom->pt.leaf;
	uint32_t kind = (h->meta & ~META_DIR) ^ FAST_OTHER_KIND, n, in;
	uint64_t first, at, cleared, *pte;
	struct iova_ring *ring;
	struct dmah_cpu *cpu;
	unsigned long flags;

	if (!kind || kind != hint_load(&dev->fast_lazy))
		return false;
	first = h->backend | leaf->more;
	at = (h->dma - dom->cfg.aperture_base) >> PT_GRANULE_SHIFT;
	n = iommu_granules(h->dma, h->len);
	if (n - 2 > IOVA_CLASS_MAX - 2 || at >= dom->granules || n > dom->granules - at ||
	    at % PT_TABLE_ENTRIES + n > PT_TABLE_ENTRIES || !pt_present(leaf, first))
		return false;
	pte = entries_any(dom, (uint32_t)at);
	if (extent_differs(pte + 1, n - 1, fast_second(leaf, first)) ||
	    !fast_ends(dom, pte + n, (uint32_t)at + n))
		return false;
	cleared = fast_cleared(dom, h);
	cpu = dom->cpu[dmah_host_enter(&flags)];
	ring = &cpu->cache.ring[iova_class(n)];
	if (!cache_room(ring, &in) || !leaf_end(pte, first, cleared)) {
		dmah_host_leave(flags);
		return false;
	}
	extent_clear(pte + 1, n - 1, cleared | leaf->cont);
	dmah_host_wmb();
	cache_put(ring, in, (uint32_t)at | (n & (n - 1) ? 0 : FAST_SAME));
	count_add(&count_here(dev, cpu)->unmaps, 1);
	dmah_host_leave(flags);
	handle_end(h);
	return true;
}

/**
 * fast_replace() - end a mapping of one granule and make another in lazy mode, where neither needs a lock. The handle's kind is
 *	the device's @fast_lazy.
 *
 * Return: false where nothing has changed.
 */
static inline bool fast_replace(struct dmah_device *dev, struct dmah *h, dmah_phys_t phys,
				uint64_t len, enum dmah_dir dir, const void *caller)
{
	struct dmah_domain *dom = dev->dom;
	uint64_t offset = phys & GRANULE_MASK, entry, *pte;
	uint32_t slot;
	struct iova_ring *ring;
	struct dmah_cpu *cpu;
	unsigned long flags;
	uint32_t index, in;
	dmah_addr_t dma;

	if (!fast_entry(dom, h, h->meta & ~META_DIR, &pte, &index) ||
	    phys >= hint_load(&dev->fast_end) || !fast_dir_valid(dir) ||
	    len - 1 > GRANULE_MASK - offset)
		return false;
	cpu = dom->cpu[dmah_host_enter(&flags)];
	ring = &cpu->cache.ring[0];
	if (!cache_room(ring, &in) || !cache_has(ring) ||
	    !leaf_end(pte, h->backend, fast_cleared(dom, h))) {
		dmah_host_leave(flags);
		return false;
	}
	dmah_host_wmb();
	cache_put(ring, in, index);
	slot = cache_take_seen(ring) & IOVA_INDEX;
	count_add(&count_here(dev, cpu)->unmaps, 1);
	count_add(&count_here(dev, cpu)->maps, 1);
	dma = iommu_iova(dom, slot) + offset;
	entry = fast_write(dev, dom, entries_any(dom, slot), dma, phys, (uint32_t)len, dir, caller);
	dmah_host_leave(flags);
	fast_fill(dev, h, dma, phys, entry, len, dir);
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

/**
 * dmah_fast_unmap_one() - end a fast mapping of one granule, in any mode.
 *
 * Return: 0; DMAH_ETIMEDOUT; DMAH_ESTALE where the handle is not that of a live one: nothing has changed.
 */
int dmah_fast_unmap_one(struct dmah_device *dev, struct dmah *h);

#endif /* DMAH_BACKEND_IOMMU_FAST_H */
