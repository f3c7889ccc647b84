/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Reserved ranges. Each range is recorded with the device that it is for, until that device leaves, so that ranges of
 * several devices may overlap: a granule is reserved as long as one record holds it, and translates to itself, in the
 * directions of all identity records that hold it together, as long as one of those does.
 *
 * Only setup calls change the records, one at a time, and under the setup lock, which readers take.
 */
#include "backend/iommu/reserved.h"
#include "backend/iommu/aperture.h"
#include "backend/iommu/entries.h"
#include "backend/iommu/invalidate.h"
#include "base/setup_error.h"

/* Granules that change hands in one section with interrupts off: 512 words of the allocator's bitmap. */
#define SECTION 32768u

/* ---- records ---- */

/* The record after @at, or the first one; NULL after the last. @block: the block of the record, kept by the caller. */
static struct reserved_record *next_record(const struct dmah_domain *dom,
					   const struct reserved_block **block,
					   const struct reserved_record *at)
{
	unsigned int next = at ? (unsigned int)(at - (*block)->record) + 1 : 0;

	if (!at)
		*block = &dom->reserved;
	while (next >= (*block)->n) {
		*block = (*block)->next;
		if (!*block)
			return NULL;
		next = 0;
	}
	return &(*block)->record[next];
}

/* A block with room for one more record, behind the others where all are full; NULL: no memory. */
static struct reserved_block *block_with_room(struct dmah_domain *dom)
{
	struct reserved_block *block = &dom->reserved, *page;
	unsigned long flags;

	if (!block->record) {
		block->record = dom->reserved_first;
		block->room = DOMAIN_RESERVED;
	}
	for (; block->n == block->room; block = block->next) {
		if (block->next)
			continue;
		page = dmah_host_page_alloc(0);
		if (!page)
			return NULL;
		*page = (struct reserved_block){
			.room = (unsigned int)((DMAH_PAGE_SIZE - sizeof(*page)) /
					       sizeof(struct reserved_record)),
			.record = (struct reserved_record *)(void *)(page + 1),
		};
		setup_lock(dom, &flags);
		block->next = page;
		setup_unlock(dom, flags);
	}
	return block;
}

static int add_record(struct dmah_device *dev, const struct dmah_reserved *range)
{
	struct dmah_domain *dom = dev->dom;
	struct reserved_block *block = block_with_room(dom);
	unsigned long flags;

	if (!block)
		return DMAH_ENOMEM;
	setup_lock(dom, &flags);
	block->record[block->n++] = (struct reserved_record){ .range = *range, .owner = dev };
	if (range->identity)
		__atomic_store_n(&dom->nidentity, dom->nidentity + 1, __ATOMIC_RELAXED);
	setup_unlock(dom, flags);
	return DMAH_OK;
}

/* The last record of the block takes the removed one's place. */
static void remove_record(struct dmah_domain *dom, struct reserved_block *block,
			  struct reserved_record *record)
{
	unsigned long flags;

	setup_lock(dom, &flags);
	if (record->range.identity)
		__atomic_store_n(&dom->nidentity, dom->nidentity - 1, __ATOMIC_RELAXED);
	*record = block->record[--block->n];
	setup_unlock(dom, flags);
}

static struct reserved_record *first_of(struct dmah_domain *dom, const struct dmah_device *dev,
					struct reserved_block **found)
{
	for (struct reserved_block *block = &dom->reserved; block; block = block->next)
		for (unsigned int i = 0; i < block->n; i++)
			if (block->record[i].owner == dev) {
				*found = block;
				return &block->record[i];
			}
	return NULL;
}

static bool holds(const struct reserved_record *record, dmah_addr_t iova)
{
	return iova - record->range.base < record->range.size;
}

bool dmah_iommu_is_reserved(const struct dmah_domain *dom, dmah_addr_t iova)
{
	const struct reserved_block *block;
	const struct reserved_record *record = NULL;

	while ((record = next_record(dom, &block, record)))
		if (holds(record, iova))
			return true;
	return false;
}

bool dmah_iommu_is_identity(struct dmah_domain *dom, dmah_addr_t iova)
{
	const struct reserved_block *block;
	const struct reserved_record *record = NULL;
	unsigned long flags;
	bool found = false;

	if (!__atomic_load_n(&dom->nidentity, __ATOMIC_RELAXED))
		return false;
	setup_lock(dom, &flags);
	while (!found && (record = next_record(dom, &block, record)))
		found = record->range.identity && holds(record, iova);
	setup_unlock(dom, flags);
	return found;
}

void dmah_iommu_free_reserved(struct dmah_domain *dom)
{
	while (dom->reserved.next) {
		struct reserved_block *page = dom->reserved.next;
		unsigned long flags;

		setup_lock(dom, &flags);
		dom->reserved.next = page->next;
		setup_unlock(dom, flags);
		dmah_host_page_free(page);
	}
}

/* ---- granules ---- */

/* The part of [@from, @end) from @from on that no record holds: up to the returned address. *@from moves to its start. */
static dmah_addr_t unheld(const struct dmah_domain *dom, dmah_addr_t *from, dmah_addr_t end)
{
	const struct reserved_block *block;
	const struct reserved_record *record = NULL;
	dmah_addr_t to = end;

	/* Begin again after each step: the next record that holds *@from may come earlier in the list. */
	while (*from < end && (record = next_record(dom, &block, record)))
		if (holds(record, *from)) {
			*from = record->range.size < end - record->range.base
					? record->range.base + record->range.size
					: end;
			record = NULL;
		}
	if (*from >= end)
		return end;
	for (record = NULL; (record = next_record(dom, &block, record));)
		if (record->range.base > *from && record->range.base < to)
			to = record->range.base;
	return to;
}

/* Cut [@from, @to) to granules that the allocator knows: the configured aperture but IOVA 0. Return: how many. */
static uint32_t in_depot(const struct dmah_domain *dom, dmah_addr_t from, dmah_addr_t to,
			 uint32_t *first)
{
	dmah_addr_t base = dom->cfg.aperture_base;
	dmah_addr_t last = base + ((uint64_t)dom->iova.depot.size << PT_GRANULE_SHIFT) - 1;

	base += base ? 0 : PT_GRANULE;
	from = from < base ? base : from;
	to = to - 1 > last ? last : to - 1;
	if (from > to)
		return 0;
	*first = (uint32_t)((from - dom->cfg.aperture_base) >> PT_GRANULE_SHIFT);
	return (uint32_t)((to - from) >> PT_GRANULE_SHIFT) + 1;
}

enum act { TAKE, FREE, QUARANTINE };

static bool do_section(struct dmah_domain *dom, uint32_t first, uint32_t n, enum act act)
{
	unsigned long flags;
	bool done = true;

	dmah_host_enter(&flags);
	if (act == TAKE)
		done = dmah_iova_take(&dom->iova, first, n);
	else if (act == FREE)
		dmah_iova_put_large(&dom->iova, first, n);
	else
		dmah_iova_quarantine(&dom->iova, first, n, &dom->flush_seq);
	dmah_host_leave(flags);
	return done;
}

/* Take or give back what [@base, @end) has in the aperture and no record holds. Return: the address that it got to. */
static dmah_addr_t each_unheld(struct dmah_domain *dom, dmah_addr_t base, dmah_addr_t end,
			       enum act act)
{
	while (base < end) {
		dmah_addr_t to = unheld(dom, &base, end);
		uint32_t first = 0, n = base < to ? in_depot(dom, base, to, &first) : 0;

		while (n) {
			uint32_t part = n < SECTION ? n : SECTION;

			if (!do_section(dom, first, part, act))
				return iommu_iova(dom, first);
			first += part;
			n -= part;
		}
		base = to;
	}
	return end;
}

static int add_range(struct dmah_device *dev, const struct dmah_reserved *range)
{
	dmah_addr_t end = range->base + range->size, got;
	struct dmah_domain *dom = dev->dom;
	int err;

	if (!range->size || (range->base | range->size) & GRANULE_MASK || end < range->base)
		return dmah_setup_error(dev, DMAH_EINVAL,
					"dmah_attach: a reserved range is empty, not of whole "
					"granules, or wraps round",
					range->base);
	got = each_unheld(dom, range->base, end, TAKE);
	if (got != end) {
		(void)each_unheld(dom, range->base, got, FREE);
		return dmah_setup_error(
			dev, DMAH_EBUSY,
			"dmah_attach: a reserved range lies over IOVAs that are in use", got);
	}
	err = add_record(dev, range);
	if (err)
		(void)each_unheld(dom, range->base, end, FREE);
	return err;
}

int dmah_iommu_add_reserved(struct dmah_device *dev, const struct dmah_reserved *range,
			    unsigned int n)
{
	int err = DMAH_OK;

	for (; !err && n; n--, range++)
		err = add_range(dev, range);
	return err;
}

/* ---- identity entries ---- */

/* How a granule is to translate to itself, by all records together. Return: false: not at all. */
static bool wanted(const struct dmah_domain *dom, dmah_addr_t iova, enum dmah_dir *dir, bool *mmio)
{
	const struct reserved_block *block;
	const struct reserved_record *record = NULL;

	*dir = (enum dmah_dir)0;
	*mmio = false;
	while ((record = next_record(dom, &block, record))) {
		enum dmah_dir asked = record->range.dir ? record->range.dir : DMAH_BIDIRECTIONAL;

		if (!record->range.identity || record->leaving || !holds(record, iova))
			continue;
		*dir = (enum dmah_dir)(*dir | asked);
		*mmio |= record->range.mmio;
	}
	return *dir != 0;
}

/*
 * Write the entries of a part of one leaf table as they should be. An entry that is present may change to a present one
 * here, with other permissions and the same address: a device that uses the range at this moment must not fault. @fixed: an
 * IOMMU cannot do that.
 */
static int write_entries(struct dmah_domain *dom, dmah_addr_t iova, uint64_t *entry, uint32_t n,
			 bool fixed, bool *changed)
{
	const struct pt_leaf *leaf = &dom->pt.leaf;
	int err = DMAH_OK;
	uint32_t i;

	for (i = 0; !err && i < n; i++, iova += PT_GRANULE) {
		uint64_t old = pt_load(&entry[i]), value;
		enum dmah_dir dir;
		bool mmio;

		if (!wanted(dom, iova, &dir, &mmio)) {
			if (!pt_present(leaf, old))
				continue;
			leaf_clear(&entry[i], pt_cleared(leaf, old));
			*changed = true;
			continue;
		}
		value = pt_make(leaf, iova, dir, pt_gen(leaf, old), mmio ? DMAH_ATTR_MMIO : 0);
		if (value == old)
			continue;
		if (fixed && pt_present(leaf, old)) {
			err = dmah_setup_error(
				NULL, DMAH_ENOTSUP,
				"dmah_attach: the IOMMU cannot change the permissions of an "
				"identity range that another device has",
				iova);
			continue;
		}
		leaf_set(&entry[i], value);
		*changed = true;
	}
	if (!(dom->pt.caps & DMAH_IOMMU_COHERENT_WALK))
		pt_push(&dom->pt, iova - i * PT_GRANULE, entry, i);
	return err;
}

static int leaf_table(struct dmah_domain *dom, dmah_addr_t iova, uint64_t **table)
{
	struct pt *pt = iova >> dom->pt.va_bits ? &dom->wide : &dom->pt;
	unsigned long flags;
	uint32_t index;
	int err;

	dmah_host_enter(&flags);
	dmah_host_lock(&dom->table_lock);
	err = pt->fmt->leaf_table(pt, iova, DMAH_ALLOC_ATOMIC, table);
	if (!err && in_depot(dom, iova, iova + PT_GRANULE, &index))
		__atomic_store_n(&dom->leaf[index >> 9], *table, __ATOMIC_RELEASE);
	dmah_host_unlock(&dom->table_lock);
	dmah_host_leave(flags);
	return err;
}

/* Write the entries of the first @size bytes of a record. @written counts on with them. */
static int write_record(struct dmah_domain *dom, struct reserved_record *record, uint64_t size,
			bool *changed)
{
	bool fixed = !record->leaving && iommu_takes_requests(dom);
	uint64_t done = 0;

	while (done < size) {
		dmah_addr_t iova = record->range.base + done;
		uint32_t at = (uint32_t)(iova >> PT_GRANULE_SHIFT) & (PT_TABLE_ENTRIES - 1);
		uint32_t n = PT_TABLE_ENTRIES - at;
		uint64_t *table;
		int err = leaf_table(dom, iova, &table);

		if (err)
			return err;
		if (n > (size - done) >> PT_GRANULE_SHIFT)
			n = (uint32_t)((size - done) >> PT_GRANULE_SHIFT);
		err = write_entries(dom, iova, table + at, n, fixed, changed);
		done += (uint64_t)n << PT_GRANULE_SHIFT;
		/* After an error, too: some may have been written. */
		if (done > record->written)
			record->written = done;
		if (err)
			return err;
	}
	return DMAH_OK;
}

int dmah_iommu_map_identity(struct dmah_device *dev, bool *changed)
{
	struct dmah_domain *dom = dev->dom;
	int err = DMAH_OK;

	for (struct reserved_block *block = &dom->reserved; block; block = block->next)
		for (unsigned int i = 0; !err && i < block->n; i++) {
			struct reserved_record *record = &block->record[i];
			dmah_addr_t last = record->range.base + record->range.size - 1;

			if (record->owner != dev || !record->range.identity)
				continue;
			if (dom->mark)
				return dmah_setup_error(
					dev, DMAH_ENOTSUP,
					"dmah_attach: an identity range in a domain "
					"of handles only",
					record->range.base);
			err = last > dom->phys_last ? DMAH_ERANGE
						    : dmah_iommu_widen(dom, last, dev);
			if (err == DMAH_ERANGE)
				return dmah_setup_error(dev, err,
							"dmah_attach: an identity range lies above "
							"the widest IOVA, or "
							"above the widest physical address",
							record->range.base);
			if (!err)
				err = write_record(dom, record, record->range.size, changed);
		}
	dmah_host_wmb();
	return err;
}

/* Clear what a leaving device's records translate, but for what others want. */
static bool clear_identity(struct dmah_domain *dom, const struct dmah_device *dev)
{
	bool changed = false;

	for (struct reserved_block *block = &dom->reserved; block; block = block->next)
		for (unsigned int i = 0; i < block->n; i++)
			if (block->record[i].owner == dev)
				block->record[i].leaving = true;
	for (struct reserved_block *block = &dom->reserved; block; block = block->next)
		for (unsigned int i = 0; i < block->n; i++)
			if (block->record[i].owner == dev)
				/* The tables are there, since entries were written in them. */
				(void)write_record(dom, &block->record[i], block->record[i].written,
						   &changed);
	dmah_host_wmb();
	return changed;
}

int dmah_iommu_drop_reserved(struct dmah_device *dev)
{
	struct dmah_domain *dom = dev->dom;
	struct reserved_record *record;
	struct reserved_block *block;
	int err = DMAH_OK;

	/* Devices that are not leaving may have translated there, and so may this one if it was bound. */
	if (clear_identity(dom, dev))
		err = dmah_iommu_invalidate(dom, NULL, 0, 0, false);
	while ((record = first_of(dom, dev, &block))) {
		struct reserved_record ended = *record;

		remove_record(dom, block, record);
		(void)each_unheld(dom, ended.range.base, ended.range.base + ended.range.size,
				  err ? QUARANTINE : FREE);
	}
	if (err)
		__atomic_store_n(&dom->quarantine, true, __ATOMIC_RELEASE);
	return err;
}
