// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Finds cache lines that two live mappings share, at least one of them written by its device.
 *
 * A Linux driver must own the cache lines at the edges of its buffers, and the replay then maps with DMAH_ATTR_NO_BOUNCE.
 * Where the trace shows another buffer in such a line, that attribute would lose bytes. Two mappings that share no byte can
 * share only a line in which a piece begins or ends.
 */
#include <dmah/types.h>
#include "plan.h"
#include "xalloc.h"

#define LINE	64u
#define BUCKETS (1u << 14)

/* An edge: a live mapping begins or ends inside this line. */
struct edge {
	struct edge *next;
	uint64_t line;
	uint32_t item;
};

struct edges {
	struct edge *bucket[BUCKETS];
};

static struct edge **bucket_of(struct edges *edges, uint64_t line)
{
	return &edges->bucket[line * 0x9e3779b97f4a7c15ull >> 50];
}

static void meet(struct plan *plan, uint32_t a, uint32_t b)
{
	if (a == b || !((plan->items[a].dir | plan->items[b].dir) & DMAH_FROM_DEVICE))
		return;
	plan->items[a].shares_line = plan->items[b].shares_line = true;
}

static void enter(struct plan *plan, struct edges *edges, uint64_t line, uint32_t item)
{
	struct edge **head = bucket_of(edges, line), *e;

	for (e = *head; e; e = e->next)
		if (e->line == line)
			meet(plan, e->item, item);
	e = xmalloc(sizeof(*e));
	*e = (struct edge){ .next = *head, .line = line, .item = item };
	*head = e;
}

static void leave(struct edges *edges, uint64_t line, uint32_t item)
{
	struct edge **at = bucket_of(edges, line), *e;

	for (; (e = *at); at = &e->next) {
		if (e->line == line && e->item == item) {
			*at = e->next;
			free(e);
			return;
		}
	}
}

void plan_lines(struct plan *plan)
{
	struct edges *edges = xcalloc(1, sizeof(*edges));

	for (uint32_t i = 0; i < plan->nops + plan->ntail; i++) {
		const struct op *op = &plan->ops[i];
		const struct item *item = &plan->items[op->item];

		if ((op->kind != OP_MAP && op->kind != OP_UNMAP) || item->kind == ITEM_COHERENT)
			continue;
		for (uint32_t k = 0; k < item->pieces; k++) {
			const struct piece *p = &plan->pieces[item->first + k];
			uint64_t edge[2] = { p->phys, p->phys + p->len };

			for (unsigned int e = 0; e < 2; e++) {
				if (edge[e] % LINE == 0)
					continue;
				if (op->kind == OP_MAP)
					enter(plan, edges, edge[e] / LINE, op->item);
				else
					leave(edges, edge[e] / LINE, op->item);
			}
		}
	}
	free(edges);
}
