// SPDX-License-Identifier: GPL-2.0-only
/*
 * Flushes of a pool. Lazy mode: of the whole domain, with a deadline. Strict mode: of a range at
 * each unmap; unmaps of several CPUs share one.
 */
#include <linux/module.h>

#include "pool_int.h"

static unsigned int lazy_ms = 10;
module_param(lazy_ms, uint, 0444);
MODULE_PARM_DESC(lazy_ms,
		 "lazy slots: most milliseconds that an unmapped range translates (default: 10)");

/* ---- lazy ---- */

void pool_flush(struct pool *p)
{
	int begun, done;

	if (!p->lazy)
		return;
	begun = atomic_inc_return(&p->begun);
	iommu_flush_iotlb_all(p->domain);
	client_count(p->c, flushes, 1);
	done = atomic_read(&p->done);
	while (done - begun < 0 && !atomic_try_cmpxchg(&p->done, &done, begun))
		;
}

static void expired(struct timer_list *timer)
{
	struct pool *p = container_of(timer, struct pool, timer);

	WRITE_ONCE(p->armed, false);
	/*
	 * An unmap that still saw the clock run has cleared its entries: this flush covers them.
	 */
	smp_mb();
	pool_flush(p);
}

void pool_arm(struct pool *p)
{
	if (!xchg(&p->armed, true))
		mod_timer(&p->timer, jiffies + msecs_to_jiffies(lazy_ms));
}

/* ---- strict ---- */

static __always_inline void flush_range(struct pool *p, dma_addr_t first, dma_addr_t last)
{
	struct iommu_iotlb_gather gather;

	iommu_iotlb_gather_init(&gather);
	gather.start = first;
	gather.end = last;
	gather.pgsize = PAGE_SIZE;
	iommu_iotlb_sync(p->domain, &gather);
	client_count(p->c, invalidations, 1);
}

/*
 * The flush takes a lock for the domain and holds it until the IOMMU has answered. CPUs that unmap
 * at the same time would queue for that lock, each to flush its own range. Instead one CPU
 * flushes, and the others add their ranges to the next flush, which one of them makes for all. A
 * range is added after its entries are cleared, and a flush takes all ranges that were added before
 * it begins; so each unmap still returns after a flush that began after its entries were cleared.
 */

/* A range that waits for the next flush. Return: the number of that flush. */
static u32 range_add(struct pool_strict *s, dma_addr_t first, dma_addr_t last)
{
	unsigned long flags;
	u32 number;

	spin_lock_irqsave(&s->lock, flags);
	if (!s->waiting) {
		s->first = first;
		s->last = last;
	} else {
		s->first = min(s->first, first);
		s->last = max(s->last, last);
	}
	WRITE_ONCE(s->waiting, s->waiting + 1);
	number = s->next;
	spin_unlock_irqrestore(&s->lock, flags);
	return number;
}

/* Flush for all that waits. Under the lock @flush. */
static void flush_added(struct pool *p)
{
	struct pool_strict *s = &p->strict;
	dma_addr_t first, last;
	u32 number, waiting;

	spin_lock(&s->lock);
	first = s->first;
	last = s->last;
	waiting = s->waiting;
	WRITE_ONCE(s->waiting, 0);
	number = s->next++;
	spin_unlock(&s->lock);
	/* Ranges that lie apart: an IOMMU may take each page between them by itself. */
	if (waiting > 1 && last - first >= POOL_SLOT_MAX * PAGE_SIZE) {
		iommu_flush_iotlb_all(p->domain);
		client_count(p->c, flushes, 1);
	} else if (waiting) {
		flush_range(p, first, last);
	}
	/* The flush has ended before a waiting unmap returns. */
	smp_store_release(&s->done, number);
}

static noinline void invalidate_shared(struct pool *p, dma_addr_t first, dma_addr_t last)
{
	struct pool_strict *s = &p->strict;
	u32 number = range_add(s, first, last);
	unsigned long flags;

	/* An interrupt may unmap as well: nothing is held while this CPU waits. */
	while ((s32)(smp_load_acquire(&s->done) - number) < 0) {
		if (!spin_trylock_irqsave(&s->flush, flags)) {
			cpu_relax();
			continue;
		}
		if ((s32)(READ_ONCE(s->done) - number) < 0)
			flush_added(p);
		spin_unlock_irqrestore(&s->flush, flags);
	}
}

void pool_invalidate(struct pool *p, dma_addr_t iova, u32 pages)
{
	struct pool_strict *s = &p->strict;
	dma_addr_t last = iova + ((dma_addr_t)pages << PAGE_SHIFT) - 1;
	unsigned long flags;

	if (s->alone) {
		flush_range(p, iova, last);
	} else if (likely(!READ_ONCE(s->waiting) && spin_trylock_irqsave(&s->flush, flags))) {
		/* Nobody waits, or those would go first. */
		flush_range(p, iova, last);
		spin_unlock_irqrestore(&s->flush, flags);
	} else {
		invalidate_shared(p, iova, last);
	}
}

void pool_flush_init(struct pool *p)
{
	timer_setup(&p->timer, expired, 0);
	spin_lock_init(&p->strict.flush);
	spin_lock_init(&p->strict.lock);
	p->strict.next = 1;
	/*
	 * A hypervisor that must look at each page of a range gets no pages between two ranges.
	 * With PREEMPT_RT the flush may sleep, so nobody may spin for it.
	 */
	p->strict.alone = p->sync_map || IS_ENABLED(CONFIG_PREEMPT_RT) || num_possible_cpus() == 1;
}
