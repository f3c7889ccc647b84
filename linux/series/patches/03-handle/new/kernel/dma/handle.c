// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handles of streaming DMA mappings: unmap and sync without a lookup.
 */
#include <linux/dma-direct.h>
#include <linux/dma-handle.h>
#include <linux/dma-map-ops.h>
#include <linux/export.h>
#include <linux/iommu-dma.h>
#include <linux/kmsan.h>
#include <linux/swiotlb.h>
#include <trace/events/dma.h>
#include "debug.h"
#include "direct.h"

#ifdef CONFIG_NEED_DMA_MAP_STATE
/*
 * dma_direct_map_phys() does not say if it bounced. The conversion back is
 * exact here: it is that of an address which was made a moment ago.
 */
static int map_direct(struct device *dev, struct dma_handle *h)
{
	phys_addr_t phys = h->phys;

	h->addr = dma_direct_map_phys(dev, phys, h->len, h->dir, h->attrs, true);
	if (unlikely(h->addr == DMA_MAPPING_ERROR))
		return -EIO;
	if (!IS_ENABLED(CONFIG_SWIOTLB) || (h->attrs & (DMA_ATTR_MMIO | DMA_ATTR_REQUIRE_COHERENT)))
		return 0;
	h->phys = dma_to_phys(dev, h->addr);
	if (unlikely(h->phys != phys)) {
		h->pool = swiotlb_find_pool(dev, h->phys);
		h->state = DMA_HANDLE_BOUNCED;
	}
	return 0;
}

static int map_by_address(struct device *dev, struct dma_handle *h, const struct dma_map_ops *ops)
{
	if (!ops->map_phys)
		return -EIO;
	h->addr = ops->map_phys(dev, h->phys, h->len, h->dir, h->attrs);
	h->state = DMA_HANDLE_OPS | DMA_HANDLE_BY_ADDRESS | DMA_HANDLE_SYNC | DMA_HANDLE_UNMAP;
	return h->addr == DMA_MAPPING_ERROR ? -EIO : 0;
}

/* Map by the mapper of the device. */
static int map_by_mapper(struct device *dev, struct dma_handle *h)
{
	const struct dma_map_ops *ops = get_dma_ops(dev);
	bool is_cc_shared = h->attrs & DMA_ATTR_CC_SHARED;
	bool is_mmio = h->attrs & DMA_ATTR_MMIO;

	if (dma_map_direct(dev, ops) ||
	    (!is_mmio && !is_cc_shared && arch_dma_map_phys_direct(dev, h->phys + h->len)))
		return map_direct(dev, h);
	if (is_cc_shared)
		return -EOPNOTSUPP;
	if (use_dma_iommu(dev))
		return iommu_dma_map_handle(dev, h);
	if (ops->map_handle)
		return ops->map_handle(dev, h, h->phys, h->len, h->dir, h->attrs);
	return map_by_address(dev, h, ops);
}

/* Returns the bits for the CPU's caches and for a bounce buffer. */
static u8 work_left(struct device *dev, const struct dma_handle *h)
{
	u8 bits = 0;

	if (!(h->attrs & DMA_ATTR_MMIO) && !dev_is_dma_coherent(dev))
		bits = h->attrs & DMA_ATTR_SKIP_CPU_SYNC ? DMA_HANDLE_SYNC
							 : DMA_HANDLE_SYNC | DMA_HANDLE_UNMAP;
	if (dma_handle_bounced(h) || IS_ENABLED(CONFIG_DMA_API_DEBUG))
		bits |= DMA_HANDLE_SYNC | DMA_HANDLE_UNMAP;
	return bits;
}

/* Tell everyone who watches. phys is the driver's buffer, bounced or not. */
static void report_map(struct device *dev, const struct dma_handle *h, phys_addr_t phys)
{
	if (!(h->attrs & DMA_ATTR_MMIO))
		kmsan_handle_dma(phys, h->len, h->dir);
	trace_dma_map_phys(dev, phys, h->addr, h->len, h->dir, h->attrs);
	debug_dma_map_phys(dev, phys, h->len, h->dir, h->addr, h->attrs);
	debug_dma_mapping_error(dev, h->addr);
}

/* The handle holds the arguments of map, and state is 0. */
static noinline int map_filled(struct device *dev, struct dma_handle *h)
{
	phys_addr_t phys = h->phys;
	int err;

	if (!dev_is_dma_coherent(dev) && (h->attrs & DMA_ATTR_REQUIRE_COHERENT))
		return -EOPNOTSUPP;
	h->pool = NULL;
	err = map_by_mapper(dev, h);
	if (unlikely(err)) {
		h->state = 0;
		return err;
	}
	h->state |= DMA_HANDLE_MAPPED | work_left(dev, h);
	report_map(dev, h, phys);
	return 0;
}

/**
 * dma_map_handle - map a buffer for DMA
 * @dev: device that transfers
 * @h: handle to fill
 * @phys: physical address of the buffer
 * @size: length of the buffer
 * @dir: direction of the transfer
 * @attrs: DMA_ATTR_* bits, as for dma_map_phys()
 *
 * Return: 0, or a negative error. After an error nothing is mapped, and an
 * unmap of the handle does nothing.
 */
int dma_map_handle(struct device *dev, struct dma_handle *h, phys_addr_t phys, size_t size,
		   enum dma_data_direction dir, unsigned long attrs)
{
	h->state = 0;
	if (WARN_ON_ONCE(!dev->dma_mask || !valid_dma_direction(dir) || !size || size > U32_MAX ||
			 attrs > U16_MAX))
		return -EINVAL;
	h->phys = phys;
	h->len = size;
	h->dir = dir;
	h->attrs = attrs;
	return map_filled(dev, h);
}
EXPORT_SYMBOL_GPL(dma_map_handle);

static void sync_for_cpu(struct device *dev, const struct dma_handle *h, size_t offset, size_t size)
{
	phys_addr_t phys = h->phys + offset;

	if (!dev_is_dma_coherent(dev) && !(h->attrs & DMA_ATTR_MMIO)) {
		arch_sync_dma_for_cpu(phys, size, h->dir);
		arch_sync_dma_flush();
		if (!(h->state & DMA_HANDLE_IOMMU))
			arch_sync_dma_for_cpu_all();
	}
	if (dma_handle_bounced(h))
		__swiotlb_sync_single_for_cpu(dev, phys, size, h->dir, h->pool);
}

/* The part of dma_unmap_handle() that is not inline. */
void __dma_unmap_handle(struct device *dev, struct dma_handle *h)
{
	if (IS_ENABLED(CONFIG_IOMMU_DMA) && (h->state & DMA_HANDLE_IOMMU)) {
		iommu_dma_unmap_handle(dev, h);
	} else if (h->state & DMA_HANDLE_BY_ADDRESS) {
		const struct dma_map_ops *ops = get_dma_ops(dev);

		if (ops->unmap_phys)
			ops->unmap_phys(dev, h->addr, h->len, h->dir, h->attrs);
	} else if (h->state & DMA_HANDLE_OPS) {
		get_dma_ops(dev)->unmap_handle(dev, h);
	} else {
		if (!(h->attrs & DMA_ATTR_SKIP_CPU_SYNC))
			sync_for_cpu(dev, h, 0, h->len);
		if (dma_handle_bounced(h))
			__swiotlb_tbl_unmap_single(dev, h->phys, h->len, h->dir,
						   h->attrs | DMA_ATTR_SKIP_CPU_SYNC, h->pool);
	}
	trace_dma_unmap_phys(dev, h->addr, h->len, h->dir, h->attrs);
	debug_dma_unmap_phys(dev, h->addr, h->len, h->dir, h->attrs);
}
EXPORT_SYMBOL_GPL(__dma_unmap_handle);

/* Returns true if the part lies in the mapping. */
static bool part_of(const struct dma_handle *h, size_t offset, size_t size)
{
	return !WARN_ON_ONCE(offset > h->len || size > h->len - offset);
}

/* The part of dma_sync_handle_for_cpu() that is not inline. */
void __dma_sync_handle_for_cpu(struct device *dev, const struct dma_handle *h, size_t offset,
			       size_t size)
{
	if (!part_of(h, offset, size))
		return;
	if (h->state & DMA_HANDLE_BY_ADDRESS) {
		dma_sync_single_for_cpu(dev, h->addr + offset, size, h->dir);
		return;
	}
	if (h->state & DMA_HANDLE_OPS)
		get_dma_ops(dev)->sync_handle(dev, h, offset, size, true);
	else
		sync_for_cpu(dev, h, offset, size);
	trace_dma_sync_single_for_cpu(dev, h->addr + offset, size, h->dir);
	debug_dma_sync_single_for_cpu(dev, h->addr + offset, size, h->dir);
}
EXPORT_SYMBOL_GPL(__dma_sync_handle_for_cpu);

/* The part of dma_sync_handle_for_device() that is not inline. */
void __dma_sync_handle_for_device(struct device *dev, const struct dma_handle *h, size_t offset,
				  size_t size)
{
	phys_addr_t phys = h->phys + offset;

	if (!part_of(h, offset, size))
		return;
	if (h->state & DMA_HANDLE_BY_ADDRESS) {
		dma_sync_single_for_device(dev, h->addr + offset, size, h->dir);
		return;
	}
	if (h->state & DMA_HANDLE_OPS) {
		get_dma_ops(dev)->sync_handle(dev, h, offset, size, false);
	} else {
		if (dma_handle_bounced(h))
			__swiotlb_sync_single_for_device(dev, phys, size, h->dir, h->pool);
		if (!dev_is_dma_coherent(dev) && !(h->attrs & DMA_ATTR_MMIO)) {
			arch_sync_dma_for_device(phys, size, h->dir);
			arch_sync_dma_flush();
		}
	}
	trace_dma_sync_single_for_device(dev, h->addr + offset, size, h->dir);
	debug_dma_sync_single_for_device(dev, h->addr + offset, size, h->dir);
}
EXPORT_SYMBOL_GPL(__dma_sync_handle_for_device);

#else /* !CONFIG_NEED_DMA_MAP_STATE */

int dma_map_handle(struct device *dev, struct dma_handle *h, phys_addr_t phys, size_t size,
		   enum dma_data_direction dir, unsigned long attrs)
{
	h->addr = dma_map_phys(dev, phys, size, dir, attrs);
	h->state = h->addr == DMA_MAPPING_ERROR ? 0 : DMA_HANDLE_MAPPED;
	return h->state ? 0 : -EIO;
}
EXPORT_SYMBOL_GPL(dma_map_handle);
#endif
