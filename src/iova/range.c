/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Takes small ranges from the top down and large ones from the bottom up, so that large holes last
 * longer.
 */
#include "iova/range.h"

#define SMALL 8u

static uint32_t words(uint32_t size)
{
	return (size + 63) / 64;
}

size_t dmah_range_memory(uint32_t size)
{
	return ((size_t)words(size) + words(words(size))) * sizeof(uint64_t);
}

void dmah_range_init(struct range *r, void *memory, uint32_t size)
{
	r->bits = memory;
	r->full = r->bits + words(size);
	r->size = size;
	r->used = 0;
	for (uint32_t i = 0; i < words(size) + words(words(size)); i++)
		r->bits[i] = 0;
}

/* Return a mask of the bits @from to @to - 1 of a word. */
static uint64_t span(uint32_t from, uint32_t to)
{
	return (to < 64 ? (1ull << to) - 1 : ~0ull) & ~0ull << from;
}

/* Return a mask of the units of [@first, @end) in a word. */
static uint64_t span_in(uint32_t word, uint32_t first, uint32_t end)
{
	return span(first > word * 64 ? first - word * 64 : 0,
		    end - word * 64 < 64 ? end - word * 64 : 64);
}

static void set(struct range *r, uint32_t first, uint32_t n, bool taken)
{
	for (uint32_t word = first / 64; word <= (first + n - 1) / 64; word++) {
		uint64_t bits = span_in(word, first, first + n), summary = 1ull << (word % 64);

		r->bits[word] = taken ? r->bits[word] | bits : r->bits[word] & ~bits;
		if (!~r->bits[word])
			r->full[word / 64] |= summary;
		else
			r->full[word / 64] &= ~summary;
	}
	r->used = taken ? r->used + n : r->used - n;
}

/* Find the first taken unit of [@first, @end). Return: the unit, or @end. */
static uint32_t next_taken(const struct range *r, uint32_t first, uint32_t end)
{
	for (uint32_t word = first / 64; word * 64 < end; word++) {
		uint64_t bits = r->bits[word] & span_in(word, first, end);

		if (bits)
			return word * 64 + (uint32_t)__builtin_ctzll(bits);
	}
	return end;
}

/*
 * Find the first free unit of [@at, @end). Skips full words by the summary. Return: the unit, or
 * @end.
 */
static uint32_t next_free(const struct range *r, uint32_t at, uint32_t end)
{
	while (at < end) {
		uint32_t word = at / 64;
		uint64_t bits = ~r->bits[word] & ~0ull << (at % 64), holes;

		if (bits) {
			at = word * 64 + (uint32_t)__builtin_ctzll(bits);
			return at < end ? at : end;
		}
		if (++word >= words(r->size))
			return end;
		holes = ~r->full[word / 64] & ~0ull << (word % 64);
		at = holes ? (word / 64 * 64 + (uint32_t)__builtin_ctzll(holes)) * 64
			   : (word / 64 + 1) * 64 * 64;
	}
	return end;
}

/* Find the last free unit at or below @at. Return: the unit, or RANGE_NONE. */
static uint32_t last_free(const struct range *r, uint32_t at)
{
	for (;;) {
		uint32_t word = at / 64;
		uint64_t bits = ~r->bits[word] & span(0, at % 64 + 1), holes;

		if (bits)
			return word * 64 + 63 - (uint32_t)__builtin_clzll(bits);
		if (!word)
			return RANGE_NONE;
		word--;
		holes = ~r->full[word / 64] & span(0, word % 64 + 1);
		if (holes)
			at = (word / 64 * 64 + 63 - (uint32_t)__builtin_clzll(holes)) * 64 + 63;
		else if (word / 64)
			at = word / 64 * 64 * 64 - 1;
		else
			return RANGE_NONE;
	}
}

static bool crosses(uint32_t first, uint32_t n, uint64_t boundary, uint64_t base)
{
	uint64_t from = first + base;

	return boundary && ((from ^ (from + n - 1)) & ~(boundary - 1));
}

static uint32_t alloc_down(const struct range *r, uint32_t n, uint32_t align, uint32_t skew,
			   uint64_t boundary, uint64_t base, uint32_t limit)
{
	uint32_t at = limit - n;

	for (;;) {
		uint32_t back = (at + (uint32_t)base - skew) & (align - 1), taken;

		if (back > at)
			return RANGE_NONE;
		at -= back;
		taken = next_taken(r, at, at + n);
		if (taken == at + n && !crosses(at, n, boundary, base))
			return at;
		if (!at)
			return RANGE_NONE;
		if (taken == at + n) {
			at--;
			continue;
		}
		/* No candidate may contain the taken unit: retry below it. */
		if (taken < n)
			return RANGE_NONE;
		at = taken - n < at ? taken - n : at - 1;
		/*
		 * If all units down to there are taken, skip them: no candidate begins among them.
		 */
		taken = last_free(r, at);
		if (taken == RANGE_NONE)
			return RANGE_NONE;
		at = taken;
	}
}

static uint32_t alloc_up(const struct range *r, uint32_t n, uint32_t align, uint32_t skew,
			 uint64_t boundary, uint64_t base, uint32_t limit)
{
	uint64_t at = 0, step;

	for (;;) {
		uint32_t taken;

		at = next_free(r, (uint32_t)at, limit);
		at += (skew - (uint32_t)at - (uint32_t)base) & (align - 1);
		if (at + n > limit)
			return RANGE_NONE;
		taken = next_taken(r, (uint32_t)at, (uint32_t)at + n);
		if (taken != at + n) {
			at = taken + 1;
			continue;
		}
		if (!crosses((uint32_t)at, n, boundary, base))
			return (uint32_t)at;
		step = boundary - ((at + base) & (boundary - 1));
		at += step;
	}
}

uint32_t dmah_range_alloc(struct range *r, uint32_t n, uint32_t align, uint32_t skew,
			  uint64_t boundary, uint64_t base_offset, uint32_t limit)
{
	uint32_t first;

	limit = limit < r->size ? limit : r->size;
	if (!n || n > limit || (boundary && n > boundary))
		return RANGE_NONE;
	first = (n <= SMALL ? alloc_down : alloc_up)(r, n, align, skew, boundary, base_offset,
						     limit);
	if (first != RANGE_NONE)
		set(r, first, n, true);
	return first;
}

static bool inside(const struct range *r, uint32_t first, uint32_t n)
{
	return n && first < r->size && n <= r->size - first;
}

bool dmah_range_free(struct range *r, uint32_t first, uint32_t n)
{
	if (!inside(r, first, n) || next_free(r, first, first + n) != first + n)
		return false;
	set(r, first, n, false);
	return true;
}

void dmah_range_free_in_word(struct range *r, uint32_t word, uint64_t mask)
{
	mask &= r->bits[word];
	if (!mask)
		return;
	r->bits[word] &= ~mask;
	r->full[word / 64] &= ~(1ull << (word % 64));
	for (; mask; mask &= mask - 1)
		r->used--;
}

bool dmah_range_is_free(const struct range *r, uint32_t first, uint32_t n)
{
	return inside(r, first, n) && next_taken(r, first, first + n) == first + n;
}

bool dmah_range_take(struct range *r, uint32_t first, uint32_t n)
{
	if (!dmah_range_is_free(r, first, n))
		return false;
	set(r, first, n, true);
	return true;
}
