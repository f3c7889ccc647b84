// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Vectors: an operation is dmah_unmap_vec() and dmah_map_vec() of scattered pages. */
#include "cases.h"
#include "memory.h"
#include "walk.h"

#define TABLE 8192u /* pieces to choose from; a power of two */

/**
 * struct work_vectors - vectors and their pieces.
 * @vec: by buffer.
 * @segs: all pieces; a vector takes neighbours.
 */
struct work_vectors {
	struct dmah_vec *vec;
	struct dmah_seg *segs;
};

/* Returns the pieces that a page number chooses. */
static inline const struct dmah_seg *pieces_of(const struct work *w, dmah_phys_t page)
{
	return &w->vectors->segs[(page >> 12) * w->segments & (TABLE - 1)];
}

static bool fill(struct work *w)
{
	struct work_vectors *v = memory_alloc(sizeof(*v));
	uint64_t live = w->mask + 1;
	struct dmah *parts = memory_alloc(live * w->segments * sizeof(*parts));
	struct dmah_dma_seg *dma = memory_alloc(live * w->segments * sizeof(*dma));

	w->vectors = v;
	v->vec = memory_alloc(live * sizeof(*v->vec));
	v->segs = memory_alloc((TABLE + w->segments) * sizeof(*v->segs));
	for (uint32_t i = 0; i < TABLE + w->segments; i++)
		v->segs[i] =
			(struct dmah_seg){ .phys = work_page(w, i & (TABLE - 1)), .len = 4096 };
	for (uint64_t i = 0; i < live; i++) {
		v->vec[i] = (struct dmah_vec){ .part = parts + i * w->segments,
					       .seg = dma + i * w->segments,
					       .max = w->segments };
		w->buffers[i].page = work_page(w, i);
		if (dmah_map_vec(w->dev, &v->vec[i], pieces_of(w, w->buffers[i].page), w->segments,
				 DMAH_FROM_DEVICE, 0))
			return false;
	}
	w->k = live;
	return true;
}

static bool drain(struct work *w)
{
	for (uint64_t i = 0; i <= w->mask; i++)
		if (dmah_unmap_vec(w->dev, &w->vectors->vec[i]))
			return false;
	return true;
}

static inline void op(struct work *w, struct buffer *s, dmah_phys_t page)
{
	struct dmah_vec *v = &w->vectors->vec[s - w->buffers];
	int err = dmah_unmap_vec(w->dev, v);

	err |= dmah_map_vec(w->dev, v, pieces_of(w, page), w->segments, DMAH_FROM_DEVICE, 0);
	if (LIKELY_NOT(err))
		w->failed++;
	s->page = page;
}

WORK_RUN(run, op)

/* Checks that the DMA segments lead to the pieces, in order. */
static const char *check(struct work *w)
{
	for (uint64_t i = 0; i <= w->mask; i++) {
		const struct dmah_vec *v = &w->vectors->vec[i];
		const struct dmah_seg *piece = pieces_of(w, w->buffers[i].page);
		uint64_t steps = 0;
		uint32_t n = 0;

		for (uint32_t k = 0; k < v->nseg; k++)
			for (uint64_t at = 0; at < v->seg[k].len; at += 4096)
				if (n >= w->segments ||
				    walk(&w->m->pt, v->seg[k].dma + at, &steps) != piece[n++].phys)
					return "a piece of a vector leads elsewhere";
		if (n != w->segments)
			return "a vector has lost a piece";
	}
	return NULL;
}

#define VEC_CASE(id, n)                                                                  \
	const struct bench_case id = { .name = "vec-" #n,                                \
				       .what = "dmah_unmap_vec(), dmah_map_vec() of " #n \
					       " scattered pages",                       \
				       .needs = NEEDS_MACHINE,                           \
				       .fill = fill,                                     \
				       .run = run,                                       \
				       .drain = drain,                                   \
				       .check = check,                                   \
				       .segments = n }

VEC_CASE(case_vec1, 1);
VEC_CASE(case_vec8, 8);
VEC_CASE(case_vec128, 128);
