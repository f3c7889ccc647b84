// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Replays the bundled traces through every API on every machine. Nothing may be wrong or stale, and lookups must be counted
 * exactly where they are needed. The expected numbers of events were counted with grep.
 */
#define _GNU_SOURCE
#include <jansson.h>
#include "run.h"

static const char *text(const json_t *row, const char *key)
{
	return json_string_value(json_object_get(row, key));
}

static json_int_t number(const json_t *row, const char *key)
{
	const json_t *value = json_object_get(row, key);

	assert_true(json_is_integer(value));
	return json_integer_value(value);
}

static bool is(const json_t *row, const char *key, const char *value)
{
	return strcmp(text(row, key), value) == 0;
}

static json_t *rows_of(const char *args)
{
	json_error_t e;
	json_t *rows;

	assert_int_equal(run(args), 0);
	assert_string_equal(err, "");
	rows = json_loads(out, 0, &e);
	assert_non_null(rows);
	return rows;
}

/*
 * @events: DMA events, all of which are replayed.
 * @singles: unmaps of single buffers.
 */
static void check_rows(const char *trace, json_int_t events, json_int_t singles,
		       json_int_t unmatched)
{
	char args[200];
	json_t *rows, *row;
	size_t i;

	snprintf(args, sizeof(args), "--json --repeat 1 %s", trace);
	rows = rows_of(args);
	/* 5 ways on vtd, 4 on smmu and armmap, in two modes; 3 on each of the others */
	assert_int_equal(json_array_size(rows), 2 * (5 + 4 + 4) + 3 * 3);
	json_array_foreach(rows, i, row)
	{
		bool iommu = is(row, "machine", "vtd") || is(row, "machine", "smmu") ||
			     is(row, "machine", "armmap");

		assert_string_equal(text(row, "trace"), trace);
		assert_int_equal(number(row, "wrong"), 0);
		assert_int_equal(number(row, "stale"), 0);
		assert_int_equal(number(row, "unmatched"), unmatched);
		assert_int_equal(number(row, "ops"), events - unmatched);
		if (is(row, "api", "handle"))
			assert_int_equal(number(row, "reverse_lookups"), 0);
		if (is(row, "api", "address") && !is(row, "machine", "direct"))
			assert_true(number(row, "reverse_lookups") >= singles);
		if (is(row, "api", "page") && is(row, "machine", "vtd"))
			assert_int_equal(number(row, "reverse_lookups"), 0);
		assert_true(number(row, "lookup_steps") >= number(row, "reverse_lookups"));
		assert_int_equal(number(row, "hypercalls") > 0, is(row, "machine", "xen"));
		assert_true(number(row, "bounced_bytes") > 0 || !is(row, "machine", "bounce"));
		assert_int_equal(number(row, "maintained_lines") > 0,
				 !is(row, "machine", "vtd") && !is(row, "machine", "bounce"));
		if (!iommu)
			assert_int_equal(number(row, "invalidations"), 0);
		else if (is(row, "mode", "strict"))
			assert_true(number(row, "invalidations") >= singles);
		else
			assert_true(number(row, "invalidations") < singles);
		assert_true(json_number_value(json_object_get(row, "ns_per_op")) > 0);
	}
	json_decref(rows);
}

static void nvme(void **state)
{
	(void)state;
	check_rows("nvme_lazy.txt.xz", 7 + 2 * 7443 + 2 * 549, 7443, 0);
}

static void e1000e(void **state)
{
	(void)state;
	check_rows("e1000e_lazy.txt.xz", 4 + 2 * 6041, 6041, 0);
}

static void e100(void **state)
{
	(void)state;
	check_rows("e100_swiotlb.txt.xz", 2 + 2 * 3219 + 2943 + 3862, 3219, 0);
}

static void smp4(void **state)
{
	(void)state;
	check_rows("smp4_nvme_e1000e_lazy.txt.xz", 16 + 2 * 8838 + 2 * 240, 8838, 0);
}

static void kinds(void **state)
{
	(void)state;
	check_rows("kinds_swiotlb.txt.xz", 432, 12 * 4, 0);
}

static void overrun(void **state)
{
	json_t *rows, *row;
	size_t i;

	(void)state;
	rows = rows_of("--json --repeat 1 smp4_overrun.txt.xz");
	json_array_foreach(rows, i, row)
	{
		assert_int_equal(number(row, "wrong"), 0);
		assert_int_equal(number(row, "stale"), 0);
		assert_true(number(row, "unmatched") > 0);
	}
	json_decref(rows);
}

/* The trace of a wrong driver is replayed as far as possible, and the library must still be right. */
static void buggy(void **state)
{
	json_t *rows, *row;
	size_t i;

	(void)state;
	rows = rows_of("--json --repeat 1 buggy_iommu_lazy.txt.xz");
	json_array_foreach(rows, i, row)
		assert_int_equal(number(row, "wrong") + number(row, "stale"), 0);
	json_decref(rows);
}

/* One record, as trace.dat and as text, must give the same counts. */
static void dat_and_text(void **state)
{
	static const char *const counts[] = {
		"ops",		 "reverse_lookups",  "lookup_steps", "invalidations", "hypercalls",
		"bounced_bytes", "maintained_lines", "wrong",	     "stale",	      "unmatched"
	};
	char args[400];
	json_t *dat, *txt;

	(void)state;
	dat = rows_of("--json --repeat 1 tc_nvme_lazy_nokallsyms.dat.xz");
	snprintf(args, sizeof(args), "--json --repeat 1 %s/tc_nvme_lazy.txt.xz",
		 getenv("DMAH_TEST_DATA"));
	txt = rows_of(args);
	assert_int_equal(json_array_size(dat), json_array_size(txt));
	for (size_t i = 0; i < json_array_size(dat); i++) {
		const json_t *a = json_array_get(dat, i), *b = json_array_get(txt, i);

		assert_string_equal(text(a, "machine"), text(b, "machine"));
		assert_string_equal(text(a, "lookup"), text(b, "lookup"));
		for (unsigned int k = 0; k < sizeof(counts) / sizeof(counts[0]); k++)
			assert_int_equal(number(a, counts[k]), number(b, counts[k]));
		assert_int_equal(number(a, "wrong") + number(a, "stale"), 0);
	}
	json_decref(dat);
	json_decref(txt);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nvme),	 cmocka_unit_test(e1000e),	 cmocka_unit_test(e100),
		cmocka_unit_test(smp4),	 cmocka_unit_test(kinds),	 cmocka_unit_test(overrun),
		cmocka_unit_test(buggy), cmocka_unit_test(dat_and_text),
	};

	return cmocka_run_group_tests_name("replay-bundled", tests, make_dir, remove_dir);
}
