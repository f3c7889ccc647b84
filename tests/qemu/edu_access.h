/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Accesses of an edu device, and the end of a test, for tests that have a rig of their own. */
#ifndef DMAH_TESTS_EDU_ACCESS_H
#define DMAH_TESTS_EDU_ACCESS_H

#include "edu.h"
#include "posix.h"
#include "qemu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/** edu_writes() - have a device write 4 bytes. Returns true if they arrived at @phys. */
static inline bool edu_writes(struct qemu *q, struct edu *edu, dmah_addr_t dma, dmah_phys_t phys)
{
	volatile uint32_t *at = qemu_ram(q, phys, 4);
	uint32_t was = *at;
	bool changed = false;

	/* Two contents: the device's buffer cannot have both. */
	for (unsigned int i = 0; i < 2 && !changed; i++) {
		*at = i ? 0xa5a5a5a5 : 0x5a5a5a5a;
		assert_int_equal(edu_dma(edu, dma, 0, 4, DMAH_FROM_DEVICE), 0);
		changed = *at != (i ? 0xa5a5a5a5 : 0x5a5a5a5a);
	}
	if (!changed)
		*at = was;
	return changed;
}

/** end_of_test() - assert that the host's memory is all back, and put its clock and reports back. */
static inline void end_of_test(struct qemu *q)
{
	struct posix_alloc_stats stats;

	posix_alloc_stats(&stats);
	assert_int_equal(stats.pages + stats.mem, 0);
	posix_set_report(NULL, NULL);
	posix_clock_real();
	qemu_log_drop(q);
}

#endif /* DMAH_TESTS_EDU_ACCESS_H */
