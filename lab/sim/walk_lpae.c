/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * VMSAv8-64 stage 1, 4 KiB granule: the SMMU's page tables.
 *
 * Arm Architecture Reference Manual, DDI 0487, D8.3 (descriptors), D8.4 (permissions); output addresses of 48 bits at
 * most, so that bits 50:48 are RES0. Hierarchical permissions are on (no HPD).
 */
#include "walk.h"

#define D_VALID	    (1ull << 0)
#define D_TABLE	    (1ull << 1) /* level 0 to 2: a table; level 3: a page */
#define D_AP_EL0    (1ull << 6) /* AP[1]: unprivileged access */
#define D_AP_RO	    (1ull << 7) /* AP[2]: no write */
#define D_AF	    (1ull << 10)
#define D_NG	    (1ull << 11)
#define D_NT	    (1ull << 16) /* in a block: for break-before-make, not reserved */
#define D_APT_NOEL0 (1ull << 61) /* APTable[0] */
#define D_APT_RO    (1ull << 62) /* APTable[1] */
#define D_ADDR	    0x0000fffffffff000ull
#define D_RES0	    0x0007000000000000ull

static enum sim_reason fault(struct sim_walk *walk, enum sim_reason reason, uint32_t code)
{
	walk->code = code;
	return reason;
}

static enum sim_reason leaf(const struct sim_table *t, struct sim_walk *walk, uint64_t d,
			    unsigned int perm, unsigned int shift)
{
	/* Fault on RES0 bits: hardware ignores them today, and may give them a meaning tomorrow. */
	if (d & D_RES0 || (shift > 12 && d & D_ADDR & ~D_NT & ((1ull << shift) - 1)))
		return fault(walk, SIM_FAULT_RESERVED, SMMU_F_TRANSLATION);
	walk->out = d & D_ADDR & ~((1ull << shift) - 1);
	if (walk->out >> t->out_bits)
		return fault(walk, SIM_FAULT_ADDRESS_SIZE, SMMU_F_ADDR_SIZE);
	if (!(d & D_AF))
		return fault(walk, SIM_FAULT_ACCESS_FLAG, SMMU_F_ACCESS);
	if (d & D_AP_RO)
		perm &= ~(unsigned int)SIM_PERM_WRITE;
	if (!t->privileged && !(d & D_AP_EL0))
		perm = 0;
	walk->shift = shift;
	walk->perm = perm;
	walk->global = !(d & D_NG);
	if (!perm)
		return fault(walk, SIM_FAULT_PERMISSION, SMMU_F_PERMISSION);
	return SIM_OK;
}

enum sim_reason sim_walk_lpae(const struct sim_mem *mem, const struct sim_table *t, uint64_t iova,
			      struct sim_walk *walk)
{
	struct sim_step at = walk->from;

	walk->ntrail = 0;
	walk->steps = 0;
	walk->global = false;
	/* TTBR1 is not used: the upper addresses translate to nothing. */
	if (iova >> t->va_bits)
		return fault(walk, SIM_FAULT_WIDTH, SMMU_F_TRANSLATION);
	if (!at.level)
		at = (struct sim_step){ .table = t->root,
					.perm = SIM_PERM_READ | SIM_PERM_WRITE,
					.level = t->levels };
	for (;;) {
		unsigned int shift = 12 + 9 * (at.level - 1);
		uint64_t d;

		walk->trail[walk->ntrail++] = at;
		walk->steps++;
		if (at.table >> t->out_bits)
			return fault(walk, SIM_FAULT_ADDRESS_SIZE, SMMU_F_ADDR_SIZE);
		if (!sim_mem_load(mem, at.table + (iova >> shift & 511) * 8, &d))
			return fault(walk, SIM_FAULT_TABLE, SMMU_F_WALK_EABT);
		if (!(d & D_VALID))
			return fault(walk, SIM_FAULT_TRANSLATION, SMMU_F_TRANSLATION);
		if (at.level == 1) {
			if (!(d & D_TABLE)) /* reserved, and so invalid */
				return fault(walk, SIM_FAULT_TRANSLATION, SMMU_F_TRANSLATION);
			return leaf(t, walk, d, at.perm, shift);
		}
		if (!(d & D_TABLE)) {
			/* Refuse blocks of 512 GiB, and blocks that this hardware does not support. */
			if (at.level > 3 || (at.level == 2 && t->no_2m) ||
			    (at.level == 3 && t->no_1g))
				return fault(walk, SIM_FAULT_TRANSLATION, SMMU_F_TRANSLATION);
			return leaf(t, walk, d, at.perm, shift);
		}
		if (d & D_RES0)
			return fault(walk, SIM_FAULT_RESERVED, SMMU_F_TRANSLATION);
		if (d & D_APT_RO)
			at.perm &= ~(unsigned int)SIM_PERM_WRITE;
		if (!t->privileged && d & D_APT_NOEL0)
			at.perm = 0;
		at.table = d & D_ADDR;
		at.level--;
	}
}
