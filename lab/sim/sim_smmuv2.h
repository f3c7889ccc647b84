/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A register model of an SMMUv1 or SMMUv2, for a driver under test: Arm System Memory Management Unit Architecture
 * Specification, versions 1 and 2 (Arm IHI 0062), non-secure accesses, stage 1 or stage 2, no nested translation. The model
 * replaces the fake driver of one of the machine's IOMMUs, of flavour SIM_SMMUV2.
 *
 * Where the specification leaves an order open, the model chooses the order that breaks software relying on another: an
 * invalidation takes effect when a sync behind it ends and not before; a context bank that is off lets its streams through.
 * Writes to secure registers, and changes of a bank that translates and that a stream leads to, are misuse
 * (posix_set_misuse()).
 */
#ifndef DMAH_SIM_SMMUV2_H
#define DMAH_SIM_SMMUV2_H

#include "sim.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sim_smmuv2;

/** SIM_SMMUV2_BANKS - context banks of a unit. */
#define SIM_SMMUV2_BANKS 32u

/**
 * struct sim_smmuv2_config - capabilities beyond struct sim_iommu_config. Zero means the default: version 2, VMSAv8-64 tables,
 *	stage 1 and, where struct sim_iommu_config says so, stage 2 alone; stream matching by 64 registers; 32 context banks.
 * @v1: version 1: AArch32's tables alone.
 * @both: both stages.
 * @no_short: no short descriptors; @no_aarch32: none of AArch32's tables.
 * @indexed: stream ids of this many bits are indexes; 0: they are matched.
 * @streams: stream mapping registers, 128 at most; 0: 64.
 * @stage2_banks: the first so many banks are of stage 2 alone.
 * @pages_64k: registers lie in pages of 64 KiB.
 * @no_ats1: no address translation registers.
 * @major: IDR7.MAJOR.
 * @prefetch: MMU-500: ACTLR.CPRE is set at reset, and cannot be written while ACR.CACHE_LOCK is set, which is so at reset with
 *	@major of 2 and above.
 * @alias: Calxeda: non-secure registers are at NS aliases.
 * @polls: reads of ATSR that find a lookup active.
 * @other_bits: hints of CR0 (PTM, VMIDPNE) read as zero, and reserved bits of status registers as one.
 */
struct sim_smmuv2_config {
	bool v1;
	bool both;
	bool no_short;
	bool no_aarch32;
	unsigned int indexed;
	unsigned int streams;
	unsigned int stage2_banks;
	bool pages_64k;
	bool no_ats1;
	unsigned int major;
	bool prefetch;
	bool alias;
	unsigned int polls;
	bool other_bits;
};

/** sim_smmuv2_create() - give IOMMU @n of the machine registers. Returns NULL if that IOMMU cannot have them. */
struct sim_smmuv2 *sim_smmuv2_create(struct sim *sim, unsigned int n,
				     const struct sim_smmuv2_config *config);

/** sim_smmuv2_regs() - Returns the registers, for dmah_host_read32() and the like; *@size: their bytes, may be NULL. */
volatile void *sim_smmuv2_regs(struct sim_smmuv2 *unit, uint64_t *size);

/** sim_smmuv2_hold() - syncs stay active (true), or end (false). Threads. */
void sim_smmuv2_hold(struct sim_smmuv2 *unit, bool hold);

/** sim_smmuv2_poke() - write a register as the firmware that ran before, without any check. @offset: in the registers. */
void sim_smmuv2_poke(struct sim_smmuv2 *unit, uint64_t offset, uint32_t value);

/** sim_smmuv2_peek() - Returns a register, without any effect. */
uint32_t sim_smmuv2_peek(struct sim_smmuv2 *unit, uint64_t offset);

/**
 * struct sim_smmuv2_stats - counters of a unit.
 * @last: invalidations of an address's last level; @addresses: of an address; @spaces: of an ASID or VMID; @all: of all.
 * @global_syncs, @bank_syncs: syncs.
 * @retried, @terminated: stalled transactions that were resumed.
 * @lookups: translations by ATS1PR.
 * @wires: interrupts, global or of a context bank.
 */
struct sim_smmuv2_stats {
	uint64_t last;
	uint64_t addresses;
	uint64_t spaces;
	uint64_t all;
	uint64_t global_syncs;
	uint64_t bank_syncs;
	uint64_t retried;
	uint64_t terminated;
	uint64_t lookups;
	uint64_t wires;
};

/** sim_smmuv2_stats() - get the counters. Threads. */
void sim_smmuv2_stats(struct sim_smmuv2 *unit, struct sim_smmuv2_stats *stats);

#ifdef __cplusplus
}
#endif

#endif /* DMAH_SIM_SMMUV2_H */
