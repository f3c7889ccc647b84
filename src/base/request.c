/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "base/request.h"
#include "base/buffer.h"
#include "base/count.h"

#define ALL_ATTRS (DMAH_ATTR_NO_CPU_SYNC | DMAH_ATTR_MMIO | DMAH_ATTR_NO_BOUNCE)

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
	h->len = req->len;
	h->meta = meta;
	h->backend = backend;
	if (!is_coherent(dev->limits.flags) && !has_slots(h))
		h->backend = handle_seal(h, backend);
}

int dmah_handle_check(struct dmah_device *dev, const struct dmah *h, uint32_t allow)
{
	if (!dev->dom)
		return DMAH_ENODEV;
	if (meta_device(h->meta) != dev->number || !h->len || !meta_dir(h->meta) ||
	    (h->meta & (META_COHERENT | META_PART)) != allow ||
	    (h->meta & (META_PART | META_LATER)) == META_LATER)
		return DMAH_EINVAL;
	if (!dmah_buffer_check(dev, h) || !dmah_buffer_check_sync(dev, h))
		return DMAH_ESTALE;
	return dev->dom->ops->check(dev, h);
}

int dmah_report_misuse(struct dmah_device *dev, int err, const char *text, uint64_t addr,
		       const void *caller)
{
	count(dev, misuse, 1);
	dmah_host_report(dev, err, text, addr, caller);
	return err;
}
