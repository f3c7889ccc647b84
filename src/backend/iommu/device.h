/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Devices behind an IOMMU.
 */
#ifndef DMAH_BACKEND_IOMMU_DEVICE_H
#define DMAH_BACKEND_IOMMU_DEVICE_H

#include "backend/iommu/iommu.h"

/** dmah_iommu_bind() - let a device reach what a mode lets it reach. Return: 0, or the error of the IOMMU's bind. */
int dmah_iommu_bind(struct dmah_domain *dom, struct dmah_device *dev, enum dmah_mode mode);

/** dmah_iommu_attach() - as backend_ops.attach. */
int dmah_iommu_attach(struct dmah_device *dev, const struct dmah_limits *limits);

/** dmah_iommu_detach() - as backend_ops.detach. */
int dmah_iommu_detach(struct dmah_device *dev);

/** dmah_iommu_kill() - as backend_ops.kill. */
int dmah_iommu_kill(struct dmah_device *dev);

#endif /* DMAH_BACKEND_IOMMU_DEVICE_H */
