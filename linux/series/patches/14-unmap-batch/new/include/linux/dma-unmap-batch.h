/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Unmaps by handle that share a flush. In strict mode an unmap waits until the
 * IOMMU has flushed what it caches; those of a batch wait once.
 */
#ifndef _LINUX_DMA_UNMAP_BATCH_H
#define _LINUX_DMA_UNMAP_BATCH_H

#include <linux/dma-handle.h>
#include <linux/limits.h>

struct iommu_dma_slot;

/**
 * struct dma_unmap_batch - unmaps that share a flush
 * @dev: device of all mappings
 * @slots: unmapped, and not flushed yet
 * @start: lowest IOVA of @slots
 * @end: behind their highest
 *
 * Declare a batch on the stack of the function that uses it.
 */
struct dma_unmap_batch {
	struct device *dev;
	struct iommu_dma_slot *slots;
	dma_addr_t start;
	dma_addr_t end;
};

#ifdef CONFIG_NEED_DMA_MAP_STATE
void __dma_unmap_batch_add(struct dma_unmap_batch *b, struct dma_handle *h);
void __dma_unmap_batch_flush(struct dma_unmap_batch *b);
#else
static inline void __dma_unmap_batch_add(struct dma_unmap_batch *b, struct dma_handle *h)
{
}

static inline void __dma_unmap_batch_flush(struct dma_unmap_batch *b)
{
}
#endif

/**
 * dma_unmap_batch_init - begin a batch
 * @b: the batch
 * @dev: device of all mappings that will be added
 */
static inline void dma_unmap_batch_init(struct dma_unmap_batch *b, struct device *dev)
{
	b->dev = dev;
	b->slots = NULL;
	b->start = ~(dma_addr_t)0;
	b->end = 0;
}

/**
 * dma_unmap_batch_add - end a mapping, but for the flush
 * @b: the batch
 * @h: handle; nothing happens if nothing is mapped
 *
 * Afterwards the CPU may read the buffer and the handle may be mapped again.
 * The device may reach the buffer until dma_unmap_batch_flush(), so it must not
 * be freed, nor used for anything that the device shall not see or change.
 */
static inline void dma_unmap_batch_add(struct dma_unmap_batch *b, struct dma_handle *h)
{
	if (h->state & DMA_HANDLE_UNMAP)
		__dma_unmap_batch_add(b, h);
	h->state = 0;
}

/**
 * dma_unmap_batch_flush - end all mappings of a batch
 * @b: the batch; it is empty afterwards, and more may be added
 *
 * When this returns, all are unmapped as by dma_unmap_handle().
 */
static inline void dma_unmap_batch_flush(struct dma_unmap_batch *b)
{
	if (b->slots)
		__dma_unmap_batch_flush(b);
	dma_unmap_batch_init(b, b->dev);
}

#endif /* _LINUX_DMA_UNMAP_BATCH_H */
