/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * RISC-V first-stage tables. Source: The RISC-V Instruction Set Manual, Volume II, sections Sv39, Sv48 and Sv57. Bit 0 is
 * valid, bits 3:1 are execute, write and read, bit 4 is user, bits 7:6 are dirty and accessed, and the page number begins at
 * bit 10. An entry with none of bits 3:1 points to a table. Bits 9:8 are for software, and are the two marks of struct
 * pt_leaf. Every other bit of an entry is reserved and must be 0, but for bits 60:59 with Svrsw60t59b.
 *
 * Device transactions are user accesses. Accessed and dirty are set beforehand: hardware may fault where they are not. Bit 5,
 * global, stays 0: a global entry would survive the invalidation of its address space. The format cannot express a write
 * permission without a read permission, so DMAH_FROM_DEVICE memory is readable too. Memory types are the platform's (PMA):
 * the entries have none.
 *
 * A compilation unit of a format defines SV_GEN_BITS, the bits of its generation, and includes this file.
 */
#include "pt/pt.h"

#define SV_VALID (1ull << 0)
#define SV_READ	 (1ull << 1)
#define SV_WRITE (1ull << 2)
#define SV_LEAF	 (7ull << 1)
#define SV_USER	 (1ull << 4)
#define SV_A	 (1ull << 6)
#define SV_D	 (1ull << 7)
#define SV_PAGE	 (SV_VALID | SV_READ | SV_USER | SV_A | SV_D)

static const struct pt_leaf fmt_leaf = {
	.addr_mask = 0x003ffffffffffc00ull,
	.addr_shift = 2,
	.prot = {
		[DMAH_TO_DEVICE] = SV_PAGE,
		[DMAH_FROM_DEVICE] = SV_PAGE | SV_WRITE,
		[DMAH_BIDIRECTIONAL] = SV_PAGE | SV_WRITE,
	},
	.present = SV_VALID,
	.gen_shift = 59,
	.gen_mask = (1u << SV_GEN_BITS) - 1,
	.gen_one = SV_GEN_BITS ? 1ull << 59 : 0,
	.gen_bits = ((1ull << SV_GEN_BITS) - 1) << 59,
	.cont = 1ull << 8,
	.more = 1ull << 9,
};

static unsigned int fmt_levels(unsigned int va_bits)
{
	/* The upper half of a table begins with addresses whose bits up to 63 are set: it is not used. */
	return va_bits == 38 || va_bits == 47 || va_bits == 56
		       ? (va_bits + 1 - PT_GRANULE_SHIFT) / 9
		       : 0;
}

static uint64_t fmt_table(dmah_phys_t phys)
{
	return pt_addr(&fmt_leaf, phys) | SV_VALID;
}

static bool fmt_is_table(uint64_t entry)
{
	return !(entry & SV_LEAF);
}

static enum dmah_dir fmt_dir(uint64_t entry)
{
	return entry & SV_WRITE ? DMAH_BIDIRECTIONAL : DMAH_TO_DEVICE;
}

#include "pt/pt_walk.h"
