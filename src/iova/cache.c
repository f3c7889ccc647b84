/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "iova/cache.h"

/*
 * Distance to a limit that closes a ring: the owner stays past the limit for the next 2^30 steps.
 */
#define FAR (1u << 30)
/* Entries that a ring with many moves to the depot at once. */
#define SPILL 32u

static uint32_t batch_of(uint32_t batch, unsigned int class)
{
	return batch >> class > 4 ? batch >> class : 4;
}

static uint32_t room(uint32_t batch, unsigned int class)
{
	return CACHE_ROOM * batch_of(batch, class);
}

size_t dmah_iova_cache_memory(uint32_t batch)
{
	size_t entries = 0;

	for (unsigned int class = 0; class < IOVA_CLASSES; class ++)
		entries += room(batch, class);
	return entries * sizeof(struct iova_entry);
}

static uint32_t load_in(const struct iova_ring *r)
{
	return __atomic_load_n(&r->in, __ATOMIC_ACQUIRE);
}

static uint32_t load_out(const struct iova_ring *r)
{
	return __atomic_load_n(&r->out, __ATOMIC_RELAXED);
}

static void store_out(struct iova_ring *r, uint32_t out)
{
	__atomic_store_n(&r->out, out, __ATOMIC_RELAXED);
}

static uint32_t waiting(const struct iova_ring *r)
{
	return load_in(r) - r->ready;
}

static uint32_t kept(const struct iova_ring *r)
{
	return r->ready - load_out(r);
}

/*
 * Set both limits. If no entry waits, the next put must take the lock, to record the time of the
 * first waiting entry; @start says that the time is recorded. Otherwise puts are free of the lock
 * until a flush is due or the ring is full.
 */
static void set_limits(const struct iova_cache *c, struct iova_ring *r, bool start)
{
	uint32_t in = load_in(r), out = load_out(r), stop = r->ready + r->batch;
	bool closed = c->drains || c->shut;

	/*
	 * Leave room: other CPUs may make waiting entries ready, but only the owner can return
	 * those to the depot.
	 */
	if (cache_before(out + r->depth + r->batch, stop))
		stop = out + r->depth + r->batch;
	if (in == r->ready && !start)
		stop = in;
	__atomic_store_n(&r->stop, closed || !c->lazy ? in - FAR : stop, __ATOMIC_RELEASE);
	__atomic_store_n(&r->limit, closed ? out - FAR : r->ready, __ATOMIC_RELEASE);
}

static void set_all_limits(struct iova_cache *c)
{
	for (unsigned int i = 0; i < IOVA_CLASSES; i++)
		set_limits(c, &c->ring[i], false);
}

void dmah_iova_cache_init(struct iova_cache *c, void *memory, uint32_t batch, bool lazy)
{
	struct iova_entry *entry = memory;

	*c = (struct iova_cache){ .lazy = lazy };
	for (unsigned int i = 0; i < IOVA_CLASSES; i++) {
		c->ring[i] = (struct iova_ring){ .mask = room(batch, i) - 1,
						 .batch = batch_of(batch, i),
						 .entry = entry };
		entry += room(batch, i);
	}
	set_all_limits(c);
}

/* ---- the depot ---- */

/*
 * Move ready entries to the depot until @keep are left. Granules of a class are aligned to their number, so those of an entry lie
 * in one word of the depot; neighbours that lie in the same word go together.
 */
static void spill(struct iova *iova, struct iova_ring *r, unsigned int class, uint32_t keep)
{
	uint64_t ones = (1ull << (1u << class)) - 1, mask = 0;
	uint32_t out = load_out(r), end = r->ready - keep, word = 0;

	if (kept(r) <= keep)
		return;
	dmah_host_lock(&iova->lock);
	for (; out != end; out++) {
		uint32_t first = (uint32_t)cache_entry(r, out)->first;

		if (first / 64 != word) {
			dmah_range_free_in_word(&iova->depot, word, mask);
			word = first / 64;
			mask = 0;
		}
		mask |= ones << first % 64;
	}
	dmah_range_free_in_word(&iova->depot, word, mask);
	store_out(r, end);
	dmah_host_unlock(&iova->lock);
}

/*
 * Return the number of ready entries that stay where the ring has too many. Few are moved at a time: the map or the unmap that
 * moves them must not take long.
 */
static uint32_t to_keep(const struct iova_ring *r)
{
	return r->depth > 2 * SPILL ? r->depth - SPILL : r->depth / 2;
}

uint32_t dmah_iova_cache_take_locked(struct iova_cache *c, struct iova *iova, unsigned int class)
{
	struct iova_ring *r = &c->ring[class];

	if (kept(r)) {
		uint32_t out = load_out(r);

		store_out(r, out + 1);
		return (uint32_t)cache_entry(r, out)->first;
	}
	return dmah_iova_get_small(iova, class);
}

enum cache_deferred dmah_iova_cache_defer(struct iova_cache *c, struct iova *iova,
					  unsigned int class, uint64_t *pte, uint32_t first,
					  uint64_t now)
{
	struct iova_ring *r = &c->ring[class];

	if (load_in(r) - load_out(r) >= r->depth + r->batch)
		spill(iova, r, class, to_keep(r));
	if (load_in(r) - load_out(r) > r->mask)
		return CACHE_FULL;
	if (!dmah_iova_cache_waiting(c))
		c->since = now;
	cache_put(r, load_in(r), pte, first);
	set_limits(c, r, true);
	return waiting(r) < r->batch ? CACHE_WAITS : CACHE_DUE;
}

void dmah_iova_cache_release(struct iova_cache *c, struct iova *iova, unsigned int class,
			     uint64_t *pte, uint32_t first)
{
	struct iova_ring *r = &c->ring[class];
	uint32_t out;

	if (load_in(r) - load_out(r) > r->mask || kept(r) >= r->depth)
		spill(iova, r, class, to_keep(r));
	if (!pte || !r->depth || load_in(r) - load_out(r) > r->mask) {
		dmah_iova_put_large(iova, first, 1u << class);
		return;
	}
	out = load_out(r) - 1;
	*cache_entry(r, out) = (struct iova_entry){ pte, first };
	store_out(r, out);
}

void dmah_iova_cache_trim(struct iova_cache *c, struct iova *iova)
{
	for (unsigned int i = 0; i < IOVA_CLASSES; i++) {
		struct iova_ring *r = &c->ring[i];

		if (kept(r) > r->depth)
			spill(iova, r, i, r->depth);
	}
}

void dmah_iova_cache_drain(struct iova_cache *c, struct iova *iova)
{
	for (unsigned int i = 0; i < IOVA_CLASSES; i++)
		spill(iova, &c->ring[i], i, 0);
}

/* ---- flushes ---- */

uint32_t dmah_iova_cache_waiting(const struct iova_cache *c)
{
	uint32_t n = 0;

	for (unsigned int i = 0; i < IOVA_CLASSES; i++)
		n += waiting(&c->ring[i]);
	return n;
}

uint32_t dmah_iova_cache_capture(const struct iova_cache *c, uint32_t until[IOVA_CLASSES])
{
	uint32_t n = 0;

	for (unsigned int i = 0; i < IOVA_CLASSES; i++) {
		until[i] = load_in(&c->ring[i]);
		n += until[i] - c->ring[i].ready;
	}
	return n;
}

void dmah_iova_cache_flushed(struct iova_cache *c, const uint32_t until[IOVA_CLASSES],
			     uint64_t begun)
{
	for (unsigned int i = 0; i < IOVA_CLASSES; i++) {
		struct iova_ring *r = &c->ring[i];

		/* Two flushes may overlap, and the later one may end first. */
		if (!cache_before(r->ready, until[i]))
			continue;
		r->ready = until[i];
		set_limits(c, r, false);
	}
	c->since = begun;
}

/* ---- limits ---- */

void dmah_iova_cache_set_depth(struct iova_cache *c, const uint32_t depth[IOVA_CLASSES])
{
	for (unsigned int i = 0; i < IOVA_CLASSES; i++) {
		struct iova_ring *r = &c->ring[i];
		uint32_t batch = (r->mask + 1) / CACHE_ROOM, most = r->mask + 1 - batch;

		r->depth = depth[i] < most ? depth[i] : most;
		r->batch = r->depth && r->depth < batch ? r->depth : batch;
	}
	set_all_limits(c);
}

void dmah_iova_cache_set_mode(struct iova_cache *c, bool lazy, bool shut)
{
	c->lazy = lazy;
	c->shut = shut;
	set_all_limits(c);
}

void dmah_iova_cache_close(struct iova_cache *c)
{
	c->drains++;
	set_all_limits(c);
}

void dmah_iova_cache_open(struct iova_cache *c)
{
	c->drains--;
	set_all_limits(c);
}
