/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Clocks, and the fence of a serialised operation. */
#ifndef DMAH_BENCH_CLOCK_H
#define DMAH_BENCH_CLOCK_H

#include <stdint.h>
#include <time.h>

/** clock_ns() - @id's time in nanoseconds. */
static inline uint64_t clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/**
 * clock_ticks() - a counter that is cheaper to read than any clock of the system's, for what plays the hardware: the time
 *	that it takes to ask would otherwise be a good part of what a batch costs.
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

/** clock_ticks_of() - nanoseconds in clock_ticks(), measured once. */
uint64_t clock_ticks_of(uint64_t ns);

/** clock_serialise() - all that was begun before is done, stores included, before anything after it begins. */
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
