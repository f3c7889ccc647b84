/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * ARM VMSAv8-64 stage 2 tables with a 4 KiB granule. Source: Arm Architecture Reference Manual,
 * section D8.3. Bit 0 is valid, bit 1 is table (or page, at the last level), MemAttr is 5:2, S2AP is
 * 7:6 (bit 6 read, bit 7 write), SH is 9:8, AF is 10, the address begins at bit 12, XN is 54:53.
 * Bits 58:55 are for software and hold the generation. Bits 59 and 60 are the two marks of struct
 * pt_leaf; the hardware ignores both bits as long as STE.S2HWU59 and S2HWU60 are 0.
 *
 * Memory attributes stand in the entry itself, without MAIR. They combine with those of the
 * transaction to the stricter of both: write-back memory is as the device asked for it. Unlike stage
 * 1, an entry can allow writes alone. The root is one table, with no others concatenated: 39 bits
 * begin at level 1, 48 at level 0.
 */
#include "pt/pt.h"

#define S2_VALID     (1ull << 0)
#define S2_TABLE     (1ull << 1)
#define S2_WB	     (15ull << 2) /* normal, write-back inside and outside */
#define S2_DEVICE    (1ull << 2) /* Device-nGnRE */
#define S2_NC	     (5ull << 2) /* normal, not cached */
#define S2_READ	     (1ull << 6)
#define S2_WRITE     (1ull << 7)
#define S2_DIR_SHIFT 6
#define S2_INNER     (3ull << 8)
#define S2_AF	     (1ull << 10)
#define S2_XN	     (2ull << 53)
#define S2_PAGE	     (S2_VALID | S2_TABLE | S2_WB | S2_INNER | S2_AF | S2_XN)

static const struct pt_leaf fmt_leaf = {
	.addr_mask = 0x0000fffffffff000ull,
	.prot = {
		[DMAH_TO_DEVICE] = S2_PAGE | S2_READ,
		[DMAH_FROM_DEVICE] = S2_PAGE | S2_WRITE,
		[DMAH_BIDIRECTIONAL] = S2_PAGE | S2_READ | S2_WRITE,
	},
	.mmio = S2_WB ^ S2_DEVICE,
	.uncached = S2_WB ^ S2_NC,
	.present = S2_VALID,
	.gen_shift = 55,
	.gen_mask = 0xf,
	.gen_one = 1ull << 55,
	.gen_bits = 0xfull << 55,
	.cont = 1ull << 59,
	.more = 1ull << 60,
	.block = S2_TABLE,
};

static unsigned int fmt_levels(unsigned int va_bits)
{
	return va_bits == 39 || va_bits == 48 ? (va_bits - PT_GRANULE_SHIFT) / 9 : 0;
}

static uint64_t fmt_table(dmah_phys_t phys)
{
	return phys | S2_VALID | S2_TABLE;
}

static bool fmt_is_table(uint64_t entry)
{
	return (entry & S2_TABLE) != 0;
}

static enum dmah_dir fmt_dir(uint64_t entry)
{
	return (enum dmah_dir)(entry >> S2_DIR_SHIFT & 3);
}

#include "pt/pt_walk.h"

const struct dmah_pt_format dmah_pt_lpae_s2 = { .name = "LPAE stage 2", WALK_OPS };
