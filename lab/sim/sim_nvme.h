/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * An NVMe controller with one namespace, for drivers under test: NVM Express Base Specification 2.0, NVM Command Set
 * Specification 1.0, NVM Express over PCIe Transport Specification 1.0. No interrupts: completions are polled.
 *
 * The controller reads and writes memory through its struct sim_device, and so through caches and IOMMUs. All work is done
 * in doorbell writes: admin commands in order, reads and writes in any order. A refused transfer ends with Data Transfer
 * Error; a controller that cannot read its queues has failed (CSTS.CFS). The model records what a driver does against the
 * specification (sim_nvme_violations()). One thread only.
 */
#ifndef DMAH_SIM_NVME_H
#define DMAH_SIM_NVME_H

#include "sim.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sim_nvme;

/**
 * struct sim_nvme_config - a controller. Zero means the default.
 * @disk: contents of the namespace; the caller's memory.
 * @blocks: blocks of 512 bytes.
 * @mdts: longest transfer, 4096 << @mdts bytes; 0: 7.
 * @entries: largest I/O queue, in entries; 0: 2048.
 * @stride: CAP.DSTRD.
 * @seed: seed of the order of reads and writes; 0: the order in which they came.
 */
struct sim_nvme_config {
	uint8_t *disk;
	uint64_t blocks;
	unsigned int mdts;
	unsigned int entries;
	unsigned int stride;
	uint64_t seed;
};

/** sim_nvme_create() - add a controller that does DMA as @dev. Returns NULL without memory. */
struct sim_nvme *sim_nvme_create(struct sim *sim, struct sim_device *dev,
				 const struct sim_nvme_config *config);

/** sim_nvme_destroy() - remove the controller. Call before sim_destroy(). May be NULL. */
void sim_nvme_destroy(struct sim_nvme *nv);

/** sim_nvme_regs() - Returns the registers, for dmah_host_read32() and the like. */
volatile void *sim_nvme_regs(struct sim_nvme *nv);

/** sim_nvme_stall() - carry out @commands more I/O commands, and then no command of either kind. */
void sim_nvme_stall(struct sim_nvme *nv, unsigned int commands);

/** sim_nvme_go_on() - take commands again, from the next doorbell write on. */
void sim_nvme_go_on(struct sim_nvme *nv);

/** sim_nvme_pretend() - make reads of CSTS return some bits clear and others set. */
void sim_nvme_pretend(struct sim_nvme *nv, uint32_t clear, uint32_t set);

/** sim_nvme_violations() - Returns the number of violations of the specification. @text: receives the last one in words; may be NULL. */
unsigned int sim_nvme_violations(struct sim_nvme *nv, const char **text);

/**
 * struct sim_nvme_stats - counters since the controller was created.
 * @commands: reads and writes that were done, with success or without.
 * @one, @two, @lists: commands with one page, two pages, and a PRP list; @chained: lists of more than one page.
 * @unaligned: commands whose first page had an offset.
 * @deepest: most commands at one time.
 * @swapped: commands done before one that came earlier.
 */
struct sim_nvme_stats {
	uint64_t commands;
	uint64_t one;
	uint64_t two;
	uint64_t lists;
	uint64_t chained;
	uint64_t unaligned;
	uint64_t deepest;
	uint64_t swapped;
};

/** sim_nvme_stats() - get the counters. */
void sim_nvme_stats(const struct sim_nvme *nv, struct sim_nvme_stats *stats);

#ifdef __cplusplus
}
#endif

#endif /* DMAH_SIM_NVME_H */
