/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * AMD-Vi: device table entries and host page tables.
 *
 * AMD I/O Virtualization Technology (IOMMU) Specification, 48882, rev. 3: 2.2.2 device table entry, 2.2.3 I/O page tables for
 * host translations.
 */
#include "walk_step.h"

#define PTE_PR	     (1ull << 0)
#define PTE_ADDR     0x000ffffffffff000ull
#define PTE_IR	     (1ull << 61)
#define PTE_IW	     (1ull << 62)
#define PDE_RESERVED 0x1ff0000000000000ull /* 60:52 of an entry that leads to a table */
#define PTE_RESERVED \
	0x07f0000000000000ull /* 58:52 of one that maps a page; 60 and 59 are FC and U */

#define NEXT_LEVEL(e) ((unsigned int)((e) >> 9) & 7)
enum { LEVEL_PAGE = 0, LEVEL_SIZE = 7 };

#define DTE_V	     (1ull << 0)
#define DTE_TV	     (1ull << 1)
#define DTE_RESERVED 0x7cull /* 6:2 */
#define DTE_GUEST    0x007e000000000000ull /* guest translation, PPR: not modelled */

static unsigned int perm_of(uint64_t entry)
{
	return (entry & PTE_IR ? SIM_PERM_READ : 0u) | (entry & PTE_IW ? SIM_PERM_WRITE : 0u);
}

/* Returns log2 of the page's size: with LEVEL_SIZE the lowest zero of the address, from bit 12 up, is its upper half's bit. */
static unsigned int page_shift(uint64_t entry, unsigned int level)
{
	unsigned int shift = 12;

	if (NEXT_LEVEL(entry) == LEVEL_PAGE)
		return 12 + 9 * (level - 1);
	while (shift < 51 && entry >> shift & 1)
		shift++;
	return shift + 1;
}

/* TLBs of the model have three sizes of pages: keep the part of a page around @iova that is one of them. */
static void set_page(struct sim_walk *walk, uint64_t entry, unsigned int shift, uint64_t iova)
{
	uint64_t start = (entry & PTE_ADDR) >> shift << shift;

	walk->shift = shift >= 30 ? 30 : shift >= 21 ? 21 : 12;
	walk->out = start | (iova & ((1ull << shift) - 1) & ~((1ull << walk->shift) - 1));
}

/* Returns true if an entry of a table of @level must not be as it is. */
static bool is_reserved(const struct sim_table *t, uint64_t entry, unsigned int level)
{
	unsigned int next = NEXT_LEVEL(entry), shift;

	if (entry & PTE_ADDR & ~((1ull << t->out_bits) - 1))
		return true;
	if (next != LEVEL_PAGE && next != LEVEL_SIZE)
		return next >= level || entry & PDE_RESERVED;
	if (entry & PTE_RESERVED)
		return true;
	shift = page_shift(entry, level);
	if (next == LEVEL_SIZE)
		return shift >= 12 + 9 * level || shift < 12 + 9 * (level - 1);
	return level == 6 || (entry & PTE_ADDR & ((1ull << shift) - 1)) ||
	       (level == 2 && t->no_2m) || (level >= 3 && t->no_1g);
}

enum sim_reason sim_walk_amd(const struct sim_mem *mem, const struct sim_table *t, uint64_t iova,
			     struct sim_walk *walk)
{
	struct sim_step at = sim_walk_first(t, walk);

	if (t->va_bits < 64 && iova >> t->va_bits)
		return sim_walk_fault(walk, SIM_FAULT_WIDTH, AMD_PAGE_FAULT);
	for (;;) {
		unsigned int shift = sim_walk_shift(at.level), next;
		uint64_t entry;

		if (!sim_walk_load(mem, walk, &at, iova, &entry))
			return sim_walk_fault(walk, SIM_FAULT_TABLE, AMD_PAGETAB_ERROR);
		if (!(entry & PTE_PR))
			return sim_walk_fault(walk, SIM_FAULT_TRANSLATION, AMD_PAGE_FAULT);
		if (is_reserved(t, entry, at.level))
			return sim_walk_fault(walk, SIM_FAULT_RESERVED,
					      AMD_PAGE_FAULT | AMD_RESERVED);
		at.perm &= perm_of(entry);
		next = NEXT_LEVEL(entry);
		if (next == LEVEL_PAGE || next == LEVEL_SIZE) {
			set_page(walk, entry, page_shift(entry, at.level), iova);
			walk->perm = at.perm;
			walk->code = AMD_PAGE_FAULT;
			return SIM_OK;
		}
		/* Bits of skipped levels must be zero. */
		if ((iova & ((1ull << shift) - 1)) >> (12 + 9 * next))
			return sim_walk_fault(walk, SIM_FAULT_TRANSLATION, AMD_PAGE_FAULT);
		at.table = entry & PTE_ADDR;
		at.level = next;
	}
}

enum sim_reason sim_walk_dte(const struct sim_mem *mem, uint64_t devtab, uint32_t id,
			     unsigned int levels, const struct sim_table *hw, struct sim_context *c,
			     uint32_t *code)
{
	uint64_t at = (devtab & PTE_ADDR) + id * 32ull, bytes = ((devtab & 0x1ff) + 1) * 4096;
	unsigned int mode;
	uint64_t dte[2];

	*code = AMD_DEVTAB_ERROR;
	if (!sim_mem_load(mem, at, &dte[0]) || !sim_mem_load(mem, at + 8, &dte[1]))
		return SIM_FAULT_CONTEXT;
	*code = AMD_ILLEGAL_DTE;
	if (id * 32ull >= bytes)
		return SIM_FAULT_CONTEXT;
	*c = (struct sim_context){ .table = *hw };
	*code = 0;
	if (!(dte[0] & DTE_V))
		return SIM_OK;
	mode = NEXT_LEVEL(dte[0]);
	*code = AMD_ILLEGAL_DTE;
	if (dte[0] & (DTE_RESERVED | DTE_GUEST) || mode > levels)
		return SIM_FAULT_CONTEXT;
	*code = AMD_PAGE_FAULT;
	if (!(dte[0] & DTE_TV))
		return SIM_FAULT_BLOCKED;
	c->domain = (uint32_t)(dte[1] & 0xffff);
	c->ats = dte[1] >> 32 & 1;
	c->translate = mode;
	c->table.root = dte[0] & PTE_ADDR;
	c->table.levels = mode;
	c->table.va_bits = mode == 6 ? 64 : 12 + 9 * mode;
	c->table.denied = ~perm_of(dte[0]) & (SIM_PERM_READ | SIM_PERM_WRITE);
	/* Without permissions nothing is let through either. */
	if (!mode && c->table.denied)
		return SIM_FAULT_BLOCKED;
	*code = 0;
	return SIM_OK;
}
