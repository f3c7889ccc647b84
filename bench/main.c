// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* dmah-bench: measures what mapping costs, beside Linux's own code and beside the least that it could be. */
#define _GNU_SOURCE
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "file.h"
#include "memory.h"
#include "message.h"
#include "plots.h"
#include "rig.h"
#include "rows.h"
#include "tables.h"

enum {
	OPT_HELP = 256,
	OPT_VERSION,
	OPT_LIST,
	OPT_ROWS,
	OPT_CASE,
	OPT_LIVE,
	OPT_QUICK,
	OPT_SMOKE,
	OPT_JSON,
	OPT_REPORT,
	OPT_MARKDOWN,
	OPT_FROM,
	OPT_INSTRUCTIONS,
	OPT_ONLY_INSTRUCTIONS,
	OPT_COUNTS,
	OPT_SHORT,
	OPT_COUNTED
};

static const struct option options[] = {
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "list", no_argument, NULL, OPT_LIST },
	{ "rows", no_argument, NULL, OPT_ROWS },
	{ "case", required_argument, NULL, OPT_CASE },
	{ "live", required_argument, NULL, OPT_LIVE },
	{ "quick", no_argument, NULL, OPT_QUICK },
	{ "smoke", no_argument, NULL, OPT_SMOKE },
	{ "json", required_argument, NULL, OPT_JSON },
	{ "report", required_argument, NULL, OPT_REPORT },
	{ "markdown", required_argument, NULL, OPT_MARKDOWN },
	{ "from", required_argument, NULL, OPT_FROM },
	{ "instructions", no_argument, NULL, OPT_INSTRUCTIONS },
	{ "only-instructions", no_argument, NULL, OPT_ONLY_INSTRUCTIONS },
	{ "counts", required_argument, NULL, OPT_COUNTS },
	{ "short", no_argument, NULL, OPT_SHORT },
	{ "counted", no_argument, NULL, OPT_COUNTED },
	{ 0 },
};

static const char usage[] =
	"usage: dmah-bench [options]\n"
	"\n"
	"Measures what mapping for DMA costs: this library through each of its APIs, Linux's own\n"
	"code where it was built, and the least that it could be. Prints the targets.\n"
	"\n"
	"  --quick              only the rows that the targets need\n"
	"  --case NAME          only this case\n"
	"  --live N             only rows with N live mappings\n"
	"  --instructions       count instructions too, with valgrind's callgrind\n"
	"  --only-instructions  count them, and time nothing\n"
	"  --counts FILE        take instructions from the rows that --only-instructions --json "
	"wrote\n"
	"  --short              time each row for a third as long\n"
	"  --json FILE          write all rows\n"
	"  --report FILE        write an HTML report\n"
	"  --markdown FILE      write the tables of docs/performance.md; - is standard output\n"
	"  --from FILE          measure nothing: take the rows that --json wrote\n"
	"  --smoke              run every case once, check its results, time nothing (TAP)\n"
	"  --list               list the cases\n"
	"  --rows               list the rows that the options select\n"
	"  --version            print the version\n"
	"  --help               print this\n"
	"\n"
	"Exit status: 0; 1 if a check failed or a file could not be written; 2 on wrong usage or\n"
	"without memory.\n";

static void list_cases(void)
{
	for (unsigned int i = 0; cases[i]; i++)
		printf("%-24s%s%s\n", cases[i]->name, cases[i]->what,
		       have_case(cases[i]) ? "" : " (not built in)");
}

static void list_rows(const struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		row_print_id(stdout, &rows->list[i]);
		putchar('\n');
	}
}

static void print_table(const struct table *t, json_t *rows)
{
	table_text(stdout, t, rows, 0);
	putchar('\n');
	json_decref(rows);
}

/**
 * struct output - files to be written.
 * @json: file for all rows; NULL: none.
 * @report: file for the HTML report; NULL: none.
 * @markdown: file for the tables of documents; NULL: none.
 */
struct output {
	const char *json;
	const char *report;
	const char *markdown;
};

static bool write_json(const char *path, const struct rows *rows)
{
	json_t *json = rows_to_json(rows);
	bool ok;

	figures_to_json(json, rows);
	ok = rows_write(path, json);

	json_decref(json);
	return ok;
}

static void print_measured(FILE *f, const void *rows)
{
	markdown_print(f, rows, true);
}

static void print_read(FILE *f, const void *rows)
{
	markdown_print(f, rows, false);
}

static bool write_files(const struct output *out, const struct rows *rows, bool measured)
{
	bool ok = true;

	if (out->json)
		ok &= write_json(out->json, rows);
	if (out->report)
		ok &= bench_report(out->report, rows);
	if (out->markdown)
		ok &= file_write(out->markdown, measured ? print_measured : print_read, rows);
	return ok;
}

static int wrong(const char *what, const char *arg)
{
	fprintf(stderr, "dmah-bench: %s%s (--help says more)\n", what, arg);
	return 2;
}

static void print_tables(const struct rows *rows)
{
	json_t *slower = slower_rows(rows);

	print_table(&table_all, all_rows(rows));
	puts("Conditions under which Linux's own code takes less time or fewer instructions:");
	if (json_array_size(slower))
		print_table(&table_slower, slower);
	else
		puts("none\n");
	print_table(&table_targets, target_rows(rows, true));
	puts("net: without the loop around an operation. Syncs are without it throughout.\n"
	     "The profile behind each target that was missed is in docs/performance.md.");
}

/* Takes the instructions of a run of the same rows. */
static bool counts_take(struct rows *rows, const char *path)
{
	json_t *json = rows_read(path);
	struct rows counted = { 0 };
	bool ok = json && rows_from_json(&counted, json) && counted.n == rows->n;

	for (size_t i = 0; ok && i < rows->n; i++) {
		ok = counted.list[i].c == rows->list[i].c &&
		     counted.list[i].live == rows->list[i].live;
		rows->list[i].instructions = counted.list[i].instructions;
	}
	if (ok) {
		rows->figured = counted.figured;
		memcpy(rows->figure, counted.figure, sizeof(rows->figure));
	}
	if (json && !ok)
		message("%s has not the rows of this run", path);
	free(counted.list);
	json_decref(json);
	return ok;
}

static bool measure_figures(struct rows *rows, bool timed)
{
	/* Rows that were timed have set up the memory. */
	const char *why = timed || memory_init(3ull << 30, 4096)
				  ? figures_measure(rows->figure, timed, 0)
				  : "no memory";

	rows->figured = !why;
	if (why)
		message("%s", why);
	return rows->figured;
}

static int measure(struct rows *rows, const struct options *opt, bool timed, bool counted,
		   const struct output *out)
{
	bool ok = true;

	if (peer_versions())
		printf("beside the code of Linux %s\n\n", peer_versions());
	else
		puts("without Linux's own code, which was not built "
		     "(bench/peers/linux/build.sh)\n");
	/* Count first: the process under callgrind needs the memory that timing takes for good. */
	if (counted)
		ok = instructions_count(rows, opt);
	if (timed)
		ok &= rows_run(rows, opt);
	/* After the rows: its memory is the rows' as well. */
	if (ok && !opt->only && !opt->live) {
		static const struct bench_case *const missed[] = { &case_handle, &case_linux_vtd,
								   &case_linux73_vtd };
		bool had = rows->figured;
		double misses[3];

		memcpy(misses, &rows->figure[FIGURE_MISSES], sizeof(misses));
		ok = measure_figures(rows, timed);
		for (unsigned int i = 0; i < 3; i++) {
			rows->figure[FIGURE_MISSES + i] = had ? misses[i] : -1;
			if (counted && have_case(missed[i]))
				ok &= misses_count(missed[i], &rows->figure[FIGURE_MISSES + i]);
		}
	}
	if (timed && ok)
		printf("%.0f MiB in huge pages\n\n", (double)memory_huge() / (1 << 20));
	print_tables(rows);
	ok &= write_files(out, rows, true);
	return ok ? 0 : 1;
}

static int present(const char *path, const struct output *out)
{
	json_t *json = rows_read(path);
	struct rows rows = { 0 };
	bool ok = json && rows_from_json(&rows, json);

	if (ok) {
		print_tables(&rows);
		ok = write_files(out, &rows, false);
	}
	free(rows.list);
	json_decref(json);
	return ok ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct options opt = { 0 };
	struct rows rows = { 0 };
	struct output out = { 0 };
	const char *from = NULL, *counts = NULL;
	bool timed = true, instructions = false, smoke = false, under_callgrind = false,
	     list = false;
	int c, status;
	char *end;

	message_program("dmah-bench");
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case OPT_HELP:
			fputs(usage, stdout);
			return 0;
		case OPT_VERSION:
			puts("dmah-bench " DMAH_VERSION);
			return 0;
		case OPT_LIST:
			list_cases();
			return 0;
		case OPT_ROWS:
			list = true;
			break;
		case OPT_CASE:
			opt.only = case_named(optarg);
			if (!opt.only)
				return wrong("no such case: ", optarg);
			break;
		case OPT_LIVE:
			opt.live = (uint32_t)strtoul(optarg, &end, 10);
			if (!opt.live || *end)
				return wrong("--live is a number above 0, not ", optarg);
			break;
		case OPT_QUICK:
			opt.quick = true;
			break;
		case OPT_SMOKE:
			smoke = true;
			break;
		case OPT_JSON:
			out.json = optarg;
			break;
		case OPT_REPORT:
			out.report = optarg;
			break;
		case OPT_MARKDOWN:
			out.markdown = optarg;
			break;
		case OPT_FROM:
			from = optarg;
			break;
		case OPT_ONLY_INSTRUCTIONS:
			timed = false;
			instructions = true;
			break;
		case OPT_COUNTS:
			counts = optarg;
			break;
		case OPT_SHORT:
			opt.brief = true;
			break;
		case OPT_INSTRUCTIONS:
			instructions = true;
			break;
		case OPT_COUNTED:
			under_callgrind = true;
			break;
		default:
			return 2;
		}
	}
	if (optind < argc)
		return wrong("unexpected argument: ", argv[optind]);
	if (from)
		return present(from, &out);
	rows_make(&rows, &opt);
	if (!rows.n) {
		puts(opt.live ? "no rows" : "no rows: Linux's own code was not built");
		return 0;
	}
	if (list) {
		list_rows(&rows);
		free(rows.list);
		return 0;
	}
	if (counts && !counts_take(&rows, counts))
		return 1;
	rig_silence(true);
	if (smoke)
		status = rows_smoke(&rows) ? 0 : 1;
	else if (under_callgrind)
		status = rows_counted(&rows) ? 0 : 1;
	else
		status = measure(&rows, &opt, timed, instructions, &out);
	free(rows.list);
	return status;
}
