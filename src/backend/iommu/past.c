/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What is or was at an IOVA. The page table says whether something is mapped, and its cleared entries when the shortest
 * unmaps were; the history's record says the rest, where it is about the same mapping.
 */
#include "backend/iommu/iommu.h"
#include "backend/pool.h"
#include "core/fault.h"
#include "core/ring.h"

static bool is_reserved(const struct dmah_domain *dom, dmah_addr_t addr)
{
	for (unsigned int i = 0; i < dom->nreserved; i++)
		if (addr - dom->reserved[i].base < dom->reserved[i].size)
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
			if (r->has_slots && index - r->first < (r->mask + 1) * r->step)
				return r;
	return NULL;
}

/* The entry of a granule that has a leaf table, present or not; 0 where it has none. */
static uint64_t raw(const struct dmah_domain *dom, uint32_t index)
{
	return pt_load(entries_any(dom, index));
}

/* Where a record's mapping has the page of @addr. A bounced one has it in a slot, which the record does not know. */
static dmah_phys_t page_in(const struct history_record *record, dmah_addr_t addr)
{
	return (record->phys & ~GRANULE_MASK) + (addr & ~GRANULE_MASK) -
	       (record->key & ~GRANULE_MASK);
}

/* ---- live ---- */

/*
 * Whether a record is about what is mapped at @addr now, which is @page. It is where it begins there, since every map but
 * a ring's writes one; else it must lead to the same page, by a slot perhaps.
 */
static bool is_about(const struct dmah_domain *dom, const struct history_record *record,
		     dmah_addr_t addr, dmah_phys_t page, bool ring)
{
	return (!ring && (record->key ^ addr) < PT_GRANULE) || page_in(record, addr) == page ||
	       (dom->cfg.pool && pool_holds(dom->cfg.pool, page));
}

static void of_ring(const struct dmah_ring *ring, struct fault_place *what)
{
	what->caller = ring->caller;
	what->owner = ring->dev->slot;
	what->dir = ring->cfg.dir;
}

static void mapped(struct dmah_domain *dom, dmah_addr_t addr, uint32_t index,
		   const struct pt_entry *entry, struct fault_place *what)
{
	const struct dmah_ring *ring = ring_at(dom, index);
	dmah_phys_t page = entry->phys & ~GRANULE_MASK;
	struct history_record record;

	what->place = DMAH_FAULT_MAPPED;
	what->phys = page;
	what->dir = entry->dir;
	if (ring)
		of_ring(ring, what);
	if (history_find(&dom->history, addr, &record) &&
	    is_about(dom, &record, addr, page, ring != NULL))
		fault_remember(what, &record);
}

/* ---- ended ---- */

/* Whether the entries of the mapping that a record is about were cleared together with that at @index. */
static bool ended_together(const struct dmah_domain *dom, const struct history_record *record,
			   uint32_t index)
{
	uint32_t first;

	return iommu_index(dom, record->key, 1, &first) &&
	       !((raw(dom, first) ^ raw(dom, index)) & HISTORY_NOTE);
}

/* When the mapping of a ring with this number was popped. */
static void popped_when(const struct dmah_ring *ring, uint64_t number,
			const struct history *history, struct fault_place *what)
{
	uint32_t n = __atomic_load_n(&ring->npops, __ATOMIC_ACQUIRE), i = 0;
	uint64_t note = 0;

	/* The first pop that went beyond it. */
	for (; i < RING_POPS && i < n; i++) {
		const struct ring_pops *pops = &ring->pops[(n - 1 - i) % RING_POPS];

		if (history_load(&pops->until) <= number)
			break;
		note = history_load(&pops->note);
	}
	if (!history_ended(history, note, dmah_host_now(), &what->least, &what->most))
		return;
	/* As long ago as that, or longer. */
	if (i == RING_POPS && i < n)
		what->most = DMAH_FAULT_AGE_UNKNOWN;
}

static void ended_in_ring(struct dmah_domain *dom, const struct dmah_ring *ring, dmah_addr_t addr,
			  uint32_t index, struct fault_place *what)
{
	uint64_t pushed = history_load(&ring->pushed), popped = history_load(&ring->popped);
	uint64_t entry = raw(dom, index), number;
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
	if (entry & dom->pt.leaf.addr_mask)
		what->phys = entry & dom->pt.leaf.addr_mask;
	else if (history_find(&dom->history, addr, &record))
		fault_remember(what, &record);
	popped_when(ring, number, &dom->history, what);
}

static void ended(struct dmah_domain *dom, dmah_addr_t addr, uint32_t index,
		  struct fault_place *what)
{
	const struct history *history = &dom->history;
	uint64_t note = raw(dom, index) & HISTORY_NOTE, now = dmah_host_now();
	const struct dmah_ring *ring = ring_at(dom, index);
	struct history_record record;
	bool found;

	if (ring) {
		ended_in_ring(dom, ring, addr, index, what);
		return;
	}
	found = history_find(history, addr, &record);
	/* A short unmap leaves its time in the entry, and any other in the record: else they are of two mappings. */
	if (found && (note ? record.ended || !ended_together(dom, &record, index) : !record.ended))
		found = false;
	if (!found && !note)
		return;
	what->place = DMAH_FAULT_UNMAPPED;
	if (found)
		fault_remember(what, &record);
	if (note)
		(void)history_ended(history, note, now, &what->least, &what->most);
	else
		what->least = what->most = now - (record.ended & ~1ull);
}

void iommu_fault_place(struct dmah_domain *dom, dmah_addr_t addr, struct fault_place *what)
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
	if (entries_find(dom, index, &entry))
		mapped(dom, addr, index, &entry, what);
	else
		ended(dom, addr, index, what);
}
