/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The range allocator against an array of bytes in which every placement is tried.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "iova/range.h"

unsigned long range_steps;

static uint64_t seed = 1;

static uint32_t rnd(uint32_t below)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((seed >> 33) % below);
}

struct ask {
	uint32_t n, align, skew, limit;
	uint64_t boundary, base;
};

static bool fits(const unsigned char *taken, uint32_t size, const struct ask *a, uint32_t first)
{
	uint32_t limit = a->limit < size ? a->limit : size;

	if ((uint64_t)first + a->n > limit || (first + a->base) % a->align != a->skew % a->align)
		return false;
	if (a->boundary &&
	    (first + a->base) / a->boundary != (first + a->base + a->n - 1) / a->boundary)
		return false;
	for (uint32_t i = first; i < first + a->n; i++)
		if (taken[i])
			return false;
	return true;
}

static void random_requests(uint32_t size, unsigned int rounds, uint32_t longest)
{
	void *memory = malloc(dmah_range_memory(size));
	unsigned char *taken = calloc(1, size);
	uint32_t used = 0;
	struct range r;

	dmah_range_init(&r, memory, size);
	for (unsigned int round = 0; round < rounds; round++) {
		struct ask a = {
			.n = 1 + rnd(rnd(4) ? 9 : longest),
			.align = 1u << rnd(6),
			.boundary = rnd(3) ? 0 : 1u << (3 + rnd(6)),
			.base = rnd(2) ? 0 : rnd(1000),
			.limit = rnd(4) ? size : rnd(size + 10),
		};
		uint32_t first = rnd(size), n = 1 + rnd(20);
		bool all_taken = true, all_free = true, possible = false;

		/* Boundaries of terabytes, with one of their multiples inside or near. */
		if (!rnd(4)) {
			a.boundary = 1ull << (29 + rnd(20));
			a.base = a.boundary * (1 + rnd(5)) - rnd(size + 50);
		}
		a.skew = rnd(2) ? 0 : rnd(a.align);
		for (uint32_t i = first; i < first + n; i++) {
			all_taken &= i < size && taken[i];
			all_free &= i < size && !taken[i];
		}
		switch (rnd(6)) {
		case 0:
		case 1:
			for (uint32_t i = 0; i < size && !possible; i++)
				possible = fits(taken, size, &a, i);
			range_steps = 0;
			first = dmah_range_alloc(&r, a.n, a.align, a.skew, a.boundary, a.base,
						 a.limit);
			assert_int_equal(first != RANGE_NONE, possible);
			assert_true(range_steps <= RANGE_STEPS(size, a.n));
			if (!possible)
				break;
			assert_true(fits(taken, size, &a, first));
			memset(taken + first, 1, a.n);
			used += a.n;
			break;
		case 2:
			/* Units of one word, whatever they were. */
			n = first / 64;
			for (uint64_t mask = 0, bit = 0; bit < 64; bit++) {
				uint32_t at = n * 64 + (uint32_t)bit;

				if (at < size && !rnd(4))
					mask |= 1ull << bit;
				if (bit == 63)
					dmah_range_free_in_word(&r, n, mask);
				if (!(mask >> bit & 1))
					continue;
				used -= taken[at];
				taken[at] = 0;
			}
			break;
		case 3:
			assert_int_equal(dmah_range_take(&r, first, n), all_free);
			if (all_free) {
				memset(taken + first, 1, n);
				used += n;
			}
			break;
		default:
			assert_int_equal(dmah_range_is_free(&r, first, n), all_free);
			assert_int_equal(dmah_range_free(&r, first, n), all_taken);
			if (all_taken) {
				memset(taken + first, 0, n);
				used -= n;
			}
			break;
		}
		assert_int_equal(r.used, used);
	}
	free(memory);
	free(taken);
}

static void small_sizes(void **state)
{
	(void)state;
	for (uint32_t size = 1; size < 140; size += 1 + size / 40)
		random_requests(size, 3000, size + 2);
}

static void one_word_of_words(void **state)
{
	(void)state;
	random_requests(4096, 20000, 600);
	random_requests(4097, 20000, 600);
}

static void many_words_of_words(void **state)
{
	(void)state;
	random_requests(20000, 20000, 6000);
}

/* A full aperture answers by its summary, and gives every unit back. */
static void full_and_empty(void **state)
{
	enum { SIZE = 1 << 20 };
	void *memory = malloc(dmah_range_memory(SIZE));
	struct range r;

	(void)state;
	dmah_range_init(&r, memory, SIZE);
	for (uint32_t i = 0; i < SIZE / 2; i++)
		assert_int_equal(dmah_range_alloc(&r, 1, 1, 0, 0, 0, SIZE), SIZE - 1 - i);
	assert_int_equal(dmah_range_alloc(&r, SIZE / 2, 512, 0, 0, 0, SIZE), 0);
	for (uint32_t i = 0; i < 10000; i++)
		assert_int_equal(dmah_range_alloc(&r, 1 + i % 20, 1, 0, 0, 0, SIZE), RANGE_NONE);
	assert_true(dmah_range_free(&r, 12345, 1));
	assert_int_equal(dmah_range_alloc(&r, 1, 1, 0, 0, 0, SIZE), 12345);
	assert_true(dmah_range_free(&r, 0, SIZE));
	assert_int_equal(r.used, 0);
	free(memory);
}

/* Takes units in a pattern that leaves holes of @hole units, each behind @wall taken ones. */
static void take_pattern(struct range *r, uint32_t hole, uint32_t wall)
{
	for (uint32_t at = hole; at < r->size; at += hole + wall)
		assert_true(dmah_range_take(r, at, r->size - at < wall ? r->size - at : wall));
}

/* Searches once, and checks the steps. Return: the most steps so far. */
static unsigned long worse(struct range *r, uint32_t n, uint32_t align, unsigned long worst)
{
	uint32_t first;

	range_steps = 0;
	first = dmah_range_alloc(r, n, align, n & (align - 1), n & 1 ? 0 : 1024, n, r->size);
	assert_true(range_steps <= RANGE_STEPS(r->size, n));
	worst = range_steps > worst ? range_steps : worst;
	range_steps = 0;
	if (first != RANGE_NONE)
		assert_true(dmah_range_free(r, first, n));
	/* Nothing was freed since a search without conditions failed: the answer is known. */
	else if (align == 1 && n & 1)
		assert_int_equal(dmah_range_alloc(r, n, 1, 0, 0, 0, r->size), RANGE_NONE);
	assert_true(first != RANGE_NONE || !range_steps);
	return worst;
}

/*
 * A request that holes of any length and distance refuse, one by one, takes a bounded number of steps. The holes are just too
 * short, or long enough and never aligned.
 */
static void steps_are_bounded(void **state)
{
	static const uint32_t lengths[] = { 1,	2,  3,	7,   8,	  9,   31,  33, 63,
					    64, 65, 66, 100, 127, 129, 200, 512 };
	static const uint32_t walls[] = { 1, 2, 63, 64, 65, 128, 4096 };
	enum { SIZE = 1 << 16 };
	void *memory = malloc(dmah_range_memory(SIZE));
	unsigned long worst = 0;
	struct range r;

	(void)state;
	for (unsigned int i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		for (unsigned int k = 0; k < sizeof(walls) / sizeof(walls[0]); k++) {
			dmah_range_init(&r, memory, SIZE);
			take_pattern(&r, lengths[i], walls[k]);
			for (uint32_t n = 1; n < 600; n += n < 70 ? 1 : 31) {
				for (uint32_t align = 1; align <= 1024; align *= 4)
					worst = worse(&r, n, align, worst);
			}
		}
	}
	/* The bound is near: a looser one would hide a search that reads words again. */
	assert_true(worst * 4 > RANGE_STEPS(SIZE, 1) * 3);
	free(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_sizes),	       cmocka_unit_test(one_word_of_words),
		cmocka_unit_test(many_words_of_words), cmocka_unit_test(full_and_empty),
		cmocka_unit_test(steps_are_bounded),
	};

	return cmocka_run_group_tests_name("range", tests, NULL, NULL);
}
