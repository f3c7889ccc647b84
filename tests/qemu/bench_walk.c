/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * VT-d, Architecture Specification, section 9.8: bit 0 read, bit 1 write, bit 7 a large page; section 9.7: bit 0 present, bit
 * 1 write, bit 2 user, bit 5 accessed, bit 6 dirty, bit 7 a large page. Arm Architecture Reference Manual, D8.3: bit 0 valid,
 * bit 1 a table or a page, bit 10 accessed; stage 1: bit 6 unprivileged, bit 7 read-only; stage 2: bits 5:2 write-back, bit 6
 * read, bit 7 write. AMD's IOMMU specification, 2.2.3: bit 0 present, bits 11:9 the level of the next table, 0 for a page, bit
 * 61 read, bit 62 write. RISC-V Instruction Set Manual, volume II, Sv48: bit 0 valid, bit 1 read, bit 2 write, bit 3 execute,
 * bit 4 user, bits 7:6 dirty and accessed, the page number from bit 10 on.
 */
#include "bench_walk.h"

#define ADDRESS	   0x0000fffffffff000ull
#define VTD_LARGE  0x80ull
#define LPAE_VALID 1ull
#define LPAE_TABLE 2ull
#define LPAE_USER  0x40ull
#define LPAE_RO	   0x80ull
#define LPAE_INNER 0x300ull
#define LPAE_AF	   0x400ull
#define S2_WB	   0x3cull
#define S2_READ	   0x40ull
#define S2_WRITE   0x80ull
#define FS_TABLE   0x27ull
#define FS_PAGE	   0x67ull
#define AMD_READ   (1ull << 61)
#define AMD_WRITE  (1ull << 62)
#define SV_LEAF	   0x0eull
#define SV_PAGE	   0xd7ull

static bool is_vtd(const struct dmah_pt_info *pt)
{
	return pt->format == &dmah_pt_vtd_ss || pt->format == &dmah_pt_vtd_fs;
}

static bool is_riscv(const struct dmah_pt_info *pt)
{
	return pt->format == &dmah_pt_sv || pt->format == &dmah_pt_sv_rsw;
}

static bool is_leaf(const struct dmah_pt_info *pt, uint64_t entry)
{
	if (pt->format == &dmah_pt_amd_v1)
		return !(entry >> 9 & 7);
	if (is_riscv(pt))
		return entry & SV_LEAF;
	return is_vtd(pt) ? (entry & VTD_LARGE) != 0 : !(entry & LPAE_TABLE);
}

static uint64_t address_of(const struct dmah_pt_info *pt, uint64_t entry)
{
	return is_riscv(pt) ? (entry << 2) & ADDRESS : entry & ADDRESS;
}

/* Permissions that one entry gives; 0: it is not present. */
static unsigned int perm_of(const struct dmah_pt_info *pt, uint64_t entry, bool leaf)
{
	if (pt->format == &dmah_pt_vtd_ss)
		return (unsigned int)entry & 3;
	if (!(entry & LPAE_VALID)) /* which is the present bit of all others as well */
		return 0;
	if (pt->format == &dmah_pt_vtd_fs)
		return WALK_READ | (entry & 2 ? WALK_WRITE : 0);
	if (pt->format == &dmah_pt_amd_v1)
		return (entry & AMD_READ ? WALK_READ : 0) | (entry & AMD_WRITE ? WALK_WRITE : 0);
	if (is_riscv(pt) && leaf)
		return (entry & 2 ? WALK_READ : 0) | (entry & 4 ? WALK_WRITE : 0);
	if (!leaf)
		return WALK_READ | WALK_WRITE;
	if (pt->format == &dmah_pt_lpae_s2)
		return (entry & S2_READ ? WALK_READ : 0) | (entry & S2_WRITE ? WALK_WRITE : 0);
	return WALK_READ | (entry & LPAE_RO ? 0 : WALK_WRITE);
}

static uint64_t load(struct qemu *q, dmah_phys_t table, dmah_addr_t iova, unsigned int level)
{
	const uint64_t *entry = qemu_ram(q, table + (iova >> (3 + 9 * level) & 511) * 8, 8);

	return __atomic_load_n(entry, __ATOMIC_ACQUIRE);
}

bool walk(struct qemu *q, const struct dmah_pt_info *pt, dmah_addr_t iova, dmah_phys_t *phys,
	  unsigned int *perm)
{
	dmah_phys_t table = pt->root;

	if (iova >> pt->va_bits)
		return false;
	*perm = WALK_READ | WALK_WRITE;
	for (unsigned int level = pt->levels; level; level--) {
		uint64_t entry = load(q, table, iova, level), mask = (1ull << (3 + 9 * level)) - 1;
		bool leaf = level == 1 || is_leaf(pt, entry);

		*perm &= perm_of(pt, entry, leaf);
		if (!*perm)
			return false;
		table = address_of(pt, entry);
		if (leaf) {
			*phys = (table & ~mask) | (iova & mask);
			return true;
		}
	}
	return false;
}

uint64_t walk_table(const struct dmah_pt_info *pt, dmah_phys_t table, unsigned int level)
{
	if (pt->format == &dmah_pt_amd_v1)
		return table | LPAE_VALID | (uint64_t)level << 9 | AMD_READ | AMD_WRITE;
	if (is_riscv(pt))
		return table >> 2 | LPAE_VALID;
	if (pt->format == &dmah_pt_vtd_fs)
		return table | FS_TABLE;
	return table | (is_vtd(pt) ? WALK_READ | WALK_WRITE : LPAE_VALID | LPAE_TABLE);
}

uint64_t walk_page(const struct dmah_pt_info *pt, dmah_phys_t page)
{
	if (pt->format == &dmah_pt_amd_v1)
		return page | LPAE_VALID | AMD_READ | AMD_WRITE;
	if (is_riscv(pt))
		return page >> 2 | SV_PAGE;
	if (pt->format == &dmah_pt_vtd_fs)
		return page | FS_PAGE;
	if (is_vtd(pt))
		return page | WALK_READ | WALK_WRITE;
	page |= LPAE_VALID | LPAE_TABLE | LPAE_INNER | LPAE_AF;
	return page | (pt->format == &dmah_pt_lpae_s2 ? S2_WB | S2_READ | S2_WRITE : LPAE_USER);
}

uint64_t *walk_root(struct qemu *q, const struct dmah_pt_info *pt, unsigned int n)
{
	return qemu_ram(q, pt->root + n * 8, 8);
}
