/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Reads and writes, and requests whose buffers are mapped by handle. NVM Command Set Specification
 * 1.0, sections 3.2.4 and 3.2.6.
 */
#include "nvme_int.h"

/*
 * Reading CSTS takes longer than reading a completion entry, so do it only once in so many polls.
 */
#define SPINS 4096u

/* ---- commands ---- */

int nvme_io_room(const struct nvme *n)
{
	if (!n->queue.sq)
		return DMAH_ENODEV;
	return n->free ? DMAH_OK : DMAH_ENOSPC;
}

int nvme_io_check(const struct nvme *n, uint32_t blocks, enum dmah_dir dir, uint32_t *len)
{
	if (!blocks || (dir != DMAH_TO_DEVICE && dir != DMAH_FROM_DEVICE))
		return DMAH_EINVAL;
	if (blocks > n->max_bytes / n->block_size)
		return DMAH_ERANGE;
	*len = blocks * n->block_size;
	return DMAH_OK;
}

int nvme_io_start(struct nvme *n, struct nvme_io *io, enum dmah_dir dir, uint64_t lba,
		  uint32_t blocks, const struct dmah_dma_seg *seg, uint32_t nseg)
{
	uint32_t cid = (uint32_t)__builtin_ctz(n->free);
	struct nvme_command c = {
		.cdw0 = (dir == DMAH_TO_DEVICE ? IO_WRITE : IO_READ) | cid << 16,
		.nsid = 1,
		.cdw10 = (uint32_t)lba,
		.cdw11 = (uint32_t)(lba >> 32),
		.cdw12 = blocks - 1,
	};
	int err = nvme_prp(&c, n->lists + cid * NVME_LIST, dmah_addr(&n->lists_h) + cid * NVME_PAGE,
			   seg, nseg);

	if (err)
		return err;
	io->cid = (uint16_t)cid;
	io->status = 0;
	io->busy = true;
	io->next = NULL;
	n->io[cid] = io;
	n->free &= ~(1u << cid);
	nvme_queue_put(&n->queue, &c);
	return DMAH_OK;
}

static void end(struct nvme *n, uint32_t cid, uint16_t status)
{
	struct nvme_io *io = n->io[cid];

	n->io[cid] = NULL;
	n->free |= 1u << cid;
	io->status = status;
	io->busy = false;
	if (!io->handle)
		return;
	io->next = n->ended;
	n->ended = io;
}

/* ---- requests ---- */

static struct nvme_request *request_of(struct nvme_io *io)
{
	return (struct nvme_request *)(void *)((char *)io - offsetof(struct nvme_request, io));
}

static int map(struct nvme *n, struct nvme_request *r, uint32_t len)
{
	uint64_t total = 0;

	if (!r->nsegs)
		return dmah_map(n->dev, &r->h, r->phys, len, r->dir, 0);
	if (r->nsegs > NVME_PIECES)
		return DMAH_EINVAL;
	for (uint32_t i = 0; i < r->nsegs; i++)
		total += r->segs[i].len;
	if (total != len)
		return DMAH_EINVAL;
	r->vec = (struct dmah_vec){ .part = r->part, .seg = r->seg, .max = NVME_PIECES };
	return dmah_map_vec(n->dev, &r->vec, r->segs, r->nsegs, r->dir, 0);
}

int nvme_submit(struct nvme *n, struct nvme_request *r)
{
	struct dmah_dma_seg one;
	uint32_t len;
	int err = r->io.busy ? DMAH_EBUSY : nvme_io_room(n);

	if (!err)
		err = nvme_io_check(n, r->blocks, r->dir, &len);
	if (!err)
		err = map(n, r, len);
	if (err)
		return err;
	one = (struct dmah_dma_seg){ .dma = dmah_addr(&r->h), .len = len };
	r->done = false;
	r->err = 0;
	r->io.handle = true;
	err = nvme_io_start(n, &r->io, r->dir, r->lba, r->blocks, r->nsegs ? r->seg : &one,
			    r->nsegs ? r->vec.nseg : 1);
	if (err && r->nsegs)
		(void)dmah_unmap_vec(n->dev, &r->vec);
	else if (err)
		(void)dmah_unmap(n->dev, &r->h);
	return err;
}

void nvme_ring(struct nvme *n)
{
	nvme_queue_ring(n, &n->queue);
}

/* Unmap the buffers of all requests that ended: requests with one handle in one batch. */
static void finish(struct nvme *n)
{
	struct dmah_batch batch = { .h = n->held, .max = NVME_DEPTH };
	struct nvme_io *list = n->ended, *io;
	struct dmah *h[NVME_DEPTH] = { NULL };
	struct nvme_request *r;
	uint32_t count = 0;
	int err;

	n->ended = NULL;
	for (io = list; io; io = io->next)
		if (dmah_mapped(&request_of(io)->h))
			h[count++] = &request_of(io)->h;
	err = dmah_unmap_start(n->dev, &batch, h, count);
	for (io = list; io; io = io->next) {
		r = request_of(io);
		r->err = r->vec.nparts ? dmah_unmap_vec(n->dev, &r->vec) : err;
	}
	err = dmah_unmap_finish(n->dev, &batch);
	while (list) {
		io = list;
		list = io->next;
		r = request_of(io);
		if (!r->err)
			r->err = err;
		if (!r->err)
			r->err = io->status;
		r->done = true;
	}
}

unsigned int nvme_poll(struct nvme *n)
{
	struct nvme_completion c;
	unsigned int count = 0;

	if (!n->queue.cq)
		return 0;
	while (count < n->queue.entries && nvme_queue_take(&n->queue, &c)) {
		uint32_t cid = END_CID(c.end);

		count++;
		/*
		 * Ignore a command identifier that is not under way: a broken device may return
		 * any.
		 */
		if (cid < n->depth && n->io[cid])
			end(n, cid, END_STATUS(c.end));
		else
			dmah_host_report(n->dev, DMAH_EINVAL, "completion of no command", cid,
					 NULL);
	}
	if (count)
		nvme_queue_taken(n, &n->queue);
	if (n->ended)
		finish(n);
	return count;
}

int nvme_io_wait(struct nvme *n, const struct nvme_io *io)
{
	uint64_t begun = dmah_host_now();
	int err;

	for (uint32_t spins = 1; io->busy; spins++) {
		if (nvme_poll(n))
			continue;
		if (!(spins % SPINS)) {
			err = nvme_dead(n);
			if (err)
				return err;
		}
		if (dmah_host_now() - begun > n->timeout_ns)
			return DMAH_ETIMEDOUT;
		dmah_host_relax();
	}
	return DMAH_OK;
}

int nvme_wait(struct nvme *n, struct nvme_request *r)
{
	int err = nvme_io_wait(n, &r->io);

	return err ? err : r->err;
}

void nvme_io_abort(struct nvme *n)
{
	for (uint32_t cid = 0; cid < NVME_DEPTH; cid++)
		if (n->io[cid])
			end(n, cid, NVME_ABORTED);
	if (n->ended)
		finish(n);
}
