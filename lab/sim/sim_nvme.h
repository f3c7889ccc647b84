/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * An NVMe controller with one namespace, for drivers under test: NVM Express Base Specification 2.0, NVM Command Set
 * Specification 1.0, NVM Express over PCIe Transport Specification 1.0. No interrupts: completions are polled.
 *
 * It reads and writes memory as its struct sim_device alone, so that caches and IOMMUs judge it. It does all its work
 * inside of doorbell writes: admin commands in order, reads and writes in any. A transfer that was refused ends with
 * Data Transfer Error; a controller that cannot read its queues has failed (CSTS.CFS). What a driver must not do is kept
 * (sim_nvme_violations()). One thread.
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
 * @disk: what the namespace holds; the caller's.
 * @blocks: of 512 bytes.
 * @mdts: longest transfer, 4096 << this; 0: 7.
 * @entries: most of an I/O queue; 0: 2048.
 * @stride: CAP.DSTRD.
 * @seed: of the order in which reads and writes are done; 0: as they came.
 */
struct sim_nvme_config {
	uint8_t *disk;
	uint64_t blocks;
	unsigned int mdts;
	unsigned int entries;
	unsigned int stride;
	uint64_t seed;
};

/** sim_nvme_create() - plug it in, as @dev. Return: the controller; NULL: there is no memory. */
struct sim_nvme *sim_nvme_create(struct sim *sim, struct sim_device *dev,
				 const struct sim_nvme_config *config);

/** sim_nvme_destroy() - before its machine is. NULL is allowed. */
void sim_nvme_destroy(struct sim_nvme *nv);

/** sim_nvme_regs() - its registers, for dmah_host_read32() and friends. */
volatile void *sim_nvme_regs(struct sim_nvme *nv);

/** sim_nvme_stall() - it does @commands I/O commands more, and then takes no other; admin commands neither. */
void sim_nvme_stall(struct sim_nvme *nv, unsigned int commands);

/** sim_nvme_go_on() - it takes commands again, from the next doorbell on. */
void sim_nvme_go_on(struct sim_nvme *nv);

/** sim_nvme_pretend() - CSTS reads as if these bits were clear, and these set. */
void sim_nvme_pretend(struct sim_nvme *nv, uint32_t clear, uint32_t set);

/** sim_nvme_violations() - things done that a driver must not do. @text: the last, in words; may be NULL. */
unsigned int sim_nvme_violations(struct sim_nvme *nv, const char **text);

/**
 * struct sim_nvme_stats - what it did since it was created.
 * @commands: reads and writes done, with success or without.
 * @one, @two, @lists: of them, those with one page, two, and a PRP list; @chained: lists of more than one page.
 * @unaligned: those whose first page had an offset.
 * @deepest: most commands that were there at one time.
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

/** sim_nvme_stats() - the counters now. */
void sim_nvme_stats(const struct sim_nvme *nv, struct sim_nvme_stats *stats);

#ifdef __cplusplus
}
#endif

#endif /* DMAH_SIM_NVME_H */
