// SPDX-License-Identifier: GPL-2.0-only
/* The loop alone, and the kernel's own DMA API: by address, and by a scatter list of one entry. */
#include <linux/version.h>

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

/* 7.0: an attribute by which unmap looks nothing up. It is given to both calls. */
#ifdef DMA_ATTR_REQUIRE_COHERENT
static void attr_unmap(struct cost *c, const u16 *which, u32 n)
{
	struct slot *s;

	cost_for_each(c, s, which, n)
		dma_unmap_page_attrs(c->dev, s->dma, c->len, COST_DIR, DMA_ATTR_REQUIRE_COHERENT);
}

static int attr_map(struct cost *c, const u16 *which, u32 n)
{
	struct slot *s;

	cost_for_each(c, s, which, n)
	{
		s->dma = dma_map_page_attrs(c->dev, s->page, c->off, c->len, COST_DIR,
					    DMA_ATTR_REQUIRE_COHERENT);
		if (dma_mapping_error(c->dev, s->dma)) {
			attr_unmap(c, which, i_);
			return -EIO;
		}
	}
	return 0;
}

static int attr_begin(struct cost *c, const char **why)
{
	dma_addr_t dma = dma_map_page_attrs(c->dev, c->slots[0].page, c->off, c->len, COST_DIR,
					    DMA_ATTR_REQUIRE_COHERENT);

	*why = "the kernel refuses this mapping with DMA_ATTR_REQUIRE_COHERENT: it bounces";
	if (dma_mapping_error(c->dev, dma))
		return -EIO;
	dma_unmap_page_attrs(c->dev, dma, c->len, COST_DIR, DMA_ATTR_REQUIRE_COHERENT);
	return 0;
}
#endif

/* 6.16: a range of IOVAs for each mapping, which remembers its address. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 16, 0)
static struct dma_iova_state iova_states[COST_LIVE];

static void link_unmap(struct cost *c, const u16 *which, u32 n)
{
	for (u32 i = 0; i < n; i++)
		dma_iova_destroy(c->dev, &iova_states[which[i]], c->len, COST_DIR, 0);
}

static int link_map(struct cost *c, const u16 *which, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		struct dma_iova_state *s = &iova_states[which[i]];
		phys_addr_t phys = page_to_phys(c->slots[which[i]].page) + c->off;
		int err = -ENOSPC;

		if (dma_iova_try_alloc(c->dev, s, phys, c->len))
			err = dma_iova_link(c->dev, s, phys, 0, c->len, COST_DIR, 0);
		if (!err)
			err = dma_iova_sync(c->dev, s, 0, c->len);
		if (err) {
			link_unmap(c, which, i);
			return err;
		}
	}
	return 0;
}

static int link_begin(struct cost *c, const char **why)
{
	const u16 first = 0;
	int err = link_map(c, &first, 1);

	*why = "the kernel gives no range, or cannot link this buffer: no IOMMU translates, or it "
	       "bounces";
	if (!err)
		link_unmap(c, &first, 1);
	return err;
}
#endif

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
#ifdef DMA_ATTR_REQUIRE_COHERENT
	{ .name = "attr", .group = 16, .begin = attr_begin, .map = attr_map, .unmap = attr_unmap },
#endif
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 16, 0)
	{ .name = "iova-link",
	  .group = 16,
	  .begin = link_begin,
	  .map = link_map,
	  .unmap = link_unmap },
#endif
	{},
};
