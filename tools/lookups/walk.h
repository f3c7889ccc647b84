/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Page-table walks, by code that shares nothing with the library: for the checks, and as the lookup of an address-keyed API
 * that walks, as Linux's iommu_iova_to_phys() does.
 */
#ifndef DMAH_LOOKUPS_WALK_H
#define DMAH_LOOKUPS_WALK_H

#include <dmah/iommu.h>

/**
 * walk_vtd() - what an IOVA translates to in VT-d second-stage tables.
 * @pt: the table.
 * @dma: the IOVA.
 * @steps: entries read are added to this.
 *
 * Return: the physical address, ~0 where nothing is mapped.
 */
dmah_phys_t walk_vtd(const struct dmah_pt_info *pt, dmah_addr_t dma, uint64_t *steps);

/** walk_lpae() - the same in LPAE stage 1 tables. */
dmah_phys_t walk_lpae(const struct dmah_pt_info *pt, dmah_addr_t dma, uint64_t *steps);

/** walk() - the one or the other. */
dmah_phys_t walk(const struct dmah_pt_info *pt, dmah_addr_t dma, uint64_t *steps);

/** walk_count() - granules that translate, in the whole table. */
uint64_t walk_count(const struct dmah_pt_info *pt);

#endif
