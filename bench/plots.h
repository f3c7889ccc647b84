/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The benchmark's report and its plots. */
#ifndef DMAH_BENCH_PLOTS_H
#define DMAH_BENCH_PLOTS_H

#include "row.h"

/** bench_report() - Writes the HTML report. Return: false on an error, after a message. */
bool bench_report(const char *path, const struct rows *rows);

/* Each plot is SVG text, which the caller frees; NULL where gnuplot is missing or fails. */

/** plot_live() - Draws the time of an operation against the number of live mappings. */
char *plot_live(const struct rows *rows);

/** plot_threads() - Draws the time of an operation in one thread and in two. */
char *plot_threads(const struct rows *rows);

/** plot_ablation() - Draws the time of an operation from Linux's code down to the loop alone, step by step. */
char *plot_ablation(const struct rows *rows);

#endif
