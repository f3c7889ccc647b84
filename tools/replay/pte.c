// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include <inttypes.h>
#include <stdarg.h>
#include "pte.h"
#include "xalloc.h"

#define PAGE 4096ull

static void expect(struct pte_model *model, dmah_addr_t dma, uint64_t addr, uint8_t dir,
		   bool may_bounce)
{
	struct pte *last = model->n ? &model->list[model->n - 1] : NULL;

	/* Two pieces never share a granule, but one piece may be cut in two inside it. */
	if (last && last->iova == (dma & ~(PAGE - 1)))
		return;
	xgrow(model->list, model->n, model->cap);
	model->list[model->n++] = (struct pte){ .iova = dma & ~(PAGE - 1),
						.addr = addr & ~(PAGE - 1),
						.dir = dir,
						.may_bounce = may_bounce };
}

static void expect_range(struct pte_model *model, const struct machine *m, dmah_addr_t dma,
			 dmah_phys_t phys, uint64_t len, uint8_t dir, bool may_bounce)
{
	while (len) {
		uint64_t n = PAGE - phys % PAGE;

		if (n > len)
			n = len;
		expect(model, dma, machine_addr(m, phys), dir, may_bounce);
		phys += n;
		dma += n;
		len -= n;
	}
}

void pte_expect(struct pte_model *model, const struct exec *x, uint32_t i)
{
	const struct item *item = &x->m->plan->items[i];
	const struct target *t = &x->m->target[i];
	bool may_bounce = x->m->kind->noncoherent && !(t->attrs & DMAH_ATTR_NO_BOUNCE);
	dmah_addr_t dma = 0;
	uint64_t left = 0;
	uint32_t seg = 0;

	if (item->kind == ITEM_COHERENT) {
		const struct dmah *h = &x->coherent[t->kept];

		expect_range(model, x->m, h->dma, h->phys, h->len, DMAH_BIDIRECTIONAL, false);
		return;
	}
	if (item->kind == ITEM_SINGLE) {
		exec_segment(x, i, 0, &dma, &left);
		expect_range(model, x->m, dma, t->phys, t->len, item->dir, may_bounce);
		return;
	}
	for (uint32_t k = 0; k < item->pieces; k++) {
		struct piece p = x->m->piece[item->first + k];

		while (p.len) {
			uint32_t n = p.len;

			if (!left && !exec_segment(x, i, seg++, &dma, &left))
				return;
			if (left < n)
				n = (uint32_t)left;
			expect_range(model, x->m, dma, p.phys, n, item->dir, may_bounce);
			p.phys += n;
			p.len -= n;
			dma += n;
			left -= n;
		}
	}
}

/* ---- comparing ---- */

struct comparison {
	const struct machine *m;
	const struct pte_model *model;
	size_t at;
	uint64_t bad;
	char *why;
	size_t size;
};

static int by_iova(const void *a, const void *b)
{
	const struct pte *x = a, *y = b;

	return x->iova < y->iova ? -1 : x->iova > y->iova;
}

__attribute__((format(printf, 3, 4))) static void differs(struct comparison *c, uint64_t iova,
							  const char *format, ...)
{
	va_list args;
	int at;

	if (c->bad++)
		return;
	at = snprintf(c->why, c->size, "page table at 0x%" PRIx64 ": ", iova);
	va_start(args, format);
	vsnprintf(c->why + at, c->size - (size_t)at, format, args);
	va_end(args);
}

static void compare_one(struct comparison *c, const struct pte *want, uint64_t phys,
			unsigned int perm)
{
	bool bounced = phys - c->m->pool.phys < c->m->pool.size;
	/* LPAE stage 1 has no write-only permission: reading is always allowed. */
	bool too_much = perm & SIM_PERM_WRITE && !(want->dir & DMAH_FROM_DEVICE);

	if (phys != want->addr && !(bounced && want->may_bounce))
		differs(c, want->iova, "leads to 0x%" PRIx64 " and not to 0x%" PRIx64, phys,
			want->addr);
	else if (too_much || (want->dir & DMAH_FROM_DEVICE && !(perm & SIM_PERM_WRITE)) ||
		 (want->dir & DMAH_TO_DEVICE && !(perm & SIM_PERM_READ)))
		differs(c, want->iova, "the wrong permission");
}

static int leaf(void *ctx, const struct sim_leaf *l)
{
	struct comparison *c = ctx;

	if (!l->shift) {
		differs(c, l->iova, "a malformed entry");
		return 0;
	}
	for (uint64_t off = 0; off < 1ull << l->shift; off += PAGE) {
		uint64_t iova = l->iova + off;

		while (c->at < c->model->n && c->model->list[c->at].iova < iova)
			differs(c, c->model->list[c->at++].iova, "a live mapping is not there");
		if (c->at < c->model->n && c->model->list[c->at].iova == iova)
			compare_one(c, &c->model->list[c->at++], l->phys + off, l->perm);
		else
			differs(c, iova, "an entry of no live mapping");
	}
	return 0;
}

uint64_t pte_compare(struct pte_model *model, const struct machine *m, uint32_t d, char *why,
		     size_t size)
{
	struct comparison c = { .m = m, .model = model, .why = why, .size = size };
	struct dmah_pt_info pt;

	if (dmah_domain_pt(m->rig[d].dom, &pt)) {
		differs(&c, 0, "there is none");
		return c.bad;
	}
	if (model->n)
		qsort(model->list, model->n, sizeof(*model->list), by_iova);
	sim_iommu_each(sim_iommu(m->sim, 0), &pt, leaf, &c);
	while (c.at < model->n)
		differs(&c, model->list[c.at++].iova, "a live mapping is not there");
	return c.bad;
}

void pte_free(struct pte_model *model)
{
	free(model->list);
}
