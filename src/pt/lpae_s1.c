/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * ARM VMSAv8-64 stage 1 tables with a 4 KiB granule. Source: Arm Architecture Reference Manual,
 * section D8.3. Bit 0 is valid, bit 1 is table (or page, at the last level), AttrIndx is 4:2, AP is
 * 7:6, SH is 9:8, AF is 10, nG is 11, the address begins at bit 12, XN is 54:53. Bits 58:55 are for
 * software and hold the generation. Bits 59 and 60 are the two marks of struct pt_leaf; the
 * hardware ignores both bits as long as PBHA is off (CD.HWU059 and HWU060 are 0).
 *
 * An IOMMU's driver must set MAIR so that attribute index 0 is normal write-back memory, index 1
 * device memory (nGnRE), and index 2 normal memory that is not cached: a device that is not coherent
 * must not read, or allocate, lines of memory that the CPU maps uncached. Device transactions are unprivileged. The format cannot express a write
 * permission without a read permission, so DMAH_FROM_DEVICE memory is readable too.
 */
#include "pt/pt.h"

#define S1_VALID  (1ull << 0)
#define S1_TABLE  (1ull << 1)
#define S1_DEVICE (1ull << 2) /* AttrIndx 1 */
#define S1_NC	  (2ull << 2) /* AttrIndx 2 */
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
	.uncached = S1_NC,
	.present = S1_VALID,
	.gen_shift = 55,
	.gen_mask = 0xf,
	.gen_one = 1ull << 55,
	.gen_bits = 0xfull << 55,
	.cont = 1ull << 59,
	.more = 1ull << 60,
	.block = S1_TABLE,
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

static enum dmah_dir fmt_dir(uint64_t entry)
{
	return entry & S1_READ ? DMAH_TO_DEVICE : DMAH_BIDIRECTIONAL;
}

#include "pt/pt_walk.h"

const struct dmah_pt_format dmah_pt_lpae_s1 = { .name = "LPAE stage 1", WALK_OPS };
