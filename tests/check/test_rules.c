// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Rules about maps and unmaps: which belong together, with which arguments, and what a trace leaves out. */
#define _GNU_SOURCE
#include "rules.h"

/* clang-format off: a rule is read as a whole */
static const struct rule rules[] = {
	/* ---- double-unmap ---- */
	{ "double-unmap",
	  MAP(D, TO, "ff000", "4096", "5000") UNMAP(D, TO, "ff000", "4096")
		  UNMAP(D, TO, "ff000", "4096"),
	  "!3:double-unmap<1",
	  { 0 } },
	{ "mapped again between",
	  MAP(D, TO, "ff000", "4096", "5000") UNMAP(D, TO, "ff000", "4096")
		  MAP(D, TO, "ff000", "4096", "6000") UNMAP(D, TO, "ff000", "4096"),
	  "",
	  { 0 } },
	{ "three times",
	  MAP(D, TO, "ff000", "4096", "5000") UNMAP(D, TO, "ff000", "4096")
		  UNMAP(D, TO, "ff000", "4096") UNMAP(D, TO, "ff000", "4096"),
	  "!3:double-unmap<1 !4:double-unmap<1",
	  { 0 } },
	{ "the same address of another device",
	  MAP(D, TO, "ff000", "4096", "5000") MAP(E, TO, "ff000", "4096", "6000")
		  UNMAP(D, TO, "ff000", "4096") UNMAP(E, TO, "ff000", "4096"),
	  "",
	  { 0 } },
	{ "freed twice",
	  ALLOC(D, "ff000", "100") FREE(D, "ff000", "100") FREE(D, "ff000", "100"),
	  "!3:double-unmap<1",
	  { 0 } },
	{ "list unmapped twice",
	  MAPSG(D, TO, "0xff000", "0x2000", "0x5000,0x9000") UNMAPSG(D, TO, "0x5000,0x9000")
		  UNMAPSG(D, TO, "0x5000,0x9000"),
	  "!3:double-unmap<1",
	  { 0 } },
	{ "list unmapped twice, the second time in part",
	  MAPSG(D, TO, "0xff000", "0x2000", "0x5000,0x9000") UNMAPSG(D, TO, "0x5000,0x9000")
		  UNMAPSG(D, TO, "0x5000"),
	  "!3:double-unmap<1",
	  { 0 } },
	{ "not the list that was unmapped, though it begins alike",
	  MAPSG(D, TO, "0xff000", "0x2000", "0x5000,0x9000") UNMAPSG(D, TO, "0x5000,0x9000")
		  UNMAPSG(D, TO, "0x5000,0xa000"),
	  "!3:unmap-unknown",
	  { 0 } },
	{ "list mapped twice, unmapped twice",
	  MAPSG(D, TO, "0xff000", "0x2000", "0x5000,0x9000")
		  MAPSG(D, TO, "0xfd000", "0x2000", "0x5000,0x9000") UNMAPSG(D, TO, "0x5000,0x9000")
			  UNMAPSG(D, TO, "0x5000,0x9000"),
	  "?3:exposure",
	  { 0 } },
	/* two readers of one buffer without an IOMMU have one address, and may both unmap it */
	{ "one address, two mappings",
	  MAP(D, TO, "5000", "4096", "5000") MAP(D, TO, "5000", "4096", "5000")
		  UNMAP(D, TO, "5000", "4096") UNMAP(D, TO, "5000", "4096"),
	  "?3:exposure",
	  { 0 } },
	{ "one address, two mappings, three unmaps",
	  MAP(D, TO, "5000", "4096", "5000") MAP(D, TO, "5000", "4096", "5000") UNMAP(
		  D, TO, "5000", "4096") UNMAP(D, TO, "5000", "4096") UNMAP(D, TO, "5000", "4096"),
	  "!5:double-unmap<2 ?3:exposure",
	  { 0 } },
	/* another CPU may map the freed IOVA before the unmap is recorded */
	{ "map recorded ahead of the unmap",
	  MAP(D, TO, "ff000", "4096", "5000") MAP(D, TO, "ff000", "4096", "6000")
		  UNMAP(D, TO, "ff000", "4096") UNMAP(D, TO, "ff000", "4096"),
	  "",
	  { 0 } },

	/* ---- unmap-unknown ---- */
	{ "unmap-unknown",
	  MAP(D, TO, "ff000", "4096", "5000") UNMAP(D, TO, "12345000", "4096")
		  UNMAP(D, TO, "ff000", "4096"),
	  "!2:unmap-unknown",
	  { 0 } },
	{ "unmapped on the wrong device",
	  MAP(D, TO, "ff000", "4096", "5000") MAP(E, TO, "ee000", "4096", "7000")
		  UNMAP(E, TO, "ff000", "4096") UNMAP(E, TO, "ee000", "4096")
			  UNMAP(D, TO, "ff000", "4096"),
	  "!3:unmap-unknown<1",
	  { 0 } },
	{ "unmapped in part",
	  MAP(D, TO, "fe000", "8192", "5000") UNMAP(D, TO, "ff000", "4096")
		  UNMAP(D, TO, "fe000", "8192"),
	  "!2:unmap-unknown<1",
	  { 0 } },
	{ "freed as a buffer",
	  ALLOC(D, "ff000", "4096") UNMAP(D, BIDI, "ff000", "4096"),
	  "!2:unmap-unknown<1",
	  { 0 } },
	{ "resource unmapped as a buffer",
	  T(D, "dma_map_resource", "dir=TO_DEVICE dma_addr=fe0 size=16 phys_addr=fe0 attrs=")
		  UNMAP(D, TO, "fe0", "16"),
	  "!2:unmap-unknown<1",
	  { 0 } },
	{ "resource of 6.18, unmapped by either name",
	  T(D, "dma_map_phys", "dir=TO_DEVICE dma_addr=fe0 size=16 phys_addr=fe0 attrs=MMIO")
		  T(D, "dma_unmap_phys", "dir=TO_DEVICE dma_addr=fe0 size=16 attrs=MMIO")
			  T(D, "dma_map_phys",
			    "dir=TO_DEVICE dma_addr=fe0 size=16 phys_addr=fe0 attrs=MMIO")
				  T(D, "dma_unmap_resource",
				    "dir=TO_DEVICE dma_addr=fe0 size=16 attrs=MMIO"),
	  "",
	  { 0 } },
	{ "list never mapped",
	  MAP(D, TO, "ff000", "4096", "5000") UNMAPSG(D, TO, "0x5000")
		  UNMAP(D, TO, "ff000", "4096"),
	  "!2:unmap-unknown",
	  { 0 } },
	{ "list with another second page",
	  MAPSG(D, TO, "0xff000", "0x2000", "0x5000,0x9000") UNMAPSG(D, TO, "0x5000,0xa000")
		  UNMAPSG(D, TO, "0x5000,0x9000"),
	  "!2:unmap-unknown",
	  { 0 } },
	{ "free of nothing is allowed",
	  ALLOC(D, "ff000", "4096") FREE(D, "ff000", "4096")
		  T(D, "dma_free",
		    "dir=BIDIRECTIONAL dma_addr=0 size=4096 "
		    "virt_addr=0000000000000000 attrs="),
	  "",
	  { 0 } },

	/* ---- a record that begins in the middle ---- */
	{ "begins with an unmap",
	  UNMAP(D, TO, "ff000", "4096") UNMAP(D, TO, "fe000", "4096"),
	  "?1:unmap-unknown ?2:unmap-unknown",
	  { 0 } },
	{ "begins with an unmap, from-start yes",
	  UNMAP(D, TO, "ff000", "4096"),
	  "!1:unmap-unknown",
	  { .from_start = FROM_START_YES } },
	{ "begins with a map, from-start no",
	  MAP(D, TO, "ff000", "4096", "5000") UNMAP(D, TO, "12345000", "4096")
		  UNMAP(D, TO, "ff000", "4096"),
	  "?2:unmap-unknown",
	  { .from_start = FROM_START_NO } },
	{ "begins with a sync",
	  CPU(D, TO, "ff000", "4096") UNMAP(D, TO, "ff000", "4096"),
	  "?1:sync-unmapped ?2:unmap-unknown",
	  { 0 } },
	{ "each device begins for itself",
	  UNMAP(E, TO, "ff000", "4096") ALLOC(D, "ff000", "4096") UNMAP(D, TO, "12345000", "4096")
		  FREE(D, "ff000", "4096"),
	  "?1:unmap-unknown !3:unmap-unknown",
	  { 0 } },
	{ "what is seen whole is still an error",
	  UNMAP(D, TO, "ff000", "4096") MAP(D, TO, "fe000", "4096", "5000")
		  UNMAP(D, TO, "fe000", "2048"),
	  "?1:unmap-unknown !3:size-mismatch<2",
	  { 0 } },
	/* without translation: perhaps mapped twice, the first time before the trace */
	{ "begins in the middle, one address",
	  UNMAP(D, TO, "7000", "4096") MAP(D, TO, "5000", "4096", "5000")
		  UNMAP(D, TO, "5000", "4096") UNMAP(D, TO, "5000", "4096"),
	  "?1:unmap-unknown ?4:double-unmap<2",
	  { 0 } },
	{ "begins in the middle, an IOVA",
	  UNMAP(D, TO, "7000", "4096") MAP(D, TO, "ff000", "4096", "5000")
		  UNMAP(D, TO, "ff000", "4096") UNMAP(D, TO, "ff000", "4096"),
	  "?1:unmap-unknown !4:double-unmap<2",
	  { 0 } },
	{ "begins with a failed map",
	  MAP(D, TO, FAILED, "4096", "5000") UNMAP(D, TO, "ff000", "4096"),
	  "!2:unmap-unknown ?1:failed-map",
	  { 0 } },

	/* ---- lost events ---- */
	{ "after a loss",
	  MAP(D, TO, "ff000", "4096", "5000") "CPU:1 [LOST 3 EVENTS]\n" UNMAP(
		  D, FROM, "ff000", "2048") UNMAP(D, TO, "ff000", "4096"),
	  "?2:lost-events ?3:size-mismatch<1 ?3:direction-mismatch<1 ?4:double-unmap<1",
	  { 0 } },
	{ "before a loss",
	  MAP(D, TO, "ff000", "4096", "5000")
		  UNMAP(D, TO, "ff000", "2048") "CPU:1 [LOST 3 EVENTS]\n",
	  "!2:size-mismatch<1 ?3:lost-events",
	  { 0 } },
	{ "after a loss, from-start yes",
	  MAP(D, TO, "ff000", "4096", "5000") "CPU:1 [LOST 3 EVENTS]\n" UNMAP(D, TO, "ff000",
									      "2048"),
	  "?2:lost-events !3:size-mismatch<1",
	  { .from_start = FROM_START_YES } },
	{ "overwritten at the beginning",
	  "# entries-in-buffer/entries-written: 2/9   #P:1\n" MAP(D, TO, "ff000", "4096", "5000")
		  UNMAP(D, TO, "fe000", "4096") UNMAP(D, TO, "ff000", "4096"),
	  "?1:lost-events ?3:unmap-unknown<2",
	  { 0 } },
	{ "not overwritten",
	  "# entries-in-buffer/entries-written: 9/9   #P:1\n" MAP(D, TO, "ff000", "4096", "5000")
		  UNMAP(D, TO, "fe000", "4096") UNMAP(D, TO, "ff000", "4096"),
	  "!3:unmap-unknown<2",
	  { 0 } },
	/* the hole lies before the line that tells of it */
	{ "buffer started later",
	  MAP(D, TO, "ff000", "4096", "5000") UNMAP(D, TO, "fe000", "4096")
		  UNMAP(D, TO, "ff000", "4096") "##### CPU 0 buffer started ####\n",
	  "?2:unmap-unknown<1 ?4:lost-events",
	  { 0 } },
	/* an IOVA that is given out again was unmapped in the hole */
	{ "unmap lost",
	  MAP(D, FROM, "ff000", "4096", "5000") "CPU:1 [LOST 1 EVENTS]\n" MAP(
		  D, FROM, "ff000", "4096", "6000") MAP(D, FROM, "fe000", "4096", "5000")
		  UNMAP(D, FROM, "ff000", "4096") UNMAP(D, FROM, "fe000", "4096"),
	  "?2:lost-events",
	  { 0 } },
	{ "final after a loss",
	  MAP(D, TO, "ff000", "4096", "5000") "CPU:1 [LOST 1 EVENTS]\n",
	  "?2:lost-events ?1:live-at-end<1",
	  { .final = true } },

	/* ---- size-mismatch ---- */
	{ "size-mismatch",
	  MAP(D, FROM, "ff000", "4096", "5000") UNMAP(D, FROM, "ff000", "2048"),
	  "!2:size-mismatch<1",
	  { 0 } },
	{ "sizes agree",
	  MAP(D, FROM, "ff000", "2048", "5000") UNMAP(D, FROM, "ff000", "2048"),
	  "?1:exposure",
	  { 0 } },
	{ "freed with another size",
	  ALLOC(D, "ff000", "100") FREE(D, "ff000", "4096"),
	  "!2:size-mismatch<1",
	  { 0 } },
	/* the classic: the number that map returned is given to unmap */
	{ "list, the number that map returned",
	  MAPSG(D, TO, "0xff000", "0x2000", "0x5000,0x9000") UNMAPSG(D, TO, "0x5000"),
	  "!2:size-mismatch<1",
	  { 0 } },
	{ "list, the number given to map",
	  MAPSG(D, TO, "0xff000", "0x2000", "0x5000,0x9000") UNMAPSG(D, TO, "0x5000,0x9000"),
	  "",
	  { 0 } },
	{ "of two at one address the one that fits",
	  MAP(D, TO, "5000", "4096", "5000") MAP(D, TO, "5000", "64", "5000")
		  UNMAP(D, TO, "5000", "64") UNMAP(D, TO, "5000", "4096"),
	  "?2:exposure",
	  { 0 } },

	/* ---- direction-mismatch ---- */
	{ "direction-mismatch",
	  MAP(D, TO, "ff000", "4096", "5000") UNMAP(D, FROM, "ff000", "4096"),
	  "!2:direction-mismatch<1",
	  { 0 } },
	{ "not even to BIDIRECTIONAL",
	  MAP(D, TO, "ff000", "4096", "5000") UNMAP(D, BIDI, "ff000", "4096"),
	  "!2:direction-mismatch<1",
	  { 0 } },
	{ "size and direction",
	  MAP(D, TO, "ff000", "4096", "5000") UNMAP(D, FROM, "ff000", "1"),
	  "!2:size-mismatch<1 !2:direction-mismatch<1",
	  { 0 } },
	{ "list in another direction",
	  MAPSG(D, TO, "0xff000", "0x1000", "0x5000") UNMAPSG(D, FROM, "0x5000"),
	  "!2:direction-mismatch<1",
	  { 0 } },
	/* 6.12 does not store the direction of these */
	/* dma_map_page: a kernel that may not store the direction of an allocation */
	{ "allocations have none",
	  MAP(E, TO, "1000", "4096", "1000") T(D, "dma_alloc_pages",
					       "dir=TO_DEVICE dma_addr=ff000 size=4096 "
					       "virt_addr=(____ptrval____) flags=GFP_KERNEL attrs=")
		  T(D, "dma_free_pages",
		    "dir=FROM_DEVICE dma_addr=ff000 size=4096 "
		    "virt_addr=(____ptrval____) attrs="),
	  "?1:live-at-end<1",
	  { 0 } },

	/* ---- use-of-failed-map ---- */
	{ "unmap of a failed map",
	  MAP(D, TO, FAILED, "4096", "5000") UNMAP(D, TO, FAILED, "4096"),
	  "!2:use-of-failed-map<1",
	  { 0 } },
	{ "failed and left alone",
	  MAP(D, TO, FAILED, "4096", "5000") MAP(D, TO, "ff000", "4096", "5000")
		  UNMAP(D, TO, "ff000", "4096"),
	  "?1:failed-map",
	  { 0 } },
	{ "sync of a failed map",
	  MAP(D, TO, FAILED, "4096", "5000") CPU(D, TO, FAILED, "4096"),
	  "!2:use-of-failed-map<1",
	  { 0 } },
	/* all ones and 64 is 63 */
	{ "sync into a failed map",
	  MAP(D, TO, FAILED, "4096", "5000") CPU(D, TO, "3f", "64"),
	  "!2:use-of-failed-map<1",
	  { 0 } },
	{ "failed before the trace",
	  ALLOC(D, "ff000", "4096") UNMAP(D, TO, FAILED, "4096") FREE(D, "ff000", "4096"),
	  "!2:use-of-failed-map",
	  { 0 } },
	{ "unmap of a failed list",
	  T(D, "dma_map_sg_err", "dir=TO_DEVICE dma_addrs={0x5000,0x9000} err=-12 attrs=")
		  UNMAPSG(D, TO, "0x5000,0x9000"),
	  "!2:use-of-failed-map<1",
	  { 0 } },
	{ "list failed, then mapped",
	  T(D, "dma_map_sg_err", "dir=TO_DEVICE dma_addrs={0x5000,0x9000} err=-12 attrs=") MAPSG(
		  D, TO, "0xff000", "0x2000", "0x5000,0x9000") UNMAPSG(D, TO, "0x5000,0x9000"),
	  "?1:failed-map",
	  { 0 } },
	{ "failed allocation",
	  T(D, "dma_alloc",
	    "dir=BIDIRECTIONAL dma_addr=0 size=4096 "
	    "virt_addr=0000000000000000 flags=GFP_KERNEL attrs=") ALLOC(D, "ff000", "4096")
		  FREE(D, "ff000", "4096"),
	  "?1:failed-map",
	  { 0 } },

	/* ---- arguments that differ ---- */
	{ "attrs-mismatch",
	  MAPA(D, TO, "ff000", "4096", "5000", "PRIVILEGED|NO_WARN") UNMAP(D, TO, "ff000", "4096"),
	  "!2:attrs-mismatch<1",
	  { 0 } },
	{ "attributes that may differ",
	  MAPA(D, TO, "ff000", "4096", "5000",
	       "SKIP_CPU_SYNC|NO_WARN|WEAK_ORDERING|ALLOC_CC_SHARED") UNMAP(D, TO, "ff000", "4096"),
	  "",
	  { 0 } },
	{ "attributes of a list",
	  MAPSG(D, TO, "0xfe000", "0x1000", "0x5000")
		  T(D, "dma_unmap_sg", "dir=TO_DEVICE phys_addrs={0x5000} attrs=CC_SHARED"),
	  "!2:attrs-mismatch<1",
	  { 0 } },
	{ "a resource of 6.12 has no MMIO",
	  T(D, "dma_map_resource", "dir=TO_DEVICE dma_addr=fe0 size=16 phys_addr=fe0 attrs=")
		  T(D, "dma_unmap_resource", "dir=TO_DEVICE dma_addr=fe0 size=16 attrs=MMIO"),
	  "",
	  { 0 } },
	{ "cpu-address-mismatch",
	  T(D, "dma_alloc",
	    "dir=BIDIRECTIONAL dma_addr=ff000 size=64 virt_addr=00000000a1b2c3d4 "
	    "flags=GFP_KERNEL attrs=")
		  T(D, "dma_free",
		    "dir=BIDIRECTIONAL dma_addr=ff000 size=64 virt_addr=00000000a1b2c3d8 "
		    "attrs="),
	  "!2:cpu-address-mismatch<1",
	  { 0 } },
	{ "CPU addresses that are not printed",
	  T(D, "dma_alloc",
	    "dir=BIDIRECTIONAL dma_addr=ff000 size=64 virt_addr=00000000a1b2c3d4 "
	    "flags=GFP_KERNEL attrs=") FREE(D, "ff000", "64"),
	  "",
	  { 0 } },
	{ "direction of pages",
	  T(D, "dma_alloc_pages",
	    "dir=TO_DEVICE dma_addr=ff000 size=4096 virt_addr=(____ptrval____) "
	    "flags=GFP_KERNEL attrs=") T(D, "dma_free_pages",
					 "dir=FROM_DEVICE dma_addr=ff000 size=4096 "
					 "virt_addr=(____ptrval____) attrs="),
	  "!2:direction-mismatch<1",
	  { 0 } },
	{ "a kernel that stores no direction",
	  T(D, "dma_alloc",
	    "dir=TO_DEVICE dma_addr=fe000 size=64 virt_addr=(____ptrval____) "
	    "flags=GFP_KERNEL attrs=") T(D, "dma_alloc_pages",
					 "dir=TO_DEVICE dma_addr=ff000 size=4096 "
					 "virt_addr=(____ptrval____) flags=GFP_KERNEL attrs=")
		  T(D, "dma_free_pages",
		    "dir=FROM_DEVICE dma_addr=ff000 size=4096 "
		    "virt_addr=(____ptrval____) attrs=") FREE(D, "fe000", "64"),
	  "",
	  { 0 } },

	/* ---- lists ---- */
	{ "sync-entries",
	  MAPSG(D, TO, "0xfe000", "0x2000", "0x5000,0x6000") CPUSG(D, TO, "0xfe000", "0x2000")
		  UNMAPSG(D, TO, "0x5000,0x6000"),
	  "!2:sync-entries<1",
	  { 0 } },
	{ "all entries of a coalesced list",
	  MAPSG(D, TO, "0xfe000", "0x2000", "0x5000,0x6000")
		  CPUSG(D, TO, "0xfe000,0xffffffffffffffff", "0x2000,0x0")
			  UNMAPSG(D, TO, "0x5000,0x6000"),
	  "",
	  { 0 } },
	{ "a list of another device",
	  MAP(E, TO, "1000", "4096", "1000") MAPSG(D, TO, "0xfe000", "0x1000", "0x5000")
		  UNMAPSG(E, TO, "0x5000"),
	  "!3:unmap-unknown<2 ?1:live-at-end<1 ?2:live-at-end<2",
	  { 0 } },
	{ "a shared line that is meant",
	  MAPA(D, FROM, "ff000", "32", "5000", "CACHELINES_OVERLAP")
		  MAPA(D, FROM, "fe020", "32", "5020", "CACHELINES_OVERLAP"),
	  "?1:live-at-end<1 ?2:live-at-end<2 ?1:exposure",
	  { 0 } },
	{ "a part of a list",
	  MAPSG(D, TO, "0xfe000,0xf0000", "0x1000,0x1000", "0x5000,0x8000")
		  CPUSG(D, TO, "0xf0000", "0x1000") UNMAPSG(D, TO, "0x8000"),
	  "!3:unmap-unknown<1 ?1:live-at-end<1",
	  { 0 } },
	{ "segment-boundary",
	  MAPSG(D, TO, "0xfffff000", "0x2000", "0x5000,0x6000") UNMAPSG(D, TO, "0x5000,0x6000"),
	  "?1:segment-boundary",
	  { 0 } },
	{ "up to the boundary",
	  MAPSG(D, TO, "0xffffe000", "0x2000", "0x5000,0x6000") UNMAPSG(D, TO, "0x5000,0x6000"),
	  "",
	  { 0 } },
	{ "a boundary of 64 KiB",
	  MAPSG(D, TO, "0xf000", "0x2000", "0x5000,0x6000") UNMAPSG(D, TO, "0x5000,0x6000"),
	  "?1:segment-boundary",
	  { .boundary = 65536 } },
	{ "no boundary",
	  MAPSG(D, TO, "0xfffff000", "0x2000", "0x5000,0x6000") UNMAPSG(D, TO, "0x5000,0x6000"),
	  "",
	  { .boundary = NO_BOUNDARY } },
	{ "empty-sync",
	  MAPSG(D, TO, "0xfe000", "0x1000", "0x5000") CPUSG(D, TO, "", "") UNMAPSG(D, TO, "0x5000"),
	  "?2:empty-sync",
	  { 0 } },
	{ "sync-coherent",
	  ALLOC(D, "ff000", "4096") CPU(D, TO, "ff000", "64") FREE(D, "ff000", "4096"),
	  "?2:sync-coherent<1",
	  { 0 } },

	/* ---- arguments that are wrong by themselves ---- */
	{ "zero-length",
	  MAP(D, TO, "ff000", "0", "5000") UNMAP(D, TO, "ff000", "0"),
	  "?1:zero-length",
	  { 0 } },
	{ "bad-direction",
	  MAP(D, "NONE", "ff000", "4096", "5000") UNMAP(D, "NONE", "ff000", "4096"),
	  "!1:bad-direction",
	  { 0 } },
	{ "a cache line of 128 bytes",
	  MAP(D, FROM, "ff000", "64", "5000") MAP(D, FROM, "fe040", "64", "5040"),
	  "?2:shared-line<1 ?1:live-at-end<1 ?2:live-at-end<2 ?1:exposure",
	  { .cache_line = 128 } },

	/* ---- live-at-end ---- */
	{ "live-at-end",
	  MAP(D, FROM, "ff000", "4096", "5000") ALLOC(D, "fe000", "512")
		  MAPSG(D, TO, "0xfd000", "0x1000", "0x9000"),
	  "?1:live-at-end<1 ?2:live-at-end<2 ?3:live-at-end<3",
	  { 0 } },
	{ "live-at-end, final",
	  MAP(D, FROM, "ff000", "4096", "5000") ALLOC(D, "fe000", "512"),
	  "!1:live-at-end<1 !2:live-at-end<2",
	  { .final = true } },
	{ "nothing live, final",
	  MAP(D, FROM, "ff000", "4096", "5000") ALLOC(D, "fe000", "512")
		  UNMAP(D, FROM, "ff000", "4096") FREE(D, "fe000", "512"),
	  "",
	  { .final = true } },
};
/* clang-format on */

static void all_rules(void **state)
{
	(void)state;
	assert_true(check_all(rules, sizeof(rules) / sizeof(rules[0])));
}

/* The kernel keeps 128 entries of a list when it is mapped, and all when it is unmapped. */
static void truncated_list(void **state)
{
	static char physs[2][8192], dmas[8192], sizes[8192], map[30000], text[60000];
	struct rule r = { "truncated list", text, "", { 0 } };

	(void)state;
	for (int i = 0; i < 187; i++) {
		const char *sep = i ? "," : "";

		sprintf(physs[1] + strlen(physs[1]), "%s0x%x", sep, 0x100000 + 0x2000 * i);
		if (i < 128) {
			sprintf(physs[0] + strlen(physs[0]), "%s0x%x", sep, 0x100000 + 0x2000 * i);
			sprintf(dmas + strlen(dmas), "%s0x%x", sep, 0x8000000 + 0x1000 * i);
			sprintf(sizes + strlen(sizes), "%s0x1000", sep);
		}
	}
	sprintf(map,
		T(D, "dma_map_sg",
		  "dir=TO_DEVICE nents=128/187 ents=128/187 [TRUNCATED] "
		  "dma_addrs={%s} sizes={%s} phys_addrs={%s} attrs="),
		dmas, sizes, physs[0]);
	/* a sync of entry 150, of which the trace knows nothing, cannot be judged */
	snprintf(text, sizeof(text), "%s" CPU(D, TO, "8096000", "4096") UNMAPSG(D, TO, "%s"), map,
		 physs[1]);
	assert_true(check(&r));
	/* when the list is gone, it can */
	r.expect = "!3:sync-unmapped";
	snprintf(text, sizeof(text), "%s" UNMAPSG(D, TO, "%s") CPU(D, TO, "8096000", "4096"), map,
		 physs[1]);
	assert_true(check(&r));
	/* unmapped with 128 entries, it is a mistake */
	r.expect = "!2:size-mismatch<1";
	snprintf(text, sizeof(text), "%s" UNMAPSG(D, TO, "%s"), map, physs[0]);
	assert_true(check(&r));
	/* and of another list it is none of this */
	r.expect = "!2:unmap-unknown ?1:live-at-end<1";
	physs[1][strlen("0x100000,0x10")] = '7';
	snprintf(text, sizeof(text), "%s" UNMAPSG(D, TO, "%s"), map, physs[1]);
	assert_true(check(&r));
}

/* The fields of a finding, besides its place */
static void fields(void **state)
{
	struct trace *t = load_text(MAP(D, TO, "ff040", "100", "5040") UNMAP(D, TO, "ff040", "50")
					    UNMAPSG(E, TO, "0x7000"));
	const struct check_options opt = { 0 };
	struct findings fs = { 0 };
	const struct finding *f;

	(void)state;
	check_trace(t, &opt, &fs);
	assert_int_equal(fs.nr, 3);
	f = &fs.list[0];
	assert_int_equal(f->kind, SIZE_MISMATCH);
	assert_true(f->error);
	assert_string_equal(f->device, D);
	assert_int_equal(f->dma, 0xff040);
	assert_int_equal(f->phys, 0x5040); /* of the map: an unmap has none */
	assert_int_equal(f->size, 50);
	assert_int_equal(f->map_line, 1);
	assert_int_equal(f->ev->cpu, 1);
	assert_string_equal(f->ev->task, "drv");
	assert_non_null(strstr(f->text, "with 50 bytes, mapped with 100 in line 1"));
	f = &fs.list[1];
	assert_int_equal(f->kind, UNMAP_UNKNOWN);
	assert_string_equal(f->device, E);
	assert_int_equal(f->dma, TRACE_NO_ADDR);
	assert_int_equal(f->phys, 0x7000);
	assert_false(f->has_size);
	assert_int_equal(f->map_line, 0);
	f = &fs.list[2];
	assert_int_equal(f->kind, EXPOSURE);
	assert_int_equal(f->size, 4096 - 100);
	findings_free(&fs);
	trace_close(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_rules),
		cmocka_unit_test(truncated_list),
		cmocka_unit_test(fields),
	};

	return cmocka_run_group_tests_name("check rules", tests, NULL, NULL);
}
