/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Rows: the results of a measuring program, as an array of JSON objects. Tables, reports and documents are made of them.
 *
 * Keys that begin with "_" are notes for the tables and are not written to files:
 *	"_strong": true for a row that is to be seen at once.
 */
#ifndef DMAH_MEASURE_ROWS_H
#define DMAH_MEASURE_ROWS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/** row_text() - Sets a text; NULL is null. Bytes that are not UTF-8 become "?": a path may have any. */
void row_text(json_t *row, const char *key, const char *text);

/** row_integer() - Sets an integer. */
void row_integer(json_t *row, const char *key, uint64_t n);

/** row_flag() - Sets true or false. */
void row_flag(json_t *row, const char *key, bool flag);

/** row_real() - Sets a number, rounded to @decimals; null if @v is negative, which stands for "not measured". */
void row_real(json_t *row, const char *key, double v, unsigned int decimals);

/** rows_print() - Writes an array of rows, one row a line, without the notes. */
void rows_print(FILE *f, const json_t *rows);

/** rows_write() - Writes rows into a file. Return: false on an error, after a message. */
bool rows_write(const char *path, const json_t *rows);

/** rows_read() - Reads an array of rows from a file. Return: NULL on an error, after a message. */
json_t *rows_read(const char *path);

#endif
