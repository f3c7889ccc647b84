/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* A row of the result: a trace through an API of a machine. */
#ifndef DMAH_REPLAY_ROW_H
#define DMAH_REPLAY_ROW_H

#include <stdio.h>
#include "machine.h"
#include "verify.h"

/**
 * struct row - one.
 * @plan: of the trace.
 * @kind: the machine.
 * @way: API and lookup.
 * @mode: strict or lazy; strict without an IOMMU.
 * @ops: calls.
 * @ns: nanoseconds for one of them: the median of all repeats.
 * @instructions: for one of them; negative: they cannot be counted here.
 * @stats: what the library counted in one pass.
 * @verified: @wrong and @stale say something.
 * @wrong: see struct verdict; with the calls that failed while they were timed.
 * @stale: see struct verdict.
 * @checked: see struct verdict.
 */
struct row {
	const struct plan *plan;
	const struct machine_kind *kind;
	struct way way;
	enum dmah_mode mode;
	uint64_t ops;
	double ns;
	double instructions;
	struct dmah_stats stats;
	bool verified;
	uint64_t wrong;
	uint64_t stale;
	uint64_t checked;
};

/** struct rows - all of a command. */
struct rows {
	struct row *list;
	size_t n, cap;
};

/**
 * struct options - what was asked for.
 * @machine: or NULL for all.
 * @api: or APIS for all.
 * @strict, @lazy: the modes.
 * @verify: or only measure.
 * @repeat: timed passes of each row.
 * @foreign: percent.
 */
struct options {
	const struct machine_kind *machine;
	enum api api;
	bool strict;
	bool lazy;
	bool verify;
	unsigned int repeat;
	unsigned int foreign;
};

/** mode_name() - as in the output. */
const char *mode_name(enum dmah_mode mode);

/** rows_of_handle() - the handle row beside @row: of the same trace, machine and mode; NULL where there is none. */
const struct row *rows_of_handle(const struct rows *rows, const struct row *row);

/** rows_wrong() - verification failures in all rows. */
uint64_t rows_wrong(const struct rows *rows);

/** plan_rows() - how many rows a trace gives. */
size_t plan_rows(const struct options *opt);

/**
 * replay_plan() - measure and verify a plan on every machine that was asked for.
 * @step: called after each row is done, for a progress bar; may be NULL.
 *
 * Return: false where a machine could not be built and has no rows; stderr says why.
 */
bool replay_plan(const struct plan *plan, const struct options *opt, struct rows *rows,
		 void (*step)(void));

/* ---- output ---- */

/** table_print() - the rows of one plan. */
void table_print(FILE *f, const struct plan *plan, const struct rows *rows, unsigned int foreign);

/** json_print() - all rows, as an array. */
void json_print(FILE *f, const struct rows *rows);

/** plot_can() - whether @path has an ending that can be drawn, and gnuplot is there; else @why says so. */
bool plot_can(const char *path, const char **why);

/** plot_file() - draw all rows into a file, a panel for each trace. Return: false, and stderr says why. */
bool plot_file(const char *path, const struct rows *rows);

/** plot_svg() - the panel of one trace, as text to be freed; NULL where gnuplot is missing or fails. */
char *plot_svg(const struct rows *rows, const struct plan *plan);

/** report_write() - the HTML report. Return: false, and stderr says why. */
bool report_write(const char *path, const struct rows *rows, const struct options *opt);

#endif
