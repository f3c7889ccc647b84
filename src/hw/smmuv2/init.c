/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* An SMMUv1 or SMMUv2: identification, taking it over, interrupts, and giving it up. */
#include "hw/smmuv2/smmuv2.h"

static const struct dmah_pt_format *const stage1[] = { &dmah_pt_lpae_s1 };
static const struct dmah_pt_format *const stage1_short[] = { &dmah_pt_arm_short };
static const struct dmah_pt_format *const stage2[] = { &dmah_pt_lpae_s2 };

static const struct dmah_iommu_ops ops = {
	.bind = dmah_smmuv2_op_bind,
	.tag_alloc = dmah_smmuv2_op_tag_alloc,
	.tag_free = dmah_smmuv2_op_tag_free,
	.invalidate = dmah_smmuv2_op_invalidate,
	.fence = dmah_smmuv2_op_fence,
	.wait = dmah_smmuv2_op_wait,
	.done = dmah_smmuv2_op_done,
	.faults = dmah_smmuv2_op_faults,
};

/* ---- configuration ---- */

static int refuse(int err, const char *why, uint64_t value)
{
	dmah_host_report(NULL, err, why, value, NULL);
	return err;
}

static int check_config(const struct dmah_smmuv2_config *c)
{
	if (!c->regs)
		return refuse(DMAH_EINVAL, "dmah_smmuv2_init: config.regs is NULL", 0);
	if (c->model > DMAH_SMMUV2_CALXEDA)
		return refuse(DMAH_EINVAL,
			      "dmah_smmuv2_init: config.model is none of enum dmah_smmuv2_model",
			      c->model);
	if (c->walks > DMAH_WALKS_NONCOHERENT)
		return refuse(DMAH_EINVAL,
			      "dmah_smmuv2_init: config.walks is none of enum dmah_walks",
			      c->walks);
	if (c->id_base > 127)
		return refuse(DMAH_EINVAL, "dmah_smmuv2_init: config.id_base is above 127",
			      c->id_base);
	if (c->short_descriptors && c->stage2)
		return refuse(DMAH_EINVAL,
			      "dmah_smmuv2_init: config.short_descriptors are for stage 1", 0);
	if (c->nbypass && !c->bypass)
		return refuse(DMAH_EINVAL, "dmah_smmuv2_init: config.bypass is NULL", c->nbypass);
	return DMAH_OK;
}

/* ---- identification, section 9.6.8 ---- */

static bool is_version_2(const struct dmah_smmuv2_config *c, uint32_t idr2)
{
	switch (c->model) {
	case DMAH_SMMUV2_V1:
	case DMAH_SMMUV2_MMU400:
	case DMAH_SMMUV2_MMU401:
	case DMAH_SMMUV2_CALXEDA:
		return false;
	case DMAH_SMMUV2_GENERIC:
		/* Fields of version 2. */
		return idr2 & IDR2_PTFS;
	default:
		return true;
	}
}

static int pick_stage(struct dmah_smmuv2 *smmu, const struct dmah_smmuv2_config *c, uint32_t idr0)
{
	bool second = c->stage2 || !(idr0 & IDR0_S1TS);

	if (!(idr0 & (second ? IDR0_S2TS : IDR0_S1TS)) || (second && c->short_descriptors))
		return refuse(DMAH_ENOTSUP,
			      "dmah_smmuv2_init: the unit has not the stage that config asks for; "
			      "IDR0",
			      idr0);
	smmu->features |= second ? SMMUV2_STAGE2 : 0;
	/* ATS1PR is of stage 1. */
	smmu->features |= second || idr0 & IDR0_ATOSNS ? 0 : SMMUV2_ATS1;
	return DMAH_OK;
}

static int pick_tables(struct dmah_smmuv2 *smmu, const struct dmah_smmuv2_config *c, uint32_t idr0,
		       uint32_t idr2)
{
	bool wide = smmuv2_has(smmu, SMMUV2_VERSION_2) && idr2 & IDR2_PTFS_4K;

	if (c->short_descriptors && idr0 & (IDR0_NO_AARCH32 | IDR0_NO_SHORT))
		return refuse(DMAH_ENOTSUP,
			      "dmah_smmuv2_init: the unit walks no short descriptors; IDR0", idr0);
	if (c->short_descriptors)
		smmu->features |= SMMUV2_SHORT;
	else if (wide)
		smmu->features |= SMMUV2_VA64;
	else if (idr0 & IDR0_NO_AARCH32)
		return refuse(DMAH_ENOTSUP,
			      "dmah_smmuv2_init: the unit walks no tables of 4 KiB granules; IDR2",
			      idr2);
	return DMAH_OK;
}

static int find_registers(struct dmah_smmuv2 *smmu, uint32_t idr0, uint32_t idr1)
{
	unsigned int banks = IDR1_NUMCB(idr1);

	smmu->page_shift = idr1 & IDR1_PAGE_64K ? 16 : 12;
	smmu->first_page = 2u << IDR1_NUMPAGENDXB(idr1);
	smmu->nbanks = banks < DMAH_SMMUV2_BANKS ? banks : DMAH_SMMUV2_BANKS;
	/* The first banks translate by stage 2 alone. */
	smmu->first_bank = smmuv2_has(smmu, SMMUV2_STAGE2) ? 0 : IDR1_NUMS2CB(idr1);
	smmu->id_bits = IDR0_NUMSIDB(idr0);
	if (idr0 & IDR0_SMS) {
		smmu->features |= SMMUV2_MATCHING;
		smmu->nstreams = IDR0_NUMSMRG(idr0);
	} else {
		smmu->nstreams = smmu->id_bits < 7 ? 1u << smmu->id_bits : DMAH_SMMUV2_BANKS;
	}
	if (smmu->nstreams > DMAH_SMMUV2_BANKS)
		smmu->nstreams = DMAH_SMMUV2_BANKS;
	if (smmu->first_bank >= smmu->nbanks || !smmu->nstreams)
		return refuse(DMAH_ENOTSUP,
			      "dmah_smmuv2_init: the unit has no context bank, or no stream "
			      "mapping register; IDR1",
			      idr1);
	return DMAH_OK;
}

static void pick_walks(struct dmah_smmuv2 *smmu, const struct dmah_smmuv2_config *c, uint32_t idr0)
{
	bool coherent = c->walks == DMAH_WALKS_AS_REPORTED ? (idr0 & IDR0_CTTW) != 0
							   : c->walks == DMAH_WALKS_COHERENT;

	smmu->features |= coherent ? SMMUV2_COHERENT : 0;
}

static int identify(struct dmah_smmuv2 *smmu, const struct dmah_smmuv2_config *c, uint32_t idr2)
{
	uint32_t idr0 = dmah_host_read32(dmah_smmuv2_global(smmu, GR_IDR0));
	uint32_t idr1 = dmah_host_read32(dmah_smmuv2_global(smmu, GR_IDR1));
	int err;

	if (idr0 == ~0u)
		return refuse(DMAH_ENODEV, "dmah_smmuv2_init: the registers read as all ones",
			      idr0);
	smmu->features = dmah_smmuv2_errata(c->model) | (c->stall ? SMMUV2_STALL : 0) |
			 (is_version_2(c, idr2) ? SMMUV2_VERSION_2 : 0);
	pick_walks(smmu, c, idr0);
	err = pick_stage(smmu, c, idr0);
	if (!err)
		err = pick_tables(smmu, c, idr0, idr2);
	return err ? err : find_registers(smmu, idr0, idr1);
}

/* ---- what the library learns ---- */

static unsigned int bits_of(uint32_t size)
{
	static const unsigned char bits[] = { 32, 36, 40, 42, 44, 48 };

	/* UBS has 49 bits too: two halves of 48. */
	return size < sizeof(bits) ? bits[size] : 48;
}

/* Returns the bits of an IOVA that the unit takes from devices. */
static unsigned int iova_bits(const struct dmah_smmuv2 *smmu, uint32_t idr2)
{
	if (smmuv2_has(smmu, SMMUV2_STAGE2))
		return smmuv2_has(smmu, SMMUV2_VA64) ? bits_of(IDR2_IAS(idr2)) : 40;
	return smmuv2_has(smmu, SMMUV2_VA64) ? bits_of(IDR2_UBS(idr2)) : 32;
}

/* The format writes tables of its own for the hardware: the library lets it follow each change where this bit is not set. */
static void describe_short(struct dmah_iommu *iommu)
{
	iommu->formats = stage1_short;
	iommu->caps &= ~(uint32_t)(DMAH_IOMMU_COHERENT_WALK | DMAH_IOMMU_BLOCK_1G);
	iommu->va_bits = iommu->va_bits_min = iommu->iova_bits = iommu->out_bits = 32;
}

static void describe(struct dmah_smmuv2 *smmu, const struct dmah_smmuv2_config *c, uint32_t idr2)
{
	struct dmah_iommu *iommu = &smmu->iommu;

	smmu->out_size = IDR2_OAS(idr2) < 5 ? IDR2_OAS(idr2) : 5;
	iommu->ops = &ops;
	iommu->name = c->name ? c->name : "smmuv2";
	iommu->caps = DMAH_IOMMU_PASSTHROUGH | DMAH_IOMMU_BLOCK_2M | DMAH_IOMMU_BLOCK_1G |
		      (smmuv2_has(smmu, SMMUV2_COHERENT) ? DMAH_IOMMU_COHERENT_WALK : 0u);
	iommu->iova_bits = iova_bits(smmu, idr2);
	iommu->out_bits = bits_of(smmu->out_size);
	/* Stage 2 refuses input that is wider than the output. */
	if (smmuv2_has(smmu, SMMUV2_STAGE2) && iommu->iova_bits > iommu->out_bits)
		iommu->iova_bits = iommu->out_bits;
	/* Tables of 48 bits are for units that take so many: AArch32's have 3 levels. */
	iommu->va_bits = smmuv2_has(smmu, SMMUV2_VA64) && iommu->iova_bits > 39 ? 48 : 39;
	iommu->va_bits_min = 39;
	if (iommu->iova_bits > iommu->va_bits)
		iommu->iova_bits = iommu->va_bits;
	/* An LPAE descriptor of AArch32 has 40 bits of an address. */
	if (!smmuv2_has(smmu, SMMUV2_VA64) && iommu->out_bits > 40)
		iommu->out_bits = 40;
	iommu->formats = smmuv2_has(smmu, SMMUV2_STAGE2) ? stage2 : stage1;
	iommu->nformats = 1;
	if (smmuv2_has(smmu, SMMUV2_SHORT))
		describe_short(iommu);
	iommu->reserved = c->reserved;
	iommu->nreserved = c->nreserved;
}

/* ---- on and off ---- */

/* The previous owner's streams stop first, and are led nowhere then; its context banks after that. */
static int take_over(struct dmah_smmuv2 *smmu, const struct dmah_smmuv2_config *c)
{
	volatile uint8_t *cr0 = dmah_smmuv2_global(smmu, GR_CR0);
	int err;

	dmah_smmuv2_unlock(smmu);
	/* Streams that no register matches fault from here on, or those of firmware would be let through in between. */
	dmah_host_write32(cr0, dmah_host_read32(cr0) | CR0_USFCFG);
	err = dmah_smmuv2_streams_block(smmu, c);
	if (err)
		return refuse(err,
			      "dmah_smmuv2_init: config.bypass has more streams than the unit has "
			      "stream mapping registers",
			      smmu->nstreams);
	dmah_smmuv2_faults_clear(smmu);
	for (unsigned int bank = 0; bank < smmu->nbanks; bank++)
		dmah_smmuv2_bank_off(smmu, bank);
	dmah_smmuv2_forget_all(smmu);
	err = dmah_smmuv2_settle(smmu);
	if (err)
		return refuse(err, "dmah_smmuv2_init: the unit does not answer; sTLBGSTATUS",
			      dmah_host_read32(dmah_smmuv2_global(smmu, GR_TLBGSTATUS)));
	dmah_host_write32(cr0, dmah_smmuv2_cr0(smmu));
	return DMAH_OK;
}

int dmah_smmuv2_init(struct dmah_smmuv2 *smmu, const struct dmah_smmuv2_config *config)
{
	uint32_t idr2;
	int err = check_config(config);

	if (err)
		return err;
	*smmu = (struct dmah_smmuv2){ .regs = config->regs };
	smmu->timeout = config->timeout_ns ? config->timeout_ns : 1000000000;
	smmu->id_base = config->id_base;
	smmu->dirty = smmu->syncing = SMMUV2_NOTHING;
	idr2 = dmah_host_read32(dmah_smmuv2_global(smmu, GR_IDR2));
	err = identify(smmu, config, idr2);
	if (err)
		return err;
	describe(smmu, config, idr2);
	return take_over(smmu, config);
}

int dmah_smmuv2_fini(struct dmah_smmuv2 *smmu)
{
	const struct dmah_smmuv2_config none = { 0 };

	if (!dmah_smmuv2_check(smmu))
		return DMAH_ETIMEDOUT;
	for (unsigned int n = 0; n < smmu->nstreams; n++)
		dmah_host_write32(dmah_smmuv2_global(smmu, GR_S2CR(n)), S2CR_OF(S2CR_FAULT, 0));
	(void)dmah_smmuv2_streams_block(smmu, &none);
	dmah_smmuv2_forget_all(smmu);
	return dmah_smmuv2_sync(smmu);
}

void dmah_smmuv2_irq_write(const struct dmah_smmuv2 *smmu)
{
	for (unsigned int bank = 0; bank < smmu->nbanks; bank++)
		if (smmu->bank[bank].streams && !smmu->bank[bank].stale)
			dmah_host_write32(dmah_smmuv2_context(smmu, bank, CB_SCTLR),
					  dmah_smmuv2_sctlr(smmu));
	dmah_host_write32(dmah_smmuv2_global(smmu, GR_CR0), dmah_smmuv2_cr0(smmu));
}

void dmah_smmuv2_irq(struct dmah_smmuv2 *smmu, bool on)
{
	unsigned long flags;
	bool ours;

	dmah_host_enter(&flags);
	dmah_host_lock(&smmu->state.lock);
	smmu->irq_on = on;
	/* A unit that has lost its registers would look as if it had them. */
	ours = dmah_smmuv2_is_ours(dmah_host_read32(dmah_smmuv2_global(smmu, GR_CR0)));
	if (ours)
		dmah_smmuv2_irq_write(smmu);
	dmah_host_unlock(&smmu->state.lock);
	dmah_host_leave(flags);
	if (!ours)
		(void)dmah_smmuv2_check(smmu);
}
