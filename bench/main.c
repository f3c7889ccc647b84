// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* dmah-bench: what mapping costs, beside Linux's own code and beside the least that it could be. */
#define _GNU_SOURCE
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "posix.h"
#include "targets.h"

enum {
	OPT_HELP = 256,
	OPT_VERSION,
	OPT_LIST,
	OPT_CASE,
	OPT_LIVE,
	OPT_QUICK,
	OPT_SMOKE,
	OPT_JSON,
	OPT_REPORT,
	OPT_INSTRUCTIONS,
	OPT_ONLY_INSTRUCTIONS,
	OPT_COUNTED
};

static const struct option options[] = {
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "list", no_argument, NULL, OPT_LIST },
	{ "case", required_argument, NULL, OPT_CASE },
	{ "live", required_argument, NULL, OPT_LIVE },
	{ "quick", no_argument, NULL, OPT_QUICK },
	{ "smoke", no_argument, NULL, OPT_SMOKE },
	{ "json", required_argument, NULL, OPT_JSON },
	{ "report", required_argument, NULL, OPT_REPORT },
	{ "instructions", no_argument, NULL, OPT_INSTRUCTIONS },
	{ "only-instructions", no_argument, NULL, OPT_ONLY_INSTRUCTIONS },
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
	"  --json FILE          write all rows\n"
	"  --report FILE        write an HTML report\n"
	"  --smoke              run every case once, check its results, time nothing (TAP)\n"
	"  --list               list the cases\n"
	"  --version            print the version\n"
	"  --help               print this\n"
	"\n"
	"Exit status: 0; 1 where a check failed or a file could not be written; 2 on wrong "
	"usage.\n";

static void list_cases(void)
{
	for (unsigned int i = 0; cases[i]; i++)
		printf("%-24s%s%s\n", cases[i]->name, cases[i]->what,
		       cases[i]->needs == NEEDS_PEER && !have_peer() ? " (not built in)" : "");
}

static void print_rows(const struct rows *rows)
{
	printf("%-26s %-7s %-6s %7s %-6s %-4s %7s %8s %7s %9s %9s %9s %8s\n", "case", "backend",
	       "mode", "live", "order", "ser.", "threads", "bytes", "latency", "ns", "min", "max",
	       "instr");
	for (size_t i = 0; i < rows->n; i++) {
		const struct row *r = &rows->list[i];
		char name[64];

		printf("%-26s %-7s %-6s %7u %-6s %-4s %7u %8u %7u", row_case(r, name, sizeof(name)),
		       row_backend(r), row_mode(r), r->live, r->fifo ? "fifo" : "random",
		       r->serialised ? "yes" : "no", r->threads, r->size, r->latency_ns);
		if (r->n)
			printf(" %9.1f %9.1f %9.1f", r->ns, r->ns_min, r->ns_max);
		else
			printf(" %9s %9s %9s", "-", "-", "-");
		if (r->instructions >= 0)
			printf(" %8.1f", r->instructions);
		else
			printf(" %8s", "-");
		if (r->threads > 1 && r->n)
			printf("  overlap %.0f %%", r->overlap * 100);
		if (r->dropped)
			printf("  %u run%s dropped: too little overlap", r->dropped,
			       r->dropped > 1 ? "s" : "");
		putchar('\n');
	}
	putchar('\n');
}

static int wrong(const char *what, const char *arg)
{
	fprintf(stderr, "dmah-bench: %s%s (--help says more)\n", what, arg);
	return 2;
}

/* Errors come back as such, and are counted. */
static void no_report(void *ctx, const struct dmah_device *dev, int err, const char *text,
		      uint64_t addr, const void *caller)
{
	(void)ctx;
	(void)dev;
	(void)err;
	(void)text;
	(void)addr;
	(void)caller;
}

static int measure(struct rows *rows, const struct options *opt, bool timed, const char *json,
		   const char *report)
{
	bool ok = true;

	if (have_peer())
		printf("beside the code of Linux %s\n\n", peer_version());
	else
		puts("without Linux's own code, which was not built "
		     "(bench/peers/linux/build.sh)\n");
	/* Before the rows are in memory. */
	if (opt->instructions)
		ok = instructions_count(rows, opt);
	if (timed)
		ok &= rows_run(rows, opt);
	print_rows(rows);
	if (timed && ok)
		printf("%.0f MiB in huge pages\n\n", (double)memory_huge() / (1 << 20));
	targets_print(stdout, rows);
	if (json)
		ok &= json_write(json, rows);
	if (report)
		ok &= report_write(report, rows);
	return ok ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct options opt = { 0 };
	struct rows rows = { 0 };
	const char *json = NULL, *report = NULL;
	bool timed = true, counted = false;
	int c, status;
	char *end;

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
		case OPT_CASE:
			opt.only = case_named(optarg);
			if (!opt.only)
				return wrong("no such case: ", optarg);
			break;
		case OPT_LIVE:
			opt.live = (uint32_t)strtoul(optarg, &end, 10);
			if (!opt.live || *end)
				return wrong("no number of mappings: ", optarg);
			break;
		case OPT_QUICK:
			opt.quick = true;
			break;
		case OPT_SMOKE:
			opt.smoke = true;
			break;
		case OPT_JSON:
			json = optarg;
			break;
		case OPT_REPORT:
			report = optarg;
			break;
		case OPT_ONLY_INSTRUCTIONS:
			timed = false;
			opt.instructions = true;
			break;
		case OPT_INSTRUCTIONS:
			opt.instructions = true;
			break;
		case OPT_COUNTED:
			counted = true;
			break;
		default:
			return 2;
		}
	}
	if (optind < argc)
		return wrong("what is this: ", argv[optind]);
	rows_make(&rows, &opt);
	if (!rows.n) {
		puts(opt.live ? "no rows" : "no rows: Linux's own code was not built");
		return 0;
	}
	posix_set_report(no_report, NULL);
	if (opt.smoke)
		status = rows_smoke(&rows) ? 0 : 1;
	else if (counted)
		status = rows_counted(&rows) ? 0 : 1;
	else
		status = measure(&rows, &opt, timed, json, report);
	free(rows.list);
	return status;
}
