/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The registers of an SMMUv1 or SMMUv2 (Arm IHI 0062): global space 0 (chapter 9), global space 1 (chapter 10), context banks
 * (chapter 16).
 */
#include "sim_int.h"
#include "sim_smmuv2.h"

#include "posix.h"

#include <stdlib.h>

enum {
	CR0 = 0x000,
	ACR = 0x010,
	IDR0 = 0x020,
	IDR1 = 0x024,
	IDR2 = 0x028,
	IDR7 = 0x03c,
	GFAR = 0x040,
	GFSR = 0x048,
	GFSYNR0 = 0x050,
	GFSYNR1 = 0x054,
	TLBIVMID = 0x064,
	TLBIALLNSNH = 0x068,
	TLBGSYNC = 0x070,
	TLBGSTATUS = 0x074,
	SMR = 0x800,
	S2CR = 0xc00,
	CBAR = 0x000,
	CBFRSYNRA = 0x400,
	CBA2R = 0x800,
	SCTLR = 0x000,
	ACTLR = 0x004,
	RESUME = 0x008,
	TCR2 = 0x010,
	TTBR0 = 0x020,
	TCR = 0x030,
	CONTEXTIDR = 0x034,
	MAIR0 = 0x038,
	MAIR1 = 0x03c,
	PAR = 0x050,
	FSR = 0x058,
	FAR = 0x060,
	FSYNR0 = 0x068,
	TLBIVA = 0x600,
	TLBIASID = 0x610,
	TLBIVAL = 0x620,
	TLBIIPAS2 = 0x630,
	TLBIIPAS2L = 0x638,
	TLBSYNC = 0x7f0,
	TLBSTATUS = 0x7f4,
	ATS1PR = 0x800,
	ATSR = 0x8f0,
};

#define CLIENTPD   (1u << 0)
#define GFRE	   (1u << 1)
#define GFIE	   (1u << 2)
#define USFCFG	   (1u << 10)
#define CACHE_LOCK (1u << 26)
#define CPRE	   (1u << 1)
#define VALID	   (1u << 31)
#define MULTI	   (1u << 31)
#define SS	   (1u << 30)
#define M	   (1u << 0)
#define TRE	   (1u << 1)
#define AFE	   (1u << 2)
#define CFRE	   (1u << 5)
#define CFIE	   (1u << 6)
#define CFCFG	   (1u << 7)
#define EAE	   (1u << 31)
#define EPD1	   (1u << 23)
#define PD1	   (1u << 5)

/* Codes of faults that the unit records, and no context bank: bits of GFSR. */
#define GLOBAL 0x10000u
#define ICF    (GLOBAL | 1u << 0)
#define USF    (GLOBAL | 1u << 1)
#define SMCF   (GLOBAL | 1u << 2)
#define UCBF   (GLOBAL | 1u << 3)

#define STREAMS 128u
#define PENDING 512u
#define NOBODY	(-1)

/* Tags in the TLB: a VMID alone, or an ASID of a VMID. */
#define TAG_S2(vmid)	   (1u << 29 | (vmid))
#define TAG_S1(vmid, asid) (1u << 30 | (vmid) << 16 | (asid))
#define TAG_VMID(tag)	   ((tag) >> 30 ? (tag) >> 16 & 255 : (tag)&255)

/** struct bank - a context bank. @syncing: TLBSTATUS. @polls: reads of ATSR that find a lookup active. */
struct bank {
	uint32_t cbar;
	uint32_t cba2r;
	uint32_t synra;
	uint32_t sctlr;
	uint32_t actlr;
	uint32_t tcr;
	uint32_t tcr2;
	uint64_t ttbr0;
	uint32_t contextidr;
	uint32_t mair[2];
	uint64_t par;
	uint32_t fsr;
	uint64_t far;
	uint32_t fsynr0;
	bool syncing;
	unsigned int polls;
};

enum op_kind { OP_ADDRESS, OP_SPACE, OP_VMID, OP_ALL };

/** struct op - an invalidation that did not take effect yet. @bank: where it was written; NOBODY: in global space 0. */
struct op {
	enum op_kind kind;
	int bank;
	uint32_t tag;
	uint64_t iova;
	bool tables;
};

/** struct sim_smmuv2 - a unit. The IOMMU's lock protects all members. */
struct sim_smmuv2 {
	struct sim_iommu *iommu;
	struct sim_smmuv2_config config;
	volatile void *regs;
	unsigned int nbanks;
	unsigned int nstreams;
	uint32_t cr0;
	uint32_t acr;
	uint64_t gfar;
	uint32_t gfsr;
	uint32_t gfsynr[2];
	uint32_t smr[STREAMS];
	uint32_t s2cr[STREAMS];
	struct bank bank[SIM_SMMUV2_BANKS];
	bool syncing;
	bool held;
	bool poking;
	struct op pending[PENDING];
	unsigned int npending;
	struct sim_smmuv2_stats stats;
};

static void misuse(const struct sim_smmuv2 *u, const char *what)
{
	if (!u->poking)
		posix_misuse(what);
}

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

static bool has_stage1(const struct sim_smmuv2 *u)
{
	return !u->iommu->config.stage2 || u->config.both;
}

static bool has_stage2(const struct sim_smmuv2 *u)
{
	return u->iommu->config.stage2 || u->config.both;
}

static uint32_t idr0(const struct sim_smmuv2 *u)
{
	const struct sim_smmuv2_config *c = &u->config;

	return (has_stage1(u) ? 1u << 30 : 0) | (has_stage2(u) ? 1u << 29 : 0) |
	       (c->indexed ? 0 : 1u << 27) | (c->no_ats1 ? 1u << 26 : 0) |
	       (c->no_aarch32 ? 1u << 25 : 0) | (c->no_short || c->no_aarch32 ? 1u << 24 : 0) |
	       (u->iommu->config.noncoherent_walk ? 0 : 1u << 14) |
	       (c->indexed ? c->indexed : 15u) << 9 | (c->indexed ? 0 : u->nstreams);
}

static uint32_t idr1(const struct sim_smmuv2 *u)
{
	return (u->config.pages_64k ? 1u << 31 : 0) | ndxb(u) << 28 | u->config.stage2_banks << 16 |
	       u->nbanks;
}

static uint32_t idr2(const struct sim_smmuv2 *u)
{
	uint32_t in = size_code(u->iommu->config.va_bits);

	return (u->config.v1 ? 0 : 1u << 12) | in << 8 | size_code(u->iommu->config.out_bits) << 4 |
	       in;
}

/* ---- invalidations ---- */

static bool is_meant(const struct op *op, uint32_t tag)
{
	return op->kind == OP_ALL || (op->kind == OP_VMID ? TAG_VMID(tag) : tag) == op->tag;
}

static void execute(struct sim_smmuv2 *u, const struct op *op)
{
	struct sim_iommu *iommu = u->iommu;
	struct sim_command c = { .kind = SIM_COMMAND_TLB, .target = op->tag };

	(void)sim_inject_command(iommu);
	if (op->kind == OP_ADDRESS) {
		c.iova = op->iova;
		c.size = 4096;
		c.tables = op->tables;
	}
	if (op->kind == OP_ADDRESS || op->kind == OP_SPACE) {
		sim_iommu_execute(iommu, &c);
		return;
	}
	for (uint64_t i = 0; i < iommu->tlb.size;) {
		const struct sim_tlb_entry *e = &iommu->tlb.slot[i];

		if (e->used && is_meant(op, e->tag))
			sim_tlb_invalidate(&iommu->tlb, e->tag, 0, 0, NULL, NULL);
		else
			i++;
	}
	for (unsigned int i = 0; i < SIM_PSC; i++)
		if (iommu->psc.slot[i].used && is_meant(op, iommu->psc.slot[i].tag))
			sim_psc_invalidate(&iommu->psc, iommu->psc.slot[i].tag, 0, 0);
}

/* Carries out what was written before a sync: of the whole unit, or of one context bank. */
static void execute_pending(struct sim_smmuv2 *u, int bank)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < u->npending; i++) {
		if (bank != NOBODY && u->pending[i].bank != bank)
			u->pending[kept++] = u->pending[i];
		else
			execute(u, &u->pending[i]);
	}
	u->npending = kept;
}

static void postpone(struct sim_smmuv2 *u, struct op op)
{
	if (u->npending == PENDING)
		execute_pending(u, NOBODY);
	u->pending[u->npending++] = op;
}

static bool stands_still(const struct sim_smmuv2 *u)
{
	return u->held || u->iommu->failing.halted;
}

static void run(struct sim_smmuv2 *u)
{
	if (u->syncing && !stands_still(u)) {
		execute_pending(u, NOBODY);
		/* The failure may have struck at this sync. */
		u->syncing = stands_still(u);
	}
	for (unsigned int n = 0; n < u->nbanks && !stands_still(u); n++) {
		if (!u->bank[n].syncing)
			continue;
		execute_pending(u, (int)n);
		u->bank[n].syncing = stands_still(u);
	}
}

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

static bool is_live(const struct sim_smmuv2 *u, unsigned int bank)
{
	if (u->cr0 & CLIENTPD || !(u->bank[bank].sctlr & M))
		return false;
	for (unsigned int n = 0; n < u->nstreams; n++)
		if ((u->config.indexed || u->smr[n] & VALID) && (u->s2cr[n] >> 16 & 3) == 0 &&
		    (u->s2cr[n] & 255) == bank)
			return true;
	return false;
}

/* Devices' contexts are registers: no copy of them outlives a write. */
static void forget_contexts(const struct sim_smmuv2 *u)
{
	for (struct sim_device *dev = u->iommu->sim->devices; dev; dev = dev->next)
		if (dev->iommu == u->iommu)
			dev->known = false;
}

/* ---- contexts ---- */

static unsigned int bits_of(uint32_t code)
{
	static const unsigned char bits[] = { 32, 36, 40, 42, 44, 48, 48, 48 };

	return bits[code & 7];
}

/* Fills a table's width and levels. Returns false where the registers make no sense. */
static bool stage1_table(const struct sim_smmuv2 *u, const struct bank *b, struct sim_table *t)
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
		return !u->config.no_short && !(b->tcr & 7) && b->tcr & PD1 &&
		       !(b->sctlr & (TRE | AFE));
	}
	t->va_bits = 32 - (b->tcr & 7);
	t->levels = 3;
	t->out_bits = t->out_bits < 40 ? t->out_bits : 40;
	return t->va_bits > 30 && b->tcr & EPD1;
}

static bool stage2_table(const struct bank *b, struct sim_table *t)
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

static uint32_t asid_of(const struct bank *b)
{
	if (!(b->cba2r & 1) && !(b->tcr & EAE))
		return b->contextidr & 255;
	return (uint32_t)(b->ttbr0 >> 48) & 255;
}

static enum sim_reason bank_context(const struct sim_smmuv2 *u, unsigned int n,
				    struct sim_context *context)
{
	const struct bank *b = &u->bank[n];
	uint32_t type = b->cbar >> 16 & 3, vmid = b->cbar & 255;
	bool stage2 = type == 0;

	if (!(b->sctlr & M))
		return SIM_OK;
	context->translate = true;
	context->table = u->iommu->hw;
	context->table.format = SIM_FORMAT_LPAE_S1;
	context->table.root = b->ttbr0 & 0x0000fffffffff000ull;
	context->domain = stage2 ? TAG_S2(vmid) : TAG_S1(vmid, asid_of(b));
	if (stage2)
		return has_stage2(u) && stage2_table(b, &context->table) ? SIM_OK
									 : SIM_FAULT_CONTEXT;
	return type == 1 && has_stage1(u) && n >= u->config.stage2_banks &&
			       stage1_table(u, b, &context->table)
		       ? SIM_OK
		       : SIM_FAULT_CONTEXT;
}

static enum sim_reason read_context(void *ctx, const struct sim_device *dev,
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

static void record_fault(void *ctx, uint32_t id, dmah_addr_t dma, bool write, uint32_t code)
{
	struct sim_smmuv2 *u = ctx;
	unsigned int n = 0;
	struct bank *b;

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

static void look_up(struct sim_smmuv2 *u, unsigned int n, uint64_t iova)
{
	struct sim_context context = { .translate = false };
	struct sim_walk walk = { .from = { 0, 0, 0 } };
	struct bank *b = &u->bank[n];

	if (u->config.no_ats1 || (b->cbar >> 16 & 3) != 1)
		misuse(u, "ATS1PR: the bank has no address translation registers");
	if (b->polls)
		misuse(u, "ATS1PR: a lookup is active");
	b->par = 1;
	if (!bank_context(u, n, &context) && context.translate)
		b->par = par_of(sim_iommu_lookup(u->iommu, &context.table, iova, &walk), &walk,
				iova);
	b->polls = u->config.polls;
	u->stats.lookups++;
}

/* ---- writes ---- */

static void write_cr0(struct sim_smmuv2 *u, uint32_t value)
{
	u->cr0 = value;
	u->iommu->off = value & CLIENTPD;
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
		postpone(u, (struct op){ .kind = OP_VMID, .bank = NOBODY, .tag = value & 255 });
		break;
	case TLBIALLNSNH:
		u->stats.all++;
		postpone(u, (struct op){ .kind = OP_ALL, .bank = NOBODY });
		break;
	case TLBGSYNC:
		u->syncing = true;
		u->stats.global_syncs++;
		break;
	default:
		misuse(u,
		       "a write to a secure register of the SMMU, or to one that it does not have");
	}
}

static void write_attribute(struct sim_smmuv2 *u, uint64_t reg, uint32_t value)
{
	unsigned int n = (unsigned int)(reg & 0x3ff) / 4;

	if (n >= u->nbanks || (reg & ~0x3ffull) == CBFRSYNRA || (u->config.v1 && reg >= CBA2R)) {
		misuse(u, "a write to an attribute register that the SMMU does not have");
		return;
	}
	if (is_live(u, n))
		misuse(u, "CBAR or CBA2R of a context bank that a stream leads to");
	if (reg >= CBA2R)
		u->bank[n].cba2r = value;
	else
		u->bank[n].cbar = value;
}

/* An address as TLBI registers hold it: with an ASID, or a VMID by CBAR. */
static struct op address_op(const struct sim_smmuv2 *u, unsigned int n, uint64_t reg,
			    uint64_t value)
{
	const struct bank *b = &u->bank[n];
	bool wide = b->cba2r & 1, second = reg >= TLBIIPAS2;
	struct op op = { .kind = OP_ADDRESS,
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
	const struct bank *b = &u->bank[n];
	struct op op = address_op(u, n, reg, value);

	if ((reg >= TLBIIPAS2) != ((b->cbar >> 16 & 3) == 0))
		misuse(u, "an invalidation of the stage that the context bank does not have");
	if ((b->cba2r & 1) != (size == 8))
		misuse(u, "an invalidation of an address of the wrong width");
	if (u->config.v1 && reg >= TLBIVAL)
		misuse(u, "an invalidation that an SMMUv1 does not have");
	u->stats.last += !op.tables;
	u->stats.addresses += op.tables;
	postpone(u, op);
}

static void resume(struct sim_smmuv2 *u, struct bank *b, uint32_t value)
{
	if (!(b->fsr & SS))
		misuse(u, "RESUME: no transaction is stalled");
	if (b->fsr & ~SS)
		misuse(u, "RESUME: the fault is not cleared");
	b->fsr &= ~SS;
	u->stats.retried += !(value & 1);
	u->stats.terminated += value & 1;
}

/* Registers that say how the bank translates. Returns false where it is another one. */
static bool write_translation(struct sim_smmuv2 *u, unsigned int n, uint64_t reg, uint64_t value,
			      unsigned int size)
{
	struct bank *b = &u->bank[n];

	switch (reg) {
	case TCR2:
		b->tcr2 = (uint32_t)value;
		break;
	case TTBR0:
		b->ttbr0 = value;
		if (size == 4 && b->cba2r & 1)
			misuse(u, "TTBR0 of 64 bits is written by halves");
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
	if (is_live(u, n))
		misuse(u, "a context bank that a stream leads to is changed");
	return true;
}

static void write_context(struct sim_smmuv2 *u, unsigned int n, uint64_t reg, uint64_t value,
			  unsigned int size)
{
	struct bank *b = &u->bank[n];
	bool live = is_live(u, n);

	if (write_translation(u, n, reg, value, size))
		return;
	switch (reg) {
	case SCTLR:
		b->sctlr = (uint32_t)value;
		if (live && !(value & M))
			misuse(u, "a context bank that a stream leads to is switched off");
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
		postpone(u, (struct op){ .kind = OP_SPACE,
					 .bank = (int)n,
					 .tag = TAG_S1(b->cbar & 255, (uint32_t)value & 255) });
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
		look_up(u, n, value);
		break;
	default:
		misuse(u, "a write to a register that a context bank does not have");
	}
}

/* Global space 0 of Calxeda's: registers of the first 0x80 bytes that have a secure twin are reached at their aliases. */
static uint64_t without_alias(const struct sim_smmuv2 *u, uint64_t reg)
{
	bool banked = reg == CR0 || (reg >= GFAR && reg <= GFSYNR1);

	if (!u->config.alias)
		return reg;
	if (banked)
		misuse(u, "a secure register of the SMMU");
	return reg >= 0x400 && reg < 0x480 ? reg - 0x400 : reg;
}

static void reg_write(struct sim_smmuv2 *u, uint64_t offset, unsigned int size, uint64_t value)
{
	uint64_t page = offset >> page_shift(u), reg = offset & ((1ull << page_shift(u)) - 1);
	unsigned int first = 2u << ndxb(u);

	if (page == 0)
		write_global(u, without_alias(u, reg), (uint32_t)value);
	else if (page == 1)
		write_attribute(u, reg, (uint32_t)value);
	else if (page >= first && page - first < u->nbanks)
		write_context(u, (unsigned int)page - first, reg, value, size);
	else
		misuse(u, "a write to a page of registers that the SMMU does not have");
	forget_contexts(u);
	run(u);
}

/* ---- reads ---- */

static uint32_t read_global(const struct sim_smmuv2 *u, uint64_t reg)
{
	if (reg >= SMR && reg < SMR + 4 * u->nstreams)
		return u->smr[(reg - SMR) / 4];
	if (reg >= S2CR && reg < S2CR + 4 * u->nstreams)
		return u->s2cr[(reg - S2CR) / 4];
	switch (reg) {
	case CR0:
		return u->cr0;
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
		return u->syncing;
	}
	misuse(u, "a read of a register that the SMMU does not have");
	return 0;
}

static uint32_t read_context_register(struct sim_smmuv2 *u, unsigned int n, uint64_t reg)
{
	struct bank *b = &u->bank[n];

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
		return b->syncing;
	case ATSR:
		if (!b->polls || (u->iommu->failing.halted && !u->poking))
			return b->polls != 0;
		b->polls--;
		return 1;
	}
	misuse(u, "a read of a register that a context bank does not have");
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
	misuse(u, "a read of a page of registers that the SMMU does not have");
	return 0;
}

static uint64_t window_read(void *ctx, uint64_t offset, unsigned int size)
{
	struct sim_smmuv2 *u = ctx;
	uint64_t value;

	sim_lock(&u->iommu->lock);
	if (sim_inject_register(u->iommu)) {
		value = size == 8 ? UINT64_MAX : UINT32_MAX;
	} else {
		run(u);
		value = reg_read(u, offset);
		if (size == 8)
			value |= (uint64_t)reg_read(u, offset + 4) << 32;
	}
	sim_unlock(&u->iommu->lock);
	return value;
}

static void window_write(void *ctx, uint64_t offset, unsigned int size, uint64_t value)
{
	struct sim_smmuv2 *u = ctx;

	sim_lock(&u->iommu->lock);
	if (!sim_inject_register(u->iommu))
		reg_write(u, offset, size, value);
	sim_unlock(&u->iommu->lock);
}

/* ---- the hardware's view ---- */

static void run_syncs(void *ctx)
{
	run(ctx);
}

static void reset(struct sim_smmuv2 *u)
{
	u->cr0 = CLIENTPD;
	u->acr = u->config.prefetch && u->config.major >= 2 ? CACHE_LOCK : 0;
	for (unsigned int n = 0; u->config.prefetch && n < u->nbanks; n++)
		u->bank[n].actlr = CPRE;
	u->iommu->off = true;
}

static void power_on(void *ctx)
{
	struct sim_smmuv2 *u = ctx;
	const struct sim_smmuv2 was = *u;

	*u = (struct sim_smmuv2){ .iommu = was.iommu,
				  .config = was.config,
				  .regs = was.regs,
				  .nbanks = was.nbanks,
				  .nstreams = was.nstreams,
				  .held = was.held,
				  .stats = was.stats };
	reset(u);
}

static const struct sim_interface interface = {
	.context = read_context,
	.fault = record_fault,
	.run = run_syncs,
	.power_on = power_on,
};

/* ---- set-up ---- */

static uint64_t size_of(const struct sim_smmuv2 *u)
{
	return (uint64_t)(4u << ndxb(u)) << page_shift(u);
}

struct sim_smmuv2 *sim_smmuv2_create(struct sim *sim, unsigned int n,
				     const struct sim_smmuv2_config *config)
{
	struct sim_iommu *iommu = sim_iommu(sim, n);
	struct sim_smmuv2 *u = calloc(1, sizeof(*u));

	if (!u || !iommu || iommu->has_registers || iommu->config.flavour != SIM_SMMUV2) {
		free(u);
		return NULL;
	}
	if (config)
		u->config = *config;
	u->iommu = iommu;
	u->nbanks = u->config.pages_64k ? 8 : SIM_SMMUV2_BANKS;
	u->nstreams = u->config.indexed	  ? 1u << u->config.indexed
		      : u->config.streams ? u->config.streams
					  : 64;
	u->regs = sim_regs_add(sim, size_of(u), u, window_read, window_write);
	if (!u->regs || u->nstreams > STREAMS || !sim_iommu_set_interface(iommu, &interface, u)) {
		free(u);
		return NULL;
	}
	reset(u);
	return u;
}

volatile void *sim_smmuv2_regs(struct sim_smmuv2 *u, uint64_t *size)
{
	if (size)
		*size = size_of(u);
	return u->regs;
}

void sim_smmuv2_hold(struct sim_smmuv2 *u, bool hold)
{
	sim_lock(&u->iommu->lock);
	u->held = hold;
	run(u);
	sim_unlock(&u->iommu->lock);
}

void sim_smmuv2_poke(struct sim_smmuv2 *u, uint64_t offset, uint32_t value)
{
	sim_lock(&u->iommu->lock);
	u->poking = true;
	reg_write(u, offset, 4, value);
	u->poking = false;
	sim_unlock(&u->iommu->lock);
}

uint32_t sim_smmuv2_peek(struct sim_smmuv2 *u, uint64_t offset)
{
	uint32_t value;

	sim_lock(&u->iommu->lock);
	u->poking = true;
	value = reg_read(u, offset);
	u->poking = false;
	sim_unlock(&u->iommu->lock);
	return value;
}

void sim_smmuv2_stats(struct sim_smmuv2 *u, struct sim_smmuv2_stats *stats)
{
	sim_lock(&u->iommu->lock);
	*stats = u->stats;
	sim_unlock(&u->iommu->lock);
}
