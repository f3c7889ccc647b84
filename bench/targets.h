/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The project's targets, each computed from the rows of one run. */
#ifndef DMAH_BENCH_TARGETS_H
#define DMAH_BENCH_TARGETS_H

#include "row.h"

/** enum unit - unit of a target's figures. */
enum unit {
	UNIT_NS,
	UNIT_INSTRUCTIONS,
	UNIT_BYTES,
	UNIT_RATIO, /* two threads to one */
	UNIT_COUNT,
};

/**
 * struct target - a target.
 * @what: the thing compared.
 * @wants: the target in words.
 * @unit: of @theirs and @ours.
 * @theirs: figure of Linux 6.12 or of the floor; negative: not measured.
 * @newer: figure of Linux 7.3; negative: not measured.
 * @ours: figure of this library; negative: not measured.
 * @gross: the value that is held against @limit: a factor, or the figure itself; negative: unknown.
 * @net: @gross without the loop around the operation; negative: there is none.
 * @limit: the target; negative: none, the figure is only for comparison.
 * @at_least: @gross must be at least @limit, else at most.
 * @by_net: the target is about @net.
 * @figure: the target is about @ours, and not about a factor.
 * @order: number in the list.
 */
struct target {
	const char *what;
	const char *wants;
	enum unit unit;
	double theirs;
	double newer;
	double ours;
	double gross;
	double net;
	double limit;
	bool at_least;
	bool by_net;
	bool figure;
	unsigned int order;
};

/** TARGETS - most targets. */
#define TARGETS 64u

/** targets_make() - Computes all targets. Return: how many there are. */
unsigned int targets_make(struct target *list, const struct rows *rows);

/** target_verdict() - Returns "yes", "net only", "no", or "-" if something was not measured. */
const char *target_verdict(const struct target *t);

#endif
