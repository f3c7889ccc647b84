/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What dmah_faults() tells, for the tests of it on each of QEMU's IOMMUs. */
#ifndef DMAH_TESTS_TOLD_H
#define DMAH_TESTS_TOLD_H

#include <dmah/fault.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/** struct told - @n faults; the last one, and in words, as mapped by "the_test". */
struct told {
	unsigned int n;
	struct dmah_fault last;
	char text[DMAH_FAULT_TEXT];
};

static inline void told_keep(void *ctx, const struct dmah_fault *fault)
{
	struct told *told = ctx;

	told->n++;
	told->last = *fault;
	dmah_fault_text(fault, "the_test", told->text, sizeof(told->text));
}

/** told_take() - what an IOMMU has recorded since the last call. */
static inline struct told told_take(struct dmah_iommu *iommu)
{
	struct told told = { 0 };

	assert_int_equal(dmah_faults(iommu, told_keep, &told, NULL), DMAH_OK);
	return told;
}

#endif /* DMAH_TESTS_TOLD_H */
