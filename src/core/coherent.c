/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "base/check.h"
#include "base/count.h"
#include "base/withheld.h"
#include "core/map.h"

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

int dmah_alloc_coherent_caller(struct dmah_device *dev, struct dmah *h, uint64_t len, void **cpu,
			       const void *caller)
{
	struct map_req req = { .dir = DMAH_BIDIRECTIONAL,
			       .attrs = DMAH_ATTR_NO_CPU_SYNC | DMAH_ATTR_NO_BOUNCE,
			       .coherent = true };
	unsigned int flags;
	int err;

	if (h->meta || !len || len > UINT32_MAX - (DMAH_PAGE_SIZE - 1))
		return DMAH_EINVAL;
	if (!dev->dom || is_killed(dev))
		return DMAH_ENODEV;
	dmah_withheld_release(dev->dom);
	req.len = page_round(len);
	flags = dev->limits.flags & DMAH_DEV_COHERENT ? 0 : DMAH_ALLOC_UNCACHED;
	*cpu = dmah_host_mem_alloc(req.len, dev->dom->ops->highest(dev), flags, &req.phys);
	if (!*cpu) {
		count(dev, failed_maps, 1);
		return DMAH_ENOMEM;
	}
	err = coherent_map(dev, h, &req);
	if (err) {
		give_back(dev, req.phys, req.len, err);
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
