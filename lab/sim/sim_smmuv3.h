/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * An SMMUv3 by its registers, for a driver under test: Arm System Memory Management Unit Architecture Specification,
 * version 3 (Arm IHI 0070), stage 1, no substreams, no stalls. It is one of the machine's IOMMUs, of flavour SIM_SMMU,
 * which reads stream table entries, context descriptors and commands from memory then, and no longer has lab/sim's own
 * driver.
 *
 * Where the specification leaves an order open, it takes the one that breaks who relies on another: an invalidation that
 * was consumed takes effect with the CMD_SYNC behind it and not before, but that of a device's TLB at once.
 */
#ifndef DMAH_SIM_SMMUV3_H
#define DMAH_SIM_SMMUV3_H

#include "sim.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sim_smmuv3;

/**
 * struct sim_smmuv3_config - what a unit can do beyond its struct sim_iommu_config. Zero means the default.
 * @sid_bits: bits of a stream id; 0: 16.
 * @no_range: no invalidation of ranges (IDR3.RIL).
 * @no_ats: no ATS.
 * @linear: no stream tables of two levels.
 */
struct sim_smmuv3_config {
	unsigned int sid_bits;
	bool no_range;
	bool no_ats;
	bool linear;
};

/** sim_smmuv3_create() - give IOMMU @n of the machine registers; it goes with the machine. Return: NULL: there are no more. */
struct sim_smmuv3 *sim_smmuv3_create(struct sim *sim, unsigned int n,
				     const struct sim_smmuv3_config *config);

/** sim_smmuv3_regs() - its registers, for dmah_host_read32() and friends. */
volatile void *sim_smmuv3_regs(struct sim_smmuv3 *unit);

/** sim_smmuv3_hold() - the unit does not look at its commands (true); or again, with what is there (false). Threads. */
void sim_smmuv3_hold(struct sim_smmuv3 *unit, bool hold);

#ifdef __cplusplus
}
#endif

#endif /* DMAH_SIM_SMMUV3_H */
