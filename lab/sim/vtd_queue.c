/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The invalidation queue of a VT-d unit. Specification, rev. 4.1: 6.5.2. */
#include "vtd_unit.h"

#include "posix.h"

static void forget_contexts(struct sim_vtd *u, const struct sim_vtd_op *op)
{
	struct sim_iommu *iommu = u->unit.iommu;

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
	for (struct sim_device *dev = u->unit.iommu->sim->devices; dev; dev = dev->next)
		if (dev->iommu == u->unit.iommu &&
		    (op->granularity == 3 || (dev->context.domain & 0xffff) == op->domain))
			dev->known = false;
}

/* Tags of the first stage have bit 16 set: sim_walk_pasid(). */
static void invalidate_first_stage(struct sim_vtd *u, struct sim_command c)
{
	c.target |= 1u << 16;
	sim_iommu_execute(u->unit.iommu, &c);
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
			sim_unit_forget_tables(&u->unit);
		else
			sim_iommu_execute(u->unit.iommu, &c);
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
		if (!sim_bus(u->unit.iommu->sim, op->iova, &status, 4, true, true))
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

/* The fields that all invalidations have at the same place. */
static struct sim_vtd_op op_of(enum sim_vtd_kind kind, uint64_t lo)
{
	return (struct sim_vtd_op){ .kind = kind,
				    .granularity = lo >> 4 & 3,
				    .domain = lo >> 16 & 0xffff };
}

/* The second half of an invalidation of pages: its range, and if it spares the tables above. False: the command is refused. */
static bool take_range(struct sim_vtd *u, struct sim_vtd_op *op, uint64_t hi)
{
	unsigned int mask = hi & 0x3f;

	op->tables = true;
	if (op->granularity != 3)
		return !hi;
	if (u->config.no_psi || mask > u->config.mask || hi & 0xf80)
		return false;
	op->size = 4096ull << mask;
	op->iova = (hi & ~0xfffull) & ~(op->size - 1);
	op->tables = !(hi & 0x40);
	u->stats.pages++;
	return true;
}

static bool context_command(struct sim_vtd *u, uint64_t lo, uint64_t hi)
{
	struct sim_vtd_op op = op_of(SIM_VTD_CONTEXT, lo);

	op.id = lo >> 32 & 0xffff;
	if (!op.granularity || lo & ~0x3ffffffff003full || hi)
		return false;
	postpone(u, &op);
	return true;
}

static bool iotlb_command(struct sim_vtd *u, uint64_t lo, uint64_t hi)
{
	struct sim_vtd_op op = op_of(SIM_VTD_IOTLB, lo);

	if (!op.granularity || lo & ~0xffff00ffull)
		return false;
	if (!take_range(u, &op, hi))
		return false;
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
		if (mask > sim_vtd_handle_mask(u))
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
	struct sim_vtd_op op = op_of(SIM_VTD_PASID, lo);

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
	struct sim_vtd_op op = op_of(SIM_VTD_PIOTLB, lo);

	if (!u->config.scalable || op.granularity < 2 || lo & ~0xfffffffff003full)
		return false;
	if (!take_range(u, &op, hi))
		return false;
	u->stats.first_stage++;
	if (!(lo >> 32))
		postpone(u, &op);
	return true;
}

/* Carry the command out before those posted earlier. */
static bool device_command(struct sim_vtd *u, uint64_t lo, uint64_t hi)
{
	uint32_t id = lo >> 32 & 0xffff;

	if (u->config.no_device_tlb || hi & 0xffe)
		return false;
	u->stats.device_tlbs++;
	if (!sim_unit_device_tlb(&u->unit, id, hi, sim_unit_order(hi, hi & 1))) {
		u->unanswered = true;
		u->iqer = (uint64_t)id << 32;
	}
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
void sim_vtd_run(struct sim_vtd *u)
{
	uint32_t size = 4096u << (u->iqa & 7), width = u->iqa & 1 << 11 ? 32 : 16;
	uint64_t c[4] = { 0 };

	if (sim_unit_stands_still(&u->unit) || !(u->gsts & QIE))
		return;
	while (u->iqh != u->iqt && !(u->fsts & (IQE | ITE))) {
		bool refused = sim_inject_command(u->unit.iommu);

		/* The failure may have struck at this command. */
		if (u->unit.iommu->failing.halted)
			return;
		if (refused ||
		    !sim_bus(u->unit.iommu->sim, (u->iqa & ~0xfffull) + u->iqh, c, width, false,
			     true) ||
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
