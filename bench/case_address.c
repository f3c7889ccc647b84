// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * The address-keyed API on this library's structure, over several lookups, and the page-keyed API, which takes the physical
 * address from the caller.
 */
#include "cases.h"
#include "memory.h"

static bool fill(struct work *w)
{
	for (uint64_t i = 0; i <= w->mask; i++) {
		struct buffer *s = &w->buffers[i];

		s->page = work_page(w, i);
		s->len = w->size;
		if (dmah_addr_map(w->dev, s->page, s->len, DMAH_FROM_DEVICE, 0, &s->dma))
			return false;
	}
	w->k = w->mask + 1;
	return true;
}

static bool drain(struct work *w)
{
	for (uint64_t i = 0; i <= w->mask; i++)
		if (dmah_addr_unmap(w->dev, w->buffers[i].dma, w->buffers[i].len, DMAH_FROM_DEVICE,
				    0))
			return false;
	return true;
}

static const char *check(struct work *w)
{
	for (uint64_t i = 0; i <= w->mask; i++) {
		const struct buffer *s = &w->buffers[i];
		const char *why = work_check_buffer(w, s, s->dma, s->len);

		if (why)
			return why;
	}
	return NULL;
}

static inline void address(struct work *w, struct buffer *s, dmah_phys_t page)
{
	int err = dmah_addr_unmap(w->dev, s->dma, s->len, DMAH_FROM_DEVICE, 0);

	err |= dmah_addr_map(w->dev, page, w->size, DMAH_FROM_DEVICE, 0, &s->dma);
	if (LIKELY_NOT(err))
		w->failed++;
	s->len = w->size;
	s->page = page;
}

WORK_RUN(run_address, address)

const struct bench_case case_address_walk = {
	.name = "address-walk",
	.what = "dmah_addr_unmap(), dmah_addr_map(); the address is looked up by a walk of the "
		"page table",
	.needs = NEEDS_MACHINE,
	.fill = fill,
	.run = run_address,
	.drain = drain,
	.check = check,
	.lookup = LOOKUP_WALK,
	.looks_up = 1,
};

const struct bench_case case_address_directory = {
	.name = "address-directory",
	.what = "dmah_addr_unmap(), dmah_addr_map(); the address is looked up in the library's "
		"directory",
	.needs = NEEDS_MACHINE,
	.fill = fill,
	.run = run_address,
	.drain = drain,
	.check = check,
	.lookup = LOOKUP_DIRECTORY,
	.looks_up = 1,
};

/* ---- with a tree of all live ranges ---- */

static bool fill_tree(struct work *w)
{
	w->lookup = &w->m->lookup;
	w->nodes = memory_alloc((w->mask + 1) * sizeof(*w->nodes));
	if (!fill(w))
		return false;
	for (uint64_t i = 0; i <= w->mask; i++)
		iova_tree_insert(&w->lookup->tree, &w->nodes[i], w->buffers[i].dma, w->size,
				 w->buffers[i].page);
	return true;
}

static bool drain_tree(struct work *w)
{
	bool ok = drain(w);

	for (uint64_t i = 0; i <= w->mask; i++)
		iova_tree_remove(&w->lookup->tree, &w->nodes[i]);
	return ok;
}

static inline void address_tree(struct work *w, struct buffer *s, dmah_phys_t page)
{
	struct iova_node *n = &w->nodes[s - w->buffers];
	int err = dmah_addr_unmap(w->dev, s->dma, s->len, DMAH_FROM_DEVICE, 0);

	iova_tree_remove(&w->lookup->tree, n);
	err |= dmah_addr_map(w->dev, page, w->size, DMAH_FROM_DEVICE, 0, &s->dma);
	iova_tree_insert(&w->lookup->tree, n, s->dma, w->size, page);
	if (LIKELY_NOT(err))
		w->failed++;
	s->len = w->size;
	s->page = page;
}

WORK_RUN(run_address_tree, address_tree)

const struct bench_case case_address_rbtree = {
	.name = "address-rbtree",
	.what = "dmah_addr_unmap(), dmah_addr_map(); the address is looked up in a red-black tree "
		"of live ranges, which is updated",
	.needs = NEEDS_MACHINE,
	.fill = fill_tree,
	.run = run_address_tree,
	.drain = drain_tree,
	.check = check,
	.lookup = LOOKUP_RBTREE,
	.looks_up = 1,
};

/* ---- page-keyed ---- */

static inline void page_keyed(struct work *w, struct buffer *s, dmah_phys_t page)
{
	int err = dmah_page_unmap(w->dev, s->dma, s->page, s->len, DMAH_FROM_DEVICE, 0);

	err |= dmah_addr_map(w->dev, page, w->size, DMAH_FROM_DEVICE, 0, &s->dma);
	if (LIKELY_NOT(err))
		w->failed++;
	s->len = w->size;
	s->page = page;
}

WORK_RUN(run_page, page_keyed)

const struct bench_case case_page = {
	.name = "page",
	.what = "dmah_page_unmap(), dmah_addr_map(): nothing is looked up",
	.needs = NEEDS_MACHINE,
	.fill = fill,
	.run = run_page,
	.drain = drain,
	.check = check,
};
