/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Capabilities of a unit, and how it is switched on and off (Arm IHI 0070, sections 3.11 and 6.3). */
#include "hw/smmuv3/smmuv3.h"

#define CMD_BYTES   16u
#define EVENT_BYTES 32u
#define OAS_44	    4u
#define OAS_48	    5u

static const struct dmah_pt_format *const stage1[] = { &dmah_pt_lpae_s1 };
static const struct dmah_pt_format *const stage2[] = { &dmah_pt_lpae_s2 };

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

static int refuse(int err, const char *why, uint64_t value)
{
	dmah_host_report(NULL, err, why, value, NULL);
	return err;
}

/* Reports the first field that makes no sense. */
static bool makes_sense(const struct dmah_smmuv3_config *c)
{
	if (c->sid_bits < STRTAB_SPLIT || c->sid_bits > 24)
		return !refuse(DMAH_EINVAL, "dmah_smmuv3_init: config.sid_bits is not from 6 to 24",
			       c->sid_bits);
	if (c->tags > 65535)
		return !refuse(DMAH_EINVAL, "dmah_smmuv3_init: config.tags is above 65535",
			       c->tags);
	if (c->cmdq_log2 < 6 || c->cmdq_log2 > 15)
		return !refuse(DMAH_EINVAL,
			       "dmah_smmuv3_init: config.cmdq_log2 is not from 6 to 15",
			       c->cmdq_log2);
	if (c->evtq_log2 < 4 || c->evtq_log2 > 15)
		return !refuse(DMAH_EINVAL,
			       "dmah_smmuv3_init: config.evtq_log2 is not from 4 to 15",
			       c->evtq_log2);
	if (c->nreserved && !c->reserved)
		return !refuse(DMAH_EINVAL,
			       "dmah_smmuv3_init: config.nreserved without config.reserved",
			       c->nreserved);
	if (c->nbypass && !c->bypass)
		return !refuse(DMAH_EINVAL,
			       "dmah_smmuv3_init: config.nbypass without config.bypass",
			       c->nbypass);
	if (c->walks > DMAH_WALKS_NONCOHERENT)
		return !refuse(DMAH_EINVAL,
			       "dmah_smmuv3_init: config.walks is none of enum dmah_walks",
			       c->walks);
	return true;
}

size_t dmah_smmuv3_memory(const struct dmah_smmuv3_config *config)
{
	struct dmah_smmuv3_config c = with_defaults(config);

	return makes_sense(&c) ? tag_words(&c) * sizeof(uint64_t) + tables(&c) * sizeof(uint64_t *)
			       : 0;
}

/* ---- capabilities ---- */

static bool is_coherent(uint32_t idr0, enum dmah_walks walks)
{
	return walks == DMAH_WALKS_AS_REPORTED ? (idr0 & IDR0_COHACC) != 0
					       : walks == DMAH_WALKS_COHERENT;
}

static uint32_t features_of(uint32_t idr0, uint32_t idr3, uint32_t idr5,
			    const struct dmah_smmuv3_config *c)
{
	uint32_t oas = IDR5_OAS(idr5);

	return (is_coherent(idr0, c->walks) ? SMMUV3_COHERENT : 0) |
	       (idr3 & IDR3_RIL ? SMMUV3_RANGE : 0) | (idr0 & IDR0_MSI ? SMMUV3_MSI : 0) |
	       (idr0 & IDR0_ATS ? SMMUV3_ATS : 0) | (idr0 & IDR0_HYP ? SMMUV3_HYP : 0) |
	       (IDR0_ST_LEVEL2(idr0) && !c->linear ? SMMUV3_2LEVEL : 0) |
	       (IDR0_STALL(idr0) == STALL_OPTIONAL ? SMMUV3_STALLS : 0) |
	       (c->stage2 || !(idr0 & IDR0_S1P) ? SMMUV3_STAGE2 : 0) |
	       /* Tables of 4 KiB granules hold 48 bits. */
	       (oas < OAS_48 ? oas : OAS_48) << SMMUV3_OAS_SHIFT;
}

static unsigned int at_most(unsigned int wanted, unsigned int there_are)
{
	return wanted < there_are ? wanted : there_are;
}

/* Returns the reason why this driver cannot drive the unit; NULL: it can. */
static const char *unsuitable(uint32_t idr0, uint32_t idr1, uint32_t idr5, bool want_stage2)
{
	if (!(idr0 & (IDR0_S1P | IDR0_S2P)) || !(idr0 & IDR0_TTF_AARCH64))
		return "dmah_smmuv3_init: the unit has neither stage with AArch64 tables; IDR0";
	if (want_stage2 && !(idr0 & IDR0_S2P))
		return "dmah_smmuv3_init: config.stage2, and the unit has no stage 2; IDR0";
	if (IDR0_TTENDIAN(idr0) == TTENDIAN_BIG)
		return "dmah_smmuv3_init: the unit reads big-endian tables only; IDR0";
	if (IDR0_STALL(idr0) == STALL_FORCED)
		return "dmah_smmuv3_init: the unit stalls on every fault; IDR0";
	if (!(idr5 & IDR5_GRAN4K))
		return "dmah_smmuv3_init: the unit has no tables of 4 KiB granules (IDR5); IDR0";
	if (idr1 & IDR1_PRESET)
		return "dmah_smmuv3_init: the unit has its tables or queues at fixed places "
		       "(IDR1); IDR0";
	if (IDR1_SIDSIZE(idr1) < STRTAB_SPLIT || IDR1_CMDQS(idr1) < 5)
		return "dmah_smmuv3_init: the unit's stream table or command queue is too small "
		       "(IDR1); IDR0";
	return NULL;
}

static int probe(struct dmah_smmuv3 *smmu, const struct dmah_smmuv3_config *c)
{
	uint32_t idr0 = smmuv3_read(smmu, REG_IDR0), idr1 = smmuv3_read(smmu, REG_IDR1);
	uint32_t idr5 = smmuv3_read(smmu, REG_IDR5);
	const char *why = unsuitable(idr0, idr1, idr5, c->stage2);
	uint32_t tag16;

	if (idr0 == ~0u)
		return refuse(DMAH_ENODEV,
			      "dmah_smmuv3_init: the registers at config.regs read as all ones",
			      idr0);
	if (why)
		return refuse(DMAH_ENOTSUP, why, idr0);
	smmu->features = features_of(idr0, smmuv3_read(smmu, REG_IDR3), idr5, c) |
			 dmah_smmuv3_errata(smmuv3_read(smmu, REG_IIDR), c->model);
	tag16 = smmu->features & SMMUV3_STAGE2 ? IDR0_VMID16 : IDR0_ASID16;
	smmu->sid_bits = at_most(c->sid_bits, IDR1_SIDSIZE(idr1));
	/* At least 32 entries: commands are posted up to 18 at a time. */
	smmu->cmdq_log2 = at_most(c->cmdq_log2, IDR1_CMDQS(idr1));
	smmu->evtq_log2 = at_most(c->evtq_log2, IDR1_EVENTQS(idr1));
	smmu->ntags = at_most(c->tags, idr0 & tag16 ? 65535 : 255);
	return DMAH_OK;
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
	iommu->out_bits = oas_bits[smmuv3_oas(smmu)];
	iommu->formats = smmu->features & SMMUV3_STAGE2 ? stage2 : stage1;
	iommu->nformats = 1;
	/* Stage 2 takes no wider addresses than it gives, and has a level 0 for 44 bits and more (Arm ARM, D8.2.8). */
	if (smmu->features & SMMUV3_STAGE2) {
		iommu->va_bits = smmuv3_oas(smmu) < OAS_44 ? 39 : 48;
		iommu->iova_bits = iommu->out_bits;
	}
	iommu->reserved = c->reserved;
	iommu->lock = (struct dmah_lock){ 0 };
	iommu->links = NULL;
	iommu->fault_limit = (struct dmah_rate_limit){ 0 };
	iommu->nreserved = c->nreserved;
	iommu->off = true;
}

/* ---- registers that answer later ---- */

bool dmah_smmuv3_await(const struct dmah_smmuv3 *smmu, uint32_t reg, uint32_t mask, uint32_t value)
{
	uint64_t begun = 0;
	bool late = false;
	uint32_t now;

	while (((now = smmuv3_read(smmu, reg)) & mask) != value || now == ~0u) {
		/* No register of these can be all ones: the unit is gone. */
		if (late || now == ~0u)
			return false;
		late = dmah_hw_late(smmu->timeout, &begun);
		dmah_host_relax();
	}
	return true;
}

static int set_cr0(struct dmah_smmuv3 *smmu, uint32_t value)
{
	smmu->cr0 = value;
	smmuv3_write(smmu, REG_CR0, value);
	return dmah_smmuv3_await(smmu, REG_CR0ACK, ~0u, value) ? DMAH_OK : DMAH_ETIMEDOUT;
}

/* Sets the fate of all streams while translation is off. A unit without GBPA reads as zero there and ignores the write. */
static int set_bypass(struct dmah_smmuv3 *smmu, bool abort)
{
	uint32_t gbpa;

	if (!dmah_smmuv3_await(smmu, REG_GBPA, GBPA_UPDATE, 0))
		return DMAH_ETIMEDOUT;
	gbpa = smmuv3_read(smmu, REG_GBPA) & ~GBPA_ABORT;
	smmuv3_write(smmu, REG_GBPA, gbpa | (abort ? GBPA_ABORT : 0) | GBPA_UPDATE);
	return dmah_smmuv3_await(smmu, REG_GBPA, GBPA_UPDATE, 0) ? DMAH_OK : DMAH_ETIMEDOUT;
}

/* Off, and aborting everything meanwhile. */
static int switch_off(struct dmah_smmuv3 *smmu)
{
	int err = set_bypass(smmu, true);

	return err ? err : set_cr0(smmu, 0);
}

/* ---- switching on ---- */

/* The attributes of queues may change while the queues are off, those of tables while translation is off. */
static void set_queues(struct dmah_smmuv3 *smmu)
{
	uint32_t cr1 = smmu->features & SMMUV3_COHERENT ? CR1_CACHED : 0;

	if (smmu->cr0 & CR0_SMMUEN)
		cr1 = (cr1 & CR1_QUEUES) | (smmuv3_read(smmu, REG_CR1) & ~CR1_QUEUES);
	smmuv3_write(smmu, REG_CR1, cr1);
	dmah_host_write64(smmu->regs + REG_CMDQ_BASE,
			  smmu->cmdq.phys | BASE_ALLOCATE | smmu->cmdq_log2);
	/* Positions go on counting after a reset. */
	smmu->cons = smmu->prod;
	smmuv3_write(smmu, REG_CMDQ_PROD, (uint32_t)smmu->prod & smmuv3_index_mask(smmu));
	smmuv3_write(smmu, REG_CMDQ_CONS, (uint32_t)smmu->prod & smmuv3_index_mask(smmu));
	dmah_host_write64(smmu->regs + REG_EVTQ_BASE,
			  smmu->evtq.phys | BASE_ALLOCATE | smmu->evtq_log2);
	smmuv3_write(smmu, smmuv3_page1(smmu, REG_EVTQ_PROD), 0);
	smmuv3_write(smmu, smmuv3_page1(smmu, REG_EVTQ_CONS), 0);
	smmu->events_cons = 0;
	/* Acknowledge errors that the previous owner of the unit left. */
	smmu->gerrorn = smmuv3_read(smmu, REG_GERROR);
	smmuv3_write(smmu, REG_GERRORN, smmu->gerrorn);
}

/* Takes the queues over. Translation stays as it is. */
static int start_queues(struct dmah_smmuv3 *smmu)
{
	int err = set_cr0(smmu, smmu->cr0 & (CR0_SMMUEN | CR0_ATSCHK));

	if (err)
		return err;
	set_queues(smmu);
	err = set_cr0(smmu, smmu->cr0 | CR0_CMDQEN);
	return err ? err : set_cr0(smmu, smmu->cr0 | CR0_EVTQEN);
}

static void set_tables(struct dmah_smmuv3 *smmu)
{
	uint32_t format = smmu->features & SMMUV3_2LEVEL ? STRTAB_2LEVEL | STRTAB_SPLIT << 6 : 0;

	smmuv3_write(smmu, REG_CR1, smmu->features & SMMUV3_COHERENT ? CR1_CACHED : 0);
	smmuv3_write(smmu, REG_CR2, CR2_RECINVSID | CR2_PTM);
	dmah_host_write64(smmu->regs + REG_STRTAB_BASE, smmu->strtab.phys | BASE_ALLOCATE);
	smmuv3_write(smmu, REG_STRTAB_CFG, format | smmu->sid_bits);
}

/*
 * Translates by our tables. The stream table may be changed only while translation is off (section 6.3.24), when GBPA
 * decides the fate of all streams. Caches hold entries of the previous owner's tables, which go first (section 3.11).
 */
static int switch_on(struct dmah_smmuv3 *smmu)
{
	uint32_t queues = smmu->cr0 & (CR0_CMDQEN | CR0_EVTQEN);
	int err = set_cr0(smmu, queues);

	if (err)
		return err;
	set_tables(smmu);
	err = dmah_smmuv3_confirm_all(smmu);
	if (!err)
		err = set_cr0(smmu,
			      queues | CR0_SMMUEN | (smmu->features & SMMUV3_ATS ? CR0_ATSCHK : 0));
	/* From now on translation that is off lets nobody through. */
	return err ? err : set_bypass(smmu, true);
}

int dmah_smmuv3_enable(struct dmah_smmuv3 *smmu)
{
	int err = DMAH_OK;

	if (smmu->enabled)
		return DMAH_OK;
	/* Streams that the previous owner left running bypass between its tables and ours, rather than abort. */
	if (smmu->cr0 & CR0_SMMUEN)
		err = set_bypass(smmu, false);
	if (!err)
		err = switch_on(smmu);
	smmu->enabled = !err;
	__atomic_store_n(&smmu->iommu.off, !smmu->enabled, __ATOMIC_RELEASE);
	return err;
}

int dmah_smmuv3_restart(struct dmah_smmuv3 *smmu)
{
	int err = smmu->enabled ? switch_off(smmu) : DMAH_OK;

	if (!err)
		err = start_queues(smmu);
	if (!err)
		err = smmu->enabled ? switch_on(smmu) : dmah_smmuv3_confirm_all(smmu);
	return err ? err : dmah_smmuv3_irq_restore(smmu);
}

/* ---- taking over, giving up ---- */

static void free_all(struct dmah_smmuv3 *smmu)
{
	dmah_smmuv3_streams_fini(smmu);
	dmah_hw_area_free(&smmu->evtq);
	dmah_hw_area_free(&smmu->cmdq);
}

static int alloc_all(struct dmah_smmuv3 *smmu)
{
	int err = smmuv3_area_alloc(smmu, (size_t)CMD_BYTES << smmu->cmdq_log2, &smmu->cmdq);

	if (!err)
		err = smmuv3_area_alloc(smmu, (size_t)EVENT_BYTES << smmu->evtq_log2, &smmu->evtq);
	return err ? err : dmah_smmuv3_streams_init(smmu);
}

static int take_over(struct dmah_smmuv3 *smmu, const struct dmah_smmuv3_config *c)
{
	int err = DMAH_OK;

	smmu->cr0 = smmuv3_read(smmu, REG_CR0ACK);
	/* Streams that are let through must not notice: the previous owner's tables stay until ours are in use. */
	if (!c->defer && !c->nbypass)
		err = switch_off(smmu);
	if (!err)
		err = alloc_all(smmu);
	if (!err)
		err = dmah_smmuv3_let_through(smmu, c->bypass, c->nbypass);
	if (!err)
		err = dmah_smmuv3_irq_restore(smmu);
	if (!err)
		err = start_queues(smmu);
	return err || c->defer ? err : dmah_smmuv3_enable(smmu);
}

static int check_arguments(const struct dmah_smmuv3_config *config, size_t need, const void *memory,
			   size_t memory_size)
{
	if (!need)
		return DMAH_EINVAL;
	if (!config || !config->regs)
		return refuse(DMAH_EINVAL, "dmah_smmuv3_init: config.regs is NULL", 0);
	if (!memory || (uintptr_t)memory % sizeof(uint64_t))
		return refuse(DMAH_EINVAL, "dmah_smmuv3_init: memory is NULL or not aligned to 8",
			      (uintptr_t)memory);
	if (memory_size < need)
		return refuse(DMAH_EINVAL, "dmah_smmuv3_init: size is below dmah_smmuv3_memory()",
			      memory_size);
	return DMAH_OK;
}

int dmah_smmuv3_init(struct dmah_smmuv3 *smmu, const struct dmah_smmuv3_config *config,
		     void *memory, size_t memory_size)
{
	struct dmah_smmuv3_config c = with_defaults(config);
	size_t need = dmah_smmuv3_memory(config);
	int err = check_arguments(config, need, memory, memory_size);

	if (err)
		return err;
	__builtin_memset(memory, 0, need);
	*smmu = (struct dmah_smmuv3){ .regs = c.regs, .timeout = c.timeout_ns };
	smmu->tags = memory;
	smmu->tags[0] = 1;
	smmu->l2 = (uint64_t **)(void *)(smmu->tags + tag_words(&c));
	err = probe(smmu, &c);
	if (err)
		return err;
	present(smmu, &c);
	err = take_over(smmu, &c);
	if (!err)
		return DMAH_OK;
	if (err == DMAH_ETIMEDOUT)
		(void)refuse(err, "dmah_smmuv3_init: the unit does not answer; CR0ACK",
			     smmuv3_read(smmu, REG_CR0ACK));
	/* A unit that cannot be switched off may still read these tables, so they are leaked. */
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
