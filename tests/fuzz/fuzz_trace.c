// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Any bytes as a trace: the readers and the rules of dmah check must neither crash nor leak.
 *
 * A trace.dat is parsed by libtracecmd in a child process (tools/trace/dat.c), which may die of
 * what it reads; here the parent is tested, which must report that and go on.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
	findings_free(&fs);
	trace_close(t);
	return 0;
}
