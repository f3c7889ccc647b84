// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Run some cases only: DMAH_TEST_CASE='inv09*' build/native/tests/shared/shared-invariants.
 *
 * Linked into every test program. The pattern knows * and ?; names may hold spaces.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

__attribute__((constructor)) static void filter_cases(void)
{
	const char *pattern = getenv("DMAH_TEST_CASE");

	if (pattern && *pattern)
		cmocka_set_test_filter(pattern);
}
