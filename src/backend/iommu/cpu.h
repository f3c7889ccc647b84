/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The memory of one CPU's part of a domain: the rings of free granules and the queue of lazy unmaps.
 *
 * A CPU gets that memory, pages of the host, when it first maps: a domain of many CPUs, few of which use a device, takes little.
 * A map allocates the pages. Until a CPU has them, and where the host has none, its maps take granules from the depot, and its
 * unmaps, which must not allocate, put their ranges into a queue in the domain that all such CPUs share. A CPU that only unmaps
 * says so by @wanted, and the next map of any CPU that looks for granules makes its part.
 */
#ifndef DMAH_BACKEND_IOMMU_CPU_H
#define DMAH_BACKEND_IOMMU_CPU_H

#include "backend/iommu/iommu.h"

/** dmah_cpu_memory() - bytes in the domain's memory for each CPU: not 0 where @lazy_entries is above CACHE_PAGED. */
size_t dmah_cpu_memory(const struct dmah_domain_config *cfg);

/** dmah_cpu_shared_memory() - bytes in the domain's memory for the part that CPUs share. */
size_t dmah_cpu_shared_memory(const struct dmah_domain_config *cfg);

/** dmah_iommu_init_cpu() - as backend_ops.init_cpu. */
void dmah_iommu_init_cpu(struct dmah_domain *dom, struct dmah_cpu *cpu, void *memory);

/** dmah_cpu_init_shared() - set up the part that CPUs share. @memory: dmah_cpu_shared_memory() bytes, aligned to 64. */
void dmah_cpu_init_shared(struct dmah_domain *dom, void *memory);

/** dmah_cpu_free_pages() - return the pages of all CPUs to the host. */
void dmah_cpu_free_pages(struct dmah_domain *dom);

/** dmah_cpu_make() - allocate the memory of this CPU's part, and of those that wait for it. See cpu_make(). */
void dmah_cpu_make(struct dmah_domain *dom);

/** dmah_cpu_want() - ask the next map to make the part of a CPU whose unmap found none. Context: in a section of that CPU. */
void dmah_cpu_want(struct dmah_domain *dom, struct dmah_cpu *cpu);

/** cpu_shared() - the number of the part that CPUs share: loops over lazy queues go on up to it. */
static inline unsigned int cpu_shared(const struct dmah_domain *dom)
{
	return dom->cfg.cpus;
}

/**
 * cpu_has_queue() - Returns true if a CPU's lazy queue has its memory; the rings have theirs then. An unmap that waits for a flush
 * asks this and not for the mode, which may have changed since the unmap was decided to wait.
 */
static inline bool cpu_has_queue(const struct dmah_cpu *cpu)
{
	return __atomic_load_n(&cpu->lazy.half[1], __ATOMIC_ACQUIRE) != NULL;
}

/** cpu_is_made() - Returns true if a CPU's part has all memory that the domain's mode needs. */
static inline bool cpu_is_made(const struct dmah_domain *dom, const struct dmah_cpu *cpu)
{
	return __atomic_load_n(&cpu->made, __ATOMIC_ACQUIRE) &&
	       (domain_mode(dom) != DMAH_LAZY || cpu_has_queue(cpu));
}

/**
 * cpu_make() - see to it that this CPU's part has its memory. Maps call this where they look for granules. Where the host has
 * no page, the map goes on without, and a later one tries again. Context: outside dmah_host_enter().
 */
static inline void cpu_make(struct dmah_domain *dom)
{
	unsigned long flags;
	bool made = cpu_is_made(dom, dom->cpu[dmah_host_enter(&flags)]);

	dmah_host_leave(flags);
	if (!made || __atomic_load_n(&dom->cpus_wanted, __ATOMIC_RELAXED))
		dmah_cpu_make(dom);
}

/** lazy_at() - the entry of a lazy queue that has its memory, by @in or @out. */
static inline struct lazy_entry *lazy_at(const struct dmah_domain *dom, const struct lazy_queue *q,
					 uint32_t index)
{
	uint32_t entries = dom->cfg.lazy_entries;

	return &q->half[index & entries ? 1 : 0][index & (entries - 1)];
}

#endif /* DMAH_BACKEND_IOMMU_CPU_H */
