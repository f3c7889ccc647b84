/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Maps that fail because the hardware does not confirm. The device may still reach memory that was
 * mapped for a moment, so the IOVA, bounce slots and coherent memory are not reused before a later
 * flush is confirmed.
 */
#include "bench.h"
#include "posix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define PAGES 5u

/* Caching mode: a map waits for an invalidation. An untrusted device's partial granules bounce. */
static const struct bench_config caching = { .backend = DMAH_BACKEND_IOMMU,
					     .hw = BENCH_VTD4,
					     .map_flush = true,
					     .untrusted = true,
					     .pool = true };

static dmah_phys_t memory(struct bench *b)
{
	uint64_t size;

	return bench_memory(b, &size);
}

static uint64_t lent(void)
{
	struct posix_alloc_stats stats;

	posix_alloc_stats(&stats);
	return stats.mem;
}

static void segments(dmah_phys_t base, struct dmah_seg *segs, struct dmah_sg *sg)
{
	for (uint32_t i = 0; i < PAGES; i++) {
		segs[i] = (struct dmah_seg){ .phys = base + 8192ull * i + 100, .len = 5000 };
		sg[i] = (struct dmah_sg){ .phys = segs[i].phys, .len = segs[i].len };
	}
}

/* A failed call has left slots in quarantine: none of them is reused until the flush. */
static void withheld_slots(struct bench *b, uint64_t used)
{
	assert_true(used > 0);
	assert_int_equal(dmah_pool_used(bench_pool(b)), used);
	assert_int_equal(dmah_flush(bench_domain(b)), DMAH_ETIMEDOUT);
	assert_int_equal(dmah_pool_used(bench_pool(b)), used);
	bench_stick(b, false);
	assert_int_equal(dmah_flush(bench_domain(b)), 0);
	assert_int_equal(dmah_pool_used(bench_pool(b)), 0);
}

static void handles(void **state)
{
	struct bench *b = bench_open(&caching);
	struct dmah h = { 0 };

	(void)state;
	bench_stick(b, true);
	assert_int_equal(dmah_map(bench_device(b), &h, memory(b) + 100, 9000, DMAH_FROM_DEVICE, 0),
			 DMAH_ETIMEDOUT);
	assert_false(dmah_mapped(&h));
	withheld_slots(b, 2 * 4096);
	bench_close(b);
}

static void vectors(void **state)
{
	struct bench *b = bench_open(&caching);
	struct dmah part[PAGES] = { 0 };
	struct dmah_dma_seg out[PAGES];
	struct dmah_vec v = { .part = part, .seg = out, .max = PAGES };
	struct dmah_seg segs[PAGES];
	struct dmah_sg sg[PAGES];

	(void)state;
	segments(memory(b), segs, sg);
	bench_stick(b, true);
	assert_int_equal(dmah_map_vec(bench_device(b), &v, segs, PAGES, DMAH_FROM_DEVICE, 0),
			 DMAH_ETIMEDOUT);
	withheld_slots(b, 2 * 4096 * PAGES);
	bench_close(b);
}

static void lists(void **state)
{
	struct bench *b = bench_open(&caching);
	struct dmah_seg segs[PAGES];
	struct dmah_sg sg[PAGES];

	(void)state;
	segments(memory(b), segs, sg);
	bench_stick(b, true);
	assert_int_equal(dmah_addr_map_sg(bench_device(b), sg, PAGES, DMAH_FROM_DEVICE, 0),
			 DMAH_ETIMEDOUT);
	withheld_slots(b, 2 * 4096 * PAGES);
	bench_close(b);
}

static void by_address(void **state)
{
	struct bench *b = bench_open(&caching);
	dmah_addr_t dma;

	(void)state;
	bench_stick(b, true);
	assert_int_equal(dmah_addr_map(bench_device(b), memory(b) + 100, 5000, DMAH_FROM_DEVICE, 0,
				       &dma),
			 DMAH_ETIMEDOUT);
	assert_true(dma == DMAH_BAD_ADDR);
	withheld_slots(b, 2 * 4096);
	bench_close(b);
}

static void rings(void **state)
{
	static _Alignas(64) unsigned char room[4096];
	struct dmah_ring_config config = { .entries = 4,
					   .entry_size = 8192,
					   .dir = DMAH_FROM_DEVICE };
	struct bench *b = bench_open(&caching);
	struct dmah_ring *ring;
	dmah_addr_t dma;

	(void)state;
	assert_true(dmah_ring_memory(&config) <= sizeof(room));
	assert_int_equal(dmah_ring_init(&ring, bench_device(b), &config, room, sizeof(room)), 0);
	bench_stick(b, true);
	assert_int_equal(dmah_ring_push(ring, memory(b) + 100, 5000, &dma), DMAH_ETIMEDOUT);
	assert_int_equal(dmah_ring_live(ring), 0);
	withheld_slots(b, 2 * 4096);
	/* The slot of the failed map is used again after its flush. */
	assert_int_equal(dmah_ring_push(ring, memory(b) + 100, 5000, &dma), 0);
	assert_int_equal(dmah_ring_pop(ring, 1), 0);
	assert_int_equal(dmah_ring_fini(ring), 0);
	bench_close(b);
}

static void coherent(void **state)
{
	struct bench *b = bench_open(&caching);
	struct dmah_device *dev = bench_device(b);
	struct dmah h = { 0 };
	uint64_t before = lent();
	void *cpu;

	(void)state;
	/* A failed map may leave a cached translation. */
	bench_stick(b, true);
	assert_int_equal(dmah_alloc_coherent(dev, &h, 8192, &cpu), DMAH_ETIMEDOUT);
	assert_null(cpu);
	assert_int_equal(lent(), before + 8192);
	assert_int_equal(dmah_flush(bench_domain(b)), DMAH_ETIMEDOUT);
	bench_stick(b, false);
	/* An unmap that is not confirmed. */
	assert_int_equal(dmah_alloc_coherent(dev, &h, 4096, &cpu), 0);
	bench_stick(b, true);
	assert_int_equal(dmah_free_coherent(dev, &h), DMAH_ETIMEDOUT);
	assert_false(dmah_mapped(&h));
	assert_int_equal(lent(), before + 8192 + 4096);
	bench_stick(b, false);
	assert_int_equal(dmah_flush(bench_domain(b)), 0);
	/* The next call for coherent memory frees the pages. */
	assert_int_equal(dmah_alloc_coherent(dev, &h, 4096, &cpu), 0);
	assert_int_equal(lent(), before + 4096);
	assert_int_equal(dmah_free_coherent(dev, &h), 0);
	assert_int_equal(lent(), before);
	bench_close(b);
}

/* More pieces than the domain itself can record: the host gets all of them back. */
static void much_coherent(void **state)
{
	enum { PIECES = 300 };
	struct bench *b = bench_open(&caching);
	struct dmah_device *dev = bench_device(b);
	uint64_t before = lent();
	struct dmah h = { 0 };
	void *cpu;

	(void)state;
	bench_stick(b, true);
	for (unsigned int i = 0; i < PIECES; i++)
		assert_int_equal(dmah_alloc_coherent(dev, &h, 4096, &cpu), DMAH_ETIMEDOUT);
	assert_int_equal(lent(), before + PIECES * 4096);
	bench_stick(b, false);
	assert_int_equal(dmah_flush(bench_domain(b)), 0);
	assert_int_equal(dmah_alloc_coherent(dev, &h, 4096, &cpu), 0);
	assert_int_equal(dmah_free_coherent(dev, &h), 0);
	assert_int_equal(lent(), before);
	bench_close(b);
}

static unsigned int nreports;

static void count_all(void *ctx, const struct dmah_device *dev, int err, const char *text,
		      uint64_t addr, const void *caller)
{
	(void)ctx;
	(void)dev;
	(void)text;
	(void)addr;
	(void)caller;
	nreports += err == DMAH_ENOMEM;
}

/* Without a page to record them, further pieces are lost: none is freed too early, and each loss is reported. */
static void lost_coherent(void **state)
{
	struct bench *b = bench_open(&caching);
	struct dmah_device *dev = bench_device(b);
	uint64_t before = lent();
	struct dmah h[18] = { 0 };
	void *cpu;

	(void)state;
	nreports = 0;
	posix_set_report(count_all, NULL);
	for (unsigned int i = 0; i < 18; i++)
		assert_int_equal(dmah_alloc_coherent(dev, &h[i], 4096, &cpu), 0);
	bench_stick(b, true);
	bench_fail_all(b, true);
	for (unsigned int i = 0; i < 18; i++)
		assert_int_equal(dmah_free_coherent(dev, &h[i]), DMAH_ETIMEDOUT);
	bench_fail_all(b, false);
	assert_int_equal(lent(), before + 18 * 4096);
	assert_int_equal(nreports, 2);
	bench_stick(b, false);
	assert_int_equal(dmah_flush(bench_domain(b)), 0);
	assert_int_equal(dmah_alloc_coherent(dev, &h[0], 4096, &cpu), 0);
	assert_int_equal(dmah_free_coherent(dev, &h[0]), 0);
	assert_int_equal(lent(), before + 2 * 4096);
	bench_abandon(b);
}

int main(void)
{
	static const struct bench_case cases[] = {
		BENCH_CASE(handles, BENCH_VTD),	      BENCH_CASE(vectors, BENCH_VTD),
		BENCH_CASE(lists, BENCH_VTD),	      BENCH_CASE(by_address, BENCH_VTD),
		BENCH_CASE(rings, BENCH_VTD),	      BENCH_CASE(coherent, BENCH_VTD),
		BENCH_CASE(much_coherent, BENCH_VTD), BENCH_CASE(lost_coherent, BENCH_VTD),
	};

	return bench_run("failed-map", cases, sizeof(cases) / sizeof(cases[0]));
}
