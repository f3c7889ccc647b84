/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* State of a VT-d unit's register model. */
#ifndef SIM_VTD_UNIT_H
#define SIM_VTD_UNIT_H

#include "sim_vtd.h"
#include "unit.h"

/* Bits of GSTS_REG and FSTS_REG that both registers and queue look at. */
#define QIE (1u << 26)
#define IQE (1u << 4)
#define ITE (1u << 6)

/** struct sim_vtd_record - a fault record. */
struct sim_vtd_record {
	uint64_t lo;
	uint64_t hi;
};

enum sim_vtd_kind {
	SIM_VTD_CONTEXT,
	SIM_VTD_IOTLB,
	SIM_VTD_PIOTLB,
	SIM_VTD_PASID,
	SIM_VTD_INTERRUPT,
	SIM_VTD_STATUS,
};

/**
 * struct sim_vtd_op - a command that was taken from the queue and did not take effect yet.
 * @kind: enum sim_vtd_kind.
 * @granularity: 1: all; 2: a domain; 3: a device, or pages.
 * @domain, @id, @iova, @size, @tables: operands. A SIM_VTD_STATUS writes the value @size to the address @iova.
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
#define SIM_VTD_IRTES	64u

/** struct sim_vtd_irte - a cached remapping entry. */
struct sim_vtd_irte {
	uint32_t index;
	bool known;
	uint64_t lo;
	uint64_t hi;
};

/**
 * struct sim_vtd - a unit. The IOMMU's lock protects all members.
 * @unit: the base.
 * @config: the configuration, with the defaults filled in.
 * @stats: counters.
 * @gsts, @rtaddr, @fsts, @fectl, @fedata, @feaddr, @iqh, @iqt, @iqa, @iqer: values of registers.
 * @any_status: a status bit of those that the fault event reports was set when it was last looked at.
 * @irta: the register; @irt: its value when the table was last taken into use.
 * @irte: cached remapping entries.
 * @root: address of the root table in use; @scalable: it is one of scalable mode.
 * @record: fault records; @next_record: index of the next one.
 * @pending: commands taken that have not taken effect, @npending of them; @awaited: a wait is among them.
 * @unanswered: a device did not answer an invalidation of its TLB, and ITE does not report so yet.
 */
struct sim_vtd {
	struct sim_unit unit;
	struct sim_vtd_config config;
	struct sim_vtd_stats stats;
	uint32_t gsts;
	uint64_t rtaddr;
	uint64_t root;
	bool scalable;
	uint32_t fsts;
	uint32_t fectl;
	uint32_t fedata;
	uint64_t feaddr;
	bool any_status;
	uint32_t iqh;
	uint32_t iqt;
	uint64_t iqa;
	uint64_t iqer;
	uint64_t irta;
	uint64_t irt;
	struct sim_vtd_irte irte[SIM_VTD_IRTES];
	struct sim_vtd_record record[256];
	unsigned int next_record;
	struct sim_vtd_op pending[SIM_VTD_PENDING];
	unsigned int npending;
	bool awaited;
	bool unanswered;
};

/** sim_vtd_record() - record a refused interrupt (vtd_unit.c). */
void sim_vtd_record(struct sim_vtd *u, uint32_t id, uint64_t info, uint32_t code);

/** sim_vtd_run() - take the commands that are due (vtd_queue.c). */
void sim_vtd_run(struct sim_vtd *u);

/** sim_vtd_handle_mask() - Returns log2 of the remapping entries that one command may name (vtd_unit.c). */
unsigned int sim_vtd_handle_mask(const struct sim_vtd *u);

/** sim_vtd_interrupt() - @interrupt of struct sim_interface (vtd_interrupt.c). */
enum sim_reason sim_vtd_interrupt(void *unit, const struct sim_device *dev, uint64_t addr,
				  uint32_t data, struct sim_interrupt *irq);

/** sim_vtd_forget_irtes() - drop @n cached entries from @index on. */
void sim_vtd_forget_irtes(struct sim_vtd *u, uint32_t index, uint64_t n);

#endif /* SIM_VTD_UNIT_H */
