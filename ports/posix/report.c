/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Reports of the library beyond its error codes. */
#include "posix.h"

#include <dmah/device.h>

#include <inttypes.h>
#include <stdio.h>

static void (*report_fn)(void *ctx, const struct dmah_device *dev, int err, const char *text,
			 uint64_t addr, const void *caller);
static void *report_ctx;
static uint64_t reports;

void posix_report_reset(void);

void posix_report_reset(void)
{
	__atomic_store_n(&reports, 0, __ATOMIC_RELAXED);
}

void posix_set_report(void (*fn)(void *ctx, const struct dmah_device *dev, int err,
				 const char *text, uint64_t addr, const void *caller),
		      void *ctx)
{
	report_fn = fn;
	report_ctx = ctx;
}

uint64_t posix_reports(void)
{
	return __atomic_load_n(&reports, __ATOMIC_RELAXED);
}

void dmah_host_report(const struct dmah_device *dev, int err, const char *text, uint64_t addr,
		      const void *caller)
{
	__atomic_fetch_add(&reports, 1, __ATOMIC_RELAXED);
	if (report_fn) {
		report_fn(report_ctx, dev, err, text, addr, caller);
		return;
	}
	fprintf(stderr, "dmah: %s: %s (error %d) at 0x%" PRIx64 ", called from %p\n",
		dev && dev->name ? dev->name : "-", text, err, addr, caller);
}
