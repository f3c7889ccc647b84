/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * One mapping behind an IOMMU: an IOVA range, its page-table entries, and bounce slots for its partial granules.
 */
#include "backend/bounce.h"
#include "backend/direct.h"
#include "backend/iommu/fast.h"
#include "backend/iommu/map.h"
#include "backend/iommu/marks.h"
#include "backend/iommu/cells.h"
#include "backend/iommu/cpu.h"
#include "backend/iommu/invalidate.h"
#include "backend/iommu/link.h"
#include "base/pool.h"
#include "base/buffer.h"
#include "base/count.h"
#include "base/request.h"

static void drain(struct dmah_domain *dom)
{
	for (unsigned int i = 0; i < dom->cfg.cpus; i++)
		dmah_iommu_drain(dom, i);
}

uint32_t dmah_iommu_take_iova(struct dmah_device *dev, uint32_t n, uint32_t align, uint32_t skew,
			      uint64_t boundary, unsigned int attempt)
{
	struct dmah_domain *dom = dev->dom;
	uint32_t first;
	unsigned long flags;
	struct dmah_cpu *cpu;

	if (attempt == 1)
		drain(dom);
	if (attempt == 2) {
		/* A flush that is not confirmed frees nothing, which the next attempt will notice. */
		(void)dmah_iommu_flush(dom, dev);
		drain(dom);
	}
	if (attempt == 3)
		return dmah_iommu_take_cell(
			dom, n, boundary && boundary < align ? (uint32_t)boundary : align, skew);
	cpu_make(dom);
	cpu = dom->cpu[dmah_host_enter(&flags)];
	dmah_host_lock(&cpu->lock);
	if (n <= IOVA_CLASS_MAX && align <= 1)
		first = dmah_iova_cache_take_locked(&cpu->cache, &dom->iova, iova_class(n));
	else
		first = dmah_iova_get_large(&dom->iova, iommu_units(n), align, skew, boundary);
	dmah_host_unlock(&cpu->lock);
	dmah_host_leave(flags);
	return first;
}

unsigned int dmah_iommu_extents(const struct dmah_domain *dom, const struct dmah *h, uint32_t index,
				uint32_t gen, bool cont, struct extent runs[3])
{
	uint32_t n = iommu_granules(h->dma, h->len), done = 0, tail = 0;
	struct extent base = {
		.first = index,
		.n = n,
		.dir = meta_dir(h->meta),
		.gen = gen,
		.attrs = h->meta & META_MMIO ? DMAH_ATTR_MMIO : 0,
		.cont = cont,
	};
	unsigned int count = 0;

	base.phys = (h->meta & META_HAS_BUS ? h->backend : h->phys) & ~GRANULE_MASK;
	if (!has_slots(h)) {
		runs[0] = base;
		return 1;
	}
	if (token_head(h->backend)) {
		struct pool_slot *slot = dmah_pool_slot_of(dom->cfg.pool, token_head(h->backend),
							   dom, (uint16_t)meta_device(h->meta));

		/* Another CPU has ended the mapping since the handle was checked. */
		if (!slot)
			return 0;
		runs[count] = base;
		runs[count].n = iommu_granules(h->dma, slot->len);
		runs[count].phys = dmah_pool_phys(dom->cfg.pool, token_head(h->backend)) &
				   ~GRANULE_MASK;
		done = runs[count++].n;
	}
	if (token_tail(h->backend))
		tail = 1;
	if (done + tail < n) {
		runs[count] = base;
		runs[count].first = index + done;
		runs[count].n = n - done - tail;
		runs[count].phys = base.phys + ((uint64_t)done << PT_GRANULE_SHIFT);
		runs[count++].cont = cont || done;
	}
	if (tail) {
		runs[count] = base;
		runs[count].first = index + n - 1;
		runs[count].n = 1;
		runs[count].phys = dmah_pool_phys(dom->cfg.pool, token_tail(h->backend)) &
				   ~GRANULE_MASK;
		runs[count++].cont = true;
	}
	return count;
}

/* Write a handle's runs at granules that were taken. */
static int write_runs(struct dmah_device *dev, const struct dmah *h, uint32_t index, uint32_t gen,
		      uint32_t *set)
{
	struct extent runs[3];
	unsigned int n = dmah_iommu_extents(dev->dom, h, index, gen, false, runs);
	int err = DMAH_OK;

	*set = 0;
	for (unsigned int i = 0; !err && i < n; i++) {
		uint32_t part;

		err = dmah_entries_set(dev, &runs[i], DMAH_ALLOC_ATOMIC, &part);
		*set += part;
	}
	if (!err && dev->dom->mark)
		err = dmah_marks_confirm(dev);
	else if (!err && dev->dom->caps & DMAH_IOMMU_MAP_FLUSH)
		err = dmah_iommu_invalidate(dev->dom, dev, iommu_iova(dev->dom, index),
					    (uint64_t)*set << PT_GRANULE_SHIFT, true);
	return err;
}

/* The alignment and offset that a large mapping's IOVA must have, so that blocks can map its memory. */
static void block_alignment(const struct dmah_domain *dom, const struct dmah *h, uint32_t n,
			    uint32_t *align, uint32_t *skew)
{
	dmah_phys_t phys = h->meta & META_HAS_BUS ? h->backend : h->phys;

	*align = 1;
	*skew = 0;
	if (dom->pt.caps & DMAH_IOMMU_BLOCK_1G && n >= 1u << (PT_1G_SHIFT - PT_GRANULE_SHIFT))
		*align = 1u << (PT_1G_SHIFT - PT_GRANULE_SHIFT);
	else if (dom->pt.caps & DMAH_IOMMU_BLOCK_2M && n >= PT_TABLE_ENTRIES)
		*align = PT_TABLE_ENTRIES;
	if (*align > 1)
		*skew = (uint32_t)(phys >> PT_GRANULE_SHIFT) & (*align - 1);
}

/* Undo a mapping that was made while the domain's mode changed. Return: 0, DMAH_EBUSY, DMAH_ETIMEDOUT. */
static int map_stands(struct dmah_device *dev, struct dmah *h, bool passthrough)
{
	int err;

	if (iommu_map_stands(dev->dom, passthrough))
		return DMAH_OK;
	err = dmah_iommu_unmap(dev, h, true);
	return err == DMAH_ETIMEDOUT ? err : DMAH_EBUSY;
}

int dmah_iommu_map(struct dmah_device *dev, struct dmah *h, const struct map_req *req)
{
	struct dmah_domain *dom = dev->dom;
	dmah_phys_t target = req->has_bus ? req->bus : req->phys;
	uint32_t offset, align, skew, index, set = 0;
	struct partial edges;
	unsigned long flags;
	bool confirmed = true;
	unsigned int cpu;
	uint64_t backend;
	int err = dmah_iommu_check_on(dev);

	if (err)
		return err;
	if (domain_mode(dom) == DMAH_PASSTHROUGH) {
		err = dmah_direct_map(dev, h, req);
		return err ? err : map_stands(dev, h, true);
	}
	if (domain_mode(dom) == DOMAIN_CHANGING)
		return DMAH_EBUSY;
	if (dom->pt.out_bits < 64 && (target + req->len - 1) >> dom->pt.out_bits)
		return DMAH_ERANGE;
	if (req->has_bus && (req->phys ^ req->bus) & GRANULE_MASK)
		return DMAH_EINVAL;
	err = dmah_iommu_find_partial(dev, req, &edges);
	if (!err)
		err = dmah_iommu_get_slots(dev, req, &edges, &backend);
	if (err)
		return err;
	offset = (uint32_t)(token_head(backend) ? dmah_pool_phys(dom->cfg.pool, token_head(backend))
						: target) &
		 (uint32_t)GRANULE_MASK;
	dmah_handle_fill(dev, h, DMAH_BACKEND_IOMMU, req, offset,
			 req->has_bus ? req->bus & ~GRANULE_MASK : backend, 0);
	/* Before a device can see a slot, the slot holds nothing but what it may see. */
	dmah_buffer_give(dev, h);
	block_alignment(dom, h, edges.n, &align, &skew);

	err = DMAH_ENOSPC;
	for (unsigned int attempt = 0; attempt < IOMMU_ATTEMPTS; attempt++) {
		uint32_t gen;

		index = dmah_iommu_take_iova(dev, edges.n, align, skew,
					     dev->limits.boundary >> PT_GRANULE_SHIFT, attempt);
		if (index == RANGE_NONE) {
			/* A fragmented aperture: rather small pages than no mapping. */
			if (align > 1 && attempt == 2) {
				align = 1;
				skew = 0;
				attempt = 0;
			}
			continue;
		}
		gen = dmah_entries_next_gen(dom, index, edges.n);
		h->dma = iommu_iova(dom, index) | offset;
		h->meta |= gen << META_GEN_SHIFT;
		err = write_runs(dev, h, index, gen, &set);
		if (!err)
			break;
		confirmed = dmah_iommu_undo_map(dev, index, edges.n, set);
		h->meta &= ~(META_GEN_MASK << META_GEN_SHIFT);
		if (err != DMAH_ENOMEM || !confirmed || attempt == IOMMU_ATTEMPTS - 1)
			break;
		/* No memory for a table: only the reserve has tables of its own, and its cells have no skew. */
		align = 1;
		skew = 0;
		attempt = IOMMU_ATTEMPTS - 2;
	}
	if (err) {
		dmah_iommu_drop_slots(dev, backend, confirmed);
		return confirmed ? err : DMAH_ETIMEDOUT;
	}
	cpu = dmah_host_enter(&flags);
	count_mapped(dev, cpu, 1);
	dmah_host_leave(flags);
	return map_stands(dev, h, false);
}

static uint32_t generation(const struct dmah_domain *dom, const struct dmah *h)
{
	return meta_is_fast(h->meta) ? pt_gen(&dom->pt.leaf, h->backend) : meta_gen(h->meta);
}

static bool is_mapped(const struct dmah_domain *dom, uint32_t index)
{
	struct pt_entry entry;

	return dom->mark ? dmah_marks_live(dom, index) : dmah_entries_find(dom, index, &entry) != 0;
}

/* Returns true if a granule belongs to a ring, whose entries all look like the middle of a mapping. */
static bool in_ring(const struct dmah_domain *dom, uint32_t index)
{
	const uint64_t *entry = entries_leaf(dom, index);

	return entry && pt_load(entry) & dom->pt.leaf.more && pt_load(entry) & dom->pt.leaf.cont;
}

bool dmah_iommu_goes_on(const struct dmah_device *dev, uint32_t index)
{
	const struct dmah_domain *dom = dev->dom;
	uint64_t granules = dev->limits.boundary >> PT_GRANULE_SHIFT, at;

	if (!dmah_entries_end_at(dom, index))
		return true;
	if (!granules)
		return false;
	at = ((dom->iova.base_granule + index + granules - 1) & ~(granules - 1)) -
	     dom->iova.base_granule;
	if (at >= dom->granules || dmah_entries_end_at(dom, (uint32_t)at) ||
	    in_ring(dom, (uint32_t)at))
		return false;
	/* The entry at the boundary continues the mapping before the gap: this one, if nothing lies between. */
	while (index < at && !is_mapped(dom, index))
		index++;
	return index == at;
}

int dmah_iommu_check(struct dmah_device *dev, const struct dmah *h)
{
	struct extent runs[3];
	uint32_t index;
	unsigned int n;

	if (meta_kind(h->meta) == DMAH_BACKEND_DIRECT)
		return domain_passes_through(dev->dom) ? dmah_direct_check(dev, h) : DMAH_ESTALE;
	if (meta_kind(h->meta) != DMAH_BACKEND_IOMMU && !meta_is_fast(h->meta))
		return DMAH_EINVAL;
	if (!iommu_index(dev->dom, h->dma, h->len, &index))
		return DMAH_ESTALE;
	/* Such a handle says what is in its first entry. */
	if (meta_is_fast(h->meta) &&
	    pt_load(entries_any(dev->dom, index)) != fast_first(&dev->dom->pt.leaf, h))
		return DMAH_ESTALE;
	n = dmah_iommu_extents(dev->dom, h, index, generation(dev->dom, h), h->meta & META_LATER,
			       runs);
	if (!n)
		return DMAH_ESTALE;
	for (unsigned int i = 0; i < n; i++)
		if (!dmah_entries_match(dev->dom, &runs[i]))
			return DMAH_ESTALE;
	return h->meta & META_PART ||
			       !dmah_iommu_goes_on(dev, index + iommu_granules(h->dma, h->len))
		       ? DMAH_OK
		       : DMAH_ESTALE;
}

bool dmah_iommu_end(struct dmah_domain *dom, const struct dmah *h, uint64_t timestamp)
{
	uint32_t index, n = iommu_granules(h->dma, h->len), done;
	struct extent extents[3];

	if (!iommu_index(dom, h->dma, h->len, &index) ||
	    !dmah_iommu_extents(dom, h, index, generation(dom, h), h->meta & META_LATER, extents))
		return false;
	done = dmah_entries_claim(dom, &extents[0], timestamp);
	if (!done)
		return false;
	dmah_entries_clear(dom, index + done, n - done, timestamp);
	return true;
}

int dmah_iommu_unmap(struct dmah_device *dev, struct dmah *h, bool strict)
{
	uint32_t index, n = iommu_granules(h->dma, h->len);
	struct unmap_release release;
	unsigned long flags;
	unsigned int cpu;

	if (meta_kind(h->meta) == DMAH_BACKEND_DIRECT)
		return dmah_direct_unmap(dev, h, strict);
	if (!dmah_iommu_end(dev->dom, h, history_timestamp_at(dmah_host_now())) ||
	    !iommu_index(dev->dom, h->dma, h->len, &index))
		return DMAH_ESTALE;
	dmah_iommu_release_wait(dev, index, n, strict, &release);
	dmah_iommu_release_buffer(dev, h, &release);
	dmah_iommu_release_granules(dev, index, n, &release);
	cpu = dmah_host_enter(&flags);
	count_unmapped(dev, cpu, 1);
	dmah_host_leave(flags);
	return release.err;
}
