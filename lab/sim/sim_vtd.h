/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A register model of a VT-d unit, for a driver under test: Intel Virtualization Technology for Directed I/O, rev. 4.1,
 * legacy and scalable mode with queued invalidation. The model replaces the fake driver of one of the machine's IOMMUs: the root table
 * comes from a register, and commands from a queue in memory.
 *
 * Where the specification leaves an order open, the model chooses the order that breaks software relying on another: a
 * device's TLB is emptied before all else that was posted with it, unless a fence lies between; an invalidation takes effect
 * at the last moment, together with the wait behind it; a context entry is dropped only under the domain id that was in it;
 * in scalable mode an address of a PASID directory and a PASID entry are cached apart from each other.
 * Register writes that the specification forbids are misuse (posix_set_misuse()).
 */
#ifndef DMAH_SIM_VTD_H
#define DMAH_SIM_VTD_H

#include "sim.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sim_vtd;

/**
 * struct sim_vtd_config - capabilities beyond struct sim_iommu_config. Zero means the default.
 * @records: fault records, 1 to 256; 0: 4.
 * @no_psi: no page-selective invalidation.
 * @mask: largest address mask, 0 to 63; 0: 18.
 * @no_error_record: IQERCD_REG reads as zero, so that the id of a silent device is not known.
 * @no_3_levels: no page tables of 3 levels (SAGAW), as most client machines.
 * @mgaw: bits of an input address (MGAW); 0: as wide as the widest page table. Client machines have 39 with tables of 4
 *	levels.
 * @rwbf: software must flush write buffers (CAP.RWBF). Flushes are counted; the model has no write buffer.
 * @no_device_tlb: no device TLBs (ECAP.DT).
 * @scalable: stages of scalable mode, a bit mask: 1: the first, 2: the second. 0: no scalable mode, unless struct
 *	sim_iommu_config says @first_stage.
 * @no_remapping: no interrupt remapping (ECAP.IR). @no_x2apic: its destinations have 8 bits (ECAP.EIM).
 * @handle_mask: 1 and log2 of the remapping entries that one command may name (MHMV); 0: 16.
 */
struct sim_vtd_config {
	unsigned int records;
	bool no_psi;
	unsigned int mask;
	bool no_device_tlb;
	bool no_error_record;
	bool no_3_levels;
	unsigned int mgaw;
	bool rwbf;
	unsigned int scalable;
	bool no_remapping;
	bool no_x2apic;
	unsigned int handle_mask;
};

/** sim_vtd_create() - give IOMMU @n of the machine registers. Returns NULL if that IOMMU cannot have them. */
struct sim_vtd *sim_vtd_create(struct sim *sim, unsigned int n,
			       const struct sim_vtd_config *config);

/** sim_vtd_regs() - Returns the registers, for dmah_host_read32() and the like. */
volatile void *sim_vtd_regs(struct sim_vtd *unit);

/** sim_vtd_hold() - take no commands (true), or go on with those in the queue (false). Threads. */
void sim_vtd_hold(struct sim_vtd *unit, bool hold);

/**
 * struct sim_vtd_stats - counters of a unit.
 * @commands: commands taken from the queue, waits included.
 * @pages: page-selective invalidations of the IOTLB; @domains: of a domain; @all: of all of it.
 * @device_tlbs: invalidations of devices' TLBs.
 * @pasids: invalidations of the cache of PASID entries.
 * @first_stage: invalidations of the first stage's IOTLB.
 * @interrupts: invalidations of the cache of remapping entries.
 * @messages: messages of the fault interrupt; @message_addr, @message_data: the last one.
 * @write_flushes: flushes of write buffers (GCMD.WBF).
 * @lost: faults for which there was no record.
 */
struct sim_vtd_stats {
	uint64_t commands;
	uint64_t pages;
	uint64_t domains;
	uint64_t all;
	uint64_t device_tlbs;
	uint64_t pasids;
	uint64_t first_stage;
	uint64_t interrupts;
	uint64_t messages;
	uint64_t message_addr;
	uint32_t message_data;
	uint64_t write_flushes;
	uint64_t lost;
};

/** sim_vtd_stats() - get the counters. Threads. */
void sim_vtd_stats(struct sim_vtd *unit, struct sim_vtd_stats *stats);

#ifdef __cplusplus
}
#endif

#endif /* DMAH_SIM_VTD_H */
