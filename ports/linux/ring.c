// SPDX-License-Identifier: GPL-2.0-only
#include "ring.h"

#include <linux/err.h>
#include <linux/export.h>
#include <linux/log2.h>
#include <linux/slab.h>

#include "domain.h"
#if IS_ENABLED(DMAH_LINUX_POOL)
#include "pool_ring.h"
#else
#include "pool.h"
#endif
#include "trace.h"

#define RING_MAX 32768u
#define SLOT_MAX SZ_32M

struct dmah_ring *dmah_ring_alloc(struct device *dev, const struct dmah_ring_config *config)
{
	struct client *c = client_of(dev);
	struct dmah_ring *r;
	int err;

	if (!c)
		return ERR_PTR(-ENODEV);
	if (config->entries < 2 || config->entries > RING_MAX || !is_power_of_2(config->entries) ||
	    !config->entry_size || config->entry_size > SLOT_MAX ||
	    !valid_dma_direction(config->dir))
		return ERR_PTR(-EINVAL);
	r = kvzalloc(struct_size(r, h, config->entries), GFP_KERNEL);
	if (!r)
		return ERR_PTR(-ENOMEM);
	r->c = c;
	r->config = *config;
	r->config.entry_size = roundup_pow_of_two(PAGE_ALIGN(config->entry_size));
	r->req.meta = meta_from_dir(config->dir);
	r->req.attrs = config->attrs;
	err = client_domain(c) || client_pool(c) ? own_ring_init(r) : 0;
	if (err && err != -EOPNOTSUPP) {
		kvfree(r);
		return ERR_PTR(err);
	}
	atomic_inc(&c->rings);
	return r;
}
EXPORT_SYMBOL_GPL(dmah_ring_alloc);

int dmah_ring_free(struct dmah_ring *r)
{
	if (IS_ERR_OR_NULL(r))
		return 0;
	if (r->in != r->out)
		return -EBUSY;
	if (r->own)
		own_ring_fini(r);
	atomic_dec(&r->c->rings);
	kvfree(r);
	return 0;
}
EXPORT_SYMBOL_GPL(dmah_ring_free);

static struct dmah *at(struct dmah_ring *r, u32 index)
{
	return &r->h[index & (r->config.entries - 1)];
}

static noinline int push_slow(struct dmah_ring *r, struct dmah *h, phys_addr_t phys, size_t len,
			      unsigned long caller)
{
	struct request req = r->req;

	/* Nothing needs the slot here, but a driver must not find that out in the other mode. */
	if (offset_in_page(phys) + len > r->config.entry_size)
		return -EINVAL;
	req.phys = phys;
	req.len = (u32)len;
	req.caller = caller;
	return map_request(r->c, h, &req);
}

int dmah_ring_push(struct dmah_ring *r, struct page *page, size_t offset, size_t len,
		   dma_addr_t *dma)
{
	phys_addr_t phys = page_to_phys(page) + offset;
	struct dmah *h = at(r, r->in);
	int err;

	if (unlikely(r->in - r->out == r->config.entries))
		return -ENOSPC;
	if (unlikely(len - 1 >= U32_MAX))
		return -EINVAL;
	if (likely(r->own)) {
		err = own_ring_push(r, h, phys, (u32)len, _RET_IP_);
		if (unlikely(err)) {
			client_count(r->c, failed_maps, 1);
			return err;
		}
		client_count(r->c, maps, 1);
		trace_dma_map_phys(r->c->dev, h, _RET_IP_);
	} else {
		err = push_slow(r, h, phys, len, _RET_IP_);
		if (err)
			return err;
	}
	*dma = h->dma;
	r->in++;
	return 0;
}
EXPORT_SYMBOL_GPL(dmah_ring_push);

/* Mappings that lie anywhere: one flush for those up to the end of the array, one for the rest. */
static int pop_slots(struct dmah_ring *r, u32 n, unsigned long caller)
{
	int err = 0, one;

	for (u32 some; n; n -= some) {
		struct dmah *h = at(r, r->out);

		some = min_t(u32, n, r->h + r->config.entries - h);
		one = pool_unmap_set(r->c, h, some, 0, caller);
		err = err ? err : one;
		for (u32 i = 0; i < some; i++)
			handle_clear(&h[i]);
		r->out += some;
	}
	return err;
}

int dmah_ring_pop(struct dmah_ring *r, u32 n)
{
	int err = 0, one;

	if (unlikely(n > r->in - r->out))
		return misuse_handle(r->c, -EINVAL, &(struct dmah){},
				     "a ring has fewer mappings than are popped", _RET_IP_);
	if (!n)
		return 0;
	if (r->own)
		own_ring_pop(r, n);
	else if (client_pool(r->c))
		return pop_slots(r, n, _RET_IP_);
	for (u32 i = 0; i < n; i++) {
		struct dmah *h = at(r, r->out + i);

		if (!r->own) {
			one = unmap_handle(r->c, h, 0, 0, _RET_IP_);
			err = err ? err : one;
			continue;
		}
		trace_dma_unmap_phys(r->c->dev, h, _RET_IP_);
		h->meta = 0;
	}
	if (r->own)
		client_count(r->c, unmaps, n);
	r->out += n;
	return err;
}
EXPORT_SYMBOL_GPL(dmah_ring_pop);

u32 dmah_ring_live(const struct dmah_ring *r)
{
	return r->in - r->out;
}
EXPORT_SYMBOL_GPL(dmah_ring_live);

static int ring_sync(struct dmah_ring *r, u32 index, size_t off, size_t len, bool for_cpu,
		     unsigned long caller)
{
	const struct dmah *h = at(r, r->out + index);

	if (index >= r->in - r->out)
		return -EINVAL;
	if (!(h->meta & META_SYNC))
		return 0;
	/* A ring's own slots are coherent and never bounce: there are the bounds to check. */
	if (client_pool(r->c) && r->own) {
		client_count(r->c, syncs, 1);
		return off <= h->len && len <= h->len - off
			       ? 0
			       : misuse_handle(r->c, -EINVAL, h,
					       "sync beyond the end of the mapping", caller);
	}
	return sync_handle(r->c, h, off, len, for_cpu, caller);
}

int dmah_ring_sync_for_cpu(struct dmah_ring *r, u32 index, size_t off, size_t len)
{
	return ring_sync(r, index, off, len, true, _RET_IP_);
}
EXPORT_SYMBOL_GPL(dmah_ring_sync_for_cpu);

int dmah_ring_sync_for_device(struct dmah_ring *r, u32 index, size_t off, size_t len)
{
	return ring_sync(r, index, off, len, false, _RET_IP_);
}
EXPORT_SYMBOL_GPL(dmah_ring_sync_for_device);
