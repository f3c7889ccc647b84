/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The mapping that is or was at an IOVA. The page table says whether an address is mapped, and its cleared entries when the
 * last mapping ended; the history's record says the rest, if it is about the same mapping.
 */
#include "backend/iommu/entries.h"
#include "backend/iommu/marks.h"
#include "backend/iommu/reserved.h"
#include "base/pool.h"
#include "base/fault.h"
#include "base/ring.h"

static bool is_reserved(const struct dmah_domain *dom, dmah_addr_t addr)
{
	if (dmah_iommu_is_reserved(dom, addr))
		return true;
	for (unsigned int i = 0; i < dom->nlinks; i++) {
		const struct dmah_iommu *iommu = dom->links[i].iommu;

		for (unsigned int k = 0; k < iommu->nreserved; k++)
			if (addr - iommu->reserved[k].base < iommu->reserved[k].size)
				return true;
	}
	return false;
}

static struct dmah_ring *ring_at(const struct dmah_domain *dom, uint32_t index)
{
	for (unsigned int i = 0; i < dom->cfg.devices; i++)
		for (struct dmah_ring *r = dom->device[i] ? dom->device[i]->rings : NULL; r;
		     r = r->next)
			if (r->has_iova && index - r->first < (r->mask + 1) * r->step)
				return r;
	return NULL;
}

/* The entry of a granule that has a leaf table, present or not; 0 where it has none. */
static uint64_t raw(const struct dmah_domain *dom, uint32_t index)
{
	return pt_load(entries_any(dom, index));
}

uint64_t dmah_iommu_generation(const struct dmah_domain *dom, dmah_addr_t dma)
{
	uint32_t index;

	if (!iommu_index(dom, dma, 1, &index))
		return 0;
	return dom->mark ? (uint64_t)dmah_marks_gen(dom, index) << dom->pt.leaf.gen_shift
			 : raw(dom, index) & dom->pt.leaf.gen_bits;
}

/**
 * struct lookup - an address, and its entry.
 * @entry: the entry, present or cleared.
 * @page: the page that a present entry maps.
 */
struct lookup {
	const struct dmah_domain *dom;
	dmah_addr_t addr;
	uint64_t entry;
	dmah_phys_t page;
};

/* The physical page of an address by a record's mapping. */
static dmah_phys_t page_in(const struct lookup *q, const struct history_record *record)
{
	dmah_phys_t phys = history_phys(record, q->dom->pt.leaf.gen_bits);

	return (phys & ~GRANULE_MASK) + (q->addr & ~GRANULE_MASK) - (record->dma & ~GRANULE_MASK);
}

/*
 * Returns true if the entry at an address and that where a record's mapping begins are of one mapping, live or ended, which
 * began there. A record is about the last mapping that did.
 */
static bool of_one(const struct lookup *q, const struct history_record *record, uint64_t mask)
{
	uint64_t entry;
	uint32_t first;

	if (!iommu_index(q->dom, record->dma, 1, &first))
		return false;
	entry = raw(q->dom, first);
	if (record->ended & HISTORY_INSIDE)
		entry ^= q->dom->pt.leaf.cont;
	return !entries_has_leaf(q->dom, first) ||
	       !(entry & q->dom->pt.leaf.cont || (entry ^ q->entry) & mask);
}

/*
 * Returns true if a record is about the live mapping: of the same generation, and leading to the same page, unless it leads to
 * a bounce slot or was mapped by bus address.
 */
static bool about_live(void *ctx, const struct history_record *record)
{
	const struct lookup *q = ctx;
	const struct dmah_domain *dom = q->dom;

	if ((history_gen(record, dom->pt.leaf.gen_bits) ^ q->entry) & dom->pt.leaf.gen_bits ||
	    !of_one(q, record, dom->pt.leaf.gen_bits | dom->pt.leaf.present))
		return false;
	return page_in(q, record) == q->page || record->ended & HISTORY_HAS_BUS ||
	       (dom->cfg.pool && dmah_pool_holds(dom->cfg.pool, q->page));
}

/*
 * Returns true if a record is about the last mapping of a cleared entry: the entry has the generation after it, and was cleared
 * together with the first one of that mapping.
 */
static bool about_ended(void *ctx, const struct history_record *record)
{
	const struct lookup *q = ctx;
	const struct pt_leaf *leaf = &q->dom->pt.leaf;
	return !(((history_gen(record, leaf->gen_bits) + leaf->gen_one) ^ q->entry) &
		 leaf->gen_bits) &&
	       of_one(q, record, leaf->gen_bits | leaf->present | HISTORY_TIMESTAMP);
}

/* The same where a block was, whose generations are elsewhere. */
static bool about_block(void *ctx, const struct history_record *record)
{
	(void)ctx;
	return record->len >= 1u << PT_LEAF_SHIFT && record->ended & HISTORY_ENDED;
}

static void of_ring(const struct dmah_ring *ring, struct fault_place *what)
{
	what->caller = ring->caller;
	what->owner = ring->dev->number;
	what->dir = ring->cfg.dir;
}

static dmah_phys_t page_at(const struct pt_entry *entry, dmah_addr_t addr)
{
	uint64_t in = ((1ull << entry->shift) - 1) & ~GRANULE_MASK;

	return (entry->phys & ~GRANULE_MASK) | (addr & in & ~(entry->phys & in));
}

static void mapped(struct dmah_domain *dom, dmah_addr_t addr, uint32_t index,
		   const struct pt_entry *entry, struct fault_place *what)
{
	const struct dmah_ring *ring = ring_at(dom, index);
	struct lookup q = {
		.dom = dom, .addr = addr, .entry = raw(dom, index), .page = page_at(entry, addr)
	};
	struct history_record record;

	what->place = DMAH_FAULT_MAPPED;
	what->phys = q.page;
	what->dir = entry->dir;
	if (ring)
		of_ring(ring, what);
	if (dmah_history_find(&dom->history, addr, about_live, &q, &record))
		dmah_fault_remember(what, &record, dom->pt.leaf.gen_bits);
}

/* ---- ended ---- */

/* When the mapping of a ring with this number was popped. */
static void popped_when(const struct dmah_ring *ring, uint64_t number,
			const struct history *history, struct fault_place *what)
{
	uint32_t n = __atomic_load_n(&ring->npops, __ATOMIC_ACQUIRE), i = 0;
	uint64_t timestamp = 0;

	/* The first pop that went beyond it. */
	for (; i < RING_POPS && i < n; i++) {
		const struct ring_pops *pops = &ring->pops[(n - 1 - i) % RING_POPS];

		if (history_load(&pops->until) <= number)
			break;
		timestamp = history_load(&pops->timestamp);
	}
	if (!dmah_history_age(history, timestamp, dmah_host_now(), &what->least, &what->most))
		return;
	/* As long ago as that, or longer. */
	if (i == RING_POPS && i < n)
		what->most = DMAH_FAULT_AGE_UNKNOWN;
}

/* As about_ended(), of a mapping that has a record: the time is the ring's. */
static bool about_popped(void *ctx, const struct history_record *record)
{
	const struct lookup *q = ctx;
	const struct pt_leaf *leaf = &q->dom->pt.leaf;

	return !(((history_gen(record, leaf->gen_bits) + leaf->gen_one) ^ q->entry) &
		 leaf->gen_bits);
}

static void ended_in_ring(struct dmah_domain *dom, const struct dmah_ring *ring, dmah_addr_t addr,
			  uint32_t index, struct fault_place *what)
{
	uint64_t pushed = history_load(&ring->pushed), popped = history_load(&ring->popped);
	struct lookup q = { .dom = dom, .addr = addr, .entry = raw(dom, index) };
	uint64_t number;
	uint32_t slot = (index - ring->first) / ring->step;
	struct history_record record;

	if (pushed <= slot)
		return;
	number = pushed - 1 - ((pushed - 1 - slot) & ring->mask);
	/* Room in a slot behind a shorter mapping that is live. */
	if (number >= popped)
		return;
	what->place = DMAH_FAULT_UNMAPPED;
	of_ring(ring, what);
	if (q.entry & dom->pt.leaf.addr_mask)
		what->phys = pt_phys(&dom->pt.leaf, q.entry);
	else if (dmah_history_find(&dom->history, addr, about_popped, &q, &record))
		dmah_fault_remember(what, &record, dom->pt.leaf.gen_bits);
	popped_when(ring, number, &dom->history, what);
}

/* The time that a lazy unmap of one block left in its entry. */
static uint64_t block_timestamp(const struct dmah_domain *dom, uint32_t index)
{
	uint64_t value = pt_load(entries_block(dom, index));

	return pt_present(&dom->pt.leaf, value) ? 0 : value & HISTORY_TIMESTAMP;
}

static void ended(struct dmah_domain *dom, dmah_addr_t addr, uint32_t index,
		  struct fault_place *what)
{
	struct lookup q = { .dom = dom, .addr = addr, .entry = raw(dom, index) };
	const struct dmah_ring *ring = ring_at(dom, index);
	uint64_t timestamp = q.entry & HISTORY_TIMESTAMP, now = dmah_host_now();
	bool has_leaf = entries_has_leaf(dom, index);
	struct history_record record;
	bool found;

	if (ring) {
		ended_in_ring(dom, ring, addr, index, what);
		return;
	}
	found = dmah_history_find(&dom->history, addr, has_leaf ? about_ended : about_block, &q,
				  &record);
	if (found && !has_leaf && (record.ended & HISTORY_ENDED) == 1)
		timestamp = block_timestamp(dom, index);
	/* A generation is left of a mapping that is not remembered. */
	if (!found && !q.entry)
		return;
	what->place = DMAH_FAULT_UNMAPPED;
	if (found)
		dmah_fault_remember(what, &record, dom->pt.leaf.gen_bits);
	if (timestamp)
		(void)dmah_history_age(&dom->history, timestamp, now, &what->least, &what->most);
	else if (found && (record.ended & HISTORY_ENDED) > 1)
		what->least = what->most = (now - record.ended) & HISTORY_ENDED;
}

/* Returns true if a record is about the mapping whose mark, live or cleared, is at the address. */
static bool about_mark(void *ctx, const struct history_record *record)
{
	const struct lookup *q = ctx;
	const struct pt_leaf *leaf = &q->dom->pt.leaf;
	uint64_t gen = history_gen(record, leaf->gen_bits) >> leaf->gen_shift;

	return ((gen + !q->page) & MARK_GEN_MASK) == q->entry;
}

/* Without a page table: the mark says whether a mapping is live, and the history the rest. */
static void marked(struct dmah_domain *dom, dmah_addr_t addr, uint32_t index,
		   struct fault_place *what)
{
	bool live = dmah_marks_live(dom, index);
	struct lookup q = {
		.dom = dom, .addr = addr, .entry = dmah_marks_gen(dom, index), .page = live
	};
	struct history_record record;
	bool found = dmah_history_find(&dom->history, addr, about_mark, &q, &record);

	if (!found && !live && !q.entry)
		return;
	what->place = live ? DMAH_FAULT_MAPPED : DMAH_FAULT_UNMAPPED;
	if (found)
		dmah_fault_remember(what, &record, dom->pt.leaf.gen_bits);
}

void dmah_iommu_fault_lookup(struct dmah_domain *dom, dmah_addr_t addr, struct fault_place *what)
{
	struct pt_entry entry;
	uint32_t index;

	what->place = DMAH_FAULT_RESERVED;
	if (is_reserved(dom, addr))
		return;
	what->place = DMAH_FAULT_OUTSIDE;
	if (!iommu_index(dom, addr, 1, &index))
		return;
	what->place = DMAH_FAULT_NEVER;
	if (dom->mark)
		marked(dom, addr, index, what);
	else if (dmah_entries_find(dom, index, &entry))
		mapped(dom, addr, index, &entry, what);
	else
		ended(dom, addr, index, what);
}
