/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The bytes of a trace file, decompressed. */
#ifndef DMAH_TOOLS_TRACE_SOURCE_H
#define DMAH_TOOLS_TRACE_SOURCE_H

#include <sys/types.h>
#include "trace.h"

struct source;

/**
 * source_open() - recognise a file by its first bytes
 * @fd: closed by source_close(), and on failure
 * @name: for messages, copied
 * @err: filled in on failure
 */
struct source *source_open(int fd, const char *name, struct trace_error *err);

/** source_is_dat() - are the decompressed bytes those of a trace.dat? */
bool source_is_dat(const struct source *s);

/** source_part() - Returns the part of the file that was read, 0 to 1; negative where unknown. */
double source_part(const struct source *s);

/** source_foreign() - Returns what a file of a known format is that cannot be read, or NULL. */
const char *source_foreign(const struct source *s);

/**
 * source_line() - the next line, without its end
 * @s: source
 * @line: into the source's buffer, 0-terminated, valid until the next call
 * @len: without the terminator
 * @ended: did the file have an end of line there?
 * @err: filled in on failure: damaged compression, or a line of over 16 MiB
 *
 * Return: 1, 0 at the end of the file, -1.
 */
int source_line(struct source *s, char **line, size_t *len, bool *ended, struct trace_error *err);

/**
 * source_file() - all bytes as a file that can be sought in
 * @s: source of which no line has been read
 * @err: filled in on failure
 *
 * A plain file is itself; else the bytes go to memory that has no name.
 *
 * Return: a file descriptor at offset 0, owned by the caller, or -1.
 */
int source_file(struct source *s, struct trace_error *err);

void source_close(struct source *s);

#endif
