/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Counts instructions of this process in user mode by the CPU's counter, where kernel and processor allow it. */
#ifndef DMAH_MEASURE_PERF_H
#define DMAH_MEASURE_PERF_H

#include <stdbool.h>
#include <stdint.h>

/** perf_begin() - Starts counting. Return: false if there is no counter. */
bool perf_begin(void);

/**
 * perf_end() - Stops counting and stores the number of instructions in @n.
 *
 * Return: false if the counter was shared, so that some instructions are missing.
 */
bool perf_end(uint64_t *n);

#endif
