// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unmap with the physical address from the driver. dma-iommu.c includes this
 * file at its end.
 */
#include <linux/dma-unmap-phys.h>

void iommu_dma_unmap_phys_at(struct device *dev, dma_addr_t addr, phys_addr_t phys, size_t size,
			     enum dma_data_direction dir, unsigned long attrs)
{
	bool mmio = attrs & DMA_ATTR_MMIO;

	if (!mmio && !(attrs & DMA_ATTR_SKIP_CPU_SYNC) && !dev_is_dma_coherent(dev)) {
		arch_sync_dma_for_cpu(phys, size, dir);
		arch_sync_dma_flush();
	}
	__iommu_dma_unmap(dev, addr, size);
	if (!mmio)
		swiotlb_tbl_unmap_single(dev, phys, size, dir, attrs);
}
