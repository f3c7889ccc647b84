/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "backend/iommu/block.h"
#include "backend/iommu/map.h"
#include "base/count.h"

#define BLOCK_BYTES (1u << PT_LEAF_SHIFT)

/* Take a chunk that this CPU keeps. Returns RANGE_NONE if there is none. */
static uint32_t take_chunk(struct dmah_domain *dom)
{
	uint32_t first = RANGE_NONE;
	struct dmah_cpu *cpu;
	unsigned long flags;

	cpu = dom->cpu[dmah_host_enter(&flags)];
	dmah_host_lock(&cpu->lock);
	if (cpu->nchunks)
		first = cpu->chunk[--cpu->nchunks];
	dmah_host_unlock(&cpu->lock);
	dmah_host_leave(flags);
	return first;
}

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

bool dmah_block_map(struct dmah_device *dev, struct dmah *h, dmah_phys_t phys, uint64_t len,
		    enum dmah_dir dir, const void *caller, int *err)
{
	dmah_phys_t end = __atomic_load_n(&dev->fast_end, __ATOMIC_RELAXED);
	struct dmah_domain *dom = dev->dom;
	const struct dmah_limits *limits = &dev->limits;
	uint64_t *entry, value;
	uint32_t first, gen;

	if (len != BLOCK_BYTES || phys % BLOCK_BYTES || phys >= end || end - phys < BLOCK_BYTES ||
	    h->meta || (unsigned int)dir - 1 >= DMAH_BIDIRECTIONAL ||
	    !(dom->pt.caps & DMAH_IOMMU_BLOCK_2M) ||
	    (limits->boundary && limits->boundary < BLOCK_BYTES) ||
	    (limits->max_segment && limits->max_segment < BLOCK_BYTES))
		return false;
	first = take_chunk(dom);
	if (first == RANGE_NONE)
		return false;
	/* The chunk was mapped by a block before, so that the tables above are there. */
	entry = dom->pt.fmt->block_entry(&dom->pt, iommu_iova(dom, first));
	if (!entry) {
		(void)dmah_iommu_undo_map(dev, first, PT_TABLE_ENTRIES, 0);
		return false;
	}
	gen = __atomic_add_fetch(&dom->block_gen, 1, __ATOMIC_RELAXED) & dom->pt.leaf.gen_mask;
	value = block_value(dom, phys, dir, gen);
	history_begin(&dom->history, dev, iommu_iova(dom, first), phys, BLOCK_BYTES, dir, caller);
	leaf_set(entry, value);
	dmah_host_wmb();
	*h = (struct dmah){ .dma = iommu_iova(dom, first),
			    .phys = phys,
			    .len = BLOCK_BYTES,
			    .meta = block_meta(dev) | (uint32_t)dir | gen << META_GEN_SHIFT };
	count(dev, maps, 1);
	*err = DMAH_OK;
	if (iommu_map_stands(dom, false))
		return true;
	/* The domain's mode changed meanwhile. */
	*err = dmah_iommu_unmap(dev, h, true) == DMAH_ETIMEDOUT ? DMAH_ETIMEDOUT : DMAH_EBUSY;
	handle_clear(h);
	count(dev, failed_maps, 1);
	return true;
}

/* End a block entry, unless it has changed. All block entries are ended under the table lock. */
static bool end_value(struct dmah_domain *dom, uint64_t *entry, uint64_t value)
{
	unsigned long flags;
	bool ended;

	dmah_host_enter(&flags);
	dmah_host_lock(&dom->table_lock);
	ended = pt_load(entry) == value;
	if (ended)
		leaf_clear(entry, pt_cleared_one(&dom->pt.leaf, value));
	dmah_host_unlock(&dom->table_lock);
	dmah_host_leave(flags);
	return ended;
}

bool dmah_block_unmap(struct dmah_device *dev, struct dmah *h, int *err)
{
	struct dmah_domain *dom = dev->dom;
	struct unmap_release release;
	uint64_t *entry, value;
	uint32_t index;

	if (h->len != BLOCK_BYTES || (h->dma | h->phys) % BLOCK_BYTES || h->backend || !dev->fast ||
	    (h->meta & ~META_DIR & ~(META_GEN_MASK << META_GEN_SHIFT)) != block_meta(dev) ||
	    !meta_dir(h->meta) || meta_gen(h->meta) > dom->pt.leaf.gen_mask ||
	    !(dom->pt.caps & DMAH_IOMMU_COHERENT_WALK) ||
	    !iommu_index(dom, h->dma, BLOCK_BYTES, &index) || entries_has_leaf(dom, index) ||
	    dmah_iommu_goes_on(dev, index + PT_TABLE_ENTRIES))
		return false;
	entry = dom->pt.fmt->block_entry(&dom->pt, h->dma);
	value = block_value(dom, h->phys, meta_dir(h->meta), meta_gen(h->meta));
	/* A bit above an entry's address would not show where the entry has a bit of its own. */
	if (!entry || pt_phys(&dom->pt.leaf, value) != h->phys || !end_value(dom, entry, value))
		return false;
	dmah_host_wmb();
	dmah_history_unmap(dev, h);
	count(dev, unmaps, 1);
	dmah_iommu_release_wait(dev, index, PT_TABLE_ENTRIES, false, &release);
	dmah_iommu_release_granules(dev, index, PT_TABLE_ENTRIES, &release);
	handle_clear(h);
	*err = release.err;
	return true;
}
