/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Devices and domains: limits, reserved and identity ranges, modes, several IOMMUs, other devices'
 * handles, and features of Xen.
 */
#include "bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const struct bench_config any = { .backend = DMAH_BACKEND_IOMMU,
					 .hw = BENCH_IOMMU,
					 .mask_bits = 32 };

static dmah_phys_t memory(struct bench *b)
{
	uint64_t size;

	return bench_memory(b, &size);
}

static void limits_that_make_no_sense(void **state)
{
	struct bench *b = bench_open(&any);
	struct dmah_device *dev = bench_extra_device(b, 0);
	struct dmah_limits bad[] = {
		{ .mask = 0 },
		{ .mask = 0xfffff0ff },
		{ .mask = 0xffff },
		{ .mask = ~0ull, .boundary = 3000 },
		{ .mask = ~0ull, .boundary = 2048 },
		{ .mask = ~0ull, .max_segment = 100 },
		{ .mask = ~0ull, .min_align_mask = 100 },
		{ .mask = ~0ull, .nreserved = 1 },
		{ .mask = ~0ull, .flags = 1u << 30 },
	};
	struct dmah_limits narrow = { .mask = 0xffffff }, wide = { .mask = ~0ull };

	(void)state;
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(dmah_attach(bench_domain(b), dev, &bad[i]), DMAH_EINVAL);
		assert_null(dev->dom);
	}
	/* The aperture is fixed already. */
	assert_int_equal(dmah_attach(bench_domain(b), dev, &narrow), DMAH_EBUSY);
	assert_int_equal(dmah_attach(bench_domain(b), dev, &wide), 0);
	assert_int_equal(dmah_attach(bench_domain(b), dev, &wide), DMAH_EBUSY);
	assert_int_equal(dmah_detach(dev), 0);
	assert_int_equal(dmah_detach(dev), DMAH_ENODEV);
	bench_close(b);
}

static void another_devices_handle(void **state)
{
	struct bench *b = bench_open(&any);
	struct dmah_device *dev = bench_device(b), *other = bench_extra_device(b, 0);
	struct dmah_limits limits = { .mask = ~0ull, .flags = DMAH_DEV_COHERENT };
	struct dmah h = { 0 };

	(void)state;
	assert_int_equal(dmah_attach(bench_domain(b), other, &limits), 0);
	assert_int_equal(dmah_map(dev, &h, memory(b), 100, DMAH_TO_DEVICE, 0), 0);
	assert_int_equal(dmah_unmap(other, &h), DMAH_EINVAL);
	assert_int_equal(bench_reports(b), 1);
	assert_true(dmah_mapped(&h));
	assert_int_equal(dmah_detach(dev), DMAH_EBUSY);
	assert_int_equal(dmah_detach(other), 0);
	assert_int_equal(dmah_domain_fini(bench_domain(b)), DMAH_EBUSY);
	assert_int_equal(dmah_unmap(dev, &h), 0);
	bench_close(b);
}

/* Identity ranges translate from before the device is bound; no one else gets their IOVAs; a failed attach undoes all. */
static void reserved_ranges(void **state)
{
	struct bench *b = bench_open(&any);
	struct dmah_device *dev = bench_extra_device(b, 0);
	dmah_addr_t rmrr = memory(b) & ~0xfffull;
	struct dmah_reserved ranges[] = {
		{ .base = rmrr, .size = 8192, .identity = true },
		{ .base = 0xfffff000, .size = 4096 },
	};
	struct dmah_reserved bad[] = {
		{ .base = rmrr + 65536, .size = 4096, .identity = true },
		{ .base = 0x1800, .size = 4096 },
	};
	struct dmah_limits limits = { .mask = ~0ull, .reserved = bad, .nreserved = 2 };
	unsigned char byte = 7;
	dmah_phys_t phys;
	struct dmah h[64] = { 0 };

	(void)state;
	assert_int_equal(dmah_attach(bench_domain(b), dev, &limits), DMAH_EINVAL);
	assert_false(bench_translate(b, rmrr + 65536, false, &phys));
	limits.reserved = ranges;
	assert_int_equal(dmah_attach(bench_domain(b), dev, &limits), 0);
	assert_true(bench_translate(b, rmrr + 4096, true, &phys));
	assert_int_equal(phys, rmrr + 4096);
	assert_true(bench_extra_write(b, rmrr + 5, &byte, 1));
	assert_false(bench_extra_write(b, rmrr + 8192, &byte, 1));
	for (unsigned int i = 0; i < 64; i++) {
		assert_int_equal(dmah_map(dev, &h[i], memory(b), 4096, DMAH_TO_DEVICE, 0), 0);
		assert_true(dmah_addr(&h[i]) < 0xfffff000);
	}
	/* The device is in use, so the call is refused. */
	assert_int_equal(dmah_detach(dev), DMAH_EBUSY);
	for (unsigned int i = 0; i < 64; i++)
		assert_int_equal(dmah_unmap(dev, &h[i]), 0);
	assert_int_equal(dmah_detach(dev), 0);
	bench_close(b);
}

static void modes(void **state)
{
	struct bench *b = bench_open(&any);
	struct dmah_device *dev = bench_device(b), *other = bench_extra_device(b, 0);
	struct dmah_limits untrusted = { .mask = ~0ull, .flags = DMAH_DEV_UNTRUSTED };
	struct dmah_domain *dom = bench_domain(b);
	unsigned char byte = 3;
	struct dmah h = { 0 };
	dmah_addr_t dma;

	(void)state;
	assert_int_equal(dmah_set_mode(dom, DMAH_LAZY), 0);
	assert_int_equal(dmah_map(dev, &h, memory(b), 4096, DMAH_BIDIRECTIONAL, 0), 0);
	assert_int_equal(dmah_set_mode(dom, DMAH_PASSTHROUGH), DMAH_EBUSY);
	dma = dmah_addr(&h);
	assert_true(bench_dev_write(b, dma, &byte, 1));
	assert_int_equal(dmah_unmap(dev, &h), 0);
	assert_true(bench_dev_write(b, dma, &byte, 1));
	/* Back to strict mode: lazy unmaps are flushed now. */
	assert_int_equal(dmah_set_mode(dom, DMAH_STRICT), 0);
	assert_false(bench_dev_write(b, dma, &byte, 1));
	assert_int_equal(dmah_attach(dom, other, &untrusted), 0);
	assert_int_equal(dmah_set_mode(dom, DMAH_PASSTHROUGH), DMAH_EPERM);
	assert_int_equal(dmah_detach(other), 0);
	assert_int_equal(dmah_set_mode(dom, DMAH_PASSTHROUGH), 0);
	assert_int_equal(dmah_attach(dom, other, &untrusted), DMAH_EPERM);
	assert_int_equal(dmah_map(dev, &h, memory(b) + 5, 10, DMAH_BIDIRECTIONAL, 0), 0);
	assert_int_equal(dmah_addr(&h), memory(b) + 5);
	assert_true(bench_dev_write(b, dmah_addr(&h), &byte, 1));
	assert_int_equal(dmah_set_mode(dom, DMAH_STRICT), DMAH_EBUSY);
	assert_int_equal(dmah_unmap(dev, &h), 0);
	assert_int_equal(dmah_set_mode(dom, DMAH_STRICT), 0);
	assert_false(bench_dev_write(b, memory(b), &byte, 1));
	bench_close(b);
}

/* Several IOMMUs behind a domain: all of them are invalidated. */
static void several_iommus(void **state)
{
	struct bench *b = bench_open(&any);
	struct dmah_device *dev = bench_device(b), *other = bench_extra_device(b, 1);
	struct dmah_limits limits = { .mask = 0xffffffff, .flags = DMAH_DEV_COHERENT };
	struct dmah_domain *dom = bench_domain(b);
	unsigned char byte = 3;
	struct dmah h = { 0 };
	dmah_addr_t dma;

	(void)state;
	assert_int_equal(dmah_domain_add_iommu(dom, bench_iommu(b, 1)), DMAH_EBUSY);
	assert_int_equal(dmah_attach(dom, other, &limits), DMAH_EINVAL);
	assert_int_equal(dmah_detach(dev), 0);
	assert_int_equal(dmah_domain_add_iommu(dom, bench_iommu(b, 0)), DMAH_EBUSY);
	assert_int_equal(dmah_domain_add_iommu(dom, bench_iommu(b, 1)), 0);
	assert_int_equal(dmah_attach(dom, dev, &limits), 0);
	assert_int_equal(dmah_attach(dom, other, &limits), 0);
	assert_int_equal(dmah_map(dev, &h, memory(b), 4096, DMAH_BIDIRECTIONAL, 0), 0);
	dma = dmah_addr(&h);
	assert_true(bench_dev_write(b, dma, &byte, 1));
	assert_true(bench_extra_write(b, dma, &byte, 1));
	assert_int_equal(dmah_unmap(dev, &h), 0);
	assert_false(bench_dev_write(b, dma, &byte, 1));
	assert_false(bench_extra_write(b, dma, &byte, 1));
	assert_int_equal(dmah_detach(other), 0);
	bench_close(b);
}

/* Returns true for a format that uses the lower half of its tables: its widths are others. */
static bool is_signed(const struct dmah_pt_format *format)
{
	return format == &dmah_pt_vtd_fs || format == &dmah_pt_sv || format == &dmah_pt_sv_rsw;
}

/* A domain uses the narrowest tables that its IOMMU can walk, and refuses narrower ones. */
static void narrowest_walk(void **state)
{
	struct bench *b = bench_open(&any);
	struct dmah_domain_config config = { .backend = DMAH_BACKEND_IOMMU,
					     .format = bench_iommu(b, 0)->formats[0],
					     .iommu = bench_iommu(b, 0) };
	size_t need = dmah_domain_memory(&config);
	void *memory = aligned_alloc(64, (need + 63) & ~(size_t)63);
	struct dmah_domain *dom;
	struct dmah_pt_info pt;

	(void)state;
	for (unsigned int min = is_signed(config.format) ? 96 : 0; min <= 48; min += 48) {
		bench_iommu(b, 0)->va_bits_min = min;
		config.va_bits = 0;
		assert_int_equal(dmah_domain_init(&dom, &config, memory, need), 0);
		assert_int_equal(dmah_domain_pt(dom, &pt), 0);
		assert_int_equal(pt.va_bits, min ? 48 : 39);
		assert_int_equal(dmah_domain_fini(dom), 0);
		config.va_bits = 39;
		assert_int_equal(dmah_domain_init(&dom, &config, memory, need),
				 min ? DMAH_ENOTSUP : DMAH_OK);
		if (!min)
			assert_int_equal(dmah_domain_fini(dom), 0);
	}
	bench_iommu(b, 0)->va_bits_min = 0;
	free(memory);
	bench_close(b);
}

/*
 * An address-keyed call for a part of a mapping, or with other arguments than the map, changes
 * nothing.
 */
static void partial_and_wrong_addresses(void **state)
{
	struct bench *b = bench_open(&any);
	struct dmah_device *dev = bench_device(b);
	unsigned char byte = 1;
	dmah_addr_t dma, next;

	(void)state;
	assert_int_equal(dmah_addr_map(dev, memory(b), 16384, DMAH_FROM_DEVICE, 0, &dma), 0);
	assert_int_equal(dmah_addr_map(dev, memory(b) + 16384, 16384, DMAH_FROM_DEVICE, 0, &next),
			 0);
	assert_int_equal(dmah_addr_unmap(dev, dma, 4096, DMAH_FROM_DEVICE, 0), DMAH_EINVAL);
	assert_int_equal(dmah_addr_unmap(dev, dma + 4096, 12288, DMAH_FROM_DEVICE, 0), DMAH_EINVAL);
	assert_int_equal(dmah_addr_unmap(dev, dma, 20480, DMAH_FROM_DEVICE, 0), DMAH_EINVAL);
	assert_int_equal(dmah_addr_unmap(dev, dma, 16384, DMAH_TO_DEVICE, 0), DMAH_EINVAL);
	assert_int_equal(dmah_addr_unmap(dev, dma, 0, DMAH_FROM_DEVICE, 0), DMAH_EINVAL);
	assert_int_equal(dmah_addr_unmap(dev, 0x12345000, 4096, DMAH_FROM_DEVICE, 0), DMAH_ESTALE);
	assert_int_equal(dmah_addr_unmap(dev, ~0ull - 4095, 4096, DMAH_FROM_DEVICE, 0),
			 DMAH_ESTALE);
	assert_int_equal(dmah_page_unmap(dev, dma, memory(b) + 4096, 16384, DMAH_FROM_DEVICE, 0),
			 DMAH_EINVAL);
	assert_int_equal(bench_reports(b), 8);
	for (unsigned int i = 0; i < 4; i++) {
		assert_true(bench_dev_write(b, dma + i * 4096, &byte, 1));
		assert_true(bench_dev_write(b, next + i * 4096, &byte, 1));
	}
	assert_int_equal(dmah_addr_unmap(dev, dma, 16384, DMAH_FROM_DEVICE, 0), 0);
	assert_int_equal(dmah_addr_unmap(dev, dma, 16384, DMAH_FROM_DEVICE, 0), DMAH_ESTALE);
	assert_int_equal(bench_reports(b), 1);
	assert_int_equal(dmah_page_unmap(dev, next, memory(b) + 16384, 16384, DMAH_FROM_DEVICE, 0),
			 0);
	bench_close(b);
}

/* Large mappings use blocks where possible, and translate correctly with and without blocks. */
static void large(enum bench_hw hw)
{
	struct bench_config config = { .backend = DMAH_BACKEND_IOMMU, .hw = hw };
	struct bench *b = bench_open(&config);
	struct dmah_device *dev = bench_device(b);
	dmah_phys_t phys = (memory(b) + 0x1fffff) & ~0x1fffffull, found;
	unsigned long pages = bench_pages(b);
	struct dmah h = { 0 }, stale;

	assert_int_equal(dmah_map(dev, &h, phys, 4u << 20, DMAH_BIDIRECTIONAL, 0), 0);
	/* Two tables lead to the level of 2 MiB; no leaf table was needed. The CPU's part has three pages. */
	assert_int_equal(bench_pages(b) - pages, 2 + 3);
	for (uint32_t off = 0; off < 4u << 20; off += 40960 + 1) {
		assert_true(bench_translate(b, dmah_addr(&h) + off, true, &found));
		assert_int_equal(found, phys + off);
	}
	stale = h;
	assert_int_equal(dmah_unmap(dev, &h), 0);
	assert_false(bench_translate(b, dmah_addr(&stale), true, &found));
	assert_false(bench_translate(b, dmah_addr(&stale) + (3u << 20), true, &found));
	assert_int_equal(dmah_unmap(dev, &stale), DMAH_ESTALE);
	assert_int_equal(bench_reports(b), 1);
	bench_close(b);
}

static void blocks(void **state)
{
	(void)state;
	large(BENCH_VTD4);
}

static void blocks_lpae(void **state)
{
	(void)state;
	large(BENCH_LPAE48);
}

/*
 * 22: one grant mapped at three physical addresses: each handle syncs the machine page without a
 * lookup.
 */
static void inv22_aliases(void **state)
{
	static const struct bench_config xen = {
		.backend = DMAH_BACKEND_XEN, .hw = BENCH_XEN, .noncoherent = true, .pool = true
	};

	(void)state;
	for (int kernel_mapping = 0; kernel_mapping < 2; kernel_mapping++) {
		struct bench *b = bench_open(&xen);
		struct dmah_device *dev = bench_device(b);
		dmah_phys_t phys[3];
		dmah_addr_t bus = bench_grant(b, 3, kernel_mapping, phys);
		uint64_t calls = bench_hypercalls(b);
		struct dmah_stats stats;
		unsigned char bytes[64];

		for (unsigned int i = 0; i < 3; i++) {
			struct dmah h = { 0 };

			assert_int_equal(
				dmah_map_bus(dev, &h, phys[i], bus, 4096, DMAH_FROM_DEVICE, 0), 0);
			assert_int_equal(dmah_addr(&h), bus);
			/* The CPU's cache holds the old bytes under any of the aliases. */
			bench_cpu_read(b, phys[(i + 1) % 3], bytes, 64);
			memset(bytes, 0x40 + (int)i, 64);
			assert_true(bench_dev_write(b, dmah_addr(&h) + 128, bytes, 64));
			assert_int_equal(dmah_sync_for_cpu(dev, &h, 128, 64), 0);
			for (unsigned int k = 0; k < 3; k++) {
				bench_cpu_read(b, phys[k] + 128, bytes, 64);
				assert_int_equal(bytes[0], 0x40 + i);
			}
			assert_int_equal(dmah_sync_for_device(dev, &h, 128, 64), 0);
			assert_int_equal(dmah_unmap(dev, &h), 0);
		}
		dmah_device_stats(dev, &stats);
		assert_int_equal(stats.reverse_lookups, 0);
		assert_int_equal(stats.hypercalls, bench_hypercalls(b) - calls);
		/*
		 * No hypercall if the kernel has a mapping; otherwise one for each of four
		 * ownership changes.
		 */
		assert_int_equal(stats.hypercalls, kernel_mapping ? 0 : 12);
		bench_close(b);
	}
}

static void errors_in_words(void **state)
{
	(void)state;
	for (int err = DMAH_ENOTSUP; err <= 0; err++) {
		assert_non_null(dmah_strerror(err));
		assert_string_not_equal(dmah_strerror(err), dmah_strerror(-1000));
		for (int other = err + 1; other <= 0; other++)
			assert_string_not_equal(dmah_strerror(err), dmah_strerror(other));
	}
}

int main(void)
{
	static const struct bench_case cases[] = {
		BENCH_CASE(limits_that_make_no_sense, 0),
		BENCH_CASE(another_devices_handle, 0),
		BENCH_CASE(reserved_ranges, 0),
		BENCH_CASE(modes, 0),
		BENCH_CASE(several_iommus, BENCH_2_IOMMUS),
		BENCH_CASE(narrowest_walk, 0),
		BENCH_CASE(partial_and_wrong_addresses, 0),
		BENCH_CASE(blocks, BENCH_VTD),
		BENCH_CASE(blocks_lpae, BENCH_LPAE),
		BENCH_CASE(inv22_aliases, BENCH_OTHERS),
		BENCH_CASE(errors_in_words, 0),
	};

	return bench_run("devices", cases, sizeof(cases) / sizeof(cases[0]));
}
