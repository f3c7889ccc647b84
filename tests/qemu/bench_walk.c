/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * VT-d, Architecture Specification, section 9.8: bit 0 read, bit 1 write, bit 7 a large page; section 9.7: bit 0 present, bit
 * 1 write, bit 2 user, bit 5 accessed, bit 6 dirty, bit 7 a large page. Arm Architecture Reference Manual, D8.3: bit 0 valid,
 * bit 1 a table or a page, bit 10 accessed; stage 1: bit 6 unprivileged, bit 7 read-only; stage 2: bits 5:2 write-back, bit 6
 * read, bit 7 write.
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

static bool is_vtd(const struct dmah_pt_info *pt)
{
	return pt->format == &dmah_pt_vtd_ss || pt->format == &dmah_pt_vtd_fs;
}

/* Permissions that one entry gives; 0: it is not present. */
static unsigned int perm_of(const struct dmah_pt_info *pt, uint64_t entry, bool leaf)
{
	if (pt->format == &dmah_pt_vtd_ss)
		return (unsigned int)entry & 3;
	if (!(entry & LPAE_VALID)) /* and a first stage's present bit */
		return 0;
	if (pt->format == &dmah_pt_vtd_fs)
		return WALK_READ | (entry & 2 ? WALK_WRITE : 0);
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
		bool leaf = level == 1 ||
			    (is_vtd(pt) ? (entry & VTD_LARGE) != 0 : !(entry & LPAE_TABLE));

		*perm &= perm_of(pt, entry, leaf);
		if (!*perm)
			return false;
		table = entry & ADDRESS;
		if (leaf) {
			*phys = (table & ~mask) | (iova & mask);
			return true;
		}
	}
	return false;
}

uint64_t walk_table(const struct dmah_pt_info *pt, dmah_phys_t table)
{
	if (pt->format == &dmah_pt_vtd_fs)
		return table | FS_TABLE;
	return table | (is_vtd(pt) ? WALK_READ | WALK_WRITE : LPAE_VALID | LPAE_TABLE);
}

uint64_t walk_page(const struct dmah_pt_info *pt, dmah_phys_t page)
{
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
