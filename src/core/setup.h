/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Serializes the setup calls of a domain: attach, detach, set_mode, reserve, add_iommu.
 *
 * These calls wait for hardware and for other CPUs, so they cannot hold a lock. A flag under the
 * setup lock admits one call; the others wait with dmah_host_relax(). No call that may run in an
 * interrupt takes the flag.
 */
#ifndef DMAH_CORE_SETUP_H
#define DMAH_CORE_SETUP_H

#include "base/domain.h"

/**
 * dmah_setup_begin() - wait until no other setup call of the domain runs, and keep others out.
 *
 * Context: outside dmah_host_enter().
 */
void dmah_setup_begin(struct dmah_domain *dom);

/** dmah_setup_end() - let the next setup call of the domain run. */
void dmah_setup_end(struct dmah_domain *dom);

#endif /* DMAH_CORE_SETUP_H */
