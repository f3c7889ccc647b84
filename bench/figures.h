/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Figures that are no time of an operation in a loop: of a load that lasts, of single calls, of two CPUs in turn. */
#ifndef DMAH_BENCH_FIGURES_H
#define DMAH_BENCH_FIGURES_H

#include <stdbool.h>
#include <stddef.h>

/** enum figure - a figure of this library, and behind it those of Linux 6.12's and 7.3's code. */
enum figure {
	FIGURE_WINDOWS, /* 2 MiB windows of IOVAs touched, to those that the most live mappings fill */
	FIGURE_WINDOWS_LINUX,
	FIGURE_WINDOWS_LINUX73,
	FIGURE_P999, /* ns of a map, the most of 999 in 1,000 */
	FIGURE_P999_LINUX,
	FIGURE_P999_LINUX73,
	FIGURE_MOST, /* ns of the slowest map */
	FIGURE_MOST_LINUX,
	FIGURE_MOST_LINUX73,
	FIGURE_POLLUTED, /* ns of an unmap and a map after the driver has used the caches */
	FIGURE_POLLUTED_LINUX,
	FIGURE_POLLUTED_LINUX73,
	FIGURE_HANDED_OVER, /* ns of a mapping that one CPU makes and another ends */
	FIGURE_HANDED_OVER_LINUX,
	FIGURE_HANDED_OVER_LINUX73,
	FIGURE_MISSES, /* accesses of an operation that miss a simulated first cache of data; set by the caller */
	FIGURE_MISSES_LINUX,
	FIGURE_MISSES_LINUX73,
	FIGURE_ATTACH, /* ns to make a domain, attach a device, detach it and end the domain */
	FIGURES
};

/** figure_name() - Returns a figure's name in JSON. */
const char *figure_name(enum figure f);

/**
 * figures_measure() - Measures the figures.
 * @value: by enum figure; those that are not measured become -1.
 * @timed: measure times, too.
 * @ops: operations of the load that lasts; 0: 4 million.
 *
 * Return: NULL, or a text that names a failure.
 */
const char *figures_measure(double value[FIGURES], bool timed, unsigned int ops);

#endif
