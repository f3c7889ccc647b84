/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Requests that must be refused, each with the error that tells a driver what to do: DMAH_ERANGE where no retry can help,
 * DMAH_EPERM where the rest of a granule would be exposed, DMAH_EINVAL where a call does not fit what is mapped.
 */
#include "bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define PIECES 4u

static dmah_phys_t memory(struct bench *b)
{
	uint64_t size;

	return bench_memory(b, &size);
}

/* ---- parts of a granule, for an untrusted device ---- */

static void map_part(struct bench *b, uint64_t offset, uint32_t len, int want)
{
	struct dmah_device *dev = bench_device(b);
	dmah_phys_t phys = memory(b) + offset;
	struct dmah h = { 0 }, part[1] = { 0 };
	struct dmah_dma_seg seg[1];
	struct dmah_seg in = { .phys = phys, .len = len };
	struct dmah_vec v = { .part = part, .seg = seg, .max = 1 };
	struct dmah_sg sg = { .phys = phys, .len = len };
	dmah_addr_t dma;
	int err;

	err = dmah_map_bus(dev, &h, phys, phys, len, DMAH_BIDIRECTIONAL, 0);
	assert_int_equal(err, want);
	assert_int_equal(dmah_unmap(dev, &h), 0);
	err = dmah_map(dev, &h, phys, len, DMAH_BIDIRECTIONAL, DMAH_ATTR_MMIO);
	assert_int_equal(err, want);
	assert_int_equal(dmah_unmap(dev, &h), 0);
	err = dmah_map_vec(dev, &v, &in, 1, DMAH_BIDIRECTIONAL, DMAH_ATTR_MMIO);
	assert_int_equal(err, want);
	assert_int_equal(dmah_unmap_vec(dev, &v), 0);
	err = dmah_addr_map_bus(dev, phys, phys, len, DMAH_BIDIRECTIONAL, 0, &dma);
	assert_int_equal(err, want);
	if (!err)
		assert_int_equal(dmah_page_unmap(dev, dma, phys, len, DMAH_BIDIRECTIONAL, 0), 0);
	err = dmah_addr_map_sg(dev, &sg, 1, DMAH_BIDIRECTIONAL, DMAH_ATTR_MMIO);
	assert_int_equal(err < 0 ? err : 0, want);
	if (err > 0)
		assert_int_equal(
			dmah_addr_unmap_sg(dev, &sg, 1, DMAH_BIDIRECTIONAL, DMAH_ATTR_MMIO), 0);
}

static void ring_part(struct bench *b, uint64_t offset, uint32_t len, int want)
{
	static _Alignas(64) unsigned char room[4096];
	struct dmah_ring_config config = {
		.entries = 4, .entry_size = 8192, .dir = DMAH_BIDIRECTIONAL, .attrs = DMAH_ATTR_MMIO
	};
	struct dmah_ring *ring;
	dmah_addr_t dma;

	assert_int_equal(dmah_ring_init(&ring, bench_device(b), &config, room, sizeof(room)), 0);
	assert_int_equal(dmah_ring_push(ring, memory(b) + offset, len, &dma), want);
	assert_int_equal(dmah_ring_pop(ring, want ? 0 : 1), 0);
	assert_int_equal(dmah_ring_fini(ring), 0);
}

static void parts_of_a_granule(void **state)
{
	static const struct bench_config untrusted = {
		.backend = DMAH_BACKEND_IOMMU, .hw = BENCH_IOMMU, .untrusted = true, .pool = true
	};
	static const struct bench_config trusted = { .backend = DMAH_BACKEND_IOMMU,
						     .hw = BENCH_IOMMU };
	struct bench *b = bench_open(&untrusted);

	(void)state;
	map_part(b, 0, 4096, 0);
	map_part(b, 0, 8192, 0);
	map_part(b, 256, 256, DMAH_EPERM);
	map_part(b, 0, 100, DMAH_EPERM);
	map_part(b, 4000, 96, DMAH_EPERM);
	map_part(b, 0, 4097, DMAH_EPERM);
	map_part(b, 1, 4095, DMAH_EPERM);
	ring_part(b, 0, 4096, 0);
	ring_part(b, 256, 256, DMAH_EPERM);
	bench_close(b);
	b = bench_open(&trusted);
	map_part(b, 256, 256, 0);
	bench_close(b);
}

/* ---- what no retry can help ---- */

static void longer_than_the_boundary(void **state)
{
	static const struct bench_config machines[] = {
		{ .backend = DMAH_BACKEND_DIRECT, .pool = true, .boundary = 4096 },
		{ .backend = DMAH_BACKEND_BOUNCE, .pool = true, .boundary = 4096 },
		{ .backend = DMAH_BACKEND_BOUNCE,
		  .pool = true,
		  .boundary = 8192,
		  .min_align_mask = 4095 },
		{ .backend = DMAH_BACKEND_XEN, .hw = BENCH_XEN, .pool = true, .boundary = 4096 },
		{ .backend = DMAH_BACKEND_IOMMU, .hw = BENCH_VTD4, .pool = true, .boundary = 4096 },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		struct bench *b = bench_open(&machines[i]);
		uint32_t boundary = (uint32_t)machines[i].boundary;
		dmah_phys_t phys = memory(b);
		struct dmah h = { 0 };

		/* With an alignment to keep, the offset counts as well. */
		if (machines[i].min_align_mask)
			phys += 1024;
		else
			boundary++;
		assert_int_equal(dmah_map(bench_device(b), &h, phys, boundary, DMAH_TO_DEVICE, 0),
				 DMAH_ERANGE);
		assert_int_equal(dmah_map(bench_device(b), &h, phys, 2048, DMAH_TO_DEVICE, 0), 0);
		assert_int_equal(dmah_unmap(bench_device(b), &h), 0);
		bench_close(b);
	}
}

static void longer_than_the_pool(void **state)
{
	static const struct bench_config bounce = { .backend = DMAH_BACKEND_BOUNCE, .pool = true };
	struct bench *b = bench_open(&bounce);
	struct dmah h = { 0 };

	(void)state;
	assert_int_equal(dmah_map(bench_device(b), &h, memory(b), 1u << 31, DMAH_TO_DEVICE, 0),
			 DMAH_ERANGE);
	bench_close(b);
}

/* ---- calls that do not fit what is mapped ---- */

static void other_direction(void **state)
{
	static const struct bench_config machines[] = {
		{ .backend = DMAH_BACKEND_BOUNCE, .pool = true },
		{ .backend = DMAH_BACKEND_DIRECT, .pool = true, .mask_bits = 24 },
		{ .backend = DMAH_BACKEND_IOMMU,
		  .hw = BENCH_LPAE48,
		  .untrusted = true,
		  .pool = true },
		{ .backend = DMAH_BACKEND_IOMMU, .hw = BENCH_VTD4, .untrusted = true, .pool = true },
	};
	unsigned char wrote[64], seen[64];

	(void)state;
	memset(wrote, 0xa5, sizeof(wrote));
	for (unsigned int i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		struct bench *b = bench_open(&machines[i]);
		struct dmah_device *dev = bench_device(b);
		dmah_phys_t phys = memory(b) + 100;
		dmah_addr_t dma;

		memset(seen, 0, sizeof(seen));
		bench_cpu_write(b, phys, seen, sizeof(seen));
		if (dmah_addr_map(dev, phys, sizeof(wrote), DMAH_FROM_DEVICE, 0, &dma)) {
			/* The direct machine's memory may be within 24 bits: nothing bounces. */
			bench_close(b);
			continue;
		}
		assert_true(bench_dev_write(b, dma, wrote, sizeof(wrote)));
		if (dmah_pool_used(bench_pool(b))) {
			for (unsigned int d = DMAH_TO_DEVICE; d <= DMAH_BIDIRECTIONAL; d += 2) {
				enum dmah_dir dir = (enum dmah_dir)d;

				assert_int_equal(dmah_addr_sync_for_cpu(dev, dma, 64, dir),
						 DMAH_EINVAL);
				assert_int_equal(dmah_addr_unmap(dev, dma, 64, dir, 0),
						 DMAH_EINVAL);
				assert_int_equal(dmah_page_unmap(dev, dma, phys, 64, dir, 0),
						 DMAH_EINVAL);
			}
		}
		assert_int_equal(dmah_addr_unmap(dev, dma, 64, DMAH_FROM_DEVICE, 0), 0);
		bench_cpu_read(b, phys, seen, sizeof(seen));
		assert_memory_equal(seen, wrote, sizeof(wrote));
		(void)bench_reports(b);
		bench_close(b);
	}
}

static void shorter_lists(void **state)
{
	static const struct bench_config machines[] = {
		{ .backend = DMAH_BACKEND_IOMMU, .hw = BENCH_VTD4, .untrusted = true, .pool = true },
		{ .backend = DMAH_BACKEND_IOMMU,
		  .hw = BENCH_LPAE48,
		  .noncoherent = true,
		  .pool = true },
		{ .backend = DMAH_BACKEND_IOMMU,
		  .hw = BENCH_VTD4,
		  .noncoherent = true,
		  .pool = true,
		  .boundary = 8192 },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		/* Pieces that become one segment, and pieces that do not. */
		for (unsigned int gap = 0; gap < 2; gap++) {
			struct bench *b = bench_open(&machines[i]);
			struct dmah_device *dev = bench_device(b);
			struct dmah_sg sg[PIECES];

			for (uint32_t k = 0; k < PIECES; k++)
				sg[k] = (struct dmah_sg){ .phys = memory(b) + k * 8192ull +
								  gap * 100,
							  .len = gap ? 5000 : 4096 };
			assert_true(dmah_addr_map_sg(dev, sg, PIECES, DMAH_BIDIRECTIONAL, 0) > 0);
			for (uint32_t n = 1; n < PIECES; n++) {
				assert_int_equal(dmah_addr_sync_sg_for_cpu(dev, sg, n,
									   DMAH_BIDIRECTIONAL),
						 DMAH_EINVAL);
				assert_int_equal(dmah_addr_sync_sg_for_device(dev, sg, n,
									      DMAH_BIDIRECTIONAL),
						 DMAH_EINVAL);
			}
			assert_int_equal(
				dmah_addr_sync_sg_for_cpu(dev, sg, PIECES, DMAH_BIDIRECTIONAL), 0);
			assert_int_equal(dmah_addr_sync_sg_for_device(dev, sg, PIECES,
								      DMAH_BIDIRECTIONAL),
					 0);
			assert_int_equal(dmah_addr_unmap_sg(dev, sg, PIECES, DMAH_BIDIRECTIONAL, 0),
					 0);
			(void)bench_reports(b);
			bench_close(b);
		}
	}
}

/* An entry without bytes was never mapped, so a list with one is not the list that was. */
static void empty_entries(void **state)
{
	static const struct bench_config machines[] = {
		{ .name = "vtd", .backend = DMAH_BACKEND_IOMMU, .hw = BENCH_VTD4 },
		{ .name = "direct", .backend = DMAH_BACKEND_DIRECT },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		struct bench *b = bench_open(&machines[i]);
		struct dmah_device *dev = bench_device(b);
		struct dmah_sg sg[2] = { { .phys = memory(b), .len = 4096 },
					 { .phys = memory(b) + 4096, .len = 4096 } };
		struct dmah_sg longer[3] = { { 0 } };

		assert_int_equal(dmah_addr_map_sg(dev, sg, 2, DMAH_BIDIRECTIONAL, 0), 1);
		longer[0] = longer[2] = sg[0];
		longer[1].phys = longer[2].phys = sg[1].phys;
		longer[2].dma_len = 0;
		assert_int_equal(dmah_addr_sync_sg_for_cpu(dev, longer, 3, DMAH_BIDIRECTIONAL),
				 DMAH_EINVAL);
		assert_int_equal(dmah_addr_unmap_sg(dev, longer, 3, DMAH_BIDIRECTIONAL, 0),
				 DMAH_EINVAL);
		assert_int_equal(dmah_device_live(dev), 2);
		assert_int_equal(dmah_addr_unmap_sg(dev, sg, 2, DMAH_BIDIRECTIONAL, 0), 0);
		assert_int_equal(dmah_device_live(dev), 0);
		(void)bench_reports(b);
		bench_close(b);
	}
}

/* A page-keyed call with another page than the one that was mapped, where the buffer bounced. */
static void other_page(void **state)
{
	static const struct bench_config machines[] = {
		{ .name = "vtd",
		  .backend = DMAH_BACKEND_IOMMU,
		  .hw = BENCH_VTD4,
		  .untrusted = true,
		  .pool = true },
		{ .name = "bounce", .backend = DMAH_BACKEND_BOUNCE, .pool = true },
		{ .name = "direct",
		  .backend = DMAH_BACKEND_DIRECT,
		  .noncoherent = true,
		  .pool = true },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		struct bench *b = bench_open(&machines[i]);
		struct dmah_device *dev = bench_device(b);
		dmah_phys_t phys = memory(b) + 100, other = phys + 4096;
		dmah_addr_t dma;

		assert_int_equal(dmah_addr_map(dev, phys, 1000, DMAH_FROM_DEVICE, 0, &dma), 0);
		assert_int_equal(dmah_page_sync_for_cpu(dev, dma + 8, other + 8, 100,
							DMAH_FROM_DEVICE),
				 DMAH_EINVAL);
		assert_int_equal(dmah_page_unmap(dev, dma, other, 1000, DMAH_FROM_DEVICE, 0),
				 DMAH_EINVAL);
		assert_int_equal(bench_reports(b), 2);
		assert_int_equal(
			dmah_page_sync_for_cpu(dev, dma + 8, phys + 8, 100, DMAH_FROM_DEVICE), 0);
		assert_int_equal(dmah_page_unmap(dev, dma, phys, 1000, DMAH_FROM_DEVICE, 0), 0);
		bench_close(b);
	}
}

/* Granules that wait for a flush, or lie in CPUs' caches, are not in the way of a ring or of the reserve. */
static void room_that_waits(void **state)
{
	static const struct bench_config machine = { .name = "vtd lazy",
						     .backend = DMAH_BACKEND_IOMMU,
						     .hw = BENCH_VTD4,
						     .mode = DMAH_LAZY,
						     .aperture_size = 4 << 20 };
	struct dmah_ring_config config = { .entries = 256,
					   .entry_size = 4096,
					   .dir = DMAH_FROM_DEVICE };
	size_t size = dmah_ring_memory(&config);
	void *room = aligned_alloc(64, (size + 63) & ~(size_t)63);

	(void)state;
	for (unsigned int reserve = 0; reserve < 2; reserve++) {
		struct bench *b = bench_open(&machine);
		struct dmah_device *dev = bench_device(b);
		struct dmah h = { 0 };
		struct dmah_ring *ring;

		assert_int_equal(dmah_map(dev, &h, memory(b), 3 << 20, DMAH_BIDIRECTIONAL, 0), 0);
		assert_int_equal(dmah_unmap(dev, &h), 0);
		if (reserve) {
			assert_int_equal(dmah_reserve(bench_domain(b), 2, (1 << 20) - 4096), 0);
		} else {
			assert_int_equal(dmah_ring_init(&ring, dev, &config, room, size), 0);
			assert_int_equal(dmah_ring_fini(ring), 0);
		}
		bench_close(b);
	}
	free(room);
}

int main(void)
{
	static const struct bench_case cases[] = {
		BENCH_CASE(empty_entries, BENCH_OTHERS | BENCH_VTD),
		BENCH_CASE(other_page, BENCH_OTHERS | BENCH_VTD | BENCH_CACHES),
		BENCH_CASE(room_that_waits, BENCH_VTD),
		BENCH_CASE(parts_of_a_granule, 0),
		BENCH_CASE(longer_than_the_boundary, BENCH_OTHERS | BENCH_VTD),
		BENCH_CASE(longer_than_the_pool, BENCH_OTHERS),
		BENCH_CASE(other_direction, BENCH_OTHERS | BENCH_VTD | BENCH_LPAE),
		BENCH_CASE(shorter_lists, BENCH_VTD | BENCH_LPAE | BENCH_CACHES),
	};

	return bench_run("limits", cases, sizeof(cases) / sizeof(cases[0]));
}
