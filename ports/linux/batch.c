// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unmaps that are begun together and end together.
 */
#include <linux/export.h>

#include "client.h"
#include "domain.h"
#include "pool.h"
#include "trace.h"

/* In wrap mode the record goes at once, so that a copy of the handle is stale from here on. */
static int start_wrapped(struct client *c, const struct dmah *h, unsigned long caller)
{
	static const char what[] = "unmap of a mapping that is not live";
	int err = client_check(c, h, 0, what, caller);

	if (err)
		return err;
	if (c->check && h->backend && !record_remove(&c->records, h->backend, h, NULL))
		return misuse_handle(c, -ESTALE, h, what, caller);
	return 0;
}

static bool is_lazy(const struct client *c)
{
	return (client_domain(c) && domain_is_lazy(client_domain(c))) ||
	       (client_pool(c) && pool_is_lazy(client_pool(c)));
}

static int start(struct client *c, const struct dmah *h, unsigned long caller)
{
	if (client_domain(c))
		return domain_batch_start(c, h, caller);
	if (client_pool(c) && meta_kind(h->meta) == KIND_POOL)
		return pool_batch_start(c, h, 0, caller);
	return start_wrapped(c, h, caller);
}

int dmah_unmap_start(struct device *dev, struct dmah_batch *b, struct dmah *const *h, u32 n)
{
	struct client *c = client_of(dev);
	int err = 0, one;

	if (!c)
		return -ENODEV;
	if (b->n || n > b->max)
		return misuse_handle(c, -EINVAL, &(struct dmah){},
				     "a batch that is not idle, or has no room", _RET_IP_);
	for (u32 i = 0; i < n; i++) {
		if (!h[i]->meta)
			continue;
		if (is_lazy(c)) {
			/* Nothing is waited for anyway. */
			one = client_pool(c) ? pool_unmap_fast(dev, h[i], _RET_IP_)
					     : unmap_handle(c, h[i], 0, 0, _RET_IP_);
			err = err ? err : one;
			continue;
		}
		one = start(c, h[i], _RET_IP_);
		if (one) {
			err = err ? err : one;
			continue;
		}
		b->h[b->n++] = *h[i];
		handle_clear(h[i]);
	}
	return err;
}
EXPORT_SYMBOL_GPL(dmah_unmap_start);

int dmah_unmap_finish(struct device *dev, struct dmah_batch *b)
{
	struct client *c = client_of(dev);

	if (!b->n)
		return 0;
	if (!c)
		return -ENODEV;
	if (client_domain(c))
		domain_batch_finish(c, b->h, b->n);
	else if (client_pool(c))
		pool_batch_finish(c, b->h, b->n);
	for (u32 i = 0; i < b->n; i++) {
		if (!client_domain(c) && meta_kind(b->h[i].meta) != KIND_POOL)
			wrap_unmap(c, &b->h[i], 0);
		client_count(c, unmaps, 1);
		trace_dma_unmap_phys(c->dev, &b->h[i], _RET_IP_);
		handle_clear(&b->h[i]);
	}
	b->n = 0;
	return 0;
}
EXPORT_SYMBOL_GPL(dmah_unmap_finish);
