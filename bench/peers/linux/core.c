/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Linux's iommu.c: the layer between the DMA layer and the IOMMU's driver. */
#include "glue.h"

#include "iommu.gen.h"
