/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Counts the words that this library's allocator reads and writes. Included before src/iova/range.c. */
#ifndef DMAH_BENCH_LOCKUP_STEPS_H
#define DMAH_BENCH_LOCKUP_STEPS_H

extern unsigned long range_steps;

#define RANGE_STEP() ((void)range_steps++)

#endif
