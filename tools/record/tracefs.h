/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Files of tracefs, the kernel's interface to tracing (Documentation/trace/ftrace.rst). */
#ifndef DMAH_TOOLS_RECORD_TRACEFS_H
#define DMAH_TOOLS_RECORD_TRACEFS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/** struct tracefs - place of tracefs */
struct tracefs {
	char root[1024];
};

/** enum tracefs_state - result of tracefs_find() */
enum tracefs_state {
	TRACEFS_FOUND,
	TRACEFS_ABSENT, /* nowhere mounted */
	TRACEFS_FORBIDDEN, /* there, but not for this user */
};

/**
 * tracefs_find() - look for tracefs
 * @fs: filled in, also where the state is TRACEFS_FORBIDDEN
 * @root: mount point, or NULL: one of the usual places
 */
enum tracefs_state tracefs_find(struct tracefs *fs, const char *root);

/*
 * Files are named by a format below the root. Those that return int return 0, or -1 with errno set;
 * they say nothing.
 */

/** tracefs_path() - write the whole name of a file. Returns false if it is too long. */
__attribute__((format(printf, 4, 5))) bool tracefs_path(const struct tracefs *fs, char *to,
							size_t cap, const char *fmt, ...);

/** tracefs_has() - Returns true if there is such a file. */
__attribute__((format(printf, 2, 3))) bool tracefs_has(const struct tracefs *fs, const char *fmt,
						       ...);

/** tracefs_open() - open a file. Return: a file descriptor, or -1 and errno. */
__attribute__((format(printf, 3, 4))) int tracefs_open(const struct tracefs *fs, int flags,
						       const char *fmt, ...);

/**
 * tracefs_read() - a whole file, as text
 * @fs: tracefs
 * @len: length without the terminator, may be NULL
 *
 * Return: the text, to be freed; NULL and errno.
 */
__attribute__((format(printf, 3, 4))) char *tracefs_read(const struct tracefs *fs, size_t *len,
							 const char *fmt, ...);

/** tracefs_write() - set a file to a text */
__attribute__((format(printf, 3, 4))) int tracefs_write(const struct tracefs *fs, const char *text,
							const char *fmt, ...);

/**
 * tracefs_append() - add a line to a file such as kprobe_events, which forgets all that it has when
 * it is written in any other way
 */
int tracefs_append(const struct tracefs *fs, const char *text, const char *file);

#endif
