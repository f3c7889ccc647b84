// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Batches of 32, 16 of them under way. Each batch is begun, its buffers are mapped anew at once, and it is waited for only
 * after 15 others have begun. A run ends when all batches are finished.
 */
#include "cases.h"
#include "memory.h"

/**
 * struct work_batches - batches under way.
 * @b: the batches, used in turn.
 * @next: number of the batch that is finished and used next.
 * @mark: number of the batch that is being gathered; a buffer is in it once.
 */
struct work_batches {
	struct dmah_batch b[WORK_BATCHES];
	unsigned int next;
	uint32_t mark;
};

static bool batch_fill(struct work *w)
{
	struct work_batches *bs = memory_alloc(sizeof(*bs));

	w->batches = bs;
	for (unsigned int i = 0; i < WORK_BATCHES; i++)
		bs->b[i] = (struct dmah_batch){
			.h = memory_alloc(WORK_BATCH * sizeof(struct dmah)),
			.max = WORK_BATCH,
		};
	return handles_fill(w);
}

static inline __attribute__((always_inline)) uint64_t gather(struct work *w, struct dmah **h,
							     uint64_t k, bool fifo, bool serialised)
{
	uint64_t rng = w->rng, mask = w->mask;
	uint32_t mark = ++w->batches->mark;

	for (unsigned int n = 0; n < WORK_BATCH;) {
		uint64_t i = (k + n) & mask;
		struct buffer *s;

		if (!fifo) {
			rng = rng * 6364136223846793005u + 1442695040888963407u;
			i = rng >> 33 & mask;
		}
		s = &w->buffers[i];
		if (s->mark == mark)
			continue;
		if (serialised)
			clock_serialise();
		s->mark = mark;
		h[n++] = &s->h;
	}
	w->rng = rng;
	return k + WORK_BATCH;
}

static inline __attribute__((always_inline)) void batches(struct work *w, uint64_t n, bool fifo,
							  bool serialised)
{
	struct work_batches *bs = w->batches;
	uint64_t end = w->k + n;
	int err = 0;

	while ((int64_t)(end - w->k) > 0) {
		struct dmah_batch *b = &bs->b[bs->next++ % WORK_BATCHES];
		struct dmah *h[WORK_BATCH];
		uint64_t k = w->k;

		err |= dmah_unmap_finish(w->dev, b);
		w->k = gather(w, h, k, fifo, serialised);
		err |= dmah_unmap_start(w->dev, b, h, WORK_BATCH);
		for (unsigned int i = 0; i < WORK_BATCH; i++) {
			struct buffer *s = (struct buffer *)(void *)h[i];
			dmah_phys_t page = work_page(w, k + i);

			err |= dmah_map(w->dev, &s->h, page, w->size, DMAH_FROM_DEVICE, 0);
			s->page = page;
		}
	}
	for (unsigned int i = 0; i < WORK_BATCHES; i++)
		err |= dmah_unmap_finish(w->dev, &bs->b[bs->next++ % WORK_BATCHES]);
	if (err)
		w->failed++;
}

static void batch_run(struct work *w, uint64_t n)
{
	if (w->fifo && w->serialised)
		batches(w, n, true, true);
	else if (w->fifo)
		batches(w, n, true, false);
	else if (w->serialised)
		batches(w, n, false, true);
	else
		batches(w, n, false, false);
}

const struct bench_case case_batch = {
	.name = "batch-32",
	.what = "dmah_unmap_start() of 32, dmah_map() of each, 16 batches under way",
	.needs = NEEDS_MACHINE,
	.fill = batch_fill,
	.run = batch_run,
	.drain = handles_drain,
	.check = handles_check,
};
