// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chunks: 2 MiB of IOVAs, one leaf table, cut into slots of one size. They come from the
 * allocator of the device's default domain, and go back there.
 */
#include <linux/slab.h>

#include "pool_int.h"

/* A chunk of which nothing is used stays for so long. */
#define SHRINK_DELAY (5 * HZ)

static int iovas_get(struct pool *p, struct dma_iova_state *iova)
{
	if (!dma_iova_try_alloc(p->c->dev, iova, 0, POOL_CHUNK))
		return -ENOSPC;
	/* The allocator aligns to the size: the slots of a chunk share one leaf table. */
	if (!(iova->addr & (POOL_CHUNK - 1)))
		return 0;
	dma_iova_free(p->c->dev, iova);
	return -EOPNOTSUPP;
}

/* All slots of a chunk are free. Under the lock. */
static void cut(struct pool *p, struct pool_chunk *c, u32 number)
{
	c->free = NULL;
	for (u32 i = c->slots; i-- > 0;) {
		struct pool_slot *s = &c->slot[i];
		u32 page = i << c->class;

		s->iova = c->iova.addr + (dma_addr_t)page * PAGE_SIZE;
		s->entry = c->leaf ? c->leaf + page : NULL;
		s->class = c->class;
		s->name = number * POOL_CHUNK_PAGES + i;
		s->next = c->free;
		c->free = s;
	}
	c->nfree = c->slots;
	list_add_tail(&c->link, &p->some[c->class]);
}

/* Reserve a chunk's number: one of this class that holds no IOVAs now, or a new one. */
static struct pool_chunk *chunk_reserve(struct pool *p, unsigned int class, u32 *number)
{
	struct pool_chunk *c = NULL;
	unsigned long flags;
	u32 i;

	spin_lock_irqsave(&p->lock, flags);
	if (p->held < p->limit) {
		for (i = 0; i < p->chunks; i++)
			if (!p->chunk[i].held && p->chunk[i].class == class)
				break;
		if (i < POOL_CHUNKS) {
			c = &p->chunk[i];
			c->held = true;
			c->class = class;
			p->held++;
			p->chunks = max(p->chunks, i + 1);
			*number = i;
		}
	}
	spin_unlock_irqrestore(&p->lock, flags);
	return c;
}

static void chunk_forget(struct pool *p, struct pool_chunk *c)
{
	unsigned long flags;

	spin_lock_irqsave(&p->lock, flags);
	c->held = false;
	p->held--;
	spin_unlock_irqrestore(&p->lock, flags);
}

int pool_grow(struct pool *p, unsigned int class)
{
	struct pool_chunk *c;
	unsigned long flags;
	u32 number = 0;
	int err = 0;

	c = chunk_reserve(p, class, &number);
	if (!c)
		return -ENOSPC;
	if (!c->slot) {
		c->slot = kcalloc(POOL_CHUNK_PAGES >> class, sizeof(*c->slot),
				  GFP_ATOMIC | __GFP_NOWARN);
		if (!c->slot)
			err = -ENOMEM;
	}
	if (!err)
		err = iovas_get(p, &c->iova);
	if (err) {
		chunk_forget(p, c);
		return err;
	}
	c->leaf = pool_learn(p, c->iova.addr);
	spin_lock_irqsave(&p->lock, flags);
	/* Publishes the slots. */
	smp_store_release(&c->slots, POOL_CHUNK_PAGES >> class);
	cut(p, c, number);
	spin_unlock_irqrestore(&p->lock, flags);
	return 0;
}

u32 pool_chunk_take(struct pool *p, unsigned int class, struct pool_slot **slot, u32 n)
{
	struct pool_chunk *c;
	unsigned long flags;
	u32 got = 0;

	spin_lock_irqsave(&p->lock, flags);
	while (got < n) {
		c = list_first_entry_or_null(&p->some[class], struct pool_chunk, link);
		if (!c)
			break;
		slot[got++] = c->free;
		c->free = c->free->next;
		if (!--c->nfree)
			list_del(&c->link);
	}
	spin_unlock_irqrestore(&p->lock, flags);
	return got;
}

void pool_chunk_put(struct pool *p, struct pool_slot *const *slot, u32 n)
{
	unsigned long flags;
	bool whole = false;

	spin_lock_irqsave(&p->lock, flags);
	for (u32 i = 0; i < n; i++) {
		struct pool_chunk *c = &p->chunk[slot[i]->name / POOL_CHUNK_PAGES];

		slot[i]->next = c->free;
		c->free = slot[i];
		if (!c->nfree++)
			list_add_tail(&c->link, &p->some[c->class]);
		whole |= c->nfree == c->slots;
	}
	spin_unlock_irqrestore(&p->lock, flags);
	if (whole)
		schedule_delayed_work(&p->shrink, SHRINK_DELAY);
}

static void bounces_free(struct pool_chunk *c)
{
	for (u32 i = 0; i < c->slots; i++) {
		free_pages((unsigned long)c->slot[i].bounce, c->class);
		c->slot[i].bounce = NULL;
	}
}

/* Give back a chunk whose slots all are free and translate nowhere; it is in no list. */
static void chunk_end(struct pool *p, struct pool_chunk *c)
{
	bounces_free(c);
	dma_iova_free(p->c->dev, &c->iova);
	chunk_forget(p, c);
}

/* One chunk of each class stays. */
static struct pool_chunk *unused(struct pool *p)
{
	struct pool_chunk *c, *found = NULL;
	unsigned long flags;

	spin_lock_irqsave(&p->lock, flags);
	for (unsigned int k = 0; k < POOL_CLASSES && !found; k++) {
		if (list_empty(&p->some[k]) || list_is_singular(&p->some[k]))
			continue;
		list_for_each_entry(c, &p->some[k], link)
			if (c->nfree == c->slots)
				found = c;
	}
	if (found)
		list_del(&found->link);
	spin_unlock_irqrestore(&p->lock, flags);
	return found;
}

void pool_shrink(struct work_struct *work)
{
	struct pool *p = container_of(to_delayed_work(work), struct pool, shrink);
	struct pool_chunk *c;

	for (c = unused(p); c; c = unused(p)) {
		chunk_end(p, c);
		cond_resched();
	}
}

void pool_chunks_clear(struct pool *p)
{
	for (u32 i = 0; i < p->chunks; i++) {
		struct pool_chunk *c = &p->chunk[i];

		for (u32 at = 0; c->held && at < c->slots; at++)
			if (c->slot[at].meta & META_DIR)
				pool_entries_clear(p, &c->slot[at], pool_slot_pages(&c->slot[at]));
	}
}

void pool_chunks_end(struct pool *p)
{
	for (u32 i = 0; i < p->chunks; i++) {
		struct pool_chunk *c = &p->chunk[i];

		if (c->held && c->slots)
			chunk_end(p, c);
		kfree(c->slot);
	}
}
