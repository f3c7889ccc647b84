// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Makes some pages of the trace foreign, as a block or network backend in dom0 has them.
 *
 * A grant is one page, so only pages that no mapping crosses can be foreign. A hash chooses as many of those as make up the
 * share that the user asked for. Every fourth foreign page is granted once and mapped twice: its mappings use the two
 * physical addresses in turn, but the machine address, and so the DMA address, is one. The kernel has no mapping of every
 * second of the other foreign pages, nor of the first address of a page that is mapped twice: cache maintenance there takes
 * a hypercall.
 */
#include "machine.h"
#include "xalloc.h"

#define PAGE 4096ull

/* Physical addresses of a page that became foreign; 0: the page is the domain's own. */
struct place {
	dmah_phys_t phys[2];
	unsigned int next;
	bool crossed;
	bool used;
};

static uint64_t hash(uint64_t n)
{
	n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9ull;
	n = (n ^ n >> 27) * 0x94d049bb133111ebull;
	return n ^ n >> 31;
}

static void grant(struct machine *m, struct place *p)
{
	struct sim_xen *xen = sim_xen(m->sim);
	uint64_t gref = sim_xen_grant(xen, 1);
	bool twice = m->foreign % 4 == 3, second = m->foreign % 2 == 1;

	if (gref == SIM_XEN_BAD)
		return;
	p->phys[0] = sim_xen_map_grant(xen, gref, !twice && second);
	p->phys[1] = twice ? sim_xen_map_grant(xen, gref, true) : p->phys[0];
	m->foreign++;
	m->aliased += twice;
}

static void choose(struct machine *m, struct place *place, uint64_t npages, unsigned int percent)
{
	uint64_t used = 0, whole = 0, want;

	for (uint64_t i = 0; i < npages; i++) {
		used += place[i].used;
		whole += place[i].used && !place[i].crossed;
	}
	want = used * percent / 100;
	for (uint64_t i = 0; i < npages && whole; i++)
		if (place[i].used && !place[i].crossed && hash(i + 1) % whole < want)
			grant(m, &place[i]);
}

static void move(struct place *place, uint64_t data, uint64_t *phys)
{
	struct place *p = &place[(*phys - data) / PAGE];

	if (p->phys[0])
		*phys = p->phys[p->next++ % 2] | *phys % PAGE;
}

void xen_place(struct machine *m, unsigned int percent)
{
	const struct plan *plan = m->plan;
	uint64_t npages = plan->data / PAGE;
	struct place *place = xcalloc(npages, sizeof(*place));

	for (uint32_t i = 0; i < plan->nitems; i++) {
		const struct item *item = &plan->items[i];

		for (uint32_t k = 0; item->kind != ITEM_COHERENT && k < item->pieces; k++) {
			const struct piece *p = &plan->pieces[item->first + k];
			uint64_t first = p->phys / PAGE, last = (p->phys + p->len - 1) / PAGE;

			for (uint64_t page = first; page <= last; page++) {
				place[page].used = true;
				place[page].crossed |= first != last ||
						       item->attrs & DMAH_ATTR_MMIO;
			}
		}
	}
	choose(m, place, npages, percent);
	for (uint32_t i = 0; i < plan->nitems; i++) {
		const struct item *item = &plan->items[i];

		if (item->kind == ITEM_SINGLE)
			move(place, m->data, &m->target[i].phys);
		for (uint32_t k = 0; item->kind == ITEM_SG && k < item->pieces; k++)
			move(place, m->data, &m->piece[item->first + k].phys);
	}
	free(place);
}
