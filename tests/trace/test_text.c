// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * The text reader, line by line. Lines are literal: copied from traces, or made by hand from the
 * formats in Linux's include/trace/events/dma.h for what no bundled trace has.
 */
#define _GNU_SOURCE
#include "load.h"

#define HEAD "          insmod-140     [002] d.h1.     3.297977: "
#define DEV  "0000:00:01.0"
/* an event that makes a trace valid, where another line is what is tested */
#define GOOD HEAD "dma_sync_single_for_cpu: " DEV " dir=NONE dma_addr=1 size=1\n"

static struct trace *trace;

/* Reads one line as a whole trace and gives its only event. */
static const struct trace_event *one(const char *line)
{
	char text[8192];
	const struct trace_event *ev;
	size_t nr;

	trace_close(trace);
	snprintf(text, sizeof(text), "%s\n", line);
	trace = load_text(text);
	ev = trace_events(trace, &nr);
	assert_int_equal(nr, 1);
	assert_int_equal(trace_info(trace)->events, 1);
	return ev;
}

static int done(void **state)
{
	(void)state;
	trace_close(trace);
	trace = NULL;
	return 0;
}

static void check_head(const struct trace_event *ev, const char *name)
{
	assert_int_equal(ev->line, 1);
	assert_int_equal(ev->time, 3297977000u);
	assert_int_equal(ev->cpu, 2);
	assert_int_equal(ev->pid, 140);
	assert_string_equal(ev->task, "insmod");
	assert_string_equal(ev->name, name);
	assert_string_equal(trace_device(trace, ev->device), DEV);
}

static void check_single(const struct trace_event *ev, enum trace_kind kind, enum trace_dir dir,
			 uint64_t dma, uint64_t size, uint64_t phys, uint64_t attrs)
{
	assert_int_equal(ev->kind, kind);
	assert_int_equal(ev->dir, dir);
	assert_int_equal(ev->dma, dma);
	assert_int_equal(ev->size, size);
	assert_int_equal(ev->phys, phys);
	assert_int_equal(ev->attrs, attrs);
	assert_int_equal(ev->nr_phys, 0);
	assert_int_equal(ev->nr_dma, 0);
	assert_false(ev->truncated);
}

static void map(void **state)
{
	const struct trace_event *ev;

	(void)state;
	ev = one(HEAD "dma_map_page: " DEV " dir=TO_DEVICE dma_addr=17200000 size=1514 "
		      "phys_addr=2c6b040 attrs=WEAK_ORDERING|SKIP_CPU_SYNC");
	check_head(ev, "dma_map_page");
	check_single(ev, TRACE_MAP, TRACE_TO_DEVICE, 0x17200000, 1514, 0x2c6b040,
		     1u << 1 | 1u << 5);
	assert_false(ev->failed);
	ev = one(HEAD "dma_map_phys: " DEV " dir=FROM_DEVICE dma_addr=fedcba9876543210 "
		      "size=4294967295 phys_addr=fffffffffffff000 attrs=MMIO|CC_SHARED");
	check_head(ev, "dma_map_phys");
	check_single(ev, TRACE_MAP, TRACE_FROM_DEVICE, 0xfedcba9876543210, 4294967295u,
		     0xfffffffffffff000, 1u << 10 | 1u << 13);
	ev = one(HEAD "dma_map_resource: " DEV " dir=BIDIRECTIONAL dma_addr=fea00000 size=4096 "
		      "phys_addr=fea00000 attrs=");
	check_head(ev, "dma_map_resource");
	check_single(ev, TRACE_MAP_RESOURCE, TRACE_BIDIRECTIONAL, 0xfea00000, 4096, 0xfea00000, 0);
}

static void map_failed(void **state)
{
	const struct trace_event *ev;

	(void)state;
	ev = one(HEAD "dma_map_page: " DEV " dir=TO_DEVICE dma_addr=ffffffffffffffff size=4096 "
		      "phys_addr=1000 attrs=");
	assert_true(ev->failed);
	assert_int_equal(ev->dma, TRACE_NO_ADDR);
	/* a kernel whose dma_addr_t has 32 bits */
	ev = one(HEAD "dma_map_page: " DEV " dir=TO_DEVICE dma_addr=ffffffff size=4096 "
		      "phys_addr=1000 attrs=");
	assert_true(ev->failed);
	/* the last byte below 4 GiB is an address like any other */
	ev = one(HEAD "dma_map_page: " DEV " dir=TO_DEVICE dma_addr=ffffffff size=1 "
		      "phys_addr=1fff attrs=");
	assert_false(ev->failed);
}

static void unmap(void **state)
{
	const struct trace_event *ev;

	(void)state;
	ev = one(HEAD "dma_unmap_page: " DEV " dir=TO_DEVICE dma_addr=17200000 size=1514 "
		      "attrs=NO_WARN|0x40000000");
	check_head(ev, "dma_unmap_page");
	check_single(ev, TRACE_UNMAP, TRACE_TO_DEVICE, 0x17200000, 1514, TRACE_NO_ADDR,
		     1u << 8 | 0x40000000);
	ev = one(HEAD "dma_unmap_phys: " DEV " dir=NONE dma_addr=0x17200000 size=1514 attrs=");
	check_head(ev, "dma_unmap_phys");
	check_single(ev, TRACE_UNMAP, TRACE_NONE, 0x17200000, 1514, TRACE_NO_ADDR, 0);
	ev = one(HEAD "dma_unmap_page: " DEV
		      " dir=NONE dma_addr=0 size=18446744073709551615 attrs=");
	assert_int_equal(ev->size, UINT64_MAX);
	ev = one(HEAD "dma_unmap_resource: " DEV " dir=FROM_DEVICE dma_addr=fea00000 size=4096 "
		      "attrs=SOMETHING_NEW");
	check_head(ev, "dma_unmap_resource");
	check_single(ev, TRACE_UNMAP_RESOURCE, TRACE_FROM_DEVICE, 0xfea00000, 4096, TRACE_NO_ADDR,
		     TRACE_ATTR_OTHER);
}

static void attributes(void **state)
{
	static const struct {
		const char *name;
		unsigned int bit;
	} all[] = {
		{ "WEAK_ORDERING", 1 },
		{ "WRITE_COMBINE", 2 },
		{ "NO_KERNEL_MAPPING", 4 },
		{ "SKIP_CPU_SYNC", 5 },
		{ "FORCE_CONTIGUOUS", 6 },
		{ "ALLOC_SINGLE_PAGES", 7 },
		{ "NO_WARN", 8 },
		{ "PRIVILEGED", 9 },
		{ "MMIO", 10 },
		{ "CACHELINES_OVERLAP", 11 },
		{ "REQUIRE_COHERENT", 12 },
		{ "CC_SHARED", 13 },
		{ "ALLOC_CC_SHARED", 14 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		char line[300];

		snprintf(line, sizeof(line),
			 HEAD "dma_unmap_page: " DEV " dir=NONE dma_addr=0 size=1 attrs=%s",
			 all[i].name);
		assert_int_equal(one(line)->attrs, UINT64_C(1) << all[i].bit);
	}
}

static void alloc(void **state)
{
	static const struct {
		const char *name;
		enum trace_kind kind;
	} all[] = { { "dma_alloc", TRACE_ALLOC },
		    { "dma_alloc_pages", TRACE_ALLOC_PAGES },
		    { "dma_alloc_sgt_err", TRACE_ALLOC_SGT_ERR } };
	const struct trace_event *ev;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		char line[300];

		snprintf(line, sizeof(line),
			 HEAD "%s: " DEV " dir=BIDIRECTIONAL dma_addr=fffff000 size=512 "
			      "virt_addr=ffffd47f40079000 flags=GFP_KERNEL|__GFP_ZERO attrs=",
			 all[i].name);
		ev = one(line);
		check_head(ev, all[i].name);
		check_single(ev, all[i].kind, TRACE_BIDIRECTIONAL, 0xfffff000, 512, TRACE_NO_ADDR,
			     0);
		assert_true(ev->has_virt);
		assert_int_equal(ev->virt, 0xffffd47f40079000);
		assert_int_equal(ev->failed, all[i].kind == TRACE_ALLOC_SGT_ERR);
	}
	ev = one(HEAD "dma_alloc: " DEV " dir=BIDIRECTIONAL dma_addr=2c6b000 size=100 "
		      "virt_addr=(____ptrval____) flags=0xcc0 attrs=");
	assert_false(ev->has_virt);
	assert_false(ev->failed);
	assert_int_equal(ev->gfp, 0xcc0);
	ev = one(HEAD "dma_alloc: " DEV " dir=BIDIRECTIONAL dma_addr=2c6b000 size=100 "
		      "virt_addr=0000000000000000 flags=GFP_KERNEL attrs=");
	assert_true(ev->failed);
	ev = one(HEAD "dma_alloc_pages: " DEV " dir=BIDIRECTIONAL dma_addr=0 size=100 "
		      "virt_addr=(null) flags=GFP_KERNEL attrs=");
	assert_true(ev->failed);
	/* 6.12 does not store the direction of an allocation: it may be anything, or missing */
	ev = one(HEAD "dma_alloc: " DEV " dir=0x5f3759df dma_addr=2c6b000 size=100 "
		      "virt_addr=(____ptrval____) flags=GFP_KERNEL attrs=");
	assert_int_equal(ev->dir, TRACE_DIR_UNKNOWN);
	ev = one(HEAD "dma_alloc: " DEV " dma_addr=2c6b000 size=100 virt_addr=ffff8e994511a000 "
		      "flags=GFP_KERNEL attrs=");
	assert_int_equal(ev->dir, TRACE_DIR_UNKNOWN);
	assert_string_equal(trace_device(trace, ev->device), DEV);
}

static void alloc_sgt(void **state)
{
	const struct trace_event *ev;

	(void)state;
	ev = one(HEAD "dma_alloc_sgt: " DEV " dir=TO_DEVICE dma_addr=2d70000 size=65536 "
		      "phys_addrs={0x2d70000,0x3d70000} flags=GFP_KERNEL attrs=");
	check_head(ev, "dma_alloc_sgt");
	assert_int_equal(ev->kind, TRACE_ALLOC_SGT);
	assert_int_equal(ev->dma, 0x2d70000);
	assert_int_equal(ev->size, 65536);
	assert_int_equal(ev->nr_phys, 2);
	assert_int_equal(ev->physs[0], 0x2d70000);
	assert_int_equal(ev->physs[1], 0x3d70000);
	assert_int_equal(ev->phys, 0x2d70000);
	assert_false(ev->truncated);
	/* it has no attrs= */
	ev = one(HEAD "dma_free_sgt: " DEV " dir=FROM_DEVICE dma_addr=2d70000 size=65536 "
		      "phys_addrs={0x2d70000}");
	check_head(ev, "dma_free_sgt");
	assert_int_equal(ev->kind, TRACE_FREE_SGT);
	assert_int_equal(ev->dir, TRACE_FROM_DEVICE);
	assert_int_equal(ev->nr_phys, 1);
}

static void free_(void **state)
{
	const struct trace_event *ev;

	(void)state;
	ev = one(HEAD "dma_free: " DEV " dir=BIDIRECTIONAL dma_addr=2c6b000 size=100 "
		      "virt_addr=(____ptrval____) attrs=");
	check_head(ev, "dma_free");
	check_single(ev, TRACE_FREE, TRACE_BIDIRECTIONAL, 0x2c6b000, 100, TRACE_NO_ADDR, 0);
	ev = one(HEAD "dma_free_pages: " DEV " dir=TO_DEVICE dma_addr=1948000 size=8192 "
		      "virt_addr=ffff8e994511a000 attrs=");
	check_head(ev, "dma_free_pages");
	check_single(ev, TRACE_FREE_PAGES, TRACE_TO_DEVICE, 0x1948000, 8192, TRACE_NO_ADDR, 0);
	assert_int_equal(ev->virt, 0xffff8e994511a000);
}

static void map_sg(void **state)
{
	const struct trace_event *ev;

	(void)state;
	ev = one(HEAD "dma_map_sg: " DEV " dir=FROM_DEVICE nents=3/3 ents=2/2 "
		      "dma_addrs={0xfff40000,0xfff50800} sizes={0x2000,0x200} "
		      "phys_addrs={0xa3d9000,0xa3cf000,0xa3d1800} attrs=NO_WARN");
	check_head(ev, "dma_map_sg");
	assert_int_equal(ev->kind, TRACE_MAP_SG);
	assert_int_equal(ev->dir, TRACE_FROM_DEVICE);
	assert_int_equal(ev->nents, 3);
	assert_int_equal(ev->nr_phys, 3);
	assert_int_equal(ev->ents, 2);
	assert_int_equal(ev->nr_dma, 2);
	assert_int_equal(ev->dmas[0], 0xfff40000);
	assert_int_equal(ev->dmas[1], 0xfff50800);
	assert_int_equal(ev->lens[0], 0x2000);
	assert_int_equal(ev->lens[1], 0x200);
	assert_int_equal(ev->physs[2], 0xa3d1800);
	assert_int_equal(ev->dma, 0xfff40000);
	assert_int_equal(ev->phys, 0xa3d9000);
	assert_int_equal(ev->size, 0x2200);
	assert_int_equal(ev->attrs, 1u << 8);
	assert_false(ev->truncated);
	/* as the first 6.12 kernels print it */
	ev = one(HEAD "dma_map_sg: " DEV " dir=FROM_DEVICE dma_addrs={0xfff40000} sizes={0x2000} "
		      "phys_addrs={0xa3d9000,0xa3cf000} attrs=");
	assert_int_equal(ev->nents, 2);
	assert_int_equal(ev->ents, 1);
	assert_int_equal(ev->attrs, 0);
	assert_false(ev->truncated);
	/* cut off by the kernel (at 128 entries; 2 here) */
	ev = one(HEAD "dma_map_sg: " DEV " dir=TO_DEVICE nents=2/187 ents=2/186 [TRUNCATED] "
		      "dma_addrs={0x1000,0x3000} sizes={0x1000,0x1000} phys_addrs={0x5000,0x7000} "
		      "attrs=");
	assert_true(ev->truncated);
	assert_int_equal(ev->nents, 187);
	assert_int_equal(ev->nr_phys, 2);
	assert_int_equal(ev->ents, 186);
	assert_int_equal(ev->nr_dma, 2);
	assert_int_equal(ev->size, 0x2000);
}

static void map_sg_err(void **state)
{
	/* the kernel prints physical addresses as dma_addrs here */
	const struct trace_event *ev = one(HEAD "dma_map_sg_err: " DEV
						" dir=TO_DEVICE dma_addrs={0x5000,0x7000} err=-12 "
						"attrs=NO_WARN");

	(void)state;
	check_head(ev, "dma_map_sg_err");
	assert_int_equal(ev->kind, TRACE_MAP_SG_ERR);
	assert_true(ev->failed);
	assert_int_equal(ev->error, -12);
	assert_int_equal(ev->nr_phys, 2);
	assert_int_equal(ev->physs[1], 0x7000);
	assert_int_equal(ev->nr_dma, 0);
	assert_int_equal(ev->dma, TRACE_NO_ADDR);
	assert_int_equal(ev->attrs, 1u << 8);
}

static void unmap_sg(void **state)
{
	char line[8192] = HEAD "dma_unmap_sg: " DEV " dir=TO_DEVICE phys_addrs={0x1000";
	const struct trace_event *ev;

	(void)state;
	for (int i = 1; i < 187; i++)
		sprintf(line + strlen(line), ",0x%x", 0x1000 + i * 0x1000);
	strcat(line, "} attrs=");
	ev = one(line);
	check_head(ev, "dma_unmap_sg");
	assert_int_equal(ev->kind, TRACE_UNMAP_SG);
	assert_int_equal(ev->nents, 187);
	assert_int_equal(ev->nr_phys, 187);
	assert_int_equal(ev->physs[186], 187 * 0x1000);
	assert_int_equal(ev->phys, 0x1000);
	assert_int_equal(ev->dma, TRACE_NO_ADDR);
	assert_false(ev->truncated);
}

static void syncs(void **state)
{
	static const struct {
		const char *name;
		enum trace_kind kind;
	} single[] = { { "dma_sync_single_for_cpu", TRACE_SYNC_CPU },
		       { "dma_sync_single_for_device", TRACE_SYNC_DEVICE } },
	  list[] = { { "dma_sync_sg_for_cpu", TRACE_SYNC_SG_CPU },
		     { "dma_sync_sg_for_device", TRACE_SYNC_SG_DEVICE } };
	const struct trace_event *ev;
	char line[300];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		snprintf(line, sizeof(line),
			 HEAD "%s: " DEV " dir=FROM_DEVICE dma_addr=17200000 size=60",
			 single[i].name);
		ev = one(line);
		check_head(ev, single[i].name);
		check_single(ev, single[i].kind, TRACE_FROM_DEVICE, 0x17200000, 60, TRACE_NO_ADDR,
			     0);

		snprintf(line, sizeof(line),
			 HEAD "%s: " DEV " dir=TO_DEVICE "
			      "dma_addrs={0x17201000,0xffffffffffffffff} sizes={0x1000,0x0}",
			 list[i].name);
		ev = one(line);
		check_head(ev, list[i].name);
		assert_int_equal(ev->kind, list[i].kind);
		assert_int_equal(ev->nr_dma, 2);
		assert_int_equal(ev->lens[0], 0x1000);
		assert_int_equal(ev->lens[1], 0);
		assert_int_equal(ev->size, 0x1000);
		assert_int_equal(ev->dma, 0x17201000);
	}
}

/* Everything ahead of the event, in the ways in which it is printed */
static void heads(void **state)
{
	static const struct {
		const char *head, *task;
		int pid;
		unsigned int cpu;
		uint64_t time;
		bool counts;
	} all[] = {
		{ "  jbd2/sda-8-150     [000] .....     3.461021:", "jbd2/sda-8", 150, 0,
		  3461021000u, 0 },
		{ "kworker/u16:2-44      [013] d.h1.     4.279313:", "kworker/u16:2", 44, 13,
		  4279313000u, 0 },
		{ "          <idle>-0       [003] d.h1.     9.651330:", "<idle>", 0, 3, 9651330000u,
		  0 },
		{ "           <...>-4711    [003] .N...     9.651330:", "<...>", 4711, 3,
		  9651330000u, 0 },
		{ "   tmux: server-77      [000] .....     1.000001:", "tmux: server", 77, 0,
		  1000001000u, 0 },
		{ "   a [b] - [1]-77       [001] .....     1.000001:", "a [b] - [1]", 77, 1,
		  1000001000u, 0 },
		{ "     x [007] y-77       [001] .....     1.000001:", "x [007] y", 77, 1,
		  1000001000u, 0 },
		/* the tracer's option record-tgid */
		{ "  insmod-143   (    143) [000] .....     3.461021:", "insmod", 143, 0,
		  3461021000u, 0 },
		{ "  insmod-143   (-------) [000] .....     3.461021:", "insmod", 143, 0,
		  3461021000u, 0 },
		/* without irq-info, and as trace-cmd report prints it */
		{ "  insmod-143   [000]     3.461021:", "insmod", 143, 0, 3461021000u, 0 },
		{ "  insmod-143   [000]     3.461021987:", "insmod", 143, 0, 3461021987u, 0 },
		/* x86-tsc */
		{ "  insmod-143   [000] d..1. 12345678901234:", "insmod", 143, 0, 12345678901234u,
		  1 },
		/* a machine that has been up for a year, with 4096 CPUs */
		{ "  insmod-4194304   [4095] dNh2. 31536000.000009:", "insmod", 4194304, 4095,
		  31536000000009000u, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		const struct trace_event *ev;
		char line[300];

		snprintf(line, sizeof(line),
			 "%s dma_sync_single_for_cpu: " DEV " dir=NONE dma_addr=1 size=1",
			 all[i].head);
		ev = one(line);
		assert_string_equal(ev->task, all[i].task);
		assert_int_equal(ev->pid, all[i].pid);
		assert_int_equal(ev->cpu, all[i].cpu);
		assert_int_equal(ev->time, all[i].time);
		assert_int_equal(trace_info(trace)->counts, all[i].counts);
	}
}

static void devices(void **state)
{
	size_t nr;
	const struct trace_event *ev;

	(void)state;
	trace = load_text(
		HEAD "dma_unmap_page: soc:usb@fe000000 dir=NONE dma_addr=0 size=1 attrs=\n" HEAD
		     "dma_unmap_page: vhci_hcd.0 dir=NONE dma_addr=0 size=1 attrs=\n" HEAD
		     "dma_unmap_page: a name with spaces dir=NONE dma_addr=0 size=1 attrs=\n" HEAD
		     "dma_unmap_page:         vhci_hcd.0 dir=NONE dma_addr=0 size=1 attrs=\n");
	ev = trace_events(trace, &nr);
	assert_int_equal(nr, 4);
	assert_int_equal(trace_nr_devices(trace), 3);
	assert_string_equal(trace_device(trace, ev[0].device), "soc:usb@fe000000");
	assert_string_equal(trace_device(trace, ev[1].device), "vhci_hcd.0");
	assert_string_equal(trace_device(trace, ev[2].device), "a name with spaces");
	assert_int_equal(ev[3].device, ev[1].device);
	assert_null(trace_device(trace, TRACE_NO_DEVICE));
}

static void line_ends(void **state)
{
	const struct trace_event *ev;
	size_t nr;

	(void)state;
	/* CRLF, blank lines, a byte order mark, no end of the last line */
	trace = load_text("\xef\xbb\xbf# tracer: nop\r\n\r\n" HEAD "dma_unmap_page: " DEV
			  " dir=NONE dma_addr=0 size=1 attrs=\r\n"
			  "\n" HEAD "dma_sync_single_for_cpu: " DEV " dir=NONE dma_addr=1 size=7");
	ev = trace_events(trace, &nr);
	assert_int_equal(nr, 2);
	assert_int_equal(ev[0].line, 3);
	assert_int_equal(ev[1].line, 5);
	assert_int_equal(ev[1].size, 7);
	assert_int_equal(trace_info(trace)->cut, 0);
}

/* A copy that was cut off loses its last line and says so. */
static void cut_last_line(void **state)
{
	static const char last[] = HEAD
		"dma_map_page: " DEV " dir=TO_DEVICE dma_addr=1000 size=4096 phys_addr=5000 attrs=";
	size_t nr;

	(void)state;
	for (size_t n = 1; n < sizeof(last) - 1; n++) {
		char text[600];

		if (strspn(last, " ") >= n)
			continue;
		snprintf(text, sizeof(text), GOOD "%.*s", (int)n, last);
		trace = load_text(text);
		trace_events(trace, &nr);
		assert_int_equal(nr, 1);
		assert_int_equal(trace_info(trace)->cut, 2);
		trace_close(trace);
		trace = NULL;
	}
}

static void unknown_events(void **state)
{
	(void)state;
	trace = load_text(HEAD
			  "map: IOMMU: iova=0x00000000fffff000 - 0x0000000100000000 "
			  "paddr=0x0000000013971000 size=4096\n" HEAD
			  "unmap: IOMMU: iova=0x0 - 0x1000 size=4096 unmapped_size=4096\n" HEAD
			  "dma_fence_init: driver=x timeline=y context=1 seqno=2\n" HEAD
			  "some_function <-its_caller\n" HEAD
			  "sched_switch: prev_comm=dma_map_page: prev_pid=1 ==> next_comm=x\n" HEAD
			  "kernel_stack: <stack trace>\n"
			  " => dma_map_page_attrs\n"
			  " => something_else\n" HEAD "print: first line\n"
			  "second line\n" GOOD);
	assert_int_equal(trace_info(trace)->events, 1);
	assert_int_equal(trace_info(trace)->unknown, 7);
}

/* Several CPUs, written one after the other: the loader merges by time and keeps the rest. */
static void time_order(void **state)
{
#define AT(cpu, time, n) \
	" x-1 [" cpu "] ..... " time ": dma_sync_single_for_cpu: d dir=NONE dma_addr=0 size=" n "\n"
	const struct trace_event *ev;
	size_t nr;

	(void)state;
	trace = load_text(AT("000", "1.000002", "1") AT("000", "1.000005", "2")
				  AT("000", "1.000007", "3") AT("001", "1.000001", "4")
					  AT("001", "1.000005", "5") AT("001", "1.000006", "6"));
	ev = trace_events(trace, &nr);
	assert_int_equal(nr, 6);
	assert_int_equal(ev[0].size, 4);
	assert_int_equal(ev[1].size, 1);
	assert_int_equal(ev[2].size, 2);
	assert_int_equal(ev[3].size, 5);
	assert_int_equal(ev[4].size, 6);
	assert_int_equal(ev[5].size, 3);
	assert_int_equal(ev[4].cpu, 1);
}

static void lost(void **state)
{
	const struct trace_event *ev;
	size_t nr;

	(void)state;
	trace = load_text("# entries-in-buffer/entries-written: 9767/39537   #P:4\n" GOOD
			  "##### CPU 2 buffer started ####\n" GOOD "CPU:1 [LOST 345 EVENTS]\n" GOOD
			  "CPU:3 [LOST EVENTS]\n" GOOD "CPU:0 [12 EVENTS DROPPED]\n" GOOD
			  "[LINE TOO BIG]\n");
	ev = trace_events(trace, &nr);
	assert_int_equal(nr, 11);
	assert_int_equal(trace_info(trace)->lost, 6);
	assert_int_equal(trace_info(trace)->lost_events, 39537 - 9767 + 345 + 12 + 1);
	assert_int_equal(ev[0].kind, TRACE_LOST);
	assert_int_equal(ev[0].lost, TRACE_LOST_OVERWRITTEN);
	assert_int_equal(ev[0].lost_events, 39537 - 9767);
	assert_int_equal(ev[0].lost_cpu, TRACE_NO_CPU);
	assert_int_equal(ev[0].line, 1);
	assert_int_equal(ev[2].lost, TRACE_LOST_BEFORE);
	assert_int_equal(ev[2].lost_cpu, 2);
	assert_int_equal(ev[2].line, 3);
	assert_int_equal(ev[4].lost, TRACE_LOST_HERE);
	assert_int_equal(ev[4].lost_cpu, 1);
	assert_int_equal(ev[4].lost_events, 345);
	assert_int_equal(ev[6].lost_cpu, 3);
	assert_int_equal(ev[6].lost_events, 0);
	assert_int_equal(ev[8].lost_cpu, 0);
	assert_int_equal(ev[8].lost_events, 12);
	trace_close(trace);
	/* a full buffer is no loss */
	trace = load_text("# entries-in-buffer/entries-written: 56/56   #P:1\n" GOOD);
	assert_int_equal(trace_info(trace)->lost, 0);
}

/* trace-cmd report, where it can print */
static void report(void **state)
{
	const struct trace_event *ev;
	size_t nr;

	(void)state;
	trace = load_text(
		"version = 7\nCPU 1 is empty\ncpus=2\n"
		"    kworker/u4:0-12    [000]     5.170855: dma_map_page:          " DEV
		" dir=FROM_DEVICE dma_addr=ffffd000 size=4096 phys_addr=1e8e000 attrs=\n");
	ev = trace_events(trace, &nr);
	assert_int_equal(nr, 1);
	assert_string_equal(ev->task, "kworker/u4:0");
	assert_int_equal(ev->phys, 0x1e8e000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(map, done),
		cmocka_unit_test_teardown(map_failed, done),
		cmocka_unit_test_teardown(unmap, done),
		cmocka_unit_test_teardown(attributes, done),
		cmocka_unit_test_teardown(alloc, done),
		cmocka_unit_test_teardown(alloc_sgt, done),
		cmocka_unit_test_teardown(free_, done),
		cmocka_unit_test_teardown(map_sg, done),
		cmocka_unit_test_teardown(map_sg_err, done),
		cmocka_unit_test_teardown(unmap_sg, done),
		cmocka_unit_test_teardown(syncs, done),
		cmocka_unit_test_teardown(heads, done),
		cmocka_unit_test_teardown(devices, done),
		cmocka_unit_test_teardown(line_ends, done),
		cmocka_unit_test_teardown(cut_last_line, done),
		cmocka_unit_test_teardown(unknown_events, done),
		cmocka_unit_test_teardown(time_order, done),
		cmocka_unit_test_teardown(lost, done),
		cmocka_unit_test_teardown(report, done),
	};

	return cmocka_run_group_tests_name("trace text", tests, NULL, NULL);
}
