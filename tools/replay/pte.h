/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Page tables against the model: every entry, as the simulated hardware reads it. */
#ifndef DMAH_REPLAY_PTE_H
#define DMAH_REPLAY_PTE_H

#include "exec.h"

/** struct pte - an entry that should be there; a granule. */
struct pte {
	dmah_addr_t iova;
	uint64_t addr;
	uint8_t dir;
	bool may_bounce;
};

/** struct pte_model - all of a device's. */
struct pte_model {
	struct pte *list;
	size_t n, cap;
};

/** pte_expect() - add those of an item that is mapped. */
void pte_expect(struct pte_model *model, const struct exec *x, uint32_t item);

/** pte_compare() - compare with the table of device @d. Return: how many differ; @why tells of the first. */
uint64_t pte_compare(struct pte_model *model, const struct machine *m, uint32_t d, char *why,
		     size_t size);

void pte_free(struct pte_model *model);

#endif
