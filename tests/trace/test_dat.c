// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * The trace.dat reader against a reference: data/tc_nvme_lazy.txt.xz was made from the same
 * trace.dat by `trace-cmd report -R` and raw2text.py. So the decoding of fields and arrays, the
 * names and the merging are checked against code that is not ours; the ring buffer's pages are
 * decoded by libtraceevent on both sides.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdlib.h>
#include "load.h"

static struct trace *load(const char *dir, const char *name)
{
	char path[1024];
	struct trace_error err;
	struct trace *t;

	snprintf(path, sizeof(path), "%s/%s", getenv(dir), name);
	t = trace_load(path, &err);
	if (!t)
		fail_msg("%s", err.text);
	return t;
}

static void same_event(const struct trace *dat, const struct trace_event *a,
		       const struct trace *text, const struct trace_event *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_string_equal(a->name, b->name);
	assert_string_equal(trace_device(dat, a->device), trace_device(text, b->device));
	assert_string_equal(a->task, b->task);
	assert_int_equal(a->pid, b->pid);
	assert_int_equal(a->cpu, b->cpu);
	assert_int_equal(a->dir, b->dir);
	assert_int_equal(a->dma, b->dma);
	assert_int_equal(a->phys, b->phys);
	assert_int_equal(a->size, b->size);
	assert_int_equal(a->attrs, b->attrs);
	assert_int_equal(a->has_virt, b->has_virt);
	assert_int_equal(a->virt, b->virt);
	assert_int_equal(a->gfp, b->gfp);
	assert_int_equal(a->failed, b->failed);
	assert_int_equal(a->truncated, b->truncated);
	assert_int_equal(a->nents, b->nents);
	assert_int_equal(a->ents, b->ents);
	assert_int_equal(a->nr_phys, b->nr_phys);
	assert_int_equal(a->nr_dma, b->nr_dma);
	for (uint32_t k = 0; k < a->nr_phys; k++)
		assert_int_equal(a->physs[k], b->physs[k]);
	for (uint32_t k = 0; k < a->nr_dma; k++) {
		assert_int_equal(a->dmas[k], b->dmas[k]);
		assert_int_equal(a->lens[k], b->lens[k]);
	}
}

/*
 * One workload, recorded on Linux 6.1 by two dmah record at once, by one as a trace.dat and by the
 * other as text, which the kernel wrote: from records to events of probes, and their pairing.
 */
static void probes_same_as_text(void **state)
{
	struct trace *dat = load("DMAH_TEST_DATA", "probes_6.1.dat.xz");
	struct trace *text = load("DMAH_TEST_DATA", "probes_6.1.txt.xz");
	const struct trace_event *a, *b;
	size_t n, m, lists = 0;

	(void)state;
	assert_true(trace_info(dat)->dat);
	assert_false(trace_info(text)->dat);
	a = trace_events(dat, &n);
	b = trace_events(text, &m);
	assert_int_equal(n, 120);
	assert_int_equal(m, n);
	assert_int_equal(trace_info(dat)->probes, trace_info(text)->probes);
	assert_int_equal(trace_info(dat)->unknown, trace_info(text)->unknown);
	assert_int_equal(trace_info(dat)->lost, 0);
	for (size_t i = 0; i < n; i++, a++, b++) {
		same_event(dat, a, text, b);
		lists += a->nr_phys > 1;
	}
	assert_true(lists > 10);
	trace_close(dat);
	trace_close(text);
}

static void same_as_text(void **state)
{
	struct trace *dat = load("DMAH_TRACES", "tc_nvme_lazy_nokallsyms.dat.xz");
	struct trace *text = load("DMAH_TEST_DATA", "tc_nvme_lazy.txt.xz");
	const struct trace_event *a, *b;
	size_t n, m, lists = 0;

	(void)state;
	assert_true(trace_info(dat)->dat);
	assert_false(trace_info(text)->dat);
	a = trace_events(dat, &n);
	b = trace_events(text, &m);
	assert_int_equal(n, 6371);
	assert_int_equal(m, n);
	assert_int_equal(trace_info(dat)->unknown, trace_info(text)->unknown);
	assert_int_equal(trace_info(dat)->lost, 0);
	for (size_t i = 0; i < n; i++, a++, b++) {
		/* the text has rounded microseconds */
		uint64_t us = (a->time + 500) / 1000;

		assert_int_equal(a->line, b->line);
		assert_in_range(b->time / 1000, us - 1, us + 1);
		same_event(dat, a, text, b);
		lists += a->nr_phys > 1;
	}
	assert_true(lists > 100);
	trace_close(dat);
	trace_close(text);
}

/*
 * Stacks: one call of every/every_dma_event.c after another on Linux 7.3, recorded at once by dmah
 * record as text and as a trace.dat, and by trace-cmd record -T into an instance. The caller of each event must be the one
 * that the kernel printed.
 */
static void stacks_same_as_text(void **state)
{
	static const char *const names[] = { "callers_7.3.dat.xz", "callers_7.3_trace_cmd.dat.xz" };
	struct trace *text = load("DMAH_TEST_DATA", "callers_7.3.txt.xz");

	(void)state;
	for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
		struct trace *dat = load("DMAH_TEST_DATA", names[k]);
		const struct trace_event *a, *b;
		size_t n, m, all = 0;

		assert_true(trace_info(dat)->dat);
		a = trace_events(dat, &n);
		b = trace_events(text, &m);
		assert_int_equal(n, 152);
		assert_int_equal(m, n);
		assert_int_equal(trace_info(dat)->stacks, n);
		for (size_t i = 0; i < n; i++, a++, b++) {
			struct trace_event ev = *a;

			/* the kernel's text has hashed pointers or none, and names for the flags */
			ev.has_virt = b->has_virt;
			ev.virt = b->virt;
			ev.gfp = b->gfp;
			same_event(dat, &ev, text, b);
			assert_string_equal(a->caller, b->caller);
			all += strcmp(a->caller, "all") == 0;
		}
		assert_int_equal(all, 150);
		trace_close(dat);
	}
	trace_close(text);
}

/* The same bytes, plain or packed, from a file or from a pipe */
static unsigned char *dat_bytes(size_t *n)
{
	static unsigned char buf[1 << 20];
	char cmd[1100];
	FILE *f;

	snprintf(cmd, sizeof(cmd), "xz -dc '%s/tc_nvme_lazy_nokallsyms.dat.xz'",
		 getenv("DMAH_TRACES"));
	f = popen(cmd, "r");
	assert_non_null(f);
	*n = fread(buf, 1, sizeof(buf), f);
	assert_int_equal(pclose(f), 0);
	assert_true(*n > 100000);
	return buf;
}

static void plain(void **state)
{
	struct trace_error err;
	size_t n;
	unsigned char *bytes = dat_bytes(&n);
	struct trace *t = load_bytes(bytes, n, &err);

	(void)state;
	assert_non_null(t);
	assert_int_equal(trace_info(t)->events, 6371);
	trace_close(t);
}

/*
 * Cut off or damaged at many places: it must be read or refused with a message, and neither crash,
 * hang nor print, whatever libtracecmd does.
 */
static void damaged(void **state)
{
	struct trace_error err;
	size_t n, refused = 0;
	unsigned char *bytes = dat_bytes(&n);
	uint32_t x = 7;

	(void)state;
	for (size_t cut = 10; cut < n; cut += n / 23) {
		struct trace *t = load_bytes(bytes, cut, &err);

		refused += !t;
		if (!t)
			assert_int_equal(strncmp(err.text, "mem: ", 5), 0);
		trace_close(t);
	}
	assert_true(refused > 15);
	for (int i = 0; i < 40; i++) {
		struct trace *t;
		size_t at;
		unsigned char old;

		x = x * 1664525 + 1013904223;
		at = 10 + (x >> 8) % (i < 20 ? 2000 : n - 10);
		old = bytes[at];
		bytes[at] ^= (unsigned char)(1u << (x & 7)) | 0x80;
		t = load_bytes(bytes, n, &err);
		if (!t)
			assert_int_equal(strncmp(err.text, "mem: ", 5), 0);
		trace_close(t);
		bytes[at] = old;
	}
}

/* A trace that is closed half read leaves no child, and no file open. */
static size_t open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void closed_early(void **state)
{
	size_t before = open_files(), n;
	unsigned char *bytes = dat_bytes(&n);

	(void)state;
	for (int i = 0; i < 10; i++) {
		struct trace_error err;
		struct trace_event ev;
		struct trace *t = trace_open_fd(file_of(bytes, n), "mem", &err);

		assert_non_null(t);
		assert_int_equal(trace_next(t, &ev, &err), 1);
		assert_int_equal(ev.kind, TRACE_ALLOC);
		trace_close(t);
	}
	assert_int_equal(open_files(), before);
}

/* The contents of the bundled traces, counted with grep from their texts. */
static void bundled(void **state)
{
	static const struct {
		const char *name;
		uint64_t events, unknown, lost, lost_events;
		uint32_t devices;
	} all[] = {
		{ "nvme_lazy.txt.xz", 2 * 7443 + 2 * 549 + 7, 23354 + 7992, 0, 0, 1 },
		{ "e1000e_lazy.txt.xz", 2 * 6041 + 4, 6044 + 6043, 0, 0, 1 },
		{ "e100_swiotlb.txt.xz", 2 * 3219 + 3862 + 2943 + 2, 0, 0, 0, 1 },
		{ "smp4_nvme_e1000e_lazy.txt.xz", 2 * 8838 + 2 * 240 + 14 + 2, 12644 + 9080, 0, 0,
		  2 },
		{ "smp4_overrun.txt.xz", 1528 + 1315 + 240 + 240 + 2, 4674 + 1768, 4, 39537 - 9767,
		  2 },
		{ "kinds_swiotlb.txt.xz", 432, 0, 0, 0, 1 },
		{ "buggy_iommu_lazy.txt.xz", 29, 27, 0, 0, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct trace *t = load("DMAH_TRACES", all[i].name);
		const struct trace_info *in = trace_info(t);

		assert_int_equal(in->events, all[i].events);
		assert_int_equal(in->unknown, all[i].unknown);
		assert_int_equal(in->lost, all[i].lost);
		assert_int_equal(in->lost_events, all[i].lost_events);
		assert_int_equal(trace_nr_devices(t), all[i].devices);
		assert_false(in->counts);
		trace_close(t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_as_text),
		cmocka_unit_test(probes_same_as_text),
		cmocka_unit_test(stacks_same_as_text),
		cmocka_unit_test(plain),
		cmocka_unit_test(damaged),
		cmocka_unit_test(closed_early),
		cmocka_unit_test(bundled),
	};

	return cmocka_run_group_tests_name("trace.dat", tests, NULL, NULL);
}
