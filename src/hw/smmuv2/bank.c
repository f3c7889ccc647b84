/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Context banks (Arm IHI 0062, chapter 16): each names the page table of one domain. A bank that is off lets its streams
 * through, and a bank that is rewritten while streams lead to it translates by a mixture of two tables: a stream is led to a
 * bank after the bank was written, and away from it before.
 */
#include "hw/smmuv2/smmuv2.h"

/* AArch32, stage 1: all addresses have 32 bits, whatever the width of the library's table. */
#define ROOT_MASK 0x0000fffffffff000ull

bool dmah_smmuv2_walks(const struct dmah_smmuv2 *smmu, const struct dmah_pt_info *pt)
{
	return pt && pt->format == smmu->iommu.formats[0] && pt->va_bits <= smmu->iommu.va_bits &&
	       pt->va_bits >= smmu->iommu.va_bits_min;
}

uint32_t dmah_smmuv2_sctlr(const struct dmah_smmuv2 *smmu)
{
	uint32_t value = SCTLR_M | SCTLR_CFRE;

	value |= smmu->irq_on ? SCTLR_CFIE : 0;
	value |= smmuv2_has(smmu, SMMUV2_STALL) ? SCTLR_CFCFG : 0;
	if (smmuv2_has(smmu, SMMUV2_STAGE2))
		return value;
	value |= SCTLR_ASIDPNE;
	/* Long descriptors have an access flag and attributes by index; short ones are used without both. */
	return smmuv2_has(smmu, SMMUV2_SHORT) ? value : value | SCTLR_AFE | SCTLR_TRE;
}

/* ---- translation control ---- */

static uint32_t walk_type(const struct dmah_smmuv2 *smmu)
{
	return smmuv2_has(smmu, SMMUV2_COHERENT) ? TCR_INNER | TCR_CACHED : TCR_OUTER;
}

/* Returns the bits of an address that the table translates: stage 2 takes no more than comes out of the unit. */
static unsigned int input_bits(const struct dmah_smmuv2 *smmu, const struct dmah_pt_info *pt)
{
	unsigned int most = smmu->iommu.out_bits;

	if (smmuv2_has(smmu, SMMUV2_STAGE2))
		return pt->va_bits < most ? pt->va_bits : most;
	return smmuv2_has(smmu, SMMUV2_VA64) ? pt->va_bits : 32;
}

static uint32_t tcr_stage1(const struct dmah_smmuv2 *smmu, const struct dmah_pt_info *pt)
{
	if (smmuv2_has(smmu, SMMUV2_SHORT))
		return TCR_SHORT_PD1;
	if (!smmuv2_has(smmu, SMMUV2_VA64))
		return TCR_EAE | TCR_EPD1 | walk_type(smmu);
	return TCR_EPD1 | walk_type(smmu) | (64 - input_bits(smmu, pt));
}

/* Unknown after a reset. Short descriptors have neither a sign nor a size. */
static uint32_t tcr2(const struct dmah_smmuv2 *smmu)
{
	uint32_t most = smmuv2_has(smmu, SMMUV2_VA64) ? 5 : TCR2_PASIZE_40;

	if (smmuv2_has(smmu, SMMUV2_SHORT))
		return 0;
	return TCR2_SEP_UPSTREAM | (smmu->out_size < most ? smmu->out_size : most);
}

/* The size of AArch32's input is a signed number of 4 bits, whose sign is in bit 4. */
static uint32_t tcr_stage2(const struct dmah_smmuv2 *smmu, const struct dmah_pt_info *pt)
{
	uint32_t value = walk_type(smmu) | TCR_SL0(pt->levels - 2);

	if (smmuv2_has(smmu, SMMUV2_VA64))
		return value | TCR_S2_RES1 | TCR_PS(smmu->out_size) | (64 - input_bits(smmu, pt));
	return value | TCR_EAE | ((32 - input_bits(smmu, pt)) & 31);
}

static uint64_t ttbr0(const struct dmah_smmuv2 *smmu, const struct dmah_pt_info *pt, uint32_t asid)
{
	uint64_t root = pt->root & ROOT_MASK;

	if (smmuv2_has(smmu, SMMUV2_SHORT))
		return root | (smmuv2_has(smmu, SMMUV2_COHERENT) ? TTBR_SHORT_CACHED : 0);
	return smmuv2_has(smmu, SMMUV2_STAGE2) ? root : root | TTBR_ASID(asid);
}

/* ---- a bank ---- */

static void write(const struct dmah_smmuv2 *smmu, unsigned int bank, uint32_t reg, uint32_t value)
{
	dmah_host_write32(dmah_smmuv2_context(smmu, bank, reg), value);
}

static void write_attributes(const struct dmah_smmuv2 *smmu, unsigned int bank)
{
	uint32_t cbar = smmuv2_has(smmu, SMMUV2_STAGE2)
				? CBAR_S2 | smmuv2_number(smmu, bank)
				: CBAR_S1 | CBAR_S1_MEMATTR | CBAR_S1_BPSHCFG;

	if (smmuv2_has(smmu, SMMUV2_VERSION_2))
		dmah_host_write32(dmah_smmuv2_attribute(smmu, GR_CBA2R(bank)),
				  smmuv2_has(smmu, SMMUV2_VA64) ? CBA2R_VA64 : 0);
	dmah_host_write32(dmah_smmuv2_attribute(smmu, GR_CBAR(bank)), cbar);
}

static void stop_prefetch(const struct dmah_smmuv2 *smmu, unsigned int bank)
{
	volatile uint8_t *reg = dmah_smmuv2_context(smmu, bank, CB_ACTLR);

	if (smmuv2_has(smmu, SMMUV2_NO_PREFETCH))
		dmah_host_write32(reg, dmah_host_read32(reg) & ~ACTLR_CPRE);
}

void dmah_smmuv2_bank_write(const struct dmah_smmuv2 *smmu, unsigned int bank)
{
	const struct dmah_pt_info *pt = &smmu->bank[bank].pt;
	uint32_t asid = smmuv2_number(smmu, bank);
	bool stage2 = smmuv2_has(smmu, SMMUV2_STAGE2);

	write(smmu, bank, CB_SCTLR, 0);
	stop_prefetch(smmu, bank);
	write_attributes(smmu, bank);
	if (!stage2 && smmuv2_has(smmu, SMMUV2_VERSION_2))
		write(smmu, bank, CB_TCR2, tcr2(smmu));
	write(smmu, bank, CB_TCR, stage2 ? tcr_stage2(smmu, pt) : tcr_stage1(smmu, pt));
	if (smmuv2_has(smmu, SMMUV2_SHORT))
		write(smmu, bank, CB_TTBR0, (uint32_t)ttbr0(smmu, pt, asid));
	else
		dmah_host_write64(dmah_smmuv2_context(smmu, bank, CB_TTBR0), ttbr0(smmu, pt, asid));
	if (smmuv2_has(smmu, SMMUV2_SHORT))
		write(smmu, bank, CB_CONTEXTIDR, asid);
	else if (!stage2)
		write(smmu, bank, CB_MAIR0, MAIR0_TYPES);
	write(smmu, bank, CB_SCTLR, dmah_smmuv2_sctlr(smmu));
}

void dmah_smmuv2_bank_off(const struct dmah_smmuv2 *smmu, unsigned int bank)
{
	write(smmu, bank, CB_SCTLR, 0);
}

/* ---- tags ---- */

int dmah_smmuv2_op_tag_alloc(struct dmah_iommu *iommu, uint32_t *tag)
{
	struct dmah_smmuv2 *smmu = smmuv2_of(iommu);
	int err = DMAH_ENOSPC;
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&smmu->state.lock);
	for (unsigned int bank = smmu->first_bank; err && bank < smmu->nbanks; bank++) {
		/* ASIDs and VMIDs have 8 bits, and 0 is left to others. */
		if (smmu->bank[bank].taken || smmuv2_number(smmu, bank) > 255)
			continue;
		smmu->bank[bank] = (struct dmah_smmuv2_bank){ .taken = true };
		*tag = bank + 1;
		err = DMAH_OK;
	}
	dmah_host_unlock(&smmu->state.lock);
	dmah_host_leave(flags);
	return err;
}

void dmah_smmuv2_op_tag_free(struct dmah_iommu *iommu, uint32_t tag)
{
	struct dmah_smmuv2 *smmu = smmuv2_of(iommu);
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&smmu->state.lock);
	dmah_smmuv2_fault_drop(smmu, smmuv2_bank_of(tag));
	smmu->bank[smmuv2_bank_of(tag)].taken = false;
	dmah_host_unlock(&smmu->state.lock);
	dmah_host_leave(flags);
}
