/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A context bank's address translation registers: write ATS1PR with an address, poll ATSR until it is not active,
 * read PAR. Arm SMMU architecture specification (v1, v2), IHI 0062: SMMU_CBn_ATS1PR, SMMU_CBn_ATSR, SMMU_CBn_PAR.
 *
 * A bank has one set of these registers, so a driver holds a lock over all three steps.
 */
#include "fake_iommu.h"

#include "posix.h"

struct sim_bank *sim_iommu_bank(struct sim_iommu *iommu, const struct dmah_pt_info *pt)
{
	struct sim_bank *bank = NULL;

	if (iommu->config.flavour != SIM_SMMU)
		return NULL;
	sim_lock(&iommu->lock);
	for (unsigned int i = 1; !bank && i <= iommu->config.tags; i++)
		if (iommu->fake->bank[i].users && iommu->fake->bank[i].table.root == pt->root)
			bank = &iommu->fake->bank[i];
	sim_unlock(&iommu->lock);
	return bank;
}

void sim_iommu_set_polls(struct sim_iommu *iommu, unsigned int polls)
{
	sim_lock(&iommu->lock);
	iommu->fake->polls = polls;
	sim_unlock(&iommu->lock);
}

static uint64_t par_of(const struct sim_walk *walk, enum sim_reason reason, uint64_t iova)
{
	switch (reason) {
	case SIM_OK:
		return (walk->out | (iova & ((1ull << walk->shift) - 1))) & 0x0000fffffffff000ull;
	case SIM_FAULT_ACCESS_FLAG:
		return SIM_CB_PAR_F | SIM_CB_PAR_AFF;
	case SIM_FAULT_PERMISSION:
		return SIM_CB_PAR_F | SIM_CB_PAR_PF;
	case SIM_FAULT_TABLE:
		return SIM_CB_PAR_F | SIM_CB_PAR_EF;
	default:
		return SIM_CB_PAR_F | SIM_CB_PAR_TF;
	}
}

void sim_bank_write64(struct sim_bank *bank, unsigned int reg, uint64_t value)
{
	struct sim_walk walk = { .from = { 0, 0, 0 } };
	uint64_t iova = value & ~0xfffull;
	enum sim_reason reason;

	if (reg != SIM_CB_ATS1PR) {
		posix_misuse("a write to no register of a context bank");
		return;
	}
	reason = sim_iommu_lookup(bank->iommu, &bank->table, iova, &walk);
	bank->par = par_of(&walk, reason, iova);
	bank->active = bank->fake->polls;
}

uint32_t sim_bank_read32(struct sim_bank *bank, unsigned int reg)
{
	if (reg != SIM_CB_ATSR) {
		posix_misuse("a read of no 32-bit register of a context bank");
		return 0;
	}
	if (!bank->active)
		return 0;
	bank->active--;
	return SIM_CB_ATSR_ACTIVE;
}

uint64_t sim_bank_read64(struct sim_bank *bank, unsigned int reg)
{
	if (reg != SIM_CB_PAR) {
		posix_misuse("a read of no 64-bit register of a context bank");
		return 0;
	}
	/* PAR is valid only after the lookup has ended. */
	return bank->active ? SIM_CB_PAR_F : bank->par;
}

dmah_phys_t sim_bank_lookup(struct sim_bank *bank, dmah_addr_t iova, uint64_t *steps)
{
	uint64_t n = 2, par;

	sim_lock(&bank->lock);
	sim_bank_write64(bank, SIM_CB_ATS1PR, iova & ~0xfffull);
	do
		n++;
	while (sim_bank_read32(bank, SIM_CB_ATSR) & SIM_CB_ATSR_ACTIVE);
	par = sim_bank_read64(bank, SIM_CB_PAR);
	sim_unlock(&bank->lock);
	if (steps)
		*steps += n;
	return par & SIM_CB_PAR_F ? ~(dmah_phys_t)0 : (par & ~0xfffull) | (iova & 0xfff);
}
