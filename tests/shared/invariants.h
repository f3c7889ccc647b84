/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Helpers of the tests of invariants: machines, and memory filled with one byte. */
#ifndef DMAH_TESTS_INVARIANTS_H
#define DMAH_TESTS_INVARIANTS_H

#include "bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const struct bench_config iommu_strict = { .backend = DMAH_BACKEND_IOMMU,
						  .hw = BENCH_IOMMU };
static const struct bench_config iommu_lazy = {
	.backend = DMAH_BACKEND_IOMMU, .hw = BENCH_IOMMU, .mode = DMAH_LAZY, .lazy_entries = 64
};
static const struct bench_config untrusted = {
	.backend = DMAH_BACKEND_IOMMU, .hw = BENCH_IOMMU, .untrusted = true, .pool = true
};
static const struct bench_config bounce = { .backend = DMAH_BACKEND_BOUNCE, .pool = true };

static inline dmah_phys_t page(struct bench *b, unsigned int n)
{
	uint64_t size;
	dmah_phys_t memory = bench_memory(b, &size);

	assert_true((n + 1) * 4096ull <= size);
	return memory + n * 4096ull;
}

static inline void fill(struct bench *b, dmah_phys_t phys, unsigned char byte, size_t len)
{
	unsigned char *bytes = malloc(len);

	memset(bytes, byte, len);
	bench_cpu_write(b, phys, bytes, len);
	free(bytes);
}

static inline bool holds(struct bench *b, dmah_phys_t phys, unsigned char byte, size_t len)
{
	unsigned char *bytes = malloc(len);
	bool same = true;

	bench_cpu_read(b, phys, bytes, len);
	for (size_t i = 0; i < len; i++)
		same &= bytes[i] == byte;
	free(bytes);
	return same;
}

#endif /* DMAH_TESTS_INVARIANTS_H */
