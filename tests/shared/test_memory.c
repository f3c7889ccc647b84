/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Memory and room: every allocation made to fail, the reserve, and an exhausted aperture. Numbers as in
 * test_invariants.c.
 */
#include "bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static dmah_phys_t memory(struct bench *b)
{
	uint64_t size;

	return bench_memory(b, &size);
}

static const struct bench_config iommu = { .backend = DMAH_BACKEND_IOMMU, .hw = BENCH_IOMMU };
static const struct bench_config vtd5 = { .backend = DMAH_BACKEND_IOMMU, .hw = BENCH_VTD5 };
static const struct bench_config small = { .backend = DMAH_BACKEND_IOMMU,
					   .hw = BENCH_IOMMU,
					   .mode = DMAH_LAZY,
					   .mask_bits = 24,
					   .cpus = 2 };
/* Granule 0 of a 24-bit aperture is never mapped. */
#define SMALL_GRANULES 4095u

/* 13: unmap and sync allocate nothing. */
static void allocates_nothing(const struct bench_config *config)
{
	struct bench *b = bench_open(config);
	struct dmah h[64] = { 0 };
	unsigned long before;

	for (unsigned int k = 0; k < 64; k++)
		assert_int_equal(dmah_map(bench_device(b), &h[k], memory(b) + k * 9000, 7000,
					  DMAH_BIDIRECTIONAL, 0),
				 0);
	before = bench_allocs(b);
	bench_fail_all(b, true);
	for (unsigned int k = 0; k < 64; k++) {
		assert_int_equal(dmah_sync_for_cpu(bench_device(b), &h[k], 0, 7000), 0);
		assert_int_equal(dmah_unmap(bench_device(b), &h[k]), 0);
	}
	assert_int_equal(dmah_flush(bench_domain(b)), 0);
	assert_int_equal(bench_allocs(b), before);
	bench_fail_all(b, false);
	bench_close(b);
}

static void inv13_unmap_allocates_nothing(void **state)
{
	static const struct bench_config lazy = { .backend = DMAH_BACKEND_IOMMU,
						  .hw = BENCH_IOMMU,
						  .mode = DMAH_LAZY,
						  .lazy_entries = 8 };

	(void)state;
	allocates_nothing(&lazy);
}

static void inv13_unmap_allocates_nothing_lpae(void **state)
{
	static const struct bench_config untrusted = {
		.backend = DMAH_BACKEND_IOMMU, .hw = BENCH_LPAE48, .untrusted = true, .pool = true
	};

	(void)state;
	allocates_nothing(&untrusted);
}

/* 13: within the reserve, a map does not fail for lack of memory. */
static void reserve(const struct bench_config *config)
{
	struct bench *b = bench_open(config);
	struct dmah h[21] = { 0 };

	assert_int_equal(dmah_reserve(bench_domain(b), 0, 1), DMAH_EINVAL);
	assert_int_equal(dmah_reserve(bench_domain(b), 16384, 1u << 31), DMAH_ENOSPC);
	assert_int_equal(dmah_reserve(bench_domain(b), 20, 9000), 0);
	assert_int_equal(dmah_reserve(bench_domain(b), 20, 9000), DMAH_EBUSY);
	bench_fail_all(b, true);
	for (unsigned int round = 0; round < 3; round++) {
		for (unsigned int k = 0; k < 20; k++) {
			unsigned char byte = 1;

			assert_int_equal(dmah_map(bench_device(b), &h[k],
						  memory(b) + 4095 + k * 4096, 9000,
						  DMAH_BIDIRECTIONAL, 0),
					 0);
			assert_true(bench_dev_write(b, dmah_addr(&h[k]) + 8999, &byte, 1));
		}
		assert_int_equal(dmah_map(bench_device(b), &h[20], memory(b), 4096, DMAH_TO_DEVICE,
					  0),
				 DMAH_ENOMEM);
		assert_false(dmah_mapped(&h[20]));
		for (unsigned int k = 0; k < 20; k++)
			assert_int_equal(dmah_unmap(bench_device(b), &h[k]), 0);
	}
	bench_fail_all(b, false);
	bench_close(b);
}

static void inv13_reserve(void **state)
{
	(void)state;
	reserve(&iommu);
}

static void inv13_reserve_5_levels(void **state)
{
	(void)state;
	reserve(&vtd5);
}

/*
 * 14: a failed map changes nothing, whichever allocation failed; the next one succeeds. @tables lead to a first entry, behind
 * three pages of the CPU's part.
 */
static void failed_map(const struct bench_config *config, long tables)
{
	tables += 3;
	struct dmah_seg segs[3];
	struct dmah_dma_seg out[3];
	struct dmah part[3];

	for (long nth = 0; nth < tables + 2; nth++) {
		struct bench *b = bench_open(config);
		struct dmah_vec v = { .part = part, .seg = out, .max = 3 };
		struct dmah h = { 0 };
		dmah_addr_t dma;
		int err;

		memset(part, 0, sizeof(part));
		for (unsigned int i = 0; i < 3; i++)
			segs[i] = (struct dmah_seg){ memory(b) + i * 8192, 5000 };
		/* Fail all later allocations as well, since a map may try again in another way. */
		bench_fail_from(b, nth);
		err = dmah_map(bench_device(b), &h, memory(b), 5000, DMAH_TO_DEVICE, 0);
		bench_fail_alloc(b, -1);
		assert_int_equal(dmah_mapped(&h), !err);
		assert_true(err == 0 || err == DMAH_ENOMEM);
		assert_int_equal(dmah_device_live(bench_device(b)), !err);
		assert_int_equal(err != 0, nth < tables);
		if (err)
			assert_int_equal(dmah_map(bench_device(b), &h, memory(b), 5000,
						  DMAH_TO_DEVICE, 0),
					 0);
		assert_int_equal(dmah_unmap(bench_device(b), &h), 0);
		bench_fail_alloc(b, -1);
		bench_close(b);

		b = bench_open(config);
		bench_fail_from(b, nth);
		err = dmah_map_vec(bench_device(b), &v, segs, 3, DMAH_FROM_DEVICE, 0);
		assert_int_equal(err != 0, nth < tables);
		assert_int_equal(v.nseg, err ? 0 : 3);
		if (!err)
			assert_int_equal(dmah_unmap_vec(bench_device(b), &v), 0);
		assert_int_equal(dmah_device_live(bench_device(b)), 0);
		bench_fail_alloc(b, nth >= tables ? 0 : -1);
		err = dmah_addr_map(bench_device(b), memory(b), 64, DMAH_TO_DEVICE, 0, &dma);
		assert_true(err ? dma == DMAH_BAD_ADDR : true);
		if (!err)
			assert_int_equal(
				dmah_addr_unmap(bench_device(b), dma, 64, DMAH_TO_DEVICE, 0), 0);
		bench_fail_alloc(b, -1);
		bench_close(b);
	}
}

static void inv14_failed_map_changes_nothing(void **state)
{
	(void)state;
	failed_map(&iommu, 3);
}

static void inv14_failed_map_changes_nothing_5_levels(void **state)
{
	(void)state;
	failed_map(&vtd5, 4);
}

static unsigned int map_all(struct bench *b, struct dmah *h, unsigned int max, uint32_t len)
{
	unsigned int n = 0;
	int err = 0;

	while (n < max && !err) {
		err = dmah_map(bench_device(b), &h[n], memory(b), len, DMAH_TO_DEVICE, 0);
		n += !err;
	}
	assert_int_equal(err, n < max ? DMAH_ENOSPC : 0);
	return n;
}

/*
 * 15, 16: any CPU can map the whole aperture, again and again, including all that other CPUs cache.
 */
static void inv15_16_whole_aperture(void **state)
{
	struct bench *b = bench_open(&small);
	struct dmah *h = calloc(SMALL_GRANULES + 1, sizeof(*h));

	(void)state;
	for (unsigned int round = 0; round < 6; round++) {
		uint32_t len = round & 1 ? 4096 : 8192;
		unsigned int n, want = round & 1 ? SMALL_GRANULES : SMALL_GRANULES / 2;

		bench_cpu(round & 1);
		n = map_all(b, h, SMALL_GRANULES + 1, len);
		assert_int_equal(n, want);
		/* The other CPU unmaps: the granules are now in its queue and its caches. */
		bench_cpu(!(round & 1));
		for (unsigned int i = 0; i < n; i++)
			assert_int_equal(dmah_unmap(bench_device(b), &h[i]), 0);
		if (round == 3)
			assert_int_equal(dmah_cpu_dead(bench_domain(b), 0), 0);
	}
	bench_cpu(0);
	assert_int_equal(dmah_flush(bench_domain(b)), 0);
	/* One mapping of the whole aperture. */
	assert_int_equal(dmah_map(bench_device(b), &h[0], memory(b), SMALL_GRANULES * 4096ull,
				  DMAH_TO_DEVICE, 0),
			 0);
	assert_int_equal(dmah_map(bench_device(b), &h[1], memory(b), 1, DMAH_TO_DEVICE, 0),
			 DMAH_ENOSPC);
	assert_int_equal(dmah_unmap(bench_device(b), &h[0]), 0);
	free(h);
	bench_close(b);
}

#define BLOCK	 (2u << 20)
#define APERTURE (64u << 20)
/* The chunk of granule 0, which is never mapped, has no room for a block. */
#define BLOCKS (APERTURE / BLOCK - 1)

/* Map blocks until there is no room. Return: how many. */
static unsigned int map_blocks(struct bench *b, struct dmah *h)
{
	dmah_phys_t phys = (memory(b) + BLOCK - 1) & ~(dmah_phys_t)(BLOCK - 1);
	unsigned int n = 0;

	while (n <= BLOCKS && !dmah_map(bench_device(b), &h[n], phys, BLOCK, DMAH_BIDIRECTIONAL, 0))
		n++;
	return n;
}

/*
 * 15, 16: the chunks of 2 MiB that a CPU keeps for its next blocks are part of the aperture: another CPU can map all of it, in
 * blocks and granule by granule, and so can this one.
 */
static void inv15_16_kept_chunks(void **state)
{
	(void)state;
	for (unsigned int lazy = 0; lazy < 2; lazy++) {
		struct bench_config config = { .backend = DMAH_BACKEND_IOMMU,
					       .hw = BENCH_IOMMU,
					       .mode = lazy ? DMAH_LAZY : DMAH_STRICT,
					       .aperture_size = APERTURE,
					       .cpus = 2 };
		struct bench *b = bench_open(&config);
		struct dmah *h = calloc(APERTURE / 4096, sizeof(*h));
		unsigned int n;

		for (unsigned int round = 0; round < 6; round++) {
			bench_cpu(round & 1);
			assert_int_equal(map_blocks(b, h), BLOCKS);
			/* This CPU keeps what the other one is to map next. */
			for (unsigned int i = 0; i < BLOCKS; i++)
				assert_int_equal(dmah_unmap(bench_device(b), &h[i]), 0);
			assert_int_equal(dmah_flush(bench_domain(b)), 0);
			if (round == 3)
				assert_int_equal(dmah_cpu_dead(bench_domain(b), 1), 0);
		}
		bench_cpu(0);
		n = map_all(b, h, APERTURE / 4096, 4096);
		assert_int_equal(n, APERTURE / 4096 - 1);
		for (unsigned int i = 0; i < n; i++)
			assert_int_equal(dmah_unmap(bench_device(b), &h[i]), 0);
		free(h);
		bench_close(b);
	}
}

/* 14: a map that fails for lack of memory loses none of its granules. */
static void inv14_failed_maps_lose_no_granules(void **state)
{
	struct bench *b = bench_open(&small);
	struct dmah *h = calloc(SMALL_GRANULES + 1, sizeof(*h));

	(void)state;
	bench_fail_all(b, true);
	for (unsigned int i = 0; i < 200; i++)
		assert_int_equal(dmah_map(bench_device(b), &h[0], memory(b), 1 + i * 400,
					  DMAH_TO_DEVICE, 0),
				 DMAH_ENOMEM);
	bench_fail_all(b, false);
	assert_int_equal(map_all(b, h, SMALL_GRANULES + 1, 1), SMALL_GRANULES);
	for (unsigned int i = 0; i < SMALL_GRANULES; i++)
		assert_int_equal(dmah_unmap(bench_device(b), &h[i]), 0);
	free(h);
	bench_close(b);
}

/* Granules that leave quarantine are part of the aperture again. */
static void inv15_19_after_quarantine(void **state)
{
	struct bench *b = bench_open(&small);
	struct dmah *h = calloc(SMALL_GRANULES + 1, sizeof(*h));

	(void)state;
	assert_int_equal(map_all(b, h, SMALL_GRANULES + 1, 1), SMALL_GRANULES);
	bench_stick(b, true);
	for (unsigned int i = 0; i < SMALL_GRANULES; i++)
		(void)dmah_unmap(bench_device(b), &h[i]);
	assert_int_equal(dmah_map(bench_device(b), &h[0], memory(b), 1, DMAH_TO_DEVICE, 0),
			 DMAH_ENOSPC);
	bench_stick(b, false);
	/* A driver of hardware reports the failure, once for all that it costs. */
	assert_in_range(bench_reports(b), 0, 1);
	assert_int_equal(map_all(b, h, SMALL_GRANULES + 1, 1), SMALL_GRANULES);
	for (unsigned int i = 0; i < SMALL_GRANULES; i++)
		assert_int_equal(dmah_unmap(bench_device(b), &h[i]), 0);
	free(h);
	bench_close(b);
}

static void exhausted_pool(void **state)
{
	static const struct bench_config bounce = { .backend = DMAH_BACKEND_BOUNCE, .pool = true };
	struct bench *b = bench_open(&bounce);
	struct dmah *h = calloc(5000, sizeof(*h));
	unsigned int n = map_all(b, h, 5000, 2048);

	(void)state;
	assert_int_equal(n, 4096);
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(dmah_unmap(bench_device(b), &h[i]), 0);
	free(h);
	bench_close(b);
}

/* Invalid sizes and arguments are refused, and leave nothing behind. */
static void bad_arguments(void **state)
{
	struct bench *b = bench_open(&iommu);
	struct dmah_device *dev = bench_device(b);
	struct dmah h = { 0 };
	void *cpu;

	(void)state;
	assert_int_equal(dmah_map(dev, &h, memory(b), 0, DMAH_TO_DEVICE, 0), DMAH_EINVAL);
	assert_int_equal(dmah_map(dev, &h, memory(b), 1ull << 32, DMAH_TO_DEVICE, 0), DMAH_ERANGE);
	assert_int_equal(dmah_map(dev, &h, ~0ull - 4, 100, DMAH_TO_DEVICE, 0), DMAH_ERANGE);
	assert_int_equal(dmah_map(dev, &h, 1ull << 60, 100, DMAH_TO_DEVICE, 0), DMAH_ERANGE);
	assert_int_equal(dmah_map(dev, &h, memory(b), 1, (enum dmah_dir)0, 0), DMAH_EINVAL);
	assert_int_equal(dmah_map(dev, &h, memory(b), 1, (enum dmah_dir)4, 0), DMAH_EINVAL);
	assert_int_equal(dmah_map(dev, &h, memory(b), 1, DMAH_TO_DEVICE, 1u << 20), DMAH_EINVAL);
	assert_int_equal(dmah_alloc_coherent(dev, &h, 0, &cpu), DMAH_EINVAL);
	assert_false(dmah_mapped(&h));
	assert_int_equal(dmah_device_live(dev), 0);
	bench_close(b);
}

static void coherent_once(const struct bench_config *config)
{
	struct bench *b = bench_open(config);
	struct dmah_device *dev = bench_device(b);
	unsigned char word[4] = { 1, 2, 3, 4 };
	struct dmah h = { 0 };
	dmah_addr_t dma;
	unsigned char *cpu;

	assert_int_equal(dmah_alloc_coherent(dev, &h, 5000, (void **)&cpu), 0);
	dma = dmah_addr(&h);
	for (unsigned int k = 0; k < 5000; k++)
		assert_int_equal(cpu[k], 0);
	assert_true(bench_dev_write(b, dma + 4998, word, 2));
	assert_int_equal(cpu[4998], 1);
	cpu[0] = 9;
	assert_true(bench_dev_read(b, dma, word, 1));
	assert_int_equal(word[0], 9);
	assert_int_equal(dmah_unmap(dev, &h), DMAH_EINVAL);
	assert_int_equal(bench_reports(b), 1);
	assert_int_equal(dmah_free_coherent(dev, &h), 0);
	assert_int_equal(dmah_free_coherent(dev, &h), 0);
	/* Even in lazy mode, memory is not freed while the device can reach it. */
	if (config->backend == DMAH_BACKEND_IOMMU)
		assert_false(bench_dev_read(b, dma, word, 1));
	bench_close(b);
}

static void coherent_memory(void **state)
{
	static const struct bench_config lazy = { .backend = DMAH_BACKEND_IOMMU,
						  .hw = BENCH_IOMMU,
						  .mode = DMAH_LAZY };

	(void)state;
	coherent_once(&lazy);
}

static void coherent_memory_elsewhere(void **state)
{
	static const struct bench_config machines[] = {
		{ .backend = DMAH_BACKEND_DIRECT },
		{ .backend = DMAH_BACKEND_BOUNCE, .pool = true },
		{ .backend = DMAH_BACKEND_XEN, .hw = BENCH_XEN, .noncoherent = true },
		{ .backend = DMAH_BACKEND_IOMMU,
		  .hw = BENCH_LPAE48,
		  .noncoherent = true,
		  .pool = true },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		coherent_once(&machines[i]);
}

int main(void)
{
	static const struct bench_case cases[] = {
		BENCH_CASE(inv13_unmap_allocates_nothing, 0),
		BENCH_CASE(inv13_unmap_allocates_nothing_lpae, BENCH_LPAE),
		BENCH_CASE(inv13_reserve, 0),
		BENCH_CASE(inv13_reserve_5_levels, BENCH_5_LEVELS),
		BENCH_CASE(inv14_failed_map_changes_nothing, 0),
		BENCH_CASE(inv14_failed_map_changes_nothing_5_levels, BENCH_5_LEVELS),
		BENCH_CASE(inv14_failed_maps_lose_no_granules, 0),
		BENCH_CASE(inv15_16_whole_aperture, 0),
		BENCH_CASE(inv15_16_kept_chunks, 0),
		BENCH_CASE(inv15_19_after_quarantine, 0),
		BENCH_CASE(exhausted_pool, BENCH_OTHERS),
		BENCH_CASE(bad_arguments, 0),
		BENCH_CASE(coherent_memory, 0),
		BENCH_CASE(coherent_memory_elsewhere, BENCH_OTHERS | BENCH_CACHES),
	};

	return bench_run("memory", cases, sizeof(cases) / sizeof(cases[0]));
}
