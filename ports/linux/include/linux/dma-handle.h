/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The calls of the patch series (docs/series.md), made by dmah.ko: a driver that a patch of the
 * series has converted builds from the same source for a kernel with the series, and for a stock
 * one with dmah.ko. The header of the series has the same name and describes the calls.
 *
 * In the series there is nothing to attach, so no converted driver does. Here a device is attached
 * when its driver sets the DMA mask, ahead of which it can do no DMA. On kernels before 6.16 it has
 * a domain of its own then, and a driver's coherent memory comes from that (DMAH_COHERENT).
 */
#ifndef _LINUX_DMA_HANDLE_H
#define _LINUX_DMA_HANDLE_H

#ifndef DMAH_COHERENT
#define DMAH_COHERENT
#endif
#include <linux/dmah.h>

/* One streaming DMA mapping, with the attributes that map was given. */
struct dma_handle {
	struct dmah h;
	unsigned long attrs;
};

static inline int __must_check dma_map_handle_page(struct device *dev, struct dma_handle *h,
						   struct page *page, size_t offset, size_t size,
						   enum dma_data_direction dir)
{
	h->attrs = 0;
	return dmah_map_page(dev, &h->h, page, offset, size, dir);
}

static inline int __must_check dma_map_handle_single(struct device *dev, struct dma_handle *h,
						     void *ptr, size_t size,
						     enum dma_data_direction dir)
{
	h->attrs = 0;
	return dmah_map_single(dev, &h->h, ptr, size, dir);
}

static inline int __must_check dma_map_handle(struct device *dev, struct dma_handle *h,
					      phys_addr_t phys, size_t size,
					      enum dma_data_direction dir, unsigned long attrs)
{
	h->attrs = attrs;
	return dmah_map_page_attrs(dev, &h->h, pfn_to_page(PHYS_PFN(phys)), offset_in_page(phys),
				   size, dir, attrs);
}

/* dmah.ko reports misuse itself. */
static inline void dma_unmap_handle(struct device *dev, struct dma_handle *h)
{
	if (h->attrs)
		dmah_unmap_attrs(dev, &h->h, h->attrs);
	else
		dmah_unmap(dev, &h->h);
}

static inline void dma_sync_handle_for_cpu(struct device *dev, const struct dma_handle *h,
					   size_t offset, size_t size)
{
	dmah_sync_for_cpu(dev, &h->h, offset, size);
}

static inline void dma_sync_handle_for_device(struct device *dev, const struct dma_handle *h,
					      size_t offset, size_t size)
{
	dmah_sync_for_device(dev, &h->h, offset, size);
}

static inline void dma_move_handle(struct dma_handle *to, struct dma_handle *from)
{
	dmah_assign(&to->h, &from->h);
	to->attrs = from->attrs;
}

static inline dma_addr_t dma_handle_addr(const struct dma_handle *h)
{
	return dmah_addr(&h->h);
}

static inline bool dma_handle_mapped(const struct dma_handle *h)
{
	return dmah_mapped(&h->h);
}

/*
 * Attaches a device until its driver unbinds. err: of what set the mask; -EBUSY: it was set
 * before.
 */
static inline int __dma_handle_attach(struct device *dev, int err)
{
	if (!err)
		err = devm_dmah_attach(dev, DMAH_MODE_POOL);
	return err == -EBUSY ? 0 : err;
}

#define dma_set_mask_and_coherent(dev, mask) \
	__dma_handle_attach(dev, dma_set_mask_and_coherent(dev, mask))
#define dma_set_mask(dev, mask) __dma_handle_attach(dev, dma_set_mask(dev, mask))

#endif /* _LINUX_DMA_HANDLE_H */
