/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Compares every page-table entry, as the simulated hardware reads it, with a model. */
#ifndef DMAH_REPLAY_PTE_H
#define DMAH_REPLAY_PTE_H

#include "exec.h"

/** struct pte - an expected entry, for one granule. */
struct pte {
	dmah_addr_t iova;
	uint64_t addr;
	uint8_t dir;
	bool may_bounce;
};

/** struct pte_model - all expected entries of a device. */
struct pte_model {
	struct pte *list;
	size_t n, cap;
};

/** pte_expect() - Adds the entries of a mapped item. */
void pte_expect(struct pte_model *model, const struct exec *x, uint32_t item);

/** pte_compare() - Compares the model with the table of device @d. Return: number of differences; @why names the first. */
uint64_t pte_compare(struct pte_model *model, const struct machine *m, uint32_t d, char *why,
		     size_t size);

/** pte_free() - Frees a model. */
void pte_free(struct pte_model *model);

#endif
