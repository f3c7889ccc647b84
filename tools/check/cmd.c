// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* dmah check: the command line. */
#define _GNU_SOURCE
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include "check.h"
#include "cmd.h"

static const char usage[] =
	"Usage: dmah check [OPTION]... TRACE...\n"
	"Find misuse of Linux's DMA API in recorded traces.\n\n"
	"      --json                   print the findings as a JSON array\n"
	"      --final                  the trace ends with the life of its drivers: what is then\n"
	"                               still mapped or allocated is an error, else only noted\n"
	"      --from-start=auto|yes|no does the record of a device begin with the life of its\n"
	"                               driver, so that an unmap of something unknown is an "
	"error?\n"
	"                               auto: if it begins with a map or an allocation and no "
	"events\n"
	"                               were lost; yes, no: for all devices, whatever was lost\n"
	"      --help                   this text\n\n"
	"Errors:\n"
	"  double-unmap        unmapped or freed twice\n"
	"  unmap-unknown       unmapped or freed, but never mapped, or by the wrong function\n"
	"  size-mismatch       unmapped with another size, or number of entries, than mapped\n"
	"  direction-mismatch  unmapped in another direction than mapped\n"
	"  sync-out-of-range   a sync reaches outside the mapping\n"
	"  sync-unmapped       a sync where nothing is mapped\n"
	"  sync-direction      a sync in another direction than mapped\n"
	"  use-of-failed-map   an unmap or sync of a mapping that failed\n"
	"  overlap             two live mappings share bytes, and a device may write to one\n"
	"Notes:\n"
	"  exposure            per device: pages left in reach by other mappings of them, and "
	"bytes\n"
	"                      beside mappings that the granule exposes\n"
	"  shared-line         two live mappings share a cache line, and a device may write to "
	"one\n"
	"  live-at-end         mapped or allocated when the trace ends (an error with --final)\n"
	"  lost-events         the record has holes: errors after them are only noted\n\n"
	"A line is a line of the text, or the number of a record of a trace.dat.\n"
	"Exit status: 0 no errors, 1 errors were found, 2 wrong use or an unreadable trace.\n";

static int bad_usage(const char *what, const char *value)
{
	if (what)
		fprintf(stderr, "dmah check: %s%s\n", what, value);
	fputs("Try 'dmah check --help'.\n", stderr);
	return CMD_UNREADABLE;
}

static bool from_start(const char *s, enum from_start *to)
{
	static const char *const names[] = { "auto", "yes", "no" };

	for (unsigned int i = 0; i < 3; i++) {
		if (strcmp(s, names[i]) == 0) {
			*to = (enum from_start)i;
			return true;
		}
	}
	return false;
}

int cmd_check(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "final", no_argument, NULL, 'f' },
		{ "from-start", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct check_options opt = { .from_start = FROM_START_AUTO };
	bool json = false, unreadable = false;
	json_t *array = NULL;
	size_t errors = 0;
	int o;

	while ((o = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (o) {
		case 'j':
			json = true;
			break;
		case 'f':
			opt.final = true;
			break;
		case 's':
			if (!from_start(optarg, &opt.from_start))
				return bad_usage("--from-start is auto, yes or no, not ", optarg);
			break;
		case 'h':
			fputs(usage, stdout);
			return CMD_OK;
		default:
			return bad_usage(NULL, NULL);
		}
	}
	if (optind == argc)
		return bad_usage("no trace given", "");
	if (json)
		array = json_array();
	for (int i = optind; i < argc; i++) {
		struct findings fs = { 0 };
		struct trace_error err;
		struct trace *t = trace_load(argv[i], &err);

		if (!t) {
			fflush(stdout);
			fprintf(stderr, "dmah check: %s\n", err.text);
			unreadable = true;
			continue;
		}
		check_trace(t, &opt, &fs);
		errors += findings_errors(&fs);
		if (json) {
			json_add(array, t, &fs);
			if (trace_info(t)->cut)
				fprintf(stderr,
					"dmah check: %s: note: line %llu is cut off and left out\n",
					trace_path(t), (unsigned long long)trace_info(t)->cut);
		} else {
			print_text(stdout, t, &fs);
		}
		findings_free(&fs);
		trace_close(t);
	}
	if (json) {
		json_dumpf(array, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
		putchar('\n');
		json_decref(array);
	}
	/* a full disk is not a clean trace */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("dmah check: standard output");
		return CMD_UNREADABLE;
	}
	if (unreadable)
		return CMD_UNREADABLE;
	return errors ? CMD_FOUND : CMD_OK;
}
