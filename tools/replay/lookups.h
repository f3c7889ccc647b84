/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * How other systems find a mapping again, for the address-keyed calls to do the same: see dmah_addr_set_lookup().
 */
#ifndef DMAH_REPLAY_LOOKUPS_H
#define DMAH_REPLAY_LOOKUPS_H

#include <dmah/addr.h>
#include "iova_tree.h"
#include "machine.h"

/**
 * struct lookups - what the emulated lookups of a machine keep.
 * @tree: of each device's domain; only with LOOKUP_RBTREE.
 * @ctx: of each domain.
 */
struct lookups {
	struct iova_tree *tree;
	struct lookup_ctx *ctx;
};

/** POLLS - how often the SMMU's ATSR reads active in a lookup by register. */
#define POLLS 4u

/**
 * lookups_set() - from now on, a machine's domains look up like this; nothing is mapped.
 * @l: zeroed before the first time; lookups_free() in the end.
 *
 * Return: an error of the library.
 */
int lookups_set(struct lookups *l, struct machine *m, enum lookup how);

/** lookups_free() - free it; the domains must not be used by address afterwards. */
void lookups_free(struct lookups *l);

#endif
