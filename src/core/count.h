/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Counting. Each CPU writes its own counters, inside dmah_host_enter(), and anyone may read them at any time.
 */
#ifndef DMAH_CORE_COUNT_H
#define DMAH_CORE_COUNT_H

#include "core/domain.h"

static inline void count_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

static inline struct dev_count *count_of(const struct dmah_device *dev, unsigned int cpu)
{
	return &dev->dom->cpu[cpu].count[dev->index];
}

/** count() - add to one of a device's counters, from outside dmah_host_enter(); for the slow paths. */
#define count(dev, field, by)                                           \
	do {                                                            \
		unsigned long count_flags;                              \
		unsigned int count_cpu = dmah_host_enter(&count_flags); \
                                                                        \
		count_add(&count_of(dev, count_cpu)->stats.field, by);  \
		dmah_host_leave(count_flags);                           \
	} while (0)

/** count_in() - the same from inside. */
#define count_in(dev, cpu, field, by) count_add(&count_of(dev, cpu)->stats.field, by)

/** count_mapped() - a mapping was made (@n 1) or undone (@n -1), inside dmah_host_enter(). */
static inline void count_mapped(const struct dmah_device *dev, unsigned int cpu, int n)
{
	struct dev_count *c = count_of(dev, cpu);

	count_add(n > 0 ? &c->stats.maps : &c->stats.unmaps, 1);
	count_add(&c->live, (uint64_t)(int64_t)n);
}

#endif /* DMAH_CORE_COUNT_H */
