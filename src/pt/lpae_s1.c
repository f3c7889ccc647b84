/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * ARM VMSAv8-64 stage 1 tables with a 4 KiB granule. Arm Architecture Reference Manual, section D8.3: bit 0 valid, bit 1
 * table (or page, at the last level), AttrIndx 4:2, AP 7:6, SH 9:8, AF 10, nG 11, address from bit 12, XN 54:53, and
 * bits 58:55 for software, which hold the generation. Bits 59 and 60, ignored by hardware as long as the context leaves
 * them so (PBHA off: CD.HWU059 and HWU060 are 0), are the two marks of struct pt_leaf.
 *
 * Attribute index 0 must be normal write-back memory and index 1 a device's registers (nGnRE): an IOMMU's driver sets
 * MAIR so. Device transactions are unprivileged. A write without a read cannot be expressed: DMAH_FROM_DEVICE is
 * readable too.
 */
#include "pt/pt.h"

#define S1_VALID  (1ull << 0)
#define S1_TABLE  (1ull << 1)
#define S1_DEVICE (1ull << 2) /* AttrIndx 1 */
#define S1_USER	  (1ull << 6) /* AP[1] */
#define S1_READ	  (1ull << 7) /* AP[2]: read-only */
#define S1_INNER  (3ull << 8)
#define S1_AF	  (1ull << 10)
#define S1_NG	  (1ull << 11)
#define S1_XN	  (3ull << 53)
#define S1_PAGE	  (S1_VALID | S1_TABLE | S1_USER | S1_INNER | S1_AF | S1_NG | S1_XN)

static const struct pt_leaf fmt_leaf = {
	.addr_mask = 0x0000fffffffff000ull,
	.prot = {
		[DMAH_TO_DEVICE] = S1_PAGE | S1_READ,
		[DMAH_FROM_DEVICE] = S1_PAGE,
		[DMAH_BIDIRECTIONAL] = S1_PAGE,
	},
	.mmio = S1_DEVICE,
	.present = S1_VALID,
	.gen_shift = 55,
	.gen_mask = 0xf,
	.gen_one = 1ull << 55,
	.gen_bits = 0xfull << 55,
	.cont = 1ull << 59,
	.more = 1ull << 60,
};

static unsigned int fmt_levels(unsigned int va_bits)
{
	return va_bits == 39 || va_bits == 48 ? (va_bits - PT_GRANULE_SHIFT) / 9 : 0;
}

static uint64_t fmt_table(dmah_phys_t phys)
{
	return phys | S1_VALID | S1_TABLE;
}

static bool fmt_is_table(uint64_t entry)
{
	return (entry & S1_TABLE) != 0;
}

static uint64_t fmt_block(uint64_t entry)
{
	return entry & ~S1_TABLE;
}

static enum dmah_dir fmt_dir(uint64_t entry)
{
	return entry & S1_READ ? DMAH_TO_DEVICE : DMAH_BIDIRECTIONAL;
}

#include "pt/pt_walk.h"

const struct dmah_pt_format dmah_pt_lpae_s1 = { .name = "LPAE stage 1", WALK_OPS };
