// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* The loop alone, and the floor: the least work that any mapping behind an IOMMU takes. */
#include "cases.h"
#include "memory.h"

#define RING_ENTRIES 4096u
#define PTE_BITS     0x3u

static bool nothing(struct work *w)
{
	(void)w;
	return true;
}

static bool fill_buffers(struct work *w)
{
	for (uint64_t i = 0; i <= w->mask; i++) {
		w->buffers[i].page = work_page(w, i);
		w->buffers[i].dma = w->buffers[i].page;
		w->buffers[i].len = w->size;
	}
	w->k = w->mask + 1;
	return true;
}

static const char *check_buffers(struct work *w)
{
	for (uint64_t i = 0; i <= w->mask; i++)
		if (w->buffers[i].dma != w->buffers[i].page || w->buffers[i].len != w->size)
			return "a buffer record has changed";
	return NULL;
}

/* Reads the arguments of an unmap and writes the results of a map. */
static inline void harness(struct work *w, struct buffer *s, dmah_phys_t page)
{
	dmah_addr_t dma = s->dma;
	uint32_t len = s->len;

	__asm__ volatile("" : : "r"(dma), "r"(len) : "memory");
	s->dma = page;
	s->len = w->size;
	s->page = page;
}

WORK_RUN(run_harness, harness)

const struct bench_case case_harness = {
	.name = "harness",
	.what = "the loop alone: a buffer record is chosen, read and written",
	.fill = fill_buffers,
	.run = run_harness,
	.drain = nothing,
	.check = check_buffers,
};

/* The loop around a sync, which writes nothing. */
static inline void harness_sync(struct work *w, struct buffer *s, dmah_phys_t page)
{
	uint32_t len = s->len;

	(void)w;
	__asm__ volatile("" : : "r"(len), "r"(page), "r"(s) : "memory");
}

WORK_RUN(run_harness_sync, harness_sync)

const struct bench_case case_harness_sync = {
	.name = "harness-sync",
	.what = "the loop around a sync alone",
	.fill = fill_buffers,
	.run = run_harness_sync,
	.drain = nothing,
	.check = check_buffers,
	.no_maps = true,
};

static bool fill_floor(struct work *w)
{
	w->pte = memory_alloc((w->mask + 1) * sizeof(*w->pte));
	w->ring = memory_alloc(RING_ENTRIES * 16);
	for (uint64_t i = 0; i <= w->mask; i++)
		w->pte[i] = work_page(w, i) | PTE_BITS;
	return fill_buffers(w);
}

static inline void floor_op(struct work *w, struct buffer *s, dmah_phys_t page)
{
	dmah_addr_t dma = s->dma;
	uint32_t len = s->len;
	uint64_t i = (uint64_t)(s - w->buffers);
	uint64_t *pte = &w->pte[i], *d = &w->ring[(w->tail++ & (RING_ENTRIES - 1)) * 2];

	__asm__ volatile("" : : "r"(dma), "r"(len) : "memory");
	__atomic_store_n(pte, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&d[0], 2, __ATOMIC_RELAXED);
	__atomic_store_n(&d[1], i << 12, __ATOMIC_RELAXED);
	__atomic_store_n(pte, page | PTE_BITS, __ATOMIC_RELEASE);
	s->dma = page;
	s->len = w->size;
	s->page = page;
}

WORK_RUN(run_floor, floor_op)

static const char *check_floor(struct work *w)
{
	for (uint64_t i = 0; i <= w->mask; i++)
		if (w->pte[i] != (w->buffers[i].page | PTE_BITS))
			return "an entry has changed";
	return check_buffers(w);
}

const struct bench_case case_floor = {
	.name = "floor",
	.what = "one entry cleared, one 16-byte descriptor, one entry written: no allocation, no "
		"check",
	.fill = fill_floor,
	.run = run_floor,
	.drain = nothing,
	.check = check_floor,
};
