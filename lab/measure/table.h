/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Tables over JSON rows, for terminals, HTML and Markdown. */
#ifndef DMAH_MEASURE_TABLE_H
#define DMAH_MEASURE_TABLE_H

#include "rows.h"

/**
 * struct column - a column of a table.
 * @key: of the value in each row.
 * @head: heading in HTML and Markdown.
 * @brief: heading on a terminal; NULL: @head.
 * @left: text, aligned to the left; numbers are aligned to the right.
 * @decimals: of a real number.
 * @suffix: behind each number, for example "x"; may be NULL.
 * @none: cell of a row without this value; NULL: "-".
 * @zero: cell of the value 0; NULL: "0".
 * @bad: a number above 0 is a failure; HTML marks its cell.
 * @verdict: HTML colours a cell "yes" or "no".
 * @optional: the column is left out where no row has the value.
 */
struct column {
	const char *key;
	const char *head;
	const char *brief;
	bool left;
	unsigned int decimals;
	const char *suffix;
	const char *none;
	const char *zero;
	bool bad;
	bool verdict;
	bool optional;
};

/**
 * struct table - the form of a table.
 * @columns: from left to right; ends with a column without key.
 * @group: number of leading columns whose equal values make neighbouring rows a group; 0: no groups.
 * @once: only the first row of a group has the values of those columns.
 */
struct table {
	const struct column *columns;
	unsigned int group;
	bool once;
};

/** TABLE_COLUMNS - most columns of a table. */
#define TABLE_COLUMNS 24u

/** table_text() - Prints a table for a terminal, each line after @indent spaces. */
void table_text(FILE *f, const struct table *t, const json_t *rows, unsigned int indent);

/** table_html() - Prints an HTML table. */
void table_html(FILE *f, const struct table *t, const json_t *rows);

/** table_markdown() - Prints a Markdown table; rows with the note "_strong" are bold, large numbers have commas. */
void table_markdown(FILE *f, const struct table *t, const json_t *rows);

/** html_text() - Prints text with the characters escaped that HTML reserves. */
void html_text(FILE *f, const char *text);

#endif
