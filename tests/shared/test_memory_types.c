/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Memory types in ARM page tables (Arm ARM D8.3, AttrIndx in bits 4:2): a coherent device's memory is write-back, that of
 * a device that does not snoop is not cached, and registers are device memory. Pages and blocks alike.
 */
#include "bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

enum { WRITE_BACK, DEVICE, NOT_CACHED };

/* Walk the raw table, as written in memory. Returns AttrIndx of the leaf or block at an address. */
static unsigned int type_at(struct bench *b, dmah_addr_t dma)
{
	struct dmah_pt_info info;
	dmah_phys_t table;

	assert_int_equal(dmah_domain_pt(bench_domain(b), &info), 0);
	table = info.root;
	for (unsigned int level = info.levels; level; level--) {
		unsigned int at = (unsigned int)(dma >> (12 + 9 * (level - 1)) & 511);
		unsigned char *bytes = dmah_host_phys_map(table, 4096);
		uint64_t entry;

		/* The port may map memory at any address. */
		memcpy(&entry, bytes + at * sizeof(entry), sizeof(entry));
		dmah_host_phys_unmap(bytes, table, 4096);
		assert_true(entry & 1);
		if (level == 1 || !(entry & 2))
			return (unsigned int)(entry >> 2 & 7);
		table = entry & 0x0000fffffffff000ull;
	}
	return ~0u;
}

static void types(bool noncoherent)
{
	struct bench_config config = { .backend = DMAH_BACKEND_IOMMU,
				       .hw = BENCH_LPAE48,
				       .noncoherent = noncoherent,
				       .aperture_size = 1ull << 30,
				       .pool = true };
	unsigned int memory = noncoherent ? NOT_CACHED : WRITE_BACK;
	static const uint32_t lens[] = { 4096, 16384, 2u << 20, 3000 };
	struct bench *b = bench_open(&config);
	struct dmah_device *dev = bench_device(b);
	struct dmah h = { 0 };
	dmah_phys_t phys;
	uint64_t size;
	void *cpu;

	phys = bench_memory(b, &size);
	phys = (phys + (2u << 20) - 1) & ~(dmah_phys_t)((2u << 20) - 1);
	for (unsigned int i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		dmah_phys_t at = phys + (lens[i] & 4095 ? 100 : 0);

		assert_int_equal(dmah_map(dev, &h, at, lens[i], DMAH_FROM_DEVICE, 0), 0);
		assert_int_equal(type_at(b, dmah_addr(&h)), memory);
		assert_int_equal(type_at(b, dmah_addr(&h) + lens[i] - 1), memory);
		assert_int_equal(dmah_unmap(dev, &h), 0);
	}
	assert_int_equal(dmah_map(dev, &h, phys, 4096, DMAH_TO_DEVICE, DMAH_ATTR_MMIO), 0);
	assert_int_equal(type_at(b, dmah_addr(&h)), DEVICE);
	assert_int_equal(dmah_unmap(dev, &h), 0);
	assert_int_equal(dmah_alloc_coherent(dev, &h, 8192, &cpu), 0);
	assert_int_equal(type_at(b, dmah_addr(&h)), memory);
	assert_int_equal(dmah_free_coherent(dev, &h), 0);
	bench_close(b);
}

static void coherent(void **state)
{
	(void)state;
	types(false);
}

static void not_coherent(void **state)
{
	(void)state;
	types(true);
}

int main(void)
{
	static const struct bench_case cases[] = {
		BENCH_CASE(coherent, BENCH_LPAE),
		BENCH_CASE(not_coherent, BENCH_LPAE | BENCH_CACHES),
	};

	return bench_run("memory-types", cases, sizeof(cases) / sizeof(cases[0]));
}
