// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "table.h"

#include <stdlib.h>
#include <string.h>

#define CELL 256u

/* ---- cells ---- */

/* Inserts commas into the integer part of the number in @cell. */
static void add_commas(char *cell)
{
	size_t begin = cell[0] == '-', digits = strspn(cell + begin, "0123456789");

	while (digits > 3 && strlen(cell) + 1 < CELL) {
		char *at = cell + begin + digits - 3;

		memmove(at + 1, at, strlen(at) + 1);
		*at = ',';
		digits -= 3;
	}
}

static void format_number(char *cell, const struct column *c, const json_t *value, bool commas)
{
	if (json_is_integer(value))
		snprintf(cell, CELL, "%lld", (long long)json_integer_value(value));
	else
		snprintf(cell, CELL, "%.*f", (int)c->decimals, json_real_value(value));
	if (commas)
		add_commas(cell);
	if (c->suffix)
		strncat(cell, c->suffix, CELL - 1 - strlen(cell));
}

static void format_cell(char *cell, const struct column *c, const json_t *row, bool commas)
{
	const json_t *value = json_object_get(row, c->key);

	if (!value || json_is_null(value))
		snprintf(cell, CELL, "%s", c->none ? c->none : "-");
	else if (json_is_string(value))
		snprintf(cell, CELL, "%s", json_string_value(value));
	else if (json_is_boolean(value))
		snprintf(cell, CELL, "%s", json_is_true(value) ? "yes" : "no");
	else if (c->zero && json_number_value(value) == 0)
		snprintf(cell, CELL, "%s", c->zero);
	else
		format_number(cell, c, value, commas);
}

/* ---- columns and groups ---- */

static bool has_value(const struct column *c, const json_t *rows)
{
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *value = json_object_get(json_array_get(rows, i), c->key);

		if (value && !json_is_null(value))
			return true;
	}
	return false;
}

/* Lists the columns that are shown, by index. Return: how many there are. */
static unsigned int shown(unsigned int *list, const struct table *t, const json_t *rows)
{
	unsigned int n = 0;

	for (unsigned int i = 0; t->columns[i].key && n < TABLE_COLUMNS; i++)
		if (!t->columns[i].optional || has_value(&t->columns[i], rows))
			list[n++] = i;
	return n;
}

static bool begins_group(const struct table *t, const json_t *rows, size_t i)
{
	if (!i || !t->group)
		return i == 0;
	for (unsigned int k = 0; k < t->group; k++) {
		const char *key = t->columns[k].key;

		if (!json_equal(json_object_get(json_array_get(rows, i), key),
				json_object_get(json_array_get(rows, i - 1), key)))
			return true;
	}
	return false;
}

/* Returns true where the cell repeats the one above, which the table leaves blank. */
static bool repeats(const struct table *t, unsigned int column, bool first)
{
	return t->once && !first && column < t->group;
}

static bool strong(const json_t *row)
{
	return json_is_true(json_object_get(row, "_strong"));
}

/* ---- terminals ---- */

static const char *brief(const struct column *c)
{
	return c->brief ? c->brief : c->head;
}

static void text_line(FILE *f, unsigned int indent, char (*cells)[CELL], const size_t *width,
		      const struct table *t, const unsigned int *list, unsigned int n)
{
	/* Spaces are printed before the next cell only, so that no line ends with one. */
	size_t spaces = indent;

	for (unsigned int i = 0; i < n; i++) {
		size_t pad = width[i] - strlen(cells[i]);

		if (!t->columns[list[i]].left)
			spaces += pad;
		if (cells[i][0]) {
			fprintf(f, "%*s%s", (int)spaces, "", cells[i]);
			spaces = 0;
		}
		if (t->columns[list[i]].left)
			spaces += pad;
		spaces += i + 1 < n && t->columns[list[i]].left && t->columns[list[i + 1]].left ? 1
												: 2;
	}
	fputc('\n', f);
}

void table_text(FILE *f, const struct table *t, const json_t *rows, unsigned int indent)
{
	unsigned int list[TABLE_COLUMNS], n = shown(list, t, rows);
	size_t width[TABLE_COLUMNS];
	char cells[TABLE_COLUMNS][CELL];

	for (unsigned int i = 0; i < n; i++) {
		width[i] = strlen(brief(&t->columns[list[i]]));
		for (size_t k = 0; k < json_array_size(rows); k++) {
			format_cell(cells[0], &t->columns[list[i]], json_array_get(rows, k), false);
			if (strlen(cells[0]) > width[i])
				width[i] = strlen(cells[0]);
		}
	}
	for (unsigned int i = 0; i < n; i++)
		snprintf(cells[i], CELL, "%s", brief(&t->columns[list[i]]));
	text_line(f, indent, cells, width, t, list, n);
	for (size_t k = 0; k < json_array_size(rows); k++) {
		bool first = begins_group(t, rows, k);

		if (t->once && first && k)
			fputc('\n', f);
		for (unsigned int i = 0; i < n; i++) {
			if (repeats(t, list[i], first))
				cells[i][0] = '\0';
			else
				format_cell(cells[i], &t->columns[list[i]], json_array_get(rows, k),
					    false);
		}
		text_line(f, indent, cells, width, t, list, n);
	}
}

/* ---- HTML ---- */

void html_text(FILE *f, const char *text)
{
	for (; *text; text++) {
		if (*text == '<')
			fputs("&lt;", f);
		else if (*text == '>')
			fputs("&gt;", f);
		else if (*text == '&')
			fputs("&amp;", f);
		else if (*text == '"')
			fputs("&quot;", f);
		else
			fputc((unsigned char)*text < ' ' ? '?' : *text, f);
	}
}

/* Prints a tag with those of two classes that are not empty. */
static void html_tag(FILE *f, const char *tag, const char *one, const char *two)
{
	fprintf(f, "<%s", tag);
	if (one[0] || two[0])
		fprintf(f, " class=\"%s%s%s\"", one, one[0] && two[0] ? " " : "", two);
	fputc('>', f);
}

static void html_cell(FILE *f, const struct column *c, const json_t *row, bool blank)
{
	char cell[CELL];
	const char *mark = "";

	format_cell(cell, c, row, false);
	if (c->verdict)
		mark = cell;
	if (c->bad && json_number_value(json_object_get(row, c->key)) > 0)
		mark = "bad";
	html_tag(f, "td", c->left ? "t" : "", mark);
	if (!blank)
		html_text(f, cell);
	fputs("</td>", f);
}

void table_html(FILE *f, const struct table *t, const json_t *rows)
{
	unsigned int list[TABLE_COLUMNS], n = shown(list, t, rows);

	fputs("<div class=\"scroll\"><table>\n<tr>", f);
	for (unsigned int i = 0; i < n; i++) {
		html_tag(f, "th", t->columns[list[i]].left ? "t" : "", "");
		html_text(f, t->columns[list[i]].head);
		fputs("</th>", f);
	}
	fputs("</tr>\n", f);
	for (size_t k = 0; k < json_array_size(rows); k++) {
		const json_t *row = json_array_get(rows, k);
		bool first = begins_group(t, rows, k);

		html_tag(f, "tr", t->group && first && k ? "first" : "",
			 strong(row) ? "strong" : "");
		for (unsigned int i = 0; i < n; i++)
			html_cell(f, &t->columns[list[i]], row, repeats(t, list[i], first));
		fputs("</tr>\n", f);
	}
	fputs("</table></div>\n", f);
}

/* ---- Markdown ---- */

void table_markdown(FILE *f, const struct table *t, const json_t *rows)
{
	unsigned int list[TABLE_COLUMNS], n = shown(list, t, rows);
	char cell[CELL];

	fputc('|', f);
	for (unsigned int i = 0; i < n; i++)
		fprintf(f, " %s |", t->columns[list[i]].head);
	fputs("\n|", f);
	for (unsigned int i = 0; i < n; i++)
		fputs(t->columns[list[i]].left ? " --- |" : " ---: |", f);
	fputc('\n', f);
	for (size_t k = 0; k < json_array_size(rows); k++) {
		const json_t *row = json_array_get(rows, k);
		const char *bold = strong(row) ? "**" : "";
		bool first = begins_group(t, rows, k);

		fputc('|', f);
		for (unsigned int i = 0; i < n; i++) {
			format_cell(cell, &t->columns[list[i]], row, true);
			if (repeats(t, list[i], first))
				fputs("  |", f);
			else
				fprintf(f, " %s%s%s |", bold, cell, bold);
		}
		fputc('\n', f);
	}
}
