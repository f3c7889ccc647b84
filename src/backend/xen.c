/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Xen: the DMA address is the machine address behind a guest's physical page.
 *
 * On arm and arm64 a page of another domain, mapped through a grant, has a physical address that says nothing of its
 * machine address, and one granted page may be mapped at several. A handle keeps both addresses, so that unmap and
 * sync ask nobody; from the machine address alone the page could only be guessed.
 */
#include "backend/bounce.h"
#include "backend/direct.h"
#include "base/pool.h"
#include "base/buffer.h"
#include "base/count.h"
#include "base/request.h"

#define NO_BUS (~(dmah_addr_t)0)

/* The machine address of a buffer; NO_BUS where its pages do not follow each other in the machine. */
static dmah_addr_t bus_of(const struct dmah_domain *dom, dmah_phys_t phys, uint64_t len)
{
	const struct dmah_xen_ops *xen = dom->cfg.xen;
	dmah_addr_t bus = xen->phys_to_bus(dom->cfg.xen_ctx, phys);
	uint64_t done = DMAH_PAGE_SIZE - (phys & (DMAH_PAGE_SIZE - 1));

	for (; bus != NO_BUS && done < len; done += DMAH_PAGE_SIZE)
		if (xen->phys_to_bus(dom->cfg.xen_ctx, phys + done) != bus + done)
			return NO_BUS;
	return bus;
}

static bool shares_line(const struct dmah_device *dev, const struct map_req *req)
{
	return dmah_buffer_shares_line(dev, req, false) || dmah_buffer_shares_line(dev, req, true);
}

/* A slot of one pool. A pool is contiguous in the machine, or its owner made no pool of it: one offset holds for all of it. */
static int slot_from(struct dmah_device *dev, const struct map_req *req, struct dmah_pool *pool,
		     uint32_t number, uint32_t *token, dmah_addr_t *bus)
{
	dmah_addr_t base = bus_of(dev->dom, pool->phys, DMAH_PAGE_SIZE);
	int err;

	if (base == NO_BUS)
		return DMAH_ERANGE;
	err = dmah_bounce_slot_from(dev, req, pool, number, base - pool->phys, token);
	if (err)
		return err;
	*bus = bus_of(dev->dom, dmah_pool_phys(dev->dom->cfg.pool, *token), req->len);
	if (*bus != NO_BUS && dmah_direct_reaches(dev, *bus, req->len))
		return DMAH_OK;
	dmah_pool_put(dev->dom->cfg.pool, *token);
	return DMAH_ERANGE;
}

/* The machine has each pool of a chain where it likes. */
static int xen_bounce(struct dmah_device *dev, const struct map_req *req, uint32_t *token,
		      dmah_addr_t *bus)
{
	struct dmah_pool *pool = dev->dom->cfg.pool;
	int err = DMAH_ERANGE;

	if (!dmah_bounces(dev, req))
		return DMAH_ENOPOOL;
	for (uint32_t number = 0; pool; pool = pool->next, number++) {
		int one = slot_from(dev, req, pool, number, token, bus);

		if (!one)
			return DMAH_OK;
		err = dmah_pool_error(err, one);
	}
	return err;
}

static int xen_map(struct dmah_device *dev, struct dmah *h, const struct map_req *req)
{
	dmah_addr_t bus = req->has_bus ? req->bus : bus_of(dev->dom, req->phys, req->len);
	struct map_req inner = *req;
	uint32_t token = 0;
	unsigned long flags;
	unsigned int cpu;
	int err;

	if (bus == NO_BUS || !dmah_direct_reaches(dev, bus, req->len) || shares_line(dev, req)) {
		if (req->attrs & DMAH_ATTR_MMIO || req->coherent)
			return DMAH_ERANGE;
		err = xen_bounce(dev, req, &token, &bus);
		if (err)
			return err;
		inner.has_bus = false;
	}
	dmah_handle_fill(dev, h, DMAH_BACKEND_XEN, &inner, bus, token_pair(token, 0), 0);
	dmah_buffer_give(dev, h);
	cpu = dmah_host_enter(&flags);
	count_mapped(dev, cpu, 1);
	dmah_host_leave(flags);
	return DMAH_OK;
}

static int xen_check(struct dmah_device *dev, const struct dmah *h)
{
	const struct dmah_domain *dom = dev->dom;

	if (meta_kind(h->meta) != DMAH_BACKEND_XEN || meta_gen(h->meta))
		return DMAH_EINVAL;
	/* A slot's place in the machine is known, without a search. */
	if (has_slots(h) &&
	    bus_of(dom, dmah_pool_phys(dom->cfg.pool, token_head(h->backend)), h->len) != h->dma)
		return DMAH_ESTALE;
	return DMAH_OK;
}

/* The slot's byte behind a bus address, or ~0: pools keep their place in the machine, so this is no lookup. */
static dmah_phys_t in_pool(const struct dmah_device *dev, dmah_addr_t bus)
{
	const struct dmah_domain *dom = dev->dom;

	for (const struct dmah_pool *pool = dom->cfg.pool; pool; pool = pool->next) {
		dmah_addr_t base = dom->cfg.xen->phys_to_bus(dom->cfg.xen_ctx, pool->phys);

		if (base != NO_BUS && bus - base < pool->size)
			return pool->phys + (bus - base);
	}
	return NO_BUS;
}

/* The page behind a machine address: what the caller says, or else a search in the hypervisor's tables. */
static dmah_phys_t page_of(struct dmah_device *dev, const struct addr_req *req)
{
	const struct dmah_domain_config *cfg = &dev->dom->cfg;
	uint64_t steps = 0;
	dmah_phys_t phys;

	if (req->has_phys)
		return req->phys;
	phys = cfg->xen->bus_to_phys(cfg->xen_ctx, req->dma, &steps);
	count(dev, reverse_lookups, 1);
	count(dev, lookup_steps, steps);
	return phys;
}

static int xen_rebuild(struct dmah_device *dev, struct dmah *h, const struct addr_req *req)
{
	dmah_phys_t phys = in_pool(dev, req->dma);
	struct map_req map;

	if (phys != NO_BUS)
		return dmah_bounce_rebuild(dev, h, req, phys, DMAH_BACKEND_XEN);
	phys = page_of(dev, req);
	if (phys == NO_BUS)
		return DMAH_ESTALE;
	map = dmah_addr_request(req, phys);
	map.has_bus = true;
	dmah_handle_fill(dev, h, DMAH_BACKEND_XEN, &map, req->dma, 0, 0);
	return DMAH_OK;
}

static int xen_rebuild_part(struct dmah_device *dev, struct dmah *h, const struct addr_req *req,
			    uint32_t *done)
{
	dmah_phys_t phys = in_pool(dev, req->dma);
	struct addr_req first = *req;
	uint32_t page;

	*done = req->len;
	if (phys != NO_BUS)
		return dmah_bounce_rebuild_part(dev, h, req, phys, DMAH_BACKEND_XEN);
	/* Pages that follow each other in the machine need not do so in the guest. */
	page = DMAH_PAGE_SIZE - (uint32_t)(req->dma & (DMAH_PAGE_SIZE - 1));
	if (!req->has_phys && page < req->len)
		first.len = *done = page;
	return xen_rebuild(dev, h, &first);
}

static int xen_unmap(struct dmah_device *dev, struct dmah *h, bool strict)
{
	return dmah_direct_unmap(dev, h, strict);
}

static bool xen_memory(const struct dmah_domain_config *cfg, struct backend_memory *need)
{
	(void)need;
	return cfg->xen && cfg->xen->phys_to_bus && cfg->xen->bus_to_phys &&
	       cfg->xen->has_mapping && cfg->xen->cache;
}

static dmah_phys_t xen_crossing(const struct dmah_device *dev, dmah_phys_t phys, uint64_t len)
{
	dmah_addr_t bus = bus_of(dev->dom, phys, len);

	return bus == NO_BUS ? phys : direct_crossing(dev, phys, len, bus - phys);
}

static dmah_phys_t xen_highest(const struct dmah_device *dev)
{
	(void)dev;
	return ~0ull;
}

const struct backend_ops dmah_backend_xen = {
	.memory = xen_memory,
	.highest = xen_highest,
	.crossing = xen_crossing,
	.map = xen_map,
	.check = xen_check,
	.unmap = xen_unmap,
	.rebuild = xen_rebuild,
	.rebuild_part = xen_rebuild_part,
};
