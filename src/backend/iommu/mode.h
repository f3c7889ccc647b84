/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Modes of a domain behind an IOMMU.
 */
#ifndef DMAH_BACKEND_IOMMU_MODE_H
#define DMAH_BACKEND_IOMMU_MODE_H

#include "backend/iommu/iommu.h"

/** dmah_iommu_set_mode() - as backend_ops.set_mode. */
int dmah_iommu_set_mode(struct dmah_domain *dom, enum dmah_mode mode);

#endif /* DMAH_BACKEND_IOMMU_MODE_H */
