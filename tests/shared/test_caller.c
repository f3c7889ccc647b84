/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The caller that a fault names: for every call that maps, the one that the call was given. And the caller that a report names.
 */
#include "bench.h"
#include "posix.h"

#include <dmah/fault.h>

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define PIECES 3u

/* An address in code, as a wrapper would pass it. */
static void marker(void)
{
}

static const void *mark(void)
{
	return (const void *)((uintptr_t)marker + 1);
}

/* The history keeps 32 bits of a caller, enough within 2 GiB of the library. */
static void named(struct bench *b, dmah_addr_t dma)
{
	struct dmah_iommu_fault hw = { .addr = dma, .has_addr = true, .write = true };
	struct dmah_fault fault;

	dmah_fault_explain(bench_device(b), &hw, &fault);
	assert_int_equal(fault.place, DMAH_FAULT_MAPPED);
	assert_ptr_equal(fault.caller, mark());
}

static void every_call(const struct bench_config *config)
{
	static _Alignas(64) unsigned char room[8192];
	struct dmah_ring_config ring_config = {
		.entries = 4, .entry_size = 8192, .dir = DMAH_FROM_DEVICE, .caller = mark()
	};
	struct bench *b = bench_open(config);
	struct dmah_device *dev = bench_device(b);
	struct dmah h = { 0 }, part[PIECES] = { 0 };
	struct dmah_dma_seg out[PIECES];
	struct dmah_vec v = { .part = part, .seg = out, .max = PIECES };
	struct dmah_seg segs[PIECES];
	struct dmah_sg sg[PIECES];
	struct dmah_ring *ring;
	dmah_phys_t phys;
	dmah_addr_t dma;
	uint64_t size;
	void *cpu;

	phys = bench_memory(b, &size);
	for (uint32_t i = 0; i < PIECES; i++) {
		segs[i] = (struct dmah_seg){ .phys = phys + 8192ull * i, .len = 4096 };
		sg[i] = (struct dmah_sg){ .phys = segs[i].phys, .len = 4096 };
	}
	assert_int_equal(dmah_map_caller(dev, &h, phys, 4096, DMAH_FROM_DEVICE, 0, mark()), 0);
	named(b, dmah_addr(&h));
	assert_int_equal(dmah_unmap(dev, &h), 0);
	assert_int_equal(
		dmah_map_bus_caller(dev, &h, phys, phys, 4096, DMAH_FROM_DEVICE, 0, mark()), 0);
	named(b, dmah_addr(&h));
	assert_int_equal(dmah_unmap(dev, &h), 0);
	assert_int_equal(dmah_alloc_coherent_caller(dev, &h, 4096, &cpu, mark()), 0);
	named(b, dmah_addr(&h));
	assert_int_equal(dmah_free_coherent(dev, &h), 0);
	assert_int_equal(dmah_map_vec_caller(dev, &v, segs, PIECES, DMAH_FROM_DEVICE, 0, mark()),
			 0);
	for (uint32_t i = 0; i < v.nseg; i++)
		named(b, out[i].dma);
	assert_int_equal(dmah_unmap_vec(dev, &v), 0);
	assert_int_equal(dmah_addr_map_caller(dev, phys, 4096, DMAH_FROM_DEVICE, 0, &dma, mark()),
			 0);
	named(b, dma);
	assert_int_equal(dmah_addr_unmap(dev, dma, 4096, DMAH_FROM_DEVICE, 0), 0);
	assert_int_equal(dmah_addr_map_bus_caller(dev, phys, phys, 4096, DMAH_FROM_DEVICE, 0, &dma,
						  mark()),
			 0);
	named(b, dma);
	assert_int_equal(dmah_page_unmap(dev, dma, phys, 4096, DMAH_FROM_DEVICE, 0), 0);
	assert_true(dmah_addr_map_sg_caller(dev, sg, PIECES, DMAH_FROM_DEVICE, 0, mark()) > 0);
	named(b, sg[0].dma);
	assert_int_equal(dmah_addr_unmap_sg(dev, sg, PIECES, DMAH_FROM_DEVICE, 0), 0);
	assert_true(dmah_ring_memory(&ring_config) <= sizeof(room));
	assert_int_equal(dmah_ring_init(&ring, dev, &ring_config, room, sizeof(room)), 0);
	assert_int_equal(dmah_ring_push(ring, phys, 4096, &dma), 0);
	named(b, dma);
	assert_int_equal(dmah_ring_pop(ring, 1), 0);
	assert_int_equal(dmah_ring_fini(ring), 0);
	bench_close(b);
}

/* ---- reports of misuse ---- */

static const void *reported;

static void keep_caller(void *ctx, const struct dmah_device *dev, int err, const char *text,
			uint64_t addr, const void *caller)
{
	(void)ctx;
	(void)dev;
	(void)text;
	(void)addr;
	assert_int_equal(err, DMAH_ESTALE);
	reported = caller;
}

#ifdef __clang__
#define IS_CLANG true
#else
#define IS_CLANG false
#endif

/*
 * Returns true if a function that ends in a call is left before, although it gave the address of a variable away earlier. Only so
 * can a function inside the library know the caller. GCC does so with -O2 and without sanitizers; clang does it seldom.
 */
__attribute__((noinline)) static const void *caller_of(int n)
{
	__asm__ volatile("" : "+r"(n));
	return __builtin_return_address(0);
}

__attribute__((noinline)) static const void *ends_in_a_call(int n)
{
	for (int i = 0; i < n; i++) {
		int variable = i;

		__asm__ volatile("" : : "r"(&variable) : "memory");
	}
	return caller_of(n + 1);
}

__attribute__((noinline)) static bool has_tail_calls(void)
{
	return !IS_CLANG && (uintptr_t)ends_in_a_call(1) - (uintptr_t)has_tail_calls < 64;
}

/* The one place that unmaps a copy, and the address behind that place. */
__attribute__((noinline)) static int unmap_copy(struct dmah_device *dev, struct dmah *copy)
{
	int err = dmah_unmap(dev, copy);

	/* Not a tail call. */
	__asm__ volatile("" : "+r"(err));
	return err;
}

/* A report of an unmap names the function that called it, for mappings of every size and kind. */
static void misuse(void **state)
{
	static const struct bench_config machines[] = {
		{ .backend = DMAH_BACKEND_IOMMU, .hw = BENCH_IOMMU, .aperture_size = 64u << 20 },
		{ .backend = DMAH_BACKEND_IOMMU,
		  .hw = BENCH_IOMMU,
		  .mode = DMAH_LAZY,
		  .aperture_size = 64u << 20 },
		{ .backend = DMAH_BACKEND_IOMMU,
		  .hw = BENCH_IOMMU,
		  .untrusted = true,
		  .pool = true },
	};
	static const uint32_t lengths[] = { 4096, 8192, 131072, 200000, 2u << 20 };

	(void)state;
	if (!has_tail_calls())
		return;
	for (unsigned int m = 0; m < sizeof(machines) / sizeof(machines[0]); m++) {
		struct bench *b = bench_open(&machines[m]);
		uint64_t size;
		dmah_phys_t phys = (bench_memory(b, &size) + (2u << 20) - 1) & ~((2ull << 20) - 1);

		posix_set_report(keep_caller, NULL);
		for (unsigned int i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
			struct dmah h = { 0 }, copy;

			assert_int_equal(dmah_map(bench_device(b), &h, phys, lengths[i],
						  DMAH_FROM_DEVICE, 0),
					 0);
			copy = h;
			assert_int_equal(dmah_unmap(bench_device(b), &h), 0);
			reported = NULL;
			assert_int_equal(unmap_copy(bench_device(b), &copy), DMAH_ESTALE);
			/* The function is a few instructions long. */
			assert_true((uintptr_t)reported - (uintptr_t)unmap_copy < 64);
		}
		bench_close(b);
	}
}

static void fast(void **state)
{
	static const struct bench_config config = { .backend = DMAH_BACKEND_IOMMU,
						    .hw = BENCH_IOMMU,
						    .mode = DMAH_LAZY };

	(void)state;
	every_call(&config);
}

static void general(void **state)
{
	static const struct bench_config config = {
		.backend = DMAH_BACKEND_IOMMU, .hw = BENCH_IOMMU, .untrusted = true, .pool = true
	};

	(void)state;
	every_call(&config);
}

static void direct(void **state)
{
	static const struct bench_config config = { .backend = DMAH_BACKEND_DIRECT };

	(void)state;
	every_call(&config);
}

int main(void)
{
	static const struct bench_case cases[] = {
		BENCH_CASE(fast, 0),
		BENCH_CASE(general, 0),
		BENCH_CASE(direct, BENCH_OTHERS),
		BENCH_CASE(misuse, 0),
	};

	return bench_run("caller", cases, sizeof(cases) / sizeof(cases[0]));
}
