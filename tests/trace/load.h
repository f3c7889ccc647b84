/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Traces out of memory, for tests. */
#ifndef DMAH_TESTS_TRACE_LOAD_H
#define DMAH_TESTS_TRACE_LOAD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>
#include "trace.h"

/* A file without a name that holds these bytes, at offset 0 */
static inline int file_of(const void *bytes, size_t n)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static inline struct trace *load_bytes(const void *bytes, size_t n, struct trace_error *err)
{
	memset(err, 0, sizeof(*err));
	return trace_load_fd(file_of(bytes, n), "mem", err);
}

/* A text that must be readable */
static inline struct trace *load_text(const char *text)
{
	struct trace_error err;
	struct trace *t = load_bytes(text, strlen(text), &err);

	if (!t)
		fail_msg("%s", err.text);
	return t;
}

/* Bytes that must not be readable, for a reason of which the message has this part */
static inline void refuse_bytes(const void *bytes, size_t n, const char *why)
{
	struct trace_error err;
	struct trace *t = load_bytes(bytes, n, &err);

	if (t) {
		trace_close(t);
		fail_msg("was read, instead of: %s", why);
	}
	if (!strstr(err.text, why) || strncmp(err.text, "mem: ", 5) != 0)
		fail_msg("the message is \"%s\", without \"%s\"", err.text, why);
}

static inline void refuse_text(const char *text, const char *why)
{
	refuse_bytes(text, strlen(text), why);
}

#endif
