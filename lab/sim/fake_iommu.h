/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The fake IOMMU's driver and the registers that only this driver has: see fake_iommu.c. */
#ifndef SIM_FAKE_IOMMU_H
#define SIM_FAKE_IOMMU_H

#include "sim_int.h"

/**
 * struct sim_bank - SMMU: a context bank; VT-d: the driver's record of a domain id.
 * @iommu: the IOMMU that has the bank.
 * @fake: its driver.
 * @table: the page table that the bank translates by.
 * @tag: the bank's number.
 * @taken: tag_alloc() has handed the number out.
 * @users: devices that are bound to the bank.
 * @lock: held while the bank's registers are used.
 * @par: PAR.
 * @active: how many more reads of ATSR return "active".
 */
struct sim_bank {
	struct sim_iommu *iommu;
	struct sim_fake *fake;
	struct sim_table table;
	uint32_t tag;
	bool taken;
	unsigned int users;
	struct sim_lock lock;
	uint64_t par;
	unsigned int active;
};

/**
 * struct sim_fake - the fake driver of one IOMMU. The IOMMU's lock protects all members.
 * @dmah: the IOMMU as the library sees it; first.
 * @iommu: the hardware below.
 * @root: VT-d: machine address of the root table.
 * @q: the queue.
 * @bank: the banks by tag, from 1.
 * @polls: how often ATSR reads "active" after a lookup has begun.
 * @faults_taken: entries of the machine's log that the driver has gone through.
 * @lost: an injected failure lost the command before this place of the queue; 0: none is lost.
 */
struct sim_fake {
	struct dmah_iommu dmah;
	struct sim_iommu *iommu;
	uint64_t root;
	struct sim_invq q;
	struct sim_bank *bank;
	unsigned int polls;
	size_t faults_taken;
	uint64_t lost;
};

/** sim_fake_create() - give @iommu the fake driver. Returns false without memory, or for a senseless configuration. */
bool sim_fake_create(struct sim_iommu *iommu);

/** sim_fake_destroy() - release the driver of @iommu. */
void sim_fake_destroy(struct sim_iommu *iommu);

#endif /* SIM_FAKE_IOMMU_H */
