// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Computes the lengths of a scatter list's pieces.
 *
 * The trace has the physical address of each piece, but only the lengths of the DMA segments, and a segment may be several
 * pieces merged. Behind an IOMMU, two pieces merge if one ends and the next begins on a granule. The rules:
 *
 * 1. If there are as many segments as pieces, each piece has the length of its segment.
 * 2. Else each piece takes the rest of its segment, but only up to the end of its page. Behind a full segment the next piece
 *    begins the next segment.
 * 3. If bytes of a segment are left after its last piece, some piece is longer than a page. The first piece that can take
 *    all of those bytes without reaching the beginning of another piece takes them. If there is none, each piece takes as
 *    much as it can, and the last one the rest.
 * 4. A piece without any length in the record (the record cuts long lists off) reaches to the end of its page.
 *
 * If the record has all segments, the sum of the pieces is the sum of the segments. Pieces without bytes are dropped.
 */
#include "plan.h"

#define PAGE 4096u

static uint32_t to_page_end(uint64_t phys)
{
	return PAGE - (uint32_t)(phys % PAGE);
}

/* Returns the bytes by which a piece may grow before it reaches the first byte of another piece. */
static uint64_t room(const struct piece *pieces, uint32_t n, uint32_t i)
{
	uint64_t end = pieces[i].phys + pieces[i].len, free = UINT64_MAX;

	/* Only a piece that ends on a page boundary can go on in the next page. */
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
	/* The list has more pieces than its bytes can fill: other rules have merged it. */
	if (i < n)
		*guessed = true;
	for (; !whole && i < n; i++)
		pieces[i].len = to_page_end(pieces[i].phys);
	return i;
}
