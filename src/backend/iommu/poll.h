/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Upkeep of a domain behind an IOMMU.
 */
#ifndef DMAH_BACKEND_IOMMU_POLL_H
#define DMAH_BACKEND_IOMMU_POLL_H

#include "backend/iommu/iommu.h"

/** dmah_iommu_poll() - as backend_ops.poll. */
int dmah_iommu_poll(struct dmah_domain *dom, uint64_t now, uint64_t *next);

/**
 * dmah_iommu_want_poll() - tell the domain's owner that something waits for a flush where nothing did before.
 * @deadline: when dmah_poll() is due.
 *
 * Context: outside dmah_host_enter().
 */
void dmah_iommu_want_poll(struct dmah_domain *dom, uint64_t deadline);

/** dmah_iommu_cpu_dead() - as backend_ops.cpu_dead. */
int dmah_iommu_cpu_dead(struct dmah_domain *dom, unsigned int cpu);

#endif /* DMAH_BACKEND_IOMMU_POLL_H */
