/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* State of an AMD-Vi unit's register model. */
#ifndef SIM_AMDVI_UNIT_H
#define SIM_AMDVI_UNIT_H

#include "sim_amdvi.h"
#include "sim_int.h"

/** struct sim_amdvi_op - a command that was taken from the ring and did not take effect yet. */
struct sim_amdvi_op {
	uint64_t word[2];
};

#define SIM_AMDVI_PENDING 512u

/**
 * struct sim_amdvi - a unit. The IOMMU's lock protects all members.
 * @iommu: the hardware below the registers.
 * @config: the configuration, with the defaults filled in.
 * @regs: the CPU's pointer to the registers.
 * @devtab, @cmdbuf, @evtlog, @control, @excl_base, @excl_limit, @cmd_head, @cmd_tail, @evt_head, @evt_tail, @status: values
 *	of registers.
 * @stopped: a refused command has stopped the ring.
 * @held: no command is taken.
 * @pending: commands taken that have not taken effect, @npending of them; @awaited: a wait is among them.
 * @stats: counters.
 */
struct sim_amdvi {
	struct sim_iommu *iommu;
	struct sim_amdvi_config config;
	volatile void *regs;
	uint64_t devtab;
	uint64_t cmdbuf;
	uint64_t evtlog;
	uint64_t control;
	uint64_t excl_base;
	uint64_t excl_limit;
	uint32_t cmd_head;
	uint32_t cmd_tail;
	uint32_t evt_head;
	uint32_t evt_tail;
	uint32_t status;
	bool stopped;
	bool held;
	struct sim_amdvi_op pending[SIM_AMDVI_PENDING];
	unsigned int npending;
	bool awaited;
	struct sim_amdvi_stats stats;
};

#endif /* SIM_AMDVI_UNIT_H */
