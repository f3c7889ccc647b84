/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Intel VT-d first-stage tables of 4 and 5 levels. Source: Intel Virtualization Technology for Directed I/O,
 * Architecture Specification, section 9.7 (first-stage paging entries). Bit 0 is present, bit 1 is
 * write, bit 2 is user, bit 5 is accessed, bit 6 is dirty, bit 7 is page size, the address begins at bit
 * 12. The hardware ignores bits 62:52, which hold the generation (8 bits) and the two marks of struct
 * pt_leaf; bit 10 too, as long as PASID entries have EAFE = 0.
 *
 * The hardware would set the accessed and dirty bits by itself, at any time, and a CPU that ends a
 * mapping compares the whole entry. Both bits are set from the beginning, so that the hardware never
 * writes. A device's requests without PASID have user privilege. The format cannot express a write
 * permission without a read permission. Addresses are canonical: the upper half of the table belongs to addresses whose bits
 * up to 63 are ones, and is not used. So tables of 4 and 5 levels have 47 and 56 bits.
 */
#include "pt/pt.h"

#define FS_PRESENT (1ull << 0)
#define FS_WRITE   (1ull << 1)
#define FS_USER	   (1ull << 2)
#define FS_ACCESS  (1ull << 5)
#define FS_DIRTY   (1ull << 6)
#define FS_PAGE	   (1ull << 7)
#define FS_LEAF	   (FS_PRESENT | FS_USER | FS_ACCESS | FS_DIRTY)

static const struct pt_leaf fmt_leaf = {
	.addr_mask = 0x000ffffffffff000ull,
	.prot = {
		[DMAH_TO_DEVICE] = FS_LEAF,
		[DMAH_FROM_DEVICE] = FS_LEAF | FS_WRITE,
		[DMAH_BIDIRECTIONAL] = FS_LEAF | FS_WRITE,
	},
	.present = FS_PRESENT,
	.gen_shift = 52,
	.gen_mask = 0xff,
	.gen_one = 1ull << 52,
	.gen_bits = 0xffull << 52,
	.cont = 1ull << 61,
	.more = 1ull << 60,
	.block = FS_PAGE,
};

static unsigned int fmt_levels(unsigned int va_bits)
{
	return va_bits == 47 ? 4 : va_bits == 56 ? 5 : 0;
}

static uint64_t fmt_table(dmah_phys_t phys)
{
	return phys | FS_PRESENT | FS_WRITE | FS_USER | FS_ACCESS;
}

static bool fmt_is_table(uint64_t entry)
{
	return !(entry & FS_PAGE);
}

static enum dmah_dir fmt_dir(uint64_t entry)
{
	return entry & FS_WRITE ? DMAH_BIDIRECTIONAL : DMAH_TO_DEVICE;
}

#include "pt/pt_walk.h"

const struct dmah_pt_format dmah_pt_vtd_fs = { .name = "VT-d first stage", WALK_OPS };
