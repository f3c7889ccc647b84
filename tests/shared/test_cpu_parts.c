/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The memory of a CPU's part of a domain: made by the CPU's first map, and missing where an unmap comes first or the host has no
 * page left.
 */
#include "bench.h"

#include <dmah/iommu.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define LAZY_PAGES   5u
#define STRICT_PAGES 3u

static const struct bench_config lazy = { .backend = DMAH_BACKEND_IOMMU,
					  .mode = DMAH_LAZY,
					  .cpus = 4 };
static const struct bench_config strict = { .backend = DMAH_BACKEND_IOMMU,
					    .mode = DMAH_STRICT,
					    .cpus = 4 };

static dmah_phys_t memory(struct bench *b)
{
	uint64_t size;

	return bench_memory(b, &size);
}

static void map_one(struct bench *b, struct dmah *h)
{
	assert_int_equal(dmah_map(bench_device(b), h, memory(b), 4096, DMAH_BIDIRECTIONAL, 0), 0);
}

static void unmap_one(struct bench *b, struct dmah *h)
{
	assert_int_equal(dmah_unmap(bench_device(b), h), 0);
}

static void pair(struct bench *b)
{
	struct dmah h = { 0 };

	map_one(b, &h);
	unmap_one(b, &h);
}

/* More mappings live at once than a CPU keeps granules for. */
static void many(struct bench *b)
{
	struct dmah h[64] = { 0 };

	for (unsigned int i = 0; i < 64; i++)
		map_one(b, &h[i]);
	for (unsigned int i = 0; i < 64; i++)
		unmap_one(b, &h[i]);
}

static void makes(const struct bench_config *config, unsigned int each)
{
	struct bench *b = bench_open(config);
	unsigned long pages;

	/* This makes the tables, too. */
	bench_cpu(0);
	pair(b);
	for (unsigned int cpu = 1; cpu < 4; cpu++) {
		bench_cpu(cpu);
		pages = bench_pages(b);
		pair(b);
		assert_int_equal(bench_pages(b) - pages, each);
		pair(b);
		assert_int_equal(bench_pages(b) - pages, each);
	}
	bench_cpu(0);
	bench_close(b);
}

static void first_map_makes_a_part(void **state)
{
	(void)state;
	makes(&lazy, LAZY_PAGES);
}

static void first_map_makes_a_part_strict(void **state)
{
	(void)state;
	makes(&strict, STRICT_PAGES);
}

/* A domain that goes from strict to lazy gets its queues then. */
static void queue_comes_with_the_mode(void **state)
{
	struct bench *b = bench_open(&strict);
	unsigned long pages;

	(void)state;
	bench_cpu(0);
	pair(b);
	assert_int_equal(dmah_set_mode(bench_domain(b), DMAH_LAZY), 0);
	pages = bench_pages(b);
	many(b);
	assert_int_equal(bench_pages(b) - pages, LAZY_PAGES - STRICT_PAGES);
	bench_close(b);
}

/* 14: whichever page is missing, maps go on without the part, and the next one with memory completes it. */
static void inv14_no_memory_for_a_part(void **state)
{
	(void)state;
	for (long nth = 0; nth <= (long)LAZY_PAGES; nth++) {
		struct bench *b = bench_open(&lazy);
		unsigned long pages;

		bench_cpu(0);
		pair(b);
		pages = bench_pages(b);
		bench_cpu(1);
		bench_fail_from(b, nth);
		for (unsigned int i = 0; i < 20; i++)
			pair(b);
		assert_int_equal(bench_pages(b) - pages, nth);
		bench_fail_alloc(b, -1);
		many(b);
		assert_int_equal(bench_pages(b) - pages, LAZY_PAGES);
		assert_int_equal(dmah_device_live(bench_device(b)), 0);
		bench_cpu(0);
		bench_close(b);
	}
}

#define MANY 700u

/* 2, 13: a CPU that never mapped unmaps without memory of its own; nothing is used again before a flush, and nothing is lost. */
static void inv13_unmap_without_a_part(void **state)
{
	static struct dmah h[MANY];
	struct bench_config config = lazy;
	unsigned long pages = 0;
	uint64_t next = 0;
	dmah_phys_t found;
	dmah_addr_t last;
	struct bench *b;

	(void)state;
	/* 2,048 granules: three rounds need those that were unmapped. */
	config.aperture_size = 8u << 20;
	b = bench_open(&config);
	for (unsigned int round = 0; round < 3; round++) {
		bench_cpu(0);
		for (unsigned int i = 0; i < MANY; i++)
			map_one(b, &h[i]);
		last = dmah_addr(&h[MANY - 1]);
		pages = bench_pages(b);
		bench_fail_all(b, true);
		bench_cpu(1);
		/* More than the queue that such CPUs share has room for: flushes empty it on the way. */
		for (unsigned int i = 0; i < MANY; i++)
			unmap_one(b, &h[i]);
		assert_int_equal(bench_pages(b), pages);
		assert_int_equal(dmah_device_live(bench_device(b)), 0);
		assert_int_equal(dmah_flush(bench_domain(b)), 0);
		assert_false(bench_translate(b, last, true, &found));
		/* The flush has emptied the shared queue: nothing waits. */
		assert_int_equal(dmah_poll(bench_domain(b), 0, &next), 0);
		assert_true(next == UINT64_MAX);
	}
	bench_fail_all(b, false);
	/* Maps elsewhere make the part of the CPU that wants one. */
	bench_cpu(0);
	for (unsigned int i = 0; i < MANY; i++)
		map_one(b, &h[i]);
	assert_true(bench_pages(b) - pages >= LAZY_PAGES);
	pages = bench_pages(b);
	bench_cpu(1);
	for (unsigned int i = 0; i < MANY; i++)
		unmap_one(b, &h[i]);
	pair(b);
	assert_int_equal(bench_pages(b), pages);
	bench_cpu(0);
	bench_close(b);
}

/* 17: a poll at its deadline finds what waits in the queue that CPUs share. */
static void inv17_poll_finds_the_shared_queue(void **state)
{
	struct bench *b = bench_open(&lazy);
	uint64_t next = 0, later = 0;
	struct dmah h = { 0 };
	dmah_phys_t found;
	dmah_addr_t dma;
	unsigned char byte = 1;

	(void)state;
	bench_cpu(0);
	map_one(b, &h);
	dma = dmah_addr(&h);
	assert_true(bench_dev_write(b, dma, &byte, 1));
	bench_cpu(2);
	unmap_one(b, &h);
	assert_int_equal(dmah_poll(bench_domain(b), 0, &next), 0);
	assert_true(next != UINT64_MAX);
	assert_int_equal(dmah_poll(bench_domain(b), next, &later), 0);
	assert_true(later == UINT64_MAX);
	assert_false(bench_translate(b, dma, true, &found));
	assert_false(bench_dev_write(b, dma, &byte, 1));
	bench_cpu(0);
	bench_close(b);
}

/* 15: granules that a CPU without a part unmapped go back to the domain when the CPU is gone. */
static void inv15_dead_cpu_without_a_part(void **state)
{
	struct bench *b = bench_open(&lazy);
	unsigned char byte = 1;
	struct dmah h = { 0 };
	dmah_phys_t found;
	dmah_addr_t dma;
	uint64_t next = 0;

	(void)state;
	bench_cpu(0);
	map_one(b, &h);
	dma = dmah_addr(&h);
	assert_true(bench_dev_write(b, dma, &byte, 1));
	bench_cpu(3);
	unmap_one(b, &h);
	bench_cpu(0);
	assert_int_equal(dmah_cpu_dead(bench_domain(b), 3), 0);
	assert_false(bench_translate(b, dma, true, &found));
	assert_false(bench_dev_write(b, dma, &byte, 1));
	assert_int_equal(dmah_poll(bench_domain(b), 0, &next), 0);
	assert_true(next == UINT64_MAX);
	bench_close(b);
}

/* Rings that need more than a page in one piece lie in the domain's memory. */
static void long_queues_lie_in_the_domain(void **state)
{
	struct bench_config config = lazy;
	struct bench *b;
	unsigned long pages;

	(void)state;
	config.lazy_entries = 512;
	b = bench_open(&config);
	bench_cpu(0);
	pair(b);
	pages = bench_pages(b);
	bench_cpu(1);
	pair(b);
	assert_int_equal(bench_pages(b), pages);
	bench_cpu(0);
	bench_close(b);
}

static void many_cpus_take_little(void **state)
{
	/* No function of this IOMMU is called. */
	static struct dmah_iommu iommu;
	struct dmah_domain_config config = { .backend = DMAH_BACKEND_IOMMU,
					     .cpus = 256,
					     .format = &dmah_pt_vtd_ss,
					     .iommu = &iommu };

	(void)state;
	/* The table of a check build comes on top. */
	config.check_entries = 1024;
	for (unsigned int mode = DMAH_STRICT; mode <= DMAH_LAZY; mode++) {
		config.mode = (enum dmah_mode)mode;
		assert_in_range(dmah_domain_memory(&config), 1, 1u << 20);
	}
}

int main(void)
{
	static const struct bench_case cases[] = {
		BENCH_CASE(first_map_makes_a_part, 0),
		BENCH_CASE(first_map_makes_a_part_strict, 0),
		BENCH_CASE(queue_comes_with_the_mode, 0),
		BENCH_CASE(inv14_no_memory_for_a_part, 0),
		BENCH_CASE(inv13_unmap_without_a_part, 0),
		BENCH_CASE(inv17_poll_finds_the_shared_queue, 0),
		BENCH_CASE(inv15_dead_cpu_without_a_part, 0),
		BENCH_CASE(long_queues_lie_in_the_domain, 0),
		BENCH_CASE(many_cpus_take_little, 0),
	};

	return bench_run("cpu parts", cases, sizeof(cases) / sizeof(cases[0]));
}
