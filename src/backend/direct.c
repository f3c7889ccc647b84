/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Direct: the DMA address is the physical one plus an offset. Nothing is kept of a mapping but its bounce slot, so a
 * stale handle is caught here only where it bounced, or in check builds.
 */
#include "backend/bounce.h"
#include "backend/direct.h"
#include "base/pool.h"
#include "base/buffer.h"
#include "base/count.h"
#include "base/request.h"

bool dmah_direct_reaches(const struct dmah_device *dev, dmah_addr_t bus, uint64_t len)
{
	dmah_addr_t last = bus + len - 1;
	uint64_t boundary = dev->limits.boundary;

	return last >= bus && last <= dev->limits.mask &&
	       !(boundary && (bus ^ last) & ~(boundary - 1));
}

static bool shares_line(const struct dmah_device *dev, const struct map_req *req)
{
	return dmah_buffer_shares_line(dev, req, false) || dmah_buffer_shares_line(dev, req, true);
}

/* Returns true if the offset takes an address round the end of the address space. */
static bool wraps(dmah_phys_t phys, dmah_addr_t bus, int64_t offset)
{
	return offset < 0 ? bus > phys : bus < phys;
}

int dmah_direct_map(struct dmah_device *dev, struct dmah *h, const struct map_req *req)
{
	uint64_t offset = (uint64_t)dev->dom->cfg.offset;
	dmah_addr_t bus = req->has_bus ? req->bus : req->phys + offset;
	bool reached = (req->has_bus || !wraps(req->phys, bus, (int64_t)offset)) &&
		       dmah_direct_reaches(dev, bus, req->len);
	uint32_t token = 0;
	unsigned long flags;
	unsigned int cpu;
	uint64_t backend = 0;
	int err;

	if (req->attrs & DMAH_ATTR_MMIO || req->has_bus || req->coherent) {
		if (!reached)
			return DMAH_ERANGE;
	} else if (!reached || shares_line(dev, req)) {
		err = dmah_bounce_slot(dev, req, offset, &token);
		if (err)
			return err;
		bus = dmah_pool_phys(dev->dom->cfg.pool, token) + offset;
		backend = token_pair(token, 0);
	}
	dmah_handle_fill(dev, h, DMAH_BACKEND_DIRECT, req, bus, backend, 0);
	dmah_buffer_give(dev, h);
	cpu = dmah_host_enter(&flags);
	count_mapped(dev, cpu, 1);
	dmah_host_leave(flags);
	return DMAH_OK;
}

int dmah_direct_check(struct dmah_device *dev, const struct dmah *h)
{
	uint64_t offset = (uint64_t)dev->dom->cfg.offset;

	if (meta_kind(h->meta) != DMAH_BACKEND_DIRECT || meta_gen(h->meta))
		return DMAH_EINVAL;
	if (h->meta & META_HAS_BUS)
		return DMAH_OK;
	/* A handle without state behind it can be held to this alone. */
	if (has_slots(h)
		    ? h->dma != dmah_pool_phys(dev->dom->cfg.pool, token_head(h->backend)) + offset
		    : h->dma != h->phys + offset)
		return DMAH_EINVAL;
	return DMAH_OK;
}

int dmah_direct_unmap(struct dmah_device *dev, struct dmah *h, bool strict)
{
	uint32_t token = has_slots(h) ? token_head(h->backend) : 0;
	unsigned long flags;
	unsigned int cpu;

	(void)strict;
	/* Of two CPUs with copies of the handle one retires the slot. Without a slot nothing tells them apart. */
	if (!dmah_pool_retire(dev->dom->cfg.pool, token, dev->dom, dev->number))
		return DMAH_ESTALE;
	dmah_buffer_take(dev, h);
	dmah_pool_put(dev->dom->cfg.pool, token);
	cpu = dmah_host_enter(&flags);
	count_unmapped(dev, cpu, 1);
	dmah_host_leave(flags);
	return DMAH_OK;
}

int dmah_direct_rebuild(struct dmah_device *dev, struct dmah *h, const struct addr_req *req)
{
	dmah_phys_t phys = req->dma - (uint64_t)dev->dom->cfg.offset;
	struct map_req map;

	if (dmah_pool_holds(dev->dom->cfg.pool, phys))
		return dmah_bounce_rebuild(dev, h, req, phys, DMAH_BACKEND_DIRECT);
	map = dmah_addr_request(req, phys);
	/* A bus address that the caller gave is no physical address plus offset; it says so by giving both. */
	map.has_bus = req->has_phys && req->phys != phys;
	map.phys = req->has_phys ? req->phys : phys;
	dmah_handle_fill(dev, h, DMAH_BACKEND_DIRECT, &map, req->dma, 0, 0);
	return DMAH_OK;
}

int dmah_direct_rebuild_part(struct dmah_device *dev, struct dmah *h, const struct addr_req *req,
			     uint32_t *done)
{
	dmah_phys_t phys = req->dma - (uint64_t)dev->dom->cfg.offset;

	*done = req->len;
	if (dmah_pool_holds(dev->dom->cfg.pool, phys))
		return dmah_bounce_rebuild_part(dev, h, req, phys, DMAH_BACKEND_DIRECT);
	return dmah_direct_rebuild(dev, h, req);
}

dmah_phys_t dmah_direct_highest(const struct dmah_device *dev)
{
	return direct_limit(dev->limits.mask, dev->dom->cfg.offset);
}

dmah_phys_t dmah_direct_crossing(const struct dmah_device *dev, dmah_phys_t phys, uint64_t len)
{
	return direct_crossing(dev, phys, len, (uint64_t)dev->dom->cfg.offset);
}

/* Set the limits of the fast path: up to a physical address no buffer needs a bounce slot or cache maintenance. */
static int direct_attach(struct dmah_device *dev, const struct dmah_limits *limits)
{
	int64_t offset = dev->dom->cfg.offset;

	if (!is_coherent(limits->flags) || limits->boundary || offset < 0)
		return DMAH_OK;
	dev->direct = (uint32_t)DMAH_BACKEND_DIRECT << META_KIND_SHIFT |
		      (uint32_t)dev->number << META_DEVICE_SHIFT;
	/* The general path maps the last byte, and all buffers of a device with a limit on segments, or with part of a page as offset. */
	dev->direct_end = limits->max_segment || (uint64_t)offset & HISTORY_IN_PAGE
				  ? 0
				  : direct_limit(limits->mask, offset);
	return DMAH_OK;
}

const struct backend_ops dmah_backend_direct = {
	.attach = direct_attach,
	.highest = dmah_direct_highest,
	.crossing = dmah_direct_crossing,
	.map = dmah_direct_map,
	.check = dmah_direct_check,
	.unmap = dmah_direct_unmap,
	.rebuild = dmah_direct_rebuild,
	.rebuild_part = dmah_direct_rebuild_part,
};
