/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The library's driver of VT-d, AMD-Vi, RISC-V, SMMUv2 or SMMUv3 on a register model of lab/sim: the IOMMU of a machine under test. */
#ifndef DMAH_TESTS_DRIVEN_UNIT_H
#define DMAH_TESTS_DRIVEN_UNIT_H

#include <dmah/amdvi.h>
#include <dmah/riscv.h>
#include <dmah/smmuv2.h>
#include <dmah/smmuv3.h>
#include <dmah/vtd.h>

#include "sim.h"
#include "sim_amdvi.h"
#include "sim_riscv.h"
#include "sim_smmuv2.h"
#include "sim_smmuv3.h"
#include "sim_viommu.h"
#include "sim_vtd.h"

/**
 * struct unit - an IOMMU with registers, and its driver. Zero before unit_create().
 * @hw: the machine's IOMMU.
 * @smmuv2_config: of the model, for unit_create().
 * @smmuv2_short: the driver uses short descriptors, for unit_start().
 * @vtd_model, @smmu_model, @amdvi_model, @riscv_model, @smmuv2_model, @viommu_model: its registers; one
 *	of them.
 * @vtd, @smmu, @amdvi, @riscv, @smmuv2, @viommu: the driver.
 * @iommu: the IOMMU as the library sees it; NULL before unit_start().
 * @memory: the driver's bookkeeping.
 */
struct unit {
	struct sim_iommu *hw;
	struct sim_smmuv2_config smmuv2_config;
	bool smmuv2_short;
	struct sim_vtd *vtd_model;
	struct sim_smmuv3 *smmu_model;
	struct sim_amdvi *amdvi_model;
	struct sim_riscv *riscv_model;
	struct sim_smmuv2 *smmuv2_model;
	struct sim_viommu *viommu_model;
	struct dmah_vtd vtd;
	struct dmah_smmuv3 smmu;
	struct dmah_amdvi amdvi;
	struct dmah_riscv riscv;
	struct dmah_smmuv2 smmuv2;
	struct dmah_viommu viommu;
	struct dmah_iommu *iommu;
	void *memory;
};

/** unit_create() - give IOMMU @n of the machine registers. Call before devices are added. */
void unit_create(struct unit *u, struct sim *sim, unsigned int n);

/** unit_start() - take the unit over and translate. @timeout_ns: how long the driver waits. Returns @u->iommu. */
struct dmah_iommu *unit_start(struct unit *u, uint64_t timeout_ns);

/** unit_format() - the page-table format that the unit walks. After unit_start(). */
const struct dmah_pt_format *unit_format(const struct unit *u);

/** unit_hold() - the unit takes no command (true), or goes on with those in its queue (false). */
void unit_hold(struct unit *u, bool hold);

/** unit_reset() - bring a failed unit back into service. Returns 0 or an error. */
int unit_reset(struct unit *u);

/** unit_regs() - Returns the model's registers; *@size: their bytes. Not of virtio-iommu, which has none. */
volatile void *unit_regs(struct unit *u, uint64_t *size);

/** unit_use_regs() - make the driver use other registers. */
void unit_use_regs(struct unit *u, volatile void *regs);

/** unit_stop() - give the unit up; no domain may have it. */
void unit_stop(struct unit *u);

/** unit_free() - release the driver's memory, after unit_stop() or when the machine is gone. */
void unit_free(struct unit *u);

#endif /* DMAH_TESTS_DRIVEN_UNIT_H */
