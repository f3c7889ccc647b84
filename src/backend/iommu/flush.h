/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Unmapped ranges on their way to being free: at once, behind the next flush, or in quarantine.
 */
#ifndef DMAH_BACKEND_IOMMU_FLUSH_H
#define DMAH_BACKEND_IOMMU_FLUSH_H

#include "backend/iommu/iommu.h"

/**
 * struct iova_range - granules that are being released, with the bounce slots that they led to.
 */
#define iova_range lazy_entry

/** dmah_iommu_release() - free granules and slots. */
void dmah_iommu_release(struct dmah_domain *dom, const struct iova_range *range);

/** dmah_iommu_quarantine() - withhold granules and slots whose invalidation was not confirmed, until a flush is. */
void dmah_iommu_quarantine(struct dmah_device *dev, const struct iova_range *range);

/**
 * dmah_iommu_defer() - put a range into this CPU's lazy queue, and flush the queue where it is long.
 *
 * Context: outside dmah_host_enter(). Return: 0; DMAH_ETIMEDOUT where that flush was not confirmed.
 */
int dmah_iommu_defer(struct dmah_device *dev, const struct iova_range *range);

/** dmah_iommu_flush_cpu() - empty one CPU's lazy queue of what is in it now. */
int dmah_iommu_flush_cpu(struct dmah_domain *dom, const struct dmah_device *dev, unsigned int cpu);

/** dmah_iommu_flush() - dmah_flush(). */
int dmah_iommu_flush(struct dmah_domain *dom, const struct dmah_device *dev);

/**
 * dmah_iommu_drain() - return the flushed granules that a CPU keeps to the depot. They stay where they are if the host
 * cannot wait for that CPU. Context: outside dmah_host_enter().
 */
void dmah_iommu_drain(struct dmah_domain *dom, unsigned int cpu);

/**
 * dmah_iommu_drain_idle() - dmah_iommu_drain() of a CPU that is known to run no map and no unmap of the domain: the lock
 * is enough, and nobody waits. Context: outside dmah_host_enter().
 */
void dmah_iommu_drain_idle(struct dmah_domain *dom, unsigned int cpu);

#endif /* DMAH_BACKEND_IOMMU_FLUSH_H */
