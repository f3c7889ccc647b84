// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "callgrind.h"
#include "row.h"

static void found(void *ctx, size_t row, double instructions, double misses)
{
	struct rows *rows = ctx;

	(void)misses;
	if (row < rows->n)
		rows->list[row].instructions = instructions;
}

/* The process under callgrind makes the same rows from the same options, and so counts the same indices. */
bool instructions_count(struct rows *rows, const struct options *opt)
{
	const char *args[8] = { "--counted" };
	unsigned int n = 1;
	char live[16];

	if (opt->quick)
		args[n++] = "--quick";
	if (opt->only) {
		args[n++] = "--case";
		args[n++] = opt->only->name;
	}
	if (opt->live) {
		snprintf(live, sizeof(live), "%u", opt->live);
		args[n++] = "--live";
		args[n++] = live;
	}
	return callgrind_run(args, false, found, rows);
}

static void found_misses(void *ctx, size_t row, double instructions, double misses)
{
	double *first = ctx;

	(void)instructions;
	if (!row)
		*first = misses;
}

bool misses_count(const struct bench_case *c, double *misses)
{
	/* The first row of a case is lazy, in random order. */
	const char *args[] = { "--counted", "--case", c->name, "--live", "1024", NULL };

	*misses = -1;
	return callgrind_run(args, true, found_misses, misses);
}
