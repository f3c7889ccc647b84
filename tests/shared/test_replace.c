// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* dmah_replace(): the same as dmah_unmap() and dmah_map(), on every backend, and nothing where it fails. */
#include "bench.h"
#include "model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define LIVE  24u
#define PAGE  4096u
#define PAGES 128u

static const struct bench_config machines[] = {
	{ .name = "vtd lazy", .backend = DMAH_BACKEND_IOMMU, .hw = BENCH_VTD4, .mode = DMAH_LAZY },
	{ .name = "vtd strict", .backend = DMAH_BACKEND_IOMMU, .hw = BENCH_VTD4 },
	{ .name = "lpae lazy",
	  .backend = DMAH_BACKEND_IOMMU,
	  .hw = BENCH_LPAE48,
	  .mode = DMAH_LAZY },
	{ .name = "lpae, not coherent",
	  .backend = DMAH_BACKEND_IOMMU,
	  .hw = BENCH_LPAE48,
	  .mode = DMAH_LAZY,
	  .noncoherent = true,
	  .pool = true },
	{ .name = "untrusted",
	  .backend = DMAH_BACKEND_IOMMU,
	  .hw = BENCH_VTD4,
	  .untrusted = true,
	  .pool = true },
	{ .name = "direct", .backend = DMAH_BACKEND_DIRECT },
	{ .name = "bounce", .backend = DMAH_BACKEND_BOUNCE, .pool = true },
};
#define MACHINES (sizeof(machines) / sizeof(machines[0]))

struct buffer_cell {
	struct dmah h;
	dmah_phys_t phys;
	uint32_t len;
};

/* A device write through the handle arrives in the buffer, at its first and last byte, once the CPU has it back. */
static void leads_to_buffer(struct bench *b, const struct buffer_cell *c, uint8_t mark)
{
	uint8_t got[2] = { 0 };

	assert_true(bench_dev_write(b, dmah_addr(&c->h), &mark, 1));
	assert_true(bench_dev_write(b, dmah_addr(&c->h) + c->len - 1, &mark, 1));
	assert_int_equal(dmah_sync_for_cpu(bench_device(b), &c->h, 0, c->len), 0);
	bench_cpu_read(b, c->phys, &got[0], 1);
	bench_cpu_read(b, c->phys + c->len - 1, &got[1], 1);
	assert_int_equal(got[0], mark);
	assert_int_equal(got[1], mark);
}

static void choose(struct bench *b, struct buffer_cell *c, struct rnd *r, unsigned int n)
{
	uint64_t size;

	/* Each cell has pages of its own, so that two cells never share a byte. */
	c->phys = bench_memory(b, &size) + (uint64_t)n * 4 * PAGE + rnd(r, 2) * PAGE;
	c->len = rnd(r, 3) ? PAGE : 1 + rnd(r, 2 * PAGE);
	if (!rnd(r, 4))
		c->phys += rnd(r, PAGE) & ~63ull;
	assert_true((n + 1) * 4ull * PAGE <= size);
}

static void one_after_another(void **state)
{
	(void)state;
	for (unsigned int m = 0; m < MACHINES; m++) {
		struct bench *b = bench_open(&machines[m]);
		struct dmah_device *dev = bench_device(b);
		struct rnd r = { .state = 77 + m };
		static struct buffer_cell cells[LIVE];

		memset(cells, 0, sizeof(cells));
		for (unsigned int i = 0; i < bench_times(3000); i++) {
			unsigned int n = rnd(&r, LIVE);
			struct buffer_cell next = cells[n];

			choose(b, &next, &r, n);
			assert_int_equal(dmah_replace(dev, &next.h, next.phys, next.len,
						      DMAH_BIDIRECTIONAL),
					 0);
			cells[n] = next;
			leads_to_buffer(b, &cells[n], (uint8_t)(i + 1));
			assert_int_equal(dmah_length(&cells[n].h), next.len);
		}
		for (unsigned int n = 0; n < LIVE; n++)
			assert_int_equal(dmah_unmap(dev, &cells[n].h), 0);
		assert_int_equal(dmah_device_live(dev), 0);
		assert_int_equal(bench_reports(b), 0);
		bench_close(b);
	}
}

/* A strict replace ends the old mapping; a lazy one does so at the next flush. */
static void inv01_old_buffer_is_out_of_reach(void **state)
{
	(void)state;
	for (unsigned int m = 0; m < 3; m++) {
		struct bench *b = bench_open(&machines[m]);
		struct dmah h = { 0 };
		dmah_phys_t base;
		dmah_addr_t old;
		uint8_t byte = 1;
		uint64_t size;

		base = bench_memory(b, &size);
		for (unsigned int i = 0; i < 20; i++) {
			assert_int_equal(
				dmah_map(bench_device(b), &h, base, PAGE, DMAH_FROM_DEVICE, 0), 0);
			old = dmah_addr(&h);
			assert_true(bench_dev_write(b, old, &byte, 1));
			assert_int_equal(dmah_replace(bench_device(b), &h, base + PAGE, PAGE,
						      DMAH_FROM_DEVICE),
					 0);
			if (machines[m].mode == DMAH_LAZY)
				assert_int_equal(dmah_flush(bench_domain(b)), 0);
			assert_int_not_equal(old, dmah_addr(&h));
			assert_false(bench_dev_write(b, old, &byte, 1));
			assert_int_equal(dmah_unmap(bench_device(b), &h), 0);
		}
		bench_close(b);
	}
}

/* 9: a stale copy replaces nothing, and the mapping that would have come instead is not left behind. */
static void inv09_stale_copy(void **state)
{
	(void)state;
	for (unsigned int m = 0; m < 5; m++) {
		struct bench *b = bench_open(&machines[m]);
		struct dmah_device *dev = bench_device(b);
		struct dmah h = { 0 }, copy, before;
		dmah_phys_t base;
		uint64_t size;

		base = bench_memory(b, &size);
		for (unsigned int i = 0; i < 40; i++) {
			assert_int_equal(dmah_map(dev, &h, base, PAGE, DMAH_FROM_DEVICE, 0), 0);
			copy = before = h;
			assert_int_equal(dmah_replace(dev, &h, base + PAGE, PAGE, DMAH_FROM_DEVICE),
					 0);
			assert_int_equal(dmah_replace(dev, &copy, base + 2 * PAGE, PAGE,
						      DMAH_FROM_DEVICE),
					 DMAH_ESTALE);
			assert_memory_equal(&copy, &before, sizeof(copy));
			assert_int_equal(dmah_device_live(dev), 1);
			assert_int_equal(bench_reports(b), 1);
			assert_int_equal(dmah_unmap(dev, &h), 0);
		}
		bench_close(b);
	}
}

/*
 * 19: a stale copy is refused, and the hardware does not confirm that the new buffer's mapping has ended again: the result says
 * that the device may reach the new buffer.
 */
static void inv19_stale_copy_on_hung_hardware(void **state)
{
	(void)state;
	for (uint32_t n = 1; n <= 2; n++) {
		struct bench *b = bench_open(&machines[1]);
		struct dmah_device *dev = bench_device(b);
		struct dmah h = { 0 }, copy, before;
		struct dmah_stats stats;
		dmah_phys_t base;
		uint64_t size;

		base = bench_memory(b, &size);
		assert_int_equal(dmah_map(dev, &h, base, n * PAGE, DMAH_FROM_DEVICE, 0), 0);
		copy = before = h;
		assert_int_equal(dmah_unmap(dev, &h), 0);
		bench_stick(b, true);
		assert_int_equal(dmah_replace(dev, &copy, base + 2 * PAGE, n * PAGE,
					      DMAH_FROM_DEVICE),
				 DMAH_ETIMEDOUT);
		bench_stick(b, false);
		assert_memory_equal(&copy, &before, sizeof(copy));
		assert_int_equal(dmah_device_live(dev), 0);
		assert_int_equal(bench_reports(b), 1);
		dmah_device_stats(dev, &stats);
		assert_int_equal(stats.quarantined, n);
		assert_int_equal(dmah_flush(bench_domain(b)), 0);
		bench_close(b);
	}
}

/* 14: a new buffer that cannot be mapped leaves the old mapping as it was. */
static void inv14_failed_replace(void **state)
{
	(void)state;
	for (unsigned int m = 0; m < MACHINES; m++) {
		struct bench *b = bench_open(&machines[m]);
		struct dmah_device *dev = bench_device(b);
		struct buffer_cell c = { 0 };
		struct dmah before;
		uint64_t size;

		c.phys = bench_memory(b, &size);
		c.len = PAGE;
		assert_int_equal(dmah_map(dev, &c.h, c.phys, c.len, DMAH_BIDIRECTIONAL, 0), 0);
		before = c.h;
		assert_int_not_equal(dmah_replace(dev, &c.h, c.phys, 0, DMAH_BIDIRECTIONAL), 0);
		assert_int_not_equal(
			dmah_replace(dev, &c.h, c.phys, 1ull << 32, DMAH_BIDIRECTIONAL), 0);
		assert_int_not_equal(dmah_replace(dev, &c.h, c.phys, PAGE, (enum dmah_dir)0), 0);
		assert_int_not_equal(dmah_replace(dev, &c.h, ~0ull - 10, PAGE, DMAH_BIDIRECTIONAL),
				     0);
		assert_memory_equal(&c.h, &before, sizeof(before));
		assert_int_equal(dmah_device_live(dev), 1);
		leads_to_buffer(b, &c, 9);
		assert_int_equal(dmah_unmap(dev, &c.h), 0);
		(void)bench_reports(b);
		bench_close(b);
	}
}

int main(void)
{
	static const struct bench_case cases[] = {
		BENCH_CASE(one_after_another, 0),
		BENCH_CASE(inv01_old_buffer_is_out_of_reach, 0),
		BENCH_CASE(inv09_stale_copy, 0),
		BENCH_CASE(inv19_stale_copy_on_hung_hardware, 0),
		BENCH_CASE(inv14_failed_replace, 0),
	};

	return bench_run("replace", cases, sizeof(cases) / sizeof(cases[0]));
}
