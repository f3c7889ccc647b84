/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Acts of the failure-injection suite: maps and unmaps by handle, vector, list, address, page and batch. */
#include "inject_world.h"

#define PIECES 3u

static void map_and_unmap(struct world *w, struct claim *c)
{
	(void)claim_map(w, c);
	claim_unmap(w, c);
}

/* The second mapping finds the page table of the first one. */
static void one_granule(struct world *w)
{
	map_and_unmap(w, claim_new(w, 1));
	map_and_unmap(w, claim_new(w, 1));
}

static void several_granules(struct world *w)
{
	struct claim *c = claim_new(w, 5);

	c->phys += 512;
	c->len -= 1024;
	map_and_unmap(w, c);
	map_and_unmap(w, claim_new(w, 40));
}

static void block(struct world *w)
{
	map_and_unmap(w, claim_new(w, (unsigned int)(WORLD_BLOCK / 4096)));
}

/* Partial granules of an untrusted device bounce; the granule in between is mapped in place. */
static void bounced(struct world *w)
{
	struct claim *c = claim_new(w, 1);

	c->phys += 512;
	c->len = 1024;
	c->bounced = true;
	map_and_unmap(w, c);
	c = claim_new(w, 3);
	c->phys += 512;
	c->len -= 1024;
	c->bounced = true;
	map_and_unmap(w, c);
}

static void bus(struct world *w)
{
	struct claim *c = claim_new(w, 1);
	int err = dmah_map_bus(w->dev[0], &c->h, c->phys, c->phys, 4096, DMAH_FROM_DEVICE, 0);

	c->by_handle = !err;
	claim_mapped(w, c, dmah_addr(&c->h), err);
	claim_unmap(w, c);
}

static void vector(struct world *w)
{
	struct dmah part[PIECES] = { 0 };
	struct dmah_dma_seg seg[PIECES];
	struct dmah_vec v = { .part = part, .seg = seg, .max = PIECES };
	struct dmah_seg piece[PIECES];
	struct claim *c[PIECES];
	int err;

	for (unsigned int i = 0; i < PIECES; i++) {
		c[i] = claim_new(w, i + 1);
		piece[i] = (struct dmah_seg){ c[i]->phys, (uint32_t)c[i]->len };
	}
	err = dmah_map_vec(w->dev[0], &v, piece, PIECES, DMAH_BIDIRECTIONAL, 0);
	for (unsigned int i = 0; i < PIECES; i++)
		claim_mapped(w, c[i], err ? 0 : dmah_addr(&part[i]), err);
	if (err)
		return;
	err = dmah_unmap_vec(w->dev[0], &v);
	for (unsigned int i = 0; i < PIECES; i++)
		claim_unmapped(w, c[i], err);
}

static void list(struct world *w)
{
	struct dmah_sg sg[PIECES] = { 0 };
	struct claim *c[PIECES];
	dmah_addr_t dma;
	int err, n;

	for (unsigned int i = 0; i < PIECES; i++) {
		c[i] = claim_new(w, i + 1);
		sg[i] = (struct dmah_sg){ .phys = c[i]->phys, .len = (uint32_t)c[i]->len };
	}
	n = dmah_addr_map_sg(w->dev[0], sg, PIECES, DMAH_BIDIRECTIONAL, 0);
	err = n < 0 ? n : DMAH_OK;
	/* Whole pages: the segments merge, and each piece follows the one before. */
	dma = sg[0].dma;
	for (unsigned int i = 0; i < PIECES; i++) {
		claim_mapped(w, c[i], dma, err);
		dma += c[i]->len;
		if (n > 1 && (unsigned int)n > i + 1)
			dma = sg[i + 1].dma;
	}
	if (err)
		return;
	err = dmah_addr_unmap_sg(w->dev[0], sg, PIECES, DMAH_BIDIRECTIONAL, 0);
	for (unsigned int i = 0; i < PIECES; i++)
		claim_unmapped(w, c[i], err);
}

static void by_address(struct world *w)
{
	for (unsigned int pages = 1; pages <= 3; pages += 2) {
		struct claim *c = claim_new(w, pages);
		dmah_addr_t dma = 0;
		int err = dmah_addr_map(w->dev[0], c->phys, c->len, DMAH_BIDIRECTIONAL, 0, &dma);

		claim_mapped(w, c, dma, err);
		if (!err)
			claim_unmapped(w, c,
				       dmah_addr_unmap(w->dev[0], dma, c->len, DMAH_BIDIRECTIONAL,
						       0));
	}
}

static void by_page(struct world *w)
{
	for (unsigned int pages = 1; pages <= 3; pages += 2) {
		struct claim *c = claim_new(w, pages);
		dmah_addr_t dma = 0;
		int err = dmah_addr_map(w->dev[0], c->phys, c->len, DMAH_BIDIRECTIONAL, 0, &dma);

		claim_mapped(w, c, dma, err);
		if (!err)
			claim_unmapped(w, c,
				       dmah_page_unmap(w->dev[0], dma, c->phys, c->len,
						       DMAH_BIDIRECTIONAL, 0));
	}
}

static void bus_by_address(struct world *w)
{
	struct claim *c = claim_new(w, 1);
	dmah_addr_t dma = 0;
	int err = dmah_addr_map_bus(w->dev[0], c->phys, c->phys, 4096, DMAH_BIDIRECTIONAL, 0, &dma);

	claim_mapped(w, c, dma, err);
	if (!err)
		claim_unmapped(w, c, dmah_addr_unmap(w->dev[0], dma, 4096, DMAH_BIDIRECTIONAL, 0));
}

/* Two batches: the second one begins before the first one is finished. */
static void batches(struct world *w)
{
	struct dmah room[2][2] = { 0 };
	struct dmah_batch b[2] = { { .h = room[0], .max = 2 }, { .h = room[1], .max = 2 } };
	struct claim *c[4];
	int err[2];

	for (unsigned int i = 0; i < 4; i++) {
		c[i] = claim_new(w, i + 1);
		(void)claim_map(w, c[i]);
	}
	for (unsigned int i = 0; i < 2; i++) {
		struct dmah *h[2] = { &c[i * 2]->h, &c[i * 2 + 1]->h };

		err[i] = dmah_unmap_start(w->dev[0], &b[i], h, 2);
	}
	for (unsigned int i = 0; i < 4; i++) {
		if (i % 2 == 0 && !err[i / 2])
			err[i / 2] = dmah_unmap_finish(w->dev[0], &b[i / 2]);
		if (c[i]->live)
			claim_unmapped(w, c[i], err[i / 2]);
	}
}

const struct act inject_maps[] = {
	{ "one granule", one_granule, 0 },
	{ "one granule, lazy", one_granule, WORLD_LAZY },
	{ "one granule, caching mode", one_granule, WORLD_CACHING },
	{ "several granules", several_granules, 0 },
	{ "several granules, lazy", several_granules, WORLD_LAZY },
	{ "several granules, caching mode", several_granules, WORLD_CACHING },
	{ "a block of 2 MiB", block, 0 },
	{ "a block of 2 MiB, lazy", block, WORLD_LAZY },
	{ "bounced", bounced, WORLD_UNTRUSTED },
	{ "bounced, lazy", bounced, WORLD_UNTRUSTED | WORLD_LAZY },
	{ "bus address", bus, 0 },
	{ "bus address, lazy", bus, WORLD_LAZY },
	{ "vector", vector, 0 },
	{ "vector, lazy", vector, WORLD_LAZY },
	{ "list", list, 0 },
	{ "list, lazy", list, WORLD_LAZY },
	{ "by address", by_address, 0 },
	{ "by address, lazy", by_address, WORLD_LAZY },
	{ "by page", by_page, 0 },
	{ "by page, lazy", by_page, WORLD_LAZY },
	{ "bus address by address", bus_by_address, 0 },
	{ "batches", batches, 0 },
	{ "batches, lazy", batches, WORLD_LAZY },
	{ NULL, NULL, 0 },
};
