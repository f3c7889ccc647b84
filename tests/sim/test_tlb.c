// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* TLB and paging-structure cache, against flat arrays. */
#include "t.h"

#include "rnd.h"

#include <stdlib.h>

#define TAGS  3u
#define PAGES 2048u /* of 4 KiB, in each tag: 4 times 2 MiB */

/* Expected contents of the TLB: for each tag and page, the entry of each size that covers it; -1: none. */
static int64_t flat[TAGS][3][PAGES];

static struct sim_tlb_entry entry(uint32_t tag, uint64_t iova, unsigned int shift, uint64_t out)
{
	return (struct sim_tlb_entry){
		.tag = tag, .iova = iova, .out = out, .shift = (uint8_t)shift, .perm = 3
	};
}

static void stays(void **state)
{
	struct sim_tlb tlb = { .limit = 0 };
	struct sim_tlb_entry e = entry(1, 0x5000, 12, 0x9000);

	(void)state;
	assert_null(sim_tlb_find(&tlb, 1, 0x5000));
	sim_tlb_insert(&tlb, &e);
	assert_int_equal(sim_tlb_find(&tlb, 1, 0x5fff)->out, 0x9000);
	assert_null(sim_tlb_find(&tlb, 2, 0x5000));
	assert_null(sim_tlb_find(&tlb, 1, 0x6000));
	sim_tlb_invalidate(&tlb, 1, 0x4000, 0x1000, NULL, NULL);
	sim_tlb_invalidate(&tlb, 1, 0x6000, 0x1000, NULL, NULL);
	sim_tlb_invalidate(&tlb, 2, 0x5000, 0x1000, NULL, NULL);
	sim_tlb_invalidate(&tlb, 2, 0, 0, NULL, NULL);
	assert_non_null(sim_tlb_find(&tlb, 1, 0x5000));
	sim_tlb_invalidate(&tlb, 1, 0x5800, 1, NULL, NULL);
	assert_null(sim_tlb_find(&tlb, 1, 0x5000));
	sim_tlb_fini(&tlb);
}

static void globals(void **state)
{
	struct sim_tlb tlb = { .limit = 0 };
	struct sim_tlb_entry e = entry(TLB_GLOBAL, 0x5000, 12, 0x9000);

	(void)state;
	sim_tlb_insert(&tlb, &e);
	assert_non_null(sim_tlb_find(&tlb, 1, 0x5000));
	assert_non_null(sim_tlb_find(&tlb, 2, 0x5000));
	sim_tlb_invalidate(&tlb, 1, 0, 0, NULL, NULL); /* by ASID: it stays */
	assert_non_null(sim_tlb_find(&tlb, 1, 0x5000));
	sim_tlb_invalidate(&tlb, 1, 0x5000, 0x1000, NULL, NULL);
	assert_null(sim_tlb_find(&tlb, 2, 0x5000));
	sim_tlb_fini(&tlb);
}

static void limit(void **state)
{
	struct sim_tlb tlb = { .limit = 0 };
	unsigned int there = 0;

	(void)state;
	sim_tlb_set_limit(&tlb, 16, 1);
	for (uint64_t i = 0; i < 1000; i++) {
		struct sim_tlb_entry e = entry(1, i << 12, 12, i << 12);

		sim_tlb_insert(&tlb, &e);
		assert_non_null(sim_tlb_find(&tlb, 1,
					     i << 12)); /* the new one is never the one that goes */
	}
	for (uint64_t i = 0; i < 1000; i++)
		there += sim_tlb_find(&tlb, 1, i << 12) != NULL;
	assert_int_equal(there, 16);
	sim_tlb_set_limit(&tlb, 4, 1);
	assert_int_equal(tlb.count, 4);
	sim_tlb_fini(&tlb);
}

static void count_gone(void *ctx, const struct sim_tlb_entry *gone)
{
	(void)gone;
	++*(unsigned int *)ctx;
}

static const unsigned int shifts[2] = { 12, 21 };

static void flat_drop(uint32_t tag, uint64_t first, uint64_t last)
{
	for (unsigned int s = 0; s < 2; s++) {
		unsigned int per = 1u << (shifts[s] - 12);

		for (uint64_t p = 0; p < PAGES; p += per)
			if (p <= last && first <= p + per - 1)
				for (uint64_t i = p; i < p + per; i++)
					flat[tag][s][i] = -1;
	}
}

static void compare(const struct sim_tlb *tlb)
{
	for (uint32_t tag = 0; tag < TAGS; tag++)
		for (uint64_t p = 0; p < PAGES; p++) {
			const struct sim_tlb_entry *e = sim_tlb_find(tlb, tag, p << 12);
			int64_t want = flat[tag][0][p] >= 0 ? flat[tag][0][p] : flat[tag][1][p];

			if (want < 0) {
				assert_null(e);
			} else {
				assert_non_null(e);
				assert_int_equal(e->out, (uint64_t)want);
			}
		}
}

static void random_life(void **state)
{
	struct sim_tlb tlb = { .limit = 0 };
	uint64_t rnd = 42, serial = 0;
	unsigned int gone = 0, before;

	(void)state;
	memset(flat, 0xff, sizeof(flat));
	for (unsigned int op = 0; op < 20000; op++) {
		uint32_t tag = (uint32_t)(sim_rnd(&rnd) % TAGS);
		uint64_t page = sim_rnd(&rnd) % PAGES, n;

		switch (sim_rnd(&rnd) % 16) {
		case 0: /* a range, short or long, to the byte */
			n = sim_rnd(&rnd) % (sim_rnd(&rnd) % 8 ? 8 : 600) + 1;
			if (page + n > PAGES)
				n = PAGES - page;
			sim_tlb_invalidate(&tlb, tag, (page << 12) + 1, (n << 12) - 2,
					   op & 1 ? count_gone : NULL, &gone);
			flat_drop(tag, page, page + n - 1);
			break;
		case 1:
			if (sim_rnd(&rnd) % 64)
				break;
			before = gone;
			n = tlb.count;
			sim_tlb_invalidate(&tlb, tag, 0, 0, count_gone, &gone);
			assert_int_equal(n - tlb.count, gone - before);
			flat_drop(tag, 0, PAGES - 1);
			break;
		default: {
			unsigned int s = sim_rnd(&rnd) % 32 == 0, per = 1u << (shifts[s] - 12);
			struct sim_tlb_entry e = entry(tag, page << 12, shifts[s], ++serial << 12);

			sim_tlb_insert(&tlb, &e);
			page -= page % per;
			for (uint64_t i = page; i < page + per; i++)
				flat[tag][s][i] = (int64_t)(serial << 12);
		}
		}
		if (op % 500 == 0)
			compare(&tlb);
	}
	compare(&tlb);
	assert_true(gone > 0);
	sim_tlb_fini(&tlb);
	assert_int_equal(tlb.count, 0);
}

static void structures(void **state)
{
	static struct sim_psc psc;
	struct sim_walk w = { .ntrail = 3,
			      .trail = { { 0x1000, 3, 3 }, { 0x2000, 3, 2 }, { 0x3000, 1, 1 } } };
	struct sim_step s;

	(void)state;
	assert_int_equal(sim_psc_find(&psc, 1, 0x345000).level, 0);
	sim_psc_insert(&psc, 1, 0x345000, &w);
	s = sim_psc_find(&psc, 1, 0x3ff000); /* the same 2 MiB */
	assert_int_equal(s.level, 1);
	assert_int_equal(s.table, 0x3000);
	assert_int_equal(s.perm, 1);
	s = sim_psc_find(&psc, 1, 0x400000); /* the next, in the same GiB */
	assert_int_equal(s.level, 2);
	assert_int_equal(s.table, 0x2000);
	assert_int_equal(sim_psc_find(&psc, 1, 1ull << 30).level, 0); /* the root is not cached */
	assert_int_equal(sim_psc_find(&psc, 2, 0x345000).level, 0);
	sim_psc_invalidate(&psc, 1, 0x400000, 0x1000); /* also about what lies above */
	assert_int_equal(sim_psc_find(&psc, 1, 0x400000).level, 0);
	assert_int_equal(sim_psc_find(&psc, 1, 0x345000).level, 1);
	sim_psc_invalidate(&psc, 2, 0, 0);
	assert_int_equal(sim_psc_find(&psc, 1, 0x345000).level, 1);
	sim_psc_invalidate(&psc, 1, 0, 0);
	assert_int_equal(sim_psc_find(&psc, 1, 0x345000).level, 0);
	assert_int_equal(psc.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stays),      cmocka_unit_test(globals),
		cmocka_unit_test(limit),      cmocka_unit_test(random_life),
		cmocka_unit_test(structures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
