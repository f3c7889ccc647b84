/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The fast path of vectors, under the conditions of the fast path of single mappings: nothing bounces, no cache is maintained,
 * and no boundary keeps pieces apart. All pieces then lie one behind the other in one leaf table, and one loop over them writes
 * entries, handles, segments and history. What it makes is what the general path (list.c) would make, so that either of them
 * can end it.
 */
#include "backend/iommu/fast.h"
#include "backend/iommu/map.h"
#include "backend/iommu/cells.h"

/** VEC_GRANULES - most granules of a vector on the fast path: less than a leaf table, since the history of 2 MiB is another. */
#define VEC_GRANULES (PT_TABLE_ENTRIES - 1)

/* Count the granules of all pieces. Returns 0 if the general path must map them, or refuse one. */
static uint32_t measure_pieces(const struct dmah_device *dev, const struct dmah_seg *segs,
			       uint32_t n, uint64_t *total)
{
	dmah_phys_t end = __atomic_load_n(&dev->fast_end, __ATOMIC_RELAXED);
	uint32_t most = dev->limits.max_segment ? dev->limits.max_segment : UINT32_MAX;
	uint64_t granules = 0, sum = 0;

	for (uint32_t i = 0; i < n; i++) {
		dmah_phys_t phys = segs[i].phys;
		uint32_t len = segs[i].len;

		if (phys >= end || len - 1 >= most || len > end - phys)
			return 0;
		granules += ((phys & GRANULE_MASK) + len + GRANULE_MASK) >> PT_GRANULE_SHIFT;
		sum += len;
	}
	*total = sum;
	return granules <= VEC_GRANULES ? (uint32_t)granules : 0;
}

/* Take @n granules of one leaf table. Returns the entry of the first one, or NULL. */
static uint64_t *take_granules(struct dmah_device *dev, uint32_t n, uint32_t *first)
{
	uint32_t align = n <= IOVA_CLASS_MAX ? 1 : 1u << (32 - __builtin_clz(n - 1));
	struct dmah_domain *dom = dev->dom;
	unsigned long flags;
	uint32_t slot;
	bool taken;

	for (unsigned int i = 0; n <= IOVA_CLASS_MAX && i < 2; i++) {
		unsigned int class = iova_class(n), cpu = dmah_host_enter(&flags);

		taken = cache_take(&dom->cpu[cpu]->cache.ring[class], &slot);
		dmah_host_leave(flags);
		if (taken) {
			*first = slot & IOVA_INDEX;
			return entries_any(dom, *first);
		}
		if (i || !dmah_fast_refill(dom, class))
			return NULL;
	}
	*first = dmah_iommu_take_iova(dev, n, align, 0, 0, 0);
	if (*first == RANGE_NONE)
		return NULL;
	if (!entries_has_leaf(dom, *first) &&
	    dmah_entries_make_leaf(dom, *first, DMAH_ALLOC_ATOMIC)) {
		(void)dmah_iommu_undo_map(dev, *first, n, 0);
		return NULL;
	}
	return entries_any(dom, *first);
}

/**
 * struct vec_cursor - the place of the next piece.
 * @iova: its IOVA.
 * @pte: its entry.
 * @bits: the entry's bits besides the address.
 * @cont: the format's mark of an entry that continues a mapping.
 * @meta: the handle's word of that name.
 */
struct vec_cursor {
	dmah_addr_t iova;
	uint64_t *pte;
	uint64_t bits;
	uint64_t cont;
	uint32_t meta;
};

static inline struct vec_cursor vec_begin(const struct dmah_device *dev, uint64_t *pte,
					  uint32_t first, uint64_t gen, enum dmah_dir dir)
{
	const struct pt_leaf *leaf = &dev->dom->pt.leaf;

	return (struct vec_cursor){ .iova = iommu_iova(dev->dom, first),
				    .pte = pte,
				    .bits = leaf->prot[dir & 3] | gen,
				    .cont = leaf->cont,
				    .meta = (dev->fast & META_DEVICE) | (uint32_t)dir | META_PART |
					    (uint32_t)DMAH_BACKEND_IOMMU << META_KIND_SHIFT |
					    (uint32_t)(gen >> leaf->gen_shift) << META_GEN_SHIFT };
}

/* Go on behind a piece of @n granules. All pieces but the first continue the vector. */
static inline void vec_next(struct vec_cursor *at, uint32_t n)
{
	at->iova += (uint64_t)n << PT_GRANULE_SHIFT;
	at->pte += n;
	at->bits |= at->cont;
	at->meta |= META_LATER;
}

static void map_pieces(struct dmah_device *dev, struct dmah_vec *v, const struct dmah_seg *segs,
		       uint32_t n, struct vec_cursor at, enum dmah_dir dir, const void *caller)
{
	/* In registers: the compiler cannot know that the stores below change none of them. */
	const struct history history = { .record = dev->dom->history.record,
					 .mask = dev->dom->history.mask };
	uint64_t gen = at.bits & dev->dom->pt.leaf.gen_bits, owner = dev->owner[dir];
	uint32_t most = dev->limits.max_segment ? dev->limits.max_segment : UINT32_MAX;
	struct dmah_dma_seg *seg = v->seg, open = { 0 };
	struct dmah *h = v->part;

	for (const struct dmah_seg *piece = segs; piece < segs + n; piece++, h++) {
		dmah_phys_t phys = piece->phys;
		uint32_t len = piece->len, granules = iommu_granules(phys, len);
		uint64_t value = (phys & ~GRANULE_MASK) | at.bits;
		dmah_addr_t dma = at.iova + (phys & GRANULE_MASK);

		leaf_set(at.pte, value);
		for (uint32_t k = 1; k < granules; k++)
			leaf_set(at.pte + k, (value + ((uint64_t)k << PT_GRANULE_SHIFT)) | at.cont);
		history_write(&history, dma, (phys & ~GRANULE_MASK) | gen, len, owner, caller);
		h->dma = dma;
		h->phys = phys;
		h->backend = 0;
		h->len = len;
		h->meta = at.meta;
		/* As dmah_vec_merge(), where there is no boundary. */
		if (open.dma + open.len == dma && open.len && len <= most - open.len) {
			open.len += len;
		} else {
			if (open.len)
				*seg++ = open;
			open = (struct dmah_dma_seg){ dma, len };
		}
		owner |= HISTORY_INSIDE;
		vec_next(&at, granules);
	}
	*seg++ = open;
	v->nseg = (uint32_t)(seg - v->seg);
}

bool dmah_fast_map_vec(struct dmah_device *dev, struct dmah_vec *v, const struct dmah_seg *segs,
		       uint32_t n, enum dmah_dir dir, const void *caller, bool *stands)
{
	struct dmah_domain *dom = dev->dom;
	uint32_t granules, first;
	struct vec_cursor at;
	uint64_t total, *pte;

	if (!fast_dir_valid(dir) || dev->limits.boundary)
		return false;
	granules = measure_pieces(dev, segs, n, &total);
	pte = granules ? take_granules(dev, granules, &first) : NULL;
	if (!pte)
		return false;
	at = vec_begin(dev, pte, first, fast_generation(dom, pte, first, granules), dir);
	map_pieces(dev, v, segs, n, at, dir, caller);
	dmah_host_wmb();
	count(dev, maps, n);
	v->nparts = n;
	v->granules = granules;
	v->iova = iommu_iova(dom, first);
	v->total = total;
	*stands = iommu_map_stands(dom, false);
	return true;
}

/* Returns true if a vector's handles and entries are those that map_pieces() wrote, and nothing goes on behind them. */
static bool is_whole(const struct dmah_device *dev, const struct dmah_vec *v, uint32_t first,
		     struct vec_cursor at)
{
	uint32_t left = v->granules;
	uint64_t total = 0, phys = 0;

	for (uint32_t i = 0; i < v->nparts; i++) {
		const struct dmah *h = &v->part[i];
		uint64_t value = (h->phys & ~GRANULE_MASK) | at.bits;
		uint32_t granules = iommu_granules(h->dma, h->len);

		if (h->meta != at.meta || h->backend || !h->len || granules > left ||
		    h->dma != at.iova + (h->phys & GRANULE_MASK) || pt_load(at.pte) != value)
			return false;
		for (uint32_t k = 1; k < granules; k++)
			if (pt_load(at.pte + k) !=
			    ((value + ((uint64_t)k << PT_GRANULE_SHIFT)) | at.cont))
				return false;
		phys |= h->phys;
		total += h->len;
		left -= granules;
		vec_next(&at, granules);
	}
	/* A bit above an entry's address would not show where the entry has a bit of its own. */
	return !left && !(phys & ~(dev->dom->pt.leaf.addr_mask | GRANULE_MASK)) &&
	       total == v->total && !dmah_iommu_goes_on(dev, first + v->granules);
}

/* End a vector's entries, the first of which is @value. Of two CPUs with the same vector one goes on: the other gets false. */
static bool end_pieces(const struct pt_leaf *leaf, uint64_t *pte, uint32_t n, uint64_t value,
		       uint64_t timestamp)
{
	uint64_t cleared = pt_cleared_one(leaf, value) | timestamp;

	if (!leaf_end(pte, value, cleared))
		return false;
	extent_clear(pte + 1, n - 1, cleared | leaf->cont);
	dmah_host_wmb();
	return true;
}

/* End a vector's entries in lazy mode, where that needs neither lock nor clock. Returns false where it was not ended. */
static bool defer_vec(struct dmah_device *dev, const struct dmah_vec *v, uint64_t *pte,
		      uint32_t first, uint64_t value)
{
	struct dmah_domain *dom = dev->dom;
	struct iova_ring *ring;
	struct dmah_cpu *cpu;
	unsigned long flags;
	bool ended;
	uint32_t in;

	if (v->granules > IOVA_CLASS_MAX || !iommu_defers(dev))
		return false;
	cpu = dom->cpu[dmah_host_enter(&flags)];
	ring = &cpu->cache.ring[iova_class(v->granules)];
	ended = cache_room(ring, &in) && end_pieces(&dom->pt.leaf, pte, v->granules, value,
						    history_timestamp(&dom->history));
	if (ended) {
		cache_put(ring, in, first);
		count_add(&count_here(dev, cpu)->unmaps, v->nparts);
	}
	dmah_host_leave(flags);
	return ended;
}

bool dmah_fast_unmap_vec(struct dmah_device *dev, struct dmah_vec *v, int *err)
{
	struct dmah_domain *dom = dev->dom;
	const struct pt_leaf *leaf = &dom->pt.leaf;
	uint32_t meta = v->part[0].meta, first;
	uint64_t gen = (uint64_t)meta_gen(meta) << leaf->gen_shift, *pte, value;
	struct unmap_release release;
	struct vec_cursor at;

	if (!(dom->pt.caps & DMAH_IOMMU_COHERENT_WALK) || meta_gen(meta) > leaf->gen_mask ||
	    !meta_dir(meta) || v->nparts > v->max || !v->granules || v->granules > VEC_GRANULES ||
	    !iommu_index(dom, v->iova, (uint64_t)v->granules << PT_GRANULE_SHIFT, &first) ||
	    (first & (PT_TABLE_ENTRIES - 1)) + v->granules > PT_TABLE_ENTRIES ||
	    iommu_in_reserve(dom, first))
		return false;
	pte = entries_any(dom, first);
	at = vec_begin(dev, pte, first, gen, meta_dir(meta));
	if (v->iova != at.iova || !is_whole(dev, v, first, at))
		return false;
	value = (v->part[0].phys & ~GRANULE_MASK) | at.bits;
	*err = DMAH_OK;
	if (defer_vec(dev, v, pte, first, value))
		return true;
	if (!end_pieces(leaf, pte, v->granules, value, history_timestamp_at(dmah_host_now())))
		return false;
	count(dev, unmaps, v->nparts);
	dmah_iommu_release_wait(dev, first, v->granules, false, &release);
	dmah_iommu_release_granules(dev, first, v->granules, &release);
	*err = release.err;
	return true;
}
