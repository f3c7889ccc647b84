// SPDX-License-Identifier: GPL-2.0-only
/*
 * Wrap mode: a handle over the kernel's own DMA API. Where a page is another Xen domain's, the API
 * would have to guess from the DMA address whose it is, to maintain its caches; there it is not
 * used. xen.c says what the device is given, and cache.c maintains what the handle names.
 */
#include "client.h"
#include "xen.h"

static void fill(struct client *c, struct dmah *h, const struct request *req, enum kind kind,
		 dma_addr_t dma, u32 extra)
{
	h->dma = dma;
	h->phys = req->phys;
	h->backend = 0;
	h->len = req->len;
	h->meta = (req->meta & (META_DIR | META_ASKED)) | meta_from_attrs(req->attrs) | extra |
		  FIELD_PREP(META_KIND, kind) | c->meta;
	if (c->check) {
		/* The record holds the handle as it will be: a sync always comes to be checked. */
		h->meta |= META_SYNC;
		h->backend = record_add(&c->records, h, req->caller, NULL);
	}
}

/* Returns META_SYNC if a sync of the mapping can ever have something to do. */
static u32 needs_sync(const struct client *c, phys_addr_t phys, u32 len, dma_addr_t dma)
{
	/*
	 * Behind an IOMMU the DMA API bounces only what shares a page with something else, for an
	 * untrusted device. It says "yes" all the same, as it knows nothing but the address, and
	 * looks each one up.
	 */
	if (c->translated && c->coherent && !((phys | len) & ~PAGE_MASK))
		return 0;
	return dma_need_sync(c->dev, dma) ? META_SYNC : 0;
}

int wrap_map(struct client *c, struct dmah *h, const struct request *req)
{
	struct page *page = pfn_to_page(PHYS_PFN(req->phys));
	bool mmio = req->meta & META_MMIO;
	unsigned long attrs = req->attrs;
	enum dma_data_direction dir;
	struct dmah probe = { .meta = req->meta };
	enum xen_memory whose;
	dma_addr_t dma;

	dir = dmah_dir(&probe);
	if (mmio) {
		dma = dma_map_resource(c->dev, req->phys, req->len, dir, attrs);
		if (dma_mapping_error(c->dev, dma))
			return -EIO;
		fill(c, h, req, KIND_RESOURCE, dma, 0);
		return 0;
	}
	whose = xen_memory(c->dev, req->phys, req->len, &dma);
	if (whose == XEN_FOREIGN)
		return wrap_map_bus(c, h, req, dma);
	dma = dma_map_page_attrs(c->dev, page, offset_in_page(req->phys), req->len, dir, attrs);
	if (dma_mapping_error(c->dev, dma))
		return -EIO;
	if (whose == XEN_BOUNCE && xen_astray(c->dev, req->phys, dma)) {
		/* It did not bounce: a device that the kernel has no Xen DMA operations for. */
		dma_unmap_page_attrs(c->dev, dma, req->len, dir, attrs | DMA_ATTR_SKIP_CPU_SYNC);
		report_handle(c, &(struct dmah){ .dma = dma, .phys = req->phys, .len = req->len },
			      "the DMA API gives this device another page than the foreign one",
			      req->caller);
		return -EIO;
	}
	fill(c, h, req, KIND_WRAP, dma, c->check ? 0 : needs_sync(c, req->phys, req->len, dma));
	return 0;
}

int wrap_map_bus(struct client *c, struct dmah *h, const struct request *req, dma_addr_t bus)
{
	u64 limit = min_not_zero(dma_get_mask(c->dev), c->dev->bus_dma_limit);
	u32 extra = 0;

	if (bus + req->len - 1 < bus || bus + req->len - 1 > limit)
		return -EIO;
	if (!c->coherent && !(req->meta & META_MMIO)) {
		if (!cache_can())
			return -EOPNOTSUPP;
		extra = META_OWN | META_SYNC;
		if (!xen_kernel_maps(req->phys, req->len)) {
			if (!xen_translates())
				return -EOPNOTSUPP;
			extra |= META_HYPERCALL;
		}
	}
	fill(c, h, req, KIND_BUS, bus, extra);
	if (extra && !(req->attrs & DMA_ATTR_SKIP_CPU_SYNC))
		cache_give(c, h, 0, h->len);
	return 0;
}

void wrap_unmap(struct client *c, struct dmah *h, unsigned long attrs)
{
	bool sync = !((h->meta & META_NO_SYNC) || (attrs & DMA_ATTR_SKIP_CPU_SYNC));
	enum dma_data_direction dir = dmah_dir(h);

	attrs = sync ? 0 : DMA_ATTR_SKIP_CPU_SYNC;
	if (h->meta & META_OWN && sync)
		cache_take_back(c, h, 0, h->len);
	switch (meta_kind(h->meta)) {
	case KIND_WRAP:
		dma_unmap_page_attrs(c->dev, h->dma, h->len, dir, attrs);
		break;
	case KIND_RESOURCE:
		dma_unmap_resource(c->dev, h->dma, h->len, dir, 0);
		break;
	default:
		break;
	}
}

void wrap_sync(struct client *c, const struct dmah *h, u32 off, u32 len, bool for_cpu)
{
	if (h->meta & META_OWN) {
		if (for_cpu)
			cache_take_back(c, h, off, len);
		else
			cache_give(c, h, off, len);
		return;
	}
	if (meta_kind(h->meta) != KIND_WRAP)
		return;
	/* With check=1 every sync comes here; what needs no sync still costs no lookup. */
	if (c->check && !needs_sync(c, h->phys, h->len, h->dma))
		return;
	if (for_cpu)
		dma_sync_single_range_for_cpu(c->dev, h->dma, off, len, dmah_dir(h));
	else
		dma_sync_single_range_for_device(c->dev, h->dma, off, len, dmah_dir(h));
}
