// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Moves the touched pages of the trace's physical memory together.
 *
 * Adjacent pages stay adjacent, offsets in pages stay, and buffers that share a page still share it. An unused page lies
 * between runs of pages, so that no two buffers become neighbours that were none.
 */
#include "plan.h"
#include "xalloc.h"

#define PAGE 4096ull
/* Most memory of a machine that this one can simulate. */
#define MOST (64ull << 30)

struct run {
	uint64_t first; /* page numbers in the trace's memory */
	uint64_t last;
	uint64_t place; /* number of the first page in the plan's data */
};

static int by_first(const void *a, const void *b)
{
	const struct run *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

/* Sorts and merges runs of pages. Return: number of runs that are left. */
static size_t merge(struct run *runs, size_t n)
{
	size_t out = 0;

	if (!n)
		return 0;
	qsort(runs, n, sizeof(*runs), by_first);
	for (size_t i = 1; i < n; i++) {
		if (runs[i].first > runs[out].last + 1)
			runs[++out] = runs[i];
		else if (runs[i].last > runs[out].last)
			runs[out].last = runs[i].last;
	}
	return out + 1;
}

static const struct run *find(const struct run *runs, size_t n, uint64_t page)
{
	size_t low = 0, high = n;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (runs[mid].first <= page)
			low = mid;
		else
			high = mid;
	}
	return &runs[low];
}

/* Returns true if an item has memory of the trace. The library places coherent memory itself. */
static bool placed(const struct item *item)
{
	return item->kind != ITEM_COHERENT;
}

bool plan_place(struct plan *plan)
{
	struct run *runs = xcalloc(plan->npieces, sizeof(*runs));
	uint64_t place = 1;
	size_t n = 0;

	for (uint32_t i = 0; i < plan->nitems; i++) {
		const struct item *item = &plan->items[i];

		for (uint32_t k = 0; placed(item) && k < item->pieces; k++) {
			const struct piece *p = &plan->pieces[item->first + k];

			runs[n].first = p->phys / PAGE;
			runs[n++].last = (p->phys + p->len - 1) / PAGE;
		}
	}
	n = merge(runs, n);
	for (size_t i = 0; i < n; i++) {
		runs[i].place = place;
		place += runs[i].last - runs[i].first + 2;
		if (place > MOST / PAGE) {
			free(runs);
			return false;
		}
	}
	plan->data = place * PAGE;
	for (uint32_t i = 0; i < plan->nitems; i++) {
		const struct item *item = &plan->items[i];

		for (uint32_t k = 0; placed(item) && k < item->pieces; k++) {
			struct piece *p = &plan->pieces[item->first + k];
			const struct run *run = find(runs, n, p->phys / PAGE);

			p->phys =
				(run->place + p->phys / PAGE - run->first) * PAGE + p->phys % PAGE;
		}
	}
	free(runs);
	return true;
}
