// SPDX-License-Identifier: GPL-2.0-only
/*
 * The shortest way through map and unmap in pool mode: a trusted device, no attributes. All other
 * requests go to map.c, unchanged.
 */
#include <linux/export.h>

#include "map.h"
#include "pool_int.h"
#include "trace.h"

static __always_inline int slot_entries_set(struct pool *p, struct pool_slot *s, phys_addr_t phys,
					    u32 dir, u32 pages, unsigned int class)
{
	if (class || unlikely(!s->entry))
		return pool_entries_set(p, s, phys, pages, dir);
	pool_entry_set(p, s->entry, phys, dir);
	return unlikely(p->sync_map) ? pool_announce(p, s, 1) : 0;
}

static __always_inline bool map_slot(struct client *c, struct dmah *h, phys_addr_t phys, u32 len,
				     u32 dir, u32 pages, unsigned int class, unsigned long caller)
{
	struct pool *p = c->pool_fast;
	struct pool_slot *s = pool_take(p, class);

	if (unlikely(!s))
		return false;
	if (unlikely(slot_entries_set(p, s, phys, dir, pages, class))) {
		pool_release(p, class, s);
		return false;
	}
	h->dma = s->iova + offset_in_page(phys);
	h->phys = phys;
	h->backend = s->name;
	h->len = len;
	h->meta = pool_begin(s, h, phys, len, c->pool_meta | dir, caller);
	client_count(c, maps, 1);
	trace_dma_map_phys(c->dev, h, caller);
	return true;
}

static noinline bool map_pages(struct client *c, struct dmah *h, phys_addr_t phys, size_t len,
			       u32 dir, unsigned long caller)
{
	u32 pages;

	if (len - 1 >= (POOL_SLOT_MAX - 1) * PAGE_SIZE)
		return false;
	pages = pool_pages(phys, (u32)len);
	return map_slot(c, h, phys, (u32)len, dir, pages, pool_class(pages), caller);
}

bool pool_map_fast(struct client *c, struct dmah *h, phys_addr_t phys, u32 len, u32 meta,
		   unsigned long caller)
{
	if (!c->pool_fast)
		return false;
	if (likely(len - 1 < PAGE_SIZE - offset_in_page(phys)))
		return map_slot(c, h, phys, len, meta, 1, 0, caller);
	return map_pages(c, h, phys, len, meta, caller);
}

int __dmah_map_page(struct device *dev, struct dmah *h, struct page *page, size_t offset,
		    size_t len, enum dma_data_direction dir)
{
	phys_addr_t phys = page_to_phys(page) + offset;
	struct client *c = client_of(dev);

	if (unlikely(!c || !c->pool_fast || h->meta || (unsigned int)dir > DMA_FROM_DEVICE))
		return map_buffer(dev, h, phys, len, dir, 0, _RET_IP_);
	/* A length of 0 wraps round: too much as well. */
	if (likely(len - 1 < PAGE_SIZE - offset_in_page(phys))) {
		if (likely(map_slot(c, h, phys, (u32)len, meta_from_dir(dir), 1, 0, _RET_IP_)))
			return 0;
	} else if (map_pages(c, h, phys, len, meta_from_dir(dir), _RET_IP_)) {
		return 0;
	}
	return map_buffer(dev, h, phys, len, dir, 0, _RET_IP_);
}
EXPORT_SYMBOL_GPL(__dmah_map_page);

static __always_inline void end_slot(struct client *c, struct pool *p, struct dmah *h,
				     struct pool_slot *s, unsigned int class, unsigned long caller)
{
	if (unlikely(!p->lazy))
		pool_invalidate(p, s->iova, 1u << class);
	client_count(c, unmaps, 1);
	/* Ahead of the event of another CPU that maps in this slot. */
	trace_dma_unmap_phys(c->dev, h, caller);
	pool_release(p, class, s);
	handle_clear(h);
}

/* The slot, not the handle, says what is cleared. */
static noinline void unmap_pages(struct client *c, struct pool *p, struct dmah *h,
				 struct pool_slot *s, unsigned long caller)
{
	pool_entries_clear(p, s, pool_pages(s->phys, s->len));
	end_slot(c, p, h, s, s->class, caller);
}

static __always_inline int unmap_one(struct device *dev, struct dmah *h, unsigned long caller)
{
	u32 meta = h->meta;
	struct client *c = client_numbered(meta);
	struct pool_slot *s = NULL;
	struct pool *p;

	/* Idle handles, and what only the general path ends, differ in these bits. */
	if (unlikely(!c || c->dev != dev || !c->pool_fast ||
		     (meta & (META_KIND | META_PART | META_COHERENT)) !=
			     FIELD_PREP(META_KIND, KIND_POOL)))
		goto slow;
	p = c->pool_fast;
	if (unlikely(!pool_find(p, h, &s) || !pool_claim(s, meta)))
		goto slow;
	if (unlikely(s->home != h && c->check))
		report_copy(c, h, caller);
	if (likely(!s->class && s->entry)) {
		pool_entry_clear(p, s->entry);
		end_slot(c, p, h, s, 0, caller);
	} else {
		unmap_pages(c, p, h, s, caller);
	}
	return 0;
slow:
	return unmap_buffer(dev, h, 0, caller);
}

int __dmah_unmap(struct device *dev, struct dmah *h)
{
	return unmap_one(dev, h, _RET_IP_);
}
EXPORT_SYMBOL_GPL(__dmah_unmap);

int pool_unmap_fast(struct device *dev, struct dmah *h, unsigned long caller)
{
	return unmap_one(dev, h, caller);
}
