/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "iova/cache.h"

/*
 * Distance to a limit that closes a ring: the owner stays past the limit for the next 2^30 steps.
 */
#define FAR (1u << 30)
/* Entries that a ring with many moves to the depot at once. */
#define SPILL 32u

#define PAGE_ENTRIES (IOVA_PAGE / (uint32_t)sizeof(uint32_t))

static uint32_t batch_of(uint32_t batch, unsigned int class)
{
	uint32_t least = batch / 4 > 4 ? batch / 4 : 4;

	return batch >> class > least ? batch >> class : least;
}

static uint32_t room(uint32_t batch, unsigned int class)
{
	return CACHE_ROOM * batch_of(batch, class);
}

/* Return the place of a ring's entries in the memory, and set *@at to the end. Rings that fit into a page do not cross one. */
static uint32_t place(uint32_t batch, unsigned int class, uint32_t *at)
{
	uint32_t n = room(batch, class), first = *at;

	if (first % PAGE_ENTRIES + n > PAGE_ENTRIES)
		first = (first + PAGE_ENTRIES - 1) & ~(PAGE_ENTRIES - 1);
	*at = first + n;
	return first;
}

size_t dmah_iova_cache_memory(uint32_t batch)
{
	uint32_t end = 0;

	for (unsigned int class = 0; class < IOVA_RINGS; class ++)
		(void)place(batch, class, &end);
	return end * sizeof(uint32_t);
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
	bool closed = c->drains || c->shut || !r->entry;

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
	for (unsigned int i = 0; i < IOVA_RINGS; i++)
		set_limits(c, &c->ring[i], false);
}

void dmah_iova_cache_init(struct iova_cache *c, bool lazy)
{
	*c = (struct iova_cache){ .lazy = lazy };
	set_all_limits(c);
}

/* @page: pieces of IOVA_PAGE bytes; NULL: @memory is one piece. */
static void give(struct iova_cache *c, uint32_t batch, void *const *page, uint32_t *memory)
{
	uint32_t end = 0;

	/* The owner reads these fields, and the depth, only behind a limit that is open: the limits stay closed until all is set. */
	for (unsigned int i = 0; i < IOVA_RINGS; i++) {
		struct iova_ring *r = &c->ring[i];
		uint32_t first = place(batch, i, &end);

		r->mask = room(batch, i) - 1;
		r->batch = batch_of(batch, i);
		r->entry = page ? (uint32_t *)page[first / PAGE_ENTRIES] + first % PAGE_ENTRIES
				: memory + first;
	}
}

void dmah_iova_cache_give_memory(struct iova_cache *c, uint32_t batch, void *const *page)
{
	give(c, batch, page, NULL);
}

void dmah_iova_cache_give_piece(struct iova_cache *c, uint32_t batch, void *memory)
{
	give(c, batch, NULL, memory);
}

/* ---- the depot ---- */

/* Move blocks to the depot, from @out to @end. */
static void spill_blocks(struct iova *iova, const struct iova_ring *r, uint32_t out, uint32_t end)
{
	for (; out != end; out++)
		(void)dmah_range_free(&iova->depot, *cache_entry(r, out) & IOVA_INDEX,
				      IOVA_BLOCK_SIZE);
}

/*
 * Move ready entries to the depot until @keep are left. Granules of a class are aligned to their number, so those of an entry lie
 * in one word of the depot; neighbours that lie in the same word go together.
 */
static void spill(struct iova *iova, struct iova_ring *r, unsigned int class, uint32_t keep)
{
	uint64_t ones = class < IOVA_CLASSES ? (1ull << (1u << class)) - 1 : 0, mask = 0;
	uint32_t out = load_out(r), end = r->ready - keep, word = 0;

	if (kept(r) <= keep)
		return;
	dmah_host_lock(&iova->lock);
	if (class == IOVA_BLOCK)
		spill_blocks(iova, r, out, end);
	for (; ones && out != end; out++) {
		uint32_t first = *cache_entry(r, out) & IOVA_INDEX;

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
		return *cache_entry(r, out) & IOVA_INDEX;
	}
	return dmah_iova_get_small(iova, class);
}

enum cache_deferred dmah_iova_cache_defer(struct iova_cache *c, struct iova *iova,
					  unsigned int class, uint32_t first, uint64_t now)
{
	struct iova_ring *r = &c->ring[class];

	if (!r->entry)
		return CACHE_FULL;
	if (load_in(r) - load_out(r) >= r->depth + r->batch)
		spill(iova, r, class, to_keep(r));
	if (load_in(r) - load_out(r) > r->mask)
		return CACHE_FULL;
	if (!dmah_iova_cache_waiting(c))
		c->since = now;
	cache_put(r, load_in(r), first);
	set_limits(c, r, true);
	return waiting(r) < r->batch ? CACHE_WAITS : CACHE_DUE;
}

void dmah_iova_cache_release(struct iova_cache *c, struct iova *iova, unsigned int class, bool keep,
			     uint32_t first)
{
	struct iova_ring *r = &c->ring[class];
	uint32_t out;

	if (load_in(r) - load_out(r) > r->mask || kept(r) >= r->depth)
		spill(iova, r, class, to_keep(r));
	if (!keep || !r->depth || load_in(r) - load_out(r) > r->mask) {
		dmah_iova_put_large(iova, first, iova_class_size(class));
		return;
	}
	out = load_out(r) - 1;
	*cache_entry(r, out) = first;
	store_out(r, out);
}

void dmah_iova_cache_trim(struct iova_cache *c, struct iova *iova)
{
	for (unsigned int i = 0; i < IOVA_RINGS; i++) {
		struct iova_ring *r = &c->ring[i];

		if (kept(r) > r->depth)
			spill(iova, r, i, r->depth);
	}
}

void dmah_iova_cache_drain(struct iova_cache *c, struct iova *iova)
{
	for (unsigned int i = 0; i < IOVA_RINGS; i++)
		spill(iova, &c->ring[i], i, 0);
}

/* ---- flushes ---- */

uint32_t dmah_iova_cache_waiting(const struct iova_cache *c)
{
	uint32_t n = 0;

	for (unsigned int i = 0; i < IOVA_RINGS; i++)
		n += waiting(&c->ring[i]);
	return n;
}

uint32_t dmah_iova_cache_capture(const struct iova_cache *c, uint32_t until[IOVA_RINGS])
{
	uint32_t n = 0;

	for (unsigned int i = 0; i < IOVA_RINGS; i++) {
		until[i] = load_in(&c->ring[i]);
		n += until[i] - c->ring[i].ready;
	}
	return n;
}

void dmah_iova_cache_flushed(struct iova_cache *c, const uint32_t until[IOVA_RINGS], uint64_t begun)
{
	for (unsigned int i = 0; i < IOVA_RINGS; i++) {
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

void dmah_iova_cache_set_depth(struct iova_cache *c, const uint32_t depth[IOVA_RINGS])
{
	for (unsigned int i = 0; i < IOVA_RINGS; i++) {
		struct iova_ring *r = &c->ring[i];
		uint32_t batch = (r->mask + 1) / CACHE_ROOM, most = r->mask + 1 - batch;

		if (!r->entry)
			continue;
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
