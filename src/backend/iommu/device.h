/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Devices behind an IOMMU.
 */
#ifndef DMAH_BACKEND_IOMMU_DEVICE_H
#define DMAH_BACKEND_IOMMU_DEVICE_H

#include "backend/iommu/iommu.h"

/**
 * dmah_iommu_bind_all() - bind every attached device anew, as a mode demands; killed ones stay blocked.
 * @but: a device that is not bound yet, or NULL.
 *
 * Context: a setup call. Return: 0, or the error of a bind: every device was then bound as the domain's mode demands
 * again, as far as the hardware allowed.
 */
int dmah_iommu_bind_all(struct dmah_domain *dom, enum dmah_mode mode,
			const struct dmah_device *but);

/** dmah_iommu_attach() - as backend_ops.attach. */
int dmah_iommu_attach(struct dmah_device *dev, const struct dmah_limits *limits);

/** dmah_iommu_detach() - as backend_ops.detach. */
int dmah_iommu_detach(struct dmah_device *dev);

/** dmah_iommu_kill() - as backend_ops.kill. */
int dmah_iommu_kill(struct dmah_device *dev);

#endif /* DMAH_BACKEND_IOMMU_DEVICE_H */
