/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Xen as a guest on Arm sees it. Physical addresses of the guest's own pages equal machine addresses (dom0 is mapped 1:1),
 * unless scrambled. Pages of other domains, mapped through grants, have unrelated physical addresses.
 *
 * A lookup from machine to physical address searches the pages that are not 1:1, and guesses where one machine page is
 * mapped twice.
 */
#include "sim_int.h"

#include "posix.h"
#include "rnd.h"

#include <stdlib.h>
#include <string.h>

#define PAGE	     DMAH_PAGE_SIZE
#define FIRST_GREF   8u /* Xen keeps the first ones */
#define MAPS	     (1u << 20) /* places for grants without one of their own */
#define P2M_SET	     1u
#define P2M_FOREIGN  2u
#define P2M_UNMAPPED 4u /* the kernel has no mapping of it */

/* A machine page and one physical page of it. */
struct m2p {
	uint64_t machine;
	uint64_t phys;
};

/**
 * struct sim_xen - the hypervisor.
 * @lock: protects all members, except reads of @p2m.
 * @sim: the machine.
 * @p2m: entries of the guest's pages, then of the places for grants: machine address and P2M_ bits; 0: 1:1, or none.
 * @own: number of the guest's pages.
 * @foreign: machine address of the first page of other domains.
 * @nforeign: number of pages of other domains.
 * @granted: number of granted pages.
 * @places: physical address of the first place for grants.
 * @next: the place at which the search for a free one begins.
 * @m2p: pages that are not 1:1, by machine address, older ones first.
 * @nm2p: entries of @m2p; @room: its capacity.
 * @stats: counters.
 */
struct sim_xen {
	struct sim_lock lock;
	struct sim *sim;
	uint64_t *p2m;
	uint64_t own;
	uint64_t foreign;
	uint64_t nforeign;
	uint64_t granted;
	uint64_t places;
	uint64_t next;
	struct m2p *m2p;
	uint64_t nm2p;
	uint64_t room;
	struct sim_xen_stats stats;
};

struct sim_xen *sim_xen_create(struct sim *sim, uint64_t guest_size, uint64_t foreign_size)
{
	struct sim_xen *xen = calloc(1, sizeof(*xen));

	if (!xen)
		return NULL;
	xen->sim = sim;
	xen->own = guest_size / PAGE;
	xen->foreign = sim->ram.base + guest_size;
	xen->nforeign = foreign_size / PAGE;
	/* Choose addresses far behind all memory. */
	xen->places = (sim->ram.base + sim->ram.size + (1ull << 32)) & ~((1ull << 32) - 1);
	xen->p2m = sim_pages_map((xen->own + MAPS) * sizeof(*xen->p2m));
	if (xen->p2m)
		return xen;
	free(xen);
	return NULL;
}

void sim_xen_destroy(struct sim_xen *xen)
{
	if (!xen)
		return;
	sim_pages_unmap(xen->p2m, (xen->own + MAPS) * sizeof(*xen->p2m));
	free(xen->m2p);
	free(xen);
}

/* Returns the p2m entry of a physical page, or NULL. */
static uint64_t *entry(struct sim_xen *xen, dmah_phys_t phys)
{
	if (phys >= xen->sim->ram.base && phys - xen->sim->ram.base < xen->own * PAGE)
		return &xen->p2m[(phys - xen->sim->ram.base) / PAGE];
	if (phys >= xen->places && phys - xen->places < (uint64_t)MAPS * PAGE)
		return &xen->p2m[xen->own + (phys - xen->places) / PAGE];
	return NULL;
}

static uint64_t load(struct sim_xen *xen, dmah_phys_t phys)
{
	uint64_t *e = entry(xen, phys), v = e ? __atomic_load_n(e, __ATOMIC_ACQUIRE) : 0;

	if (!v && e && phys < xen->places)
		v = (phys & ~(uint64_t)(PAGE - 1)) | P2M_SET;
	return v;
}

static void store(uint64_t *e, uint64_t value)
{
	__atomic_store_n(e, value, __ATOMIC_RELEASE);
}

uint64_t sim_xen_machine(struct sim_xen *xen, dmah_phys_t phys)
{
	uint64_t v = load(xen, phys);

	return v ? (v & ~(uint64_t)(PAGE - 1)) | phys % PAGE : SIM_XEN_BAD;
}

/* ---- machine to physical ---- */

/* Returns the index of the first entry at @machine or above. */
static uint64_t lower(const struct sim_xen *xen, uint64_t machine, uint64_t *steps)
{
	uint64_t low = 0, high = xen->nm2p;

	while (low < high) {
		uint64_t mid = low + (high - low) / 2;

		++*steps;
		if (xen->m2p[mid].machine < machine)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool m2p_room(struct sim_xen *xen, uint64_t more)
{
	uint64_t room = xen->room ? xen->room : 64;
	struct m2p *bigger;

	while (room < xen->nm2p + more)
		room *= 2;
	if (room == xen->room)
		return true;
	bigger = realloc(xen->m2p, (size_t)room * sizeof(*bigger));
	if (!bigger)
		return false;
	xen->m2p = bigger;
	xen->room = room;
	return true;
}

static void m2p_insert(struct sim_xen *xen, uint64_t machine, dmah_phys_t phys)
{
	uint64_t steps = 0, at = lower(xen, machine + 1, &steps);

	memmove(&xen->m2p[at + 1], &xen->m2p[at], (size_t)(xen->nm2p - at) * sizeof(*xen->m2p));
	xen->m2p[at] = (struct m2p){ .machine = machine, .phys = phys };
	xen->nm2p++;
}

static void m2p_remove(struct sim_xen *xen, uint64_t machine, dmah_phys_t phys)
{
	uint64_t steps = 0, at = lower(xen, machine, &steps);

	while (at < xen->nm2p && xen->m2p[at].machine == machine && xen->m2p[at].phys != phys)
		at++;
	if (at == xen->nm2p || xen->m2p[at].machine != machine)
		return;
	xen->nm2p--;
	memmove(&xen->m2p[at], &xen->m2p[at + 1], (size_t)(xen->nm2p - at) * sizeof(*xen->m2p));
}

/* ---- grants ---- */

uint64_t sim_xen_grant(struct sim_xen *xen, unsigned int pages)
{
	uint64_t gref = SIM_XEN_BAD;

	sim_lock(&xen->lock);
	if (pages && pages <= xen->nforeign - xen->granted) {
		gref = FIRST_GREF + xen->granted;
		xen->granted += pages;
	}
	sim_unlock(&xen->lock);
	return gref;
}

static dmah_phys_t free_place(struct sim_xen *xen)
{
	for (uint64_t n = 0; n < MAPS; n++) {
		uint64_t i = xen->next++ % MAPS;

		if (!xen->p2m[xen->own + i])
			return xen->places + i * PAGE;
	}
	return SIM_XEN_BAD;
}

static dmah_phys_t map_at(struct sim_xen *xen, uint64_t gref, dmah_phys_t phys, bool kernel_mapping)
{
	uint64_t machine, *e;

	if (gref < FIRST_GREF || gref - FIRST_GREF >= xen->granted || phys % PAGE ||
	    !m2p_room(xen, 1))
		return SIM_XEN_BAD;
	e = entry(xen, phys);
	if (!e || *e)
		return SIM_XEN_BAD;
	machine = xen->foreign + (gref - FIRST_GREF) * PAGE;
	m2p_insert(xen, machine, phys);
	store(e, machine | P2M_SET | P2M_FOREIGN | (kernel_mapping ? 0u : P2M_UNMAPPED));
	return phys;
}

dmah_phys_t sim_xen_map_grant(struct sim_xen *xen, uint64_t gref, bool kernel_mapping)
{
	dmah_phys_t phys;

	sim_lock(&xen->lock);
	phys = map_at(xen, gref, free_place(xen), kernel_mapping);
	sim_unlock(&xen->lock);
	return phys;
}

dmah_phys_t sim_xen_map_grant_at(struct sim_xen *xen, uint64_t gref, dmah_phys_t phys,
				 bool kernel_mapping)
{
	sim_lock(&xen->lock);
	phys = phys < xen->places ? map_at(xen, gref, phys, kernel_mapping) : SIM_XEN_BAD;
	sim_unlock(&xen->lock);
	return phys;
}

bool sim_xen_unmap_grant(struct sim_xen *xen, dmah_phys_t phys)
{
	uint64_t *e;
	bool was;

	sim_lock(&xen->lock);
	e = entry(xen, phys);
	was = e && *e & P2M_FOREIGN;
	if (was) {
		m2p_remove(xen, *e & ~(uint64_t)(PAGE - 1), phys);
		store(e, 0);
	}
	sim_unlock(&xen->lock);
	return was;
}

static int by_machine(const void *a, const void *b)
{
	uint64_t x = ((const struct m2p *)a)->machine, y = ((const struct m2p *)b)->machine;

	return x < y ? -1 : x > y;
}

/* Returns true if the pages are the guest's own, 1:1, and outside the port's area. */
static bool may_scramble(struct sim_xen *xen, dmah_phys_t phys, uint64_t pages)
{
	const struct sim_config *c = &xen->sim->config;

	if (!pages || phys % PAGE || phys < xen->sim->ram.base ||
	    phys - xen->sim->ram.base + pages * PAGE > xen->own * PAGE ||
	    (phys < c->host_base + c->host_size && c->host_base < phys + pages * PAGE))
		return false;
	for (uint64_t i = 0; i < pages; i++)
		if (*entry(xen, phys + i * PAGE))
			return false;
	return true;
}

bool sim_xen_scramble(struct sim_xen *xen, dmah_phys_t phys, uint64_t pages, uint64_t seed)
{
	uint64_t *e;
	bool ok;

	sim_lock(&xen->lock);
	ok = may_scramble(xen, phys, pages) && m2p_room(xen, pages);
	if (ok) {
		e = entry(xen, phys);
		for (uint64_t i = 0; i < pages; i++)
			store(&e[i], (phys + i * PAGE) | P2M_SET);
		for (uint64_t i = pages - 1; i > 0; i--) {
			uint64_t j = sim_rnd(&seed) % (i + 1), swap = e[i];

			store(&e[i], e[j]);
			store(&e[j], swap);
		}
		for (uint64_t i = 0; i < pages; i++)
			xen->m2p[xen->nm2p++] =
				(struct m2p){ .machine = e[i] & ~(uint64_t)(PAGE - 1),
					      .phys = phys + i * PAGE };
		qsort(xen->m2p, (size_t)xen->nm2p, sizeof(*xen->m2p), by_machine);
	}
	sim_unlock(&xen->lock);
	return ok;
}

/* ---- what the guest is given ---- */

static dmah_addr_t phys_to_bus(void *ctx, dmah_phys_t phys)
{
	struct sim_xen *xen = ctx;

	__atomic_fetch_add(&xen->stats.p2m, 1, __ATOMIC_RELAXED);
	return sim_xen_machine(xen, phys);
}

static dmah_phys_t bus_to_phys(void *ctx, dmah_addr_t bus, uint64_t *steps)
{
	struct sim_xen *xen = ctx;
	uint64_t machine = bus & ~(uint64_t)(PAGE - 1), n = 1, at;
	dmah_phys_t phys = SIM_XEN_BAD;

	sim_lock(&xen->lock);
	at = lower(xen, machine, &n);
	if (at < xen->nm2p && xen->m2p[at].machine == machine) {
		phys = xen->m2p[at].phys | bus % PAGE;
		if (at + 1 < xen->nm2p && xen->m2p[at + 1].machine == machine)
			xen->stats.m2p_guesses++;
	} else if (sim_xen_machine(xen, bus) == bus) {
		phys = bus;
	}
	xen->stats.m2p++;
	xen->stats.m2p_steps += n;
	sim_unlock(&xen->lock);
	if (steps)
		*steps += n;
	return phys;
}

static bool has_mapping(void *ctx, dmah_phys_t phys)
{
	uint64_t v = load(ctx, phys);

	return v && !(v & P2M_UNMAPPED);
}

/* GNTTABOP_cache_flush: at most one page, of the domain's own memory. xen/include/public/grant_table.h */
static int cache(void *ctx, enum dmah_cache_op op, dmah_addr_t bus, uint64_t len)
{
	struct sim_xen *xen = ctx;
	bool ok = len && len <= PAGE && bus % PAGE + len <= PAGE &&
		  sim_ram_has(&xen->sim->ram, bus, len) &&
		  bus < xen->foreign + xen->nforeign * PAGE;

	__atomic_fetch_add(&xen->stats.cache_calls, 1, __ATOMIC_RELAXED);
	if (!ok) {
		__atomic_fetch_add(&xen->stats.cache_errors, 1, __ATOMIC_RELAXED);
		return DMAH_EINVAL;
	}
	if (xen->sim->config.cache)
		sim_cache_maintain(&xen->sim->cache, op, bus, len);
	return DMAH_OK;
}

const struct dmah_xen_ops sim_xen_ops = {
	.phys_to_bus = phys_to_bus,
	.bus_to_phys = bus_to_phys,
	.has_mapping = has_mapping,
	.cache = cache,
};

void sim_xen_stats(struct sim_xen *xen, struct sim_xen_stats *stats)
{
	sim_lock(&xen->lock);
	*stats = xen->stats;
	stats->p2m = __atomic_load_n(&xen->stats.p2m, __ATOMIC_RELAXED);
	stats->cache_calls = __atomic_load_n(&xen->stats.cache_calls, __ATOMIC_RELAXED);
	stats->cache_errors = __atomic_load_n(&xen->stats.cache_errors, __ATOMIC_RELAXED);
	sim_unlock(&xen->lock);
}
