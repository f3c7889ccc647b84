/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "backend/iommu/iommu.h"
#include "backend/pool.h"
#include "core/count.h"

/* Entries released under one hold of a CPU's lock. */
#define RELEASE_BATCH 32u
/* CPUs whose queues one invalidation serves. */
#define FLUSH_CPUS 32u

static int post_iommus(struct dmah_domain *dom, dmah_addr_t iova, uint64_t size, bool tables,
		       uint64_t *posted)
{
	int err = DMAH_OK;

	for (unsigned int i = 0; i < dom->nlinks; i++) {
		struct iommu_link *link = &dom->links[i];
		int n = link->iommu->ops->invalidate(link->iommu, link->tag, iova, size, tables);

		if (n < 0)
			err = n;
		else
			*posted += (uint64_t)n;
	}
	return err;
}

/* A device's TLB is asked after its IOMMU's, or it would fill itself from there again. */
static int post_devices(struct dmah_domain *dom, dmah_addr_t iova, uint64_t size, uint64_t *posted)
{
	unsigned long flags;
	int err = DMAH_OK;

	if (!__atomic_load_n(&dom->ats, __ATOMIC_ACQUIRE))
		return DMAH_OK;
	dmah_host_enter(&flags);
	dmah_host_lock(&dom->setup);
	for (unsigned int i = 0; i < dom->cfg.devices; i++) {
		struct dmah_device *dev = dom->device[i];
		int n;

		if (!dev || !(dev->limits.flags & DMAH_DEV_ATS) || !dev->iommu->ops->invalidate_dev)
			continue;
		n = dev->iommu->ops->invalidate_dev(dev->iommu, dev, iova, size);
		if (n < 0)
			err = n;
		else
			*posted += (uint64_t)n;
	}
	dmah_host_unlock(&dom->setup);
	dmah_host_leave(flags);
	return err;
}

static int wait_iommus(struct dmah_domain *dom)
{
	int err = DMAH_OK;

	for (unsigned int i = 0; i < dom->nlinks; i++) {
		struct dmah_iommu *iommu = dom->links[i].iommu;
		int one = iommu->ops->wait(iommu);

		if (one)
			err = one;
	}
	return err;
}

int iommu_invalidate(struct dmah_domain *dom, const struct dmah_device *dev, dmah_addr_t iova,
		     uint64_t size, bool tables)
{
	uint64_t posted = 0;
	int err;

	err = post_iommus(dom, iova, size, tables, &posted);
	if (!err)
		err = post_devices(dom, iova, size, &posted);
	if (!err)
		err = wait_iommus(dom);
	if (dev) {
		count(dev, invalidations, posted);
		count(dev, waits, 1);
	}
	return err ? DMAH_EHUNG : DMAH_OK;
}

/* Inside dmah_host_enter(), with the CPU's lock held. */
static void put_granules(struct dmah_domain *dom, struct dmah_cpu *cpu, uint32_t first, uint32_t n)
{
	struct iova_reserve *reserve = &dom->reserve;

	if (!n)
		return;
	if (reserve->page && first - reserve->first < reserve->cells.size * reserve->cell) {
		dmah_host_lock(&reserve->lock);
		(void)range_free(&reserve->cells, (first - reserve->first) / reserve->cell, 1);
		dmah_host_unlock(&reserve->lock);
	} else if (n <= IOVA_CLASS_MAX) {
		iova_put(&dom->iova, &cpu->stacks, first, n);
	} else {
		iova_put_large(&dom->iova, first, n);
	}
}

void iommu_release(struct dmah_domain *dom, const struct iova_range *range)
{
	unsigned long flags;
	struct dmah_cpu *cpu;

	pool_put(dom->cfg.pool, range->head);
	pool_put(dom->cfg.pool, range->tail);
	if (!range->n)
		return;
	cpu = &dom->cpu[dmah_host_enter(&flags)];
	dmah_host_lock(&cpu->lock);
	put_granules(dom, cpu, range->first, range->n);
	dmah_host_unlock(&cpu->lock);
	dmah_host_leave(flags);
}

void iommu_quarantine(struct dmah_device *dev, const struct iova_range *range)
{
	struct dmah_domain *dom = dev->dom;
	uint32_t seq = __atomic_load_n(&dom->flush_seq, __ATOMIC_ACQUIRE);
	unsigned long flags;

	if (range->n) {
		dmah_host_enter(&flags);
		iova_quarantine(&dom->iova, range->first, iommu_units(range->n), seq);
		dmah_host_leave(flags);
		count(dev, quarantined, iommu_units(range->n));
	}
	pool_quarantine(dom->cfg.pool, range->head, seq);
	pool_quarantine(dom->cfg.pool, range->tail, seq);
	__atomic_store_n(&dom->quarantine, true, __ATOMIC_RELEASE);
}

/* What was in a queue when its flush began is free now. The flushes of two CPUs may both come here for one entry. */
static void release_until(struct dmah_domain *dom, struct dmah_cpu *cpu, uint32_t until,
			  uint64_t begun)
{
	struct lazy_queue *q = &cpu->lazy;
	bool more;

	do {
		struct lazy_entry slots[RELEASE_BATCH];
		uint32_t nslots = 0, n = 0;
		unsigned long flags;

		dmah_host_enter(&flags);
		dmah_host_lock(&cpu->lock);
		for (; n < RELEASE_BATCH && (int32_t)(until - q->out) > 0; n++) {
			struct lazy_entry *entry = &q->entry[q->out & (dom->lazy_capacity - 1)];

			put_granules(dom, cpu, entry->first, entry->n);
			if (entry->head | entry->tail)
				slots[nslots++] = *entry;
			q->out++;
		}
		more = (int32_t)(until - q->out) > 0;
		q->since = begun;
		dmah_host_unlock(&cpu->lock);
		dmah_host_leave(flags);
		for (uint32_t i = 0; i < nslots; i++) {
			pool_put(dom->cfg.pool, slots[i].head);
			pool_put(dom->cfg.pool, slots[i].tail);
		}
	} while (more);
}

static uint32_t queue_in(struct dmah_cpu *cpu, uint32_t *waiting)
{
	unsigned long flags;
	uint32_t in;

	dmah_host_enter(&flags);
	dmah_host_lock(&cpu->lock);
	in = cpu->lazy.in;
	*waiting = in - cpu->lazy.out;
	dmah_host_unlock(&cpu->lock);
	dmah_host_leave(flags);
	return in;
}

int iommu_flush_cpu(struct dmah_domain *dom, const struct dmah_device *dev, unsigned int cpu)
{
	uint64_t begun = dmah_host_now();
	uint32_t waiting, until = queue_in(&dom->cpu[cpu], &waiting);
	int err;

	if (!waiting)
		return DMAH_OK;
	err = iommu_invalidate(dom, dev, 0, 0, false);
	if (!err)
		release_until(dom, &dom->cpu[cpu], until, begun);
	return err;
}

/* The queues of up to 32 CPUs with one invalidation: what is in a queue by then was cleared before it. */
static int flush_cpus(struct dmah_domain *dom, const struct dmah_device *dev, unsigned int first,
		      unsigned int n)
{
	uint64_t begun = dmah_host_now();
	uint32_t until[FLUSH_CPUS];
	int err;

	for (unsigned int i = 0; i < n; i++) {
		uint32_t waiting;

		until[i] = queue_in(&dom->cpu[first + i], &waiting);
	}
	err = iommu_invalidate(dom, dev, 0, 0, false);
	for (unsigned int i = 0; !err && i < n; i++)
		release_until(dom, &dom->cpu[first + i], until[i], begun);
	return err;
}

/* After a confirmed flush that began as number @seq. */
static void end_quarantine(struct dmah_domain *dom, uint32_t seq)
{
	const struct iova_reserve *reserve = &dom->reserve;
	uint32_t granule = 0;
	unsigned long flags;

	for (;; granule++) {
		struct dmah_cpu *cpu = &dom->cpu[dmah_host_enter(&flags)];

		granule = iova_leave_quarantine(&dom->iova, granule, seq);
		dmah_host_lock(&cpu->lock);
		/* Granule by granule, but for the cells of the reserve, which are one thing each. */
		if (granule == RANGE_NONE)
			;
		else if (reserve->page &&
			 granule - reserve->first < reserve->cells.size * reserve->cell)
			put_granules(dom, cpu, granule,
				     (granule - reserve->first) % reserve->cell ? 0
										: reserve->cell);
		else
			iova_put_large(&dom->iova, granule, 1);
		dmah_host_unlock(&cpu->lock);
		dmah_host_leave(flags);
		if (granule == RANGE_NONE)
			break;
	}
	pool_release_quarantine(dom->cfg.pool, dom, seq);
}

int iommu_flush(struct dmah_domain *dom, const struct dmah_device *dev)
{
	uint32_t seq = __atomic_add_fetch(&dom->flush_seq, 1, __ATOMIC_ACQ_REL);
	int err = DMAH_OK;

	for (unsigned int i = 0; !err && i < dom->cfg.cpus; i += FLUSH_CPUS)
		err = flush_cpus(dom, dev, i,
				 dom->cfg.cpus - i < FLUSH_CPUS ? dom->cfg.cpus - i : FLUSH_CPUS);
	if (!err && __atomic_load_n(&dom->quarantine, __ATOMIC_ACQUIRE))
		end_quarantine(dom, seq);
	return err;
}

int iommu_defer(struct dmah_device *dev, const struct iova_range *range)
{
	struct dmah_domain *dom = dev->dom;
	struct lazy_queue *q;
	uint32_t waiting;
	unsigned long flags;
	unsigned int n;
	bool full;

	n = dmah_host_enter(&flags);
	q = &dom->cpu[n].lazy;
	dmah_host_lock(&dom->cpu[n].lock);
	waiting = q->in - q->out;
	full = waiting >= dom->lazy_capacity;
	if (!full) {
		q->entry[q->in++ & (dom->lazy_capacity - 1)] = *range;
		if (!waiting)
			q->since = dmah_host_now();
	}
	dmah_host_unlock(&dom->cpu[n].lock);
	dmah_host_leave(flags);
	/* The flush of a full queue failed before; this range finds another place to wait for one that does not. */
	if (full)
		iommu_quarantine(dev, range);
	if (waiting + 1 < dom->cfg.lazy_entries)
		return DMAH_OK;
	return full ? iommu_flush(dom, dev) : iommu_flush_cpu(dom, dev, n);
}
