/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Lazy queues, flushes and quarantine: when an unmapped range may be used again.
 */
#include "backend/iommu/flush.h"
#include "backend/iommu/cells.h"
#include "backend/iommu/cpu.h"
#include "backend/iommu/entries.h"
#include "backend/iommu/invalidate.h"
#include "backend/iommu/marks.h"
#include "backend/iommu/mode.h"
#include "backend/iommu/poll.h"
#include "backend/iommu/ring.h"
#include "base/pool.h"
#include "base/count.h"

/* Entries released under one hold of a CPU's lock. */
#define RELEASE_BATCH 32u
/* CPUs, and rings, that one invalidation serves. */
#define FLUSH_CPUS RING_MARKS

/*
 * Return the class of the ring that a range may go into; IOVA_RINGS if there is none. What lies in a ring has the table that its
 * next map writes to: a leaf table, or for a block the table above.
 */
static unsigned int ring_class(const struct dmah_domain *dom, uint32_t first, uint32_t n)
{
	if (n <= IOVA_CLASS_MAX)
		return entries_has_leaf(dom, first) ? iova_class(n) : IOVA_RINGS;
	return n == IOVA_BLOCK_SIZE && entries_block_is_ready(dom, first) ? IOVA_BLOCK : IOVA_RINGS;
}

/* Inside dmah_host_enter(). @own: this CPU's part, with its lock held; NULL: back to the depot. */
static void put_granules(struct dmah_domain *dom, struct dmah_cpu *own, uint32_t first, uint32_t n)
{
	unsigned int class;

	if (!n || dmah_iommu_put_cell(dom, first))
		return;
	class = ring_class(dom, first, n);
	if (!own || class == IOVA_RINGS) {
		dmah_iova_put_large(&dom->iova, first, iommu_units(n));
		return;
	}
	dmah_cpu_want(dom, own);
	dmah_iova_cache_release(&own->cache, &dom->iova, class, true, first);
}

void dmah_iommu_release(struct dmah_domain *dom, const struct iova_range *range)
{
	unsigned long flags;
	struct dmah_cpu *cpu;

	dmah_pool_put(dom->cfg.pool, range->head);
	dmah_pool_put(dom->cfg.pool, range->tail);
	if (!range->n)
		return;
	cpu = dom->cpu[dmah_host_enter(&flags)];
	dmah_host_lock(&cpu->lock);
	put_granules(dom, cpu, range->first, range->n);
	dmah_host_unlock(&cpu->lock);
	dmah_host_leave(flags);
}

void dmah_iommu_quarantine(struct dmah_device *dev, const struct iova_range *range)
{
	struct dmah_domain *dom = dev->dom;
	unsigned long flags;
	uint32_t seq;

	if (range->n) {
		dmah_host_enter(&flags);
		dmah_iova_quarantine(&dom->iova, range->first, iommu_units(range->n),
				     &dom->flush_seq);
		dmah_host_leave(flags);
		count(dev, quarantined, iommu_units(range->n));
	}
	/* Read after that: a flush that frees the slots has found the granules, which lead to them. */
	seq = __atomic_load_n(&dom->flush_seq, __ATOMIC_ACQUIRE);
	dmah_pool_quarantine(dom->cfg.pool, range->head, seq);
	dmah_pool_quarantine(dom->cfg.pool, range->tail, seq);
	__atomic_store_n(&dom->quarantine, true, __ATOMIC_RELEASE);
}

/* The part of a CPU's lazy ranges that a flush covers: those that waited before the flush was posted. */
struct captured {
	uint32_t ring[IOVA_RINGS];
	uint32_t queue;
};

static uint32_t queued(const struct dmah_cpu *cpu)
{
	return cpu->lazy.in - cpu->lazy.out;
}

/* @begun: when the flush begins: what is unmapped from now on is unmapped after that. */
static uint32_t capture(struct dmah_domain *dom, struct dmah_cpu *cpu, struct captured *until,
			uint64_t begun)
{
	unsigned long flags;
	uint32_t waiting;

	dmah_host_enter(&flags);
	dmah_host_lock(&cpu->lock);
	waiting = dmah_iova_cache_capture(&cpu->cache, until->ring) + queued(cpu);
	until->queue = cpu->lazy.in;
	dmah_host_unlock(&cpu->lock);
	dmah_host_leave(flags);
	if (waiting)
		dmah_history_flush_time(&dom->history, begun);
	return waiting;
}

/* Release the ranges that were captured when a flush began. The flushes of two CPUs may both come to one entry. */
static void release_until(struct dmah_domain *dom, struct dmah_cpu *cpu,
			  const struct captured *until, uint64_t begun)
{
	struct lazy_queue *q = &cpu->lazy;
	bool more;

	do {
		struct lazy_entry slots[RELEASE_BATCH];
		uint32_t nslots = 0, n = 0;
		unsigned long flags;
		bool own;

		own = dom->cpu[dmah_host_enter(&flags)] == cpu;
		dmah_host_lock(&cpu->lock);
		dmah_iova_cache_flushed(&cpu->cache, until->ring, begun);
		if (own)
			dmah_iova_cache_trim(&cpu->cache, &dom->iova);
		for (; n < RELEASE_BATCH && (int32_t)(until->queue - q->out) > 0; n++) {
			struct lazy_entry *entry = lazy_at(dom, q, q->out);

			put_granules(dom, NULL, entry->first, entry->n);
			if (entry->head | entry->tail)
				slots[nslots++] = *entry;
			q->out++;
		}
		more = (int32_t)(until->queue - q->out) > 0;
		dmah_host_unlock(&cpu->lock);
		dmah_host_leave(flags);
		for (uint32_t i = 0; i < nslots; i++) {
			dmah_pool_put(dom->cfg.pool, slots[i].head);
			dmah_pool_put(dom->cfg.pool, slots[i].tail);
		}
	} while (more);
}

int dmah_iommu_flush_cpu(struct dmah_domain *dom, const struct dmah_device *dev, unsigned int cpu)
{
	uint64_t begun = dmah_host_now();
	struct captured until;
	int err;

	if (!capture(dom, dom->cpu[cpu], &until, begun))
		return DMAH_OK;
	err = dmah_iommu_invalidate(dom, dev, 0, 0, false);
	if (!err)
		release_until(dom, dom->cpu[cpu], &until, begun);
	return err;
}

/*
 * Flush with one invalidation what waits at up to 24 CPUs from the @first on, and in up to 24 rings beyond number *@ring:
 * their entries were cleared before the invalidation. @more: other CPUs or rings are left.
 */
static int flush_some(struct dmah_domain *dom, const struct dmah_device *dev, unsigned int first,
		      uint32_t *ring, bool *more)
{
	uint64_t begun = dmah_host_now();
	struct captured until[FLUSH_CPUS];
	struct ring_mark marks[RING_MARKS];
	unsigned int n = 0, nrings = dmah_iommu_rings_capture(dom, *ring, marks);
	int err;

	for (; n < FLUSH_CPUS && first + n <= cpu_shared(dom); n++)
		(void)capture(dom, dom->cpu[first + n], &until[n], begun);
	err = dmah_iommu_invalidate(dom, dev, 0, 0, false);
	for (unsigned int i = 0; !err && i < n; i++)
		release_until(dom, dom->cpu[first + i], &until[i], begun);
	if (!err)
		dmah_iommu_rings_flushed(dom, marks, nrings, begun);
	*more = n == FLUSH_CPUS || nrings == RING_MARKS;
	if (nrings)
		*ring = marks[nrings - 1].serial;
	return err;
}

/* After a confirmed flush that began as number @seq. */
static void end_quarantine(struct dmah_domain *dom, uint32_t seq)
{
	const struct iova_reserve *reserve = &dom->reserve;
	uint32_t granule = 0;
	unsigned long flags;

	for (;; granule++) {
		dmah_host_enter(&flags);
		granule = dmah_iova_leave_quarantine(&dom->iova, granule, seq);
		/* Granule by granule, but for the cells of the reserve, which are one thing each. */
		if (granule == RANGE_NONE)
			;
		else if (iommu_in_reserve(dom, granule))
			put_granules(dom, NULL, granule,
				     (granule - reserve->first) % reserve->cell ? 0
										: reserve->cell);
		else
			dmah_iova_put_large(&dom->iova, granule, 1);
		dmah_host_leave(flags);
		if (granule == RANGE_NONE)
			break;
	}
	dmah_pool_release_quarantine(dom->cfg.pool, dom, seq);
}

/* Note that flush number @seq was confirmed. Of two flushes at once the later one may be confirmed first. */
static void confirm(struct dmah_domain *dom, uint32_t seq)
{
	uint32_t last = __atomic_load_n(&dom->flushed_seq, __ATOMIC_RELAXED);

	while ((int32_t)(seq - last) > 0 &&
	       !__atomic_compare_exchange_n(&dom->flushed_seq, &last, seq, false, __ATOMIC_RELEASE,
					    __ATOMIC_RELAXED))
		;
}

/*
 * Returns true if this flush ends the quarantine, where there is one. Without a page table a flush posts again what ends the
 * mappings in quarantine, and frees them: of two flushes one does so, or the first could end a mapping that was made after the
 * second.
 */
static bool may_end_quarantine(struct dmah_domain *dom)
{
	if (!__atomic_load_n(&dom->quarantine, __ATOMIC_ACQUIRE))
		return !dom->mark;
	return !dom->mark || !__atomic_exchange_n(&dom->mending, 1, __ATOMIC_ACQUIRE);
}

int dmah_iommu_flush(struct dmah_domain *dom, const struct dmah_device *dev)
{
	uint32_t seq = __atomic_add_fetch(&dom->flush_seq, 1, __ATOMIC_ACQ_REL);
	uint32_t ring = 0;
	bool more = true, mends = may_end_quarantine(dom);
	int err = mends && dom->mark ? dmah_marks_flush(dom) : DMAH_OK;

	for (unsigned int first = 0; !err && more; first += FLUSH_CPUS)
		err = flush_some(dom, dev, first, &ring, &more);
	if (!err)
		confirm(dom, seq);
	if (!err && mends && __atomic_load_n(&dom->quarantine, __ATOMIC_ACQUIRE))
		end_quarantine(dom, seq);
	if (mends && dom->mark)
		__atomic_store_n(&dom->mending, 0, __ATOMIC_RELEASE);
	if (err)
		return err;
	if (__atomic_load_n(&dom->doubt, __ATOMIC_ACQUIRE))
		dmah_iommu_end_doubt(dom, seq);
	return DMAH_OK;
}

/* Small ranges wait in the CPU's cache, all else in its queue. */
static enum cache_deferred put_lazy(struct dmah_domain *dom, struct dmah_cpu *cpu,
				    const struct iova_range *range)
{
	struct lazy_queue *q = &cpu->lazy;
	uint64_t now = dmah_host_now();
	unsigned int class = IOVA_RINGS;

	if (range->n && !(range->head | range->tail) && !iommu_in_reserve(dom, range->first))
		class = ring_class(dom, range->first, range->n);
	if (class < IOVA_RINGS && cpu->cache.ring[class].depth) {
		if (!dmah_iova_cache_waiting(&cpu->cache))
			dmah_history_flush_time(&dom->history, now);
		return dmah_iova_cache_defer(&cpu->cache, &dom->iova, class, range->first, now);
	}
	if (queued(cpu) >= dom->lazy_capacity)
		return CACHE_FULL;
	if (!queued(cpu) && !dmah_iova_cache_waiting(&cpu->cache)) {
		cpu->cache.since = now;
		dmah_history_flush_time(&dom->history, now);
	}
	*lazy_at(dom, q, q->in++) = *range;
	return queued(cpu) < dom->cfg.lazy_entries ? CACHE_WAITS : CACHE_DUE;
}

int dmah_iommu_defer(struct dmah_device *dev, const struct iova_range *range)
{
	enum cache_deferred deferred;
	struct dmah_domain *dom = dev->dom;
	struct dmah_cpu *cpu;
	unsigned long flags;
	bool first, defers;
	uint64_t deadline;
	unsigned int n;
	int err;

	n = dmah_host_enter(&flags);
	dmah_cpu_want(dom, dom->cpu[n]);
	if (!cpu_has_queue(dom->cpu[n]))
		n = cpu_shared(dom);
	cpu = dom->cpu[n];
	dmah_host_lock(&cpu->lock);
	first = !queued(cpu) && !dmah_iova_cache_waiting(&cpu->cache);
	deferred = put_lazy(dom, cpu, range);
	deadline = cpu->cache.since + dom->cfg.lazy_ns;
	dmah_host_unlock(&cpu->lock);
	/* In the same section: the mode may have changed since the unmap decided to wait for a flush. */
	defers = iommu_defers(dev);
	dmah_host_leave(flags);
	if (deferred == CACHE_WAITS && defers) {
		if (first)
			dmah_iommu_want_poll(dom, deadline);
		return DMAH_OK;
	}
	if (deferred != CACHE_FULL) {
		err = dmah_iommu_flush_cpu(dom, dev, n);
		if (err && first)
			dmah_iommu_want_poll(dom, deadline);
		return err;
	}
	/* The flush of a full queue failed before; this range finds another place to wait for one that does not. */
	dmah_iommu_quarantine(dev, range);
	return dmah_iommu_flush(dom, dev);
}
