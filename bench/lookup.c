// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "lookup.h"

#include <sched.h>

#include "walk.h"

#include <dmah/device.h>
#include <dmah/host.h>

static dmah_phys_t find_vtd(void *ctx, struct dmah_domain *dom, dmah_addr_t dma, uint64_t *steps)
{
	(void)dom;
	return walk_vtd(&((struct lookup *)ctx)->pt, dma, steps);
}

static dmah_phys_t find_lpae(void *ctx, struct dmah_domain *dom, dmah_addr_t dma, uint64_t *steps)
{
	(void)dom;
	return walk_lpae(&((struct lookup *)ctx)->pt, dma, steps);
}

/* ---- the tree ---- */

static void lock(struct lookup *l)
{
	unsigned int spins = 0;

	while (__atomic_exchange_n(&l->lock, 1, __ATOMIC_ACQUIRE)) {
		dmah_host_relax();
		if (++spins >= 64)
			sched_yield();
	}
}

static void unlock(struct lookup *l)
{
	__atomic_store_n(&l->lock, 0, __ATOMIC_RELEASE);
}

void lookup_insert(struct lookup *l, struct range_node *n, dmah_addr_t dma, uint64_t len,
		   dmah_phys_t phys)
{
	n->node.key = dma & ~4095ull;
	n->last = (dma + len - 1) | 4095;
	n->phys = phys & ~4095ull;
	lock(l);
	rb_insert(&l->tree, &n->node);
	unlock(l);
}

void lookup_remove(struct lookup *l, struct range_node *n)
{
	lock(l);
	rb_erase(&l->tree, &n->node);
	unlock(l);
}

static dmah_phys_t find_tree(void *ctx, struct dmah_domain *dom, dmah_addr_t dma, uint64_t *steps)
{
	struct lookup *l = ctx;
	dmah_phys_t phys = ~(dmah_phys_t)0;
	const struct rb_node *n;

	(void)dom;
	lock(l);
	for (n = l->tree.root; n; n = n->child[dma >= n->key]) {
		const struct range_node *r = (const struct range_node *)(const void *)n;

		++*steps;
		if (dma >= n->key && dma <= r->last) {
			phys = r->phys + (dma - n->key);
			break;
		}
	}
	unlock(l);
	return phys;
}

int lookup_set(struct lookup *l, struct dmah_domain *dom, enum lookup_kind kind)
{
	struct dmah_lookup way = { .ctx = l };
	int err = dmah_domain_pt(dom, &l->pt);

	if (err || kind == LOOKUP_OWN)
		return err;
	if (kind == LOOKUP_TREE)
		way.find = find_tree;
	else
		way.find = l->pt.format == &dmah_pt_vtd_ss ? find_vtd : find_lpae;
	return dmah_addr_set_lookup(dom, &way);
}
