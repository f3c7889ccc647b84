// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "lookup.h"

#include "walk.h"

#include <dmah/device.h>

const char *lookup_name(enum lookup how)
{
	static const char *const names[] = { "none",	 "directory", "walk",  "rbtree",
					     "register", "p2m",	      "search" };

	return names[how];
}

static dmah_phys_t find_walk(void *ctx, struct dmah_domain *dom, dmah_addr_t dma, uint64_t *steps)
{
	(void)dom;
	return walk(&((const struct lookup_state *)ctx)->pt, dma, steps);
}

static dmah_phys_t find_rbtree(void *ctx, struct dmah_domain *dom, dmah_addr_t dma, uint64_t *steps)
{
	(void)dom;
	return iova_tree_find(&((struct lookup_state *)ctx)->tree, dma, steps);
}

int lookup_set(struct lookup_state *l, struct dmah_domain *dom, enum lookup how)
{
	struct dmah_lookup lookup = { .ctx = l };
	int err = dmah_domain_pt(dom, &l->pt);

	if (err)
		return err;
	if (how == LOOKUP_WALK)
		lookup.find = find_walk;
	if (how == LOOKUP_RBTREE)
		lookup.find = find_rbtree;
	return dmah_addr_set_lookup(dom, lookup.find ? &lookup : NULL);
}
