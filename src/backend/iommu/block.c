/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "backend/iommu/block.h"
#include "backend/iommu/map.h"
#include "base/count.h"

static uint64_t block_value(const struct dmah_domain *dom, dmah_phys_t phys, enum dmah_dir dir,
			    uint32_t gen)
{
	return pt_make(&dom->pt.leaf, phys, dir, gen, 0) ^ dom->pt.leaf.block;
}

static uint32_t block_meta(const struct dmah_device *dev)
{
	return (uint32_t)DMAH_BACKEND_IOMMU << META_KIND_SHIFT | (uint32_t)dev->number
									 << META_DEVICE_SHIFT;
}

/* Returns true if a device's mapping of such a buffer is one block. */
static bool is_block(const struct dmah_device *dev, dmah_phys_t phys)
{
	dmah_phys_t end = hint_load(&dev->fast_end);
	const struct dmah_limits *limits = &dev->limits;

	return phys < end && !(phys % BLOCK_BYTES) && end - phys >= BLOCK_BYTES &&
	       dev->dom->pt.caps & DMAH_IOMMU_BLOCK_2M &&
	       (!limits->boundary || limits->boundary >= BLOCK_BYTES) &&
	       (!limits->max_segment || limits->max_segment >= BLOCK_BYTES);
}

bool dmah_block_map(struct dmah_device *dev, struct dmah *h, dmah_phys_t phys, enum dmah_dir dir,
		    const void *caller)
{
	struct dmah_domain *dom = dev->dom;
	uint32_t index, gen;
	unsigned long flags;
	struct dmah_cpu *cpu;
	dmah_addr_t dma;

	if (h->meta || (unsigned int)dir - 1 >= DMAH_BIDIRECTIONAL || !is_block(dev, phys))
		return false;
	cpu = dom->cpu[dmah_host_enter(&flags)];
	if (!cache_take(&cpu->cache.ring[IOVA_BLOCK], &index)) {
		dmah_host_leave(flags);
		return false;
	}
	count_add(&count_here(dev, cpu)->maps, 1);
	dma = iommu_iova(dom, index);
	gen = __atomic_add_fetch(&dom->block_gen, 1, __ATOMIC_RELAXED) & dom->pt.leaf.gen_mask;
	history_begin(&dom->history, dev, dma, phys, BLOCK_BYTES, dir, caller);
	leaf_set(entries_block(dom, index), block_value(dom, phys, dir, gen));
	dmah_host_wmb();
	dmah_host_leave(flags);
	h->dma = dma;
	h->phys = phys;
	h->backend = 0;
	h->len = BLOCK_BYTES;
	h->meta = block_meta(dev) | (uint32_t)dir | gen << META_GEN_SHIFT;
	return true;
}

/* Returns true if a mapping that ends below the granule @index goes on there. */
static bool goes_on(const struct dmah_device *dev, uint32_t index)
{
	const struct dmah_domain *dom = dev->dom;
	uint64_t next;

	if (dev->limits.boundary)
		return dmah_iommu_goes_on(dev, index);
	if (index >= dom->granules)
		return false;
	next = pt_load(entries_any(dom, index));
	return pt_present(&dom->pt.leaf, next) && next & dom->pt.leaf.cont;
}

/* Put the block of a lazy unmap into this CPU's ring, where that needs no lock and no clock. Returns false if it was not ended. */
static bool end_lazily(struct dmah_device *dev, uint64_t *entry, uint64_t value, uint32_t index,
		       const struct dmah *h)
{
	struct dmah_domain *dom = dev->dom;
	struct iova_ring *ring;
	struct dmah_cpu *cpu;
	unsigned long flags;
	uint32_t in;
	bool ended;

	if (!iommu_defers(dev))
		return false;
	cpu = dom->cpu[dmah_host_enter(&flags)];
	ring = &cpu->cache.ring[IOVA_BLOCK];
	ended = cache_room(ring, &in) &&
		leaf_end(entry, value,
			 pt_cleared_one(&dom->pt.leaf, value) | history_timestamp(&dom->history));
	if (ended) {
		dmah_host_wmb();
		/* Before the chunk can be mapped again. */
		history_end(&dom->history, h->dma, 0);
		cache_put(ring, in, index);
		count_add(&count_here(dev, cpu)->unmaps, 1);
	}
	dmah_host_leave(flags);
	return ended;
}

int dmah_block_unmap(struct dmah_device *dev, struct dmah *h)
{
	struct dmah_domain *dom = dev->dom;
	const struct pt_leaf *leaf = &dom->pt.leaf;
	struct unmap_release release;
	uint64_t *entry, value;
	uint32_t index;

	if (h->len != BLOCK_BYTES || (h->dma | h->phys) % BLOCK_BYTES || h->backend || !dev->fast ||
	    (h->meta & ~META_DIR & ~(META_GEN_MASK << META_GEN_SHIFT)) != block_meta(dev) ||
	    !meta_dir(h->meta) || meta_gen(h->meta) > leaf->gen_mask ||
	    !iommu_index(dom, h->dma, BLOCK_BYTES, &index) || !entries_block_is_ready(dom, index) ||
	    goes_on(dev, index + PT_TABLE_ENTRIES))
		return DMAH_ESTALE;
	entry = entries_block(dom, index);
	value = block_value(dom, h->phys, meta_dir(h->meta), meta_gen(h->meta));
	/* A bit above an entry's address would not show where the entry has a bit of its own. */
	if (pt_phys(leaf, value) != h->phys || pt_load(entry) != value)
		return DMAH_ESTALE;
	if (end_lazily(dev, entry, value, index, h)) {
		handle_end(h);
		return DMAH_OK;
	}
	if (!leaf_end(entry, value, pt_cleared_one(leaf, value)))
		return DMAH_ESTALE;
	dmah_host_wmb();
	dmah_history_unmap(dev, h);
	count(dev, unmaps, 1);
	dmah_iommu_release_wait(dev, index, PT_TABLE_ENTRIES, false, &release);
	dmah_iommu_release_granules(dev, index, PT_TABLE_ENTRIES, &release);
	handle_clear(h);
	return release.err;
}
