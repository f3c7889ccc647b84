/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Registers, queues and stream table of an SMMUv3. Arm IHI 0070: chapter 3.5 (queues), 4 (commands), 5 (stream table
 * entries and context descriptors), 6 (registers), 7 (events and global errors).
 */
#include "smmuv3_unit.h"

#include "posix.h"

#include <stddef.h>

enum {
	IDR0 = 0x00,
	IDR1 = 0x04,
	IDR3 = 0x0c,
	IDR5 = 0x14,
	IIDR = 0x18,
	CR0 = 0x20,
	CR0ACK = 0x24,
	CR1 = 0x28,
	CR2 = 0x2c,
	GBPA = 0x44,
	IRQ_CTRL = 0x50,
	IRQ_CTRLACK = 0x54,
	GERROR = 0x60,
	GERRORN = 0x64,
	GERROR_IRQ = 0x68,
	STRTAB_BASE = 0x80,
	STRTAB_CFG = 0x88,
	CMDQ_BASE = 0x90,
	CMDQ_PROD = 0x98,
	CMDQ_CONS = 0x9c,
	EVTQ_BASE = 0xa0,
	EVTQ_IRQ = 0xb0,
	EVTQ_PROD = 0x100a8,
	EVTQ_CONS = 0x100ac,
	REGS = 0x20000,
};

#define SMMUEN	   (1u << 0)
#define EVTQEN	   (1u << 2)
#define CMDQEN	   (1u << 3)
#define RECINVSID  (1u << 1)
#define ABORT	   (1u << 20)
#define UPDATE	   (1u << 31)
#define CMDQ_ERROR (1u << 0)
#define OVERFLOW   (1u << 31)
#define ADDRESS	   0x000fffffffffffc0ull
#define QUEUE_AT   0x000fffffffffffe0ull
/* VMIDs of stage 2 and ASIDs are different tags. */
#define VMID_TAG(vmid) (((uint32_t)(vmid)&0xffff) | 1u << 16)

enum {
	CERROR_ILL = 1,
	CERROR_ABT = 2,
	CERROR_ATC_INV_SYNC = 3,
};

enum {
	C_BAD_STREAMID = 0x02,
	F_STE_FETCH = 0x03,
	C_BAD_STE = 0x04,
	F_CD_FETCH = 0x09,
	C_BAD_CD = 0x0a
};

/* ---- streams ---- */

static bool load(const struct sim_smmuv3 *u, uint64_t at, uint64_t *word)
{
	return sim_mem_load(&u->unit.iommu->mem, at, word);
}

/* Returns the address of the stream table entry; 0: the stream id has none. */
static uint64_t entry_of(const struct sim_smmuv3 *u, uint32_t sid)
{
	uint64_t base = u->strtab_base & ADDRESS, l1;
	unsigned int log2 = u->strtab_cfg & 0x3f, split = u->strtab_cfg >> 6 & 0x1f, span;

	if (sid >> log2)
		return 0;
	if ((u->strtab_cfg >> 16 & 3) != 1)
		return base + sid * 64ull;
	if (!load(u, base + (sid >> split) * 8ull, &l1))
		return 0;
	span = l1 & 0x1f;
	if (!span || (sid & ((1u << split) - 1)) >> (span - 1))
		return 0;
	return (l1 & ADDRESS) + (sid & ((1u << split) - 1)) * 64ull;
}

static enum sim_reason refuse(uint32_t *code, uint32_t number)
{
	*code = number;
	return SIM_FAULT_CONTEXT;
}

/* Section 5.4. Tables of 4 KiB granules for the lower half, the upper one off; faults recorded and aborted. */
static enum sim_reason descriptor(const struct sim_smmuv3 *u, uint64_t at, struct sim_context *c,
				  uint32_t *code)
{
	uint64_t cd[2];
	unsigned int bits;

	if (!load(u, at, &cd[0]) || !load(u, at + 8, &cd[1]))
		return refuse(code, F_CD_FETCH);
	bits = 64 - (unsigned int)(cd[0] & 0x3f);
	if (!(cd[0] >> 31 & 1) || !(cd[0] >> 41 & 1) || cd[0] >> 6 & 3 || cd[0] >> 14 & 1 ||
	    !(cd[0] >> 30 & 1) || (bits != 39 && bits != 48) || bits > u->unit.iommu->hw.va_bits ||
	    (cd[0] >> 45 & 3) != 3)
		return refuse(code, C_BAD_CD);
	c->table = u->unit.iommu->hw;
	c->table.format = SIM_FORMAT_LPAE_S1;
	c->table.root = cd[1] & 0x000ffffffffff000ull;
	c->table.va_bits = bits;
	c->table.levels = (bits - 12) / 9;
	c->domain = (uint32_t)(cd[0] >> 48);
	return SIM_OK;
}

static unsigned int oas_bits(const struct sim_smmuv3 *u)
{
	static const unsigned int bits[] = { 32, 36, 40, 42, 44, 48 };
	unsigned int oas = 0;

	while (oas < 5 && bits[oas] < u->unit.iommu->hw.out_bits)
		oas++;
	return bits[oas];
}

static bool has_stage(const struct sim_smmuv3 *u, unsigned int stage)
{
	return u->config.both || (stage == 2) == u->unit.iommu->config.stage2;
}

/*
 * Section 5.2, S2T0SZ and on. Tables of 4 KiB granules; faults recorded, nothing stalls, no updates of flags by hardware.
 * The input is not wider than the output, and a walk from level 0 needs an output of 44 bits (Arm ARM, D8.2.8).
 */
static enum sim_reason stage2(const struct sim_smmuv3 *u, const uint64_t ste[4],
			      struct sim_context *c, uint32_t *code)
{
	unsigned int bits = 64 - (unsigned int)(ste[2] >> 32 & 0x3f), sl0 = ste[2] >> 38 & 3;
	unsigned int levels = sl0 + 2, oas = oas_bits(u);

	if (!(ste[2] >> 51 & 1) || ste[2] >> 46 & 3 || ste[2] >> 52 & 1 || ste[2] >> 55 & 7 ||
	    !(ste[2] >> 58 & 1) || bits > oas || sl0 < 1 || sl0 > 2 || (sl0 == 2 && oas < 44) ||
	    bits > 12 + 9 * levels || bits <= 12 + 9 * (levels - 1))
		return refuse(code, C_BAD_STE);
	/* Words 4 to 7 and S2PS: no wider output than there is; a VMID of 0 is another kind of tag. */
	if ((ste[2] >> 48 & 7) > 5 || !(ste[2] & 0xffff))
		return refuse(code, C_BAD_STE);
	c->table = u->unit.iommu->hw;
	c->table.format = SIM_FORMAT_LPAE_S2;
	c->table.root = ste[3] & 0x000ffffffffff000ull;
	c->table.va_bits = bits;
	c->table.levels = levels;
	c->domain = VMID_TAG(ste[2]);
	return SIM_OK;
}

static enum sim_reason read_context(void *ctx, const struct sim_device *dev, struct sim_context *c,
				    uint32_t *code)
{
	struct sim_smmuv3 *u = ctx;
	uint64_t at = entry_of(u, dev->config.id), ste[4];

	*code = 0;
	if (!at)
		return refuse(code, u->cr2 & RECINVSID ? C_BAD_STREAMID : 0);
	for (unsigned int i = 0; i < 4; i++)
		if (!load(u, at + 8 * i, &ste[i]))
			return refuse(code, F_STE_FETCH);
	if (!(ste[0] & 1))
		return refuse(code, C_BAD_STE);
	switch (ste[0] >> 1 & 7) {
	case 0: /* aborts without an event */
		return SIM_FAULT_BLOCKED;
	case 4:
		*c = (struct sim_context){ .translate = false };
		return SIM_OK;
	case 5:
	case 6:
		if (has_stage(u, ste[0] >> 1 & 3))
			break;
		return refuse(code, C_BAD_STE);
	default:
		return refuse(code, C_BAD_STE);
	}
	*c = (struct sim_context){ .translate = true,
				   .ats = (ste[1] >> 28 & 3) == 1 && !u->config.no_ats };
	if ((ste[0] >> 1 & 7) == 6)
		return stage2(u, ste, c, code);
	/* Only a single context descriptor is supported, no table. */
	if (ste[0] >> 59)
		return refuse(code, C_BAD_STE);
	return descriptor(u, ste[0] & ADDRESS, c, code);
}

/* ---- events ---- */

static void update_irqs(struct sim_smmuv3 *u);

static bool faults_in_stage2(const struct sim_smmuv3 *u, uint32_t sid)
{
	const struct sim_device *dev = sim_iommu_device(u->unit.iommu, sid);

	return dev && dev->known && dev->context.table.format == SIM_FORMAT_LPAE_S2;
}

static void record_event(void *ctx, uint32_t sid, dmah_addr_t dma, bool write, uint32_t code)
{
	struct sim_smmuv3 *u = ctx;
	uint32_t log2 = u->evtq_base & 0x1f, mask = (2u << log2) - 1, size = 1u << log2;
	bool address = code >= 0x10 || code == SMMU_F_WALK_EABT;
	uint64_t record[4] = { code | (uint64_t)sid << 32, address && !write ? 1ull << 35 : 0,
			       address ? dma : 0, 0 };

	/* S2, class "input address", and the IPA. */
	if (address && code != SMMU_F_WALK_EABT && faults_in_stage2(u, sid)) {
		record[1] |= 1ull << 39 | 2ull << 40;
		record[3] = dma & 0x000ffffffffff000ull;
	}

	if (!(u->cr0 & EVTQEN))
		return;
	if (((u->evtq_prod - u->evtq_cons) & mask) == size) {
		/* Toggle the flag once, until software has toggled its own. */
		if (!((u->evtq_prod ^ u->evtq_cons) & OVERFLOW))
			u->evtq_prod ^= OVERFLOW;
		return;
	}
	if (!sim_bus(u->unit.iommu->sim,
		     (u->evtq_base & QUEUE_AT) + (u->evtq_prod & (size - 1)) * 32ull, record,
		     sizeof(record), true, u->unit.iommu->mem.coherent))
		posix_misuse("the event queue is not in memory");
	u->evtq_prod = (u->evtq_prod & OVERFLOW) | ((u->evtq_prod + 1) & mask);
	update_irqs(u);
}

/* ---- commands ---- */

static void execute(struct sim_smmuv3 *u, const uint64_t w[2])
{
	struct sim_command c = { .kind = SIM_COMMAND_TLB,
				 .target = (uint32_t)(w[0] >> 48),
				 .tables = !(w[1] & 1) };

	/* Stage 2: the tag is a VMID. */
	if ((w[0] & 0xf8) == 0x28)
		c.target = VMID_TAG(w[0] >> 32);
	switch (w[0] & 0xff) {
	case 0x03:
		sim_unit_forget_contexts(&u->unit, false, (uint32_t)(w[0] >> 32));
		break;
	case 0x04:
		sim_unit_forget_contexts(&u->unit, true, 0);
		break;
	case 0x11:
	case 0x28:
		c.tables = true;
		sim_iommu_execute(u->unit.iommu, &c);
		break;
	case 0x12:
	case 0x2a:
		c.iova = w[1] & ~0xfffull;
		c.size = 4096;
		if (w[1] >> 10 & 3)
			c.size = ((w[0] >> 12 & 31) + 1) << (12 + (w[0] >> 20 & 31));
		sim_iommu_execute(u->unit.iommu, &c);
		break;
	default:
		sim_unit_forget_tables(&u->unit);
		break;
	}
}

static void execute_all(struct sim_smmuv3 *u)
{
	for (unsigned int i = 0; i < u->npending; i++)
		execute(u, u->pending[i].word);
	u->npending = 0;
}

static bool range_is_reserved(const struct sim_smmuv3 *u, const uint64_t w[2])
{
	bool range = w[1] >> 10 & 3;

	/* Without RIL these fields are reserved; with it, a range of one page without a level is. */
	if (u->config.no_range)
		return range || w[0] >> 12 & 0x1f1f;
	return range && !(w[0] >> 12 & 0x1f1f) && !(w[1] >> 8 & 3);
}

/* Returns 0, or the number for CMDQ_CONS.ERR. Section 4.1.3, 7.1. */
static uint32_t command(struct sim_smmuv3 *u, const uint64_t w[2])
{
	switch (w[0] & 0xff) {
	case 0x46:
		/* Completes when software has acknowledged the error. */
		if (u->unanswered) {
			u->unanswered = false;
			return CERROR_ATC_INV_SYNC;
		}
		execute_all(u);
		return 0;
	case 0x40: /* carried out before those consumed earlier; the size is log2 of the pages */
		if (u->config.no_ats)
			return CERROR_ILL;
		if (!sim_unit_device_tlb(&u->unit, (uint32_t)(w[0] >> 32), w[1], w[1] & 0x3f))
			u->unanswered = true;
		return 0;
	case 0x12:
	case 0x2a:
		if (range_is_reserved(u, w) || !has_stage(u, (w[0] & 0xff) == 0x2a ? 2 : 1))
			return CERROR_ILL;
		break;
	case 0x10:
	case 0x11:
		if (!has_stage(u, 1))
			return CERROR_ILL;
		break;
	case 0x28:
		if (!has_stage(u, 2))
			return CERROR_ILL;
		break;
	case 0x03:
	case 0x04:
	case 0x30:
		break;
	default:
		return CERROR_ILL;
	}
	if (u->npending == SIM_SMMUV3_PENDING)
		execute_all(u);
	u->pending[u->npending++] = (struct sim_smmuv3_op){ { w[0], w[1] } };
	return 0;
}

static bool failed(const struct sim_smmuv3 *u)
{
	return (u->gerror ^ u->gerrorn) & CMDQ_ERROR;
}

static void run(struct sim_smmuv3 *u)
{
	uint32_t log2 = u->cmdq_base & 0x1f, mask = (2u << log2) - 1, at = u->cmdq_cons & mask;
	uint64_t w[2];

	if (sim_unit_stands_still(&u->unit) || !(u->cr0 & CMDQEN))
		return;
	while (at != (u->cmdq_prod & mask) && !failed(u)) {
		uint64_t from = (u->cmdq_base & QUEUE_AT) + (at & (mask >> 1)) * 16ull;
		uint32_t error = sim_inject_command(u->unit.iommu) ? CERROR_ILL : 0;

		/* The failure may have struck at this command. */
		if (u->unit.iommu->failing.halted)
			return;
		if (!sim_bus(u->unit.iommu->sim, from, w, sizeof(w), false,
			     u->unit.iommu->mem.coherent))
			error = CERROR_ABT;
		u->run_length = (w[0] & 0xff) == 0x46 ? 0 : u->run_length + 1;
		if (u->config.unsynced && u->run_length > u->config.unsynced)
			return;
		u->cmdq_cons = at;
		if (!error)
			error = command(u, w);
		if (error) {
			u->cmdq_cons |= error << 24;
			u->gerror ^= CMDQ_ERROR;
			return;
		}
		at = (at + 1) & mask;
		u->cmdq_cons = at;
	}
}

/* ---- registers ---- */

static uint32_t idr5(const struct sim_smmuv3 *u)
{
	unsigned int bits = oas_bits(u);

	return (bits == 48 ? 5 : bits < 42 ? (bits - 32) / 4 : bits / 2 - 18) | 1u << 4;
}

static uint32_t word(const struct sim_smmuv3 *u, uint64_t reg)
{
	switch (reg) {
	case IDR0: /* AArch64, ASIDs and VMIDs of 16 bits, no stalls */
		return (has_stage(u, 1) ? 1u << 1 | 1u << 12 : 0) |
		       (has_stage(u, 2) ? 1u | 1u << 18 : 0) | 2u << 2 |
		       (u->unit.iommu->mem.coherent ? 1u << 4 : 0) |
		       (u->config.no_ats ? 0 : 1u << 10) | (u->config.msi ? 1u << 13 : 0) |
		       1u << 24 | (u->config.linear ? 0 : 1u << 27);
	case IDR1:
		return u->config.sid_bits | 15u << 16 | 15u << 21;
	case IDR3:
		return u->config.no_range ? 0 : 1u << 10;
	case IDR5:
		return idr5(u);
	case IIDR:
		return u->config.iidr;
	case CR0:
	case CR0ACK:
		return u->cr0;
	case CR1:
		return u->cr1;
	case CR2:
		return u->cr2;
	case GBPA:
		return u->gbpa;
	case IRQ_CTRL:
	case IRQ_CTRLACK:
		return u->irq_ctrl;
	case GERROR:
		return u->gerror;
	case GERRORN:
		return u->gerrorn;
	case STRTAB_BASE:
	case STRTAB_BASE + 4:
		return (uint32_t)(u->strtab_base >> 8 * (reg - STRTAB_BASE));
	case CMDQ_BASE:
	case CMDQ_BASE + 4:
		return (uint32_t)(u->cmdq_base >> 8 * (reg - CMDQ_BASE));
	case EVTQ_BASE:
	case EVTQ_BASE + 4:
		return (uint32_t)(u->evtq_base >> 8 * (reg - EVTQ_BASE));
	case STRTAB_CFG:
		return u->strtab_cfg;
	case CMDQ_PROD:
		return u->cmdq_prod;
	case CMDQ_CONS:
		return u->cmdq_cons;
	case EVTQ_PROD:
		return u->evtq_prod;
	case EVTQ_CONS:
		return u->evtq_cons;
	}
	return 0;
}

static void write_base(struct sim_smmuv3 *u, uint64_t reg, uint64_t value)
{
	uint32_t on = reg == STRTAB_BASE ? SMMUEN : reg == CMDQ_BASE ? CMDQEN : EVTQEN;

	if (u->cr0 & on)
		posix_misuse("a table or queue of an SMMU is moved while it is in use");
	if (reg == STRTAB_BASE)
		u->strtab_base = value;
	else if (reg == CMDQ_BASE)
		u->cmdq_base = value;
	else
		u->evtq_base = value;
}

static void write_control(struct sim_smmuv3 *u, uint32_t value)
{
	u->cr0 = value;
	u->unit.iommu->off = !(value & SMMUEN);
	run(u);
}

/* Section 6.3.20 and 6.3.30: the messages, which may change only while their interrupts are off. */
static void write_irq(struct sim_smmuv3 *u, uint64_t reg, uint64_t value)
{
	if (!u->config.msi)
		posix_misuse("a message for an SMMU that has only wires");
	if (u->irq_ctrl)
		posix_misuse("a message of an SMMU changes while its interrupt is on");
	if (reg == EVTQ_IRQ)
		u->evtq_irq_addr = value;
	else if (reg == EVTQ_IRQ + 8)
		u->evtq_irq_data = (uint32_t)value;
}

/* Edges: the event queue is no longer empty, an error has become active (section 3.18). */
static void update_irqs(struct sim_smmuv3 *u)
{
	bool not_empty = u->cr0 & EVTQEN && (u->evtq_prod ^ u->evtq_cons) & ~OVERFLOW;
	bool in_error = u->gerror != u->gerrorn;

	if (not_empty && !u->not_empty && u->irq_ctrl & 4) {
		u->irqs.events++;
		u->irqs.event_addr = u->evtq_irq_addr;
		u->irqs.event_data = u->evtq_irq_data;
	}
	u->irqs.errors += in_error && !u->in_error && u->irq_ctrl & 1;
	u->not_empty = not_empty;
	u->in_error = in_error;
}

static void write_register(struct sim_smmuv3 *u, uint64_t reg, uint64_t value64)
{
	uint32_t value = (uint32_t)value64;

	switch (reg) {
	case CR0:
		write_control(u, value);
		break;
	case CR1:
		u->cr1 = value;
		break;
	case CR2:
		u->cr2 = value;
		break;
	case GBPA:
		/* A write without Update has no effect. */
		if (value & UPDATE)
			u->gbpa = value & ~UPDATE;
		u->unit.iommu->abort = u->gbpa & ABORT;
		break;
	case GERRORN:
		u->gerrorn = value;
		run(u);
		break;
	case STRTAB_BASE:
	case CMDQ_BASE:
	case EVTQ_BASE:
		write_base(u, reg, value64);
		break;
	case STRTAB_CFG:
		u->strtab_cfg = value;
		break;
	case CMDQ_PROD:
		u->cmdq_prod = value;
		run(u);
		break;
	case CMDQ_CONS:
		if (u->cr0 & CMDQEN)
			posix_misuse("CMDQ_CONS is written while the queue is on");
		u->cmdq_cons = value;
		break;
	case EVTQ_PROD:
		if (u->cr0 & EVTQEN)
			posix_misuse("EVENTQ_PROD is written while the queue is on");
		u->evtq_prod = value;
		break;
	case EVTQ_CONS:
		u->evtq_cons = value;
		break;
	case IRQ_CTRL:
		u->irq_ctrl = value & 7;
		break;
	case EVTQ_IRQ:
	case EVTQ_IRQ + 8:
	case EVTQ_IRQ + 12:
	case GERROR_IRQ:
	case GERROR_IRQ + 8:
	case GERROR_IRQ + 12:
		write_irq(u, reg, value64);
		break;
	default:
		posix_misuse("a write to a register that the SMMU does not have");
	}
}

/* Returns the register at an offset: without page 1, its registers are at the same offset in page 0. */
static uint64_t layout(const struct sim_smmuv3 *u, uint64_t reg)
{
	if (!u->config.page0)
		return reg;
	if (reg >> 16)
		posix_misuse("an access to page 1 of an SMMU that has none");
	return reg == (EVTQ_PROD & 0xffff) || reg == (EVTQ_CONS & 0xffff) ? reg | 1u << 16 : reg;
}

static uint32_t reg_read(void *unit, uint64_t reg)
{
	return word(unit, layout(unit, reg));
}

static void reg_write(void *unit, uint64_t reg, unsigned int size, uint64_t value)
{
	(void)size;
	write_register(unit, layout(unit, reg), value);
	update_irqs(unit);
}

/* ---- the hardware's view ---- */

static void run_queue(void *ctx)
{
	run(ctx);
}

static const struct sim_unit_model model = {
	.flavour = SIM_SMMU,
	.size = sizeof(struct sim_smmuv3),
	.kept = offsetof(struct sim_smmuv3, cr0),
	.interface = { .context = read_context,
		       .fault = record_event,
		       .run = run_queue,
		       .power_on = sim_unit_power_on },
	.read = reg_read,
	.write = reg_write,
};

/* ---- set-up ---- */

struct sim_smmuv3 *sim_smmuv3_create(struct sim *sim, unsigned int n,
				     const struct sim_smmuv3_config *config)
{
	struct sim_smmuv3 *u = sim_unit_alloc(sim, n, &model);

	if (!u)
		return NULL;
	if (config)
		u->config = *config;
	u->config.sid_bits = u->config.sid_bits ? u->config.sid_bits : 16;
	return sim_unit_start(u, REGS);
}

volatile void *sim_smmuv3_regs(struct sim_smmuv3 *u)
{
	return u->unit.regs;
}

void sim_smmuv3_hold(struct sim_smmuv3 *u, bool hold)
{
	sim_unit_hold(&u->unit, hold);
}

void sim_smmuv3_irqs(struct sim_smmuv3 *u, struct sim_smmuv3_irqs *irqs)
{
	sim_unit_copy(&u->unit, irqs, &u->irqs, sizeof(*irqs));
}
