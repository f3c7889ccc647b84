/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * One mapping behind an IOMMU: granules of the aperture, entries of the page table, and bounce slots for the edges that
 * a device must not see.
 */
#include "backend/bounce.h"
#include "backend/direct.h"
#include "backend/iommu/map.h"
#include "backend/iommu/aperture.h"
#include "backend/iommu/cells.h"
#include "backend/iommu/device.h"
#include "backend/iommu/invalidate.h"
#include "backend/iommu/link.h"
#include "backend/iommu/mode.h"
#include "backend/iommu/poll.h"
#include "backend/iommu/ring.h"
#include "base/pool.h"
#include "base/buffer.h"
#include "base/count.h"
#include "base/request.h"

/* ---- bounced edges ---- */

static bool untrusted(const struct dmah_device *dev)
{
	return (dev->limits.flags & DMAH_DEV_UNTRUSTED) != 0;
}

static bool edge_bounces(const struct dmah_device *dev, const struct map_req *req, bool tail)
{
	uint64_t edge = tail ? req->phys + req->len : req->phys;

	if (req->attrs & DMAH_ATTR_MMIO || req->has_bus)
		return false;
	return (untrusted(dev) && edge & GRANULE_MASK) || dmah_buffer_shares_line(dev, req, tail);
}

int dmah_iommu_find_partial(const struct dmah_device *dev, const struct map_req *req,
			    struct partial *edges)
{
	uint64_t boundary = dev->limits.boundary;
	uint32_t head, tail;

	edges->n = iommu_granules(req->phys, req->len);
	edges->head_len = edges->tail_len = 0;
	if (boundary && edges->n > boundary >> PT_GRANULE_SHIFT) {
		/* Its offset alone makes it cross a boundary; in slots it can begin on a granule. */
		if (req->len > boundary || dev->limits.min_align_mask || req->has_bus ||
		    req->attrs & DMAH_ATTR_MMIO)
			return DMAH_ERANGE;
		edges->n = iommu_granules(0, req->len);
		edges->head_len = req->len;
	} else {
		bool head_bounces = edge_bounces(dev, req, false),
		     tail_bounces = edge_bounces(dev, req, true);

		head = (uint32_t)(PT_GRANULE - (req->phys & GRANULE_MASK));
		tail = (uint32_t)((req->phys + req->len) & GRANULE_MASK);
		if (edges->n == 1) {
			if (head_bounces || tail_bounces)
				edges->head_len = req->len;
		} else {
			if (head_bounces)
				edges->head_len = head;
			/* An end on a granule that shares a cache line: none does, a line divides a granule. */
			if (tail_bounces)
				edges->tail_len = tail;
		}
	}
	if (!edges->head_len && !edges->tail_len)
		return DMAH_OK;
	return dev->dom->cfg.pool && !(req->attrs & DMAH_ATTR_NO_BOUNCE) ? DMAH_OK : DMAH_ENOPOOL;
}

static int get_slot(struct dmah_device *dev, dmah_phys_t orig, uint32_t len, uint32_t offset,
		    uint32_t *token)
{
	struct dmah_domain *dom = dev->dom;
	struct pool_request request = {
		.len = len,
		.offset = offset,
		.align = DMAH_PAGE_SIZE,
		.round = DMAH_PAGE_SIZE,
		.limit = dom->pt.out_bits < 64 ? (1ull << dom->pt.out_bits) - 1 : ~0ull,
	};

	return dmah_pool_get(dom->cfg.pool, &request, orig, dom, dev->number, token);
}

int dmah_iommu_get_slots(struct dmah_device *dev, const struct map_req *req,
			 const struct partial *edges, uint64_t *backend)
{
	uint32_t head = 0, tail = 0, offset = (uint32_t)(req->phys & GRANULE_MASK);
	int err;

	*backend = 0;
	if (edges->head_len) {
		/* A whole buffer that was moved to fit between boundaries begins on its granule. */
		if (edges->head_len == req->len && edges->n < iommu_granules(req->phys, req->len))
			offset = 0;
		err = get_slot(dev, req->phys, edges->head_len, offset, &head);
		if (err)
			return err;
	}
	if (edges->tail_len) {
		err = get_slot(dev, req->phys + req->len - edges->tail_len, edges->tail_len, 0,
			       &tail);
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

/* ---- granules ---- */

static void drain(struct dmah_domain *dom)
{
	for (unsigned int i = 0; i < dom->cfg.cpus; i++)
		dmah_iommu_drain(dom, i);
}

uint32_t dmah_iommu_take_iova(struct dmah_device *dev, uint32_t n, uint32_t align, uint32_t skew,
			      uint32_t boundary, unsigned int attempt)
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
		return dmah_iommu_take_cell(dom, n, boundary && boundary < align ? boundary : align,
					    skew);
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

/* ---- entries ---- */

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
							   (uint16_t)meta_device(h->meta));

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

void dmah_iommu_undo_map(struct dmah_device *dev, uint32_t first, uint32_t n, uint32_t set)
{
	struct iova_range range = { .first = first, .n = n };

	/* No one was told of these addresses, but a device may guess, and an IOMMU remember. */
	if (set) {
		dmah_entries_clear(dev->dom, first, set, 0);
		if (dmah_iommu_invalidate(dev->dom, dev, iommu_iova(dev->dom, first),
					  (uint64_t)set << PT_GRANULE_SHIFT, false)) {
			dmah_iommu_quarantine(dev, &range);
			return;
		}
	}
	dmah_iommu_release(dev->dom, &range);
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

		err = dmah_entries_set(dev->dom, &runs[i], DMAH_ALLOC_ATOMIC, &part);
		*set += part;
	}
	if (!err && dev->dom->caps & DMAH_IOMMU_MAP_FLUSH)
		err = dmah_iommu_invalidate(dev->dom, dev, iommu_iova(dev->dom, index),
					    (uint64_t)*set << PT_GRANULE_SHIFT, true);
	return err;
}

/* What a large mapping asks of its IOVA, so that blocks can map it: the offset of its memory in the block. */
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

static int iommu_map(struct dmah_device *dev, struct dmah *h, const struct map_req *req)
{
	struct dmah_domain *dom = dev->dom;
	dmah_phys_t target = req->has_bus ? req->bus : req->phys;
	uint32_t offset, align, skew, index, set = 0;
	struct partial edges;
	unsigned long flags;
	unsigned int cpu;
	uint64_t backend;
	int err;

	if (__atomic_load_n(&dom->cfg.mode, __ATOMIC_RELAXED) == DMAH_PASSTHROUGH)
		return dmah_direct_map(dev, h, req);
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
					     (uint32_t)(dev->limits.boundary >> PT_GRANULE_SHIFT),
					     attempt);
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
		dmah_iommu_undo_map(dev, index, edges.n, set);
		h->meta &= ~(META_GEN_MASK << META_GEN_SHIFT);
		if (err != DMAH_ENOMEM || attempt == IOMMU_ATTEMPTS - 1)
			break;
		/* No memory for a table: only the reserve has tables of its own. */
		attempt = IOMMU_ATTEMPTS - 2;
	}
	if (err) {
		dmah_iommu_put_slots(dev, backend);
		return err;
	}
	cpu = dmah_host_enter(&flags);
	count_mapped(dev, cpu, 1);
	dmah_host_leave(flags);
	return DMAH_OK;
}

/* ---- and back ---- */

static uint32_t generation(const struct dmah_domain *dom, const struct dmah *h)
{
	return meta_is_fast(h->meta) ? pt_gen(&dom->pt.leaf, h->backend) : meta_gen(h->meta);
}

static int iommu_check(struct dmah_device *dev, const struct dmah *h)
{
	struct extent runs[3];
	uint32_t index;
	unsigned int n;

	if (meta_kind(h->meta) == DMAH_BACKEND_DIRECT)
		return dev->dom->cfg.mode == DMAH_PASSTHROUGH ? dmah_direct_check(dev, h)
							      : DMAH_ESTALE;
	if (meta_kind(h->meta) != DMAH_BACKEND_IOMMU && !meta_is_fast(h->meta))
		return DMAH_EINVAL;
	if (!iommu_index(dev->dom, h->dma, h->len, &index))
		return DMAH_ESTALE;
	/* Such a handle says what is in its first entry. */
	if (meta_is_fast(h->meta) && pt_load(entries_any(dev->dom, index)) != h->backend)
		return DMAH_ESTALE;
	n = dmah_iommu_extents(dev->dom, h, index, generation(dev->dom, h), h->meta & META_LATER,
			       runs);
	for (unsigned int i = 0; i < n; i++)
		if (!dmah_entries_match(dev->dom, &runs[i]))
			return DMAH_ESTALE;
	return h->meta & META_PART ||
			       dmah_entries_end(dev->dom, index + iommu_granules(h->dma, h->len))
		       ? DMAH_OK
		       : DMAH_ESTALE;
}

void dmah_iommu_release_wait(struct dmah_device *dev, uint32_t first, uint32_t n, bool strict,
			     struct unmap_release *release)
{
	/* A killed device reaches nothing, and no one should wait for it. */
	release->defer = !strict && (is_killed(dev) || !iommu_strict(dev));
	release->err = DMAH_OK;
	if (!release->defer)
		release->err = dmah_iommu_invalidate(dev->dom, dev, iommu_iova(dev->dom, first),
						     (uint64_t)n << PT_GRANULE_SHIFT, false);
}

static void release_range(struct dmah_device *dev, const struct iova_range *range,
			  struct unmap_release *release)
{
	if (release->defer) {
		int err = dmah_iommu_defer(dev, range);

		release->err = release->err ? release->err : err;
	} else if (release->err) {
		dmah_iommu_quarantine(dev, range);
	} else {
		dmah_iommu_release(dev->dom, range);
	}
}

void dmah_iommu_release_buffer(struct dmah_device *dev, const struct dmah *h,
			       struct unmap_release *release)
{
	struct iova_range slots = { .head = token_head(h->backend),
				    .tail = token_tail(h->backend) };

	dmah_buffer_take(dev, h);
	if (!has_slots(h))
		return;
	if (release->defer) {
		dmah_pool_retire(dev->dom->cfg.pool, slots.head);
		dmah_pool_retire(dev->dom->cfg.pool, slots.tail);
	}
	release_range(dev, &slots, release);
}

void dmah_iommu_release_granules(struct dmah_device *dev, uint32_t first, uint32_t n,
				 struct unmap_release *release)
{
	struct iova_range range = { .first = first, .n = n };

	release_range(dev, &range, release);
}

static int iommu_unmap(struct dmah_device *dev, struct dmah *h, bool strict)
{
	uint32_t index, n = iommu_granules(h->dma, h->len);
	unsigned long flags;
	struct unmap_release release;
	unsigned int cpu;

	if (meta_kind(h->meta) == DMAH_BACKEND_DIRECT)
		return dmah_direct_unmap(dev, h, strict);
	if (!iommu_index(dev->dom, h->dma, h->len, &index))
		return DMAH_ESTALE;
	dmah_entries_clear(dev->dom, index, n, history_timestamp_at(dmah_host_now()));
	dmah_iommu_release_wait(dev, index, n, strict, &release);
	dmah_iommu_release_buffer(dev, h, &release);
	dmah_iommu_release_granules(dev, index, n, &release);
	cpu = dmah_host_enter(&flags);
	count_unmapped(dev, cpu, 1);
	dmah_host_leave(flags);
	return release.err;
}

void dmah_iommu_pt_info(const struct dmah_domain *dom, struct dmah_pt_info *info)
{
	info->format = dom->pt.fmt;
	info->root = dom->pt.root_phys;
	info->va_bits = dom->pt.va_bits;
	info->levels = dom->pt.levels;
}

static dmah_phys_t iommu_highest(const struct dmah_device *dev)
{
	const struct pt *pt = &dev->dom->pt;

	if (dev->dom->cfg.mode == DMAH_PASSTHROUGH)
		return dmah_direct_highest(dev);
	return pt->out_bits < 64 ? (1ull << pt->out_bits) - 1 : ~0ull;
}

static bool iommu_waits(const struct dmah_device *dev)
{
	return !is_killed(dev) && iommu_strict(dev);
}

const struct backend_ops dmah_backend_iommu = {
	.memory = dmah_iommu_memory,
	.init = dmah_iommu_init,
	.init_cpu = dmah_iommu_init_cpu,
	.fini = dmah_iommu_fini,
	.add_iommu = dmah_iommu_add,
	.pt_info = dmah_iommu_pt_info,
	.attach = dmah_iommu_attach,
	.detach = dmah_iommu_detach,
	.kill = dmah_iommu_kill,
	.set_mode = dmah_iommu_set_mode,
	.reserve = dmah_iommu_reserve,
	.flush = dmah_iommu_flush,
	.poll = dmah_iommu_poll,
	.cpu_dead = dmah_iommu_cpu_dead,
	.highest = iommu_highest,
	.waits = iommu_waits,
	.ring_init = dmah_iommu_ring_init,
	.timestamps = true,
	.generation = dmah_iommu_generation,
	.fault_lookup = dmah_iommu_fault_lookup,
	.map = iommu_map,
	.check = iommu_check,
	.unmap = iommu_unmap,
	.map_vec = dmah_iommu_map_vec,
	.unmap_vec = dmah_iommu_unmap_vec,
	.map_sg = dmah_iommu_map_sg,
	.unmap_sg = dmah_iommu_unmap_sg,
	.rebuild = dmah_iommu_rebuild,
	.rebuild_part = dmah_iommu_rebuild_part,
};
