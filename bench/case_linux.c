// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Linux's own code, where it was built (peers/linux). */
#include "cases.h"

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

#else

/* Rows of these cases are left out, so the functions are never called. */
#define linux_fill     NULL
#define linux_run      NULL
#define linux_run_sync NULL
#define linux_drain    NULL
#define linux_check    NULL

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
