/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * VT-d scalable mode: root, context and PASID tables, and first-stage page tables.
 *
 * Intel VT-d, rev. 4.1: sections 9.1 (root entry), 9.4 (scalable-mode context entry), 9.5 and 9.6 (PASID directory and table),
 * 9.7 (first-stage paging entries), 3.6 (first-stage translation). Requests without PASID, of user privilege; 4 or 5 levels;
 * no execute permission, no extended accesses.
 *
 * Hardware sets accessed and dirty flags. This model does not write to tables: an access that would set one is a fault, so
 * that software which compares entries is known to be safe.
 */
#include "walk_step.h"

#define FS_P	(1ull << 0)
#define FS_RW	(1ull << 1)
#define FS_US	(1ull << 2)
#define FS_A	(1ull << 5)
#define FS_D	(1ull << 6)
#define FS_PS	(1ull << 7)
#define FS_ADDR 0x000ffffffffff000ull

/* Returns the bits that must be clear in an entry of @level; 1: a leaf table's. */
static uint64_t reserved_bits(const struct sim_table *t, unsigned int level, uint64_t entry)
{
	uint64_t bits = FS_ADDR & ~((1ull << t->out_bits) - 1);

	if (level >= 4 || (level == 3 && t->no_1g))
		bits |= FS_PS;
	/* Bit 12 of a large page is its PAT bit. */
	if (level > 1 && entry & FS_PS)
		bits |= ((1ull << (12 + 9 * (level - 1))) - 1) & FS_ADDR & ~(1ull << 12);
	return bits;
}

static enum sim_reason leaf(struct sim_walk *walk, uint64_t entry, unsigned int shift)
{
	walk->out = entry & FS_ADDR & ~((1ull << shift) - 1);
	walk->shift = shift;
	if (walk->perm & SIM_PERM_WRITE && !(entry & FS_D))
		return sim_walk_fault(walk, SIM_FAULT_ACCESS_FLAG, VTD_FR_SM_FS_ACCESS);
	return SIM_OK;
}

enum sim_reason sim_walk_vtd_fs(const struct sim_mem *mem, const struct sim_table *t, uint64_t iova,
				struct sim_walk *walk)
{
	unsigned int top = t->levels == 5 ? 56 : 47;
	struct sim_step at = sim_walk_first(t, walk);

	/* Canonical: bits 63:47 are the same; 63:56 with 5 levels. */
	if (iova >> top && iova >> top != ~0ull >> top)
		return sim_walk_fault(walk, SIM_FAULT_WIDTH, VTD_FR_SM_NOT_CANONICAL);
	for (;;) {
		unsigned int shift = sim_walk_shift(at.level);
		uint64_t entry;

		if (!sim_walk_load(mem, walk, &at, iova, &entry))
			return sim_walk_fault(walk, SIM_FAULT_TABLE, VTD_FR_SM_FS_ACCESS);
		if (!(entry & FS_P))
			return sim_walk_fault(walk, SIM_FAULT_TRANSLATION,
					      VTD_FR_SM_FS_NOT_PRESENT);
		if (entry & reserved_bits(t, at.level, entry))
			return sim_walk_fault(walk, SIM_FAULT_RESERVED, VTD_FR_SM_FS_RESERVED);
		if (!(entry & FS_A))
			return sim_walk_fault(walk, SIM_FAULT_ACCESS_FLAG, VTD_FR_SM_FS_ACCESS);
		if (!(entry & FS_US))
			return sim_walk_fault(walk, SIM_FAULT_PERMISSION, VTD_FR_SM_USER);
		if (!(entry & FS_RW))
			at.perm &= ~(unsigned int)SIM_PERM_WRITE;
		walk->perm = at.perm;
		if (at.level == 1 || entry & FS_PS)
			return leaf(walk, entry, shift);
		at.table = entry & FS_ADDR;
		at.level--;
	}
}

/* ---- from a requester id to a PASID entry ---- */

#define P	  (1ull << 0)
#define DTE	  (1ull << 2)
#define ADDR	  0x000ffffffffff000ull
#define PGTT(e)	  ((e) >> 6 & 7)
#define PGTT_FS	  1u
#define PGTT_SS	  2u
#define PGTT_PASS 4u
#define FSPM_5	  (1ull << 2)

/* The scalable-mode context entry: no PASIDs of the device's own, the smallest directory, RID_PASID 0. */
static enum sim_reason context_entry(const struct sim_mem *mem, uint64_t root, uint32_t id,
				     struct sim_context *c, uint32_t *code)
{
	uint64_t half, e[4], at = root + (id >> 8 & 0xff) * 16 + (id >> 7 & 1) * 8;

	*code = VTD_FR_SM_ROOT_ACCESS;
	if (!sim_mem_load(mem, at, &half))
		return SIM_FAULT_CONTEXT;
	*code = VTD_FR_SM_ROOT_NOT_PRESENT;
	if (!(half & P))
		return SIM_FAULT_BLOCKED;
	*code = VTD_FR_SM_ROOT_RESERVED;
	if (half & ~(ADDR | P))
		return SIM_FAULT_CONTEXT;
	at = (half & ADDR) + (id & 0x7f) * 32;
	*code = VTD_FR_SM_CONTEXT_ACCESS;
	for (unsigned int i = 0; i < 4; i++)
		if (!sim_mem_load(mem, at + 8 * i, &e[i]))
			return SIM_FAULT_CONTEXT;
	*code = VTD_FR_SM_CONTEXT_NOT_PRESENT;
	if (!(e[0] & P))
		return SIM_FAULT_BLOCKED;
	*code = VTD_FR_SM_CONTEXT_RESERVED;
	if (e[0] & ~(ADDR | P | DTE) || e[1] | e[2] | e[3])
		return SIM_FAULT_CONTEXT;
	c->directory = e[0] & ADDR;
	c->ats = e[0] & DTE;
	return SIM_OK;
}

/* Section 9.6. AW 1, 2, 3: 39, 48, 57 bits; for pass-through the widest that the hardware has. */
static bool pasid_entry(const uint64_t e[8], const struct sim_pasid_caps *caps,
			const struct sim_table *hw, struct sim_context *c)
{
	unsigned int type = PGTT(e[0]), levels = (unsigned int)(e[0] >> 2 & 7) + 2;

	c->domain = (uint32_t)e[1] & 0xffff;
	c->translate = type != PGTT_PASS;
	c->table = *hw;
	c->table.levels = levels;
	c->table.va_bits = 12 + 9 * levels;
	/* Walks that do not snoop are not modelled where they can. */
	if (!c->domain || (caps->snoops && !(e[1] >> 23 & 1)))
		return false;
	if (type == PGTT_FS) {
		c->table.format = SIM_FORMAT_VTD_FS;
		c->table.root = e[2] & ADDR;
		c->table.levels = e[2] & FSPM_5 ? 5 : 4;
		c->table.va_bits = e[2] & FSPM_5 ? 57 : 48;
		/* Tags of the first stage are other than those of the second: its PASID belongs to them. */
		c->domain |= 1u << 16;
		return caps->first_stage && (!(e[2] & FSPM_5) || caps->five_levels);
	}
	if (levels < 3 || levels > 5 || 12 + 9 * levels > hw->va_bits)
		return false;
	if (type == PGTT_PASS)
		return caps->passthrough && 12 + 9 * levels == hw->va_bits;
	c->table.format = SIM_FORMAT_VTD_SS;
	c->table.root = e[0] & ADDR;
	return type == PGTT_SS && caps->second_stage;
}

enum sim_reason sim_walk_pasid(const struct sim_mem *mem, uint64_t root, uint64_t directory,
			       uint32_t id, const struct sim_table *hw,
			       const struct sim_pasid_caps *caps, struct sim_context *c,
			       uint32_t *code)
{
	uint64_t dir, e[8], used;
	enum sim_reason reason = SIM_OK;

	if (directory)
		c->directory = directory;
	else
		reason = context_entry(mem, root, id, c, code);
	if (reason)
		return reason;
	*code = VTD_FR_SM_DIRECTORY_ACCESS;
	if (!sim_mem_load(mem, c->directory, &dir))
		return SIM_FAULT_CONTEXT;
	*code = VTD_FR_SM_DIRECTORY_NOT_PRESENT;
	if (!(dir & P))
		return SIM_FAULT_BLOCKED;
	*code = VTD_FR_SM_DIRECTORY_RESERVED;
	if (dir & ~(ADDR | P))
		return SIM_FAULT_CONTEXT;
	*code = VTD_FR_SM_PASID_ACCESS;
	for (unsigned int i = 0; i < 8; i++)
		if (!sim_mem_load(mem, (dir & ADDR) + 8 * i, &e[i]))
			return SIM_FAULT_CONTEXT;
	*code = VTD_FR_SM_PASID_NOT_PRESENT;
	if (!(e[0] & P))
		return SIM_FAULT_BLOCKED;
	*code = VTD_FR_SM_PASID_RESERVED;
	/* PWSNP where the hardware has it; SRE, memory types and nested fields are never wanted here. */
	used = 0xffffull | (caps->snoops ? 1ull << 23 : 0);
	if (e[0] & 0xe00ull || e[1] & ~used || e[2] & ~(ADDR | 0xcull) ||
	    e[3] | e[4] | e[5] | e[6] | e[7])
		return SIM_FAULT_CONTEXT;
	*code = VTD_FR_SM_PASID_INVALID;
	if (e[2] & 0x8 || !pasid_entry(e, caps, hw, c))
		return SIM_FAULT_CONTEXT;
	*code = 0;
	return SIM_OK;
}
