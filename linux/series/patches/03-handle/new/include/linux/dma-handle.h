/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Handles of streaming DMA mappings. Map fills a handle, and unmap and sync
 * take it back. The handle holds what they need, so they look nothing up, and
 * a driver states the length and the direction of a mapping once.
 */
#ifndef _LINUX_DMA_HANDLE_H
#define _LINUX_DMA_HANDLE_H

#include <linux/bits.h>
#include <linux/dma-mapping.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/types.h>

struct io_tlb_pool;

/* Bits of dma_handle::state. */
#define DMA_HANDLE_MAPPED     BIT(0) /* between map and unmap */
#define DMA_HANDLE_UNMAP      BIT(1) /* unmap has something to do */
#define DMA_HANDLE_SYNC	      BIT(2) /* sync has something to do */
#define DMA_HANDLE_IOMMU      BIT(3) /* mapped by dma-iommu */
#define DMA_HANDLE_OPS	      BIT(4) /* mapped by the device's dma_map_ops */
#define DMA_HANDLE_BY_ADDRESS BIT(5) /* those dma_map_ops have no handles */
#define DMA_HANDLE_FOREIGN    BIT(6) /* Xen: memory of another domain */
#define DMA_HANDLE_BOUNCED    BIT(7) /* phys and pool are those of a bounce buffer */

/**
 * struct dma_handle - one streaming DMA mapping
 * @addr: address for the device
 * @phys: physical address that @addr leads to: the driver's buffer, or the
 *	bounce buffer that stands in for it
 * @pool: pool of the bounce buffer; NULL if the mapping is not bounced
 * @len: length in bytes
 * @attrs: attributes that map was given
 * @dir: direction of the transfer
 * @state: DMA_HANDLE_* bits; 0 if nothing is mapped
 *
 * Drivers zero a handle before its first map, and read it through
 * dma_handle_addr() and dma_handle_mapped(). A handle may be moved in memory
 * by plain assignment; one copy of it is unmapped. dma_move_handle() moves one
 * and leaves no copy.
 */
struct dma_handle {
	dma_addr_t addr;
#ifdef CONFIG_NEED_DMA_MAP_STATE
	phys_addr_t phys;
	struct io_tlb_pool *pool;
	u32 len;
	u16 attrs;
	u8 dir;
#endif
	u8 state;
};

int __must_check dma_map_handle(struct device *dev, struct dma_handle *h, phys_addr_t phys,
				size_t size, enum dma_data_direction dir, unsigned long attrs);

#ifdef CONFIG_NEED_DMA_MAP_STATE
void __dma_unmap_handle(struct device *dev, struct dma_handle *h);
void __dma_sync_handle_for_cpu(struct device *dev, const struct dma_handle *h, size_t offset,
			       size_t size);
void __dma_sync_handle_for_device(struct device *dev, const struct dma_handle *h, size_t offset,
				  size_t size);
#else
/* Nothing needs an unmap in this configuration: see dma_need_unmap(). */
static inline void __dma_unmap_handle(struct device *dev, struct dma_handle *h)
{
}

static inline void __dma_sync_handle_for_cpu(struct device *dev, const struct dma_handle *h,
					     size_t offset, size_t size)
{
}

static inline void __dma_sync_handle_for_device(struct device *dev, const struct dma_handle *h,
						size_t offset, size_t size)
{
}
#endif

/**
 * dma_map_handle_page - map part of a page
 * @dev: device that transfers
 * @h: handle to fill
 * @page: first page of the buffer
 * @offset: of the buffer in @page
 * @size: length of the buffer
 * @dir: direction of the transfer
 *
 * Return: 0, or a negative error; then nothing is mapped.
 */
static inline int __must_check dma_map_handle_page(struct device *dev, struct dma_handle *h,
						   struct page *page, size_t offset, size_t size,
						   enum dma_data_direction dir)
{
	return dma_map_handle(dev, h, page_to_phys(page) + offset, size, dir, 0);
}

/**
 * dma_map_handle_single - map a buffer of the kernel's linear mapping
 * @dev: device that transfers
 * @h: handle to fill
 * @ptr: the buffer
 * @size: length of the buffer
 * @dir: direction of the transfer
 *
 * Return: 0, or a negative error; then nothing is mapped.
 */
static inline int __must_check dma_map_handle_single(struct device *dev, struct dma_handle *h,
						     void *ptr, size_t size,
						     enum dma_data_direction dir)
{
	if (dev_WARN_ONCE(dev, is_vmalloc_addr(ptr), "buffer is in the vmalloc area\n")) {
		h->state = 0;
		return -EINVAL;
	}
	return dma_map_handle(dev, h, virt_to_phys(ptr), size, dir, 0);
}

/**
 * dma_unmap_handle - end a mapping
 * @dev: device of the mapping
 * @h: its handle; nothing happens if nothing is mapped
 *
 * A handle of a device for which dma_need_unmap() is false costs one test.
 */
static inline void dma_unmap_handle(struct device *dev, struct dma_handle *h)
{
	if (h->state & DMA_HANDLE_UNMAP)
		__dma_unmap_handle(dev, h);
	h->state = 0;
}

/**
 * dma_sync_handle_for_cpu - give a part of a mapped buffer to the CPU
 * @dev: device of the mapping
 * @h: its handle
 * @offset: of the part in the buffer
 * @size: of the part
 */
static inline void dma_sync_handle_for_cpu(struct device *dev, const struct dma_handle *h,
					   size_t offset, size_t size)
{
	if (h->state & DMA_HANDLE_SYNC)
		__dma_sync_handle_for_cpu(dev, h, offset, size);
}

/**
 * dma_sync_handle_for_device - give a part of a mapped buffer to the device
 * @dev: device of the mapping
 * @h: its handle
 * @offset: of the part in the buffer
 * @size: of the part
 */
static inline void dma_sync_handle_for_device(struct device *dev, const struct dma_handle *h,
					      size_t offset, size_t size)
{
	if (h->state & DMA_HANDLE_SYNC)
		__dma_sync_handle_for_device(dev, h, offset, size);
}

/**
 * dma_move_handle - carry a mapping by another handle
 * @to: handle that maps nothing
 * @from: handle of the mapping; afterwards it maps nothing
 */
static inline void dma_move_handle(struct dma_handle *to, struct dma_handle *from)
{
	*to = *from;
	from->state = 0;
}

#ifdef CONFIG_NEED_DMA_MAP_STATE
/* Returns true if a bounce buffer stands in for the driver's. */
static inline bool dma_handle_bounced(const struct dma_handle *h)
{
	return IS_ENABLED(CONFIG_SWIOTLB) && unlikely(h->state & DMA_HANDLE_BOUNCED);
}
#endif

/* Returns the address for the device. */
static inline dma_addr_t dma_handle_addr(const struct dma_handle *h)
{
	return h->addr;
}

/* Returns true between a map that succeeded and the unmap. */
static inline bool dma_handle_mapped(const struct dma_handle *h)
{
	return h->state;
}

#endif /* _LINUX_DMA_HANDLE_H */
