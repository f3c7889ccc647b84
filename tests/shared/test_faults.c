/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Faults that name their mapping: its caller, its memory, and the time of its unmap. The simulated
 * hardware refuses the device; the report must match the mappings that the test made.
 */
#include "bench.h"
#include "configs.h"

#include <dmah/fault.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define PAGE 4096u

static dmah_phys_t memory(struct bench *b)
{
	uint64_t size;

	return bench_memory(b, &size);
}

/* ---- reported faults ---- */

struct faults {
	unsigned int n;
	struct dmah_fault last;
};

static void keep(void *ctx, const struct dmah_fault *fault)
{
	struct faults *faults = ctx;

	faults->n++;
	faults->last = *fault;
}

static struct faults take(struct bench *b)
{
	struct faults faults = { 0 };

	assert_int_equal(dmah_faults(bench_iommu(b, 0), keep, &faults, NULL), DMAH_OK);
	return faults;
}

/* Have the device refused once. Return: the reported fault. */
static struct dmah_fault refused(struct bench *b, dmah_addr_t dma, bool write)
{
	uint8_t byte = 0;
	struct faults faults;

	assert_false(write ? bench_dev_write(b, dma, &byte, 1) : bench_dev_read(b, dma, &byte, 1));
	faults = take(b);
	assert_int_equal(faults.n, 1);
	assert_ptr_equal(faults.last.dev, bench_device(b));
	/* A fault record of VT-d names the page. */
	assert_int_equal(faults.last.hw.addr,
			 bench_fault_names_page(b) ? dma & ~(PAGE - 1ull) : dma);
	assert_int_equal(faults.last.hw.write, write);
	return faults.last;
}

/* Callers with names: the code of a function is no longer than this. */
#define FUNCTION 512u

__attribute__((noinline)) static int map_here(struct bench *b, struct dmah *h, dmah_phys_t phys,
					      uint32_t len, enum dmah_dir dir)
{
	int err = dmah_map(bench_device(b), h, phys, len, dir, 0);

	__asm__ volatile("" : : "r"(h) : "memory");
	return err;
}

__attribute__((noinline)) static int
addr_map_here(struct bench *b, dmah_addr_t *dma, dmah_phys_t phys, uint32_t len, enum dmah_dir dir)
{
	int err = dmah_addr_map(bench_device(b), phys, len, dir, 0, dma);

	__asm__ volatile("" : : "r"(dma) : "memory");
	return err;
}

#define IN(fault, function) ((uintptr_t)(fault).caller - (uintptr_t)(function) < FUNCTION)

static bool is(const struct dmah_fault *fault, enum dmah_fault_place place, dmah_phys_t phys,
	       uint32_t len, enum dmah_dir dir)
{
	return fault->place == place && fault->phys == phys && fault->len == len &&
	       fault->dir == dir;
}

/* Check that the mapping ended @ns ago, within the resolution of the entries' clock. */
static bool aged(const struct dmah_fault *fault, uint64_t ns)
{
	return fault->least <= ns && ns <= fault->most && fault->most - fault->least <= 2048;
}

static bool lazy(const struct bench *b)
{
	return bench_config(b)->mode == DMAH_LAZY && !bench_config(b)->untrusted;
}

/*
 * Returns true if every unmap has its own time: in strict mode, where the hardware takes a moment. The model of VT-d is done at
 * once, and then only one strict unmap in 64 reads the clock.
 */
static bool exact(const struct bench *b)
{
	return !lazy(b) && bench_config(b)->hw != BENCH_VTD3 && bench_config(b)->hw != BENCH_VTD4 &&
	       bench_config(b)->hw != BENCH_VTD5;
}

/* ---- every machine with an IOMMU ---- */

static void unmapped(void **state)
{
	struct bench *b = bench_open(*state);
	dmah_phys_t at = memory(b) + 5 * PAGE + 64;
	struct dmah h = { 0 };
	struct dmah_fault fault;
	dmah_addr_t dma;

	bench_time(b, 1000000);
	assert_int_equal(map_here(b, &h, at, 512, DMAH_FROM_DEVICE), 0);
	dma = dmah_addr(&h);
	bench_time(b, 5000);
	assert_int_equal(dmah_unmap(bench_device(b), &h), 0);
	assert_int_equal(dmah_flush(bench_domain(b)), 0);
	bench_time(b, 12000);
	fault = refused(b, dma, true);
	assert_true(is(&fault, DMAH_FAULT_UNMAPPED, at, 512, DMAH_FROM_DEVICE));
	assert_true(IN(fault, map_here));
	assert_ptr_equal(fault.owner, bench_device(b));
	/* The first lazy unmap after a flush has a timestamp as well. */
	assert_true(aged(&fault, 12000));
	assert_int_equal(fault.suppressed, 0);
	assert_false(fault.killed);
	bench_close(b);
}

/* Lazy unmaps at different times between flushes: each fault reports the right age. */
static void between_flushes(void **state)
{
	struct bench *b = bench_open(*state);
	struct dmah h[4] = { { 0 } };
	dmah_addr_t dma[4];
	struct dmah_fault fault;

	bench_time(b, 1000000);
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(map_here(b, &h[i], memory(b) + i * PAGE, PAGE, DMAH_FROM_DEVICE),
				 0);
		dma[i] = dmah_addr(&h[i]);
	}
	for (unsigned int i = 0; i < 4; i++) {
		bench_time(b, 50000);
		assert_int_equal(dmah_unmap(bench_device(b), &h[i]), 0);
	}
	bench_time(b, 50000);
	assert_int_equal(dmah_flush(bench_domain(b)), 0);
	bench_time(b, 50000);
	for (unsigned int i = 0; i < 4; i++) {
		uint64_t truth = (5 - i) * 50000;

		fault = refused(b, dma[i], true);
		assert_true(is(&fault, DMAH_FAULT_UNMAPPED, memory(b) + i * PAGE, PAGE,
			       DMAH_FROM_DEVICE));
		assert_true(fault.least <= truth && truth <= fault.most);
		if (exact(b) || !i)
			assert_true(aged(&fault, truth));
		else
			assert_true(fault.least >= (lazy(b) ? 49000u : 0u) && fault.most <= 252000);
	}
	bench_close(b);
}

/* Old unmaps keep the right time even after more flushes than the library records. */
static void many_flushes(void **state)
{
	struct bench *b = bench_open(*state);
	struct dmah first = { 0 }, h = { 0 };
	struct dmah_fault fault;
	dmah_addr_t dma;

	bench_time(b, 1000000);
	assert_int_equal(map_here(b, &first, memory(b), PAGE, DMAH_FROM_DEVICE), 0);
	dma = dmah_addr(&first);
	/*
	 * Not the first unmap that waits for the flush, so in lazy mode its exact time is not
	 * recorded.
	 */
	assert_int_equal(map_here(b, &h, memory(b), 2 * PAGE, DMAH_TO_DEVICE), 0);
	assert_int_equal(dmah_unmap(bench_device(b), &h), 0);
	bench_time(b, 100000);
	assert_int_equal(dmah_unmap(bench_device(b), &first), 0);
	for (unsigned int i = 0; i < 100; i++) {
		assert_int_equal(map_here(b, &h, memory(b) + PAGE, 2 * PAGE, DMAH_TO_DEVICE), 0);
		assert_int_equal(dmah_unmap(bench_device(b), &h), 0);
		bench_time(b, 10000);
		assert_int_equal(dmah_flush(bench_domain(b)), 0);
	}
	fault = refused(b, dma, true);
	assert_true(is(&fault, DMAH_FAULT_UNMAPPED, memory(b), PAGE, DMAH_FROM_DEVICE));
	assert_true(fault.least <= 1000000 && 1000000 <= fault.most);
	if (exact(b))
		assert_true(aged(&fault, 1000000));
	bench_close(b);
}

static void wrong_direction(void **state)
{
	struct bench *b = bench_open(*state);
	struct dmah h = { 0 };
	struct dmah_fault fault;

	assert_int_equal(map_here(b, &h, memory(b), 3 * PAGE, DMAH_TO_DEVICE), 0);
	for (unsigned int i = 0; i < 3; i++) {
		fault = refused(b, dmah_addr(&h) + i * PAGE + 9, true);
		assert_true(is(&fault, DMAH_FAULT_MAPPED, memory(b), 3 * PAGE, DMAH_TO_DEVICE));
		assert_true(IN(fault, map_here));
	}
	assert_int_equal(dmah_unmap(bench_device(b), &h), 0);
	bench_close(b);
}

/* A fault names the last mapping of its IOVA, not an older, longer mapping. */
static void the_last_of_several(void **state)
{
	struct bench *b = bench_open(*state);
	uint32_t lengths[] = { 4 * PAGE, PAGE, 2 * PAGE, 40 * PAGE, PAGE, 512 * PAGE, 3 * PAGE };
	struct dmah_device *dev = bench_device(b);
	struct dmah_fault fault;

	for (unsigned int round = 0; round < 40; round++) {
		struct dmah h = { 0 };
		uint32_t len = lengths[round % 7];
		dmah_phys_t at = memory(b) + (round % 5) * PAGE;
		dmah_addr_t dma;

		assert_int_equal(map_here(b, &h, at, len, DMAH_TO_DEVICE), 0);
		dma = dmah_addr(&h);
		assert_int_equal(dmah_unmap(dev, &h), 0);
		assert_int_equal(dmah_flush(bench_domain(b)), 0);
		bench_time(b, 2 * DMAH_FAULT_WINDOW);
		for (uint32_t off = 0; off<len; off += len> 8 * PAGE ? 37 * PAGE : PAGE) {
			struct dmah_iommu_fault hw = { .addr = dma + off, .has_addr = true };

			dmah_fault_explain(dev, &hw, &fault);
			assert_true(is(&fault, DMAH_FAULT_UNMAPPED, at, len, DMAH_TO_DEVICE));
		}
		fault = refused(b, dma, false);
		assert_true(is(&fault, DMAH_FAULT_UNMAPPED, at, len, DMAH_TO_DEVICE));
	}
	bench_close(b);
}

static void by_address(void **state)
{
	struct bench *b = bench_open(*state);
	struct dmah_device *dev = bench_device(b);
	struct dmah_fault fault;
	dmah_addr_t dma;

	assert_int_equal(addr_map_here(b, &dma, memory(b), PAGE, DMAH_TO_DEVICE), 0);
	fault = refused(b, dma, true);
	assert_true(is(&fault, DMAH_FAULT_MAPPED, memory(b), PAGE, DMAH_TO_DEVICE));
	assert_true(IN(fault, addr_map_here));
	assert_int_equal(dmah_addr_unmap(dev, dma, PAGE, DMAH_TO_DEVICE, 0), 0);
	assert_int_equal(dmah_flush(bench_domain(b)), 0);
	bench_time(b, 7000);
	fault = refused(b, dma, false);
	assert_true(is(&fault, DMAH_FAULT_UNMAPPED, memory(b), PAGE, DMAH_TO_DEVICE));
	assert_true(IN(fault, addr_map_here));
	assert_true(aged(&fault, 7000));
	bench_close(b);
}

#define PIECES 5u

static void lists(void **state)
{
	struct bench *b = bench_open(*state);
	struct dmah_device *dev = bench_device(b);
	struct dmah_sg sg[PIECES] = { { 0 } };
	struct dmah_dma_seg out[PIECES];
	struct dmah_seg segs[PIECES];
	struct dmah part[PIECES] = { { 0 } };
	struct dmah_vec v = { .part = part, .seg = out, .max = PIECES };
	dmah_addr_t dma[PIECES];
	struct dmah_fault fault;

	for (unsigned int i = 0; i < PIECES; i++) {
		segs[i] = (struct dmah_seg){ memory(b) + 16 * PAGE * i, (i + 1) * PAGE };
		sg[i].phys = segs[i].phys;
		sg[i].len = segs[i].len;
	}
	assert_int_equal(dmah_map_vec(dev, &v, segs, PIECES, DMAH_TO_DEVICE, 0), 0);
	for (unsigned int i = 0; i < PIECES; i++)
		dma[i] = dmah_addr(&part[i]);
	assert_int_equal(dmah_unmap_vec(dev, &v), 0);
	assert_int_equal(dmah_flush(bench_domain(b)), 0);
	bench_time(b, 30000);
	for (unsigned int i = 0; i < PIECES; i++) {
		fault = refused(b, dma[i] + i * PAGE, false);
		assert_true(
			is(&fault, DMAH_FAULT_UNMAPPED, segs[i].phys, segs[i].len, DMAH_TO_DEVICE));
		assert_true(IN(fault, lists) || fault.caller);
		assert_true(aged(&fault, 30000));
	}
	bench_time(b, 2 * DMAH_FAULT_WINDOW);
	assert_true(dmah_addr_map_sg(dev, sg, PIECES, DMAH_TO_DEVICE, 0) > 0);
	dma[0] = sg[0].dma;
	fault = refused(b, dma[0], true);
	assert_true(is(&fault, DMAH_FAULT_MAPPED, segs[0].phys, segs[0].len, DMAH_TO_DEVICE));
	assert_int_equal(dmah_addr_unmap_sg(dev, sg, PIECES, DMAH_TO_DEVICE, 0), 0);
	assert_int_equal(dmah_flush(bench_domain(b)), 0);
	bench_time(b, 40000);
	fault = refused(b, dma[0], false);
	assert_true(is(&fault, DMAH_FAULT_UNMAPPED, segs[0].phys, segs[0].len, DMAH_TO_DEVICE));
	assert_true(aged(&fault, 40000));
	bench_close(b);
}

static void coherent_memory(void **state)
{
	struct bench *b = bench_open(*state);
	struct dmah_device *dev = bench_device(b);
	struct dmah h = { 0 };
	struct dmah_fault fault;
	dmah_addr_t dma;
	dmah_phys_t phys;
	void *cpu;

	assert_int_equal(dmah_alloc_coherent(dev, &h, 3 * PAGE, &cpu), 0);
	dma = dmah_addr(&h);
	phys = h.phys;
	assert_int_equal(dmah_free_coherent(dev, &h), 0);
	bench_time(b, 3000000);
	fault = refused(b, dma + 2 * PAGE, true);
	assert_true(is(&fault, DMAH_FAULT_UNMAPPED, phys, 3 * PAGE, DMAH_BIDIRECTIONAL));
	assert_true(aged(&fault, 3000000));
	bench_close(b);
}

static void batches(void **state)
{
	struct bench *b = bench_open(*state);
	struct dmah_device *dev = bench_device(b);
	struct dmah h[12] = { { 0 } }, room[12] = { { 0 } }, *at[12];
	struct dmah_batch batch = { .h = room, .max = 12 };
	dmah_addr_t dma[12];
	struct dmah_fault fault;

	bench_time(b, 1000000);
	for (unsigned int i = 0; i < 12; i++) {
		assert_int_equal(map_here(b, &h[i], memory(b) + i * 64 * PAGE, (i + 1) * 4 * PAGE,
					  DMAH_FROM_DEVICE),
				 0);
		dma[i] = dmah_addr(&h[i]);
		at[i] = &h[i];
	}
	assert_int_equal(dmah_unmap_start(dev, &batch, at, 12), 0);
	bench_time(b, 20000);
	assert_int_equal(dmah_unmap_finish(dev, &batch), 0);
	assert_int_equal(dmah_flush(bench_domain(b)), 0);
	bench_time(b, 30000);
	for (unsigned int i = 0; i < 10; i++) {
		fault = refused(b, dma[i] + i * 4 * PAGE, true);
		assert_true(is(&fault, DMAH_FAULT_UNMAPPED, memory(b) + i * 64 * PAGE,
			       (i + 1) * 4 * PAGE, DMAH_FROM_DEVICE));
		assert_true(fault.least <= 50000 && 50000 <= fault.most);
		if (!lazy(b))
			assert_true(aged(&fault, 50000));
	}
	bench_close(b);
}

#define RING 8u

static struct dmah_ring *open_ring(struct bench *b, uint32_t slot, void **room)
{
	struct dmah_ring_config config = { .entries = RING,
					   .entry_size = slot,
					   .dir = DMAH_FROM_DEVICE };
	size_t need = dmah_ring_memory(&config);
	struct dmah_ring *ring;

	*room = aligned_alloc(64, (need + 63) & ~(size_t)63);
	assert_non_null(*room);
	assert_int_equal(dmah_ring_init(&ring, bench_device(b), &config, *room, need), 0);
	return ring;
}

/* Faults at entries of a ring, before and after they are popped or reused. */
static void rings(void **state)
{
	struct bench *b = bench_open(*state);
	dmah_addr_t dma[6 * RING];
	struct dmah_ring *ring;
	struct dmah_fault fault;
	void *room;

	bench_time(b, 1000000);
	ring = open_ring(b, PAGE, &room);
	for (unsigned int i = 0; i < 6 * RING; i++) {
		if (dmah_ring_live(ring) == RING) {
			bench_time(b, 100000);
			assert_int_equal(dmah_ring_pop(ring, 2), 0);
		}
		assert_int_equal(dmah_ring_push(ring, memory(b) + i * PAGE, PAGE, &dma[i]), 0);
	}
	/*
	 * All entries are live or popped. For each of the 2n ring slots the last mapping is
	 * reported.
	 */
	for (unsigned int k = 0; k < 3; k++) {
		assert_int_equal(dmah_ring_pop(ring, 2), 0);
		bench_time(b, 100000);
	}
	assert_int_equal(dmah_flush(bench_domain(b)), 0);
	for (unsigned int i = 4 * RING; i < 6 * RING - 2; i++) {
		struct dmah_iommu_fault hw = { .addr = dma[i] + 17,
					       .has_addr = true,
					       .write = true };

		dmah_fault_explain(bench_device(b), &hw, &fault);
		assert_int_equal(fault.phys, memory(b) + i * PAGE);
		assert_int_equal(fault.dir, DMAH_FROM_DEVICE);
		assert_ptr_equal(fault.owner, bench_device(b));
		assert_non_null(fault.caller);
		assert_int_equal(fault.place,
				 5 * RING + 6 <= i ? DMAH_FAULT_MAPPED : DMAH_FAULT_UNMAPPED);
	}
	/* The last pop took two entries, 100 us ago; the pops before it were 200 us ago or more. */
	fault = refused(b, dma[5 * RING + 5], true);
	assert_true(fault.least <= 100000 && 100000 <= fault.most);
	if (!lazy(b))
		assert_true(aged(&fault, 100000));
	fault = refused(b, dma[5 * RING + 3], true);
	assert_true(fault.least <= 200000 && 200000 <= fault.most);
	if (!lazy(b))
		assert_true(aged(&fault, 200000));
	assert_int_equal(dmah_ring_pop(ring, 2), 0);
	assert_int_equal(dmah_ring_fini(ring), 0);
	free(room);
	/* The end of the ring discards its times, and no other value is reported as a time. */
	for (unsigned int i = 4 * RING; i < 6 * RING; i++) {
		struct dmah_iommu_fault hw = { .addr = dma[i], .has_addr = true };

		dmah_fault_explain(bench_device(b), &hw, &fault);
		assert_int_equal(fault.place, DMAH_FAULT_UNMAPPED);
		assert_true(fault.most == DMAH_FAULT_AGE_UNKNOWN);
		assert_true(!fault.phys || fault.phys == memory(b) + i * PAGE);
	}
	/* Later mappings that use the same entries are reported as themselves. */
	for (unsigned int i = 0; i < 24; i++) {
		struct dmah h = { 0 };
		dmah_addr_t at;

		assert_int_equal(map_here(b, &h, memory(b) + i * PAGE, PAGE, DMAH_TO_DEVICE), 0);
		at = dmah_addr(&h);
		assert_int_equal(dmah_unmap(bench_device(b), &h), 0);
		assert_int_equal(dmah_flush(bench_domain(b)), 0);
		bench_time(b, DMAH_FAULT_WINDOW);
		fault = refused(b, at, false);
		assert_true(is(&fault, DMAH_FAULT_UNMAPPED, memory(b) + i * PAGE, PAGE,
			       DMAH_TO_DEVICE));
	}
	bench_close(b);
}

static void nothing_there(void **state)
{
	struct bench *b = bench_open(*state);
	struct dmah_fault fault;
	struct dmah h = { 0 };
	dmah_addr_t base;
	uint64_t size;

	dmah_domain_aperture(bench_domain(b), &base, &size);
	assert_int_equal(map_here(b, &h, memory(b), PAGE, DMAH_TO_DEVICE), 0);
	fault = refused(b, base + size / 2, true);
	assert_int_equal(fault.place, DMAH_FAULT_NEVER);
	assert_int_equal(fault.phys, 0);
	assert_null(fault.caller);
	if (size < 1ull << 33 && bench_config(b)->mask_bits == 0) {
		fault = refused(b, base + size + PAGE, true);
		assert_int_equal(fault.place, DMAH_FAULT_OUTSIDE);
	}
	assert_int_equal(dmah_unmap(bench_device(b), &h), 0);
	bench_close(b);
}

/* Random maps and unmaps: the report for every page must match an array of last mappings. */
#define WORLD 1024u

struct page {
	dmah_phys_t phys;
	uint32_t len;
	enum dmah_dir dir;
	bool live;
	uint64_t ended;
	unsigned int number; /* number of the mapping, counted over all mappings */
	unsigned int first; /* number of the mapping's first page */
};

struct rnd {
	uint64_t state;
};

static uint32_t rnd(struct rnd *r, uint32_t n)
{
	r->state = r->state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((r->state >> 33) % n);
}

/* @began: the number of the last mapping that began at a page. */
static void explain_all(struct bench *b, const struct page *page, const unsigned int *began,
			dmah_addr_t base, unsigned int *known)
{
	uint64_t now = bench_time(b, 0);

	for (unsigned int i = 0; i < WORLD; i++) {
		struct dmah_iommu_fault hw = { .addr = base + (uint64_t)i * PAGE,
					       .has_addr = true };
		struct dmah_fault fault;

		dmah_fault_explain(bench_device(b), &hw, &fault);
		if (!page[i].len) {
			assert_true(fault.place == DMAH_FAULT_NEVER);
			continue;
		}
		assert_int_equal(fault.place,
				 page[i].live ? DMAH_FAULT_MAPPED : DMAH_FAULT_UNMAPPED);
		/*
		 * A mapping is lost if a later one began at the same page, but never reported as
		 * that one.
		 */
		if (!fault.len) {
			assert_true(began[page[i].first] != page[i].number ||
				    page[page[i].first].number != page[i].number);
			continue;
		}
		(*known)++;
		assert_int_equal(fault.phys, page[i].phys);
		assert_int_equal(fault.len, page[i].len);
		assert_int_equal(fault.dir, page[i].dir);
		if (page[i].live)
			continue;
		assert_true(fault.least <= now - page[i].ended + 1024);
		assert_true(now - page[i].ended <= fault.most);
	}
}

#define HANDLES 48u

static void random_history(void **state)
{
	struct bench_config config = *(const struct bench_config *)*state;
	struct page page[WORLD] = { { 0 } };
	unsigned int began[WORLD] = { 0 }, known = 0;
	struct dmah h[HANDLES] = { { 0 } };
	struct rnd r = { 7 };
	struct bench *b;
	dmah_addr_t base;
	uint64_t size;

	/* The table has a place for every page of the aperture, so no mapping is lost. */
	config.aperture_size = WORLD * PAGE;
	config.history = WORLD;
	config.lazy_entries = 8;
	b = bench_open(&config);
	dmah_domain_aperture(bench_domain(b), &base, &size);
	assert_int_equal(size, WORLD * PAGE);
	bench_time(b, 1000000);
	for (unsigned int op = 0; op < 6000; op++) {
		unsigned int i = rnd(&r, HANDLES);
		uint32_t pages = rnd(&r, 4) ? 1 + rnd(&r, 4) : 1 + rnd(&r, 60);
		dmah_phys_t phys = memory(b) + (uint64_t)rnd(&r, 512) * PAGE;
		enum dmah_dir dir = rnd(&r, 2) ? DMAH_TO_DEVICE : DMAH_BIDIRECTIONAL;
		uint64_t first;

		bench_time(b, 100 + rnd(&r, 5000));
		if (dmah_mapped(&h[i])) {
			first = (dmah_addr(&h[i]) - base) / PAGE;
			for (uint32_t k = 0; k < dmah_length(&h[i]) / PAGE; k++) {
				page[first + k].live = false;
				page[first + k].ended = bench_time(b, 0);
			}
			assert_int_equal(dmah_unmap(bench_device(b), &h[i]), 0);
		} else if (!map_here(b, &h[i], phys, pages * PAGE, dir)) {
			first = (dmah_addr(&h[i]) - base) / PAGE;
			began[first] = op + 1;
			for (uint32_t k = 0; k < pages; k++)
				page[first + k] = (struct page){ .phys = phys,
								 .len = pages * PAGE,
								 .dir = dir,
								 .live = true,
								 .number = op + 1,
								 .first = (unsigned int)first };
		}
		if (!(op % 50))
			explain_all(b, page, began, base, &known);
	}
	for (unsigned int i = 0; i < HANDLES; i++)
		if (dmah_mapped(&h[i]))
			assert_int_equal(dmah_unmap(bench_device(b), &h[i]), 0);
	/* Most of the mappings are found. */
	assert_true(known > 60000);
	bench_close(b);
}

/* ---- one machine is enough ---- */

static const struct bench_config vtd = { .backend = DMAH_BACKEND_IOMMU,
					 .hw = BENCH_VTD4,
					 .mask_bits = 32 };

static void a_storm(void **state)
{
	struct bench *b = bench_open(&vtd);
	struct dmah_fault_count count;
	struct dmah_stats stats;
	struct faults faults = { 0 };
	uint8_t byte = 0;

	(void)state;
	bench_time(b, DMAH_FAULT_WINDOW);
	for (unsigned int i = 0; i < 40; i++)
		assert_false(bench_dev_write(b, 0x10000, &byte, 1));
	assert_int_equal(dmah_faults(bench_iommu(b, 0), keep, &faults, &count), 0);
	assert_int_equal(faults.n, DMAH_FAULT_BURST);
	assert_int_equal(count.taken, 40);
	assert_int_equal(count.suppressed, 40 - DMAH_FAULT_BURST);
	assert_false(count.lost);
	bench_time(b, DMAH_FAULT_WINDOW / 2);
	assert_false(bench_dev_write(b, 0x10000, &byte, 1));
	assert_int_equal(take(b).n, 0);
	/* In the next window a fault is reported again, with the number of suppressed ones. */
	bench_time(b, DMAH_FAULT_WINDOW);
	assert_false(bench_dev_write(b, 0x10000, &byte, 1));
	faults = take(b);
	assert_int_equal(faults.n, 1);
	assert_int_equal(faults.last.suppressed, 41 - DMAH_FAULT_BURST);
	dmah_device_stats(bench_device(b), &stats);
	assert_int_equal(stats.faults, 42);
	assert_int_equal(stats.faults_suppressed, 41 - DMAH_FAULT_BURST);
	/* Full fault records of the hardware are reported as lost faults. */
	bench_time(b, DMAH_FAULT_WINDOW);
	for (unsigned int i = 0; i < 80; i++)
		assert_false(bench_dev_write(b, 0x10000, &byte, 1));
	assert_int_equal(dmah_faults(bench_iommu(b, 0), NULL, NULL, &count), 0);
	assert_true(count.lost);
	bench_close(b);
}

/* The rate limit of one device does not suppress another device's faults. */
static void another_device(void **state)
{
	struct bench *b = bench_open(&vtd);
	struct dmah_device *other = bench_extra_device(b, 0);
	struct dmah_limits limits = { .mask = ~0ull, .flags = DMAH_DEV_COHERENT };
	struct dmah h = { 0 };
	struct faults faults;
	uint8_t byte = 0;

	(void)state;
	bench_time(b, DMAH_FAULT_WINDOW);
	/* Before the device is attached, the fault names no device. */
	assert_false(bench_extra_write(b, 0x5000, &byte, 1));
	faults = take(b);
	assert_int_equal(faults.n, 1);
	assert_null(faults.last.dev);
	assert_int_equal(faults.last.place, DMAH_FAULT_NO_DEVICE);
	assert_int_equal(faults.last.hw.id, other->id);
	assert_int_equal(dmah_attach(bench_domain(b), other, &limits), 0);
	for (unsigned int i = 0; i < 20; i++)
		assert_false(bench_dev_write(b, 0x10000, &byte, 1));
	assert_int_equal(take(b).n, DMAH_FAULT_BURST);
	assert_int_equal(map_here(b, &h, memory(b), PAGE, DMAH_TO_DEVICE), 0);
	assert_false(bench_extra_write(b, dmah_addr(&h), &byte, 1));
	faults = take(b);
	assert_int_equal(faults.n, 1);
	assert_ptr_equal(faults.last.dev, other);
	assert_ptr_equal(faults.last.owner, bench_device(b));
	assert_true(is(&faults.last, DMAH_FAULT_MAPPED, memory(b), PAGE, DMAH_TO_DEVICE));
	assert_int_equal(dmah_unmap(bench_device(b), &h), 0);
	assert_int_equal(dmah_detach(other), 0);
	bench_close(b);
}

static void a_killed_device(void **state)
{
	struct bench *b = bench_open(&vtd);
	struct dmah h = { 0 };
	struct dmah_fault fault;

	(void)state;
	assert_int_equal(map_here(b, &h, memory(b), PAGE, DMAH_TO_DEVICE), 0);
	assert_int_equal(dmah_kill(bench_device(b)), 0);
	fault = refused(b, dmah_addr(&h), false);
	assert_true(fault.killed);
	assert_true(is(&fault, DMAH_FAULT_MAPPED, memory(b), PAGE, DMAH_TO_DEVICE));
	assert_int_equal(dmah_unmap(bench_device(b), &h), 0);
	bench_close(b);
}

static void reserved(void **state)
{
	struct bench_config config = { .backend = DMAH_BACKEND_IOMMU, .hw = BENCH_VTD4 };
	struct bench *b = bench_open(&config);
	struct dmah_iommu_fault hw = { .addr = 0xfee00010, .has_addr = true };
	struct dmah_fault fault;

	(void)state;
	dmah_fault_explain(bench_device(b), &hw, &fault);
	assert_int_equal(fault.place, DMAH_FAULT_RESERVED);
	bench_close(b);
}

/* A table that is too small loses mappings and reports that; it never names another mapping. */
static void forgotten(void **state)
{
	struct bench_config config = vtd;
	struct dmah h[64] = { { 0 } };
	struct bench *b;
	unsigned int known = 0;

	(void)state;
	config.history = 16;
	b = bench_open(&config);
	for (unsigned int i = 0; i < 64; i++)
		assert_int_equal(map_here(b, &h[i], memory(b) + i * PAGE, PAGE, DMAH_TO_DEVICE), 0);
	for (unsigned int round = 0; round < 2; round++) {
		for (unsigned int i = 0; i < 64; i++) {
			struct dmah_iommu_fault hw = { .addr = dmah_addr(&h[i]), .has_addr = true };
			struct dmah_fault fault;

			dmah_fault_explain(bench_device(b), &hw, &fault);
			/* The page is in the table of pages, even if its mapping is lost. */
			assert_int_equal(fault.place, DMAH_FAULT_MAPPED);
			assert_int_equal(fault.phys, memory(b) + i * PAGE);
			assert_int_equal(fault.dir, DMAH_TO_DEVICE);
			known += fault.len == PAGE && IN(fault, map_here);
		}
	}
	assert_int_equal(known, 2 * 16);
	for (unsigned int i = 0; i < 64; i++) {
		struct dmah_iommu_fault hw = { .addr = dmah_addr(&h[i]), .has_addr = true };
		struct dmah_fault fault;

		assert_int_equal(dmah_unmap(bench_device(b), &h[i]), 0);
		dmah_fault_explain(bench_device(b), &hw, &fault);
		assert_int_equal(fault.place, DMAH_FAULT_UNMAPPED);
		assert_true(!fault.len || fault.phys == memory(b) + i * PAGE);
	}
	bench_close(b);
}

/* Without an IOMMU there are no reports, but faults from other sources can be explained. */
static void without_iommu(void **state)
{
	struct bench *b = bench_open(*state);
	struct dmah_iommu_fault hw = { .has_addr = true, .write = true };
	struct dmah_device *dev = bench_device(b);
	struct dmah_fault fault;
	struct dmah h = { 0 };

	assert_int_equal(map_here(b, &h, memory(b) + 100, 1000, DMAH_FROM_DEVICE), 0);
	hw.addr = dmah_addr(&h);
	dmah_fault_explain(dev, &hw, &fault);
	assert_true(is(&fault, DMAH_FAULT_MAPPED, memory(b) + 100, 1000, DMAH_FROM_DEVICE));
	assert_true(IN(fault, map_here));
	assert_int_equal(dmah_unmap(dev, &h), 0);
	dmah_fault_explain(dev, &hw, &fault);
	assert_true(is(&fault, DMAH_FAULT_UNMAPPED, memory(b) + 100, 1000, DMAH_FROM_DEVICE));
	assert_int_equal(fault.most, DMAH_FAULT_AGE_UNKNOWN);
	hw.addr += 64 * PAGE;
	dmah_fault_explain(dev, &hw, &fault);
	assert_int_equal(fault.place, DMAH_FAULT_NEVER);
	bench_close(b);
}

/* ---- the tests: those of machines once for each that has an IOMMU, which can refuse ---- */

static const struct {
	const char *name;
	CMUnitTestFunction fn;
	bool whole_pages; /* needed since bounce slots take IOVAs, and boundaries leave gaps */
} each[] = {
	{ "unmapped", unmapped, false },
	{ "between flushes", between_flushes, false },
	{ "many flushes", many_flushes, false },
	{ "wrong direction", wrong_direction, false },
	{ "the last of several", the_last_of_several, true },
	{ "by address", by_address, false },
	{ "lists", lists, true },
	{ "coherent memory", coherent_memory, false },
	{ "batches", batches, true },
	{ "rings", rings, false },
	{ "nothing there", nothing_there, false },
	{ "random history", random_history, true },
};

#define EACH (sizeof(each) / sizeof(each[0]))

static const struct CMUnitTest once[] = {
	cmocka_unit_test(a_storm),	   cmocka_unit_test(another_device),
	cmocka_unit_test(a_killed_device), cmocka_unit_test(reserved),
	cmocka_unit_test(forgotten),
};

#define ONCE (sizeof(once) / sizeof(once[0]))

int main(void)
{
	struct CMUnitTest *tests = calloc(nconfigs * EACH + ONCE, sizeof(*tests));
	char *names = calloc(nconfigs * EACH, 96);
	unsigned int n = 0;
	int failed;

	for (unsigned int i = 0; i < nconfigs; i++) {
		const struct bench_config *c = &configs[i];

		for (unsigned int k = 0; k < EACH; k++) {
			bool iommu = c->backend == DMAH_BACKEND_IOMMU;

			if (c->mode == DMAH_PASSTHROUGH ||
			    (iommu ? c->mask_bits || (each[k].whole_pages && c->boundary) : k > 0))
				continue;
			snprintf(names + 96 * n, 96, "%s: %s", c->name,
				 iommu ? each[k].name : "without an IOMMU");
			tests[n] = (struct CMUnitTest){ .name = names + 96 * n,
							.test_func = iommu ? each[k].fn
									   : without_iommu,
							.initial_state = (void *)(uintptr_t)c };
			n++;
		}
	}
	memcpy(tests + n, once, sizeof(once));
	failed = _cmocka_run_group_tests("faults", tests, n + ONCE, NULL, NULL);
	free(tests);
	free(names);
	return failed;
}
