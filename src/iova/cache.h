/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The granules that one CPU keeps: ready to be mapped, or unmapped lazily and waiting for a flush.
 *
 * Each size class (1, 2, 4 ... 32 granules, and 512) has a ring. Indices only grow, except @out:
 *
 *	      out               ready               in
 *	.......|  may be mapped   |  may translate   |.......
 *
 * A lazy unmap puts its granules in at @in. A flush moves @ready to the value of @in at the begin
 * of the flush. Map takes from @out, and granules that are invalidated already go back there. So
 * granules return to the CPU that unmapped them, next to the same neighbours, and no other CPU
 * writes the cache lines of their page-table entries.
 *
 * Only the ring's own CPU takes and puts, inside dmah_host_enter() and without a lock. All other
 * operations (depot, flushes, a drain by another CPU) hold the CPU's lock. The owner takes the lock
 * at two limits: taking stops at @limit, putting at @stop. The owner compares with both in any
 * case, so this costs nothing. A remote drain closes both limits and waits with dmah_host_quiesce()
 * until the owner has left its current section. From then on the lock alone protects the ring.
 * tests/spin/lazy.pml is a model of this.
 */
#ifndef DMAH_IOVA_CACHE_H
#define DMAH_IOVA_CACHE_H

#include "iova/iova.h"

/**
 * IOVA_INDEX - the bits of a ring's entry that hold the index of the first granule. Above them are flags of the caller. An
 * entry has 4 bytes, so that the entries that a CPU goes through round and round take few cache lines.
 */
#define IOVA_INDEX 0x0fffffffu

/**
 * struct iova_ring - the granules of one size class.
 * @in: entries ever put in lazily. Written only by the owner.
 * @stop: the owner puts only below this index without the lock.
 * @out: index of the next entry to be mapped. Written by the owner; under the lock while both
 *	limits are closed.
 * @limit: the owner takes only below this index without the lock.
 * @ready: entries below this index are flushed. Under the lock.
 * @mask: room for entries, minus 1.
 * @batch: number of waiting entries that makes a flush due. At most @depth, unless @depth is 0.
 * @depth: largest number of ready entries kept; 0: none. At most the room minus @batch, so that
 *	@batch entries may wait at any value of @out when @stop was set.
 * @entry: by index & @mask; NULL: the ring has no memory, and its limits are closed.
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
	uint32_t *entry;
};

/**
 * struct iova_cache - the cache of one CPU.
 * @ring: by size class.
 * @drains: number of remote drains under way.
 * @lazy: unmaps may wait for a flush; else @stop is closed.
 * @shut: the domain's mode does not use granules; both limits are closed.
 * @since: time (dmah_host_now()) at or before the put of the oldest waiting entry.
 */
struct iova_cache {
	struct iova_ring ring[IOVA_RINGS];
	uint32_t drains;
	bool lazy;
	bool shut;
	uint64_t since;
};

/** CACHE_ROOM - entries of a ring, for each entry that may wait before a flush. */
#define CACHE_ROOM 4u

/** IOVA_PAGE - the memory of a ring of up to this many bytes lies in one page. */
#define IOVA_PAGE 4096u

/**
 * dmah_iova_cache_memory() - return the bytes for the entries of one CPU.
 * @batch: number of one-granule entries that makes a flush due, a power of two; larger classes have fewer entries, at least a
 *	quarter of that.
 */
size_t dmah_iova_cache_memory(uint32_t batch);

/** dmah_iova_cache_init() - set up an empty cache without memory: its owner takes the lock, and nothing is kept. */
void dmah_iova_cache_init(struct iova_cache *c, bool lazy);

/**
 * dmah_iova_cache_give_memory() - give an empty cache its memory. dmah_iova_cache_set_depth() says how many granules it keeps;
 *	until then the owner goes on taking the lock.
 * @page: the memory, in pieces of IOVA_PAGE bytes: as many as cover dmah_iova_cache_memory(@batch), which is at most
 *	CACHE_PAGED.
 *
 * Context: with the CPU's lock; the owner may be in a section. Nothing was put into the cache before.
 */
void dmah_iova_cache_give_memory(struct iova_cache *c, uint32_t batch, void *const *page);

/**
 * dmah_iova_cache_give_piece() - dmah_iova_cache_give_memory() of dmah_iova_cache_memory(@batch) bytes in one piece, aligned to
 * 4. @batch: any.
 */
void dmah_iova_cache_give_piece(struct iova_cache *c, uint32_t batch, void *memory);

/** CACHE_PAGED - largest batch with which no ring takes more than a page. */
#define CACHE_PAGED (IOVA_PAGE / (uint32_t)sizeof(uint32_t) / CACHE_ROOM)

/** CACHE_PAGES - pages of a cache with the batch CACHE_PAGED. */
#define CACHE_PAGES 3u

/* ---- the owner, inside dmah_host_enter(), without the lock ---- */

/* Returns true if @index is still below @limit; both wrap. */
static inline bool cache_before(uint32_t index, uint32_t limit)
{
	return (int32_t)(index - limit) < 0;
}

static inline uint32_t *cache_entry(const struct iova_ring *r, uint32_t index)
{
	return &r->entry[index & r->mask];
}

/** cache_take() - take granules to map. Returns false if there are none, or the lock is needed. */
static inline bool cache_take(struct iova_ring *r, uint32_t *e)
{
	/* Load @limit before @out: a CPU that reopens the cache writes @out first. */
	uint32_t limit = __atomic_load_n(&r->limit, __ATOMIC_ACQUIRE);
	uint32_t out = __atomic_load_n(&r->out, __ATOMIC_RELAXED);

	if (!cache_before(out, limit))
		return false;
	*e = *cache_entry(r, out);
	__atomic_store_n(&r->out, out + 1, __ATOMIC_RELAXED);
	return true;
}

/**
 * cache_has() - Returns true if there are granules to take without the lock: cache_take_seen() takes them, in the same section.
 */
static inline bool cache_has(const struct iova_ring *r)
{
	uint32_t limit = __atomic_load_n(&r->limit, __ATOMIC_ACQUIRE);

	return cache_before(__atomic_load_n(&r->out, __ATOMIC_RELAXED), limit);
}

/**
 * cache_take_seen() - take the granules that cache_has() saw. A remote drain may have closed the limit since, but waits for the
 * end of the section before it takes any.
 */
static inline uint32_t cache_take_seen(struct iova_ring *r)
{
	uint32_t out = __atomic_load_n(&r->out, __ATOMIC_RELAXED);

	__atomic_store_n(&r->out, out + 1, __ATOMIC_RELAXED);
	return *cache_entry(r, out);
}

/**
 * cache_room() - Returns true if a lazy unmap may put granules at *@in without the lock. Call
 * before clearing the page-table entries.
 */
static inline bool cache_room(const struct iova_ring *r, uint32_t *in)
{
	uint32_t stop = __atomic_load_n(&r->stop, __ATOMIC_ACQUIRE);

	*in = __atomic_load_n(&r->in, __ATOMIC_RELAXED);
	return cache_before(*in, stop);
}

/**
 * cache_put() - put granules that wait for a flush. Their page-table entries are cleared, and there
 * is room at @in.
 */
static inline void cache_put(struct iova_ring *r, uint32_t in, uint32_t entry)
{
	*cache_entry(r, in) = entry;
	/* A flush that sees this index also sees the cleared entries. */
	__atomic_store_n(&r->in, in + 1, __ATOMIC_RELEASE);
}

/**
 * cache_give_back() - put granules that can no longer translate. Returns false if the lock is
 * needed.
 */
static inline bool cache_give_back(struct iova_ring *r, uint32_t first)
{
	uint32_t limit = __atomic_load_n(&r->limit, __ATOMIC_ACQUIRE);
	uint32_t out = __atomic_load_n(&r->out, __ATOMIC_RELAXED);

	if (cache_before(limit, out) || __atomic_load_n(&r->in, __ATOMIC_RELAXED) - out >= r->depth)
		return false;
	*cache_entry(r, out - 1) = first;
	__atomic_store_n(&r->out, out - 1, __ATOMIC_RELAXED);
	return true;
}

/* ---- the owner, inside dmah_host_enter(), with the CPU's lock ---- */

/**
 * dmah_iova_cache_take_locked() - take granules as cache_take(), or from the depot if the ring is
 * empty.
 *
 * Return: the first granule; RANGE_NONE if none is left.
 */
uint32_t dmah_iova_cache_take_locked(struct iova_cache *c, struct iova *iova, unsigned int class);

/** enum cache_deferred - the result of dmah_iova_cache_defer(). */
enum cache_deferred {
	CACHE_FULL, /* not put: there is no room */
	CACHE_WAITS,
	CACHE_DUE, /* put, and a flush is due */
};

/**
 * dmah_iova_cache_defer() - put granules as cache_put(), and record the time of the first waiting
 * entry.
 *
 * If the ring is full, some of the ready entries go to the depot.
 */
enum cache_deferred dmah_iova_cache_defer(struct iova_cache *c, struct iova *iova,
					  unsigned int class, uint32_t first, uint64_t now);

/**
 * dmah_iova_cache_release() - put granules as cache_give_back(), or into the depot if the ring
 * holds enough.
 * @keep: false: into the depot.
 */
void dmah_iova_cache_release(struct iova_cache *c, struct iova *iova, unsigned int class, bool keep,
			     uint32_t first);

/** dmah_iova_cache_trim() - move ready entries beyond @depth to the depot. */
void dmah_iova_cache_trim(struct iova_cache *c, struct iova *iova);

/* ---- any CPU, inside dmah_host_enter(), with the CPU's lock ---- */

/** dmah_iova_cache_waiting() - return the number of entries that wait for a flush. */
uint32_t dmah_iova_cache_waiting(const struct iova_cache *c);

/**
 * dmah_iova_cache_capture() - record in @until the entries that a flush begun after this call
 * covers. Return: the number of waiting entries.
 */
uint32_t dmah_iova_cache_capture(const struct iova_cache *c, uint32_t until[IOVA_RINGS]);

/**
 * dmah_iova_cache_flushed() - mark entries ready after a confirmed flush. The flush began at
 * @begun, after dmah_iova_cache_capture().
 */
void dmah_iova_cache_flushed(struct iova_cache *c, const uint32_t until[IOVA_RINGS],
			     uint64_t begun);

/**
 * dmah_iova_cache_set_depth() - set the largest number of entries of each class that a CPU may
 * hold.
 * @depth: by class: number of ready entries, and of waiting entries too. 0: the CPU holds none.
 */
void dmah_iova_cache_set_depth(struct iova_cache *c, const uint32_t depth[IOVA_RINGS]);

/**
 * dmah_iova_cache_set_mode() - set the operations that the owner may do without the lock.
 * @lazy: unmaps may wait for a flush.
 * @shut: none: neither take nor put.
 */
void dmah_iova_cache_set_mode(struct iova_cache *c, bool lazy, bool shut);

/**
 * dmah_iova_cache_close() - make the owner take the lock, as soon as it has left its current
 * section.
 */
void dmah_iova_cache_close(struct iova_cache *c);

/** dmah_iova_cache_open() - undo one dmah_iova_cache_close(). */
void dmah_iova_cache_open(struct iova_cache *c);

/**
 * dmah_iova_cache_drain() - move all ready entries to the depot. Call on the owner, or after
 * dmah_iova_cache_close() and dmah_host_quiesce().
 */
void dmah_iova_cache_drain(struct iova_cache *c, struct iova *iova);

#endif /* DMAH_IOVA_CACHE_H */
