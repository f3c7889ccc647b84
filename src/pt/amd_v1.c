/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * AMD's host page tables (v1). Source: AMD I/O Virtualization Technology (IOMMU) Specification, 48882, section 2.2.3,
 * I/O Page Tables for Host Translations. Bit 0 is present, bits 11:9 name the level of the next table (0: this entry maps a
 * page of its level's size), the address begins at bit 12, bit 61 is read, bit 62 write. The hardware ignores bits 4:1,
 * which hold the generation, and bits 7 and 8, the two marks of struct pt_leaf; of an entry that is not present it
 * ignores all others too. Bits 5 and 6 (accessed, dirty) stay clear: the driver does not enable their updates.
 *
 * An entry above the leaf level may skip levels; those bits of the IOVA are zero then. This file makes none that does, and
 * walks those that it finds. Bit 60 (force coherent) stays clear: each request says whether it snoops.
 */
#include "pt/pt.h"

#define V1_PRESENT  (1ull << 0)
#define V1_LEVEL(n) ((uint64_t)(n) << 9)
#define V1_READ	    (1ull << 61)
#define V1_WRITE    (1ull << 62)

static const struct pt_leaf fmt_leaf = {
	.addr_mask = 0x000ffffffffff000ull,
	.prot = {
		[DMAH_TO_DEVICE] = V1_PRESENT | V1_READ,
		[DMAH_FROM_DEVICE] = V1_PRESENT | V1_WRITE,
		[DMAH_BIDIRECTIONAL] = V1_PRESENT | V1_READ | V1_WRITE,
	},
	.present = V1_PRESENT,
	.gen_shift = 1,
	.gen_mask = 0xf,
	.gen_one = 1ull << 1,
	.gen_bits = 0xfull << 1,
	.cont = 1ull << 7,
	.more = 1ull << 8,
};

/* Tables of 1 to 6 levels. With 6 the hardware takes 64 bits; the library uses 63. */
static unsigned int fmt_levels(unsigned int va_bits)
{
	if (va_bits == 63)
		return 6;
	return va_bits >= 21 && va_bits <= 57 && va_bits % 9 == 3 ? (va_bits - PT_GRANULE_SHIFT) / 9
								  : 0;
}

static uint64_t fmt_table(dmah_phys_t phys)
{
	return phys | V1_PRESENT | V1_READ | V1_WRITE;
}

#define FMT_NAMES_LEVELS

static uint64_t fmt_with_level(uint64_t entry, unsigned int level)
{
	return entry | V1_LEVEL(level);
}

static unsigned int fmt_level(uint64_t entry)
{
	return (unsigned int)(entry >> 9) & 7;
}

static bool fmt_is_table(uint64_t entry)
{
	return fmt_level(entry) != 0;
}

static enum dmah_dir fmt_dir(uint64_t entry)
{
	return (enum dmah_dir)(entry >> 61 & 3);
}

#include "pt/pt_walk.h"

const struct dmah_pt_format dmah_pt_amd_v1 = { .name = "AMD v1", WALK_OPS };
