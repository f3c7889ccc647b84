/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Rows: a case under one set of conditions, and its results. */
#ifndef DMAH_BENCH_ROW_H
#define DMAH_BENCH_ROW_H

#include <jansson.h>
#include <stdio.h>

#include "figures.h"
#include "work.h"

/**
 * struct row - a row.
 * @c: the case.
 * @kind: backend; for a case of Linux's code the one that it stands for.
 * @mode: strict or lazy; without meaning where there is no IOMMU.
 * @live: live mappings of each thread.
 * @fifo: see struct work.
 * @serialised: see struct work.
 * @threads: 1 or 2.
 * @two_domains: each thread has a domain of its own.
 * @size: bytes of a mapping.
 * @latency_ns: of an invalidation.
 * @quick: measured with --quick, too.
 * @count: its instructions are counted.
 * @ns: nanoseconds of an operation, the median of all runs.
 * @ns_min: the least of all runs.
 * @ns_max: the most of all runs.
 * @n: runs in those figures; 0: nothing was timed.
 * @instructions: of an operation; negative: not counted.
 * @overlap: mean part of the runs in which both threads were on a CPU.
 * @dropped: runs that were thrown away for too little overlap.
 */
struct row {
	const struct bench_case *c;
	enum machine_kind kind;
	enum dmah_mode mode;
	uint32_t live;
	bool fifo;
	bool serialised;
	unsigned int threads;
	bool two_domains;
	uint32_t size;
	uint32_t latency_ns;
	bool quick;
	bool count;
	double ns;
	double ns_min;
	double ns_max;
	unsigned int n;
	double instructions;
	double overlap;
	unsigned int dropped;
};

/** struct rows - all rows of a run, and its figures where @figured. */
struct rows {
	struct row *list;
	size_t n, cap;
	bool figured;
	double figure[FIGURES];
};

/** rows_figure() - Returns a figure of a run; negative: it was not measured. */
static inline double rows_figure(const struct rows *rows, enum figure f)
{
	return rows->figured ? rows->figure[f] : -1;
}

/**
 * struct options - options of the command line.
 * @quick: only the rows of the headline.
 * @only: only this case; NULL: all.
 * @live: only rows with this number of live mappings; 0: all.
 * @brief: each row is timed for a shorter while.
 */
struct options {
	bool quick;
	bool brief;
	const struct bench_case *only;
	uint32_t live;
};

/** rows_make() - Makes the rows that the options select. */
void rows_make(struct rows *rows, const struct options *opt);

/** row_case() - Prints the name of the row's case into @buf: with "-2domains" where each thread has a domain. */
const char *row_case(const struct row *r, char *buf, size_t size);

/** row_mode() - Returns the mode's name, "none" without an IOMMU. */
const char *row_mode(const struct row *r);

/** row_print_id() - Prints all conditions of a row on one line. */
void row_print_id(FILE *f, const struct row *r);

/**
 * row_find() - Finds a measured row of one thread and no latency.
 * @rows: all rows.
 * @name: as row_case() gives it.
 * @kind: backend.
 * @mode: ignored where the backend has no IOMMU.
 * @live: live mappings.
 * @fifo: see struct work.
 * @serialised: see struct work.
 *
 * Return: NULL if there is no such row, or it was not measured.
 */
const struct row *row_find(const struct rows *rows, const char *name, enum machine_kind kind,
			   enum dmah_mode mode, uint32_t live, bool fifo, bool serialised);

/** row_find_more() - Finds a measured row as row_find() does, by threads and latency, too. */
const struct row *row_find_more(const struct rows *rows, const char *name, enum machine_kind kind,
				enum dmah_mode mode, uint32_t live, bool fifo, bool serialised,
				unsigned int threads, uint32_t latency_ns);

/** have_case() - Returns false for a case of Linux's own code that was not built. */
bool have_case(const struct bench_case *c);

/** peer_versions() - Returns the versions of Linux whose own code was built, for example "6.12.9 and 7.3.4"; NULL without. */
const char *peer_versions(void);

/* ---- run.c ---- */

/**
 * rows_run() - Measures all rows, in turn, again and again.
 *
 * Return: false if a check failed, after a message.
 */
bool rows_run(struct rows *rows, const struct options *opt);

/** rows_smoke() - Runs each row once and prints the results as TAP. Return: false if a row failed. */
bool rows_smoke(struct rows *rows);

/** rows_counted() - Runs the rows whose instructions are wanted; for the process under callgrind. Return: as rows_run(). */
bool rows_counted(struct rows *rows);

/** instructions_count() - Counts the instructions of the rows that want it. Return: false on an error, after a message. */
bool instructions_count(struct rows *rows, const struct options *opt);

/** misses_count() - Counts the accesses of an operation of a case that miss a simulated first cache of data: 1,024 live, lazy. */
bool misses_count(const struct bench_case *c, double *misses);

/* ---- row_json.c ---- */

/** rows_to_json() - Returns all rows as an array of JSON objects. */
json_t *rows_to_json(const struct rows *rows);

/** figures_to_json() - Appends the figures to that array. */
void figures_to_json(json_t *array, const struct rows *rows);

/** rows_from_json() - Makes rows of what rows_to_json() returned. Return: false on an error, after a message. */
bool rows_from_json(struct rows *rows, const json_t *json);

/** row_add() - Adds a row of one thread, 4 KiB and no latency, and returns it until the next one is added. */
struct row *row_add(struct rows *rows, const struct bench_case *c, enum machine_kind kind,
		    enum dmah_mode mode, uint32_t live);

#endif
