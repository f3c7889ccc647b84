/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The path of a transaction through an SMMUv1 or SMMUv2: the stream, its context bank, and the record of a fault (Arm IHI 0062,
 * sections 2.3, 3.10 and 16).
 */
#include "smmuv2_unit.h"

/* ---- streams ---- */

static bool matches(const struct sim_smmuv2 *u, unsigned int n, uint32_t sid)
{
	uint32_t smr = u->smr[n];

	if (u->config.indexed)
		return n == sid;
	return smr & VALID && !((sid ^ smr) & 0x7fff & ~(smr >> 16));
}

/* Returns the S2CR of a stream; else the code of the fault: USF, SMCF. */
static uint32_t target_of(const struct sim_smmuv2 *u, uint32_t sid, unsigned int *n)
{
	unsigned int found = 0;

	for (unsigned int i = 0; i < u->nstreams; i++) {
		if (!matches(u, i, sid))
			continue;
		*n = i;
		found++;
	}
	return found == 1 ? 0 : found ? SMCF : USF;
}

bool sim_smmuv2_is_live(const struct sim_smmuv2 *u, unsigned int bank)
{
	if (u->cr0 & CLIENTPD || !(u->bank[bank].sctlr & M))
		return false;
	for (unsigned int n = 0; n < u->nstreams; n++)
		if ((u->config.indexed || u->smr[n] & VALID) && (u->s2cr[n] >> 16 & 3) == 0 &&
		    (u->s2cr[n] & 255) == bank)
			return true;
	return false;
}

/* ---- contexts ---- */

static unsigned int bits_of(uint32_t code)
{
	static const unsigned char bits[] = { 32, 36, 40, 42, 44, 48, 48, 48 };

	return bits[code & 7];
}

/* Fills a table's width and levels. Returns false where the registers make no sense. */
static bool stage1_table(const struct sim_smmuv2 *u, const struct smmuv2_bank *b,
			 struct sim_table *t)
{
	if (b->cba2r & 1) {
		t->va_bits = 64 - (b->tcr & 63);
		t->levels = (t->va_bits - 12 + 8) / 9;
		if (bits_of(b->tcr2) < t->out_bits)
			t->out_bits = bits_of(b->tcr2);
		return t->va_bits >= 25 && t->va_bits <= 48 && b->tcr & EPD1 && !(b->tcr >> 14 & 3);
	}
	if (!(b->tcr & EAE)) {
		/* TTBCR.N shortens the table, and is not used; nothing is translated by TTBR1. */
		t->format = SIM_FORMAT_ARM_SHORT;
		t->va_bits = 32;
		t->out_bits = 32;
		t->root &= 0xffffc000;
		return !u->config.no_short && !(b->tcr & 7) && b->tcr & PD1 && !b->tcr2 &&
		       !(b->sctlr & (TRE | AFE));
	}
	t->va_bits = 32 - (b->tcr & 7);
	t->levels = 3;
	t->out_bits = t->out_bits < 40 ? t->out_bits : 40;
	return t->va_bits > 30 && b->tcr & EPD1;
}

static bool stage2_table(const struct smmuv2_bank *b, struct sim_table *t)
{
	int t0sz = (int)(b->tcr & 31) - (b->tcr & 16 ? 32 : 0);

	t->format = SIM_FORMAT_LPAE_S2;
	t->levels = (b->tcr >> 6 & 3) + 2;
	if (b->cba2r & 1) {
		t->va_bits = 64 - (b->tcr & 63);
		if (bits_of(b->tcr >> 16) < t->out_bits)
			t->out_bits = bits_of(b->tcr >> 16);
	} else {
		t->va_bits = (unsigned int)(32 - t0sz);
		t->out_bits = t->out_bits < 40 ? t->out_bits : 40;
		if (!(b->tcr & EAE))
			return false;
	}
	/* The root has 16 times as many entries as another table, at most; here, no more than another. */
	return t->levels <= 4 && t->va_bits > 12 + 9 * (t->levels - 1) &&
	       t->va_bits <= 12 + 9 * t->levels && t->va_bits <= 48;
}

static uint32_t asid_of(const struct smmuv2_bank *b)
{
	if (!(b->cba2r & 1) && !(b->tcr & EAE))
		return b->contextidr & 255;
	return (uint32_t)(b->ttbr0 >> 48) & 255;
}

static enum sim_reason bank_context(const struct sim_smmuv2 *u, unsigned int n,
				    struct sim_context *context)
{
	const struct smmuv2_bank *b = &u->bank[n];
	uint32_t type = b->cbar >> 16 & 3, vmid = b->cbar & 255;
	bool stage2 = type == 0;

	if (!(b->sctlr & M))
		return SIM_OK;
	context->translate = true;
	context->table = u->unit.iommu->hw;
	context->table.format = SIM_FORMAT_LPAE_S1;
	context->table.root = b->ttbr0 & 0x0000fffffffff000ull;
	context->domain = stage2 ? TAG_S2(vmid) : TAG_S1(vmid, asid_of(b));
	if (stage2)
		return sim_smmuv2_has_stage2(u) && stage2_table(b, &context->table)
			       ? SIM_OK
			       : SIM_FAULT_CONTEXT;
	return type == 1 && sim_smmuv2_has_stage1(u) && n >= u->config.stage2_banks &&
			       stage1_table(u, b, &context->table)
		       ? SIM_OK
		       : SIM_FAULT_CONTEXT;
}

enum sim_reason sim_smmuv2_read_context(void *ctx, const struct sim_device *dev,
					struct sim_context *context, uint32_t *code)
{
	const struct sim_smmuv2 *u = ctx;
	unsigned int n = 0;

	*context = (struct sim_context){ .translate = false };
	*code = target_of(u, dev->config.id, &n);
	if (*code == USF && !(u->cr0 & USFCFG)) {
		*code = 0;
		return SIM_OK;
	}
	if (*code)
		return SIM_FAULT_BLOCKED;
	switch (u->s2cr[n] >> 16 & 3) {
	case 0:
		if ((u->s2cr[n] & 255) < u->nbanks)
			return bank_context(u, u->s2cr[n] & 255, context);
		*code = UCBF;
		return SIM_FAULT_CONTEXT;
	case 1:
		return SIM_OK;
	default:
		*code = ICF;
		return SIM_FAULT_BLOCKED;
	}
}

/* ---- faults ---- */

static void record_global(struct sim_smmuv2 *u, uint32_t id, dmah_addr_t dma, bool write,
			  uint32_t code)
{
	if (!(u->cr0 & GFRE))
		return;
	if (u->gfsr) {
		u->gfsr |= MULTI;
		return;
	}
	u->gfsr = code & ~GLOBAL;
	u->gfar = dma;
	u->gfsynr[0] = write ? 1u << 1 : 0;
	u->gfsynr[1] = id & 0x7fff;
	u->stats.wires += (u->cr0 & GFIE) != 0;
}

static uint32_t fsr_of(uint32_t code)
{
	switch (code) {
	case SMMU_F_ACCESS:
		return 1u << 2;
	case SMMU_F_PERMISSION:
		return 1u << 3;
	case SMMU_F_WALK_EABT:
		return 1u << 4;
	default:
		return 1u << 1;
	}
}

void sim_smmuv2_record_fault(void *ctx, uint32_t id, dmah_addr_t dma, bool write, uint32_t code)
{
	struct sim_smmuv2 *u = ctx;
	unsigned int n = 0;
	struct smmuv2_bank *b;

	if (code & GLOBAL || target_of(u, id, &n)) {
		record_global(u, id, dma, write, code);
		return;
	}
	b = &u->bank[u->s2cr[n] & 255];
	if (!(b->sctlr & CFRE))
		return;
	if (b->fsr) {
		b->fsr |= MULTI;
		return;
	}
	b->fsr = fsr_of(code) | (b->sctlr & CFCFG ? SS : 0);
	b->far = dma;
	b->fsynr0 = write ? 1u << 4 : 0;
	b->synra = id & 0x7fff;
	u->stats.wires += (b->sctlr & CFIE) != 0;
}

/* ---- translation by register ---- */

static uint64_t par_of(enum sim_reason reason, const struct sim_walk *walk, uint64_t iova)
{
	if (!reason && walk->perm & SIM_PERM_READ)
		return (walk->out | (iova & ((1ull << walk->shift) - 1))) & 0x0000fffffffff000ull;
	return 1 | (reason ? fsr_of(walk->code) : 1u << 3);
}

void sim_smmuv2_look_up(struct sim_smmuv2 *u, unsigned int n, uint64_t iova)
{
	struct sim_context context = { .translate = false };
	struct sim_walk walk = { .from = { 0, 0, 0 } };
	struct smmuv2_bank *b = &u->bank[n];

	if (u->config.no_ats1 || (b->cbar >> 16 & 3) != 1)
		sim_smmuv2_misuse(u, "ATS1PR: the bank has no address translation registers");
	if (b->polls)
		sim_smmuv2_misuse(u, "ATS1PR: a lookup is active");
	b->par = 1;
	if (!bank_context(u, n, &context) && context.translate)
		b->par = par_of(sim_iommu_lookup(u->unit.iommu, &context.table, iova, &walk), &walk,
				iova);
	b->polls = u->config.polls;
	u->stats.lookups++;
}
