/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The cases, by file. */
#ifndef DMAH_BENCH_CASES_H
#define DMAH_BENCH_CASES_H

#include "work.h"

/* case_base.c */
extern const struct bench_case case_harness, case_harness_sync, case_floor;

/* case_linux.c */
extern const struct bench_case case_linux_arm, case_linux_vtd, case_linux_sync, case_linux_sg1,
	case_linux_sg8, case_linux_sg128, case_linux_direct, case_linux_bounce,
	case_linux_bounced_sync;

/* case_linux73.c */
extern const struct bench_case case_linux73_arm, case_linux73_vtd, case_linux73_sync,
	case_linux73_sg1, case_linux73_sg8, case_linux73_sg128, case_linux73_direct,
	case_linux73_bounce, case_linux73_bounced_sync, case_linux73_link1, case_linux73_link8,
	case_linux73_link128;

/* case_address.c */
extern const struct bench_case case_address_rbtree, case_address_walk, case_address_directory,
	case_page;

/* case_handle.c */
extern const struct bench_case case_handle, case_replace;

/* case_batch.c */
extern const struct bench_case case_batch;

/* case_ring.c */
extern const struct bench_case case_ring, case_ring32;

/* case_sync.c */
extern const struct bench_case case_sync_nothing, case_sync_noncoherent, case_sync_bounced,
	case_sync_bounced_copy, case_sync_untrusted, case_sync_untrusted_bounced;

/* case_vec.c */
extern const struct bench_case case_vec1, case_vec8, case_vec128;

/* case_handle.c: set-up, end and check for other cases whose buffers hold handles. */
bool handles_fill(struct work *w);
bool handles_drain(struct work *w);
const char *handles_check(struct work *w);

#endif
