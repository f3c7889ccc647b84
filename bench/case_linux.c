// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Linux's own code, where it was built (peers/linux). */
#include "cases.h"
#include "memory.h"

#ifdef HAVE_LINUX_PEER

static bool linux_fill(struct work *w)
{
	for (uint64_t i = 0; i <= w->mask; i++) {
		struct buffer *s = &w->buffers[i];

		s->page = work_page(w, i);
		s->len = w->size;
		s->dma = linux_peer_map(w->peer, s->page, s->len);
		if (s->dma == LINUX_PEER_FAILED)
			return false;
	}
	w->k = w->mask + 1;
	return true;
}

static bool linux_drain(struct work *w)
{
	for (uint64_t i = 0; i <= w->mask; i++)
		linux_peer_unmap(w->peer, w->buffers[i].dma, w->buffers[i].len);
	return true;
}

static const char *linux_check(struct work *w)
{
	for (uint64_t i = 0; i <= w->mask; i++) {
		const struct buffer *s = &w->buffers[i];

		for (uint64_t at = 0; at < s->len; at += 4096 - ((s->dma + at) & 4095))
			if (linux_peer_iova_to_phys(w->peer, s->dma + at) != s->page + at)
				return "a mapping of Linux's leads elsewhere";
	}
	return NULL;
}

static inline void op(struct work *w, struct buffer *s, dmah_phys_t page)
{
	linux_peer_unmap(w->peer, s->dma, s->len);
	s->dma = linux_peer_map(w->peer, page, w->size);
	if (LIKELY_NOT(s->dma == LINUX_PEER_FAILED))
		w->failed++;
	s->len = w->size;
	s->page = page;
}

WORK_RUN(linux_run, op)

static inline void sync_op(struct work *w, struct buffer *s, dmah_phys_t page)
{
	uint32_t len = s->len;

	__asm__ volatile("" : "+r"(len) : "r"(page), "r"(s) : "memory");
	linux_peer_sync_for_cpu(w->peer, s->dma, len);
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
	return linux_peer_map_sg(w->peer, w->lists->sg[s - w->buffers], pages_of(w, page),
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
		l->sg[i] = linux_peer_sg_create(w->segments);
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
		linux_peer_unmap_sg(w->peer, w->lists->sg[i], w->segments);
	return true;
}

static inline void sg_op(struct work *w, struct buffer *s, dmah_phys_t page)
{
	linux_peer_unmap_sg(w->peer, w->lists->sg[s - w->buffers], w->segments);
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
			uint64_t dma = linux_peer_sg_dma(w->lists->sg[i], k * 4096ull);

			if (linux_peer_iova_to_phys(w->peer, dma) != page[k])
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
		s->dma = linux_peer_direct_map(w->peer, s->page, s->len);
	}
	w->k = w->mask + 1;
	return true;
}

static bool direct_drain(struct work *w)
{
	for (uint64_t i = 0; i <= w->mask; i++)
		linux_peer_direct_unmap(w->peer, w->buffers[i].dma, w->buffers[i].len);
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
	linux_peer_direct_unmap(w->peer, s->dma, s->len);
	s->dma = linux_peer_direct_map(w->peer, page, w->size);
	if (LIKELY_NOT(s->dma == LINUX_PEER_FAILED))
		w->failed++;
	s->len = w->size;
	s->page = page;
}

WORK_RUN(linux_run_direct, direct_op)

#else

/* Rows of these cases are left out, so the functions are never called. */
#define linux_fill	 NULL
#define linux_run	 NULL
#define linux_run_sync	 NULL
#define linux_drain	 NULL
#define linux_check	 NULL
#define sg_fill		 NULL
#define sg_drain	 NULL
#define sg_check	 NULL
#define linux_run_sg	 NULL
#define direct_fill	 NULL
#define direct_drain	 NULL
#define direct_check	 NULL
#define linux_run_direct NULL

#endif

const struct bench_case case_linux_arm = {
	.name = "linux-arm",
	.what = "Linux's map and unmap with iova.c, io-pgtable-arm.c and their callers",
	.needs = NEEDS_PEER,
	.fill = linux_fill,
	.run = linux_run,
	.drain = linux_drain,
	.check = linux_check,
};

const struct bench_case case_linux_vtd = {
	.name = "linux-vtd",
	.what = "Linux's map and unmap with iova.c, intel/iommu.c and their callers",
	.needs = NEEDS_PEER,
	.fill = linux_fill,
	.run = linux_run,
	.drain = linux_drain,
	.check = linux_check,
};

const struct bench_case case_linux_sync = {
	.name = "linux-sync",
	.what = "Linux's sync for the CPU, coherent device, nothing to do",
	.needs = NEEDS_PEER,
	.fill = linux_fill,
	.run = linux_run_sync,
	.drain = linux_drain,
	.check = linux_check,
	.no_maps = true,
};

#define SG_CASE(id, count)                                                   \
	const struct bench_case id = {                                       \
		.name = "linux-sg-" #count,                                  \
		.what = "Linux's unmap and map of a scatter list of " #count \
			" pages, which the caller fills before",             \
		.needs = NEEDS_PEER,                                         \
		.fill = sg_fill,                                             \
		.run = linux_run_sg,                                         \
		.drain = sg_drain,                                           \
		.check = sg_check,                                           \
		.segments = count                                            \
	}

SG_CASE(case_linux_sg1, 1);
SG_CASE(case_linux_sg8, 8);
SG_CASE(case_linux_sg128, 128);

const struct bench_case case_linux_direct = {
	.name = "linux-direct",
	.what = "Linux's map and unmap without an IOMMU: dma_direct_map_page() and its callers' "
		"tests left out",
	.needs = NEEDS_PEER,
	.fill = direct_fill,
	.run = linux_run_direct,
	.drain = direct_drain,
	.check = direct_check,
};
