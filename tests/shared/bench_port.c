/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Functions of a bench that use the port alone: reports, allocations, time, hooks in front of a driver. */
#include "bench_int.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "posix.h"

/* ---- cases ---- */

int bench_run(const char *group, const struct bench_case *cases, size_t n)
{
	struct CMUnitTest *tests = calloc(n, sizeof(*tests));
	size_t can = 0;
	int failed;

	for (size_t i = 0; i < n; i++)
		if (!(cases[i].needs & ~bench_can()))
			tests[can++] = (struct CMUnitTest){
				.name = cases[i].name,
				.test_func = cases[i].fn,
				.initial_state = (void *)(uintptr_t)cases[i].state,
			};
	failed = _cmocka_run_group_tests(group, tests, can, NULL, NULL);
	free(tests);
	return failed;
}

/* ---- reports ---- */

static unsigned int reports;

static void report(void *ctx, const struct dmah_device *dev, int err, const char *text,
		   uint64_t addr, const void *caller)
{
	(void)ctx;
	(void)addr;
	(void)caller;
	assert_non_null(text);
	/*
	 * Count reports about devices. Setup errors, whose texts begin with the call's
	 * name, and units that do not answer, whose reports name no device, do not count.
	 */
	if (!strncmp(text, "dmah_", 5) || (!dev && err == DMAH_ETIMEDOUT))
		return;
	__atomic_add_fetch(&reports, 1, __ATOMIC_RELAXED);
}

unsigned int bench_reports(struct bench *b)
{
	(void)b;
	return __atomic_exchange_n(&reports, 0, __ATOMIC_RELAXED);
}

void bench_begin(void)
{
	posix_set_cpu(0);
	posix_clock_manual(1000000000);
	posix_set_report(report, NULL);
	reports = 0;
}

void bench_balanced(void)
{
	struct posix_alloc_stats stats;

	posix_alloc_stats(&stats);
	assert_int_equal(stats.pages, 0);
	assert_int_equal(stats.mem, 0);
}

void bench_end(void)
{
	posix_fail_alloc(POSIX_FAIL_NEVER, 0);
	posix_set_report(NULL, NULL);
	posix_clock_real();
}

/* ---- allocations ---- */

void bench_fail_alloc(struct bench *b, long nth)
{
	(void)b;
	if (nth < 0)
		posix_fail_alloc(POSIX_FAIL_NEVER, 0);
	else
		posix_fail_alloc(POSIX_FAIL_NTH, (uint64_t)nth + 1);
}

void bench_fail_from(struct bench *b, long nth)
{
	(void)b;
	posix_fail_alloc(POSIX_FAIL_FROM, (uint64_t)nth + 1);
}

void bench_fail_all(struct bench *b, bool fail)
{
	(void)b;
	posix_fail_alloc(fail ? POSIX_FAIL_FROM : POSIX_FAIL_NEVER, 1);
}

unsigned long bench_allocs(struct bench *b)
{
	struct posix_alloc_stats stats;

	(void)b;
	posix_alloc_stats(&stats);
	return (unsigned long)stats.calls;
}

unsigned long bench_pages(struct bench *b)
{
	struct posix_alloc_stats stats;

	(void)b;
	posix_alloc_stats(&stats);
	return (unsigned long)stats.pages;
}

/* ---- time and CPUs ---- */

uint64_t bench_time(struct bench *b, uint64_t advance_ns)
{
	(void)b;
	posix_clock_advance(advance_ns);
	return dmah_host_now();
}

void bench_cpu(unsigned int cpu)
{
	posix_set_cpu(cpu);
}

/* ---- before the driver ---- */

static struct bench_hooks *hooked;

static int hooked_wait(struct dmah_iommu *iommu, uint64_t ticket)
{
	struct bench_hooks *h = hooked;
	int err;

	if (h->on_wait)
		h->on_wait(h->on_wait_arg);
	if (h->let)
		h->let(h->machine, true);
	err = h->real->wait(iommu, ticket);
	if (h->let)
		h->let(h->machine, false);
	return err;
}

static int hooked_invalidate(struct dmah_iommu *iommu, uint32_t tag, dmah_addr_t iova,
			     uint64_t size, bool tables, uint64_t *ticket)
{
	struct bench_hooks *h = hooked;
	uint64_t own;
	int posted;

	if (!h->on_post)
		return h->real->invalidate(iommu, tag, iova, size, tables, ticket);
	posted = h->real->invalidate(iommu, tag, iova, size, tables, &own);
	if (ticket)
		*ticket = own;
	assert_int_equal(h->real->wait(iommu, own), 0);
	h->on_post(h->on_post_arg);
	return posted;
}

static int hooked_bind(struct dmah_iommu *iommu, struct dmah_device *dev, enum dmah_bind how,
		       const struct dmah_pt_info *pt, uint32_t tag)
{
	struct bench_hooks *h = hooked;
	int err;

	if (h->let)
		h->let(h->machine, true);
	err = h->real->bind(iommu, dev, how, pt, tag);
	if (h->let)
		h->let(h->machine, false);
	if (!err && h->bound)
		h->bound(h->machine, dev, how, pt);
	return err;
}

void bench_hook(struct bench_hooks *hooks, struct dmah_iommu *iommu)
{
	hooked = hooks;
	hooks->real = iommu->ops;
	hooks->ops = *iommu->ops;
	hooks->ops.wait = hooked_wait;
	hooks->ops.invalidate = hooked_invalidate;
	hooks->ops.bind = hooked_bind;
	iommu->ops = &hooks->ops;
}
