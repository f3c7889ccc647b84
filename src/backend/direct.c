/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Direct: the DMA address is the physical one plus an offset. Nothing is kept of a mapping but its bounce slot, so a
 * stale handle is caught here only where it bounced, or in check builds.
 */
#include "backend/bounce.h"
#include "backend/pool.h"
#include "core/buffer.h"
#include "core/count.h"
#include "core/map.h"

static bool shares_line(const struct dmah_device *dev, const struct map_req *req)
{
	return buffer_shares_line(dev, req, false) || buffer_shares_line(dev, req, true);
}

int direct_map(struct dmah_device *dev, struct dmah *h, const struct map_req *req)
{
	uint64_t offset = (uint64_t)dev->dom->cfg.offset;
	dmah_addr_t bus = req->has_bus ? req->bus : req->phys + offset;
	uint32_t token = 0;
	unsigned long flags;
	unsigned int cpu;
	uint64_t be = 0;
	int err;

	if (req->attrs & DMAH_ATTR_MMIO || req->has_bus) {
		if (!reaches(dev, bus, req->len))
			return DMAH_ERANGE;
	} else if (!reaches(dev, bus, req->len) || shares_line(dev, req)) {
		err = bounce_slot(dev, req, offset, &token);
		if (err)
			return err;
		bus = pool_phys(dev->dom->cfg.pool, token) + offset;
		be = be_make(token, 0);
	}
	handle_fill(dev, h, DMAH_BACKEND_DIRECT, req, bus, be, 0);
	buffer_give(dev, h);
	cpu = dmah_host_enter(&flags);
	count_mapped(dev, cpu, 1);
	dmah_host_leave(flags);
	return DMAH_OK;
}

int direct_check(struct dmah_device *dev, const struct dmah *h)
{
	uint64_t offset = (uint64_t)dev->dom->cfg.offset;

	if (meta_kind(h->meta) != DMAH_BACKEND_DIRECT)
		return DMAH_EINVAL;
	if (h->meta & META_FOREIGN)
		return DMAH_OK;
	/* What little a handle without state behind it can be held to. */
	if (be_head(h->be) ? h->dma != pool_phys(dev->dom->cfg.pool, be_head(h->be)) + offset
			   : h->dma != h->phys + offset)
		return DMAH_EINVAL;
	return DMAH_OK;
}

int direct_unmap(struct dmah_device *dev, struct dmah *h, bool strict)
{
	unsigned long flags;
	unsigned int cpu;

	(void)strict;
	buffer_take(dev, h);
	if (!(h->meta & META_FOREIGN))
		pool_put(dev->dom->cfg.pool, be_head(h->be));
	cpu = dmah_host_enter(&flags);
	count_unmapped(dev, cpu, 1);
	dmah_host_leave(flags);
	return DMAH_OK;
}

int direct_rebuild(struct dmah_device *dev, struct dmah *h, const struct addr_req *req)
{
	dmah_phys_t phys = req->dma - (uint64_t)dev->dom->cfg.offset;
	struct map_req map;

	if (pool_holds(dev->dom->cfg.pool, phys))
		return bounce_rebuild(dev, h, req, phys, DMAH_BACKEND_DIRECT);
	map = addr_request(req, phys);
	/* A bus address that the caller gave is no physical address plus offset; it says so by giving both. */
	map.has_bus = req->has_phys && req->phys != phys;
	map.phys = req->has_phys ? req->phys : phys;
	handle_fill(dev, h, DMAH_BACKEND_DIRECT, &map, req->dma, 0, 0);
	return DMAH_OK;
}

int direct_rebuild_part(struct dmah_device *dev, struct dmah *h, const struct addr_req *req,
			uint32_t *done)
{
	dmah_phys_t phys = req->dma - (uint64_t)dev->dom->cfg.offset;

	*done = req->len;
	if (pool_holds(dev->dom->cfg.pool, phys))
		return bounce_rebuild_part(dev, h, req, phys, DMAH_BACKEND_DIRECT);
	return direct_rebuild(dev, h, req);
}

const struct backend_ops backend_direct = {
	.map = direct_map,
	.check = direct_check,
	.unmap = direct_unmap,
	.rebuild = direct_rebuild,
	.rebuild_part = direct_rebuild_part,
};
