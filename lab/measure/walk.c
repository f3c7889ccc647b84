// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Entry layouts: Intel VT-d specification, section 9.8; Arm Architecture Reference Manual, section D8.3. */
#include "walk.h"

#include <dmah/host.h>

#define NONE	   (~(dmah_phys_t)0)
#define VTD_READ   (1ull << 0)
#define VTD_WRITE  (1ull << 1)
#define VTD_LARGE  (1ull << 7)
#define LPAE_VALID (1ull << 0)
#define LPAE_TABLE (1ull << 1) /* last level: a page; higher levels: not a block */
#define LPAE_ADDR  0x0000fffffffff000ull
#define VTD_ADDR   0x000ffffffffff000ull

static uint64_t entry_at(dmah_phys_t table, dmah_addr_t dma, unsigned int shift)
{
	return __atomic_load_n((const uint64_t *)dmah_host_table_virt(table) + (dma >> shift & 511),
			       __ATOMIC_RELAXED);
}

static dmah_phys_t inside(uint64_t address, dmah_addr_t dma, unsigned int shift)
{
	uint64_t low = (1ull << shift) - 1;

	return (address & ~low) | (dma & low);
}

static unsigned int top(const struct dmah_pt_info *pt)
{
	return 12 + 9 * (pt->levels - 1);
}

static dmah_phys_t walk_vtd(const struct dmah_pt_info *pt, dmah_addr_t dma, uint64_t *steps)
{
	dmah_phys_t table = pt->root;

	for (unsigned int shift = top(pt);; shift -= 9) {
		uint64_t e = entry_at(table, dma, shift);

		++*steps;
		if (!(e & (VTD_READ | VTD_WRITE)))
			return NONE;
		if (shift == 12 || e & VTD_LARGE)
			return inside(e & VTD_ADDR, dma, shift);
		table = e & VTD_ADDR;
	}
}

static dmah_phys_t walk_lpae(const struct dmah_pt_info *pt, dmah_addr_t dma, uint64_t *steps)
{
	dmah_phys_t table = pt->root;

	for (unsigned int shift = top(pt);; shift -= 9) {
		uint64_t e = entry_at(table, dma, shift);
		bool leaf = shift == 12 || !(e & LPAE_TABLE);

		++*steps;
		if (!(e & LPAE_VALID) || (shift == 12 && !(e & LPAE_TABLE)))
			return NONE;
		if (leaf)
			return inside(e & LPAE_ADDR, dma, shift);
		table = e & LPAE_ADDR;
	}
}

dmah_phys_t walk(const struct dmah_pt_info *pt, dmah_addr_t dma, uint64_t *steps)
{
	return pt->format == &dmah_pt_vtd_ss ? walk_vtd(pt, dma, steps) : walk_lpae(pt, dma, steps);
}

static uint64_t count(const struct dmah_pt_info *pt, dmah_phys_t table, unsigned int shift)
{
	bool vtd = pt->format == &dmah_pt_vtd_ss;
	uint64_t sum = 0;

	for (uint64_t i = 0; i < 512; i++) {
		uint64_t e = entry_at(table, i << shift, shift);
		bool leaf = shift == 12 || (vtd ? e & VTD_LARGE : !(e & LPAE_TABLE));

		if (!(e & (vtd ? VTD_READ | VTD_WRITE : LPAE_VALID)))
			continue;
		sum += leaf ? 1ull << (shift - 12)
			    : count(pt, e & (vtd ? VTD_ADDR : LPAE_ADDR), shift - 9);
	}
	return sum;
}

uint64_t walk_count(const struct dmah_pt_info *pt)
{
	return count(pt, pt->root, top(pt));
}
