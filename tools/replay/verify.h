/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Verification: a plan is executed once more, with devices that really read and write, and everything is looked at. */
#ifndef DMAH_REPLAY_VERIFY_H
#define DMAH_REPLAY_VERIFY_H

#include "exec.h"

/** PROBLEMS - how many are kept in words. */
#define PROBLEMS 5u

/**
 * struct verdict - what was found.
 * @wrong: bytes or translations that are not as they should be, errors of the library, and what was left over.
 * @stale: accesses that succeeded through a DMA address that had been unmapped, and must not have.
 * @checked: comparisons that were made.
 * @text: the first few problems.
 * @ntext: how many of them.
 */
struct verdict {
	uint64_t wrong;
	uint64_t stale;
	uint64_t checked;
	char text[PROBLEMS][200];
	unsigned int ntext;
};

struct verifier;

/** verifier_create() - for a machine with caches. Return: NULL where there is no memory, and stderr says so. */
struct verifier *verifier_create(struct machine *m);
void verifier_free(struct verifier *v);

/**
 * verifier_run() - execute the plan in a way and mode, and look.
 * @v: the verifier; nothing is mapped on its machine.
 * @way: API and lookup.
 * @mode: strict or lazy.
 * @verdict: what was found is added to this.
 *
 * Return: false: mappings are left over, and the machine cannot be used again.
 */
bool verifier_run(struct verifier *v, struct way way, enum dmah_mode mode, struct verdict *verdict);

/** verifier_meddle() - call @fn before each of the plan's calls, by number: for tests that break something. */
void verifier_meddle(struct verifier *v, void (*fn)(void *ctx, uint32_t op), void *ctx);

#endif
