/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Map and unmap, for every backend: arguments, limits, and the handle's own checks.
 */
#include "core/map.h"
#include "backend/iommu/fast.h"
#include "base/buffer.h"
#include "base/check.h"
#include "base/count.h"

#define ALL_ATTRS (DMAH_ATTR_NO_CPU_SYNC | DMAH_ATTR_MMIO | DMAH_ATTR_NO_BOUNCE)

int dmah_report_misuse(struct dmah_device *dev, int err, const char *text, uint64_t addr,
		       const void *caller)
{
	count(dev, misuse, 1);
	dmah_host_report(dev, err, text, addr, caller);
	return err;
}

void dmah_handle_fill(const struct dmah_device *dev, struct dmah *h, enum dmah_backend kind,
		      const struct map_req *req, dmah_addr_t dma, uint64_t backend, uint32_t gen)
{
	uint32_t meta = (uint32_t)req->dir | (uint32_t)kind << META_KIND_SHIFT |
			(uint32_t)dev->number << META_DEVICE_SHIFT | gen << META_GEN_SHIFT;

	if (req->attrs & DMAH_ATTR_NO_CPU_SYNC)
		meta |= META_NO_SYNC;
	if (req->attrs & DMAH_ATTR_MMIO)
		meta |= META_MMIO;
	if (req->has_bus)
		meta |= META_HAS_BUS;
	meta |= dmah_buffer_needs_sync(dev, backend, meta);
	h->dma = dma;
	h->phys = req->phys;
	h->backend = backend;
	h->len = req->len;
	h->meta = meta;
}

int dmah_map_check(const struct dmah_device *dev, const struct map_req *req, uint64_t len)
{
	if (!dev->dom || is_killed(dev))
		return DMAH_ENODEV;
	if (!len || !(req->dir & DMAH_BIDIRECTIONAL) ||
	    (unsigned int)req->dir > DMAH_BIDIRECTIONAL || req->attrs & ~(uint32_t)ALL_ATTRS)
		return DMAH_EINVAL;
	if (len > UINT32_MAX || (dev->limits.max_segment && len > dev->limits.max_segment) ||
	    req->phys + len - 1 < req->phys || (req->has_bus && req->bus + len - 1 < req->bus))
		return DMAH_ERANGE;
	return DMAH_OK;
}

static int map_one(struct dmah_device *dev, struct dmah *h, const struct map_req *req, uint64_t len,
		   const void *caller)
{
	int err = dmah_map_check(dev, req, len);

	if (!err)
		err = dev->dom->ops->map(dev, h, req);
	if (err) {
		handle_clear(h);
		if (dev->dom)
			count(dev, failed_maps, 1);
		return err;
	}
	dmah_check_map(dev, h);
	dmah_history_map(dev, h, caller);
	return DMAH_OK;
}

static int map(struct dmah_device *dev, struct dmah *h, const struct map_req *req, uint64_t len,
	       const void *caller)
{
	/* A live handle is left as it is, or its mapping would be lost. */
	if (h->meta)
		return dev->dom ? dmah_report_misuse(dev, DMAH_EINVAL,
						     "map into a handle that is not idle", h->dma,
						     caller)
				: DMAH_EINVAL;
	return map_one(dev, h, req, len, caller);
}

/* Out of line, so that the shortest way keeps no registers for it. */
__attribute__((noinline)) static int map_any(struct dmah_device *dev, struct dmah *h,
					     dmah_phys_t phys, uint64_t len, enum dmah_dir dir,
					     uint32_t attrs, const void *caller)
{
	struct map_req req = { .phys = phys, .len = (uint32_t)len, .dir = dir, .attrs = attrs };

#ifndef DMAH_CHECK
	if (!h->meta && !attrs && dmah_fast_map_refill(dev, h, phys, len, dir, caller))
		return DMAH_OK;
#endif
	return map(dev, h, &req, len, caller);
}

int dmah_map_caller(struct dmah_device *dev, struct dmah *h, dmah_phys_t phys, uint64_t len,
		    enum dmah_dir dir, uint32_t attrs, const void *caller)
{
#ifndef DMAH_CHECK
	if (!attrs && fast_map(dev, h, phys, len, dir, caller))
		return DMAH_OK;
#endif
	return map_any(dev, h, phys, len, dir, attrs, caller);
}

int dmah_map(struct dmah_device *dev, struct dmah *h, dmah_phys_t phys, uint64_t len,
	     enum dmah_dir dir, uint32_t attrs)
{
#ifndef DMAH_CHECK
	if (!attrs && fast_map(dev, h, phys, len, dir, __builtin_return_address(0)))
		return DMAH_OK;
#endif
	return map_any(dev, h, phys, len, dir, attrs, __builtin_return_address(0));
}

int dmah_map_memory(struct dmah_device *dev, struct dmah *h, dmah_phys_t phys, uint64_t len,
		    enum dmah_dir dir)
{
#ifndef DMAH_CHECK
	if (fast_map(dev, h, phys, len, dir, __builtin_return_address(0)))
		return DMAH_OK;
#endif
	return map_any(dev, h, phys, len, dir, 0, __builtin_return_address(0));
}

int dmah_map_bus_caller(struct dmah_device *dev, struct dmah *h, dmah_phys_t phys, dmah_addr_t bus,
			uint64_t len, enum dmah_dir dir, uint32_t attrs, const void *caller)
{
	struct map_req req = { .phys = phys,
			       .bus = bus,
			       .len = (uint32_t)len,
			       .dir = dir,
			       .attrs = attrs,
			       .has_bus = true };

	return map(dev, h, &req, len, caller);
}

int dmah_map_bus(struct dmah_device *dev, struct dmah *h, dmah_phys_t phys, dmah_addr_t bus,
		 uint64_t len, enum dmah_dir dir, uint32_t attrs)
{
	return dmah_map_bus_caller(dev, h, phys, bus, len, dir, attrs, __builtin_return_address(0));
}

int dmah_handle_check(struct dmah_device *dev, const struct dmah *h, uint32_t allow)
{
	if (!dev->dom)
		return DMAH_ENODEV;
	if (meta_device(h->meta) != dev->number || !h->len || !meta_dir(h->meta) ||
	    (h->meta & (META_COHERENT | META_PART)) != allow)
		return DMAH_EINVAL;
	if (!dmah_buffer_check(dev, h))
		return DMAH_ESTALE;
	return dev->dom->ops->check(dev, h);
}

int dmah_unmap_general(struct dmah_device *dev, struct dmah *h, uint32_t allow, const void *caller)
{
	int err;

	err = dmah_handle_check(dev, h, allow);
	if (!err)
		err = dmah_check_unmap(dev, h);
	if (err == DMAH_ENODEV)
		return err;
	if (err)
		return dmah_report_misuse(dev, err,
					  err == DMAH_ESTALE
						  ? "unmap of a mapping that is not live"
						  : "unmap with a handle that does not fit",
					  h->dma, caller);
	dmah_history_unmap(dev, h);
	err = dev->dom->ops->unmap(dev, h, allow == META_COHERENT);
	handle_clear(h);
	return err;
}

__attribute__((noinline)) static int unmap_any(struct dmah_device *dev, struct dmah *h)
{
#ifndef DMAH_CHECK
	int err;
#endif

	if (!h->meta)
		return DMAH_OK;
#ifndef DMAH_CHECK
	if (dmah_fast_unmap_any(dev, h, &err))
		return err;
#endif
	/* dmah_unmap()'s own caller: it jumps here. */
	return dmah_unmap_general(dev, h, 0, __builtin_return_address(0));
}

int dmah_unmap(struct dmah_device *dev, struct dmah *h)
{
#ifndef DMAH_CHECK
	uint32_t index;
	uint64_t *pte;

	switch (fast_unmap(dev, h, &pte, &index)) {
	case FAST_ENDED:
		return DMAH_OK;
	case FAST_LEFT:
		return dmah_fast_unmap_one(dev, h, pte, index);
	case FAST_NONE:
		break;
	}
#endif
	return unmap_any(dev, h);
}
