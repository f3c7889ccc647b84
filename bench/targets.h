/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The targets, each computed from the rows of one run. */
#ifndef DMAH_BENCH_TARGETS_H
#define DMAH_BENCH_TARGETS_H

#include "row.h"

/** enum unit - of a target's figures. */
enum unit {
	UNIT_NS,
	UNIT_INSTRUCTIONS,
	UNIT_BYTES,
	UNIT_RATIO, /* two threads to one */
};

/**
 * struct target - one.
 * @what: of what.
 * @wants: the target in words.
 * @unit: of @theirs and @ours.
 * @theirs: Linux's, or the floor's; negative: not measured.
 * @ours: ours; negative: not measured.
 * @gross: what is to be compared with @limit: how many times less, or more, or the figure itself; negative: unknown.
 * @net: the same without the loop around the operation; negative: there is no such.
 * @limit: the target; negative: none, only a figure to judge others by.
 * @at_least: @gross is to be at least that, else at most.
 * @by_net: the target is about the figure without the loop.
 */
struct target {
	const char *what;
	const char *wants;
	enum unit unit;
	double theirs;
	double ours;
	double gross;
	double net;
	double limit;
	bool at_least;
	bool by_net;
};

/** TARGETS - how many there are at most. */
#define TARGETS 32u

/** targets_make() - all. Return: how many. */
unsigned int targets_make(struct target *list, const struct rows *rows);

/** target_verdict() - "yes", "net only", "no", or "-" where something was not measured. */
const char *target_verdict(const struct target *t);

/** targets_print() - as a table. */
void targets_print(FILE *f, const struct rows *rows);

/**
 * row_find() - the row of one thread and no latency that is like this; NULL where it was not measured.
 */
const struct row *row_find(const struct rows *rows, const char *name, enum machine_kind kind,
			   enum dmah_mode mode, uint32_t live, bool fifo, bool serialised);

/** row_find_more() - also by threads and latency. */
const struct row *row_find_more(const struct rows *rows, const char *name, enum machine_kind kind,
				enum dmah_mode mode, uint32_t live, bool fifo, bool serialised,
				unsigned int threads, uint32_t latency_ns);

#endif
