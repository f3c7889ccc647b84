/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A VT-d unit by its registers, for a driver under test: Intel Virtualization Technology for Directed I/O, rev. 4.1,
 * legacy mode with queued invalidation. It is one of the machine's IOMMUs, which has its root table from a register then
 * and its commands from a queue in memory, and no longer from lab/sim's own driver.
 *
 * Where the specification leaves an order open, it takes the one that breaks who relies on another: a device's TLB is
 * emptied before all else that was posted with it, unless a fence lies between; an invalidation takes effect at the last
 * moment, together with the mark behind it; a context entry is forgotten only under the domain id that was in it. What
 * software must not do is misuse (posix_set_misuse()).
 */
#ifndef DMAH_SIM_VTD_H
#define DMAH_SIM_VTD_H

#include "sim.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sim_vtd;

/**
 * struct sim_vtd_config - what a unit can do beyond its struct sim_iommu_config. Zero means the default.
 * @records: fault records, 1 to 256; 0: 4.
 * @no_psi: no page-selective invalidation.
 * @mask: largest address mask, 0 to 63; 0: 18.
 * @no_error_record: IQERCD_REG reads as zero, so that the id of a silent device is not known.
 * @no_device_tlb: devices' TLBs are not let in.
 */
struct sim_vtd_config {
	unsigned int records;
	bool no_psi;
	unsigned int mask;
	bool no_device_tlb;
	bool no_error_record;
};

/** sim_vtd_create() - give IOMMU @n of the machine registers; it goes with the machine. Return: NULL: there are no more. */
struct sim_vtd *sim_vtd_create(struct sim *sim, unsigned int n,
			       const struct sim_vtd_config *config);

/** sim_vtd_regs() - its registers, for dmah_host_read32() and friends. */
volatile void *sim_vtd_regs(struct sim_vtd *unit);

/** sim_vtd_hold() - the unit does not look at its queue (true); or again, with what is there (false). Threads. */
void sim_vtd_hold(struct sim_vtd *unit, bool hold);

/**
 * struct sim_vtd_stats - what a unit did.
 * @commands: commands taken from the queue, marks included.
 * @pages: page-selective invalidations of the IOTLB; @domains: of a domain; @all: of all of it.
 * @device_tlbs: invalidations of devices' TLBs.
 * @lost: faults for which there was no record.
 */
struct sim_vtd_stats {
	uint64_t commands;
	uint64_t pages;
	uint64_t domains;
	uint64_t all;
	uint64_t device_tlbs;
	uint64_t lost;
};

/** sim_vtd_stats() - the counters now. Threads. */
void sim_vtd_stats(struct sim_vtd *unit, struct sim_vtd_stats *stats);

#ifdef __cplusplus
}
#endif

#endif /* DMAH_SIM_VTD_H */
