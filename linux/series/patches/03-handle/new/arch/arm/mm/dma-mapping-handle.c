// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handles of streaming DMA mappings for the IOMMU mapper of 32-bit ARM.
 * dma-mapping.c includes this file ahead of its table of operations.
 */
#include <linux/dma-handle.h>

/* This mapper never bounces: the driver's buffer is what the device reaches. */
static int arm_iommu_map_handle(struct device *dev, struct dma_handle *h, phys_addr_t phys,
				size_t size, enum dma_data_direction dir, unsigned long attrs)
{
	h->addr = arm_iommu_map_phys(dev, phys, size, dir, attrs);
	if (h->addr == DMA_MAPPING_ERROR)
		return -EIO;
	h->state = DMA_HANDLE_OPS | DMA_HANDLE_UNMAP;
	return 0;
}

static void arm_iommu_unmap_handle(struct device *dev, struct dma_handle *h)
{
	struct dma_iommu_mapping *mapping = to_dma_iommu_mapping(dev);
	dma_addr_t iova = h->addr & PAGE_MASK;
	size_t len = PAGE_ALIGN(h->len + offset_in_page(h->addr));

	if (!(h->attrs & (DMA_ATTR_SKIP_CPU_SYNC | DMA_ATTR_MMIO)) && !dev_dma_coherent(dev))
		arch_sync_dma_for_cpu(h->phys, h->len, h->dir);
	iommu_unmap(mapping->domain, iova, len);
	__free_iova(mapping, iova, len);
}

static void arm_iommu_sync_handle(struct device *dev, const struct dma_handle *h, size_t offset,
				  size_t size, bool for_cpu)
{
	if (dev_dma_coherent(dev) || (h->attrs & DMA_ATTR_MMIO))
		return;
	if (for_cpu)
		arch_sync_dma_for_cpu(h->phys + offset, size, h->dir);
	else
		arch_sync_dma_for_device(h->phys + offset, size, h->dir);
}
