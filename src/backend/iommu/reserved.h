/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Reserved ranges of attached devices: IOVAs that the allocator must not hand out, some of which translate to
 * themselves.
 */
#ifndef DMAH_BACKEND_IOMMU_RESERVED_H
#define DMAH_BACKEND_IOMMU_RESERVED_H

#include "backend/iommu/iommu.h"

/**
 * dmah_iommu_add_reserved() - take ranges out of the allocator for a device.
 * @dev: the device that they are reserved for.
 * @range: @n ranges; copied.
 *
 * Return: 0, DMAH_EINVAL, DMAH_EBUSY (mapped IOVAs lie in a range), DMAH_ENOMEM. After an error the caller calls
 * dmah_iommu_drop_reserved().
 */
int dmah_iommu_add_reserved(struct dmah_device *dev, const struct dmah_reserved *range,
			    unsigned int n);

/**
 * dmah_iommu_map_identity() - write the page-table entries of a device's identity ranges.
 * @changed: set to true if an entry was written.
 *
 * Return: 0, DMAH_ENOMEM, DMAH_ERANGE (above what the IOMMUs can translate). After an error the caller calls
 * dmah_iommu_drop_reserved().
 */
int dmah_iommu_map_identity(struct dmah_device *dev, bool *changed);

/**
 * dmah_iommu_drop_reserved() - end all reserved ranges of a device.
 *
 * Granules that no other device's range holds are free again. Where they translated to themselves, entries are cleared
 * and invalidated before that; without the hardware's confirmation they go into quarantine.
 *
 * Return: 0, DMAH_ETIMEDOUT (other devices of the domain may still reach an identity range).
 */
int dmah_iommu_drop_reserved(struct dmah_device *dev);

/** dmah_iommu_free_reserved() - give the pages back that held ranges. No device is attached. */
void dmah_iommu_free_reserved(struct dmah_domain *dom);

/** dmah_iommu_is_identity() - Returns true if an IOVA translates to itself for a device. Context: outside dmah_host_enter(). */
bool dmah_iommu_is_identity(struct dmah_domain *dom, dmah_addr_t iova);

/** dmah_iommu_is_reserved() - Returns true if an IOVA lies in a reserved range. Context: with the setup lock held. */
bool dmah_iommu_is_reserved(const struct dmah_domain *dom, dmah_addr_t iova);

#endif /* DMAH_BACKEND_IOMMU_RESERVED_H */
