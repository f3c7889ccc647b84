// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handles of streaming DMA mappings behind an IOMMU. dma-iommu.c includes this
 * file at its end.
 */
#include <linux/dma-handle.h>

dma_addr_t iommu_dma_map_phys(struct device *dev, phys_addr_t phys, size_t size,
			      enum dma_data_direction dir, unsigned long attrs)
{
	phys_addr_t mapped;

	return __iommu_dma_map_phys(dev, phys, size, dir, attrs, &mapped);
}

/* The handle holds the arguments of map. */
int iommu_dma_map_handle(struct device *dev, struct dma_handle *h)
{
	phys_addr_t phys = h->phys;

	h->addr = __iommu_dma_map_phys(dev, phys, h->len, h->dir, h->attrs, &h->phys);
	if (unlikely(h->addr == DMA_MAPPING_ERROR))
		return -EIO;
	h->state = DMA_HANDLE_IOMMU | DMA_HANDLE_UNMAP;
	if (unlikely(h->phys != phys)) {
		h->pool = swiotlb_find_pool(dev, h->phys);
		h->state |= DMA_HANDLE_BOUNCED;
	}
	return 0;
}

void iommu_dma_unmap_handle(struct device *dev, struct dma_handle *h)
{
	if (!(h->attrs & (DMA_ATTR_SKIP_CPU_SYNC | DMA_ATTR_MMIO)) && !dev_is_dma_coherent(dev)) {
		arch_sync_dma_for_cpu(h->phys, h->len, h->dir);
		arch_sync_dma_flush();
	}
	__iommu_dma_unmap(dev, h->addr, h->len);
	if (dma_handle_bounced(h))
		__swiotlb_tbl_unmap_single(dev, h->phys, h->len, h->dir, h->attrs, h->pool);
}
