/* SPDX-License-Identifier: GPL-2.0-only */
/* A ring's own slots: the part of push that ring.c has in line. */
#ifndef DMAH_LINUX_POOL_RING_H
#define DMAH_LINUX_POOL_RING_H

#include "pool_int.h"
#include "ring.h"

/**
 * struct pool_run - the slots of a ring.
 * @link: in the pool's list.
 * @p: the pool.
 * @tables: leaf tables.
 * @iova: their IOVAs.
 * @leaf: those tables, one for each 2 MiB.
 */
struct pool_run {
	struct list_head link;
	struct pool *p;
	u32 tables;
	struct dma_iova_state iova;
	u64 *leaf[];
};

/** pool_ring_page() - the first page of a slot, counted from the ring's first IOVA. */
static __always_inline u32 pool_ring_page(const struct dmah_ring *r, u32 index)
{
	return (index & (2 * r->config.entries - 1)) << r->shift;
}

static __always_inline u64 *pool_run_entry(const struct pool_run *run, u32 page)
{
	return run->leaf[page / POOL_CHUNK_PAGES] + page % POOL_CHUNK_PAGES;
}

/** pool_run_clear() - clear entries of one leaf table. */
static inline void pool_run_clear(struct pool_run *run, u32 page, u32 pages)
{
	u64 *entry = pool_run_entry(run, page);

	for (u32 i = 0; i < pages; i++)
		WRITE_ONCE(entry[i], 0);
	if (run->p->format.incoherent)
		pool_entries_flush(entry, pages);
}

/** pool_ring_clean() - wait until slots that were popped may be used again. */
void pool_ring_clean(struct dmah_ring *r);

/**
 * pool_ring_announce() - sync the IOMMU after new entries. Return: 0 or an error, and there are
 * none.
 */
int pool_ring_announce(struct dmah_ring *r, u32 page, u32 pages);

/** pool_ring_push_pages() - entries of a buffer that is more than a page, or leaves its page. */
int pool_ring_push_pages(struct dmah_ring *r, struct dmah *h, phys_addr_t phys, u32 page);

static __always_inline int own_ring_push(struct dmah_ring *r, struct dmah *h, phys_addr_t phys,
					 u32 len, unsigned long caller)
{
	struct pool_run *run = r->run;
	struct pool *p = run->p;
	u32 page;
	int err;

	if (unlikely(p->lazy && r->in - r->clean >= 2 * r->config.entries)) {
		pool_ring_clean(r);
		if (r->in - r->clean >= 2 * r->config.entries)
			pool_ring_clean(r);
	}
	page = pool_ring_page(r, r->in);
	h->dma = run->iova.addr + ((dma_addr_t)page << PAGE_SHIFT) + offset_in_page(phys);
	h->phys = phys;
	h->len = len;
	if (likely(len <= PAGE_SIZE - offset_in_page(phys))) {
		pool_entry_set(p, pool_run_entry(run, page), phys, r->meta);
		err = unlikely(p->sync_map) ? pool_ring_announce(r, page, 1) : 0;
	} else {
		err = pool_ring_push_pages(r, h, phys, page);
	}
	if (likely(!err))
		h->meta = r->meta;
	return err;
}

#endif /* DMAH_LINUX_POOL_RING_H */
