/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The registers and the queue of a VT-d unit. Specification, rev. 4.1: chapter 11 (registers), 6.5.2 (queued
 * invalidation), 7.2 (fault logging).
 */
#include "vtd_unit.h"

#include "posix.h"

#include <stddef.h>
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
#define IRE  (1u << 25)
#define IRTP (1u << 24)
#define CFI  (1u << 23)
#define PFO  (1u << 0)
#define PPF  (1u << 1)
#define IM   (1u << 31)
#define IP   (1u << 30)
#define F    (1ull << 63) /* of a record's upper half */

/* ---- what it can do ---- */

/* Returns the width of an input address, which may be less than that of the page tables. */
static unsigned int mgaw(const struct sim_vtd *u)
{
	return u->config.mgaw ? u->config.mgaw : u->unit.iommu->config.va_bits;
}

static bool has_five_levels(const struct sim_vtd *u)
{
	return u->unit.iommu->config.va_bits >= 57;
}

static uint64_t capabilities(const struct sim_vtd *u)
{
	const struct sim_iommu_config *c = &u->unit.iommu->config;
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

unsigned int sim_vtd_handle_mask(const struct sim_vtd *u)
{
	return u->config.handle_mask ? u->config.handle_mask - 1 : 15;
}

static uint64_t more_capabilities(const struct sim_vtd *u)
{
	const struct sim_iommu_config *c = &u->unit.iommu->config;

	return (c->noncoherent_walk ? 0u : 1u) | 2u | (u->config.no_device_tlb ? 0u : 4u) |
	       (u->config.no_remapping ? 0u : 8u | sim_vtd_handle_mask(u) << 20) |
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
	u->unit.iommu->off = !(u->gsts & TE);
}

static void write_record(struct sim_vtd *u, uint64_t at, uint64_t value)
{
	struct sim_vtd_record *r = &u->record[at / 16];

	/* Writing F of the upper word clears the record. */
	if (at % 16 == 12 && value >> 31 & 1)
		r->hi &= ~F;
}

static void write_register(struct sim_vtd *u, uint64_t reg, unsigned int size, uint64_t value)
{
	if (reg == GCMD && size == 4) {
		global_command(u, (uint32_t)value);
	} else if (reg == RTADDR && size == 8) {
		u->rtaddr = value;
	} else if (reg == FSTS && size == 4) {
		u->fsts &= ~((uint32_t)value & 0x7d);
		sim_vtd_run(u);
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
		sim_vtd_run(u);
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

static uint32_t reg_read(void *unit, uint64_t reg)
{
	const struct sim_vtd *u = unit;
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

static void reg_write(void *unit, uint64_t reg, unsigned int size, uint64_t value)
{
	write_register(unit, reg, size, value);
	update_event(unit);
}

/* ---- the hardware's view ---- */

static enum sim_reason read_pasid_entry(struct sim_vtd *u, const struct sim_device *dev,
					struct sim_context *context, uint32_t *code)
{
	const struct sim_iommu_config *c = &u->unit.iommu->config;
	const struct sim_pasid_caps caps = { .first_stage = u->config.scalable & 1,
					     .five_levels = has_five_levels(u),
					     .second_stage = u->config.scalable & 2,
					     .passthrough = !c->no_passthrough,
					     .snoops = !c->noncoherent_walk };
	uint64_t directory = dev->directory_known ? dev->context.directory : 0;
	bool ats = dev->context.ats;
	enum sim_reason reason;

	*context = (struct sim_context){ .ats = ats };
	reason = sim_walk_pasid(&u->unit.iommu->mem, u->root, directory, dev->config.id,
				&u->unit.iommu->hw, &caps, context, code);
	if (!reason && context->translate && context->table.format == SIM_FORMAT_VTD_SS &&
	    context->table.va_bits > mgaw(u))
		context->table.va_bits = mgaw(u);
	return reason;
}

static enum sim_reason read_context(void *ctx, const struct sim_device *dev,
				    struct sim_context *context, uint32_t *code)
{
	struct sim_vtd *u = ctx;
	struct sim_iommu *iommu = u->unit.iommu;
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
	struct sim_vtd *u = ctx;
	uint32_t before = u->fsts;

	sim_vtd_run(u);
	if (u->fsts != before)
		update_event(u);
}

static const struct sim_unit_model model = {
	.flavour = SIM_VTD,
	.size = sizeof(struct sim_vtd),
	.kept = offsetof(struct sim_vtd, gsts),
	.interface = { .context = read_context,
		       .fault = record_fault,
		       .run = run_queue,
		       .power_on = sim_unit_power_on,
		       .interrupt = sim_vtd_interrupt },
	.read = reg_read,
	.write = reg_write,
};

/* ---- set-up ---- */

struct sim_vtd *sim_vtd_create(struct sim *sim, unsigned int n, const struct sim_vtd_config *config)
{
	struct sim_vtd *u = sim_unit_alloc(sim, n, &model);

	if (!u)
		return NULL;
	if (config)
		u->config = *config;
	u->config.records = u->config.records ? u->config.records : 4;
	u->config.mask = u->config.mask ? u->config.mask : 18;
	if (u->unit.iommu->config.first_stage)
		u->config.scalable = 1;
	if (u->config.records > 256) {
		free(u);
		return NULL;
	}
	return sim_unit_start(u, REGS);
}

volatile void *sim_vtd_regs(struct sim_vtd *u)
{
	return u->unit.regs;
}

void sim_vtd_hold(struct sim_vtd *u, bool hold)
{
	sim_unit_hold(&u->unit, hold);
}

void sim_vtd_stats(struct sim_vtd *u, struct sim_vtd_stats *stats)
{
	sim_unit_copy(&u->unit, stats, &u->stats, sizeof(*stats));
}
