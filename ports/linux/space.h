/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A domain's IOVAs: the library's allocator with what each CPU keeps (src/iova), compiled
 * unchanged, and a cell for each granule that says which mapping begins there.
 */
#ifndef DMAH_LINUX_SPACE_H
#define DMAH_LINUX_SPACE_H

#include <linux/percpu.h>
#include <linux/sizes.h>
#include <linux/smp.h>
#include <linux/spinlock.h>

#include "library.h"
#include "iova/cache.h"
#include "library_end.h"

#include "client.h"

/** GRANULE - the library's, and the smallest page that is asked of an IOMMU here. */
#define GRANULE SZ_4K

/**
 * struct cell - the mapping that begins at a granule.
 * @phys, @len, @meta: as in its handle. Without META_DIR in @meta there is none; the generation
 *	stays.
 * @caller: return address of the map call.
 * @backend: the library's token of a bounce slot; the CPU pointer of coherent memory.
 */
struct cell {
	phys_addr_t phys;
	unsigned long caller;
	u64 backend;
	u32 len;
	u32 meta;
};

#define CELL_SHIFT 7u
#define CELLS	   (1u << CELL_SHIFT) /* a page */

/**
 * struct space_cpu - the granules that one CPU keeps.
 * @cache: the granules. Only the CPU itself takes and puts without @lock, with interrupts off.
 * @lock: for everything else on @cache.
 * @cleared: by class, how far entries that wait for a flush were given to space_capture()'s
 *	@clear.
 * @entries: the memory of @cache.
 * @space: the space that this belongs to.
 * @csd: asks the CPU to give back its free granules; @asked: it has not answered yet.
 */
struct space_cpu {
	struct iova_cache cache;
	raw_spinlock_t lock;
	u32 cleared[IOVA_CLASSES];
	void *entries;
	struct space *space;
	call_single_data_t csd;
	atomic_t asked;
} ____cacheline_aligned;

/**
 * struct space - the IOVAs.
 * @iova: the allocator; granules are numbered from @base.
 * @cpu: by CPU.
 * @leaf: pages of cells, by granule >> CELL_SHIFT; NULL where nothing was mapped yet.
 * @base: the first IOVA, a multiple of 2 MiB.
 * @granules: how many.
 * @memory: the allocator's bookkeeping.
 */
struct space {
	struct iova iova;
	struct space_cpu __percpu *cpu;
	struct cell **leaf;
	dma_addr_t base;
	u32 granules;
	void *memory;
};

/**
 * space_init() - [@base, @base + @granules), to be kept by CPUs up to @batch at a time, lazily if
 * so.
 */
int space_init(struct space *s, dma_addr_t base, u32 granules, u32 batch, bool lazy);
void space_fini(struct space *s);

/** space_exclude() - [@start, @last] is not handed out. Context: before the first map. */
void space_exclude(struct space *s, u64 start, u64 last);

/** space_cell() - the cell of a granule; NULL where no page of cells is there. */
static inline struct cell *space_cell(const struct space *s, u32 granule)
{
	struct cell *leaf = READ_ONCE(s->leaf[granule >> CELL_SHIFT]);

	return likely(leaf) ? &leaf[granule & (CELLS - 1)] : NULL;
}

/**
 * space_add_cell() - the same, and makes the page. Return: NULL where there was no memory.
 * Context: any.
 */
struct cell *space_add_cell(struct space *s, u32 granule);

/**
 * space_take() - granules of a class from what this CPU keeps, which have their cell.
 * Return: false where it keeps none.
 */
static __always_inline bool space_take(struct space *s, unsigned int class, u32 *first)
{
	unsigned long flags;
	bool found;

	dmah_host_enter(&flags);
	found = cache_take(&this_cpu_ptr(s->cpu)->cache.ring[class], first);
	dmah_host_leave(flags);
	return found;
}

/**
 * space_wait() - granules wait for a flush on this CPU. Return: false where the lock is needed for
 * that.
 */
static __always_inline bool space_wait(struct space *s, unsigned int class, u32 first)
{
	struct iova_ring *r;
	unsigned long flags;
	bool room;
	u32 in;

	dmah_host_enter(&flags);
	r = &this_cpu_ptr(s->cpu)->cache.ring[class];
	room = cache_room(r, &in);
	if (likely(room))
		cache_put(r, in, first);
	dmah_host_leave(flags);
	return room;
}

/** space_get_slow() - space_get() where this CPU keeps none. @err: -ENOSPC, -ENOMEM. */
struct cell *space_get_slow(struct space *s, u32 n, u32 align, u32 skew, u32 *first, int *err);

/**
 * space_get() - @n granules.
 * @first: set to the first one's number.
 *
 * Up to IOVA_CLASS_MAX of them come as a power of two, from what the CPU keeps. Return: the first
 * one's cell; NULL: see space_get_slow().
 */
static __always_inline struct cell *space_get(struct space *s, u32 n, u32 *first, int *err)
{
	if (unlikely(n > IOVA_CLASS_MAX) || unlikely(!space_take(s, iova_class(n), first)))
		return space_get_slow(s, n, 1, 0, first, err);
	return space_cell(s, *first);
}

/** space_put() - granules that translate nowhere. */
void space_put(struct space *s, u32 first, u32 n);

/** space_defer_slow() - space_defer() where the lock is needed. */
enum cache_deferred space_defer_slow(struct space *s, u32 first, u32 n);

/**
 * space_defer() - granules, at most IOVA_CLASS_MAX, that may translate until the next flush.
 *
 * Return: CACHE_WAITS, CACHE_DUE (a flush is due), CACHE_FULL (they are the caller's still).
 * @started: nothing waited before on this CPU.
 */
static __always_inline enum cache_deferred space_defer(struct space *s, u32 first, u32 n,
						       bool *started)
{
	*started = !space_wait(s, iova_class(n), first);
	return likely(!*started) ? CACHE_WAITS : space_defer_slow(s, first, n);
}

/**
 * SPACE_ASK_NS - how long space_drain() waits, with interrupts on, in a context that may not
 * sleep.
 */
#define SPACE_ASK_NS (100 * NSEC_PER_USEC)

/**
 * struct space_mark - how far what a CPU had unmapped lazily is covered by a flush that begins
 * now.
 */
struct space_mark {
	u32 until[IOVA_RINGS];
	u64 begun;
};

/**
 * space_capture() - before a flush.
 * @clear: NULL, or called once for each range that waits and has been given to it never before:
 *	[@first, @first + @n) are mapped granules side by side. Under the CPU's lock.
 *
 * Return: true if anything waits on the CPU.
 */
bool space_capture(struct space *s, unsigned int cpu, struct space_mark *mark,
		   void (*clear)(void *ctx, u32 first, u32 n), void *ctx);

/** space_flushed() - and after it. Return: whether something waits that was unmapped since. */
bool space_flushed(struct space *s, unsigned int cpu, const struct space_mark *mark);

/**
 * space_drain() - give the free granules that CPUs keep back to the allocator.
 *
 * Where the caller may sleep, all of them are back on return. Elsewhere the caller may hold a lock
 * that another CPU spins for with interrupts off: the other CPUs are asked, and not waited for
 * longer than SPACE_ASK_NS. Context: any.
 */
void space_drain(struct space *s);

#endif /* DMAH_LINUX_SPACE_H */
