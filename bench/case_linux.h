/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The cases of one version of Linux's own code. A file that includes this defines CASE(), NAME, WHICH, TABLES and SERIES, and
 * PEER() where the version was built (peers/linux).
 */
#include "cases.h"
#include "memory.h"
#include "series.h"

#include <string.h>

#ifdef PEER

static bool linux_fill(struct work *w)
{
	w->skip_sync = PEER(skip_sync)(w->peer);
	for (uint64_t i = 0; i <= w->mask; i++) {
		struct buffer *s = &w->buffers[i];

		s->page = work_page(w, i);
		s->len = w->size;
		s->dma = PEER(map)(w->peer, s->page, s->len);
		if (s->dma == LINUX_PEER_FAILED)
			return false;
	}
	w->k = w->mask + 1;
	return true;
}

static bool linux_drain(struct work *w)
{
	for (uint64_t i = 0; i <= w->mask; i++)
		PEER(unmap)(w->peer, w->buffers[i].dma, w->buffers[i].len);
	return true;
}

static const char *linux_check(struct work *w)
{
	for (uint64_t i = 0; i <= w->mask; i++) {
		const struct buffer *s = &w->buffers[i];

		for (uint64_t at = 0; at < s->len; at += 4096 - ((s->dma + at) & 4095))
			if (PEER(iova_to_phys)(w->peer, s->dma + at) != s->page + at)
				return "a mapping of Linux's leads elsewhere";
	}
	return NULL;
}

static inline void op(struct work *w, struct buffer *s, dmah_phys_t page)
{
	PEER(unmap)(w->peer, s->dma, s->len);
	s->dma = PEER(map)(w->peer, page, w->size);
	if (LIKELY_NOT(s->dma == LINUX_PEER_FAILED))
		w->failed++;
	s->len = w->size;
	s->page = page;
}

WORK_RUN(linux_run, op)

/* As dma_sync_single_for_cpu(), which is inline in the driver. */
static inline void sync_op(struct work *w, struct buffer *s, dmah_phys_t page)
{
	uint32_t len = s->len;

	__asm__ volatile("" : "+r"(len) : "r"(page), "r"(s) : "memory");
	if (!*w->skip_sync)
		PEER(sync_for_cpu)(w->peer, s->dma, len);
}

WORK_RUN(linux_run_sync, sync_op)

/* ---- scatter lists ---- */

/**
 * struct work_lists - scatter lists and the pages that they choose from.
 * @sg: by buffer.
 * @pages: physical addresses.
 */
struct work_lists {
	struct scatterlist **sg;
	uint64_t *pages;
};

#define TABLE 8192u /* pages to choose from; a power of two */

static inline const uint64_t *pages_of(const struct work *w, dmah_phys_t page)
{
	return &w->lists->pages[(page >> 12) * w->segments & (TABLE - 1)];
}

static inline bool map_list(struct work *w, const struct buffer *s, dmah_phys_t page)
{
	return PEER(map_sg)(w->peer, w->lists->sg[s - w->buffers], pages_of(w, page),
			    sizeof(uint64_t), w->segments);
}

static bool sg_fill(struct work *w)
{
	struct work_lists *l = memory_alloc(sizeof(*l));

	w->lists = l;
	l->sg = memory_alloc((w->mask + 1) * sizeof(*l->sg));
	l->pages = memory_alloc((TABLE + w->segments) * sizeof(*l->pages));
	for (uint32_t i = 0; i < TABLE + w->segments; i++)
		l->pages[i] = work_page(w, i & (TABLE - 1));
	for (uint64_t i = 0; i <= w->mask; i++) {
		l->sg[i] = PEER(sg_create)(w->segments);
		w->buffers[i].page = work_page(w, i);
		if (!l->sg[i] || !map_list(w, &w->buffers[i], w->buffers[i].page))
			return false;
	}
	w->k = w->mask + 1;
	return true;
}

static bool sg_drain(struct work *w)
{
	for (uint64_t i = 0; i <= w->mask; i++)
		PEER(unmap_sg)(w->peer, w->lists->sg[i], w->segments);
	return true;
}

static inline void sg_op(struct work *w, struct buffer *s, dmah_phys_t page)
{
	PEER(unmap_sg)(w->peer, w->lists->sg[s - w->buffers], w->segments);
	if (LIKELY_NOT(!map_list(w, s, page)))
		w->failed++;
	s->page = page;
}

WORK_RUN(linux_run_sg, sg_op)

static const char *sg_check(struct work *w)
{
	for (uint64_t i = 0; i <= w->mask; i++) {
		const uint64_t *page = pages_of(w, w->buffers[i].page);

		for (uint32_t k = 0; k < w->segments; k++) {
			uint64_t dma = PEER(sg_dma)(w->lists->sg[i], k * 4096ull);

			if (PEER(iova_to_phys)(w->peer, dma) != page[k])
				return "a piece of Linux's scatter list leads elsewhere";
		}
	}
	return NULL;
}

/* ---- direct ---- */

static bool direct_fill(struct work *w)
{
	for (uint64_t i = 0; i <= w->mask; i++) {
		struct buffer *s = &w->buffers[i];

		s->page = work_page(w, i);
		s->len = w->size;
		s->dma = PEER(direct_map)(w->peer, s->page, s->len);
	}
	w->k = w->mask + 1;
	return true;
}

static bool direct_drain(struct work *w)
{
	for (uint64_t i = 0; i <= w->mask; i++)
		PEER(direct_unmap)(w->peer, w->buffers[i].dma, w->buffers[i].len);
	return true;
}

static const char *direct_check(struct work *w)
{
	for (uint64_t i = 0; i <= w->mask; i++)
		if (w->buffers[i].dma != w->buffers[i].page)
			return "a DMA address of Linux's is not the physical one";
	return NULL;
}

static inline void direct_op(struct work *w, struct buffer *s, dmah_phys_t page)
{
	PEER(direct_unmap)(w->peer, s->dma, s->len);
	s->dma = PEER(direct_map)(w->peer, page, w->size);
	if (LIKELY_NOT(s->dma == LINUX_PEER_FAILED))
		w->failed++;
	s->len = w->size;
	s->page = page;
}

WORK_RUN(linux_run_direct, direct_op)

/* ---- swiotlb ---- */

static const char *bounce_check(struct work *w)
{
	for (uint64_t i = 0; i <= w->mask; i++) {
		const struct buffer *s = &w->buffers[i];

		if (s->dma == s->page)
			return "a mapping of Linux's did not bounce";
		if (memcmp(memory_at(s->page), memory_at(s->dma), s->len) != 0)
			return "a bounce buffer of Linux's has other bytes";
	}
	return NULL;
}

static inline void bounced_sync_op(struct work *w, struct buffer *s, dmah_phys_t page)
{
	uint32_t len = s->len;

	__asm__ volatile("" : "+r"(len) : "r"(page), "r"(s) : "memory");
	PEER(direct_sync_for_cpu)(w->peer, s->dma, len);
}

WORK_RUN(linux_run_bounced_sync, bounced_sync_op)

/* ---- set-up ---- */

const struct linux_series SERIES = {
	.version = PEER(version),
	.create = PEER(create),
	.destroy = PEER(destroy),
	.thread = PEER(thread),
	.set_latency = PEER(set_latency),
	.set_memory = PEER(set_memory),
	.bounce = PEER(bounce),
	.map = PEER(map),
	.unmap = PEER(unmap),
};

#else

/* Rows of these cases are left out, so the functions are never called. */
#define linux_fill	       NULL
#define linux_run	       NULL
#define linux_run_sync	       NULL
#define linux_drain	       NULL
#define linux_check	       NULL
#define sg_fill		       NULL
#define sg_drain	       NULL
#define sg_check	       NULL
#define linux_run_sg	       NULL
#define direct_fill	       NULL
#define direct_drain	       NULL
#define direct_check	       NULL
#define linux_run_direct       NULL
#define bounce_check	       NULL
#define linux_run_bounced_sync NULL

const struct linux_series SERIES;

#endif

#define LINUX_CASE(id, its_name, its_what, its_fill, its_run, its_drain, its_check, ...) \
	const struct bench_case CASE(id) = { .name = NAME its_name,                      \
					     .what = its_what,                           \
					     .needs = NEEDS_PEER,                        \
					     .series = &SERIES,                          \
					     .fill = its_fill,                           \
					     .run = its_run,                             \
					     .drain = its_drain,                         \
					     .check = its_check,                         \
					     __VA_ARGS__ }

LINUX_CASE(arm, "-arm",
	   "Linux " WHICH "'s map and unmap with iova.c, io-pgtable-arm.c and their callers",
	   linux_fill, linux_run, linux_drain, linux_check, .no_maps = false);
LINUX_CASE(vtd, "-vtd", "Linux " WHICH "'s map and unmap with iova.c, " TABLES " and their callers",
	   linux_fill, linux_run, linux_drain, linux_check, .no_maps = false);
LINUX_CASE(sync, "-sync", "Linux " WHICH "'s sync for the CPU, coherent device, nothing to do",
	   linux_fill, linux_run_sync, linux_drain, linux_check, .no_maps = true);
LINUX_CASE(sg1, "-sg-1", "Linux " WHICH "'s dma_unmap_sg() and dma_map_sg() of 1 page", sg_fill,
	   linux_run_sg, sg_drain, sg_check, .segments = 1);
LINUX_CASE(sg8, "-sg-8", "Linux " WHICH "'s dma_unmap_sg() and dma_map_sg() of 8 pages", sg_fill,
	   linux_run_sg, sg_drain, sg_check, .segments = 8);
LINUX_CASE(sg128, "-sg-128", "Linux " WHICH "'s dma_unmap_sg() and dma_map_sg() of 128 pages",
	   sg_fill, linux_run_sg, sg_drain, sg_check, .segments = 128);
LINUX_CASE(direct, "-direct", "Linux " WHICH "'s map and unmap without an IOMMU", direct_fill,
	   linux_run_direct, direct_drain, direct_check, .no_maps = false);
LINUX_CASE(bounce, "-swiotlb", "Linux " WHICH "'s map and unmap through swiotlb", direct_fill,
	   linux_run_direct, direct_drain, bounce_check, .no_maps = false);
LINUX_CASE(bounced_sync, "-sync-bounced-copy",
	   "Linux " WHICH "'s sync of a buffer in swiotlb, with the copy", direct_fill,
	   linux_run_bounced_sync, direct_drain, bounce_check, .no_maps = true);
