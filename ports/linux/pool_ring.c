// SPDX-License-Identifier: GPL-2.0-only
/*
 * A ring's own slots: twice as many as it may have mappings live, used in turn. What is popped
 * together lies together, so one flush covers it. In lazy mode a slot is used again only after a
 * flush that began after its pop.
 */
#include <linux/log2.h>
#include <linux/slab.h>

#include "pool_ring.h"

/* Most IOVAs of a ring. */
#define RING_MOST SZ_64M

static bool learn(struct pool *p, struct pool_run *run)
{
	if (run->iova.addr & (POOL_CHUNK - 1))
		return false;
	for (u32 i = 0; i < run->tables; i++) {
		run->leaf[i] = pool_learn(p, run->iova.addr + (dma_addr_t)i * POOL_CHUNK);
		if (!run->leaf[i])
			return false;
	}
	return true;
}

static struct pool_run *run_alloc(struct pool *p, size_t size)
{
	u32 tables = size / POOL_CHUNK;
	struct pool_run *run = kvzalloc(struct_size(run, leaf, tables), GFP_KERNEL);

	if (!run)
		return ERR_PTR(-ENOMEM);
	run->p = p;
	run->tables = tables;
	if (!dma_iova_try_alloc(p->c->dev, &run->iova, 0, size)) {
		kvfree(run);
		return ERR_PTR(-EOPNOTSUPP);
	}
	if (learn(p, run))
		return run;
	dma_iova_free(p->c->dev, &run->iova);
	kvfree(run);
	return ERR_PTR(-EOPNOTSUPP);
}

int own_ring_init(struct dmah_ring *r)
{
	struct pool *p = client_pool(r->c);
	struct pool_run *run;
	unsigned long flags;
	size_t size;

	if (r->c->untrusted || r->config.attrs & ~DMA_ATTR_SKIP_CPU_SYNC)
		return -EOPNOTSUPP;
	r->shift = ilog2(r->config.entry_size >> PAGE_SHIFT);
	size = (size_t)r->config.entries << (PAGE_SHIFT + r->shift + 1);
	if (size > RING_MOST)
		return -EOPNOTSUPP;
	/* Whole tables, so that nobody else's mapping comes or goes in them. */
	run = run_alloc(p, max_t(size_t, size, POOL_CHUNK));
	if (IS_ERR(run))
		return PTR_ERR(run);
	spin_lock_irqsave(&p->lock, flags);
	list_add_tail(&run->link, &p->runs);
	spin_unlock_irqrestore(&p->lock, flags);
	r->run = run;
	r->own = true;
	r->meta = (r->req.meta & META_DIR) | META_PART | r->c->pool_meta;
	return 0;
}

void own_ring_fini(struct dmah_ring *r)
{
	struct pool_run *run = r->run;
	unsigned long flags;

	pool_flush(run->p);
	spin_lock_irqsave(&run->p->lock, flags);
	list_del(&run->link);
	spin_unlock_irqrestore(&run->p->lock, flags);
	dma_iova_free(r->c->dev, &run->iova);
	kvfree(run);
	r->run = NULL;
}

void pool_runs_clear(struct pool *p)
{
	struct pool_run *run;

	list_for_each_entry(run, &p->runs, link) {
		for (u32 i = 0; i < run->tables; i++) {
			memset(run->leaf[i], 0, PAGE_SIZE);
			pool_entries_flush(run->leaf[i], POOL_CHUNK_PAGES);
		}
	}
}

/* The slot at @in was used before by the pop at @in - 2 * entries. */
void pool_ring_clean(struct dmah_ring *r)
{
	struct pool *p = r->run->p;

	if (atomic_read_acquire(&p->done) - r->mark_flush <= 0) {
		r->mark = r->out;
		pool_flush(p);
	}
	r->clean = r->mark;
	r->mark = r->out;
	/* A flush that is not begun yet, by this, sees the entries that were cleared before. */
	smp_mb();
	r->mark_flush = atomic_read(&p->begun);
}

int pool_ring_announce(struct dmah_ring *r, u32 page, u32 pages)
{
	struct pool_run *run = r->run;
	int err = dma_iova_sync(r->c->dev, &run->iova, (size_t)page << PAGE_SHIFT,
				(size_t)pages << PAGE_SHIFT);

	if (err) {
		pool_run_clear(run, page, pages);
		pool_invalidate(run->p, run->iova.addr + ((dma_addr_t)page << PAGE_SHIFT), pages);
	}
	return err;
}

int pool_ring_push_pages(struct dmah_ring *r, struct dmah *h, phys_addr_t phys, u32 page)
{
	u32 pages = pool_pages(phys, h->len);
	struct pool *p = r->run->p;
	u64 *entry = pool_run_entry(r->run, page);

	if (pages > 1u << r->shift)
		return -EINVAL;
	for (u32 i = 0; i < pages; i++)
		WRITE_ONCE(entry[i], p->format.entry[r->meta & META_DIR] |
					     ((phys & PAGE_MASK) + (phys_addr_t)i * PAGE_SIZE));
	if (p->format.incoherent)
		pool_entries_flush(entry, pages);
	return p->sync_map ? pool_ring_announce(r, page, pages) : 0;
}

/*
 * Clear @n slots from @index on, as far as one leaf table has them side by side. Return: how
 * many.
 */
static u32 clear_some(struct dmah_ring *r, u32 index, u32 n)
{
	u32 page = pool_ring_page(r, index), slots = 2 * r->config.entries;

	n = min(n, slots - (index & (slots - 1)));
	n = min(n, (POOL_CHUNK_PAGES - page % POOL_CHUNK_PAGES) >> r->shift);
	pool_run_clear(r->run, page, n << r->shift);
	return n;
}

void own_ring_pop(struct dmah_ring *r, u32 n)
{
	u32 slots = 2 * r->config.entries, first = pool_ring_page(r, r->out);
	struct pool *p = r->run->p;
	bool round = (r->out & (slots - 1)) + n > slots;

	for (u32 done = 0; done < n;)
		done += clear_some(r, r->out + done, n - done);
	if (p->lazy) {
		smp_mb(); /* as in pool_entries_clear() */
		if (unlikely(!READ_ONCE(p->armed)))
			pool_arm(p);
		return;
	}
	/* A range that goes round the end is the whole. */
	pool_invalidate(p, r->run->iova.addr + (round ? 0 : (dma_addr_t)first << PAGE_SHIFT),
			(round ? slots : n) << r->shift);
}
