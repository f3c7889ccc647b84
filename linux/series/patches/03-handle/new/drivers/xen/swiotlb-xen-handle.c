// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handles of streaming DMA mappings on Xen. swiotlb-xen.c includes this file
 * ahead of its table of operations.
 *
 * A DMA address does not name a page here: two grants of one page of another
 * domain have different physical addresses and one DMA address. So map decides
 * if the memory is foreign, and the handle keeps the answer. Cache maintenance
 * of foreign memory is a hypercall, which takes the DMA address.
 */
#include <linux/dma-handle.h>

static int xen_swiotlb_map_handle(struct device *dev, struct dma_handle *h, phys_addr_t phys,
				  size_t size, enum dma_data_direction dir, unsigned long attrs)
{
	h->addr = __xen_swiotlb_map_phys(dev, phys, size, dir, attrs, &h->phys);
	if (h->addr == DMA_MAPPING_ERROR)
		return -EIO;
	h->state = DMA_HANDLE_OPS;
	if (attrs & DMA_ATTR_MMIO)
		return 0;
	if (h->phys != phys) {
		h->pool = swiotlb_find_pool(dev, h->phys);
		h->state |= DMA_HANDLE_BOUNCED;
	}
	if (!dev_is_dma_coherent(dev) && !pfn_valid(PFN_DOWN(dma_to_phys(dev, h->addr))))
		h->state |= DMA_HANDLE_FOREIGN;
	return 0;
}

static void xen_handle_sync_cpu_caches(struct device *dev, const struct dma_handle *h,
				       size_t offset, size_t size)
{
	if (dev_is_dma_coherent(dev))
		return;
	if (h->state & DMA_HANDLE_FOREIGN) {
		xen_dma_sync_for_cpu(dev, h->addr + offset, size, h->dir);
	} else {
		arch_sync_dma_for_cpu(h->phys + offset, size, h->dir);
		arch_sync_dma_flush();
	}
}

static void xen_handle_sync_device_caches(struct device *dev, const struct dma_handle *h,
					  size_t offset, size_t size)
{
	if (dev_is_dma_coherent(dev))
		return;
	if (h->state & DMA_HANDLE_FOREIGN) {
		xen_dma_sync_for_device(dev, h->addr + offset, size, h->dir);
	} else {
		arch_sync_dma_for_device(h->phys + offset, size, h->dir);
		arch_sync_dma_flush();
	}
}

static void xen_swiotlb_unmap_handle(struct device *dev, struct dma_handle *h)
{
	if (!(h->attrs & (DMA_ATTR_SKIP_CPU_SYNC | DMA_ATTR_MMIO)))
		xen_handle_sync_cpu_caches(dev, h, 0, h->len);
	if (dma_handle_bounced(h))
		__swiotlb_tbl_unmap_single(dev, h->phys, h->len, h->dir, h->attrs, h->pool);
}

static void xen_swiotlb_sync_handle(struct device *dev, const struct dma_handle *h, size_t offset,
				    size_t size, bool for_cpu)
{
	phys_addr_t phys = h->phys + offset;

	if (for_cpu) {
		xen_handle_sync_cpu_caches(dev, h, offset, size);
		if (dma_handle_bounced(h))
			__swiotlb_sync_single_for_cpu(dev, phys, size, h->dir, h->pool);
	} else {
		if (dma_handle_bounced(h))
			__swiotlb_sync_single_for_device(dev, phys, size, h->dir, h->pool);
		xen_handle_sync_device_caches(dev, h, offset, size);
	}
}
