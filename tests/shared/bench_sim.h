/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The lab/sim machine of a bench, for tests that run on lab/sim alone: failures (sim_inject.h) and the list of all
 * memory that devices reach (sim_reach.h). Injection watches the drivers of the bench's IOMMUs already.
 */
#ifndef DMAH_TESTS_BENCH_SIM_H
#define DMAH_TESTS_BENCH_SIM_H

#include "bench.h"
#include "sim_inject.h"
#include "sim_reach.h"

/** bench_sim() - Returns the machine. */
struct sim *bench_sim(struct bench *b);

/** bench_sim_device() - Returns the simulator's side of bench_device(). */
struct sim_device *bench_sim_device(struct bench *b);

/** bench_machine_address() - Returns the machine address of physical memory, as struct sim_reach names it. */
uint64_t bench_machine_address(struct bench *b, dmah_phys_t phys);

#endif /* DMAH_TESTS_BENCH_SIM_H */
