// SPDX-License-Identifier: GPL-2.0-only
/*
 * Vectors whose pieces lie side by side in slots: the device reaches each piece where the segments say,
 * and none when the vector has ended; each counts in a sync; a copy of the vector ends nothing.
 */
#include <linux/slab.h>

#include "test.h"

/* More than a slot has room for. */
#define PIECES 40
#define FIRST  100 /* offset of the first piece in its page */
#define LAST   700 /* bytes of the last piece */
#define BYTES  64
#define CANARY 0x5a

struct pieces {
	struct page *page[PIECES];
	struct bio_vec bv[PIECES];
	struct dmah_vec v;
	struct dmah part[PIECES];
};

/* The second page of memory comes first, so no two pieces are neighbours there. */
static int pieces_get(struct pieces *p)
{
	for (u32 i = 0; i < PIECES; i++) {
		p->page[i ^ 1] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!p->page[i ^ 1])
			return -ENOMEM;
	}
	for (u32 i = 0; i < PIECES; i++)
		p->bv[i] = (struct bio_vec){ p->page[i], PAGE_SIZE, 0 };
	p->bv[0].bv_offset = FIRST;
	p->bv[0].bv_len -= FIRST;
	p->bv[PIECES - 1].bv_len = LAST;
	return dmah_vec_alloc(&p->v, PIECES, GFP_KERNEL);
}

static void pieces_put(struct pieces *p)
{
	dmah_vec_free(&p->v);
	for (u32 i = 0; i < PIECES; i++)
		if (p->page[i])
			__free_page(p->page[i]);
	kfree(p);
}

/* The DMA address of a byte of the vector. */
static dma_addr_t address(const struct dmah_vec *v, u64 at)
{
	u32 i = 0;

	while (i < v->nseg - 1 && at >= v->seg[i].len)
		at -= v->seg[i++].len;
	return v->seg[i].dma + at;
}

/* The device writes at both ends of each piece, and nowhere else. */
static void reach(struct test *t, struct pieces *p)
{
	u64 at = 0;

	for (u32 i = 0; i < PIECES && !t->failed; i++) {
		const struct bio_vec *bv = &p->bv[i];
		u8 *data = (u8 *)page_address(bv->bv_page) + bv->bv_offset;

		CHECK_EQ(t, edu_fill(t, 0, BYTES, (u8)i), 0);
		CHECK_EQ(t, edu_write_ram(t, address(&p->v, at), 0, BYTES), 0);
		CHECK_EQ(t, edu_write_ram(t, address(&p->v, at + bv->bv_len - BYTES), 0, BYTES), 0);
		CHECK(t, filled(data, BYTES, (u8)i));
		CHECK(t, filled(data + bv->bv_len - BYTES, BYTES, (u8)i));
		CHECK(t, all(data + BYTES, bv->bv_len - 2 * BYTES, 0));
		at += bv->bv_len;
	}
	CHECK_EQ(t, at, p->v.total);
}

static u64 counted(struct test *t)
{
	struct dmah_stats s = {};

	CHECK_EQ(t, dmah_get_stats(t->dev, &s), 0);
	return s.syncs;
}

/* The device reaches no page of a vector that has ended. @addr: of the first byte of each piece. */
static void gone(struct test *t, struct pieces *p, const dma_addr_t *addr)
{
	CHECK_EQ(t, dmah_flush(t->dev), 0);
	for (u32 i = 0; i < PIECES && !t->failed; i++) {
		u8 *data = (u8 *)page_address(p->page[i]);

		memset(data, CANARY, PAGE_SIZE);
		CHECK_EQ(t, edu_write_ram(t, addr[i], 0, BYTES), 0);
		CHECK(t, all(data, PAGE_SIZE, CANARY));
	}
}

static void ended_once(struct test *t, struct pieces *p, u64 live)
{
	struct dmah_vec copy = p->v;
	dma_addr_t addr[PIECES];
	u64 at = 0, syncs;

	for (u32 i = 0; i < PIECES; at += p->bv[i++].bv_len)
		addr[i] = address(&p->v, at);
	copy.part = p->part;
	memcpy(p->part, p->v.part, sizeof(p->part));
	CHECK_EQ(t, test_live(t), live + PIECES);
	syncs = counted(t);
	/* All pieces but the first and the last. */
	CHECK_EQ(t,
		 dmah_vec_sync_for_cpu(t->dev, &p->v, p->bv[0].bv_len,
				       p->v.total - p->bv[0].bv_len - p->bv[PIECES - 1].bv_len),
		 0);
	CHECK_EQ(t, counted(t), syncs + PIECES - 2);
	CHECK_EQ(t, dmah_unmap_vec(t->dev, &p->v), 0);
	CHECK_EQ(t, test_live(t), live);
	gone(t, p, addr);
	CHECK_EQ(t, dmah_vec_sync_for_cpu(t->dev, &copy, PAGE_SIZE, 2 * PAGE_SIZE), -ESTALE);
	CHECK_EQ(t, dmah_unmap_vec(t->dev, &copy), -ESTALE);
	CHECK_EQ(t, test_live(t), live);
}

static void test_pieces(struct test *t)
{
	struct pieces *p = kzalloc(sizeof(*p), GFP_KERNEL);
	u64 live = test_live(t);

	if (!CHECK(t, p))
		return;
	if (!CHECK_EQ(t, pieces_get(p), 0))
		goto put;
	if (!CHECK_EQ(t, dmah_map_bvecs(t->dev, &p->v, p->bv, PIECES, DMA_FROM_DEVICE, 0), 0))
		goto put;
	/* Two slots; the device takes 64 KiB in a segment. */
	if (IS_ENABLED(CONFIG_X86))
		CHECK_EQ(t, p->v.nseg, 3);
	reach(t, p);
	ended_once(t, p, live);
put:
	pieces_put(p);
}

/* A piece that ends within a page: the next one begins in a slot of its own. */
static void test_gap(struct test *t)
{
	struct pieces *p = kzalloc(sizeof(*p), GFP_KERNEL);
	u64 live = test_live(t);

	if (!CHECK(t, p))
		return;
	if (!CHECK_EQ(t, pieces_get(p), 0))
		goto put;
	p->bv[7].bv_len = 1000;
	p->bv[20].bv_offset = 512;
	p->bv[20].bv_len = 2000;
	if (!CHECK_EQ(t, dmah_map_bvecs(t->dev, &p->v, p->bv, PIECES, DMA_FROM_DEVICE, 0), 0))
		goto put;
	reach(t, p);
	ended_once(t, p, live);
put:
	pieces_put(p);
}

const struct test_case pieces_cases[] = {
	{ "a vector's pieces side by side in slots: the device reaches each, a copy ends none",
	  test_pieces, NEED_POOL | NEED_PLAIN | NEED_TRUSTED },
	{ "pieces that do not fill their pages: the device reaches each, a copy ends none",
	  test_gap, NEED_POOL | NEED_PLAIN | NEED_TRUSTED },
	{}
};
