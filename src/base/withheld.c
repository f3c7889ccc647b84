/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "base/withheld.h"

#define PIECES ((DMAH_PAGE_SIZE - sizeof(struct withheld_page)) / sizeof(struct withheld))

/* Keep a piece where there is room. Returns false if there is none. */
static bool keep(struct dmah_domain *dom, const struct withheld *piece)
{
	if (dom->nwithheld < DOMAIN_WITHHELD) {
		dom->withheld[dom->nwithheld++] = *piece;
		return true;
	}
	for (struct withheld_page *page = dom->withheld_pages; page; page = page->next) {
		if (page->n < PIECES) {
			page->piece[page->n++] = *piece;
			return true;
		}
	}
	return false;
}

void dmah_withhold(struct dmah_device *dev, dmah_phys_t phys, uint32_t len)
{
	struct withheld piece = { .phys = phys, .len = len };
	struct dmah_domain *dom = dev->dom;
	struct withheld_page *page;
	unsigned long flags;
	bool kept;

	setup_lock(dom, &flags);
	piece.seq = __atomic_load_n(&dom->flush_seq, __ATOMIC_ACQUIRE);
	kept = keep(dom, &piece);
	setup_unlock(dom, flags);
	if (kept)
		return;
	page = dmah_host_page_alloc(0);
	if (!page) {
		dmah_host_report(dev, DMAH_ENOMEM,
				 "coherent memory that a device may still reach is lost: no page "
				 "to record it",
				 phys, NULL);
		return;
	}
	page->n = 1;
	page->piece[0] = piece;
	setup_lock(dom, &flags);
	page->next = dom->withheld_pages;
	dom->withheld_pages = page;
	setup_unlock(dom, flags);
}

/* Take a piece that is safe to free out of an array. Returns false if there is none. */
static bool take_from(struct withheld *from, unsigned int *n, uint32_t flushed,
		      struct withheld *piece)
{
	for (unsigned int i = 0; i < *n; i++) {
		/* A flush makes safe only the pieces that were withheld before it began. */
		if ((int32_t)(flushed - from[i].seq) <= 0)
			continue;
		*piece = from[i];
		from[i] = from[--*n];
		return true;
	}
	return false;
}

/* Take one piece that is safe to free, and a page that holds none any more. Returns false if there is no piece. */
static bool take(struct dmah_domain *dom, struct withheld *piece, struct withheld_page **empty)
{
	uint32_t flushed = __atomic_load_n(&dom->flushed_seq, __ATOMIC_ACQUIRE);
	struct withheld_page **at;
	unsigned long flags;
	bool found;

	*empty = NULL;
	setup_lock(dom, &flags);
	found = take_from(dom->withheld, &dom->nwithheld, flushed, piece);
	for (at = &dom->withheld_pages; !found && *at; at = &(*at)->next) {
		found = take_from((*at)->piece, &(*at)->n, flushed, piece);
		if (found && !(*at)->n) {
			*empty = *at;
			*at = (*at)->next;
			break;
		}
	}
	setup_unlock(dom, flags);
	return found;
}

void dmah_withheld_release(struct dmah_domain *dom)
{
	struct withheld_page *empty;
	struct withheld piece;

	while (take(dom, &piece, &empty)) {
		dmah_host_mem_free(piece.phys, piece.len);
		if (empty)
			dmah_host_page_free(empty);
	}
}
