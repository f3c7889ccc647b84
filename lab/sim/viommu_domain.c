/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Domains of a virtio-iommu: its requests (Virtual I/O Device, version 1.2, section 5.13.6), and the hypervisor's own tables.
 *
 * An entry has three marks in bits that a walk ignores: it is the first or the last of the mapping of one MAP request. An UNMAP
 * request that would leave a part of a mapping is refused by them.
 */
#include "viommu_unit.h"

#include <stdlib.h>
#include <string.h>

#define PAGE	4096ull
#define E_READ	(1ull << 0)
#define E_WRITE (1ull << 1)
#define E_LARGE (1ull << 7)
#define E_FIRST (1ull << 52)
#define E_LAST	(1ull << 53)
#define E_ADDR	0x000ffffffffff000ull

enum { ATTACH = 1, DETACH, MAP, UNMAP, PROBE };

/* ---- pages of tables ---- */

static uint64_t page_take(struct sim_viommu *u)
{
	static const uint8_t zero[PAGE];
	uint64_t page = u->npages ? u->page[--u->npages] : sim_fw_page(u->unit.iommu->sim);

	if (page)
		sim_bus(u->unit.iommu->sim, page, (void *)(uintptr_t)zero, PAGE, true, true);
	return page;
}

static void page_give(struct sim_viommu *u, uint64_t page)
{
	if (u->npages == u->room) {
		u->room = u->room ? 2 * u->room : 64;
		u->page = realloc(u->page, u->room * sizeof(*u->page));
		if (!u->page)
			abort();
	}
	u->page[u->npages++] = page;
}

static uint64_t load(const struct sim_viommu *u, uint64_t table, uint64_t index)
{
	uint64_t value = 0;

	sim_bus(u->unit.iommu->sim, table + 8 * index, &value, 8, false, true);
	return value;
}

static void store(const struct sim_viommu *u, uint64_t table, uint64_t index, uint64_t value)
{
	sim_bus(u->unit.iommu->sim, table + 8 * index, &value, 8, true, true);
}

static unsigned int levels(const struct sim_viommu *u)
{
	return (u->unit.iommu->config.va_bits - 12) / 9;
}

static unsigned int shift_of(unsigned int level)
{
	return 12 + 9 * (level - 1);
}

static bool is_table(uint64_t entry, unsigned int level)
{
	return entry & (E_READ | E_WRITE) && level > 1 && !(entry & E_LARGE);
}

static void free_table(struct sim_viommu *u, uint64_t table, unsigned int level)
{
	for (unsigned int i = 0; level > 1 && i < 512; i++) {
		uint64_t entry = load(u, table, i);

		if (is_table(entry, level))
			free_table(u, entry & E_ADDR, level - 1);
	}
	page_give(u, table);
}

/* ---- ranges of a table; both ends are inside ---- */

/** struct range - addresses of a table, and what is done at each entry that is present. */
struct range {
	uint64_t first;
	uint64_t last;
	bool clear;
	unsigned int found;
};

static void visit(struct sim_viommu *u, uint64_t table, unsigned int level, uint64_t base,
		  struct range *r)
{
	unsigned int shift = shift_of(level);
	uint64_t from = r->first > base ? (r->first - base) >> shift : 0;
	uint64_t to = (r->last - base) >> shift;

	for (uint64_t i = from; i <= to && i < 512; i++) {
		uint64_t entry = load(u, table, i);

		if (is_table(entry, level)) {
			visit(u, entry & E_ADDR, level - 1, base + (i << shift), r);
		} else if (entry & (E_READ | E_WRITE)) {
			r->found++;
			if (r->clear)
				store(u, table, i, 0);
		}
	}
}

/* Returns the entry that translates @iova, or 0. *@at: its first address; *@shift: log2 of its bytes. */
static uint64_t leaf_at(struct sim_viommu *u, const struct vio_space *space, uint64_t iova,
			uint64_t *at, unsigned int *shift)
{
	uint64_t table = space->root;

	for (unsigned int level = levels(u);; level--) {
		uint64_t entry = load(u, table, iova >> shift_of(level) & 511);

		*shift = shift_of(level);
		*at = iova >> *shift << *shift;
		if (!is_table(entry, level))
			return entry & (E_READ | E_WRITE) ? entry : 0;
		table = entry & E_ADDR;
	}
}

/* Returns false without memory. */
static bool set_leaf(struct sim_viommu *u, const struct vio_space *space, uint64_t iova,
		     unsigned int level, uint64_t entry)
{
	uint64_t table = space->root;

	for (unsigned int at = levels(u); at > level; at--) {
		uint64_t index = iova >> shift_of(at) & 511, next = load(u, table, index);

		if (!next) {
			next = page_take(u);
			if (!next)
				return false;
			next |= E_READ | E_WRITE;
			store(u, table, index, next);
		}
		table = next & E_ADDR;
	}
	/* A table that was left empty gives way to a large page. */
	if (level > 1 && is_table(load(u, table, iova >> shift_of(level) & 511), level))
		free_table(u, load(u, table, iova >> shift_of(level) & 511) & E_ADDR, level - 1);
	store(u, table, iova >> shift_of(level) & 511, entry | (level > 1 ? E_LARGE : 0));
	return true;
}

static unsigned int level_for(const struct sim_viommu *u, uint64_t bits, uint64_t left)
{
	const struct sim_iommu_config *c = &u->unit.iommu->config;

	for (unsigned int level = 3; level > 1; level--)
		if (!(bits & ((1ull << shift_of(level)) - 1)) &&
		    left >= (1ull << shift_of(level)) - 1 && !(level == 3 ? c->no_1g : c->no_2m))
			return level;
	return 1;
}

static uint8_t map_range(struct sim_viommu *u, const struct vio_space *space, uint64_t first,
			 uint64_t last, uint64_t phys, uint64_t perm)
{
	for (uint64_t iova = first;;) {
		uint64_t at = phys + (iova - first);
		unsigned int level = level_for(u, iova | at, last - iova);
		uint64_t end = iova + ((1ull << shift_of(level)) - 1);

		if (!set_leaf(u, space, iova, level,
			      at | perm | (iova == first ? E_FIRST : 0) |
				      (end == last ? E_LAST : 0))) {
			struct range r = { .first = first, .last = last, .clear = true };

			visit(u, space->root, levels(u), 0, &r);
			return VIO_NOMEM;
		}
		if (end == last)
			return VIO_OK;
		iova = end + 1;
	}
}

struct sim_table vio_table(const struct sim_viommu *u, const struct vio_space *space)
{
	struct sim_table table = u->unit.iommu->hw;

	table.root = space->root;
	table.levels = levels(u);
	return table;
}

/* ---- domains and endpoints ---- */

static void invalidate(struct sim_viommu *u, const struct vio_space *space, uint64_t first,
		       uint64_t last)
{
	uint64_t size = last - first + 1;

	sim_iommu_execute(u->unit.iommu, &(struct sim_command){ .kind = SIM_COMMAND_TLB,
								.target = space->id,
								.iova = size ? first : 0,
								.size = size,
								.tables = true });
}

static void forget_context(struct sim_viommu *u, uint32_t id)
{
	struct sim_device *dev = sim_iommu_device(u->unit.iommu, id);

	if (dev)
		dev->known = false;
}

static struct vio_space *space_of(struct sim_viommu *u, uint32_t id)
{
	struct vio_space *space = u->spaces;

	while (space && space->id != id)
		space = space->next;
	return space;
}

static struct vio_space *space_add(struct sim_viommu *u, uint32_t id, bool bypass)
{
	struct vio_space *space = calloc(1, sizeof(*space));

	if (!space)
		abort();
	space->id = id;
	space->bypass = bypass;
	space->root = bypass ? 0 : page_take(u);
	if (!bypass && !space->root) {
		free(space);
		return NULL;
	}
	space->next = u->spaces;
	u->spaces = space;
	return space;
}

static void space_drop(struct sim_viommu *u, struct vio_space *space)
{
	struct vio_space **at = &u->spaces;

	invalidate(u, space, 0, ~0ull);
	if (space->root)
		free_table(u, space->root, levels(u));
	while (*at != space)
		at = &(*at)->next;
	*at = space->next;
	free(space);
}

struct vio_endpoint *vio_endpoint(struct sim_viommu *u, uint32_t id)
{
	struct vio_endpoint *e = u->endpoints;

	while (e && e->id != id)
		e = e->next;
	return e;
}

static void endpoint_drop(struct sim_viommu *u, struct vio_endpoint *e)
{
	struct vio_endpoint **at = &u->endpoints;

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	if (!--e->space->users)
		space_drop(u, e->space);
	forget_context(u, e->id);
	free(e);
}

void vio_forget(struct sim_viommu *u)
{
	while (u->endpoints)
		endpoint_drop(u, u->endpoints);
}

/* ---- requests ---- */

static uint8_t attach(struct sim_viommu *u, const uint32_t *r)
{
	uint32_t domain = r[1], id = r[2], flags = r[3];
	bool bypass = flags & 1;
	struct vio_endpoint *e = vio_endpoint(u, id);
	struct vio_space *space = space_of(u, domain);

	u->stats.attaches++;
	if (flags & ~1u || r[4] || (bypass && !(u->features & VIO_BYPASS_CONFIG)))
		return VIO_INVAL;
	if (!sim_iommu_device(u->unit.iommu, id))
		return VIO_NOENT;
	if (u->features & VIO_DOMAIN_RANGE &&
	    (domain < u->config.domain_start || domain > u->config.domain_end))
		return VIO_RANGE;
	if (space && space->bypass != bypass)
		return VIO_INVAL;
	if (e && e->space == space)
		return VIO_OK;
	if (e)
		endpoint_drop(u, e);
	if (!space)
		space = space_add(u, domain, bypass);
	if (!space)
		return VIO_NOMEM;
	e = calloc(1, sizeof(*e));
	if (!e)
		abort();
	*e = (struct vio_endpoint){ u->endpoints, id, space };
	u->endpoints = e;
	space->users++;
	forget_context(u, id);
	return VIO_OK;
}

static uint8_t detach(struct sim_viommu *u, const uint32_t *r)
{
	struct vio_endpoint *e = vio_endpoint(u, r[2]);

	u->stats.detaches++;
	if (r[3] || r[4])
		return VIO_INVAL;
	if (!sim_iommu_device(u->unit.iommu, r[2]))
		return VIO_NOENT;
	if (!e || e->space->id != r[1])
		return VIO_INVAL;
	endpoint_drop(u, e);
	return VIO_OK;
}

static uint64_t long_at(const uint32_t *r, unsigned int n)
{
	return r[n] | (uint64_t)r[n + 1] << 32;
}

static bool out_of_input(const struct sim_viommu *u, uint64_t first, uint64_t last)
{
	return u->features & VIO_INPUT_RANGE &&
	       (first < u->config.input_start || last > u->config.input_end);
}

static uint8_t map(struct sim_viommu *u, const uint32_t *r)
{
	uint64_t first = long_at(r, 2), last = long_at(r, 4), phys = long_at(r, 6);
	uint64_t granule = u->config.page_sizes & -u->config.page_sizes;
	struct vio_space *space = space_of(u, r[1]);
	struct range range = { .first = first, .last = last };

	u->stats.maps++;
	if (!space)
		return VIO_NOENT;
	if (space->bypass || r[8] & ~3u || !(r[8] & 3) || last < first)
		return VIO_INVAL;
	if ((first | (last + 1) | phys) & (granule - 1) || out_of_input(u, first, last) ||
	    last >> u->unit.iommu->config.va_bits)
		return VIO_RANGE;
	visit(u, space->root, levels(u), 0, &range);
	if (range.found)
		return VIO_INVAL;
	return map_range(u, space, first, last, phys, r[8] & 3);
}

static uint8_t unmap(struct sim_viommu *u, const uint32_t *r)
{
	uint64_t first = long_at(r, 2), last = long_at(r, 4), at, entry;
	struct vio_space *space = space_of(u, r[1]);
	struct range range = { .first = first, .last = last, .clear = true };
	unsigned int shift;

	u->stats.unmaps++;
	if (!space)
		return VIO_NOENT;
	if (space->bypass || r[6] || last < first || last >> u->unit.iommu->config.va_bits)
		return VIO_INVAL;
	entry = leaf_at(u, space, first, &at, &shift);
	if (entry && (at < first || !(entry & E_FIRST)))
		return VIO_RANGE;
	entry = leaf_at(u, space, last, &at, &shift);
	if (entry && (at + ((1ull << shift) - 1) > last || !(entry & E_LAST)))
		return VIO_RANGE;
	visit(u, space->root, levels(u), 0, &range);
	invalidate(u, space, first, last);
	return VIO_OK;
}

static uint8_t probe(struct sim_viommu *u, const uint32_t *r, uint8_t *answer, uint32_t room)
{
	uint32_t at = 0;

	u->stats.probes++;
	for (unsigned int i = 2; i < 18; i++)
		if (r[i])
			return VIO_INVAL;
	if (!sim_iommu_device(u->unit.iommu, r[1]))
		return VIO_NOENT;
	memset(answer, 0, room);
	for (unsigned int i = 0; i < u->config.nranges && at + 24 <= room; i++, at += 24) {
		const struct dmah_reserved *range = &u->config.range[i];
		uint64_t last = range->base + range->size - 1;
		uint32_t property[6] = { 1 | 20u << 16,		range->mmio,
					 (uint32_t)range->base, (uint32_t)(range->base >> 32),
					 (uint32_t)last,	(uint32_t)(last >> 32) };

		memcpy(answer + at, property, 24);
	}
	return VIO_OK;
}

uint8_t vio_request(struct sim_viommu *u, const uint32_t *r, uint32_t bytes, uint8_t *answer,
		    uint32_t room)
{
	static const uint32_t length[] = { 0, 20, 20, 36, 28, 72 };
	uint32_t type = r[0] & 0xff;

	/* The bytes behind the type are reserved: the device ignores them. */
	if (type < ATTACH || type > PROBE || (type == PROBE && !(u->features & VIO_PROBE)))
		return VIO_UNSUPP;
	if (bytes != length[type])
		return VIO_INVAL;
	switch (type) {
	case ATTACH:
		return attach(u, r);
	case DETACH:
		return detach(u, r);
	case MAP:
		return map(u, r);
	case UNMAP:
		return unmap(u, r);
	default:
		return probe(u, r, answer, room);
	}
}
