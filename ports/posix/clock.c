/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Time: the system's, or the test's own, so that no test sleeps. */
#include "dmah_inline.h"
#include "posix.h"

#include <time.h>

/* Nanoseconds that a pause in a spin loop takes on the manual clock, so that bounded loops end. */
#define RELAX_NS 100u

static uint64_t manual_now;

void posix_clock_manual(uint64_t now)
{
	__atomic_store_n(&manual_now, now, __ATOMIC_RELAXED);
	posix_fast.manual = true;
}

void posix_clock_real(void)
{
	posix_fast.manual = false;
}

bool posix_clock_is_manual(void)
{
	return posix_fast.manual;
}

void posix_clock_advance(uint64_t ns)
{
	__atomic_fetch_add(&manual_now, ns, __ATOMIC_RELAXED);
}

void posix_clock_reach(uint64_t when)
{
	uint64_t now = __atomic_load_n(&manual_now, __ATOMIC_RELAXED);

	while (now < when && !__atomic_compare_exchange_n(&manual_now, &now, when, true,
							  __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

void posix_relax_slow(void)
{
	posix_clock_advance(RELAX_NS);
}

uint64_t dmah_host_now(void)
{
	struct timespec ts;

	if (posix_fast.manual)
		return __atomic_load_n(&manual_now, __ATOMIC_RELAXED);
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}
