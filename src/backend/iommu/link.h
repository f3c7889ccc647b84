/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Links between a domain and its IOMMUs.
 */
#ifndef DMAH_BACKEND_IOMMU_LINK_H
#define DMAH_BACKEND_IOMMU_LINK_H

#include "backend/iommu/iommu.h"

/** dmah_iommu_width_known() - Returns true if an IOMMU walks tables of @va_bits. */
bool dmah_iommu_width_known(const struct dmah_iommu *iommu, unsigned int va_bits);

/**
 * dmah_iommu_suits() - check that an IOMMU can serve a domain: format, passthrough, and tables of @va_bits.
 *
 * Return: 0, or DMAH_ENOTSUP with the reason reported.
 */
int dmah_iommu_suits(const struct dmah_iommu *iommu, const struct dmah_domain_config *cfg,
		     unsigned int va_bits);

/** dmah_iommu_takes() - Returns true where devices before the IOMMU can use @iova, whatever the page table's width. */
bool dmah_iommu_takes(const struct dmah_iommu *iommu, dmah_addr_t iova);

/** dmah_iommu_link() - put an IOMMU before the domain's devices. Return: 0, or the error of its tag_alloc. */
int dmah_iommu_link(struct dmah_domain *dom, struct dmah_iommu *iommu);

/** dmah_iommu_unlink_all() - take every IOMMU's tag and list entry back. */
void dmah_iommu_unlink_all(struct dmah_domain *dom);

/** dmah_iommu_add() - as backend_ops.add_iommu. Return: 0, DMAH_EBUSY, DMAH_ENOSPC, DMAH_ENOTSUP. */
int dmah_iommu_add(struct dmah_domain *dom, struct dmah_iommu *iommu);

/**
 * dmah_iommu_check_on() - check that the device's IOMMU translates, before an IOVA is handed out for it.
 *
 * Context: outside dmah_host_enter(). Return: 0; DMAH_EPERM, reported.
 */
int dmah_iommu_check_on(struct dmah_device *dev);

/** dmah_iommu_link_of() - the link to a device's IOMMU, the first one where it names none; NULL: not of this domain. */
struct dmah_link *dmah_iommu_link_of(struct dmah_domain *dom, const struct dmah_device *dev);

#endif /* DMAH_BACKEND_IOMMU_LINK_H */
