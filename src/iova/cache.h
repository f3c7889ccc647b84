/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What one CPU keeps of the aperture: granules ready to be mapped, and granules unmapped lazily that wait for a flush.
 *
 * One ring for each size class (1, 2, 4 ... 32 granules), with indices that only grow, but for @out:
 *
 *	      out               ready               in
 *	.......|  may be mapped   |  may translate   |.......
 *
 * A lazy unmap puts its granules in at @in. A flush moves @ready to where @in was when the flush began. Map takes from
 * @out, and what was invalidated already goes back there. So granules come home to the CPU that unmapped them, in the
 * neighbourhood that they were taken from the depot in, and nobody else writes their cache lines of page table.
 *
 * Only the ring's own CPU takes and puts, inside dmah_host_enter() and without a lock. All else (depot, flushes, another
 * CPU that needs what is kept here) holds the CPU's lock. It steers the owner by two limits that the owner compares
 * with anyway: taking stops at @limit, putting at @stop; where they are far behind, the owner has to come by the lock. A
 * thief closes both, waits with dmah_host_quiesce() until the owner is out of the section it may be in, and then the
 * lock alone protects the ring. tests/spin/lazy.pml is a model of this.
 */
#ifndef DMAH_IOVA_CACHE_H
#define DMAH_IOVA_CACHE_H

#include "iova/iova.h"

/**
 * struct iova_entry - granules of a ring.
 * @pte: the page-table entry of the first one: no walk is needed to map.
 * @first: its index.
 */
struct iova_entry {
	uint64_t *pte;
	uint32_t first;
};

/**
 * struct iova_ring - the granules of one size class.
 * @in: entries ever put in lazily. Written by the owner alone.
 * @stop: the owner puts no further than this without the lock.
 * @out: where the next one to be mapped is. Written by the owner, and under the lock while both limits are closed.
 * @limit: the owner takes none from here on without the lock.
 * @ready: entries before this are flushed. Under the lock.
 * @mask: entries that there is room for, minus 1.
 * @batch: entries that wait before a flush is due. No more than @depth, but where @depth is 0.
 * @depth: entries that are ready are kept up to this; 0: none. At most the room minus @batch: so much room is left
 *	for what waits, whatever @out was when @stop was set.
 * @entry: by index & @mask.
 */
struct iova_ring {
	uint32_t in;
	uint32_t stop;
	uint32_t out;
	uint32_t limit;
	uint32_t ready;
	uint32_t mask;
	uint32_t batch;
	uint32_t depth;
	struct iova_entry *entry;
};

/**
 * struct iova_cache - one CPU's.
 * @ring: by class.
 * @drains: others that are about to take what is ready.
 * @lazy: unmaps may wait; else @stop is closed.
 * @shut: the domain's mode has no use for granules; both limits are closed.
 * @since: when the oldest entry that waits was put, or earlier; dmah_host_now().
 */
struct iova_cache {
	struct iova_ring ring[IOVA_CLASSES];
	uint32_t drains;
	bool lazy;
	bool shut;
	uint64_t since;
};

/** CACHE_ROOM - entries in a ring, for each that waits at most before a flush. */
#define CACHE_ROOM 4u

/**
 * dmah_iova_cache_memory() - bytes for the entries of one CPU.
 * @batch: entries of one granule that wait before a flush is due; of larger classes fewer, for the same granules.
 */
size_t dmah_iova_cache_memory(uint32_t batch);

/** dmah_iova_cache_init() - empty. @memory: dmah_iova_cache_memory() bytes, aligned as a pointer. */
void dmah_iova_cache_init(struct iova_cache *c, void *memory, uint32_t batch, bool lazy);

/* ---- the owner, inside dmah_host_enter(), without the lock ---- */

/* Whether @index has not come to @limit yet. */
static inline bool cache_before(uint32_t index, uint32_t limit)
{
	return (int32_t)(index - limit) < 0;
}

static inline struct iova_entry *cache_entry(const struct iova_ring *r, uint32_t index)
{
	return &r->entry[index & r->mask];
}

/** cache_take() - granules to map. Return: false where there are none, or the lock is needed. */
static inline bool cache_take(struct iova_ring *r, struct iova_entry *e)
{
	/* Before @out: who opens the limits has moved that. */
	uint32_t limit = __atomic_load_n(&r->limit, __ATOMIC_ACQUIRE);
	uint32_t out = __atomic_load_n(&r->out, __ATOMIC_RELAXED);

	if (!cache_before(out, limit))
		return false;
	*e = *cache_entry(r, out);
	__atomic_store_n(&r->out, out + 1, __ATOMIC_RELAXED);
	return true;
}

/** cache_room() - whether a lazy unmap may put granules, without the lock, at *@in; before it clears the entries. */
static inline bool cache_room(const struct iova_ring *r, uint32_t *in)
{
	uint32_t stop = __atomic_load_n(&r->stop, __ATOMIC_ACQUIRE);

	*in = __atomic_load_n(&r->in, __ATOMIC_RELAXED);
	return cache_before(*in, stop);
}

/** cache_put() - they wait for a flush. Their page-table entries are cleared, and there is room at @in. */
static inline void cache_put(struct iova_ring *r, uint32_t in, uint64_t *pte, uint32_t first)
{
	*cache_entry(r, in) = (struct iova_entry){ pte, first };
	/* A flush that sees this sees the cleared entries. */
	__atomic_store_n(&r->in, in + 1, __ATOMIC_RELEASE);
}

/** cache_give_back() - granules that translate nowhere any more. Return: false where the lock is needed. */
static inline bool cache_give_back(struct iova_ring *r, uint64_t *pte, uint32_t first)
{
	uint32_t limit = __atomic_load_n(&r->limit, __ATOMIC_ACQUIRE);
	uint32_t out = __atomic_load_n(&r->out, __ATOMIC_RELAXED);

	if (cache_before(limit, out) || __atomic_load_n(&r->in, __ATOMIC_RELAXED) - out >= r->depth)
		return false;
	*cache_entry(r, out - 1) = (struct iova_entry){ pte, first };
	__atomic_store_n(&r->out, out - 1, __ATOMIC_RELAXED);
	return true;
}

/* ---- the owner, inside dmah_host_enter(), with the CPU's lock ---- */

/** dmah_iova_cache_take_locked() - as cache_take(), and from the depot where the ring is empty. Return: RANGE_NONE: none left. */
uint32_t dmah_iova_cache_take_locked(struct iova_cache *c, struct iova *iova, unsigned int class);

/** enum cache_deferred - what became of granules that were to wait. */
enum cache_deferred {
	CACHE_FULL, /* they do not: there is no room */
	CACHE_WAITS,
	CACHE_DUE, /* and a flush is due */
};

/**
 * dmah_iova_cache_defer() - as cache_put(), and begins the time that the ring may wait.
 *
 * Where the ring is full, half of what is ready goes to the depot.
 */
enum cache_deferred dmah_iova_cache_defer(struct iova_cache *c, struct iova *iova,
					  unsigned int class, uint64_t *pte, uint32_t first,
					  uint64_t now);

/** dmah_iova_cache_release() - as cache_give_back(), or to the depot where enough is kept. */
void dmah_iova_cache_release(struct iova_cache *c, struct iova *iova, unsigned int class,
			     uint64_t *pte, uint32_t first);

/** dmah_iova_cache_trim() - no more than @depth is kept. */
void dmah_iova_cache_trim(struct iova_cache *c, struct iova *iova);

/* ---- any CPU, inside dmah_host_enter(), with the CPU's lock ---- */

/** dmah_iova_cache_waiting() - entries that wait for a flush. */
uint32_t dmah_iova_cache_waiting(const struct iova_cache *c);

/** dmah_iova_cache_capture() - what a flush that begins after this will cover. Return: how many entries wait. */
uint32_t dmah_iova_cache_capture(const struct iova_cache *c, uint32_t until[IOVA_CLASSES]);

/** dmah_iova_cache_flushed() - a flush that began at @begun, after dmah_iova_cache_capture(), was confirmed. */
void dmah_iova_cache_flushed(struct iova_cache *c, const uint32_t until[IOVA_CLASSES],
			     uint64_t begun);

/**
 * dmah_iova_cache_set_depth() - set how many entries of each class a CPU may hold.
 * @depth: entries that are ready, and as many again that wait for a flush. 0: the class is not held at all.
 */
void dmah_iova_cache_set_depth(struct iova_cache *c, const uint32_t depth[IOVA_CLASSES]);

/**
 * dmah_iova_cache_set_mode() - set what the owner may do without the lock.
 * @lazy: unmaps may wait for a flush.
 * @shut: nothing: neither take nor put.
 */
void dmah_iova_cache_set_mode(struct iova_cache *c, bool lazy, bool shut);

/** dmah_iova_cache_close() - the owner needs the lock from now on, as soon as it has left the section that it may be in. */
void dmah_iova_cache_close(struct iova_cache *c);

/** dmah_iova_cache_open() - undo one dmah_iova_cache_close(). */
void dmah_iova_cache_open(struct iova_cache *c);

/** dmah_iova_cache_drain() - all that is ready goes to the depot. The owner is the caller, or closed out and quiet. */
void dmah_iova_cache_drain(struct iova_cache *c, struct iova *iova);

#endif /* DMAH_IOVA_CACHE_H */
