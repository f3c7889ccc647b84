/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Page tables as QEMU's IOMMUs read them: a walk that is not the library's, and entries of the tests' own.
 */
#ifndef DMAH_TESTS_BENCH_WALK_H
#define DMAH_TESTS_BENCH_WALK_H

#include "qemu.h"

#include <dmah/iommu.h>

/** WALK_READ, WALK_WRITE - what an entry allows. */
#define WALK_READ  1u
#define WALK_WRITE 2u

/** walk() - follow a table to @iova: @phys, @perm. Returns false where nothing is mapped. */
bool walk(struct qemu *q, const struct dmah_pt_info *pt, dmah_addr_t iova, dmah_phys_t *phys,
	  unsigned int *perm);

/**
 * walk_table(), walk_page() - entries of @pt's format that lead to another table, and to a page of any permission.
 * @level: of the other table; 1: its entries are pages.
 */
uint64_t walk_table(const struct dmah_pt_info *pt, dmah_phys_t table, unsigned int level);
uint64_t walk_page(const struct dmah_pt_info *pt, dmah_phys_t page);

/** walk_root() - the entry @n of the root table. */
uint64_t *walk_root(struct qemu *q, const struct dmah_pt_info *pt, unsigned int n);

#endif /* DMAH_TESTS_BENCH_WALK_H */
