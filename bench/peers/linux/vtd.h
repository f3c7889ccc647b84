/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The simulated IOMMU behind Linux's VT-d driver: its registers and its latency. */
#ifndef BENCH_PEERS_LINUX_VTD_H
#define BENCH_PEERS_LINUX_VTD_H

#include "drivers/iommu/intel/iommu.h"

struct vtd_unit {
	struct intel_iommu iommu; /* Linux's */
	struct q_inval qi; /* Linux's */
	/* Counted and written under the queue's lock. */
	u64 waits;
	u64 latency;
	u64 over_at[QI_LENGTH]; /* time at which the wait descriptor at that position is done */
	char registers[PAGE_SIZE];
};

#endif
