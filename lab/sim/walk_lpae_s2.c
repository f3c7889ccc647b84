/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * VMSAv8-64 stage 2, 4 KiB granule: the SMMU's page tables where stage 1 is not used.
 *
 * Arm Architecture Reference Manual, DDI 0487, D8.3 (descriptors), D8.4.3 (stage 2 permissions), D8.5.5 (MemAttr, without
 * FWB); output addresses of 48 bits at most. No concatenated tables.
 */
#include "walk.h"

#define D_VALID	  (1ull << 0)
#define D_TABLE	  (1ull << 1) /* level 0 to 2: a table; level 3: a page */
#define D_MEMATTR (15ull << 2)
#define D_AF	  (1ull << 10)
#define D_NT	  (1ull << 16) /* in a block: for break-before-make, not reserved */
#define D_ADDR	  0x0000fffffffff000ull
/* Bit 11 (NSE or FnXS) and, in an entry that points to a table, no attributes: stage 2 has no hierarchical ones. */
#define D_RES0	     0x0007000000000800ull
#define D_TABLE_RES0 0xf807000000000000ull

static enum sim_reason fault(struct sim_walk *walk, enum sim_reason reason, uint32_t code)
{
	walk->code = code;
	return reason;
}

/* MemAttr with a reserved value: 0b0100, 0b1000 and 0b1100 have an outer attribute without an inner one. */
static bool attr_is_reserved(uint64_t d)
{
	uint64_t attr = (d & D_MEMATTR) >> 2;

	return attr >= 4 && !(attr & 3);
}

static enum sim_reason leaf(const struct sim_table *t, struct sim_walk *walk, uint64_t d,
			    unsigned int shift)
{
	if (d & D_RES0 || attr_is_reserved(d) ||
	    (shift > 12 && d & D_ADDR & ~D_NT & ((1ull << shift) - 1)))
		return fault(walk, SIM_FAULT_RESERVED, SMMU_F_TRANSLATION);
	walk->out = d & D_ADDR & ~((1ull << shift) - 1);
	if (walk->out >> t->out_bits)
		return fault(walk, SIM_FAULT_ADDRESS_SIZE, SMMU_F_ADDR_SIZE);
	if (!(d & D_AF))
		return fault(walk, SIM_FAULT_ACCESS_FLAG, SMMU_F_ACCESS);
	walk->shift = shift;
	/* S2AP[0] reads, S2AP[1] writes. */
	walk->perm = (d >> 6 & 1 ? SIM_PERM_READ : 0u) | (d >> 7 & 1 ? SIM_PERM_WRITE : 0u);
	if (!walk->perm)
		return fault(walk, SIM_FAULT_PERMISSION, SMMU_F_PERMISSION);
	return SIM_OK;
}

enum sim_reason sim_walk_lpae_s2(const struct sim_mem *mem, const struct sim_table *t,
				 uint64_t iova, struct sim_walk *walk)
{
	struct sim_step at = walk->from;

	walk->ntrail = 0;
	walk->steps = 0;
	walk->global = false;
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
		if (!(d & D_VALID) || (at.level == 1 && !(d & D_TABLE)))
			return fault(walk, SIM_FAULT_TRANSLATION, SMMU_F_TRANSLATION);
		if (at.level == 1)
			return leaf(t, walk, d, shift);
		if (!(d & D_TABLE)) {
			if (at.level > 3 || (at.level == 2 && t->no_2m) ||
			    (at.level == 3 && t->no_1g))
				return fault(walk, SIM_FAULT_TRANSLATION, SMMU_F_TRANSLATION);
			return leaf(t, walk, d, shift);
		}
		if (d & D_TABLE_RES0)
			return fault(walk, SIM_FAULT_RESERVED, SMMU_F_TRANSLATION);
		at.table = d & D_ADDR;
		at.level--;
	}
}
