/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The registers of an SMMUv1 or SMMUv2 (Arm IHI 0062): global space 0 (chapter 9), global space 1 (chapter 10), context banks
 * (chapter 16).
 */
#include "smmuv2_unit.h"

#include <stddef.h>
#include <stdlib.h>

static unsigned int page_shift(const struct sim_smmuv2 *u)
{
	return u->config.pages_64k ? 16 : 12;
}

/* Log2 of the pages of each half, minus 1: as many as there are context banks. */
static unsigned int ndxb(const struct sim_smmuv2 *u)
{
	return u->config.pages_64k ? 2 : 4;
}

/* ---- identification ---- */

static uint32_t size_code(unsigned int bits)
{
	static const unsigned char sizes[] = { 32, 36, 40, 42, 44, 48 };
	uint32_t code = 0;

	while (code < 5 && sizes[code] < bits)
		code++;
	return code;
}

static uint32_t idr0(const struct sim_smmuv2 *u)
{
	const struct sim_smmuv2_config *c = &u->config;

	return (sim_smmuv2_has_stage1(u) ? 1u << 30 : 0) |
	       (sim_smmuv2_has_stage2(u) ? 1u << 29 : 0) | (c->indexed ? 0 : 1u << 27) |
	       (c->no_ats1 ? 1u << 26 : 0) | (c->no_aarch32 ? 1u << 25 : 0) |
	       (c->no_short || c->no_aarch32 ? 1u << 24 : 0) |
	       (u->unit.iommu->config.noncoherent_walk ? 0 : 1u << 14) |
	       (c->indexed ? c->indexed : 15u) << 9 | (c->indexed ? 0 : u->nstreams);
}

static uint32_t idr1(const struct sim_smmuv2 *u)
{
	return (u->config.pages_64k ? 1u << 31 : 0) | ndxb(u) << 28 | u->config.stage2_banks << 16 |
	       u->nbanks;
}

static uint32_t idr2(const struct sim_smmuv2 *u)
{
	uint32_t in = size_code(u->unit.iommu->config.va_bits);

	return (u->config.v1 ? 0 : 1u << 12) | in << 8 |
	       size_code(u->unit.iommu->config.out_bits) << 4 | in;
}

/* ---- writes ---- */

static void write_cr0(struct sim_smmuv2 *u, uint32_t value)
{
	u->cr0 = value;
	u->unit.iommu->off = value & CLIENTPD;
}

static void write_global(struct sim_smmuv2 *u, uint64_t reg, uint32_t value)
{
	if (reg >= SMR && reg < SMR + 4 * u->nstreams && !u->config.indexed) {
		u->smr[(reg - SMR) / 4] = value;
		return;
	}
	if (reg >= S2CR && reg < S2CR + 4 * u->nstreams) {
		u->s2cr[(reg - S2CR) / 4] = value;
		return;
	}
	switch (reg) {
	case CR0:
		write_cr0(u, value);
		break;
	case ACR:
		u->acr = value;
		break;
	case GFSR:
		u->gfsr &= ~value;
		break;
	case TLBIVMID:
		u->stats.spaces++;
		sim_smmuv2_postpone(u, (struct smmuv2_op){ .kind = OP_VMID,
							   .bank = NOBODY,
							   .tag = value & 255 });
		break;
	case TLBIALLNSNH:
		u->stats.all++;
		sim_smmuv2_postpone(u, (struct smmuv2_op){ .kind = OP_ALL, .bank = NOBODY });
		break;
	case TLBGSYNC:
		u->syncing = true;
		u->stats.global_syncs++;
		break;
	default:
		sim_smmuv2_misuse(u, "a write to a secure register of the SMMU, or to one that it "
				     "does not have");
	}
}

static void write_attribute(struct sim_smmuv2 *u, uint64_t reg, uint32_t value)
{
	unsigned int n = (unsigned int)(reg & 0x3ff) / 4;

	if (n >= u->nbanks || (reg & ~0x3ffull) == CBFRSYNRA || (u->config.v1 && reg >= CBA2R)) {
		sim_smmuv2_misuse(u,
				  "a write to an attribute register that the SMMU does not have");
		return;
	}
	if (sim_smmuv2_is_live(u, n))
		sim_smmuv2_misuse(u, "CBAR or CBA2R of a context bank that a stream leads to");
	if (reg >= CBA2R)
		u->bank[n].cba2r = value;
	else
		u->bank[n].cbar = value;
}

/* An address as TLBI registers hold it: with an ASID, or a VMID by CBAR. */
static struct smmuv2_op address_op(const struct sim_smmuv2 *u, unsigned int n, uint64_t reg,
				   uint64_t value)
{
	const struct smmuv2_bank *b = &u->bank[n];
	bool wide = b->cba2r & 1, second = reg >= TLBIIPAS2;
	struct smmuv2_op op = { .kind = OP_ADDRESS,
				.bank = (int)n,
				.tables = reg == TLBIVA || reg == TLBIIPAS2 };
	uint32_t vmid = b->cbar & 255;

	if (second) {
		op.tag = TAG_S2(vmid);
		op.iova = (value & 0xfffffffffull) << 12;
	} else if (wide) {
		op.tag = TAG_S1(vmid, (uint32_t)(value >> 48) & 255);
		op.iova = (value & 0xfffffffffffull) << 12;
	} else {
		op.tag = TAG_S1(vmid, (uint32_t)value & 255);
		op.iova = value & 0xfffff000;
	}
	return op;
}

static void invalidate(struct sim_smmuv2 *u, unsigned int n, uint64_t reg, uint64_t value,
		       unsigned int size)
{
	const struct smmuv2_bank *b = &u->bank[n];
	struct smmuv2_op op = address_op(u, n, reg, value);

	if ((reg >= TLBIIPAS2) != ((b->cbar >> 16 & 3) == 0))
		sim_smmuv2_misuse(
			u, "an invalidation of the stage that the context bank does not have");
	if ((b->cba2r & 1) != (size == 8))
		sim_smmuv2_misuse(u, "an invalidation of an address of the wrong width");
	if (u->config.v1 && reg >= TLBIVAL)
		sim_smmuv2_misuse(u, "an invalidation that an SMMUv1 does not have");
	u->stats.last += !op.tables;
	u->stats.addresses += op.tables;
	sim_smmuv2_postpone(u, op);
}

static void resume(struct sim_smmuv2 *u, struct smmuv2_bank *b, uint32_t value)
{
	if (!(b->fsr & SS))
		sim_smmuv2_misuse(u, "RESUME: no transaction is stalled");
	if (b->fsr & ~SS)
		sim_smmuv2_misuse(u, "RESUME: the fault is not cleared");
	b->fsr &= ~SS;
	u->stats.retried += !(value & 1);
	u->stats.terminated += value & 1;
}

/* Registers that say how the bank translates. Returns false where it is another one. */
static bool write_translation(struct sim_smmuv2 *u, unsigned int n, uint64_t reg, uint64_t value,
			      unsigned int size)
{
	struct smmuv2_bank *b = &u->bank[n];

	switch (reg) {
	case TCR2:
		b->tcr2 = (uint32_t)value;
		break;
	case TTBR0:
		b->ttbr0 = value;
		if (size == 4 && b->cba2r & 1)
			sim_smmuv2_misuse(u, "TTBR0 of 64 bits is written by halves");
		break;
	case TCR:
		b->tcr = (uint32_t)value;
		break;
	case CONTEXTIDR:
		b->contextidr = (uint32_t)value;
		break;
	case MAIR0:
	case MAIR1:
		b->mair[(reg - MAIR0) / 4] = (uint32_t)value;
		break;
	default:
		return false;
	}
	if (sim_smmuv2_is_live(u, n))
		sim_smmuv2_misuse(u, "a context bank that a stream leads to is changed");
	return true;
}

static void write_context(struct sim_smmuv2 *u, unsigned int n, uint64_t reg, uint64_t value,
			  unsigned int size)
{
	struct smmuv2_bank *b = &u->bank[n];
	bool live = sim_smmuv2_is_live(u, n);

	if (write_translation(u, n, reg, value, size))
		return;
	switch (reg) {
	case SCTLR:
		b->sctlr = (uint32_t)value;
		if (live && !(value & M))
			sim_smmuv2_misuse(u,
					  "a context bank that a stream leads to is switched off");
		break;
	case ACTLR:
		if (!(u->acr & CACHE_LOCK))
			b->actlr = (uint32_t)value;
		break;
	case RESUME:
		resume(u, b, (uint32_t)value);
		break;
	case FSR:
		b->fsr &= ~(uint32_t)value | SS;
		break;
	case TLBIASID:
		u->stats.spaces++;
		sim_smmuv2_postpone(u, (struct smmuv2_op){ .kind = OP_SPACE,
							   .bank = (int)n,
							   .tag = TAG_S1(b->cbar & 255,
									 (uint32_t)value & 255) });
		break;
	case TLBIVA:
	case TLBIVAL:
	case TLBIIPAS2:
	case TLBIIPAS2L:
		invalidate(u, n, reg, value, size);
		break;
	case TLBSYNC:
		b->syncing = true;
		u->stats.bank_syncs++;
		break;
	case ATS1PR:
		sim_smmuv2_look_up(u, n, value);
		break;
	default:
		sim_smmuv2_misuse(u, "a write to a register that a context bank does not have");
	}
}

/* Global space 0 of Calxeda's: registers of the first 0x80 bytes that have a secure twin are reached at their aliases. */
static uint64_t without_alias(const struct sim_smmuv2 *u, uint64_t reg)
{
	bool banked = reg == CR0 || (reg >= GFAR && reg <= GFSYNR1);

	if (!u->config.alias)
		return reg;
	if (banked)
		sim_smmuv2_misuse(u, "a secure register of the SMMU");
	return reg >= 0x400 && reg < 0x480 ? reg - 0x400 : reg;
}

static void reg_write(void *unit, uint64_t offset, unsigned int size, uint64_t value)
{
	struct sim_smmuv2 *u = unit;
	uint64_t page = offset >> page_shift(u), reg = offset & ((1ull << page_shift(u)) - 1);
	unsigned int first = 2u << ndxb(u);

	if (page == 0)
		write_global(u, without_alias(u, reg), (uint32_t)value);
	else if (page == 1)
		write_attribute(u, reg, (uint32_t)value);
	else if (page >= first && page - first < u->nbanks)
		write_context(u, (unsigned int)page - first, reg, value, size);
	else
		sim_smmuv2_misuse(u, "a write to a page of registers that the SMMU does not have");
	/* Devices' contexts are registers: no copy of them outlives a write. */
	sim_unit_forget_contexts(&u->unit, true, 0);
	sim_smmuv2_run(u);
}

/* ---- reads ---- */

/* A status register: bit 0, and others that have no meaning. */
static uint32_t status(const struct sim_smmuv2 *u, bool active)
{
	return active | (u->config.other_bits ? 0xa5a50000u : 0);
}

static uint32_t read_global(const struct sim_smmuv2 *u, uint64_t reg)
{
	if (reg >= SMR && reg < SMR + 4 * u->nstreams)
		return u->smr[(reg - SMR) / 4];
	if (reg >= S2CR && reg < S2CR + 4 * u->nstreams)
		return u->s2cr[(reg - S2CR) / 4];
	switch (reg) {
	case CR0:
		return u->config.other_bits ? u->cr0 & ~HINTS : u->cr0;
	case ACR:
		return u->acr;
	case IDR0:
		return idr0(u);
	case IDR1:
		return idr1(u);
	case IDR2:
		return idr2(u);
	case IDR7:
		return u->config.major << 4;
	case GFAR:
	case GFAR + 4:
		return (uint32_t)(u->gfar >> 8 * (reg - GFAR));
	case GFSR:
		return u->gfsr;
	case GFSYNR0:
	case GFSYNR1:
		return u->gfsynr[(reg - GFSYNR0) / 4];
	case TLBGSTATUS:
		return status(u, u->syncing);
	}
	sim_smmuv2_misuse(u, "a read of a register that the SMMU does not have");
	return 0;
}

static uint32_t read_context_register(struct sim_smmuv2 *u, unsigned int n, uint64_t reg)
{
	struct smmuv2_bank *b = &u->bank[n];

	switch (reg) {
	case SCTLR:
		return b->sctlr;
	case ACTLR:
		return b->actlr;
	case TCR:
		return b->tcr;
	case TTBR0:
	case TTBR0 + 4:
		return (uint32_t)(b->ttbr0 >> 8 * (reg - TTBR0));
	case MAIR0:
	case MAIR1:
		return b->mair[(reg - MAIR0) / 4];
	case PAR:
	case PAR + 4:
		/* PAR is valid only after the lookup has ended. */
		return b->polls ? 1 : (uint32_t)(b->par >> 8 * (reg - PAR));
	case FSR:
		return b->fsr;
	case FAR:
	case FAR + 4:
		return (uint32_t)(b->far >> 8 * (reg - FAR));
	case FSYNR0:
		return b->fsynr0;
	case TLBSTATUS:
		return status(u, b->syncing);
	case ATSR:
		if (!b->polls || (u->unit.iommu->failing.halted && !u->poking))
			return status(u, b->polls != 0);
		b->polls--;
		return status(u, true);
	}
	sim_smmuv2_misuse(u, "a read of a register that a context bank does not have");
	return 0;
}

static uint32_t reg_read(struct sim_smmuv2 *u, uint64_t offset)
{
	uint64_t page = offset >> page_shift(u), reg = offset & ((1ull << page_shift(u)) - 1);
	unsigned int first = 2u << ndxb(u), n = (unsigned int)(reg & 0x3ff) / 4;

	if (page == 0)
		return read_global(u, without_alias(u, reg));
	if (page == 1 && n < u->nbanks)
		return reg < CBFRSYNRA ? u->bank[n].cbar
		       : reg < CBA2R   ? u->bank[n].synra
				       : u->bank[n].cba2r;
	if (page >= first && page - first < u->nbanks)
		return read_context_register(u, (unsigned int)page - first, reg);
	sim_smmuv2_misuse(u, "a read of a page of registers that the SMMU does not have");
	return 0;
}

static uint32_t run_and_read(void *unit, uint64_t offset)
{
	sim_smmuv2_run(unit);
	return reg_read(unit, offset);
}

/* ---- the hardware's view ---- */

static void run_syncs(void *ctx)
{
	sim_smmuv2_run(ctx);
}

static void reset(void *unit)
{
	struct sim_smmuv2 *u = unit;

	u->cr0 = CLIENTPD;
	u->acr = u->config.prefetch && u->config.major >= 2 ? CACHE_LOCK : 0;
	for (unsigned int n = 0; n < u->nbanks; n++) {
		u->bank[n].actlr = u->config.prefetch ? CPRE : 0;
		/* Unknown: nothing that a driver may rely on. */
		u->bank[n].tcr2 = u->config.v1 ? 0 : 0x1fff7;
	}
	u->unit.iommu->off = true;
}

static const struct sim_unit_model model = {
	.flavour = SIM_SMMUV2,
	.size = sizeof(struct sim_smmuv2),
	.kept = offsetof(struct sim_smmuv2, cr0),
	.interface = { .context = sim_smmuv2_read_context,
		       .fault = sim_smmuv2_record_fault,
		       .run = run_syncs,
		       .power_on = sim_unit_power_on },
	.read = run_and_read,
	.write = reg_write,
	.reset = reset,
};

/* ---- set-up ---- */

static uint64_t size_of(const struct sim_smmuv2 *u)
{
	return (uint64_t)(4u << ndxb(u)) << page_shift(u);
}

struct sim_smmuv2 *sim_smmuv2_create(struct sim *sim, unsigned int n,
				     const struct sim_smmuv2_config *config)
{
	struct sim_smmuv2 *u = sim_unit_alloc(sim, n, &model);

	if (!u)
		return NULL;
	if (config)
		u->config = *config;
	u->nbanks = u->config.pages_64k ? 8 : SIM_SMMUV2_BANKS;
	u->nstreams = u->config.indexed	  ? 1u << u->config.indexed
		      : u->config.streams ? u->config.streams
					  : 64;
	if (u->nstreams > STREAMS) {
		free(u);
		return NULL;
	}
	return sim_unit_start(u, size_of(u));
}

volatile void *sim_smmuv2_regs(struct sim_smmuv2 *u, uint64_t *size)
{
	if (size)
		*size = size_of(u);
	return u->unit.regs;
}

void sim_smmuv2_hold(struct sim_smmuv2 *u, bool hold)
{
	sim_unit_hold(&u->unit, hold);
}

void sim_smmuv2_poke(struct sim_smmuv2 *u, uint64_t offset, uint32_t value)
{
	sim_lock(&u->unit.iommu->lock);
	u->poking = true;
	reg_write(u, offset, 4, value);
	u->poking = false;
	sim_unlock(&u->unit.iommu->lock);
}

uint32_t sim_smmuv2_peek(struct sim_smmuv2 *u, uint64_t offset)
{
	uint32_t value;

	sim_lock(&u->unit.iommu->lock);
	u->poking = true;
	value = reg_read(u, offset);
	u->poking = false;
	sim_unlock(&u->unit.iommu->lock);
	return value;
}

void sim_smmuv2_stats(struct sim_smmuv2 *u, struct sim_smmuv2_stats *stats)
{
	sim_unit_copy(&u->unit, stats, &u->stats, sizeof(*stats));
}
