/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "backend/bounce.h"
#include "backend/direct.h"
#include "base/pool.h"
#include "base/buffer.h"
#include "base/count.h"
#include "base/request.h"

static struct pool_request slot_request(const struct dmah_device *dev, const struct map_req *req,
					uint64_t bus_offset)
{
	return (struct pool_request){
		.len = req->len,
		.offset = (uint32_t)(req->phys & dev->limits.min_align_mask),
		.align = dev->limits.min_align_mask < POOL_UNIT ? POOL_UNIT
								: dev->limits.min_align_mask + 1,
		.round = POOL_UNIT,
		.limit = direct_limit(dev->limits.mask, (int64_t)bus_offset),
		.boundary = dev->limits.boundary,
		.bus_offset = bus_offset,
		.dir = req->dir,
		.whole = req->len,
		.no_sync = req->attrs & DMAH_ATTR_NO_CPU_SYNC,
	};
}

bool dmah_bounces(const struct dmah_device *dev, const struct map_req *req)
{
	return dev->dom->cfg.pool && !(req->attrs & (DMAH_ATTR_NO_BOUNCE | DMAH_ATTR_MMIO));
}

int dmah_bounce_slot_from(struct dmah_device *dev, const struct map_req *req,
			  struct dmah_pool *pool, uint32_t number, uint64_t bus_offset,
			  uint32_t *token)
{
	struct pool_request request = slot_request(dev, req, bus_offset);

	return dmah_pool_get_from(pool, number, &request, req->phys, dev->dom, dev->number, token);
}

int dmah_bounce_slot(struct dmah_device *dev, const struct map_req *req, uint64_t bus_offset,
		     uint32_t *token)
{
	struct dmah_domain *dom = dev->dom;
	struct pool_request request = slot_request(dev, req, bus_offset);

	if (!dmah_bounces(dev, req))
		return DMAH_ENOPOOL;
	return dmah_pool_get(dom->cfg.pool, &request, req->phys, dom, dev->number, token);
}

struct map_req dmah_addr_request(const struct addr_req *req, dmah_phys_t phys)
{
	return (struct map_req){
		.phys = phys, .len = req->len, .dir = req->dir, .attrs = req->attrs
	};
}

static uint32_t find_slot(struct dmah_device *dev, dmah_phys_t phys, struct pool_slot **slot)
{
	struct dmah_pool *pool = dev->dom->cfg.pool;
	uint64_t steps = 0;
	uint32_t token = dmah_pool_find(pool, phys, dev, &steps);

	count(dev, reverse_lookups, 1);
	count(dev, lookup_steps, steps);
	*slot = token ? dmah_pool_slot_of(pool, token, dev->dom, dev->number) : NULL;
	return *slot ? token : 0;
}

int dmah_bounce_rebuild(struct dmah_device *dev, struct dmah *h, const struct addr_req *req,
			dmah_phys_t phys, enum dmah_backend kind)
{
	struct pool_slot *slot;
	uint32_t token = find_slot(dev, phys, &slot);
	struct map_req map;

	if (!token)
		return DMAH_ESTALE;
	if (slot->len != req->len || slot->dir != req->dir ||
	    dmah_pool_phys(dev->dom->cfg.pool, token) != phys ||
	    (req->has_phys && req->phys != slot->orig))
		return DMAH_EINVAL;
	map = dmah_addr_request(req, slot->orig);
	dmah_handle_fill(dev, h, kind, &map, req->dma, token_pair(token, 0), 0);
	return DMAH_OK;
}

int dmah_bounce_rebuild_part(struct dmah_device *dev, struct dmah *h, const struct addr_req *req,
			     dmah_phys_t phys, enum dmah_backend kind)
{
	struct pool_slot *slot;
	uint32_t token = find_slot(dev, phys, &slot);
	uint64_t into;
	struct map_req map;

	if (!token)
		return DMAH_ESTALE;
	into = phys - dmah_pool_phys(dev->dom->cfg.pool, token);
	if (into >= slot->len || req->len > slot->len - into || slot->dir != req->dir ||
	    (req->has_phys && req->phys != slot->orig + into))
		return DMAH_EINVAL;
	map = dmah_addr_request(req, slot->orig);
	map.len = slot->len;
	dmah_handle_fill(dev, h, kind, &map, req->dma - into, token_pair(token, 0), 0);
	return DMAH_OK;
}

static int bounce_map(struct dmah_device *dev, struct dmah *h, const struct map_req *req)
{
	uint64_t offset = (uint64_t)dev->dom->cfg.offset;
	unsigned long flags;
	unsigned int cpu;
	uint32_t token;
	int err;

	/*
	 * Registers and what the caller knows the bus address of are no memory that could be copied; coherent memory
	 * is the host's, who knows what devices reach (in a confidential guest: what it has shared with them).
	 */
	if (req->attrs & DMAH_ATTR_MMIO || req->has_bus || req->coherent)
		return dmah_direct_map(dev, h, req);
	err = dmah_bounce_slot(dev, req, offset, &token);
	if (err)
		return err;
	dmah_handle_fill(dev, h, DMAH_BACKEND_DIRECT, req,
			 dmah_pool_phys(dev->dom->cfg.pool, token) + offset, token_pair(token, 0),
			 0);
	dmah_buffer_give(dev, h);
	cpu = dmah_host_enter(&flags);
	count_mapped(dev, cpu, 1);
	dmah_host_leave(flags);
	return DMAH_OK;
}

static bool bounce_memory(const struct dmah_domain_config *cfg, struct backend_memory *need)
{
	(void)need;
	return cfg->pool != NULL;
}

const struct backend_ops dmah_backend_bounce = {
	.memory = bounce_memory,
	.highest = dmah_direct_highest,
	.crossing = dmah_direct_crossing,
	.map = bounce_map,
	.check = dmah_direct_check,
	.unmap = dmah_direct_unmap,
	.rebuild = dmah_direct_rebuild,
	.rebuild_part = dmah_direct_rebuild_part,
};
