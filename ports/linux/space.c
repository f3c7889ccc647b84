// SPDX-License-Identifier: GPL-2.0-only
#include "space.h"

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/slab.h>

int space_init(struct space *s, dma_addr_t base, u32 granules, u32 batch, bool lazy)
{
	unsigned int cpus = num_possible_cpus();
	int cpu;

	BUILD_BUG_ON(sizeof(struct cell) * CELLS > PAGE_SIZE);
	s->base = base;
	s->granules = granules;
	s->memory = kvzalloc(dmah_iova_memory(granules), GFP_KERNEL);
	s->leaf = kvcalloc(DIV_ROUND_UP(granules, CELLS), sizeof(*s->leaf), GFP_KERNEL);
	s->cpu = alloc_percpu(struct space_cpu);
	if (!s->memory || !s->leaf || !s->cpu)
		return -ENOMEM;
	dmah_iova_init(&s->iova, s->memory, granules, base / GRANULE, cpus);
	for_each_possible_cpu(cpu) {
		struct space_cpu *c = per_cpu_ptr(s->cpu, cpu);

		c->entries =
			kvzalloc_node(dmah_iova_cache_memory(batch), GFP_KERNEL, cpu_to_node(cpu));
		if (!c->entries)
			return -ENOMEM;
		dmah_iova_cache_init(&c->cache, c->entries, batch, lazy);
		dmah_iova_cache_set_depth(&c->cache, s->iova.depth);
	}
	return 0;
}

void space_fini(struct space *s)
{
	int cpu;

	if (s->cpu)
		for_each_possible_cpu(cpu)
			kvfree(per_cpu_ptr(s->cpu, cpu)->entries);
	free_percpu(s->cpu);
	for (u32 i = 0; s->leaf && i < DIV_ROUND_UP(s->granules, CELLS); i++)
		free_page((unsigned long)s->leaf[i]);
	kvfree(s->leaf);
	kvfree(s->memory);
	*s = (struct space){};
}

void space_exclude(struct space *s, u64 start, u64 last)
{
	u64 end = s->base + (u64)s->granules * GRANULE - 1;
	unsigned long flags;

	start = max_t(u64, start, s->base);
	last = min(last, end);
	if (start > last)
		return;
	dmah_host_enter(&flags);
	/* One by one: ranges that are reserved for several reasons overlap. */
	for (u32 i = (start - s->base) / GRANULE; i <= (last - s->base) / GRANULE; i++)
		(void)dmah_iova_take(&s->iova, i, 1);
	dmah_host_leave(flags);
}

struct cell *space_add_cell(struct space *s, u32 granule)
{
	struct cell **leaf = &s->leaf[granule >> CELL_SHIFT], *fresh;

	if (!READ_ONCE(*leaf)) {
		fresh = (struct cell *)get_zeroed_page(GFP_ATOMIC | __GFP_NOWARN);
		if (!fresh)
			return NULL;
		if (cmpxchg(leaf, NULL, fresh))
			free_page((unsigned long)fresh);
	}
	return space_cell(s, granule);
}

static u32 take(struct space *s, u32 n, u32 align, u32 skew)
{
	struct space_cpu *c;
	unsigned long flags;
	u32 first;

	dmah_host_enter(&flags);
	if (n > IOVA_CLASS_MAX) {
		first = dmah_iova_get_large(&s->iova, n, align, skew, 0);
	} else {
		c = this_cpu_ptr(s->cpu);
		dmah_host_lock(&c->lock);
		first = dmah_iova_cache_take_locked(&c->cache, &s->iova, iova_class(n));
		dmah_host_unlock(&c->lock);
	}
	dmah_host_leave(flags);
	return first;
}

struct cell *space_get_slow(struct space *s, u32 n, u32 align, u32 skew, u32 *first, int *err)
{
	struct cell *cell;

	*first = take(s, n, align, skew);
	if (*first == RANGE_NONE) {
		*err = -ENOSPC;
		return NULL;
	}
	cell = space_add_cell(s, *first);
	if (!cell) {
		*err = -ENOMEM;
		space_put(s, *first, n);
	}
	return cell;
}

void space_put(struct space *s, u32 first, u32 n)
{
	struct cell *cell = space_cell(s, first);
	struct space_cpu *c;
	unsigned long flags;
	unsigned int class;

	dmah_host_enter(&flags);
	if (n > IOVA_CLASS_MAX) {
		dmah_iova_put_large(&s->iova, first, n);
	} else {
		class = iova_class(n);
		c = this_cpu_ptr(s->cpu);
		if (!cell || !cache_give_back(&c->cache.ring[class], (u64 *)cell, first)) {
			dmah_host_lock(&c->lock);
			dmah_iova_cache_release(&c->cache, &s->iova, class, (u64 *)cell, first);
			dmah_host_unlock(&c->lock);
		}
	}
	dmah_host_leave(flags);
}

enum cache_deferred space_defer_slow(struct space *s, struct cell *cell, u32 first, u32 n)
{
	enum cache_deferred deferred;
	struct space_cpu *c;
	unsigned long flags;

	dmah_host_enter(&flags);
	c = this_cpu_ptr(s->cpu);
	dmah_host_lock(&c->lock);
	deferred = dmah_iova_cache_defer(&c->cache, &s->iova, iova_class(n), (u64 *)cell, first,
					 dmah_host_now());
	dmah_host_unlock(&c->lock);
	dmah_host_leave(flags);
	return deferred;
}

/* A CPU unmaps in about the order in which it mapped, so what waits side by side often lies side by side. */
static void clear_waiting(struct space *s, struct space_cpu *c, unsigned int class,
			  void (*clear)(void *ctx, u32 first, u32 n), void *ctx)
{
	const struct iova_ring *r = &c->cache.ring[class];
	u32 in = __atomic_load_n(&r->in, __ATOMIC_ACQUIRE), start = 0, run = 0;

	for (; c->cleared[class] != in; c->cleared[class]++) {
		const struct iova_entry *e = cache_entry(r, c->cleared[class]);
		const struct cell *cell = (const struct cell *)e->pte;
		u32 n = (u32)(((cell->phys & (GRANULE - 1)) + (u64)cell->len + GRANULE - 1) /
			      GRANULE);

		/* The depot is handed out from the top, so downwards as well. */
		if (run && e->first != start + run && e->first + n != start) {
			clear(ctx, start, run);
			run = 0;
		}
		if (!run || e->first < start)
			start = e->first;
		run += n;
	}
	if (run)
		clear(ctx, start, run);
}

bool space_capture(struct space *s, unsigned int cpu, struct space_mark *mark,
		   void (*clear)(void *ctx, u32 first, u32 n), void *ctx)
{
	struct space_cpu *c = per_cpu_ptr(s->cpu, cpu);
	unsigned long flags;
	bool waits = false;

	mark->begun = dmah_host_now();
	dmah_host_enter(&flags);
	dmah_host_lock(&c->lock);
	if (clear) {
		/* What is put while this runs waits for the next flush. */
		for (unsigned int i = 0; i < IOVA_CLASSES; i++) {
			clear_waiting(s, c, i, clear, ctx);
			mark->until[i] = c->cleared[i];
			waits |= mark->until[i] != c->cache.ring[i].ready;
		}
	} else {
		waits = dmah_iova_cache_capture(&c->cache, mark->until) != 0;
	}
	dmah_host_unlock(&c->lock);
	dmah_host_leave(flags);
	return waits;
}

bool space_flushed(struct space *s, unsigned int cpu, const struct space_mark *mark)
{
	struct space_cpu *c = per_cpu_ptr(s->cpu, cpu);
	unsigned long flags;
	bool own, waits;

	own = dmah_host_enter(&flags) == cpu;
	dmah_host_lock(&c->lock);
	dmah_iova_cache_flushed(&c->cache, mark->until, mark->begun);
	/* Only its own CPU may take from what it keeps. */
	if (own)
		dmah_iova_cache_trim(&c->cache, &s->iova);
	waits = dmah_iova_cache_waiting(&c->cache) != 0;
	dmah_host_unlock(&c->lock);
	dmah_host_leave(flags);
	return waits;
}

/* The owner must be out of the section that it may be in; from then on it comes by the lock. */
static void drain_other(struct space *s, unsigned int cpu)
{
	struct space_cpu *c = per_cpu_ptr(s->cpu, cpu);
	unsigned long flags;
	bool quiet;

	dmah_host_enter(&flags);
	dmah_host_lock(&c->lock);
	dmah_iova_cache_close(&c->cache);
	dmah_host_unlock(&c->lock);
	dmah_host_leave(flags);
	quiet = dmah_host_quiesce(cpu);
	dmah_host_enter(&flags);
	dmah_host_lock(&c->lock);
	if (quiet)
		dmah_iova_cache_drain(&c->cache, &s->iova);
	dmah_iova_cache_open(&c->cache);
	dmah_host_unlock(&c->lock);
	dmah_host_leave(flags);
}

void space_drain(struct space *s)
{
	struct space_cpu *c;
	unsigned long flags;
	unsigned int cpu, own;

	own = dmah_host_enter(&flags);
	c = this_cpu_ptr(s->cpu);
	dmah_host_lock(&c->lock);
	dmah_iova_cache_drain(&c->cache, &s->iova);
	dmah_host_unlock(&c->lock);
	dmah_host_leave(flags);
	for_each_possible_cpu(cpu)
		if (cpu != own)
			drain_other(s, cpu);
}
