// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "rows.h"

#include <math.h>
#include <string.h>

#include "file.h"
#include "message.h"

/* Digits of a real number: enough for nanoseconds of a second, with two decimals. */
#define PRECISION 11

void row_text(json_t *row, const char *key, const char *text)
{
	json_t *value = text ? json_string(text) : json_null();
	char safe[512];
	size_t n = 0;

	for (; !value && *text && n < sizeof(safe) - 1; text++)
		safe[n++] = (unsigned char)*text < 0x80 ? *text : '?';
	safe[n] = '\0';
	json_object_set_new(row, key, value ? value : json_string(safe));
}

void row_integer(json_t *row, const char *key, uint64_t n)
{
	json_object_set_new(row, key, json_integer((json_int_t)n));
}

void row_flag(json_t *row, const char *key, bool flag)
{
	json_object_set_new(row, key, json_boolean(flag));
}

void row_real(json_t *row, const char *key, double v, unsigned int decimals)
{
	double unit = pow(10, decimals);

	json_object_set_new(row, key, v < 0 ? json_null() : json_real(round(v * unit) / unit));
}

static json_t *without_notes(const json_t *row)
{
	json_t *copy = json_object(), *value;
	const char *key;

	json_object_foreach((json_t *)(uintptr_t)row, key, value)
	{
		if (key[0] != '_')
			json_object_set(copy, key, value);
	}
	return copy;
}

void rows_print(FILE *f, const json_t *rows)
{
	size_t n = json_array_size(rows);

	fputs(n ? "[\n" : "[", f);
	for (size_t i = 0; i < n; i++) {
		json_t *row = without_notes(json_array_get(rows, i));

		json_dumpf(row, f, JSON_REAL_PRECISION(PRECISION));
		fputs(i + 1 < n ? ",\n" : "\n", f);
		json_decref(row);
	}
	fputs("]\n", f);
}

static void print(FILE *f, const void *rows)
{
	rows_print(f, rows);
}

bool rows_write(const char *path, const json_t *rows)
{
	return file_write(path, print, rows);
}

json_t *rows_read(const char *path)
{
	json_error_t err;
	json_t *rows = json_load_file(path, 0, &err);

	if (!rows) {
		if (err.line > 0)
			message("cannot read %s: line %d: %s", path, err.line, err.text);
		else
			message("%s", err.text);
		return NULL;
	}
	for (size_t i = 0; i < json_array_size(rows); i++) {
		if (json_is_object(json_array_get(rows, i)))
			continue;
		message("cannot read %s: element %zu is not a row", path, i);
		json_decref(rows);
		return NULL;
	}
	if (json_is_array(rows))
		return rows;
	message("cannot read %s: not an array of rows", path);
	json_decref(rows);
	return NULL;
}
