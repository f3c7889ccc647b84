/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Two plots as SVG within HTML: values over time, and bars. */
#ifndef DMAH_TOOLS_PROFILE_SVG_H
#define DMAH_TOOLS_PROFILE_SVG_H

#include <stdint.h>
#include <stdio.h>

/** svg_text() - write text with HTML's special characters replaced */
void svg_text(FILE *to, const char *s);

/**
 * svg_steps() - draw values over time
 * @to: file
 * @v: values of equal parts of the time
 * @nr: number of values
 * @y: meaning of a value
 * @x_end: label of the end of the x axis
 */
void svg_steps(FILE *to, const uint64_t *v, int nr, const char *y, const char *x_end);

/**
 * svg_bars() - draw one bar for each bin
 * @to: file
 * @v: bins
 * @first, @last: the bins to draw
 * @label: writes the label of a bin
 * @y: meaning of a value
 */
void svg_bars(FILE *to, const uint64_t *v, int first, int last,
	      void (*label)(int bin, char *to, size_t n), const char *y);

#endif
