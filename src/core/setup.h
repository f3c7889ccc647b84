/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Setup calls of a domain, one at a time: attach, detach, set_mode, reserve, add_iommu.
 *
 * These calls wait for hardware and for other CPUs, so no lock can be held across one. A flag under the setup lock
 * keeps others out, and those wait with dmah_host_relax(). No call that may run in an interrupt takes the flag.
 */
#ifndef DMAH_CORE_SETUP_H
#define DMAH_CORE_SETUP_H

#include "base/domain.h"

/** dmah_setup_begin() - wait until no other setup call of the domain runs. Context: outside dmah_host_enter(). */
void dmah_setup_begin(struct dmah_domain *dom);

/** dmah_setup_end() - let the next setup call of the domain run. */
void dmah_setup_end(struct dmah_domain *dom);

#endif /* DMAH_CORE_SETUP_H */
