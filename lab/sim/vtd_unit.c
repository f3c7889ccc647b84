/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The registers and the queue of a VT-d unit. Specification, rev. 4.1: chapter 11 (registers), 6.5.2 (queued
 * invalidation), 7.2 (fault logging).
 */
#include "vtd_unit.h"

#include "posix.h"

#include <stdlib.h>

enum {
	CAP = 0x08,
	ECAP = 0x10,
	GCMD = 0x18,
	GSTS = 0x1c,
	RTADDR = 0x20,
	FSTS = 0x34,
	FECTL = 0x38,
	FEDATA = 0x3c,
	FEADDR = 0x40,
	FEUADDR = 0x44,
	IQH = 0x80,
	IQT = 0x88,
	IQA = 0x90,
	IQER = 0xb0,
	IRTA = 0xb8,
	FRCD = 0x200,
	REGS = 0x2000,
};

#define TE   (1u << 31)
#define RTP  (1u << 30)
#define WBF  (1u << 27)
#define QIE  (1u << 26)
#define IRE  (1u << 25)
#define IRTP (1u << 24)
#define CFI  (1u << 23)
#define IQE  (1u << 4)
#define ITE  (1u << 6)
#define PFO  (1u << 0)
#define PPF  (1u << 1)
#define IM   (1u << 31)
#define IP   (1u << 30)
#define F    (1ull << 63) /* of a record's upper half */

/* ---- what it can do ---- */

/* Returns the width of an input address, which may be less than that of the page tables. */
static unsigned int mgaw(const struct sim_vtd *u)
{
	return u->config.mgaw ? u->config.mgaw : u->iommu->config.va_bits;
}

static bool has_five_levels(const struct sim_vtd *u)
{
	return u->iommu->config.va_bits >= 57;
}

static uint64_t capabilities(const struct sim_vtd *u)
{
	const struct sim_iommu_config *c = &u->iommu->config;
	uint64_t sagaw = c->va_bits >= 57 ? 0xe : c->va_bits >= 48 ? 0x6 : 0x2;

	if (u->config.no_3_levels)
		sagaw &= ~2ull;
	return 2 /* 256 domain ids */ | (u->config.rwbf ? 1u << 4 : 0u) |
	       (c->caching_mode ? 1u << 7 : 0u) | sagaw << 8 | (uint64_t)(mgaw(u) - 1) << 16 |
	       (uint64_t)(FRCD / 16) << 24 | (c->no_2m ? 0 : 1ull << 34) |
	       (c->no_1g ? 0 : 1ull << 35) | (u->config.no_psi ? 0 : 1ull << 39) |
	       (uint64_t)(u->config.records - 1) << 40 | (uint64_t)u->config.mask << 48 |
	       3ull << 54 | (u->config.scalable & 1 && !c->no_1g ? 1ull << 56 : 0) |
	       (u->config.scalable & 1 && has_five_levels(u) ? 1ull << 60 : 0);
}

static unsigned int handle_mask(const struct sim_vtd *u)
{
	return u->config.handle_mask ? u->config.handle_mask - 1 : 15;
}

static uint64_t more_capabilities(const struct sim_vtd *u)
{
	const struct sim_iommu_config *c = &u->iommu->config;

	return (c->noncoherent_walk ? 0u : 1u) | 2u | (u->config.no_device_tlb ? 0u : 4u) |
	       (u->config.no_remapping ? 0u : 8u | handle_mask(u) << 20) |
	       (u->config.no_remapping || u->config.no_x2apic ? 0u : 16u) |
	       (c->no_passthrough ? 0u : 1u << 6) | (u->config.scalable ? 1ull << 43 : 0) |
	       (u->config.scalable & 2 ? 1ull << 46 : 0) |
	       (u->config.scalable & 1 ? 1ull << 47 : 0) |
	       (u->config.scalable && !c->noncoherent_walk ? 1ull << 48 : 0);
}

/* ---- faults ---- */

static uint32_t fault_status(const struct sim_vtd *u);

/*
 * Send the fault event's message when the first status bit comes up (section 7.3): a masked one is pending until it is
 * unmasked, and one whose status bits have all been cleared is not sent.
 */
static void update_event(struct sim_vtd *u)
{
	bool any = fault_status(u) & (PPF | PFO | IQE | ITE);

	if (any && !u->any_status)
		u->fectl |= IP;
	else if (!any)
		u->fectl &= ~IP;
	u->any_status = any;
	if ((u->fectl & (IP | IM)) != IP)
		return;
	u->fectl &= ~IP;
	u->stats.messages++;
	u->stats.message_addr = u->feaddr;
	u->stats.message_data = u->fedata;
}

static void record_fault(void *ctx, uint32_t id, dmah_addr_t dma, bool write, uint32_t code)
{
	struct sim_vtd *u = ctx;
	struct sim_vtd_record *r = &u->record[u->next_record];

	if (u->fsts & PFO || r->hi & F) {
		u->fsts |= PFO;
		u->stats.lost++;
		update_event(u);
		return;
	}
	r->lo = dma & ~0xfffull;
	r->hi = F | (write ? 0 : 1ull << 62) | (uint64_t)code << 32 | id;
	u->next_record = (u->next_record + 1) % u->config.records;
	update_event(u);
}

void sim_vtd_record(struct sim_vtd *u, uint32_t id, uint64_t info, uint32_t code)
{
	record_fault(u, id, info, true, code);
}

static uint32_t fault_status(const struct sim_vtd *u)
{
	uint32_t status = u->fsts;

	/* Report the index of the oldest pending record. */
	for (unsigned int i = 0; i < u->config.records; i++) {
		unsigned int index = (u->next_record + i) % u->config.records;

		if (u->record[index].hi & F)
			return status | PPF | index << 8;
	}
	return status;
}

/* ---- the queue ---- */

static void forget_all_tables(struct sim_iommu *iommu)
{
	iommu->psc = (struct sim_psc){ .count = 0 };
	sim_tlb_fini(&iommu->tlb);
}

static void forget_contexts(struct sim_vtd *u, const struct sim_vtd_op *op)
{
	struct sim_iommu *iommu = u->iommu;

	for (struct sim_device *dev = iommu->sim->devices; dev; dev = dev->next) {
		if (dev->iommu != iommu)
			continue;
		/* In scalable mode entries have no domain id, and what was read through them stays. */
		if (!u->scalable && op->granularity >= 2 && dev->context.domain != op->domain)
			continue;
		if (op->granularity == 3 && dev->config.id != op->id)
			continue;
		if (u->scalable)
			dev->directory_known = false;
		else
			dev->known = false;
	}
}

/* PASID entries of one domain (0, 1), or all (3). */
static void forget_pasids(struct sim_vtd *u, const struct sim_vtd_op *op)
{
	for (struct sim_device *dev = u->iommu->sim->devices; dev; dev = dev->next)
		if (dev->iommu == u->iommu &&
		    (op->granularity == 3 || (dev->context.domain & 0xffff) == op->domain))
			dev->known = false;
}

/* Tags of the first stage have bit 16 set: sim_walk_pasid(). */
static void invalidate_first_stage(struct sim_vtd *u, struct sim_command c)
{
	c.target |= 1u << 16;
	sim_iommu_execute(u->iommu, &c);
}

static void execute(struct sim_vtd *u, const struct sim_vtd_op *op)
{
	struct sim_command c = { .kind = SIM_COMMAND_TLB,
				 .target = op->domain,
				 .iova = op->iova,
				 .size = op->size,
				 .tables = op->tables };
	uint32_t status = (uint32_t)op->size;

	switch (op->kind) {
	case SIM_VTD_CONTEXT:
		forget_contexts(u, op);
		break;
	case SIM_VTD_IOTLB:
		if (op->granularity == 1)
			forget_all_tables(u->iommu);
		else
			sim_iommu_execute(u->iommu, &c);
		/* All of a domain includes its first stage; pages are the second stage's. */
		if (op->granularity == 2 && u->scalable)
			invalidate_first_stage(u, c);
		break;
	case SIM_VTD_PIOTLB:
		invalidate_first_stage(u, c);
		break;
	case SIM_VTD_PASID:
		forget_pasids(u, op);
		break;
	case SIM_VTD_INTERRUPT:
		sim_vtd_forget_irtes(u, (uint32_t)op->iova, op->size);
		break;
	case SIM_VTD_STATUS:
		if (!sim_bus(u->iommu->sim, op->iova, &status, 4, true, true))
			posix_misuse("a mark's status is not in memory");
		break;
	}
}

static void execute_all(struct sim_vtd *u)
{
	for (unsigned int i = 0; i < u->npending; i++)
		execute(u, &u->pending[i]);
	u->npending = 0;
	u->awaited = false;
}

static void postpone(struct sim_vtd *u, const struct sim_vtd_op *op)
{
	if (u->npending == SIM_VTD_PENDING)
		execute_all(u);
	u->pending[u->npending++] = *op;
}

static bool context_command(struct sim_vtd *u, uint64_t lo, uint64_t hi)
{
	struct sim_vtd_op op = { .kind = SIM_VTD_CONTEXT,
				 .granularity = lo >> 4 & 3,
				 .domain = lo >> 16 & 0xffff,
				 .id = lo >> 32 & 0xffff };

	if (!op.granularity || lo & ~0x3ffffffff003full || hi)
		return false;
	postpone(u, &op);
	return true;
}

static bool iotlb_command(struct sim_vtd *u, uint64_t lo, uint64_t hi)
{
	struct sim_vtd_op op = { .kind = SIM_VTD_IOTLB,
				 .granularity = lo >> 4 & 3,
				 .domain = lo >> 16 & 0xffff,
				 .tables = true };
	unsigned int mask = hi & 0x3f;

	if (!op.granularity || lo & ~0xffff00ffull)
		return false;
	if (op.granularity == 3) {
		if (u->config.no_psi || mask > u->config.mask || hi & 0xf80)
			return false;
		op.size = 4096ull << mask;
		op.iova = (hi & ~0xfffull) & ~(op.size - 1);
		op.tables = !(hi & 0x40);
		u->stats.pages++;
	} else if (hi) {
		return false;
	}
	u->stats.domains += op.granularity == 2;
	u->stats.all += op.granularity == 1;
	postpone(u, &op);
	return true;
}

static bool interrupt_command(struct sim_vtd *u, uint64_t lo, uint64_t hi)
{
	unsigned int mask = lo >> 27 & 31;
	struct sim_vtd_op op = { .kind = SIM_VTD_INTERRUPT, .size = 65536 };

	if (u->config.no_remapping || lo & ~0xfffff800001full || hi)
		return false;
	if (lo & 1 << 4) {
		if (mask > handle_mask(u))
			return false;
		op.size = 1ull << mask;
		op.iova = (lo >> 32 & 0xffff) & ~(op.size - 1);
	}
	u->stats.interrupts++;
	postpone(u, &op);
	return true;
}

static bool pasid_command(struct sim_vtd *u, uint64_t lo, uint64_t hi)
{
	struct sim_vtd_op op = { .kind = SIM_VTD_PASID,
				 .granularity = lo >> 4 & 3,
				 .domain = lo >> 16 & 0xffff };

	if (!u->config.scalable || op.granularity == 2 || lo & ~0xfffffffff003full || hi)
		return false;
	u->stats.pasids++;
	/* Entries of another PASID than 0 are not cached. */
	if (op.granularity != 1 || !(lo >> 32))
		postpone(u, &op);
	return true;
}

static bool first_stage_command(struct sim_vtd *u, uint64_t lo, uint64_t hi)
{
	struct sim_vtd_op op = { .kind = SIM_VTD_PIOTLB,
				 .granularity = lo >> 4 & 3,
				 .domain = lo >> 16 & 0xffff,
				 .tables = true };
	unsigned int mask = hi & 0x3f;

	if (!u->config.scalable || op.granularity < 2 || lo & ~0xfffffffff003full)
		return false;
	if (op.granularity == 3) {
		if (u->config.no_psi || mask > u->config.mask || hi & 0xf80)
			return false;
		op.size = 4096ull << mask;
		op.iova = (hi & ~0xfffull) & ~(op.size - 1);
		op.tables = !(hi & 0x40);
		u->stats.pages++;
	} else if (hi) {
		return false;
	}
	u->stats.first_stage++;
	if (!(lo >> 32))
		postpone(u, &op);
	return true;
}

/* Carry the command out before those posted earlier. The lowest zero of the address, from bit 12 up, gives the size. */
static bool device_command(struct sim_vtd *u, uint64_t lo, uint64_t hi)
{
	struct sim_command c = { .kind = SIM_COMMAND_DEV_TLB, .target = lo >> 32 & 0xffff };
	unsigned int order = 0;

	if (u->config.no_device_tlb || hi & 0xffe)
		return false;
	if (hi & 1) {
		while (order < 51 && hi >> (12 + order) & 1)
			order++;
		order++;
	}
	if (order < 52) {
		c.size = 4096ull << order;
		c.iova = hi & ~0xfffull & ~(c.size - 1);
	}
	u->stats.device_tlbs++;
	if (sim_inject_no_answer(u->iommu, c.target)) {
		u->unanswered = true;
		u->iqer = (uint64_t)c.target << 32;
		return true;
	}
	sim_iommu_execute(u->iommu, &c);
	return true;
}

/* Report a device that did not answer: abort the waits taken so far, and take no command until ITE is cleared. */
static void abort_waits(struct sim_vtd *u)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < u->npending; i++)
		if (u->pending[i].kind != SIM_VTD_STATUS)
			u->pending[n++] = u->pending[i];
	u->npending = n;
	u->awaited = false;
	u->unanswered = false;
	u->fsts |= ITE;
}

static bool wait_command(struct sim_vtd *u, uint64_t lo, uint64_t hi)
{
	struct sim_vtd_op op = { .kind = SIM_VTD_STATUS, .iova = hi, .size = lo >> 32 };

	if (lo & ~0xffffffff0000007full || hi & 3)
		return false;
	if (u->unanswered) {
		abort_waits(u);
		return true;
	}
	/* Fence: carry out all earlier commands before later ones. */
	if (lo & 1 << 6)
		execute_all(u);
	if (lo & 1 << 5) {
		postpone(u, &op);
		u->awaited = true;
	}
	if (lo & 1 << 6)
		execute_all(u);
	return true;
}

static bool command(struct sim_vtd *u, uint64_t lo, uint64_t hi)
{
	switch (lo & 0xf) {
	case 1:
		return context_command(u, lo, hi);
	case 2:
		return iotlb_command(u, lo, hi);
	case 3:
		return device_command(u, lo, hi);
	case 4:
		return interrupt_command(u, lo, hi);
	case 5:
		return wait_command(u, lo, hi);
	case 6:
		return first_stage_command(u, lo, hi);
	case 7:
		return pasid_command(u, lo, hi);
	}
	return false;
}

/* The queue is read through the CPU's caches, whatever page walks do. */
static void run(struct sim_vtd *u)
{
	uint32_t size = 4096u << (u->iqa & 7), width = u->iqa & 1 << 11 ? 32 : 16;
	uint64_t c[4] = { 0 };

	if (u->held || u->iommu->failing.halted || !(u->gsts & QIE))
		return;
	while (u->iqh != u->iqt && !(u->fsts & (IQE | ITE))) {
		bool refused = sim_inject_command(u->iommu);

		/* The failure may have struck at this command. */
		if (u->iommu->failing.halted)
			return;
		if (refused ||
		    !sim_bus(u->iommu->sim, (u->iqa & ~0xfffull) + u->iqh, c, width, false, true) ||
		    c[2] | c[3] || !command(u, c[0], c[1])) {
			u->fsts |= IQE;
			break;
		}
		u->stats.commands++;
		u->iqh = (u->iqh + width) % size;
	}
	/* Delay commands until a wait is behind them. */
	if (u->awaited)
		execute_all(u);
}

/* ---- registers ---- */

static void set_root(struct sim_vtd *u)
{
	bool scalable = u->rtaddr & 1 << 10;

	if (u->rtaddr & 2 << 10 || (scalable && !u->config.scalable))
		posix_misuse("a table mode that the unit does not have");
	if (u->gsts & TE && scalable != u->scalable)
		posix_misuse("the table mode changes while the unit translates");
	if (scalable && !(u->iqa & 1 << 11))
		posix_misuse("scalable mode with short commands");
	u->scalable = scalable;
	u->root = u->rtaddr & ~0xfffull;
	u->gsts |= RTP;
}

static void set_remapping_table(struct sim_vtd *u)
{
	if (u->irta & 1 << 11 && u->config.no_x2apic)
		posix_misuse("extended interrupt mode in a unit without it");
	if (u->irta & 0x7f0)
		posix_misuse("reserved bits of IRTA_REG");
	u->irt = u->irta;
	u->gsts |= IRTP;
}

static void switch_queue(struct sim_vtd *u, bool on)
{
	if (!on && u->iqh != u->iqt)
		posix_misuse("the queue is switched off with commands in it");
	u->gsts = on ? u->gsts | QIE : u->gsts & ~QIE;
	if (on)
		u->iqh = 0;
}

/* Software may change one bit at a time. One-shot bits read as zero in GSTS, except RTP. */
static void global_command(struct sim_vtd *u, uint32_t value)
{
	uint32_t change = (value ^ u->gsts) & (TE | QIE | IRE | CFI);
	uint32_t once = value & (RTP | WBF | IRTP);

	if ((change && once) || (change & (change - 1)) || (once & (once - 1)) ||
	    value & ~(TE | QIE | IRE | CFI | RTP | WBF | IRTP) ||
	    (u->config.no_remapping && value & (IRE | CFI | IRTP)))
		posix_misuse(
			"a write to GCMD_REG that changes more than one thing, or an unknown one");
	if (once & RTP)
		set_root(u);
	if (once & IRTP)
		set_remapping_table(u);
	u->stats.write_flushes += once & WBF ? 1 : 0;
	if (change & QIE)
		switch_queue(u, value & QIE);
	if (change & TE && value & TE && !(u->gsts & RTP))
		posix_misuse("translation without a root table");
	if (change & IRE && value & IRE && !(u->gsts & IRTP))
		posix_misuse("interrupt remapping without a table");
	u->gsts ^= change & (TE | IRE | CFI);
	u->iommu->off = !(u->gsts & TE);
}

static void write_record(struct sim_vtd *u, uint64_t at, uint64_t value)
{
	struct sim_vtd_record *r = &u->record[at / 16];

	/* Writing F of the upper word clears the record. */
	if (at % 16 == 12 && value >> 31 & 1)
		r->hi &= ~F;
}

static void reg_write(struct sim_vtd *u, uint64_t reg, unsigned int size, uint64_t value)
{
	if (reg == GCMD && size == 4) {
		global_command(u, (uint32_t)value);
	} else if (reg == RTADDR && size == 8) {
		u->rtaddr = value;
	} else if (reg == FSTS && size == 4) {
		u->fsts &= ~((uint32_t)value & 0x7d);
		run(u);
	} else if (reg == IRTA && size == 8 && !u->config.no_remapping) {
		u->irta = value;
	} else if (reg == FECTL && size == 4) {
		u->fectl = (u->fectl & IP) | ((uint32_t)value & IM);
	} else if (reg == FEDATA && size == 4) {
		u->fedata = (uint32_t)value;
	} else if (reg == FEADDR && size == 4) {
		u->feaddr = (u->feaddr & ~0xffffffffull) | (uint32_t)value;
	} else if (reg == FEUADDR && size == 4) {
		u->feaddr = (uint32_t)u->feaddr | value << 32;
	} else if (reg == IQT) {
		u->iqt = (uint32_t)value & 0x7fff0;
		run(u);
	} else if (reg == IQA && size == 8) {
		if (u->gsts & QIE)
			posix_misuse("the queue is moved while it is on");
		if (value & 1 << 11 && !u->config.scalable)
			posix_misuse("long commands in a unit without scalable mode");
		u->iqa = value;
	} else if (reg >= FRCD && reg < FRCD + 16ull * u->config.records) {
		write_record(u, reg - FRCD, value);
	} else {
		posix_misuse("a write to a register that the unit does not have");
	}
}

/* Returns 32 bits of a register. */
static uint32_t word(struct sim_vtd *u, uint64_t reg)
{
	const struct sim_vtd_record *r;
	uint64_t value = 0;

	if (reg >= FRCD && reg < FRCD + 16ull * u->config.records) {
		r = &u->record[(reg - FRCD) / 16];
		value = reg % 16 < 8 ? r->lo : r->hi;
	} else {
		switch (reg & ~7ull) {
		case CAP:
			value = capabilities(u);
			break;
		case ECAP:
			value = more_capabilities(u);
			break;
		case GCMD: /* and GSTS */
			value = (uint64_t)u->gsts << 32;
			break;
		case RTADDR:
			value = u->rtaddr;
			break;
		case FSTS & ~7:
			value = (uint64_t)fault_status(u) << 32;
			break;
		case FECTL:
			value = u->fectl | (uint64_t)u->fedata << 32;
			break;
		case FEADDR:
			value = u->feaddr;
			break;
		case IQH:
			value = u->iqh;
			break;
		case IQT:
			value = u->iqt;
			break;
		case IQA:
			value = u->iqa;
			break;
		case IRTA:
			value = u->irta;
			break;
		case IQER:
			value = u->config.no_error_record ? 0 : u->iqer;
			break;
		}
	}
	return (uint32_t)(reg & 4 ? value >> 32 : value);
}

static uint64_t window_read(void *ctx, uint64_t reg, unsigned int size)
{
	struct sim_vtd *u = ctx;
	uint64_t value;

	sim_lock(&u->iommu->lock);
	if (sim_inject_register(u->iommu)) {
		value = size == 8 ? UINT64_MAX : UINT32_MAX;
	} else {
		value = word(u, reg);
		if (size == 8)
			value |= (uint64_t)word(u, reg + 4) << 32;
	}
	sim_unlock(&u->iommu->lock);
	return value;
}

static void window_write(void *ctx, uint64_t reg, unsigned int size, uint64_t value)
{
	struct sim_vtd *u = ctx;

	sim_lock(&u->iommu->lock);
	if (!sim_inject_register(u->iommu))
		reg_write(u, reg, size, value);
	update_event(u);
	sim_unlock(&u->iommu->lock);
}

/* ---- the hardware's view ---- */

static enum sim_reason read_pasid_entry(struct sim_vtd *u, const struct sim_device *dev,
					struct sim_context *context, uint32_t *code)
{
	const struct sim_iommu_config *c = &u->iommu->config;
	const struct sim_pasid_caps caps = { .first_stage = u->config.scalable & 1,
					     .five_levels = has_five_levels(u),
					     .second_stage = u->config.scalable & 2,
					     .passthrough = !c->no_passthrough,
					     .snoops = !c->noncoherent_walk };
	uint64_t directory = dev->directory_known ? dev->context.directory : 0;
	bool ats = dev->context.ats;
	enum sim_reason reason;

	*context = (struct sim_context){ .ats = ats };
	reason = sim_walk_pasid(&u->iommu->mem, u->root, directory, dev->config.id, &u->iommu->hw,
				&caps, context, code);
	if (!reason && context->translate && context->table.format == SIM_FORMAT_VTD_SS &&
	    context->table.va_bits > mgaw(u))
		context->table.va_bits = mgaw(u);
	return reason;
}

static enum sim_reason read_context(void *ctx, const struct sim_device *dev,
				    struct sim_context *context, uint32_t *code)
{
	struct sim_vtd *u = ctx;
	struct sim_iommu *iommu = u->iommu;
	enum sim_reason reason;

	if (u->scalable)
		return read_pasid_entry(u, dev, context, code);
	*context = (struct sim_context){ .translate = false };
	reason = sim_walk_context(&iommu->mem, u->root, dev->config.id, &iommu->hw,
				  !iommu->config.no_passthrough, context, code);
	context->table.format = SIM_FORMAT_VTD_SS;

	if (reason || !context->translate)
		return reason;
	if (u->config.no_3_levels && context->table.levels == 3) {
		*code = VTD_FR_CONTEXT_INVALID;
		return SIM_FAULT_CONTEXT;
	}
	if (context->table.va_bits > mgaw(u))
		context->table.va_bits = mgaw(u);
	return SIM_OK;
}

static void run_queue(void *ctx)
{
	run(ctx);
}

static void power_on(void *ctx)
{
	struct sim_vtd *u = ctx;
	const struct sim_vtd was = *u;

	*u = (struct sim_vtd){ .iommu = was.iommu,
			       .config = was.config,
			       .regs = was.regs,
			       .held = was.held,
			       .stats = was.stats };
}

static const struct sim_interface interface = {
	.context = read_context,
	.fault = record_fault,
	.run = run_queue,
	.power_on = power_on,
	.interrupt = sim_vtd_interrupt,
};

/* ---- set-up ---- */

struct sim_vtd *sim_vtd_create(struct sim *sim, unsigned int n, const struct sim_vtd_config *config)
{
	struct sim_iommu *iommu = sim_iommu(sim, n);
	struct sim_vtd *u = calloc(1, sizeof(*u));

	if (!u || !iommu || iommu->has_registers || iommu->config.flavour != SIM_VTD) {
		free(u);
		return NULL;
	}
	if (config)
		u->config = *config;
	u->config.records = u->config.records ? u->config.records : 4;
	u->config.mask = u->config.mask ? u->config.mask : 18;
	if (iommu->config.first_stage)
		u->config.scalable = 1;
	u->iommu = iommu;
	u->regs = sim_regs_add(sim, REGS, u, window_read, window_write);
	if (!u->regs || u->config.records > 256 || !sim_iommu_set_interface(iommu, &interface, u)) {
		free(u);
		return NULL;
	}
	return u;
}

volatile void *sim_vtd_regs(struct sim_vtd *u)
{
	return u->regs;
}

void sim_vtd_hold(struct sim_vtd *u, bool hold)
{
	sim_lock(&u->iommu->lock);
	u->held = hold;
	run(u);
	update_event(u);
	sim_unlock(&u->iommu->lock);
}

void sim_vtd_stats(struct sim_vtd *u, struct sim_vtd_stats *stats)
{
	sim_lock(&u->iommu->lock);
	*stats = u->stats;
	sim_unlock(&u->iommu->lock);
}
