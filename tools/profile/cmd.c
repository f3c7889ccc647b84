// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* dmah profile: the command line. */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>
#include "cmd.h"
#include "profile.h"

static const char usage[] =
	"Usage: dmah profile [OPTION]... TRACE\n"
	"Sum up what DMA mapping does on a machine, for each device and caller: maps, bytes, "
	"sizes,\n"
	"directions, live mappings, lifetimes, memory mapped again and again, bounces, syncs, "
	"lists,\n"
	"exposure, and the estimated cost of lookups. Callers need a trace with stacks (dmah "
	"record\n"
	"--stacks).\n\n"
	"      --json         print a JSON object\n"
	"      --report=FILE  write a page with plots, one self-contained HTML file\n"
	"      --help         this text\n\n"
	"Exit status: 0 done, 2 wrong use, or a trace or a file that cannot be read or written.\n";

static int bad_usage(const char *what)
{
	if (what)
		fprintf(stderr, "dmah profile: %s\n", what);
	fputs("Try 'dmah profile --help'.\n", stderr);
	return CMD_UNREADABLE;
}

static void show_progress(double part, uint64_t events)
{
	if (part < 0)
		fprintf(stderr, "\rdmah profile: %" PRIu64 " events ", events);
	else
		fprintf(stderr, "\rdmah profile: %3.0f %%, %" PRIu64 " events ", part * 100,
			events);
}

static struct trace *load(const char *path)
{
	bool terminal = isatty(STDERR_FILENO);
	struct trace_error err;
	struct trace *t;

	if (terminal)
		trace_on_progress(show_progress);
	t = trace_load(path, &err);
	trace_on_progress(NULL);
	if (terminal)
		fputs("\r\033[K", stderr);
	if (!t)
		fprintf(stderr, "dmah profile: %s\n", err.text);
	return t;
}

static bool write_report(const char *path, const struct profile *p)
{
	FILE *f = fopen(path, "we");
	bool ok = f;

	if (f) {
		profile_html(f, p);
		ok = !ferror(f);
		if (fclose(f) != 0)
			ok = false;
	}
	if (!ok)
		fprintf(stderr, "dmah profile: %s: %s\n", path, strerror(errno));
	return ok;
}

int cmd_profile(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "report", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *report = NULL;
	bool json = false, ok = true;
	struct profile *p;
	struct trace *t;
	int o;

	while ((o = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (o) {
		case 'j':
			json = true;
			break;
		case 'r':
			report = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return CMD_OK;
		default:
			return bad_usage(NULL);
		}
	}
	if (optind + 1 != argc)
		return bad_usage(optind == argc ? "no trace given" : "more than one trace given");
	t = load(argv[optind]);
	if (!t)
		return CMD_UNREADABLE;
	p = profile_trace(t);
	if (json)
		profile_json(stdout, p);
	else
		profile_text(stdout, p);
	if (report)
		ok = write_report(report, p);
	profile_free(p);
	trace_close(t);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("dmah profile: standard output");
		return CMD_UNREADABLE;
	}
	return ok ? CMD_OK : CMD_UNREADABLE;
}
