// SPDX-License-Identifier: GPL-2.0-only
#include "space.h"

#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/slab.h>

/*
 * On the CPU that owns @arg, with interrupts off: the CPU is in no section that works without the
 * lock.
 */
static void drain_own(void *arg)
{
	struct space_cpu *c = arg;

	raw_spin_lock(&c->lock);
	dmah_iova_cache_drain(&c->cache, &c->space->iova);
	raw_spin_unlock(&c->lock);
}

static void drain_asked(void *arg)
{
	struct space_cpu *c = arg;

	drain_own(c);
	/* Last: space_fini() frees @c after this. */
	atomic_set_release(&c->asked, 0);
}

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
	host_lock_init(&s->iova.lock);
	for_each_possible_cpu(cpu) {
		struct space_cpu *c = per_cpu_ptr(s->cpu, cpu);

		raw_spin_lock_init(&c->lock);
		c->space = s;
		INIT_CSD(&c->csd, drain_asked, c);
		c->entries =
			kvzalloc_node(dmah_iova_cache_memory(batch), GFP_KERNEL, cpu_to_node(cpu));
		if (!c->entries)
			return -ENOMEM;
		dmah_iova_cache_init(&c->cache, lazy);
		dmah_iova_cache_give_piece(&c->cache, batch, c->entries);
		dmah_iova_cache_set_depth(&c->cache, s->iova.depth);
	}
	return 0;
}

void space_fini(struct space *s)
{
	int cpu;

	if (s->cpu) {
		for_each_possible_cpu(cpu) {
			struct space_cpu *c = per_cpu_ptr(s->cpu, cpu);

			/* The CPU may be about to answer space_drain(). */
			while (atomic_read_acquire(&c->asked))
				usleep_range(100, 200);
			kvfree(c->entries);
		}
	}
	free_percpu(s->cpu);
	for (u32 i = 0; s->leaf && i < DIV_ROUND_UP(s->granules, CELLS); i++)
		free_page((unsigned long)s->leaf[i]);
	kvfree(s->leaf);
	kvfree(s->memory);
	*s = (struct space){};
}

/* Granules that are looked at with interrupts off at one time. */
#define EXCLUDE_STEP 64u

static void exclude_step(struct space *s, u32 first, u32 n)
{
	unsigned long flags;

	dmah_host_enter(&flags);
	/* Ranges that are reserved for several reasons overlap: one by one then. */
	if (!dmah_iova_take(&s->iova, first, n))
		for (u32 i = 0; i < n; i++)
			(void)dmah_iova_take(&s->iova, first + i, 1);
	dmah_host_leave(flags);
}

void space_exclude(struct space *s, u64 start, u64 last)
{
	u64 end = s->base + (u64)s->granules * GRANULE - 1;

	start = max_t(u64, start, s->base);
	last = min(last, end);
	if (start > last)
		return;
	for (u32 i = (start - s->base) / GRANULE, stop = (last - s->base) / GRANULE + 1;
	     i < stop;) {
		u32 n = min(stop - i, EXCLUDE_STEP - i % EXCLUDE_STEP);

		exclude_step(s, i, n);
		i += n;
	}
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
		raw_spin_lock(&c->lock);
		first = dmah_iova_cache_take_locked(&c->cache, &s->iova, iova_class(n));
		raw_spin_unlock(&c->lock);
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
		if (!cell || !cache_give_back(&c->cache.ring[class], first)) {
			raw_spin_lock(&c->lock);
			dmah_iova_cache_release(&c->cache, &s->iova, class, cell, first);
			raw_spin_unlock(&c->lock);
		}
	}
	dmah_host_leave(flags);
}

enum cache_deferred space_defer_slow(struct space *s, u32 first, u32 n)
{
	enum cache_deferred deferred;
	struct space_cpu *c;
	unsigned long flags;

	dmah_host_enter(&flags);
	c = this_cpu_ptr(s->cpu);
	raw_spin_lock(&c->lock);
	deferred =
		dmah_iova_cache_defer(&c->cache, &s->iova, iova_class(n), first, dmah_host_now());
	raw_spin_unlock(&c->lock);
	dmah_host_leave(flags);
	return deferred;
}

/*
 * A CPU unmaps in about the order in which it mapped, so what waits side by side often lies side
 * by side.
 */
static void clear_waiting(struct space *s, struct space_cpu *c, unsigned int class,
			  void (*clear)(void *ctx, u32 first, u32 n), void *ctx)
{
	const struct iova_ring *r = &c->cache.ring[class];
	u32 in = __atomic_load_n(&r->in, __ATOMIC_ACQUIRE), start = 0, run = 0;

	for (; c->cleared[class] != in; c->cleared[class]++) {
		u32 first = *cache_entry(r, c->cleared[class]);
		const struct cell *cell = space_cell(s, first);
		u32 n = (u32)(((cell->phys & (GRANULE - 1)) + (u64)cell->len + GRANULE - 1) /
			      GRANULE);

		/* The depot is handed out from the top, so downwards as well. */
		if (run && first != start + run && first + n != start) {
			clear(ctx, start, run);
			run = 0;
		}
		if (!run || first < start)
			start = first;
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
	raw_spin_lock(&c->lock);
	if (clear) {
		/* Entries that are put while this runs wait for the next flush. */
		for (unsigned int i = 0; i < IOVA_CLASSES; i++) {
			clear_waiting(s, c, i, clear, ctx);
			mark->until[i] = c->cleared[i];
			waits |= mark->until[i] != c->cache.ring[i].ready;
		}
	} else {
		waits = dmah_iova_cache_capture(&c->cache, mark->until) != 0;
	}
	raw_spin_unlock(&c->lock);
	dmah_host_leave(flags);
	return waits;
}

bool space_flushed(struct space *s, unsigned int cpu, const struct space_mark *mark)
{
	struct space_cpu *c = per_cpu_ptr(s->cpu, cpu);
	unsigned long flags;
	bool own, waits;

	own = dmah_host_enter(&flags) == cpu;
	raw_spin_lock(&c->lock);
	dmah_iova_cache_flushed(&c->cache, mark->until, mark->begun);
	/* Only its own CPU may take from what it keeps. */
	if (own)
		dmah_iova_cache_trim(&c->cache, &s->iova);
	waits = dmah_iova_cache_waiting(&c->cache) != 0;
	raw_spin_unlock(&c->lock);
	dmah_host_leave(flags);
	return waits;
}

/*
 * The CPU is offline and stays so. It takes the lock, like every other CPU, while the cache is
 * closed.
 */
static void drain_offline(struct space_cpu *c)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&c->lock, flags);
	dmah_iova_cache_close(&c->cache);
	dmah_iova_cache_drain(&c->cache, &c->space->iova);
	dmah_iova_cache_open(&c->cache);
	raw_spin_unlock_irqrestore(&c->lock, flags);
}

static void drain_all(struct space *s)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct space_cpu *c = per_cpu_ptr(s->cpu, cpu);

		if (!cpu_online(cpu) || smp_call_function_single(cpu, drain_own, c, 1))
			drain_offline(c);
	}
}

static void ask(struct space_cpu *c, int cpu)
{
	if (atomic_xchg(&c->asked, 1))
		return;
	if (smp_call_function_single_async(cpu, &c->csd))
		atomic_set_release(&c->asked, 0);
}

static bool answered(struct space *s)
{
	int cpu;

	for_each_online_cpu(cpu)
		if (atomic_read_acquire(&per_cpu_ptr(s->cpu, cpu)->asked))
			return false;
	return true;
}

static void ask_all(struct space *s)
{
	unsigned long flags;
	int cpu, own;
	u64 end;

	local_irq_save(flags);
	own = smp_processor_id();
	drain_own(this_cpu_ptr(s->cpu));
	for_each_online_cpu(cpu)
		if (cpu != own)
			ask(per_cpu_ptr(s->cpu, cpu), cpu);
	local_irq_restore(flags);
	end = ktime_get_mono_fast_ns() + SPACE_ASK_NS;
	while (!irqs_disabled() && !answered(s) && (s64)(ktime_get_mono_fast_ns() - end) < 0)
		cpu_relax();
}

/*
 * A driver maps with a lock held, and another CPU spins for that lock with interrupts off: that
 * CPU answers no interprocessor interrupt until map has returned. So an answer is waited for
 * without a limit only where the caller holds no spinlock for certain. Kernels without
 * CONFIG_PREEMPT_COUNT never know.
 */
void space_drain(struct space *s)
{
	/*
	 * A CPU that comes or goes is waited for by nobody here: a hotplug callback may be the
	 * caller.
	 */
	if (preemptible() && cpus_read_trylock()) {
		drain_all(s);
		cpus_read_unlock();
		return;
	}
	ask_all(s);
}
