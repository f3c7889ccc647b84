/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Runs of a workload or a trace, with the steps of each call. */
#ifndef DMAH_BENCH_LOCKUP_RUN_H
#define DMAH_BENCH_LOCKUP_RUN_H

#include "allocator.h"
#include "workload.h"

/**
 * struct call - one call.
 * @pages: allocated; 0: a free.
 * @mask: bits of the device's addresses.
 * @id: the mapping: the number of its allocation among all allocations.
 * @steps: of the call.
 * @failed: an allocation that found no room.
 */
struct call {
	uint32_t pages;
	unsigned int mask;
	uint32_t id;
	uint64_t steps;
	bool failed;
};

/** struct trace - calls in their order. */
struct trace {
	struct call *call;
	uint32_t n, cap;
};

/**
 * struct result - the steps of a run.
 * @worst: most steps of one call.
 * @lasting: steps that three of four rounds of the probes reach in one call: the cost that stays.
 * @live: most mappings that were live at once.
 */
struct result {
	uint64_t worst;
	uint64_t lasting;
	uint32_t live;
};

/**
 * workload_run() - Runs a workload on a domain of its own.
 * @mappings: number of mappings that the shares of its acts are of.
 * @trace: receives the calls; may be NULL.
 */
struct result workload_run(const struct workload *w, const struct allocator *a, uint32_t mappings,
			   struct trace *trace);

/** trace_run() - Runs calls in order, and puts the steps of each into it. Return: the most steps of one call. */
uint64_t trace_run(struct trace *t, const struct allocator *a);

#endif
