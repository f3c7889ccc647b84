/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Verification: executes a plan with devices that really read and write, and checks all bytes and page tables. */
#ifndef DMAH_REPLAY_VERIFY_H
#define DMAH_REPLAY_VERIFY_H

#include "exec.h"

/** PROBLEMS - number of problems that are described in words. */
#define PROBLEMS 5u

/**
 * struct verdict - the result of a verification.
 * @wrong: wrong bytes and translations, errors of the library, and leftovers.
 * @stale: accesses that succeeded through an unmapped DMA address, though they had to fault.
 * @checked: number of comparisons.
 * @text: the first few problems.
 * @ntext: number of texts.
 */
struct verdict {
	uint64_t wrong;
	uint64_t stale;
	uint64_t checked;
	char text[PROBLEMS][200];
	unsigned int ntext;
};

struct verifier;

/** verifier_create() - Makes a verifier for a machine with caches. Return: NULL without memory, after a message. */
struct verifier *verifier_create(struct machine *m);
void verifier_free(struct verifier *v);

/**
 * verifier_run() - Executes the plan and verifies it.
 * @v: the verifier; nothing may be mapped on its machine.
 * @way: API and lookup.
 * @mode: strict or lazy.
 * @verdict: the result is added here.
 *
 * Return: false if mappings are left over, so that the machine cannot be used again.
 */
bool verifier_run(struct verifier *v, struct way way, enum dmah_mode mode, struct verdict *verdict);

/** verifier_meddle() - Sets a function to be called before each of the plan's calls, for tests that break something. */
void verifier_meddle(struct verifier *v, void (*fn)(void *ctx, uint32_t op), void *ctx);

#endif
