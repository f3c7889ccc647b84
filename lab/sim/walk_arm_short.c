/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * ARMv7 short descriptors: Arm Architecture Reference Manual ARMv7-A, B3.5 (descriptors), B3.7.1 (AP), B3.8.2 (TEX, C, B without
 * remap). TTBCR.N is 0. A section and a large page are cached by pieces of 4 KiB, as a TLB may do.
 */
#include "walk.h"

#define TYPE(d)	     ((d)&3)
#define SUPERSECTION (1u << 18)

static bool load(const struct sim_mem *mem, struct sim_walk *walk, uint64_t addr, uint32_t *d)
{
	uint64_t both;

	walk->steps++;
	if (!sim_mem_load(mem, addr & ~7ull, &both))
		return false;
	*d = (uint32_t)(addr & 4 ? both >> 32 : both);
	return true;
}

/* AP[2:0] for unprivileged accesses. */
static unsigned int perm_of(unsigned int ap)
{
	switch (ap) {
	case 3:
		return SIM_PERM_READ | SIM_PERM_WRITE;
	case 2:
	case 6:
	case 7:
		return SIM_PERM_READ;
	default:
		return 0;
	}
}

/* TEX, C, B: 0b01010, 0b00110 (implementation defined) and reserved ones are not what a driver may use. */
static bool is_type(unsigned int tex, uint32_t cb)
{
	return tex == 0 ? cb != 2 : tex == 1 && cb != 1 && cb != 2;
}

static enum sim_reason leaf(struct sim_walk *walk, uint64_t out, unsigned int ap, bool typed,
			    bool ng)
{
	walk->out = out;
	walk->shift = 12;
	walk->perm = perm_of(ap);
	walk->global = !ng;
	if (!typed) {
		walk->code = SMMU_F_TRANSLATION;
		return SIM_FAULT_RESERVED;
	}
	if (walk->perm)
		return SIM_OK;
	walk->code = SMMU_F_PERMISSION;
	return SIM_FAULT_PERMISSION;
}

static enum sim_reason section(struct sim_walk *walk, uint32_t d, uint64_t iova)
{
	if (d & SUPERSECTION) {
		walk->code = SMMU_F_TRANSLATION;
		return SIM_FAULT_RESERVED;
	}
	return leaf(walk, (d & 0xfff00000u) | (iova & 0xff000), (d >> 10 & 3) | (d >> 13 & 4),
		    is_type(d >> 12 & 7, d >> 2 & 3), d >> 17 & 1);
}

static enum sim_reason page(struct sim_walk *walk, uint32_t d, uint64_t iova)
{
	bool large = TYPE(d) == 1;
	unsigned int tex = large ? d >> 12 & 7 : d >> 6 & 7;
	uint64_t out = large ? (d & 0xffff0000u) | (iova & 0xf000) : d & 0xfffff000u;

	return leaf(walk, out, (d >> 4 & 3) | (d >> 7 & 4), is_type(tex, d >> 2 & 3), d >> 11 & 1);
}

enum sim_reason sim_walk_arm_short(const struct sim_mem *mem, const struct sim_table *t,
				   uint64_t iova, struct sim_walk *walk)
{
	uint32_t d;

	walk->ntrail = 0;
	walk->steps = 0;
	walk->global = false;
	walk->code = SMMU_F_TRANSLATION;
	if (iova >> 32)
		return SIM_FAULT_WIDTH;
	if (!load(mem, walk, t->root + (iova >> 20) * 4, &d)) {
		walk->code = SMMU_F_WALK_EABT;
		return SIM_FAULT_TABLE;
	}
	/* Type 3 is a section that is not to be executed by privileged software, where PXN exists. */
	if (TYPE(d) == 0 || TYPE(d) == 3)
		return SIM_FAULT_TRANSLATION;
	if (TYPE(d) == 2)
		return section(walk, d, iova);
	if (!load(mem, walk, (d & 0xfffffc00u) + (iova >> 12 & 255) * 4, &d)) {
		walk->code = SMMU_F_WALK_EABT;
		return SIM_FAULT_TABLE;
	}
	return TYPE(d) ? page(walk, d, iova) : SIM_FAULT_TRANSLATION;
}
