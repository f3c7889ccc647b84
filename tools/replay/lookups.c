// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* The register is the simulator's; the rest is what the benchmark uses as well, in tools/lookups. */
#include "lookups.h"
#include "walk.h"
#include "xalloc.h"

struct lookup_ctx {
	struct dmah_pt_info pt;
	struct sim_bank *bank;
	struct iova_tree *tree;
};

static dmah_phys_t walk_table(void *arg, struct dmah_domain *dom, dmah_addr_t dma, uint64_t *steps)
{
	(void)dom;
	return walk(&((const struct lookup_ctx *)arg)->pt, dma, steps);
}

static dmah_phys_t search_tree(void *arg, struct dmah_domain *dom, dmah_addr_t dma, uint64_t *steps)
{
	(void)dom;
	return iova_tree_find(((const struct lookup_ctx *)arg)->tree, dma, steps);
}

static dmah_phys_t ask_register(void *arg, struct dmah_domain *dom, dmah_addr_t dma,
				uint64_t *steps)
{
	const struct lookup_ctx *ctx = arg;

	(void)dom;
	return sim_bank_lookup(ctx->bank, dma, steps);
}

/* ---- which ---- */

static int set_one(struct lookups *l, struct machine *m, uint32_t i, enum lookup how)
{
	struct lookup_ctx *ctx = &l->ctx[i];
	struct dmah_lookup lookup = { .ctx = ctx };
	int err;

	err = dmah_domain_pt(m->dom[i], &ctx->pt);
	if (err)
		return err;
	ctx->tree = &l->tree[i];
	if (how == LOOKUP_WALK)
		lookup.find = walk_table;
	if (how == LOOKUP_RBTREE)
		lookup.find = search_tree;
	if (how == LOOKUP_REGISTER) {
		ctx->bank = sim_iommu_bank(sim_iommu(m->sim, 0), &ctx->pt);
		sim_iommu_set_polls(sim_iommu(m->sim, 0), POLLS);
		lookup.find = ask_register;
		if (!ctx->bank)
			return DMAH_ENODEV;
	}
	return dmah_addr_set_lookup(m->dom[i], lookup.find ? &lookup : NULL);
}

int lookups_set(struct lookups *l, struct machine *m, enum lookup how)
{
	int err = DMAH_OK;

	if (!m->kind->va_bits)
		return DMAH_OK;
	if (!l->ctx) {
		l->ctx = xcalloc(m->ndev, sizeof(*l->ctx));
		l->tree = xcalloc(m->ndev, sizeof(*l->tree));
	}
	for (uint32_t i = 0; !err && i < m->ndev; i++)
		err = set_one(l, m, i, how);
	return err;
}

void lookups_free(struct lookups *l)
{
	free(l->ctx);
	free(l->tree);
	l->ctx = NULL;
	l->tree = NULL;
}
