// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Rings: the oldest mappings end and new ones begin, one or 32 at a time. */
#include "cases.h"
#include "memory.h"

#define POP 32u

static bool ring_fill(struct work *w)
{
	struct dmah_ring_config config = { .entries = (uint32_t)w->mask + 1,
					   .entry_size = w->size,
					   .dir = DMAH_FROM_DEVICE };
	size_t need = dmah_ring_memory(&config);

	if (!need || dmah_ring_init(&w->dma_ring, w->dev, &config, memory_alloc(need), need))
		return false;
	for (uint64_t i = 0; i <= w->mask; i++) {
		struct buffer *s = &w->buffers[i];

		s->page = work_page(w, i);
		s->len = w->size;
		if (dmah_ring_push(w->dma_ring, s->page, w->size, &s->dma))
			return false;
	}
	w->k = w->mask + 1;
	return true;
}

static bool ring_drain(struct work *w)
{
	return !dmah_ring_pop(w->dma_ring, (uint32_t)w->mask + 1) && !dmah_ring_fini(w->dma_ring);
}

static const char *ring_check(struct work *w)
{
	if (dmah_ring_live(w->dma_ring) != w->mask + 1)
		return "a ring has another number of mappings";
	for (uint64_t i = 0; i <= w->mask; i++) {
		const struct buffer *s = &w->buffers[i];
		const char *why = work_check_buffer(w, s, s->dma, s->len);

		if (why)
			return why;
	}
	return NULL;
}

static inline void op(struct work *w, struct buffer *s, dmah_phys_t page)
{
	int err = dmah_ring_pop(w->dma_ring, 1);

	err |= dmah_ring_push(w->dma_ring, page, w->size, &s->dma);
	if (LIKELY_NOT(err))
		w->failed++;
	s->len = w->size;
	s->page = page;
}

WORK_RUN(ring_run, op)

static inline __attribute__((always_inline)) void by_32(struct work *w, uint64_t n, bool serialised)
{
	uint64_t k = w->k, end = k + n;
	int err = 0;

	while ((int64_t)(end - k) > 0) {
		err |= dmah_ring_pop(w->dma_ring, POP);
		for (unsigned int i = 0; i < POP; i++, k++) {
			struct buffer *s = &w->buffers[k & w->mask];
			dmah_phys_t page = work_page(w, k);

			if (serialised)
				clock_serialise();
			err |= dmah_ring_push(w->dma_ring, page, w->size, &s->dma);
			s->len = w->size;
			s->page = page;
		}
	}
	if (err)
		w->failed++;
	w->k = k;
}

static void ring_run_32(struct work *w, uint64_t n)
{
	if (w->serialised)
		by_32(w, n, true);
	else
		by_32(w, n, false);
}

const struct bench_case case_ring = {
	.name = "ring",
	.what = "dmah_ring_pop() of one, dmah_ring_push()",
	.needs = NEEDS_MACHINE,
	.fill = ring_fill,
	.run = ring_run,
	.drain = ring_drain,
	.check = ring_check,
};

const struct bench_case case_ring32 = {
	.name = "ring-32",
	.what = "dmah_ring_pop() of 32, and as many dmah_ring_push()",
	.needs = NEEDS_MACHINE,
	.fill = ring_fill,
	.run = ring_run_32,
	.drain = ring_drain,
	.check = ring_check,
};
