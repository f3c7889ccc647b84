/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Faults (Arm IHI 0062, sections 3.10 and 3.11): one record of the unit for streams that lead nowhere, and one of each context
 * bank. A fault that finds the record taken leaves a mark (MULTI) and nothing else.
 */
#include "hw/smmuv2/smmuv2.h"

/* Returns the reason of the lowest bit that is set. */
static const char *global_reason(uint32_t gfsr)
{
	static const char *const words[] = {
		"the stream is blocked",
		"no stream mapping register matches: the device is not attached",
		"two stream mapping registers match",
		"the stream leads to a context bank that is not there",
		"the stream leads to an interrupt that is not there",
		"a configuration access that is not permitted",
		"an external abort",
		"a privilege that is not permitted",
		"an unsupported upstream transaction",
	};

	for (unsigned int i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (gfsr >> i & 1)
			return words[i];
	return "unknown";
}

static const char *context_reason(uint32_t fsr)
{
	static const char *const words[] = {
		[1] = "nothing is mapped",
		[2] = "an entry's access flag is clear",
		[3] = "a permission that the entry does not give",
		[4] = "a page table can not be read",
		[5] = "two TLB entries match",
		[6] = "a locked TLB entry",
		[7] = "an address of an unsupported size",
		[8] = "an unsupported upstream transaction",
	};

	for (unsigned int i = 1; i < sizeof(words) / sizeof(words[0]); i++)
		if (fsr >> i & 1)
			return words[i];
	return "unknown";
}

static uint64_t read_address(volatile uint8_t *reg)
{
	return dmah_host_read64(reg);
}

/* ---- the unit's record; the lock is held ---- */

static bool take_global(const struct dmah_smmuv2 *smmu, struct dmah_iommu_fault *fault, bool *lost)
{
	uint32_t gfsr = dmah_host_read32(dmah_smmuv2_global(smmu, GR_GFSR)), sid;

	/* All ones: the unit is gone. */
	if (!gfsr || gfsr == ~0u)
		return false;
	sid = GFSYNR1_SID(dmah_host_read32(dmah_smmuv2_global(smmu, GR_GFSYNR1)));
	*fault = (struct dmah_iommu_fault){
		.addr = read_address(dmah_smmuv2_global(smmu, GR_GFAR)),
		.id = dmah_smmuv2_bound_id(smmu, sid),
		.code = gfsr & ~GFSR_MULTI,
		.reason = global_reason(gfsr),
		.has_addr = true,
		.write = dmah_host_read32(dmah_smmuv2_global(smmu, GR_GFSYNR0)) & GFSYNR0_WNR,
	};
	*lost |= gfsr & GFSR_MULTI;
	dmah_host_write32(dmah_smmuv2_global(smmu, GR_GFSR), gfsr);
	return true;
}

/* ---- a context bank's record; the lock is held ---- */

/* Returns true where a stalled transaction would be translated now: it was mapped meanwhile. */
static bool is_mapped(const struct dmah_smmuv2 *smmu, unsigned int bank, dmah_addr_t dma,
		      bool write)
{
	enum dmah_dir dir;
	dmah_phys_t phys;

	return smmu->bank[bank].pt.levels &&
	       dmah_smmuv2_walk(&smmu->bank[bank].pt, dma, &phys, &dir) > 0 &&
	       dir & (write ? DMAH_FROM_DEVICE : DMAH_TO_DEVICE);
}

/* @sid: the stream, which may have been led away: its device reaches nothing then. */
static void end_stall(struct dmah_smmuv2 *smmu, unsigned int bank, uint32_t sid,
		      const struct dmah_iommu_fault *fault)
{
	bool retry = dmah_smmuv2_leads(smmu, sid, bank) &&
		     is_mapped(smmu, bank, fault->addr, fault->write);

	smmu->retried += retry;
	smmu->terminated += !retry;
	dmah_host_write32(dmah_smmuv2_context(smmu, bank, CB_RESUME),
			  retry ? RESUME_RETRY : RESUME_TERMINATE);
}

static bool take_context(struct dmah_smmuv2 *smmu, unsigned int bank,
			 struct dmah_iommu_fault *fault, bool *lost)
{
	uint32_t fsr = dmah_host_read32(dmah_smmuv2_context(smmu, bank, CB_FSR)), sid;

	if (!(fsr & FSR_ANY) || fsr == ~0u)
		return false;
	sid = GFSYNR1_SID(dmah_host_read32(dmah_smmuv2_attribute(smmu, GR_CBFRSYNRA(bank))));
	*fault = (struct dmah_iommu_fault){
		.addr = read_address(dmah_smmuv2_context(smmu, bank, CB_FAR)),
		.id = dmah_smmuv2_bound_id(smmu, sid),
		.code = fsr & ~(FSR_MULTI | FSR_SS),
		.reason = context_reason(fsr),
		.has_addr = true,
		.write = dmah_host_read32(dmah_smmuv2_context(smmu, bank, CB_FSYNR0)) & FSYNR0_WNR,
	};
	*lost |= fsr & FSR_MULTI;
	/* The record first: the transaction that goes on may fault again. */
	dmah_host_write32(dmah_smmuv2_context(smmu, bank, CB_FSR), fsr);
	if (fsr & FSR_SS)
		end_stall(smmu, bank, sid, fault);
	return true;
}

void dmah_smmuv2_fault_drop(struct dmah_smmuv2 *smmu, unsigned int bank)
{
	uint32_t fsr = dmah_host_read32(dmah_smmuv2_context(smmu, bank, CB_FSR));

	if (!(fsr & FSR_ANY) || fsr == ~0u)
		return;
	smmu->fault_lost = true;
	dmah_host_write32(dmah_smmuv2_context(smmu, bank, CB_FSR), fsr);
	if (!(fsr & FSR_SS))
		return;
	smmu->terminated++;
	dmah_host_write32(dmah_smmuv2_context(smmu, bank, CB_RESUME), RESUME_TERMINATE);
}

void dmah_smmuv2_stall_end(struct dmah_smmuv2 *smmu, unsigned int bank)
{
	uint32_t fsr = dmah_host_read32(dmah_smmuv2_context(smmu, bank, CB_FSR));
	uint32_t sid = dmah_host_read32(dmah_smmuv2_attribute(smmu, GR_CBFRSYNRA(bank)));

	if (fsr & FSR_SS && !dmah_smmuv2_leads(smmu, GFSYNR1_SID(sid), bank))
		dmah_smmuv2_fault_drop(smmu, bank);
}

void dmah_smmuv2_faults_clear(const struct dmah_smmuv2 *smmu)
{
	dmah_host_write32(dmah_smmuv2_global(smmu, GR_GFSR), ~0u);
	for (unsigned int bank = 0; bank < smmu->nbanks; bank++) {
		uint32_t fsr = dmah_host_read32(dmah_smmuv2_context(smmu, bank, CB_FSR));

		dmah_host_write32(dmah_smmuv2_context(smmu, bank, CB_FSR), FSR_ANY);
		if (fsr & FSR_SS)
			dmah_host_write32(dmah_smmuv2_context(smmu, bank, CB_RESUME),
					  RESUME_TERMINATE);
	}
}

/* Takes one record. @place: 0: the unit's; else that of bank @place - 1. */
static bool take_one(struct dmah_smmuv2 *smmu, unsigned int place, struct dmah_iommu_fault *fault,
		     bool *lost)
{
	unsigned long flags;
	bool taken;

	dmah_host_enter(&flags);
	dmah_host_lock(&smmu->state.lock);
	*lost |= smmu->fault_lost;
	smmu->fault_lost = false;
	if (!place)
		taken = take_global(smmu, fault, lost);
	else
		taken = smmu->bank[place - 1].taken && take_context(smmu, place - 1, fault, lost);
	dmah_host_unlock(&smmu->state.lock);
	dmah_host_leave(flags);
	return taken;
}

unsigned int dmah_smmuv2_op_faults(struct dmah_iommu *iommu, struct dmah_iommu_fault *faults,
				   unsigned int max, bool *lost)
{
	struct dmah_smmuv2 *smmu = smmuv2_of(iommu);
	unsigned int n = 0;

	(void)dmah_smmuv2_check(smmu);
	for (unsigned int place = 0; n < max && place <= smmu->nbanks; place++)
		n += take_one(smmu, place, &faults[n], lost);
	return n;
}
