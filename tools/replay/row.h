/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Rows: a trace replayed through one API on one machine, and the results. */
#ifndef DMAH_REPLAY_ROW_H
#define DMAH_REPLAY_ROW_H

#include <jansson.h>
#include <stdio.h>
#include "machine.h"
#include "verify.h"

/**
 * struct row - a row.
 * @plan: plan of the trace.
 * @kind: the machine.
 * @way: API and lookup.
 * @mode: strict or lazy; strict without an IOMMU.
 * @number: the how-manieth row of the command it is, rows that were given up included.
 * @ops: calls of one pass.
 * @ns: nanoseconds of one call: the median of all passes; negative: not timed.
 * @instructions: of one call; negative: not counted.
 * @stats: the library's counters of one pass.
 * @verified: @wrong and @stale are results of a verification.
 * @wrong: see struct verdict; calls that failed in a timed pass are added.
 * @stale: see struct verdict.
 * @checked: see struct verdict.
 */
struct row {
	const struct plan *plan;
	const struct machine_kind *kind;
	struct way way;
	enum dmah_mode mode;
	size_t number;
	uint64_t ops;
	double ns;
	double instructions;
	struct dmah_stats stats;
	bool verified;
	uint64_t wrong;
	uint64_t stale;
	uint64_t checked;
};

/**
 * struct rows - all rows of a command.
 * @list: the rows.
 * @n: how many.
 * @cap: room for so many.
 * @made: number of rows made so far, those included that a failed machine took back.
 */
struct rows {
	struct row *list;
	size_t n, cap;
	size_t made;
};

/**
 * struct options - options of the command line.
 * @machine: only this machine; NULL: all.
 * @api: only this API; APIS: all.
 * @strict: measure strict mode.
 * @lazy: measure lazy mode.
 * @timed: time each row; without, one pass is made for its counters.
 * @verify: verify each row after it was measured.
 * @repeat: timed passes of each row.
 * @foreign: percentage of the pages that belong to other domains on Xen.
 * @under_callgrind: this process counts instructions: each row has one pass, marked for callgrind.
 * @counts: instructions of a call that such a process counted, by row; negative: none.
 * @ncounts: how many.
 */
struct options {
	const struct machine_kind *machine;
	enum api api;
	bool strict;
	bool lazy;
	bool timed;
	bool verify;
	unsigned int repeat;
	unsigned int foreign;
	bool under_callgrind;
	double *counts;
	size_t ncounts;
};

/** rows_of_handle() - Returns the handle's row of the same trace, machine and mode as @row; NULL if there is none. */
const struct row *rows_of_handle(const struct rows *rows, const struct row *row);

/** rows_wrong() - Returns the failures of verification in all rows. */
uint64_t rows_wrong(const struct rows *rows);

/** plan_rows() - Returns the number of rows of each trace. */
size_t plan_rows(const struct options *opt);

/**
 * replay_plan() - Measures and verifies a plan on every machine that the options select.
 * @plan: the plan.
 * @opt: the options.
 * @rows: the rows are added here.
 * @step: called after each row, for a progress bar; may be NULL.
 *
 * Return: false if a machine could not be built and has no rows, after a message.
 */
bool replay_plan(const struct plan *plan, const struct options *opt, struct rows *rows,
		 void (*step)(void));

/* ---- output ---- */

/** replay_rows() - Returns all rows as JSON. The keys are a contract with users of --json. The caller frees the array. */
json_t *replay_rows(const struct rows *rows);

/** replay_table() - Prints the head and the table of one plan for a terminal. */
void replay_table(FILE *f, const struct plan *plan, const struct rows *rows, unsigned int foreign);

/** replay_markdown() - Prints the table of one plan between the marks of a document: <!-- run: NAME --> and <!-- end -->. */
void replay_markdown(FILE *f, const struct plan *plan, const struct rows *rows);

/** plan_base() - Returns the file name of a plan's trace, without folders. */
const char *plan_base(const struct plan *plan);

/** replay_html() - Prints the table of one plan as HTML. */
void replay_html(FILE *f, const struct plan *plan, const struct rows *rows);

/** replay_plot() - Draws all rows into a file, a panel for each trace. Return: false on an error, after a message. */
bool replay_plot(const char *path, const struct rows *rows);

/** replay_svg() - Draws the panel of one trace as SVG text, which the caller frees. Return: as plot_svg(). */
char *replay_svg(const struct rows *rows, const struct plan *plan);

/** replay_report() - Writes the HTML report. Return: false on an error, after a message. */
bool replay_report(const char *path, const struct rows *rows, const struct options *opt);

#endif
