/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* A file that is written from beginning to end, compressed as its name ends. */
#ifndef DMAH_TOOLS_RECORD_OUT_H
#define DMAH_TOOLS_RECORD_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct out;

/** out_open() - begin a file, "-" is the standard output. Return: NULL if the reason was printed. */
struct out *out_open(const char *path);

/** out_write() - add bytes. After a failure, which is printed once, it does nothing. Return: 0 or -1. */
int out_write(struct out *o, const void *p, size_t n);

/**
 * out_close() - end the file
 * @o: may be NULL
 * @keep: false: take it away again, if it is a file
 * @bytes: how many there are in the file, may be NULL
 *
 * Return: 0, or -1 if not everything could be written.
 */
int out_close(struct out *o, bool keep, uint64_t *bytes);

/** out_name() - Returns the length of the name without .xz, .gz or .zst. */
size_t out_name(const char *path);

#endif
