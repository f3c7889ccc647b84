/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Counters. Each CPU writes its own, inside dmah_host_enter(). Any CPU may read them at any time.
 */
#ifndef DMAH_BASE_COUNT_H
#define DMAH_BASE_COUNT_H

#include "base/domain.h"

/*
 * Use plain additions, except for the sanitizer: each counter has one writer, and readers may see
 * old values.
 */
#if defined(__SANITIZE_THREAD__)
#define COUNT_ATOMIC 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define COUNT_ATOMIC 1
#endif
#endif

static inline void count_add(uint64_t *counter, uint64_t n)
{
#ifdef COUNT_ATOMIC
	__atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
#else
	*counter += n;
#endif
}

static inline struct dev_count *count_of(const struct dmah_device *dev, unsigned int cpu)
{
	return &dev->dom->cpu[cpu]->count[dev->index];
}

/**
 * count_here() - return a device's counters on @cpu: for the fast path, which has the CPU at hand.
 */
static inline struct dmah_stats *count_here(const struct dmah_device *dev, struct dmah_cpu *cpu)
{
	return &((struct dev_count *)(void *)((char *)cpu + dev->count_at))->stats;
}

/** count() - add to one of a device's counters, outside dmah_host_enter(); for slow paths. */
#define count(dev, field, by)                                           \
	do {                                                            \
		unsigned long count_flags;                              \
		unsigned int count_cpu = dmah_host_enter(&count_flags); \
                                                                        \
		count_add(&count_of(dev, count_cpu)->stats.field, by);  \
		dmah_host_leave(count_flags);                           \
	} while (0)

/** count_in() - add to one of a device's counters, inside dmah_host_enter(). */
#define count_in(dev, cpu, field, by) count_add(&count_of(dev, cpu)->stats.field, by)

/** count_mapped() - count @n new mappings, inside dmah_host_enter(). */
static inline void count_mapped(const struct dmah_device *dev, unsigned int cpu, uint64_t n)
{
	count_in(dev, cpu, maps, n);
}

/** count_unmapped() - count @n ended mappings, inside dmah_host_enter(). */
static inline void count_unmapped(const struct dmah_device *dev, unsigned int cpu, uint64_t n)
{
	count_in(dev, cpu, unmaps, n);
}

/** dmah_domain_live() - return the number of live mappings on all devices of a domain. */
uint64_t dmah_domain_live(const struct dmah_domain *dom);

#endif /* DMAH_BASE_COUNT_H */
