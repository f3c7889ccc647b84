// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Lengths of scatter-list pieces, in cases worked out by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "plan.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* Pieces at @phys, merged into segments of @lens, must have the lengths @want; a piece with 0 must be dropped. */
static void check(const uint64_t *phys, uint32_t n, const uint32_t *lens, uint32_t nlens,
		  bool whole, const uint32_t *want, bool guess)
{
	struct piece p[16];
	uint32_t got, expected = 0;
	bool guessed;

	for (uint32_t i = 0; i < n; i++)
		p[i] = (struct piece){ .phys = phys[i] };
	got = plan_pieces(p, n, lens, nlens, whole, &guessed);
	for (uint32_t i = 0; i < n; i++)
		expected += want[i] != 0;
	assert_int_equal(got, expected);
	for (uint32_t i = 0; i < got; i++)
		assert_int_equal(p[i].len, want[i]);
	assert_int_equal(guessed, guess);
}

#define CHECK(whole, guess, ...)                                                             \
	do {                                                                                 \
		const uint32_t want[] = { __VA_ARGS__ };                                     \
                                                                                             \
		assert_int_equal(N(want), N(phys));                                          \
		check(phys, (uint32_t)N(phys), lens, (uint32_t)N(lens), whole, want, guess); \
	} while (0)

static void one_by_one(void **state)
{
	const uint64_t phys[] = { 0x1000, 0x5100, 0x9000 };
	const uint32_t lens[] = { 0x200, 0x3000, 0x1 };

	(void)state;
	CHECK(true, false, 0x200, 0x3000, 0x1);
}

/* As the NVMe driver maps: 9 pages in one segment, the last page not full. */
static void merged_pages(void **state)
{
	const uint64_t phys[] = { 0x66a5000, 0x66b6000, 0x66c8000 };
	const uint32_t lens[] = { 0x2400 };

	(void)state;
	CHECK(true, false, 0x1000, 0x1000, 0x400);
}

static void offset_in_first_page(void **state)
{
	const uint64_t phys[] = { 0x1e00, 0x8000 };
	const uint32_t lens[] = { 0x300 };

	(void)state;
	CHECK(true, false, 0x200, 0x100);
}

static void several_segments(void **state)
{
	const uint64_t phys[] = { 0x1000, 0x5000, 0x9200, 0xa000 };
	const uint32_t lens[] = { 0x2000, 0xe01 };

	(void)state;
	CHECK(true, false, 0x1000, 0x1000, 0xe00, 0x1);
}

/* More bytes than the pages hold: the first piece grows that can do so without reaching another. */
static void long_piece(void **state)
{
	const uint64_t phys[] = { 0x1000, 0x2000, 0x8000 };
	const uint32_t lens[] = { 0x5000 };

	(void)state;
	/* 0x1000 would reach 0x2000; 0x2000 has room for five more pages. */
	CHECK(true, true, 0x1000, 0x3000, 0x1000);
}

/* No piece can take all bytes: each takes as many as it can. */
static void spread_out(void **state)
{
	const uint64_t phys[] = { 0x8000, 0x4000, 0x1000, 0x9000 };
	const uint32_t lens[] = { 0x7000 + 0x800 };

	(void)state;
	/* 0x9000 is the last: it ends with its page and takes the rest. */
	CHECK(true, true, 0x1000, 0x1000, 0x1000, 0x4800);
}

static void long_single_segments(void **state)
{
	const uint64_t phys[] = { 0x1000, 0x10000, 0x20000 };
	const uint32_t lens[] = { 0x4000, 0x2000 };

	(void)state;
	/* The second segment needs a piece, so the first has two at most. */
	CHECK(true, true, 0x3000, 0x1000, 0x2000);
}

static void cut_off(void **state)
{
	const uint64_t phys[] = { 0x1000, 0x5000, 0x9200 };
	const uint32_t lens[] = { 0x1000, 0x1000 };

	(void)state;
	CHECK(false, true, 0x1000, 0x1000, 0xe00);
}

static void too_many_pieces(void **state)
{
	const uint64_t phys[] = { 0x1000, 0x1200, 0x1400 };
	const uint32_t lens[] = { 0x600 };

	(void)state;
	/* Merged inside a page: the first piece has all bytes, and no byte is counted twice. */
	CHECK(true, true, 0x600, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_by_one),		cmocka_unit_test(merged_pages),
		cmocka_unit_test(offset_in_first_page), cmocka_unit_test(several_segments),
		cmocka_unit_test(long_piece),		cmocka_unit_test(spread_out),
		cmocka_unit_test(long_single_segments), cmocka_unit_test(cut_off),
		cmocka_unit_test(too_many_pieces),
	};

	return cmocka_run_group_tests_name("replay-pieces", tests, NULL, NULL);
}
