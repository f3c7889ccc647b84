// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Rules about memory: syncs, mappings that overlap, lines and pages that are shared, addresses given out again. */
#define _GNU_SOURCE
#include "rules.h"

/* clang-format off: a rule is read as a whole */
static const struct rule rules[] = {
	/* ---- sync-out-of-range ---- */
	{ "sync beyond the end",
	  MAP(D, FROM, "ff000", "4096", "5000") CPU(D, FROM, "ff800", "2049")
		  UNMAP(D, FROM, "ff000", "4096"),
	  "!2:sync-out-of-range<1",
	  { 0 } },
	{ "sync of all there is",
	  MAP(D, FROM, "ff000", "4096", "5000") CPU(D, FROM, "ff000", "18446744073709551615")
		  UNMAP(D, FROM, "ff000", "4096"),
	  "!2:sync-out-of-range<1",
	  { 0 } },
	{ "sync to the end",
	  MAP(D, FROM, "ff000", "4096", "5000") CPU(D, FROM, "ff800", "2048")
		  DEVICE(D, FROM, "ff000", "4096") DEVICE(D, FROM, "fffff", "1")
			  UNMAP(D, FROM, "ff000", "4096"),
	  "",
	  { 0 } },
	{ "sync from before the start",
	  MAP(D, FROM, "ff000", "4096", "5000") DEVICE(D, FROM, "fefff", "2")
		  UNMAP(D, FROM, "ff000", "4096"),
	  "!2:sync-out-of-range<1",
	  { 0 } },
	{ "sync across two neighbours",
	  MAP(D, FROM, "fe000", "4096", "5000") MAP(D, FROM, "ff000", "4096", "6000")
		  CPU(D, FROM, "fe000", "8192") UNMAP(D, FROM, "fe000", "4096")
			  UNMAP(D, FROM, "ff000", "4096"),
	  "!3:sync-out-of-range<1",
	  { 0 } },
	{ "sync of no bytes",
	  MAP(D, FROM, "ff000", "4096", "5000") CPU(D, FROM, "100000", "0")
		  UNMAP(D, FROM, "ff000", "4096"),
	  "",
	  { 0 } },
	{ "the larger of two at one address",
	  MAP(D, TO, "5000", "64", "5000") MAP(D, TO, "5000", "4096", "5000") CPU(
		  D, TO, "5000", "4096") UNMAP(D, TO, "5000", "64") UNMAP(D, TO, "5000", "4096"),
	  "?1:exposure",
	  { 0 } },
	{ "list sync beyond",
	  MAPSG(D, TO, "0xff000,0xfc000", "0x1000,0x800", "0x5000,0x9000")
		  CPUSG(D, TO, "0xff000,0xfc000", "0x1000,0x900") UNMAPSG(D, TO, "0x5000,0x9000"),
	  "!2:sync-out-of-range<1 ?1:exposure",
	  { 0 } },
	/* the rest of a coalesced list has no bytes, and the address of a failed map */
	{ "list sync, coalesced",
	  MAPSG(D, TO, "0xfe000", "0x2000", "0x5000,0x9000")
		  CPUSG(D, TO, "0xfe000,0x" FAILED, "0x2000,0x0") UNMAPSG(D, TO, "0x5000,0x9000"),
	  "",
	  { 0 } },

	/* ---- sync-unmapped ---- */
	{ "sync after unmap",
	  MAP(D, FROM, "ff000", "4096", "5000") UNMAP(D, FROM, "ff000", "4096")
		  CPU(D, FROM, "ff000", "4096"),
	  "!3:sync-unmapped<1",
	  { 0 } },
	{ "sync before unmap",
	  MAP(D, FROM, "ff000", "4096", "5000") CPU(D, FROM, "ff000", "4096")
		  UNMAP(D, FROM, "ff000", "4096"),
	  "",
	  { 0 } },
	{ "sync of nothing",
	  MAP(D, FROM, "ff000", "4096", "5000") CPU(D, FROM, "100000", "1")
		  UNMAP(D, FROM, "ff000", "4096"),
	  "!2:sync-unmapped<1",
	  { 0 } },
	{ "sync on another device",
	  MAP(D, FROM, "ff000", "4096", "5000") ALLOC(E, "1000", "4096") CPU(
		  E, FROM, "ff000", "4096") FREE(E, "1000", "4096") UNMAP(D, FROM, "ff000", "4096"),
	  "!3:sync-unmapped<1",
	  { 0 } },

	/* ---- sync-direction ---- */
	{ "sync-direction",
	  MAP(D, TO, "ff000", "4096", "5000") CPU(D, FROM, "ff000", "4096")
		  UNMAP(D, TO, "ff000", "4096"),
	  "!2:sync-direction<1",
	  { 0 } },
	{ "sync in its own",
	  MAP(D, TO, "ff000", "4096", "5000") CPU(D, TO, "ff000", "4096")
		  DEVICE(D, TO, "ff000", "4096") UNMAP(D, TO, "ff000", "4096"),
	  "",
	  { 0 } },
	{ "sync a BIDIRECTIONAL in any",
	  MAP(D, BIDI, "ff000", "4096", "5000") CPU(D, FROM, "ff000", "4096")
		  DEVICE(D, TO, "ff000", "4096") CPU(D, BIDI, "ff000", "4096")
			  UNMAP(D, BIDI, "ff000", "4096"),
	  "",
	  { 0 } },
	{ "sync as BIDIRECTIONAL",
	  MAP(D, FROM, "ff000", "4096", "5000") CPU(D, BIDI, "ff000", "4096")
		  UNMAP(D, FROM, "ff000", "4096"),
	  "!2:sync-direction<1",
	  { 0 } },

	/* ---- overlap ---- */
	{ "overlap",
	  MAP(D, FROM, "ff000", "4096", "5000") MAP(D, FROM, "fe000", "4096", "5000")
		  UNMAP(D, FROM, "ff000", "4096") UNMAP(D, FROM, "fe000", "4096"),
	  "!2:overlap<1 ?3:exposure",
	  { 0 } },
	{ "two readers",
	  MAP(D, TO, "ff000", "4096", "5000") MAP(D, TO, "fe000", "4096", "5000")
		  UNMAP(D, TO, "ff000", "4096") UNMAP(D, TO, "fe000", "4096"),
	  "?3:exposure",
	  { 0 } },
	{ "one after the other",
	  MAP(D, FROM, "ff000", "4096", "5000") UNMAP(D, FROM, "ff000", "4096")
		  MAP(D, FROM, "fe000", "4096", "5000") UNMAP(D, FROM, "fe000", "4096"),
	  "",
	  { 0 } },
	{ "reader and writer",
	  MAP(D, TO, "ff000", "4096", "5000") MAP(D, BIDI, "fe000", "4096", "5000")
		  UNMAP(D, TO, "ff000", "4096") UNMAP(D, BIDI, "fe000", "4096"),
	  "!2:overlap<1 ?3:exposure",
	  { 0 } },
	{ "one byte",
	  MAP(D, FROM, "ff000", "2049", "5000") MAP(D, FROM, "fe800", "2048", "5800")
		  UNMAP(D, FROM, "ff000", "2049") UNMAP(D, FROM, "fe800", "2048"),
	  "!2:overlap<1 ?1:exposure",
	  { 0 } },
	{ "two halves of a page",
	  MAP(D, FROM, "ff000", "2048", "5000") MAP(D, FROM, "fe800", "2048", "5800")
		  UNMAP(D, FROM, "ff000", "2048") UNMAP(D, FROM, "fe800", "2048"),
	  "?1:exposure",
	  { 0 } },
	{ "on two devices",
	  MAP(D, FROM, "ff000", "4096", "5000") MAP(E, TO, "fe000", "4096", "5000")
		  UNMAP(D, FROM, "ff000", "4096") UNMAP(E, TO, "fe000", "4096"),
	  "!2:overlap<1",
	  { 0 } },
	/* copied back at unmap: the buffers share bytes although the slots do not */
	{ "overlap where it bounces",
	  MAP(D, FROM, "a000", "512", "5100") MAP(D, FROM, "b000", "512", "5200")
		  UNMAP(D, FROM, "a000", "512") UNMAP(D, FROM, "b000", "512"),
	  "!2:overlap<1",
	  { 0 } },
	{ "the new mapping has SKIP_CPU_SYNC",
	  MAP(D, FROM, "ff000", "4096", "5000")
		  MAPA(D, TO, "fe000", "4096", "5000", "SKIP_CPU_SYNC")
			  UNMAP(D, FROM, "ff000", "4096") UNMAP(D, TO, "fe000", "4096"),
	  "?2:overlap<1 ?3:exposure",
	  { 0 } },
	{ "only the old mapping has SKIP_CPU_SYNC",
	  MAPA(D, FROM, "ff000", "4096", "5000", "SKIP_CPU_SYNC")
		  MAP(D, TO, "fe000", "4096", "5000") UNMAP(D, FROM, "ff000", "4096")
			  UNMAP(D, TO, "fe000", "4096"),
	  "!2:overlap<1 ?3:exposure",
	  { 0 } },
	{ "both mappings have attributes for an overlap",
	  MAPA(D, FROM, "ff000", "4096", "5000", "CACHE_CLEAN")
		  MAPA(D, FROM, "fe000", "4096", "5000", "REQUIRE_COHERENT"),
	  "?2:overlap<1 ?1:live-at-end<1 ?2:live-at-end<2",
	  { 0 } },
	{ "only one mapping has the attribute for an overlap",
	  MAP(D, FROM, "ff000", "4096", "5000")
		  MAPA(D, FROM, "fe000", "4096", "5000", "CACHELINES_OVERLAP"),
	  "!2:overlap<1 ?1:live-at-end<1 ?2:live-at-end<2",
	  { 0 } },
	{ "one page twice in a list",
	  MAPSG(D, FROM, "0xfe000,0xff000", "0x1000,0x1000", "0x5000,0x5000")
		  UNMAPSG(D, FROM, "0x5000,0x5000"),
	  "!1:overlap<1",
	  { 0 } },
	{ "one page twice in a list that the device reads",
	  MAPSG(D, TO, "0xfe000,0xff000", "0x1000,0x1000", "0x5000,0x5000")
		  UNMAPSG(D, TO, "0x5000,0x5000"),
	  "",
	  { 0 } },
	{ "coherent memory mapped, without translation",
	  MAP(D, TO, "5000", "4096", "5000") ALLOC(D, "8000", "8192")
		  MAP(D, TO, "9000", "64", "9000"),
	  "!3:overlap<2 ?1:live-at-end<1 ?2:live-at-end<2 ?3:live-at-end<3 ?3:exposure",
	  { 0 } },
	{ "an IOVA that looks like the address of coherent memory",
	  MAP(D, TO, "ff000", "4096", "5000") ALLOC(D, "8000", "8192")
		  MAP(D, TO, "a000", "4096", "9000") UNMAP(D, TO, "ff000", "4096")
			  FREE(D, "8000", "8192") UNMAP(D, TO, "a000", "4096"),
	  "",
	  { 0 } },

	/* ---- addresses given out again ---- */
	{ "iova-reused",
	  MAP(D, TO, "ff000", "4096", "5000") MAP(D, TO, "ff000", "4096", "7000")
		  UNMAP(D, TO, "ff000", "4096"),
	  "?2:iova-reused<2",
	  { 0 } },
	{ "iova-reused, and both are live",
	  MAP(D, TO, "ff000", "4096", "5000") MAP(D, TO, "ff000", "4096", "7000"),
	  "?1:iova-reused<1 ?2:live-at-end<2",
	  { 0 } },
	{ "an address of two mappings, with an offset",
	  MAP(D, TO, "c0005000", "4096", "5000") MAP(D, TO, "c0005000", "4096", "5000")
		  UNMAP(D, TO, "c0005000", "4096") UNMAP(D, TO, "c0005000", "4096"),
	  "?3:exposure",
	  { 0 } },
	/* memory from a device's own pool: Linux traces no free */
	{ "coherent memory allocated again",
	  ALLOC(D, "ff000", "4096") ALLOC(D, "ff000", "4096") FREE(D, "ff000", "4096"),
	  "?2:iova-reused<1",
	  { 0 } },
	{ "freed by the wrong function, then by the right one, without translation",
	  MAP(D, TO, "5000", "4096", "5000") ALLOC(D, "8000", "4096") UNMAP(D, TO, "8000", "64")
		  FREE(D, "8000", "4096") UNMAP(D, TO, "5000", "4096"),
	  "!3:unmap-unknown<2",
	  { 0 } },
	{ "freed by the wrong function, then by the right one, behind an IOMMU",
	  MAP(D, TO, "ff000", "4096", "5000") ALLOC(D, "8000", "4096") UNMAP(D, TO, "8000", "64")
		  FREE(D, "8000", "4096") UNMAP(D, TO, "ff000", "4096"),
	  "!3:unmap-unknown<2 !4:double-unmap<2",
	  { 0 } },
	{ "a list and a buffer",
	  MAPSG(D, FROM, "0xfe000", "0x2000", "0x5000,0x9000") MAP(D, TO, "fcff0", "16", "9ff0")
		  UNMAPSG(D, FROM, "0x5000,0x9000") UNMAP(D, TO, "fcff0", "16"),
	  "!2:overlap<1 ?2:exposure",
	  { 0 } },
	/* one entry of two pages: without coalescing the lengths are known */
	{ "a list entry of two pages",
	  MAPSG(D, FROM, "0xfe000", "0x2000", "0x5000") MAP(D, TO, "fd000", "4096", "6000")
		  UNMAPSG(D, FROM, "0x5000") UNMAP(D, TO, "fd000", "4096"),
	  "!2:overlap<1 ?3:exposure",
	  { 0 } },
	/* 0x2200 bytes in two entries: the second may have 0x200 bytes or 0x1200 */
	{ "a coalesced list of which the second entry is not sure",
	  MAPSG(D, FROM, "0xfc000", "0x2200", "0x5000,0x9000") MAP(D, TO, "fb200", "512", "9200")
		  UNMAPSG(D, FROM, "0x5000,0x9000") UNMAP(D, TO, "fb200", "512"),
	  "?1:exposure",
	  { 0 } },
	{ "and the first is",
	  MAPSG(D, FROM, "0xfc000", "0x2200", "0x5000,0x9000") MAP(D, TO, "fbe00", "512", "5e00")
		  UNMAPSG(D, FROM, "0x5000,0x9000") UNMAP(D, TO, "fbe00", "512"),
	  "!2:overlap<1 ?1:exposure",
	  { 0 } },
	{ "the page between",
	  MAPSG(D, FROM, "0xfe000", "0x2000", "0x5000,0x9000") MAP(D, TO, "ff000", "4096", "6000")
		  UNMAPSG(D, FROM, "0x5000,0x9000") UNMAP(D, TO, "ff000", "4096"),
	  "",
	  { 0 } },
	{ "registers are no memory",
	  T(D, "dma_map_resource",
	    "dir=BIDIRECTIONAL dma_addr=fe000 size=4096 phys_addr=fe000 attrs=")
		  T(E, "dma_map_resource",
		    "dir=BIDIRECTIONAL dma_addr=fe000 size=4096 phys_addr=fe000 attrs=")
			  T(E, "dma_unmap_resource",
			    "dir=BIDIRECTIONAL dma_addr=fe000 size=4096 attrs=")
				  T(D, "dma_unmap_resource",
				    "dir=BIDIRECTIONAL dma_addr=fe000 size=4096 attrs="),
	  "",
	  { 0 } },

	/* ---- shared-line ---- */
	{ "shared-line",
	  MAP(D, FROM, "ff000", "32", "5000") MAP(D, TO, "fe020", "32", "5020")
		  UNMAP(D, FROM, "ff000", "32") UNMAP(D, TO, "fe020", "32"),
	  "?2:shared-line<1 ?1:exposure",
	  { 0 } },
	{ "neighbouring lines",
	  MAP(D, FROM, "ff000", "64", "5000") MAP(D, TO, "fe040", "32", "5040")
		  UNMAP(D, FROM, "ff000", "64") UNMAP(D, TO, "fe040", "32"),
	  "?1:exposure",
	  { 0 } },
	{ "a line read by both",
	  MAP(D, TO, "ff000", "32", "5000") MAP(D, TO, "fe020", "32", "5020")
		  UNMAP(D, TO, "ff000", "32") UNMAP(D, TO, "fe020", "32"),
	  "?1:exposure",
	  { 0 } },
	{ "a line of which each has a copy in a slot",
	  MAP(D, FROM, "a000", "32", "5100") MAP(D, FROM, "b000", "32", "5120")
		  UNMAP(D, FROM, "a000", "32") UNMAP(D, FROM, "b000", "32"),
	  "",
	  { 0 } },

	/* ---- exposure ---- */
	{ "a slot hides the page",
	  MAP(D, TO, "a000", "512", "5100") MAP(D, TO, "b000", "4096", "5000")
		  UNMAP(D, TO, "a000", "512") UNMAP(D, TO, "b000", "4096"),
	  "",
	  { 0 } },
	{ "a slot with the same offset, on a device that bounces",
	  MAP(D, TO, "a000", "512", "7100") MAP(D, TO, "b100", "512", "5100")
		  MAP(D, TO, "c200", "512", "5200") UNMAP(D, TO, "a000", "512")
			  UNMAP(D, TO, "b100", "512") UNMAP(D, TO, "c200", "512"),
	  "",
	  { 0 } },
};
/* clang-format on */

static void all_rules(void **state)
{
	(void)state;
	assert_true(check_all(rules, sizeof(rules) / sizeof(rules[0])));
}

/* The sums of exposure, counted by hand */
static void exposure_sums(void **state)
{
	struct trace *t = load_text(
		/* three mappings of one page, one of them for writing, and one of two pages */
		MAP(D, TO, "a0000", "1024", "5000") MAP(D, FROM, "a1400", "1024", "5400") MAP(
			D, TO, "a2800", "4096", "5800") MAP(E, FROM, "b0c00", "64", "5c00")
			UNMAP(D, TO, "a0000", "1024") /* in reach: 5400 may be written, 5800 read */
		UNMAP(D, FROM, "a1400", "1024") /* in reach by 5800, for reading */
		UNMAP(D, TO, "a2800", "4096") /* no longer; E's mapping is another device's */
		UNMAP(E, FROM, "b0c00", "64"));
	const struct check_options opt = { 0 };
	struct findings fs = { 0 };
	const struct finding *d = NULL, *e = NULL;

	(void)state;
	check_trace(t, &opt, &fs);
	for (size_t i = 0; i < fs.nr; i++) {
		if (fs.list[i].kind != EXPOSURE)
			continue;
		*(strcmp(fs.list[i].device, D) == 0 ? &d : &e) = &fs.list[i];
	}
	assert_non_null(d);
	assert_non_null(e);
	assert_int_equal(d->size, 3072 + 3072 + 4096);
	assert_non_null(strstr(d->text, "2 of 3 unmaps (67 %) left"));
	assert_non_null(
		strstr(d->text, ", 1 of them for writing; 3 of 3 maps exposed 10240 bytes"));
	assert_int_equal(e->size, 4032);
	assert_non_null(strstr(e->text, "0 of 1 unmaps (0 %) left"));
	findings_free(&fs);
	trace_close(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_rules),
		cmocka_unit_test(exposure_sums),
	};

	return cmocka_run_group_tests_name("check rules of memory", tests, NULL, NULL);
}
