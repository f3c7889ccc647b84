/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Other ways from a DMA address to its mapping, for the address-keyed calls: what the library's own is compared with. */
#ifndef DMAH_BENCH_LOOKUP_H
#define DMAH_BENCH_LOOKUP_H

#include <dmah/addr.h>
#include <dmah/iommu.h>

#include "iova_tree.h"

/** enum lookup_kind - which. */
enum lookup_kind {
	LOOKUP_OWN, /* the library's flat directory */
	LOOKUP_WALK, /* from the root of the page table */
	LOOKUP_TREE, /* a red-black tree of live ranges, as the Intel driver of 2014 had it */
};

/** struct lookup - of one domain. All-zero before lookup_set(). */
struct lookup {
	struct dmah_pt_info pt;
	struct iova_tree tree;
};

/** lookup_set() - let a domain with nothing mapped look up in this way. Return: as dmah_addr_set_lookup(). */
int lookup_set(struct lookup *l, struct dmah_domain *dom, enum lookup_kind kind);

#endif
