/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * VT-d, legacy mode: root table, context table, second-stage tables.
 *
 * Intel Virtualization Technology for Directed I/O, rev. 4.1: 9.1 root entry, 9.3 context entry, 9.8 second-stage
 * paging entries, 3.7 the walk, 7.1.3 fault reasons.
 */
#include "walk_step.h"

#define SS_READ	 (1ull << 0)
#define SS_WRITE (1ull << 1)
#define SS_PS	 (1ull << 7) /* in a level 2 or 3 entry: a leaf */
#define SS_SNP	 (1ull << 11) /* reserved where snoop control is not reported, as here */
#define SS_TM	 (1ull << 62) /* transient mapping: reserved; bits 52 to 61 and 63 are ignored */
#define SS_ADDR	 0x000ffffffffff000ull
#define ROOT_P	 (1ull << 0)
#define CTX_P	 (1ull << 0)
#define CTX_AW	 7u
#define CTX_DID	 0x00ffff00ull

enum { TT_SECOND_STAGE = 0, TT_DEVICE_TLB = 1, TT_PASSTHROUGH = 2 };

bool sim_mem_load(const struct sim_mem *mem, uint64_t addr, uint64_t *value)
{
	if (addr % 8 || !sim_ram_has(mem->ram, addr, 8))
		return false;
	if (mem->cache && mem->coherent)
		*value = sim_cache_load64(mem->cache, addr);
	else
		*value = __atomic_load_n((uint64_t *)(void *)sim_ram_at(mem->ram, addr),
					 __ATOMIC_ACQUIRE);
	return true;
}

/* Returns the bits that must be clear in an entry of @level; 1: a leaf table's. */
static uint64_t reserved_bits(const struct sim_table *t, unsigned int level, uint64_t entry)
{
	uint64_t bits = SS_TM | (SS_ADDR & ~((1ull << t->out_bits) - 1));
	bool block = false;

	if (level >= 4)
		bits |= SS_PS;
	else if (level > 1 && entry & SS_PS)
		block = true;
	if ((level == 2 && t->no_2m) || (level == 3 && t->no_1g))
		bits |= SS_PS;
	if (block)
		bits |= ((1ull << (12 + 9 * (level - 1))) - 1) & SS_ADDR;
	if (level == 1 || block)
		bits |= SS_SNP;
	return bits;
}

enum sim_reason sim_walk_vtd(const struct sim_mem *mem, const struct sim_table *t, uint64_t iova,
			     struct sim_walk *walk)
{
	struct sim_step at = sim_walk_first(t, walk);

	if (t->va_bits < 64 && iova >> t->va_bits)
		return sim_walk_fault(walk, SIM_FAULT_WIDTH, VTD_FR_BEYOND_WIDTH);
	for (;;) {
		unsigned int shift = sim_walk_shift(at.level);
		uint64_t entry;

		if (!sim_walk_load(mem, walk, &at, iova, &entry))
			return sim_walk_fault(walk, SIM_FAULT_TABLE, VTD_FR_TABLE_ACCESS);
		/* An entry without permissions is not present; its other bits are free for software. */
		if (!(entry & (SS_READ | SS_WRITE)))
			return sim_walk_fault(walk, SIM_FAULT_TRANSLATION, VTD_FR_READ);
		if (entry & reserved_bits(t, at.level, entry))
			return sim_walk_fault(walk, SIM_FAULT_RESERVED, VTD_FR_RESERVED);
		at.perm &= (entry & SS_READ ? SIM_PERM_READ : 0u) |
			   (entry & SS_WRITE ? SIM_PERM_WRITE : 0u);
		if (at.level == 1 || entry & SS_PS) {
			walk->out = entry & SS_ADDR;
			walk->shift = shift;
			walk->perm = at.perm;
			if (!at.perm)
				return sim_walk_fault(walk, SIM_FAULT_TRANSLATION, VTD_FR_READ);
			return SIM_OK;
		}
		at.table = entry & SS_ADDR;
		at.level--;
	}
}

static bool decode(uint64_t lo, uint64_t hi, const struct sim_table *hw, bool passthrough,
		   struct sim_context *c)
{
	unsigned int type = lo >> 2 & 3, levels = (unsigned int)(hi & CTX_AW) + 2;

	c->domain = (uint32_t)((hi & CTX_DID) >> 8);
	c->ats = type == TT_DEVICE_TLB;
	c->translate = type != TT_PASSTHROUGH;
	/* AW 1, 2, 3: 39, 48, 57 bits. For pass-through it must be the widest that the hardware has. */
	if (levels < 3 || levels > 5 || 12 + 9 * levels > hw->va_bits)
		return false;
	if (type == TT_PASSTHROUGH)
		return passthrough && 12 + 9 * levels == hw->va_bits;
	if (type > TT_PASSTHROUGH)
		return false;
	c->table = *hw;
	c->table.root = lo & SS_ADDR;
	c->table.levels = levels;
	c->table.va_bits = 12 + 9 * levels;
	return true;
}

enum sim_reason sim_walk_context(const struct sim_mem *mem, uint64_t root, uint32_t id,
				 const struct sim_table *hw, bool passthrough,
				 struct sim_context *context, uint32_t *code)
{
	uint64_t beyond = SS_ADDR & ~((1ull << hw->out_bits) - 1), lo, hi,
		 at = root + (id >> 8 & 0xff) * 16;

	*code = VTD_FR_ROOT_ACCESS;
	if (!sim_mem_load(mem, at, &lo) || !sim_mem_load(mem, at + 8, &hi))
		return SIM_FAULT_CONTEXT;
	*code = VTD_FR_ROOT_NOT_PRESENT;
	if (!(lo & ROOT_P))
		return SIM_FAULT_BLOCKED;
	*code = VTD_FR_ROOT_RESERVED;
	if (lo & (0xffe | beyond | ~(SS_ADDR | 0xfff)) || hi)
		return SIM_FAULT_CONTEXT;
	at = (lo & SS_ADDR) + (id & 0xff) * 16;
	*code = VTD_FR_CONTEXT_ACCESS;
	if (!sim_mem_load(mem, at, &lo) || !sim_mem_load(mem, at + 8, &hi))
		return SIM_FAULT_CONTEXT;
	*code = VTD_FR_CONTEXT_NOT_PRESENT;
	if (!(lo & CTX_P))
		return SIM_FAULT_BLOCKED;
	*code = VTD_FR_CONTEXT_RESERVED;
	if (lo & (0xff0 | beyond | ~(SS_ADDR | 0xfff)) || hi & (1u << 7 | ~0xffffffull))
		return SIM_FAULT_CONTEXT;
	*code = VTD_FR_CONTEXT_INVALID;
	if (!decode(lo, hi, hw, passthrough, context))
		return SIM_FAULT_CONTEXT;
	*code = 0;
	return SIM_OK;
}
