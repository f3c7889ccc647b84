// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Linux 7.3's own code, whose page tables of VT-d are generic_pt; and its ranges of IOVAs that pages are linked into. */
#ifdef HAVE_LINUX73_PEER
#include "peers/linux/peer73.h"
#define PEER(name) linux73_##name
#endif
#define CASE(name) case_linux73_##name
#define NAME	   "linux73"
#define WHICH	   "7.3"
#define TABLES	   "generic_pt"
#define SERIES	   linux73
#include "case_linux.h"

#ifdef PEER

struct work_links {
	struct linux_link *link;
	uint64_t *pages;
};

static inline const uint64_t *linked(const struct work *w, dmah_phys_t page)
{
	return &w->links->pages[(page >> 12) * w->segments & (TABLE - 1)];
}

static bool link_fill(struct work *w)
{
	struct work_links *l = memory_alloc(sizeof(*l));

	w->links = l;
	l->link = memory_alloc((w->mask + 1) * sizeof(*l->link));
	l->pages = memory_alloc((TABLE + w->segments) * sizeof(*l->pages));
	for (uint32_t i = 0; i < TABLE + w->segments; i++)
		l->pages[i] = work_page(w, i & (TABLE - 1));
	for (uint64_t i = 0; i <= w->mask; i++) {
		w->buffers[i].page = work_page(w, i);
		if (!linux73_link(w->peer, &l->link[i], linked(w, w->buffers[i].page), w->segments))
			return false;
	}
	w->k = w->mask + 1;
	return true;
}

static bool link_drain(struct work *w)
{
	for (uint64_t i = 0; i <= w->mask; i++)
		linux73_unlink(w->peer, &w->links->link[i], w->segments);
	return true;
}

static inline void link_op(struct work *w, struct buffer *s, dmah_phys_t page)
{
	struct linux_link *link = &w->links->link[s - w->buffers];

	linux73_unlink(w->peer, link, w->segments);
	if (LIKELY_NOT(!linux73_link(w->peer, link, linked(w, page), w->segments)))
		w->failed++;
	s->page = page;
}

WORK_RUN(link_run, link_op)

static const char *link_check(struct work *w)
{
	for (uint64_t i = 0; i <= w->mask; i++) {
		const uint64_t *page = linked(w, w->buffers[i].page);

		for (uint32_t k = 0; k < w->segments; k++)
			if (linux73_iova_to_phys(w->peer, w->links->link[i].addr + k * 4096ull) !=
			    page[k])
				return "a page that Linux linked leads elsewhere";
	}
	return NULL;
}

#else
#define link_fill  NULL
#define link_run   NULL
#define link_drain NULL
#define link_check NULL
#endif

#define LINK_WHAT(n) "Linux 7.3's dma_iova_destroy(), dma_iova_link() of " n " and dma_iova_sync()"

LINUX_CASE(link1, "-link-1", LINK_WHAT("1 page"), link_fill, link_run, link_drain, link_check,
	   .segments = 1);
LINUX_CASE(link8, "-link-8", LINK_WHAT("8 pages"), link_fill, link_run, link_drain, link_check,
	   .segments = 8);
LINUX_CASE(link128, "-link-128", LINK_WHAT("128 pages"), link_fill, link_run, link_drain,
	   link_check, .segments = 128);
