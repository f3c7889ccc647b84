// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Instructions of a replay, counted by callgrind. */
#define _GNU_SOURCE
#include <jansson.h>
#include "run.h"

#define LINE(event, rest) " a-1 [000] ..... 5.250000: " event ": d " rest "\n"

static int setup(void **state)
{
	if (make_dir(state))
		return -1;
	put("ok",
	    LINE("dma_map_page", "dir=TO_DEVICE dma_addr=ff000 size=64 phys_addr=5000 attrs=")
		    LINE("dma_sync_single_for_cpu", "dir=TO_DEVICE dma_addr=ff010 size=8")
			    LINE("dma_unmap_page", "dir=TO_DEVICE dma_addr=ff000 size=64 attrs="));
	return 0;
}

/* Counts by callgrind are the same in every run, and need no counter of the CPU. */
static void instructions(void **state)
{
	json_t *rows, *row;
	json_error_t e;
	double last = 0;
	size_t i;

	(void)state;
	for (unsigned int k = 0; k < 2; k++) {
		/* A trace that cannot be read has no rows and must not shift the others. */
		assert_int_equal(run("--json --only-instructions --machine vtd --mode strict --api "
				     "handle ~/missing ~/ok"),
				 2);
		rows = json_loads(out, 0, &e);
		assert_non_null(rows);
		assert_int_equal(json_array_size(rows), 1);
		json_array_foreach(rows, i, row)
		{
			double n = json_number_value(json_object_get(row, "instructions_per_op"));

			assert_true(n > 10);
			assert_true(!k || n == last);
			assert_true(json_is_null(json_object_get(row, "ns_per_op")));
			last = n;
		}
		json_decref(rows);
	}
	assert_int_equal(run("--only-instructions --machine vtd ~/ok"), 0);
	assert_true(strstr(out, "ins/op") != NULL);
	assert_false(strstr(out, " ns/op") != NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(instructions),
	};

	return cmocka_run_group_tests_name("replay-instructions", tests, setup, remove_dir);
}
