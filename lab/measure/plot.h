/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Plots, drawn by gnuplot. */
#ifndef DMAH_MEASURE_PLOT_H
#define DMAH_MEASURE_PLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/**
 * struct plot - a picture of one or more panels, one below the other.
 * @height: in pixels.
 * @panels: how many.
 * @legend: width of the legend, in characters.
 * @script: prints gnuplot's commands for the panels.
 * @ctx: for @script.
 */
struct plot {
	unsigned int height;
	unsigned int panels;
	unsigned int legend;
	void (*script)(FILE *f, const void *ctx);
	const void *ctx;
};

/**
 * plot_possible() - Checks that a plot can be written to @path.
 * @path: the file; its ending, .svg or .png, chooses the format.
 * @why: set to the reason where not, to be followed by @path.
 */
bool plot_possible(const char *path, const char **why);

/** plot_write() - Draws into a file. Return: false on an error, after a message. */
bool plot_write(const char *path, const struct plot *p);

/** plot_svg() - Draws as SVG text, which the caller frees. Return: NULL if gnuplot is missing or fails. */
char *plot_svg(const struct plot *p);

/** plot_quoted() - Prints a string of gnuplot's, in quotes. */
void plot_quoted(FILE *f, const char *text);

/** BARS_SERIES - most series of a bar chart. */
#define BARS_SERIES 8u

/**
 * struct cluster - bars that stand together.
 * @label: below them; "\\n" begins a new line.
 * @value: heights, one for each series; not above 0: no bar.
 */
struct cluster {
	char label[96];
	double value[BARS_SERIES];
};

/**
 * struct bars - a panel of clustered bars.
 * @title: above the panel.
 * @ylabel: beside the axis.
 * @series: names of the series, in the legend.
 * @colours: of the series, as "#rrggbb".
 * @nseries: how many.
 * @clusters: from left to right.
 * @nclusters: how many.
 * @line_at_1: draw a line at the height 1, for charts of ratios.
 */
struct bars {
	const char *title;
	const char *ylabel;
	const char *const *series;
	const char *const *colours;
	unsigned int nseries;
	const struct cluster *clusters;
	unsigned int nclusters;
	bool line_at_1;
};

/** plot_bars() - Prints gnuplot's commands for a panel of bars; for a struct plot's script. */
void plot_bars(FILE *f, const struct bars *b);

#endif
