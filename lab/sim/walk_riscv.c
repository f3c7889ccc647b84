/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * RISC-V: first-stage and second-stage tables, MSI page tables, the device directory.
 *
 * The RISC-V Instruction Set Manual, Volume II: Sv39, Sv48, Sv57, and Sv39x4, Sv48x4 (two-stage address translation). RISC-V
 * IOMMU Architecture Specification, version 1.0: Data Structures. The unit does not set A and D (no AMO_HWAD).
 */
#include "walk_step.h"

#define PTE_V	  (1ull << 0)
#define PTE_R	  (1ull << 1)
#define PTE_W	  (1ull << 2)
#define PTE_X	  (1ull << 3)
#define PTE_U	  (1ull << 4)
#define PTE_G	  (1ull << 5)
#define PTE_A	  (1ull << 6)
#define PTE_D	  (1ull << 7)
#define PTE_HIGH  (0x3ffull << 54) /* reserved, or of extensions that the unit has not */
#define PTE_SOFT  (3ull << 59) /* Svrsw60t59b */
#define MSI_PTE_C (1ull << 63)

static uint64_t ppn(uint64_t value)
{
	return (value >> 10 & 0xfffffffffffull) << 12;
}

/* Returns true for an entry that no table may hold: reserved bits, or a write permission without a read permission. */
static bool is_reserved(const struct sim_table *t, uint64_t e)
{
	bool leaf = e & (PTE_R | PTE_W | PTE_X);

	return e & (PTE_HIGH & ~(t->software_bits ? PTE_SOFT : 0)) || (e & PTE_W && !(e & PTE_R)) ||
	       (!leaf && e & (PTE_D | PTE_A | PTE_U));
}

/* ---- the second stage ---- */

/* Translate a guest physical address. Every access of the second stage is a user's. */
static enum sim_reason second(const struct sim_mem *mem, const struct sim_table *t, uint64_t gpa,
			      struct sim_walk *walk, uint64_t *spa, unsigned int *perm)
{
	uint64_t table = t->second;

	*perm = SIM_PERM_READ | SIM_PERM_WRITE;
	*spa = gpa;
	if (!table)
		return SIM_OK;
	for (unsigned int level = t->second_levels; level; level--) {
		unsigned int shift = 12 + 9 * (level - 1),
			     bits = level == t->second_levels ? 11 : 9;
		uint64_t e;

		if (level == t->second_levels && gpa >> (shift + bits))
			return sim_walk_fault(walk, SIM_FAULT_WIDTH, RISCV_GUEST_READ);
		if (!sim_mem_load(mem, table + (gpa >> shift & ((1u << bits) - 1)) * 8, &e))
			return sim_walk_fault(walk, SIM_FAULT_TABLE, RISCV_ACCESS_READ);
		if (!(e & PTE_V))
			return sim_walk_fault(walk, SIM_FAULT_TRANSLATION, RISCV_GUEST_READ);
		if (is_reserved(t, e))
			return sim_walk_fault(walk, SIM_FAULT_RESERVED, RISCV_GUEST_READ);
		if (e & (PTE_R | PTE_X)) {
			uint64_t inside = (1ull << shift) - 1;

			if (ppn(e) & inside || !(e & PTE_U) || !(e & PTE_A))
				return sim_walk_fault(walk, SIM_FAULT_RESERVED, RISCV_GUEST_READ);
			*perm = (e & PTE_R ? SIM_PERM_READ : 0u) |
				(e & PTE_W && e & PTE_D ? SIM_PERM_WRITE : 0u);
			*spa = ppn(e) | (gpa & inside);
			return SIM_OK;
		}
		table = ppn(e);
	}
	return sim_walk_fault(walk, SIM_FAULT_TRANSLATION, RISCV_GUEST_READ);
}

/* The number of the interrupt file: the bits of the page's address in the mask, put together. */
static uint64_t extract(uint64_t page, uint64_t mask)
{
	uint64_t number = 0;

	for (unsigned int at = 0, to = 0; at < 52; at++)
		if (mask >> at & 1)
			number |= (page >> at & 1) << to++;
	return number;
}

static enum sim_reason message(const struct sim_mem *mem, const struct sim_table *t, uint64_t gpa,
			       struct sim_walk *walk)
{
	uint64_t at = t->msi + extract(gpa >> 12, t->msi_mask) * 16, lo, hi;

	walk->perm = SIM_PERM_WRITE;
	if (!sim_mem_load(mem, at, &lo) || !sim_mem_load(mem, at + 8, &hi))
		return sim_walk_fault(walk, SIM_FAULT_TABLE, RISCV_MSI_ACCESS);
	if (!(lo & PTE_V))
		return sim_walk_fault(walk, SIM_FAULT_BLOCKED, RISCV_MSI_NOT_VALID);
	/* Basic mode: M is 3, all other bits are reserved. */
	if (lo & MSI_PTE_C || (lo >> 1 & 3) != 3 || lo & (0x7full << 3 | 0x1ffull << 54) || hi)
		return sim_walk_fault(walk, SIM_FAULT_RESERVED, RISCV_MSI_INVALID);
	walk->out = ppn(lo);
	return SIM_OK;
}

/* From the page that the first stage gives to the machine's. */
static enum sim_reason finish(const struct sim_mem *mem, const struct sim_table *t, uint64_t iova,
			      struct sim_walk *walk)
{
	uint64_t gpa = (walk->out | (iova & ((1ull << walk->shift) - 1))) & ~0xfffull;
	unsigned int perm;
	enum sim_reason reason;

	if (!t->second)
		return SIM_OK;
	/* One of the second stage's pages, all of which are larger here, unless an interrupt file is inside. */
	if (t->msi && !(((gpa >> 12 ^ t->msi_pattern) & ~t->msi_mask) >> (walk->shift - 12)))
		walk->shift = 12;
	else
		gpa = walk->out;
	if (t->msi && !((gpa >> 12 ^ t->msi_pattern) & ~t->msi_mask))
		return message(mem, t, gpa, walk);
	reason = second(mem, t, gpa, walk, &walk->out, &perm);
	walk->perm &= perm;
	return reason;
}

/* ---- the first stage ---- */

static enum sim_reason leaf(const struct sim_table *t, struct sim_walk *walk, uint64_t e,
			    unsigned int shift)
{
	walk->out = ppn(e);
	walk->shift = shift;
	walk->global = e & PTE_G;
	if (walk->out & ((1ull << shift) - 1))
		return sim_walk_fault(walk, SIM_FAULT_RESERVED, RISCV_PAGE_READ);
	if (!(e & PTE_U))
		return sim_walk_fault(walk, SIM_FAULT_PERMISSION, RISCV_PAGE_READ);
	if (!(e & PTE_A))
		return sim_walk_fault(walk, SIM_FAULT_ACCESS_FLAG, RISCV_PAGE_READ);
	if (walk->out >> t->out_bits)
		return sim_walk_fault(walk, SIM_FAULT_ADDRESS_SIZE, RISCV_ACCESS_READ);
	walk->perm = (e & PTE_R ? SIM_PERM_READ : 0u) |
		     (e & PTE_W && e & PTE_D ? SIM_PERM_WRITE : 0u);
	return walk->perm ? SIM_OK : sim_walk_fault(walk, SIM_FAULT_PERMISSION, RISCV_PAGE_READ);
}

enum sim_reason sim_walk_riscv(const struct sim_mem *mem, const struct sim_table *t, uint64_t iova,
			       struct sim_walk *walk)
{
	struct sim_step at = sim_walk_first(t, walk);
	enum sim_reason reason;

	if (!t->levels) { /* Bare */
		walk->out = iova & ~0xfffull;
		walk->perm = SIM_PERM_READ | SIM_PERM_WRITE;
		return finish(mem, t, iova, walk);
	}
	/* All bits from the highest of the table's on must be the same: here, 0. */
	if (iova >> t->va_bits)
		return sim_walk_fault(walk, SIM_FAULT_WIDTH, RISCV_PAGE_READ);
	for (;;) {
		unsigned int shift = sim_walk_shift(at.level), perm;
		uint64_t e, table;

		sim_walk_pass(walk, &at);
		/* The table's own address is the guest's. */
		reason = second(mem, t, at.table, walk, &table, &perm);
		if (reason)
			return reason;
		if (table >> t->out_bits ||
		    !sim_mem_load(mem, table + (iova >> shift & 511) * 8, &e))
			return sim_walk_fault(walk, SIM_FAULT_TABLE, RISCV_ACCESS_READ);
		if (!(e & PTE_V))
			return sim_walk_fault(walk, SIM_FAULT_TRANSLATION, RISCV_PAGE_READ);
		if (is_reserved(t, e))
			return sim_walk_fault(walk, SIM_FAULT_RESERVED, RISCV_PAGE_READ);
		if (e & (PTE_R | PTE_X)) {
			reason = leaf(t, walk, e, shift);
			return reason ? reason : finish(mem, t, iova, walk);
		}
		if (at.level == 1)
			return sim_walk_fault(walk, SIM_FAULT_TRANSLATION, RISCV_PAGE_READ);
		at.table = ppn(e);
		at.level--;
	}
}

/* ---- the device directory ---- */

#define TC_V	    (1ull << 0)
#define TC_ATS	    (1ull << 1)
#define ATP_MODE(w) ((unsigned int)((w) >> 60))
#define ATP_PHYS(w) (((w)&0xfffffffffffull) << 12)

static bool decode(const uint64_t w[8], const struct sim_directory *d, struct sim_context *c)
{
	unsigned int first = ATP_MODE(w[3]), guest = ATP_MODE(w[1]);
	bool msi = d->extended && ATP_MODE(w[4]);

	/* Of the control bits V and EN_ATS are what this model has. */
	if (w[0] & ~(TC_V | (d->ats ? TC_ATS : 0)) || w[2] & ~0xfffff000ull ||
	    (w[3] & ~(0xfull << 60 | 0xfffffffffffull)))
		return false;
	c->table = *d->hw;
	c->table.software_bits = d->software_bits;
	c->ats = w[0] & TC_ATS;
	if (first > 10 || (first && first < 8) || (first == 9 && !d->sv48) ||
	    (first == 10 && !d->sv57))
		return false;
	c->table.levels = first ? first - 5 : 0;
	c->table.va_bits = first ? 12 + 9 * c->table.levels - 1 : 64;
	c->table.root = ATP_PHYS(w[3]);
	if (guest && (guest < 8 || guest > (d->sv48x4 ? 9u : 8u) || ATP_PHYS(w[1]) & 0x3fff))
		return false;
	c->table.second = guest ? ATP_PHYS(w[1]) : 0;
	c->table.second_levels = guest ? guest - 5 : 0;
	if (d->extended && (w[7] || w[5] >> 52 || w[6] >> 52 || ATP_MODE(w[4]) > 1))
		return false;
	/* Without a second stage there is no MSI page table. */
	if (msi && !guest)
		return false;
	c->table.msi = msi ? ATP_PHYS(w[4]) : 0;
	c->table.msi_mask = msi ? w[5] : 0;
	c->table.msi_pattern = msi ? w[6] : 0;
	c->translate = first || guest;
	/* Address spaces with and without a second stage differ. */
	c->domain = (uint32_t)(w[2] >> 12 & 0xfffff) |
		    (guest ? SIM_RISCV_GUEST | (uint32_t)(w[1] >> 44 & 0x7ff) << 20 : 0);
	return true;
}

enum sim_reason sim_walk_directory(const struct sim_mem *mem, const struct sim_directory *d,
				   uint32_t id, struct sim_context *context, uint32_t *code)
{
	unsigned int leaf_bits = d->extended ? 6 : 7, words = d->extended ? 8 : 4;
	uint64_t table = d->root, w[8] = { 0 };

	*code = RISCV_TYPE_DISALLOWED;
	if (id >> (leaf_bits + 9 * (d->levels - 1)))
		return SIM_FAULT_BLOCKED;
	for (unsigned int level = d->levels - 1; level; level--) {
		uint64_t e, at = table + (id >> (leaf_bits + 9 * (level - 1)) & 511) * 8;

		*code = RISCV_DDT_ACCESS;
		if (!sim_mem_load(mem, at, &e))
			return SIM_FAULT_CONTEXT;
		*code = RISCV_DDT_NOT_VALID;
		if (!(e & 1))
			return SIM_FAULT_BLOCKED;
		*code = RISCV_DDT_INVALID;
		if (e & ~(1ull | 0xfffffffffffull << 10))
			return SIM_FAULT_CONTEXT;
		table = ppn(e);
	}
	table += (uint64_t)(id & ((1u << leaf_bits) - 1)) * words * 8;
	*code = RISCV_DDT_ACCESS;
	for (unsigned int i = 0; i < words; i++)
		if (!sim_mem_load(mem, table + i * 8, &w[i]))
			return SIM_FAULT_CONTEXT;
	*code = RISCV_DDT_NOT_VALID;
	if (!(w[0] & TC_V))
		return SIM_FAULT_BLOCKED;
	*code = RISCV_DDT_INVALID;
	if (!decode(w, d, context))
		return SIM_FAULT_CONTEXT;
	*code = 0;
	return SIM_OK;
}
