// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * The walks read tables as Linux's iommu_iova_to_phys() ends up doing it, for second-stage tables of VT-d and for LPAE, with
 * layouts from the Intel VT-d specification, section 9.8, and the Arm ARM, section D8.3. The tree is what the Intel driver
 * of 2014 searched (find_iova()): live ranges, by their first address, under a lock. The register is the simulator's.
 */
#include "lookups.h"
#include "xalloc.h"

#define VTD_PRESENT 3ull
#define VTD_LARGE   (1ull << 7)
#define VTD_ADDR    0x000ffffffffff000ull
#define LPAE_VALID  1ull
#define LPAE_TABLE  2ull /* at the last level: a page; above: not a block */
#define LPAE_ADDR   0x0000fffffffff000ull

struct lookup_ctx {
	struct dmah_pt_info pt;
	struct sim_bank *bank;
	struct iova_tree *tree;
};

static const uint64_t *entry_at(dmah_phys_t table, dmah_addr_t dma, unsigned int shift)
{
	return (const uint64_t *)dmah_host_table_virt(table) + (dma >> shift & 511);
}

static dmah_phys_t inside(uint64_t entry, uint64_t mask, dmah_addr_t dma, unsigned int shift)
{
	uint64_t low = (1ull << shift) - 1;

	return (entry & mask & ~low) | (dma & low);
}

static dmah_phys_t walk_vtd(void *arg, struct dmah_domain *dom, dmah_addr_t dma, uint64_t *steps)
{
	const struct lookup_ctx *ctx = arg;
	dmah_phys_t table = ctx->pt.root;

	(void)dom;
	for (unsigned int shift = 12 + 9 * (ctx->pt.levels - 1);; shift -= 9) {
		uint64_t e = __atomic_load_n(entry_at(table, dma, shift), __ATOMIC_RELAXED);

		++*steps;
		if (!(e & VTD_PRESENT))
			return DMAH_BAD_ADDR;
		if (shift == 12 || e & VTD_LARGE)
			return inside(e, VTD_ADDR, dma, shift);
		table = e & VTD_ADDR;
	}
}

static dmah_phys_t walk_lpae(void *arg, struct dmah_domain *dom, dmah_addr_t dma, uint64_t *steps)
{
	const struct lookup_ctx *ctx = arg;
	dmah_phys_t table = ctx->pt.root;

	(void)dom;
	for (unsigned int shift = 12 + 9 * (ctx->pt.levels - 1);; shift -= 9) {
		uint64_t e = __atomic_load_n(entry_at(table, dma, shift), __ATOMIC_RELAXED);

		++*steps;
		if (!(e & LPAE_VALID) || (shift == 12 && !(e & LPAE_TABLE)))
			return DMAH_BAD_ADDR;
		if (shift == 12 || !(e & LPAE_TABLE))
			return inside(e, LPAE_ADDR, dma, shift);
		table = e & LPAE_ADDR;
	}
}

static dmah_phys_t ask_register(void *arg, struct dmah_domain *dom, dmah_addr_t dma,
				uint64_t *steps)
{
	const struct lookup_ctx *ctx = arg;

	(void)dom;
	return sim_bank_lookup(ctx->bank, dma, steps);
}

/* ---- the tree ---- */

static void lock(struct iova_tree *t)
{
	while (__atomic_exchange_n(&t->lock, 1, __ATOMIC_ACQUIRE))
		dmah_host_relax();
}

static void unlock(struct iova_tree *t)
{
	__atomic_store_n(&t->lock, 0, __ATOMIC_RELEASE);
}

void iova_tree_insert(struct iova_tree *t, struct iova_range_node *n, dmah_addr_t dma, uint64_t len,
		      dmah_phys_t phys)
{
	n->node.key = dma & ~4095ull;
	n->last = (dma + len - 1) | 4095;
	n->phys = phys & ~4095ull;
	lock(t);
	rb_insert(&t->tree, &n->node);
	unlock(t);
}

void iova_tree_remove(struct iova_tree *t, struct iova_range_node *n)
{
	lock(t);
	rb_erase(&t->tree, &n->node);
	unlock(t);
}

static dmah_phys_t search_tree(void *arg, struct dmah_domain *dom, dmah_addr_t dma, uint64_t *steps)
{
	const struct lookup_ctx *ctx = arg;
	dmah_phys_t phys = DMAH_BAD_ADDR;
	struct rb_node *n;

	(void)dom;
	lock(ctx->tree);
	for (n = ctx->tree->tree.root; n; n = n->child[dma >= n->key]) {
		const struct iova_range_node *r = (const struct iova_range_node *)(void *)n;

		++*steps;
		if (dma >= n->key && dma <= r->last) {
			phys = r->phys + (dma - n->key);
			break;
		}
	}
	unlock(ctx->tree);
	return phys;
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
		lookup.find = ctx->pt.format == &dmah_pt_vtd_ss ? walk_vtd : walk_lpae;
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
