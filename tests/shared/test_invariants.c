/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * One test for each invariant, on a machine where a violation is visible. The numbers are those of
 * docs/invariants.md. This file tests which addresses are translated, for which device and for how
 * long, and the ownership of handles.
 */
#include "invariants.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* 1: when a strict unmap has returned, no access through that range succeeds, however late the hardware is. */
static void inv01_strict_unmap_ends_access(void **state)
{
	struct bench *b = bench_open(&iommu_strict);
	struct dmah h = { 0 };
	unsigned char byte = 0x77;
	dmah_addr_t dma;

	(void)state;
	bench_latency(b, 50000);
	fill(b, page(b, 0), 0x11, 8192);
	assert_int_equal(dmah_map(bench_device(b), &h, page(b, 0), 8192, DMAH_BIDIRECTIONAL, 0), 0);
	dma = dmah_addr(&h);
	/* Both granules are in the IOTLB now. */
	assert_true(bench_dev_read(b, dma, &byte, 1));
	assert_true(bench_dev_read(b, dma + 4096, &byte, 1));
	assert_int_equal(dmah_unmap(bench_device(b), &h), 0);
	byte = 0x77;
	assert_false(bench_dev_write(b, dma, &byte, 1));
	assert_false(bench_dev_write(b, dma + 4096, &byte, 1));
	assert_true(holds(b, page(b, 0), 0x11, 8192));
	bench_close(b);
}

struct reader {
	struct bench *b;
	dmah_addr_t dma[3];
	unsigned int n;
	unsigned int posts;
};

/* The IOMMU caches every entry that is still in the table. */
static void read_all(void *arg)
{
	struct reader *r = arg;
	unsigned char byte;

	for (unsigned int i = 0; i < r->n; i++)
		(void)bench_dev_read(r->b, r->dma[i], &byte, 1);
	r->posts++;
}

/* 1: every call clears entries before it posts their invalidation. */
static void inv01_cleared_before_the_post(void **state)
{
	struct dmah_ring_config config = { .entries = 4,
					   .entry_size = 4096,
					   .dir = DMAH_BIDIRECTIONAL };
	size_t need = (dmah_ring_memory(&config) + 63) & ~(size_t)63;

	(void)state;
	for (unsigned int how = 0; how < 8; how++) {
		/*
		 * A single unmap, a batch, a batch that flushes everything, a ring; on and off the
		 * fast path.
		 */
		uint32_t attrs = how & 1 ? DMAH_ATTR_NO_CPU_SYNC : 0, call = how / 2;
		struct bench *b = bench_open(&iommu_strict);
		struct dmah h[20] = { 0 }, room[20] = { 0 }, *list[20];
		struct dmah_batch batch = { .h = room, .max = 20 };
		struct dmah_device *dev = bench_device(b);
		struct reader r = { .b = b, .n = 3 };
		void *memory = aligned_alloc(64, need);
		struct dmah_ring *ring;
		unsigned char byte;

		config.attrs = attrs;
		assert_int_equal(dmah_ring_init(&ring, dev, &config, memory, need), 0);
		for (unsigned int i = 0; i < 20; i++) {
			list[i] = &h[i];
			if (call == 3 && i < 3)
				assert_int_equal(dmah_ring_push(ring, page(b, i), 4096, &r.dma[i]),
						 0);
			else if (i < 3 || call == 2)
				assert_int_equal(dmah_map(dev, &h[i], page(b, i), 4096,
							  DMAH_BIDIRECTIONAL, attrs),
						 0);
			if (i < 3 && call != 3)
				r.dma[i] = dmah_addr(&h[i]);
		}
		bench_on_post(b, read_all, &r);
		for (unsigned int i = 0; !call && i < 3; i++)
			assert_int_equal(dmah_unmap(dev, &h[i]), 0);
		if (call == 1 || call == 2) {
			assert_int_equal(dmah_unmap_start(dev, &batch, list, 20), 0);
			assert_int_equal(dmah_unmap_finish(dev, &batch), 0);
		}
		if (call == 3)
			assert_int_equal(dmah_ring_pop(ring, 3), 0);
		bench_on_post(b, NULL, NULL);
		assert_true(r.posts > 0);
		for (unsigned int i = 0; i < 3; i++)
			assert_false(bench_dev_read(b, r.dma[i], &byte, 1));
		assert_int_equal(dmah_ring_fini(ring), 0);
		free(memory);
		bench_close(b);
	}
}

/* 2: an IOVA that may still translate is not handed out again. */
static void inv02_no_reuse_before_flush(void **state)
{
	struct bench *b = bench_open(&iommu_lazy);
	struct dmah h[40] = { 0 };
	unsigned char byte = 0;
	dmah_addr_t old;

	(void)state;
	assert_int_equal(dmah_map(bench_device(b), &h[0], page(b, 0), 4096, DMAH_BIDIRECTIONAL, 0),
			 0);
	old = dmah_addr(&h[0]);
	assert_true(bench_dev_read(b, old, &byte, 1));
	assert_int_equal(dmah_unmap(bench_device(b), &h[0]), 0);
	/*
	 * The stale entry still translates: in lazy mode this is allowed, and reuse would corrupt
	 * memory.
	 */
	assert_true(bench_dev_read(b, old, &byte, 1));
	for (unsigned int i = 0; i < 40; i++) {
		assert_int_equal(dmah_map(bench_device(b), &h[i], page(b, i), 4096,
					  DMAH_BIDIRECTIONAL, 0),
				 0);
		assert_true(dmah_addr(&h[i]) != old);
	}
	assert_int_equal(dmah_flush(bench_domain(b)), 0);
	assert_false(bench_dev_read(b, old, &byte, 1));
	for (unsigned int i = 0; i < 40; i++)
		assert_int_equal(dmah_unmap(bench_device(b), &h[i]), 0);
	bench_close(b);
}

/* 2: a bounce slot that a stale translation still reaches is not reused until the flush. */
static void inv02_no_slot_reuse_before_flush(void **state)
{
	static const struct bench_config config = { .backend = DMAH_BACKEND_IOMMU,
						    .hw = BENCH_IOMMU,
						    .mode = DMAH_LAZY,
						    .noncoherent = true,
						    .pool = true,
						    .lazy_entries = 64 };
	struct bench *b = bench_open(&config);
	struct dmah h[20] = { 0 };
	dmah_phys_t slot, other;

	(void)state;
	assert_int_equal(dmah_map(bench_device(b), &h[0], page(b, 0) + 8, 100, DMAH_FROM_DEVICE, 0),
			 0);
	assert_true(bench_translate(b, dmah_addr(&h[0]), true, &slot));
	assert_true(slot != page(b, 0) + 8);
	assert_int_equal(dmah_unmap(bench_device(b), &h[0]), 0);
	for (unsigned int i = 0; i < 20; i++) {
		assert_int_equal(dmah_map(bench_device(b), &h[i], page(b, i) + 8, 100,
					  DMAH_FROM_DEVICE, 0),
				 0);
		assert_true(bench_translate(b, dmah_addr(&h[i]), true, &other));
		assert_true(other >> 12 != slot >> 12);
	}
	for (unsigned int i = 0; i < 20; i++)
		assert_int_equal(dmah_unmap(bench_device(b), &h[i]), 0);
	assert_true(dmah_pool_used(bench_pool(b)) > 0);
	assert_int_equal(dmah_flush(bench_domain(b)), 0);
	assert_int_equal(dmah_pool_used(bench_pool(b)), 0);
	bench_close(b);
}

/* 3: the device's TLB is invalidated after the IOMMU's, since it refills from the IOMMU's. */
static void inv03_device_tlb_after_iotlb(void **state)
{
	static const struct bench_config config = { .backend = DMAH_BACKEND_IOMMU,
						    .hw = BENCH_IOMMU,
						    .ats = true };
	struct bench *b = bench_open(&config);
	struct dmah h = { 0 };
	unsigned char byte = 0;
	dmah_addr_t dma;

	(void)state;
	assert_int_equal(dmah_map(bench_device(b), &h, page(b, 0), 4096, DMAH_BIDIRECTIONAL, 0), 0);
	dma = dmah_addr(&h);
	assert_true(bench_dev_read(b, dma, &byte, 1));
	assert_int_equal(dmah_unmap(bench_device(b), &h), 0);
	assert_false(bench_dev_read(b, dma, &byte, 1));
	assert_false(bench_dev_write(b, dma, &byte, 1));
	bench_close(b);
}

struct last_write {
	struct bench *b;
	dmah_addr_t dma;
	unsigned char bytes[128];
	bool done;
};

static void write_during_wait(void *arg)
{
	struct last_write *w = arg;

	if (!w->done)
		assert_true(bench_dev_write(w->b, w->dma, w->bytes, sizeof(w->bytes)));
	w->done = true;
}

/*
 * 3: bytes that the device writes during the invalidation are kept: the copy comes after the wait.
 */
static void late_write(const struct bench_config *config)
{
	struct bench *b = bench_open(config);
	struct last_write w = { .b = b };
	struct dmah h = { 0 };
	unsigned char byte;

	fill(b, page(b, 0), 0x11, 4096);
	assert_int_equal(dmah_map(bench_device(b), &h, page(b, 0) + 8, sizeof(w.bytes),
				  DMAH_FROM_DEVICE, 0),
			 0);
	memset(w.bytes, 0x22, sizeof(w.bytes));
	w.dma = dmah_addr(&h);
	byte = 0x22;
	assert_true(bench_dev_write(b, w.dma, &byte, 1));
	bench_on_wait(b, write_during_wait, &w);
	assert_int_equal(dmah_unmap(bench_device(b), &h), 0);
	bench_on_wait(b, NULL, NULL);
	assert_true(w.done);
	assert_true(holds(b, page(b, 0), 0x11, 8));
	assert_true(holds(b, page(b, 0) + 8, 0x22, sizeof(w.bytes)));
	assert_true(holds(b, page(b, 0) + 8 + sizeof(w.bytes), 0x11, 64));
	bench_close(b);
}

static void inv03_taken_after_the_wait(void **state)
{
	(void)state;
	late_write(&untrusted);
}

static void inv03_taken_after_the_wait_not_coherent(void **state)
{
	static const struct bench_config noncoherent = {
		.backend = DMAH_BACKEND_IOMMU, .hw = BENCH_IOMMU, .noncoherent = true, .pool = true
	};

	(void)state;
	late_write(&noncoherent);
}

static int by_start(const void *a, const void *b)
{
	dmah_addr_t x = dmah_addr((*(struct dmah *const *)a)),
		    y = dmah_addr((*(struct dmah *const *)b));

	return (x > y) - (x < y);
}

/* 4: live IOVA ranges overlap neither each other nor what is reserved; granule 0 and the interrupt window are. */
static void inv04_ranges_are_disjoint(void **state)
{
	static const struct bench_config config = {
		.backend = DMAH_BACKEND_IOMMU, .hw = BENCH_IOMMU, .mode = DMAH_LAZY, .mask_bits = 32
	};
	enum { N = 3000 };
	struct bench *b = bench_open(&config);
	struct dmah *h = calloc(N, sizeof(*h)), **sorted = calloc(N, sizeof(*sorted));
	static const uint32_t lens[] = { 1, 4096, 4097, 9000, 20000, 70000, 2u << 20, 3u << 20 };

	(void)state;
	for (unsigned int i = 0; i < N; i++) {
		sorted[i] = &h[i];
		assert_int_equal(dmah_map(bench_device(b), &h[i], page(b, i % 16) + i % 4096,
					  lens[i % (i < 200 ? 8 : 6)], DMAH_TO_DEVICE, 0),
				 0);
	}
	qsort(sorted, N, sizeof(*sorted), by_start);
	for (unsigned int i = 0; i < N; i++) {
		dmah_addr_t first = dmah_addr(sorted[i]) & ~4095ull,
			    last = dmah_addr(sorted[i]) + sorted[i]->len - 1;

		assert_true(first != 0);
		assert_false(first <= 0xfeefffff && last >= 0xfee00000);
		if (i + 1 < N)
			assert_true(last >> 12 < dmah_addr(sorted[i + 1]) >> 12);
	}
	for (unsigned int i = 0; i < N; i++)
		assert_int_equal(dmah_unmap(bench_device(b), &h[i]), 0);
	free(h);
	free(sorted);
	bench_close(b);
}

/* 6: the device may only access a mapping as its direction allows. */
static void permissions(enum bench_hw hw, bool write_only)
{
	struct bench_config config = { .backend = DMAH_BACKEND_IOMMU, .hw = hw };
	struct bench *b = bench_open(&config);
	struct dmah to = { 0 }, from = { 0 }, both = { 0 };
	unsigned char byte = 0;

	assert_int_equal(dmah_map(bench_device(b), &to, page(b, 0), 4096, DMAH_TO_DEVICE, 0), 0);
	assert_int_equal(dmah_map(bench_device(b), &from, page(b, 1), 4096, DMAH_FROM_DEVICE, 0),
			 0);
	assert_int_equal(dmah_map(bench_device(b), &both, page(b, 2), 4096, DMAH_BIDIRECTIONAL, 0),
			 0);
	assert_true(bench_dev_read(b, dmah_addr(&to), &byte, 1));
	assert_false(bench_dev_write(b, dmah_addr(&to), &byte, 1));
	assert_int_equal(bench_dev_read(b, dmah_addr(&from), &byte, 1), !write_only);
	assert_true(bench_dev_write(b, dmah_addr(&from), &byte, 1));
	assert_true(bench_dev_read(b, dmah_addr(&both), &byte, 1));
	assert_true(bench_dev_write(b, dmah_addr(&both), &byte, 1));
	assert_int_equal(dmah_unmap(bench_device(b), &to), 0);
	assert_int_equal(dmah_unmap(bench_device(b), &from), 0);
	assert_int_equal(dmah_unmap(bench_device(b), &both), 0);
	bench_close(b);
}

static void inv06_permission_is_direction(void **state)
{
	(void)state;
	permissions(BENCH_VTD3, true);
	permissions(BENCH_VTD4, true);
}

static void inv06_permission_is_direction_lpae(void **state)
{
	(void)state;
	permissions(BENCH_LPAE39, false);
	permissions(BENCH_LPAE48, false);
}

static void inv06_permission_is_direction_5_levels(void **state)
{
	(void)state;
	permissions(BENCH_VTD5, true);
}

/*
 * 7: no call changes a live translation: an address that translates before and after has the same
 * target.
 */
static void inv07_never_present_to_present(void **state)
{
	static const struct bench_config config = { .backend = DMAH_BACKEND_IOMMU,
						    .hw = BENCH_IOMMU,
						    .mode = DMAH_LAZY,
						    .mask_bits = 24,
						    .lazy_entries = 8 };
	enum { N = 4096, HANDLES = 40 };
	static uint64_t before[N], after[N];
	struct bench *b = bench_open(&config);
	struct dmah h[HANDLES] = { 0 };
	uint64_t seed = 9;

	(void)state;
	bench_entries(b, before, N);
	for (unsigned int step = 0; step < 1500; step++) {
		struct dmah *one;

		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		one = &h[(seed >> 33) % HANDLES];
		if (dmah_mapped(one))
			assert_int_equal(dmah_unmap(bench_device(b), one), 0);
		else
			assert_int_equal(dmah_map(bench_device(b), one, page(b, (seed >> 40) % 64),
						  1 + (seed >> 20) % 60000,
						  (enum dmah_dir)(1 + (seed >> 50) % 3), 0),
					 0);
		bench_entries(b, after, N);
		for (unsigned int i = 0; i < N; i++) {
			if (before[i] && after[i])
				assert_true(before[i] == after[i]);
			before[i] = after[i];
		}
	}
	for (unsigned int i = 0; i < HANDLES; i++)
		assert_int_equal(dmah_unmap(bench_device(b), &h[i]), 0);
	/* 15: when all mappings are gone, nothing translates. */
	bench_entries(b, after, N);
	for (unsigned int i = 0; i < N; i++)
		assert_int_equal(after[i], 0);
	bench_close(b);
}

/* 8: an idle handle can be unmapped, and move leaves exactly one live. */
static void inv08_idle_and_move(void **state)
{
	struct bench *b = bench_open(&iommu_strict);
	struct dmah_device *dev = bench_device(b);
	struct dmah h = { 0 }, other = { 0 }, third = { 0 };

	(void)state;
	assert_int_equal(dmah_unmap(dev, &h), 0);
	assert_int_equal(dmah_device_live(dev), 0);
	assert_int_equal(dmah_map(dev, &h, page(b, 0), 100, DMAH_TO_DEVICE, 0), 0);
	assert_int_equal(dmah_move(&h, &h), 0);
	assert_true(dmah_mapped(&h));
	assert_int_equal(dmah_move(&other, &h), 0);
	assert_false(dmah_mapped(&h));
	assert_true(dmah_mapped(&other));
	assert_int_equal(dmah_length(&other), 100);
	assert_int_equal(dmah_direction(&other), DMAH_TO_DEVICE);
	assert_int_equal(dmah_unmap(dev, &h), 0);
	assert_int_equal(dmah_device_live(dev), 1);
	assert_int_equal(dmah_map(dev, &third, page(b, 1), 100, DMAH_TO_DEVICE, 0), 0);
	assert_int_equal(dmah_move(&third, &other), DMAH_EBUSY);
	assert_true(dmah_mapped(&third) && dmah_mapped(&other));
	/* Mapping with a live handle is refused. */
	assert_int_equal(dmah_map(dev, &third, page(b, 2), 100, DMAH_TO_DEVICE, 0), DMAH_EINVAL);
	assert_int_equal(bench_reports(b), 1);
	assert_int_equal(dmah_unmap(dev, &other), 0);
	assert_int_equal(dmah_unmap(dev, &third), 0);
	assert_int_equal(dmah_device_live(dev), 0);
	bench_close(b);
}

/* 9: a stale copy of a handle changes nothing, as often as its IOVA or slot was used again within the wrap. */
static void stale(const struct bench_config *config, unsigned int rounds)
{
	struct bench *b = bench_open(config);
	struct dmah_device *dev = bench_device(b);
	struct dmah h = { 0 }, copy;
	unsigned char byte = 0;

	assert_int_equal(dmah_map(dev, &h, page(b, 0), 4096, DMAH_BIDIRECTIONAL, 0), 0);
	copy = h;
	for (unsigned int i = 0; i < rounds; i++) {
		struct dmah again = copy;

		assert_int_equal(dmah_unmap(dev, &h), 0);
		assert_int_equal(dmah_unmap(dev, &again), DMAH_ESTALE);
		/* Map the same page at the same address, as a last-in first-out allocator does. */
		assert_int_equal(dmah_map(dev, &h, page(b, 0), 4096, DMAH_BIDIRECTIONAL, 0), 0);
		again = copy;
		assert_int_equal(dmah_unmap(dev, &again), DMAH_ESTALE);
		assert_true(bench_dev_write(b, dmah_addr(&h), &byte, 1));
	}
	assert_int_equal(bench_reports(b), 2 * rounds);
	assert_int_equal(dmah_unmap(dev, &h), 0);
	bench_close(b);
}

static void inv09_stale_copies(void **state)
{
	static const struct bench_config vtd = { .backend = DMAH_BACKEND_IOMMU, .hw = BENCH_VTD4 };

	(void)state;
	stale(&vtd, 250);
}

/* Four bits of generation: it wraps at 16. */
static void inv09_stale_copies_lpae(void **state)
{
	static const struct bench_config lpae = { .backend = DMAH_BACKEND_IOMMU,
						  .hw = BENCH_LPAE48 };

	(void)state;
	stale(&lpae, 15);
}

static void inv09_stale_copies_bounced(void **state)
{
	(void)state;
	stale(&bounce, 100);
}

/* 9: a handle that names a part of another mapping changes nothing. */
static void inv09_inside_another(void **state)
{
	struct bench *b = bench_open(&iommu_strict);
	struct dmah_device *dev = bench_device(b);
	struct dmah h = { 0 }, forged;

	(void)state;
	assert_int_equal(dmah_map(dev, &h, page(b, 0), 16384, DMAH_BIDIRECTIONAL, 0), 0);
	forged = h;
	forged.dma += 4096;
	forged.phys += 4096;
	forged.len = 4096;
	assert_int_equal(dmah_unmap(dev, &forged), DMAH_ESTALE);
	forged = h;
	forged.len = 8192;
	assert_int_equal(dmah_unmap(dev, &forged), DMAH_ESTALE);
	forged = h;
	forged.len = 20480;
	assert_int_equal(dmah_unmap(dev, &forged), DMAH_ESTALE);
	assert_int_equal(bench_reports(b), 3);
	assert_int_equal(dmah_unmap(dev, &h), 0);
	bench_close(b);
}

int main(void)
{
	static const struct bench_case cases[] = {
		BENCH_CASE(inv01_strict_unmap_ends_access, 0),
		BENCH_CASE(inv01_cleared_before_the_post, 0),
		BENCH_CASE(inv02_no_reuse_before_flush, 0),
		BENCH_CASE(inv02_no_slot_reuse_before_flush, BENCH_CACHES),
		BENCH_CASE(inv03_device_tlb_after_iotlb, BENCH_VTD),
		BENCH_CASE(inv03_taken_after_the_wait, 0),
		BENCH_CASE(inv03_taken_after_the_wait_not_coherent, BENCH_CACHES),
		BENCH_CASE(inv04_ranges_are_disjoint, BENCH_VTD),
		BENCH_CASE(inv06_permission_is_direction, BENCH_VTD),
		BENCH_CASE(inv06_permission_is_direction_lpae, BENCH_LPAE),
		BENCH_CASE(inv06_permission_is_direction_5_levels, BENCH_5_LEVELS),
		BENCH_CASE(inv07_never_present_to_present, 0),
		BENCH_CASE(inv08_idle_and_move, 0),
		BENCH_CASE(inv09_stale_copies, BENCH_VTD),
		BENCH_CASE(inv09_stale_copies_lpae, BENCH_LPAE),
		BENCH_CASE(inv09_stale_copies_bounced, BENCH_OTHERS),
		BENCH_CASE(inv09_inside_another, 0),
	};

	return bench_run("invariants", cases, sizeof(cases) / sizeof(cases[0]));
}
