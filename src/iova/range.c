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

/* Read a word of the bitmap or of its summary. A test counts these. */
static uint64_t load(const uint64_t *word)
{
	RANGE_STEP();
	return *word;
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
	r->none = UINT32_MAX;
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

		RANGE_STEP();
		r->bits[word] = taken ? r->bits[word] | bits : r->bits[word] & ~bits;
		if (!~r->bits[word])
			r->full[word / 64] |= summary;
		else
			r->full[word / 64] &= ~summary;
	}
	r->used = taken ? r->used + n : r->used - n;
	if (!taken)
		r->none = UINT32_MAX;
}

/* Find the first taken unit of [@first, @end). Return: the unit, or @end. */
static uint32_t next_taken(const struct range *r, uint32_t first, uint32_t end)
{
	for (uint32_t word = first / 64; word * 64 < end; word++) {
		uint64_t bits = load(&r->bits[word]) & span_in(word, first, end);

		if (bits)
			return word * 64 + (uint32_t)__builtin_ctzll(bits);
	}
	return end;
}

/* Find the first word at or above @word that is not full. Return: the word, or words(@size). */
static uint32_t next_open(const struct range *r, uint32_t word)
{
	while (word < words(r->size)) {
		uint64_t open = ~load(&r->full[word / 64]) & ~0ull << (word % 64);

		if (open) {
			word = word / 64 * 64 + (uint32_t)__builtin_ctzll(open);
			return word < words(r->size) ? word : words(r->size);
		}
		word = (word / 64 + 1) * 64;
	}
	return words(r->size);
}

/* Find the last word at or below @word that is not full. Return: the word, or RANGE_NONE. */
static uint32_t last_open(const struct range *r, uint32_t word)
{
	for (;;) {
		uint64_t open = ~load(&r->full[word / 64]) & span(0, word % 64 + 1);

		if (open)
			return word / 64 * 64 + 63 - (uint32_t)__builtin_clzll(open);
		if (word < 64)
			return RANGE_NONE;
		word = word / 64 * 64 - 1;
	}
}

/* Find the first free unit of [@at, @end). Return: the unit, or @end. */
static uint32_t next_free(const struct range *r, uint32_t at, uint32_t end)
{
	while (at < end) {
		uint32_t word = at / 64;
		uint64_t bits = ~load(&r->bits[word]) & ~0ull << (at % 64);

		if (bits) {
			at = word * 64 + (uint32_t)__builtin_ctzll(bits);
			return at < end ? at : end;
		}
		word = next_open(r, word + 1);
		at = word < words(r->size) ? word * 64 : end;
	}
	return end;
}

/* ---- the search: each word of the bitmap is read once ---- */

/**
 * struct request - a request for a range.
 * @n: number of units.
 * @align: a power of two.
 * @skew: remainder of the first unit modulo @align.
 * @boundary: a power of two; 0: none.
 * @base: unit 0 lies so many units above a multiple of @align and @boundary.
 * @end: units at and above this are not taken.
 */
struct request {
	uint32_t n;
	uint32_t align;
	uint32_t skew;
	uint64_t boundary;
	uint64_t base;
	uint32_t end;
};

/* Return a mask of the units of a word below @end that are free. */
static uint64_t free_units(const struct range *r, uint32_t word, uint32_t end)
{
	return word * 64ull < end ? ~load(&r->bits[word]) & span_in(word, 0, end) : 0;
}

/*
 * Return a mask of the units of a word that begin @n free units, 1 to 64 of them.
 * @low: free units of the word.
 * @high: free units of the next word.
 */
static uint64_t run_starts(uint64_t low, uint64_t high, uint32_t n)
{
	/* A unit begins @have + @more free units if it begins @have, and so does the unit @more above. */
	for (uint32_t have = 1, more; have < n; have += more) {
		more = have < n - have ? have : n - have;
		low &= low >> more | high << (64 - more);
		high &= high >> more;
	}
	return low;
}

/* Return a mask of the units of a word where alignment and boundary let a range of up to 64 units begin. */
static uint64_t allowed_starts(const struct request *q, uint32_t word)
{
	uint64_t base = word * 64ull + q->base, starts, at;
	uint32_t first = (q->skew - (uint32_t)base) & (q->align - 1);

	if (first >= 64)
		return 0;
	starts = (q->align < 64 ? ~0ull / ((1ull << q->align) - 1) : 1) << first;
	if (!q->boundary)
		return starts;
	/* A range that begins in the n - 1 units below a multiple of the boundary crosses it. */
	for (at = -base & (q->boundary - 1); at < 63ull + q->n; at += q->boundary)
		starts &=
			~span(at < q->n ? 0 : (uint32_t)at - q->n + 1, at < 64 ? (uint32_t)at : 64);
	return starts;
}

/* Find the highest place for up to 64 units. */
static uint32_t alloc_down(const struct range *r, const struct request *q)
{
	uint32_t word = (q->end - 1) / 64;
	uint64_t high = 0;

	for (;;) {
		uint64_t low = free_units(r, word, q->end);
		uint64_t starts = run_starts(low, high, q->n) & allowed_starts(q, word);
		uint32_t next;

		if (starts)
			return word * 64 + 63 - (uint32_t)__builtin_clzll(starts);
		next = word ? last_open(r, word - 1) : RANGE_NONE;
		if (next == RANGE_NONE)
			return RANGE_NONE;
		/* Words that are skipped are full. */
		high = next + 1 == word ? low : 0;
		word = next;
	}
}

/* Find the lowest place for up to 64 units. */
static uint32_t alloc_up(const struct range *r, const struct request *q)
{
	uint32_t last = (q->end - 1) / 64, word = next_open(r, 0);
	uint64_t low = free_units(r, word, q->end);

	while (word <= last) {
		uint64_t high = free_units(r, word + 1, q->end);
		uint64_t starts = run_starts(low, high, q->n) & allowed_starts(q, word);

		if (starts)
			return word * 64 + (uint32_t)__builtin_ctzll(starts);
		low = high;
		word++;
		if (low)
			continue;
		word = next_open(r, word);
		low = free_units(r, word, q->end);
	}
	return RANGE_NONE;
}

/*
 * Return the first unit at or above @at where alignment and boundary let a range begin; UINT64_MAX if there is none at all.
 */
static uint64_t allowed_start(const struct request *q, uint64_t at)
{
	for (unsigned int i = 0; i < 2; i++) {
		uint64_t room;

		at += (q->skew - (uint32_t)at - (uint32_t)q->base) & (q->align - 1);
		room = q->boundary - ((at + q->base) & (q->boundary - 1));
		if (!q->boundary || q->n <= room)
			return at;
		/* If a range crosses from the first aligned unit above a boundary, it crosses from all. */
		at += room;
	}
	return UINT64_MAX;
}

/*
 * Find the lowest place for more than 64 units. Such a range begins above the last taken unit of a word, so nothing between
 * two taken units of one word is of interest.
 */
static uint32_t alloc_up_words(const struct range *r, const struct request *q)
{
	uint64_t first = allowed_start(q, 0);
	uint32_t word = (uint32_t)(first / 64);

	while (first < q->end && q->n <= q->end - first) {
		uint64_t taken = load(&r->bits[word]), at = word * 64ull + 64;

		if (first > word * 64ull)
			taken &= ~0ull << (first % 64);
		if (first + q->n <= (taken ? at - 64 + (uint32_t)__builtin_ctzll(taken) : at))
			return (uint32_t)first;
		word++;
		if (!taken)
			continue;
		at -= (uint32_t)__builtin_clzll(taken);
		first = allowed_start(q, at < word * 64ull ? at : next_open(r, word) * 64ull);
		if (first / 64 > word)
			word = (uint32_t)(first / 64);
	}
	return RANGE_NONE;
}

uint32_t dmah_range_alloc(struct range *r, uint32_t n, uint32_t align, uint32_t skew,
			  uint64_t boundary, uint64_t base_offset, uint32_t limit)
{
	struct request q = { .n = n,
			     .align = align,
			     .skew = skew,
			     .boundary = boundary,
			     .base = base_offset,
			     .end = limit < r->size ? limit : r->size };
	uint32_t first;

	if (!n || n > q.end || n >= r->none || (boundary && n > boundary))
		return RANGE_NONE;
	if (n <= SMALL)
		first = alloc_down(r, &q);
	else
		first = n <= 64 ? alloc_up(r, &q) : alloc_up_words(r, &q);
	if (first != RANGE_NONE)
		set(r, first, n, true);
	else if (align == 1 && !boundary && q.end == r->size)
		r->none = n;
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
	mask &= load(&r->bits[word]);
	if (!mask)
		return;
	r->none = UINT32_MAX;
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
