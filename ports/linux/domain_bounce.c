// SPDX-License-Identifier: GPL-2.0-only
/*
 * An untrusted device reaches whole granules, so a buffer that shares one with something else
 * stands in a slot: the library's bounce pool (src/base/pool.c), whose record says where a slot's
 * bytes belong.
 */
#include <linux/gfp.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "library.h"
#include "base/pool.h"
#include "library_end.h"

#include "domain_int.h"

/* Bytes of slots. */
#define POOL_SIZE SZ_2M

int bounce_begin(struct domain *d)
{
	size_t size = library_dmah_pool_memory(POOL_SIZE);

	d->pool_pages = alloc_pages_exact(POOL_SIZE, GFP_KERNEL | __GFP_ZERO);
	d->pool_memory = kvzalloc(size, GFP_KERNEL);
	if (!d->pool_pages || !d->pool_memory)
		return -ENOMEM;
	if (library_dmah_pool_init(&d->pool, virt_to_phys(d->pool_pages), POOL_SIZE, d->pool_memory,
				   size))
		return -EINVAL;
	host_lock_init(&d->pool->lock);
	return 0;
}

void bounce_end(struct domain *d)
{
	kvfree(d->pool_memory);
	if (d->pool_pages)
		free_pages_exact(d->pool_pages, POOL_SIZE);
	d->pool = NULL;
}

/* One device has the pool to itself: any number that is not 0 names it. */
#define OWNER 1u

int bounce_get(struct domain *d, const struct request *req, u32 *token, phys_addr_t *slot)
{
	struct pool_request want = {
		.len = req->len,
		.offset = offset_in_page(req->phys),
		.align = GRANULE,
		.round = GRANULE,
		.limit = U64_MAX,
	};
	size_t size = ALIGN(want.offset + (size_t)req->len, GRANULE);
	char *page;

	if (dmah_pool_get(d->pool, &want, req->phys, NULL, OWNER, token))
		return -ENOSPC;
	*slot = dmah_pool_phys(d->pool, *token);
	page = phys_to_virt(*slot - want.offset);
	/*
	 * Filled whatever the direction: a device that writes less than it was asked to leaves the
	 * buffer's own bytes.
	 */
	memset(page, 0, want.offset);
	memcpy(page + want.offset, phys_to_virt(req->phys), req->len);
	memset(page + want.offset + req->len, 0, size - want.offset - req->len);
	if (d->noncoherent)
		cache_flush_kernel(page, size);
	client_count(d->c, bounced_bytes, req->len);
	return 0;
}

void bounce_copy(struct domain *d, u32 token, u32 off, u32 len, bool for_cpu)
{
	const struct pool_slot *slot = dmah_pool_slot_of(d->pool, token, OWNER);
	char *stand_in, *buffer;

	if (WARN_ON_ONCE(!slot || (u64)off + len > slot->len))
		return;
	stand_in = (char *)phys_to_virt(pool_slot_phys(d->pool, slot)) + off;
	buffer = (char *)phys_to_virt(slot->orig) + off;
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
	dmah_pool_put(d->pool, token);
}
