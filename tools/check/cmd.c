// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* dmah check: the command line. */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include "check.h"
#include "cmd.h"
#include "known.h"
#include "outcome.h"
#include "scan.h"

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_KTAP, FORMAT_SARIF, NR_FORMATS };

static const char *const formats[NR_FORMATS] = { "text", "json", "ktap", "sarif" };

struct command {
	struct check_options opt;
	enum format format;
	struct fail_on on;
	struct known *baseline, *suppressions;
	const char *write_baseline;
	json_t *json; /* of FORMAT_JSON and FORMAT_SARIF */
	struct ktap ktap;
	struct known_lines written; /* for --write-baseline */
	bool unreadable;
	size_t failing;
};

static const char usage[] =
	"Usage: dmah check [OPTION]... TRACE...\n"
	"Find misuse of Linux's DMA API in recorded traces.\n\n"
	"What is checked:\n"
	"      --final                  the trace ends with the life of its drivers: mappings and\n"
	"                               allocations that are live then are errors, not notes\n"
	"      --from-start=auto|yes|no does the record of a device begin with the life of its\n"
	"                               driver, so that an unmap of something unknown is an "
	"error?\n"
	"                               auto: if it begins with a map or an allocation and no\n"
	"                               events were lost; yes, no: for all devices, whatever was "
	"lost\n"
	"      --cache-line=BYTES       size of a cache line for shared-line (64)\n"
	"      --boundary=BYTES|none    no segment of a list may cross a multiple of BYTES; K, M, "
	"G\n"
	"                               may follow (4G, Linux's default)\n"
	"How it is reported:\n"
	"      --format=FORMAT          text, json (an array), ktap (kselftest) or sarif (2.1.0)\n"
	"      --json                   the same as --format=json\n"
	"      --fail-on=KIND,...       exit with 1 for these findings only: kinds from the lists\n"
	"                               below, \"errors\" (the default), \"all\" or \"none\"\n"
	"      --suppress=FILE          leave out findings that a line of FILE matches: a KIND, or "
	"*,\n"
	"                               and device=, other=, event=, caller=, map-caller=, task= "
	"with\n"
	"                               wildcards, or dma=, phys=, size= with a number or FROM-TO\n"
	"      --baseline=FILE          findings of an earlier run do not fail: FILE is from\n"
	"                               --write-baseline or --format=json\n"
	"      --write-baseline=FILE    write the findings as a baseline\n"
	"      --help                   this text\n";

static const char usage_end[] =
	"\nA line is a line of the text, or the number of a record of a trace.dat.\n"
	"Exit status: 0 no findings that fail, 1 there are some, 2 wrong use or an unreadable "
	"trace.\n";

static void print_kinds(bool errors)
{
	fputs(errors ? "\nErrors:\n" : "Notes:\n", stdout);
	for (int k = 0; k < NR_FINDING_KINDS; k++) {
		enum finding_kind kind = (enum finding_kind)k;
		const char *what = finding_what(kind), *blank;

		if (finding_is_error_kind(kind) != errors)
			continue;
		printf("  %-21s", finding_name(kind));
		/* wrapped to 90 columns */
		while (strlen(what) > 66 && (blank = memrchr(what, ' ', 66))) {
			printf("%.*s\n%-23s", (int)(blank - what), what, "");
			what = blank + 1;
		}
		puts(what);
	}
}

static int bad_usage(const char *what, const char *value)
{
	if (what)
		fprintf(stderr, "dmah check: %s%s\n", what, value);
	fputs("Try 'dmah check --help'.\n", stderr);
	return CMD_UNREADABLE;
}

static bool word_of(const char *s, const char *const *words, int nr, int *to)
{
	for (int i = 0; i < nr; i++) {
		if (strcmp(s, words[i]) == 0) {
			*to = i;
			return true;
		}
	}
	return false;
}

static bool bytes(const char *s, uint64_t *v)
{
	static const char units[] = "KMG";
	const char *unit;

	if (!scan_decimal(&s, v) || *v == 0)
		return false;
	unit = *s ? strchr(units, *s) : NULL;
	if (unit) {
		unsigned int shift = 10 * (unsigned int)(unit - units + 1);

		if (*v > UINT64_MAX >> shift)
			return false;
		*v <<= shift;
		s++;
	}
	return *s == '\0';
}

static bool cache_line(const char *s, uint32_t *to)
{
	uint64_t v;

	if (!bytes(s, &v) || v > 4096 || v & (v - 1))
		return false;
	*to = (uint32_t)v;
	return true;
}

static bool read_known(const char *path, enum finding_state state, struct known **to)
{
	struct trace_error err;

	known_free(*to);
	*to = known_read(path, state, &err);
	if (!*to)
		fprintf(stderr, "dmah check: %s\n", err.text);
	return *to != NULL;
}

enum {
	OPT_CACHE_LINE = 256,
	OPT_BOUNDARY,
	OPT_FORMAT,
	OPT_FAIL_ON,
	OPT_SUPPRESS,
	OPT_BASELINE,
	OPT_WRITE_BASELINE
};

static const struct option options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "final", no_argument, NULL, 'f' },
	{ "from-start", required_argument, NULL, 's' },
	{ "cache-line", required_argument, NULL, OPT_CACHE_LINE },
	{ "boundary", required_argument, NULL, OPT_BOUNDARY },
	{ "format", required_argument, NULL, OPT_FORMAT },
	{ "fail-on", required_argument, NULL, OPT_FAIL_ON },
	{ "suppress", required_argument, NULL, OPT_SUPPRESS },
	{ "baseline", required_argument, NULL, OPT_BASELINE },
	{ "write-baseline", required_argument, NULL, OPT_WRITE_BASELINE },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* Handle one option. Return: -1 to go on, else an exit status. */
static int option(struct command *c, int o)
{
	static const char *const whens[] = { "auto", "yes", "no" };
	const char *word;
	int v;

	switch (o) {
	case 'j':
		c->format = FORMAT_JSON;
		return -1;
	case 'f':
		c->opt.final = true;
		return -1;
	case 's':
		if (!word_of(optarg, whens, 3, &v))
			return bad_usage("--from-start is auto, yes or no, not ", optarg);
		c->opt.from_start = (enum from_start)v;
		return -1;
	case OPT_CACHE_LINE:
		if (!cache_line(optarg, &c->opt.cache_line))
			return bad_usage("--cache-line is a power of two up to 4096, not ", optarg);
		return -1;
	case OPT_BOUNDARY:
		if (strcmp(optarg, "none") == 0)
			c->opt.boundary = NO_BOUNDARY;
		else if (!bytes(optarg, &c->opt.boundary))
			return bad_usage("--boundary is a number of bytes or none, not ", optarg);
		return -1;
	case OPT_FORMAT:
		if (!word_of(optarg, formats, NR_FORMATS, &v))
			return bad_usage("--format is text, json, ktap or sarif, not ", optarg);
		c->format = (enum format)v;
		return -1;
	case OPT_FAIL_ON:
		word = fail_on_parse(optarg, &c->on);
		return word ? bad_usage("--fail-on has no kind ", word) : -1;
	case OPT_SUPPRESS:
		return read_known(optarg, FINDING_SUPPRESSED, &c->suppressions) ? -1
										: CMD_UNREADABLE;
	case OPT_BASELINE:
		return read_known(optarg, FINDING_KNOWN, &c->baseline) ? -1 : CMD_UNREADABLE;
	case OPT_WRITE_BASELINE:
		c->write_baseline = optarg;
		return -1;
	case 'h':
		fputs(usage, stdout);
		print_kinds(true);
		print_kinds(false);
		fputs(usage_end, stdout);
		return CMD_OK;
	default:
		return bad_usage(NULL, NULL);
	}
}

/* ---- traces ---- */

static void begin_output(struct command *c, int traces)
{
	switch (c->format) {
	case FORMAT_JSON:
		c->json = json_array();
		break;
	case FORMAT_SARIF:
		c->json = sarif_new();
		break;
	case FORMAT_KTAP:
		ktap_begin(&c->ktap, stdout, &c->on, traces);
		break;
	default:
		break;
	}
}

/* Say on standard error what a format for programs has no place for. */
static void remarks(const struct trace *t)
{
	const struct trace_info *in = trace_info(t);

	if (in->cut)
		fprintf(stderr, "dmah check: %s: note: line %llu is cut off and left out\n",
			trace_path(t), (unsigned long long)in->cut);
	if (in->iommu_maps_alone)
		fprintf(stderr,
			"dmah check: %s: note: %llu iommu:map events belong to no dma event, and "
			"nothing is known of their mappings\n",
			trace_path(t), (unsigned long long)in->iommu_maps_alone);
}

static void output(struct command *c, const struct trace *t, const struct findings *fs)
{
	switch (c->format) {
	case FORMAT_JSON:
		json_add(c->json, t, fs);
		remarks(t);
		break;
	case FORMAT_SARIF:
		sarif_add(c->json, t, fs);
		remarks(t);
		break;
	case FORMAT_KTAP:
		ktap_trace(&c->ktap, t, fs);
		break;
	default:
		print_text(stdout, t, fs);
		break;
	}
}

static void end_output(struct command *c)
{
	if (!c->json)
		return;
	json_dumpf(c->json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
	putchar('\n');
	json_decref(c->json);
}

static void check_one(struct command *c, const char *path)
{
	struct findings fs = { 0 };
	struct trace_error err;
	struct trace *t = trace_load(path, &err);

	if (!t) {
		fflush(stdout);
		fprintf(stderr, "dmah check: %s\n", err.text);
		if (c->format == FORMAT_KTAP)
			ktap_unreadable(&c->ktap, path, err.text);
		c->unreadable = true;
		return;
	}
	check_trace(t, &c->opt, &fs);
	if (c->suppressions)
		known_apply(c->suppressions, &fs);
	if (c->baseline)
		known_apply(c->baseline, &fs);
	c->failing += findings_failing(&c->on, &fs);
	output(c, t, &fs);
	if (c->write_baseline)
		known_note(&c->written, &fs);
	findings_free(&fs);
	trace_close(t);
}

static bool write_baseline(struct command *c)
{
	FILE *f;
	bool ok;

	if (!c->write_baseline)
		return true;
	f = fopen(c->write_baseline, "we");
	ok = f && known_write(f, &c->written);
	if (f && fclose(f) != 0)
		ok = false;
	if (!ok)
		fprintf(stderr, "dmah check: %s: %s\n", c->write_baseline, strerror(errno));
	return ok;
}

int cmd_check(int argc, char **argv)
{
	struct command c = { .opt = { .from_start = FROM_START_AUTO }, .on = { .errors = true } };
	int o, status = -1;
	bool written;

	while (status < 0 && (o = getopt_long(argc, argv, "h", options, NULL)) != -1)
		status = option(&c, o);
	if (status < 0 && optind == argc)
		status = bad_usage("no trace given", "");
	if (status >= 0) {
		known_free(c.baseline);
		known_free(c.suppressions);
		return status;
	}
	begin_output(&c, argc - optind);
	for (int i = optind; i < argc; i++)
		check_one(&c, argv[i]);
	end_output(&c);
	if (c.suppressions)
		known_report(c.suppressions, stderr);
	written = write_baseline(&c);
	known_lines_free(&c.written);
	known_free(c.baseline);
	known_free(c.suppressions);
	/* a full disk is not a clean trace */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("dmah check: standard output");
		return CMD_UNREADABLE;
	}
	if (c.unreadable || !written)
		return CMD_UNREADABLE;
	return c.failing ? CMD_FOUND : CMD_OK;
}
