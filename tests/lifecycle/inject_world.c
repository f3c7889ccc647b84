/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "inject_world.h"

#define POOL_PAGES   64u
#define TRIES	     4u
#define APERTURE     (4 * WORLD_BLOCK)
#define FRESH_CLAIMS 3u
/* Addresses that a device guesses at one time. */
#define GUESSES 16u

/* ---- the model ---- */

static unsigned int number(const struct world *w, const struct dmah_device *dev)
{
	if (dev == w->alias)
		return 0;
	for (unsigned int i = 0; i < WORLD_DEVICES; i++)
		if (w->dev[i] == dev)
			return i;
	return WORLD_DEVICES;
}

/* Returns true if no live mapping has another memory at this DMA address. */
static bool unambiguous(const struct world *w, const struct sim_reach *reach)
{
	for (unsigned int i = 0; i < w->nclaims; i++) {
		const struct claim *c = &w->claim[i];

		if (!c->live || c->bounced || reach->dma >= c->dma + c->len ||
		    c->dma >= reach->dma + reach->size)
			continue;
		if (reach->phys - c->phys != reach->dma - c->dma)
			return false;
	}
	return true;
}

/* Returns true if the page is memory that the host has not got back: freed memory is poisoned. */
static bool withheld(struct world *w, const struct sim_reach *reach)
{
	struct posix_alloc_stats stats;
	unsigned char byte = POSIX_POISON;

	posix_alloc_stats(&stats);
	sim_cpu_read(w->r.sim, reach->phys, &byte, 1);
	return stats.mem && w->coherent_unsafe && byte != POSIX_POISON;
}

static bool may(void *ctx, struct sim_device *sim_dev, const struct sim_reach *reach)
{
	struct world *w = ctx;
	unsigned int dev = number(w, sim_device_dmah(sim_dev));

	if (dev < WORLD_DEVICES && w->blocked & 1u << dev)
		return false;
	if (reach->by == SIM_BY_PASSTHROUGH)
		return w->passthrough;
	if (reach->phys - WORLD_IDENTITY < 4096)
		return w->identity;
	if (!unambiguous(w, reach))
		return false;
	if (reach->phys - w->pool_phys < w->pool_size)
		return dmah_pool_used(w->pool) > 0;
	for (unsigned int i = 0; i < w->nclaims; i++) {
		const struct claim *c = &w->claim[i];
		dmah_phys_t first = c->phys & ~4095ull;
		uint64_t size = (c->phys + c->len - first + 4095) & ~4095ull;

		if (c->phys && reach->phys - first < size &&
		    reach->size <= size - (reach->phys - first))
			return c->live || c->lazy || c->unsafe;
	}
	return withheld(w, reach);
}

/** struct guesses - the addresses that one device guesses. */
struct guesses {
	dmah_addr_t dma[GUESSES];
	unsigned int n;
};

static int add_guess(void *ctx, const struct sim_reach *reach)
{
	struct guesses *g = ctx;

	if (reach->by == SIM_BY_TABLE)
		g->dma[g->n++] = reach->dma;
	return g->n == GUESSES;
}

void world_guess(void *ctx)
{
	struct world *w = ctx;

	for (unsigned int i = 0; i < w->r.ndevices; i++) {
		struct guesses g = { .n = 0 };
		unsigned char byte;

		(void)sim_reach_each(w->r.dev[i], add_guess, &g);
		for (unsigned int k = 0; k < g.n; k++)
			(void)sim_dma_read(w->r.dev[i], g.dma[k], &byte, 1);
	}
}

bool world_reaches_too_much(struct world *w)
{
	return sim_reach_check(w->r.sim, may, w) != 0;
}

/* ---- claims ---- */

struct claim *claim_new(struct world *w, unsigned int pages)
{
	struct claim *c = &w->claim[w->nclaims];
	uint64_t size = pages * 4096ull;

	assert_true(w->nclaims < WORLD_CLAIMS);
	w->nclaims++;
	c->len = size;
	c->phys = sim_ram_take(w->r.sim, size, size >= WORLD_BLOCK ? WORLD_BLOCK : 4096);
	assert_true(c->phys != ~0ull);
	return c;
}

void claim_mapped(struct world *w, struct claim *c, dmah_addr_t dma, int err)
{
	c->live = !err;
	c->dma = dma;
	c->unsafe |= err == DMAH_ETIMEDOUT;
	if (!err)
		(void)rig_writes(&w->r, w->dev[0], dma);
	if (!err && w->alias)
		(void)rig_writes(&w->r, w->alias, dma);
}

void claim_unmapped(struct world *w, struct claim *c, int err)
{
	if (err && err != DMAH_ETIMEDOUT)
		fail_msg("an unmap was refused: %s", dmah_strerror(err));
	c->live = false;
	/* No unmap of a killed device waits; other devices may have used its address. */
	c->lazy = !err && (w->lazy || w->dev[0]->killed);
	c->unsafe |= err != 0;
}

int claim_map(struct world *w, struct claim *c)
{
	int err = dmah_map(w->dev[0], &c->h, c->phys, c->len, DMAH_BIDIRECTIONAL, 0);

	c->by_handle = !err;
	claim_mapped(w, c, dmah_addr(&c->h), err);
	return err;
}

void claim_unmap(struct world *w, struct claim *c)
{
	if (c->live)
		claim_unmapped(w, c,
			       c->coherent ? dmah_free_coherent(w->dev[0], &c->h)
					   : dmah_unmap(w->dev[0], &c->h));
}

void world_polled(struct world *w, int err)
{
	for (unsigned int i = 0; !err && i < w->nclaims; i++)
		w->claim[i].lazy = false;
}

void world_flushed(struct world *w, int err)
{
	world_polled(w, err);
	for (unsigned int i = 0; !err && i < w->nclaims; i++)
		w->claim[i].unsafe = false;
	/* An attach that failed leaves no identity range, as soon as a flush is confirmed. */
	if (!err && !w->dev[1]->dom)
		w->identity = false;
}

/* ---- devices and modes ---- */

int world_attach(struct world *w, unsigned int n, const struct dmah_reserved *ranges,
		 unsigned int nranges)
{
	struct dmah_limits limits = rig_limits(&w->r, w->dev[n]);
	int err;

	limits.reserved = ranges;
	limits.nreserved = nranges;
	if (!n && w->flags & WORLD_UNTRUSTED)
		limits.flags |= DMAH_DEV_UNTRUSTED;
	err = dmah_attach(w->r.dom, w->dev[n], &limits);
	if (!err || err == DMAH_ETIMEDOUT)
		w->blocked &= ~(1u << n);
	return err;
}

int world_detach(struct world *w, unsigned int n)
{
	int err = dmah_detach(w->dev[n]);

	if (!err)
		w->blocked |= 1u << n;
	return err;
}

int world_set_mode(struct world *w, enum dmah_mode mode)
{
	int err = dmah_set_mode(w->r.dom, mode);

	if (mode == DMAH_STRICT && w->lazy)
		world_polled(w, err);
	if (!err || (mode == DMAH_STRICT && err == DMAH_ETIMEDOUT))
		w->lazy = mode == DMAH_LAZY && !(w->flags & WORLD_UNTRUSTED);
	if (!err)
		w->passthrough = mode == DMAH_PASSTHROUGH;
	else if (err == DMAH_ETIMEDOUT && mode == DMAH_PASSTHROUGH)
		w->passthrough = true;
	return err;
}

int world_domain_init(struct world *w, enum dmah_mode mode)
{
	size_t need;
	int err;

	w->r.config.mode = mode;
	need = dmah_domain_memory(&w->r.config);
	w->r.domain_memory = aligned_alloc(64, (need + 63) & ~(size_t)63);
	err = dmah_domain_init(&w->r.dom, &w->r.config, w->r.domain_memory, need);
	if (err)
		w->r.dom = NULL;
	else
		w->passthrough = mode == DMAH_PASSTHROUGH;
	return err;
}

/* ---- the machine ---- */

static void open_pool(struct world *w)
{
	size_t need = dmah_pool_memory(POOL_PAGES * 4096ull);

	w->pool_size = POOL_PAGES * 4096ull;
	w->pool_phys = sim_ram_take(w->r.sim, w->pool_size, 4096);
	w->pool_memory = aligned_alloc(64, (need + 63) & ~(size_t)63);
	assert_int_equal(dmah_pool_init(&w->pool, w->pool_phys, w->pool_size, w->pool_memory, need),
			 DMAH_OK);
	w->r.config.pool = w->pool;
}

static void open_second_iommu(struct world *w)
{
	if (w->r.kind == RIG_VTD || w->r.kind == RIG_SMMU) {
		unit_create(&w->second, w->r.sim, 1);
		w->iommu2 = unit_start(&w->second, 1000000);
		sim_inject_watch(w->r.sim, 1, w->iommu2);
	} else {
		w->iommu2 = sim_fake_iommu(sim_iommu(w->r.sim, 1));
	}
}

void world_open(struct world *w, enum rig_kind kind, unsigned int flags)
{
	struct rig_config config = {
		.domain = { .aperture_base = 0x10000000, .aperture_size = APERTURE, .cpus = 2 },
		.caching_mode = flags & WORLD_CACHING,
		.noncoherent_walk = flags & WORLD_NONCOHERENT,
		.two_iommus = flags & WORLD_TWO,
		.no_domain = true
	};

	memset(w, 0, sizeof(*w));
	w->flags = flags;
	w->lazy = flags & WORLD_LAZY && !(flags & WORLD_UNTRUSTED);
	w->blocked = ~0u;
	rig_open(&w->r, kind, &config);
	open_pool(w);
	if (flags & WORLD_TWO)
		open_second_iommu(w);
	if (flags & WORLD_ALIAS && (kind == RIG_VTD || kind == RIG_SMMU)) {
		w->alias = rig_device_behind(&w->r, 0, true);
		w->alias_id = w->alias->id;
	}
	for (unsigned int i = 0; i < WORLD_DEVICES; i++)
		w->dev[i] = rig_device_behind(&w->r, flags & WORLD_TWO && i ? 1 : 0, i < 2);
	if (w->alias) {
		w->dev[0]->ids = &w->alias_id;
		w->dev[0]->nids = 1;
	}
	for (unsigned int i = 1; flags & WORLD_TWO && i < WORLD_DEVICES; i++)
		w->dev[i]->iommu = w->iommu2;
	if (flags & WORLD_BARE)
		return;
	assert_int_equal(world_domain_init(w, flags & WORLD_LAZY	  ? DMAH_LAZY
					      : flags & WORLD_PASSTHROUGH ? DMAH_PASSTHROUGH
									  : DMAH_STRICT),
			 DMAH_OK);
	assert_int_equal(world_attach(w, 0, NULL, 0), DMAH_OK);
}

/* ---- the end ---- */

static int reset_units(struct world *w)
{
	int err = DMAH_OK;

	if (w->r.kind == RIG_VTD)
		err = dmah_vtd_reset(&w->r.unit.vtd);
	else if (w->r.kind == RIG_SMMU)
		err = dmah_smmuv3_reset(&w->r.unit.smmu);
	if (!err && w->second.vtd_model)
		err = dmah_vtd_reset(&w->second.vtd);
	if (!err && w->second.smmu_model)
		err = dmah_smmuv3_reset(&w->second.smmu);
	return err;
}

/* Flush until that is confirmed: a unit that has failed is reset, a silent device is isolated. */
static bool recover(struct world *w)
{
	int err = w->r.dom ? dmah_flush(w->r.dom) : DMAH_ETIMEDOUT;

	for (unsigned int i = 0; err && i < TRIES; i++) {
		if (reset_units(w))
			return false;
		err = w->r.dom ? dmah_flush(w->r.dom) : DMAH_OK;
	}
	world_flushed(w, err);
	return !err;
}

/* New mappings: none may get an address through which a device still reaches other memory. */
static void map_fresh(struct world *w)
{
	if (!w->dev[0]->dom)
		return;
	for (unsigned int i = 0; i < FRESH_CLAIMS; i++) {
		struct claim *c = claim_new(w, 1);

		(void)claim_map(w, c);
	}
}

/* The ring's memory is no handle's: pop what is live, and end the ring. */
static bool end_ring(struct world *w)
{
	bool ended = false;

	if (!w->ring)
		return true;
	(void)dmah_ring_pop(w->ring, dmah_ring_live(w->ring));
	for (unsigned int i = 0; !ended && i < TRIES; i++) {
		ended = !dmah_ring_fini(w->ring);
		if (!ended)
			(void)recover(w);
	}
	w->ring = NULL;
	for (unsigned int i = 0; i < w->nclaims; i++)
		if (!w->claim[i].by_handle && !w->claim[i].coherent)
			w->claim[i].live = false;
	return ended;
}

static void end_handles(struct world *w)
{
	for (unsigned int i = 0; i < w->nclaims; i++)
		if (w->claim[i].by_handle || w->claim[i].coherent)
			claim_unmap(w, &w->claim[i]);
}

static bool end_devices(struct world *w)
{
	for (unsigned int n = 0; n < WORLD_DEVICES; n++)
		for (unsigned int i = 0; w->dev[n]->dom && world_detach(w, n); i++)
			if (i == TRIES)
				return false;
	w->identity = false;
	return true;
}

/* Returns true if every IOVA of the aperture can be had, by a device that is attached for that. */
static bool whole_aperture(struct world *w)
{
	struct dmah h[APERTURE / WORLD_BLOCK] = { 0 };
	struct claim *c;
	unsigned int n = 0;
	bool whole;

	if (w->flags & WORLD_RESERVES)
		return true;
	w->flags &= ~(unsigned int)WORLD_UNTRUSTED;
	if (world_attach(w, 0, NULL, 0))
		return false;
	c = claim_new(w, (unsigned int)(WORLD_BLOCK / 4096));
	while (n < APERTURE / WORLD_BLOCK &&
	       !dmah_map(w->dev[0], &h[n], c->phys, c->len, DMAH_TO_DEVICE, 0))
		n++;
	whole = n == APERTURE / WORLD_BLOCK;
	while (n--)
		if (dmah_unmap(w->dev[0], &h[n]))
			return false;
	return !world_detach(w, 0) && whole;
}

static const char *end_domain(struct world *w)
{
	if (w->r.dom && w->passthrough && world_set_mode(w, DMAH_STRICT))
		return "the domain cannot leave passthrough";
	if (w->r.dom && !whole_aperture(w))
		return "the aperture is not whole";
	if (w->r.dom && dmah_domain_fini(w->r.dom))
		return "the domain cannot end";
	w->r.dom = NULL;
	return NULL;
}

static const char *end_machine(struct world *w)
{
	struct posix_alloc_stats stats;
	const char *text = end_domain(w);

	if (text)
		return text;
	if (w->r.kind == RIG_VTD || w->r.kind == RIG_SMMU)
		unit_stop(&w->r.unit);
	if (w->second.iommu)
		unit_stop(&w->second);
	posix_alloc_stats(&stats);
	if (stats.pages || stats.mem)
		return "host memory is lost";
	return dmah_pool_used(w->pool) ? "bounce slots are lost" : NULL;
}

const char *world_end(struct world *w)
{
	map_fresh(w);
	if (world_reaches_too_much(w))
		return "memory is reached that the calls said is not";
	sim_repair(w->r.sim, w->flags & WORLD_POWER);
	/* A unit that has lost its state answers nothing before it is reset. */
	if (w->flags & WORLD_POWER && reset_units(w))
		return "a unit cannot be reset";
	if (!recover(w))
		return "the hardware is repaired, and a flush is not confirmed";
	if (world_reaches_too_much(w))
		return "memory is reached after a confirmed flush";
	end_handles(w);
	if (!end_ring(w))
		return "the ring cannot end";
	if (!recover(w))
		return "a flush is not confirmed after the unmaps";
	if (world_reaches_too_much(w))
		return "memory is reached after all unmaps";
	if (!end_devices(w))
		return "a device cannot leave";
	if (w->r.dom && dmah_flush(w->r.dom))
		return "the last flush is not confirmed";
	if (world_reaches_too_much(w))
		return "memory is reached by a device that has left";
	return end_machine(w);
}

void world_free(struct world *w)
{
	rig_abandon(&w->r);
	if (w->second.memory)
		unit_free(&w->second);
	free(w->ring_memory);
	free(w->pool_memory);
}
