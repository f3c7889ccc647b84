/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Page-table walks that share no code with the library. The checks use them, and so do the address-keyed calls where they
 * look an address up as Linux's iommu_iova_to_phys() does.
 */
#ifndef DMAH_MEASURE_WALK_H
#define DMAH_MEASURE_WALK_H

#include <dmah/iommu.h>

/**
 * walk() - Translates an IOVA by VT-d second-stage or LPAE stage 1 tables.
 * @pt: the table.
 * @dma: the IOVA.
 * @steps: the number of entries read is added here.
 *
 * Return: the physical address, ~0 if nothing is mapped there.
 */
dmah_phys_t walk(const struct dmah_pt_info *pt, dmah_addr_t dma, uint64_t *steps);

/** walk_count() - Returns the number of granules that the whole table translates. */
uint64_t walk_count(const struct dmah_pt_info *pt);

#endif
