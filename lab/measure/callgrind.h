/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Counts instructions by valgrind's callgrind.
 *
 * A CPU's counter is often missing in virtual machines. Callgrind needs none, and its counts are the same on every run,
 * however busy the machine is. The program runs itself again under valgrind; that process marks the measured loops.
 */
#ifndef DMAH_MEASURE_CALLGRIND_H
#define DMAH_MEASURE_CALLGRIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** callgrind_begin() - Starts collecting, in the process under callgrind. */
void callgrind_begin(void);

/** callgrind_end() - Stops collecting, and records that this was row @row and made @ops operations. */
void callgrind_end(size_t row, uint64_t ops);

/**
 * callgrind_run() - Runs this program again under callgrind.
 * @args: its arguments, without the program's name; ends with NULL; at most 500. Its standard output is discarded.
 * @caches: simulate the first cache of data, too.
 * @found: called for each recorded row with the instructions of one operation, and with the accesses that miss that cache
 *	(negative without @caches).
 * @ctx: for @found.
 *
 * Return: false on an error, after a message. True, after a message, where the program was built without valgrind's headers:
 * then no row is found.
 */
bool callgrind_run(const char *const *args, bool caches,
		   void (*found)(void *ctx, size_t row, double instructions, double misses),
		   void *ctx);

#endif
