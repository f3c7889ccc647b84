/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Modes of a domain behind an IOMMU.
 *
 * The owner asks for a mode (mode_wanted); maps and unmaps follow cfg.mode, which is that mode but for two cases: while
 * dmah_set_mode() goes to or from passthrough every map is refused (DOMAIN_CHANGING); and while the domain is in doubt a
 * lazy domain is strict.
 */
#ifndef DMAH_BACKEND_IOMMU_MODE_H
#define DMAH_BACKEND_IOMMU_MODE_H

#include "backend/iommu/iommu.h"

/** dmah_iommu_set_mode() - as backend_ops.set_mode. */
int dmah_iommu_set_mode(struct dmah_domain *dom, enum dmah_mode mode);

/**
 * dmah_iommu_apply_mode() - make maps and unmaps follow the domain's state: cfg.mode, the fast path of every device, and
 *	what each CPU may do without its lock. Context: outside dmah_host_enter(), also concurrently.
 */
void dmah_iommu_apply_mode(struct dmah_domain *dom);

/**
 * dmah_iommu_doubt() - a kill was not confirmed: until a flush is, every unmap waits, and says so where the hardware
 *	does not answer. Context: outside dmah_host_enter().
 */
void dmah_iommu_doubt(struct dmah_domain *dom);

/** dmah_iommu_end_doubt() - a flush that began as number @seq was confirmed. Context: outside dmah_host_enter(). */
void dmah_iommu_end_doubt(struct dmah_domain *dom, uint32_t seq);

#endif /* DMAH_BACKEND_IOMMU_MODE_H */
