/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A register model of an AMD-Vi unit, for a driver under test: AMD I/O Virtualization Technology (IOMMU) Specification,
 * 48882, rev. 3, host translation and interrupt remapping. The model replaces the fake driver of one of the machine's IOMMUs, of flavour
 * SIM_AMD: the device table comes from a register, commands from a ring in memory, and events go to another ring.
 *
 * Where the specification leaves an order open, the model chooses the order that breaks software relying on another.
 * Invalidations take effect at the last moment, together with the wait behind them; among them those of page translations
 * first, and each translation that goes is fetched again at once through the device table entry that is cached still; a
 * device's TLB is emptied before all else. A wait with the flush bit ends all of that.
 * An entry of the device table is dropped by a command that names it, or by INVALIDATE_IOMMU_ALL, and by nothing else.
 * Register writes that the specification forbids are misuse (posix_set_misuse()).
 */
#ifndef DMAH_SIM_AMDVI_H
#define DMAH_SIM_AMDVI_H

#include "sim.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sim_amdvi;

/**
 * struct sim_amdvi_config - capabilities beyond struct sim_iommu_config. Zero means the default.
 * @levels: most levels of a page table, 4 to 6; 0: 6. 3: the unit has no host page tables.
 * @no_all: no INVALIDATE_IOMMU_ALL.
 * @no_device_tlb: no device TLBs.
 * @no_x2apic: remapping entries have 4 bytes, and destinations 8 bits.
 * @goes_on: the unit goes on behind a command that it refused, as QEMU's model does; else it stops there.
 */
struct sim_amdvi_config {
	unsigned int levels;
	bool no_all;
	bool no_device_tlb;
	bool no_x2apic;
	bool goes_on;
};

/** sim_amdvi_create() - give IOMMU @n of the machine registers. Returns NULL if that IOMMU cannot have them. */
struct sim_amdvi *sim_amdvi_create(struct sim *sim, unsigned int n,
				   const struct sim_amdvi_config *config);

/** sim_amdvi_regs() - Returns the registers, for dmah_host_read32() and the like. */
volatile void *sim_amdvi_regs(struct sim_amdvi *unit);

/** sim_amdvi_capability() - Returns the first word of the capability block of the unit's PCI function. */
uint32_t sim_amdvi_capability(const struct sim_amdvi *unit);

/** sim_amdvi_hold() - take no commands (true), or go on with those in the queue (false). Threads. */
void sim_amdvi_hold(struct sim_amdvi *unit, bool hold);

/**
 * struct sim_amdvi_stats - counters of a unit.
 * @commands: commands taken from the ring, waits included.
 * @entries: invalidations of a device table entry.
 * @pages: invalidations of a part of a domain; @domains: of all of it; @tables: of either, with entries above the leaf.
 * @device_tlbs: invalidations of devices' TLBs.
 * @interrupts: invalidations of a device's remapping entries.
 * @flushes: waits with the flush bit.
 * @all: INVALIDATE_IOMMU_ALL.
 * @refused: commands refused.
 * @messages: event interrupts.
 * @lost: events for which the log had no room.
 */
struct sim_amdvi_stats {
	uint64_t commands;
	uint64_t entries;
	uint64_t pages;
	uint64_t domains;
	uint64_t tables;
	uint64_t device_tlbs;
	uint64_t interrupts;
	uint64_t flushes;
	uint64_t all;
	uint64_t refused;
	uint64_t messages;
	uint64_t lost;
};

/** sim_amdvi_stats() - get the counters. Threads. */
void sim_amdvi_stats(struct sim_amdvi *unit, struct sim_amdvi_stats *stats);

#ifdef __cplusplus
}
#endif

#endif /* DMAH_SIM_AMDVI_H */
