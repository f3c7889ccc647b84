// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "clock.h"

#define CALIBRATION_NS 20000000u

uint64_t clock_ticks_of(uint64_t ns)
{
	static double per_ns;

	if (!ns)
		return 0;
	if (per_ns == 0) {
		uint64_t t = clock_ns(CLOCK_MONOTONIC), n = clock_ticks(), now;

		do {
			now = clock_ns(CLOCK_MONOTONIC);
		} while (now - t < CALIBRATION_NS);
		per_ns = (double)(clock_ticks() - n) / (double)(now - t);
	}
	return (uint64_t)((double)ns * per_ns + 0.5);
}
