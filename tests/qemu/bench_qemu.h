/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Which of QEMU's IOMMUs a program of the shared suite is about; it may use the other one too where a case says so. */
#ifndef DMAH_TESTS_BENCH_QEMU_H
#define DMAH_TESTS_BENCH_QEMU_H

#include "bench.h"

/**
 * struct bench_kind - which.
 * @can: for bench_can().
 * @hw: the hardware that BENCH_IOMMU stands for.
 */
struct bench_kind {
	unsigned int can;
	enum bench_hw hw;
};

extern const struct bench_kind bench_kind;

#endif /* DMAH_TESTS_BENCH_QEMU_H */
