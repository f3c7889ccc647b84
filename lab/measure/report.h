/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Reports: one HTML file that needs no other file. */
#ifndef DMAH_MEASURE_REPORT_H
#define DMAH_MEASURE_REPORT_H

#include "table.h"

/**
 * report_write() - Writes a report.
 * @path: the file.
 * @title: its title and first heading.
 * @body: prints the rest, from below the first heading on.
 * @ctx: for @body.
 *
 * Return: false on an error, after a message.
 */
bool report_write(const char *path, const char *title, void (*body)(FILE *f, const void *ctx),
		  const void *ctx);

/** report_versions() - Prints the versions behind a report's figures: dmah, @more (may be NULL), the processor. */
void report_versions(FILE *f, const char *more);

/** report_plot() - Prints a plot, which is freed: the SVG of plot_svg(), or NULL for a note that there is none. */
void report_plot(FILE *f, char *svg);

/** processor_name() - Returns the processor's name, "unknown" where the system does not say it. */
const char *processor_name(void);

#endif
