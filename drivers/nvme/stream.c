/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Requests whose buffers are mapped by a ring. Buffers are mapped and unmapped in the order of
 * submission, even where the requests complete out of order.
 */
#include "nvme_int.h"

#define MAX_BYTES (1u << 20)

/* A ring entry also covers the bytes before the buffer in its first page. */
static struct dmah_ring_config ring_config(uint32_t max_bytes, enum dmah_dir dir)
{
	return (struct dmah_ring_config){
		.entries = NVME_DEPTH,
		.entry_size = max_bytes + NVME_PAGE,
		.dir = dir,
	};
}

static bool makes_sense(uint32_t max_bytes, enum dmah_dir dir)
{
	return max_bytes && max_bytes <= MAX_BYTES &&
	       (dir == DMAH_TO_DEVICE || dir == DMAH_FROM_DEVICE);
}

size_t nvme_stream_memory(uint32_t max_bytes, enum dmah_dir dir)
{
	struct dmah_ring_config config = ring_config(max_bytes, dir);

	return makes_sense(max_bytes, dir) ? dmah_ring_memory(&config) : 0;
}

int nvme_stream_init(struct nvme_stream *s, struct nvme *n, uint32_t max_bytes, enum dmah_dir dir,
		     void *memory, size_t size)
{
	struct dmah_ring_config config = ring_config(max_bytes, dir);

	if (!makes_sense(max_bytes, dir))
		return DMAH_EINVAL;
	*s = (struct nvme_stream){ .n = n, .dir = dir };
	return dmah_ring_init(&s->ring, n->dev, &config, memory, size);
}

int nvme_stream_fini(struct nvme_stream *s)
{
	return dmah_ring_fini(s->ring);
}

int nvme_stream_submit(struct nvme_stream *s, uint64_t lba, uint32_t blocks, dmah_phys_t phys)
{
	struct nvme_io *io = &s->io[s->next % NVME_DEPTH];
	struct dmah_dma_seg seg;
	int err = nvme_io_room(s->n);

	/*
	 * A push cannot be undone out of order, so every check that may fail comes before the push.
	 */
	if (!err)
		err = nvme_io_check(s->n, blocks, s->dir, &seg.len);
	if (!err && phys % 4)
		err = DMAH_EINVAL;
	if (!err && nvme_stream_live(s) == NVME_DEPTH)
		err = DMAH_ENOSPC;
	if (!err)
		err = dmah_ring_push(s->ring, phys, seg.len, &seg.dma);
	if (err)
		return err;
	/*
	 * If PRP entries cannot describe the mapping, the request ends now, and is taken in its
	 * turn.
	 */
	if (nvme_io_start(s->n, io, s->dir, lba, blocks, &seg, 1))
		io->status = NVME_INVALID_PRP;
	s->next++;
	return DMAH_OK;
}

int nvme_stream_take(struct nvme_stream *s, uint16_t *status, uint32_t max)
{
	uint32_t n = 0;
	int err;

	while (n < max && n < nvme_stream_live(s) && !s->io[(s->first + n) % NVME_DEPTH].busy)
		n++;
	err = dmah_ring_pop(s->ring, n);
	if (err && err != DMAH_ETIMEDOUT)
		return err;
	for (uint32_t i = 0; status && i < n; i++)
		status[i] = s->io[(s->first + i) % NVME_DEPTH].status;
	s->first += n;
	return err ? err : (int)n;
}

int nvme_stream_wait(struct nvme_stream *s)
{
	if (!nvme_stream_live(s))
		return DMAH_OK;
	return nvme_io_wait(s->n, &s->io[s->first % NVME_DEPTH]);
}
