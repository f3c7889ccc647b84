// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* The benchmark on given rows (--from): targets, tables, files, and the script that quotes tables in a document. */
#define _GNU_SOURCE
#include <string.h>
#include <jansson.h>
#include "../command.h"

/* Returns the text of a file of the test's directory. */
static const char *get(const char *name)
{
	static char text[1 << 20];

	slurp(name, text, sizeof(text));
	return text;
}

/* Runs a command in the test's directory. */
static int run(const char *command)
{
	return run_in(dir, command);
}

#define ROW(case, backend, mode, live, order, threads, size, ns, instructions)      \
	"{\"case\": \"" case "\", \"backend\": \"" backend "\", \"mode\": \"" mode  \
			     "\", \"live\": " live ", \"order\": \"" order          \
			     "\", \"serialised\": false, \"threads\": " threads     \
			     ", \"size\": " size ", \"latency_ns\": 0, \"ns\": " ns \
			     ", \"ns_min\": " ns ", \"ns_max\": " ns                \
			     ", \"instructions\": " instructions "}"

#define HEAD(case, backend, ns, instructions) \
	ROW(case, backend, "lazy", "1024", "random", "1", "4096", ns, instructions)

static const char rows[] = "[" ROW("harness", "none", "none", "1024", "random", "1", "4096", "1.5", "20.0") "," HEAD("linux-arm", "lpae", "65.5", "1520.0") "," HEAD(
	"linux-vtd", "vtd", "70.0",
	"1600.0") "," HEAD("address-walk", "vtd", "75.0",
			   "1300.0") "," HEAD("handle", "vtd", "5.0",
					      "150.0") "," HEAD("handle", "lpae", "8.5",
								"80.0") "," ROW("handle", "vtd",
										"lazy",
										"1024",
										"random", "2",
										"4096",
										"5.25",
										"null") "," ROW("ha"
												"nd"
												"le"
												"-2"
												"do"
												"ma"
												"in"
												"s",
												"vt"
												"d",
												"la"
												"z"
												"y",
												"10"
												"2"
												"4",
												"ra"
												"nd"
												"o"
												"m",
												"2", "4096",
												"6."
												"0",
												"nu"
												"l"
												"l") "," ROW("linux-vtd",
													     "vtd",
													     "lazy",
													     "256",
													     "random",
													     "1",
													     "2097152",
													     "100.0",
													     "null") "," ROW("handle",
															     "vtd",
															     "lazy",
															     "256",
															     "random",
															     "1",
															     "2097152",
															     "150.0",
															     "null") "]";

static int setup(void **state)
{
	if (make_dir(state))
		return -1;
	put("rows.json", rows);
	return 0;
}

/* Returns the first line of @text that begins with @begin and contains @has. */
static const char *line_of(const char *text, const char *begin, const char *has)
{
	static char line[1000];

	for (const char *at = text; at && *at;
	     at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL) {
		snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\n"), at);
		if (!strncmp(line, begin, strlen(begin)) && strstr(line, has))
			return line;
	}
	fail_msg("no line \"%s ... %s\" in:\n%s", begin, has, text);
	return "";
}

static void has(const char *line, const char *text)
{
	if (!strstr(line, text))
		fail_msg("no \"%s\" in: %s", text, line);
}

/* The verdicts are worked out by hand: 1520/150 = 10.13, net 1500/130 = 11.54; 65.5/5 = 13.1; 1520/80 = 19. */
static void verdicts(void **state)
{
	const char *line;

	(void)state;
	assert_int_equal(run("$DMAH_BENCH --from rows.json"), 0);
	line = line_of(out, "handle, VT-d, against linux-arm", "fewer");
	has(line, "10.13x");
	has(line, "11.54x");
	assert_string_equal(line + strlen(line) - 4, "  no");
	line = line_of(out, "handle, VT-d, against linux-arm", "less");
	has(line, "13.10x");
	assert_string_equal(line + strlen(line) - 3, "yes");
	line = line_of(out, "handle, LPAE, against linux-arm", "fewer");
	has(line, "19.00x");
	assert_string_equal(line + strlen(line) - 3, "yes");
	/* 65.5/8.5 = 7.7, net 64/7 = 9.1 */
	line = line_of(out, "handle, LPAE, against linux-arm", "less");
	has(line, "7.71x");
	has(line, "9.14x");
	assert_string_equal(line + strlen(line) - 4, "  no");
	line = line_of(out, "2 threads, one domain, VT-d", "");
	has(line, "1.05x");
	assert_string_equal(line + strlen(line) - 3, "yes");
	/* A target that was not measured is neither met nor missed. */
	line = line_of(out, "strict, latency 0", "");
	assert_string_equal(line + strlen(line) - 1, "-");
}

static void round_trip(void **state)
{
	json_error_t err;
	json_t *a, *b;

	(void)state;
	assert_int_equal(run("$DMAH_BENCH --from rows.json --json again.json"), 0);
	a = json_loads(rows, 0, &err);
	assert_non_null(a);
	b = json_loads(get("again.json"), 0, &err);
	assert_non_null(b);
	assert_true(json_equal(a, b));
	json_decref(a);
	json_decref(b);
}

static void report(void **state)
{
	const char *html;

	(void)state;
	assert_int_equal(run("$DMAH_BENCH --from rows.json --report r.html"), 0);
	html = get("r.html");
	has(html, "What they do not prove");
	has(html, "<h3>Lazy</h3>");
	/* No strict rows, no table of their gains. */
	assert_null(strstr(html, "<h3>Strict"));
	has(html, "handle-2domains");
	has(html, "</html>");
	assert_null(strstr(html, "src=\"http"));
}

static void markdown(void **state)
{
	const char *text, *missed, *met;

	(void)state;
	assert_int_equal(run("$DMAH_BENCH --from rows.json --markdown t.md"), 0);
	text = get("t.md");
	/* The 2 MiB row, where Linux takes less, is shown; no other is. */
	has(text, "<!-- run: slower -->\n| conditions | Linux, ns | handle, ns |\n| --- | ---: | "
		  "---: |\n| linux-vtd, VT-d, lazy, 2 MiB, 256 live, random order, 1 thread, "
		  "latency 0 ns | "
		  "100.0 | 150.0 |\n<!-- end -->\n");
	has(text, "| **this library by handle** | **handle** | **5.0** | **150** |");
	missed = strstr(text, "| handle, LPAE, against linux-arm | >= 12x less |");
	met = strstr(text, "| handle, VT-d, against linux-arm | >= 12x less |");
	assert_true(missed && met && missed < met);
	/* The gain is 65 ns, of which the first step loses 5. */
	has(text, "| address-walk | 75.0 | -5.0 | -8 % | 1,300 | 300 | 21 % |");
	has(text, "| handle | 5.0 | 70.0 | 108 % | 150 | 1,150 | 79 % |");
	/* This machine did not measure these rows. */
	assert_null(strstr(text, "run: versions"));
	assert_int_equal(
		run("sh -c \"$DMAH_BENCH --from rows.json --markdown - | grep -c '<!-- run: '\""),
		0);
	assert_string_equal(out, "8\n");
}

static void wrong_rows(void **state)
{
	static const char *const wrong[] = {
		"{}",
		"[{}]",
		"[1]",
		"nonsense",
		"[" HEAD("no-such-case", "vtd", "1", "1") "]",
		"[" HEAD("handle", "pdp11", "1", "1") "]",
		"[" ROW("handle", "vtd", "lazy", "0", "fifo", "1", "4096", "1", "1") "]",
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		put("wrong.json", wrong[i]);
		assert_int_equal(run("$DMAH_BENCH --from wrong.json --json never.json"), 1);
		has(err, "dmah-bench: ");
		assert_int_equal(run("test -e never.json"), 1);
	}
	assert_int_equal(run("$DMAH_BENCH --from missing.json"), 1);
	has(err, "missing.json");
	assert_int_equal(run("$DMAH_BENCH --from rows.json --report no/r.html"), 1);
	has(err, "cannot write no/r.html");
}

static void quote(void **state)
{
	(void)state;
	if (run("sh -c 'command -v python3'"))
		skip();
	assert_int_equal(run("$DMAH_BENCH --from rows.json --markdown t.md"), 0);
	put("doc.md", "Before.\n<!-- run: slower -->\nold\n<!-- end -->\nAfter.\n");
	assert_int_equal(run("python3 $DMAH_QUOTE doc.md t.md"), 0);
	has(get("doc.md"), "Before.\n<!-- run: slower -->\n| conditions |");
	has(get("doc.md"), "\n<!-- end -->\nAfter.\n");
	assert_null(strstr(get("doc.md"), "old"));
	/* A table that the run lacks must not stay from an older run unseen. */
	put("doc.md",
	    "<!-- run: slower -->\n<!-- end -->\n<!-- run: other -->\nold\n<!-- end -->\n");
	assert_int_equal(run("python3 $DMAH_QUOTE doc.md t.md"), 1);
	has(err, "no table other");
	assert_string_equal(get("doc.md"), "<!-- run: slower -->\n<!-- end -->\n"
					   "<!-- run: other -->\nold\n<!-- end -->\n");
	put("doc.md", "No marks.\n");
	assert_int_equal(run("python3 $DMAH_QUOTE doc.md t.md"), 1);
	has(err, "no marks");
	assert_int_equal(run("python3 $DMAH_QUOTE doc.md missing.md"), 1);
	has(err, "missing.md");
	assert_int_equal(run("python3 $DMAH_QUOTE"), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts), cmocka_unit_test(round_trip), cmocka_unit_test(report),
		cmocka_unit_test(markdown), cmocka_unit_test(wrong_rows), cmocka_unit_test(quote),
	};

	return cmocka_run_group_tests_name("bench-from", tests, setup, remove_dir);
}
