/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Shared by the implementations of bench.h: hooks in front of an IOMMU's driver, and functions of the port. */
#ifndef DMAH_TESTS_BENCH_INT_H
#define DMAH_TESTS_BENCH_INT_H

#include "bench.h"

/**
 * struct bench_hooks - the tests' hooks in front of an IOMMU's driver. A process has one at a time.
 * @real: the driver's own functions.
 * @ops: the functions that the library calls.
 * @on_wait, @on_post: set by bench_on_wait() and bench_on_post().
 * @machine: passed to the functions below, which may be NULL.
 * @let: pass held commands to the hardware (true), or hold them again (false).
 * @bound: called after a device was bound.
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

/** bench_begin() - set up the port: manual clock, CPU 0, reports counted. Called by bench_open(). */
void bench_begin(void);

/** bench_balanced() - check that no memory of the port is allocated. Called by bench_close(). */
void bench_balanced(void);

/** bench_end() - reset the port. Called by bench_abandon(). */
void bench_end(void);

#endif /* DMAH_TESTS_BENCH_INT_H */
