// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* The command as its users run it: exit statuses, what goes where, and the contract of --json. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/wait.h>
#include "load.h"
#include "../command.h"

/* Runs "dmah ARGS" in the directory of the traces; ~ is the directory of the test's own files. */
static int run(const char *args)
{
	char cmd[3000], *p = cmd;

	p += sprintf(p, "'%s' ", getenv("DMAH"));
	for (; *args; args++)
		p += *args == '~' ? sprintf(p, "%s", dir) : sprintf(p, "%c", *args);
	*p = '\0';
	return run_in(getenv("DMAH_TRACES"), cmd);
}

#define LINE(event, rest) " a-1 [000] ..... 5.250000: " event ": d " rest "\n"
#define OK                                                                                 \
	LINE("dma_map_page", "dir=TO_DEVICE dma_addr=ff000 size=64 phys_addr=5000 attrs=") \
	LINE("dma_unmap_page", "dir=TO_DEVICE dma_addr=ff000 size=64 attrs=")
#define WRONG OK LINE("dma_unmap_page", "dir=TO_DEVICE dma_addr=ff000 size=64 attrs=")

static int setup(void **state)
{
	(void)state;
	if (make_dir(state))
		return -1;
	put("ok", OK);
	put("wrong", WRONG);
	put("bad", OK "rubbish\n");
	put("cut", OK " a-1 [000] ..... 5.250000: dma_unm");
	put("name",
	    " \xff\"\\-1 [000] ..... 5.25: dma_unmap_page: d\xfe\"\x01 dir=NONE dma_addr=1 size=1 "
	    "attrs=\n");
	put("tsc",
	    " a-1 [000] ..... 123456789: dma_unmap_page: d dir=NONE dma_addr=1 size=1 attrs=\n");
	return 0;
}

static void statuses(void **state)
{
	(void)state;
	assert_int_equal(run("check nvme_lazy.txt.xz"), 0);
	assert_string_equal(err, "");
	assert_int_equal(run("check buggy_iommu_lazy.txt.xz"), 1);
	assert_string_equal(err, "");
	assert_int_equal(run("check --final nvme_lazy.txt.xz"), 1);
	assert_int_equal(run("check smp4_overrun.txt.xz"), 0);
	assert_int_equal(run("check ~/bad"), 2);
	assert_non_null(strstr(err, "/bad: line 3: not a line of a trace"));
	assert_int_equal(run("check ~/none"), 2);
	assert_non_null(strstr(err, "/none: No such file"));
	/* one that cannot be read does not hide the others */
	assert_int_equal(run("check ~/none ~/wrong"), 2);
	assert_non_null(strstr(out, "error: double-unmap"));
	assert_int_equal(run("check ~/ok ~/wrong"), 1);
	/* all options are there, wherever they stand */
	assert_int_equal(run("check ~/wrong --from-start=no --final --json"), 1);
	assert_int_equal(run("check --from-start yes ~/ok"), 0);
	assert_int_equal(run("check ~/cut"), 0);
	assert_non_null(strstr(out, "line 3 is cut off"));
}

static void wrong_use(void **state)
{
	(void)state;
	assert_int_equal(run(""), 2);
	assert_int_equal(run("chekc x"), 2);
	assert_non_null(strstr(err, "no command 'chekc'"));
	assert_int_equal(run("check"), 2);
	assert_non_null(strstr(err, "no trace given"));
	assert_int_equal(run("check --bogus ~/ok"), 2);
	assert_non_null(strstr(err, "bogus"));
	assert_int_equal(run("check --from-start=maybe ~/ok"), 2);
	assert_non_null(strstr(err, "maybe"));
	assert_string_equal(out, "");
	assert_int_equal(run("--bogus"), 2);
	/* output that cannot be written is not a clean trace */
	assert_int_equal(run("check ~/ok >/dev/full"), 2);
}

static void help(void **state)
{
	(void)state;
	assert_int_equal(run("--help"), 0);
	assert_non_null(strstr(out, "Usage: dmah COMMAND"));
	assert_int_equal(run("--version"), 0);
	assert_int_equal(strncmp(out, "dmah ", 5), 0);
	assert_int_equal(run("check --help"), 0);
	assert_non_null(strstr(out, "Usage: dmah check"));
	assert_non_null(strstr(out, "--from-start"));
	assert_int_equal(run("help check"), 0);
	assert_non_null(strstr(out, "Usage: dmah check"));
	assert_int_equal(run("help nothing"), 2);
	assert_string_equal(out, "");
}

static json_t *parse(void)
{
	json_error_t e;
	json_t *a = json_loads(out, 0, &e);

	if (!a)
		fail_msg("%s", e.text);
	assert_true(json_is_array(a));
	return a;
}

static bool string_or_null(const json_t *v, const char *begins)
{
	return json_is_null(v) ||
	       (json_is_string(v) && strncmp(json_string_value(v), begins, strlen(begins)) == 0);
}

static void json_schema(void **state)
{
	static const char *const keys[] = { "kind", "severity", "device", "dma",      "phys",
					    "size", "line",	"time",	  "map_line", "text" };
	static const char *const args[] = { "check --json buggy_iommu_lazy.txt.xz",
					    "check --json --final nvme_lazy.txt.xz",
					    "check --json smp4_overrun.txt.xz ~/wrong ~/name ~/tsc",
					    "check --json tc_nvme_lazy_nokallsyms.dat.xz" };

	(void)state;
	for (size_t i = 0; i < sizeof(args) / sizeof(args[0]); i++) {
		size_t at;
		json_t *a, *o;

		run(args[i]);
		a = parse();
		assert_true(json_array_size(a) > 0);
		json_array_foreach(a, at, o)
		{
			const char *severity = json_string_value(json_object_get(o, "severity"));

			/* other keys are there only in findings that they apply to */
			assert_int_equal(json_object_size(o),
					 10 + (json_object_get(o, "count") != NULL) +
						 (json_object_get(o, "other_device") != NULL));
			for (size_t k = 0; k < 10; k++)
				assert_non_null(json_object_get(o, keys[k]));
			assert_true(json_is_string(json_object_get(o, "kind")));
			assert_non_null(severity);
			assert_true(!strcmp(severity, "error") || !strcmp(severity, "note"));
			assert_true(string_or_null(json_object_get(o, "device"), ""));
			assert_true(string_or_null(json_object_get(o, "dma"), "0x"));
			assert_true(string_or_null(json_object_get(o, "phys"), "0x"));
			assert_true(json_is_integer(json_object_get(o, "size")) ||
				    json_is_null(json_object_get(o, "size")));
			assert_true(json_is_integer(json_object_get(o, "line")));
			/* only a header has no time */
			assert_true(json_is_number(json_object_get(o, "time")) ||
				    (json_is_null(json_object_get(o, "time")) &&
				     !strcmp(json_string_value(json_object_get(o, "kind")),
					     "lost-events")));
			assert_true(json_is_integer(json_object_get(o, "map_line")) ||
				    json_is_null(json_object_get(o, "map_line")));
			assert_true(json_is_string(json_object_get(o, "text")));
		}
		json_decref(a);
	}
}

static void json_values(void **state)
{
	json_t *a, *o;

	(void)state;
	assert_int_equal(run("check --json ~/wrong"), 1);
	assert_string_equal(err, "");
	a = parse();
	/* the exposure of the 4032 bytes beside the mapping is the second */
	assert_int_equal(json_array_size(a), 2);
	o = json_array_get(a, 0);
	assert_string_equal(json_string_value(json_object_get(o, "kind")), "double-unmap");
	assert_string_equal(json_string_value(json_object_get(o, "severity")), "error");
	assert_string_equal(json_string_value(json_object_get(o, "device")), "d");
	assert_string_equal(json_string_value(json_object_get(o, "dma")), "0xff000");
	assert_string_equal(json_string_value(json_object_get(o, "phys")), "0x5000");
	assert_int_equal(json_integer_value(json_object_get(o, "size")), 64);
	assert_int_equal(json_integer_value(json_object_get(o, "line")), 3);
	assert_true(json_number_value(json_object_get(o, "time")) == 5.25);
	assert_int_equal(json_integer_value(json_object_get(o, "map_line")), 1);
	assert_non_null(strstr(json_string_value(json_object_get(o, "text")), "CPU 0, task a-1"));
	o = json_array_get(a, 1);
	assert_string_equal(json_string_value(json_object_get(o, "kind")), "exposure");
	assert_int_equal(json_integer_value(json_object_get(o, "size")), 4032);
	json_decref(a);

	/* nothing found is an empty array; an unreadable trace leaves the JSON whole */
	assert_int_equal(run("check --json kinds_swiotlb.txt.xz"), 0);
	a = parse();
	assert_int_equal(json_array_size(a), 0);
	json_decref(a);
	assert_int_equal(run("check --json ~/bad ~/wrong"), 2);
	assert_non_null(strstr(err, "/bad: line 3"));
	a = parse();
	assert_int_equal(json_array_size(a), 2);
	json_decref(a);

	/* a clock that counts gives its counts */
	run("check --json ~/tsc");
	a = parse();
	assert_int_equal(json_integer_value(json_object_get(json_array_get(a, 0), "time")),
			 123456789);
	json_decref(a);
	/* names that are no UTF-8 */
	run("check --json ~/name");
	a = parse();
	assert_string_equal(json_string_value(json_object_get(json_array_get(a, 0), "device")),
			    "d?\"\x01");
	json_decref(a);
}

/* The text names everything that a finding has to name. */
static void text(void **state)
{
	(void)state;
	assert_int_equal(run("check ~/wrong"), 1);
	assert_non_null(strstr(out, "error: double-unmap, device d\n"));
	assert_non_null(strstr(out, "line 3, 5.250000 s, CPU 0, task a-1: dma_unmap_page\n"));
	assert_non_null(strstr(out, "dma 0xff000, phys 0x5000, 64 bytes, map in line 1\n"));
	assert_non_null(strstr(out, "the mapping of line 1 was unmapped in line 2"));
	assert_non_null(strstr(out, "\ndouble-unmap                1        0\n"));
	assert_int_equal(run("check tc_nvme_lazy_nokallsyms.dat.xz"), 0);
	assert_non_null(strstr(out, "record 2, 5.168860999 s, CPU 0"));
	/* from a pipe */
	assert_int_equal(run("check - <buggy_iommu_lazy.txt.xz"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statuses),    cmocka_unit_test(wrong_use),
		cmocka_unit_test(help),	       cmocka_unit_test(json_schema),
		cmocka_unit_test(json_values), cmocka_unit_test(text),
	};

	return cmocka_run_group_tests_name("check command", tests, setup, remove_dir);
}
