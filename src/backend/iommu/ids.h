/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The ids by which an IOMMU tells devices apart: a device may have several, and several devices may share one.
 */
#ifndef DMAH_BACKEND_IOMMU_IDS_H
#define DMAH_BACKEND_IOMMU_IDS_H

#include "backend/iommu/iommu.h"

/** iommu_id_view() - one id of a device, as its IOMMU's driver sees it: a device of that id alone. */
static inline struct dmah_device iommu_id_view(const struct dmah_device *dev, uint32_t id)
{
	return (struct dmah_device){ .name = dev->name,
				     .id = id,
				     .iommu = dev->iommu,
				     .priv = dev->priv,
				     .limits = dev->limits };
}

/**
 * dmah_iommu_take_ids() - take the ids of @dev for its domain, if no other domain's device, and no killed one, has one of
 * them. They are the domain's until @dev leaves its list of devices.
 *
 * Context: a setup call; @dev is in its domain's list. Return: 0; DMAH_EINVAL, DMAH_EBUSY, both reported.
 */
int dmah_iommu_take_ids(struct dmah_device *dev);

/**
 * dmah_iommu_bind_ids() - bind all ids of a device. An id that a killed device has too stays blocked.
 * @how: not DMAH_BIND_BLOCK.
 *
 * Return: 0, or an error of the driver: no id is bound then, but for those that other devices use.
 */
int dmah_iommu_bind_ids(struct dmah_device *dev, enum dmah_bind how, const struct dmah_pt_info *pt,
			uint32_t tag);

/**
 * dmah_iommu_block_ids() - block the ids of a device. An id that another device uses stays bound, unless @dev was killed.
 *
 * Return: 0, or the last error of the driver.
 */
int dmah_iommu_block_ids(struct dmah_device *dev, uint32_t tag);

/**
 * dmah_iommu_kill_sharers() - count each device that shares an id with @dev as killed.
 *
 * Context: the setup lock is held. Return: true if one of those devices, or @dev, is being bound.
 */
bool dmah_iommu_kill_sharers(const struct dmah_device *dev);

#endif /* DMAH_BACKEND_IOMMU_IDS_H */
