/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Workloads of an IOVA allocator, as few numbers that a search can change.
 *
 * A workload fills the allocator by a few bulk acts, then repeats a few single acts, the probes. Counts of the fill are shares
 * of a number of mappings, so that one workload runs at any size.
 */
#ifndef DMAH_BENCH_LOCKUP_WORKLOAD_H
#define DMAH_BENCH_LOCKUP_WORKLOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/** enum act_kind - the kind of an act. */
enum act_kind { ACT_NONE, ACT_ALLOC, ACT_FREE };

/** enum act_order - the live mappings that an act frees. */
enum act_order {
	ORDER_OLDEST,
	ORDER_NEWEST,
	ORDER_LOWEST,
	ORDER_HIGHEST,
	ORDER_RANDOM,
	ORDER_EVERY,
	ORDERS
};

/**
 * struct act - one act.
 * @kind: its kind.
 * @pages: of each allocation; of ORDER_EVERY: one mapping in so many is freed.
 * @mask: bits of the device's addresses.
 * @order: of frees.
 * @share: 1 to 16 sixteenths of the number of mappings; a probe does one.
 */
struct act {
	enum act_kind kind;
	uint32_t pages;
	unsigned int mask;
	enum act_order order;
	unsigned int share;
};

/** WORKLOAD_FILLS - bulk acts of a workload. */
#define WORKLOAD_FILLS 4u
/** WORKLOAD_PROBES - single acts that are repeated. */
#define WORKLOAD_PROBES 4u
/** WORKLOAD_ROUNDS - repetitions of the probes. */
#define WORKLOAD_ROUNDS 64u

/** struct workload - a workload. @seed: of its random order. */
struct workload {
	struct act fill[WORKLOAD_FILLS];
	struct act probe[WORKLOAD_PROBES];
	uint64_t seed;
};

/** rnd() - Returns a random number below @below. */
uint32_t rnd(uint64_t *seed, uint32_t below);

/** workload_random() - Makes a random workload. */
void workload_random(struct workload *w, uint64_t *seed);

/** workload_change() - Changes one or a few numbers of a workload. */
void workload_change(struct workload *w, uint64_t *seed);

/** workload_print() - Prints a workload, an act on each line, behind @prefix. */
void workload_print(FILE *f, const struct workload *w, const char *prefix);

#endif
