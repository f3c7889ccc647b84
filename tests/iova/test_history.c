/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The address and the generation that a record of the history holds, for every place of the generation in an entry. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/history.h"

/* VT-d's bits, those of LPAE, AMD's, and none without an IOMMU. */
static const uint64_t places[] = { 0xffull << 52, 0xfull << 55, 0xfull << 1, 0 };

static void history_words(void **state)
{
	static const uint64_t offsets[] = { 0, 1, 0x1e, 0x7ff, 0x123, 0xfff };

	(void)state;
	for (unsigned int p = 0; p < 4; p++) {
		uint64_t bits = places[p], one = bits & -bits;

		for (uint64_t gen = 0; gen <= bits; gen += one ? one : 1)
			for (unsigned int i = 0; i < 36; i++) {
				struct history_record r = { .dma = 0xfff0000 + offsets[i % 6] };
				dmah_phys_t phys = 0x000abcdef1234000ull + offsets[i / 6];

				r.phys = history_word(phys, r.dma, gen);
				assert_true(history_phys(&r, bits) == phys);
				assert_true(history_gen(&r, bits) == gen);
			}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(history_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
