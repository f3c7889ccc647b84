// SPDX-License-Identifier: GPL-2.0-only
/*
 * Map and unmap in a client's own domain.
 */
#include "domain_int.h"

/* ---- entries ---- */

static noinline void unmap_rest(struct domain *d, dma_addr_t iova, size_t size,
				struct iommu_iotlb_gather *gather)
{
	while (size) {
		/* At most to the end of a page table at one time, as drivers may stop there. */
		size_t done = iommu_unmap_fast(d->iommu, iova, size, gather);

		if (WARN_ON_ONCE(!done))
			return;
		iova += done;
		size -= min(done, size);
	}
}

/*
 * Tables that the driver has taken out wait in the gather until they are invalidated; what frees
 * them is the driver's iotlb_sync(). So it is called at once then, also where all else waits.
 */
static noinline void free_tables(struct domain *d, dma_addr_t iova, size_t size,
				 struct iommu_iotlb_gather *gather)
{
	gather->queued = false;
	gather->start = iova;
	gather->end = iova + size - 1;
	gather->pgsize = GRANULE;
	iommu_iotlb_sync(d->iommu, gather);
	client_count(d->c, invalidations, 1);
}

static __always_inline void clear(struct domain *d, dma_addr_t iova, u32 n,
				  struct iommu_iotlb_gather *gather)
{
	size_t size = (size_t)n * GRANULE, done = 0;

	if (likely(n <= DOMAIN_RUN)) {
		done = d->unmap_pages(d->iommu, iova, GRANULE, n, gather);
		if (likely(done == size))
			return;
	}
	unmap_rest(d, iova + done, size - min(done, size), gather);
}

void table_unmap_rest(struct domain *d, dma_addr_t iova, u32 n, size_t done,
		      struct iommu_iotlb_gather *gather)
{
	size_t size = (size_t)n * GRANULE;

	unmap_rest(d, iova + done, size - min(done, size), gather);
	if (!list_empty(&gather->freelist))
		free_tables(d, iova, size, gather);
}

void table_unmap(struct domain *d, dma_addr_t iova, u32 n)
{
	struct iommu_iotlb_gather gather = { .start = ULONG_MAX,
					     .freelist = LIST_HEAD_INIT(gather.freelist),
					     .queued = true };

	clear(d, iova, n, &gather);
	if (unlikely(!list_empty(&gather.freelist)))
		free_tables(d, iova, (size_t)n * GRANULE, &gather);
}

void table_end(struct domain *d, dma_addr_t iova, u32 n)
{
	struct iommu_iotlb_gather gather = { .start = ULONG_MAX,
					     .freelist = LIST_HEAD_INIT(gather.freelist) };

	clear(d, iova, n, &gather);
	iommu_iotlb_sync(d->iommu, &gather);
	client_count(d->c, invalidations, 1);
}

void table_invalidate(struct domain *d, dma_addr_t iova, u32 n)
{
	struct iommu_iotlb_gather gather;

	iommu_iotlb_gather_init(&gather);
	free_tables(d, iova, (size_t)n * GRANULE, &gather);
}

static noinline int map_rest(struct domain *d, dma_addr_t iova, phys_addr_t phys, u32 n, int prot,
			     size_t done)
{
	size_t size = (size_t)n * GRANULE;
	int err = compat_iommu_map(d->iommu, iova + done, phys + done, size - done, prot);

	if (err && done)
		table_end(d, iova, (u32)(done / GRANULE));
	return err;
}

int table_map(struct domain *d, dma_addr_t iova, phys_addr_t phys, u32 n, int prot)
{
	size_t done = 0;
	int err = 0;

	if (likely(n <= IOVA_CLASS_MAX)) {
		err = d->map_pages(d->iommu, iova, phys, GRANULE, n, prot, GFP_ATOMIC, &done);
		if (unlikely(err)) {
			if (done)
				table_end(d, iova, (u32)(done / GRANULE));
			return err;
		}
	}
	/* More than a few; or the driver has stopped at the end of a page table. */
	if (unlikely(done != (size_t)n * GRANULE)) {
		err = map_rest(d, iova, phys, n, prot, done);
		if (err)
			return err;
	}
	if (unlikely(d->sync_map)) {
		err = compat_sync_map(d->iommu, iova, (size_t)n * GRANULE);
		if (err)
			table_end(d, iova, n);
	}
	return err;
}

/* ---- granules ---- */

struct cell *domain_get(struct domain *d, u32 n, u32 align, u32 skew, u32 *first, int *err)
{
	struct cell *cell = n <= IOVA_CLASS_MAX
				    ? space_get(&d->space, n, first, err)
				    : space_get_slow(&d->space, n, align, skew, first, err);

	if (likely(cell) || *err != -ENOSPC)
		return cell;
	/* Granules that wait for a flush, and those that CPUs keep, may be enough. */
	domain_flush(d);
	space_drain(&d->space);
	return space_get_slow(&d->space, n, align, skew, first, err);
}

static noinline void release_slow(struct domain *d, struct cell *cell, u32 first, u32 n,
				  enum cache_deferred deferred)
{
	/* The first of those that wait starts the clock. */
	if (deferred == CACHE_WAITS) {
		domain_arm(d);
		return;
	}
	if (deferred == CACHE_FULL && d->late)
		table_unmap(d, domain_iova(d, first), n);
	domain_flush(d);
	if (deferred == CACHE_FULL)
		space_put(&d->space, first, n);
}

static __always_inline void release(struct domain *d, struct cell *cell, u32 first, u32 n)
{
	enum cache_deferred deferred;
	bool started;

	deferred = space_defer(&d->space, first, n, &started);
	if (unlikely(started))
		release_slow(d, cell, first, n, deferred);
}

void domain_release(struct domain *d, struct cell *cell, u32 first, u32 n)
{
	if (d->lazy && n <= IOVA_CLASS_MAX) {
		release(d, cell, first, n);
		return;
	}
	if (d->lazy)
		domain_flush(d);
	space_put(&d->space, first, n);
}

/* ---- map ---- */

static int map_at(struct domain *d, struct dmah *h, const struct request *req, phys_addr_t target,
		  u64 backend, u32 extra)
{
	u32 n = domain_granules(target, req->len), first;
	/* An IOMMU uses large pages only if both addresses agree below them. */
	u32 align = n >= SZ_2M / GRANULE ? SZ_2M / GRANULE : 1;
	struct cell *cell;
	int err = 0;

	cell = domain_get(d, n, align, (u32)(target / GRANULE) & (align - 1), &first, &err);
	if (unlikely(!cell))
		return err;
	err = table_map(d, domain_iova(d, first), target & ~(phys_addr_t)(GRANULE - 1), n,
			domain_prot(d, req->meta, req->attrs));
	if (unlikely(err)) {
		space_put(&d->space, first, n);
		return err;
	}
	cell->backend = backend;
	h->meta = cell_begin(cell, req, domain_meta(d, req) | extra);
	h->dma = domain_iova(d, first) + (target & (GRANULE - 1));
	h->phys = req->phys;
	h->backend = domain_home(d, h);
	h->len = req->len;
	return 0;
}

/*
 * The IOMMU's driver makes its entries before it is known whether the device gets them, so the
 * buffer is given last.
 */
static noinline int map_special(struct client *c, struct dmah *h, const struct request *req)
{
	struct domain *d = c->domain;
	bool own = d->noncoherent && !(req->meta & (META_MMIO | META_COHERENT));
	phys_addr_t slot;
	u32 token;
	int err;

	/*
	 * Registers cannot bounce, and a part of a granule would show an untrusted device the rest
	 * of it.
	 */
	if (d->pool && req->meta & META_MMIO && ((req->phys | req->len) & (GRANULE - 1)))
		return -EINVAL;
	if (bounce_wants(d, req)) {
		err = bounce_get(d, req, &token, &slot);
		if (err)
			return err;
		err = map_at(d, h, req, slot, token, META_SYNC);
		if (err)
			bounce_put(d, token);
		return err;
	}
	err = map_at(d, h, req, req->phys, 0, own ? META_SYNC | META_OWN : 0);
	if (!err && own && !(req->attrs & DMA_ATTR_SKIP_CPU_SYNC))
		cache_give(c, h, 0, h->len);
	return err;
}

int domain_map(struct client *c, struct dmah *h, const struct request *req)
{
	struct domain *d = c->domain;

	if (unlikely(d->noncoherent || d->pool))
		return map_special(c, h, req);
	return map_at(d, h, req, req->phys, 0, 0);
}

int domain_map_bus(struct client *c, struct dmah *h, const struct request *req, dma_addr_t bus)
{
	struct domain *d = c->domain;
	int err;

	/*
	 * A part of a page would show an untrusted device the rest, and what is no memory cannot
	 * bounce.
	 */
	if (d->pool && ((bus | req->len) & (GRANULE - 1)))
		return -EINVAL;
	if (d->noncoherent && !(req->meta & META_MMIO)) {
		err = map_at(d, h, req, bus, 0, META_SYNC | META_OWN);
		if (!err && !(req->attrs & DMA_ATTR_SKIP_CPU_SYNC))
			cache_give(c, h, 0, h->len);
		return err;
	}
	return map_at(d, h, req, bus, 0, 0);
}

/* ---- unmap ---- */

static noinline int refuse(struct client *c, const struct dmah *h, u32 allow, unsigned long caller)
{
	int err = client_check(c, h, allow, "unmap of a mapping that is not live", caller);

	return err ? err
		   : misuse_handle(c, -ESTALE, h, "unmap of a mapping that is not live", caller);
}

void domain_take_back(struct domain *d, const struct dmah *h, u64 backend, unsigned long attrs)
{
	bool sync = !((h->meta & META_NO_SYNC) || (attrs & DMA_ATTR_SKIP_CPU_SYNC));

	if (d->pool && backend && !(h->meta & META_COHERENT)) {
		if (sync && meta_device_writes(h->meta))
			bounce_copy(d, (u32)backend, 0, h->len, true);
		bounce_put(d, (u32)backend);
	} else if (h->meta & META_OWN && sync) {
		cache_take_back(d->c, h, 0, h->len);
	}
}

int domain_unmap(struct client *c, struct dmah *h, u32 allow, unsigned long attrs,
		 unsigned long caller)
{
	struct domain *d = c->domain;
	struct cell *cell;
	u32 first, n;
	u64 backend;

	cell = cell_of(d, h, &first);
	/* The cell says that the handle is live and of this device; its kind is left to check. */
	if (unlikely(!cell || (h->meta & (META_PART | META_COHERENT)) != allow ||
		     !cell_claim(cell, h->meta)))
		return refuse(c, h, allow, caller);
	domain_check_home(d, h, caller);
	backend = cell->backend;
	n = domain_granules(h->dma, h->len);
	if (likely(d->lazy && n <= IOVA_CLASS_MAX && !allow)) {
		if (!d->late)
			table_unmap(d, domain_iova(d, first), n);
		if (unlikely(d->noncoherent))
			domain_take_back(d, h, backend, attrs);
		release(d, cell, first, n);
		return 0;
	}
	table_end(d, domain_iova(d, first), n);
	if (unlikely(d->noncoherent || d->pool))
		domain_take_back(d, h, backend, attrs);
	space_put(&d->space, first, n);
	return 0;
}
