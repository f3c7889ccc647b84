/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Coherent memory that a device may still reach, because the hardware did not confirm the end of its mapping. It goes back
 * to the host after a flush that began later was confirmed.
 */
#ifndef DMAH_BASE_WITHHELD_H
#define DMAH_BASE_WITHHELD_H

#include "base/domain.h"

/**
 * dmah_withhold() - keep memory from dmah_host_mem_alloc() that must not be freed yet. Where DOMAIN_WITHHELD pieces wait
 *	already the memory is lost for good, which is reported.
 *
 * Context: outside dmah_host_enter().
 */
void dmah_withhold(struct dmah_device *dev, dmah_phys_t phys, uint32_t len);

/**
 * dmah_withheld_release() - give back to the host what a confirmed flush has made unreachable.
 *
 * Context: as dmah_host_mem_free().
 */
void dmah_withheld_release(struct dmah_domain *dom);

#endif /* DMAH_BASE_WITHHELD_H */
