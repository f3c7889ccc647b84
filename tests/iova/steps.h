/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Counts the words that the range allocator reads and writes. Included before its source. */
#ifndef DMAH_TEST_STEPS_H
#define DMAH_TEST_STEPS_H

extern unsigned long range_steps;

#define RANGE_STEP() ((void)range_steps++)

#endif
