/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* State of an SMMUv3's register model. */
#ifndef SIM_SMMUV3_UNIT_H
#define SIM_SMMUV3_UNIT_H

#include "sim_smmuv3.h"
#include "unit.h"

/** struct sim_smmuv3_op - a command that was consumed and did not take effect yet: its two words. */
struct sim_smmuv3_op {
	uint64_t word[2];
};

#define SIM_SMMUV3_PENDING 1024u

/**
 * struct sim_smmuv3 - a unit. The IOMMU's lock protects all members.
 * @unit: the base.
 * @config: the configuration, with the defaults filled in.
 * @irqs: counters.
 * @cr0 to @evtq_cons: values of registers.
 * @irq_ctrl to @evtq_irq_data: values of registers.
 * @not_empty, @in_error: the event queue had events, GERROR an active error, when this was last looked at.
 * @pending: commands taken that have not taken effect, @npending of them.
 * @run_length: commands taken since the last CMD_SYNC.
 * @unanswered: a device did not answer an invalidation of its TLB, and no CMD_SYNC has reported so.
 */
struct sim_smmuv3 {
	struct sim_unit unit;
	struct sim_smmuv3_config config;
	struct sim_smmuv3_irqs irqs;
	uint32_t cr0;
	uint32_t cr1;
	uint32_t cr2;
	uint32_t gbpa;
	uint32_t gerror;
	uint32_t gerrorn;
	uint64_t strtab_base;
	uint32_t strtab_cfg;
	uint64_t cmdq_base;
	uint32_t cmdq_prod;
	uint32_t cmdq_cons;
	uint64_t evtq_base;
	uint32_t evtq_prod;
	uint32_t evtq_cons;
	uint32_t irq_ctrl;
	uint64_t evtq_irq_addr;
	uint32_t evtq_irq_data;
	bool not_empty;
	bool in_error;
	struct sim_smmuv3_op pending[SIM_SMMUV3_PENDING];
	unsigned int npending;
	unsigned int run_length;
	bool unanswered;
};

#endif /* SIM_SMMUV3_UNIT_H */
