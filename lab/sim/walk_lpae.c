/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * VMSAv8-64, both stages, 4 KiB granule: the SMMU's page tables.
 *
 * Arm Architecture Reference Manual, DDI 0487, D8.3 (descriptors), D8.4 (permissions), D8.4.3 (those of stage 2), D8.5.5
 * (MemAttr, without FWB); output addresses of 48 bits at most, so that bits 50:48 are RES0. Hierarchical permissions of stage
 * 1 are on (no HPD); tables of stage 2 are not concatenated.
 */
#include "walk_step.h"

#define D_VALID	    (1ull << 0)
#define D_TABLE	    (1ull << 1) /* level 0 to 2: a table; level 3: a page */
#define D_MEMATTR   (15ull << 2) /* stage 2 */
#define D_AP_EL0    (1ull << 6) /* AP[1]: unprivileged access; stage 2: S2AP[0], reads */
#define D_AP_RO	    (1ull << 7) /* AP[2]: no write; stage 2: S2AP[1], writes */
#define D_AF	    (1ull << 10)
#define D_NG	    (1ull << 11)
#define D_NT	    (1ull << 16) /* in a block: for break-before-make, not reserved */
#define D_APT_NOEL0 (1ull << 61) /* APTable[0] */
#define D_APT_RO    (1ull << 62) /* APTable[1] */
#define D_ADDR	    0x0000fffffffff000ull
#define D_RES0	    0x0007000000000000ull
/* Stage 2: bit 11 (NSE or FnXS) and, in an entry that points to a table, no attributes, since none is hierarchical. */
#define D_S2_RES0	0x0007000000000800ull
#define D_S2_TABLE_RES0 0xf807000000000000ull

/* The permissions of a leaf of stage 1, of which the tables above give @perm. */
static unsigned int perm_s1(const struct sim_table *t, uint64_t d, unsigned int perm)
{
	if (d & D_AP_RO)
		perm &= ~(unsigned int)SIM_PERM_WRITE;
	return t->privileged || d & D_AP_EL0 ? perm : 0;
}

static unsigned int perm_s2(uint64_t d)
{
	return (d & D_AP_EL0 ? SIM_PERM_READ : 0u) | (d & D_AP_RO ? SIM_PERM_WRITE : 0u);
}

/* Returns true for bits that no leaf may hold: hardware ignores them today, and may give them a meaning tomorrow. */
static bool is_reserved(bool stage2, uint64_t d, unsigned int shift)
{
	uint64_t attr = (d & D_MEMATTR) >> 2;

	if (shift > 12 && d & D_ADDR & ~D_NT & ((1ull << shift) - 1))
		return true;
	if (!stage2)
		return d & D_RES0;
	/* MemAttr 0b0100, 0b1000 and 0b1100 have an outer attribute without an inner one. */
	return d & D_S2_RES0 || (attr >= 4 && !(attr & 3));
}

static enum sim_reason leaf(const struct sim_table *t, struct sim_walk *walk, uint64_t d,
			    unsigned int perm, unsigned int shift)
{
	bool stage2 = t->format == SIM_FORMAT_LPAE_S2;

	if (is_reserved(stage2, d, shift))
		return sim_walk_fault(walk, SIM_FAULT_RESERVED, SMMU_F_TRANSLATION);
	walk->out = d & D_ADDR & ~((1ull << shift) - 1);
	if (walk->out >> t->out_bits)
		return sim_walk_fault(walk, SIM_FAULT_ADDRESS_SIZE, SMMU_F_ADDR_SIZE);
	if (!(d & D_AF))
		return sim_walk_fault(walk, SIM_FAULT_ACCESS_FLAG, SMMU_F_ACCESS);
	walk->shift = shift;
	walk->perm = stage2 ? perm_s2(d) : perm_s1(t, d, perm);
	walk->global = !stage2 && !(d & D_NG);
	if (!walk->perm)
		return sim_walk_fault(walk, SIM_FAULT_PERMISSION, SMMU_F_PERMISSION);
	return SIM_OK;
}

/* Returns true where @level may hold a leaf with these type bits: no blocks of 512 GiB, none that this hardware has not. */
static bool is_leaf_level(const struct sim_table *t, unsigned int level, bool page)
{
	if (level == 1)
		return page;
	return level <= 3 && !(level == 2 && t->no_2m) && !(level == 3 && t->no_1g);
}

enum sim_reason sim_walk_lpae(const struct sim_mem *mem, const struct sim_table *t, uint64_t iova,
			      struct sim_walk *walk)
{
	uint64_t res0 = t->format == SIM_FORMAT_LPAE_S2 ? D_S2_TABLE_RES0 : D_RES0;
	struct sim_step at = sim_walk_first(t, walk);

	/* TTBR1 is not used: the upper addresses translate to nothing. */
	if (iova >> t->va_bits)
		return sim_walk_fault(walk, SIM_FAULT_WIDTH, SMMU_F_TRANSLATION);
	for (;;) {
		uint64_t d;

		if (at.table >> t->out_bits)
			return sim_walk_fault(walk, SIM_FAULT_ADDRESS_SIZE, SMMU_F_ADDR_SIZE);
		if (!sim_walk_load(mem, walk, &at, iova, &d))
			return sim_walk_fault(walk, SIM_FAULT_TABLE, SMMU_F_WALK_EABT);
		if (!(d & D_VALID))
			return sim_walk_fault(walk, SIM_FAULT_TRANSLATION, SMMU_F_TRANSLATION);
		if (at.level == 1 || !(d & D_TABLE)) {
			if (!is_leaf_level(t, at.level, d & D_TABLE))
				return sim_walk_fault(walk, SIM_FAULT_TRANSLATION,
						      SMMU_F_TRANSLATION);
			return leaf(t, walk, d, at.perm, sim_walk_shift(at.level));
		}
		if (d & res0)
			return sim_walk_fault(walk, SIM_FAULT_RESERVED, SMMU_F_TRANSLATION);
		if (d & D_APT_RO)
			at.perm &= ~(unsigned int)SIM_PERM_WRITE;
		if (!t->privileged && d & D_APT_NOEL0)
			at.perm = 0;
		at.table = d & D_ADDR;
		at.level--;
	}
}
