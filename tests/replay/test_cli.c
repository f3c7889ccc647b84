// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Options, exit statuses, messages, and the contract of --json. */
#define _GNU_SOURCE
#include <jansson.h>
#include "run.h"

#define LINE(event, rest) " a-1 [000] ..... 5.250000: " event ": d " rest "\n"
#define OK                                                                                 \
	LINE("dma_map_page", "dir=TO_DEVICE dma_addr=ff000 size=64 phys_addr=5000 attrs=") \
	LINE("dma_sync_single_for_cpu", "dir=TO_DEVICE dma_addr=ff010 size=8")             \
	LINE("dma_unmap_page", "dir=TO_DEVICE dma_addr=ff000 size=64 attrs=")

static bool says(const char *where, const char *what)
{
	if (strstr(where, what))
		return true;
	print_message("not there: %s\nin: %s\n", what, where);
	return false;
}

static bool there(const char *name, const char *begins)
{
	static char text[1 << 20];

	slurp(name, text, sizeof(text));
	return strstr(text, begins) != NULL;
}

static int setup(void **state)
{
	if (make_dir(state))
		return -1;
	put("ok", OK);
	put("empty", "");
	put("garbage", "\x7f"
		       "ELF\x01\x02 no trace at all\n");
	put("none", " a-1 [000] ..... 5.250000: map: IOMMU: iova=0x1 - 0x2 paddr=0x3 size=1\n");
	put("zero",
	    OK LINE("dma_map_page", "dir=TO_DEVICE dma_addr=a000 size=0 phys_addr=6000 attrs="));
	put("huge", OK LINE("dma_map_page",
			    "dir=TO_DEVICE dma_addr=a000 size=4294967296 phys_addr=6000 attrs="));
	put("cut", OK " a-1 [000] ..... 5.250000: dma_unm");
	put("wild", LINE("dma_unmap_page", "dir=TO_DEVICE dma_addr=7000 size=64 attrs=") OK);
	put("failed",
	    LINE("dma_map_page",
		 "dir=TO_DEVICE dma_addr=ffffffffffffffff size=64 phys_addr=5000 attrs="));
	return 0;
}

static void help(void **state)
{
	static const char *const options[] = {
		"--machine",  "--api",		"--mode",
		"--json",     "--plot",		"--report",
		"--markdown", "--instructions", "--only-instructions",
		"--foreign",  "--repeat",	"--no-verify",
		"--help",     "armmap",		"Exit status"
	};

	(void)state;
	assert_int_equal(run("--help"), 0);
	for (unsigned int i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		assert_true(says(out, options[i]));
	assert_string_equal(err, "");
}

static void markdown(void **state)
{
	(void)state;
	assert_int_equal(run("--machine vtd --mode lazy --markdown ~/t.md ~/ok"), 0);
	assert_true(there("t.md", "<!-- run: ok -->\n| machine | mode | API |"));
	assert_true(there("t.md", "| vtd | lazy | address | walk |"));
	assert_true(there("t.md", "| **handle** |"));
	assert_true(there("t.md", "<!-- end -->"));
	assert_int_equal(run("--json --machine direct --markdown ~/no/t.md ~/ok"), 2);
	assert_true(says(err, "cannot write"));
}

static void wrong_use(void **state)
{
	static const char *const args[][2] = {
		{ "", "no trace given" },
		{ "--machine none ~/ok", "no such machine: none" },
		{ "--api none ~/ok", "no such API: none" },
		{ "--mode both ~/ok", "--mode is strict or lazy, not both" },
		{ "--foreign 101 ~/ok", "--foreign is a percentage" },
		{ "--foreign x ~/ok", "--foreign is a percentage" },
		{ "--repeat 0 ~/ok", "--repeat is a number" },
		{ "--plot ~/p.gif ~/ok", "must end in .svg or .png" },
		{ "--nonsense ~/ok", "nonsense" },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(args) / sizeof(args[0]); i++) {
		assert_int_equal(run(args[i][0]), 2);
		assert_true(says(err, args[i][1]));
		assert_true(says(err, "--help"));
		assert_string_equal(out, "");
	}
}

static void unreadable(void **state)
{
	(void)state;
	assert_int_equal(run("~/missing"), 2);
	assert_true(says(err, "/missing: "));
	assert_int_equal(run("~/empty"), 2);
	assert_true(says(err, "/empty: "));
	assert_int_equal(run("~/garbage"), 2);
	assert_true(says(err, "/garbage: "));
	assert_int_equal(run("~/none"), 2);
	assert_true(says(err, "/none: "));
	/* The other traces are replayed anyway. */
	assert_int_equal(run("--machine direct ~/missing ~/ok"), 2);
	assert_true(says(out, "/ok"));
	assert_true(says(out, "handle"));
	assert_int_equal(run("--json ~/missing"), 2);
	assert_string_equal(out, "[]\n");
}

static void left_out(void **state)
{
	(void)state;
	assert_int_equal(run("~/zero"), 2);
	assert_true(says(err, "/zero: line 4: device d: dma_map_page of 0 bytes is left out"));
	assert_true(says(out, "3 calls replayed"));
	assert_int_equal(run("~/huge"), 2);
	assert_true(
		says(err, "/huge: line 4: device d: dma_map_page of more than 4 GiB - 1 bytes"));
	assert_int_equal(run("~/cut"), 0);
	assert_true(says(err, "line 4 is cut off"));
	assert_int_equal(run("~/wild"), 0);
	assert_true(says(out, "1 unmatched"));
	assert_int_equal(run("--json ~/failed"), 0);
	assert_true(says(out, "\"ops\": 0"));
}

static void json_keys(void **state)
{
	static const char *const keys[] = { "trace",
					    "machine",
					    "lookup",
					    "mode",
					    "api",
					    "ops",
					    "ns_per_op",
					    "instructions_per_op",
					    "reverse_lookups",
					    "lookup_steps",
					    "invalidations",
					    "hypercalls",
					    "bounced_bytes",
					    "maintained_lines",
					    "wrong",
					    "stale",
					    "unmatched" };
	json_t *rows, *row, *value;
	json_error_t e;
	size_t i;

	(void)state;
	assert_int_equal(run("--json ~/ok ~/wild"), 0);
	rows = json_loads(out, 0, &e);
	assert_non_null(rows);
	assert_int_equal(json_array_size(rows), 2 * 35);
	json_array_foreach(rows, i, row)
	{
		assert_int_equal(json_object_size(row), sizeof(keys) / sizeof(keys[0]));
		for (unsigned int k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
			assert_non_null(json_object_get(row, keys[k]));
		assert_true(json_is_real(json_object_get(row, "ns_per_op")));
		value = json_object_get(row, "instructions_per_op");
		assert_true(json_is_null(value) || json_real_value(value) > 0);
		assert_int_equal(json_integer_value(json_object_get(row, "ops")), 3);
	}
	json_decref(rows);
}

/* Returns the number of rows that a selection gives. */
static size_t rows(const char *args)
{
	json_error_t e;
	json_t *array;
	size_t n;

	assert_int_equal(run(args), 0);
	array = json_loads(out, 0, &e);
	assert_non_null(array);
	n = json_array_size(array);
	json_decref(array);
	return n;
}

static void selections(void **state)
{
	(void)state;
	assert_int_equal(rows("--json --machine vtd ~/ok"), 10);
	assert_int_equal(rows("--json --machine vtd --mode lazy ~/ok"), 5);
	assert_int_equal(rows("--json --machine all --mode strict ~/ok"), 22);
	assert_int_equal(rows("--json --machine direct --mode lazy ~/ok"), 3);
	assert_int_equal(rows("--json --api handle ~/ok"), 9);
	assert_int_equal(rows("--json --api address --machine vtd --mode strict ~/ok"), 3);
	assert_int_equal(rows("--json --api all --no-verify --machine xen --foreign 100 ~/ok"), 3);
}

static void table(void **state)
{
	(void)state;
	assert_int_equal(run("--machine vtd ~/ok"), 0);
	assert_true(says(out, "3 DMA events, 3 calls replayed, 1 mappings"));
	assert_true(says(out, "rbtree"));
	assert_true(says(out, "1.00x"));
	assert_string_equal(err, "");
	assert_int_equal(run("--machine vtd --no-verify ~/ok"), 0);
	assert_true(says(out, "?"));
}

static void files(void **state)
{
	(void)state;
	if (system("command -v gnuplot >/dev/null 2>&1"))
		skip();
	assert_int_equal(run("--machine vtd --plot ~/p.svg --report ~/r.html ~/ok"), 0);
	assert_true(there("p.svg", "<svg"));
	assert_true(there("r.html", "What they do not mean"));
	assert_true(there("r.html", "<svg"));
	assert_true(there("r.html", "All is well"));
	/* The report loads nothing from elsewhere. */
	assert_false(there("r.html", "src=\"http"));
	assert_int_equal(run("--machine vtd --no-verify --plot ~/p.png ~/ok"), 0);
	assert_true(there("p.png", "PNG"));
	assert_int_equal(run("--machine vtd --plot ~/no/p.svg ~/ok"), 2);
	assert_true(says(err, "cannot write"));
	assert_int_equal(run("--machine vtd --report ~/no/r.html ~/ok"), 2);
	assert_true(says(err, "cannot write"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(help),	      cmocka_unit_test(wrong_use),
		cmocka_unit_test(unreadable), cmocka_unit_test(left_out),
		cmocka_unit_test(json_keys),  cmocka_unit_test(selections),
		cmocka_unit_test(table),      cmocka_unit_test(files),
		cmocka_unit_test(markdown),
	};

	return cmocka_run_group_tests_name("replay-cli", tests, setup, remove_dir);
}
