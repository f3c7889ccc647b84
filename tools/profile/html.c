// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* A profile as one page: what the figures mean stands beside them. */
#include <stdarg.h>
#include "amount.h"
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
	"td{white-space:nowrap}td:first-child,th:first-child,.text{text-align:left}"
	".text{white-space:normal}details{margin:1em 0}\n"
	"th[colspan]{padding-top:.8em}dt{float:left;clear:left;width:9em;font-weight:bold}"
	"dd{margin:0 0 .3em 9.5em}summary{cursor:pointer}\n"
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
	const char *x = p->counts ? "events since the trace began" : "time since the trace began";
	char end[60];
	struct svg_axes axes = { .y = "mappings and allocations", .x = x, .x_end = end };
	int first, last;

	if (p->counts)
		snprintf(end, sizeof(end), "%s events", amount_count(p->events).text);
	else
		snprintf(end, sizeof(end), "%.3f s", (double)(p->end - p->begin) / 1e9);
	fputs("<h3>Live mappings and allocations over time</h3>\n<p class=\"note\">How much the "
	      "device can reach at each moment, first as a number, then in bytes. A line that "
	      "keeps rising shows a leak. The highest point is what the address space and the "
	      "tables of the IOMMU must hold.</p>\n",
	      to);
	svg_steps(to, d->live, TIME_BINS, &axes);
	axes.y = "bytes";
	axes.bytes = true;
	svg_steps(to, d->live_bytes, TIME_BINS, &axes);
	axes = (struct svg_axes){ .y = "mappings", .x = "size in bytes" };
	if (used(d->all.sizes, SIZE_BINS, &first, &last)) {
		fputs("<h3>Sizes of mappings</h3>\n<p class=\"note\">The bar at 2K counts mappings "
		      "of 2,048 to 4,095 bytes, and so on. The IOMMU protects whole pages of 4K: "
		      "smaller mappings share their page with other data, which the device can "
		      "then reach as well.</p>\n",
		      to);
		svg_bars(to, d->all.sizes, first, last, size_label, &axes);
	}
	axes.x = "time from map to unmap";
	if (used(d->all.lives, LIFE_BINS, &first, &last)) {
		fputs("<h3>Lifetimes of mappings</h3>\n<p class=\"note\">Each map and unmap costs "
		      "about the same, however long the mapping lives. Many short lives of the "
		      "same "
		      "memory are work that a driver saves by keeping the mapping.</p>\n",
		      to);
		svg_bars(to, d->all.lives, first, last, life_label, &axes);
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

static void count(FILE *to, const char *name, const char *meaning, uint64_t n)
{
	figure(to, name, meaning, "%s", amount_count(n).text);
}

static void bytes(FILE *to, const char *name, const char *meaning, uint64_t n)
{
	figure(to, name, meaning, "%s", amount_bytes(n).text);
}

/* A count, and its share of another */
static void share(FILE *to, const char *name, const char *meaning, uint64_t n, uint64_t of)
{
	figure(to, name, meaning, "%s (%.0f %%)", amount_count(n).text, percent(n, of));
}

/* A row that begins a part of the table */
static void part(FILE *to, const char *name)
{
	fprintf(to, "<tr><th colspan=\"3\">%s</th></tr>\n", name);
}

static void calls(FILE *to, const struct tally *t)
{
	part(to, "Calls of the driver");
	count(to, "maps", "calls that made memory reachable for the device", t->maps);
	share(to, "to the device", "maps of memory that the device only reads",
	      t->dirs[TRACE_TO_DEVICE], t->maps);
	share(to, "from the device", "maps of memory that the device only writes",
	      t->dirs[TRACE_FROM_DEVICE], t->maps);
	if (t->dirs[TRACE_BIDIRECTIONAL])
		share(to, "both directions", "maps of memory that the device reads and writes",
		      t->dirs[TRACE_BIDIRECTIONAL], t->maps);
	bytes(to, "mapped in all", "sum of the sizes of all maps", t->bytes);
	count(to, "allocations", "calls that gave memory for CPU and device together", t->allocs);
	bytes(to, "allocated in all", "sum of the sizes of all allocations", t->alloc_bytes);
	count(to, "unmaps and frees", "calls that took memory away from the device", t->unmaps);
	count(to, "syncs", "calls that passed a mapped buffer between CPU and device", t->syncs);
	count(to, "failed", "maps and allocations that returned an error", t->failed);
	if (t->lists) {
		share(to, "lists", "maps of scatter lists", t->lists, t->maps);
		count(to, "entries of lists", "pieces of memory in these lists", t->entries);
		count(to, "segments", "pieces that the IOMMU made of them for the device",
		      t->segments);
	}
}

static void costs(FILE *to, const struct device_profile *d)
{
	const struct tally *t = &d->all;

	part(to, "Repetition and cost");
	count(to, "pages", "different pages of 4 KiB that were mapped", t->pages);
	count(to, "hottest page", "how often the page was mapped that was mapped most",
	      d->hottest_maps);
	share(to, "mapped again",
	      "maps of memory that this device had mapped before: a driver that keeps its "
	      "mappings saves them",
	      t->again, t->maps);
	count(to, "kept mappings save", "instructions, if none of these were mapped again *",
	      t->again * (PAIR_INSTRUCTIONS - KEPT_INSTRUCTIONS));
	count(to, "lookups",
	      "unmaps for which the kernel searched its tables for the memory behind the device's "
	      "address",
	      t->lookups);
	count(to, "lookups cost", "instructions *", t->lookups * LOOKUP_INSTRUCTIONS);
	if (t->bounced) {
		share(to, "bounced", "maps whose bytes the CPU copied to or from a bounce buffer",
		      t->bounced, t->maps);
		bytes(to, "bounced bytes", "sum of the sizes of these maps", t->bounced_bytes);
	}
}

static void exposure(FILE *to, const struct device_profile *d)
{
	part(to, "Memory that the device could reach beyond its mappings");
	count(to, "maps of part of a page",
	      "maps that let the device reach other data on the same page", d->maps_beside);
	bytes(to, "bytes beside", "sum of these other data over all maps", d->beside);
	share(to, "still in reach", "unmaps after which another mapping still reaches the page",
	      d->reachable, d->ends);
	share(to, "still writable", "of these, unmaps after which the device can still write it",
	      d->writable, d->ends);
}

static void figures(FILE *to, const struct device_profile *d)
{
	const struct tally *t = &d->all;

	fputs("<table><tr><th>figure</th><th>value</th><th class=\"text\">meaning</th></tr>\n", to);
	calls(to, t);
	part(to, "Live at one time");
	count(to, "at most", "mappings and allocations", t->peak);
	bytes(to, "at most", "bytes of them", t->peak_bytes);
	count(to, "at the end", "mappings and allocations that are live when the trace ends",
	      t->live);
	if (t->maps) {
		costs(to, d);
		exposure(to, d);
	}
	fputs("</table>\n", to);
	if (t->maps)
		fputs("<p class=\"note\">* An estimate: the count times figures of Linux 6.12 with "
		      "Intel's IOMMU in lazy mode. Waits for hardware are not in it.</p>\n",
		      to);
}

__attribute__((format(printf, 2, 3))) static void item(FILE *to, const char *text, ...)
{
	va_list ap;

	fputs("<li>", to);
	va_start(ap, text);
	vfprintf(to, text, ap);
	va_end(ap);
	fputs("</li>\n", to);
}

/* The figures that say something, in sentences */
static void in_short(FILE *to, const struct profile *p, const struct device_profile *d)
{
	const struct tally *t = &d->all;
	double seconds = p->counts ? 0 : (double)(p->end - p->begin) / 1e9;
	double rate = seconds > 0 ? (double)t->maps / seconds : 0;
	uint64_t saves = t->again * (PAIR_INSTRUCTIONS - KEPT_INSTRUCTIONS);

	fputs("<ul>\n", to);
	if (t->maps && rate > 0)
		item(to, "%s maps, %s a second, of %s in all.", amount_count(t->maps).text,
		     amount_count((uint64_t)(rate + 0.5)).text, amount_bytes(t->bytes).text);
	else
		item(to, "%s maps of %s, %s allocations of %s.", amount_count(t->maps).text,
		     amount_bytes(t->bytes).text, amount_count(t->allocs).text,
		     amount_bytes(t->alloc_bytes).text);
	if (t->failed)
		item(to, "%s calls failed: <code>dmah check</code> shows them.",
		     amount_count(t->failed).text);
	if (t->live)
		item(to,
		     "%s mappings and allocations are live at the end. That is normal while the "
		     "driver is loaded; after it was unloaded they are leaks, which <code>dmah "
		     "check --final</code> names.",
		     amount_count(t->live).text);
	if (2 * t->again >= t->maps && t->again)
		item(to,
		     "%.0f %% of the maps are of memory that this device had mapped before. "
		     "Keeping "
		     "the mappings would save about %s instructions.",
		     percent(t->again, t->maps), amount_count(saves).text);
	if (t->bounced)
		item(to, "%.0f %% of the maps go through bounce buffers: the CPU copies %s.",
		     percent(t->bounced, t->maps), amount_bytes(t->bounced_bytes).text);
	if (d->maps_beside)
		item(to,
		     "%s maps cover a page in part, so that the device reaches other data beside "
		     "the buffer: %s over all of them.",
		     amount_count(d->maps_beside).text, amount_bytes(d->beside).text);
	if (d->writable)
		item(to,
		     "After %.0f %% of the unmaps the device can still write to the page, through "
		     "another mapping of it.",
		     percent(d->writable, d->ends));
	fputs("</ul>\n", to);
}

static void callers(FILE *to, const struct profile *p, const struct device_profile *d)
{
	if (!p->has_stacks)
		return;
	fputs("<h3>Callers</h3>\n<p class=\"note\">The functions of the driver, or of "
	      "its subsystem, that made the calls: the first function outside the DMA "
	      "API.</p>\n<table>"
	      "<tr><th>caller</th><th>maps</th><th>bytes</th><th>allocations</th><th>most live</th>"
	      "<th>mapped again</th><th>bounced</th><th>syncs</th></tr>\n",
	      to);
	for (uint32_t i = 0; i < d->nr_callers; i++) {
		const struct tally *t = &d->callers[i];

		fputs("<tr><td>", to);
		svg_text(to, *t->name ? t->name : "(no stack)");
		fprintf(to, "</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td>",
			amount_count(t->maps).text, amount_bytes(t->bytes).text,
			amount_count(t->allocs).text, amount_count(t->peak).text);
		fprintf(to, "<td>%.0f %%</td><td>%.0f %%</td><td>%s</td></tr>\n",
			percent(t->again, t->maps), percent(t->bounced, t->maps),
			amount_count(t->syncs).text);
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
		fprintf(to, "</a></td><td>%s</td><td>%s</td><td>%s</td>",
			amount_count(t->maps).text, amount_bytes(t->bytes).text,
			amount_count(t->peak).text);
		fprintf(to, "<td>%.0f %%</td><td>%.0f %%</td><td>%s</td></tr>\n",
			percent(t->again, t->maps), percent(t->bounced, t->maps),
			amount_count(t->failed).text);
	}
	fputs("</table>\n", to);
}

static const char words[] =
	"<details open><summary>Words on this page</summary>\n<dl>\n"
	"<dt>DMA</dt><dd>Direct memory access: a device reads and writes memory by itself.</dd>\n"
	"<dt>IOMMU</dt><dd>The hardware between devices and memory. It lets a device reach only "
	"the "
	"pages that are mapped for it.</dd>\n"
	"<dt>map, unmap</dt><dd>Calls of a driver: the device may use this memory from now on; it "
	"may "
	"no longer. A mapping is <em>live</em> between the two.</dd>\n"
	"<dt>allocation</dt><dd>Memory that driver and device share for long, for instance a ring "
	"of "
	"commands.</dd>\n"
	"<dt>list</dt><dd>A scatter list: several pieces of memory in one map. The IOMMU can join "
	"pieces into one segment.</dd>\n"
	"<dt>sync</dt><dd>A call that passes a mapped buffer from the device to the CPU, or "
	"back.</dd>\n"
	"<dt>bounce buffer</dt><dd>Memory that stands in for a buffer that the device cannot reach "
	"or "
	"must not; the CPU copies.</dd>\n</dl></details>\n";

void profile_html(FILE *to, const struct profile *p)
{
	fputs(head, to);
	fputs("<h1>DMA mapping profile of ", to);
	svg_text(to, p->path);
	fprintf(to, "</h1>\n<p>%s calls of Linux's DMA API for %u device%s",
		amount_count(p->events).text, p->nr, p->nr == 1 ? "" : "s");
	if (!p->counts)
		fprintf(to, ", in %.3f seconds", (double)(p->end - p->begin) / 1e9);
	fputs(". A driver maps memory before a device may use it, and unmaps it after. This page "
	      "shows how often, how much and for how long, what that costs, and which other memory "
	      "the device could reach meanwhile.</p>\n",
	      to);
	if (p->lost)
		fprintf(to,
			"<p><strong>%s events are missing from the trace: all counts are too "
			"low. Record with a larger <code>--buffer</code>.</strong></p>\n",
			amount_count(p->lost).text);
	if (!p->has_stacks)
		fputs("<p>The trace names no callers. <code>dmah record --stacks</code> records "
		      "them.</p>\n",
		      to);
	overview(to, p);
	fputs(words, to);
	for (uint32_t i = 0; i < p->nr; i++) {
		fprintf(to, "<h2 id=\"d%u\">Device ", i);
		svg_text(to, p->devices[i].name);
		fputs("</h2>\n", to);
		in_short(to, p, &p->devices[i]);
		figures(to, &p->devices[i]);
		plots(to, p, &p->devices[i]);
		callers(to, p, &p->devices[i]);
	}
	fputs("</body></html>\n", to);
}
