/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The registers and queues of a RISC-V IOMMU. RISC-V IOMMU Architecture Specification, version 1.0: In-memory queue interface,
 * Memory-mapped register interface.
 */
#include "sim_riscv.h"
#include "unit.h"

#include "posix.h"

#include <stddef.h>

enum {
	CAPS = 0x00,
	FCTL = 0x08,
	DDTP = 0x10,
	CQB = 0x18,
	CQH = 0x20,
	CQT = 0x24,
	FQB = 0x28,
	FQH = 0x30,
	FQT = 0x34,
	CQCSR = 0x48,
	FQCSR = 0x4c,
	PQCSR = 0x50,
	IPSR = 0x54,
	ICVEC = 0x2f8,
	MSI_ADDR = 0x300,
	MSI_DATA = 0x308,
	MSI_CTL = 0x30c,
	REGS = 0x1000,
};

#define ENABLE	(1u << 0)
#define IRQ	(1u << 1)
#define MF	(1u << 8)
#define TIMEOUT (1u << 9)
#define ILLEGAL (1u << 10)
#define FULL	(1u << 9)
#define ON	(1u << 16)
#define ERRORS	(MF | TIMEOUT | ILLEGAL)
#define WIRED	(1u << 1)

enum op_kind { OP_CONTEXT, OP_SPACE };

/** struct op - a command that was fetched and did not take effect yet. */
struct op {
	enum op_kind kind;
	bool all;
	bool guest; /* of address spaces with a second stage */
	bool any_tag;
	uint32_t tag;
	uint64_t iova;
	uint64_t size;
	bool tables;
};

#define PENDING 512u

/** struct sim_riscv - a unit. The IOMMU's lock protects all members. */
struct sim_riscv {
	struct sim_unit unit;
	struct sim_riscv_config config;
	struct sim_riscv_stats stats;
	uint32_t fctl;
	uint64_t ddtp;
	uint64_t cqb;
	uint32_t cqh;
	uint32_t cqt;
	uint32_t cqcsr;
	uint64_t fqb;
	uint32_t fqh;
	uint32_t fqt;
	uint32_t fqcsr;
	uint32_t ipsr;
	uint64_t icvec;
	uint64_t msi_addr;
	uint32_t msi_data;
	uint32_t msi_ctl;
	bool msi_pending;
	bool unreadable;
	struct op pending[PENDING];
	unsigned int npending;
	bool unanswered;
};

static uint64_t page_of(uint64_t reg)
{
	return (reg >> 10 & 0xfffffffffffull) << 12;
}

static uint32_t size_of(uint64_t base)
{
	return 2u << (base & 0x1f);
}

static uint64_t capabilities(const struct sim_riscv *u)
{
	const struct sim_iommu_config *c = &u->unit.iommu->config;
	unsigned int igs = u->config.igs ? u->config.igs - 1 : 2;

	return u->config.version | 1u << 9 | (c->va_bits >= 48 ? 1u << 10 : 0) |
	       (c->va_bits >= 57 ? 1u << 11 : 0) | (u->config.no_software_bits ? 0 : 1u << 14) |
	       1u << 17 | (u->config.no_sv48x4 ? 0 : 1u << 18) | (u->config.base ? 0 : 1u << 22) |
	       (u->config.no_ats ? 0 : 1u << 25) | (uint64_t)igs << 28 |
	       (uint64_t)c->out_bits << 32;
}

/* ---- interrupts ---- */

static void send(struct sim_riscv *u)
{
	if (u->fctl & WIRED) {
		u->stats.wires++;
	} else if (u->msi_ctl & 1) {
		u->msi_pending = true;
	} else {
		u->stats.messages++;
		u->stats.message_addr = u->msi_addr;
		u->stats.message_data = u->msi_data;
	}
}

static void set_pending(struct sim_riscv *u, uint32_t bit)
{
	if (!(u->ipsr & bit))
		send(u);
	u->ipsr |= bit;
}

/* Sets an error of the command queue; the queue stands still until the bit is cleared. */
static void command_error(struct sim_riscv *u, uint32_t bit)
{
	u->cqcsr |= bit;
	if (u->cqcsr & IRQ)
		set_pending(u, 1);
}

/* ---- faults ---- */

static void record_fault(void *ctx, uint32_t id, dmah_addr_t dma, bool write, uint32_t code)
{
	struct sim_riscv *u = ctx;
	uint64_t r[4] = { code | (write ? 3ull : 2ull) << 34 | (uint64_t)id << 40, 0, dma, 0 };
	uint32_t n = size_of(u->fqb);

	if (!(u->fqcsr & ON) || u->fqcsr & (FULL | MF)) {
		u->stats.lost++;
		return;
	}
	if (((u->fqt + 1) & (n - 1)) == u->fqh) {
		u->fqcsr |= FULL;
		u->stats.lost++;
	} else if (!sim_bus(u->unit.iommu->sim, page_of(u->fqb) + u->fqt * 32ull, r, 32, true,
			    true)) {
		u->fqcsr |= MF;
	} else {
		u->fqt = (u->fqt + 1) & (n - 1);
	}
	if (u->fqcsr & IRQ)
		set_pending(u, 2);
}

/* ---- commands ---- */

static bool is_meant(const struct op *op, uint32_t tag)
{
	return (tag & SIM_RISCV_GUEST) == (op->guest ? SIM_RISCV_GUEST : 0) &&
	       (op->any_tag || tag == op->tag);
}

static void forget_spaces(struct sim_riscv *u, const struct op *op)
{
	struct sim_iommu *iommu = u->unit.iommu;
	struct sim_command c = { .kind = SIM_COMMAND_TLB,
				 .target = op->tag,
				 .iova = op->iova,
				 .size = op->size,
				 .tables = op->tables };

	if (!op->any_tag) {
		sim_iommu_execute(iommu, &c);
		return;
	}
	for (uint64_t i = 0; i < iommu->tlb.size;) {
		const struct sim_tlb_entry *e = &iommu->tlb.slot[i];

		if (!e->used || !is_meant(op, e->tag)) {
			i++;
			continue;
		}
		c.target = e->tag;
		sim_tlb_invalidate(&iommu->tlb, c.target, op->iova, op->size, NULL, NULL);
		/* Another entry may have moved here; one beyond the address stays. */
		i += e->used && e->tag == c.target && op->size ? 1 : 0;
	}
	for (unsigned int i = 0; op->tables && i < SIM_PSC; i++)
		if (iommu->psc.slot[i].used && is_meant(op, iommu->psc.slot[i].tag))
			sim_psc_invalidate(&iommu->psc, iommu->psc.slot[i].tag, op->iova, op->size);
}

static void execute_all(struct sim_riscv *u)
{
	for (unsigned int i = 0; i < u->npending; i++) {
		if (u->pending[i].kind == OP_CONTEXT)
			sim_unit_forget_contexts(&u->unit, u->pending[i].all, u->pending[i].tag);
		else
			forget_spaces(u, &u->pending[i]);
	}
	u->npending = 0;
}

static void postpone(struct sim_riscv *u, const struct op *op)
{
	if (u->npending == PENDING)
		execute_all(u);
	u->pending[u->npending++] = *op;
}

static bool iotinval(struct sim_riscv *u, const uint64_t c[2])
{
	unsigned int func = c[0] >> 7 & 7;
	bool av = c[0] >> 10 & 1, pscv = c[0] >> 32 & 1, gv = c[0] >> 33 & 1;
	uint32_t gscid = (uint32_t)(c[0] >> 44 & 0xffff);
	struct op op = { .kind = OP_SPACE,
			 .guest = gv,
			 .any_tag = !pscv,
			 .tag = (uint32_t)(c[0] >> 12 & 0xfffff) |
				(gv ? SIM_RISCV_GUEST | gscid << 20 : 0),
			 .iova = av ? c[1] >> 10 << 12 : 0,
			 .size = av ? 4096 : 0,
			 .tables = !av };

	if (func > 1 || c[0] & (1ull << 11 | 0x3ffull << 34 | 0xfull << 60) ||
	    c[1] & (0x3ffull | 3ull << 62) || (func == 1 && pscv) || (gv && gscid > 0x7ff))
		return false;
	if (func == 1) {
		/* Of the second stage: here, all address spaces that have one. */
		op = (struct op){ .kind = OP_SPACE, .guest = true, .any_tag = true, .tables = true };
		u->stats.second++;
	} else {
		u->stats.pages += av;
		u->stats.spaces += !av && pscv;
		u->stats.all += !av && !pscv;
	}
	postpone(u, &op);
	return true;
}

static bool iodir(struct sim_riscv *u, const uint64_t c[2])
{
	bool dv = c[0] >> 33 & 1;
	uint32_t id = (uint32_t)(c[0] >> 40);
	unsigned int levels = (unsigned int)(u->ddtp & 0xf) - 1;
	struct op op = { .kind = OP_CONTEXT, .all = !dv, .tag = id };

	if (c[0] & 0xfdffffff80ull & ~(1ull << 33) || c[1])
		return false;
	/* An id must not be wider than the directory. */
	if (dv && ((u->ddtp & 0xf) < 2 || id >> ((u->config.base ? 7 : 6) + 9 * (levels - 1))))
		return false;
	u->stats.contexts++;
	u->stats.all_contexts += !dv;
	postpone(u, &op);
	return true;
}

/* Carry the command out before those posted earlier. */
static bool ats(struct sim_riscv *u, const uint64_t c[2])
{
	if (u->config.no_ats || c[0] & (7ull << 7 | 0xff00000000ull) || c[0] >> 56 || c[1] & 0x7ff)
		return false;
	u->stats.device_tlbs++;
	if (!sim_unit_device_tlb(&u->unit, (uint32_t)(c[0] >> 40 & 0xffff), c[1],
				 sim_unit_order(c[1], c[1] >> 11 & 1)))
		u->unanswered = true;
	return true;
}

enum taken { DONE, REFUSED, STOPPED };

static enum taken iofence(struct sim_riscv *u, const uint64_t c[2])
{
	uint32_t data = (uint32_t)(c[0] >> 32);

	if (c[0] & (7ull << 7 | 0x3ffffull << 14) || (c[0] >> 11 & 1 && !(u->fctl & WIRED)) ||
	    c[1] >> 62)
		return REFUSED;
	execute_all(u);
	if (u->unanswered) {
		u->unanswered = false;
		command_error(u, TIMEOUT);
		return STOPPED;
	}
	u->stats.fences++;
	u->stats.ordered += (c[0] >> 12 & 3) == 3;
	if (c[0] >> 10 & 1 && !sim_bus(u->unit.iommu->sim, c[1] << 2, &data, 4, true, true)) {
		command_error(u, MF);
		return STOPPED;
	}
	return DONE;
}

static enum taken command(struct sim_riscv *u, const uint64_t c[2])
{
	switch (c[0] & 0x7f) {
	case 1:
		return iotinval(u, c) ? DONE : REFUSED;
	case 2:
		return iofence(u, c);
	case 3:
		return iodir(u, c) ? DONE : REFUSED;
	case 4:
		return ats(u, c) ? DONE : REFUSED;
	}
	return REFUSED;
}

static void run(struct sim_riscv *u)
{
	uint32_t mask = size_of(u->cqb) - 1;
	uint64_t c[2];

	while (!sim_unit_stands_still(&u->unit) && u->cqcsr & ON && !(u->cqcsr & ERRORS) &&
	       u->cqh != u->cqt) {
		bool refused = sim_inject_command(u->unit.iommu);
		enum taken taken;

		/* The failure may have struck at this command. */
		if (u->unit.iommu->failing.halted)
			return;
		if (u->unreadable || !sim_bus(u->unit.iommu->sim, page_of(u->cqb) + u->cqh * 16ull,
					      c, 16, false, true)) {
			command_error(u, MF);
			return;
		}
		taken = refused ? REFUSED : command(u, c);
		if (taken == REFUSED)
			command_error(u, ILLEGAL);
		if (taken != DONE)
			return;
		u->stats.commands++;
		u->cqh = (u->cqh + 1) & mask;
	}
}

/* ---- registers ---- */

static void write_ddtp(struct sim_riscv *u, uint64_t value)
{
	unsigned int mode = value & 0xf, old = u->ddtp & 0xf;

	/* A mode that is not there is not taken. */
	if (mode > 4 || (mode > 1 && u->config.no_levels >> (mode - 2) & 1))
		return;
	if (mode > 1 && old > 1)
		posix_misuse(
			"ddtp: another directory, and the mode before was neither Off nor Bare");
	u->ddtp = mode | (value & 0xfffffffffffull << 10);
	u->unit.iommu->off = mode < 2;
	u->unit.iommu->abort = !mode;
}

static void write_fctl(struct sim_riscv *u, uint32_t value)
{
	unsigned int igs = u->config.igs ? u->config.igs - 1 : 2;

	if (u->ddtp & 0xf || u->cqcsr & ON || u->fqcsr & ON)
		posix_misuse("fctl: the unit is not off");
	/* Little-endian alone; wires where there are both. */
	u->fctl = igs == 2 ? value & WIRED : igs == 1 ? WIRED : 0;
}

static void switch_queue(uint32_t *csr, uint32_t value, uint32_t *mine, uint32_t errors)
{
	*csr &= ~(value & errors);
	if (value & ENABLE && !(*csr & ON)) {
		*mine = 0;
		*csr &= ~errors;
	}
	*csr = (*csr & errors) | (value & (ENABLE | IRQ)) | (value & ENABLE ? ON : 0);
}

static void write_base(uint64_t *base, uint64_t value, uint32_t csr, unsigned int entry)
{
	uint64_t bytes = (uint64_t)size_of(value) * entry;

	if (csr & ON)
		posix_misuse("the base of a queue that is on");
	if (bytes > 4096 && page_of(value) & (bytes - 1))
		posix_misuse("a queue that is not aligned to its size");
	*base = value;
}

static void write32(struct sim_riscv *u, uint64_t reg, uint32_t value)
{
	switch (reg) {
	case FCTL:
		write_fctl(u, value);
		break;
	case CQT:
		u->cqt = value & (size_of(u->cqb) - 1);
		break;
	case FQH:
		u->fqh = value & (size_of(u->fqb) - 1);
		break;
	case CQCSR:
		switch_queue(&u->cqcsr, value, &u->cqh, ERRORS);
		break;
	case FQCSR:
		switch_queue(&u->fqcsr, value, &u->fqt, MF | FULL);
		break;
	case PQCSR:
		break;
	case IPSR:
		u->ipsr &= ~value;
		/* A cause that stands is pending again. */
		if (u->cqcsr & ERRORS && u->cqcsr & IRQ)
			set_pending(u, 1);
		if (u->fqcsr & (MF | FULL) && u->fqcsr & IRQ)
			set_pending(u, 2);
		break;
	case MSI_DATA:
		u->msi_data = value;
		break;
	case MSI_CTL:
		u->msi_ctl = value;
		if (!(value & 1) && u->msi_pending) {
			u->msi_pending = false;
			send(u);
		}
		break;
	default:
		posix_misuse("a write to a register that the unit does not have");
	}
}

static void write64(struct sim_riscv *u, uint64_t reg, uint64_t value)
{
	switch (reg) {
	case DDTP:
		write_ddtp(u, value);
		break;
	case CQB:
		write_base(&u->cqb, value, u->cqcsr, 16);
		break;
	case FQB:
		write_base(&u->fqb, value, u->fqcsr, 32);
		break;
	case ICVEC:
		u->icvec = value & 0xffff;
		break;
	case MSI_ADDR:
		u->msi_addr = value & ~3ull;
		break;
	default:
		posix_misuse("a write to a register that the unit does not have");
	}
}

static uint32_t reg_read(void *unit, uint64_t reg)
{
	const struct sim_riscv *u = unit;

	switch (reg) {
	case CAPS:
		return (uint32_t)capabilities(u);
	case CAPS + 4:
		return (uint32_t)(capabilities(u) >> 32);
	case FCTL:
		return u->fctl;
	case DDTP:
		return (uint32_t)u->ddtp;
	case DDTP + 4:
		return (uint32_t)(u->ddtp >> 32);
	case CQH:
		return u->cqh;
	case CQT:
		return u->cqt;
	case FQH:
		return u->fqh;
	case FQT:
		return u->fqt;
	case CQCSR:
		return u->cqcsr;
	case FQCSR:
		return u->fqcsr;
	case IPSR:
		return u->ipsr;
	}
	return 0;
}

static void reg_write(void *unit, uint64_t reg, unsigned int size, uint64_t value)
{
	if (size == 8)
		write64(unit, reg, value);
	else
		write32(unit, reg, (uint32_t)value);
	run(unit);
}

/* ---- the hardware's view ---- */

static enum sim_reason read_context(void *ctx, const struct sim_device *dev,
				    struct sim_context *context, uint32_t *code)
{
	const struct sim_riscv *u = ctx;
	const struct sim_iommu *iommu = u->unit.iommu;
	const struct sim_directory directory = {
		.root = page_of(u->ddtp),
		.levels = (unsigned int)(u->ddtp & 0xf) - 1,
		.extended = !u->config.base,
		.ats = !u->config.no_ats,
		.software_bits = !u->config.no_software_bits,
		.sv48 = iommu->config.va_bits >= 48,
		.sv57 = iommu->config.va_bits >= 57,
		.sv48x4 = !u->config.no_sv48x4,
		.hw = &iommu->hw,
	};

	return sim_walk_directory(&iommu->mem, &directory, dev->config.id, context, code);
}

static void run_queue(void *ctx)
{
	run(ctx);
}

static void reset(void *unit)
{
	struct sim_riscv *u = unit;

	u->fctl = u->config.igs == 2 ? WIRED : u->config.fctl;
	u->ddtp = u->config.bare ? 1 : 0;
	u->msi_ctl = 1;
	u->unit.iommu->off = true;
	u->unit.iommu->abort = !u->config.bare;
}

static const struct sim_unit_model model = {
	.flavour = SIM_RISCV,
	.size = sizeof(struct sim_riscv),
	.kept = offsetof(struct sim_riscv, fctl),
	.interface = { .context = read_context,
		       .fault = record_fault,
		       .run = run_queue,
		       .power_on = sim_unit_power_on },
	.read = reg_read,
	.write = reg_write,
	.reset = reset,
};

/* ---- set-up ---- */

struct sim_riscv *sim_riscv_create(struct sim *sim, unsigned int n,
				   const struct sim_riscv_config *config)
{
	struct sim_riscv *u = sim_unit_alloc(sim, n, &model);

	if (!u)
		return NULL;
	if (config)
		u->config = *config;
	u->config.version = u->config.version ? u->config.version : 0x10;
	return sim_unit_start(u, REGS);
}

volatile void *sim_riscv_regs(struct sim_riscv *u)
{
	return u->unit.regs;
}

void sim_riscv_hold(struct sim_riscv *u, bool hold)
{
	sim_unit_hold(&u->unit, hold);
}

void sim_riscv_memory_fault(struct sim_riscv *u)
{
	sim_lock(&u->unit.iommu->lock);
	u->unreadable = true;
	sim_unlock(&u->unit.iommu->lock);
}

void sim_riscv_stats(struct sim_riscv *u, struct sim_riscv_stats *stats)
{
	sim_unit_copy(&u->unit, stats, &u->stats, sizeof(*stats));
}
