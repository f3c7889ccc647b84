// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "lookup.h"

#include "walk.h"

#include <dmah/device.h>

static dmah_phys_t find_walk(void *ctx, struct dmah_domain *dom, dmah_addr_t dma, uint64_t *steps)
{
	const struct dmah_pt_info *pt = &((const struct lookup *)ctx)->pt;

	(void)dom;
	return pt->format == &dmah_pt_vtd_ss ? walk_vtd(pt, dma, steps) : walk_lpae(pt, dma, steps);
}

static dmah_phys_t find_tree(void *ctx, struct dmah_domain *dom, dmah_addr_t dma, uint64_t *steps)
{
	(void)dom;
	return iova_tree_find(&((struct lookup *)ctx)->tree, dma, steps);
}

int lookup_set(struct lookup *l, struct dmah_domain *dom, enum lookup_kind kind)
{
	struct dmah_lookup way = { .ctx = l };
	int err = dmah_domain_pt(dom, &l->pt);

	if (err || kind == LOOKUP_OWN)
		return err;
	way.find = kind == LOOKUP_TREE ? find_tree : find_walk;
	return dmah_addr_set_lookup(dom, &way);
}
