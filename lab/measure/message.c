// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "progress.h"

static const char *program = "dmah";

void message_program(const char *name)
{
	program = name;
}

void message(const char *format, ...)
{
	int err = errno;
	va_list args;

	progress_clear();
	fflush(stdout);
	fprintf(stderr, "%s: ", program);
	errno = err;
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

void *must(void *p)
{
	if (!p) {
		message("out of memory");
		exit(2);
	}
	return p;
}
