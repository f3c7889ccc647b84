/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A register model of an SMMUv3, for a driver under test: Arm System Memory Management Unit Architecture Specification,
 * version 3 (Arm IHI 0070), stage 1 or stage 2, no substreams, no nested translation, no stalls. The model replaces the
 * fake driver of one of the machine's IOMMUs, of flavour SIM_SMMU, and reads stream table entries, context descriptors and
 * commands from memory.
 *
 * Where the specification leaves an order open, the model chooses the order that breaks software relying on another: an
 * invalidation that was consumed takes effect with the CMD_SYNC behind it and not before, but that of a device's TLB at
 * once.
 */
#ifndef DMAH_SIM_SMMUV3_H
#define DMAH_SIM_SMMUV3_H

#include "sim.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sim_smmuv3;

/**
 * struct sim_smmuv3_config - capabilities beyond struct sim_iommu_config. Zero means the default.
 * @sid_bits: bits of a stream id; 0: 16.
 * @no_range: no invalidation of ranges (IDR3.RIL).
 * @no_ats: no ATS.
 * @linear: no stream tables of two levels.
 * @msi: interrupts may be MSIs (IDR0.MSI).
 * @both: the unit has both stages, one at a time for a stream; else that of struct sim_iommu_config.
 * @iidr: IIDR.
 * @page0: registers of page 1 are in page 0, and there is no page 1 (Cavium erratum 74).
 * @unsynced: most commands that may be in the queue without a CMD_SYNC; the queue stops at more (MMU-700 erratum 2812531).
 *	0: any.
 */
struct sim_smmuv3_config {
	unsigned int sid_bits;
	bool no_range;
	bool no_ats;
	bool linear;
	bool msi;
	bool both;
	uint32_t iidr;
	bool page0;
	unsigned int unsynced;
};

/**
 * struct sim_smmuv3_irqs - interrupts that a unit sent.
 * @events: of the event queue; @errors: of GERROR.
 * @event_addr, @event_data: the last message of the event queue; an address of 0: by wire.
 */
struct sim_smmuv3_irqs {
	uint64_t events;
	uint64_t errors;
	uint64_t event_addr;
	uint32_t event_data;
};

/** sim_smmuv3_create() - give IOMMU @n of the machine registers. Returns NULL if that IOMMU cannot have them. */
struct sim_smmuv3 *sim_smmuv3_create(struct sim *sim, unsigned int n,
				     const struct sim_smmuv3_config *config);

/** sim_smmuv3_regs() - Returns the registers, for dmah_host_read32() and the like. */
volatile void *sim_smmuv3_regs(struct sim_smmuv3 *unit);

/** sim_smmuv3_hold() - take no commands (true), or go on with those in the queue (false). Threads. */
void sim_smmuv3_hold(struct sim_smmuv3 *unit, bool hold);

/** sim_smmuv3_irqs() - get the counters. Threads. */
void sim_smmuv3_irqs(struct sim_smmuv3 *unit, struct sim_smmuv3_irqs *irqs);

#ifdef __cplusplus
}
#endif

#endif /* DMAH_SIM_SMMUV3_H */
