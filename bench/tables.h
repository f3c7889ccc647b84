/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The benchmark's tables: JSON rows and their forms, for the terminal, the report and documents. */
#ifndef DMAH_BENCH_TABLES_H
#define DMAH_BENCH_TABLES_H

#include "row.h"
#include "table.h"

/* Each function returns rows for the table of its name; the caller frees them. */

/** table_all - every row of a run. */
extern const struct table table_all;
json_t *all_rows(const struct rows *rows);

/** table_targets - the targets, in their order, or those that were missed first. */
extern const struct table table_targets;
/** table_verdicts - those rows without the figures that other tables of a document have. */
extern const struct table table_verdicts;
json_t *target_rows(const struct rows *rows, bool missed_first);

/** table_gains - the parts of the gain over Linux, of one mode; no rows if an end of it was not measured. */
extern const struct table table_gains;
json_t *gain_rows(const struct rows *rows, enum dmah_mode mode);

/** table_cases - the cases and what they call. */
extern const struct table table_cases;
json_t *case_rows(void);

/** table_slower - conditions under which this library's nearest call takes more time or instructions than Linux's. */
extern const struct table table_slower;
json_t *slower_rows(const struct rows *rows);

/** table_headline - each API, lazy and strict: 4 KiB, 1,024 live mappings, random order, one thread. */
extern const struct table table_headline;
json_t *headline_rows(const struct rows *rows);

/** table_conditions - the time of an operation under other conditions than the headline's. */
extern const struct table table_conditions;
json_t *condition_rows(const struct rows *rows);

/** table_syncs - syncs. */
extern const struct table table_syncs;
json_t *sync_rows(const struct rows *rows);

/** table_summary - README.md's table: Linux 6.12, Linux 7.3 and this library. */
extern const struct table table_summary;
json_t *summary_rows(const struct rows *rows);

/**
 * markdown_print() - Prints the tables of docs/performance.md and README.md, each between its marks.
 * @measured: the rows are of this process, so that the versions of this machine are theirs.
 */
void markdown_print(FILE *f, const struct rows *rows, bool measured);

#endif
