/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Keeps coherent memory that a device may still reach, because the hardware did not confirm the end
 * of its mapping. The host gets the memory back after the confirmation of a flush that began later.
 */
#ifndef DMAH_BASE_WITHHELD_H
#define DMAH_BASE_WITHHELD_H

#include "base/domain.h"

/**
 * dmah_withhold() - keep memory from dmah_host_mem_alloc() that must not be freed yet.
 *
 * From the seventeenth piece on the record of a piece is in a page of dmah_host_page_alloc(). Where the host has none, the memory
 * is lost and the loss is reported.
 *
 * Context: outside dmah_host_enter().
 */
void dmah_withhold(struct dmah_device *dev, dmah_phys_t phys, uint32_t len);

/**
 * dmah_withheld_release() - free the memory that a confirmed flush has made unreachable.
 *
 * Context: as dmah_host_mem_free().
 */
void dmah_withheld_release(struct dmah_domain *dom);

#endif /* DMAH_BASE_WITHHELD_H */
