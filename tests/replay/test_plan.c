// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Plans of small traces. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <dmah/types.h>
#include "load.h"
#include "plan.h"

#define LINE(cpu, time, event, rest) " a-1 [00" cpu "] ..... " time ": " event ": dev " rest "\n"
#define MAP(time, dma, phys, size)      \
	LINE("0", time, "dma_map_page", \
	     "dir=FROM_DEVICE dma_addr=" dma " size=" size " phys_addr=" phys " attrs=")
#define UNMAP(time, dma, size) \
	LINE("0", time, "dma_unmap_page", "dir=FROM_DEVICE dma_addr=" dma " size=" size " attrs=")

static struct trace *trace;

static struct plan *plan_of(const char *text)
{
	struct plan *p;

	trace = load_text(text);
	p = plan_make(trace);
	assert_non_null(p);
	return p;
}

/* Writes calls as letters: m(ap), u(nmap), c and d for the syncs for CPU and device, each with the mapping's number. */
static void expect_ops(const struct plan *p, const char *want)
{
	char got[400] = "", *at = got;

	for (uint32_t i = 0; i < p->nops + p->ntail; i++)
		at += sprintf(at, "%s%c%u",
			      i == p->nops ? " | "
			      : i	   ? " "
					   : "",
			      "mucd"[p->ops[i].kind], p -> ops[i].item);
	assert_string_equal(got, want);
}

static void done(struct plan *p)
{
	plan_free(p);
	trace_close(trace);
}

static void quietly(struct plan *(*make)(const char *), const char *text, struct plan **p)
{
	int keep = dup(2), null = open("/dev/null", O_WRONLY);

	dup2(null, 2);
	*p = make(text);
	dup2(keep, 2);
	close(keep);
	close(null);
}

static void map_and_unmap(void **state)
{
	struct plan *p = plan_of(MAP("1.0", "ff000", "5040", "1522") UNMAP("1.1", "ff000", "1522"));

	(void)state;
	expect_ops(p, "m0 u0");
	assert_int_equal(p->items[0].total, 1522);
	assert_int_equal(p->items[0].dir, DMAH_FROM_DEVICE);
	assert_int_equal(p->pieces[p->items[0].first].phys % 4096, 0x40);
	assert_int_equal(p->singles, 1);
	assert_int_equal(p->unmatched, 0);
	assert_false(p->devices[0].wide);
	done(p);
}

/* Events of several CPUs are one sequence; another CPU may unmap than the one that mapped. */
static void several_cpus(void **state)
{
	struct plan *p =
		plan_of(LINE("0", "1.300000", "dma_unmap_page",
			     "dir=TO_DEVICE dma_addr=1000 size=64 attrs=")
				LINE("3", "1.100000", "dma_map_page",
				     "dir=TO_DEVICE dma_addr=1000 size=64 phys_addr=9000 attrs=")
					LINE("1", "1.400000", "dma_unmap_page",
					     "dir=TO_DEVICE dma_addr=2000 size=64 attrs=")
						LINE("0", "1.200000", "dma_map_page",
						     "dir=TO_DEVICE dma_addr=2000 size=64 "
						     "phys_addr=9040 attrs="));

	(void)state;
	expect_ops(p, "m0 m1 u0 u1");
	assert_int_equal(p->cpus, 3);
	assert_int_equal(p->ops[0].cpu, 0); /* CPU 3, the first in the trace */
	assert_int_equal(p->ops[1].cpu, 1);
	assert_int_equal(p->ops[2].cpu, 1);
	assert_int_equal(p->ops[3].cpu, 2);
	assert_int_equal(p->unmatched, 0);
	done(p);
}

/* Two devices may have the same DMA address. */
static void devices_apart(void **state)
{
	struct plan *p =
		plan_of(MAP("1.0", "1000", "9000",
			    "64") " a-1 [000] ..... 1.1: dma_map_page: two dir=TO_DEVICE "
				  "dma_addr=1000 size=32 phys_addr=a000 attrs=\n"
				  " a-1 [000] ..... 1.2: dma_unmap_page: two dir=TO_DEVICE "
				  "dma_addr=1000 size=32 attrs=\n" UNMAP("1.3", "1000", "64"));

	(void)state;
	expect_ops(p, "m0 m1 u1 u0");
	assert_int_equal(p->ndevices, 2);
	done(p);
}

static void failed_maps(void **state)
{
	struct plan *p = plan_of(MAP("1.0", "ffffffffffffffff", "5000", "64") LINE(
		"0", "1.1", "dma_alloc",
		"dir=BIDIRECTIONAL dma_addr=0 size=64 virt_addr=0000000000000000 flags=GFP_KERNEL "
		"attrs=") UNMAP("1.2", "ffffffffffffffff", "64") MAP("1.3", "1000", "5000", "64"));

	(void)state;
	expect_ops(p, "m0 | u0");
	assert_int_equal(p->failed, 2);
	assert_int_equal(p->unmatched, 1);
	done(p);
}

/* Freeing NULL is allowed: no mapping ends, and none is missing. */
static void frees_null(void **state)
{
	struct plan *p = plan_of(MAP("1.0", "0", "5000", "64")
					 LINE("0", "1.1", "dma_free",
					      "dir=BIDIRECTIONAL dma_addr=0 size=0 "
					      "virt_addr=0000000000000000 attrs=")
						 UNMAP("1.2", "0", "64"));

	(void)state;
	expect_ops(p, "m0 u0");
	assert_int_equal(p->unmatched, 0);
	done(p);
}

/* Unmaps and syncs of mappings that are older than the record. */
static void begins_in_the_middle(void **state)
{
	struct plan *p = plan_of(
		UNMAP("1.0", "1000", "64") LINE("0", "1.1", "dma_sync_single_for_cpu",
						"dir=FROM_DEVICE dma_addr=2000 size=64")
			LINE("0", "1.2", "dma_unmap_sg", "dir=TO_DEVICE phys_addrs={0x5000} attrs=")
				LINE("0", "1.3", "dma_free",
				     "dir=BIDIRECTIONAL dma_addr=5000 size=100 virt_addr=1234 "
				     "attrs=") MAP("1.4", "1000", "9000", "64")
					UNMAP("1.5", "1000", "64"));

	(void)state;
	expect_ops(p, "m0 u0");
	assert_int_equal(p->unmatched, 4);
	done(p);
}

/* A lost unmap shows when its address is mapped again. */
static void lost_unmap(void **state)
{
	struct plan *p = plan_of(MAP("1.0", "1000", "9000", "64") MAP("1.1", "1000", "a000", "64")
					 UNMAP("1.2", "1000", "64"));

	(void)state;
	expect_ops(p, "m0 u0 m1 u1");
	assert_int_equal(p->implied, 1);
	done(p);
}

/* Without translation, a page that is mapped twice has the same DMA address twice, and no unmap was lost. */
static void identity_twice(void **state)
{
	struct plan *p = plan_of(MAP("1.0", "9000", "9000", "64") MAP("1.1", "9000", "9000", "128")
					 UNMAP("1.2", "9000", "128") UNMAP("1.3", "9000", "64"));

	(void)state;
	expect_ops(p, "m0 m1 u1 u0");
	assert_int_equal(p->implied, 0);
	done(p);
}

static void syncs_inside(void **state)
{
	struct plan *p = plan_of(MAP("1.0", "1040", "9040", "1000") LINE(
		"0", "1.1", "dma_sync_single_for_cpu", "dir=FROM_DEVICE dma_addr=1050 size=60")
					 LINE("0", "1.2", "dma_sync_single_for_device",
					      "dir=FROM_DEVICE dma_addr=1040 size=1000")
						 LINE("0", "1.3", "dma_sync_single_for_device",
						      "dir=FROM_DEVICE dma_addr=1040 size=1001"));

	(void)state;
	expect_ops(p, "m0 c0 d0 | u0");
	assert_int_equal(p->ops[1].off, 16);
	assert_int_equal(p->ops[1].len, 60);
	assert_int_equal(p->ops[2].off, 0);
	assert_int_equal(p->unmatched, 1);
	done(p);
}

#define SG(time, nents, ents, dmas, sizes, physs)                                             \
	LINE("0", time, "dma_map_sg",                                                         \
	     "dir=TO_DEVICE nents=" nents " ents=" ents " dma_addrs={" dmas "} sizes={" sizes \
	     "} phys_addrs={" physs "} attrs=")
#define UNSG(time, physs) \
	LINE("0", time, "dma_unmap_sg", "dir=TO_DEVICE phys_addrs={" physs "} attrs=")

/* The unmap of a list has no DMA address: the physical addresses find the mapping, the oldest first. */
static void lists_by_pages(void **state)
{
	struct plan *p = plan_of(
		SG("1.0", "2/2", "1/1", "0x1000", "0x1800",
		   "0x5000,0x9000") SG("1.1", "2/2", "1/1", "0x3000", "0x2000", "0x5000,0xa000")
			SG("1.2", "2/2", "1/1", "0x8000", "0x2000", "0x5000,0x9000")
				LINE("0", "1.3", "dma_sync_sg_for_cpu",
				     "dir=TO_DEVICE dma_addrs={0x3000} sizes={0x2000}")
					UNSG("1.4", "0x5000,0xa000") UNSG("1.5", "0x5000,0x9000")
						UNSG("1.6", "0x5000") UNSG("1.7", "0x5000,0x9000"));

	(void)state;
	expect_ops(p, "m0 m1 m2 c1 u1 u0 u2");
	assert_int_equal(p->unmatched, 1);
	assert_int_equal(p->items[0].pieces, 2);
	assert_int_equal(p->items[0].total, 0x1800);
	assert_int_equal(p->max_pieces, 2);
	assert_int_equal(p->singles, 0);
	done(p);
}

/* A list whose record is cut off is found by its beginning, and completed by the record of its unmap. */
static void truncated_list(void **state)
{
	struct plan *p = plan_of(
		SG("1.0", "2/4", "2/4", "0x1000,0x2000", "0x1000,0x1000", "0x5000,0x9000")
			LINE("0", "1.1", "dma_unmap_sg",
			     "dir=TO_DEVICE phys_addrs={0x5000,0x9000,0x11000,0x13800} attrs="));

	(void)state;
	expect_ops(p, "m0 u0");
	assert_int_equal(p->unmatched, 0);
	assert_int_equal(p->items[0].pieces, 4);
	assert_int_equal(p->items[0].total, 0x3800);
	assert_int_equal(p->pieces[p->items[0].first + 3].len, 0x800);
	done(p);
}

/* Pages keep their neighbours, offsets and sharers, and get no new neighbours. */
static void memory(void **state)
{
	struct plan *p = plan_of(
		MAP("1.0", "1000", "7ffff5040", "64") MAP("1.1", "2000", "7ffff5800", "64")
			MAP("1.2", "3000", "7ffff6000", "8192") MAP("1.3", "8000", "5000", "64"));
	uint64_t a = p->pieces[p->items[0].first].phys, b = p->pieces[p->items[1].first].phys,
		 c = p->pieces[p->items[2].first].phys, d = p->pieces[p->items[3].first].phys;

	(void)state;
	assert_int_equal(a % 4096, 0x40);
	assert_int_equal(b - a, 0x7c0);
	assert_int_equal(c - a, 0xfc0);
	assert_true(d + 4096 * 2 <= a || d >= c + 8192 + 4096);
	assert_true(p->data <= 8 * 4096);
	done(p);
}

static void shared_lines(void **state)
{
	struct plan *p = plan_of(MAP("1.0", "1000", "9000", "100") MAP("1.1", "2064", "9064", "100")
					 UNMAP("1.2", "1000", "100")
						 MAP("1.3", "3000", "9000", "64")
							 MAP("1.4", "4000", "b000", "100"));

	(void)state;
	assert_true(p->items[0].shares_line);
	assert_true(p->items[1].shares_line);
	assert_false(p->items[2].shares_line); /* ends with the line */
	assert_false(p->items[3].shares_line); /* alone */
	done(p);
}

/* A driver keeps as many records as it has mappings at one time, and uses them in turn. */
static void kept(void **state)
{
	struct plan *p = plan_of(MAP("1.0", "1000", "9000", "64") MAP("1.1", "2000", "a000", "64")
					 UNMAP("1.2", "1000", "64") MAP("1.3", "3000", "b000", "64")
						 UNMAP("1.4", "2000", "64")
							 MAP("1.5", "4000", "c000", "64"));

	(void)state;
	assert_int_equal(p->kept[ITEM_SINGLE], 2);
	assert_int_equal(p->items[2].kept, p->items[0].kept);
	assert_int_equal(p->items[3].kept, p->items[1].kept);
	assert_int_not_equal(p->items[0].kept, p->items[1].kept);
	assert_int_equal(p->live_max, 2 * 4096);
	done(p);
}

static void kinds(void **state)
{
	struct plan *p = plan_of(
		LINE("0", "1.0", "dma_alloc",
		     "dir=BIDIRECTIONAL dma_addr=10000 size=100 virt_addr=1234 flags=GFP_KERNEL "
		     "attrs=") LINE("0", "1.1", "dma_alloc_pages",
				    "dir=TO_DEVICE dma_addr=20000 size=8192 virt_addr=1234 "
				    "flags=GFP_KERNEL attrs=")
			LINE("0", "1.2", "dma_alloc_sgt",
			     "dir=TO_DEVICE dma_addr=30000 size=65536 phys_addrs={0x30000} "
			     "flags=GFP_KERNEL attrs=") LINE("0", "1.3", "dma_map_resource",
							     "dir=TO_DEVICE dma_addr=fea00000 "
							     "size=4096 phys_addr=fea00000 attrs=")
				LINE("0", "1.4", "dma_map_page",
				     "dir=TO_DEVICE dma_addr=140000000 size=64 phys_addr=5000 "
				     "attrs=SKIP_CPU_SYNC") LINE("0", "1.5", "dma_free",
								 "dir=BIDIRECTIONAL dma_addr=10000 "
								 "size=100 virt_addr=1234 attrs=")
					LINE("0", "1.6", "dma_free_pages",
					     "dir=TO_DEVICE dma_addr=20000 size=8192 "
					     "virt_addr=1234 attrs=")
						LINE("0", "1.7", "dma_free_sgt",
						     "dir=TO_DEVICE dma_addr=30000 size=65536 "
						     "phys_addrs={0x30000}")
							LINE("0", "1.8", "dma_unmap_resource",
							     "dir=TO_DEVICE dma_addr=fea00000 "
							     "size=4096 attrs="));

	(void)state;
	expect_ops(p, "m0 m1 m2 m3 m4 u0 u1 u2 u3 | u4");
	assert_int_equal(p->items[0].kind, ITEM_COHERENT);
	assert_int_equal(p->items[1].kind, ITEM_SINGLE);
	assert_int_equal(p->items[1].total, 8192);
	assert_int_equal(p->items[2].total, 65536);
	assert_int_equal(p->items[3].attrs, DMAH_ATTR_MMIO);
	assert_int_equal(p->items[4].attrs, DMAH_ATTR_NO_CPU_SYNC);
	assert_int_equal(p->coherent_max, 4096);
	assert_true(p->devices[0].wide);
	done(p);
}

static void nonsense_is_left_out(void **state)
{
	struct plan *p;

	(void)state;
	quietly(plan_of,
		MAP("1.0", "1000", "9000", "0") MAP("1.1", "2000", "9000", "4294967296")
			MAP("1.2", "3000", "fffffffffffff000",
			    "64") LINE("0", "1.3", "dma_map_page",
				       "dir=NONE dma_addr=7000 size=4 phys_addr=1000 attrs=")
				MAP("1.4", "4000", "9000", "4294967295") UNMAP("1.5", "1000", "0")
					UNMAP("1.6", "4000", "4294967295"),
		&p);
	expect_ops(p, "m0 u0");
	assert_int_equal(p->refused, 4);
	assert_int_equal(p->unmatched, 1);
	assert_int_equal(p->items[0].total, 4294967295);
	done(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(map_and_unmap),  cmocka_unit_test(several_cpus),
		cmocka_unit_test(devices_apart),  cmocka_unit_test(failed_maps),
		cmocka_unit_test(frees_null),	  cmocka_unit_test(begins_in_the_middle),
		cmocka_unit_test(lost_unmap),	  cmocka_unit_test(identity_twice),
		cmocka_unit_test(syncs_inside),	  cmocka_unit_test(lists_by_pages),
		cmocka_unit_test(truncated_list), cmocka_unit_test(memory),
		cmocka_unit_test(shared_lines),	  cmocka_unit_test(kept),
		cmocka_unit_test(kinds),	  cmocka_unit_test(nonsense_is_left_out),
	};

	return cmocka_run_group_tests_name("replay-plan", tests, NULL, NULL);
}
