/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Numbers in text. Each moves *p past what it read, and only if it returns true. */
#ifndef DMAH_TOOLS_TRACE_SCAN_H
#define DMAH_TOOLS_TRACE_SCAN_H

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>

/** scan_decimal() - decimal digits. False: none, or too many for 64 bits */
static inline bool scan_decimal(const char **p, uint64_t *v)
{
	const char *s = *p;

	*v = 0;
	for (; isdigit((unsigned char)*s); s++) {
		uint64_t digit = (uint64_t)(*s - '0');

		if (*v > (UINT64_MAX - digit) / 10)
			return false;
		*v = *v * 10 + digit;
	}
	if (s == *p)
		return false;
	*p = s;
	return true;
}

/** scan_hex() - hexadecimal digits, with or without 0x. False: none, or too many for 64 bits */
static inline bool scan_hex(const char **p, uint64_t *v)
{
	const char *s = *p;
	int digits = 0;

	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
		s += 2;
	*v = 0;
	for (; isxdigit((unsigned char)*s); s++) {
		int c = tolower((unsigned char)*s);

		if (*v >> 60)
			return false;
		*v = *v << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
		digits++;
	}
	if (!digits)
		return false;
	*p = s;
	return true;
}

static inline const char *scan_skip(const char *s)
{
	while (*s == ' ' || *s == '\t')
		s++;
	return s;
}

#endif
