/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The address-keyed and page-keyed calls. The backend finds the mapping and fills a handle on the
 * stack; the functions for handles do the rest.
 */
#include "addr/request.h"
#include "backend/iommu/fast.h"
#include "base/buffer.h"
#include "base/check.h"
#include "base/count.h"
#include "core/map.h"

int dmah_addr_barred(struct dmah_device *dev, dmah_addr_t addr, const void *caller)
{
	if (!dev->dom || !dev->dom->cfg.handles_only)
		return DMAH_OK;
	return dmah_report_misuse(dev, DMAH_ENOTSUP,
				  "an address-keyed call in a domain of handles only "
				  "(config.handles_only)",
				  addr, caller);
}

static int keep_address(struct dmah_device *dev, const struct dmah *h, int err, dmah_addr_t *dma)
{
	*dma = err ? DMAH_BAD_ADDR : h->dma;
	if (!err)
		dmah_check_by_addr(dev, h);
	return err;
}

int dmah_addr_map_caller(struct dmah_device *dev, dmah_phys_t phys, uint64_t len, enum dmah_dir dir,
			 uint32_t attrs, dmah_addr_t *dma, const void *caller)
{
	struct dmah h = { 0 };
	int err = dmah_addr_barred(dev, phys, caller);

	if (!err)
		err = dmah_map_caller(dev, &h, phys, len, dir, attrs, caller);

	return keep_address(dev, &h, err, dma);
}

int dmah_addr_map(struct dmah_device *dev, dmah_phys_t phys, uint64_t len, enum dmah_dir dir,
		  uint32_t attrs, dmah_addr_t *dma)
{
	return dmah_addr_map_caller(dev, phys, len, dir, attrs, dma, __builtin_return_address(0));
}

int dmah_addr_map_bus_caller(struct dmah_device *dev, dmah_phys_t phys, dmah_addr_t bus,
			     uint64_t len, enum dmah_dir dir, uint32_t attrs, dmah_addr_t *dma,
			     const void *caller)
{
	struct dmah h = { 0 };
	int err = dmah_addr_barred(dev, phys, caller);

	if (!err)
		err = dmah_map_bus_caller(dev, &h, phys, bus, len, dir, attrs, caller);

	return keep_address(dev, &h, err, dma);
}

int dmah_addr_map_bus(struct dmah_device *dev, dmah_phys_t phys, dmah_addr_t bus, uint64_t len,
		      enum dmah_dir dir, uint32_t attrs, dmah_addr_t *dma)
{
	return dmah_addr_map_bus_caller(dev, phys, bus, len, dir, attrs, dma,
					__builtin_return_address(0));
}

int dmah_addr_check(const struct dmah_device *dev, const struct addr_req *req, uint64_t len)
{
	if (!dev->dom)
		return DMAH_ENODEV;
	if (!len || len > UINT32_MAX || !(req->dir & DMAH_BIDIRECTIONAL) ||
	    (unsigned int)req->dir > DMAH_BIDIRECTIONAL || req->dma + len - 1 < req->dma)
		return DMAH_EINVAL;
	return DMAH_OK;
}

static int unmap(struct dmah_device *dev, const struct addr_req *req, uint64_t len,
		 const void *caller)
{
	struct dmah h = { 0 };
	int err = dmah_addr_check(dev, req, len);

	if (err == DMAH_ENODEV)
		return err;
	if (dmah_addr_barred(dev, req->dma, caller))
		return DMAH_ENOTSUP;
#ifndef DMAH_CHECK
	if (!err && __atomic_load_n(&dev->fast_end, __ATOMIC_RELAXED) &&
	    dmah_fast_addr_unmap(dev, req, &err))
		return err;
#endif
	if (!err)
		err = dev->dom->ops->rebuild(dev, &h, req);
	if (!err)
		err = dmah_check_forget(dev, req->dma, req->len, req->dir);
	if (!err) {
		dmah_history_unmap(dev, &h);
		/* DMAH_ESTALE: another CPU has unmapped the address since the lookup. */
		err = dev->dom->ops->unmap(dev, &h, false);
	}
	if (!err || err == DMAH_ETIMEDOUT)
		return err;
	return dmah_report_misuse(dev, err,
				  err == DMAH_ESTALE ? "unmap of an address that is not mapped"
						     : "unmap that does not fit what is mapped",
				  req->dma, caller);
}

int dmah_addr_unmap(struct dmah_device *dev, dmah_addr_t dma, uint64_t len, enum dmah_dir dir,
		    uint32_t attrs)
{
	struct addr_req req = { .dma = dma, .len = (uint32_t)len, .dir = dir, .attrs = attrs };

	return unmap(dev, &req, len, __builtin_return_address(0));
}

int dmah_page_unmap(struct dmah_device *dev, dmah_addr_t dma, dmah_phys_t phys, uint64_t len,
		    enum dmah_dir dir, uint32_t attrs)
{
	struct addr_req req = { .dma = dma,
				.phys = phys,
				.len = (uint32_t)len,
				.dir = dir,
				.attrs = attrs,
				.has_phys = true };

	return unmap(dev, &req, len, __builtin_return_address(0));
}

/*
 * Returns true if a sync has neither a cache to maintain nor a slot to copy, so no lookup is
 * needed.
 */
static bool nothing_to_sync(const struct dmah_device *dev)
{
	return is_coherent(dev->limits.flags) && !dev->dom->cfg.pool;
}

int dmah_addr_sync(struct dmah_device *dev, struct addr_req *req, uint64_t len, bool for_cpu,
		   const void *caller)
{
	int err = dmah_addr_check(dev, req, len);

	if (err == DMAH_ENODEV)
		return err;
	if (dmah_addr_barred(dev, req->dma, caller))
		return DMAH_ENOTSUP;
	if (!err && nothing_to_sync(dev))
		return err;
	while (!err && len) {
		struct dmah h = { 0 };
		uint32_t done;

		req->len = (uint32_t)len;
		err = dev->dom->ops->rebuild_part(dev, &h, req, &done);
		if (err)
			break;
		if (h.meta & (for_cpu ? DMAH_META_SYNC_CPU : DMAH_META_SYNC_DEVICE)) {
			count(dev, syncs, 1);
			dmah_buffer_sync(dev, &h, (uint32_t)(req->dma - h.dma), done, for_cpu);
		}
		req->dma += done;
		req->phys += done;
		req->inside = true;
		len -= done;
	}
	if (err)
		return dmah_report_misuse(dev, err,
					  err == DMAH_ESTALE
						  ? "sync of an address that is not mapped"
						  : "sync that does not fit what is mapped",
					  req->dma, caller);
	return DMAH_OK;
}

int dmah_addr_sync_for_cpu(struct dmah_device *dev, dmah_addr_t dma, uint64_t len,
			   enum dmah_dir dir)
{
	struct addr_req req = { .dma = dma, .dir = dir };

	return dmah_addr_sync(dev, &req, len, true, __builtin_return_address(0));
}

int dmah_addr_sync_for_device(struct dmah_device *dev, dmah_addr_t dma, uint64_t len,
			      enum dmah_dir dir)
{
	struct addr_req req = { .dma = dma, .dir = dir };

	return dmah_addr_sync(dev, &req, len, false, __builtin_return_address(0));
}

int dmah_page_sync_for_cpu(struct dmah_device *dev, dmah_addr_t dma, dmah_phys_t phys, uint64_t len,
			   enum dmah_dir dir)
{
	struct addr_req req = { .dma = dma, .phys = phys, .dir = dir, .has_phys = true };

	return dmah_addr_sync(dev, &req, len, true, __builtin_return_address(0));
}

int dmah_page_sync_for_device(struct dmah_device *dev, dmah_addr_t dma, dmah_phys_t phys,
			      uint64_t len, enum dmah_dir dir)
{
	struct addr_req req = { .dma = dma, .phys = phys, .dir = dir, .has_phys = true };

	return dmah_addr_sync(dev, &req, len, false, __builtin_return_address(0));
}

int dmah_addr_set_lookup(struct dmah_domain *dom, const struct dmah_lookup *lookup)
{
	if (!dom->ops->pt_info)
		return DMAH_ENOTSUP;
	if (dmah_domain_live(dom))
		return DMAH_EBUSY;
	dom->lookup = lookup ? *lookup : (struct dmah_lookup){ 0 };
	return DMAH_OK;
}
