// SPDX-License-Identifier: GPL-2.0-only
/*
 * Map, unmap and sync in slots.
 */
#include "pool_int.h"

/* Attributes that change nothing for a coherent device in a slot. */
#define ATTRS_IGNORED (DMA_ATTR_SKIP_CPU_SYNC | DMA_ATTR_NO_WARN | DMA_ATTR_WEAK_ORDERING)

static struct pool_slot *take(struct pool *p, unsigned int class)
{
	struct pool_slot *s = pool_take(p, class);

	return likely(s) ? s : pool_take_slow(p, class);
}

int pool_map(struct client *c, struct dmah *h, const struct request *req)
{
	u32 pages = pool_pages(req->phys, req->len), meta = pool_meta(c, req);
	struct pool *p = c->pool;
	unsigned int class = pool_class(pages);
	phys_addr_t phys = req->phys;
	struct pool_slot *s;

	if (pages > POOL_SLOT_MAX || req->attrs & ~ATTRS_IGNORED ||
	    req->meta & (META_MMIO | META_COHERENT))
		return -EOPNOTSUPP;
	s = take(p, class);
	if (!s)
		return -EOPNOTSUPP;
	s->bounced = pool_bounce_wants(p, req);
	if (s->bounced) {
		if (pool_bounce_get(p, s, class, req, &phys))
			goto put;
		meta |= META_SYNC;
	}
	if (pool_entries_set(p, s, phys, pages, req->meta))
		goto put;
	h->dma = s->iova + offset_in_page(req->phys);
	h->phys = req->phys;
	h->backend = s->name;
	h->len = req->len;
	h->meta = pool_begin(s, h, req->phys, req->len, meta, req->caller);
	return 0;
put:
	pool_release(p, class, s);
	return -EOPNOTSUPP;
}

bool pool_check(struct client *c, const struct dmah *h, const struct dmah **home)
{
	const struct pool_slot *s = pool_slot_of(c->pool, h);

	if (!s)
		return false;
	*home = s->home;
	return true;
}

void pool_moved(struct client *c, struct dmah *h)
{
	struct pool_slot *s = pool_slot_of(c->pool, h);

	if (s)
		s->home = h;
}

void pool_sync(struct client *c, const struct dmah *h, u32 off, u32 len, bool for_cpu)
{
	const struct pool_slot *s = pool_slot_of(c->pool, h);

	if (s && s->bounced && h->meta & (for_cpu ? 2 : 1))
		pool_bounce_copy(c->pool, s, off, len, for_cpu);
}

static int refuse(struct client *c, const struct dmah *h, u32 allow, unsigned long caller)
{
	static const char what[] = "unmap of a mapping that is not live";
	int err = client_check(c, h, allow, what, caller);

	return err ? err : misuse_handle(c, -ESTALE, h, what, caller);
}

/* The slot of a live handle, whose mapping ends here and whose entries are cleared; or NULL. */
static struct pool_slot *end(struct client *c, const struct dmah *h, u32 allow,
			     unsigned long caller)
{
	struct pool_slot *s = pool_slot_of(c->pool, h);

	if (unlikely(!s || (h->meta & (META_PART | META_COHERENT)) != allow ||
		     !pool_claim(s, h->meta)))
		return NULL;
	if (unlikely(c->check && s->home != h && !allow))
		report_copy(c, h, caller);
	pool_entries_clear(c->pool, s, pool_slot_pages(s));
	return s;
}

int pool_unmap(struct client *c, struct dmah *h, u32 allow, unsigned long attrs,
	       unsigned long caller)
{
	struct pool_slot *s = end(c, h, allow, caller);
	struct pool *p = c->pool;

	if (unlikely(!s))
		return refuse(c, h, allow, caller);
	if (!p->lazy)
		pool_invalidate(p, s->iova, pool_slot_pages(s));
	pool_take_back(p, s, h, attrs);
	pool_release(p, s->class, s);
	return 0;
}

/* ---- several at once ---- */

int pool_batch_start(struct client *c, const struct dmah *h, u32 allow, unsigned long caller)
{
	return end(c, h, allow, caller) ? 0 : refuse(c, h, allow, caller);
}

static struct pool_slot *ended(struct pool *p, const struct dmah *h)
{
	u32 chunk = (u32)h->backend / POOL_CHUNK_PAGES, at = (u32)h->backend % POOL_CHUNK_PAGES;

	return meta_kind(h->meta) == KIND_POOL ? &p->chunk[chunk].slot[at] : NULL;
}

/* One page a range costs less than the whole domain; from so many pages on the whole does. */
#define RANGE_MOST 4u

static void flush_ended(struct pool *p, const struct dmah *h, u32 n)
{
	struct pool_slot *s;
	u32 slots = 0, i;

	/* The next flush covers them, as it covers what is unmapped alone. */
	if (p->lazy)
		return;
	for (i = 0; i < n; i++)
		slots += !!ended(p, &h[i]);
	if (slots > RANGE_MOST) {
		iommu_flush_iotlb_all(p->domain);
		client_count(p->c, flushes, 1);
		return;
	}
	for (i = 0; i < n; i++) {
		s = ended(p, &h[i]);
		if (s)
			pool_invalidate(p, s->iova, pool_slot_pages(s));
	}
}

void pool_batch_finish(struct client *c, const struct dmah *h, u32 n)
{
	struct pool *p = c->pool;

	flush_ended(p, h, n);
	for (u32 i = 0; i < n; i++) {
		struct pool_slot *s = ended(p, &h[i]);

		if (!s)
			continue;
		pool_take_back(p, s, &h[i], 0);
		pool_release(p, s->class, s);
	}
}

/* ---- the list ---- */

void pool_walk_live(struct pool *p, void (*fn)(void *ctx, const struct live *live), void *ctx)
{
	for (u32 i = 0; i < READ_ONCE(p->chunks); i++) {
		const struct pool_chunk *chunk = &p->chunk[i];

		for (u32 at = 0; at < READ_ONCE(chunk->slots); at++) {
			const struct pool_slot *s = &chunk->slot[at];
			u32 meta = READ_ONCE(s->meta);

			if (meta & META_DIR)
				fn(ctx, &(struct live){ .dma = s->iova + offset_in_page(s->phys),
							.phys = s->phys,
							.len = s->len,
							.meta = meta,
							.caller = s->caller });
		}
	}
}
