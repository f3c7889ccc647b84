/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Output, the names of functions, and the two functions that the compiler calls by itself.
 */
#include <stdarg.h>

#include "kernel.h"

/* ---- the compiler's own calls ---- */

void *memcpy(void *to, const void *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((char *)to)[i] = ((const char *)from)[i];
	return to;
}

void *memset(void *to, int value, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((char *)to)[i] = (char)value;
	return to;
}

/* ---- output ---- */

static void put_text(const char *text)
{
	while (*text)
		serial_put(*text++);
}

static void put_number(unsigned long long value, unsigned int base)
{
	char digits[21], *at = digits + sizeof(digits);

	*--at = 0;
	do {
		*--at = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	put_text(at);
}

void print(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	for (; *format; format++) {
		bool wide = false;

		if (*format != '%') {
			serial_put(*format);
			continue;
		}
		while (*++format == 'l')
			wide = true;
		if (*format == 's')
			put_text(va_arg(args, const char *));
		else
			put_number(wide ? va_arg(args, unsigned long long)
					: va_arg(args, unsigned int),
				   *format == 'x' ? 16 : 10);
	}
	va_end(args);
}

/* ---- names of functions ---- */

/**
 * struct symbol - a function of the kernel.
 * @start: its first instruction.
 * @name: its name; NULL ends the table.
 */
struct symbol {
	uintptr_t start;
	const char *name;
};

/*
 * The table, by address. symbols.sh makes the table from the linked kernel, which is then linked
 * again with the table.
 */
extern const struct symbol symbols[];

const char *symbol_of(const void *code)
{
	static char text[64];
	const struct symbol *s = symbols;
	unsigned int n = 0;
	uintptr_t offset;

	if (!s->name || (uintptr_t)code < s->start)
		return "?";
	while (s[1].name && s[1].start <= (uintptr_t)code)
		s++;
	while (s->name[n] && n < sizeof(text) - 20) {
		text[n] = s->name[n];
		n++;
	}
	offset = (uintptr_t)code - s->start;
	text[n++] = '+';
	text[n++] = '0';
	text[n++] = 'x';
	for (int shift = 12; shift >= 0; shift -= 4)
		if (offset >> shift || !shift)
			text[n++] = "0123456789abcdef"[offset >> shift & 15];
	text[n] = 0;
	return text;
}
