/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What a VT-d unit with registers is made of. */
#ifndef SIM_VTD_UNIT_H
#define SIM_VTD_UNIT_H

#include "sim_int.h"
#include "sim_vtd.h"

/** struct sim_vtd_record - a fault record. */
struct sim_vtd_record {
	uint64_t lo;
	uint64_t hi;
};

enum sim_vtd_kind {
	SIM_VTD_CONTEXT,
	SIM_VTD_IOTLB,
	SIM_VTD_STATUS,
};

/**
 * struct sim_vtd_op - a command that was taken from the queue and did not take effect yet.
 * @kind: what it is about.
 * @granularity: 1: all; 2: of a domain; 3: of a device, or of pages.
 * @domain, @id, @iova, @size, @tables: of what; a status goes to @iova and is @size.
 */
struct sim_vtd_op {
	enum sim_vtd_kind kind;
	unsigned int granularity;
	uint32_t domain;
	uint32_t id;
	uint64_t iova;
	uint64_t size;
	bool tables;
};

#define SIM_VTD_PENDING 512u

/**
 * struct sim_vtd - a unit; the IOMMU's lock is for it too.
 * @iommu: the IOMMU that it is.
 * @config: with the defaults filled in.
 * @regs: its registers.
 * @gsts, @rtaddr, @fsts, @fectl, @iqh, @iqt, @iqa: as they are.
 * @held: it does not look at the queue.
 * @record: faults; @next_record: where the next one goes.
 * @pending: commands, @npending of them; @awaited: a mark is among them.
 * @stats: counters.
 */
struct sim_vtd {
	struct sim_iommu *iommu;
	struct sim_vtd_config config;
	volatile void *regs;
	uint32_t gsts;
	uint64_t rtaddr;
	uint64_t root;
	uint32_t fsts;
	uint32_t fectl;
	uint32_t iqh;
	uint32_t iqt;
	uint64_t iqa;
	uint64_t iqer;
	bool held;
	struct sim_vtd_record record[256];
	unsigned int next_record;
	struct sim_vtd_op pending[SIM_VTD_PENDING];
	unsigned int npending;
	bool awaited;
	bool unanswered;
	struct sim_vtd_stats stats;
};

#endif /* SIM_VTD_UNIT_H */
