/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Two CPUs at once on one domain, each with its own mappings and models, beside a third that polls, flushes and takes
 * what others keep. ThreadSanitizer watches; each thread compares every byte.
 */
#include "model.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define WORKERS	  2u
#define CELLS	  12u
#define CELL_SIZE 16384u

struct worker {
	struct bench *b;
	unsigned int cpu;
	unsigned long ops;
	dmah_phys_t memory;
	struct rnd r;
	pthread_t thread;
};

static bool stop;

static void *work(void *arg)
{
	struct worker *w = arg;
	struct model cell[CELLS];

	bench_cpu(w->cpu);
	for (unsigned int i = 0; i < CELLS; i++)
		model_init(&cell[i], w->b, w->memory + i * CELL_SIZE, CELL_SIZE, &w->r);
	for (unsigned long op = 0; op < w->ops; op++) {
		struct model *m = &cell[rnd(&w->r, CELLS)];

		if (!m->live)
			assert_int_equal(model_map(m, w->b, &w->r,
						   (enum model_api)rnd(&w->r, MODEL_APIS)),
					 0);
		else if (rnd(&w->r, 3))
			model_unmap(m, w->b, &w->r);
		else if (rnd(&w->r, 2))
			model_device(m, w->b, &w->r);
		else
			model_sync(m, w->b, &w->r);
	}
	for (unsigned int i = 0; i < CELLS; i++) {
		if (cell[i].live)
			model_unmap(&cell[i], w->b, &w->r);
		model_fini(&cell[i]);
	}
	return NULL;
}

static void *keep_house(void *arg)
{
	struct bench *b = arg;
	uint64_t next;

	bench_cpu(WORKERS);
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		assert_int_equal(dmah_poll(bench_domain(b), bench_time(b, 1000000), &next), 0);
		assert_int_equal(dmah_flush(bench_domain(b)), 0);
		/* No thread runs on the last CPU: a CPU that makes calls must not be declared dead. */
		assert_int_equal(dmah_cpu_dead(bench_domain(b), WORKERS + 1), 0);
	}
	return NULL;
}

static void two_cpus(const struct bench_config *config, unsigned long ops)
{
	struct bench *b = bench_open(config);
	struct worker worker[WORKERS];
	pthread_t house;
	uint64_t size;

	__atomic_store_n(&stop, false, __ATOMIC_RELEASE);
	for (unsigned int i = 0; i < WORKERS; i++) {
		worker[i] =
			(struct worker){ .b = b,
					 .cpu = i,
					 .ops = ops,
					 .memory = bench_memory(b, &size) + i * CELLS * CELL_SIZE,
					 .r = { i + 11 } };
		assert_int_equal(pthread_create(&worker[i].thread, NULL, work, &worker[i]), 0);
	}
	assert_int_equal(pthread_create(&house, NULL, keep_house, b), 0);
	for (unsigned int i = 0; i < WORKERS; i++)
		pthread_join(worker[i].thread, NULL);
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	pthread_join(house, NULL);
	bench_close(b);
}

static void lazy_small_aperture(void **state)
{
	static const struct bench_config config = { .backend = DMAH_BACKEND_IOMMU,
						    .hw = BENCH_IOMMU,
						    .mode = DMAH_LAZY,
						    .mask_bits = 24,
						    .cpus = WORKERS + 2,
						    .lazy_entries = 16 };

	(void)state;
	two_cpus(&config, bench_times(4000));
}

static void untrusted_on(enum bench_hw hw)
{
	struct bench_config config = { .backend = DMAH_BACKEND_IOMMU,
				       .hw = hw,
				       .untrusted = true,
				       .pool = true,
				       .cpus = WORKERS + 2 };

	two_cpus(&config, bench_times(2000));
}

static void untrusted(void **state)
{
	(void)state;
	untrusted_on(BENCH_VTD4);
}

static void untrusted_lpae(void **state)
{
	(void)state;
	untrusted_on(BENCH_LPAE48);
}

static void bounce(void **state)
{
	static const struct bench_config config = { .backend = DMAH_BACKEND_BOUNCE,
						    .pool = true,
						    .cpus = WORKERS + 2 };

	(void)state;
	two_cpus(&config, bench_times(2000));
}

int main(void)
{
	static const struct bench_case cases[] = {
		BENCH_CASE(lazy_small_aperture, 0),
		BENCH_CASE(untrusted, BENCH_VTD),
		BENCH_CASE(untrusted_lpae, BENCH_LPAE),
		BENCH_CASE(bounce, BENCH_OTHERS),
	};

	return bench_run("threads", cases, sizeof(cases) / sizeof(cases[0]));
}
