// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* The measuring kit: statistics, rows as JSON, and tables in their three forms. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "report.h"
#include "rows.h"
#include "samples.h"
#include "table.h"

static void samples(void **state)
{
	double odd[] = { 5, 1, 3 }, even[] = { 4, 1, 3, 2 }, one[] = { 7 };
	struct summary s = samples_summarise(odd, 3);

	(void)state;
	assert_true(s.median == 3 && s.least == 1 && s.most == 5);
	s = samples_summarise(even, 4);
	assert_true(s.median == 2.5 && s.least == 1 && s.most == 4);
	s = samples_summarise(one, 1);
	assert_true(s.median == 7 && s.least == 7 && s.most == 7);
	s = samples_summarise(NULL, 0);
	assert_true(s.median == 0 && s.least == 0 && s.most == 0);
}

/* ---- rows ---- */

static json_t *row(const char *name, uint64_t n, double v)
{
	json_t *o = json_object();

	row_text(o, "name", name);
	row_integer(o, "n", n);
	row_real(o, "v", v, 2);
	return o;
}

static json_t *three_rows(void)
{
	json_t *rows = json_array(), *o = row("b<&>", 1234567, 1234.567);

	row_flag(o, "_strong", true);
	json_array_append_new(rows, row("a", 0, -1));
	json_array_append_new(rows, o);
	json_array_append_new(rows, row("b<&>", 12, 0.004));
	return rows;
}

static char *printed(void (*print)(FILE *f, const void *ctx), const void *ctx)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	print(f, ctx);
	fclose(f);
	return text;
}

static void is_printed(void (*print)(FILE *f, const void *ctx), const void *ctx, const char *want)
{
	char *text = printed(print, ctx);

	assert_string_equal(text, want);
	free(text);
}

static void print_rows(FILE *f, const void *rows)
{
	rows_print(f, rows);
}

static void json(void **state)
{
	json_t *rows = three_rows(), *none = json_array(), *back;
	char path[] = "/tmp/dmah-test-XXXXXX";

	(void)state;
	is_printed(print_rows, none, "[]\n");
	/* Notes stay inside the program; a number that was not measured is null. */
	is_printed(print_rows, rows,
		   "[\n{\"name\": \"a\", \"n\": 0, \"v\": null},\n"
		   "{\"name\": \"b<&>\", \"n\": 1234567, \"v\": 1234.57},\n"
		   "{\"name\": \"b<&>\", \"n\": 12, \"v\": 0.0}\n]\n");
	close(mkstemp(path));
	assert_true(rows_write(path, rows));
	back = rows_read(path);
	assert_non_null(back);
	assert_int_equal(json_array_size(back), 3);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(back, 1), "n")),
			 1234567);
	unlink(path);
	json_decref(back);
	json_decref(rows);
	json_decref(none);
}

static void paths_need_not_be_utf8(void **state)
{
	json_t *o = row("/tmp/\xff\xfe.txt", 1, 1);

	(void)state;
	assert_string_equal(json_string_value(json_object_get(o, "name")), "/tmp/??.txt");
	row_text(o, "name", NULL);
	assert_true(json_is_null(json_object_get(o, "name")));
	json_decref(o);
}

static bool reads(const char *text)
{
	char path[] = "/tmp/dmah-test-XXXXXX";
	int fd = mkstemp(path);
	json_t *rows;
	bool ok;

	assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	rows = rows_read(path);
	ok = rows != NULL;
	json_decref(rows);
	unlink(path);
	return ok;
}

static void files_that_are_no_rows(void **state)
{
	(void)state;
	assert_true(reads("[]"));
	assert_true(reads("[{}]"));
	assert_false(reads(""));
	assert_false(reads("{\"case\": 1}"));
	assert_false(reads("[1]"));
	assert_false(reads("[{}"));
	assert_null(rows_read("/nonexistent/rows.json"));
	assert_false(rows_write("/nonexistent/rows.json", NULL));
}

/* ---- tables ---- */

static const struct column columns[] = {
	{ .key = "name", .head = "the name", .brief = "name", .left = true },
	{ .key = "n", .head = "n", .zero = "none", .bad = true },
	{ .key = "v", .head = "v", .decimals = 1, .suffix = "x" },
	{ .key = "missing", .head = "missing", .optional = true },
	{ 0 },
};

static const struct table plain = { .columns = columns };
static const struct table grouped = { .columns = columns, .group = 1, .once = true };

static void text(FILE *f, const void *rows)
{
	table_text(f, &plain, rows, 2);
}

static void text_grouped(FILE *f, const void *rows)
{
	table_text(f, &grouped, rows, 0);
}

static void html(FILE *f, const void *rows)
{
	table_html(f, &grouped, rows);
}

static void markdown(FILE *f, const void *rows)
{
	table_markdown(f, &plain, rows);
}

static void tables(void **state)
{
	json_t *rows = three_rows();

	(void)state;
	is_printed(text, rows,
		   "  name        n        v\n"
		   "  a        none        -\n"
		   "  b<&>  1234567  1234.6x\n"
		   "  b<&>       12     0.0x\n");
	is_printed(text_grouped, rows,
		   "name        n        v\n"
		   "a        none        -\n"
		   "\n"
		   "b<&>  1234567  1234.6x\n"
		   "           12     0.0x\n");
	is_printed(html, rows,
		   "<div class=\"scroll\"><table>\n"
		   "<tr><th class=\"t\">the name</th><th>n</th><th>v</th></tr>\n"
		   "<tr><td class=\"t\">a</td><td>none</td><td>-</td></tr>\n"
		   "<tr class=\"first strong\"><td class=\"t\">b&lt;&amp;&gt;</td>"
		   "<td class=\"bad\">1234567</td><td>1234.6x</td></tr>\n"
		   "<tr><td class=\"t\"></td><td class=\"bad\">12</td>"
		   "<td>0.0x</td></tr>\n"
		   "</table></div>\n");
	is_printed(markdown, rows,
		   "| the name | n | v |\n| --- | ---: | ---: |\n"
		   "| a | none | - |\n| **b<&>** | **1,234,567** | **1,234.6x** |\n"
		   "| b<&> | 12 | 0.0x |\n");
	json_decref(rows);
}

/* An optional column appears as soon as one row has a value. */
static void optional_column(void **state)
{
	json_t *rows = three_rows();

	(void)state;
	row_integer(json_array_get(rows, 2), "missing", 5);
	is_printed(text, rows,
		   "  name        n        v  missing\n"
		   "  a        none        -        -\n"
		   "  b<&>  1234567  1234.6x        -\n"
		   "  b<&>       12     0.0x        5\n");
	json_decref(rows);
}

static void body(FILE *f, const void *ctx)
{
	html_text(f, ctx);
	report_plot(f, NULL);
	report_plot(f, strdup("<?xml version=\"1.0\"?>\n<svg></svg>"));
}

static void report(void **state)
{
	char path[] = "/tmp/dmah-test-XXXXXX", text[8192];
	size_t n;
	FILE *f;

	(void)state;
	close(mkstemp(path));
	assert_true(report_write(path, "A title", body, "\"x\" < y\n"));
	f = fopen(path, "r");
	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	unlink(path);
	assert_non_null(strstr(text, "<title>A title</title>"));
	assert_non_null(strstr(text, "<h1>A title</h1>\n&quot;x&quot; &lt; y?"));
	assert_non_null(strstr(text, "No plot"));
	/* A report is one document: the plot's XML declaration stays out. */
	assert_null(strstr(text, "<?xml"));
	assert_non_null(strstr(text, "<svg></svg></body>\n</html>\n"));
	assert_false(report_write("/nonexistent/r.html", "t", body, ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(samples),
		cmocka_unit_test(json),
		cmocka_unit_test(paths_need_not_be_utf8),
		cmocka_unit_test(files_that_are_no_rows),
		cmocka_unit_test(tables),
		cmocka_unit_test(optional_column),
		cmocka_unit_test(report),
	};

	return cmocka_run_group_tests_name("measure", tests, NULL, NULL);
}
