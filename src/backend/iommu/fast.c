/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "backend/iommu/fast.h"
#include "backend/iommu/cells.h"
#include "backend/iommu/cpu.h"
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
		    (mode == DMAH_STRICT || mode == DMAH_LAZY) && iommu_is_on(dev) && !dom->mark &&
		    dom->caps & DMAH_IOMMU_COHERENT_WALK && !(dom->caps & DMAH_IOMMU_MAP_FLUSH) &&
		    /* Shifts would cost every other format. */
		    !dom->pt.leaf.addr_shift;

	/* One granule too few where the CPU's addresses have 64 bits; map.c maps that. */
	__atomic_store_n(&dev->fast_end, fast ? dom->phys_last & ~GRANULE_MASK : 0,
			 __ATOMIC_RELEASE);
	__atomic_store_n(&dev->fast_lazy, fast && mode == DMAH_LAZY ? dev->fast : 0,
			 __ATOMIC_RELAXED);
}

/* ---- map ---- */

bool dmah_fast_refill(struct dmah_domain *dom, unsigned int class)
{
	uint32_t size = 1u << class, run = size > IOVA_RUN ? size : IOVA_RUN, first;
	unsigned long flags;
	struct dmah_cpu *cpu;
	unsigned int n;

	cpu_make(dom);
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
		dmah_iova_cache_release(&cpu->cache, &dom->iova, class, true, at);
	dmah_host_unlock(&cpu->lock);
	dmah_host_leave(flags);
	return true;
}

bool dmah_fast_map_refill(struct dmah_device *dev, struct dmah *h, dmah_phys_t phys, uint64_t len,
			  enum dmah_dir dir, const void *caller)
{
	uint32_t n = fast_granules(dev, h, phys, len, dir);

	/* Nothing is taken for a buffer that is refused anyway. */
	return n && dmah_fast_refill(dev->dom, iova_class(n)) &&
	       fast_map_many(dev, h, phys, len, dir, caller);
}

/* ---- unmap ---- */

/* The entries that a handle of @n granules names, where all of them are as they were written; NULL where not. */
static uint64_t *find(const struct dmah_domain *dom, const struct dmah *h, uint32_t *index,
		      uint32_t n)
{
	const struct pt_leaf *leaf = &dom->pt.leaf;
	uint64_t first = fast_first(leaf, h), *pte;

	if (!h->len || n > IOVA_CLASS_MAX || !iommu_index(dom, h->dma, h->len, index) ||
	    (*index & (PT_TABLE_ENTRIES - 1)) + n > PT_TABLE_ENTRIES)
		return NULL;
	pte = entries_any(dom, *index);
	if (pt_load(pte) != first || !pt_present(leaf, first))
		return NULL;
	if (extent_differs(pte + 1, n - 1, fast_second(leaf, first)))
		return NULL;
	return fast_ends(dom, pte + n, *index + n) ? pte : NULL;
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
	extent_clear(pte + 1, n - 1, cleared | leaf->cont);
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

/* Read the clock while the hardware is at work, and wait for it. @err: the result of the posting. */
__attribute__((noinline)) static int wait_strict(struct dmah_domain *dom, uint64_t *pte, uint32_t n,
						 const struct iommu_post *post, int err)
{
	set_timestamp(pte, n, dmah_host_now());
	return err ? err : iommu_wait(dom, post->ticket);
}

/* Release a range that this CPU's cache did not take without its lock. @err: the hardware did not confirm. */
__attribute__((noinline)) static int release_strict(struct dmah_device *dev, uint32_t index,
						    uint32_t n, int err)
{
	struct iova_range range = { .first = index, .n = n };

	if (!err) {
		dmah_iommu_release(dev->dom, &range);
		return DMAH_OK;
	}
	dmah_iommu_quarantine(dev, &range);
	return DMAH_ETIMEDOUT;
}

/* Inline, so that one granule, the usual case, needs no loops. */
__attribute__((always_inline)) static inline int
unmap_strict(struct dmah_device *dev, uint64_t *pte, uint64_t value, uint32_t index, uint32_t n)
{
	struct dmah_domain *dom = dev->dom;
	struct dmah_stats *stats;
	struct iommu_post post;
	unsigned long flags;
	struct dmah_cpu *cpu;
	bool returned, done;
	int err;

	if (!end(dom, pte, value, n, history_timestamp(&dom->history)))
		return DMAH_ESTALE;
	done = iommu_post_done(dom, iommu_iova(dom, index), (uint64_t)n << PT_GRANULE_SHIFT, &post,
			       &err);
	if (!done)
		err = wait_strict(dom, pte, n, &post, err);
	cpu = dom->cpu[dmah_host_enter(&flags)];
	stats = count_here(dev, cpu);
	if (done && strict_reads_clock(stats))
		read_clock(dom, pte, n);
	returned = !err && cache_give_back(&cpu->cache.ring[iova_class(n)], index);
	count_add(&stats->invalidations, post.posted);
	count_add(&stats->waits, 1);
	count_add(&stats->unmaps, 1);
	dmah_host_leave(flags);
	return returned ? DMAH_OK : release_strict(dev, index, n, err);
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
		cache_put(ring, in, index);
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

int dmah_fast_unmap_one(struct dmah_device *dev, struct dmah *h)
{
	uint32_t index;
	uint64_t *pte;
	int err;

	if (!fast_entry(dev->dom, h, dev->fast, &pte, &index))
		return DMAH_ESTALE;
	err = unmap(dev, pte, h->backend, index, 1);
	if (err != DMAH_ESTALE)
		handle_end(h);
	return err;
}

int dmah_fast_unmap_any(struct dmah_device *dev, struct dmah *h)
{
	uint32_t index, n;
	uint64_t *pte = dmah_fast_find(dev, h, &index, &n);
	int err;

	if (!pte)
		return DMAH_ESTALE;
	err = unmap(dev, pte, fast_first(&dev->dom->pt.leaf, h), index, n);
	if (err != DMAH_ESTALE)
		handle_clear(h);
	return err;
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
	    dev->limits.boundary || !fast_ends(dom, pte + 1, index + 1) ||
	    iommu_in_reserve(dom, index) || (req->has_phys && req->phys != phys) ||
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
		cache_put(ring, in, index);
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
