/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* A red-black tree of 64-bit keys, in nodes that the caller owns. Equal keys stand in the order they came. */
#ifndef DMAH_LOOKUPS_RBTREE_H
#define DMAH_LOOKUPS_RBTREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** struct rb_node - one key; @child[0] has the smaller ones. */
struct rb_node {
	struct rb_node *child[2];
	struct rb_node *parent;
	uint64_t key;
	bool red;
};

/** struct rb_tree - a tree; all-zero when empty. */
struct rb_tree {
	struct rb_node *root;
};

/** rb_insert() - add @node, of which the key is set. */
void rb_insert(struct rb_tree *tree, struct rb_node *node);

/** rb_erase() - take @node, which is in @tree, out of it. */
void rb_erase(struct rb_tree *tree, struct rb_node *node);

/** rb_floor() - the last node of a key not above @key, or NULL; nodes visited are added to @steps. */
struct rb_node *rb_floor(const struct rb_tree *tree, uint64_t key, uint64_t *steps);

/** rb_lower() - the first node of a key not below @key, or NULL. */
struct rb_node *rb_lower(const struct rb_tree *tree, uint64_t key);

/** rb_step() - the next node (@forward) or the one before; NULL at the end. */
struct rb_node *rb_step(const struct rb_node *node, bool forward);

#endif
