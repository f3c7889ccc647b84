// SPDX-License-Identifier: GPL-2.0-only
/* Wrong use: refused with the error that the header promises, reported, and harmless. */
#include <linux/vmalloc.h>

#include "test.h"

#define LEN 1000

static u64 reports(struct test *t)
{
	struct dmah_stats s = {};

	CHECK_EQ(t, dmah_get_stats(t->dev, &s), 0);
	return s.misuse;
}

/* The calls from here to reported() are counted as misuse, each once or more. */
static void reported(struct test *t, u64 before, u64 calls)
{
	CHECK(t, reports(t) >= before + calls);
}

/* A mapping that the case uses wrongly, and that must have come to no harm. */
struct victim {
	struct buffer b;
	struct dmah h;
	u64 live;
};

static bool victim_get(struct test *t, struct victim *v)
{
	memset(v, 0, sizeof(*v));
	v->live = test_live(t);
	if (!CHECK(t, !buffer_get(&v->b, 300, LEN)))
		return false;
	if (!CHECK_EQ(t, dmah_map_page(t->dev, &v->h, v->b.page, v->b.off, LEN, DMA_FROM_DEVICE),
		      0)) {
		buffer_put(&v->b);
		return false;
	}
	return true;
}

static void victim_put(struct test *t, struct victim *v, u8 seed)
{
	CHECK_EQ(t, test_live(t), v->live + 1);
	CHECK_EQ(t, edu_fill(t, 0, LEN, seed), 0);
	CHECK_EQ(t, edu_write_ram(t, dmah_addr(&v->h), 0, LEN), 0);
	CHECK_EQ(t, dmah_unmap(t->dev, &v->h), 0);
	CHECK(t, filled(buffer_data(&v->b), LEN, seed));
	CHECK(t, buffer_borders(&v->b));
	CHECK_EQ(t, test_live(t), v->live);
	buffer_put(&v->b);
}

static void test_twice(struct test *t)
{
	struct victim v;
	struct dmah copy;
	u64 before;

	if (!victim_get(t, &v))
		return;
	copy = v.h;
	before = reports(t);
	victim_put(t, &v, 12);
	CHECK_EQ(t, reports(t), before);
	CHECK_EQ(t, dmah_unmap(t->dev, &copy), -ESTALE);
	reported(t, before, 1);
	CHECK_EQ(t, test_live(t), v.live);
}

/* A ring that is resized is often copied as a structure: two handles of one mapping are live then. */
static void test_copied(struct test *t)
{
	struct victim v;
	struct dmah copy, moved = {};
	u64 before;

	if (!victim_get(t, &v))
		return;
	before = reports(t);
	CHECK_EQ(t, dmah_sync_for_cpu(t->dev, &v.h, 0, LEN), 0);
	CHECK_EQ(t, dmah_move(&moved, &v.h), 0);
	CHECK_EQ(t, dmah_sync_for_cpu(t->dev, &moved, 0, LEN), 0);
	CHECK_EQ(t, reports(t), before);
	copy = moved;
	CHECK_EQ(t, dmah_map_page(t->dev, &copy, v.b.page, 0, LEN, DMA_TO_DEVICE), -EINVAL);
	reported(t, before, 1);
	before = reports(t);
	CHECK_EQ(t, dmah_sync_for_cpu(t->dev, &copy, 0, LEN), 0);
	CHECK_EQ(t, dmah_sync_for_device(t->dev, &copy, 0, LEN), 0);
	CHECK_EQ(t, reports(t), before + 2);
	CHECK_EQ(t, dmah_unmap(t->dev, &copy), 0);
	CHECK_EQ(t, reports(t), before + 3);
	CHECK_EQ(t, dmah_unmap(t->dev, &moved), -ESTALE);
	CHECK_EQ(t, test_live(t), v.live);
	buffer_put(&v.b);
}

/* The copy is stale, and what it named was given to another mapping. */
static void test_stale_copy(struct test *t)
{
	struct victim v, next;
	struct dmah copy;
	u64 before;

	if (!victim_get(t, &v))
		return;
	copy = v.h;
	victim_put(t, &v, 13);
	if (!victim_get(t, &next))
		return;
	before = reports(t);
	CHECK_EQ(t, dmah_unmap(t->dev, &copy), -ESTALE);
	reported(t, before, 1);
	victim_put(t, &next, 14);
}

/* The device was detached and attached again in between. */
static void test_stale_attachment(struct test *t)
{
	struct device *dev = t->stranger;
	struct dmah h = {}, copy;
	struct buffer b;

	if (!CHECK(t, !buffer_get(&b, 0, LEN)))
		return;
	CHECK_EQ(t, dmah_attach(dev, (enum dmah_mode)t->mode), 0);
	CHECK_EQ(t, dmah_map_page(dev, &h, b.page, 0, LEN, DMA_TO_DEVICE), 0);
	copy = h;
	CHECK_EQ(t, dmah_unmap(dev, &h), 0);
	CHECK_EQ(t, dmah_detach(dev), 0);
	CHECK_EQ(t, dmah_attach(dev, (enum dmah_mode)t->mode), 0);
	CHECK_EQ(t, dmah_map_page(dev, &h, b.page, 0, LEN, DMA_TO_DEVICE), 0);
	CHECK(t, dmah_unmap(dev, &copy) < 0);
	CHECK_EQ(t, dmah_unmap(dev, &h), 0);
	CHECK_EQ(t, dmah_detach(dev), 0);
	buffer_put(&b);
}

static void test_other_device(struct test *t)
{
	struct dmah_stats a = {}, b = {};
	struct victim v;

	if (!victim_get(t, &v))
		return;
	CHECK_EQ(t, dmah_get_stats(t->other, &a), 0);
	CHECK_EQ(t, dmah_unmap(t->other, &v.h), -EINVAL);
	CHECK(t, dmah_mapped(&v.h));
	CHECK_EQ(t, dmah_get_stats(t->other, &b), 0);
	CHECK(t, b.misuse > a.misuse);
	CHECK_EQ(t, b.live, a.live);
	victim_put(t, &v, 15);
}

static void test_not_attached(struct test *t)
{
	struct victim v;
	struct dmah h = {};
	struct dmah_stats s;

	if (!victim_get(t, &v))
		return;
	CHECK_EQ(t, dmah_map_page(t->stranger, &h, v.b.page, 0, LEN, DMA_TO_DEVICE), -ENODEV);
	CHECK(t, !dmah_mapped(&h));
	CHECK_EQ(t, dmah_unmap(t->stranger, &v.h), -ENODEV);
	CHECK(t, dmah_mapped(&v.h));
	CHECK(t, !dmah_alloc_coherent(t->stranger, &h, PAGE_SIZE, GFP_KERNEL));
	CHECK_EQ(t, dmah_mode(t->stranger), -ENODEV);
	CHECK_EQ(t, dmah_get_stats(t->stranger, &s), -ENODEV);
	CHECK_EQ(t, dmah_flush(t->stranger), -ENODEV);
	CHECK_EQ(t, dmah_detach(t->stranger), -ENODEV);
	victim_put(t, &v, 16);
}

static void test_arguments(struct test *t)
{
	u64 live = test_live(t);
	struct dmah h = {};
	struct buffer b;

	if (!CHECK(t, !buffer_get(&b, 0, LEN)))
		return;
	CHECK_EQ(t, dmah_map_page(t->dev, &h, b.page, 0, 0, DMA_TO_DEVICE), -EINVAL);
	CHECK_EQ(t, dmah_map_page(t->dev, &h, b.page, 0, LEN, DMA_NONE), -EINVAL);
	CHECK_EQ(t, dmah_map_page(t->dev, &h, b.page, 0, LEN, (enum dma_data_direction)77),
		 -EINVAL);
#if BITS_PER_LONG == 64
	CHECK_EQ(t, dmah_map_page(t->dev, &h, b.page, 0, 1ul << 32, DMA_TO_DEVICE), -EINVAL);
#endif
	CHECK(t, !dmah_alloc_coherent(t->dev, &h, 0, GFP_KERNEL));
	CHECK(t, !dmah_mapped(&h));
	CHECK_EQ(t, test_live(t), live);
	buffer_put(&b);
}

/* A handle that maps something is not mapped into: the first mapping would be lost. */
static void test_live_handle(struct test *t)
{
	struct victim v;
	struct dmah was;

	if (!victim_get(t, &v))
		return;
	was = v.h;
	CHECK_EQ(t, dmah_map_page(t->dev, &v.h, v.b.page, 0, LEN, DMA_TO_DEVICE), -EINVAL);
	CHECK(t, !dmah_alloc_coherent(t->dev, &v.h, PAGE_SIZE, GFP_KERNEL));
	CHECK(t, !memcmp(&was, &v.h, sizeof(was)));
	victim_put(t, &v, 17);
}

static void test_idle(struct test *t)
{
	struct dmah h = {};
	u64 before = reports(t), live = test_live(t);

	CHECK_EQ(t, dmah_unmap(t->dev, &h), 0);
	CHECK_EQ(t, dmah_free_coherent(t->dev, &h), 0);
	CHECK(t, !dmah_mapped(&h));
	CHECK_EQ(t, dmah_len(&h), 0);
	CHECK_EQ(t, dmah_dir(&h), DMA_NONE);
	CHECK_EQ(t, reports(t), before);
	CHECK_EQ(t, test_live(t), live);
}

/* One field of a copy is changed. */
static void corrupt(struct dmah *bad, int way)
{
	switch (way) {
	case 0:
		bad->dma += PAGE_SIZE;
		break;
	case 1:
		bad->dma = ~0ull;
		break;
	case 2:
		bad->meta ^= 0x80000000;
		break;
	case 3:
		bad->backend ^= 0x100;
		break;
	case 4:
		bad->len += 4 * PAGE_SIZE;
		break;
	case 5:
		bad->phys ^= PAGE_SIZE;
		break;
	}
}

/*
 * It is refused; or, where the field is one that the module does not go by (the last three), the
 * very mapping that the rest of the handle names is ended. Another one never is.
 */
static void test_corrupt(struct test *t)
{
	struct victim v, beside;
	struct dmah bad;
	int way, err;

	for (way = 0; way < 6 && !t->failed; way++) {
		if (!victim_get(t, &beside))
			return;
		if (!victim_get(t, &v)) {
			victim_put(t, &beside, 18);
			return;
		}
		bad = v.h;
		corrupt(&bad, way);
		err = dmah_unmap(t->dev, &bad);
		if (!err && way >= 3) {
			CHECK_EQ(t, dmah_unmap(t->dev, &v.h), -ESTALE);
			CHECK_EQ(t, test_live(t), v.live);
			buffer_put(&v.b);
		} else {
			CHECK(t, err == -ESTALE || err == -EINVAL || err == -ENODEV);
			victim_put(t, &v, 19 + way);
		}
		victim_put(t, &beside, 50 + way);
		if (t->failed)
			pr_info("# changed in way %d: %d\n", way, err);
	}
}

static void test_sync_range(struct test *t)
{
	struct victim v;
	struct dmah copy;
	u64 before = reports(t);

	if (!victim_get(t, &v))
		return;
	copy = v.h;
	CHECK_EQ(t, dmah_sync_for_cpu(t->dev, &v.h, 1, LEN - 1), 0);
	CHECK_EQ(t, reports(t), before);
	CHECK_EQ(t, dmah_sync_for_cpu(t->dev, &v.h, 1, LEN), -EINVAL);
	CHECK_EQ(t, dmah_sync_for_device(t->dev, &v.h, LEN + 1, 1), -EINVAL);
	CHECK_EQ(t, dmah_sync_for_device(t->dev, &v.h, SIZE_MAX, 2), -EINVAL);
	CHECK_EQ(t, dmah_sync_for_cpu(t->dev, &v.h, LEN, SIZE_MAX), -EINVAL);
	reported(t, before, 4);
	victim_put(t, &v, 21);
	before = reports(t);
	CHECK_EQ(t, dmah_sync_for_cpu(t->dev, &copy, 0, LEN), -ESTALE);
	CHECK_EQ(t, dmah_sync_for_device(t->dev, &copy, 0, LEN), -ESTALE);
	reported(t, before, 2);
}

/* The arguments that a driver under conversion still has are compared with the mapping. */
static void test_expect(struct test *t)
{
	struct victim v;
	dma_addr_t addr;
	u64 before = reports(t);

	if (!victim_get(t, &v))
		return;
	addr = dmah_addr(&v.h);
	CHECK(t, dmah_expect(t->dev, &v.h, addr, LEN, DMA_FROM_DEVICE));
	CHECK_EQ(t, reports(t), before);
	CHECK(t, !dmah_expect(t->dev, &v.h, addr + 4, LEN, DMA_FROM_DEVICE));
	CHECK(t, !dmah_expect(t->dev, &v.h, addr, LEN - 1, DMA_FROM_DEVICE));
	CHECK(t, !dmah_expect(t->dev, &v.h, addr, LEN, DMA_BIDIRECTIONAL));
	reported(t, before, 3);
	victim_put(t, &v, 22);
	if (!victim_get(t, &v))
		return;
	before = reports(t);
	CHECK_EQ(t, dmah_unmap_expect(t->dev, &v.h, dmah_addr(&v.h), LEN + 1, DMA_FROM_DEVICE), 0);
	reported(t, before, 1);
	CHECK_EQ(t, test_live(t), v.live);
	buffer_put(&v.b);
}

static void test_attach(struct test *t)
{
	struct dmah_ring_config config = { .entries = 2,
					   .entry_size = PAGE_SIZE,
					   .dir = DMA_TO_DEVICE };
	struct dmah h = {};
	struct dmah_ring *ring;
	struct buffer b;
	int i;

	CHECK_EQ(t, dmah_attach(t->dev, DMAH_MODE_WRAP), -EBUSY);
	CHECK_EQ(t, dmah_attach(t->stranger, (enum dmah_mode)9), -EINVAL);
	CHECK_EQ(t, dmah_mode(t->stranger), -ENODEV);
	if (!CHECK(t, !buffer_get(&b, 0, LEN)))
		return;
	/* More often than there is room for devices, were it not given back. */
	for (i = 0; i < 70 && !t->failed; i++) {
		if (!CHECK_EQ(t,
			      dmah_attach(t->stranger, i & 1 ? DMAH_MODE_DOMAIN : DMAH_MODE_WRAP),
			      0))
			break;
		CHECK(t, dmah_mode(t->stranger) >= 0);
		if (i < 4) {
			CHECK_EQ(t, dmah_map_page(t->stranger, &h, b.page, 0, LEN, DMA_TO_DEVICE),
				 0);
			CHECK_EQ(t, dmah_detach(t->stranger), -EBUSY);
			CHECK_EQ(t, dmah_unmap(t->stranger, &h), 0);
			ring = dmah_ring_alloc(t->stranger, &config);
			if (CHECK(t, !IS_ERR(ring))) {
				CHECK_EQ(t, dmah_detach(t->stranger), -EBUSY);
				CHECK_EQ(t, dmah_ring_free(ring), 0);
			}
		}
		CHECK_EQ(t, dmah_detach(t->stranger), 0);
	}
	CHECK_EQ(t, dmah_detach(t->stranger), -ENODEV);
	buffer_put(&b);
}

static void test_ring_arguments(struct test *t)
{
	struct dmah_ring_config config = { .entries = 3,
					   .entry_size = PAGE_SIZE,
					   .dir = DMA_TO_DEVICE };
	struct dmah_ring *ring;
	struct buffer b;
	dma_addr_t addr;
	u64 live = test_live(t);

	CHECK_EQ(t, PTR_ERR_OR_ZERO(dmah_ring_alloc(t->dev, &config)), -EINVAL);
	config.entries = 65536;
	CHECK_EQ(t, PTR_ERR_OR_ZERO(dmah_ring_alloc(t->dev, &config)), -EINVAL);
	config.entries = 0;
	CHECK_EQ(t, PTR_ERR_OR_ZERO(dmah_ring_alloc(t->dev, &config)), -EINVAL);
	config.entries = 4;
	CHECK_EQ(t, PTR_ERR_OR_ZERO(dmah_ring_alloc(t->stranger, &config)), -ENODEV);
	config.dir = DMA_NONE;
	CHECK_EQ(t, PTR_ERR_OR_ZERO(dmah_ring_alloc(t->dev, &config)), -EINVAL);
	config.dir = DMA_TO_DEVICE;
	ring = dmah_ring_alloc(t->dev, &config);
	if (!CHECK(t, !IS_ERR(ring)) || !CHECK(t, !buffer_get(&b, 0, LEN)))
		return;
	CHECK_EQ(t, dmah_ring_push(ring, b.page, 0, 0, &addr), -EINVAL);
	CHECK_EQ(t, dmah_ring_push(ring, b.page, 100, PAGE_SIZE, &addr), -EINVAL);
	CHECK_EQ(t, dmah_ring_pop(ring, 1), -EINVAL);
	CHECK_EQ(t, dmah_ring_live(ring), 0);
	CHECK_EQ(t, dmah_ring_free(ring), 0);
	CHECK_EQ(t, test_live(t), live);
	buffer_put(&b);
}

/* Every mapping that was made was ended. */
static void test_books(struct test *t)
{
	struct dmah_stats s = {};

	CHECK_EQ(t, dmah_get_stats(t->dev, &s), 0);
	CHECK(t, s.maps > 100);
	CHECK_EQ(t, s.maps, s.unmaps);
	CHECK_EQ(t, s.live, 0);
}

const struct test_case misuse_cases[] = {
	{ "unmapped twice by a copy: refused and reported", test_twice },
	{ "a structure that holds a handle was copied: reported; a move is not", test_copied },
	{ "a stale copy does not end the mapping that came after", test_stale_copy },
	{ "a stale copy of an earlier attachment is refused", test_stale_attachment },
	{ "unmapped for another device: refused and reported", test_other_device },
	{ "a device that is not attached", test_not_attached },
	{ "arguments that make no sense", test_arguments },
	{ "mapped into a live handle: refused", test_live_handle },
	{ "an idle handle: nothing happens", test_idle },
	{ "a corrupted handle does no harm", test_corrupt },
	{ "sync of what is not in the mapping: refused and reported", test_sync_range },
	{ "length, direction and address held against the mapping", test_expect },
	{ "attach and detach, and what they refuse", test_attach },
	{ "rings with arguments that make no sense", test_ring_arguments },
	{}
};

const struct test_case last_cases[] = {
	{ "the books agree: all that was mapped was unmapped", test_books }, {}
};
