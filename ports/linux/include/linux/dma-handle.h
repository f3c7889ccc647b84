/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The names that linux/series gives to handles, for dmah.ko: a driver's source that is converted for
 * the one builds for the other. It must attach its device (dmah_attach()), and move a handle by
 * dma_handle_move() rather than by assignment.
 */
#ifndef _LINUX_DMA_HANDLE_H
#define _LINUX_DMA_HANDLE_H

#include <linux/dmah.h>

#define dma_handle dmah

#define dma_map_handle_page(dev, h, page, offset, size, dir) \
	dmah_map_page(dev, h, page, offset, size, dir)
#define dma_map_handle_single(dev, h, ptr, size, dir) dmah_map_single(dev, h, ptr, size, dir)

static inline void dma_unmap_handle(struct device *dev, struct dma_handle *h)
{
	dmah_unmap(dev, h);
}

static inline void dma_sync_handle_for_cpu(struct device *dev, const struct dma_handle *h,
					   size_t offset, size_t size)
{
	dmah_sync_for_cpu(dev, h, offset, size);
}

static inline void dma_sync_handle_for_device(struct device *dev, const struct dma_handle *h,
					      size_t offset, size_t size)
{
	dmah_sync_for_device(dev, h, offset, size);
}

static inline dma_addr_t dma_handle_addr(const struct dma_handle *h)
{
	return dmah_addr(h);
}

static inline bool dma_handle_mapped(const struct dma_handle *h)
{
	return dmah_mapped(h);
}

/* A handle that a driver sets up on its stack, and keeps elsewhere. */
#define dma_handle_move(to, from) dmah_assign(to, from)

#endif /* _LINUX_DMA_HANDLE_H */
