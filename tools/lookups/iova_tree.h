/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* A tree of live IOVA ranges under a lock: what the Intel IOMMU driver of 2014 searched at every unmap (find_iova()). */
#ifndef DMAH_LOOKUPS_IOVA_TREE_H
#define DMAH_LOOKUPS_IOVA_TREE_H

#include <dmah/types.h>

#include "rbtree.h"

/**
 * struct iova_node - a live range, in the caller's storage.
 * @node: by its first address.
 * @last: its last address.
 * @phys: where it goes.
 */
struct iova_node {
	struct rb_node node;
	dmah_addr_t last;
	dmah_phys_t phys;
};

/**
 * struct iova_tree - the live ranges of a domain. All-zero when empty.
 * @lock: taken by every call, as in Linux.
 * @tree: keyed by first IOVA.
 */
struct iova_tree {
	uint32_t lock;
	struct rb_tree tree;
};

/** iova_tree_insert() - a range was mapped. */
void iova_tree_insert(struct iova_tree *t, struct iova_node *n, dmah_addr_t dma, uint64_t len,
		      dmah_phys_t phys);

/** iova_tree_remove() - it was unmapped. */
void iova_tree_remove(struct iova_tree *t, struct iova_node *n);

/** iova_tree_find() - where an IOVA goes; nodes visited are added to @steps. Return: ~0 where no range has it. */
dmah_phys_t iova_tree_find(struct iova_tree *t, dmah_addr_t dma, uint64_t *steps);

#endif
