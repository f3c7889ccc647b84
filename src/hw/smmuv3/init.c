/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What a unit can do, and how it is switched on and off (Arm IHI 0070, sections 3.11 and 6.3). */
#include "hw/smmuv3/smmuv3.h"

#define CMD_BYTES   16u
#define EVENT_BYTES 32u
#define OAS_48	    5u

static const struct dmah_pt_format *const formats[] = { &dmah_pt_lpae_s1 };

/* ---- configuration ---- */

static struct dmah_smmuv3_config with_defaults(const struct dmah_smmuv3_config *config)
{
	struct dmah_smmuv3_config c = { 0 };

	if (config)
		c = *config;
	c.name = c.name ? c.name : "smmuv3";
	c.sid_bits = c.sid_bits ? c.sid_bits : 16;
	c.tags = c.tags ? c.tags : 255;
	c.cmdq_log2 = c.cmdq_log2 ? c.cmdq_log2 : 8;
	c.evtq_log2 = c.evtq_log2 ? c.evtq_log2 : 7;
	c.timeout_ns = c.timeout_ns ? c.timeout_ns : 1000000000;
	return c;
}

static size_t tag_words(const struct dmah_smmuv3_config *c)
{
	return c->tags / 64 + 1;
}

static size_t tables(const struct dmah_smmuv3_config *c)
{
	return (size_t)1 << (c->sid_bits - STRTAB_SPLIT);
}

size_t dmah_smmuv3_memory(const struct dmah_smmuv3_config *config)
{
	struct dmah_smmuv3_config c = with_defaults(config);

	if (c.sid_bits < STRTAB_SPLIT || c.sid_bits > 24 || c.tags > 65535 || c.cmdq_log2 < 6 ||
	    c.cmdq_log2 > 15 || c.evtq_log2 < 4 || c.evtq_log2 > 15 || (c.nreserved && !c.reserved))
		return 0;
	return tag_words(&c) * sizeof(uint64_t) + tables(&c) * sizeof(uint64_t *);
}

/* ---- what there is ---- */

static uint32_t features_of(uint32_t idr0, uint32_t idr3, uint32_t idr5, bool linear)
{
	uint32_t oas = IDR5_OAS(idr5);

	return (idr0 & IDR0_COHACC ? SMMUV3_COHERENT : 0) | (idr3 & IDR3_RIL ? SMMUV3_RANGE : 0) |
	       (idr0 & IDR0_ATS ? SMMUV3_ATS : 0) | (idr0 & IDR0_HYP ? SMMUV3_HYP : 0) |
	       (IDR0_ST_LEVEL2(idr0) && !linear ? SMMUV3_2LEVEL : 0) |
	       (IDR0_STALL(idr0) == STALL_OPTIONAL ? SMMUV3_STALLS : 0) |
	       /* Tables of 4 KiB granules hold 48 bits. */
	       (oas < OAS_48 ? oas : OAS_48) << SMMUV3_OAS_SHIFT;
}

static unsigned int at_most(unsigned int wanted, unsigned int there_are)
{
	return wanted < there_are ? wanted : there_are;
}

static int probe(struct dmah_smmuv3 *smmu, const struct dmah_smmuv3_config *c)
{
	uint32_t idr0 = smmuv3_read(smmu, REG_IDR0), idr1 = smmuv3_read(smmu, REG_IDR1);
	uint32_t idr5 = smmuv3_read(smmu, REG_IDR5);

	if (!(idr0 & IDR0_S1P) || !(idr0 & IDR0_TTF_AARCH64) ||
	    IDR0_TTENDIAN(idr0) == TTENDIAN_BIG || IDR0_STALL(idr0) == STALL_FORCED ||
	    idr1 & IDR1_PRESET || !(idr5 & IDR5_GRAN4K) || IDR1_SIDSIZE(idr1) < STRTAB_SPLIT)
		return DMAH_ENOTSUP;
	smmu->features = features_of(idr0, smmuv3_read(smmu, REG_IDR3), idr5, c->linear);
	smmu->sid_bits = at_most(c->sid_bits, IDR1_SIDSIZE(idr1));
	smmu->cmdq_log2 = at_most(c->cmdq_log2, IDR1_CMDQS(idr1));
	smmu->evtq_log2 = at_most(c->evtq_log2, IDR1_EVENTQS(idr1));
	smmu->ntags = at_most(c->tags, idr0 & IDR0_ASID16 ? 65535 : 255);
	/* Commands are posted up to 18 at a time. */
	return smmu->cmdq_log2 < 5 ? DMAH_ENOTSUP : DMAH_OK;
}

static void present(struct dmah_smmuv3 *smmu, const struct dmah_smmuv3_config *c)
{
	static const unsigned char oas_bits[] = { 32, 36, 40, 42, 44, 48 };
	struct dmah_iommu *iommu = &smmu->iommu;

	iommu->ops = smmu->features & SMMUV3_ATS ? &dmah_smmuv3_ops_ats : &dmah_smmuv3_ops;
	iommu->name = c->name;
	/*
	 * That something does not translate is never cached, by the rules of Armv8-A (section 16.2.1), so that a new
	 * mapping needs no invalidation.
	 */
	iommu->caps = (smmu->features & SMMUV3_COHERENT ? DMAH_IOMMU_COHERENT_WALK : 0u) |
		      DMAH_IOMMU_BLOCK_2M | DMAH_IOMMU_BLOCK_1G | DMAH_IOMMU_PASSTHROUGH;
	iommu->va_bits = 48;
	iommu->out_bits = oas_bits[smmu->features >> SMMUV3_OAS_SHIFT & 7];
	iommu->formats = formats;
	iommu->nformats = 1;
	iommu->reserved = c->reserved;
	iommu->lock = (struct dmah_lock){ 0 };
	iommu->links = NULL;
	iommu->fault_limit = (struct dmah_rate_limit){ 0 };
	iommu->nreserved = c->nreserved;
}

/* ---- registers that answer later ---- */

static bool await(const struct dmah_smmuv3 *smmu, uint32_t reg, uint32_t mask, uint32_t value)
{
	uint64_t begun = dmah_host_now();

	while ((smmuv3_read(smmu, reg) & mask) != value) {
		if (dmah_host_now() - begun >= smmu->timeout)
			return (smmuv3_read(smmu, reg) & mask) == value;
		dmah_host_relax();
	}
	return true;
}

static int set_cr0(const struct dmah_smmuv3 *smmu, uint32_t value)
{
	smmuv3_write(smmu, REG_CR0, value);
	return await(smmu, REG_CR0ACK, ~0u, value) ? DMAH_OK : DMAH_ETIMEDOUT;
}

/* Off, and aborting everything meanwhile. A unit without GBPA reads as zero there and ignores the write. */
static int switch_off(const struct dmah_smmuv3 *smmu)
{
	uint32_t gbpa;

	if (!await(smmu, REG_GBPA, GBPA_UPDATE, 0))
		return DMAH_ETIMEDOUT;
	gbpa = smmuv3_read(smmu, REG_GBPA);
	smmuv3_write(smmu, REG_GBPA, gbpa | GBPA_ABORT | GBPA_UPDATE);
	if (!await(smmu, REG_GBPA, GBPA_UPDATE, 0))
		return DMAH_ETIMEDOUT;
	return set_cr0(smmu, 0);
}

/* ---- switching on ---- */

static void set_bases(struct dmah_smmuv3 *smmu)
{
	uint32_t format = smmu->features & SMMUV3_2LEVEL ? STRTAB_2LEVEL | STRTAB_SPLIT << 6 : 0;

	smmuv3_write(smmu, REG_CR1, smmu->features & SMMUV3_COHERENT ? CR1_CACHED : 0);
	smmuv3_write(smmu, REG_CR2, CR2_RECINVSID | CR2_PTM);
	dmah_host_write64(smmu->regs + REG_STRTAB_BASE, smmu->strtab.phys | BASE_ALLOCATE);
	smmuv3_write(smmu, REG_STRTAB_CFG, format | smmu->sid_bits);
	dmah_host_write64(smmu->regs + REG_CMDQ_BASE,
			  smmu->cmdq.phys | BASE_ALLOCATE | smmu->cmdq_log2);
	smmuv3_write(smmu, REG_CMDQ_PROD, 0);
	smmuv3_write(smmu, REG_CMDQ_CONS, 0);
	dmah_host_write64(smmu->regs + REG_EVTQ_BASE,
			  smmu->evtq.phys | BASE_ALLOCATE | smmu->evtq_log2);
	smmuv3_write(smmu, REG_EVTQ_PROD, 0);
	smmuv3_write(smmu, REG_EVTQ_CONS, 0);
	smmuv3_write(smmu, REG_IRQ_CTRL, 0);
	/* Errors of an earlier life. */
	smmu->gerrorn = smmuv3_read(smmu, REG_GERROR);
	smmuv3_write(smmu, REG_GERRORN, smmu->gerrorn);
}

/* Whatever the caches hold is of somebody else's tables; each step needs the one before it (section 3.11). */
static int switch_on(struct dmah_smmuv3 *smmu)
{
	struct smmuv3_cmd forget[3] = { { { OP_CFGI_ALL, 31 } },
					{ { OP_TLBI_NSNH_ALL, 0 } },
					{ { OP_TLBI_EL2_ALL, 0 } } };
	uint32_t cr0 = CR0_CMDQEN;
	int err;

	set_bases(smmu);
	err = set_cr0(smmu, cr0);
	if (!err)
		err = dmah_smmuv3_run(smmu, forget, smmu->features & SMMUV3_HYP ? 3 : 2);
	cr0 |= CR0_EVTQEN;
	if (!err)
		err = set_cr0(smmu, cr0);
	cr0 |= CR0_SMMUEN | (smmu->features & SMMUV3_ATS ? CR0_ATSCHK : 0);
	return err ? err : set_cr0(smmu, cr0);
}

/* ---- life ---- */

static void free_all(struct dmah_smmuv3 *smmu)
{
	dmah_smmuv3_streams_fini(smmu);
	dmah_smmuv3_area_free(&smmu->evtq);
	dmah_smmuv3_area_free(&smmu->cmdq);
}

static int alloc_all(struct dmah_smmuv3 *smmu)
{
	int err = dmah_smmuv3_area_alloc(smmu, (size_t)CMD_BYTES << smmu->cmdq_log2, &smmu->cmdq);

	if (!err)
		err = dmah_smmuv3_area_alloc(smmu, (size_t)EVENT_BYTES << smmu->evtq_log2,
					     &smmu->evtq);
	return err ? err : dmah_smmuv3_streams_init(smmu);
}

int dmah_smmuv3_init(struct dmah_smmuv3 *smmu, volatile void *regs,
		     const struct dmah_smmuv3_config *config, void *memory, size_t memory_size)
{
	struct dmah_smmuv3_config c = with_defaults(config);
	size_t need = dmah_smmuv3_memory(config);
	int err;

	if (!need || memory_size < need || !memory || (uintptr_t)memory % sizeof(uint64_t))
		return DMAH_EINVAL;
	__builtin_memset(memory, 0, need);
	*smmu = (struct dmah_smmuv3){ .regs = regs, .timeout = c.timeout_ns };
	smmu->tags = memory;
	smmu->l2 = (uint64_t **)(void *)(smmu->tags + tag_words(&c));
	err = probe(smmu, &c);
	if (err)
		return err;
	present(smmu, &c);
	err = switch_off(smmu);
	if (!err)
		err = alloc_all(smmu);
	if (!err)
		err = switch_on(smmu);
	if (!err)
		return DMAH_OK;
	/* What it may still read is left to it. */
	if (!switch_off(smmu))
		free_all(smmu);
	return err;
}

int dmah_smmuv3_fini(struct dmah_smmuv3 *smmu)
{
	int err = switch_off(smmu);

	if (!err)
		free_all(smmu);
	return err;
}
