// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "tables.h"

#include <stdlib.h>
#include <string.h>

#include "targets.h"

#define LAZY	 DMAH_LAZY
#define STRICT	 DMAH_STRICT
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static double ns_of(const struct row *r)
{
	return r && r->n ? r->ns : -1;
}

static double instructions_of(const struct row *r)
{
	return r ? r->instructions : -1;
}

/* ---- every row ---- */

static const struct column all_columns[] = {
	{ .key = "case", .head = "case", .left = true },
	{ .key = "backend", .head = "backend", .left = true },
	{ .key = "mode", .head = "mode", .left = true },
	{ .key = "live", .head = "live" },
	{ .key = "order", .head = "order", .left = true },
	{ .key = "serialised", .head = "serialised", .brief = "ser.", .left = true },
	{ .key = "threads", .head = "threads" },
	{ .key = "size", .head = "bytes" },
	{ .key = "latency_ns", .head = "latency" },
	{ .key = "ns", .head = "ns", .decimals = 1 },
	{ .key = "ns_min", .head = "least", .brief = "min", .decimals = 1 },
	{ .key = "ns_max", .head = "most", .brief = "max", .decimals = 1 },
	{ .key = "instructions", .head = "instructions", .brief = "instr", .decimals = 1 },
	{ .key = "note", .head = "", .left = true, .none = "" },
	{ 0 },
};

const struct table table_all = { .columns = all_columns, .group = 1 };

json_t *all_rows(const struct rows *rows)
{
	json_t *array = rows_to_json(rows);

	for (size_t i = 0; i < rows->n; i++) {
		const struct row *r = &rows->list[i];
		char note[96] = "", dropped[48] = "";

		if (r->dropped)
			snprintf(dropped, sizeof(dropped), "%u run%s dropped: too little overlap",
				 r->dropped, r->dropped > 1 ? "s" : "");
		if (r->threads > 1 && r->n && r->overlap > 0)
			snprintf(note, sizeof(note), "overlap %.0f %%%s%s", r->overlap * 100,
				 r->dropped ? ", " : "", dropped);
		else
			snprintf(note, sizeof(note), "%s", dropped);
		row_text(json_array_get(array, i), "note", note);
	}
	return array;
}

/* ---- targets ---- */

static const struct column target_columns[] = {
	{ .key = "what",
	  .head = "",
	  .brief = "lazy, 4 KiB, 1,024 live, random, 1 thread",
	  .left = true },
	{ .key = "wants", .head = "target", .left = true },
	{ .key = "ours", .head = "dmah" },
	{ .key = "theirs", .head = "Linux 6.12 or floor", .brief = "6.12, floor" },
	{ .key = "newer", .head = "Linux 7.3", .brief = "7.3" },
	{ .key = "gross", .head = "gross", .decimals = 2, .suffix = "x", .none = "" },
	{ .key = "net",
	  .head = "net of the loop",
	  .brief = "net",
	  .decimals = 2,
	  .suffix = "x",
	  .none = "" },
	{ .key = "met", .head = "met", .left = true, .verdict = true },
	{ 0 },
};

const struct table table_targets = { .columns = target_columns };

/* Other tables of a document have the figures that the factors are made of. */
static const struct column verdict_columns[] = {
	{ .key = "what", .head = "", .left = true },
	{ .key = "wants", .head = "target", .left = true },
	{ .key = "measured", .head = "measured" },
	{ .key = "theirs_figure", .head = "Linux 6.12" },
	{ .key = "newer", .head = "Linux 7.3" },
	{ .key = "net", .head = "net of the loop", .decimals = 2, .suffix = "x", .none = "" },
	{ .key = "met", .head = "met", .left = true },
	{ 0 },
};

const struct table table_verdicts = { .columns = verdict_columns };

static void add_figure(json_t *o, const char *key, double v, enum unit unit)
{
	static const char *const forms[] = { "%.1f ns", "%.1f instr", "%.0f B", "%.2fx", "%.2f" };
	char text[32];

	snprintf(text, sizeof(text), forms[unit], v);
	row_text(o, key, v < 0 ? NULL : text);
}

/* Returns true if Linux's figure or the floor's is as good as this library's, which was less than asked for. */
static bool is_behind(const struct target *t)
{
	return t->figure &&
	       ((t->theirs >= 0 && t->ours >= t->theirs) || (t->newer >= 0 && t->ours >= t->newer));
}

static void add_targets(json_t *array, const struct target *list, unsigned int n, bool met,
			bool missed)
{
	for (unsigned int i = 0; i < n; i++) {
		const struct target *t = &list[i];
		const char *verdict = target_verdict(t);
		bool factor = !t->figure;
		bool is_missed = !strcmp(verdict, "no") || !strcmp(verdict, "net only") ||
				 is_behind(t);
		json_t *o;

		if (is_missed ? !missed : !met)
			continue;
		o = json_object();
		row_text(o, "what", t->what);
		row_text(o, "wants", t->wants);
		add_figure(o, "theirs", t->theirs, t->unit);
		add_figure(o, "newer", t->newer, t->unit);
		add_figure(o, "theirs_figure", factor ? -1 : t->theirs, t->unit);
		add_figure(o, "ours", t->ours, t->unit);
		row_real(o, "gross", factor ? t->gross : -1, 2);
		row_real(o, "net", factor ? t->net : -1, 2);
		row_text(o, "met", verdict);
		add_figure(o, "measured", factor ? t->gross : t->ours,
			   factor ? UNIT_RATIO : t->unit);
		json_array_append_new(array, o);
	}
}

static int by_peer(const void *a, const void *b)
{
	const struct target *x = a, *y = b;

	if (is_behind(x) != is_behind(y))
		return is_behind(x) ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

json_t *target_rows(const struct rows *rows, bool missed_first)
{
	struct target list[TARGETS];
	unsigned int n = targets_make(list, rows);
	json_t *array = json_array();

	if (missed_first) {
		/* Linux's own code first where it is the faster one. */
		qsort(list, n, sizeof(*list), by_peer);
		add_targets(array, list, n, false, true);
	}
	add_targets(array, list, n, true, !missed_first);
	return array;
}

/* ---- parts of the gain ---- */

static const struct column gain_columns[] = {
	{ .key = "step", .head = "step", .left = true },
	{ .key = "case", .head = "case", .left = true },
	{ .key = "ns", .head = "ns", .decimals = 1, .optional = true },
	{ .key = "ns_gained", .head = "gained, ns", .decimals = 1, .none = "", .optional = true },
	{ .key = "ns_part", .head = "of the gain", .suffix = " %", .none = "", .optional = true },
	{ .key = "instructions", .head = "instructions", .optional = true },
	{ .key = "instructions_gained",
	  .head = "gained, instructions",
	  .none = "",
	  .optional = true },
	{ .key = "instructions_part",
	  .head = "of that gain",
	  .suffix = " %",
	  .none = "",
	  .optional = true },
	{ 0 },
};

const struct table table_gains = { .columns = gain_columns };

static double figure_of(const struct row *r, bool instructions)
{
	return instructions ? instructions_of(r) : ns_of(r);
}

static const struct row *gain_row(const struct rows *rows, const char *name, enum dmah_mode mode)
{
	return row_find(rows, name, MACHINE_VTD, mode, 1024, false, false);
}

/**
 * struct gain - the state of one figure while the steps are added.
 * @instructions: the figure; else nanoseconds.
 * @all: the whole gain; negative: an end was not measured.
 * @before: the figure of the step before; negative: none yet.
 */
struct gain {
	bool instructions;
	double all;
	double before;
};

static struct gain gain_of(const struct rows *rows, enum dmah_mode mode, bool instructions)
{
	double first = figure_of(gain_row(rows, "linux-vtd", mode), instructions);
	double last = figure_of(gain_row(rows, "handle", mode), instructions);

	return (struct gain){ .instructions = instructions,
			      .all = first >= 0 && last >= 0 ? first - last : -1,
			      .before = -1 };
}

/* Adds the figure of a step to its row. A step may lose, so its gain may be negative. */
static bool add_gain(json_t *o, struct gain *g, const struct row *r)
{
	const char *name = g->instructions ? "instructions" : "ns";
	double v = figure_of(r, g->instructions);
	char key[32];

	if (g->all < 0 || v < 0)
		return false;
	row_real(o, name, v, 2);
	snprintf(key, sizeof(key), "%s_gained", name);
	if (g->before >= 0)
		json_object_set_new(o, key, json_real(g->before - v));
	snprintf(key, sizeof(key), "%s_part", name);
	if (g->before >= 0 && g->all > 0)
		json_object_set_new(o, key, json_real((g->before - v) / g->all * 100));
	g->before = v;
	return true;
}

json_t *gain_rows(const struct rows *rows, enum dmah_mode mode)
{
	static const struct {
		const char *name;
		const char *step;
	} steps[] = {
		{ "linux-vtd", "Linux 6.12's own code, VT-d" },
		{ "address-walk",
		  "this library's structure, below an address-keyed API that walks the table" },
		{ "address-directory", "a flat directory instead of the walk" },
		{ "page", "the caller's page instead of a lookup" },
		{ "handle", "the handle: nothing is rebuilt" },
	};
	struct gain ns = gain_of(rows, mode, false), instructions = gain_of(rows, mode, true);
	json_t *array = json_array();

	for (unsigned int i = 0; i < COUNT(steps); i++) {
		const struct row *r = gain_row(rows, steps[i].name, mode);
		json_t *o = json_object();
		bool any;

		row_text(o, "step", steps[i].step);
		row_text(o, "case", steps[i].name);
		any = add_gain(o, &ns, r);
		any |= add_gain(o, &instructions, r);
		if (any)
			json_array_append(array, o);
		json_decref(o);
	}
	return array;
}

/* ---- cases ---- */

static const struct column case_columns[] = {
	{ .key = "case", .head = "case", .left = true },
	{ .key = "what", .head = "an operation", .left = true },
	{ 0 },
};

const struct table table_cases = { .columns = case_columns };

json_t *case_rows(void)
{
	json_t *array = json_array();

	for (unsigned int i = 0; cases[i]; i++) {
		json_t *o = json_object();

		row_text(o, "case", cases[i]->name);
		row_text(o, "what", cases[i]->what);
		json_array_append_new(array, o);
	}
	return array;
}

/* ---- slower than Linux ---- */

static const struct column slower_columns[] = {
	{ .key = "conditions", .head = "conditions", .left = true },
	{ .key = "linux_ns", .head = "Linux, ns", .decimals = 1, .optional = true },
	{ .key = "ns", .head = "handle, ns", .decimals = 1, .optional = true },
	{ .key = "linux_instructions",
	  .head = "Linux, instructions",
	  .decimals = 0,
	  .optional = true },
	{ .key = "instructions", .head = "handle, instructions", .decimals = 0, .optional = true },
	{ 0 },
};

const struct table table_slower = { .columns = slower_columns };

/* Names this library's case beside a case of Linux's code. */
static void counterpart_name(char *name, size_t size, const struct bench_case *c)
{
	const char *kind = strchr(c->name, '-');

	if (c->segments)
		snprintf(name, size, "vec-%u", c->segments);
	else if (!strcmp(kind, "-sync"))
		snprintf(name, size, "sync-nothing");
	else if (c->no_maps)
		snprintf(name, size, "%s", kind + 1);
	else
		snprintf(name, size, "handle");
}

/* Returns the row of this library under the conditions of a row of Linux's code; NULL if there is none. */
static const struct row *counterpart(const struct rows *rows, const struct row *linux_row)
{
	char name[32];

	counterpart_name(name, sizeof(name), linux_row->c);
	for (size_t i = 0; i < rows->n; i++) {
		const struct row *r = &rows->list[i];

		if (!strcmp(r->c->name, name) && r->kind == linux_row->kind &&
		    r->mode == linux_row->mode && r->live == linux_row->live &&
		    r->fifo == linux_row->fifo && r->serialised == linux_row->serialised &&
		    r->threads == linux_row->threads && r->two_domains == linux_row->two_domains &&
		    r->size == linux_row->size && r->latency_ns == linux_row->latency_ns)
			return r;
	}
	return NULL;
}

static void describe(char *buf, size_t size, const struct row *r)
{
	bool kib = r->size % 1024 == 0, mib = r->size % (1u << 20) == 0;

	snprintf(buf, size, "%s, %s, %s, %u %s, %u live, %s order%s, %u thread%s%s, latency %u ns",
		 r->c->name,
		 r->kind == MACHINE_LPAE     ? "Arm"
		 : r->kind == MACHINE_DIRECT ? "direct"
		 : r->kind == MACHINE_BOUNCE ? "bounced"
					     : "VT-d",
		 row_mode(r),
		 mib   ? r->size >> 20
		 : kib ? r->size >> 10
		       : r->size,
		 mib   ? "MiB"
		 : kib ? "KiB"
		       : "bytes",
		 r->live, r->fifo ? "fifo" : "random", r->serialised ? ", serialised" : "",
		 r->threads, r->threads > 1 ? "s" : "", r->two_domains ? " with a domain each" : "",
		 r->latency_ns);
}

json_t *slower_rows(const struct rows *rows)
{
	json_t *array = json_array();

	for (size_t i = 0; i < rows->n; i++) {
		const struct row *theirs = &rows->list[i], *ours;
		char conditions[160];
		json_t *o;

		if (strncmp(theirs->c->name, "linux", 5) != 0)
			continue;
		ours = counterpart(rows, theirs);
		if (!ours ||
		    !((ns_of(theirs) >= 0 && ns_of(ours) >= ns_of(theirs)) ||
		      (theirs->instructions >= 0 && ours->instructions >= theirs->instructions)))
			continue;
		describe(conditions, sizeof(conditions), theirs);
		o = json_object();
		row_text(o, "conditions", conditions);
		row_real(o, "linux_ns", ns_of(theirs), 2);
		row_real(o, "ns", ns_of(ours), 2);
		row_real(o, "linux_instructions", theirs->instructions, 1);
		row_real(o, "instructions", ours->instructions, 1);
		json_array_append_new(array, o);
	}
	return array;
}

/* ---- the headline ---- */

static const struct column headline_columns[] = {
	{ .key = "what", .head = "", .left = true },
	{ .key = "case", .head = "case", .left = true },
	{ .key = "lazy_ns", .head = "lazy, ns", .decimals = 1, .optional = true },
	{ .key = "lazy", .head = "lazy, instructions", .decimals = 0, .optional = true },
	{ .key = "strict_ns", .head = "strict, ns", .decimals = 1, .optional = true },
	{ .key = "strict", .head = "strict, instructions", .decimals = 0, .optional = true },
	{ 0 },
};

const struct table table_headline = { .columns = headline_columns };

json_t *headline_rows(const struct rows *rows)
{
	static const struct {
		const char *what;
		const char *name;
		enum machine_kind kind;
		bool fifo;
		bool strong;
	} list[] = {
		{ "the loop alone", "harness", MACHINE_NONE, false, false },
		{ "floor: two stores to a page-table entry, one 16-byte descriptor", "floor",
		  MACHINE_NONE, false, false },
		{ "Linux 6.12, Arm page tables", "linux-arm", MACHINE_LPAE, false, false },
		{ "Linux 6.12, VT-d", "linux-vtd", MACHINE_VTD, false, false },
		{ "Linux 7.3, Arm page tables", "linux73-arm", MACHINE_LPAE, false, false },
		{ "Linux 7.3, VT-d (generic_pt)", "linux73-vtd", MACHINE_VTD, false, false },
		{ "this library by address, looked up in a red-black tree, as in 2014",
		  "address-rbtree", MACHINE_VTD, false, false },
		{ "this library by address, looked up by a walk of the page table", "address-walk",
		  MACHINE_VTD, false, false },
		{ "this library by address, looked up in its directory", "address-directory",
		  MACHINE_VTD, false, false },
		{ "this library by page", "page", MACHINE_VTD, false, false },
		{ "this library by handle", "handle", MACHINE_VTD, false, true },
		{ "this library by handle, Arm page tables", "handle", MACHINE_LPAE, false, false },
		{ "batches of 32", "batch-32", MACHINE_VTD, false, false },
		{ "a ring, one at a time, in order", "ring", MACHINE_VTD, true, false },
		{ "a ring, 32 at a time, in order", "ring-32", MACHINE_VTD, true, false },
	};
	json_t *array = json_array();

	for (unsigned int i = 0; i < COUNT(list); i++) {
		const struct row *lazy =
			row_find(rows, list[i].name, list[i].kind, LAZY, 1024, list[i].fifo, false);
		const struct row *strict = row_find(rows, list[i].name, list[i].kind, STRICT, 1024,
						    list[i].fifo, false);
		json_t *o;

		if (!lazy && !strict)
			continue;
		if (list[i].kind == MACHINE_NONE)
			strict = NULL;
		o = json_object();
		row_text(o, "what", list[i].what);
		row_text(o, "case", list[i].name);
		row_real(o, "lazy_ns", ns_of(lazy), 2);
		row_real(o, "lazy", instructions_of(lazy), 1);
		row_real(o, "strict_ns", ns_of(strict), 2);
		row_real(o, "strict", instructions_of(strict), 1);
		row_flag(o, "_strong", list[i].strong);
		json_array_append_new(array, o);
	}
	return array;
}

/* ---- other conditions ---- */

#define COLUMN(k, h)                                                 \
	{                                                            \
		.key = k, .head = h, .decimals = 1, .optional = true \
	}

static const struct column condition_columns[] = {
	{ .key = "conditions", .head = "ns of an operation", .left = true },
	COLUMN("linux-arm", "Linux 6.12, Arm"),
	COLUMN("linux-vtd", "Linux 6.12, VT-d"),
	COLUMN("linux73-vtd", "Linux 7.3, VT-d"),
	COLUMN("address-directory", "by address, directory"),
	COLUMN("handle-lpae", "by handle, Arm"),
	COLUMN("handle", "by handle, VT-d"),
	COLUMN("batch-32", "batches of 32"),
	COLUMN("ring", "ring"),
	COLUMN("ring-32", "ring, 32 at a time"),
	{ 0 },
};

const struct table table_conditions = { .columns = condition_columns };

/** struct conditions - conditions that the rows of one line of the table share. */
struct conditions {
	const char *what;
	enum dmah_mode mode;
	uint32_t live;
	bool serialised;
	unsigned int threads;
	bool two_domains;
	uint32_t size;
	uint32_t latency_ns;
};

static double condition_ns(const struct rows *rows, const struct conditions *c, const char *name,
			   enum machine_kind kind)
{
	/* Rings are used in order, all others at random. */
	bool fifo = !strncmp(name, "ring", 4);

	for (size_t i = 0; i < rows->n; i++) {
		const struct row *r = &rows->list[i];

		if (!strcmp(r->c->name, name) && r->kind == kind && r->mode == c->mode &&
		    r->live == c->live && r->fifo == fifo && r->serialised == c->serialised &&
		    r->threads == c->threads && r->two_domains == c->two_domains &&
		    r->size == c->size && r->latency_ns == c->latency_ns)
			return ns_of(r);
	}
	return -1;
}

json_t *condition_rows(const struct rows *rows)
{
	static const struct conditions list[] = {
		{ "2 MiB, 256 live", LAZY, 256, false, 1, false, 2u << 20, 0 },
		{ "64 KiB", LAZY, 1024, false, 1, false, 64u << 10, 0 },
		{ "1.5 KiB across two granules", LAZY, 1024, false, 1, false, 1536, 0 },
		{ "64 live", LAZY, 64, false, 1, false, 4096, 0 },
		{ "16,384 live", LAZY, 16384, false, 1, false, 4096, 0 },
		{ "262,144 live", LAZY, 262144, false, 1, false, 4096, 0 },
		{ "262,144 live, a fence before each operation", LAZY, 262144, true, 1, false, 4096,
		  0 },
		{ "two threads, one domain", LAZY, 1024, false, 2, false, 4096, 0 },
		{ "two threads, a domain each", LAZY, 1024, false, 2, true, 4096, 0 },
		{ "two threads, one domain, strict", STRICT, 1024, false, 2, false, 4096, 0 },
		{ "two threads, a domain each, strict", STRICT, 1024, false, 2, true, 4096, 0 },
		{ "strict, hardware that takes 200 ns", STRICT, 1024, false, 1, false, 4096, 200 },
		{ "strict, hardware that takes 1,000 ns", STRICT, 1024, false, 1, false, 4096,
		  1000 },
	};
	static const struct {
		const char *key;
		const char *name;
		enum machine_kind kind;
	} columns[] = {
		{ "linux-arm", "linux-arm", MACHINE_LPAE },
		{ "linux-vtd", "linux-vtd", MACHINE_VTD },
		{ "linux73-vtd", "linux73-vtd", MACHINE_VTD },
		{ "address-directory", "address-directory", MACHINE_VTD },
		{ "handle-lpae", "handle", MACHINE_LPAE },
		{ "handle", "handle", MACHINE_VTD },
		{ "batch-32", "batch-32", MACHINE_VTD },
		{ "ring", "ring", MACHINE_VTD },
		{ "ring-32", "ring-32", MACHINE_VTD },
	};
	json_t *array = json_array();

	for (unsigned int i = 0; i < COUNT(list); i++) {
		json_t *o = json_object();
		bool any = false;

		row_text(o, "conditions", list[i].what);
		for (unsigned int k = 0; k < COUNT(columns); k++) {
			double ns = condition_ns(rows, &list[i], columns[k].name, columns[k].kind);

			row_real(o, columns[k].key, ns, 2);
			any |= ns >= 0;
		}
		if (any)
			json_array_append(array, o);
		json_decref(o);
	}
	return array;
}

/* ---- syncs ---- */

static const struct column sync_columns[] = {
	{ .key = "what", .head = "a sync for the CPU", .left = true },
	{ .key = "ns", .head = "ns", .decimals = 1, .optional = true },
	{ .key = "instructions", .head = "instructions", .decimals = 0, .optional = true },
	{ 0 },
};

const struct table table_syncs = { .columns = sync_columns };

json_t *sync_rows(const struct rows *rows)
{
	json_t *array = json_array();

	for (size_t i = 0; i < rows->n; i++) {
		const struct row *r = &rows->list[i];
		json_t *o;

		if (!r->c->no_maps || r->size == 2048 || (ns_of(r) < 0 && r->instructions < 0))
			continue;
		o = json_object();
		row_text(o, "what", r->c->what);
		row_real(o, "ns", ns_of(r), 2);
		row_real(o, "instructions", r->instructions, 1);
		json_array_append_new(array, o);
	}
	return array;
}
