// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * A loaded trace is kept packed. Each event must come back as trace_next() reads it, from the packed
 * form (trace_step()) and from the unpacked one (trace_events()).
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include "load.h"

static const char *path(const char *folder, const char *name)
{
	static char text[1024];

	snprintf(text, sizeof(text), "%s/%s", getenv(folder), name);
	return text;
}

static void same_list(const void *a, const void *b, uint32_t nr, size_t size)
{
	if (nr)
		assert_memory_equal(a, b, nr * size);
}

static void same(const struct trace_event *a, const struct trace_event *b)
{
	assert_int_equal(a->line, b->line);
	assert_int_equal(a->time, b->time);
	assert_int_equal(a->cpu, b->cpu);
	assert_int_equal(a->pid, b->pid);
	assert_string_equal(a->task, b->task);
	assert_string_equal(a->name, b->name);
	assert_int_equal(a->device, b->device);
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->dir, b->dir);
	assert_int_equal(a->failed, b->failed);
	assert_int_equal(a->has_virt, b->has_virt);
	assert_int_equal(a->truncated, b->truncated);
	assert_int_equal(a->error, b->error);
	assert_int_equal(a->dma, b->dma);
	assert_int_equal(a->phys, b->phys);
	assert_int_equal(a->size, b->size);
	assert_int_equal(a->attrs, b->attrs);
	assert_int_equal(a->virt, b->virt);
	assert_int_equal(a->gfp, b->gfp);
	assert_int_equal(a->nents, b->nents);
	assert_int_equal(a->ents, b->ents);
	assert_int_equal(a->nr_phys, b->nr_phys);
	assert_int_equal(a->nr_dma, b->nr_dma);
	same_list(a->physs, b->physs, a->nr_phys, sizeof(*a->physs));
	same_list(a->dmas, b->dmas, a->nr_dma, sizeof(*a->dmas));
	same_list(a->lens, b->lens, a->nr_dma, sizeof(*a->lens));
	assert_int_equal(a->lost, b->lost);
	assert_int_equal(a->lost_cpu, b->lost_cpu);
	assert_int_equal(a->lost_events, b->lost_events);
}

static void compare(const char *name)
{
	struct trace_error err;
	struct trace *stream = trace_open(name, &err), *packed = trace_load(name, &err);
	struct trace_cursor *c;
	const struct trace_event *all, *step;
	struct trace_event ev;
	size_t nr, i = 0;

	assert_non_null(stream);
	assert_non_null(packed);
	/* two cursors at once: neither has a part in the other */
	c = trace_begin(packed);
	trace_end(trace_begin(packed));
	while (trace_next(stream, &ev, &err) > 0) {
		step = trace_step(c);
		assert_non_null(step);
		same(&ev, step);
		i++;
	}
	assert_null(trace_step(c));
	assert_null(trace_step(c));
	trace_end(c);
	trace_close(stream);

	all = trace_events(packed, &nr);
	assert_int_equal(nr, i);
	stream = trace_open(name, &err);
	for (i = 0; i < nr; i++) {
		assert_int_equal(trace_next(stream, &ev, &err), 1);
		same(&ev, &all[i]);
	}
	/* unpacked, it can be stepped through, too */
	c = trace_begin(packed);
	for (i = 0; i < nr; i++)
		assert_ptr_equal(trace_step(c), &all[i]);
	assert_null(trace_step(c));
	trace_end(c);
	trace_close(stream);
	trace_close(packed);
}

static void bundled(void **state)
{
	static const char *const names[] = {
		"nvme_lazy.txt.xz",    "e1000e_lazy.txt.xz",	  "kinds_swiotlb.txt.xz",
		"smp4_overrun.txt.xz", "buggy_iommu_lazy.txt.xz", "tc_nvme_lazy_nokallsyms.dat.xz"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		compare(path("DMAH_TRACES", names[i]));
	/* every event of a kernel, with every field */
	compare(path("DMAH_TEST_DATA", "events_6.12.txt.xz"));
}

/* dmah record --stacks --iommu of every/every_dma_event.c on Linux 7.3.4, with two CPUs */
static void recorded_stacks(void **state)
{
	struct trace_error err;
	struct trace *t = trace_load(path("DMAH_TEST_DATA", "stacks_7.3.txt.xz"), &err);
	const struct trace_event *ev;
	struct trace_cursor *c;
	unsigned int all = 0, other = 0;

	(void)state;
	assert_non_null(t);
	c = trace_begin(t);
	while ((ev = trace_step(c))) {
		if (strcmp(ev->caller, "all") == 0)
			all++;
		else
			other++;
		/* the function that makes these was inlined into the module's init */
		assert_true(strcmp(ev->caller, "all") == 0 ||
			    strcmp(ev->caller, "every_init") == 0 ||
			    strcmp(ev->caller, "do_one_initcall") == 0);
	}
	trace_end(c);
	assert_int_equal(all + other, trace_info(t)->events);
	assert_int_equal(trace_info(t)->stacks, trace_info(t)->events);
	assert_true(all > 140);
	/* each iommu:map belongs to an event */
	assert_int_equal(trace_info(t)->iommu_maps_alone, 0);
	assert_true(trace_info(t)->iommu_maps > 20);
	trace_close(t);
}

/* Callers are set after their events, in both forms, on the right CPU. */
static void callers(void **state)
{
#define MAP(cpu, pid, time, dma)                                                           \
	" x-" pid " [" cpu "] ..... " time ": dma_map_page: d dir=TO_DEVICE dma_addr=" dma \
	" size=64 phys_addr=1000 attrs=\n"
#define STACK(cpu, pid, time, f) \
	" x-" pid " [" cpu "] ..... " time ": <stack trace>\n => dma_map_page_attrs\n => " f "\n"
	static const char sorted[] = MAP("000", "1", "1.0", "1000") MAP("001", "2", "1.1", "2000")
		STACK("000", "1", "1.2", "one") STACK("001", "9", "1.3", "of_another_task")
			MAP("000", "1", "1.4", "3000") STACK("001", "2", "1.5", "two")
				STACK("000", "1", "1.6", "three");
	static const char unsorted[] = MAP("001", "2", "2.0", "2000")
		STACK("001", "2", "2.1", "two") MAP("000", "1", "1.0", "1000")
			STACK("000", "1", "1.1", "one");
	const struct trace_event *ev;
	struct trace_cursor *c;
	struct trace *t;
	size_t nr;

	(void)state;
	t = load_text(sorted);
	assert_int_equal(trace_info(t)->stacks, 3);
	c = trace_begin(t);
	assert_string_equal(trace_step(c)->caller, "one");
	assert_string_equal(trace_step(c)->caller, "two");
	assert_string_equal(trace_step(c)->caller, "three");
	trace_end(c);
	ev = trace_events(t, &nr);
	assert_string_equal(ev[1].caller, "two");
	trace_close(t);
	t = load_text(unsorted);
	ev = trace_events(t, &nr);
	assert_int_equal(nr, 2);
	assert_string_equal(ev[0].caller, "one");
	assert_string_equal(ev[1].caller, "two");
	trace_close(t);
	/* without a stack, or with none but the API's functions */
	t = load_text(MAP("000", "1", "1.0", "1000") STACK("000", "1", "1.1", "dma_map_sg_attrs")
			      MAP("000", "1", "1.2", "2000"));
	ev = trace_events(t, &nr);
	assert_string_equal(ev[0].caller, "");
	assert_string_equal(ev[1].caller, "");
	trace_close(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(bundled), cmocka_unit_test(callers),
					    cmocka_unit_test(recorded_stacks) };

	return cmocka_run_group_tests_name("trace packed", tests, NULL, NULL);
}
