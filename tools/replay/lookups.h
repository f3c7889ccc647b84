/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The lookups of all domains of a machine: those of the measuring kit, and the simulated SMMU's register. */
#ifndef DMAH_REPLAY_LOOKUPS_H
#define DMAH_REPLAY_LOOKUPS_H

#include "lookup.h"
#include "machine.h"

/**
 * struct lookups - the lookups of a machine.
 * @state: of each device's domain.
 */
struct lookups {
	struct lookup_state *state;
};

/** POLLS - number of reads after which the SMMU's ATSR is still active, in a lookup by register. */
#define POLLS 4u

/**
 * lookups_set() - Makes the address-keyed calls of a machine's domains use a lookup. Nothing may be mapped.
 * @l: zeroed before the first call; lookups_free() ends it.
 * @m: the machine.
 * @how: the lookup.
 *
 * Return: an error of the library.
 */
int lookups_set(struct lookups *l, struct machine *m, enum lookup how);

/** lookups_free() - Frees the lookups. No address-keyed call of these domains may follow. */
void lookups_free(struct lookups *l);

#endif
