// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Events of the probes that dmah record makes on kernels without dma events. The lines are those of
 * Linux 6.1, or made by hand from them; what must come out is worked out by hand.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include "load.h"

#define DEV  "dev=\"0000:00:01.0\" "
#define VMEM "vmemmap=0xfffff5e340000000"

static struct trace *trace;

static int done(void **state)
{
	(void)state;
	trace_close(trace);
	trace = NULL;
	return 0;
}

static const struct trace_event *load(const char *text, size_t expected)
{
	const struct trace_event *ev;
	size_t nr;

	trace_close(trace);
	trace = NULL;
	trace = load_text(text);
	ev = trace_events(trace, &nr);
	assert_int_equal(nr, expected);
	return ev;
}

/* PID, CPU, microseconds */
#define AT(pid, cpu, us) "  a-b-" #pid "  [00" #cpu "] d.h1.   4." us ": "

#define MAP(pid, cpu, us, page, sp)                                       \
	AT(pid, cpu, us)                                                  \
	"dmah_map_page: (dma_map_page_attrs+0x0/0x270) " DEV "page=" page \
	" off=0x7c0 size=1522 dir=2 attrs=0x20 sp=" sp " " VMEM "\n"
#define MAP_RET(pid, cpu, us, dma)                                                               \
	AT(pid, cpu, us)                                                                         \
	"dmah_map_page_ret: (e1000_alloc_rx_buffers+0xd7/0x2b0 [e1000e] <- dma_map_page_attrs) " \
	"dma=" dma "\n"
#define UNMAP(pid, cpu, us, dma)                                            \
	AT(pid, cpu, us)                                                    \
	"dmah_unmap_page: (dma_unmap_page_attrs+0x0/0x1c0) " DEV "dma=" dma \
	" size=1522 dir=2 attrs=0x0\n"

#define LOST_LINE "CPU:1 [LOST 12 EVENTS]\n"

static void check_map(const struct trace_event *ev, uint64_t line, uint64_t dma, uint64_t phys)
{
	assert_int_equal(ev->kind, TRACE_MAP);
	assert_string_equal(ev->name, "dma_map_page");
	assert_int_equal(ev->line, line);
	assert_int_equal(ev->dma, dma);
	assert_int_equal(ev->phys, phys);
	assert_int_equal(ev->size, 1522);
	assert_int_equal(ev->dir, TRACE_FROM_DEVICE);
	assert_int_equal(ev->attrs, TRACE_ATTR_SKIP_CPU_SYNC);
	assert_false(ev->failed);
	assert_string_equal(trace_device(trace, ev->device), "0000:00:01.0");
}

static void map_and_unmap(void **state)
{
	const struct trace_event *ev;

	(void)state;
	/* 0x7822c0 / 64 = 0x1e08b pages */
	ev = load(MAP(30, 1, "000001", "0xfffff5e3407822c0", "0xffffcafdc05e3a80")
			  MAP_RET(30, 2, "000005", "0xfffdf7c0")
				  UNMAP(0, 1, "000009", "0xfffdf7c0"),
		  2);
	check_map(&ev[0], 2, 0xfffdf7c0, 0x1e08b7c0);
	assert_int_equal(ev[0].time, 4000005000);
	assert_int_equal(ev[0].cpu, 2);
	assert_int_equal(ev[0].pid, 30);
	assert_string_equal(ev[0].task, "a-b");
	assert_int_equal(ev[1].kind, TRACE_UNMAP);
	assert_string_equal(ev[1].name, "dma_unmap_page");
	assert_int_equal(ev[1].dma, 0xfffdf7c0);
	assert_int_equal(ev[1].size, 1522);
	assert_int_equal(ev[1].phys, TRACE_NO_ADDR);
	assert_int_equal(ev[1].dir, TRACE_FROM_DEVICE);
	assert_int_equal(trace_info(trace)->events, 2);
	assert_int_equal(trace_info(trace)->probes, 3);
	assert_int_equal(trace_info(trace)->lost, 0);

	ev = load(MAP(30, 1, "000001", "0xfffff5e3407822c0", "0xffffcafdc05e3a80")
			  MAP_RET(30, 1, "000005", "0xffffffffffffffff"),
		  1);
	assert_true(ev[0].failed);
}

static void resource(void **state)
{
	const struct trace_event *ev;

	(void)state;
	ev = load(
		AT(7, 0,
		   "000001") "dmah_map_resource: (dma_map_resource+0x0/0x1) " DEV
			     "phys=0xfea00000 size=4096 dir=0 attrs=0x0 sp=0x10\n" AT(
				     7, 0,
				     "000002") "dmah_map_resource_ret: (f+0x1/0x2 <- "
					       "dma_map_resource) dma=0xfff00000\n" AT(
						       7, 0,
						       "000003") "dmah_unmap_resource: "
								 "(dma_unmap_resource+0x0/0x1) " DEV
								 "dma=0xfff00000 size=4096 dir=0 "
								 "attrs=0x0\n",
		2);
	assert_int_equal(ev[0].kind, TRACE_MAP_RESOURCE);
	assert_int_equal(ev[0].phys, 0xfea00000);
	assert_int_equal(ev[0].dma, 0xfff00000);
	assert_int_equal(ev[0].dir, TRACE_BIDIRECTIONAL);
	assert_int_equal(ev[1].kind, TRACE_UNMAP_RESOURCE);
	assert_int_equal(ev[1].dma, 0xfff00000);
}

/* An interrupt in the middle of a call makes a whole call; the idle tasks of two CPUs are two. */
static void interrupted(void **state)
{
	const struct trace_event *ev;

	(void)state;
	ev = load(MAP(30, 1, "000001", "0xfffff5e340000040", "0xffffcafdc05e3a80")
			  MAP(30, 1, "000002", "0xfffff5e340000080", "0xffffce4200003ec8")
				  MAP_RET(30, 1, "000003", "0xb7c0")
					  MAP_RET(30, 1, "000004", "0xa7c0"),
		  2);
	check_map(&ev[0], 3, 0xb7c0, 0x27c0);
	check_map(&ev[1], 4, 0xa7c0, 0x17c0);
	ev = load(MAP(0, 1, "000001", "0xfffff5e340000040", "0xffffcafdc05e3a80")
			  MAP(0, 2, "000002", "0xfffff5e340000080", "0xffffcafdc05e3a80")
				  MAP_RET(0, 1, "000003", "0xa7c0")
					  MAP_RET(0, 2, "000004", "0xb7c0"),
		  2);
	check_map(&ev[0], 3, 0xa7c0, 0x17c0);
	check_map(&ev[1], 4, 0xb7c0, 0x27c0);
}

static void check_lost(const struct trace_event *ev, uint64_t events)
{
	assert_int_equal(ev->kind, TRACE_LOST);
	assert_int_equal(ev->lost, TRACE_LOST_HERE);
	assert_int_equal(ev->lost_events, events);
}

static void halves_missing(void **state)
{
	const struct trace_event *ev;

	(void)state;
	/* a return was missed: the next call at the same depth shows it, before its own event */
	ev = load(MAP(30, 1, "000001", "0xfffff5e340000040", "0xffffcafdc05e3a80")
			  MAP(30, 1, "000002", "0xfffff5e340000080", "0xffffcafdc05e3a80")
				  MAP_RET(30, 1, "000003", "0xb7c0"),
		  2);
	check_lost(&ev[0], 1);
	assert_int_equal(ev[0].line, 2);
	assert_int_equal(ev[0].lost_cpu, 1);
	check_map(&ev[1], 3, 0xb7c0, 0x27c0);
	/* a frame below the first is a call within it */
	ev = load(MAP(30, 1, "000001", "0xfffff5e340000040", "0xffffcafdc05e3a80")
			  MAP(30, 1, "000002", "0xfffff5e340000080", "0xffffcafdc05e3a00")
				  MAP_RET(30, 1, "000003", "0xb7c0")
					  MAP_RET(30, 1, "000004", "0xa7c0"),
		  2);
	check_map(&ev[1], 4, 0xa7c0, 0x17c0);
	/* a return whose call was not seen */
	ev = load(MAP_RET(30, 1, "000003", "0xb7c0") UNMAP(30, 1, "000004", "0xc000"), 2);
	check_lost(&ev[0], 1);
	assert_int_equal(ev[1].kind, TRACE_UNMAP);
	/* after lost events, no old call meets a new return */
	ev = load(MAP(30, 1, "000001", "0xfffff5e340000040", "0xffffcafdc05e3a80")
			  LOST_LINE MAP_RET(30, 1, "000003", "0xb7c0")
				  UNMAP(30, 1, "000004", "0xc000"),
		  3);
	check_lost(&ev[0], 12);
	check_lost(&ev[1], 1);
	/* a loss comes before the event that shows it */
	ev = load(MAP(30, 1, "000001", "0xfffff5e340000040", "0xffffcafdc05e3a80")
			  AT(30, 1,
			     "000002") "dmah_alloc: (dma_alloc_attrs+0x0/0x60) " DEV
				       "size=512 gfp=0xcc0 attrs=0x0 sp=0x10 base=0x1000\n" MAP_RET(
					       30, 1, "000003", "0xb7c0"),
		  2);
	check_lost(&ev[0], 1);
	check_map(&ev[1], 3, 0xb7c0, 0x17c0);
	/* a call in flight when the recording ends is none */
	load(UNMAP(30, 1, "000004", "0xc000")
		     MAP(30, 1, "000005", "0xfffff5e340000040", "0xffffcafdc05e3a80"),
	     1);
}

static void unreadable_memory(void **state)
{
	const struct trace_event *ev;

	(void)state;
	ev = load(AT(1, 0, "000001") "dmah_unmap_page: (f+0x0/0x1) dev=(fault) dma=0x1000 size=1 "
				     "dir=1 attrs=0x0\n" UNMAP(1, 0, "000002", "0x2000"),
		  2);
	check_lost(&ev[0], 1);
	ev = load(AT(1, 0, "000001") "dmah_map_page: (f+0x0/0x1) " DEV
				     "page=0xfffff5e340000040 off=0x0 size=1 dir=1 attrs=0x0 "
				     "sp=0x10 vmemmap=(fault)\n" MAP_RET(1, 0, "000002", "0x2000")
					     UNMAP(1, 0, "000003", "0x2000"),
		  2);
	check_lost(&ev[0], 1);
	/* no struct page */
	ev = load(MAP(1, 0, "000001", "0xfffff5e33ffffff0", "0x10") MAP_RET(1, 0, "000002", "0x7c0")
			  MAP(1, 0, "000003", "0xfffff5e340000041", "0x10")
				  MAP_RET(1, 0, "000004", "0x7c0") UNMAP(1, 0, "000005", "0x2000"),
		  3);
	check_lost(&ev[0], 1);
	check_lost(&ev[1], 1);
}

/* ---- coherent memory ---- */

#define ALLOC(pid, us)                                \
	AT(pid, 0, us)                                \
	"dmah_alloc: (dma_alloc_attrs+0x0/0x60) " DEV \
	"size=2048 gfp=0xcc0 attrs=0x0 sp=0xffffcafdc05e3d88 base=0xffff8aa900000000\n"
#define ALLOC_RET(pid, us, virt) \
	AT(pid, 0, us) "dmah_alloc_ret: (f+0x88/0x170 [nvme] <- dma_alloc_attrs) virt=" virt "\n"
#define IOMMU_MAP(pid, us, iova)                                                   \
	AT(pid, 0, us)                                                             \
	"map: IOMMU: iova=" iova " - 0x00000000fffff000 paddr=0x0000000010984000 " \
	"size=4096\n"
#define FREE(pid, us, virt, dma)                                                       \
	AT(pid, 0, us)                                                                 \
	"dmah_free: (dma_free_attrs+0x0/0x60) " DEV "size=2048 virt=" virt " dma=" dma \
	" attrs=0x0\n"

static void coherent(void **state)
{
	const struct trace_event *ev;

	(void)state;
	/* the IOMMU's events tell; only the first, and only within the call and of the task */
	ev = load(IOMMU_MAP(5, "000000", "0x0000000011111000") ALLOC(5, "000001")
			  IOMMU_MAP(6, "000002", "0x0000000022222000")
				  IOMMU_MAP(5, "000003", "0x00000000ffffd000")
					  IOMMU_MAP(5, "000004", "0x00000000ffffe000")
						  ALLOC_RET(5, "000005", "0xffffcafdc0081000")
							  FREE(5, "000006", "0xffffcafdc0081000",
							       "0xffffd000"),
		  2);
	assert_int_equal(ev[0].kind, TRACE_ALLOC);
	assert_int_equal(ev[0].dma, 0xffffd000);
	assert_int_equal(ev[0].size, 2048);
	assert_int_equal(ev[0].virt, 0xffffcafdc0081000);
	assert_true(ev[0].has_virt);
	assert_int_equal(ev[0].gfp, 0xcc0);
	assert_int_equal(ev[0].dir, TRACE_DIR_UNKNOWN);
	assert_int_equal(ev[1].kind, TRACE_FREE);
	assert_int_equal(ev[1].dma, 0xffffd000);
	assert_int_equal(ev[1].virt, 0xffffcafdc0081000);
	/* without an IOMMU it is physical memory */
	ev = load(ALLOC(5, "000001") ALLOC_RET(5, "000005", "0xffff8aa910984000"), 1);
	assert_int_equal(ev[0].dma, 0x10984000);
	assert_false(ev[0].failed);
	ev = load(ALLOC(5, "000001") ALLOC_RET(5, "000005", "0x0"), 1);
	assert_true(ev[0].failed);
	/* neither: it may be anywhere */
	ev = load(ALLOC(5, "000001") ALLOC_RET(5, "000005", "0xffff8aa8fffff000")
			  UNMAP(1, 0, "000009", "0x2000"),
		  2);
	check_lost(&ev[0], 1);
	/* to free nothing is allowed */
	load(FREE(5, "000006", "0x0", "0x0") UNMAP(1, 0, "000009", "0x2000"), 1);

	ev = load(AT(5, 0,
		     "000001") "dmah_alloc_pages: (dma_alloc_pages+0x0/0x1) " DEV
			       "size=8192 dir=1 gfp=0xcc0 sp=0x10 " VMEM
			       "\n" AT(5, 0,
				       "000002") "dmah_alloc_pages_ret: (f+0x0/0x1 <- "
						 "dma_alloc_pages) "
						 "page=0xfffff5e340000080\n" AT(
							 5, 0,
							 "000003") "dmah_free_pages: "
								   "(dma_free_pages+0x0/0x1) " DEV
								   "size=8192 dma=0x2000 dir=1\n",
		  2);
	assert_int_equal(ev[0].kind, TRACE_ALLOC_PAGES);
	assert_int_equal(ev[0].dma, 0x2000);
	assert_int_equal(ev[0].dir, TRACE_TO_DEVICE);
	assert_false(ev[0].has_virt);
	assert_int_equal(ev[1].kind, TRACE_FREE_PAGES);
	assert_int_equal(ev[1].dma, 0x2000);
}

static void syncs(void **state)
{
	static const struct {
		const char *event, *function;
		enum trace_kind kind;
	} all[] = { { "dmah_sync_cpu", "dma_sync_single_for_cpu", TRACE_SYNC_CPU },
		    { "dmah_sync_device", "__dma_sync_single_for_device", TRACE_SYNC_DEVICE } };
	const struct trace_event *ev;
	char line[300];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		snprintf(line, sizeof(line),
			 AT(9, 3, "000001") "%s: (%s+0x0/0x60) " DEV
					    "dma=0x17200000 size=60 dir=0\n",
			 all[i].event, all[i].function);
		ev = load(line, 1);
		assert_int_equal(ev->kind, all[i].kind);
		assert_int_equal(ev->dma, 0x17200000);
		assert_int_equal(ev->size, 60);
		assert_int_equal(ev->dir, TRACE_BIDIRECTIONAL);
		assert_int_equal(ev->cpu, 3);
	}
}

/* ---- lists ---- */

/* Text made piece by piece */
static char text[1 << 17];

static void put(const char *fmt, ...)
{
	size_t n = strlen(text);
	va_list ap;
	int k;

	va_start(ap, fmt);
	k = vsnprintf(text + n, sizeof(text) - n, fmt, ap);
	va_end(ap);
	assert_true(k >= 0 && (size_t)k < sizeof(text) - n);
}

struct entry {
	uint64_t page, off, len, dma, dma_len;
};

/* One event of a list: entries from @from on, 16 at most; behind the last is rubbish. */
static void put_list(const char *event, unsigned int from, const struct entry *e, unsigned int n,
		     unsigned int nents)
{
	put("  a-5 [000] d.h1.  4.0000%02u: %s", (unsigned int)strlen(text) / 4000, event);
	if (from)
		put("_%u", from);
	put(": (f+0x0/0x60) " DEV "sg=0xffff89b81424b000 nents=%u dir=1 attrs=0x0 "
	    "sp=0xffffce4200003ec8 " VMEM " list={",
	    nents);
	for (unsigned int i = from; i < from + 16; i++) {
		struct entry x = i < n ? e[i] : (struct entry){ 1, 2, 3, 4, 5 };

		put("%s0x%llx,0x%llx,0x%llx,0x%llx", i > from ? "," : "",
		    (unsigned long long)x.page, (unsigned long long)(x.len << 32 | x.off),
		    (unsigned long long)x.dma, (unsigned long long)(x.dma_len | UINT64_C(7) << 32));
	}
	put("}\n");
}

static void put_ret(const char *event, const char *what)
{
	put("  a-5 [000] d.h1.  4.0000%02u: %s_ret: (g+0x1/0x2 [nvme] <- f) %s\n",
	    (unsigned int)strlen(text) / 4000, event, what);
}

#define PAGE(nr) (0xfffff5e340000000 + (uint64_t)(nr)*64)

static struct entry entries[300];

/* Pages 0x100, 0x102, 0x104...; mapped to one piece at 0xfff00000 if @mapped */
static void make_entries(bool mapped)
{
	for (unsigned int i = 0; i < 300; i++) {
		entries[i] = (struct entry){ .page = PAGE(0x100 + 2 * i) | (i == 299 ? 2 : 0),
					     .off = i ? 0 : 0x200,
					     .len = i ? 0x1000 : 0xe00 };
		if (mapped)
			entries[i].dma = i ? UINT64_MAX : 0xfff00200;
	}
}

static void map_and_unmap_list(const char *event, const char *ret, unsigned int n)
{
	const struct trace_event *ev;

	text[0] = '\0';
	make_entries(false);
	/* the parts come in any order; here the last first, as Linux runs them */
	for (unsigned int from = (n - 1) / 16 * 16; from; from -= 16)
		put_list(event, from, entries, n, n);
	put_list(event, 0, entries, n, n);
	put_ret(event, ret);
	make_entries(true);
	entries[0].dma_len = (uint64_t)n * 0x1000 - 0x200;
	for (unsigned int from = 0; from < n; from += 16)
		put_list("dmah_unmap_sg", from, entries, n, n);
	ev = load(text, 2);
	assert_int_equal(ev[0].kind, TRACE_MAP_SG);
	assert_string_equal(ev[0].name, "dma_map_sg");
	assert_int_equal(ev[0].nr_phys, n);
	assert_int_equal(ev[0].nents, n);
	assert_false(ev[0].truncated);
	assert_int_equal(ev[0].nr_dma, 1);
	assert_int_equal(ev[0].ents, 1);
	assert_int_equal(ev[0].dma, 0xfff00200);
	assert_int_equal(ev[0].size, n * 0x1000 - 0x200);
	assert_int_equal(ev[0].lens[0], n * 0x1000 - 0x200);
	assert_int_equal(ev[0].phys, 0x100200);
	assert_int_equal(ev[0].dir, TRACE_TO_DEVICE);
	assert_int_equal(ev[1].kind, TRACE_UNMAP_SG);
	assert_int_equal(ev[1].nr_phys, n);
	assert_int_equal(ev[1].nr_dma, 0);
	assert_int_equal(ev[1].dma, TRACE_NO_ADDR);
	for (unsigned int i = 1; i < n; i++) {
		assert_int_equal(ev[0].physs[i], 0x100000 + i * 0x2000);
		assert_int_equal(ev[1].physs[i], 0x100000 + i * 0x2000);
	}
}

static void lists(void **state)
{
	static const unsigned int lengths[] = { 1, 2, 15, 16, 17, 24, 32, 33, 112, 113, 127, 128 };

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		map_and_unmap_list("dmah_map_sg", "ents=1", lengths[i]);
		map_and_unmap_list("dmah_map_sgtable", "err=0", lengths[i]);
	}
}

static void two_of_two(const char *event, const char *ret)
{
	struct entry e[] = { { PAGE(1), 0, 0x1000, 0xfff00000, 0x1000 },
			     { PAGE(9) | 2, 0, 0x800, 0xffe00000, 0x800 } };
	const struct trace_event *ev;

	text[0] = '\0';
	put_list(event, 0, e, 2, 2);
	put_ret(event, ret);
	put_list("dmah_unmap_sg", 0, e, 2, 2);
	ev = load(text, 2);
	assert_int_equal(ev[0].nr_dma, 2);
	assert_int_equal(ev[0].dmas[1], 0xffe00000);
	assert_int_equal(ev[0].lens[1], 0x800);
	assert_int_equal(ev[0].size, 0x1800);
}

static void list_shapes(void **state)
{
	const struct trace_event *ev;
	struct trace_error err;
	struct trace_event one;
	struct trace *t;

	(void)state;
	two_of_two("dmah_map_sg", "ents=2");
	two_of_two("dmah_map_sgtable", "err=0");

	/* longer than what is recorded */
	text[0] = '\0';
	make_entries(true);
	entries[0].dma_len = 300 * 0x1000 - 0x200;
	for (unsigned int from = 0; from < 128; from += 16)
		put_list("dmah_map_sg", from, entries, 300, 300);
	put_ret("dmah_map_sg", "ents=1");
	for (unsigned int from = 0; from < 128; from += 16)
		put_list("dmah_unmap_sg", from, entries, 300, 300);
	ev = load(text, 2);
	assert_true(ev[0].truncated);
	assert_int_equal(ev[0].nr_phys, 128);
	assert_int_equal(ev[0].nents, 300);
	assert_int_equal(ev[0].size, 300 * 0x1000 - 0x200);

	/* a chain: the rest is elsewhere */
	text[0] = '\0';
	make_entries(true);
	entries[0].dma_len = 0x5000 - 0x200;
	entries[2].page = 0xffff89b814281001;
	put_list("dmah_map_sg", 0, entries, 5, 5);
	put_ret("dmah_map_sg", "ents=1");
	put_list("dmah_unmap_sg", 0, entries, 5, 5);
	ev = load(text, 2);
	assert_true(ev[0].truncated);
	assert_int_equal(ev[0].nr_phys, 2);
	assert_int_equal(ev[0].nents, 5);
	assert_int_equal(ev[1].nr_phys, 2);

	/* one that stays mapped: nothing tells its DMA address */
	text[0] = '\0';
	make_entries(false);
	put_list("dmah_map_sg", 0, entries, 3, 3);
	put_ret("dmah_map_sg", "ents=1");
	put(UNMAP(1, 0, "000099", "0x2000"));
	load(text, 1);
	assert_int_equal(trace_info(trace)->left_out, 1);
	assert_int_equal(trace_info(trace)->events, 1);
	/* trace_next() gives the event as it is */
	t = trace_open_fd(file_of(text, strlen(text)), "mem", &err);
	assert_non_null(t);
	assert_int_equal(trace_next(t, &one, &err), 1);
	assert_int_equal(one.kind, TRACE_MAP_SG);
	assert_int_equal(one.nr_dma, 0);
	assert_int_equal(one.nr_phys, 3);
	trace_close(t);

	/* the same list twice, the second while nothing else happened */
	text[0] = '\0';
	for (int i = 0; i < 2; i++) {
		make_entries(true);
		entries[0].dma_len = 0x2e00;
		entries[0].dma = i ? 0xaaa00200 : 0xbbb00200;
		put_list("dmah_map_sg", 0, entries, 3, 3);
		put_ret("dmah_map_sg", "ents=1");
		put_list("dmah_unmap_sg", 0, entries, 3, 3);
	}
	ev = load(text, 4);
	assert_int_equal(ev[0].dma, 0xbbb00200);
	assert_int_equal(ev[2].dma, 0xaaa00200);
}

static void list_errors(void **state)
{
	const struct trace_event *ev;

	(void)state;
	make_entries(false);
	text[0] = '\0';
	put_list("dmah_map_sg", 0, entries, 3, 3);
	put_ret("dmah_map_sg", "ents=0");
	ev = load(text, 1);
	assert_int_equal(ev->kind, TRACE_MAP_SG_ERR);
	assert_true(ev->failed);
	assert_int_equal(ev->nr_phys, 3);
	text[0] = '\0';
	put_list("dmah_map_sgtable", 0, entries, 3, 3);
	put_ret("dmah_map_sgtable", "err=-5");
	ev = load(text, 1);
	assert_int_equal(ev->kind, TRACE_MAP_SG_ERR);
	assert_int_equal(ev->error, -5);

	/* a loss is found by a list's map: the unmap completes the map, and not the loss */
	text[0] = '\0';
	make_entries(true);
	entries[0].dma_len = 0x2e00;
	put(MAP(5, 0, "000000", "0xfffff5e340000040", "0xffffce4200003ec8"));
	put_list("dmah_map_sg", 0, entries, 3, 3);
	put(MAP(5, 0, "000001", "0xfffff5e340000040", "0xffffce4200003e00"));
	put_ret("dmah_map_sg", "ents=1");
	put_list("dmah_unmap_sg", 0, entries, 3, 3);
	ev = load(text, 4);
	assert_int_equal(ev[0].kind, TRACE_LOST);
	assert_int_equal(ev[1].kind, TRACE_LOST);
	assert_int_equal(ev[2].kind, TRACE_MAP_SG);
	assert_int_equal(ev[2].dma, 0xfff00200);
	assert_int_equal(ev[3].kind, TRACE_UNMAP_SG);
	make_entries(false);

	/* a part of the list was lost: with it the call */
	text[0] = '\0';
	put_list("dmah_map_sg", 0, entries, 20, 20);
	put_ret("dmah_map_sg", "ents=1");
	put(UNMAP(1, 0, "000099", "0x2000"));
	ev = load(text, 2);
	assert_int_equal(ev[0].kind, TRACE_LOST);
	/* so it was with an unmap: the next call finds it */
	text[0] = '\0';
	put_list("dmah_unmap_sg", 0, entries, 20, 20);
	put_list("dmah_unmap_sg", 0, entries, 3, 3);
	ev = load(text, 2);
	assert_int_equal(ev[0].kind, TRACE_LOST);
	assert_int_equal(ev[1].kind, TRACE_UNMAP_SG);
	/* memory that could not be read */
	text[0] = '\0';
	entries[1].page = 0;
	put_list("dmah_unmap_sg", 0, entries, 3, 3);
	put(UNMAP(1, 0, "000099", "0x2000"));
	ev = load(text, 2);
	assert_int_equal(ev[0].kind, TRACE_LOST);
}

static void sync_lists(void **state)
{
	static const char *const events[] = { "dmah_sync_sg_cpu", "dmah_sync_sg_device" };
	static const enum trace_kind kinds[] = { TRACE_SYNC_SG_CPU, TRACE_SYNC_SG_DEVICE };
	const struct trace_event *ev;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		text[0] = '\0';
		make_entries(true);
		for (unsigned int k = 0; k < 20; k++) {
			entries[k].dma = 0xfff00000 - k * 0x1000;
			entries[k].dma_len = 0x100 + k;
		}
		put_list(events[i], 16, entries, 20, 20);
		put_list(events[i], 0, entries, 20, 20);
		ev = load(text, 1);
		assert_int_equal(ev->kind, kinds[i]);
		assert_int_equal(ev->nr_dma, 20);
		assert_int_equal(ev->dmas[19], 0xfff00000 - 19 * 0x1000);
		assert_int_equal(ev->lens[19], 0x100 + 19);
	}
}

static void bad_lines(void **state)
{
#define BEGIN AT(1, 0, "000001") "dmah_unmap_page: "
	(void)state;
	refuse_text(BEGIN "dev=\"d\" dma=0x1\n", "dmah_unmap_page: no place in parentheses");
	refuse_text(BEGIN "(f+0x0/0x1\n", "no place in parentheses");
	refuse_text(BEGIN "(f+0x0/0x1) dev=\"d\n", "dev= that is cut off");
	refuse_text(BEGIN "(f+0x0/0x1) dev=d\n", "bad dev=");
	refuse_text(BEGIN "(f+0x0/0x1) dev=\"d\" dma=rubbish\n", "bad number");
	refuse_text(BEGIN "(f+0x0/0x1) dev=\"d\" dma=0x1z\n", "bad value");
	refuse_text(BEGIN "(f+0x0/0x1) dev=\"d\" dma\n", "no argument");
	refuse_text(AT(1, 0, "000001") "dmah_unmap_sg: (f+0x0/0x1) list={0x1,0x2\n", "bad list=");
	refuse_text(AT(1, 0, "000001") "dmah_unmap_sg: (f+0x0/0x1) list=0x1\n", "bad list=");
	/* the last line may be cut off: it is left out */
	load(UNMAP(1, 0, "000001", "0x2000") BEGIN "(f+0x0/0x1) dev=\"d\" dma=0", 2);
	load(UNMAP(1, 0, "000001", "0x2000") BEGIN "(f+0x0/0x1) dev=\"d", 1);
	assert_int_equal(trace_info(trace)->cut, 2);
	/* a list where none can be says nothing */
	load(AT(1, 0, "000001") "dmah_unmap_page: (f+0x0/0x1) " DEV "dma=0x1000 size=1 dir=1 "
				"attrs=0x0 list={0x1,0x2}\n",
	     1);
	/* not of ours */
	refuse_text(AT(1, 0, "000001") "dmah_unmap_pages: (f+0x0/0x1)\n", "has no dma:* events");
	refuse_text(AT(1, 0, "000001") "dmah_unmap_page_ret: (f+0x0/0x1)\n", "has no dma:* events");
	refuse_text(AT(1, 0, "000001") "dmah_unmap_sg_15: (f+0x0/0x1)\n", "has no dma:* events");
	refuse_text(AT(1, 0, "000001") "dmah_unmap_sg_128: (f+0x0/0x1)\n", "has no dma:* events");
#undef BEGIN
}

/*
 * One workload, recorded on Linux 6.12 from the probes and, by a second dmah record at the same
 * time, from the kernel's own dma events: they hold the same. Only the order differs, since the event
 * of an unmap stands at its beginning or at its end; so each is looked for among the others of its time.
 */
static bool same(const struct trace_event *a, const struct trace_event *b)
{
	bool alloc = a->kind == TRACE_ALLOC || a->kind == TRACE_FREE;

	/* the kernel writes %p hashed, and of allocations no direction */
	return a->kind == b->kind && a->dma == b->dma && a->size == b->size &&
	       (alloc || (a->phys == b->phys && a->dir == b->dir)) && a->attrs == b->attrs &&
	       a->pid == b->pid && a->nr_phys == b->nr_phys && a->nr_dma == b->nr_dma &&
	       a->nents == b->nents && a->ents == b->ents && a->failed == b->failed &&
	       memcmp(a->physs ? a->physs : &a->phys, b->physs ? b->physs : &b->phys,
		      a->nr_phys * sizeof(uint64_t)) == 0 &&
	       memcmp(a->dmas ? a->dmas : &a->dma, b->dmas ? b->dmas : &b->dma,
		      a->nr_dma * sizeof(uint64_t)) == 0 &&
	       memcmp(a->lens ? a->lens : &a->nents, b->lens ? b->lens : &b->nents,
		      a->nr_dma * sizeof(uint32_t)) == 0;
}

static struct trace *data(const char *name)
{
	struct trace_error err;
	char path[1024];
	struct trace *t;

	snprintf(path, sizeof(path), "%s/%s", getenv("DMAH_TEST_DATA"), name);
	t = trace_load(path, &err);
	if (!t)
		fail_msg("%s", err.text);
	return t;
}

static void same_as_the_kernels_events(void **state)
{
	struct trace *probes = data("probes_6.12.txt.xz"), *kernel = data("events_6.12.txt.xz");
	const struct trace_event *a, *b;
	size_t n, m, found = 0, lists = 0;
	bool *used;

	(void)state;
	a = trace_events(probes, &n);
	b = trace_events(kernel, &m);
	used = calloc(m, sizeof(*used));
	assert_non_null(used);
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < m; k++) {
			if (used[k] || !same(&a[i], &b[k]) || a[i].time > b[k].time + 200000 ||
			    b[k].time > a[i].time + 2000000)
				continue;
			used[k] = true;
			found++;
			lists += a[i].kind == TRACE_MAP_SG;
			break;
		}
	}
	/* the kernel also tells of a dma_free() of nothing */
	assert_int_equal(n, 120);
	assert_int_equal(m, 121);
	assert_int_equal(found, 120);
	assert_int_equal(lists, 10);
	free(used);
	trace_close(probes);
	trace_close(kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(map_and_unmap, done),
		cmocka_unit_test_teardown(resource, done),
		cmocka_unit_test_teardown(interrupted, done),
		cmocka_unit_test_teardown(halves_missing, done),
		cmocka_unit_test_teardown(unreadable_memory, done),
		cmocka_unit_test_teardown(coherent, done),
		cmocka_unit_test_teardown(syncs, done),
		cmocka_unit_test_teardown(lists, done),
		cmocka_unit_test_teardown(list_shapes, done),
		cmocka_unit_test_teardown(list_errors, done),
		cmocka_unit_test_teardown(sync_lists, done),
		cmocka_unit_test_teardown(bad_lines, done),
		cmocka_unit_test(same_as_the_kernels_events),
	};

	return cmocka_run_group_tests_name("probes", tests, NULL, NULL);
}
