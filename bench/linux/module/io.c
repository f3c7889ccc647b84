// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests of a disk: lists of one page and of 32 scattered ones, mapped as the block layer's
 * drivers do, and as a handle of the whole list. 128 KiB of a page cache rarely lie together.
 */
#include <linux/bvec.h>
#include <linux/version.h>

#include "cost.h"

/* Pages of a large request. */
#define IO_PAGES 32
#define IO_MOST	 (COST_LIVE / IO_PAGES)

/* The same pages in each request of each case, no two of them neighbours in the list of pages. */
static struct slot *piece(struct cost *c, u16 which)
{
	return &c->slots[(which * 167 + 13) % COST_LIVE];
}

/* ---- dma_map_page() of each page ---- */

static void pages_unmap(struct cost *c, const u16 *which, u32 n)
{
	for (u32 i = 0; i < n; i++)
		dma_unmap_page(c->dev, piece(c, which[i])->dma, PAGE_SIZE, COST_DIR);
}

static int pages_map(struct cost *c, const u16 *which, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		struct slot *s = piece(c, which[i]);

		s->dma = dma_map_page(c->dev, s->page, 0, PAGE_SIZE, COST_DIR);
		if (dma_mapping_error(c->dev, s->dma)) {
			pages_unmap(c, which, i);
			return -EIO;
		}
	}
	return 0;
}

/* ---- a scatterlist ---- */

static struct scatterlist lists[IO_MOST][IO_PAGES];

static void sg_unmap(struct cost *c, const u16 *which, u32 n)
{
	dma_unmap_sg(c->dev, lists[which[0] / IO_PAGES], n, COST_DIR);
}

static int sg_map(struct cost *c, const u16 *which, u32 n)
{
	struct scatterlist *sg = lists[which[0] / IO_PAGES];

	sg_init_table(sg, n);
	for (u32 i = 0; i < n; i++)
		sg_set_page(&sg[i], piece(c, which[i])->page, PAGE_SIZE, 0);
	return dma_map_sg(c->dev, sg, n, COST_DIR) ? 0 : -EIO;
}

/* ---- one range of IOVAs: the block layer's way for such a request since 6.16 ---- */

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 16, 0)
static struct dma_iova_state ranges[IO_MOST];

static void link_unmap(struct cost *c, const u16 *which, u32 n)
{
	dma_iova_destroy(c->dev, &ranges[which[0] / IO_PAGES], n * PAGE_SIZE, COST_DIR, 0);
}

static int link_pieces(struct cost *c, struct dma_iova_state *s, const u16 *which, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		int err = dma_iova_link(c->dev, s, page_to_phys(piece(c, which[i])->page),
					i * PAGE_SIZE, PAGE_SIZE, COST_DIR, 0);

		if (err) {
			dma_iova_destroy(c->dev, s, i * PAGE_SIZE, COST_DIR, 0);
			return err;
		}
	}
	return dma_iova_sync(c->dev, s, 0, n * PAGE_SIZE);
}

static int link_map(struct cost *c, const u16 *which, u32 n)
{
	struct dma_iova_state *s = &ranges[which[0] / IO_PAGES];
	phys_addr_t phys = page_to_phys(piece(c, which[0])->page);

	memset(s, 0, sizeof(*s));
	return dma_iova_try_alloc(c->dev, s, phys, n * PAGE_SIZE) ? link_pieces(c, s, which, n)
								  : -EOPNOTSUPP;
}

static int link_begin(struct cost *c, const char **why)
{
	u16 which[IO_PAGES];
	int err;

	for (u16 i = 0; i < IO_PAGES; i++)
		which[i] = i;
	*why = "the kernel gives no range: no IOMMU translates";
	err = link_map(c, which, IO_PAGES);
	if (!err)
		link_unmap(c, which, IO_PAGES);
	return err;
}
#endif

/* ---- the handle of a list ---- */

static struct dmah_vec vectors[COST_LIVE];

static int vectors_open(struct cost *c, const char **why)
{
	*why = "no memory";
	for (u32 i = 0; i < COST_LIVE; i++) {
		int err = dmah_vec_alloc(&vectors[i], IO_PAGES, GFP_KERNEL);

		if (!err)
			continue;
		while (i--)
			dmah_vec_free(&vectors[i]);
		return err;
	}
	return 0;
}

static void vectors_close(struct cost *c)
{
	for (u32 i = 0; i < COST_LIVE; i++)
		dmah_vec_free(&vectors[i]);
}

static void vec_unmap(struct cost *c, const u16 *which, u32 n)
{
	dmah_unmap_vec(c->dev, &vectors[which[0]]);
}

static int vec_map(struct cost *c, const u16 *which, u32 n)
{
	struct bio_vec bv[IO_PAGES];

	for (u32 i = 0; i < n; i++)
		bvec_set_page(&bv[i], piece(c, which[i])->page, PAGE_SIZE, 0);
	return dmah_map_bvecs(c->dev, &vectors[which[0]], bv, n, COST_DIR, 0);
}

static void vec_unmap_singly(struct cost *c, const u16 *which, u32 n)
{
	for (u32 i = 0; i < n; i++)
		vec_unmap(c, &which[i], 1);
}

static int vec_map_singly(struct cost *c, const u16 *which, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		int err = vec_map(c, &which[i], 1);

		if (err) {
			vec_unmap_singly(c, which, i);
			return err;
		}
	}
	return 0;
}

const struct cost_case cases_io[] = {
	{ .name = "io-pages",
	  .group = IO_PAGES,
	  .in_order = true,
	  .map = pages_map,
	  .unmap = pages_unmap },
	{ .name = "io-sg", .group = IO_PAGES, .in_order = true, .map = sg_map, .unmap = sg_unmap },
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 16, 0)
	{ .name = "io-link",
	  .group = IO_PAGES,
	  .in_order = true,
	  .begin = link_begin,
	  .map = link_map,
	  .unmap = link_unmap },
#endif
	{ .name = "io-vec",
	  .group = IO_PAGES,
	  .in_order = true,
	  .begin = cost_pool_begin,
	  .end = cost_detach,
	  .open = vectors_open,
	  .close = vectors_close,
	  .map = vec_map,
	  .unmap = vec_unmap },
	{ .name = "io-vec-1",
	  .group = 16,
	  .in_order = true,
	  .begin = cost_pool_begin,
	  .end = cost_detach,
	  .open = vectors_open,
	  .close = vectors_close,
	  .map = vec_map_singly,
	  .unmap = vec_unmap_singly },
	{},
};
