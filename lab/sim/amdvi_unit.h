/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* State of an AMD-Vi unit's register model. */
#ifndef SIM_AMDVI_UNIT_H
#define SIM_AMDVI_UNIT_H

#include "sim_amdvi.h"
#include "unit.h"

/** struct sim_amdvi_op - a command that was taken from the ring and did not take effect yet. */
struct sim_amdvi_op {
	uint64_t word[2];
};

#define SIM_AMDVI_PENDING 512u
#define SIM_AMDVI_DTES	  64u
#define SIM_AMDVI_IRTES	  64u

/** struct sim_amdvi_dte - cached parts of a device's entry, about its interrupts. */
struct sim_amdvi_dte {
	uint32_t id;
	bool known;
	uint64_t control;
};

/** struct sim_amdvi_irte - a cached remapping entry; in the short format the first word alone. */
struct sim_amdvi_irte {
	uint32_t id;
	uint32_t index;
	bool known;
	uint64_t word[2];
};

/**
 * struct sim_amdvi - a unit. The IOMMU's lock protects all members.
 * @unit: the base.
 * @config: the configuration, with the defaults filled in.
 * @stats: counters.
 * @devtab, @cmdbuf, @evtlog, @control, @excl_base, @excl_limit, @cmd_head, @cmd_tail, @evt_head, @evt_tail, @status: values
 *	of registers.
 * @dte, @irte: cached for interrupts.
 * @stopped: a refused command has stopped the ring.
 * @pending: commands taken that have not taken effect, @npending of them; @awaited: a wait is among them.
 */
struct sim_amdvi {
	struct sim_unit unit;
	struct sim_amdvi_config config;
	struct sim_amdvi_stats stats;
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
	struct sim_amdvi_dte dte[SIM_AMDVI_DTES];
	struct sim_amdvi_irte irte[SIM_AMDVI_IRTES];
	bool stopped;
	struct sim_amdvi_op pending[SIM_AMDVI_PENDING];
	unsigned int npending;
	bool awaited;
};

/** sim_amdvi_log() - log an event (amdvi_unit.c). */
void sim_amdvi_log(struct sim_amdvi *u, uint64_t lo, uint64_t hi);

/** sim_amdvi_interrupt() - @interrupt of struct sim_interface (amdvi_interrupt.c). */
enum sim_reason sim_amdvi_interrupt(void *unit, const struct sim_device *dev, uint64_t addr,
				    uint32_t data, struct sim_interrupt *irq);

/** sim_amdvi_forget_dte() - drop what is cached of the entry of @id, or of @all, for interrupts. */
void sim_amdvi_forget_dte(struct sim_amdvi *u, uint32_t id, bool all);

/** sim_amdvi_forget_irtes() - drop the cached remapping entries of @id, or of @all. */
void sim_amdvi_forget_irtes(struct sim_amdvi *u, uint32_t id, bool all);

#endif /* SIM_AMDVI_UNIT_H */
