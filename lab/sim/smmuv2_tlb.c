/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Invalidations and syncs of an SMMUv1 or SMMUv2 (Arm IHI 0062, sections 9.6 and 16.6). */
#include "smmuv2_unit.h"

static bool is_meant(const struct smmuv2_op *op, uint32_t tag)
{
	return op->kind == OP_ALL || (op->kind == OP_VMID ? TAG_VMID(tag) : tag) == op->tag;
}

static void execute(struct sim_smmuv2 *u, const struct smmuv2_op *op)
{
	struct sim_iommu *iommu = u->unit.iommu;
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

void sim_smmuv2_postpone(struct sim_smmuv2 *u, struct smmuv2_op op)
{
	if (u->npending == PENDING)
		execute_pending(u, NOBODY);
	u->pending[u->npending++] = op;
}

void sim_smmuv2_run(struct sim_smmuv2 *u)
{
	if (u->syncing && !sim_unit_stands_still(&u->unit)) {
		execute_pending(u, NOBODY);
		/* The failure may have struck at this sync. */
		u->syncing = sim_unit_stands_still(&u->unit);
	}
	for (unsigned int n = 0; n < u->nbanks && !sim_unit_stands_still(&u->unit); n++) {
		if (!u->bank[n].syncing)
			continue;
		execute_pending(u, (int)n);
		u->bank[n].syncing = sim_unit_stands_still(&u->unit);
	}
}
