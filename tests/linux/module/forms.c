// SPDX-License-Identifier: GPL-2.0-only
/* Data through each form of map for one buffer: RAM to device, device to RAM, and back again. */
#include <linux/version.h>

/* dma_alloc_coherent() is the module's here. */
#define DMAH_COHERENT
#include "test.h"

/* A form: maps @b. */
typedef int (*form_fn)(struct test *t, struct dmah *h, struct buffer *b,
		       enum dma_data_direction dir);

static u8 next_seed(void)
{
	static u8 seed = 17;

	return seed += 61;
}

/* Through this form both ways, at this offset and length. */
static void round_trip(struct test *t, form_fn form, size_t off, size_t len)
{
	struct buffer src, dst;
	struct dmah h = {};
	u8 seed = next_seed();
	u64 live = test_live(t);

	if (!CHECK(t, !buffer_get(&src, off, len)))
		return;
	if (!CHECK(t, !buffer_get(&dst, off, len)))
		goto put_src;
	fill(buffer_data(&src), len, seed);

	if (!CHECK_EQ(t, form(t, &h, &src, DMA_TO_DEVICE), 0))
		goto put;
	CHECK(t, dmah_mapped(&h));
	CHECK_EQ(t, dmah_len(&h), len);
	CHECK_EQ(t, dmah_phys(&h), virt_to_phys(buffer_data(&src)));
	CHECK_EQ(t, dmah_dir(&h), DMA_TO_DEVICE);
	CHECK_EQ(t, test_live(t), live + 1);
	CHECK_EQ(t, edu_read_ram(t, dmah_addr(&h), 0, len), 0);
	CHECK_EQ(t, dmah_unmap(t->dev, &h), 0);
	CHECK(t, !dmah_mapped(&h));

	if (!CHECK_EQ(t, form(t, &h, &dst, DMA_FROM_DEVICE), 0))
		goto put;
	CHECK_EQ(t, dmah_dir(&h), DMA_FROM_DEVICE);
	CHECK_EQ(t, edu_write_ram(t, dmah_addr(&h), 0, len), 0);
	CHECK_EQ(t, dmah_unmap(t->dev, &h), 0);
	CHECK(t, !dmah_mapped(&h));
	CHECK(t, filled(buffer_data(&dst), len, seed));

	CHECK(t, filled(buffer_data(&src), len, seed));
	CHECK(t, buffer_borders(&src));
	CHECK(t, buffer_borders(&dst));
	CHECK_EQ(t, test_live(t), live);
put:
	buffer_put(&dst);
put_src:
	buffer_put(&src);
}

static int by_page(struct test *t, struct dmah *h, struct buffer *b, enum dma_data_direction dir)
{
	return dmah_map_page(t->dev, h, b->page, b->off, b->len, dir);
}

static int by_single(struct test *t, struct dmah *h, struct buffer *b, enum dma_data_direction dir)
{
	return dmah_map_single(t->dev, h, buffer_data(b), b->len, dir);
}

static int by_skb_frag(struct test *t, struct dmah *h, struct buffer *b,
		       enum dma_data_direction dir)
{
	skb_frag_t frag = {};

	/* The fragment begins before what is mapped of it. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
	__skb_frag_set_page(&frag, b->page);
	skb_frag_off_set(&frag, b->off / 2);
	skb_frag_size_set(&frag, b->len + b->off - b->off / 2);
#else
	skb_frag_fill_page_desc(&frag, b->page, b->off / 2, b->len + b->off - b->off / 2);
#endif
	return dmah_map_skb_frag(t->dev, h, &frag, b->off - b->off / 2, b->len, dir);
}

static int by_bvec(struct test *t, struct dmah *h, struct buffer *b, enum dma_data_direction dir)
{
	struct bio_vec bv = { .bv_page = b->page, .bv_offset = b->off, .bv_len = b->len };

	return dmah_map_bvec(t->dev, h, &bv, dir);
}

static int by_attrs(struct test *t, struct dmah *h, struct buffer *b, enum dma_data_direction dir)
{
	return dmah_map_page_attrs(t->dev, h, b->page, b->off, b->len, dir,
				   DMA_ATTR_WEAK_ORDERING | DMA_ATTR_NO_WARN);
}

/* A page, a part of one, across two, across a page border with an odd start and end, one byte. */
static void all_shapes(struct test *t, form_fn form)
{
	round_trip(t, form, 0, 4000);
	round_trip(t, form, PAGE_SIZE + 64, 512);
	round_trip(t, form, PAGE_SIZE - 1000, 2000);
	round_trip(t, form, 1, 1);
}

static void test_page(struct test *t)
{
	all_shapes(t, by_page);
	round_trip(t, by_page, PAGE_SIZE - 17, 1523);
}

static void test_single(struct test *t)
{
	all_shapes(t, by_single);
	round_trip(t, by_single, 2 * PAGE_SIZE + 3, 61);
}

static void test_skb_frag(struct test *t)
{
	round_trip(t, by_skb_frag, 0, 1522);
	round_trip(t, by_skb_frag, PAGE_SIZE + 130, 1522);
}

static void test_bvec(struct test *t)
{
	round_trip(t, by_bvec, 0, 4000);
	round_trip(t, by_bvec, 3 * PAGE_SIZE - 512, 1024);
}

static void test_attrs(struct test *t)
{
	round_trip(t, by_attrs, 512, 1024);
}

/* The mapping stays; the syncs carry the bytes, of all of it and of parts. */
static void test_sync(struct test *t)
{
	struct buffer b;
	struct dmah h = {};
	const size_t len = 3000;
	u8 *data;
	int i;

	if (!CHECK(t, !buffer_get(&b, PAGE_SIZE - 500, len)))
		return;
	data = buffer_data(&b);
	if (!CHECK_EQ(t, dmah_map_page(t->dev, &h, b.page, b.off, len, DMA_BIDIRECTIONAL), 0))
		goto put;
	for (i = 0; i < 2; i++) {
		u8 seed = next_seed();

		CHECK_EQ(t, dmah_sync_for_cpu(t->dev, &h, 0, len), 0);
		fill(data, len, seed);
		CHECK_EQ(t, dmah_sync_for_device(t->dev, &h, 0, len), 0);
		CHECK_EQ(t, edu_read_ram(t, dmah_addr(&h), 0, len), 0);
		CHECK_EQ(t, dmah_sync_for_cpu(t->dev, &h, 0, len), 0);
		memset(data, 0, len);
		CHECK_EQ(t, dmah_sync_for_device(t->dev, &h, 0, len), 0);
		CHECK_EQ(t, edu_write_ram(t, dmah_addr(&h), 0, len), 0);
		CHECK_EQ(t, dmah_sync_for_cpu(t->dev, &h, 0, len), 0);
		CHECK(t, filled(data, len, seed));
	}
	/* The device writes the middle, and only that is synced: 700 bytes from 1,100 on. */
	memset(data, 0x11, len);
	CHECK_EQ(t, dmah_sync_for_device(t->dev, &h, 0, len), 0);
	CHECK_EQ(t, edu_fill(t, 0, 700, 5), 0);
	CHECK_EQ(t, edu_write_ram(t, dmah_addr(&h) + 1100, 0, 700), 0);
	CHECK_EQ(t, dmah_sync_for_cpu(t->dev, &h, 1100, 700), 0);
	CHECK(t, filled(data + 1100, 700, 5));
	CHECK(t, all(data, 1100, 0x11) && all(data + 1800, len - 1800, 0x11));
	CHECK_EQ(t, dmah_unmap(t->dev, &h), 0);
	CHECK(t, filled(data + 1100, 700, 5));
	CHECK(t, all(data, 1100, 0x11) && all(data + 1800, len - 1800, 0x11));
	CHECK(t, buffer_borders(&b));
put:
	buffer_put(&b);
}

/*
 * A device that writes less than it was given: the rest of the buffer is what it was. In wrap mode
 * that is the kernel's affair, and 6.1 clears the whole bounce slot of an untrusted device's
 * receive buffer.
 */
static bool rest_cleared(const struct test *t)
{
	return LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0) && t->untrusted &&
	       t->mode == DMAH_MODE_WRAP;
}

static void test_short(struct test *t)
{
	struct buffer b;
	struct dmah h = {};
	u8 *data;

	if (!CHECK(t, !buffer_get(&b, 700, 2500)))
		return;
	data = buffer_data(&b);
	memset(data, 0x3c, 2500);
	CHECK_EQ(t, edu_fill(t, 0, 100, 9), 0);
	if (CHECK_EQ(t, dmah_map_page(t->dev, &h, b.page, b.off, b.len, DMA_FROM_DEVICE), 0)) {
		CHECK_EQ(t, edu_write_ram(t, dmah_addr(&h), 0, 100), 0);
		CHECK_EQ(t, dmah_unmap(t->dev, &h), 0);
		CHECK(t, filled(data, 100, 9));
		CHECK(t, all(data + 100, 2400, rest_cleared(t) ? 0 : 0x3c));
		CHECK(t, buffer_borders(&b));
	}
	buffer_put(&b);
}

/* DMA_ATTR_SKIP_CPU_SYNC: the caller's syncs carry the bytes, and unmap does not. */
static void test_skip_sync(struct test *t)
{
	struct buffer b;
	struct dmah h = {};
	u8 *data;

	if (!CHECK(t, !buffer_get(&b, 256, 1024)))
		return;
	data = buffer_data(&b);
	fill(data, 1024, 33);
	if (!CHECK_EQ(t,
		      dmah_map_page_attrs(t->dev, &h, b.page, b.off, b.len, DMA_BIDIRECTIONAL,
					  DMA_ATTR_SKIP_CPU_SYNC),
		      0))
		goto put;
	CHECK_EQ(t, dmah_sync_for_device(t->dev, &h, 0, 1024), 0);
	CHECK_EQ(t, edu_read_ram(t, dmah_addr(&h), 0, 1024), 0);
	CHECK_EQ(t, dmah_sync_for_cpu(t->dev, &h, 0, 1024), 0);
	memset(data, 0, 1024);
	CHECK_EQ(t, dmah_sync_for_device(t->dev, &h, 0, 1024), 0);
	CHECK_EQ(t, edu_write_ram(t, dmah_addr(&h), 0, 1024), 0);
	CHECK_EQ(t, dmah_sync_for_cpu(t->dev, &h, 0, 1024), 0);
	CHECK(t, filled(data, 1024, 33));
	CHECK_EQ(t, dmah_unmap_attrs(t->dev, &h, DMA_ATTR_SKIP_CPU_SYNC), 0);
	CHECK(t, filled(data, 1024, 33));
put:
	buffer_put(&b);
}

static void test_move(struct test *t)
{
	struct buffer b;
	struct dmah h = {}, to = {}, full = {};

	if (!CHECK(t, !buffer_get(&b, 0, 1024)))
		return;
	CHECK_EQ(t, edu_fill(t, 0, 1024, 77), 0);
	if (!CHECK_EQ(t, dmah_map_page(t->dev, &h, b.page, 0, 1024, DMA_FROM_DEVICE), 0))
		goto put;
	if (CHECK_EQ(t, dmah_map_page(t->dev, &full, b.page, PAGE_SIZE, 1024, DMA_TO_DEVICE), 0)) {
		CHECK_EQ(t, dmah_move(&full, &h), -EBUSY);
		CHECK_EQ(t, dmah_unmap(t->dev, &full), 0);
	}
	CHECK_EQ(t, dmah_move(&to, &h), 0);
	CHECK(t, !dmah_mapped(&h) && dmah_mapped(&to));
	CHECK_EQ(t, dmah_unmap(t->dev, &h), 0);
	CHECK_EQ(t, edu_write_ram(t, dmah_addr(&to), 0, 1024), 0);
	CHECK_EQ(t, dmah_unmap(t->dev, &to), 0);
	CHECK(t, filled(buffer_data(&b), 1024, 77));
put:
	buffer_put(&b);
}

/* Two mappings of one buffer at one time, one for each direction. */
static void test_two(struct test *t)
{
	struct buffer b;
	struct dmah out = {}, in = {};
	u8 *data;

	if (!CHECK(t, !buffer_get(&b, 0, 2048)))
		return;
	data = buffer_data(&b);
	fill(data, 1024, 3);
	if (!CHECK_EQ(t, dmah_map_page(t->dev, &out, b.page, 0, 1024, DMA_TO_DEVICE), 0))
		goto put;
	if (CHECK_EQ(t, dmah_map_page(t->dev, &in, b.page, 1024, 1024, DMA_FROM_DEVICE), 0)) {
		CHECK(t, dmah_addr(&in) != dmah_addr(&out));
		CHECK_EQ(t, edu_read_ram(t, dmah_addr(&out), 0, 1024), 0);
		CHECK_EQ(t, edu_write_ram(t, dmah_addr(&in), 0, 1024), 0);
		CHECK_EQ(t, dmah_unmap(t->dev, &out), 0);
		/* the other one is whole */
		CHECK_EQ(t, edu_write_ram(t, dmah_addr(&in), 0, 1024), 0);
		CHECK_EQ(t, dmah_unmap(t->dev, &in), 0);
		CHECK(t, filled(data + 1024, 1024, 3));
	} else {
		CHECK_EQ(t, dmah_unmap(t->dev, &out), 0);
	}
put:
	buffer_put(&b);
}

static void test_coherent(struct test *t)
{
	struct dmah h = {};
	const size_t size = 2 * PAGE_SIZE + 100;
	u64 live = test_live(t);
	u8 *p;

	p = dmah_alloc_coherent(t->dev, &h, size, GFP_KERNEL);
	if (!CHECK(t, p))
		return;
	CHECK(t, dmah_mapped(&h));
	CHECK_EQ(t, dmah_addr(&h) & ~PAGE_MASK, 0);
	CHECK(t, all(p, size, 0));
	fill(p + PAGE_SIZE - 100, 3000, 21);
	dma_wmb();
	CHECK_EQ(t, edu_read_ram(t, dmah_addr(&h) + PAGE_SIZE - 100, 0, 3000), 0);
	CHECK_EQ(t, edu_write_ram(t, dmah_addr(&h) + 2 * PAGE_SIZE, 0, 100), 0);
	dma_rmb();
	CHECK(t, filled(p + 2 * PAGE_SIZE, 100, 21));
	CHECK_EQ(t, dmah_free_coherent(t->dev, &h), 0);
	CHECK(t, !dmah_mapped(&h));
	CHECK_EQ(t, dmah_free_coherent(t->dev, &h), 0);
	CHECK_EQ(t, test_live(t), live);
}

/* By the kernel's names, as a driver has it that keeps the address alone; two of them, freed in turn. */
static void test_coherent_at(struct test *t)
{
	const size_t size = PAGE_SIZE + 100;
	u64 live = test_live(t);
	dma_addr_t dma[2] = {};
	u8 *p[2];
	int i;

	for (i = 0; i < 2; i++) {
		p[i] = dma_alloc_coherent(t->dev, size, &dma[i], GFP_KERNEL);
		if (!CHECK(t, p[i]))
			goto free;
		CHECK(t, all(p[i], size, 0));
	}
	fill(p[0], 1000, 23);
	dma_wmb();
	CHECK_EQ(t, edu_read_ram(t, dma[0], 0, 1000), 0);
	CHECK_EQ(t, edu_write_ram(t, dma[1], 0, 1000), 0);
	dma_rmb();
	CHECK(t, filled(p[1], 1000, 23));
free:
	while (i--)
		dma_free_coherent(t->dev, size, p[i], dma[i]);
	CHECK_EQ(t, test_live(t), live);
}

/* Stands behind the others: right use was not taken for wrong. */
static void test_clean(struct test *t)
{
	struct dmah_stats s = {};

	CHECK_EQ(t, dmah_get_stats(t->dev, &s), 0);
	CHECK_EQ(t, s.misuse, 0);
	CHECK_EQ(t, s.failed_maps, 0);
	CHECK(t, s.maps > 30);
}

const struct test_case form_cases[] = {
	{ "map_page: data both ways", test_page },
	{ "map_single: data both ways", test_single },
	{ "map_skb_frag: data both ways", test_skb_frag },
	{ "map_bvec: data both ways", test_bvec },
	{ "map_page_attrs: data both ways", test_attrs },
	{ "sync: a mapping that stays, whole and in part", test_sync },
	{ "a short write leaves the rest of the buffer", test_short },
	{ "DMA_ATTR_SKIP_CPU_SYNC: the syncs alone carry the bytes", test_skip_sync },
	{ "move: the mapping follows, the old handle is idle", test_move },
	{ "two mappings in one page live side by side", test_two },
	{ "coherent memory: data both ways without sync", test_coherent },
	{ "coherent memory by address: data both ways in each mode", test_coherent_at },
	{ "right use was reported nowhere", test_clean },
	{}
};
