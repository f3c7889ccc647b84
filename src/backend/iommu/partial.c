/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Partial granules: the ends of a buffer that a device must not see whole, and the bounce slots that stand in for them.
 */
#include "backend/iommu/map.h"
#include "base/buffer.h"
#include "base/pool.h"

static bool untrusted(const struct dmah_device *dev)
{
	return (dev->limits.flags & DMAH_DEV_UNTRUSTED) != 0;
}

/* Returns true if the target is not memory that could be copied: registers, or memory named by its bus address. */
static bool in_place(const struct map_req *req)
{
	return req->attrs & DMAH_ATTR_MMIO || req->has_bus;
}

static bool end_bounces(const struct dmah_device *dev, const struct map_req *req, bool tail)
{
	uint64_t end = tail ? req->phys + req->len : req->phys;

	if (in_place(req))
		return false;
	return (untrusted(dev) && end & GRANULE_MASK) || dmah_buffer_shares_line(dev, req, tail);
}

/*
 * The rest of a granule is as reachable as the buffer in it. Memory bounces there for an untrusted device; a target that
 * cannot be copied must fill its granules.
 */
static bool exposes(const struct dmah_device *dev, const struct map_req *req)
{
	return in_place(req) && untrusted(dev) && (req->phys | req->len) & GRANULE_MASK;
}

/* The buffer's offset alone makes it cross a boundary; in slots it can begin on a granule. */
static int find_moved(const struct dmah_device *dev, const struct map_req *req,
		      struct partial *partial)
{
	if (req->len > dev->limits.boundary || dev->limits.min_align_mask || in_place(req))
		return DMAH_ERANGE;
	partial->n = iommu_granules(0, req->len);
	partial->head_len = req->len;
	return DMAH_OK;
}

static void find_ends(const struct dmah_device *dev, const struct map_req *req,
		      struct partial *partial)
{
	bool head = end_bounces(dev, req, false), tail = end_bounces(dev, req, true);

	if (partial->n == 1) {
		partial->head_len = head || tail ? req->len : 0;
		return;
	}
	if (head)
		partial->head_len = (uint32_t)(PT_GRANULE - (req->phys & GRANULE_MASK));
	/* An end on a granule shares no cache line, since a line divides a granule. */
	if (tail)
		partial->tail_len = (uint32_t)((req->phys + req->len) & GRANULE_MASK);
}

int dmah_iommu_find_partial(const struct dmah_device *dev, const struct map_req *req,
			    struct partial *partial)
{
	uint64_t boundary = dev->limits.boundary;
	int err = DMAH_OK;

	if (exposes(dev, req))
		return DMAH_EPERM;
	*partial = (struct partial){ .n = iommu_granules(req->phys, req->len) };
	if (boundary && partial->n > boundary >> PT_GRANULE_SHIFT)
		err = find_moved(dev, req, partial);
	else
		find_ends(dev, req, partial);
	if (err || (!partial->head_len && !partial->tail_len))
		return err;
	return dev->dom->cfg.pool && !(req->attrs & DMAH_ATTR_NO_BOUNCE) ? DMAH_OK : DMAH_ENOPOOL;
}

static int get_slot(struct dmah_device *dev, const struct map_req *req, dmah_phys_t orig,
		    uint32_t len, uint32_t offset, uint32_t *token)
{
	struct dmah_domain *dom = dev->dom;
	struct pool_request request = {
		.len = len,
		.offset = offset,
		.align = DMAH_PAGE_SIZE,
		.round = DMAH_PAGE_SIZE,
		.limit = dom->pt.out_bits < 64 ? (1ull << dom->pt.out_bits) - 1 : ~0ull,
		.dir = req->dir,
		.whole = req->len,
		.no_sync = req->attrs & DMAH_ATTR_NO_CPU_SYNC,
	};

	return dmah_pool_get(dom->cfg.pool, &request, orig, dom, dev->number, token);
}

int dmah_iommu_get_slots(struct dmah_device *dev, const struct map_req *req,
			 const struct partial *partial, uint64_t *backend)
{
	uint32_t head = 0, tail = 0, offset = (uint32_t)(req->phys & GRANULE_MASK);
	dmah_phys_t end = req->phys + req->len;
	int err;

	*backend = 0;
	if (partial->head_len) {
		/* A whole buffer that was moved to fit between boundaries begins on its granule. */
		if (partial->head_len == req->len &&
		    partial->n < iommu_granules(req->phys, req->len))
			offset = 0;
		err = get_slot(dev, req, req->phys, partial->head_len, offset, &head);
		if (err)
			return err;
	}
	if (partial->tail_len) {
		err = get_slot(dev, req, end - partial->tail_len, partial->tail_len, 0, &tail);
		if (err) {
			dmah_pool_put(dev->dom->cfg.pool, head);
			return err;
		}
	}
	*backend = token_pair(head, tail);
	return DMAH_OK;
}

void dmah_iommu_put_slots(struct dmah_device *dev, uint64_t backend)
{
	dmah_pool_put(dev->dom->cfg.pool, token_head(backend));
	dmah_pool_put(dev->dom->cfg.pool, token_tail(backend));
}

void dmah_iommu_drop_slots(struct dmah_device *dev, uint64_t backend, bool confirmed)
{
	struct iova_range slots = { .head = token_head(backend), .tail = token_tail(backend) };

	if (confirmed)
		dmah_iommu_put_slots(dev, backend);
	else
		dmah_iommu_quarantine(dev, &slots);
}
