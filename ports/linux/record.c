// SPDX-License-Identifier: GPL-2.0-only
#include "record.h"

#include <linux/dmah.h>
#include <linux/slab.h>

int records_init(struct records *r)
{
	spin_lock_init(&r->lock);
	r->chunk = kvcalloc(RECORD_CHUNKS, sizeof(*r->chunk), GFP_KERNEL);
	return r->chunk ? 0 : -ENOMEM;
}

void records_fini(struct records *r)
{
	for (u32 i = 0; i < r->chunks; i++)
		free_page((unsigned long)r->chunk[i]);
	kvfree(r->chunk);
	*r = (struct records){};
}

static struct record *record_at(struct records *r, u32 index)
{
	return &r->chunk[index / RECORDS_PER_CHUNK][index % RECORDS_PER_CHUNK];
}

static bool grow(struct records *r)
{
	struct record *chunk;

	if (r->chunks == RECORD_CHUNKS)
		return false;
	chunk = (struct record *)get_zeroed_page(GFP_ATOMIC | __GFP_NOWARN);
	if (!chunk)
		return false;
	r->chunk[r->chunks] = chunk;
	for (u32 i = RECORDS_PER_CHUNK; i-- > 0;) {
		chunk[i].next = r->free;
		r->free = (u32)(r->chunks * RECORDS_PER_CHUNK + i + 1);
	}
	r->chunks++;
	return true;
}

u64 record_add(struct records *r, const struct dmah *h, unsigned long caller, void *cpu)
{
	struct record *record;
	unsigned long flags;
	u64 name = 0;
	u32 index;

	spin_lock_irqsave(&r->lock, flags);
	if (r->free || grow(r)) {
		index = r->free - 1;
		record = record_at(r, index);
		r->free = record->next;
		record->dma = h->dma;
		record->phys = h->phys;
		record->len = h->len;
		record->meta = h->meta;
		record->caller = caller;
		record->cpu = cpu;
		record->home = h;
		record->gen = record->gen + 1 ? record->gen + 1 : 1;
		name = record_name(index, record->gen);
	}
	spin_unlock_irqrestore(&r->lock, flags);
	return name;
}

/*
 * The handle may be a copy that is stale, or something was written over it: it may not choose what
 * is read.
 */
static struct record *find(struct records *r, u64 name, const struct dmah *h)
{
	u32 index = (u32)name;
	struct record *record;

	if (index >= r->chunks * RECORDS_PER_CHUNK)
		return NULL;
	record = record_at(r, index);
	if (record->gen != name >> 32 || record->meta != h->meta || record->dma != h->dma ||
	    record->phys != h->phys || record->len != h->len)
		return NULL;
	return record;
}

bool record_check(struct records *r, u64 name, const struct dmah *h, const struct dmah **home)
{
	const struct record *record;
	unsigned long flags;

	spin_lock_irqsave(&r->lock, flags);
	record = find(r, name, h);
	if (record)
		*home = record->home;
	spin_unlock_irqrestore(&r->lock, flags);
	return record;
}

bool record_remove(struct records *r, u64 name, const struct dmah *h, void **cpu)
{
	struct record *record;
	unsigned long flags;

	spin_lock_irqsave(&r->lock, flags);
	record = find(r, name, h);
	if (record) {
		if (cpu)
			*cpu = record->cpu;
		record->meta = 0;
		record->next = r->free;
		r->free = (u32)name + 1;
	}
	spin_unlock_irqrestore(&r->lock, flags);
	return record;
}

void record_moved(struct records *r, u64 name, const struct dmah *h)
{
	struct record *record;
	unsigned long flags;

	spin_lock_irqsave(&r->lock, flags);
	record = find(r, name, h);
	if (record)
		record->home = h;
	spin_unlock_irqrestore(&r->lock, flags);
}

bool record_get(struct records *r, u32 index, struct record *copy)
{
	unsigned long flags;
	bool live = false;

	spin_lock_irqsave(&r->lock, flags);
	if (index < r->chunks * RECORDS_PER_CHUNK) {
		*copy = *record_at(r, index);
		live = copy->meta != 0;
	}
	spin_unlock_irqrestore(&r->lock, flags);
	return live;
}
