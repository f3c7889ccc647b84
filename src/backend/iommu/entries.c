/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "backend/iommu/entries.h"
#include "backend/iommu/marks.h"

#define CHUNK_GRANULES PT_TABLE_ENTRIES
#define GIANT_GRANULES (PT_TABLE_ENTRIES * PT_TABLE_ENTRIES)

uint64_t dmah_entries_none[PT_TABLE_ENTRIES];

uint32_t dmah_entries_next_gen(struct dmah_domain *dom, uint32_t first, uint32_t n)
{
	const struct pt_leaf *leaf = &dom->pt.leaf;
	uint32_t gen, index = first;

	if (dom->mark)
		return dmah_marks_next_gen(dom, first, n);
	/* Without a leaf table the mapping begins with a block, whose generations are the domain's, or is the first. */
	if (!entries_has_leaf(dom, first))
		return (__atomic_add_fetch(&dom->block_gen, 1, __ATOMIC_RELAXED)) & leaf->gen_mask;
	gen = pt_gen(leaf, pt_load(entries_any(dom, index)));
	/* All of it gets one generation, which must be later than that of any granule's last mapping. */
	while (++index != first + n)
		gen = pt_later(leaf, gen, pt_gen(leaf, pt_load(entries_any(dom, index))));
	return gen;
}

/* How a part of a run is mapped: a block of 1 << @shift bytes, or (PT_GRANULE_SHIFT) leaf entries of one table. */
struct step {
	uint32_t n;
	unsigned int shift;
};

static bool block_fits(const struct dmah_domain *dom, uint32_t index, uint32_t n, dmah_phys_t phys,
		       uint32_t granules, uint32_t cap)
{
	uint64_t iova = iommu_iova(dom, index);

	if (!(dom->pt.caps & cap) || n < granules)
		return false;
	if ((iova | phys) & (((uint64_t)granules << PT_GRANULE_SHIFT) - 1))
		return false;
	/* A leaf table stays where it is for good, and no block can be where one is. */
	for (uint32_t i = index; i < index + granules; i += CHUNK_GRANULES)
		if (entries_has_leaf(dom, i))
			return false;
	return true;
}

static struct step leaf_step(uint32_t index, uint32_t n)
{
	uint32_t room = CHUNK_GRANULES - (index & (CHUNK_GRANULES - 1));

	return (struct step){ n < room ? n : room, PT_GRANULE_SHIFT };
}

int dmah_entries_make_leaf(struct dmah_domain *dom, uint32_t index, unsigned int flags)
{
	unsigned long irq;
	uint64_t *table;
	int err;

	if (dom->mark)
		return dmah_marks_make(dom, index, flags);
	dmah_host_enter(&irq);
	dmah_host_lock(&dom->table_lock);
	err = dom->pt.fmt->leaf_table(&dom->pt, iommu_iova(dom, index), flags, &table);
	if (!err)
		__atomic_store_n(&dom->leaf[index >> 9], table, __ATOMIC_RELEASE);
	dmah_host_unlock(&dom->table_lock);
	dmah_host_leave(irq);
	return err;
}

/* Note the table of a block that was mapped. With the table lock held. */
static void note_block_table(struct dmah_domain *dom, uint32_t index)
{
	uint64_t **table = entries_block_table(dom, index), *entry;

	if (*table != dmah_entries_none || !(dom->caps & DMAH_IOMMU_COHERENT_WALK))
		return;
	entry = dom->pt.fmt->block_entry(&dom->pt, iommu_iova(dom, index));
	if (entry)
		__atomic_store_n(table,
				 entry - (iommu_iova(dom, index) >> PT_LEAF_SHIFT &
					  (PT_TABLE_ENTRIES - 1)),
				 __ATOMIC_RELEASE);
}

static int set_block(struct dmah_domain *dom, const struct extent *run, uint32_t done,
		     unsigned int shift, unsigned int flags)
{
	dmah_phys_t phys = run->phys + ((uint64_t)done << PT_GRANULE_SHIFT);
	unsigned long irq;
	int err;

	dmah_host_enter(&irq);
	dmah_host_lock(&dom->table_lock);
	err = dom->pt.fmt->block_set(&dom->pt, iommu_iova(dom, run->first + done), phys, shift,
				     run->dir, run->gen, run->attrs, flags);
	if (!err && shift == PT_LEAF_SHIFT)
		note_block_table(dom, run->first + done);
	dmah_host_unlock(&dom->table_lock);
	dmah_host_leave(irq);
	return err;
}

static void set_leaf(struct dmah_domain *dom, const struct extent *run, uint32_t done,
		     uint64_t *entry, uint32_t n)
{
	const struct pt_leaf *leaf = &dom->pt.leaf;
	uint64_t value = pt_make(leaf, run->phys + ((uint64_t)done << PT_GRANULE_SHIFT), run->dir,
				 run->gen, run->attrs) |
			 (run->ring ? leaf->more : 0);

	for (uint32_t i = 0; i < n; i++, value += PT_GRANULE >> leaf->addr_shift)
		leaf_set(&entry[i], run->cont || done + i ? value | leaf->cont : value);
	if (!(dom->pt.caps & DMAH_IOMMU_COHERENT_WALK))
		pt_push(&dom->pt, iommu_iova(dom, run->first + done), entry, n);
}

int dmah_entries_set(const struct dmah_device *dev, const struct extent *wanted, unsigned int flags,
		     uint32_t *set)
{
	struct dmah_domain *dom = dev->dom;
	struct extent with_type = *wanted;
	const struct extent *run = &with_type;
	int err;

	if (dom->mark)
		return dmah_marks_set(dev, wanted, flags, set);
	/* A device that does not snoop must not meet lines that the CPU's caches hold of uncached memory. */
	with_type.attrs |= is_coherent(dev->limits.flags) ? 0 : PT_UNCACHED;
	for (*set = 0; *set < run->n;) {
		uint32_t index = run->first + *set, left = run->n - *set;
		dmah_phys_t phys = run->phys + ((uint64_t)*set << PT_GRANULE_SHIFT);
		struct step step = leaf_step(index, left);
		uint64_t *entry = entries_leaf(dom, index);

		if (!entry &&
		    block_fits(dom, index, left, phys, GIANT_GRANULES, DMAH_IOMMU_BLOCK_1G)) {
			err = set_block(dom, run, *set, PT_1G_SHIFT, flags);
			if (!err) {
				*set += GIANT_GRANULES;
				continue;
			}
		}
		if (!entry &&
		    block_fits(dom, index, left, phys, CHUNK_GRANULES, DMAH_IOMMU_BLOCK_2M)) {
			err = set_block(dom, run, *set, PT_LEAF_SHIFT, flags);
			if (!err) {
				*set += CHUNK_GRANULES;
				continue;
			}
		}
		if (!entry) {
			err = dmah_entries_make_leaf(dom, index, flags);
			if (err)
				return err == DMAH_EBUSY ? DMAH_ENOMEM : err;
			entry = entries_leaf(dom, index);
		}
		set_leaf(dom, run, *set, entry, step.n);
		*set += step.n;
	}
	dmah_host_wmb();
	return DMAH_OK;
}

/* The block around a granule without a leaf table: granules from there to the block's end; 0 where there is none. */
static uint32_t block_at(const struct dmah_domain *dom, uint32_t index, struct pt_entry *entry)
{
	uint64_t iova = iommu_iova(dom, index);
	uint32_t granules;

	if (dom->pt.fmt->walk(&dom->pt, iova, entry) <= 0 || entry->shift == PT_GRANULE_SHIFT)
		return 0;
	granules = 1u << (entry->shift - PT_GRANULE_SHIFT);
	return granules - (uint32_t)(iova >> PT_GRANULE_SHIFT & (granules - 1));
}

/* Returns true if a leaf entry is the one that granule @i of an extent was given. */
static bool is_entry(const struct pt_leaf *leaf, const struct extent *run, uint32_t i,
		     uint64_t value)
{
	dmah_phys_t phys = run->phys + ((uint64_t)i << PT_GRANULE_SHIFT);

	return pt_present(leaf, value) && pt_phys(leaf, value) == phys &&
	       pt_gen(leaf, value) == run->gen && !(value & leaf->cont) == !(run->cont || i);
}

/* Returns true if the block at @index is exactly the one that granule @done of an extent was given. */
static bool is_block(const struct extent *run, uint32_t done, uint32_t n,
		     const struct pt_entry *found)
{
	return n && found->phys == run->phys + ((uint64_t)done << PT_GRANULE_SHIFT) &&
	       found->gen == run->gen && n <= run->n - done &&
	       n == 1u << (found->shift - PT_GRANULE_SHIFT);
}

bool dmah_entries_match(const struct dmah_domain *dom, const struct extent *run)
{
	const struct pt_leaf *leaf = &dom->pt.leaf;

	if (dom->mark)
		return dmah_marks_match(dom, run);
	for (uint32_t done = 0; done < run->n;) {
		const uint64_t *entry = entries_leaf(dom, run->first + done);
		struct step step = leaf_step(run->first + done, run->n - done);
		struct pt_entry found;

		if (!entry) {
			uint32_t n = block_at(dom, run->first + done, &found);

			if (!is_block(run, done, n, &found))
				return false;
			done += n;
			continue;
		}
		for (uint32_t i = 0; i < step.n; i++)
			if (!is_entry(leaf, run, done + i, pt_load(&entry[i])))
				return false;
		done += step.n;
	}
	return true;
}

/*
 * End the block that an extent begins with, under the table lock. The fast path ends blocks of 2 MiB without the lock, by
 * compare-and-exchange, and so does this function: the entry that is compared was loaded before the walk that shows the extent.
 */
static uint32_t end_block(struct dmah_domain *dom, const struct extent *run)
{
	uint64_t *entry = entries_block(dom, run->first), value = pt_load(entry);
	struct pt_entry found;
	unsigned long irq;
	uint32_t n;

	dmah_host_enter(&irq);
	dmah_host_lock(&dom->table_lock);
	n = block_at(dom, run->first, &found);
	if (!is_block(run, 0, n, &found))
		n = 0;
	else if (n == CHUNK_GRANULES && entries_block_is_ready(dom, run->first))
		n = leaf_end(entry, value, pt_cleared(&dom->pt.leaf, value)) ? n : 0;
	else if (dom->pt.fmt->block_clear(&dom->pt, iommu_iova(dom, run->first), found.shift))
		n = 0;
	dmah_host_unlock(&dom->table_lock);
	dmah_host_leave(irq);
	return n;
}

uint32_t dmah_entries_claim(struct dmah_domain *dom, const struct extent *run, uint64_t timestamp)
{
	const struct pt_leaf *leaf = &dom->pt.leaf;
	uint64_t *entry = entries_leaf(dom, run->first), value;

	if (dom->mark)
		return dmah_marks_claim(dom, run);
	if (!entry)
		return end_block(dom, run);
	value = pt_load(entry);
	if (!is_entry(leaf, run, 0, value) ||
	    !leaf_end(entry, value, pt_cleared(leaf, value) | timestamp))
		return 0;
	if (!(dom->pt.caps & DMAH_IOMMU_COHERENT_WALK))
		pt_push(&dom->pt, iommu_iova(dom, run->first), entry, 1);
	return 1;
}

bool dmah_entries_end_at(const struct dmah_domain *dom, uint32_t index)
{
	const uint64_t *entry;
	uint64_t value;

	if (dom->mark)
		return dmah_marks_end_at(dom, index);
	if (index >= dom->granules)
		return true;
	entry = entries_leaf(dom, index);
	if (!entry)
		return true;
	value = pt_load(entry);
	return !pt_present(&dom->pt.leaf, value) || !(value & dom->pt.leaf.cont);
}

void dmah_entries_clear(struct dmah_domain *dom, uint32_t first, uint32_t n, uint64_t timestamp)
{
	const struct pt_leaf *leaf = &dom->pt.leaf;

	if (dom->mark) {
		dmah_marks_clear(dom, first, n);
		return;
	}
	for (uint32_t done = 0; done < n;) {
		uint64_t *entry = entries_leaf(dom, first + done);
		struct step step = leaf_step(first + done, n - done);

		if (!entry) {
			struct pt_entry found;
			uint32_t block = block_at(dom, first + done, &found);
			unsigned long irq;

			if (!block) {
				done += step.n;
				continue;
			}
			dmah_host_enter(&irq);
			dmah_host_lock(&dom->table_lock);
			(void)dom->pt.fmt->block_clear(&dom->pt, iommu_iova(dom, first + done),
						       found.shift);
			dmah_host_unlock(&dom->table_lock);
			dmah_host_leave(irq);
			done += block;
			continue;
		}
		for (uint32_t i = 0; i < step.n; i++)
			leaf_clear(&entry[i], pt_cleared(leaf, pt_load(&entry[i])) | timestamp);
		if (!(dom->pt.caps & DMAH_IOMMU_COHERENT_WALK))
			pt_push(&dom->pt, iommu_iova(dom, first + done), entry, step.n);
		done += step.n;
	}
	dmah_host_wmb();
}

unsigned int dmah_entries_find(const struct dmah_domain *dom, uint32_t index,
			       struct pt_entry *entry)
{
	const struct pt_leaf *leaf = &dom->pt.leaf;
	const uint64_t *at = entries_leaf(dom, index);
	uint64_t value;
	int visited;

	/* Nobody but the IOMMU knows what is there. */
	if (dom->mark)
		return 0;
	if (!at) {
		visited = dom->pt.fmt->walk(&dom->pt, iommu_iova(dom, index), entry);
		return visited > 0 ? (unsigned int)visited + 1 : 0;
	}
	value = pt_load(at);
	if (!pt_present(leaf, value))
		return 0;
	entry->phys = pt_phys(leaf, value);
	entry->gen = pt_gen(leaf, value);
	entry->shift = PT_GRANULE_SHIFT;
	entry->dir = DMAH_BIDIRECTIONAL;
	for (unsigned int dir = DMAH_BIDIRECTIONAL; dir; dir--)
		if (!((value ^ pt_make(leaf, entry->phys, (enum dmah_dir)dir, entry->gen, 0)) &
		      ~(leaf->cont | leaf->more | leaf->mmio | leaf->uncached)))
			entry->dir = (enum dmah_dir)dir;
	return 2;
}
