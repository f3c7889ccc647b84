// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* The traces that come with the project: clean drivers give no error, the wrong one gives its own. */
#define _GNU_SOURCE
#include <stdlib.h>
#include "check.h"
#include "load.h"

static const char *path(const char *name)
{
	static char text[1024];

	snprintf(text, sizeof(text), "%s/%s", getenv("DMAH_TRACES"), name);
	return text;
}

static struct trace *check(const char *name, const struct check_options *opt, struct findings *fs)
{
	struct trace_error err;
	struct trace *t = trace_load(path(name), &err);

	*fs = (struct findings){ 0 };
	if (!t)
		fail_msg("%s", err.text);
	check_trace(t, opt, fs);
	return t;
}

static size_t count(const struct findings *fs, enum finding_kind kind, bool error)
{
	size_t n = 0;

	for (size_t i = 0; i < fs->nr; i++)
		if (fs->list[i].kind == kind && fs->list[i].error == error)
			n += fs->list[i].count ? fs->list[i].count : 1;
	return n;
}

static void clean(void **state)
{
	/* with what was never freed, since none of these drivers was unloaded: its allocations */
	static const struct {
		const char *name;
		size_t live;
	} all[] = {
		{ "nvme_lazy.txt.xz", 7 },     { "e1000e_lazy.txt.xz", 0 },
		{ "e100_swiotlb.txt.xz", 2 },  { "smp4_nvme_e1000e_lazy.txt.xz", 12 },
		{ "kinds_swiotlb.txt.xz", 0 }, { "tc_nvme_lazy_nokallsyms.dat.xz", 7 },
	};
	const struct check_options opt = { 0 }, yes = { .from_start = FROM_START_YES };

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct findings fs;
		struct trace *t = check(all[i].name, &opt, &fs);

		assert_int_equal(findings_errors(&fs), 0);
		assert_int_equal(count(&fs, LIVE_AT_END, false), all[i].live);
		assert_int_equal(count(&fs, SHARED_LINE, false), 0);
		assert_int_equal(count(&fs, OVERLAP, false), 0);
		assert_int_equal(count(&fs, UNMAP_UNKNOWN, false), 0);
		findings_free(&fs);
		trace_close(t);
		t = check(all[i].name, &yes, &fs);
		assert_int_equal(findings_errors(&fs), 0);
		findings_free(&fs);
		trace_close(t);
	}
}

/* Counted independently when the trace was recorded: 83 % of e1000e's unmaps leave their page in reach. */
static void exposure(void **state)
{
	const struct check_options opt = { 0 };
	struct findings fs;
	struct trace *t = check("e1000e_lazy.txt.xz", &opt, &fs);

	(void)state;
	assert_int_equal(fs.nr, 1);
	assert_int_equal(fs.list[0].kind, EXPOSURE);
	assert_non_null(strstr(fs.list[0].text, " of 6041 unmaps (83 %)"));
	findings_free(&fs);
	trace_close(t);
	/* without an IOMMU and with every buffer in a slot no page of the kernel is in reach */
	t = check("e100_swiotlb.txt.xz", &opt, &fs);
	assert_int_equal(count(&fs, EXPOSURE, false), 0);
	findings_free(&fs);
	trace_close(t);
}

static void overrun(void **state)
{
	const struct check_options opt = { 0 }, final = { .final = true };
	struct findings fs;
	struct trace *t = check("smp4_overrun.txt.xz", &opt, &fs);

	(void)state;
	assert_int_equal(findings_errors(&fs), 0);
	assert_int_equal(count(&fs, LOST_EVENTS, false), 4);
	assert_true(count(&fs, UNMAP_UNKNOWN, false) > 0);
	for (size_t i = 0; i < 1; i++)
		assert_non_null(strstr(fs.list[i].text, "29770 events were overwritten"));
	findings_free(&fs);
	trace_close(t);
	t = check("smp4_overrun.txt.xz", &final, &fs);
	assert_int_equal(findings_errors(&fs), 0);
	findings_free(&fs);
	trace_close(t);
}

/* buggy_iommu_lazy.expected.txt says in which line what is wrong; "(context" lines are not findings. */
static void buggy(void **state)
{
	static const struct {
		const char *step;
		enum finding_kind kind;
	} steps[] = { { "a-leak", LIVE_AT_END },
		      { "b-double-unmap", DOUBLE_UNMAP },
		      { "c-wrong-size", SIZE_MISMATCH },
		      { "d-wrong-dir", DIRECTION_MISMATCH },
		      { "f-unmap-unmapped", UNMAP_UNKNOWN },
		      { "g-overlap", OVERLAP } };
	const struct check_options opts[] = { { 0 }, { .final = true } };
	struct findings fs;
	char line[500];
	FILE *f;

	(void)state;
	for (int final = 0; final < 2; final++) {
		struct trace *t = check("buggy_iommu_lazy.txt.xz", &opts[final], &fs);
		size_t found = 0, map_line = 0;
		const struct finding *last = NULL;

		f = fopen(path("buggy_iommu_lazy.expected.txt"), "r");
		assert_non_null(f);
		while (fgets(line, sizeof(line), f)) {
			char name[64];
			int at;

			/* the first context of a finding is its map */
			if (sscanf(line, " line %d (context: map", &at) == 1 &&
			    strstr(line, "(context: map")) {
				assert_non_null(last);
				assert_int_equal(last->map_line, at);
				map_line++;
				continue;
			}
			if (sscanf(line, " %63s line %d", name, &at) != 2)
				continue;
			last = NULL;
			for (size_t s = 0; s < sizeof(steps) / sizeof(steps[0]); s++) {
				if (strcmp(steps[s].step, name) != 0)
					continue;
				for (size_t i = 0; i < fs.nr; i++)
					if (fs.list[i].kind == steps[s].kind)
						last = &fs.list[i];
				assert_non_null(last);
				assert_int_equal(last->ev->line, at);
				assert_int_equal(last->error, last->kind != LIVE_AT_END || final);
				found++;
			}
			assert_non_null(last);
		}
		fclose(f);
		assert_int_equal(found, 6);
		assert_int_equal(map_line, 4);
		/* and nothing else: the 7th is the sum of exposure */
		assert_int_equal(fs.nr, 7);
		assert_int_equal(findings_errors(&fs), final ? 6 : 5);
		assert_int_equal(count(&fs, EXPOSURE, false), 1);
		findings_free(&fs);
		trace_close(t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(clean), cmocka_unit_test(exposure),
					    cmocka_unit_test(overrun), cmocka_unit_test(buggy) };

	return cmocka_run_group_tests_name("check bundled traces", tests, NULL, NULL);
}
