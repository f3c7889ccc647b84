// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* dmah record: the command line. */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include "cmd.h"
#include "out.h"
#include "run.h"
#include "say.h"

#define MOST_BUFFER (16ul * 1024 * 1024)

static const char usage[] =
	"Usage: dmah record [OPTION]... [-- COMMAND [ARGUMENT]...]\n"
	"Record the calls of the DMA API on this machine: while COMMAND runs, for --seconds, or\n"
	"until Ctrl-C.\n\n"
	"      --output=FILE    file to write; \"-\" is standard output [dmah-trace.txt.zst].\n"
	"                       FILE.xz, FILE.gz, FILE.zst are compressed\n"
	"      --format=FORMAT  text or dat [dat if FILE ends in .dat, also before .xz and so on]\n"
	"      --seconds=N      stop after N seconds; COMMAND goes on and is waited for\n"
	"      --stacks         a stack trace with each event: readers then name the caller\n"
	"      --buffer=SIZE    KiB of the kernel's buffer for each CPU, or with M: MiB [a part "
	"of\n"
	"                       the free memory, up to 16M, with --stacks up to 64M]\n"
	"      --source=SOURCE  events: the kernel's dma events (Linux 6.12 and newer);\n"
	"                       kprobes: probes on its functions (x86-64);\n"
	"                       auto: events, or else kprobes [auto]\n"
	"      --iommu          the events iommu:map and iommu:unmap, too\n"
	"      --list           only print what this machine can record, and what is missing\n"
	"      --tracefs=DIR    where tracefs is mounted [/sys/kernel/tracing]\n"
	"      --json           print a summary as a JSON object; COMMAND's standard output then\n"
	"                       goes to standard error\n"
	"      --help           this text\n"
	"      --version        the version\n\n"
	"It needs root. Everything it changes in the kernel is undone when it ends.\n"
	"Exit status: 0 recorded; 1 recorded, but COMMAND failed or nothing happened; 2 wrong "
	"use,\n"
	"or it could not be recorded.\n";

int say(const char *fmt, ...)
{
	va_list ap;

	fputs("dmah record: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return -1;
}

static int bad_usage(const char *what, const char *value)
{
	if (what)
		say("%s%s", what, value);
	fputs("Try 'dmah record --help'.\n", stderr);
	return CMD_UNREADABLE;
}

static bool parse_seconds(const char *s, double *to)
{
	char *end;

	errno = 0;
	*to = strtod(s, &end);
	return !errno && end != s && !*end && isfinite(*to) && *to > 0 && *to <= 1e9;
}

static bool parse_buffer(const char *s, unsigned long *to)
{
	unsigned long factor = 1;
	char *end;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	*to = strtoul(s, &end, 10);
	if (*end == 'M' || *end == 'm')
		factor = 1024;
	if (factor > 1 || *end == 'K' || *end == 'k')
		end++;
	if (errno || *end || !*to || *to > MOST_BUFFER / factor)
		return false;
	*to *= factor;
	return true;
}

static bool parse_source(const char *s, enum source *to)
{
	static const char *const names[] = { "auto", "events", "kprobes" };

	for (int i = 0; i < 3; i++) {
		if (strcmp(s, names[i]) == 0) {
			*to = (enum source)i;
			return true;
		}
	}
	return false;
}

static bool ends_dat(const char *path)
{
	size_t n = out_name(path);

	return n > 4 && memcmp(path + n - 4, ".dat", 4) == 0;
}

/* ---- sources ---- */

static json_t *reason(enum missing m)
{
	return m ? json_string(missing_what(m)) : json_null();
}

static int list(const struct ability *a, bool json)
{
	bool ok = !a->events || !a->kprobes;
	struct utsname u = { 0 };

	uname(&u);
	if (json) {
		json_t *o = json_object();

		json_object_set_new(o, "possible", json_boolean(ok));
		json_object_set_new(o, "kernel", json_string(u.release));
		json_object_set_new(o, "machine", json_string(u.machine));
		json_object_set_new(o, "tracefs",
				    a->fs.root[0] ? json_string(a->fs.root) : json_null());
		json_object_set_new(o, "missing_events", reason(a->events));
		json_object_set_new(o, "missing_kprobes", reason(a->kprobes));
		json_object_set_new(o, "iommu", json_boolean(a->iommu));
		json_object_set_new(o, "lockdown", json_boolean(a->lockdown));
		json_dumpf(o, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(o);
	} else {
		printf("kernel        Linux %s %s\n", u.release, u.machine);
		printf("tracefs       %s\n", a->tracefs ? missing_what(a->tracefs) : a->fs.root);
		printf("dma events    %s\n", missing_what(a->events));
		printf("kprobes       %s\n", missing_what(a->kprobes));
		printf("iommu events  %s\n", a->iommu ? "available" : "none");
		if (a->lockdown)
			puts("lockdown      the kernel is locked down and may refuse: see "
			     "kernel_lockdown(7)");
		if (ok)
			printf("so dmah record takes %s\n",
			       a->events ? "probes" : "the kernel's dma events");
		else
			puts("so nothing can be recorded");
	}
	if (fflush(stdout) != 0 || ferror(stdout))
		return CMD_UNREADABLE;
	return ok ? CMD_OK : CMD_UNREADABLE;
}

/* ---- summary ---- */

static void summary(const struct run_options *opt, const struct run_result *r, bool json)
{
	struct utsname u = { 0 };
	json_t *o;

	uname(&u);
	if (!json) {
		say("%" PRIu64 " events of %.1f s, from %s, in %s", r->events, r->seconds,
		    r->source == SOURCE_KPROBES ? "probes" : "the kernel's dma events",
		    strcmp(opt->output, "-") == 0 ? "standard output" : opt->output);
		return;
	}
	o = json_object();
	json_object_set_new(o, "output", json_string(opt->output));
	json_object_set_new(o, "format", json_string(opt->dat ? "dat" : "text"));
	json_object_set_new(o, "source",
			    json_string(r->source == SOURCE_KPROBES ? "kprobes" : "events"));
	json_object_set_new(o, "kernel", json_string(u.release));
	json_object_set_new(o, "seconds", json_real(r->seconds));
	json_object_set_new(o, "events", json_integer((json_int_t)r->events));
	json_object_set_new(o, "lost", json_integer((json_int_t)r->losses.lost));
	json_object_set_new(o, "missed", json_integer((json_int_t)r->losses.missed));
	json_object_set_new(o, "bytes", json_integer((json_int_t)r->bytes));
	json_object_set_new(o, "without", json_string(r->left_out));
	json_object_set_new(o, "command_status",
			    r->exited >= 0 ? json_integer(r->exited) : json_null());
	json_object_set_new(o, "command_signal", r->signal ? json_integer(r->signal) : json_null());
	json_dumpf(o, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	putchar('\n');
	json_decref(o);
}

static int result(const struct run_options *opt, const struct run_result *r, bool json)
{
	int status = CMD_OK;

	summary(opt, r, json);
	if (json && (fflush(stdout) != 0 || ferror(stdout))) {
		perror("dmah record: standard output");
		return CMD_UNREADABLE;
	}
	if (r->losses.lost)
		say("warning: %" PRIu64 " events were lost: the buffer of %lu KiB for each CPU was "
		    "too small (--buffer)",
		    r->losses.lost, r->buffer);
	if (r->losses.missed)
		say("warning: %" PRIu64 " probes were missed: readers will find calls without "
		    "an end",
		    r->losses.missed);
	if (r->long_lists)
		say("warning: %" PRIu64 " scatter lists had 500 entries or more, up to %" PRIu64
		    ": the kernel drops the record of an unmap that does not fit into a page of "
		    "its "
		    "buffer; --format=dat uses larger pages",
		    r->long_lists, r->longest_list);
	if (r->left_out[0])
		say("note: this kernel does not have %s", r->left_out);
	if (!r->events) {
		say("nothing happened: no driver called the DMA API");
		status = CMD_FOUND;
	}
	if (r->exited > 0)
		say("%s ended with status %d", opt->command[0], r->exited);
	if (r->signal)
		say("%s was ended by signal %d", opt->command[0], r->signal);
	return r->exited > 0 || r->signal ? CMD_FOUND : status;
}

int cmd_record(int argc, char **argv)
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "format", required_argument, NULL, 'f' },
		{ "seconds", required_argument, NULL, 's' },
		{ "buffer", required_argument, NULL, 'b' },
		{ "source", required_argument, NULL, 'S' },
		{ "iommu", no_argument, NULL, 'i' },
		{ "stacks", no_argument, NULL, 'k' },
		{ "list", no_argument, NULL, 'l' },
		{ "tracefs", required_argument, NULL, 't' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	struct run_options opt = { .buffer = 0 };
	const char *format = NULL, *tracefs = NULL;
	bool only_list = false, json = false;
	struct run_result res;
	struct ability a;
	int o;

	/* '+': options after COMMAND are the command's */
	while ((o = getopt_long(argc, argv, "+h", options, NULL)) != -1) {
		switch (o) {
		case 'o':
			opt.output = optarg;
			break;
		case 'f':
			format = optarg;
			break;
		case 's':
			if (!parse_seconds(optarg, &opt.seconds))
				return bad_usage("--seconds is a number above 0, not ", optarg);
			break;
		case 'b':
			if (!parse_buffer(optarg, &opt.buffer))
				return bad_usage("--buffer is KiB, or MiB with M, up to 16384M, "
						 "not ",
						 optarg);
			break;
		case 'S':
			if (!parse_source(optarg, &opt.source))
				return bad_usage("--source is auto, events or kprobes, not ",
						 optarg);
			break;
		case 'i':
			opt.iommu = true;
			break;
		case 'k':
			opt.stacks = true;
			break;
		case 'l':
			only_list = true;
			break;
		case 't':
			tracefs = optarg;
			break;
		case 'j':
			json = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return CMD_OK;
		case 'V':
			puts("dmah " DMAH_VERSION);
			return CMD_OK;
		default:
			return bad_usage(NULL, NULL);
		}
	}
	if (format && strcmp(format, "text") != 0 && strcmp(format, "dat") != 0)
		return bad_usage("--format is text or dat, not ", format);
	ability_find(&a, tracefs);
	if (only_list)
		return list(&a, json);
	if (!opt.output)
		opt.output = format && strcmp(format, "dat") == 0 ? "dmah-trace.dat.zst"
								  : "dmah-trace.txt.zst";
	opt.dat = format ? strcmp(format, "dat") == 0 : ends_dat(opt.output);
	if (json && strcmp(opt.output, "-") == 0)
		return bad_usage("--json and --output=- both want standard output", "");
	if (optind < argc)
		opt.command = argv + optind;
	opt.quiet = json || strcmp(opt.output, "-") == 0;
	if (run(&opt, &a, &res) < 0)
		return CMD_UNREADABLE;
	return result(&opt, &res, json);
}
