// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* The command line of dmah replay. */
#define _GNU_SOURCE
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "callgrind.h"
#include "cmd.h"
#include "file.h"
#include "message.h"
#include "plot.h"
#include "progress.h"
#include "row.h"
#include "rows.h"
#include "xalloc.h"

static const char usage[] =
	"Usage: dmah replay [OPTION]... TRACE...\n"
	"Run recorded traces through the library on simulated machines: what each API costs "
	"there,\n"
	"and whether every byte is where it belongs.\n\n"
	"      --machine=NAME     all (default), direct, bounce, vtd, smmu, armmap or xen\n"
	"      --api=NAME         all (default), address, page or handle\n"
	"      --mode=MODE        strict or lazy; default: both, where there is an IOMMU\n"
	"      --json             print the rows as a JSON array\n"
	"      --markdown=FILE    write their tables for a document\n"
	"      --plot=FILE        draw them: FILE ends in .svg or .png (needs gnuplot)\n"
	"      --report=FILE      write an HTML report of one file\n"
	"      --foreign=PERCENT  of the pages belong to other domains on xen (default 25)\n"
	"      --repeat=N         timed passes of each row, of which the median counts (default "
	"5;\n"
	"                         short traces get more)\n"
	"      --instructions     count the instructions of a call with valgrind's callgrind\n"
	"      --only-instructions\n"
	"                         count them, and time nothing\n"
	"      --no-verify        only measure\n"
	"      --help             this text\n\n"
	"Machines:\n";

static const char columns[] =
	"\nAPIs:\n"
	"  address  unmap and sync get the DMA address; the mapping is looked up:\n"
	"           walk       of the page table, as Linux does today (vtd, smmu)\n"
	"           rbtree     of live IOVA ranges, as Intel's driver of 2014 (vtd)\n"
	"           register   the SMMU is asked (armmap)\n"
	"           p2m        the hypervisor's tables (xen)\n"
	"           search     of the bounce pool (bounce)\n"
	"           directory  this library's own, flat, where there is an IOMMU\n"
	"  page     they get the physical address as well, as proposed in 2014\n"
	"  handle   they get what map returned, and nothing is looked up\n\n"
	"Columns: ns/op is the CPU time of a call in nanoseconds, without what the simulated "
	"hardware\n"
	"would take; ratio is to the handle; ins/op, where they were counted, are the instructions "
	"of\n"
	"a call; lookups and steps are reverse lookups and what they\n"
	"visited; wrong and stale are failures of verification, which is not timed.\n\n"
	"Exit status: 0 all is well, 1 wrong or stale is not 0, 2 wrong use, or a trace that "
	"cannot\n"
	"be read or has events that cannot be replayed.\n";

static void help(void)
{
	fputs(usage, stdout);
	for (unsigned int i = 0; machine_kind(i); i++)
		printf("  %-8s %s\n", machine_kind(i)->name, machine_kind(i)->what);
	fputs(columns, stdout);
}

static int bad_usage(const char *what, const char *value)
{
	if (what)
		message("%s%s", what, value);
	fputs("Try 'dmah replay --help'.\n", stderr);
	return CMD_UNREADABLE;
}

struct command {
	struct options opt;
	bool instructions;
	bool json;
	const char *markdown;
	const char *plot;
	const char *report;
};

static bool find_machine(const char *name, struct options *opt)
{
	opt->machine = NULL;
	if (strcmp(name, "all") == 0)
		return true;
	for (unsigned int i = 0; machine_kind(i); i++)
		if (strcmp(name, machine_kind(i)->name) == 0)
			opt->machine = machine_kind(i);
	return opt->machine != NULL;
}

static bool find_api(const char *name, struct options *opt)
{
	unsigned int i;

	for (i = 0; i < APIS; i++)
		if (strcmp(name, api_name(i)) == 0)
			break;
	opt->api = i;
	return i < APIS || strcmp(name, "all") == 0;
}

static bool find_mode(const char *name, struct options *opt)
{
	opt->strict = strcmp(name, "strict") == 0;
	opt->lazy = strcmp(name, "lazy") == 0;
	return opt->strict || opt->lazy;
}

static bool find_number(const char *s, unsigned long low, unsigned long high, unsigned int *to)
{
	char *end;
	unsigned long n = strtoul(s, &end, 10);

	*to = (unsigned int)n;
	return s[0] >= '0' && s[0] <= '9' && !*end && n >= low && n <= high;
}

/* Parses the options. Return: -1 to go on, or an exit status. */
static int options(int argc, char **argv, struct command *c)
{
	static const struct option longs[] = {
		{ "machine", required_argument, NULL, 'm' },
		{ "api", required_argument, NULL, 'a' },
		{ "mode", required_argument, NULL, 'M' },
		{ "json", no_argument, NULL, 'j' },
		{ "plot", required_argument, NULL, 'p' },
		{ "report", required_argument, NULL, 'r' },
		{ "foreign", required_argument, NULL, 'f' },
		{ "repeat", required_argument, NULL, 'n' },
		{ "markdown", required_argument, NULL, 'k' },
		{ "instructions", no_argument, NULL, 'i' },
		{ "only-instructions", no_argument, NULL, 'I' },
		{ "counted", no_argument, NULL, 'c' },
		{ "no-verify", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *why;
	int o;

	while ((o = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		switch (o) {
		case 'm':
			if (!find_machine(optarg, &c->opt))
				return bad_usage("no such machine: ", optarg);
			break;
		case 'a':
			if (!find_api(optarg, &c->opt))
				return bad_usage("no such API: ", optarg);
			break;
		case 'M':
			if (!find_mode(optarg, &c->opt))
				return bad_usage("--mode is strict or lazy, not ", optarg);
			break;
		case 'j':
			c->json = true;
			break;
		case 'p':
			c->plot = optarg;
			if (!plot_possible(optarg, &why))
				return bad_usage(why, optarg);
			break;
		case 'r':
			c->report = optarg;
			break;
		case 'f':
			if (!find_number(optarg, 0, 100, &c->opt.foreign))
				return bad_usage("--foreign is a percentage, 0 to 100, not ",
						 optarg);
			break;
		case 'n':
			if (!find_number(optarg, 1, 1000, &c->opt.repeat))
				return bad_usage("--repeat is a number, 1 to 1000, not ", optarg);
			break;
		case 'k':
			c->markdown = optarg;
			break;
		case 'I':
			c->opt.timed = false;
			c->instructions = true;
			break;
		case 'i':
			c->instructions = true;
			break;
		case 'c':
			c->opt.under_callgrind = true;
			break;
		case 'V':
			c->opt.verify = false;
			break;
		case 'h':
			help();
			return CMD_OK;
		default:
			return bad_usage(NULL, NULL);
		}
	}
	return optind == argc ? bad_usage("no trace given", "") : -1;
}

/* Replays one trace. Return: its exit status. */
static int one(const char *path, const struct command *c, struct rows *rows, struct plan **plan)
{
	struct trace_error err;
	struct trace *t;
	bool all;

	progress_label(path);
	t = trace_load(path, &err);
	*plan = NULL;
	if (!t) {
		message("%s", err.text);
		return CMD_UNREADABLE;
	}
	if (trace_info(t)->cut)
		message("%s: note: line %llu is cut off and left out", path,
			(unsigned long long)trace_info(t)->cut);
	*plan = plan_make(t);
	if (!*plan) {
		trace_close(t);
		return CMD_UNREADABLE;
	}
	all = replay_plan(*plan, &c->opt, rows, progress_step);
	progress_clear();
	if (!c->json && !c->opt.under_callgrind)
		replay_table(stdout, *plan, rows, c->opt.foreign);
	fflush(stdout);
	return (*plan)->refused || !all ? CMD_UNREADABLE : CMD_OK;
}

static void print_markdown(FILE *f, const void *ctx)
{
	const struct rows *rows = ctx;

	for (size_t i = 0; i < rows->n; i++)
		if (!i || rows->list[i].plan != rows->list[i - 1].plan)
			replay_markdown(f, rows->list[i].plan, rows);
}

static bool write_files(const struct command *c, const struct rows *rows)
{
	bool ok = true;

	if (c->markdown)
		ok &= file_write(c->markdown, print_markdown, rows);

	if (c->plot)
		ok &= replay_plot(c->plot, rows);
	if (c->report)
		ok &= replay_report(c->report, rows, &c->opt);
	return ok;
}

/* ---- instructions ---- */

#define MOST_TRACES 400

static void found(void *ctx, size_t row, double instructions, double misses)
{
	struct options *opt = ctx;

	while (row >= opt->ncounts) {
		opt->counts = xreallocarray(opt->counts, opt->ncounts + 1, sizeof(*opt->counts));
		opt->counts[opt->ncounts++] = -1;
	}
	opt->counts[row] = instructions;
	(void)misses;
}

/* Counts in a process under callgrind, which makes the same rows from the same options. */
static bool count_instructions(struct options *opt, char **traces, int n)
{
	const char *args[MOST_TRACES + 16] = { "replay", "--counted" };
	char foreign[16];
	int k = 2;

	if (n > MOST_TRACES) {
		message("instructions are not counted: more than %d traces", MOST_TRACES);
		return false;
	}
	args[k++] = "--machine";
	args[k++] = opt->machine ? opt->machine->name : "all";
	args[k++] = "--api";
	args[k++] = opt->api == APIS ? "all" : api_name(opt->api);
	if (opt->strict != opt->lazy) {
		args[k++] = "--mode";
		args[k++] = opt->strict ? "strict" : "lazy";
	}
	snprintf(foreign, sizeof(foreign), "%u", opt->foreign);
	args[k++] = "--foreign";
	args[k++] = foreign;
	args[k++] = "--";
	for (int i = 0; i < n; i++)
		args[k++] = traces[i];
	return callgrind_run(args, false, found, opt);
}

/* ---- the command ---- */

static void print_json(const struct rows *rows)
{
	json_t *json = replay_rows(rows);

	rows_print(stdout, json);
	json_decref(json);
}

int cmd_replay(int argc, char **argv)
{
	struct command c = { .opt = { .api = APIS,
				      .strict = true,
				      .lazy = true,
				      .timed = true,
				      .verify = true,
				      .repeat = 5,
				      .foreign = 25 } };
	struct rows rows = { 0 };
	struct plan **plans;
	bool unreadable = false;
	int status, n;

	message_program("dmah replay");
	status = options(argc, argv, &c);
	if (status >= 0)
		return status;
	n = argc - optind;
	/* The process outside reports what cannot be read, and does so once. */
	if (c.opt.under_callgrind && !freopen("/dev/null", "w", stderr))
		return CMD_UNREADABLE;
	if (c.instructions)
		unreadable = !count_instructions(&c.opt, argv + optind, n);
	plans = xcalloc((size_t)n, sizeof(struct plan *));
	progress_begin((size_t)n * plan_rows(&c.opt));
	for (int i = 0; i < n; i++)
		unreadable |= one(argv[optind + i], &c, &rows, &plans[i]) != CMD_OK;
	progress_clear();
	if (c.json)
		print_json(&rows);
	if (rows.n)
		unreadable |= !write_files(&c, &rows);
	/* A table that could not be written whole, on a full disk for example, is an error. */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		message("standard output: %m");
		unreadable = true;
	}
	status = rows_wrong(&rows) ? CMD_FOUND : CMD_OK;
	for (int i = 0; i < n; i++) {
		struct trace *t = plans[i] ? (struct trace *)plans[i]->trace : NULL;

		plan_free(plans[i]);
		trace_close(t);
	}
	free(plans);
	free(rows.list);
	free(c.opt.counts);
	if (c.opt.under_callgrind)
		return CMD_OK;
	/* Failures that were found outweigh traces that could not be read. */
	return status ? status : unreadable ? CMD_UNREADABLE : CMD_OK;
}
