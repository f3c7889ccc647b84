// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pool mode: set-up, and what each CPU keeps.
 */
#include <linux/module.h>
#include <linux/slab.h>

#include "pool_int.h"

static unsigned int pool_mib = 256;
module_param(pool_mib, uint, 0444);
MODULE_PARM_DESC(pool_mib, "most MiB of IOVAs that a device's slots take (default: 256)");

static int sync_map = -1;
module_param(sync_map, int, 0444);
MODULE_PARM_DESC(sync_map,
		 "1: sync the IOMMU at each map; 0: never; -1: where it may need that (default)");

/* Slots of one page that a CPU keeps at most; of larger ones fewer, but these at least. */
#define RING_MOST  512u
#define RING_LEAST 64u
/* Slots that move between a CPU and the chunks at one time. */
#define MOVE 32u

bool pool_is_lazy(const struct pool *p)
{
	return p->lazy;
}

u64 pool_bytes(const struct pool *p)
{
	return (u64)READ_ONCE(p->held) * POOL_CHUNK;
}

/* ---- what a CPU keeps; with interrupts off ---- */

/* Every flush that begins from here on covers the slots that wait now. */
static void ring_mark(struct pool *p, struct pool_ring *r)
{
	r->mark = r->in;
	/* Entries are cleared before the number of flushes is read. */
	smp_mb();
	r->mark_flush = atomic_read(&p->begun);
}

/* Slots that a flush has covered may be used. */
static void ring_advance(struct pool *p, struct pool_ring *r)
{
	if (atomic_read_acquire(&p->done) - r->mark_flush <= 0)
		return;
	r->clean = r->mark;
	ring_mark(p, r);
}

static void flush_ring(struct pool *p, unsigned int class)
{
	unsigned long flags;

	local_irq_save(flags);
	ring_advance(p, &this_cpu_ptr(p->cpu)->ring[class]);
	ring_mark(p, &this_cpu_ptr(p->cpu)->ring[class]);
	local_irq_restore(flags);
	pool_flush(p);
	/* This may be another CPU: its ring has a mark of its own. */
	local_irq_save(flags);
	ring_advance(p, &this_cpu_ptr(p->cpu)->ring[class]);
	local_irq_restore(flags);
}

static struct pool_slot *take_flushed(struct pool *p, unsigned int class, u32 *waiting)
{
	struct pool_slot *s = NULL;
	struct pool_ring *r;
	unsigned long flags;

	local_irq_save(flags);
	r = &this_cpu_ptr(p->cpu)->ring[class];
	if (p->lazy)
		ring_advance(p, r);
	if (r->out != r->clean)
		s = r->slot[r->out++ & r->mask];
	*waiting = r->in - r->clean;
	local_irq_restore(flags);
	return s;
}

/*
 * Keep slots that translate nowhere, before all others; those for which there is no room go back.
 */
static void keep(struct pool *p, unsigned int class, struct pool_slot **slot, u32 n)
{
	struct pool_ring *r;
	unsigned long flags;

	local_irq_save(flags);
	r = &this_cpu_ptr(p->cpu)->ring[class];
	while (n && r->in - r->out <= r->mask)
		r->slot[--r->out & r->mask] = slot[--n];
	local_irq_restore(flags);
	if (n)
		pool_chunk_put(p, slot, n);
}

static struct pool_slot *refill(struct pool *p, unsigned int class)
{
	struct pool_slot *slot[MOVE];
	u32 n = pool_chunk_take(p, class, slot, MOVE >> (class / 2));

	if (!n)
		return NULL;
	if (n > 1)
		keep(p, class, slot + 1, n - 1);
	return slot[0];
}

struct pool_slot *pool_take_slow(struct pool *p, unsigned int class)
{
	struct pool_slot *s;
	u32 waiting;

	s = take_flushed(p, class, &waiting);
	if (!s)
		s = refill(p, class);
	if (!s && !pool_grow(p, class))
		s = refill(p, class);
	if (s || !waiting)
		return s;
	flush_ring(p, class);
	return take_flushed(p, class, &waiting);
}

/* Slots that may be used, the oldest first. */
static u32 give_back(struct pool *p, unsigned int class, struct pool_slot **slot)
{
	struct pool_ring *r;
	unsigned long flags;
	u32 n = 0;

	local_irq_save(flags);
	r = &this_cpu_ptr(p->cpu)->ring[class];
	while (n < MOVE && r->out != r->clean)
		slot[n++] = r->slot[r->out++ & r->mask];
	local_irq_restore(flags);
	return n;
}

void pool_put_slow(struct pool *p, unsigned int class, struct pool_slot *s, enum pool_room room)
{
	struct pool_slot *slot[MOVE];
	u32 n;

	for (;;) {
		if (room == POOL_ROOM)
			return;
		if (p->lazy)
			flush_ring(p, class);
		if (room == POOL_DUE)
			return;
		n = give_back(p, class, slot);
		if (n)
			pool_chunk_put(p, slot, n);
		room = pool_put(p, class, s, p->lazy);
	}
}

/* ---- set-up ---- */

static u32 ring_size(unsigned int class)
{
	return max(RING_MOST >> class, RING_LEAST);
}

static void cpus_end(struct pool *p)
{
	unsigned int cpu;

	if (!p->cpu)
		return;
	for_each_possible_cpu(cpu)
		kvfree(per_cpu_ptr(p->cpu, cpu)->memory);
	free_percpu(p->cpu);
}

static int cpus_begin(struct pool *p)
{
	unsigned int cpu, k;
	u32 all = 0;

	for (k = 0; k < POOL_CLASSES; k++)
		all += ring_size(k);
	p->cpu = alloc_percpu(struct pool_cpu);
	if (!p->cpu)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		struct pool_cpu *c = per_cpu_ptr(p->cpu, cpu);
		struct pool_slot **at;

		at = kvcalloc_node(all, sizeof(*at), GFP_KERNEL, cpu_to_node(cpu));
		if (!at)
			return -ENOMEM;
		c->memory = at;
		for (k = 0; k < POOL_CLASSES; k++) {
			c->ring[k].slot = at;
			c->ring[k].mask = ring_size(k) - 1;
			c->ring[k].batch = ring_size(k) / 2;
			at += ring_size(k);
		}
	}
	return 0;
}

static const char *why_not(struct client *c)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(c->dev);

	if (!c->translated)
		return "no IOMMU translates for it";
	if (!c->coherent)
		return "it is not coherent";
	if (PAGE_SIZE != SZ_4K || !(domain->pgsize_bitmap & SZ_4K))
		return "pages are not 4 KiB";
	return NULL;
}

static void pool_free(struct pool *p)
{
	pool_chunks_end(p);
	cpus_end(p);
	kvfree(p);
}

static int build(struct pool *p)
{
	int err = cpus_begin(p);

	return err ? err : pool_grow(p, 0);
}

int pool_attach(struct client *c, bool strict)
{
	const char *why = why_not(c);
	struct pool *p;
	int err;

	if (why) {
		dev_info(c->dev, "dmah: wrap mode instead of slots: %s\n", why);
		return -EOPNOTSUPP;
	}
	p = kvzalloc(sizeof(*p), GFP_KERNEL);
	if (!p)
		return -ENOMEM;
	p->c = c;
	p->domain = iommu_get_domain_for_dev(c->dev);
	p->lazy = p->domain->type == IOMMU_DOMAIN_DMA_FQ && !strict && !c->untrusted;
	p->sync_map = sync_map < 0 ? pool_wants_sync_map(p) : sync_map != 0;
	p->limit = clamp(pool_mib / (POOL_CHUNK / SZ_1M), 1u, POOL_CHUNKS);
	spin_lock_init(&p->lock);
	for (unsigned int k = 0; k < POOL_CLASSES; k++)
		INIT_LIST_HEAD(&p->some[k]);
	INIT_LIST_HEAD(&p->runs);
	pool_flush_init(p);
	INIT_DELAYED_WORK(&p->shrink, pool_shrink);
	err = build(p);
	if (err) {
		pool_free(p);
		if (err != -ENOMEM)
			dev_info(c->dev, "dmah: wrap mode instead of slots: no IOVAs (%d)\n", err);
		return err;
	}
	c->pool = p;
	c->pool_fast = c->untrusted ? NULL : p;
	dev_info(c->dev, "dmah: slots in its default domain, %s, %s%s, up to %u MiB\n",
		 p->lazy ? "lazy" : "strict",
		 p->chunk[0].leaf ? "which keep their entries"
				  : "whose entries the IOMMU's driver makes",
		 p->sync_map ? " and announce them" : "", p->limit * (POOL_CHUNK / SZ_1M));
	return 0;
}

void pool_detach(struct client *c)
{
	struct pool *p = c->pool;

	c->pool = NULL;
	c->pool_fast = NULL;
	cancel_delayed_work_sync(&p->shrink);
	timer_shutdown_sync(&p->timer);
	/* A driver that leaves mappings behind leaves no way to the memory. */
	pool_chunks_clear(p);
	pool_runs_clear(p);
	iommu_flush_iotlb_all(p->domain);
	pool_free(p);
}
