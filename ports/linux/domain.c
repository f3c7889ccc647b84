// SPDX-License-Identifier: GPL-2.0-only
/*
 * A client's own domain: flushes, checks, syncs, and the list of live mappings.
 */
#include "domain_int.h"

bool domain_is_lazy(const struct domain *d)
{
	return d->lazy;
}

static void clear_late(void *ctx, u32 first, u32 n)
{
	struct domain *d = ctx;

	table_unmap(d, domain_iova(d, first), n);
}

/* CPUs that one invalidation serves: their marks lie on the stack. */
#define FLUSH_CPUS 16u

void domain_flush(struct domain *d)
{
	struct space_mark mark[FLUSH_CPUS];
	unsigned int cpu, first = 0;
	bool waits = false;
	int begun, done;

	if (!d->lazy)
		return;
	do {
		unsigned int n = 0, at[FLUSH_CPUS];

		begun = atomic_inc_return(&d->flush_begun);
		for (cpu = first; cpu < nr_cpu_ids && n < FLUSH_CPUS; cpu++) {
			first = cpu + 1;
			if (cpu_possible(cpu) &&
			    space_capture(&d->space, cpu, &mark[n], d->late ? clear_late : NULL, d))
				at[n++] = cpu;
		}
		/*
		 * Rings keep nothing here. The entries that they cleared before now are covered,
		 * too.
		 */
		iommu_flush_iotlb_all(d->iommu);
		client_count(d->c, flushes, 1);
		for (unsigned int i = 0; i < n; i++)
			waits |= space_flushed(&d->space, at[i], &mark[i]);
	} while (first < nr_cpu_ids);
	/* Ranges that were unmapped during the flush started no timer. */
	if (waits)
		domain_arm(d);
	done = atomic_read(&d->flush_done);
	while (done - begun < 0 && !atomic_try_cmpxchg(&d->flush_done, &done, begun))
		;
}

bool domain_check(struct client *c, const struct dmah *h, const struct dmah **home)
{
	u32 first;

	if (h->backend)
		*home = (const struct dmah *)(uintptr_t)h->backend;
	return cell_of(c->domain, h, &first);
}

void domain_sync(struct client *c, const struct dmah *h, u32 off, u32 len, bool for_cpu)
{
	struct domain *d = c->domain;
	struct cell *cell;
	u32 first;

	cell = cell_of(d, h, &first);
	if (!cell)
		return;
	if (d->pool && cell->backend) {
		if (h->meta & (for_cpu ? 2 : 1))
			bounce_copy(d, (u32)cell->backend, off, len, for_cpu);
	} else if (h->meta & META_OWN) {
		if (for_cpu)
			cache_take_back(c, h, off, len);
		else
			cache_give(c, h, off, len);
	}
}

void domain_walk_live(struct domain *d, void (*fn)(void *ctx, const struct live *live), void *ctx)
{
	for (u32 i = 0; i < d->space.granules; i++) {
		const struct cell *cell = space_cell(&d->space, i);
		u32 meta;

		if (!cell) {
			i |= CELLS - 1;
			continue;
		}
		meta = READ_ONCE(cell->meta);
		if (!(meta & META_DIR))
			continue;
		fn(ctx, &(struct live){ .dma = domain_iova(d, i) + (cell->phys & (GRANULE - 1)),
					.phys = cell->phys,
					.len = cell->len,
					.meta = meta,
					.caller = cell->caller });
	}
}
