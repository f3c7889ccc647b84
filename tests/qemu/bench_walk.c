/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * VT-d, Architecture Specification, section 9.8: bit 0 read, bit 1 write, bit 7 a large page. Arm Architecture Reference
 * Manual, D8.3: bit 0 valid, bit 1 a table or a page, bit 6 unprivileged, bit 7 read-only, bit 10 accessed.
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

static bool is_vtd(const struct dmah_pt_info *pt)
{
	return pt->format == &dmah_pt_vtd_ss;
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
		bool leaf;

		if (is_vtd(pt)) {
			*perm &= (unsigned int)entry & 3;
			leaf = level == 1 || entry & VTD_LARGE;
		} else {
			if (!(entry & LPAE_VALID))
				return false;
			leaf = level == 1 || !(entry & LPAE_TABLE);
			if (leaf && entry & LPAE_RO)
				*perm &= ~WALK_WRITE;
		}
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
	return table | (is_vtd(pt) ? WALK_READ | WALK_WRITE : LPAE_VALID | LPAE_TABLE);
}

uint64_t walk_page(const struct dmah_pt_info *pt, dmah_phys_t page)
{
	if (is_vtd(pt))
		return page | WALK_READ | WALK_WRITE;
	return page | LPAE_VALID | LPAE_TABLE | LPAE_USER | LPAE_INNER | LPAE_AF;
}

uint64_t *walk_root(struct qemu *q, const struct dmah_pt_info *pt, unsigned int n)
{
	return qemu_ram(q, pt->root + n * 8, 8);
}
