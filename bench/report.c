// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* The report: one HTML file that needs nothing else, and begins with what its figures mean and what they do not. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "targets.h"

static const char style[] =
	"body{font:15px/1.5 sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#222}"
	"table{border-collapse:collapse;font-size:13px;margin:1rem 0}"
	"th,td{padding:.15rem .6rem;text-align:right;white-space:nowrap}"
	"th{border-bottom:2px solid #888}th.t,td.t{text-align:left}"
	"tr.first td{border-top:1px solid #bbb}td.yes{background:#d9f0d3}td.no{background:#fdd0c2}"
	".note{color:#555}.scroll{overflow-x:auto}svg{max-width:100%;height:auto}";

static const char meaning[] =
	"<h2>What the figures mean</h2>\n<ul>\n"
	"<li>One operation unmaps one live mapping and maps another buffer in its place: any one "
	"(<b>random</b>) or the oldest (<b>fifo</b>). A sync is one call. Drivers keep their "
	"mappings in an array of structs of a cache line each, for every case alike.</li>\n"
	"<li><b>ns</b> is time of the thread's CPU, as the median of several runs, with the least "
	"and the most beside it. All rows are in one process and take turns, run by run. "
	"<b>serialised</b>: a fence before each operation, so that none overlaps with the "
	"next.</li>\n"
	"<li><b>instructions</b> are counted by valgrind's callgrind around the loop, in runs of "
	"their own. They are the same every time, whatever else the computer does.</li>\n"
	"<li><b>harness</b> is the loop alone: an order, a slot read and written. <b>floor</b> is "
	"the least that a mapping behind an IOMMU can be: an entry cleared, a 16-byte invalidation "
	"written, an entry written. <i>net</i> figures are without the harness.</li>\n"
	"<li>After every run each live mapping was looked up in the page table, by code that "
	"shares "
	"none with the library, and all other entries were counted. Misuse checks are on.</li>\n"
	"<li><b>linux-arm</b> and <b>linux-vtd</b> are Linux's own files, compiled unmodified, "
	"behind headers that stand for the rest of a kernel.</li>\n"
	"<li><b>address-walk</b>, <b>-rbtree</b> and <b>-directory</b> are this library's "
	"address-keyed calls, with the one lookup or the other. What lies between Linux and those "
	"is the gain of this library's <i>structure</i> (caches of IOVAs by CPU, leaf tables found "
	"by index, no layers), which an API by address can have as well; only what lies between "
	"those and <b>handle</b> is the handle's.</li>\n"
	"<li><b>batch-32</b>: 16 batches are under way at one time, each waited for when 15 others "
	"have been begun after it: that is what hides the latency of an invalidation. <b>ring</b>: "
	"mappings end in order, one or 32 at a time.</li>\n"
	"<li>Two threads: a run counts only if both had a CPU for 90 % of the time; else it is "
	"repeated, and dropped after five tries. Live mappings are those of each thread.</li>\n"
	"</ul>\n"
	"<h2>What they do not prove</h2>\n<ul>\n"
	"<li>No hardware: an invalidation takes no time, or the latency that its row says, from "
	"when it was posted, beside all others. No register is written to tell the hardware of a "
	"new descriptor, which costs either side some 100 ns. Real strict unmaps are dominated by "
	"both.</li>\n"
	"<li>The headers that stand for the kernel favour Linux: no interrupt masking, no "
	"preemption counts, no NUMA, no mitigations, no layer of the DMA API above "
	"dma-iommu.c, no timers. This library's port does without those too.</li>\n"
	"<li>Cache maintenance and hypercalls are counted, not made. Buffers are not touched, "
	"except where they bounce.</li>\n"
	"<li>One machine, one compiler, warm caches up to 16,384 live mappings; nothing of what a "
	"driver, a network or a disk would gain.</li>\n"
	"</ul>\n";

/* ---- text ---- */

static void escaped(FILE *f, const char *s)
{
	for (; *s; s++) {
		if (*s == '<')
			fputs("&lt;", f);
		else if (*s == '>')
			fputs("&gt;", f);
		else if (*s == '&')
			fputs("&amp;", f);
		else
			fputc(*s, f);
	}
}

static void processor(FILE *f)
{
	char line[512];
	FILE *info = fopen("/proc/cpuinfo", "r");

	while (info && fgets(line, sizeof(line), info)) {
		char *colon = strchr(line, ':');

		if (!colon || strncmp(line, "model name", 10) != 0)
			continue;
		line[strcspn(line, "\n")] = '\0';
		fputs(", processor ", f);
		escaped(f, colon + 2);
		break;
	}
	if (info)
		fclose(info);
}

/* ---- the targets ---- */

static void figure(FILE *f, double v, enum unit unit)
{
	static const char *const names[] = { "%.1f ns", "%.1f instructions", "%.0f bytes",
					     "%.2fx" };

	fputs("<td>", f);
	if (v >= 0)
		fprintf(f, names[unit], v);
	else
		fputs("-", f);
	fputs("</td>", f);
}

static void ratio(FILE *f, const struct target *t, double v)
{
	if (v < 0 || t->unit == UNIT_BYTES || !strncmp(t->what, "sync", 4))
		fputs("<td></td>", f);
	else
		fprintf(f, "<td>%.2fx</td>", v);
}

static void targets(FILE *f, const struct rows *rows)
{
	struct target list[TARGETS];
	unsigned int n = targets_make(list, rows);

	fputs("<h2>Targets</h2>\n<p>Lazy, 4 KiB, 1,024 live mappings, random, one thread, unless "
	      "said; all figures from this run.</p>\n<div class=\"scroll\"><table>\n<tr><th "
	      "class=\"t\"></th><th class=\"t\">target</th><th>Linux, or what it says</th>"
	      "<th>dmah</th><th>gross</th><th>net of the loop</th><th class=\"t\">met</th></tr>\n",
	      f);
	for (unsigned int i = 0; i < n; i++) {
		const char *verdict = target_verdict(&list[i]);

		fputs("<tr><td class=\"t\">", f);
		escaped(f, list[i].what);
		fputs("</td><td class=\"t\">", f);
		escaped(f, list[i].wants);
		fputs("</td>", f);
		figure(f, list[i].theirs, list[i].unit);
		figure(f, list[i].ours, list[i].unit);
		ratio(f, &list[i], list[i].gross);
		ratio(f, &list[i], list[i].net);
		fprintf(f, "<td class=\"t %s\">%s</td></tr>\n", verdict, verdict);
	}
	fputs("</table></div>\n", f);
}

/* ---- what comes from what ---- */

/** struct part - of the gain: what came before it, and what it led to. */
struct part {
	const char *name;
	bool fifo;
	const char *what;
};

static void gain(FILE *f, const struct rows *rows, enum dmah_mode mode)
{
	static const struct part parts[] = {
		{ "linux-vtd", false, "Linux's own code, VT-d" },
		{ "address-walk", false,
		  "this library below an address-keyed API that walks the page table: its "
		  "structure" },
		{ "address-directory", false, "a flat directory instead of the walk" },
		{ "page", false, "the caller's page instead of a lookup" },
		{ "handle", false, "the handle: nothing is rebuilt" },
	};
	const struct row *first =
		row_find(rows, parts[0].name, MACHINE_VTD, mode, 1024, false, false);
	const struct row *last = row_find(rows, "handle", MACHINE_VTD, mode, 1024, false, false);
	const struct row *before = first;
	double all;

	if (!first || !last || !first->n || !last->n)
		return;
	all = first->ns - last->ns;
	fprintf(f,
		"<h3>%s</h3>\n<div class=\"scroll\"><table>\n<tr><th class=\"t\"></th><th "
		"class=\"t\">case</th><th>ns</th><th>gained, ns</th><th>of the gain</th></tr>\n",
		mode == DMAH_LAZY ? "Lazy" : "Strict, latency 0");
	for (unsigned int i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		const struct row *r =
			row_find(rows, parts[i].name, MACHINE_VTD, mode, 1024, false, false);

		if (!r || !r->n)
			continue;
		fprintf(f, "<tr><td class=\"t\">%s</td><td class=\"t\">%s</td><td>%.1f</td>",
			parts[i].what, parts[i].name, r->ns);
		if (i)
			fprintf(f, "<td>%.1f</td><td>%.0f %%</td></tr>\n", before->ns - r->ns,
				all > 0 ? (before->ns - r->ns) / all * 100 : 0);
		else
			fputs("<td></td><td></td></tr>\n", f);
		before = r;
	}
	fputs("</table></div>\n", f);
}

static void picture(FILE *f, const char *title, const char *text, char *svg)
{
	char *start = svg ? strstr(svg, "<svg") : NULL;

	fprintf(f, "<h2>%s</h2>\n<p>%s</p>\n", title, text);
	fputs(start ? start : "<p class=\"note\">No plot: gnuplot is not installed.</p>\n", f);
	free(svg);
}

/* ---- every row ---- */

static void table_row(FILE *f, const struct row *r, bool first)
{
	char name[64];

	fprintf(f,
		"<tr%s><td class=\"t\">%s</td><td class=\"t\">%s</td><td class=\"t\">%s</td>"
		"<td>%u</td><td class=\"t\">%s</td><td class=\"t\">%s</td><td>%u</td><td>%u</td>"
		"<td>%u</td>",
		first ? " class=\"first\"" : "", row_case(r, name, sizeof(name)), row_backend(r),
		row_mode(r), r->live, r->fifo ? "fifo" : "random", r->serialised ? "yes" : "no",
		r->threads, r->size, r->latency_ns);
	if (r->n)
		fprintf(f, "<td>%.1f</td><td>%.1f</td><td>%.1f</td>", r->ns, r->ns_min, r->ns_max);
	else
		fputs("<td>-</td><td>-</td><td>-</td>", f);
	if (r->instructions >= 0)
		fprintf(f, "<td>%.1f</td>", r->instructions);
	else
		fputs("<td></td>", f);
	fputs("<td class=\"t note\">", f);
	if (r->threads > 1 && r->n)
		fprintf(f, "overlap %.0f %%", r->overlap * 100);
	if (r->dropped)
		fprintf(f, "%s%u runs dropped", r->n ? ", " : "", r->dropped);
	fputs("</td></tr>\n", f);
}

static void every_row(FILE *f, const struct rows *rows)
{
	fputs("<h2>Every row</h2>\n<div class=\"scroll\"><table>\n<tr><th class=\"t\">case</th><th "
	      "class=\"t\">backend</th><th class=\"t\">mode</th><th>live</th><th "
	      "class=\"t\">order</th><th class=\"t\">serialised</th><th>threads</th><th>bytes</th>"
	      "<th>latency</th><th>ns</th><th>least</th><th>most</th><th>instructions</th><th "
	      "class=\"t\"></th></tr>\n",
	      f);
	for (size_t i = 0; i < rows->n; i++)
		table_row(f, &rows->list[i], i && rows->list[i].c != rows->list[i - 1].c);
	fputs("</table></div>\n", f);
}

static void case_list(FILE *f)
{
	fputs("<h2>Cases</h2>\n<table>\n", f);
	for (unsigned int i = 0; cases[i]; i++)
		fprintf(f, "<tr><td class=\"t\"><b>%s</b></td><td class=\"t\">%s</td></tr>\n",
			cases[i]->name, cases[i]->what);
	fputs("</table>\n<p class=\"note\">\"-2domains\" behind a name: each of the two threads "
	      "has "
	      "a domain, and an IOMMU, of its own.</p>\n",
	      f);
}

static void body(FILE *f, const struct rows *rows)
{
	fputs("<h1>DMA mapping: what it costs</h1>\n<p class=\"note\">dmah " DMAH_VERSION, f);
	if (have_peer())
		fprintf(f, ", beside the code of Linux %s", peer_version());
	else
		fputs(", without Linux's own code, which was not built", f);
	processor(f);
	fprintf(f, ", %.0f MiB in huge pages</p>\n", (double)memory_huge() / (1 << 20));
	fputs(meaning, f);
	targets(f, rows);
	fputs("<h2>Which part of the gain comes from what</h2>\n", f);
	gain(f, rows, DMAH_LAZY);
	gain(f, rows, DMAH_STRICT);
	picture(f, "The ablation",
		"1,024 live mappings of 4 KiB, random (rings, floor and loop: in order), one "
		"thread. "
		"From the third bar on, each step is drawn from the one before.",
		plot_ablation(rows));
	picture(f, "Cost against live mappings",
		"Lazy, 4 KiB, random, one thread; bars from the least to the most.",
		plot_live(rows));
	picture(f, "Cost against threads", "1,024 live mappings of 4 KiB for each thread.",
		plot_threads(rows));
	case_list(f);
	every_row(f, rows);
}

bool report_write(const char *path, const struct rows *rows)
{
	FILE *f = fopen(path, "w");
	bool ok = f != NULL;

	if (f) {
		fprintf(f,
			"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
			"<title>DMA mapping: what it costs</title>\n<style>%s</style>\n</head>\n"
			"<body>\n",
			style);
		body(f, rows);
		fputs("</body>\n</html>\n", f);
		ok = !ferror(f);
		ok &= fclose(f) == 0;
	}
	if (!ok)
		fprintf(stderr, "dmah-bench: cannot write %s: %s\n", path, strerror(errno));
	return ok;
}
