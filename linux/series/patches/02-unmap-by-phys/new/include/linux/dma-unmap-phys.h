/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Unmap and sync of streaming DMA mappings, with the physical address from
 * the driver. For comparison: wrong where a buffer is bounced.
 */
#ifndef _LINUX_DMA_UNMAP_PHYS_H
#define _LINUX_DMA_UNMAP_PHYS_H

#include <linux/dma-direction.h>
#include <linux/types.h>

struct device;

void dma_unmap_phys_at(struct device *dev, dma_addr_t addr, phys_addr_t phys, size_t size,
		       enum dma_data_direction dir, unsigned long attrs);
void dma_sync_phys_at_for_cpu(struct device *dev, dma_addr_t addr, phys_addr_t phys, size_t size,
			      enum dma_data_direction dir);
void dma_sync_phys_at_for_device(struct device *dev, dma_addr_t addr, phys_addr_t phys, size_t size,
				 enum dma_data_direction dir);

/* The half that dma-iommu.c has. */
void iommu_dma_unmap_phys_at(struct device *dev, dma_addr_t addr, phys_addr_t phys, size_t size,
			     enum dma_data_direction dir, unsigned long attrs);

#endif /* _LINUX_DMA_UNMAP_PHYS_H */
