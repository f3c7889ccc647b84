// SPDX-License-Identifier: GPL-2.0-only
/*
 * The shortest way through map and unmap: up to 32 pages in a client's own domain, for a device
 * that is coherent and trusted, behind an IOMMU that needs no call after a map. Nothing is copied
 * or maintained then. This file does everything but the part of the IOMMU's driver: it takes
 * granules that the CPU keeps, and fills the cell and the handle. All other requests go to map.c,
 * unchanged.
 *
 * The functions of one granule are apart from those of more, so that they need nothing that these
 * need. Locals are initialised where they are declared: the kernel is built to clear all others
 * first.
 */
#include <linux/export.h>

#include "domain_int.h"
#include "map.h"
#include "trace.h"

/* The driver has mapped only @mapped bytes. Return: false. */
static noinline bool undo(struct domain *d, size_t mapped, u32 first, u32 n)
{
	if (mapped)
		table_end(d, domain_iova(d, first), (u32)(mapped / GRANULE));
	space_put(&d->space, first, n);
	return false;
}

/* Return: true if the mapping was made. */
static __always_inline bool map_granules(struct client *c, struct dmah *h, phys_addr_t phys,
					 u32 len, unsigned int dir, u32 n, unsigned int class,
					 unsigned long caller)
{
	struct domain *d = c->fast;
	size_t mapped = 0;
	struct cell *cell;
	dma_addr_t iova;
	u32 meta, slot;

	if (unlikely(!space_take(&d->space, class, &slot)))
		return false;
	iova = domain_iova(d, slot);
	if (unlikely(d->map_pages(d->iommu, iova, phys & ~(phys_addr_t)(GRANULE - 1), GRANULE, n,
				  d->fast_prot[dir], GFP_ATOMIC, &mapped) ||
		     mapped != (size_t)n * GRANULE))
		return undo(d, mapped, slot, n);
	cell = space_cell(&d->space, slot);
	meta = ((cell->meta + META_GEN_STEP) & META_GEN) | d->fast_meta[dir];
	cell->phys = phys;
	cell->len = len;
	cell->caller = caller;
	WRITE_ONCE(cell->meta, meta);
	h->dma = iova + (phys & (GRANULE - 1));
	h->phys = phys;
	h->backend = domain_home(d, h);
	h->len = len;
	h->meta = meta;
	client_count(c, maps, 1);
	trace_dma_map_phys(c->dev, h, caller);
	return true;
}

static noinline bool map_many(struct client *c, struct dmah *h, phys_addr_t phys, size_t len,
			      unsigned int dir, unsigned long caller)
{
	u32 n;

	if (len - 1 >= (IOVA_CLASS_MAX - 1) * GRANULE)
		return false;
	n = domain_granules(phys, (u32)len);
	return map_granules(c, h, phys, (u32)len, dir, n, iova_class(n), caller);
}

int __dmah_map_page(struct device *dev, struct dmah *h, struct page *page, size_t offset,
		    size_t len, enum dma_data_direction dir)
{
	phys_addr_t phys = page_to_phys(page) + offset;
	struct client *c = client_of(dev);

	if (unlikely(!c || !c->fast || h->meta || (unsigned int)dir > DMA_FROM_DEVICE))
		return map_buffer(dev, h, phys, len, dir, 0, _RET_IP_);
	/* A length of 0 wraps round: too much as well. */
	if (likely(len - 1 < GRANULE - (phys & (GRANULE - 1)))) {
		if (likely(map_granules(c, h, phys, (u32)len, dir, 1, 0, _RET_IP_)))
			return 0;
	} else if (map_many(c, h, phys, len, dir, _RET_IP_)) {
		return 0;
	}
	return map_buffer(dev, h, phys, len, dir, 0, _RET_IP_);
}
EXPORT_SYMBOL_GPL(__dmah_map_page);

static __always_inline void clear_granules(struct domain *d, dma_addr_t iova, u32 n)
{
	struct iommu_iotlb_gather gather = { .start = ULONG_MAX,
					     .freelist = LIST_HEAD_INIT(gather.freelist),
					     .queued = true };
	size_t done = d->unmap_pages(d->iommu, iova, GRANULE, n, &gather);

	if (unlikely(done != (size_t)n * GRANULE || !list_empty(&gather.freelist)))
		table_unmap_rest(d, iova, n, done, &gather);
}

static __always_inline void unmap_granules(struct client *c, struct dmah *h, struct cell *cell,
					   u32 first, u32 n, unsigned int class,
					   unsigned long caller)
{
	struct domain *d = c->fast;

	if (!d->late)
		clear_granules(d, h->dma & ~(dma_addr_t)(GRANULE - 1), n);
	if (unlikely(!space_wait(&d->space, class, first)))
		domain_release(d, cell, first, n);
	client_count(c, unmaps, 1);
	trace_dma_unmap_phys(c->dev, h, caller);
	handle_clear(h);
}

/* The mapping is strict, or larger than what may wait for a flush. */
static noinline void unmap_now(struct client *c, struct dmah *h, u32 first, u32 n,
			       unsigned long caller)
{
	struct domain *d = c->fast;

	table_end(d, h->dma & ~(dma_addr_t)(GRANULE - 1), n);
	space_put(&d->space, first, n);
	client_count(c, unmaps, 1);
	trace_dma_unmap_phys(c->dev, h, caller);
	handle_clear(h);
}

static noinline void unmap_many(struct client *c, struct dmah *h, struct cell *cell, u32 first,
				u32 n, unsigned long caller)
{
	unmap_granules(c, h, cell, first, n, iova_class(n), caller);
}

int __dmah_unmap(struct device *dev, struct dmah *h)
{
	struct client *c = client_of(dev);
	struct domain *d;
	struct cell *cell;
	u64 granule;
	u32 n;

	/* Idle handles, and what only the general path ends, differ in these bits. */
	if (unlikely(!c || !c->fast ||
		     (h->meta & (META_KIND | META_PART | META_COHERENT)) !=
			     FIELD_PREP(META_KIND, KIND_DOMAIN)))
		goto slow;
	d = c->fast;
	granule = (h->dma - d->space.base) / GRANULE;
	if (unlikely(granule >= d->space.granules))
		goto slow;
	cell = space_cell(&d->space, (u32)granule);
	/*
	 * The address may be a neighbour's, if something was written over the handle; a neighbour
	 * often has the same generation, but another buffer. Then device, direction, generation,
	 * and that the mapping is live: it ends here, once.
	 */
	if (unlikely(!cell || READ_ONCE(cell->phys) != h->phys || !cell_claim(cell, h->meta)))
		goto slow;
	domain_check_home(d, h, _RET_IP_);
	/* The cell, not the handle, says what is cleared. */
	n = domain_granules(cell->phys, cell->len);
	if (unlikely(!d->lazy || n > IOVA_CLASS_MAX))
		unmap_now(c, h, (u32)granule, n, _RET_IP_);
	else if (likely(n == 1))
		unmap_granules(c, h, cell, (u32)granule, 1, 0, _RET_IP_);
	else
		unmap_many(c, h, cell, (u32)granule, n, _RET_IP_);
	return 0;
slow:
	return unmap_buffer(dev, h, 0, _RET_IP_);
}
EXPORT_SYMBOL_GPL(__dmah_unmap);
