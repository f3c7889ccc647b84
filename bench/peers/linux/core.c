/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Linux's iommu.c: from the DMA layer to the driver of the IOMMU. */
#include "glue.h"

#include "iommu.gen.h"
