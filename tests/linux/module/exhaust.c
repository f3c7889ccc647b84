// SPDX-License-Identifier: GPL-2.0-only
/* A device that can address little: what happens where its addresses run out, and afterwards. */
#include <linux/vmalloc.h>

#include "test.h"

#define BITS  24
#define ORDER 4
#define PIECE (PAGE_SIZE << ORDER)
/* More than there can be: 16 MiB of addresses, 64 KiB a mapping. */
#define MOST ((1u << BITS) / PIECE + 1)

static u32 map_all(struct test *t, struct device *dev, struct dmah *h, struct page *page, int *err)
{
	u32 n = 0;

	*err = 0;
	while (n < MOST) {
		*err = dmah_map_page(dev, &h[n], page, 0, PIECE, DMA_TO_DEVICE);
		if (*err) {
			CHECK(t, !dmah_mapped(&h[n]));
			break;
		}
		CHECK(t, !((dmah_addr(&h[n]) + PIECE - 1) >> BITS));
		n++;
	}
	return n;
}

static void test_exhaust(struct test *t)
{
	struct dmah *h = vzalloc(array_size(MOST, sizeof(*h)));
	struct page *page = alloc_pages(GFP_KERNEL, ORDER);
	struct device *dev = t->stranger;
	struct dmah_stats s = {};
	u64 mask = dma_get_mask(dev);
	u32 n, again, i;
	int err;

	if (!CHECK(t, h && page) ||
	    !CHECK_EQ(t, dma_set_mask_and_coherent(dev, DMA_BIT_MASK(BITS)), 0))
		goto free;
	if (!CHECK_EQ(t, dmah_attach(dev, (enum dmah_mode)t->mode), 0))
		goto mask;
	n = map_all(t, dev, h, page, &err);
	CHECK(t, n > 100 && n < MOST);
	CHECK(t, err == -ENOSPC || err == -ENOMEM || err == -EIO);
	CHECK_EQ(t, dmah_get_stats(dev, &s), 0);
	CHECK_EQ(t, s.live, n);
	/* One back, one again: in lazy mode only a flush can bring it. */
	if (n && t->mode != DMAH_MODE_WRAP) {
		CHECK_EQ(t, dmah_unmap(dev, &h[n / 2]), 0);
		CHECK_EQ(t, dmah_map_page(dev, &h[n / 2], page, 0, PIECE, DMA_TO_DEVICE), 0);
	}
	for (i = 0; i < n; i++)
		CHECK_EQ(t, dmah_unmap(dev, &h[i]), 0);
	again = map_all(t, dev, h, page, &err);
	/* Beside slots some were mapped by the kernel, whose own flush brings their addresses back. */
	if (t->mode == DMAH_MODE_POOL_STRICT || t->mode == DMAH_MODE_POOL_LAZY)
		CHECK(t, again > n * 3 / 4);
	else if (t->mode != DMAH_MODE_WRAP)
		CHECK_EQ(t, again, n);
	for (i = 0; i < again; i++)
		CHECK_EQ(t, dmah_unmap(dev, &h[i]), 0);
	CHECK_EQ(t, dmah_get_stats(dev, &s), 0);
	CHECK_EQ(t, s.live, 0);
	CHECK(t, s.failed_maps >= 1);
	CHECK_EQ(t, dmah_detach(dev), 0);
mask:
	CHECK_EQ(t, dma_set_mask_and_coherent(dev, mask), 0);
free:
	if (page)
		__free_pages(page, ORDER);
	vfree(h);
}

const struct test_case exhaust_cases[] = { { "addresses run out: errors, and all of them come back",
					     test_exhaust, NEED_BLOCK | NEED_TRUSTED },
					   {} };
