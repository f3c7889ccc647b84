/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Intel VT-d second-stage tables. Source: Intel Virtualization Technology for Directed I/O,
 * Architecture Specification, section 9.8 (second-stage paging entries). Bit 0 is read, bit 1 is
 * write, bit 7 is page size, the address begins at bit 12. The hardware ignores bits 61:52, which
 * hold the generation (8 bits) and the two marks of struct pt_leaf.
 */
#include "pt/pt.h"

#define SS_READ	 (1ull << 0)
#define SS_WRITE (1ull << 1)
#define SS_PAGE	 (1ull << 7)

static const struct pt_leaf fmt_leaf = {
	.addr_mask = 0x000ffffffffff000ull,
	.prot = {
		[DMAH_TO_DEVICE] = SS_READ,
		[DMAH_FROM_DEVICE] = SS_WRITE,
		[DMAH_BIDIRECTIONAL] = SS_READ | SS_WRITE,
	},
	.present = SS_READ | SS_WRITE,
	.gen_shift = 52,
	.gen_mask = 0xff,
	.gen_one = 1ull << 52,
	.gen_bits = 0xffull << 52,
	.cont = 1ull << 61,
	.more = 1ull << 60,
	.block = SS_PAGE,
};

static unsigned int fmt_levels(unsigned int va_bits)
{
	return va_bits == 39 || va_bits == 48 || va_bits == 57 ? (va_bits - PT_GRANULE_SHIFT) / 9
							       : 0;
}

static uint64_t fmt_table(dmah_phys_t phys)
{
	return phys | SS_READ | SS_WRITE;
}

static bool fmt_is_table(uint64_t entry)
{
	return !(entry & SS_PAGE);
}

static enum dmah_dir fmt_dir(uint64_t entry)
{
	return (enum dmah_dir)(entry & (SS_READ | SS_WRITE));
}

#include "pt/pt_walk.h"

const struct dmah_pt_format dmah_pt_vtd_ss = { .name = "VT-d second stage", WALK_OPS };
