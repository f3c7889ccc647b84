// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "amount.h"

/* Below this many bytes the exact number is short enough. */
#define EXACT 10000

struct amount amount_count(uint64_t n)
{
	struct amount a;
	char digits[24];
	size_t len = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, n), at = 0;

	for (size_t i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			a.text[at++] = ',';
		a.text[at++] = digits[i];
	}
	a.text[at] = '\0';
	return a;
}

/* The largest unit of which n has at least one, as a shift */
static int unit(uint64_t n)
{
	int shift = 0;

	while (shift < 40 && n >> (shift + 10))
		shift += 10;
	return shift;
}

struct amount amount_bytes(uint64_t n)
{
	static const char *const names[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
	struct amount a = { .text = "" };
	int shift = unit(n);

	if (n < EXACT) {
		a = amount_count(n);
		strcat(a.text, n == 1 ? " byte" : " bytes");
	} else {
		snprintf(a.text, sizeof(a.text), "%.1f %s",
			 (double)n / (double)(UINT64_C(1) << shift), names[shift / 10]);
	}
	return a;
}

uint64_t amount_axis(uint64_t n, bool bytes)
{
	int shift = bytes && n >= EXACT ? unit(n) : 0;
	uint64_t units = (n >> shift) + !!(n & ((UINT64_C(1) << shift) - 1)), step = 1;

	while (step <= units / 10)
		step *= 10;
	for (uint64_t first = 1; first <= 10; first++)
		/* the half of the axis is whole as well */
		if (first * step >= units && (first * step % 2 == 0 || shift))
			return first * step << shift;
	return n;
}
