/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Clocks, and the fence of a serialised operation. */
#ifndef DMAH_MEASURE_CLOCK_H
#define DMAH_MEASURE_CLOCK_H

#include <stdint.h>
#include <time.h>

/** clock_ns() - Returns the time of clock @id in nanoseconds. */
static inline uint64_t clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/**
 * clock_ticks() - Reads the CPU's counter.
 *
 * Simulated hardware must know the time at every call. A system clock costs so much that it would be a good part of the
 * price of a batch; the counter is cheaper.
 */
static inline uint64_t clock_ticks(void)
{
#if defined(__x86_64__) || defined(__i386__)
	return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
	uint64_t t;

	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(t));
	return t;
#else
	return clock_ns(CLOCK_MONOTONIC);
#endif
}

/** clock_ticks_of() - Converts nanoseconds to clock_ticks(). The first call calibrates for 20 ms. */
uint64_t clock_ticks_of(uint64_t ns);

/** clock_serialise() - Completes all earlier instructions, stores included, before any later one begins. */
static inline void clock_serialise(void)
{
#if defined(__x86_64__)
	__asm__ volatile("mfence; lfence" ::: "memory");
#elif defined(__aarch64__)
	__asm__ volatile("dsb sy; isb" ::: "memory");
#else
	__sync_synchronize();
#endif
}

#endif
