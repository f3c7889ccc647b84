/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A handle rebuilt from a DMA address, by the page table and the slots' records. This is the reverse lookup, and counted.
 */
#include "backend/bounce.h"
#include "backend/iommu/entries.h"
#include "backend/iommu/reserved.h"
#include "base/pool.h"
#include "base/buffer.h"
#include "base/count.h"
#include "base/request.h"

/* Translate a DMA address. An address-keyed call searches, and is counted; a page-keyed one only reads the entry. */
static int translate(struct dmah_device *dev, const struct addr_req *req, uint32_t index,
		     struct pt_entry *entry)
{
	struct dmah_domain *dom = dev->dom;
	unsigned int visited = dmah_entries_find(dom, index, entry);
	uint64_t steps = visited ? visited : 1;

	if (!req->has_phys) {
		if (dom->lookup.find) {
			dmah_phys_t found;

			steps = 0;
			found = dom->lookup.find(dom->lookup.ctx, dom, req->dma, &steps);
			if (visited && found >> PT_GRANULE_SHIFT != entry->phys >> PT_GRANULE_SHIFT)
				visited = 0;
		}
		count(dev, reverse_lookups, 1);
		count(dev, lookup_steps, steps);
	}
	return visited ? DMAH_OK : DMAH_ESTALE;
}

static uint32_t find_slot(struct dmah_device *dev, dmah_phys_t phys, struct pool_slot **slot)
{
	struct dmah_pool *pool = dev->dom->cfg.pool;
	uint64_t steps = 0;
	uint32_t token;

	*slot = NULL;
	if (!dmah_pool_holds(pool, phys))
		return 0;
	token = dmah_pool_find(pool, phys, dev, &steps);
	count(dev, reverse_lookups, 1);
	count(dev, lookup_steps, steps);
	if (token)
		*slot = dmah_pool_slot_of(pool, token, dev->dom, dev->number);
	return *slot ? token : 0;
}

static bool continues(const struct dmah_domain *dom, uint32_t index)
{
	return !dmah_entries_end_at(dom, index);
}

/* The direction as far as the format tells: LPAE cannot say "write only". */
static bool allows(const struct dmah_domain *dom, const struct pt_entry *entry,
		   const struct addr_req *req)
{
	const struct pt_leaf *leaf = &dom->pt.leaf;

	return leaf->prot[entry->dir & 3] == leaf->prot[req->dir & 3];
}

static void fill(struct dmah_device *dev, struct dmah *h, const struct addr_req *req,
		 dmah_phys_t phys, uint64_t backend, uint32_t gen)
{
	struct map_req map = dmah_addr_request(req, phys);

	dmah_handle_fill(dev, h, DMAH_BACKEND_IOMMU, &map, req->dma, backend, gen);
}

int dmah_iommu_rebuild(struct dmah_device *dev, struct dmah *h, const struct addr_req *req)
{
	struct dmah_domain *dom = dev->dom;
	uint32_t index, n, head = 0, tail = 0;
	struct pool_slot *slot;
	struct pt_entry entry;
	dmah_phys_t phys;
	int err;

	if (domain_passes_through(dom))
		return dmah_direct_rebuild(dev, h, req);
	/* A range that translates to itself is no mapping of anybody's. */
	if (!iommu_index(dom, req->dma, 1, &index) || dmah_iommu_is_identity(dom, req->dma))
		return DMAH_ESTALE;
	err = translate(dev, req, index, &entry);
	if (err)
		return err;
	if (!iommu_index(dom, req->dma, req->len, &index))
		return DMAH_EINVAL;
	n = iommu_granules(req->dma, req->len);
	if (continues(dom, index) != req->inside || !allows(dom, &entry, req))
		return DMAH_EINVAL;
	phys = (entry.phys & ~GRANULE_MASK) | (req->dma & GRANULE_MASK);
	head = find_slot(dev, phys, &slot);
	if (head) {
		if (dmah_pool_phys(dom->cfg.pool, head) != phys)
			return DMAH_EINVAL;
		phys = slot->orig;
	}
	if (n > 1 && dom->cfg.pool && (!head || slot->len < req->len)) {
		struct pt_entry last;

		if (!dmah_entries_find(dom, index + n - 1, &last))
			return DMAH_EINVAL;
		tail = find_slot(dev, last.phys, &slot);
		if (tail && slot->len != ((req->dma + req->len) & GRANULE_MASK))
			return DMAH_EINVAL;
	}
	/* The page is not the one that is mapped here. */
	if (req->has_phys && req->phys != phys)
		return DMAH_EINVAL;
	fill(dev, h, req, phys, token_pair(head, tail), entry.gen);
	if (req->part)
		h->meta |= META_PART | (req->inside ? META_LATER : 0);
	/* The mapping is longer or shorter than the caller says. */
	if (!dmah_buffer_check(dev, h) || dmah_backend_iommu.check(dev, h))
		return DMAH_EINVAL;
	if (head) {
		slot = dmah_pool_slot_of(dom->cfg.pool, head, dom, dev->number);
		if (n == 1 && slot->len != req->len)
			return DMAH_EINVAL;
	}
	return DMAH_OK;
}

/* How many of @len bytes from a translated granule go on in memory that follows it, within one mapping. */
static uint32_t follow(const struct dmah_domain *dom, uint32_t index, dmah_addr_t dma, uint32_t len,
		       const struct pt_entry *first)
{
	dmah_phys_t phys = first->phys & ~GRANULE_MASK;
	uint64_t done = PT_GRANULE - (dma & GRANULE_MASK);

	while (done < len) {
		struct pt_entry next;

		phys += PT_GRANULE;
		if (!continues(dom, ++index) && entries_leaf(dom, index))
			break;
		if (!dmah_entries_find(dom, index, &next) || (next.phys & ~GRANULE_MASK) != phys ||
		    next.gen != first->gen)
			break;
		done += PT_GRANULE;
	}
	return done < len ? (uint32_t)done : len;
}

int dmah_iommu_rebuild_part(struct dmah_device *dev, struct dmah *h, const struct addr_req *req,
			    uint32_t *done)
{
	struct dmah_domain *dom = dev->dom;
	struct addr_req part = *req;
	struct pool_slot *slot;
	struct pt_entry entry;
	dmah_phys_t phys;
	uint32_t index, token;
	uint64_t into;
	int err;

	if (domain_passes_through(dom))
		return dmah_direct_rebuild_part(dev, h, req, done);
	if (!iommu_index(dom, req->dma, 1, &index) || dmah_iommu_is_identity(dom, req->dma))
		return DMAH_ESTALE;
	err = translate(dev, req, index, &entry);
	if (err)
		return req->inside ? DMAH_EINVAL : err;
	if ((req->inside && entries_leaf(dom, index) && !continues(dom, index)) ||
	    !allows(dom, &entry, req))
		return DMAH_EINVAL;
	phys = (entry.phys & ~GRANULE_MASK) | (req->dma & GRANULE_MASK);
	token = find_slot(dev, phys, &slot);
	if (!token) {
		/* The page is not the one that is mapped here. */
		if (req->has_phys && req->phys != phys)
			return DMAH_EINVAL;
		part.len = *done = follow(dom, index, req->dma, req->len, &entry);
		fill(dev, h, &part, phys, 0, entry.gen);
		return DMAH_OK;
	}
	into = phys - dmah_pool_phys(dom->cfg.pool, token);
	if (into >= slot->len || slot->dir != req->dir ||
	    (req->has_phys && req->phys != slot->orig + into))
		return DMAH_EINVAL;
	*done = req->len < slot->len - into ? req->len : (uint32_t)(slot->len - into);
	part.dma = req->dma - into;
	part.len = slot->len;
	fill(dev, h, &part, slot->orig, token_pair(token, 0), entry.gen);
	return DMAH_OK;
}
