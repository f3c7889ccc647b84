/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Bounce pools by themselves: no slot crosses a boundary in DMA addresses, however they lie, no two slots meet, and a request
 * that no free pool could serve has another error than one that finds the pools full.
 */
#include "base/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define SIZE  (1ull << 20)
#define SLOTS 512u

static struct dmah_pool *make(dmah_phys_t phys, void **memory)
{
	size_t need = dmah_pool_memory(SIZE);
	struct dmah_pool *pool;

	*memory = malloc(need + 64);
	assert_int_equal(dmah_pool_init(&pool, phys, SIZE,
					(void *)(((uintptr_t)*memory + 63) & ~(uintptr_t)63), need),
			 0);
	return pool;
}

/* Take slots until the pool is full; every one is looked at. */
static unsigned int fill(struct dmah_pool *pool, const struct pool_request *want)
{
	static dmah_phys_t first[SLOTS], last[SLOTS];
	static uint32_t token[SLOTS];
	unsigned int n = 0;
	int err;

	while (n < SLOTS && !(err = dmah_pool_get(pool, want, 0x1000, NULL, 1, &token[n]))) {
		dmah_addr_t dma;

		first[n] = dmah_pool_phys(pool, token[n]);
		last[n] = first[n] + want->len - 1;
		dma = first[n] + want->bus_offset;
		assert_true(first[n] - want->offset >= pool->phys &&
			    last[n] < pool->phys + pool->size && last[n] <= want->limit);
		assert_int_equal((first[n] - want->offset) % want->align, 0);
		if (want->boundary)
			assert_int_equal(dma / want->boundary,
					 (dma + want->len - 1) / want->boundary);
		for (unsigned int i = 0; i < n; i++)
			assert_true(last[i] < first[n] || last[n] < first[i]);
		n++;
	}
	for (unsigned int i = 0; i < n; i++)
		dmah_pool_put(pool, token[i]);
	assert_int_equal(dmah_pool_used(pool), 0);
	return n;
}

static void boundaries(void **state)
{
	static const uint64_t offsets[] = { 0, 4096, 2048, 512, 1ull << 40, (1ull << 40) - 512 };

	(void)state;
	for (unsigned int shift = 12; shift < 47; shift++) {
		for (unsigned int i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
			/* A multiple of the boundary lies in the middle of the pool's DMA addresses. */
			uint64_t boundary = 1ull << shift,
				 middle = 3ull << (shift > 40 ? shift : 41);
			struct pool_request want = { .align = 2048,
						     .round = 2048,
						     .limit = ~0ull,
						     .boundary = boundary,
						     .bus_offset = offsets[i],
						     .dir = DMAH_TO_DEVICE };
			struct dmah_pool *pool;
			void *memory;

			pool = make(((middle - offsets[i]) & ~4095ull) - SIZE / 2, &memory);
			for (unsigned int k = 0; k < 6; k++) {
				static const uint32_t lens[] = { 1, 2048, 2049, 4096, 9000, 65536 };

				want.len = lens[k];
				if (want.len > boundary)
					assert_int_equal(fill(pool, &want), 0);
				else if (want.len <= boundary / 2)
					assert_true(fill(pool, &want) > 0);
				else
					(void)fill(pool, &want);
			}
			free(memory);
		}
	}
}

static void never_and_not_now(void **state)
{
	struct pool_request want = {
		.len = 4096, .align = 2048, .round = 2048, .limit = ~0ull, .dir = DMAH_TO_DEVICE
	};
	struct dmah_pool *pool;
	uint32_t token, all;
	void *memory;

	(void)state;
	pool = make(1ull << 32, &memory);
	want.limit = (1ull << 32) - 1;
	assert_int_equal(dmah_pool_get(pool, &want, 0, NULL, 1, &token), DMAH_ERANGE);
	/* Within the limit, but not with its whole length. */
	want.limit = (1ull << 32) + 2047;
	assert_int_equal(dmah_pool_get(pool, &want, 0, NULL, 1, &token), DMAH_ERANGE);
	want.limit = ~0ull;
	want.len = (uint32_t)SIZE + 1;
	assert_int_equal(dmah_pool_get(pool, &want, 0, NULL, 1, &token), DMAH_ERANGE);
	want.len = 4097;
	want.boundary = 4096;
	assert_int_equal(dmah_pool_get(pool, &want, 0, NULL, 1, &token), DMAH_ERANGE);
	want.boundary = 0;
	want.len = (uint32_t)SIZE;
	assert_int_equal(dmah_pool_get(pool, &want, 0, NULL, 1, &all), 0);
	want.len = 1;
	assert_int_equal(dmah_pool_get(pool, &want, 0, NULL, 1, &token), DMAH_ENOSPC);
	dmah_pool_put(pool, all);
	assert_int_equal(dmah_pool_get(NULL, &want, 0, NULL, 1, &token), DMAH_ENOPOOL);
	free(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(boundaries),
		cmocka_unit_test(never_and_not_now),
	};

	return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
