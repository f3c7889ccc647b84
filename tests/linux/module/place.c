// SPDX-License-Identifier: GPL-2.0-only
/*
 * Addresses of mappings: outside of the host bridge's windows, inside of the ranges that it passes
 * on, and not where the kernel's DMA API had mapped something before the device was attached.
 */
#include <linux/resource_ext.h>
#include <linux/sizes.h>

#include "test.h"

#define PIECE SZ_32M
#define MOST  256

static struct pci_bus *root_of(struct device *dev)
{
	struct pci_bus *bus = to_pci_dev(dev)->bus;

	while (bus->parent)
		bus = bus->parent;
	return bus;
}

static bool overlaps(u64 start, u64 last, u64 from, u64 to)
{
	return start <= to && from <= last;
}

/*
 * Returns true if a mapping lies in one of the root bus's windows, in the addresses that devices
 * use.
 */
static bool in_window(struct device *dev, u64 start, u64 last)
{
	struct pci_bus *root = root_of(dev);
	struct pci_bus_region region;
	struct resource *res;
	int i;

	pci_bus_for_each_resource(root, res, i) {
		if (!res || resource_type(res) != IORESOURCE_MEM)
			continue;
		pcibios_resource_to_bus(root, &region, res);
		if (overlaps(start, last, region.start, region.end))
			return true;
	}
	return false;
}

/* Adds a range of the host bridge's addresses to one of its lists. */
static struct resource_entry *list_range(struct list_head *list, u64 start, u64 end)
{
	struct resource_entry *entry = resource_list_create_entry(NULL, 0);

	if (!entry)
		return NULL;
	*entry->res = (struct resource)DEFINE_RES_MEM(start, end - start + 1);
	resource_list_add_tail(entry, list);
	return entry;
}

/* Maps until there are no more addresses. The tables alone are made: nothing is transferred. */
static u32 map_pieces(struct test *t, struct dmah *h, struct page *page, u32 piece)
{
	u32 n = 0;

	while (n < MOST && !dmah_map_page(t->stranger, &h[n], page, 0, piece, DMA_TO_DEVICE))
		n++;
	CHECK(t, n > 2 && n < MOST);
	return n;
}

static void unmap_pieces(struct test *t, struct dmah *h, u32 n)
{
	while (n--)
		CHECK_EQ(t, dmah_unmap(t->stranger, &h[n]), 0);
}

#define WINDOW	   SZ_256M
#define WINDOW_END (SZ_512M - 1)

static void test_windows(struct test *t)
{
	struct pci_host_bridge *bridge = to_pci_host_bridge(root_of(t->stranger)->bridge);
	struct resource_entry *entry = list_range(&bridge->windows, WINDOW, WINDOW_END);
	struct dmah *h = kcalloc(MOST, sizeof(*h), GFP_KERNEL);
	struct buffer b;
	u32 n, i;

	if (!CHECK(t, h && entry) || !CHECK(t, !buffer_get(&b, 0, PAGE_SIZE)))
		goto free;
	if (CHECK_EQ(t, dmah_attach(t->stranger, (enum dmah_mode)t->mode), 0)) {
		n = map_pieces(t, h, b.page, PIECE);
		for (i = 0; i < n; i++) {
			u64 start = dmah_addr(&h[i]), last = start + PIECE - 1;

			CHECK(t, !in_window(t->stranger, start, last));
			CHECK(t, !overlaps(start, last, WINDOW, WINDOW_END));
		}
		unmap_pieces(t, h, n);
		CHECK_EQ(t, dmah_detach(t->stranger), 0);
	}
	buffer_put(&b);
free:
	if (entry)
		resource_list_destroy_entry(entry);
	kfree(h);
}

static void test_ranges(struct test *t)
{
	struct pci_host_bridge *bridge = to_pci_host_bridge(root_of(t->stranger)->bridge);
	const u64 start = SZ_64M, end = start + SZ_64M - 1, next = SZ_1G, last = next + SZ_32M - 1;
	struct dmah *h = kcalloc(MOST, sizeof(*h), GFP_KERNEL);
	struct resource_entry *first, *second;
	struct buffer b;
	u32 n, i;

	/* A bridge that lists ranges of its own is left alone. */
	if (!CHECK(t, h) || !list_empty(&bridge->dma_ranges))
		goto free;
	first = list_range(&bridge->dma_ranges, start, end);
	second = list_range(&bridge->dma_ranges, next, last);
	if (!CHECK(t, first && second) || !CHECK(t, !buffer_get(&b, 0, PAGE_SIZE)))
		goto remove;
	if (CHECK_EQ(t, dmah_attach(t->stranger, (enum dmah_mode)t->mode), 0)) {
		n = map_pieces(t, h, b.page, SZ_2M);
		for (i = 0; i < n; i++) {
			u64 from = dmah_addr(&h[i]), to = from + SZ_2M - 1;

			CHECK(t, (from >= start && to <= end) || (from >= next && to <= last));
		}
		unmap_pieces(t, h, n);
		CHECK_EQ(t, dmah_detach(t->stranger), 0);
	}
	buffer_put(&b);
remove:
	if (first)
		resource_list_destroy_entry(first);
	if (second)
		resource_list_destroy_entry(second);
free:
	kfree(h);
}

#define LIVE 64

/* Mapped by the kernel's DMA API, then attached, then mapped by handle: the addresses differ. */
static void test_mapped_before(struct test *t)
{
	struct dmah *h = kcalloc(LIVE, sizeof(*h), GFP_KERNEL);
	u64 limit = t->stranger->bus_dma_limit;
	dma_addr_t before;
	struct buffer b;
	int i;

	if (!CHECK(t, h) || !CHECK(t, !buffer_get(&b, 0, PAGE_SIZE)))
		goto free;
	before = dma_map_page(t->stranger, b.page, 0, PAGE_SIZE, DMA_TO_DEVICE);
	if (!CHECK(t, !dma_mapping_error(t->stranger, before)))
		goto put;
	if (CHECK_EQ(t, dmah_attach(t->stranger, (enum dmah_mode)t->mode), 0)) {
		for (i = 0; i < LIVE; i++) {
			CHECK_EQ(t,
				 dmah_map_page(t->stranger, &h[i], b.page, 0, PAGE_SIZE,
					       DMA_TO_DEVICE),
				 0);
			CHECK(t, dmah_addr(&h[i]) != before);
		}
		for (i = 0; i < LIVE; i++)
			CHECK_EQ(t, dmah_unmap(t->stranger, &h[i]), 0);
		CHECK_EQ(t, dmah_detach(t->stranger), 0);
	}
	CHECK_EQ(t, t->stranger->bus_dma_limit, limit);
	dma_unmap_page(t->stranger, before, PAGE_SIZE, DMA_TO_DEVICE);
put:
	buffer_put(&b);
free:
	kfree(h);
}

const struct test_case place_cases[] = {
	{ "no mapping lies in a window of the host bridge", test_windows, NEED_DOMAIN },
	{ "all mappings lie in the ranges that the host bridge passes on", test_ranges,
	  NEED_DOMAIN },
	{ "no mapping lies where the kernel's own API mapped before", test_mapped_before,
	  NEED_DOMAIN },
	{}
};
