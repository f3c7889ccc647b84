/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Faults that dmah_faults() reports, for its tests on each of QEMU's IOMMUs. */
#ifndef DMAH_TESTS_REPORTED_H
#define DMAH_TESTS_REPORTED_H

#include <dmah/fault.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/** struct reported - faults that were reported: @n of them, the @last one, and its @text, as mapped by "the_test". */
struct reported {
	unsigned int n;
	struct dmah_fault last;
	char text[DMAH_FAULT_TEXT];
};

static inline void reported_keep(void *ctx, const struct dmah_fault *fault)
{
	struct reported *reported = ctx;

	reported->n++;
	reported->last = *fault;
	dmah_fault_text(fault, "the_test", reported->text, sizeof(reported->text));
}

/** reported_take() - take the faults that an IOMMU has recorded since the last call. */
static inline struct reported reported_take(struct dmah_iommu *iommu)
{
	struct reported reported = { 0 };

	assert_int_equal(dmah_faults(iommu, reported_keep, &reported, NULL), DMAH_OK);
	return reported;
}

#endif /* DMAH_TESTS_REPORTED_H */
