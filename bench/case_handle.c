// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* The handle API. */
#include "cases.h"

static enum dmah_dir dir_of(const struct work *w)
{
	return w->c->dir ? w->c->dir : DMAH_FROM_DEVICE;
}

bool handles_fill(struct work *w)
{
	for (uint64_t i = 0; i <= w->mask; i++) {
		struct buffer *s = &w->buffers[i];

		s->page = work_page(w, i);
		if (dmah_map(w->dev, &s->h, s->page, w->size, dir_of(w), 0))
			return false;
	}
	w->k = w->mask + 1;
	return true;
}

bool handles_drain(struct work *w)
{
	for (uint64_t i = 0; i <= w->mask; i++)
		if (dmah_unmap(w->dev, &w->buffers[i].h))
			return false;
	return true;
}

const char *handles_check(struct work *w)
{
	for (uint64_t i = 0; i <= w->mask; i++) {
		const struct buffer *s = &w->buffers[i];
		const char *why;

		if (dmah_length(&s->h) != w->size || dmah_direction(&s->h) != dir_of(w))
			return "a handle has another length or direction";
		why = work_check_buffer(w, s, dmah_addr(&s->h), w->size);
		if (why)
			return why;
	}
	return NULL;
}

static inline void handle(struct work *w, struct buffer *s, dmah_phys_t page)
{
	int err = dmah_unmap(w->dev, &s->h);

	err |= dmah_map_page(w->dev, &s->h, page, 0, w->size, DMAH_FROM_DEVICE);
	if (LIKELY_NOT(err))
		w->failed++;
	s->page = page;
}

WORK_RUN(run_handle, handle)

const struct bench_case case_handle = {
	.name = "handle",
	.what = "dmah_unmap(), dmah_map_page()",
	.needs = NEEDS_MACHINE,
	.fill = handles_fill,
	.run = run_handle,
	.drain = handles_drain,
	.check = handles_check,
};

static inline void replace(struct work *w, struct buffer *s, dmah_phys_t page)
{
	if (LIKELY_NOT(dmah_replace(w->dev, &s->h, page, w->size, DMAH_FROM_DEVICE)))
		w->failed++;
	s->page = page;
}

WORK_RUN(run_replace, replace)

const struct bench_case case_replace = {
	.name = "replace",
	.what = "dmah_replace()",
	.needs = NEEDS_MACHINE,
	.fill = handles_fill,
	.run = run_replace,
	.drain = handles_drain,
	.check = handles_check,
};
