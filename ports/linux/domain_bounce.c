// SPDX-License-Identifier: GPL-2.0-only
/*
 * An untrusted device reaches whole granules, so a buffer that shares one with something else
 * stands in a slot: the library's bounce pool (src/base/pool.c), whose record says where a slot's
 * bytes belong.
 */
#include <linux/gfp.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "domain_int.h"
#include "slots.h"

/* Bytes of slots. */
#define POOL_SIZE SZ_2M

int bounce_begin(struct domain *d)
{
	BUILD_BUG_ON(SLOTS_GRANULE != GRANULE);
	d->pool_pages = alloc_pages_exact(POOL_SIZE, GFP_KERNEL | __GFP_ZERO);
	d->pool_memory = kvzalloc(slots_memory(POOL_SIZE), GFP_KERNEL);
	if (!d->pool_pages || !d->pool_memory)
		return -ENOMEM;
	d->pool = slots_init(d->pool_pages, POOL_SIZE, d->pool_memory);
	return d->pool ? 0 : -EINVAL;
}

void bounce_end(struct domain *d)
{
	kvfree(d->pool_memory);
	if (d->pool_pages)
		free_pages_exact(d->pool_pages, POOL_SIZE);
	d->pool = NULL;
}

int bounce_get(struct domain *d, const struct request *req, u32 *token, phys_addr_t *slot)
{
	size_t offset = req->phys & (GRANULE - 1), size = ALIGN(offset + req->len, GRANULE);
	char *page;

	*token = slots_get(d->pool, req->phys, req->len, req->meta & META_DIR, slot);
	if (!*token)
		return -ENOSPC;
	page = phys_to_virt(*slot - offset);
	/*
	 * Filled whatever the direction: a device that writes less than it was asked to leaves the
	 * buffer's own bytes.
	 */
	memset(page, 0, offset);
	memcpy(page + offset, phys_to_virt(req->phys), req->len);
	memset(page + offset + req->len, 0, size - offset - req->len);
	if (d->noncoherent)
		cache_flush_kernel(page, size);
	client_count(d->c, bounced_bytes, req->len);
	return 0;
}

void bounce_copy(struct domain *d, u32 token, u32 off, u32 len, bool for_cpu)
{
	phys_addr_t orig = 0;
	u32 whole = 0;
	char *stand_in = slots_find(d->pool, token, &orig, &whole), *buffer;

	if (WARN_ON_ONCE(!stand_in || (u64)off + len > whole))
		return;
	stand_in += off;
	buffer = (char *)phys_to_virt(orig) + off;
	if (for_cpu) {
		if (d->noncoherent)
			cache_flush_kernel(stand_in, len);
		memcpy(buffer, stand_in, len);
	} else {
		memcpy(stand_in, buffer, len);
		if (d->noncoherent)
			cache_flush_kernel(stand_in, len);
	}
	client_count(d->c, bounced_bytes, len);
}

void bounce_put(struct domain *d, u32 token)
{
	slots_put(d->pool, token);
}
