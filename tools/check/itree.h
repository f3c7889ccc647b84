/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* A set of address ranges that is asked which of them meet a given one: O(log n + hits). */
#ifndef DMAH_TOOLS_CHECK_ITREE_H
#define DMAH_TOOLS_CHECK_ITREE_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct inode - one range, in memory of its owner
 * @first: its first address
 * @last: its last address (inclusive, so that a range may end at the top of the address space)
 * @owner: mapping that the range belongs to
 */
struct inode {
	uint64_t first, last;
	void *owner;
	/* the tree's own */
	uint64_t id, max;
	uint64_t prio;
	struct inode *left, *right;
};

/** struct itree - zero is empty */
struct itree {
	struct inode *root;
	uint64_t next_id;
};

/** itree_insert() - add a range; equal and overlapping ranges are welcome */
void itree_insert(struct itree *t, struct inode *n);

/** itree_remove() - take out a range that is in the tree */
void itree_remove(struct itree *t, struct inode *n);

/**
 * itree_each() - visit the ranges that share an address with a given one, by their first address
 * @t: tree, which @visit must not change
 * @first: of the given range
 * @last: of the given range, inclusive
 * @visit: called for each; false ends the search
 * @arg: for @visit
 */
void itree_each(const struct itree *t, uint64_t first, uint64_t last,
		bool (*visit)(struct inode *n, void *arg), void *arg);

#endif
