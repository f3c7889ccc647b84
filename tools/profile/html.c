// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* A profile as one page: what the figures mean stands beside them. */
#include <inttypes.h>
#include <stdarg.h>
#include "profile.h"
#include "svg.h"

static const char head[] =
	"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width\">\n"
	"<title>DMA mapping profile</title>\n<style>\n"
	"body{font:15px/1.45 system-ui,sans-serif;max-width:60em;margin:1.5em auto;padding:0 1em;"
	"color:#222;background:#fff}\n"
	"h1{font-size:1.5em}h2{font-size:1.2em;margin-top:2em;border-bottom:1px solid #ccc}"
	"h3{font-size:1em;margin-bottom:.2em}\n"
	"table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
	"td,th{padding:.15em .7em;border-bottom:1px solid #e4e4e4;text-align:right}"
	"td:first-child,th:first-child,.text{text-align:left}\n"
	"p.note{color:#555;margin:.2em 0 .6em}\n"
	"svg{width:100%;max-width:640px;height:auto;display:block}"
	".axis line{stroke:#ddd}text{font-size:11px;fill:#555}"
	".line{fill:#4a7dbb33;stroke:#2b5f9e}.bar{fill:#4a7dbb}.bin{font-size:10px}\n"
	"@media(prefers-color-scheme:dark){body{background:#1b1b1b;color:#ddd}"
	"td,th{border-color:#444}text,p.note{fill:#aaa;color:#aaa}.axis line{stroke:#444}}\n"
	"</style></head><body>\n";

static double percent(uint64_t part, uint64_t of)
{
	return of ? 100.0 * (double)part / (double)of : 0;
}

static void size_label(int bin, char *to, size_t n)
{
	static const char *const units[] = { "", "K", "M", "G", "T" };

	if (bin == 0)
		snprintf(to, n, "0-1");
	else
		snprintf(to, n, "%u%s", 1u << bin % 10, units[bin / 10]);
}

static void life_label(int bin, char *to, size_t n)
{
	static const char *const labels[LIFE_BINS] = { "<1 us",	 "<10 us",  "<100 us", "<1 ms",
						       "<10 ms", "<100 ms", "<1 s",    "<10 s",
						       "<100 s", "longer" };

	snprintf(to, n, "%s", labels[bin]);
}

/* Draw only from the first to the last bin that is not empty. Return: false if all are. */
static bool used(const uint64_t *v, int nr, int *first, int *last)
{
	*first = nr;
	*last = -1;
	for (int i = 0; i < nr; i++) {
		if (!v[i])
			continue;
		if (*first == nr)
			*first = i;
		*last = i;
	}
	return *last >= 0;
}

static void plots(FILE *to, const struct profile *p, const struct device_profile *d)
{
	char end[60];
	int first, last;

	if (p->counts)
		snprintf(end, sizeof(end), "%" PRIu64 " events", p->events);
	else
		snprintf(end, sizeof(end), "%.3f s", (double)(p->end - p->begin) / 1e9);
	fputs("<h3>Live mappings and allocations over time</h3>\n<p class=\"note\">A line that "
	      "only "
	      "rises is a leak. The most at one time is what the IOMMU's address space and tables "
	      "must hold.</p>\n",
	      to);
	svg_steps(to, d->live, TIME_BINS, "live at a time", end);
	svg_steps(to, d->live_bytes, TIME_BINS, "bytes live at a time", end);
	if (used(d->all.sizes, SIZE_BINS, &first, &last)) {
		fputs("<h3>Sizes of mappings</h3>\n<p class=\"note\">Bytes of each mapping: each "
		      "bar "
		      "begins at its label and ends at the next. Mappings below 4K share their "
		      "page "
		      "with other data, which the device can reach as well.</p>\n",
		      to);
		svg_bars(to, d->all.sizes, first, last, size_label, "mappings");
	}
	if (used(d->all.lives, LIFE_BINS, &first, &last)) {
		fputs("<h3>Lifetimes of mappings</h3>\n<p class=\"note\">Time from map to unmap. "
		      "Short "
		      "lives of the same memory are what a mapping that is kept would save.</p>\n",
		      to);
		svg_bars(to, d->all.lives, first, last, life_label, "mappings");
	}
}

/* One row of a table: a name, a value, and what the value means. */
__attribute__((format(printf, 4, 5))) static void
figure(FILE *to, const char *name, const char *meaning, const char *value, ...)
{
	va_list ap;

	fprintf(to, "<tr><td>%s</td><td>", name);
	va_start(ap, value);
	vfprintf(to, value, ap);
	va_end(ap);
	fprintf(to, "</td><td class=\"text\">%s</td></tr>\n", meaning);
}

static void figures(FILE *to, const struct device_profile *d)
{
	const struct tally *t = &d->all;

	fputs("<table><tr><th>figure</th><th>value</th><th class=\"text\">meaning</th></tr>\n", to);
	figure(to, "maps", "calls that made memory reachable for the device", "%" PRIu64, t->maps);
	figure(to, "of scatter lists", "of these, the calls for several pieces of memory at once",
	       "%" PRIu64, t->lists);
	figure(to, "allocations", "calls that gave coherent or other memory", "%" PRIu64,
	       t->allocs);
	figure(to, "failed", "maps and allocations that returned an error", "%" PRIu64, t->failed);
	figure(to, "bytes mapped", "sum of all maps", "%" PRIu64, t->bytes);
	figure(to, "to / from / both", "maps by direction: the device reads, writes, or does both",
	       "%" PRIu64 " / %" PRIu64 " / %" PRIu64, t->dirs[TRACE_TO_DEVICE],
	       t->dirs[TRACE_FROM_DEVICE], t->dirs[TRACE_BIDIRECTIONAL]);
	figure(to, "syncs", "calls that pass a mapped buffer between CPU and device", "%" PRIu64,
	       t->syncs);
	figure(to, "most live", "mappings and allocations at one time", "%" PRIu64, t->peak);
	figure(to, "mapped again",
	       "maps of memory that this device had mapped before: a mapping that is kept saves "
	       "them",
	       "%" PRIu64 " (%.0f %%)", t->again, percent(t->again, t->maps));
	figure(to, "saved by keeping",
	       "instructions that kept mappings would save: an estimate, from figures of Linux "
	       "6.12 "
	       "with VT-d in lazy mode",
	       "%" PRIu64, t->again * (PAIR_INSTRUCTIONS - KEPT_INSTRUCTIONS));
	figure(to, "pages", "different pages of 4 KiB that were mapped", "%" PRIu64, t->pages);
	figure(to, "hottest page", "how often one page was mapped", "%" PRIu64 " times",
	       d->hottest_maps);
	figure(to, "bounced", "maps through a bounce buffer: their bytes are copied",
	       "%" PRIu64 " (%.0f %%), %" PRIu64 " bytes", t->bounced, percent(t->bounced, t->maps),
	       t->bounced_bytes);
	figure(to, "list entries", "entries of lists, and the segments that the IOMMU made of them",
	       "%" PRIu64 " in %" PRIu64, t->entries, t->segments);
	figure(to, "bytes beside",
	       "bytes of the same pages that are not part of the mapping, and the device can reach",
	       "%" PRIu64 " at %" PRIu64 " maps", d->beside, d->maps_beside);
	figure(to, "still in reach", "unmaps after which another mapping still reaches the page",
	       "%" PRIu64 " of %" PRIu64 ", %" PRIu64 " for writing", d->reachable, d->ends,
	       d->writable);
	figure(to, "lookups",
	       "unmaps that had to find the memory of an address in the page table: an estimate, "
	       "from figures of Linux 6.12 with VT-d",
	       "%" PRIu64 ", about %" PRIu64 " instructions", t->lookups,
	       t->lookups * LOOKUP_INSTRUCTIONS);
	fputs("</table>\n", to);
}

static void callers(FILE *to, const struct profile *p, const struct device_profile *d)
{
	if (!p->has_stacks)
		return;
	fputs("<h3>Callers</h3>\n<p class=\"note\">The first function outside the DMA "
	      "API.</p>\n<table>"
	      "<tr><th>caller</th><th>maps</th><th>bytes</th><th>allocations</th><th>most live</th>"
	      "<th>mapped again</th><th>bounced</th><th>syncs</th></tr>\n",
	      to);
	for (uint32_t i = 0; i < d->nr_callers; i++) {
		const struct tally *t = &d->callers[i];

		fputs("<tr><td>", to);
		svg_text(to, *t->name ? t->name : "(no stack)");
		fprintf(to,
			"</td><td>%" PRIu64 "</td><td>%" PRIu64 "</td><td>%" PRIu64
			"</td><td>%" PRIu64 "</td><td>%.0f %%</td><td>%.0f %%</td><td>%" PRIu64
			"</td></tr>\n",
			t->maps, t->bytes, t->allocs, t->peak, percent(t->again, t->maps),
			percent(t->bounced, t->maps), t->syncs);
	}
	fputs("</table>\n", to);
}

static void overview(FILE *to, const struct profile *p)
{
	fputs("<table><tr><th>device</th><th>maps</th><th>bytes</th><th>most live</th><th>mapped "
	      "again</th><th>bounced</th><th>failed</th></tr>\n",
	      to);
	for (uint32_t i = 0; i < p->nr; i++) {
		const struct tally *t = &p->devices[i].all;

		fprintf(to, "<tr><td><a href=\"#d%u\">", i);
		svg_text(to, p->devices[i].name);
		fprintf(to,
			"</a></td><td>%" PRIu64 "</td><td>%" PRIu64 "</td><td>%" PRIu64
			"</td><td>%.0f %%</td><td>%.0f %%</td><td>%" PRIu64 "</td></tr>\n",
			t->maps, t->bytes, t->peak, percent(t->again, t->maps),
			percent(t->bounced, t->maps), t->failed);
	}
	fputs("</table>\n", to);
}

void profile_html(FILE *to, const struct profile *p)
{
	fputs(head, to);
	fputs("<h1>DMA mapping profile of ", to);
	svg_text(to, p->path);
	fprintf(to, "</h1>\n<p>%" PRIu64 " calls of Linux's DMA API, by %u device%s", p->events,
		p->nr, p->nr == 1 ? "" : "s");
	if (!p->counts)
		fprintf(to, ", in %.3f seconds", (double)(p->end - p->begin) / 1e9);
	fputs(". A driver maps memory before a device may use it, and unmaps it after. This page "
	      "says "
	      "how often, how much, for how long, and what that costs or exposes.</p>\n",
	      to);
	if (p->lost)
		fprintf(to,
			"<p><strong>%" PRIu64 " events are missing from the trace: all counts are "
			"too low.</strong></p>\n",
			p->lost);
	if (!p->has_stacks)
		fputs("<p>The trace names no callers. <code>dmah record --stacks</code> records "
		      "them.</p>\n",
		      to);
	overview(to, p);
	for (uint32_t i = 0; i < p->nr; i++) {
		fprintf(to, "<h2 id=\"d%u\">Device ", i);
		svg_text(to, p->devices[i].name);
		fputs("</h2>\n", to);
		figures(to, &p->devices[i]);
		plots(to, p, &p->devices[i]);
		callers(to, p, &p->devices[i]);
	}
	fputs("</body></html>\n", to);
}
