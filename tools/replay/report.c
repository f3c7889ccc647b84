// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* The report. It begins with what its figures mean and what they do not. */
#include "report.h"
#include <inttypes.h>
#include "lookups.h"
#include "row.h"

static const char meaning[] =
	"<h2>What the figures mean</h2>\n<ul>\n"
	"<li>Every map, unmap, sync, allocation and free of a recorded trace is one call of the "
	"library, in the order of the trace's clock, with the sizes and directions of the trace, "
	"and with as many live mappings.</li>\n"
	"<li><b>ns/op</b> is the time of the thread's CPU for one such call: the median of several "
	"passes with warm caches. The rows of a machine take turns. Drivers keep a handle, or "
	"address and length, in memory of the size that each API needs.</li>\n"
	"<li><b>Lookups, steps, invalidations, hypercalls, bounced bytes and cache lines</b> are "
	"counts of one pass. They do not depend on this computer.</li>\n"
	"<li><b>wrong</b> and <b>stale</b> are failures. A further pass, which is not timed, finds "
	"them: in it devices read and write every buffer through their IOMMU. wrong: bytes that "
	"differ from the model in a buffer, on either side, or beside it; errors of the library; "
	"page-table entries that differ from the model. stale: accesses that succeed although the "
	"mapping has ended, in strict mode at once, in lazy mode after the last flush.</li>\n"
	"<li>The row <b>directory</b> looks up in this library's own flat directory. The "
	"difference between that row and the other lookups is the gain of the structure, which an "
	"address-keyed API can have as well. Only the difference between that row and "
	"<b>handle</b> is the gain of the handle.</li>\n"
	"</ul>\n"
	"<h2>What they do not mean</h2>\n<ul>\n"
	"<li>Not throughput, and no waits or contention: one thread makes all calls, and changes "
	"only the number of its CPU as the trace does.</li>\n"
	"<li>No time of hardware: simulated invalidations are done at once, cache maintenance is "
	"counted but takes no time, registers and hypercalls take as long as the simulator takes. "
	"Where the counts differ, a real machine would differ more.</li>\n"
	"<li>Not the cost of Linux: the emulated lookups (walk, rbtree, register) come on top of "
	"this library's other work, which reads its own entry as well. The layers, locks and IOVA "
	"search of other systems are missing. The rbtree row has the tree's search and upkeep, "
	"not the search of that tree for free addresses.</li>\n"
	"<li>strict means that an IOVA range no longer translates, not that its page is out of "
	"reach: another live mapping may have the page (<code>dmah check</code> counts "
	"them).</li>\n"
	"<li>The record is not complete. Memory is moved together, so that all of it is below 4 "
	"GiB where it fits. A device's reach, 32 or 64 bits, is taken from the DMA addresses that "
	"it was given. Lengths of merged scatter-list pieces are guessed where more than one "
	"answer fits: each piece reaches to the end of its page, and the rest goes to a piece that "
	"can grow without meeting another. Coherent memory is the simulator's. A driver is assumed "
	"to own the whole cache lines at its buffers' edges, unless the trace shows that another "
	"mapping has a part of one.</li>\n"
	"<li>On xen, this program chooses the pages that are foreign and those that are mapped "
	"twice: traces do not record it.</li>\n"
	"</ul>\n";

static void fact(FILE *f, const char *what, uint64_t n)
{
	if (n)
		fprintf(f, "<li>%s: %" PRIu64 "</li>\n", what, n);
}

static void trace_facts(FILE *f, const struct plan *p)
{
	const struct trace_info *info = trace_info(p->trace);

	fprintf(f,
		"<ul class=\"note\">\n<li>%u calls, %u mappings, %u CPUs, %" PRIu64
		" KiB of memory</li>\n<li>devices:",
		p->nops, p->nitems, p->cpus, p->data / 1024);
	for (uint32_t i = 0; i < p->ndevices; i++) {
		fputc(' ', f);
		html_text(f, p->devices[i].name);
		fprintf(f, " (%d bits)", p->devices[i].wide ? 64 : 32);
	}
	fputs("</li>\n", f);
	fact(f, "other events, passed over", info->unknown);
	fact(f, "failed maps and allocations, passed over", p->failed);
	fact(f, "events that cannot be replayed, left out", p->refused);
	fact(f, "scatter lists that stayed mapped, of which probes do not tell where, left out",
	     info->left_out);
	fact(f, "places where events were lost", info->lost);
	fact(f, "ends and syncs of unknown mappings, passed over", p->unmatched);
	fact(f, "unmaps that are not in the record but must have been, filled in", p->implied);
	fact(f, "scatter lists with guessed lengths", p->guessed);
	fputs("</ul>\n", f);
}

/* ---- the whole ---- */

static void verdict(FILE *f, const struct rows *rows, const struct options *opt)
{
	uint64_t checked = 0;

	if (!opt->verify) {
		fputs("<p>Nothing was verified (<code>--no-verify</code>).</p>\n", f);
		return;
	}
	for (size_t i = 0; i < rows->n; i++)
		checked += rows->list[i].checked;
	fprintf(f,
		"<p><b>%s</b> %" PRIu64 " comparisons in %zu rows found %" PRIu64
		" failures (wrong or stale).</p>\n",
		rows_wrong(rows) ? "Something is wrong." : "All is well.", checked, rows->n,
		rows_wrong(rows));
}

static void machines(FILE *f, const struct options *opt)
{
	fputs("<h2>Machines</h2>\n<dl>\n", f);
	for (unsigned int i = 0; machine_kind(i); i++) {
		const struct machine_kind *k = machine_kind(i);

		if (opt->machine && opt->machine != k)
			continue;
		fprintf(f, "<dt>%s</dt><dd>%s", k->name, k->what);
		if (k->ways[0].lookup == LOOKUP_REGISTER)
			fprintf(f, "; the register says %u times that it is not done yet", POLLS);
		if (k->ways[0].lookup == LOOKUP_P2M)
			fprintf(f, " (here %u %%)", opt->foreign);
		fputs("</dd>\n", f);
	}
	fputs("</dl>\n", f);
}

/** struct content - the report's content. */
struct content {
	const struct rows *rows;
	const struct options *opt;
};

static void body(FILE *f, const void *ctx)
{
	const struct content *c = ctx;
	const struct rows *rows = c->rows;

	report_versions(f, NULL);
	verdict(f, rows, c->opt);
	fputs(meaning, f);
	machines(f, c->opt);
	fputs("<p class=\"note\">In the plots, the number below a machine is the handle's own "
	      "time.</p>\n",
	      f);
	for (size_t i = 0; i < rows->n; i++) {
		const struct plan *plan = rows->list[i].plan;

		if (i && plan == rows->list[i - 1].plan)
			continue;
		fputs("<h2>", f);
		html_text(f, trace_path(plan->trace));
		fputs("</h2>\n", f);
		trace_facts(f, plan);
		report_plot(f, replay_svg(rows, plan));
		replay_html(f, plan, rows);
	}
}

bool replay_report(const char *path, const struct rows *rows, const struct options *opt)
{
	struct content c = { .rows = rows, .opt = opt };

	return report_write(path, "DMA mapping: traces replayed", body, &c);
}
