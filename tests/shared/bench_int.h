/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What the implementations of bench.h share: how an IOMMU's driver is listened in on, and what the port does for all. */
#ifndef DMAH_TESTS_BENCH_INT_H
#define DMAH_TESTS_BENCH_INT_H

#include "bench.h"

/**
 * struct bench_hooks - an IOMMU's driver, with the tests' hooks before it. One at a time: the driver knows no bench.
 * @real: the driver's own functions.
 * @ops: what the library is given in their place.
 * @on_wait, @on_post: as bench_on_wait() and bench_on_post() were told.
 * @machine: passed to what follows, all of which may be NULL.
 * @let: commands that the machine keeps from the hardware go there now (true), or are kept again (false).
 * @bound: a device was bound, as @how says.
 */
struct bench_hooks {
	const struct dmah_iommu_ops *real;
	struct dmah_iommu_ops ops;
	void (*on_wait)(void *arg);
	void *on_wait_arg;
	void (*on_post)(void *arg);
	void *on_post_arg;
	void *machine;
	void (*let)(void *machine, bool through);
	void (*bound)(void *machine, struct dmah_device *dev, enum dmah_bind how,
		      const struct dmah_pt_info *pt);
};

/** bench_hook() - put @hooks, zeroed but for @machine and its functions, before the driver of @iommu. */
void bench_hook(struct bench_hooks *hooks, struct dmah_iommu *iommu);

/** bench_begin() - the port's part of bench_open(): manual clock, CPU 0, reports counted. */
void bench_begin(void);

/** bench_balanced() - the port's part of bench_close(): nothing that it handed out is left. */
void bench_balanced(void);

/** bench_end() - the port's part of bench_abandon(). */
void bench_end(void);

#endif /* DMAH_TESTS_BENCH_INT_H */
