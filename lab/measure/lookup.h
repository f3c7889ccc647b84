/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Reverse lookups of other systems, for the address-keyed calls to use instead of the library's own directory. */
#ifndef DMAH_MEASURE_LOOKUP_H
#define DMAH_MEASURE_LOOKUP_H

#include <dmah/addr.h>
#include <dmah/iommu.h>

#include "iova_tree.h"

/** enum lookup - ways from a DMA address to its mapping. */
enum lookup {
	LOOKUP_NONE,
	LOOKUP_DIRECTORY, /* the library's flat directory */
	LOOKUP_WALK, /* the page table, from its root: Linux today */
	LOOKUP_RBTREE, /* a red-black tree of live ranges: Linux's Intel driver of 2014 */
	LOOKUP_REGISTER, /* the SMMU's address translation registers */
	LOOKUP_P2M, /* the hypervisor's tables */
	LOOKUP_SEARCH, /* the bounce pool */
};

/** lookup_name() - Returns the name of a lookup in tables and JSON. */
const char *lookup_name(enum lookup how);

/**
 * struct lookup_state - data of a domain's lookup. All-zero before lookup_set().
 * @pt: the page table that LOOKUP_WALK reads.
 * @tree: ranges of LOOKUP_RBTREE; the caller inserts and removes them.
 */
struct lookup_state {
	struct dmah_pt_info pt;
	struct iova_tree tree;
};

/**
 * lookup_set() - Makes the address-keyed calls of a translated domain use one of the lookups in software.
 * @l: storage of the lookup; lives as long as the domain.
 * @dom: a domain without mappings.
 * @how: LOOKUP_WALK or LOOKUP_RBTREE; every other value selects the library's directory.
 *
 * Return: as dmah_addr_set_lookup().
 */
int lookup_set(struct lookup_state *l, struct dmah_domain *dom, enum lookup how);

#endif
