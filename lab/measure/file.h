/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Files that a measuring program writes. */
#ifndef DMAH_MEASURE_FILE_H
#define DMAH_MEASURE_FILE_H

#include <stdbool.h>
#include <stdio.h>

/**
 * file_write() - Writes a file.
 * @path: the file; "-" is standard output.
 * @print: prints its content.
 * @ctx: for @print.
 *
 * Return: false on an error, after a message.
 */
bool file_write(const char *path, void (*print)(FILE *f, const void *ctx), const void *ctx);

#endif
