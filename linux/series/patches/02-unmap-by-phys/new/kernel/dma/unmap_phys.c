// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unmap and sync of streaming DMA mappings, with the physical address from
 * the driver instead of a lookup. For comparison: wrong where a buffer is
 * bounced, since the driver's address is not the one that was mapped.
 */
#include <linux/dma-map-ops.h>
#include <linux/dma-unmap-phys.h>
#include <linux/export.h>
#include <linux/iommu-dma.h>
#include <linux/swiotlb.h>
#include "debug.h"
#include "direct.h"

static void sync_for_cpu(struct device *dev, phys_addr_t phys, size_t size,
			 enum dma_data_direction dir)
{
	if (!dev_is_dma_coherent(dev)) {
		arch_sync_dma_for_cpu(phys, size, dir);
		arch_sync_dma_flush();
		arch_sync_dma_for_cpu_all();
	}
	swiotlb_sync_single_for_cpu(dev, phys, size, dir);
}

/**
 * dma_unmap_phys_at - unmap a buffer whose physical address is known
 * @dev: device of the mapping
 * @addr: DMA address that dma_map_phys() returned
 * @phys: physical address that dma_map_phys() was given
 * @size: size that dma_map_phys() was given
 * @dir: direction that dma_map_phys() was given
 * @attrs: attributes that dma_map_phys() was given
 */
void dma_unmap_phys_at(struct device *dev, dma_addr_t addr, phys_addr_t phys, size_t size,
		       enum dma_data_direction dir, unsigned long attrs)
{
	const struct dma_map_ops *ops = get_dma_ops(dev);

	if (dma_map_direct(dev, ops)) {
		if (!(attrs & (DMA_ATTR_MMIO | DMA_ATTR_SKIP_CPU_SYNC)))
			sync_for_cpu(dev, phys, size, dir);
		swiotlb_tbl_unmap_single(dev, phys, size, dir, attrs | DMA_ATTR_SKIP_CPU_SYNC);
	} else if (use_dma_iommu(dev)) {
		iommu_dma_unmap_phys_at(dev, addr, phys, size, dir, attrs);
	} else if (ops->unmap_phys) {
		ops->unmap_phys(dev, addr, size, dir, attrs);
	}
	debug_dma_unmap_phys(dev, addr, size, dir, attrs);
}
EXPORT_SYMBOL_GPL(dma_unmap_phys_at);

/**
 * dma_sync_phys_at_for_cpu - give a mapped buffer to the CPU
 * @dev: device of the mapping
 * @addr: DMA address of the part to sync
 * @phys: physical address of that part
 * @size: size of that part
 * @dir: direction of the mapping
 */
void dma_sync_phys_at_for_cpu(struct device *dev, dma_addr_t addr, phys_addr_t phys, size_t size,
			      enum dma_data_direction dir)
{
	const struct dma_map_ops *ops = get_dma_ops(dev);

	if (!dma_dev_need_sync(dev))
		return;
	if (dma_map_direct(dev, ops) || use_dma_iommu(dev))
		sync_for_cpu(dev, phys, size, dir);
	else if (ops->sync_single_for_cpu)
		ops->sync_single_for_cpu(dev, addr, size, dir);
	debug_dma_sync_single_for_cpu(dev, addr, size, dir);
}
EXPORT_SYMBOL_GPL(dma_sync_phys_at_for_cpu);

/**
 * dma_sync_phys_at_for_device - give a mapped buffer to the device
 * @dev: device of the mapping
 * @addr: DMA address of the part to sync
 * @phys: physical address of that part
 * @size: size of that part
 * @dir: direction of the mapping
 */
void dma_sync_phys_at_for_device(struct device *dev, dma_addr_t addr, phys_addr_t phys, size_t size,
				 enum dma_data_direction dir)
{
	const struct dma_map_ops *ops = get_dma_ops(dev);

	if (!dma_dev_need_sync(dev))
		return;
	if (dma_map_direct(dev, ops) || use_dma_iommu(dev)) {
		swiotlb_sync_single_for_device(dev, phys, size, dir);
		if (!dev_is_dma_coherent(dev)) {
			arch_sync_dma_for_device(phys, size, dir);
			arch_sync_dma_flush();
		}
	} else if (ops->sync_single_for_device) {
		ops->sync_single_for_device(dev, addr, size, dir);
	}
	debug_dma_sync_single_for_device(dev, addr, size, dir);
}
EXPORT_SYMBOL_GPL(dma_sync_phys_at_for_device);
