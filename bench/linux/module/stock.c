// SPDX-License-Identifier: GPL-2.0-only
/* The loop alone, and the kernel's own DMA API: by address, and by a scatter list of one entry. */
#include "cost.h"

/* ---- the loop: what every other function below does too, and is no part of an API ---- */

static int loop_map(struct cost *c, const u16 *which, u32 n)
{
	struct slot *s;

	cost_for_each(c, s, which, n) asm volatile("" : : "r"(s), "r"(c->dev) : "memory");
	return 0;
}

static void loop_other(struct cost *c, const u16 *which, u32 n)
{
	struct slot *s;

	cost_for_each(c, s, which, n) asm volatile("" : : "r"(s), "r"(c->dev) : "memory");
}

/* ---- by address ---- */

static void page_unmap(struct cost *c, const u16 *which, u32 n)
{
	struct slot *s;

	cost_for_each(c, s, which, n) dma_unmap_page(c->dev, s->dma, c->len, COST_DIR);
}

static int page_map(struct cost *c, const u16 *which, u32 n)
{
	struct slot *s;

	cost_for_each(c, s, which, n)
	{
		s->dma = dma_map_page(c->dev, s->page, c->off, c->len, COST_DIR);
		if (dma_mapping_error(c->dev, s->dma)) {
			page_unmap(c, which, i_);
			return -EIO;
		}
	}
	return 0;
}

static void page_sync_cpu(struct cost *c, const u16 *which, u32 n)
{
	struct slot *s;

	cost_for_each(c, s, which, n) dma_sync_single_for_cpu(c->dev, s->dma, c->len, COST_DIR);
}

static void page_sync_device(struct cost *c, const u16 *which, u32 n)
{
	struct slot *s;

	cost_for_each(c, s, which, n) dma_sync_single_for_device(c->dev, s->dma, c->len, COST_DIR);
}

/*
 * ---- by a list of one entry: it keeps the page, so that nothing has to be looked up at unmap ----
 */

static void sg_unmap(struct cost *c, const u16 *which, u32 n)
{
	struct slot *s;

	cost_for_each(c, s, which, n) dma_unmap_sg(c->dev, &s->sg, 1, COST_DIR);
}

static int sg_map(struct cost *c, const u16 *which, u32 n)
{
	struct slot *s;

	cost_for_each(c, s, which, n)
	{
		sg_init_table(&s->sg, 1);
		sg_set_page(&s->sg, s->page, c->len, c->off);
		if (dma_map_sg(c->dev, &s->sg, 1, COST_DIR) != 1) {
			sg_unmap(c, which, i_);
			return -EIO;
		}
	}
	return 0;
}

static void sg_sync_cpu(struct cost *c, const u16 *which, u32 n)
{
	struct slot *s;

	cost_for_each(c, s, which, n) dma_sync_sg_for_cpu(c->dev, &s->sg, 1, COST_DIR);
}

static void sg_sync_device(struct cost *c, const u16 *which, u32 n)
{
	struct slot *s;

	cost_for_each(c, s, which, n) dma_sync_sg_for_device(c->dev, &s->sg, 1, COST_DIR);
}

const struct cost_case cases_first[] = {
	{ .name = "page-first",
	  .group = 16,
	  .map = page_map,
	  .unmap = page_unmap,
	  .sync_cpu = page_sync_cpu,
	  .sync_device = page_sync_device },
	{},
};

const struct cost_case cases_stock[] = {
	{ .name = "loop",
	  .group = 16,
	  .map = loop_map,
	  .unmap = loop_other,
	  .sync_cpu = loop_other,
	  .sync_device = loop_other },
	{ .name = "page",
	  .group = 16,
	  .map = page_map,
	  .unmap = page_unmap,
	  .sync_cpu = page_sync_cpu,
	  .sync_device = page_sync_device },
	{ .name = "page-in-order",
	  .group = 16,
	  .in_order = true,
	  .map = page_map,
	  .unmap = page_unmap,
	  .sync_cpu = page_sync_cpu,
	  .sync_device = page_sync_device },
	{ .name = "sg",
	  .group = 16,
	  .map = sg_map,
	  .unmap = sg_unmap,
	  .sync_cpu = sg_sync_cpu,
	  .sync_device = sg_sync_device },
	{},
};
