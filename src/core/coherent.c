/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "base/check.h"
#include "base/count.h"
#include "base/request.h"
#include "base/withheld.h"
#include "core/map.h"

/* Places in memory that are tried for one allocation. */
#define PLACES 8u

static uint32_t page_round(uint64_t len)
{
	return (uint32_t)((len + DMAH_PAGE_SIZE - 1) & ~(uint64_t)(DMAH_PAGE_SIZE - 1));
}

static int coherent_map(struct dmah_device *dev, struct dmah *h, const struct map_req *req)
{
	int err = dev->dom->ops->map(dev, h, req);

	if (err) {
		handle_clear(h);
		return err;
	}
	h->meta = (h->meta | META_COHERENT) & ~META_SYNC;
	/* The host is given back what the handle says. */
	h->backend = handle_seal(h, h->backend);
	return DMAH_OK;
}

/*
 * Free memory after its unmap returned @err. If the hardware did not confirm, free only after a
 * later flush.
 */
static void give_back(struct dmah_device *dev, dmah_phys_t phys, uint32_t len, int err)
{
	if (err == DMAH_ETIMEDOUT)
		dmah_withhold(dev, phys, len);
	else
		dmah_host_mem_free(phys, len);
}

/**
 * struct search - the search for memory that the device can be given.
 * @flags: for the host.
 * @phys, @len, @n: memory that is held until the end of the search, so that the host gives other memory.
 */
struct search {
	unsigned int flags;
	dmah_phys_t phys[PLACES];
	uint32_t len[PLACES];
	unsigned int n;
};

static void hold(struct search *s, dmah_phys_t phys, uint32_t len)
{
	s->phys[s->n] = phys;
	s->len[s->n++] = len;
}

/*
 * Make the host's next memory another one than @req's, which was misplaced. Where that crosses a boundary, hold only the
 * bytes in front of the boundary, so that the next memory may begin there.
 */
static void move_on(struct dmah_device *dev, struct search *s, const struct map_req *req,
		    dmah_phys_t limit)
{
	dmah_phys_t at = dev->dom->ops->crossing(dev, req->phys, req->len), filler;

	if (at == req->phys) {
		hold(s, req->phys, req->len);
		return;
	}
	dmah_host_mem_free(req->phys, req->len);
	if (dmah_host_mem_alloc((size_t)(at - req->phys), limit, s->flags, &filler))
		hold(s, filler, (uint32_t)(at - req->phys));
}

/* Allocate and map memory up to @limit. Return: as dmah_alloc_coherent(); DMAH_ERANGE: @req has misplaced memory. */
static int try_place(struct dmah_device *dev, struct dmah *h, struct map_req *req,
		     const struct search *s, dmah_phys_t limit, void **cpu)
{
	int err;

	*cpu = dmah_host_mem_alloc(req->len, limit, s->flags, &req->phys);
	if (!*cpu)
		return DMAH_ENOMEM;
	err = coherent_map(dev, h, req);
	if (err && err != DMAH_ERANGE)
		give_back(dev, req->phys, req->len, err);
	return err;
}

/* Hosts that hand out memory from its high end find a place that ends at the boundary. */
static int try_below(struct dmah_device *dev, struct dmah *h, struct map_req *req,
		     const struct search *s, void **cpu)
{
	dmah_phys_t at = dev->dom->ops->crossing(dev, req->phys, req->len);
	struct map_req below = *req;
	int err;

	if (at == req->phys)
		return DMAH_ERANGE;
	err = try_place(dev, h, &below, s, at - 1, cpu);
	if (err == DMAH_ERANGE)
		dmah_host_mem_free(below.phys, below.len);
	if (!err) {
		dmah_host_mem_free(req->phys, req->len);
		req->phys = below.phys;
	}
	return err == DMAH_ENOMEM ? DMAH_ERANGE : err;
}

/* Find memory that the device can be given, and map it. */
static int place(struct dmah_device *dev, struct dmah *h, struct map_req *req, void **cpu)
{
	struct search s = { .flags = dev->limits.flags & DMAH_DEV_COHERENT ? 0
									   : DMAH_ALLOC_UNCACHED };
	dmah_phys_t limit = dev->dom->ops->highest(dev);
	bool misplaced = false;
	int err;

	for (unsigned int i = 0; i < PLACES; i++) {
		err = try_place(dev, h, req, &s, limit, cpu);
		if (err != DMAH_ERANGE)
			break;
		misplaced = true;
		err = try_below(dev, h, req, &s, cpu);
		if (!err)
			break;
		move_on(dev, &s, req, limit);
		if (err != DMAH_ERANGE)
			break;
	}
	while (s.n--)
		dmah_host_mem_free(s.phys[s.n], s.len[s.n]);
	return err == DMAH_ENOMEM && misplaced ? DMAH_ERANGE : err;
}

int dmah_alloc_coherent_caller(struct dmah_device *dev, struct dmah *h, uint64_t len, void **cpu,
			       const void *caller)
{
	struct map_req req = { .dir = DMAH_BIDIRECTIONAL,
			       .attrs = DMAH_ATTR_NO_CPU_SYNC | DMAH_ATTR_NO_BOUNCE,
			       .coherent = true };
	int err;

	*cpu = NULL;
	if (h->meta || !len || len > UINT32_MAX - (DMAH_PAGE_SIZE - 1))
		return DMAH_EINVAL;
	err = dmah_map_check(dev, &req, len);
	if (err == DMAH_ENODEV)
		return err;
	dmah_withheld_release(dev->dom);
	req.len = page_round(len);
	if (!err && dev->limits.boundary && req.len > dev->limits.boundary)
		err = DMAH_ERANGE;
	if (!err)
		err = place(dev, h, &req, cpu);
	if (err) {
		*cpu = NULL;
		count(dev, failed_maps, 1);
		return err;
	}
	dmah_check_map(dev, h);
	dmah_history_map(dev, h, caller);
	return DMAH_OK;
}

int dmah_alloc_coherent(struct dmah_device *dev, struct dmah *h, uint64_t len, void **cpu)
{
	return dmah_alloc_coherent_caller(dev, h, len, cpu, __builtin_return_address(0));
}

int dmah_free_coherent(struct dmah_device *dev, struct dmah *h)
{
	dmah_phys_t phys = h->phys;
	uint32_t len = h->len;
	int err;

	if (!h->meta)
		return DMAH_OK;
	err = dmah_unmap_general(dev, h, META_COHERENT, __builtin_return_address(0));
	if (err && err != DMAH_ETIMEDOUT)
		return err;
	give_back(dev, phys, len, err);
	dmah_withheld_release(dev->dom);
	return err;
}
