/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Two plots as SVG within HTML: values over time, and bars. */
#ifndef DMAH_TOOLS_PROFILE_SVG_H
#define DMAH_TOOLS_PROFILE_SVG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/** svg_text() - write text with HTML's special characters replaced */
void svg_text(FILE *to, const char *s);

/**
 * struct svg_axes - meaning of a plot
 * @y: meaning of a value
 * @bytes: a value is a number of bytes
 * @x: meaning of the x axis
 * @x_end: label of the end of the x axis, for values over time
 */
struct svg_axes {
	const char *y;
	bool bytes;
	const char *x;
	const char *x_end;
};

/**
 * svg_steps() - draw values over time
 * @to: file
 * @v: values of equal parts of the time
 * @nr: number of values
 * @axes: meaning
 */
void svg_steps(FILE *to, const uint64_t *v, int nr, const struct svg_axes *axes);

/**
 * svg_bars() - draw one bar for each bin
 * @to: file
 * @v: bins
 * @first, @last: the bins to draw
 * @label: writes the label of a bin
 * @axes: meaning
 */
void svg_bars(FILE *to, const uint64_t *v, int first, int last,
	      void (*label)(int bin, char *to, size_t n), const struct svg_axes *axes);

#endif
