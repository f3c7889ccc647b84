// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Assigns each mapping one of the records that the driver keeps, and computes how much is live at most. There are as many
 * records as mappings at one time, used in turn, as in a ring.
 */
#include "plan.h"
#include "xalloc.h"

#define PAGE 4096u

/* Returns the bytes of a mapping in whole pages, which it takes of an aperture, and at most of a bounce pool. */
static uint64_t in_pages(const struct plan *plan, const struct item *item)
{
	uint64_t sum = 0;

	for (uint32_t k = 0; k < item->pieces; k++) {
		const struct piece *p = &plan->pieces[item->first + k];

		sum += (p->phys % PAGE + p->len + PAGE - 1) / PAGE * PAGE;
	}
	return sum;
}

static void count_live(struct plan *plan)
{
	uint64_t *device = xcalloc(plan->ndevices, sizeof(*device)), all = 0, coherent = 0;
	uint32_t live[ITEM_KINDS] = { 0 };

	for (uint32_t i = 0; i < plan->nops + plan->ntail; i++) {
		const struct op *op = &plan->ops[i];
		const struct item *item = &plan->items[op->item];
		uint64_t size, *sum = item->kind == ITEM_COHERENT ? &coherent : &all;

		if (op->kind != OP_MAP && op->kind != OP_UNMAP)
			continue;
		size = in_pages(plan, item);
		if (op->kind == OP_UNMAP) {
			live[item->kind]--;
			device[item->device] -= size;
			*sum -= size;
			continue;
		}
		device[item->device] += size;
		*sum += size;
		if (++live[item->kind] > plan->kept[item->kind])
			plan->kept[item->kind] = live[item->kind];
		if (device[item->device] > plan->devices[item->device].live_max)
			plan->devices[item->device].live_max = device[item->device];
		if (all > plan->live_max)
			plan->live_max = all;
		if (coherent > plan->coherent_max)
			plan->coherent_max = coherent;
	}
	free(device);
}

/* A queue of the indices of free records. */
struct ring {
	uint32_t *index;
	uint32_t in;
	uint32_t out;
};

void plan_kept(struct plan *plan)
{
	struct ring ring[ITEM_KINDS] = { 0 };

	count_live(plan);
	for (unsigned int kind = 0; kind < ITEM_KINDS; kind++) {
		ring[kind].index = xcalloc(plan->kept[kind], sizeof(uint32_t));
		for (uint32_t i = 0; i < plan->kept[kind]; i++)
			ring[kind].index[i] = i;
	}
	for (uint32_t i = 0; i < plan->nops + plan->ntail; i++) {
		const struct op *op = &plan->ops[i];
		struct item *item = &plan->items[op->item];
		struct ring *r = &ring[item->kind];
		uint32_t n = plan->kept[item->kind];

		if (op->kind == OP_MAP)
			item->kept = r->index[r->out++ % n];
		else if (op->kind == OP_UNMAP)
			r->index[r->in++ % n] = item->kept;
	}
	for (unsigned int kind = 0; kind < ITEM_KINDS; kind++)
		free(ring[kind].index);
}
