/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* A red-black tree of 64-bit keys, in nodes that the caller owns. Equal keys stay in order of insertion. */
#ifndef DMAH_MEASURE_RBTREE_H
#define DMAH_MEASURE_RBTREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** struct rbtree_node - one key; @child[0] holds the smaller ones. */
struct rbtree_node {
	struct rbtree_node *child[2];
	struct rbtree_node *parent;
	uint64_t key;
	bool red;
};

/** struct rbtree - a tree; all-zero when empty. */
struct rbtree {
	struct rbtree_node *root;
};

/** rbtree_insert() - Adds @node, whose key is set. */
void rbtree_insert(struct rbtree *tree, struct rbtree_node *node);

/** rbtree_erase() - Removes @node from @tree, which must hold it. */
void rbtree_erase(struct rbtree *tree, struct rbtree_node *node);

/**
 * rbtree_floor() - Finds the last node whose key is at most @key.
 * @tree: the tree.
 * @key: the upper limit.
 * @steps: the number of visited nodes is added here.
 *
 * Return: the node, NULL if every key is above @key.
 */
struct rbtree_node *rbtree_floor(const struct rbtree *tree, uint64_t key, uint64_t *steps);

/** rbtree_lower() - Returns the first node whose key is at least @key, NULL if there is none. */
struct rbtree_node *rbtree_lower(const struct rbtree *tree, uint64_t key);

/** rbtree_step() - Returns the next node (@forward) or the previous one, NULL at the end. */
struct rbtree_node *rbtree_step(const struct rbtree_node *node, bool forward);

#endif
