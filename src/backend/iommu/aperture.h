/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The aperture of a domain: the IOVAs that can be handed out, and the page table over them.
 */
#ifndef DMAH_BACKEND_IOMMU_APERTURE_H
#define DMAH_BACKEND_IOMMU_APERTURE_H

#include "backend/iommu/iommu.h"

/** dmah_iommu_memory() - as backend_ops.memory: the directory, the allocator, and each CPU's cache and lazy queue. */
bool dmah_iommu_memory(const struct dmah_domain_config *cfg, struct backend_memory *need);

/** dmah_iommu_init() - as backend_ops.init. Return: 0, DMAH_ENOTSUP, DMAH_ENOMEM, DMAH_ENOSPC. */
int dmah_iommu_init(struct dmah_domain *dom, void *memory);

/** dmah_iommu_init_cpu() - as backend_ops.init_cpu. */
void dmah_iommu_init_cpu(struct dmah_domain *dom, struct dmah_cpu *cpu, void *memory);

/** dmah_iommu_pt_info() - as backend_ops.pt_info. */
void dmah_iommu_pt_info(const struct dmah_domain *dom, struct dmah_pt_info *info);

/**
 * dmah_iommu_widen() - make the page table wide enough for an IOVA, where the IOMMUs walk wider ones.
 * @last: the IOVA.
 * @but: a device that is not bound yet.
 *
 * The table that was there becomes the beginning of the wider one. All devices but @but are bound anew. Context: a
 * setup call. Return: 0, DMAH_ERANGE, DMAH_ENOMEM, or the error of a bind.
 */
int dmah_iommu_widen(struct dmah_domain *dom, dmah_addr_t last, const struct dmah_device *but);

/** dmah_iommu_fini() - as backend_ops.fini. Return: 0, DMAH_ETIMEDOUT. */
int dmah_iommu_fini(struct dmah_domain *dom);

/**
 * dmah_iommu_recall() - bring back every granule that a CPU keeps or that waits for a flush, so that none of them
 *	stands in the way of a reserved range or lies above a cut.
 */
void dmah_iommu_recall(struct dmah_domain *dom);

/**
 * dmah_iommu_take_range() - take granules for a ring or the reserve, after dmah_iommu_recall() if there is no room before.
 * @align: a power of two.
 *
 * Context: may sleep. Return: the first granule's index, or RANGE_NONE.
 */
uint32_t dmah_iommu_take_range(struct dmah_domain *dom, uint32_t n, uint32_t align);

/**
 * dmah_iommu_fit_aperture() - cut the aperture to the first device's mask; check that a later device's mask covers it.
 *
 * Return: 0, DMAH_ERANGE, DMAH_EBUSY.
 */
int dmah_iommu_fit_aperture(struct dmah_domain *dom, const struct dmah_device *dev);

/** dmah_iommu_uncut_aperture() - undo the cut: the next device is the first one again. */
void dmah_iommu_uncut_aperture(struct dmah_domain *dom);

#endif /* DMAH_BACKEND_IOMMU_APERTURE_H */
