/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* A locked tree of live IOVA ranges, as the Intel IOMMU driver of 2014 searched at every unmap (find_iova()). */
#ifndef DMAH_MEASURE_IOVA_TREE_H
#define DMAH_MEASURE_IOVA_TREE_H

#include <dmah/types.h>

#include "rbtree.h"

/**
 * struct iova_node - a live range, in the caller's storage.
 * @node: keyed by the first address of the range.
 * @last: last address of the range.
 * @phys: physical address of its first granule.
 */
struct iova_node {
	struct rbtree_node node;
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
	struct rbtree tree;
};

/** iova_tree_insert() - Adds a range that was mapped. */
void iova_tree_insert(struct iova_tree *t, struct iova_node *n, dmah_addr_t dma, uint64_t len,
		      dmah_phys_t phys);

/** iova_tree_remove() - Removes a range that was unmapped. */
void iova_tree_remove(struct iova_tree *t, struct iova_node *n);

/**
 * iova_tree_find() - Translates an IOVA.
 * @t: the tree.
 * @dma: the IOVA.
 * @steps: the number of visited nodes is added here.
 *
 * Return: the physical address, ~0 if no range contains @dma.
 */
dmah_phys_t iova_tree_find(struct iova_tree *t, dmah_addr_t dma, uint64_t *steps);

#endif
