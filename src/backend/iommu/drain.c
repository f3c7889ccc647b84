/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Granules that a CPU keeps, brought back to the depot.
 */
#include "backend/iommu/flush.h"

static void drain_locked(struct dmah_domain *dom, struct dmah_cpu *cpu)
{
	dmah_host_lock(&cpu->lock);
	dmah_iova_cache_drain(&cpu->cache, &dom->iova);
	dmah_host_unlock(&cpu->lock);
}

/* Another CPU must be out of the section that it may be in; from then on its own takes and puts come by the lock. */
static void drain_other(struct dmah_domain *dom, unsigned int n)
{
	struct dmah_cpu *cpu = dom->cpu[n];
	unsigned long flags;
	bool quiet;

	dmah_host_enter(&flags);
	dmah_host_lock(&cpu->lock);
	dmah_iova_cache_close(&cpu->cache);
	dmah_host_unlock(&cpu->lock);
	dmah_host_leave(flags);
	quiet = dmah_host_quiesce(n);
	dmah_host_enter(&flags);
	dmah_host_lock(&cpu->lock);
	if (quiet)
		dmah_iova_cache_drain(&cpu->cache, &dom->iova);
	dmah_iova_cache_open(&cpu->cache);
	dmah_host_unlock(&cpu->lock);
	dmah_host_leave(flags);
}

void dmah_iommu_drain_idle(struct dmah_domain *dom, unsigned int cpu)
{
	unsigned long flags;

	dmah_host_enter(&flags);
	drain_locked(dom, dom->cpu[cpu]);
	dmah_host_leave(flags);
}

void dmah_iommu_drain(struct dmah_domain *dom, unsigned int cpu)
{
	unsigned long flags;
	bool own = dmah_host_enter(&flags) == cpu;

	if (own)
		drain_locked(dom, dom->cpu[cpu]);
	dmah_host_leave(flags);
	if (!own)
		drain_other(dom, cpu);
}
