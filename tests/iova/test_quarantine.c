/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Granules and bounce slots whose invalidation was not confirmed: only a flush that began after they were put aside makes them
 * safe, in whatever order flushes are confirmed, and also where the numbers of flushes wrap.
 */
#include "base/pool.h"
#include "iova/iova.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <dmah/host.h>

#define GRANULES 256u
#define SIZE	 (1ull << 16)

/* The numbers of the last flushes begun before something was put aside. */
static const uint32_t begun[] = { 0,	      1,	  7,	      0x7ffffffe,
				  0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff };

static void *aligned(size_t need, void **memory)
{
	*memory = calloc(1, need + 64);
	assert_non_null(*memory);
	return (void *)(((uintptr_t)*memory + 63) & ~(uintptr_t)63);
}

static uint32_t leave(struct iova *iova, uint32_t seq)
{
	unsigned long flags;
	uint32_t found;

	dmah_host_enter(&flags);
	found = dmah_iova_leave_quarantine(iova, 0, seq);
	dmah_host_leave(flags);
	return found;
}

static void put_aside(struct iova *iova, uint32_t first, uint32_t n, uint32_t seq)
{
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_iova_quarantine(iova, first, n, &seq);
	dmah_host_leave(flags);
}

static void granules(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < sizeof(begun) / sizeof(begun[0]); i++) {
		uint32_t seq = begun[i];
		struct iova iova = { 0 };
		void *memory;

		dmah_iova_init(&iova, aligned(dmah_iova_memory(GRANULES), &memory), GRANULES, 0, 1);
		put_aside(&iova, 100, 2, seq);
		/* Flushes that began before, or as the last one before. */
		assert_int_equal(leave(&iova, seq - 1), RANGE_NONE);
		assert_int_equal(leave(&iova, seq), RANGE_NONE);
		/* Another CPU puts something aside with a number that it read earlier: the later number stays. */
		put_aside(&iova, 7, 1, seq - 1);
		assert_int_equal(leave(&iova, seq), RANGE_NONE);
		/* And with a later one: nothing leaves before a flush that began after that. */
		put_aside(&iova, 9, 1, seq + 1);
		assert_int_equal(leave(&iova, seq + 1), RANGE_NONE);
		assert_int_equal(leave(&iova, seq + 2), 7);
		assert_int_equal(leave(&iova, seq + 2), 9);
		assert_int_equal(leave(&iova, seq + 2), 100);
		assert_int_equal(leave(&iova, seq + 2), 101);
		assert_int_equal(leave(&iova, seq + 2), RANGE_NONE);
		/* Empty: an old number does not hold back what is put aside now. */
		put_aside(&iova, 50, 1, seq - 5);
		assert_int_equal(leave(&iova, seq - 4), 50);
		free(memory);
	}
}

static void slots(void **state)
{
	struct pool_request want = { .len = 2048, .align = 2048, .round = 2048, .limit = ~0ull };

	(void)state;
	for (unsigned int i = 0; i < sizeof(begun) / sizeof(begun[0]); i++) {
		struct dmah_pool *pool;
		uint32_t seq = begun[i], first, second;
		void *memory;

		assert_int_equal(dmah_pool_init(&pool, 1ull << 20, SIZE,
						aligned(dmah_pool_memory(SIZE), &memory),
						dmah_pool_memory(SIZE)),
				 0);
		assert_int_equal(dmah_pool_get(pool, &want, 0x1000, NULL, 1, &first), 0);
		assert_int_equal(dmah_pool_get(pool, &want, 0x3000, NULL, 1, &second), 0);
		dmah_pool_quarantine(pool, first, seq);
		dmah_pool_quarantine(pool, second, seq + 1);
		dmah_pool_release_quarantine(pool, NULL, seq);
		assert_int_equal(dmah_pool_used(pool), 2 * 2048);
		dmah_pool_release_quarantine(pool, NULL, seq + 1);
		assert_int_equal(dmah_pool_used(pool), 2048);
		dmah_pool_release_quarantine(pool, NULL, seq + 2);
		assert_int_equal(dmah_pool_used(pool), 0);
		free(memory);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(granules),
		cmocka_unit_test(slots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
