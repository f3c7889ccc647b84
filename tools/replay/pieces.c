// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * How long the pieces of a scatter list are.
 *
 * The trace has the physical address of each piece, but lengths only of the DMA segments, which may be several pieces
 * merged. Behind an IOMMU pieces merge where the one ends and the next begins on a granule. So:
 *
 * 1. As many segments as pieces: their lengths are the pieces'.
 * 2. Else each piece takes what its segment has left, up to the end of its page; a full segment is followed by the next.
 * 3. If the pieces end before the bytes do, some of them are longer than a page: what is left over goes to the first piece
 *    that can take all of it without reaching the beginning of another piece of the list; if there is none, each takes
 *    what it can, and the last one the rest.
 * 4. Pieces of which the record has no lengths at all (lists that it cut off) reach to the end of their page.
 *
 * The sum is always the sum of the segments where the record has them all, and no piece is empty; pieces for which no bytes
 * are left are left out.
 */
#include "plan.h"

#define PAGE 4096u

static uint32_t to_page_end(uint64_t phys)
{
	return PAGE - (uint32_t)(phys % PAGE);
}

/* How much longer a piece may become before it reaches another piece's first byte. */
static uint64_t room(const struct piece *pieces, uint32_t n, uint32_t i)
{
	uint64_t end = pieces[i].phys + pieces[i].len, free = UINT64_MAX;

	/* only what ends on a page goes on behind it */
	if (end % PAGE)
		return 0;
	for (uint32_t k = 0; k < n; k++)
		if (k != i && pieces[k].phys >= end && pieces[k].phys - end < free)
			free = pieces[k].phys - end;
	return free;
}

static void spread(struct piece *pieces, uint32_t n, uint64_t left)
{
	for (uint32_t i = 0; i < n; i++) {
		if (room(pieces, n, i) >= left && pieces[i].len <= UINT32_MAX - left) {
			pieces[i].len += (uint32_t)left;
			return;
		}
	}
	for (uint32_t i = 0; i < n && left; i++) {
		uint64_t more = i == n - 1 ? left : room(pieces, n, i) / PAGE * PAGE;

		if (more > left)
			more = left;
		if (more > UINT32_MAX - pieces[i].len)
			more = 0;
		pieces[i].len += (uint32_t)more;
		left -= more;
	}
}

uint32_t plan_pieces(struct piece *pieces, uint32_t n, const uint32_t *lens, uint32_t nlens,
		     bool whole, bool *guessed)
{
	uint32_t i = 0;

	*guessed = false;
	if (nlens == n) {
		for (; i < n; i++)
			pieces[i].len = lens[i];
		return n;
	}
	for (uint32_t seg = 0; seg < nlens && i < n; seg++) {
		uint32_t first = i, left = lens[seg];

		do {
			uint32_t page = to_page_end(pieces[i].phys);

			pieces[i].len = left < page ? left : page;
			left -= pieces[i++].len;
		} while (left && (!whole || n - i > nlens - seg - 1) && i < n);
		if (left) {
			spread(&pieces[first], i - first, left);
			*guessed = true;
		}
	}
	/* More pieces than the bytes of a whole list fill: it was merged by rules of another kind. */
	if (i < n)
		*guessed = true;
	for (; !whole && i < n; i++)
		pieces[i].len = to_page_end(pieces[i].phys);
	return i;
}
