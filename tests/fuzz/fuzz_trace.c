// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Read any bytes as a trace: the readers, the rules of dmah check and all its outputs must neither
 * crash nor leak.
 *
 * A trace.dat is parsed by libtracecmd in a child process (tools/trace/dat.c), which may die of
 * what it reads; here the parent is tested, which must report that and go on.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <jansson.h>
#include "check.h"
#include "known.h"
#include "outcome.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void print_all(FILE *null, const struct trace *t, const struct findings *fs)
{
	const struct fail_on on = { .errors = true };
	json_t *array = json_array(), *log = sarif_new();
	struct known_lines lines = { 0 };
	struct ktap ktap;

	json_add(array, t, fs);
	sarif_add(log, t, fs);
	if (json_array_size(array) != fs->nr || json_dumpf(array, null, 0) < 0 ||
	    json_dumpf(log, null, 0) < 0)
		abort();
	json_decref(array);
	json_decref(log);
	ktap_begin(&ktap, null, &on, 1);
	ktap_trace(&ktap, t, fs);
	known_note(&lines, fs);
	known_write(null, &lines);
	known_lines_free(&lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *null;
	const struct check_options opt = { .from_start = (enum from_start)(size % 3) };
	struct findings fs = { 0 };
	struct trace_error err = { "" };
	struct trace *t;
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (!null)
		null = fopen("/dev/null", "w");
	if (fd < 0 || !null || write(fd, data, size) != (ssize_t)size ||
	    lseek(fd, 0, SEEK_SET) != 0)
		abort();
	t = trace_load_fd(fd, "fuzz", &err);
	if (!t) {
		/* a refusal always says why */
		if (!err.text[0])
			abort();
		return 0;
	}
	check_trace(t, &opt, &fs);
	print_text(null, t, &fs);
	print_all(null, t, &fs);
	findings_free(&fs);
	trace_close(t);
	return 0;
}
