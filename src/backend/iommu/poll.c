/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Upkeep that the host drives: deadlines of lazy unmaps, and CPUs that are gone.
 */
#include "backend/iommu/poll.h"
#include "backend/iommu/cpu.h"
#include "backend/iommu/flush.h"
#include "backend/iommu/ring.h"

void dmah_iommu_want_poll(struct dmah_domain *dom, uint64_t deadline)
{
	if (dom->cfg.want_poll)
		dom->cfg.want_poll(dom->cfg.want_poll_ctx, dom, deadline);
}

int dmah_iommu_poll(struct dmah_domain *dom, uint64_t now, uint64_t *next)
{
	int err = DMAH_OK;

	for (unsigned int i = 0; i <= cpu_shared(dom); i++) {
		struct dmah_cpu *cpu = dom->cpu[i];
		uint64_t deadline = UINT64_MAX;
		unsigned long flags;
		int one;

		for (unsigned int round = 0; round < 2; round++) {
			dmah_host_enter(&flags);
			dmah_host_lock(&cpu->lock);
			deadline = cpu->lazy.in == cpu->lazy.out &&
						   !dmah_iova_cache_waiting(&cpu->cache)
					   ? UINT64_MAX
					   : cpu->cache.since + dom->cfg.lazy_ns;
			dmah_host_unlock(&cpu->lock);
			dmah_host_leave(flags);
			if (round || now < deadline)
				break;
			one = dmah_iommu_flush_cpu(dom, NULL, i);
			err = one ? one : err;
			if (one)
				break;
		}
		if (deadline < *next)
			*next = deadline;
	}
	for (unsigned int round = 0; round < 2; round++) {
		uint64_t deadline = dmah_iommu_rings_deadline(dom);

		if (round || now < deadline) {
			*next = deadline < *next ? deadline : *next;
			break;
		}
		err = dmah_iommu_flush(dom, NULL);
	}
	/* Not confirmed: the next try comes after as long again, and not at once. */
	if (err && *next <= now)
		*next = now + dom->cfg.lazy_ns;
	return err;
}

int dmah_iommu_cpu_dead(struct dmah_domain *dom, unsigned int cpu)
{
	int err, shared;

	err = dmah_iommu_flush_cpu(dom, NULL, cpu);
	/* A dead CPU runs no calls. */
	dmah_iommu_drain_idle(dom, cpu);
	/* There lies what the CPU unmapped while it had no part of its own. */
	shared = dmah_iommu_flush_cpu(dom, NULL, cpu_shared(dom));
	return err ? err : shared;
}
