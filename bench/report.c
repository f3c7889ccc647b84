// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* The report. It begins with what its figures mean and what they do not prove. */
#include "report.h"

#include "plots.h"
#include "memory.h"
#include "tables.h"

static const char meaning[] =
	"<h2>What the figures mean</h2>\n<ul>\n"
	"<li>An operation unmaps one live mapping and maps another page in its place: a random "
	"mapping (<b>random</b>) or the oldest (<b>fifo</b>). A sync is one call. In every case a "
	"driver keeps a record of one cache line for each mapping.</li>\n"
	"<li><b>ns</b> is the time of the thread's CPU: the median of several runs, with the least "
	"and the most. All rows are in one process and take turns, run by run. <b>serialised</b>: "
	"a fence before each operation, so that no operation overlaps with the next.</li>\n"
	"<li><b>instructions</b> are counted by valgrind's callgrind around the loop, in runs of "
	"their own. The counts are the same on every run, whatever else the computer does.</li>\n"
	"<li><b>harness</b> is the loop alone: an order, a record read and written. <b>floor</b> "
	"is "
	"the least work of any mapping behind an IOMMU: an entry cleared, a 16-byte invalidation "
	"written, an entry written. <i>net</i> figures are without the harness.</li>\n"
	"<li>After every run each live mapping is looked up in the page table, by code that shares "
	"nothing with the library, and all entries are counted. Misuse checks are on.</li>\n"
	"<li><b>linux-</b> and <b>linux73-</b> are Linux 6.12's and 7.3's own files, compiled "
	"unmodified, "
	"behind headers that replace the rest of a kernel.</li>\n"
	"<li><b>address-walk</b>, <b>-rbtree</b> and <b>-directory</b> are this library's "
	"address-keyed calls, each with another lookup. The difference between Linux and these "
	"rows is the gain of this library's <i>structure</i> (caches of IOVAs for each CPU, leaf "
	"tables found by index, no layers), which an address-keyed API can have as well. Only the "
	"difference between these rows and <b>handle</b> is the gain of the handle.</li>\n"
	"<li><b>batch-32</b>: 16 batches are under way at one time; each is waited for after 15 "
	"others have begun, which hides the latency of an invalidation. <b>ring</b>: mappings end "
	"in order, one or 32 at a time.</li>\n"
	"<li>Two threads: a run counts only if both had a CPU for 90 % of the time. Else it is "
	"repeated, and dropped after five tries. Live mappings are those of each thread.</li>\n"
	"</ul>\n"
	"<h2>What they do not prove</h2>\n<ul>\n"
	"<li>No hardware: an invalidation takes no time, or the latency that its row says, counted "
	"from its post; several overlap. No register is written to announce a descriptor to the "
	"hardware, which would cost both sides some 100 ns. Real strict unmaps are dominated by "
	"both.</li>\n"
	"<li>The headers that replace the kernel favour Linux: no interrupt masking, no preemption "
	"counts, no NUMA, no mitigations, no layer of the DMA API above dma-iommu.c, no timers. "
	"This library's port does without those, too.</li>\n"
	"<li>Cache maintenance and hypercalls are counted, not made. Buffers are not touched, "
	"except where they bounce.</li>\n"
	"<li>One machine, one compiler, warm caches up to 16,384 live mappings. Nothing is said "
	"about the gain of a driver, a network or a disk.</li>\n"
	"</ul>\n";

static void table(FILE *f, const struct table *t, json_t *rows)
{
	if (json_array_size(rows))
		table_html(f, t, rows);
	else
		fputs("<p class=\"note\">None in this run.</p>\n", f);
	json_decref(rows);
}

static void gains(FILE *f, const struct rows *rows, enum dmah_mode mode, const char *title)
{
	json_t *list = gain_rows(rows, mode);

	if (json_array_size(list)) {
		fprintf(f, "<h3>%s</h3>\n", title);
		table_html(f, &table_gains, list);
	}
	json_decref(list);
}

static void picture(FILE *f, const char *title, const char *text, char *svg)
{
	fprintf(f, "<h2>%s</h2>\n<p>%s</p>\n", title, text);
	report_plot(f, svg);
}

static void body(FILE *f, const void *ctx)
{
	const struct rows *rows = ctx;
	char more[128];

	snprintf(more, sizeof(more), "%s%s, %.0f MiB in huge pages",
		 peer_versions() ? "beside the code of Linux "
				 : "without Linux's own code, which was not built",
		 peer_versions() ? peer_versions() : "", (double)memory_huge() / (1 << 20));
	report_versions(f, more);
	fputs(meaning, f);
	fputs("<h2>Targets</h2>\n<p>Lazy, 4 KiB, 1,024 live mappings, random order, one thread, "
	      "unless the row says otherwise. All figures are from this run.</p>\n",
	      f);
	table(f, &table_targets, target_rows(rows, false));
	fputs("<h2>Slower than Linux's own code</h2>\n<p>Rows of Linux's code, and this library's "
	      "by handle under the same conditions, where the latter take as much or more.</p>\n",
	      f);
	table(f, &table_slower, slower_rows(rows));
	fputs("<h2>The parts of the gain</h2>\n", f);
	gains(f, rows, DMAH_LAZY, "Lazy");
	gains(f, rows, DMAH_STRICT, "Strict, latency 0");
	picture(f, "The ablation",
		"1,024 live mappings of 4 KiB, random order (rings, floor and loop: in order), one "
		"thread. From the third bar on, each step is drawn from the one before.",
		plot_ablation(rows));
	picture(f, "Cost against live mappings",
		"Lazy, 4 KiB, random order, one thread; bars from the least to the most.",
		plot_live(rows));
	picture(f, "Cost against threads", "1,024 live mappings of 4 KiB for each thread.",
		plot_threads(rows));
	fputs("<h2>Cases</h2>\n", f);
	table(f, &table_cases, case_rows());
	fputs("<p class=\"note\">\"-2domains\" behind a name: each of the two threads has a "
	      "domain, and an IOMMU, of its own.</p>\n<h2>Every row</h2>\n",
	      f);
	table(f, &table_all, all_rows(rows));
}

bool bench_report(const char *path, const struct rows *rows)
{
	return report_write(path, "DMA mapping: what it costs", body, rows);
}
