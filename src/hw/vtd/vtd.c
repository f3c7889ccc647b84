/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* A VT-d unit: capabilities, taking it over, switching translation on, and giving it up. */
#include "hw/vtd/vtd.h"

static const struct dmah_pt_format *const second_stage[] = { &dmah_pt_vtd_ss };
static const struct dmah_pt_format *const first_stage[] = { &dmah_pt_vtd_fs };

/* Bits of the lower canonical addresses that first-stage tables of 4 and of 5 levels translate. */
#define FOUR_LEVEL_BITS 47u
#define FIVE_LEVEL_BITS 56u
/* Bytes of the longest queue: QS has three bits. */
#define QUEUE_BYTES 0x80000u

/* Writes to here are interrupts, whatever a page table says (Handling Requests to Interrupt Address Range). */
static const struct dmah_reserved interrupts[] = { { .base = 0xfee00000, .size = 0x100000 } };

static const struct dmah_iommu_ops ops = {
	.bind = dmah_vtd_op_bind,
	.tag_alloc = dmah_vtd_op_tag_alloc,
	.tag_free = dmah_vtd_op_tag_free,
	.invalidate = dmah_vtd_op_invalidate,
	.invalidate_dev = dmah_vtd_op_invalidate_dev,
	.make_room = dmah_vtd_op_make_room,
	.isolated = dmah_vtd_op_isolated,
	.fence = dmah_vtd_op_fence,
	.wait = dmah_vtd_op_wait,
	.done = dmah_vtd_op_done,
	.faults = dmah_vtd_op_faults,
	.irq = &dmah_vtd_irq_ops,
};

/* ---- capabilities ---- */

/* Bits that a page table may have. They say nothing of the IOVAs that the unit takes (MGAW), and the reverse. */
static unsigned int widest(uint64_t cap)
{
	unsigned int sagaw = CAP_SAGAW(cap);

	return sagaw & 8 ? 57 : sagaw & 4 ? 48 : sagaw & 2 ? 39 : 0;
}

static unsigned int narrowest(uint64_t cap)
{
	unsigned int sagaw = CAP_SAGAW(cap);

	return sagaw & 2 ? 39 : sagaw & 4 ? 48 : 57;
}

/* Returns true where walks from a context or PASID entry see the CPU's caches. */
static bool walks_are_coherent(const struct dmah_vtd *vtd, const struct dmah_vtd_config *config)
{
	if (!vtd->scalable || config->walks == DMAH_WALKS_COHERENT)
		return vtd->ecap & ECAP_C;
	return vtd->ecap & ECAP_SMPWCS;
}

/* First-stage tables have pages of 2 MiB by definition. */
static void describe_first_stage(struct dmah_vtd *vtd)
{
	struct dmah_iommu *iommu = &vtd->iommu;

	iommu->caps &= ~(uint32_t)DMAH_IOMMU_BLOCK_1G;
	iommu->caps |= DMAH_IOMMU_BLOCK_2M | (vtd->cap & CAP_FS1GP ? DMAH_IOMMU_BLOCK_1G : 0u);
	iommu->va_bits_min = FOUR_LEVEL_BITS;
	iommu->va_bits = vtd->cap & CAP_FS5LP ? FIVE_LEVEL_BITS : FOUR_LEVEL_BITS;
	if (iommu->iova_bits > iommu->va_bits)
		iommu->iova_bits = iommu->va_bits;
	iommu->formats = first_stage;
}

static void describe(struct dmah_vtd *vtd, const struct dmah_vtd_config *config)
{
	struct dmah_iommu *iommu = &vtd->iommu;

	iommu->ops = &ops;
	iommu->name = config->name ? config->name : "vtd";
	iommu->caps = (walks_are_coherent(vtd, config) ? DMAH_IOMMU_COHERENT_WALK : 0u) |
		      (vtd->ecap & ECAP_PT ? DMAH_IOMMU_PASSTHROUGH : 0u) |
		      (vtd->cap & (CAP_CM | CAP_RWBF) ? DMAH_IOMMU_MAP_FLUSH : 0u) |
		      (vtd->cap & CAP_SLLPS_2M ? DMAH_IOMMU_BLOCK_2M : 0u) |
		      (vtd->cap & CAP_SLLPS_1G ? DMAH_IOMMU_BLOCK_1G : 0u);
	iommu->va_bits = widest(vtd->cap);
	iommu->va_bits_min = narrowest(vtd->cap);
	iommu->iova_bits = CAP_MGAW(vtd->cap) + 1;
	iommu->out_bits = config->phys_bits ? config->phys_bits : 52;
	iommu->formats = second_stage;
	iommu->nformats = 1;
	iommu->reserved = interrupts;
	iommu->lock = (struct dmah_lock){ 0 };
	iommu->links = NULL;
	iommu->fault_limit = (struct dmah_rate_limit){ 0 };
	iommu->nreserved = 1;
	iommu->off = true;
	if (vtd->first_stage)
		describe_first_stage(vtd);
}

/* ND is 6 at most as of today. */
static uint32_t domains(uint64_t cap)
{
	unsigned int bits = 4 + 2 * CAP_ND(cap);

	return 1u << (bits < 16 ? bits : 16);
}

static uint32_t queue_of(const struct dmah_vtd_config *config)
{
	return config->queue ? config->queue : IQA_QS_ENTRIES;
}

static int refuse(int err, const char *why, uint64_t value)
{
	dmah_host_report(NULL, err, why, value, NULL);
	return err;
}

/* Reports the first field that makes no sense. */
static bool makes_sense(const struct dmah_vtd_config *config)
{
	uint32_t queue = queue_of(config);

	if (!config->regs)
		return !refuse(DMAH_EINVAL, "dmah_vtd_init: config.regs is NULL", 0);
	if (queue & (queue - 1) || queue < IQA_QS_ENTRIES || queue > 32768)
		return !refuse(
			DMAH_EINVAL,
			"dmah_vtd_init: config.queue is not a power of two from 256 to 32768",
			queue);
	if (config->phys_bits > 52)
		return !refuse(DMAH_EINVAL, "dmah_vtd_init: config.phys_bits is above 52",
			       config->phys_bits);
	if (config->mode > DMAH_VTD_FIRST_STAGE)
		return !refuse(DMAH_EINVAL,
			       "dmah_vtd_init: config.mode is none of enum dmah_vtd_mode",
			       config->mode);
	if (config->walks > DMAH_WALKS_NONCOHERENT)
		return !refuse(DMAH_EINVAL,
			       "dmah_vtd_init: config.walks is none of enum dmah_walks",
			       config->walks);
	return true;
}

size_t dmah_vtd_memory(const struct dmah_vtd_config *config)
{
	uint64_t cap;

	if (!makes_sense(config))
		return 0;
	cap = dmah_host_read64((volatile uint8_t *)config->regs + REG_CAP);
	if (cap == ~0ull) {
		(void)refuse(DMAH_ENODEV,
			     "dmah_vtd_init: the registers at config.regs read as all ones", cap);
		return 0;
	}
	/* At least a word: the fewest are 16 domain ids. */
	return (domains(cap) + 63) / 64 * 8;
}

/* ---- taking it over ---- */

static int alloc(struct dmah_vtd *vtd)
{
	size_t bytes = (size_t)vtd->entries << vtd->iq_shift;

	vtd->root = dmah_host_page_alloc(0);
	if (!vtd->root)
		return DMAH_ENOMEM;
	vtd->root_phys = dmah_host_virt_to_phys(vtd->root);
	vtd->queue = dmah_host_mem_alloc(bytes + VTD_STATUS_BYTES, UINT64_MAX, 0, &vtd->queue_phys);
	if (!vtd->queue) {
		dmah_host_page_free(vtd->root);
		return DMAH_ENOMEM;
	}
	vtd->status = (uint32_t *)(void *)((char *)vtd->queue + bytes);
	vtd->status_phys = vtd->queue_phys + bytes;
	if (!(vtd->ecap & ECAP_C))
		dmah_host_cache(DMAH_CACHE_CLEAN, vtd->root_phys, DMAH_PAGE_SIZE);
	return DMAH_OK;
}

static void release(struct dmah_vtd *vtd)
{
	dmah_vtd_tables_free(vtd);
	dmah_host_mem_free(vtd->queue_phys,
			   ((size_t)vtd->entries << vtd->iq_shift) + VTD_STATUS_BYTES);
	vtd->queue = NULL;
}

/* The table mode must not change while the unit translates (Root Table Address Register). */
static int leave_other_mode(struct dmah_vtd *vtd)
{
	uint64_t mode = dmah_host_read64(vtd->regs + REG_RTADDR) & RTADDR_TTM;

	if (mode == (vtd->scalable ? RTADDR_SCALABLE : 0))
		return DMAH_OK;
	return dmah_vtd_gcmd(vtd, GCMD_TE, false);
}

static int take_over(struct dmah_vtd *vtd)
{
	int err;

	vtd_write(vtd, REG_FECTL, FECTL_IM);
	err = leave_other_mode(vtd);
	if (!err)
		err = dmah_vtd_queue_start(vtd, vtd->old_queue_kept);
	if (!err)
		(void)dmah_vtd_faults(vtd, NULL, NULL, NULL);
	return err;
}

/* Capability bits that the caller knows better than the hardware. */
static void correct(struct dmah_vtd *vtd, const struct dmah_vtd_config *config)
{
	if (config->write_flush)
		vtd->cap |= CAP_RWBF;
	if (config->walks == DMAH_WALKS_COHERENT)
		vtd->ecap |= ECAP_C;
	else if (config->walks == DMAH_WALKS_NONCOHERENT)
		vtd->ecap &= ~(ECAP_C | ECAP_SMPWCS);
}

static void choose_mode(struct dmah_vtd *vtd, enum dmah_vtd_mode mode)
{
	bool only_first = vtd->ecap & ECAP_SMTS && vtd->ecap & ECAP_FSTS &&
			  !(vtd->ecap & ECAP_SSTS);

	vtd->first_stage = mode == DMAH_VTD_FIRST_STAGE ||
			   (mode == DMAH_VTD_BY_CAPABILITY && only_first);
	vtd->scalable = vtd->first_stage || mode == DMAH_VTD_SECOND_STAGE;
	vtd->iq_shift = vtd->scalable ? IQ_SHIFT_WIDE : IQ_SHIFT;
}

static void prepare(struct dmah_vtd *vtd, const struct dmah_vtd_config *config, uint64_t *memory)
{
	*vtd = (struct dmah_vtd){ .regs = config->regs };
	vtd->cap = dmah_host_read64(vtd->regs + REG_CAP);
	vtd->ecap = dmah_host_read64(vtd->regs + REG_ECAP);
	correct(vtd, config);
	vtd->timeout = config->timeout_ns ? config->timeout_ns : 1000000000;
	choose_mode(vtd, config->mode);
	vtd->entries = queue_of(config);
	if (vtd->entries << vtd->iq_shift > QUEUE_BYTES)
		vtd->entries = QUEUE_BYTES >> vtd->iq_shift;
	vtd->old_queue_kept = config->old_queue_kept;
	vtd->irq_masked = true;
	vtd->tags = memory;
	vtd->ntags = domains(vtd->cap);
	/* The hardware caches absent entries under domain id 0 (section 6.1, Caching Mode). */
	vtd->tags[0] = 1;
	describe(vtd, config);
}

static int can_do(const struct dmah_vtd *vtd)
{
	if (!(vtd->ecap & ECAP_QI))
		return refuse(DMAH_ENOTSUP,
			      "dmah_vtd_init: the unit has no queued invalidation; ECAP_REG",
			      vtd->ecap);
	if (vtd->scalable && !(vtd->ecap & ECAP_SMTS))
		return refuse(
			DMAH_ENOTSUP,
			"dmah_vtd_init: config.mode, and the unit has no scalable mode; ECAP_REG",
			vtd->ecap);
	if (vtd->scalable && !(vtd->ecap & (vtd->first_stage ? ECAP_FSTS : ECAP_SSTS)))
		return refuse(
			DMAH_ENOTSUP,
			"dmah_vtd_init: config.mode, and the unit's scalable mode has no such "
			"stage; ECAP_REG",
			vtd->ecap);
	if (!vtd->iommu.va_bits)
		return refuse(DMAH_ENOTSUP,
			      "dmah_vtd_init: the unit walks no page table of 3 to 5 levels; "
			      "CAP_REG",
			      vtd->cap);
	return DMAH_OK;
}

int dmah_vtd_init(struct dmah_vtd *vtd, const struct dmah_vtd_config *config, void *memory,
		  size_t size)
{
	size_t need = dmah_vtd_memory(config);
	int err;

	if (!need)
		return DMAH_EINVAL;
	if (!memory || (uintptr_t)memory % 8)
		return refuse(DMAH_EINVAL, "dmah_vtd_init: memory is NULL or not aligned to 8",
			      (uintptr_t)memory);
	if (size < need)
		return refuse(DMAH_EINVAL, "dmah_vtd_init: size is below dmah_vtd_memory()", size);
	__builtin_memset(memory, 0, need);
	prepare(vtd, config, memory);
	err = can_do(vtd);
	if (!err)
		err = alloc(vtd);
	if (err)
		return err;
	err = take_over(vtd);
	if (err == DMAH_ETIMEDOUT)
		return refuse(err,
			      "dmah_vtd_init: the unit does not answer, or keeps the queue of its "
			      "previous "
			      "owner; GSTS_REG",
			      vtd_read(vtd, REG_GSTS));
	if (err)
		release(vtd);
	return err;
}

/* ---- on and off ---- */

static int end_protected_regions(struct dmah_vtd *vtd)
{
	if (!(vtd->cap & (CAP_PLMR | CAP_PHMR)) || !(vtd_read(vtd, REG_PMEN) & PMEN_PRS))
		return DMAH_OK;
	vtd_write(vtd, REG_PMEN, vtd_read(vtd, REG_PMEN) & ~PMEN_EPM);
	return dmah_vtd_wait_reg(vtd, REG_PMEN, PMEN_PRS, 0);
}

/* A new root table, and nothing remembered of the old one (section 6.5, Invalidation of Translation Caches). */
static int set_root(struct dmah_vtd *vtd)
{
	static const struct vtd_command all[] = {
		{ QI_CONTEXT | QI_CONTEXT_ALL, 0 },
		{ QI_PASID | QI_PASID_ALL, 0 },
		{ QI_IOTLB | QI_IOTLB_ALL, 0 },
	};
	int err;

	dmah_host_write64(vtd->regs + REG_RTADDR, dmah_vtd_root(vtd));
	err = dmah_vtd_gcmd(vtd, GCMD_SRTP, true);
	/* Each after the one before, or it would be filled by way of the old contexts. */
	for (unsigned int i = 0; !err && i < 3; i++)
		if (i != 1 || vtd->scalable)
			err = dmah_vtd_done(vtd, &all[i], 1);
	return err;
}

int dmah_vtd_enable(struct dmah_vtd *vtd)
{
	int err;

	if (vtd->enabled)
		return DMAH_OK;
	err = set_root(vtd);
	if (!err)
		err = dmah_vtd_gcmd(vtd, GCMD_TE, true);
	if (!err)
		err = end_protected_regions(vtd);
	vtd->enabled = !err;
	__atomic_store_n(&vtd->iommu.off, !vtd->enabled, __ATOMIC_RELEASE);
	return err;
}

int dmah_vtd_fini(struct dmah_vtd *vtd)
{
	int err = vtd->irq_table.n ? dmah_vtd_irq_ops.disable(&vtd->iommu) : DMAH_OK;

	if (err)
		return err;
	vtd->iommu.irq.on = false;
	err = dmah_vtd_gcmd(vtd, GCMD_TE, false);
	if (!err)
		err = dmah_vtd_queue_stop(vtd, true);
	if (err)
		return err;
	vtd->enabled = false;
	__atomic_store_n(&vtd->iommu.off, true, __ATOMIC_RELEASE);
	release(vtd);
	return DMAH_OK;
}
