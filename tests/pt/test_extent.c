/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The loops over the entries of an extent, against loops of one entry a turn: every number of entries at every place of a quad,
 * and one changed bit in each entry.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pt/extent.h"

#define MOST   40u
#define AROUND 4u
#define VALUE  0x123450000803ull
#define EDGE   0xdeadbeefdeadbeefull
#define GEN    0x00ff000000000000ull

static uint64_t table[AROUND + MOST + AROUND];

/* A 32-bit CPU stores an entry in two halves, with this between them. */
void dmah_host_wmb(void)
{
}

/* The entries, between others that no loop may touch. */
static uint64_t *fresh(void)
{
	for (unsigned int i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		table[i] = EDGE;
	return table + AROUND;
}

static void fill(uint64_t *pte, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		pte[i] = VALUE + i * 4096ull;
}

static void check_edges(const uint64_t *pte, uint32_t n)
{
	for (uint32_t i = 0; i < AROUND; i++) {
		assert_true(pte[-1 - (int)i] == EDGE);
		assert_true(pte[n + i] == EDGE);
	}
}

static void set_and_clear(void **state)
{
	(void)state;
	for (uint32_t n = 0; n <= MOST; n++) {
		uint64_t *pte = fresh();

		extent_set(pte, n, VALUE);
		for (uint32_t i = 0; i < n; i++)
			assert_true(pte[i] == VALUE + i * 4096ull);
		check_edges(pte, n);
		extent_clear(pte, n, 0x77);
		for (uint32_t i = 0; i < n; i++)
			assert_true(pte[i] == 0x77);
		check_edges(pte, n);
	}
}

static void inv10_every_bit_of_every_entry(void **state)
{
	(void)state;
	for (uint32_t n = 0; n <= MOST; n++) {
		uint64_t *pte = fresh();

		fill(pte, n);
		assert_true(!extent_differs(pte, n, VALUE));
		for (uint32_t i = 0; i < n; i++) {
			for (unsigned int bit = 0; bit < 64; bit++) {
				pte[i] ^= 1ull << bit;
				assert_true(extent_differs(pte, n, VALUE) == 1ull << bit);
				pte[i] ^= 1ull << bit;
			}
		}
	}
}

static void inv09_every_generation(void **state)
{
	(void)state;
	for (uint32_t n = 1; n <= MOST; n++) {
		uint64_t *pte = fresh();

		/* The other bits differ. */
		for (uint32_t i = 0; i < n; i++)
			pte[i] = (0x5aull << 48) | i * 0x1235ull;
		assert_true(!extent_generations(pte, n, GEN));
		for (uint32_t i = 0; n > 1 && i < n; i++) {
			for (unsigned int bit = 48; bit < 56; bit++) {
				pte[i] ^= 1ull << bit;
				assert_true(extent_generations(pte, n, GEN) == 1ull << bit);
				pte[i] ^= 1ull << bit;
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_and_clear),
		cmocka_unit_test(inv10_every_bit_of_every_entry),
		cmocka_unit_test(inv09_every_generation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
