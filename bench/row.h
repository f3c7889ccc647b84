/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Rows: a case under one set of conditions, and what came of it. */
#ifndef DMAH_BENCH_ROW_H
#define DMAH_BENCH_ROW_H

#include <stdio.h>

#include "work.h"

/**
 * struct row - one.
 * @c: the case.
 * @kind: backend; of Linux's cases the one whose code it is.
 * @mode: strict or lazy, with an IOMMU.
 * @live: live mappings, for each thread.
 * @fifo, @serialised: see struct work.
 * @threads: 1 or 2.
 * @two_domains: each thread has a domain of its own.
 * @size: bytes in a mapping.
 * @latency_ns: of an invalidation.
 * @quick: one of those of --quick.
 * @count: its instructions are counted.
 * @ns, @ns_min, @ns_max: of an operation: median, least and most; @n 0: nothing was measured.
 * @n: runs that are in them.
 * @instructions: of an operation; negative: not counted.
 * @overlap: the part of the runs in which both threads were on a CPU, at least.
 * @dropped: runs thrown away because that was too little.
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

/** struct rows - all. */
struct rows {
	struct row *list;
	size_t n, cap;
};

/**
 * struct options - what was asked for.
 * @quick: the headline's rows only.
 * @smoke: every case once, and nothing is timed.
 * @only: this case; NULL: all.
 * @live: rows with so many live mappings; 0: all.
 * @instructions: count them too.
 */
struct options {
	bool quick;
	bool smoke;
	const struct bench_case *only;
	uint32_t live;
	bool instructions;
};

/** rows_make() - the rows that were asked for. */
void rows_make(struct rows *rows, const struct options *opt);

/** row_case() - the case's name as in the output: with "-2domains" where each thread has its own. */
const char *row_case(const struct row *r, char *buf, size_t size);

/** row_backend() - the backend as in the output. */
const char *row_backend(const struct row *r);

/** row_mode() - the mode as in the output: "none" without an IOMMU. */
const char *row_mode(const struct row *r);

/** row_print_id() - all that a row is, on one line. */
void row_print_id(FILE *f, const struct row *r);

/** have_peer() - Linux's own code was built. */
bool have_peer(void);

/** peer_version() - of Linux; NULL without. */
const char *peer_version(void);

/* ---- run.c ---- */

/**
 * rows_run() - measure all rows, in turn, again and again.
 *
 * Return: false where a check failed, and stderr says which.
 */
bool rows_run(struct rows *rows, const struct options *opt);

/** rows_smoke() - each row once, as TAP on stdout. Return: false where one failed. */
bool rows_smoke(struct rows *rows);

/** rows_counted() - in a process under callgrind: run those rows of which instructions are wanted. Return: all went well. */
bool rows_counted(struct rows *rows);

/* ---- instructions.c ---- */

/** instructions_count() - of all rows that want it, by callgrind. Return: false, and stderr says why. */
bool instructions_count(struct rows *rows, const struct options *opt);

/** instructions_begin() - collect from here, under callgrind. */
void instructions_begin(void);

/** instructions_end() - collect no more, and write down that this was row @index in @ops operations. */
void instructions_end(size_t index, uint64_t ops);

/** instructions_here() - this process runs under callgrind. */
bool instructions_here(void);

/* ---- output ---- */

/** json_write() - all rows that were measured. Return: false, and stderr says why. */
bool json_write(const char *path, const struct rows *rows);

/** report_write() - the HTML report. Return: false, and stderr says why. */
bool report_write(const char *path, const struct rows *rows);

/** plot_live(), plot_threads(), plot_ablation() - SVG as text to be freed; NULL where gnuplot is missing or fails. */
char *plot_live(const struct rows *rows);
char *plot_threads(const struct rows *rows);
char *plot_ablation(const struct rows *rows);

#endif
