/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Memory for the domains of a test, and a count of the library's reports. */
#ifndef DMAH_TESTS_SETUP_H
#define DMAH_TESTS_SETUP_H

#include "posix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/**
 * memory_of() - allocate @need bytes, aligned for a domain, or fail the test. Freed with free().
 */
static inline void *memory_of(size_t need)
{
	void *memory = aligned_alloc(64, (need + 63) & ~(size_t)63);

	assert_true(need > 0);
	assert_non_null(memory);
	return memory;
}

static inline void count_report(void *ctx, const struct dmah_device *dev, int err, const char *text,
				uint64_t addr, const void *caller)
{
	unsigned int *reports = ctx;

	(void)dev;
	(void)err;
	(void)addr;
	(void)caller;
	/* The text of a setup call's error begins with the call's name. */
	if (strncmp(text, "dmah_", 5))
		++*reports;
}

/** count_reports() - count the library's reports in *@reports from now on. */
static inline void count_reports(unsigned int *reports)
{
	posix_set_report(count_report, reports);
}

#endif /* DMAH_TESTS_SETUP_H */
