// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "pages.h"
#include "xalloc.h"

static struct page_count *slot_of(const struct pages *p, uint32_t device, uint64_t page)
{
	uint64_t h = (page * 2654435761u ^ device) * UINT64_C(0x9e3779b97f4a7c15);
	uint64_t at = h >> 20 & (p->cap - 1);

	while (p->slots[at].page &&
	       (p->slots[at].page != page + 1 || p->slots[at].device != device))
		at = (at + 1) & (p->cap - 1);
	return &p->slots[at];
}

static void grow(struct pages *p)
{
	struct pages bigger = { .cap = p->cap ? 2 * p->cap : 4096, .nr = p->nr };

	bigger.slots = xcalloc(bigger.cap, sizeof(*bigger.slots));
	for (uint64_t i = 0; i < p->cap; i++)
		if (p->slots[i].page)
			*slot_of(&bigger, p->slots[i].device, p->slots[i].page - 1) = p->slots[i];
	free(p->slots);
	*p = bigger;
}

uint32_t pages_add(struct pages *p, uint32_t device, uint64_t page)
{
	struct page_count *c;

	if (p->nr * 2 >= p->cap)
		grow(p);
	c = slot_of(p, device, page);
	if (!c->page) {
		*c = (struct page_count){ page + 1, device, 0 };
		p->nr++;
	}
	if (c->maps < UINT32_MAX)
		c->maps++;
	return c->maps;
}

void pages_free(struct pages *p)
{
	free(p->slots);
}
