// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* The table of README.md: an operation of Linux 6.12, of Linux 7.3 and of this library. */
#include <string.h>

#include "tables.h"

#define LAZY	 DMAH_LAZY
#define STRICT	 DMAH_STRICT
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct column summary_columns[] = {
	{ .key = "what", .head = "", .left = true },
	{ .key = "linux", .head = "Linux 6.12" },
	{ .key = "linux73", .head = "Linux 7.3" },
	{ .key = "ours", .head = "this library, by handle" },
	{ 0 },
};

const struct table table_summary = { .columns = summary_columns };

/** struct line - an operation, and the cases that make it. NULL: there is no such case. */
struct line {
	const char *what;
	const char *linux612;
	const char *linux73;
	const char *ours;
	enum machine_kind kind;
	enum dmah_mode mode;
	uint32_t live;
	uint32_t size;
	unsigned int threads;
};

static const struct row *find(const struct rows *rows, const struct line *l, const char *name)
{
	for (size_t i = 0; name && i < rows->n; i++) {
		const struct row *r = &rows->list[i];

		if (!strcmp(r->c->name, name) && r->kind == l->kind && r->live == l->live &&
		    r->size == l->size && r->threads == l->threads && !r->two_domains &&
		    !r->serialised && !r->latency_ns && r->fifo == !strncmp(name, "ring", 4) &&
		    (!machine_translated(r->kind) || r->mode == l->mode))
			return r;
	}
	return NULL;
}

/* Prints a count with a comma before the last three digits. */
static void count(char *text, size_t size, double v)
{
	unsigned long n = (unsigned long)(v + 0.5);

	if (n < 1000)
		snprintf(text, size, "%lu", n);
	else
		snprintf(text, size, "%lu,%03lu", n / 1000, n % 1000);
}

/* Prints instructions and, where they were measured, nanoseconds. */
static void add(json_t *o, const char *key, const struct row *r)
{
	char text[80] = "", number[32], ns[32] = "";

	if (r && r->n)
		snprintf(ns, sizeof(ns), "%.1f ns", r->ns);
	if (r && r->instructions >= 0) {
		count(number, sizeof(number), r->instructions);
		snprintf(text, sizeof(text), "%s%s%s", number, ns[0] ? ", " : "", ns);
	}
	if (!text[0])
		snprintf(text, sizeof(text), "%s", ns);
	row_text(o, key, text[0] ? text : NULL);
}

/* Returns true if Linux's row takes less. */
static bool less(const struct row *theirs, const struct row *ours)
{
	if (!theirs)
		return false;
	return (theirs->n && ours->n && theirs->ns < ours->ns) ||
	       (theirs->instructions >= 0 && theirs->instructions < ours->instructions);
}

static void add_line(json_t *array, const struct rows *rows, const struct line *l, bool behind)
{
	const struct row *older = find(rows, l, l->linux612), *newer = find(rows, l, l->linux73);
	const struct row *ours = find(rows, l, l->ours);
	json_t *o;

	if (!ours || (!ours->n && ours->instructions < 0) ||
	    (less(older, ours) || less(newer, ours)) != behind)
		return;
	o = json_object();
	row_text(o, "what", l->what);
	add(o, "linux", older);
	add(o, "linux73", newer);
	add(o, "ours", ours);
	json_array_append_new(array, o);
}

json_t *summary_rows(const struct rows *rows)
{
	static const struct line list[] = {
		{ "4 KiB, lazy", "linux-vtd", "linux73-vtd", "handle", MACHINE_VTD, LAZY, 1024,
		  4096, 1 },
		{ "4 KiB, strict, an invalidation that takes no time", "linux-vtd", "linux73-vtd",
		  "handle", MACHINE_VTD, STRICT, 1024, 4096, 1 },
		{ "4 KiB, lazy, in a ring, 32 popped at once", NULL, NULL, "ring-32", MACHINE_VTD,
		  LAZY, 1024, 4096, 1 },
		{ "64 KiB, lazy", "linux-vtd", "linux73-vtd", "handle", MACHINE_VTD, LAZY, 1024,
		  65536, 1 },
		{ "2 MiB, lazy", "linux-vtd", "linux73-vtd", "handle", MACHINE_VTD, LAZY, 256,
		  2u << 20, 1 },
		{ "128 pages at once, lazy: `dma_map_sg()`, a vector", "linux-sg-128",
		  "linux73-sg-128", "vec-128", MACHINE_VTD, LAZY, 64, 128 * 4096, 1 },
		{ "128 pages at once: `dma_iova_link()`, a vector", NULL, "linux73-link-128",
		  "vec-128", MACHINE_VTD, STRICT, 64, 128 * 4096, 1 },
		{ "4 KiB, no IOMMU", "linux-direct", "linux73-direct", "handle", MACHINE_DIRECT,
		  STRICT, 1024, 4096, 1 },
		{ "4 KiB, bounced: swiotlb", "linux-swiotlb", "linux73-swiotlb", "handle",
		  MACHINE_BOUNCE, STRICT, 1024, 4096, 1 },
	};
	json_t *array = json_array();

	/* Those in which Linux takes less come first. */
	for (unsigned int i = 0; i < 2 * COUNT(list); i++)
		add_line(array, rows, &list[i % COUNT(list)], i < COUNT(list));
	return array;
}
