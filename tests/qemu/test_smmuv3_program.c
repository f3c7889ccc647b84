/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Random programs and several CPUs, on QEMU's SMMUv3. */
#include "smmu.h"

#include "posix.h"

#include <pthread.h>
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define F_TRANSLATION 0x10u
#define F_PERMISSION  0x13u

/* ---- random programs ---- */

#define CELLS 24u
#define CELL  (3u * PAGE)

struct cell {
	struct dmah h;
	dmah_phys_t home;
	uint8_t *mem;
	uint8_t want[CELL];
	uint32_t at;
	uint32_t len;
	enum dmah_dir dir;
	dmah_addr_t stale;
};

static uint32_t rnd(uint64_t *state, uint32_t below)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(*state >> 33) % below;
}

static void cell_map(struct smmu_rig *rig, struct cell *c, uint64_t *r)
{
	c->at = rnd(r, CELL - 1);
	c->len = 1 + rnd(r, CELL - c->at);
	c->dir = (enum dmah_dir)(1 + rnd(r, 3));
	assert_int_equal(dmah_map(&rig->dev, &c->h, c->home + c->at, c->len, c->dir, 0), 0);
}

static void cell_dma(struct smmu_rig *rig, struct cell *c, uint64_t *r)
{
	uint32_t off = rnd(r, c->len), most = c->len - off < 600 ? c->len - off : 600;
	uint32_t n = 1 + rnd(r, most);
	uint8_t bytes[600];

	if (c->dir != DMAH_FROM_DEVICE && rnd(r, 2)) {
		dev_read(rig, dmah_addr(&c->h) + off, bytes, n);
		assert_memory_equal(bytes, c->want + c->at + off, n);
		return;
	}
	pattern(bytes, n, rnd(r, 256));
	dev_write(rig, dmah_addr(&c->h) + off, bytes, n);
	if (c->dir == DMAH_TO_DEVICE)
		(void)events_one(rig, F_PERMISSION, rig->sid, true, dmah_addr(&c->h) + off, n);
	else
		memcpy(c->want + c->at + off, bytes, n);
}

static void cell_unmap(struct smmu_rig *rig, struct cell *c)
{
	c->stale = dmah_addr(&c->h);
	assert_int_equal(dmah_unmap(&rig->dev, &c->h), 0);
	assert_memory_equal(c->mem, c->want, CELL);
}

/* An IOVA whose mapping has ended and that no other mapping has since. */
static void cell_stale(struct smmu_rig *rig, struct cell *cells, struct cell *c)
{
	for (unsigned int i = 0; i < CELLS; i++)
		if (dmah_mapped(&cells[i].h) &&
		    (dmah_addr(&cells[i].h) - (c->stale & ~(dmah_addr_t)(PAGE - 1)) < PAGE ||
		     c->stale - (dmah_addr(&cells[i].h) & ~(dmah_addr_t)(PAGE - 1)) <
			     dmah_length(&cells[i].h) + PAGE))
			return;
	if (!c->stale || c->stale >> 12 == dmah_addr(&rig->staged) >> 12)
		return;
	dev_push(&rig->edu, c->stale, 0, 1);
	(void)events_one(rig, F_TRANSLATION, rig->sid, true, c->stale, 1);
}

static void random_program(const struct smmu_config *config, uint64_t seed)
{
	struct cell *cells = calloc(CELLS, sizeof(*cells));
	unsigned int steps = how_many(1000);
	uint64_t r = seed;
	struct smmu_rig rig;

	smmu_open(&rig, config);
	for (unsigned int i = 0; i < CELLS; i++) {
		cells[i].mem = smmu_page(&rig, CELL / PAGE, 0, &cells[i].home);
		pattern(cells[i].mem, CELL, i);
		memcpy(cells[i].want, cells[i].mem, CELL);
	}
	for (unsigned int step = 0; step < steps; step++) {
		struct cell *c = &cells[rnd(&r, CELLS)];

		if (!dmah_mapped(&c->h) && config->mode == DMAH_STRICT && !rnd(&r, 3))
			cell_stale(&rig, cells, c);
		else if (!dmah_mapped(&c->h))
			cell_map(&rig, c, &r);
		else if (rnd(&r, 3))
			cell_dma(&rig, c, &r);
		else
			cell_unmap(&rig, c);
	}
	for (unsigned int i = 0; i < CELLS; i++)
		if (dmah_mapped(&cells[i].h))
			cell_unmap(&rig, &cells[i]);
	smmu_close(&rig);
	free(cells);
}

static void random_strict(void **state)
{
	(void)state;
	random_program(&(struct smmu_config){ .mode = DMAH_STRICT, .smmu = { .evtq_log2 = 10 } },
		       1);
}

static void random_lazy(void **state)
{
	(void)state;
	random_program(&(struct smmu_config){ .mode = DMAH_LAZY, .smmu = { .evtq_log2 = 10 } }, 2);
}

/* ---- several CPUs ---- */

#define CPUS  4u
#define TURNS 200u

struct worker {
	struct smmu_rig *rig;
	unsigned int cpu;
	dmah_phys_t phys;
	unsigned int failed;
};

static void *work(void *arg)
{
	struct worker *w = arg;

	posix_set_cpu(w->cpu);
	for (unsigned int i = 0; i < TURNS; i++) {
		struct dmah h = { 0 };

		w->failed += dmah_map(&w->rig->dev, &h, w->phys, PAGE * (1 + i % 3),
				      DMAH_BIDIRECTIONAL, 0) != 0;
		w->failed += dmah_unmap(&w->rig->dev, &h) != 0;
		if (i % 16 == 0)
			w->failed += dmah_flush(w->rig->dom) != 0;
	}
	return NULL;
}

/* All of them post to a queue that is often full, and wait; nobody's invalidation is lost. */
static void several_cpus(void **state)
{
	struct worker w[CPUS];
	pthread_t thread[CPUS];
	struct smmu_rig rig;
	dmah_phys_t phys;

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .cpus = CPUS + 1, .smmu = { .cmdq_log2 = 6 } });
	(void)smmu_page(&rig, 3, 0, &phys);
	for (unsigned int i = 0; i < CPUS; i++) {
		w[i] = (struct worker){ .rig = &rig, .cpu = i + 1, .phys = phys };
		assert_int_equal(pthread_create(&thread[i], NULL, work, &w[i]), 0);
	}
	for (unsigned int i = 0; i < CPUS; i++) {
		pthread_join(thread[i], NULL);
		assert_int_equal(w[i].failed, 0);
	}
	smmu_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_strict),
		cmocka_unit_test(random_lazy),
		cmocka_unit_test(several_cpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
