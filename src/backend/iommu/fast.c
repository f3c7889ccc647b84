/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "backend/iommu/fast.h"
#include "backend/iommu/cells.h"
#include "base/pool.h"

void dmah_fast_set_limits(struct dmah_device *dev)
{
	const struct dmah_limits *limits = &dev->limits;
	uint32_t most = IOVA_CLASS_MAX << PT_GRANULE_SHIFT;

	/* Ranges are aligned to their size rounded up, so that none of a boundary's size crosses one. */
	if (limits->boundary && limits->boundary < most)
		most = (uint32_t)limits->boundary;
	if (limits->max_segment && limits->max_segment < most)
		most = limits->max_segment;
	dev->fast_max = most;
	/* The same for as long as the device is attached, whatever the mode: some of its handles may be live. */
	dev->fast = KIND_FAST << META_KIND_SHIFT | (uint32_t)dev->number << META_DEVICE_SHIFT;
}

/* Returns false while the device's IOMMU does not translate: the first map after that switches the fast path on. */
static bool iommu_is_on(const struct dmah_device *dev)
{
	if (!__atomic_load_n(&dev->iommu->off, __ATOMIC_ACQUIRE))
		return true;
	__atomic_store_n(&dev->dom->awaits_iommu, true, __ATOMIC_RELEASE);
	return false;
}

void dmah_fast_set_mode(struct dmah_device *dev, enum dmah_mode mode)
{
	const struct dmah_domain *dom = dev->dom;
	uint32_t flags = dev->limits.flags;
	bool fast = is_coherent(flags) && !(flags & DMAH_DEV_UNTRUSTED) && !is_killed(dev) &&
		    (mode == DMAH_STRICT || mode == DMAH_LAZY) && iommu_is_on(dev) &&
		    dom->caps & DMAH_IOMMU_COHERENT_WALK && !(dom->caps & DMAH_IOMMU_MAP_FLUSH) &&
		    /* Shifts would cost every other format. */
		    !dom->pt.leaf.addr_shift;

	/* One granule too few where the CPU's addresses have 64 bits; map.c maps that. */
	__atomic_store_n(&dev->fast_end, fast ? dom->phys_last & ~GRANULE_MASK : 0,
			 __ATOMIC_RELEASE);
}

/* ---- map ---- */

bool dmah_fast_refill(struct dmah_domain *dom, unsigned int class)
{
	uint32_t size = 1u << class, run = size > IOVA_RUN ? size : IOVA_RUN, first;
	unsigned long flags;
	struct dmah_cpu *cpu;
	unsigned int n;

	n = dmah_host_enter(&flags);
	first = dom->cpu[n]->cache.ring[class].depth >= run >> class ? dmah_iova_get_large(
									       &dom->iova, run, run,
									       0, 0)
								     : RANGE_NONE;
	dmah_host_leave(flags);
	if (first == RANGE_NONE)
		return false;
	if (!entries_has_leaf(dom, first) &&
	    dmah_entries_make_leaf(dom, first, DMAH_ALLOC_ATOMIC)) {
		dmah_host_enter(&flags);
		dmah_iova_put_large(&dom->iova, first, run);
		dmah_host_leave(flags);
		return false;
	}
	cpu = dom->cpu[dmah_host_enter(&flags)];
	dmah_host_lock(&cpu->lock);
	/* The cache is last in, first out: the lowest granule goes in last. */
	for (uint32_t at = first + run - size; at + size != first; at -= size)
		dmah_iova_cache_release(&cpu->cache, &dom->iova, class, entries_leaf(dom, at), at);
	dmah_host_unlock(&cpu->lock);
	dmah_host_leave(flags);
	return true;
}

/* The entry behind the first one of a fast mapping. Those behind that one are each a granule further. */
static uint64_t second(const struct pt_leaf *leaf, uint64_t first)
{
	return ((first & ~leaf->more) + PT_GRANULE) | leaf->cont;
}

static bool map_many(struct dmah_device *dev, struct dmah *h, dmah_phys_t phys, uint32_t len,
		     enum dmah_dir dir, uint32_t meta, const void *caller)
{
	uint32_t n = iommu_granules(phys, len);
	struct dmah_domain *dom = dev->dom;
	const struct pt_leaf *leaf = &dom->pt.leaf;
	struct iova_entry slot;
	struct dmah_cpu *cpu;
	uint64_t entry, gen, next;
	unsigned long flags;
	dmah_addr_t dma;

	cpu = dom->cpu[dmah_host_enter(&flags)];
	if (!cache_take(&cpu->cache.ring[iova_class(n)], &slot)) {
		dmah_host_leave(flags);
		return false;
	}
	gen = fast_generation(dom, slot.pte, slot.first, n);
	dma = iommu_iova(dom, slot.first) | (phys & GRANULE_MASK);
	entry = (phys & ~GRANULE_MASK) | gen;
	history_begin(&dom->history, dev, dma, entry, len, dir, caller);
	entry |= leaf->prot[dir];
	next = second(leaf, entry);
	for (uint64_t *pte = slot.pte + 1; pte < slot.pte + n; pte++, next += PT_GRANULE)
		leaf_set(pte, next);
	leaf_set(slot.pte, n > 1 ? entry | leaf->more : entry);
	dmah_host_wmb();
	count_add(&count_here(dev, cpu)->maps, 1);
	dmah_host_leave(flags);
	if (n > 1)
		meta = (meta & ~META_KIND) | KIND_FAST_MANY << META_KIND_SHIFT;
	*h = (struct dmah){
		.dma = dma, .phys = phys, .backend = entry, .len = len, .meta = meta | (uint32_t)dir
	};
	return true;
}

bool dmah_fast_map_refill(struct dmah_device *dev, struct dmah *h, dmah_phys_t phys, uint64_t len,
			  enum dmah_dir dir, const void *caller)
{
	uint32_t meta = dev->fast, n;

	if (phys >= __atomic_load_n(&dev->fast_end, __ATOMIC_RELAXED) || !fast_dir_valid(dir) ||
	    !len || (phys & GRANULE_MASK) + len > IOVA_CLASS_MAX << PT_GRANULE_SHIFT ||
	    len - 1 > dev->dom->phys_last - phys)
		return false;
	n = iommu_granules(phys, len);
	if (n << PT_GRANULE_SHIFT > dev->fast_max)
		return false;
	return map_many(dev, h, phys, (uint32_t)len, dir, meta, caller) ||
	       (dmah_fast_refill(dev->dom, iova_class(n)) &&
		map_many(dev, h, phys, (uint32_t)len, dir, meta, caller));
}

/* ---- unmap ---- */

/* The entries that a handle of @n granules names, where all of them are as they were written; NULL where not. */
static uint64_t *find(const struct dmah_domain *dom, const struct dmah *h, uint32_t *index,
		      uint32_t n)
{
	const struct pt_leaf *leaf = &dom->pt.leaf;
	uint64_t first = fast_first(leaf, h), next = second(leaf, first), differ = 0, *pte;

	if (!h->len || n > IOVA_CLASS_MAX || !iommu_index(dom, h->dma, h->len, index) ||
	    (*index & (PT_TABLE_ENTRIES - 1)) + n > PT_TABLE_ENTRIES)
		return NULL;
	pte = entries_any(dom, *index);
	if (pt_load(pte) != first || !pt_present(leaf, first))
		return NULL;
	for (const uint64_t *at = pte + 1; at < pte + n; at++, next += PT_GRANULE)
		differ |= pt_load(at) ^ next;
	return !differ && dmah_entries_end_at(dom, *index + n) ? pte : NULL;
}

uint64_t *dmah_fast_find(const struct dmah_device *dev, const struct dmah *h, uint32_t *index,
			 uint32_t *n)
{
	uint32_t meta = dev->fast;

	if (!meta || (h->meta & ~(META_KIND | META_DIR)) != (meta & ~META_KIND) ||
	    !meta_is_fast(h->meta))
		return NULL;
	*n = iommu_granules(h->dma, h->len);
	if ((meta_kind(h->meta) == KIND_FAST_MANY) != (*n > 1))
		return NULL;
	return find(dev->dom, h, index, *n);
}

/* End @n entries that were @value and what follows it. Return: false where another CPU has: nothing has changed. */
static inline bool end(const struct dmah_domain *dom, uint64_t *pte, uint64_t value, uint32_t n,
		       uint64_t timestamp)
{
	const struct pt_leaf *leaf = &dom->pt.leaf;
	uint64_t cleared = pt_cleared_one(leaf, value) | timestamp;

	if (!leaf_end(pte, value, cleared))
		return false;
	for (uint64_t *at = pte + 1; at < pte + n; at++)
		leaf_clear(at, cleared | leaf->cont);
	dmah_host_wmb();
	return true;
}

bool dmah_fast_end(const struct dmah_domain *dom, uint64_t *pte, uint64_t value, uint32_t n,
		   uint64_t timestamp)
{
	return end(dom, pte, value, n, timestamp);
}

/* Replace the timestamp of cleared entries, which no CPU maps meanwhile, by the time of the unmap. */
static void set_timestamp(uint64_t *pte, uint32_t n, uint64_t now)
{
	uint64_t timestamp = history_timestamp_at(now);

	for (uint32_t i = 0; i < n; i++)
		leaf_clear(pte + i, (pt_load(pte + i) & ~HISTORY_TIMESTAMP) | timestamp);
}

/*
 * Hardware that is done at once leaves no time to read the clock in. Such an unmap has the timestamp of the last reading: every
 * so many of them read the clock, also the first of a CPU.
 */
#define STRICT_READS 64u

static inline bool strict_reads_clock(const struct dmah_stats *stats)
{
	return stats->unmaps % STRICT_READS == 0;
}

__attribute__((noinline, cold)) static void read_clock(struct dmah_domain *dom, uint64_t *pte,
						       uint32_t n)
{
	uint64_t now = dmah_host_now();

	set_timestamp(pte, n, now);
	dmah_history_flush_time(&dom->history, now);
}

/* Inline, so that one granule, the usual case, needs no loops. */
__attribute__((always_inline)) static inline int
unmap_strict(struct dmah_device *dev, uint64_t *pte, uint64_t value, uint32_t index, uint32_t n)
{
	struct iova_range range = { .first = index, .n = n };
	struct dmah_domain *dom = dev->dom;
	struct dmah_stats *stats;
	struct iommu_post post;
	unsigned long flags;
	struct dmah_cpu *cpu;
	bool returned, busy;
	int err;

	if (!end(dom, pte, value, n, history_timestamp(&dom->history)))
		return DMAH_ESTALE;
	err = iommu_post(dom, iommu_iova(dom, index), (uint64_t)n << PT_GRANULE_SHIFT, false,
			 &post);
	busy = err || !iommu_done(dom, post.ticket);
	if (busy)
		set_timestamp(pte, n, dmah_host_now());
	if (!err)
		err = iommu_wait(dom, post.ticket);
	cpu = dom->cpu[dmah_host_enter(&flags)];
	stats = count_here(dev, cpu);
	if (!busy && strict_reads_clock(stats))
		read_clock(dom, pte, n);
	returned = !err && cache_give_back(&cpu->cache.ring[iova_class(n)], pte, index);
	count_add(&stats->invalidations, post.posted);
	count_add(&stats->waits, 1);
	count_add(&stats->unmaps, 1);
	dmah_host_leave(flags);
	if (err)
		dmah_iommu_quarantine(dev, &range);
	else if (!returned)
		dmah_iommu_release(dom, &range);
	return err ? DMAH_ETIMEDOUT : DMAH_OK;
}

/* The CPU's ring has no room: this is the first range after a flush, or a flush is due, so the clock is read as well. */
static int unmap_defer(struct dmah_device *dev, uint64_t *pte, uint64_t value, uint32_t index,
		       uint32_t n)
{
	struct iova_range range = { .first = index, .n = n };

	if (!end(dev->dom, pte, value, n, history_timestamp_at(dmah_host_now())))
		return DMAH_ESTALE;
	count(dev, unmaps, 1);
	return dmah_iommu_defer(dev, &range);
}

static int unmap_lazy(struct dmah_device *dev, uint64_t *pte, uint64_t value, uint32_t index,
		      uint32_t n)
{
	struct dmah_domain *dom = dev->dom;
	struct iova_ring *ring;
	struct dmah_cpu *cpu;
	unsigned long flags;
	uint32_t in;
	bool room, ended = false;

	cpu = dom->cpu[dmah_host_enter(&flags)];
	ring = &cpu->cache.ring[iova_class(n)];
	room = cache_room(ring, &in);
	if (room)
		ended = end(dom, pte, value, n, history_timestamp(&dom->history));
	if (ended) {
		cache_put(ring, in, pte, index);
		count_add(&count_here(dev, cpu)->unmaps, 1);
	}
	dmah_host_leave(flags);
	if (!room)
		return unmap_defer(dev, pte, value, index, n);
	return ended ? DMAH_OK : DMAH_ESTALE;
}

/* @value: the first entry as it was found. Return: 0, DMAH_ETIMEDOUT; DMAH_ESTALE: another CPU was first. */
__attribute__((always_inline)) static inline int unmap(struct dmah_device *dev, uint64_t *pte,
						       uint64_t value, uint32_t index, uint32_t n)
{
	return iommu_defers(dev) ? unmap_lazy(dev, pte, value, index, n)
				 : unmap_strict(dev, pte, value, index, n);
}

int dmah_fast_unmap_one(struct dmah_device *dev, struct dmah *h, uint64_t *pte, uint32_t index)
{
	int err = unmap(dev, pte, h->backend, index, 1);

	if (err != DMAH_ESTALE)
		handle_clear(h);
	return err;
}

bool dmah_fast_unmap_any(struct dmah_device *dev, struct dmah *h, int *err)
{
	uint32_t index, n;
	uint64_t *pte = dmah_fast_find(dev, h, &index, &n);

	if (!pte)
		return false;
	*err = unmap(dev, pte, fast_first(&dev->dom->pt.leaf, h), index, n);
	if (*err == DMAH_ESTALE)
		return false;
	handle_clear(h);
	return true;
}

/* Returns true if the mapping of one granule ends there: the next entry does not continue it. */
static bool ends(const struct dmah_domain *dom, const uint64_t *pte, uint32_t index)
{
	uint64_t next;

	if (index % PT_TABLE_ENTRIES == PT_TABLE_ENTRIES - 1)
		return dmah_entries_end_at(dom, index + 1);
	next = pt_load(pte + 1);
	return !(next & dom->pt.leaf.cont) || !pt_present(&dom->pt.leaf, next);
}

bool dmah_fast_addr_unmap(struct dmah_device *dev, const struct addr_req *req, int *err)
{
	struct dmah_domain *dom = dev->dom;
	const struct pt_leaf *leaf = &dom->pt.leaf;
	uint64_t offset = req->dma & GRANULE_MASK, entry, *pte;
	struct iova_ring *ring;
	struct dmah_stats *stats;
	struct dmah_cpu *cpu;
	unsigned long flags;
	uint32_t index, in;
	dmah_phys_t phys;
	bool room;

	if (!__atomic_load_n(&dev->fast_end, __ATOMIC_RELAXED) || req->attrs ||
	    __atomic_load_n(&dom->nidentity, __ATOMIC_RELAXED) ||
	    (!req->has_phys && dom->lookup.find) ||
	    (uint64_t)req->len - 1 > GRANULE_MASK - offset ||
	    !iommu_index(dom, req->dma, req->len, &index))
		return false;
	pte = entries_any(dom, index);
	entry = pt_load(pte);
	phys = (entry & leaf->addr_mask) | offset;
	/* Present, with this direction's permissions, and the beginning of a mapping; and its end. */
	if ((entry & ~(leaf->addr_mask | leaf->gen_bits)) != leaf->prot[req->dir & 3] ||
	    /* With a boundary, a list may go on behind a gap. */
	    dev->limits.boundary || !ends(dom, pte, index) || iommu_in_reserve(dom, index) ||
	    (req->has_phys && req->phys != phys) ||
	    (dom->cfg.pool && dmah_pool_holds(dom->cfg.pool, phys)))
		return false;
	cpu = dom->cpu[dmah_host_enter(&flags)];
	ring = &cpu->cache.ring[0];
	stats = count_here(dev, cpu);
	if (!req->has_phys) {
		count_add(&stats->reverse_lookups, 1);
		/* The directory and the leaf table. */
		count_add(&stats->lookup_steps, 2);
	}
	room = cache_room(ring, &in);
	if (room &&
	    leaf_end(pte, entry, pt_cleared_one(leaf, entry) | history_timestamp(&dom->history))) {
		dmah_host_wmb();
		cache_put(ring, in, pte, index);
		count_add(&stats->unmaps, 1);
		*err = DMAH_OK;
	} else {
		*err = room ? DMAH_ESTALE : DMAH_ENOSPC;
	}
	dmah_host_leave(flags);
	/* No room in the ring: the way with a clock. */
	if (*err == DMAH_ENOSPC)
		*err = unmap(dev, pte, entry, index, 1);
	return *err != DMAH_ESTALE;
}
