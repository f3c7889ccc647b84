/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A register model of a RISC-V IOMMU, for a driver under test: RISC-V IOMMU Architecture Specification, version 1.0, requests
 * without a process id. The model replaces the fake driver of one of the machine's IOMMUs, of flavour SIM_RISCV, and reads the
 * device directory, page tables, MSI page tables and commands from memory.
 *
 * Where the specification leaves an order open, the model chooses the order that breaks software relying on another: commands
 * take effect at the IOFENCE.C behind them and not before, but the invalidation of a device's TLB at once. Register writes
 * that the specification forbids are misuse (posix_set_misuse()).
 */
#ifndef DMAH_SIM_RISCV_H
#define DMAH_SIM_RISCV_H

#include "sim.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sim_riscv;

/**
 * struct sim_riscv_config - capabilities beyond struct sim_iommu_config. Zero means the default: extended contexts, all
 *	depths of the directory, ATS, both kinds of interrupts, Svrsw60t59b, Sv39x4 and Sv48x4.
 * @base: base contexts, no MSI page tables.
 * @no_ats: no ATS.
 * @no_software_bits: no Svrsw60t59b.
 * @no_levels: directories that are not there: bit n is n + 1 levels.
 * @no_sv48x4: second stages of Sv39x4 alone.
 * @igs: capabilities.IGS plus 1: 1 messages, 2 wires, 3 both; 0: both.
 * @bare: after power-on nothing is translated; else everything is refused.
 * @fctl: fctl after power-on.
 * @version: capabilities.version; 0: 0x10.
 */
struct sim_riscv_config {
	bool base;
	bool no_ats;
	bool no_software_bits;
	unsigned int no_levels;
	bool no_sv48x4;
	unsigned int igs;
	bool bare;
	uint32_t fctl;
	unsigned int version;
};

/** sim_riscv_create() - give IOMMU @n of the machine registers. Returns NULL if that IOMMU cannot have them. */
struct sim_riscv *sim_riscv_create(struct sim *sim, unsigned int n,
				   const struct sim_riscv_config *config);

/** sim_riscv_regs() - Returns the registers, for dmah_host_read32() and the like. */
volatile void *sim_riscv_regs(struct sim_riscv *unit);

/** sim_riscv_hold() - take no commands (true), or go on with those in the queue (false). Threads. */
void sim_riscv_hold(struct sim_riscv *unit, bool hold);

/** sim_riscv_memory_fault() - the unit can not read its command queue any more (cqcsr.cqmf). */
void sim_riscv_memory_fault(struct sim_riscv *unit);

/**
 * struct sim_riscv_stats - counters of a unit.
 * @commands: commands taken from the queue.
 * @pages: invalidations that named an address; @spaces: an address space; @all: neither.
 * @second: invalidations of second-stage and MSI page tables.
 * @contexts: invalidations of device contexts; @all_contexts: those of all.
 * @device_tlbs: invalidations of devices' TLBs.
 * @fences: IOFENCE.C; @ordered: those with PR and PW.
 * @messages: interrupt messages; @message_addr, @message_data: the last one. @wires: interrupts by wire.
 * @lost: faults for which there was no record.
 */
struct sim_riscv_stats {
	uint64_t commands;
	uint64_t pages;
	uint64_t spaces;
	uint64_t all;
	uint64_t second;
	uint64_t contexts;
	uint64_t all_contexts;
	uint64_t device_tlbs;
	uint64_t fences;
	uint64_t ordered;
	uint64_t messages;
	uint64_t message_addr;
	uint32_t message_data;
	uint64_t wires;
	uint64_t lost;
};

/** sim_riscv_stats() - get the counters. Threads. */
void sim_riscv_stats(struct sim_riscv *unit, struct sim_riscv_stats *stats);

#ifdef __cplusplus
}
#endif

#endif /* DMAH_SIM_RISCV_H */
