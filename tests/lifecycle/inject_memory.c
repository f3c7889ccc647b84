/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Acts of the failure-injection suite: rings and coherent memory. */
#include "inject_world.h"

#define ENTRIES 4u

static int open_ring(struct world *w)
{
	struct dmah_ring_config config = { .entries = ENTRIES,
					   .entry_size = 4096,
					   .dir = DMAH_BIDIRECTIONAL };
	size_t need = dmah_ring_memory(&config);
	int err;

	w->ring_memory = aligned_alloc(64, (need + 63) & ~(size_t)63);
	err = dmah_ring_init(&w->ring, w->dev[0], &config, w->ring_memory, need);
	if (err)
		w->ring = NULL;
	return err;
}

static int push(struct world *w, struct claim *c)
{
	dmah_addr_t dma = 0;
	int err = dmah_ring_push(w->ring, c->phys, (uint32_t)c->len, &dma);

	claim_mapped(w, c, dma, err);
	return err;
}

/* Push and pop until the ring has gone round; each pop ends @n mappings. */
static void turn(struct world *w, unsigned int n)
{
	struct claim *c[ENTRIES];

	if (open_ring(w))
		return;
	for (unsigned int round = 0; round < 3; round++) {
		unsigned int live = 0;
		int err;

		for (; live < n; live++) {
			c[live] = claim_new(w, 1);
			if (push(w, c[live]))
				break;
		}
		err = dmah_ring_pop(w->ring, live);
		for (unsigned int i = 0; i < live; i++)
			claim_unmapped(w, c[i], err);
	}
	if (!dmah_ring_fini(w->ring))
		w->ring = NULL;
}

static void ring_by_one(struct world *w)
{
	turn(w, 1);
}

static void ring_by_three(struct world *w)
{
	turn(w, 3);
}

/* A ring whose mappings are live when the act ends. */
static void ring_left(struct world *w)
{
	if (open_ring(w))
		return;
	for (unsigned int i = 0; i < 2; i++)
		(void)push(w, claim_new(w, 1));
}

static struct claim *allocate(struct world *w, unsigned int pages)
{
	struct claim *c = &w->claim[w->nclaims++];
	void *cpu;
	int err = dmah_alloc_coherent(w->dev[0], &c->h, pages * 4096ull, &cpu);

	c->coherent = true;
	w->coherent_unsafe |= err == DMAH_ETIMEDOUT;
	if (err)
		return c;
	c->phys = c->h.phys;
	c->len = pages * 4096ull;
	claim_mapped(w, c, dmah_addr(&c->h), DMAH_OK);
	return c;
}

/* The host may hand memory out again as soon as the library has freed it. */
static void release(struct world *w, struct claim *c)
{
	int err;

	if (!c->live)
		return;
	err = dmah_free_coherent(w->dev[0], &c->h);
	claim_unmapped(w, c, err);
	c->lazy = false;
	if (err) {
		w->coherent_unsafe = true;
		c->unsafe = false;
	}
	c->phys = 0;
}

static void coherent(struct world *w)
{
	struct claim *one = allocate(w, 1), *three = allocate(w, 3);

	release(w, one);
	release(w, three);
	/* One of these calls, or the flush, releases the memory that is withheld now. */
	release(w, allocate(w, 1));
	world_flushed(w, dmah_flush(w->r.dom));
	release(w, allocate(w, 1));
}

static void coherent_left(struct world *w)
{
	(void)allocate(w, 1);
	(void)allocate(w, (unsigned int)(WORLD_BLOCK / 4096));
}

/* Memory is withheld until a flush that begins later is confirmed. */
static void coherent_withheld(struct world *w)
{
	for (unsigned int i = 0; i < 3; i++)
		release(w, allocate(w, 2));
	(void)claim_map(w, claim_new(w, 1));
	world_flushed(w, dmah_flush(w->r.dom));
	world_flushed(w, dmah_flush(w->r.dom));
}

const struct act inject_memory[] = {
	{ "ring by one", ring_by_one, 0 },
	{ "ring by one, lazy", ring_by_one, WORLD_LAZY },
	{ "ring by one, caching mode", ring_by_one, WORLD_CACHING },
	{ "ring by one, passthrough", ring_by_one, WORLD_PASSTHROUGH },
	{ "ring by three", ring_by_three, 0 },
	{ "ring by three, lazy", ring_by_three, WORLD_LAZY },
	{ "ring with live mappings", ring_left, 0 },
	{ "ring with live mappings, lazy", ring_left, WORLD_LAZY },
	{ "coherent memory", coherent, 0 },
	{ "coherent memory, lazy", coherent, WORLD_LAZY },
	{ "coherent memory, caching mode", coherent, WORLD_CACHING },
	{ "coherent memory, passthrough", coherent, WORLD_PASSTHROUGH },
	{ "coherent memory that stays", coherent_left, 0 },
	{ "coherent memory, withheld", coherent_withheld, 0 },
	{ NULL, NULL, 0 },
};
