/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * One test for each invariant, on a machine where a violation is visible. The numbers are those of
 * docs/invariants.md. This file tests data, corrupt handles, killed devices and hardware that
 * hangs.
 */
#include "invariants.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/*
 * 10: for any bytes in a handle, the library writes only its page tables, its slots and the slots'
 * buffers.
 */
static void corrupt(const struct bench_config *config)
{
	enum { LIVE = 8, ROUNDS = 4000 };
	struct bench *b = bench_open(config);
	struct dmah_device *dev = bench_device(b);
	struct dmah h[LIVE] = { 0 };
	uint64_t seed = 7;

	fill(b, page(b, 0), 0xc3, 64 * 4096);
	for (unsigned int i = 0; i < LIVE; i++)
		assert_int_equal(dmah_map(dev, &h[i], page(b, 2 * i) + 40, 1000 + 5000 * (i & 1),
					  DMAH_BIDIRECTIONAL, 0),
				 0);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		struct dmah bad = h[round % LIVE];
		unsigned char *bytes = (unsigned char *)&bad;

		for (unsigned int n = 0; n <= round % 3; n++) {
			seed = seed * 6364136223846793005ull + 1442695040888963407ull;
			bytes[(seed >> 33) % sizeof(bad)] ^=
				(unsigned char)(1u << (seed >> 60 & 7));
		}
		/* Skip a handle that is valid by chance: it names a live mapping. */
		if (!memcmp(&bad, &h[round % LIVE], sizeof(bad)) || !bad.meta)
			continue;
		(void)dmah_sync_for_cpu(dev, &bad, 0, 16);
		(void)dmah_sync_for_device(dev, &bad, 0, 16);
		assert_true(holds(b, page(b, 0), 0xc3, 64 * 4096));
	}
	(void)bench_reports(b);
	for (unsigned int i = 0; i < LIVE; i++)
		assert_int_equal(dmah_unmap(dev, &h[i]), 0);
	assert_true(holds(b, page(b, 0), 0xc3, 64 * 4096));
	bench_close(b);
}

static void inv10_corrupted_handles(void **state)
{
	(void)state;
	corrupt(&iommu_strict);
	corrupt(&untrusted);
}

static void inv10_corrupted_handles_bounced(void **state)
{
	(void)state;
	corrupt(&bounce);
}

/*
 * 10: a handle that names another mapping's slot copies nothing. With a matching record the copy
 * goes where the record says.
 */
static void inv10_copy_back_follows_the_record(void **state)
{
	struct bench *b = bench_open(&bounce);
	struct dmah_device *dev = bench_device(b);
	struct dmah h = { 0 }, bad;
	unsigned char data[64];

	(void)state;
	fill(b, page(b, 0), 0x11, 3 * 4096);
	assert_int_equal(dmah_map(dev, &h, page(b, 0), 64, DMAH_FROM_DEVICE, 0), 0);
	memset(data, 0x22, sizeof(data));
	assert_true(bench_dev_write(b, dmah_addr(&h), data, sizeof(data)));
	bad = h;
	bad.phys = page(b, 2);
#ifdef DMAH_CHECK
	/* A check build detects the forged handle. */
	assert_int_equal(dmah_sync_for_cpu(dev, &bad, 0, 64), DMAH_ESTALE);
	assert_int_equal(bench_reports(b), 1);
	assert_int_equal(dmah_sync_for_cpu(dev, &h, 0, 64), DMAH_OK);
#else
	assert_int_equal(dmah_sync_for_cpu(dev, &bad, 0, 64), DMAH_OK);
#endif
	assert_true(holds(b, page(b, 2), 0x11, 64));
	assert_true(holds(b, page(b, 0), 0x22, 64));
	assert_int_equal(dmah_unmap(dev, &h), 0);
	bench_close(b);
}

static void sync_a_part(const struct bench_config *config, uint32_t at, uint32_t len)
{
	struct bench *b = bench_open(config);
	struct dmah_device *dev = bench_device(b);
	dmah_phys_t phys = page(b, 0) + at;
	unsigned char bytes[5000];
	struct dmah h = { 0 };

	assert_true(len <= sizeof(bytes));
	fill(b, phys, 0x11, len);
	assert_int_equal(dmah_map(dev, &h, phys, len, DMAH_BIDIRECTIONAL, 0), 0);
	memset(bytes, 0x22, sizeof(bytes));
	assert_true(bench_dev_write(b, dmah_addr(&h), bytes, len));
	assert_int_equal(dmah_sync_for_cpu(dev, &h, 301, 77), 0);
	assert_true(holds(b, phys, 0x11, 301));
	assert_true(holds(b, phys + 301, 0x22, 77));
	assert_true(holds(b, phys + 378, 0x11, len - 378));
	fill(b, phys, 0x33, len);
	assert_int_equal(dmah_sync_for_device(dev, &h, 500, 1), 0);
	assert_true(bench_dev_read(b, dmah_addr(&h), bytes, len));
	for (unsigned int i = 0; i < len; i++)
		assert_int_equal(bytes[i], i == 500 ? 0x33 : 0x22);
	/* A sync beyond the mapping is refused, and copies nothing. */
	assert_int_equal(dmah_sync_for_cpu(dev, &h, 1, len), DMAH_EINVAL);
	assert_int_equal(dmah_sync_for_cpu(dev, &h, 0xffffffff, 2), DMAH_EINVAL);
	assert_int_equal(bench_reports(b), 2);
	assert_true(holds(b, phys, 0x33, len));
	assert_int_equal(dmah_unmap(dev, &h), 0);
	bench_close(b);
}

/* 11: a sync changes no byte outside its range on either side, with one bounce slot or with two. */
static void inv11_sync_touches_its_range_only(void **state)
{
	(void)state;
	sync_a_part(&untrusted, 100, 1000);
	sync_a_part(&untrusted, 100, 5000);
}

static void inv11_sync_touches_its_range_only_bounced(void **state)
{
	(void)state;
	sync_a_part(&bounce, 0, 1000);
}

/* 12: if a device writes only a part of its buffer, the rest is unchanged, bounced or not. */
static void short_write(const struct bench_config *config)
{
	struct bench *b = bench_open(config);
	unsigned char bytes[16];
	struct dmah h = { 0 };

	fill(b, page(b, 0), 0x11, 8192);
	assert_int_equal(dmah_map(bench_device(b), &h, page(b, 0) + 100, 6000, DMAH_FROM_DEVICE, 0),
			 0);
	memset(bytes, 0x22, sizeof(bytes));
	assert_true(bench_dev_write(b, dmah_addr(&h) + 50, bytes, sizeof(bytes)));
	assert_int_equal(dmah_unmap(bench_device(b), &h), 0);
	assert_true(holds(b, page(b, 0), 0x11, 150));
	assert_true(holds(b, page(b, 0) + 150, 0x22, 16));
	assert_true(holds(b, page(b, 0) + 166, 0x11, 8192 - 166));
	bench_close(b);
}

static void inv12_short_writes(void **state)
{
	(void)state;
	short_write(&untrusted);
	short_write(&iommu_strict);
}

static void inv12_short_writes_lpae(void **state)
{
	static const struct bench_config smmu = {
		.backend = DMAH_BACKEND_IOMMU, .hw = BENCH_LPAE48, .untrusted = true, .pool = true
	};

	(void)state;
	short_write(&smmu);
}

static void inv12_short_writes_bounced(void **state)
{
	static const struct bench_config direct = { .backend = DMAH_BACKEND_DIRECT,
						    .noncoherent = true,
						    .pool = true };

	(void)state;
	short_write(&bounce);
	short_write(&direct);
}

/* 12: an untrusted device cannot read bytes that another buffer left in a slot. */
static void inv12_nothing_leaks(void **state)
{
	struct bench *b = bench_open(&untrusted);
	unsigned char bytes[4096];
	struct dmah h = { 0 };

	(void)state;
	fill(b, page(b, 0), 0x5e, 4096);
	fill(b, page(b, 1), 0x11, 4096);
	assert_int_equal(dmah_map(bench_device(b), &h, page(b, 0) + 1, 4095, DMAH_TO_DEVICE, 0), 0);
	assert_int_equal(dmah_unmap(bench_device(b), &h), 0);
	assert_int_equal(dmah_map(bench_device(b), &h, page(b, 1) + 1000, 10, DMAH_TO_DEVICE, 0),
			 0);
	assert_true(bench_dev_read(b, dmah_addr(&h) & ~4095ull, bytes, 4096));
	for (unsigned int i = 0; i < 4096; i++)
		assert_int_equal(bytes[i], i >= 1000 && i < 1010 ? 0x11 : 0);
	assert_int_equal(dmah_unmap(bench_device(b), &h), 0);
	bench_close(b);
}

/* 17: after a poll at its deadline, no unmapped address translates. */
static void inv17_poll_at_its_deadline(void **state)
{
	struct bench *b = bench_open(&iommu_lazy);
	struct dmah h = { 0 };
	unsigned char byte = 0;
	uint64_t next, now;
	dmah_addr_t dma;

	(void)state;
	assert_int_equal(dmah_poll(bench_domain(b), bench_time(b, 0), &next), 0);
	assert_true(next == UINT64_MAX);
	assert_int_equal(dmah_map(bench_device(b), &h, page(b, 0), 4096, DMAH_BIDIRECTIONAL, 0), 0);
	dma = dmah_addr(&h);
	assert_true(bench_dev_read(b, dma, &byte, 1));
	assert_int_equal(dmah_unmap(bench_device(b), &h), 0);
	now = bench_time(b, 0);
	assert_int_equal(dmah_poll(bench_domain(b), now, &next), 0);
	assert_true(next > now && next <= now + 10000000);
	assert_true(bench_dev_read(b, dma, &byte, 1));
	now = bench_time(b, next - now);
	assert_int_equal(dmah_poll(bench_domain(b), now, &next), 0);
	assert_false(bench_dev_read(b, dma, &byte, 1));
	assert_true(next == UINT64_MAX);
	bench_close(b);
}

/* 18: a killed device reaches nothing, and its mappings can still be unmapped. */
static void inv18_kill(void **state)
{
	struct bench *b = bench_open(&iommu_lazy);
	struct dmah_device *dev = bench_device(b);
	struct dmah h[3] = { 0 }, more = { 0 };
	unsigned char byte = 0x66;

	(void)state;
	fill(b, page(b, 0), 0x11, 3 * 4096);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(dmah_map(dev, &h[i], page(b, i), 4096, DMAH_BIDIRECTIONAL, 0), 0);
		assert_true(bench_dev_read(b, dmah_addr(&h[i]), &byte, 1));
	}
	byte = 0x66;
	assert_int_equal(dmah_kill(dev), 0);
	for (unsigned int i = 0; i < 3; i++)
		assert_false(bench_dev_write(b, dmah_addr(&h[i]), &byte, 1));
	assert_int_equal(dmah_map(dev, &more, page(b, 0), 1, DMAH_TO_DEVICE, 0), DMAH_ENODEV);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(dmah_unmap(dev, &h[i]), 0);
	assert_true(holds(b, page(b, 0), 0x11, 3 * 4096));
	/* A change of mode does not give the device access again. */
	assert_int_equal(dmah_set_mode(bench_domain(b), DMAH_PASSTHROUGH), 0);
	assert_false(bench_dev_write(b, page(b, 0), &byte, 1));
	assert_int_equal(dmah_set_mode(bench_domain(b), DMAH_STRICT), 0);
	assert_false(bench_dev_write(b, page(b, 0), &byte, 1));
	assert_true(holds(b, page(b, 0), 0x11, 3 * 4096));
	bench_close(b);
}

/* 19: without a confirmation the IOVA stays in quarantine, until a flush is confirmed. */
static void hung(const struct bench_config *config)
{
	struct bench *b = bench_open(config);
	struct dmah_device *dev = bench_device(b);
	struct dmah h = { 0 }, other[600] = { 0 };
	struct dmah_stats stats;
	unsigned char byte = 0;
	dmah_addr_t dma;

	assert_int_equal(dmah_map(dev, &h, page(b, 0) + 3, 4000, DMAH_BIDIRECTIONAL, 0), 0);
	dma = dmah_addr(&h);
	assert_true(bench_dev_read(b, dma, &byte, 1));
	bench_stick(b, true);
	assert_int_equal(dmah_unmap(dev, &h), DMAH_ETIMEDOUT);
	assert_false(dmah_mapped(&h));
	dmah_device_stats(dev, &stats);
	assert_true(stats.quarantined > 0);
	assert_int_equal(dmah_flush(bench_domain(b)), DMAH_ETIMEDOUT);
	for (unsigned int i = 0; i < 600; i++) {
		assert_int_equal(dmah_map(dev, &other[i], page(b, 1), 4096, DMAH_BIDIRECTIONAL, 0),
				 0);
		assert_true(dmah_addr(&other[i]) >> 12 != dma >> 12);
	}
	/* The IOMMU confirms nothing, but no granule is lost either. */
	for (unsigned int i = 0; i < 300; i++)
		assert_int_equal(dmah_unmap(dev, &other[i]), DMAH_ETIMEDOUT);
	bench_stick(b, false);
	/* A driver of hardware reports the failure, once for all that it costs. */
	assert_in_range(bench_reports(b), 0, 1);
	assert_int_equal(dmah_flush(bench_domain(b)), 0);
	assert_false(bench_dev_read(b, dma, &byte, 1));
	for (unsigned int i = 300; i < 600; i++)
		assert_int_equal(dmah_unmap(dev, &other[i]), 0);
	bench_close(b);
}

static void inv19_hung_queue(void **state)
{
	(void)state;
	hung(&iommu_strict);
	hung(&untrusted);
}

/* 19: in lazy mode the queue is kept, and overflows into quarantine. */
static void inv19_hung_queue_lazily(void **state)
{
	struct bench *b = bench_open(&iommu_lazy);
	struct dmah_device *dev = bench_device(b);
	struct dmah h[400] = { 0 };
	unsigned int hangs = 0;

	(void)state;
	for (unsigned int i = 0; i < 400; i++)
		assert_int_equal(dmah_map(dev, &h[i], page(b, i % 8), 4096, DMAH_BIDIRECTIONAL, 0),
				 0);
	bench_stick(b, true);
	for (unsigned int i = 0; i < 400; i++) {
		int err = dmah_unmap(dev, &h[i]);

		assert_true(err == 0 || err == DMAH_ETIMEDOUT);
		assert_false(dmah_mapped(&h[i]));
		hangs += err == DMAH_ETIMEDOUT;
	}
	assert_true(hangs > 0);
	bench_stick(b, false);
	/* A driver of hardware reports the failure, once for all that it costs. */
	assert_in_range(bench_reports(b), 0, 1);
	assert_int_equal(dmah_flush(bench_domain(b)), 0);
	bench_close(b);
}

/* 20: on an IOMMU that caches failed translations, a mapping is usable when map returns. */
static void inv20_caching_mode(void **state)
{
	static const struct bench_config config = { .backend = DMAH_BACKEND_IOMMU,
						    .hw = BENCH_IOMMU,
						    .map_flush = true };
	struct bench *b = bench_open(&config);
	unsigned char byte = 0;
	struct dmah h = { 0 };
	dmah_addr_t dma;

	(void)state;
	assert_int_equal(dmah_map(bench_device(b), &h, page(b, 0), 4096, DMAH_TO_DEVICE, 0), 0);
	dma = dmah_addr(&h);
	assert_int_equal(dmah_unmap(bench_device(b), &h), 0);
	assert_false(bench_dev_read(b, dma, &byte, 1));
	assert_int_equal(dmah_map(bench_device(b), &h, page(b, 0), 4096, DMAH_TO_DEVICE, 0), 0);
	assert_true(dmah_addr(&h) == dma);
	assert_true(bench_dev_read(b, dma, &byte, 1));
	assert_int_equal(dmah_unmap(bench_device(b), &h), 0);
	bench_close(b);
}

/* 21: calls with handles do no lookup, on any machine. */
static void nothing_looked_up(const struct bench_config *config)
{
	struct bench *b = bench_open(config);
	struct dmah_device *dev = bench_device(b);
	struct dmah_stats stats;
	struct dmah h = { 0 };
	dmah_addr_t dma;

	for (unsigned int round = 0; round < 50; round++) {
		assert_int_equal(
			dmah_map(dev, &h, page(b, round) + round, 3000, DMAH_BIDIRECTIONAL, 0), 0);
		assert_int_equal(dmah_sync_for_cpu(dev, &h, 64, 640), 0);
		assert_int_equal(dmah_sync_for_device(dev, &h, 64, 640), 0);
		assert_int_equal(dmah_unmap(dev, &h), 0);
	}
	dmah_device_stats(dev, &stats);
	assert_int_equal(stats.reverse_lookups, 0);
	assert_int_equal(stats.lookup_steps, 0);
	/* Address-keyed calls do look up: this checks that the counter works. */
	assert_int_equal(dmah_addr_map(dev, page(b, 0) + 1, 3000, DMAH_BIDIRECTIONAL, 0, &dma), 0);
	assert_int_equal(dmah_addr_unmap(dev, dma, 3000, DMAH_BIDIRECTIONAL, 0), 0);
	dmah_device_stats(dev, &stats);
	assert_true(stats.reverse_lookups > 0);
	assert_true(stats.lookup_steps >= stats.reverse_lookups);
	bench_close(b);
}

static void inv21_handles_look_nothing_up(void **state)
{
	(void)state;
	nothing_looked_up(&untrusted);
	nothing_looked_up(&iommu_strict);
}

static void inv21_handles_look_nothing_up_elsewhere(void **state)
{
	static const struct bench_config machines[] = {
		{ .backend = DMAH_BACKEND_DIRECT, .noncoherent = true, .pool = true },
		{ .backend = DMAH_BACKEND_BOUNCE, .pool = true },
		{ .backend = DMAH_BACKEND_IOMMU,
		  .hw = BENCH_LPAE48,
		  .noncoherent = true,
		  .pool = true },
		{ .backend = DMAH_BACKEND_XEN, .hw = BENCH_XEN, .noncoherent = true, .pool = true },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		nothing_looked_up(&machines[i]);
}

/* The counter of syncs counts those that have something to do: the same ones by handle and by address. */
static void syncs_are_counted(void **state)
{
	static const struct bench_config machines[] = {
		{ .backend = DMAH_BACKEND_IOMMU,
		  .hw = BENCH_IOMMU,
		  .untrusted = true,
		  .pool = true },
		{ .backend = DMAH_BACKEND_BOUNCE, .pool = true },
		{ .backend = DMAH_BACKEND_DIRECT, .noncoherent = true, .pool = true },
	};

	(void)state;
	for (unsigned int m = 0; m < sizeof(machines) / sizeof(machines[0]); m++) {
		struct bench *b = bench_open(&machines[m]);
		struct dmah_device *dev = bench_device(b);

		for (unsigned int dir = 1; dir <= DMAH_BIDIRECTIONAL; dir++) {
			/* The caches of a device that is not coherent are cleaned before each of its transfers. */
			unsigned int due = !!(dir & DMAH_FROM_DEVICE) +
					   (dir & DMAH_TO_DEVICE || machines[m].noncoherent);
			struct dmah_stats before, handle, address;
			struct dmah h = { 0 };
			dmah_addr_t dma;

			dmah_device_stats(dev, &before);
			assert_int_equal(dmah_map(dev, &h, page(b, 0), 1024, (enum dmah_dir)dir, 0),
					 0);
			assert_int_equal(dmah_sync_for_cpu(dev, &h, 0, 1024), 0);
			assert_int_equal(dmah_sync_for_device(dev, &h, 0, 1024), 0);
			assert_int_equal(dmah_unmap(dev, &h), 0);
			dmah_device_stats(dev, &handle);
			assert_int_equal(handle.syncs - before.syncs, due);
			assert_int_equal(dmah_addr_map(dev, page(b, 0), 1024, (enum dmah_dir)dir, 0,
						       &dma),
					 0);
			assert_int_equal(dmah_addr_sync_for_cpu(dev, dma, 1024, (enum dmah_dir)dir),
					 0);
			assert_int_equal(
				dmah_addr_sync_for_device(dev, dma, 1024, (enum dmah_dir)dir), 0);
			assert_int_equal(dmah_addr_unmap(dev, dma, 1024, (enum dmah_dir)dir, 0), 0);
			dmah_device_stats(dev, &address);
			assert_int_equal(address.syncs - handle.syncs, due);
		}
		bench_close(b);
	}
}

int main(void)
{
	static const struct bench_case cases[] = {
		BENCH_CASE(inv10_corrupted_handles, 0),
		BENCH_CASE(inv10_corrupted_handles_bounced, BENCH_OTHERS),
		BENCH_CASE(inv10_copy_back_follows_the_record, BENCH_OTHERS),
		BENCH_CASE(inv11_sync_touches_its_range_only, 0),
		BENCH_CASE(inv11_sync_touches_its_range_only_bounced, BENCH_OTHERS),
		BENCH_CASE(inv12_short_writes, 0),
		BENCH_CASE(inv12_short_writes_lpae, BENCH_LPAE),
		BENCH_CASE(inv12_short_writes_bounced, BENCH_OTHERS),
		BENCH_CASE(inv12_nothing_leaks, 0),
		BENCH_CASE(inv17_poll_at_its_deadline, 0),
		BENCH_CASE(inv18_kill, 0),
		BENCH_CASE(inv19_hung_queue, 0),
		BENCH_CASE(inv19_hung_queue_lazily, 0),
		BENCH_CASE(inv20_caching_mode, BENCH_VTD),
		BENCH_CASE(syncs_are_counted, BENCH_OTHERS | BENCH_CACHES),
		BENCH_CASE(inv21_handles_look_nothing_up, 0),
		BENCH_CASE(inv21_handles_look_nothing_up_elsewhere, BENCH_OTHERS | BENCH_CACHES),
	};

	return bench_run("invariants of data", cases, sizeof(cases) / sizeof(cases[0]));
}
