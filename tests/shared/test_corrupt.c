/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Corrupted handles. One bit of a live handle is changed; every call must refuse the handle or work
 * as with the right handle. No other buffer's cache lines are maintained or dropped, and no byte
 * outside the buffer changes.
 */
#include "bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define PAGE   4096u
#define AROUND 16u

/* Memory around the buffer is dirty in the CPU's cache: a wrong invalidation would lose it. */
static unsigned char before[AROUND * PAGE], after[AROUND * PAGE];

static void fill(struct bench *b, dmah_phys_t base)
{
	for (size_t i = 0; i < sizeof(before); i++)
		before[i] = (unsigned char)(i * 7 + i / PAGE + 1);
	bench_cpu_write(b, base, before, sizeof(before));
}

/* Only the bytes of the buffer may differ. */
static void unchanged(struct bench *b, dmah_phys_t base, uint64_t offset, uint32_t len,
		      const char *what)
{
	bench_cpu_read(b, base, after, sizeof(after));
	for (size_t i = 0; i < sizeof(after); i++)
		if (after[i] != before[i] && !(i >= offset && i < offset + len))
			fail_msg("%s: byte %zu changed", what, i);
}

static void flip(struct dmah *h, unsigned int bit)
{
	unsigned char *bytes = (unsigned char *)h;

	bytes[bit / 8] ^= (unsigned char)(1u << (bit % 8));
}

static void every_bit(const struct bench_config *machine, uint64_t offset, uint32_t len,
		      enum dmah_dir dir, bool bus)
{
	struct bench *b = bench_open(machine);
	struct dmah_device *dev = bench_device(b);
	struct dmah h = { 0 };
	dmah_phys_t base;
	uint64_t size;
	char what[100];

	base = bench_memory(b, &size);
	assert_true(size >= sizeof(before));
	fill(b, base);
	if (bus)
		assert_int_equal(dmah_map_bus(dev, &h, base + offset, base + offset, len, dir, 0),
				 0);
	else
		assert_int_equal(dmah_map(dev, &h, base + offset, len, dir, 0), 0);
	/* Make the lines dirty again: the map has cleaned those of the buffer. */
	fill(b, base);
	for (unsigned int bit = 0; bit < 8 * sizeof(h); bit++) {
		struct dmah bad = h;

		flip(&bad, bit);
		if (!dmah_mapped(&bad))
			continue;
		snprintf(what, sizeof(what), "%s, bit %u", machine->name, bit);
		/* A handle of coherent memory has nothing to sync. */
		(void)dmah_sync_for_cpu(dev, &bad, 0, bad.len);
		(void)dmah_sync_for_device(dev, &bad, 0, bad.len);
		unchanged(b, base, offset, len, what);
		if (!dmah_unmap(dev, &bad))
			fail_msg("%s: an unmap with a changed handle succeeded", what);
		unchanged(b, base, offset, len, what);
	}
	(void)bench_reports(b);
	assert_int_equal(dmah_sync_for_cpu(dev, &h, 0, len), 0);
	assert_int_equal(dmah_unmap(dev, &h), 0);
	unchanged(b, base, offset, len, machine->name);
	bench_close(b);
}

#define NONCOHERENT(n, h)                                                               \
	{                                                                               \
		.name = n, .backend = DMAH_BACKEND_IOMMU, .hw = h, .noncoherent = true, \
		.pool = true                                                            \
	}

static void behind_an_iommu(void **state)
{
	static const struct bench_config machines[] = { NONCOHERENT("vtd", BENCH_VTD4),
							NONCOHERENT("lpae", BENCH_LPAE48) };

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		/* In place, in one granule and in several; with a head slot, a tail slot, both, a slot for all of it. */
		every_bit(&machines[i], 2 * PAGE, PAGE, DMAH_FROM_DEVICE, false);
		every_bit(&machines[i], 2 * PAGE + 1024, 2048, DMAH_FROM_DEVICE, false);
		every_bit(&machines[i], 2 * PAGE + 512, 2 * PAGE, DMAH_FROM_DEVICE, false);
		every_bit(&machines[i], 2 * PAGE + 100, 3 * PAGE - 100, DMAH_FROM_DEVICE, false);
		every_bit(&machines[i], 2 * PAGE, 2 * PAGE + 100, DMAH_FROM_DEVICE, false);
		every_bit(&machines[i], 2 * PAGE + 100, 2 * PAGE, DMAH_FROM_DEVICE, false);
		every_bit(&machines[i], 2 * PAGE + 100, 200, DMAH_FROM_DEVICE, false);
		every_bit(&machines[i], 2 * PAGE + 512, 1024, DMAH_TO_DEVICE, false);
		every_bit(&machines[i], 2 * PAGE + 512, 1024, DMAH_FROM_DEVICE, true);
	}
}

static void without(void **state)
{
	static const struct bench_config machines[] = {
		{ .name = "direct",
		  .backend = DMAH_BACKEND_DIRECT,
		  .noncoherent = true,
		  .pool = true },
		{ .name = "bounce",
		  .backend = DMAH_BACKEND_BOUNCE,
		  .noncoherent = true,
		  .pool = true },
	};

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		every_bit(&machines[i], 2 * PAGE, PAGE, DMAH_FROM_DEVICE, false);
		every_bit(&machines[i], 2 * PAGE + 512, 2 * PAGE, DMAH_FROM_DEVICE, false);
		every_bit(&machines[i], 2 * PAGE + 100, 200, DMAH_FROM_DEVICE, false);
		every_bit(&machines[i], 2 * PAGE + 512, 1024, DMAH_FROM_DEVICE, true);
	}
}

static void xen(void **state)
{
	static const struct bench_config machine = { .name = "xen",
						     .backend = DMAH_BACKEND_XEN,
						     .hw = BENCH_XEN,
						     .noncoherent = true,
						     .pool = true };

	(void)state;
	every_bit(&machine, 2 * PAGE, PAGE, DMAH_FROM_DEVICE, false);
	every_bit(&machine, 2 * PAGE + 100, 200, DMAH_FROM_DEVICE, false);
}

/* Unmap a handle by itself, or in a batch of one. Return: the result. */
static int unmap(struct dmah_device *dev, struct dmah *h, bool in_batch)
{
	struct dmah room[1], *list[1] = { h };
	struct dmah_batch batch = { .h = room, .max = 1 };
	int err, finish;

	if (!in_batch)
		return dmah_unmap(dev, h);
	err = dmah_unmap_start(dev, &batch, list, 1);
	finish = dmah_unmap_finish(dev, &batch);
	return err ? err : finish;
}

/*
 * A device that snoops has mappings of one granule that need no sync: the fast path takes them, and compares a handle with its
 * entry at once. Every other place in the aperture is tried as well, where no table is, or a table or a block of another mapping.
 */
static void fast(const struct bench_config *machine, bool in_batch)
{
	unsigned int dma = 8 * offsetof(struct dmah, dma),
		     entry = 8 * offsetof(struct dmah, backend);
	struct bench *b = bench_open(machine);
	struct dmah_device *dev = bench_device(b);
	struct dmah h = { 0 }, others[64] = { 0 };
	dmah_phys_t base;
	char what[100];
	uint64_t size;

	base = bench_memory(b, &size);
	fill(b, base);
	/* A CPU has room for the ranges of lazy unmaps where maps have taken from it, and an unmap has begun its queue. */
	for (unsigned int i = 0; i < 64; i++)
		assert_int_equal(dmah_map(dev, &others[i], base, PAGE, DMAH_TO_DEVICE, 0), 0);
	for (unsigned int i = 0; i < 16; i++)
		assert_int_equal(dmah_unmap(dev, &others[i]), 0);
	assert_int_equal(dmah_map(dev, &h, base, PAGE, DMAH_FROM_DEVICE, 0), 0);
	for (unsigned int bit = 0; bit < 64; bit++) {
		struct dmah bad = h;

		/* An offset within the granule is not the fast path's to check. */
		if (bit >= 12) {
			flip(&bad, dma + bit);
			snprintf(what, sizeof(what), "%s, address bit %u", machine->name, bit);
			if (!unmap(dev, &bad, in_batch))
				fail_msg("%s: an unmap with a changed handle succeeded", what);
		}
		bad = h;
		flip(&bad, entry + bit);
		snprintf(what, sizeof(what), "%s, entry bit %u", machine->name, bit);
		if (!unmap(dev, &bad, in_batch))
			fail_msg("%s: an unmap with a changed handle succeeded", what);
	}
	for (dmah_addr_t at = 0; at < UINT64_C(1) << 32; at += UINT64_C(1) << 21) {
		struct dmah bad = h;

		bad.dma ^= at;
		if (at && !unmap(dev, &bad, in_batch))
			fail_msg("%s: an unmap of %#llx succeeded", machine->name,
				 (unsigned long long)bad.dma);
	}
	(void)bench_reports(b);
	assert_int_equal(dmah_unmap(dev, &h), 0);
	for (unsigned int i = 0; i < 64; i++)
		assert_int_equal(dmah_unmap(dev, &others[i]), 0);
	unchanged(b, base, 0, PAGE, machine->name);
	bench_close(b);
}

static void on_the_fast_path(void **state)
{
	static const struct bench_config machines[] = {
		{ .name = "vtd strict", .backend = DMAH_BACKEND_IOMMU, .hw = BENCH_VTD4 },
		{ .name = "vtd lazy",
		  .backend = DMAH_BACKEND_IOMMU,
		  .hw = BENCH_VTD4,
		  .mode = DMAH_LAZY },
		{ .name = "lpae strict", .backend = DMAH_BACKEND_IOMMU, .hw = BENCH_LPAE48 },
		{ .name = "lpae lazy",
		  .backend = DMAH_BACKEND_IOMMU,
		  .hw = BENCH_LPAE48,
		  .mode = DMAH_LAZY },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		for (unsigned int batch = 0; batch < 2; batch++)
			fast(&machines[i], batch != 0);
}

/* Syncs and unmaps a vector of two parts that is damaged. Every call must refuse it. */
static void refused(struct bench *b, struct dmah_vec *v, const char *what)
{
	struct dmah_device *dev = bench_device(b);

	if (!dmah_vec_sync_for_cpu(dev, v, PAGE, PAGE) ||
	    !dmah_vec_sync_for_device(dev, v, 2 * PAGE - 1, 1) || !dmah_unmap_vec(dev, v))
		fail_msg("%s: a call with a damaged vector succeeded", what);
}

/* A part that is shorter than it was mapped must not lead a sync to the memory behind the parts, nor more parts than there is room for. */
static void vectors(void **state)
{
	static const struct bench_config machines[] = {
		{ .name = "direct", .backend = DMAH_BACKEND_DIRECT },
		{ .name = "vtd", .backend = DMAH_BACKEND_IOMMU, .hw = BENCH_VTD4 },
		{ .name = "vtd lazy",
		  .backend = DMAH_BACKEND_IOMMU,
		  .hw = BENCH_VTD4,
		  .mode = DMAH_LAZY },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		struct bench *b = bench_open(&machines[i]);
		struct dmah_device *dev = bench_device(b);
		struct dmah part[4] = { 0 }, good[2];
		struct dmah_dma_seg seg[2];
		struct dmah_vec v = { .part = part, .seg = seg, .max = 2 }, whole;
		struct dmah_seg pieces[2];
		dmah_phys_t base;
		uint64_t size;

		base = bench_memory(b, &size);
		pieces[0] = (struct dmah_seg){ base, PAGE };
		pieces[1] = (struct dmah_seg){ base + 2 * PAGE, PAGE };
		assert_int_equal(dmah_map_vec(dev, &v, pieces, 2, DMAH_FROM_DEVICE, 0), 0);
		/* Behind the two parts lies what a sync would take for more of them. */
		part[2] = part[3] = part[1];
		memcpy(good, part, sizeof(good));
		whole = v;
		part[1].len = 100;
		refused(b, &v, "a shorter part");
		memcpy(part, good, sizeof(good));
		v.nparts = 3;
		refused(b, &v, "more parts than there is room for");
		v = whole;
		v.total = 3 * PAGE;
		refused(b, &v, "more bytes than the parts have");
		v = whole;
		(void)bench_reports(b);
		assert_int_equal(dmah_unmap_vec(dev, &v), 0);
		bench_close(b);
	}
}

/* A sync follows the direction of the mapping, and refuses a handle that says another. */
static void direction(void **state)
{
	static const struct bench_config machine = { .name = "bounce",
						     .backend = DMAH_BACKEND_BOUNCE,
						     .pool = true };
	struct bench *b = bench_open(&machine);
	struct dmah_device *dev = bench_device(b);
	struct dmah h = { 0 }, bad;
	dmah_phys_t base;
	uint64_t size;

	(void)state;
	base = bench_memory(b, &size);
	fill(b, base);
	assert_int_equal(dmah_map(dev, &h, base, PAGE, DMAH_TO_DEVICE, 0), 0);
	/* The CPU goes on to write; the slot has what was there before. */
	memset(before, 0x5a, PAGE);
	bench_cpu_write(b, base, before, PAGE);
	bad = h;
	bad.meta ^= DMAH_BIDIRECTIONAL | DMAH_META_SYNC_CPU | DMAH_META_SYNC_DEVICE;
	assert_int_equal(dmah_sync_for_cpu(dev, &bad, 0, PAGE), DMAH_ESTALE);
	unchanged(b, base, 0, 0, "a changed direction");
	/* The direction alone, and the bit that has a sync for the CPU look at the handle. */
	bad = h;
	bad.meta ^= DMAH_BIDIRECTIONAL;
	assert_int_equal(dmah_sync_for_device(dev, &bad, 0, PAGE), DMAH_ESTALE);
	assert_int_equal(dmah_unmap(dev, &bad), DMAH_ESTALE);
	bad = h;
	bad.meta ^= DMAH_META_SYNC_CPU;
	assert_int_equal(dmah_sync_for_cpu(dev, &bad, 0, PAGE), DMAH_ESTALE);
	assert_int_equal(dmah_unmap(dev, &bad), DMAH_ESTALE);
	unchanged(b, base, 0, 0, "a changed bit of a sync");
	assert_int_equal(dmah_sync_for_device(dev, &h, 0, PAGE), 0);
	assert_int_equal(bench_reports(b), 5);
	assert_int_equal(dmah_unmap(dev, &h), 0);
	bench_close(b);
}

/* A handle that is damaged while its batch is under way must not give away the IOVA of another mapping. */
static void in_flight(void **state)
{
	static const struct bench_config machines[] = {
		{ .name = "vtd", .backend = DMAH_BACKEND_IOMMU, .hw = BENCH_VTD4 },
		{ .name = "vtd, non-coherent",
		  .backend = DMAH_BACKEND_IOMMU,
		  .hw = BENCH_VTD4,
		  .noncoherent = true,
		  .pool = true },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		for (unsigned int bit = 0; bit < 8 * sizeof(struct dmah); bit += 5) {
			struct bench *b = bench_open(&machines[i]);
			struct dmah_device *dev = bench_device(b);
			struct dmah h = { 0 }, live = { 0 }, room[1], *list[1] = { &h };
			struct dmah_batch batch = { .h = room, .max = 1 };
			unsigned char bytes[PAGE];
			dmah_phys_t base;
			uint64_t size;

			base = bench_memory(b, &size);
			fill(b, base);
			assert_int_equal(dmah_map(dev, &h, base + 100, 1000, DMAH_FROM_DEVICE, 0),
					 0);
			assert_int_equal(dmah_map(dev, &live, base + 4 * PAGE, PAGE,
						  DMAH_FROM_DEVICE, 0),
					 0);
			assert_int_equal(dmah_unmap_start(dev, &batch, list, 1), 0);
			flip(&room[0], bit);
			assert_int_equal(dmah_unmap_finish(dev, &batch), DMAH_EINVAL);
			assert_int_equal(bench_reports(b), 1);
			assert_int_equal(dmah_device_live(dev), 1);
			/* The next maps get IOVAs of their own. */
			for (unsigned int k = 0; k < 16; k++) {
				assert_int_equal(dmah_map(dev, &h, base, PAGE, DMAH_TO_DEVICE, 0),
						 0);
				assert_int_not_equal(dmah_addr(&h), dmah_addr(&live));
				assert_int_equal(dmah_unmap(dev, &h), 0);
			}
			assert_true(bench_dev_write(b, dmah_addr(&live), bytes, 1));
			assert_int_equal(dmah_unmap(dev, &live), 0);
			bench_abandon(b);
		}
	}
}

int main(void)
{
	static const struct bench_case cases[] = {
		BENCH_CASE(in_flight, BENCH_CACHES | BENCH_VTD),
		BENCH_CASE(vectors, BENCH_OTHERS | BENCH_VTD),
		BENCH_CASE(direction, BENCH_OTHERS),
		BENCH_CASE(on_the_fast_path, BENCH_VTD | BENCH_LPAE),
		BENCH_CASE(behind_an_iommu, BENCH_CACHES | BENCH_VTD | BENCH_LPAE),
		BENCH_CASE(without, BENCH_CACHES | BENCH_OTHERS),
		BENCH_CASE(xen, BENCH_CACHES | BENCH_OTHERS),
	};

	return bench_run("corrupt", cases, sizeof(cases) / sizeof(cases[0]));
}
