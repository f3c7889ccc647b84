/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The steps of a page-table walk that all formats of 512 entries a table share.
 */
#ifndef SIM_WALK_STEP_H
#define SIM_WALK_STEP_H

#include "walk.h"

/* End a walk with a fault, of which @code is the specification's number. */
static inline enum sim_reason sim_walk_fault(struct sim_walk *walk, enum sim_reason reason,
					     uint32_t code)
{
	walk->code = code;
	return reason;
}

/* Clear what an earlier walk left. Returns the first table: @walk->from, else the root. */
static inline struct sim_step sim_walk_first(const struct sim_table *t, struct sim_walk *walk)
{
	walk->ntrail = 0;
	walk->steps = 0;
	walk->global = false;
	if (walk->from.level)
		return walk->from;
	return (struct sim_step){ .table = t->root,
				  .perm = (SIM_PERM_READ | SIM_PERM_WRITE) & ~t->denied,
				  .level = t->levels };
}

/* Returns log2 of the bytes that an entry of @level covers; 1: a leaf table's. */
static inline unsigned int sim_walk_shift(unsigned int level)
{
	return 12 + 9 * (level - 1);
}

/* Note in the trail that the walk passes table @at. */
static inline void sim_walk_pass(struct sim_walk *walk, const struct sim_step *at)
{
	walk->trail[walk->ntrail++] = *at;
	walk->steps++;
}

/* Pass table @at and read its entry for @iova. Returns false outside memory. */
static inline bool sim_walk_load(const struct sim_mem *mem, struct sim_walk *walk,
				 const struct sim_step *at, uint64_t iova, uint64_t *entry)
{
	sim_walk_pass(walk, at);
	return sim_mem_load(mem, at->table + (iova >> sim_walk_shift(at->level) & 511) * 8, entry);
}

#endif /* SIM_WALK_STEP_H */
