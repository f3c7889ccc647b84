// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "targets.h"

#include <string.h>

#define LAZY   DMAH_LAZY
#define STRICT DMAH_STRICT

/* A row of the loop around an operation. */
#define ROW_LOOP(rows, name, kind) row_find(rows, name, kind, LAZY, 1024, false, false)

static double figure(const struct row *r, enum unit unit)
{
	if (!r)
		return -1;
	/* Entering the loop adds thousandths to each operation: round to tenths. */
	if (unit == UNIT_INSTRUCTIONS)
		return r->instructions < 0 ? -1
					   : (double)(int64_t)(r->instructions * 10 + 0.5) / 10;
	return r->n ? r->ns : -1;
}

static double ratio(double a, double b)
{
	return a >= 0 && b > 0 ? a / b : -1;
}

static double without(double a, double loop)
{
	return a >= 0 && loop >= 0 && a > loop ? a - loop : -1;
}

/* Computes how many times less @ours takes than @theirs, with and without the loop. */
static struct target compare(const char *what, const char *wants, enum unit unit, double limit,
			     const struct row *theirs, const struct row *ours,
			     const struct row *loop)
{
	struct target t = { .what = what,
			    .wants = wants,
			    .unit = unit,
			    .theirs = figure(theirs, unit),
			    .newer = -1,
			    .ours = figure(ours, unit),
			    .limit = limit,
			    .at_least = true };
	double h = figure(loop, unit);

	t.gross = ratio(t.theirs, t.ours);
	t.net = ratio(without(t.theirs, h), without(t.ours, h));
	return t;
}

static struct target against_floor(const struct rows *rows, const char *what, const char *ring)
{
	struct target t = compare(what, "<= 2x, net", UNIT_NS, 2,
				  row_find(rows, "floor", MACHINE_NONE, LAZY, 1024, true, false),
				  row_find(rows, ring, MACHINE_VTD, LAZY, 1024, true, false),
				  row_find(rows, "harness", MACHINE_NONE, LAZY, 1024, true, false));

	t.gross = ratio(1, t.gross);
	t.net = ratio(1, t.net);
	t.at_least = false;
	t.by_net = true;
	return t;
}

static struct target batch(const struct rows *rows, const char *what, const char *lazy)
{
	const struct row *loop = row_find(rows, "harness", MACHINE_NONE, LAZY, 1024, false, false);
	struct target t = compare(what, "<= 1.15x", UNIT_NS, 1.15,
				  row_find(rows, lazy, MACHINE_VTD, LAZY, 1024, false, false),
				  row_find_more(rows, "batch-32", MACHINE_VTD, STRICT, 1024, false,
						false, 1, 1000),
				  loop);

	t.gross = ratio(1, t.gross);
	t.net = ratio(1, t.net);
	t.at_least = false;
	return t;
}

/* Compares the time of an operation in two threads with that in one thread, for Linux as well. */
static struct target threads(const struct rows *rows, const char *what, const char *name,
			     enum machine_kind kind)
{
	const struct row *one = row_find(rows, name, kind, LAZY, 1024, false, false);
	const struct row *two = row_find_more(rows, name, kind, LAZY, 1024, false, false, 2, 0);
	const char *theirs = kind == MACHINE_LPAE ? "linux-arm" : "linux-vtd";
	const struct row *linux1 = row_find(rows, theirs, kind, LAZY, 1024, false, false);
	const struct row *linux2 =
		row_find_more(rows, theirs, kind, LAZY, 1024, false, false, 2, 0);
	double loop =
		figure(row_find(rows, "harness", MACHINE_NONE, LAZY, 1024, false, false), UNIT_NS);
	struct target t = {
		.what = what, .wants = "<= 1.1x", .unit = UNIT_RATIO, .newer = -1, .limit = 1.1
	};

	t.theirs = ratio(figure(linux2, UNIT_NS), figure(linux1, UNIT_NS));
	t.ours = ratio(figure(two, UNIT_NS), figure(one, UNIT_NS));
	t.gross = t.ours;
	t.net = ratio(without(figure(two, UNIT_NS), loop), without(figure(one, UNIT_NS), loop));
	return t;
}

/* Not a target: the same ratio for code whose threads share nothing but the computer. */
static struct target floor_threads(const struct rows *rows)
{
	struct target t = { .what = "2 threads, floor (shares nothing), to one thread",
			    .wants = "",
			    .unit = UNIT_RATIO,
			    .theirs = -1,
			    .newer = -1,
			    .net = -1,
			    .limit = -1 };

	t.ours = ratio(
		figure(row_find_more(rows, "floor", MACHINE_NONE, LAZY, 1024, false, false, 2, 0),
		       UNIT_NS),
		figure(row_find(rows, "floor", MACHINE_NONE, LAZY, 1024, false, false), UNIT_NS));
	t.gross = t.ours;
	return t;
}

/* Counts the instructions of a sync, without the loop @around it. */
static struct target sync(const struct rows *rows, const char *what, const char *wants,
			  double limit, const struct row *around, const char *name,
			  enum machine_kind kind, enum dmah_mode mode)
{
	double loop = figure(around, UNIT_INSTRUCTIONS);
	double ours =
		figure(row_find(rows, name, kind, mode, 1024, false, false), UNIT_INSTRUCTIONS);
	struct target t = { .what = what,
			    .wants = wants,
			    .unit = UNIT_INSTRUCTIONS,
			    .theirs = -1,
			    .newer = -1,
			    .limit = limit,
			    .by_net = true,
			    .figure = true };

	t.ours = ours >= 0 && loop >= 0 ? (double)(int64_t)((ours - loop) * 10 + 0.5) / 10 : -1;
	t.gross = ours;
	t.net = t.ours;
	return t;
}

/* Adds the figures of Linux's sync to a target about one. */
static struct target beside(struct target t, const struct rows *rows, const struct row *around,
			    const char *theirs, const char *newer, enum machine_kind kind)
{
	double loop = figure(around, UNIT_INSTRUCTIONS);

	t.theirs = without(figure(row_find(rows, theirs, kind, LAZY, 1024, false, false),
				  UNIT_INSTRUCTIONS),
			   loop);
	t.newer = without(figure(row_find(rows, newer, kind, LAZY, 1024, false, false),
				 UNIT_INSTRUCTIONS),
			  loop);
	return t;
}

/* The same for more live mappings than a CPU's first caches hold. */
static struct target many_threads(const struct rows *rows)
{
	const struct row *one = row_find(rows, "handle", MACHINE_VTD, LAZY, 16384, false, false);
	const struct row *two =
		row_find_more(rows, "handle", MACHINE_VTD, LAZY, 16384, false, false, 2, 0);
	const struct row *linux1 =
		row_find(rows, "linux-vtd", MACHINE_VTD, LAZY, 16384, false, false);
	const struct row *linux2 =
		row_find_more(rows, "linux-vtd", MACHINE_VTD, LAZY, 16384, false, false, 2, 0);
	struct target t = { .what = "2 threads, one domain, 16,384 live each, to one thread",
			    .wants = "<= 1.1x",
			    .unit = UNIT_RATIO,
			    .net = -1,
			    .limit = 1.1 };

	t.theirs = ratio(figure(linux2, UNIT_NS), figure(linux1, UNIT_NS));
	t.newer =
		ratio(figure(row_find_more(rows, "linux73-vtd", MACHINE_VTD, LAZY, 16384, false,
					   false, 2, 0),
			     UNIT_NS),
		      figure(row_find(rows, "linux73-vtd", MACHINE_VTD, LAZY, 16384, false, false),
			     UNIT_NS));
	t.ours = ratio(figure(two, UNIT_NS), figure(one, UNIT_NS));
	t.gross = t.ours;
	return t;
}

/* A figure of this library, and of Linux's code behind it where there is one. A limit of 0: as good as either Linux. */
static struct target measured(const struct rows *rows, const char *what, const char *wants,
			      double limit, enum unit unit, enum figure f)
{
	double theirs = f == FIGURE_ATTACH ? -1 : rows_figure(rows, f + 1);
	double newer = f == FIGURE_ATTACH ? -1 : rows_figure(rows, f + 2);

	if (!limit)
		limit = newer >= 0 && newer < theirs ? newer : theirs;
	return (struct target){ .what = what,
				.wants = wants,
				.unit = unit,
				.theirs = theirs,
				.newer = newer,
				.ours = rows_figure(rows, f),
				.gross = rows_figure(rows, f),
				.net = -1,
				.limit = limit,
				.figure = true };
}

static struct target bytes(const char *what, const char *wants, double limit, size_t n)
{
	return (struct target){ .what = what,
				.wants = wants,
				.unit = UNIT_BYTES,
				.theirs = -1,
				.newer = -1,
				.ours = (double)n,
				.gross = (double)n,
				.net = -1,
				.limit = limit,
				.figure = true };
}

/* Finds a row of mappings of @size bytes that was measured: 1,024 live, or 256 of 2 MiB; vectors have 64. */
static const struct row *sized(const struct rows *rows, const char *name, enum machine_kind kind,
			       enum dmah_mode mode, uint32_t size)
{
	char buf[64];

	for (size_t i = 0; i < rows->n; i++) {
		const struct row *r = &rows->list[i];

		if (!strcmp(row_case(r, buf, sizeof(buf)), name) && r->kind == kind &&
		    r->mode == mode && r->size == size && r->threads == 1 && !r->latency_ns &&
		    r->live != 16384 && (r->n || r->instructions >= 0))
			return r;
	}
	return NULL;
}

/* Counts the instructions of an operation, the loop around it included, or of one of its @pieces. */
static struct target instructions(const char *what, const char *wants, double limit,
				  const struct row *theirs, const struct row *newer,
				  const struct row *ours, uint32_t pieces)
{
	struct target t = { .what = what,
			    .wants = wants,
			    .unit = UNIT_INSTRUCTIONS,
			    .theirs = figure(theirs, UNIT_INSTRUCTIONS),
			    .newer = figure(newer, UNIT_INSTRUCTIONS),
			    .ours = figure(ours, UNIT_INSTRUCTIONS),
			    .net = -1,
			    .limit = limit,
			    .figure = true };

	if (t.ours >= 0)
		t.ours /= pieces;
	if (t.theirs >= 0)
		t.theirs /= pieces;
	if (t.newer >= 0)
		t.newer /= pieces;
	t.gross = t.ours;
	return t;
}

/* Each kind of call, in instructions, the strict one in time as well. */
static unsigned int each_call(struct target *list, const struct rows *rows)
{
#define VTD(name, mode)	     row_find(rows, name, MACHINE_VTD, mode, 1024, false, false)
#define SIZED(name, size)    sized(rows, name, MACHINE_VTD, LAZY, size)
#define PLAIN(name, machine) row_find(rows, name, machine, STRICT, 1024, false, false)
	const struct row *older = VTD("linux-vtd", LAZY), *newer = VTD("linux73-vtd", LAZY);
	const struct row *loop = ROW_LOOP(rows, "harness", MACHINE_NONE);
	unsigned int n = 0;

	list[n++] = instructions("a map and an unmap, lazy", "<= 135", 135, older, newer,
				 VTD("handle", LAZY), 1);
	list[n++] = instructions("a replace, lazy", "<= 115", 115, older, newer,
				 VTD("replace", LAZY), 1);
	list[n++] =
		instructions("a mapping in a ring, 32 popped at once", "<= 55", 55, older, newer,
			     row_find(rows, "ring-32", MACHINE_VTD, LAZY, 1024, true, false), 1);
	list[n++] = instructions("a map and an unmap, strict, latency 0", "<= 250", 250,
				 VTD("linux-vtd", STRICT), VTD("linux73-vtd", STRICT),
				 VTD("handle", STRICT), 1);
	list[n++] = compare("strict, latency 0, against linux-vtd", ">= 4x less", UNIT_NS, 4,
			    VTD("linux-vtd", STRICT), VTD("handle", STRICT), loop);
	list[n++] = instructions("a map and an unmap, direct", "<= 130", 130,
				 PLAIN("linux-direct", MACHINE_DIRECT),
				 PLAIN("linux73-direct", MACHINE_DIRECT),
				 PLAIN("handle", MACHINE_DIRECT), 1);
	list[n++] = instructions("a map and an unmap that bounce, with the copies", "", -1,
				 PLAIN("linux-swiotlb", MACHINE_BOUNCE),
				 PLAIN("linux73-swiotlb", MACHINE_BOUNCE),
				 PLAIN("handle", MACHINE_BOUNCE), 1);
	list[n++] = instructions("a piece of a vector of 8; Linux: dma_map_sg()", "<= 150", 150,
				 SIZED("linux-sg-8", 8 * 4096), SIZED("linux73-sg-8", 8 * 4096),
				 SIZED("vec-8", 8 * 4096), 8);
	list[n++] = instructions("a piece of a vector of 8; Linux: dma_iova_link()", "<= 150", 150,
				 NULL, SIZED("linux73-link-8", 8 * 4096), SIZED("vec-8", 8 * 4096),
				 8);
	list[n++] = instructions("a piece of a vector of 128; Linux: dma_map_sg()", "<= 150", 150,
				 SIZED("linux-sg-128", 128 * 4096),
				 SIZED("linux73-sg-128", 128 * 4096), SIZED("vec-128", 128 * 4096),
				 128);
	list[n++] = instructions("a piece of a vector of 128; Linux: dma_iova_link()", "<= 150",
				 150, NULL, SIZED("linux73-link-128", 128 * 4096),
				 SIZED("vec-128", 128 * 4096), 128);
	list[n++] = instructions("a map and an unmap of 64 KiB", "<= 400", 400,
				 SIZED("linux-vtd", 64u << 10), SIZED("linux73-vtd", 64u << 10),
				 SIZED("handle", 64u << 10), 1);
	list[n++] = instructions("a map and an unmap of 2 MiB", "<= 500", 500,
				 SIZED("linux-vtd", 2u << 20), SIZED("linux73-vtd", 2u << 20),
				 SIZED("handle", 2u << 20), 1);
	return n;
#undef VTD
#undef SIZED
#undef PLAIN
}

/* Returns the instructions of a sync with a copy that do not grow with the bytes, without the @loop. */
static double without_copy(const struct rows *rows, const char *name, const struct row *loop)
{
	double half = figure(sized(rows, name, MACHINE_BOUNCE, LAZY, 2048), UNIT_INSTRUCTIONS);
	double whole = figure(sized(rows, name, MACHINE_BOUNCE, LAZY, 4096), UNIT_INSTRUCTIONS);

	return half < 0 || whole < 0 ? -1
				     : without(2 * half - whole, figure(loop, UNIT_INSTRUCTIONS));
}

static struct target copied(const struct rows *rows, const struct row *loop)
{
	struct target t = { .what = "sync, bounced, a copy, without the copy",
			    .wants = "<= 40",
			    .unit = UNIT_INSTRUCTIONS,
			    .theirs = without_copy(rows, "linux-sync-bounced-copy", loop),
			    .newer = without_copy(rows, "linux73-sync-bounced-copy", loop),
			    .ours = without_copy(rows, "sync-bounced-copy", loop),
			    .limit = 40,
			    .by_net = true,
			    .figure = true };

	t.gross = t.net = t.ours;
	return t;
}

/* Each kind of sync, without the loop around it, in instructions. */
static unsigned int each_sync(struct target *list, const struct rows *rows)
{
	const struct row *loop = ROW_LOOP(rows, "harness-sync", MACHINE_NONE);
	unsigned int n = 0;

	list[n++] = beside(sync(rows, "sync, nothing to do", "<= 3", 3, loop, "sync-nothing",
				MACHINE_VTD, LAZY),
			   rows, loop, "linux-sync", "linux73-sync", MACHINE_VTD);
	list[n++] = sync(rows, "sync, bounced, nothing to copy", "<= 3", 3, loop, "sync-bounced",
			 MACHINE_BOUNCE, LAZY);
	list[n++] = copied(rows, loop);
	list[n++] = sync(rows, "sync, untrusted, not bounced", "<= 25", 25, loop, "sync-untrusted",
			 MACHINE_VTD, STRICT);
	list[n++] = sync(rows, "sync, untrusted, bounced, nothing to copy", "<= 3", 3, loop,
			 "sync-untrusted-bounced", MACHINE_VTD, STRICT);
	return n;
}

unsigned int targets_make(struct target *list, const struct rows *rows)
{
#define ROW(name, kind, mode) row_find(rows, name, kind, mode, 1024, false, false)
	const struct row *loop = ROW("harness", MACHINE_NONE, LAZY);
	const struct row *arm = ROW("linux-arm", MACHINE_LPAE, LAZY);
	const struct row *vtd = ROW("handle", MACHINE_VTD, LAZY);
	const struct row *lpae = ROW("handle", MACHINE_LPAE, LAZY);
	const struct row *arm_fifo =
		row_find(rows, "linux-arm", MACHINE_LPAE, LAZY, 1024, true, false);
	const struct row *loop_fifo =
		row_find(rows, "harness", MACHINE_NONE, LAZY, 1024, true, false);
	const struct row *one = row_find(rows, "ring", MACHINE_VTD, LAZY, 1024, true, false);
	const struct row *many = row_find(rows, "ring-32", MACHINE_VTD, LAZY, 1024, true, false);
	unsigned int n = 0;

	n = each_call(list, rows);
	n += each_sync(list + n, rows);
	list[n++] = many_threads(rows);
	list[n++] = measured(rows, "p99.9 of a map while the load breathes", "<= 2,000 ns", 2000,
			     UNIT_NS, FIGURE_P999);
	list[n++] = measured(rows,
			     "2 MiB windows touched to live ones, 4 KiB, 4 million operations",
			     "<= 1.1x", 1.1, UNIT_RATIO, FIGURE_WINDOWS);
	list[n++] = measured(rows, "accesses that miss a simulated first cache, an unmap and a map",
			     "<= 1.0", 1, UNIT_COUNT, FIGURE_MISSES);
	list[n++] = bytes("metadata, lazy, 256 CPUs, until a CPU maps", "<= 1 MiB", 1u << 20,
			  machine_memory(256, LAZY));
	list[n++] = bytes("metadata, strict, 256 CPUs, until a CPU maps", "<= 1 MiB", 1u << 20,
			  machine_memory(256, STRICT));
	list[n++] = bytes("metadata, lazy, 1 CPU", "", -1, machine_memory(1, LAZY));
	list[n++] = bytes("metadata, lazy, 4 CPUs", "", -1, machine_memory(4, LAZY));
	list[n++] = bytes("metadata, lazy, 16 CPUs", "", -1, machine_memory(16, LAZY));
	list[n++] = bytes("metadata, lazy, 64 CPUs", "", -1, machine_memory(64, LAZY));
	list[n++] =
		bytes("metadata, each CPU and domain", "<= 64 KiB", 65536, machine_cpu_memory());
	list[n++] = bytes("a handle", "<= 32 bytes", 32, sizeof(struct dmah));
	list[n++] = measured(rows, "slowest map of that load", "", -1, UNIT_NS, FIGURE_MOST);
	list[n++] = measured(rows, "a map and an unmap after 256 KiB of other work", "<= Linux's",
			     0, UNIT_NS, FIGURE_POLLUTED);
	list[n++] = measured(rows, "a mapping made on one CPU and ended on another", "<= Linux's",
			     0, UNIT_NS, FIGURE_HANDED_OVER);
	list[n++] = measured(rows, "a domain made, a device attached, and both ended", "", -1,
			     UNIT_NS, FIGURE_ATTACH);
	list[n++] = compare("handle, VT-d, against linux-arm", ">= 15x fewer", UNIT_INSTRUCTIONS,
			    15, arm, vtd, loop);
	list[n++] = compare("handle, VT-d, against linux-arm", ">= 12x less", UNIT_NS, 12, arm, vtd,
			    loop);
	list[n++] = compare("handle, LPAE, against linux-arm", ">= 15x fewer", UNIT_INSTRUCTIONS,
			    15, arm, lpae, loop);
	list[n++] = compare("handle, LPAE, against linux-arm", ">= 12x less", UNIT_NS, 12, arm,
			    lpae, loop);
	/* Popping 32 at once is how a driver works that takes all completions of its device, then refills. */
	list[n++] = compare("a mapping in a ring, 32 popped at once, against linux-arm",
			    ">= 28x fewer", UNIT_INSTRUCTIONS, 28, arm_fifo, many, loop_fifo);
	list[n++] = compare("a mapping in a ring, popped one by one, against linux-arm",
			    ">= 28x fewer", UNIT_INSTRUCTIONS, 28, arm_fifo, one, loop_fifo);
	list[n++] = against_floor(rows, "a mapping in a ring, 32 popped at once, against floor",
				  "ring-32");
	list[n++] = against_floor(rows, "a mapping in a ring, popped one by one, against floor",
				  "ring");
	list[n++] = compare("strict, latency 0, against linux-vtd", ">= 10x less", UNIT_NS, 10,
			    ROW("linux-vtd", MACHINE_VTD, STRICT),
			    ROW("handle", MACHINE_VTD, STRICT), loop);
	list[n++] = batch(rows, "batch of 32, strict, 1,000 ns, against lazy", "batch-32");
	list[n++] = batch(rows, "batch of 32, strict, 1,000 ns, against handle lazy", "handle");
	list[n++] = compare("262,144 live, serialised, VT-d, against linux-arm", ">= 2.5x less",
			    UNIT_NS, 2.5,
			    row_find(rows, "linux-arm", MACHINE_LPAE, LAZY, 262144, false, true),
			    row_find(rows, "handle", MACHINE_VTD, LAZY, 262144, false, true),
			    row_find(rows, "harness", MACHINE_NONE, LAZY, 262144, false, true));
	list[n++] = compare("262,144 live, serialised, LPAE, against linux-arm", ">= 2.5x less",
			    UNIT_NS, 2.5,
			    row_find(rows, "linux-arm", MACHINE_LPAE, LAZY, 262144, false, true),
			    row_find(rows, "handle", MACHINE_LPAE, LAZY, 262144, false, true),
			    row_find(rows, "harness", MACHINE_NONE, LAZY, 262144, false, true));
	list[n++] =
		threads(rows, "2 threads, one domain, VT-d, to one thread", "handle", MACHINE_VTD);
	list[n++] =
		threads(rows, "2 threads, one domain, LPAE, to one thread", "handle", MACHINE_LPAE);
	list[n++] = floor_threads(rows);
	for (unsigned int i = 0; i < n; i++)
		list[i].order = i;
	return n;
#undef ROW
}

static bool meets(const struct target *t, double v)
{
	return t->at_least ? v >= t->limit : v <= t->limit;
}

const char *target_verdict(const struct target *t)
{
	double v = t->by_net ? t->net : t->gross;

	if (v < 0 || t->limit < 0)
		return "-";
	if (meets(t, v))
		return "yes";
	return !t->by_net && t->net >= 0 && meets(t, t->net) ? "net only" : "no";
}
