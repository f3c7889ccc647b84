/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Random calls on every machine, through all APIs at once, checked against an array of mappings.
 */
#include "configs.h"
#include "model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define CELLS	  48u
#define CELL_SIZE 32768u

static enum model_api pick_api(struct rnd *r)
{
	return (enum model_api)rnd(r, MODEL_APIS);
}

static void step(struct model *m, struct bench *b, struct rnd *r, unsigned long *refused)
{
	if (!m->live) {
		struct model before = *m;

		if (model_map(m, b, r, pick_api(r))) {
			++*refused;
			assert_int_equal(m->live, before.live);
		}
		return;
	}
	switch (rnd(r, 6)) {
	case 0:
	case 1:
		model_device(m, b, r);
		break;
	case 2:
		model_sync(m, b, r);
		break;
	case 3:
		model_cpu(m, b, r);
		break;
	default:
		model_unmap(m, b, r);
		break;
	}
}

static void housekeeping(struct bench *b, struct rnd *r)
{
	struct dmah_domain *dom = bench_domain(b);
	uint64_t next;

	switch (rnd(r, 64)) {
	case 0:
		assert_int_equal(dmah_flush(dom), DMAH_OK);
		break;
	case 1:
		assert_int_equal(dmah_cpu_dead(dom, 0), DMAH_OK);
		break;
	case 2:
	case 3:
		assert_int_equal(dmah_poll(dom, bench_time(b, 3000000), &next), DMAH_OK);
		break;
	case 4:
		bench_evict(b);
		break;
	default:
		break;
	}
}

static void random_life(void **state)
{
	const struct bench_config *config = *state;
	unsigned long ops = bench_operations() / (config->noncoherent ? 4 : 1), refused = 0;
	struct bench *b = bench_open(config);
	struct model cell[CELLS];
	struct rnd r = { 42 };
	dmah_phys_t memory;
	struct dmah_stats stats;
	uint64_t size;

	memory = bench_memory(b, &size);
	assert_true(size >= (uint64_t)CELLS * CELL_SIZE);
	for (unsigned int i = 0; i < CELLS; i++)
		model_init(&cell[i], b, memory + (uint64_t)i * CELL_SIZE, CELL_SIZE, &r);
	for (unsigned long op = 0; op < ops; op++) {
		step(&cell[rnd(&r, CELLS)], b, &r, &refused);
		housekeeping(b, &r);
	}
	for (unsigned int i = 0; i < CELLS; i++) {
		if (cell[i].live)
			model_unmap(&cell[i], b, &r);
		model_fini(&cell[i]);
	}
	dmah_device_stats(bench_device(b), &stats);
	assert_int_equal(stats.maps, stats.unmaps);
	assert_int_equal(stats.misuse, 0);
	/*
	 * Maps are rarely refused: for a segment or boundary that cannot be met, never for lack of
	 * room.
	 */
	if (!config->boundary && !config->max_segment)
		assert_int_equal(refused, 0);
	bench_close(b);
}

int main(void)
{
	struct bench_case *cases = calloc(nconfigs, sizeof(*cases));
	int failed;

	for (unsigned int i = 0; i < nconfigs; i++)
		cases[i] = (struct bench_case){ .name = configs[i].name,
						.fn = random_life,
						.state = &configs[i] };
	failed = bench_run("random life", cases, nconfigs);
	free(cases);
	return failed;
}
