/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The granules that a CPU keeps, against arrays of what is kept and what waits: every entry of every ring is compared after every
 * call. The calls are those of the owner and of others, in an order that locks and quiescence allow.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "iova/cache.h"

#define GRANULES 2048u
#define MOST	 256u
#define FLUSHES	 2u

/* The host functions that the depot calls. Nothing is concurrent here, so a lock that is taken twice is a mistake. */
void dmah_host_lock(struct dmah_lock *lock)
{
	assert_int_equal(lock->word[0], 0);
	lock->word[0] = 1;
}

void dmah_host_unlock(struct dmah_lock *lock)
{
	assert_int_equal(lock->word[0], 1);
	lock->word[0] = 0;
}

static uint64_t seed;

static uint32_t rnd(uint32_t below)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((seed >> 33) % below);
}

/* @waits: in the order in which they were put, @at that time. @kept: the one to be taken next is first. */
struct expected {
	uint32_t kept[MOST];
	uint32_t nkept;
	uint32_t waits[MOST];
	uint64_t at[MOST];
	uint32_t nwaits;
};

struct flush {
	bool under_way;
	uint32_t until[IOVA_RINGS];
	uint32_t covers[IOVA_RINGS];
	uint64_t begun;
};

struct granules {
	uint32_t first;
	unsigned int class;
};

struct world {
	struct iova_cache cache;
	struct iova iova;
	void *memory;
	void *depot;
	/* The state that the depot must have for each granule. */
	unsigned char taken[GRANULES];
	struct expected ring[IOVA_RINGS];
	struct granules out[GRANULES];
	uint32_t nout;
	struct flush flush[FLUSHES];
	unsigned int closed;
	bool lazy;
	uint64_t now;
	uint32_t depth[IOVA_RINGS];
};

static void remove_at(uint32_t *array, uint32_t *n, uint32_t at, uint32_t count)
{
	memmove(array + at, array + at + count, (*n - at - count) * sizeof(*array));
	*n -= count;
}

static void to_depot(struct world *w, uint32_t first, unsigned int class)
{
	memset(w->taken + first, 0, iova_class_size(class));
}

/* The cache may give the depot of what is ready, from the side that it takes from: how many it gave is seen here. */
static void spilled(struct world *w)
{
	for (unsigned int class = 0; class < IOVA_RINGS; class ++) {
		const struct iova_ring *r = &w->cache.ring[class];
		struct expected *e = &w->ring[class];
		uint32_t have = r->ready - r->out;

		assert_true(have <= e->nkept);
		for (uint32_t i = 0; i < e->nkept - have; i++)
			to_depot(w, e->kept[i], class);
		remove_at(e->kept, &e->nkept, 0, e->nkept - have);
	}
}

static void push_front(struct expected *e, uint32_t first)
{
	assert_true(e->nkept < MOST);
	memmove(e->kept + 1, e->kept, e->nkept * sizeof(*e->kept));
	e->kept[0] = first;
	e->nkept++;
}

static void compare_ring(struct world *w, unsigned int class)
{
	const struct iova_ring *r = &w->cache.ring[class];
	const struct expected *e = &w->ring[class];

	/* Never more than there is room for. */
	assert_true(r->in - r->out <= r->mask + 1);
	assert_int_equal(r->ready - r->out, e->nkept);
	assert_int_equal(r->in - r->ready, e->nwaits);
	for (uint32_t i = 0; i < e->nkept + e->nwaits; i++) {
		uint32_t first = i < e->nkept ? e->kept[i] : e->waits[i - e->nkept];

		assert_int_equal(*cache_entry(r, r->out + i), first);
	}
	/* A flush is asked for in time: what waits has not waited for longer than the cache knows. */
	if (e->nwaits)
		assert_true(w->cache.since <= e->at[0]);
}

static void compare(struct world *w)
{
	uint32_t waits = 0, used = 0;

	for (unsigned int class = 0; class < IOVA_RINGS; class ++) {
		compare_ring(w, class);
		waits += w->ring[class].nwaits;
	}
	assert_int_equal(dmah_iova_cache_waiting(&w->cache), waits);
	for (uint32_t i = 0; i < GRANULES; i++) {
		assert_int_equal(dmah_range_is_free(&w->iova.depot, i, 1), !w->taken[i]);
		used += w->taken[i];
	}
	assert_int_equal(w->iova.depot.used, used);
}

/* ---- calls ---- */

static void take(struct world *w)
{
	unsigned int class = rnd(IOVA_RINGS);
	struct expected *e = &w->ring[class];
	uint32_t first = 0;
	bool taken = cache_take(&w->cache.ring[class], &first);

	/* The owner needs the lock where there is nothing, and where it is closed out; and only there. */
	assert_int_equal(taken, e->nkept && !w->closed);
	if (taken) {
		assert_int_equal(first, e->kept[0]);
	} else {
		first = dmah_iova_cache_take_locked(&w->cache, &w->iova, class);
		if (first == RANGE_NONE) {
			assert_int_equal(e->nkept, 0);
			return;
		}
	}
	if (e->nkept) {
		assert_int_equal(first, e->kept[0]);
		remove_at(e->kept, &e->nkept, 0, 1);
	} else {
		/* From the depot: nobody had it. */
		assert_int_equal(first % iova_class_size(class), 0);
		for (uint32_t i = first; i < first + iova_class_size(class); i++) {
			assert_int_equal(w->taken[i], 0);
			w->taken[i] = 1;
		}
	}
	w->out[w->nout++] = (struct granules){ first, class };
}

static struct granules any_out(struct world *w)
{
	uint32_t i = rnd(w->nout);
	struct granules g = w->out[i];

	w->out[i] = w->out[--w->nout];
	return g;
}

static void waits(struct world *w, struct granules g)
{
	struct expected *e = &w->ring[g.class];

	e->at[e->nwaits] = w->now;
	e->waits[e->nwaits++] = g.first;
}

static void unmap_lazily(struct world *w)
{
	struct granules g = any_out(w);
	struct iova_ring *r = &w->cache.ring[g.class];
	struct expected *e = &w->ring[g.class];
	enum cache_deferred deferred;
	uint32_t in;

	if (cache_room(r, &in)) {
		assert_true(w->lazy && !w->closed);
		/* The first one begins a time, and the lock is needed for that; and a flush is due at last. */
		assert_in_range(e->nwaits, 1, r->batch - 1);
		assert_true(e->nkept + e->nwaits <= r->mask);
		/* Other CPUs' flushes make granules ready that only the owner can return: no more than it may keep. */
		assert_true(e->nkept + e->nwaits < r->depth + r->batch);
		cache_put(r, in, g.first);
		waits(w, g);
		return;
	}
	deferred = dmah_iova_cache_defer(&w->cache, &w->iova, g.class, g.first, w->now);
	spilled(w);
	if (deferred == CACHE_FULL) {
		/* Nothing that is ready stands in its way any more. */
		assert_true(e->nwaits > r->mask / 2);
		w->out[w->nout++] = g;
		return;
	}
	waits(w, g);
	assert_int_equal(deferred == CACHE_DUE, e->nwaits >= r->batch);
}

static void unmap_strictly(struct world *w)
{
	struct granules g = any_out(w);
	struct iova_ring *r = &w->cache.ring[g.class];
	struct expected *e = &w->ring[g.class];
	bool has_leaf = rnd(10) != 0;
	uint32_t depth = r->depth;

	if (has_leaf && cache_give_back(r, g.first)) {
		assert_false(w->closed);
		assert_true(e->nkept < depth);
		push_front(e, g.first);
		return;
	}
	dmah_iova_cache_release(&w->cache, &w->iova, g.class, has_leaf, g.first);
	/* It is kept and comes next, or it is the depot's. */
	if (dmah_range_is_free(&w->iova.depot, g.first, iova_class_size(g.class))) {
		to_depot(w, g.first, g.class);
		spilled(w);
		assert_true(!has_leaf || !depth || e->nkept + e->nwaits > r->mask);
		return;
	}
	assert_true(has_leaf && depth);
	r->out++;
	spilled(w);
	r->out--;
	push_front(e, g.first);
	assert_true(e->nkept <= depth);
}

static void begin_flush(struct world *w, struct flush *f)
{
	uint32_t all = 0;

	f->under_way = true;
	f->begun = w->now;
	for (unsigned int class = 0; class < IOVA_RINGS; class ++) {
		f->covers[class] = w->ring[class].nwaits;
		all += f->covers[class];
	}
	assert_int_equal(dmah_iova_cache_capture(&w->cache, f->until), all);
}

/* Granules that waited when the flush began are ready, and nothing else is; another one may have made it ready before. */
static void end_flush(struct world *w, struct flush *f)
{
	dmah_iova_cache_flushed(&w->cache, f->until, f->begun);
	f->under_way = false;
	for (unsigned int class = 0; class < IOVA_RINGS; class ++) {
		struct expected *e = &w->ring[class];
		uint32_t n = f->covers[class];

		for (uint32_t i = 0; i < n; i++)
			e->kept[e->nkept++] = e->waits[i];
		memmove(e->at, e->at + n, (e->nwaits - n) * sizeof(*e->at));
		remove_at(e->waits, &e->nwaits, 0, n);
		for (unsigned int i = 0; i < FLUSHES; i++)
			if (w->flush[i].under_way)
				w->flush[i].covers[class] -= n < w->flush[i].covers[class]
								     ? n
								     : w->flush[i].covers[class];
	}
}

static void trim(struct world *w)
{
	dmah_iova_cache_trim(&w->cache, &w->iova);
	spilled(w);
	for (unsigned int class = 0; class < IOVA_RINGS; class ++)
		assert_true(w->ring[class].nkept <= w->cache.ring[class].depth);
}

static void drain(struct world *w)
{
	dmah_iova_cache_drain(&w->cache, &w->iova);
	spilled(w);
	for (unsigned int class = 0; class < IOVA_RINGS; class ++)
		assert_int_equal(w->ring[class].nkept, 0);
}

static void set_depth(struct world *w)
{
	for (unsigned int class = 0; class < IOVA_RINGS; class ++)
		w->depth[class] = rnd(4) ? rnd(40) : rnd(3) * 5000;
	dmah_iova_cache_set_depth(&w->cache, w->depth);
	for (unsigned int class = 0; class < IOVA_RINGS; class ++)
		assert_true(w->cache.ring[class].depth <= w->depth[class]);
	/* Only before the first device is attached: nothing is kept then. */
	trim(w);
}

static void rare(struct world *w)
{
	struct flush *f = &w->flush[rnd(FLUSHES)];

	switch (rnd(9)) {
	case 0:
	case 1:
	case 2:
		if (f->under_way)
			end_flush(w, f);
		else
			begin_flush(w, f);
		break;
	case 3:
		trim(w);
		break;
	case 4:
		if (w->closed < 2) {
			dmah_iova_cache_close(&w->cache);
			w->closed++;
		}
		break;
	case 5:
	case 6:
		if (w->closed) {
			dmah_iova_cache_open(&w->cache);
			w->closed--;
		}
		break;
	case 7:
		if (w->closed || !rnd(3))
			drain(w);
		break;
	default:
		w->lazy = rnd(4) != 0;
		dmah_iova_cache_set_mode(&w->cache, w->lazy, false);
		break;
	}
}

static void begin(struct world *w, uint32_t batch, uint32_t start)
{
	void *page[CACHE_PAGES];

	memset(w, 0, sizeof(*w));
	w->lazy = true;
	w->memory = calloc(CACHE_PAGES, IOVA_PAGE);
	assert_true(dmah_iova_cache_memory(batch) <= CACHE_PAGES * IOVA_PAGE);
	for (unsigned int i = 0; i < CACHE_PAGES; i++)
		page[i] = (char *)w->memory + (CACHE_PAGES - 1 - i) * IOVA_PAGE;
	w->depot = calloc(1, dmah_iova_memory(GRANULES));
	dmah_iova_init(&w->iova, w->depot, GRANULES, 0, 1);
	dmah_iova_cache_init(&w->cache, true);
	/* In one piece, or in pages, the first ones of which lie behind the others. */
	if (batch % 16)
		dmah_iova_cache_give_piece(&w->cache, batch, w->memory);
	else
		dmah_iova_cache_give_memory(&w->cache, batch, page);
	/* Indices wrap in good time. */
	for (unsigned int class = 0; class < IOVA_RINGS; class ++)
		w->cache.ring[class].in = w->cache.ring[class].out = w->cache.ring[class].ready =
			start;
	dmah_iova_cache_set_mode(&w->cache, true, false);
	set_depth(w);
}

static void live(struct world *w, unsigned int ops, uint32_t most)
{
	for (unsigned int op = 0; op < ops; op++) {
		w->now++;
		if (!rnd(12))
			rare(w);
		else if (w->nout < most && (!w->nout || rnd(2)))
			take(w);
		else if (w->nout && rnd(3))
			unmap_lazily(w);
		else if (w->nout)
			unmap_strictly(w);
		compare(w);
	}
}

/* Nothing is lost: all of it can be had from the depot at last. */
static void end(struct world *w)
{
	while (w->closed) {
		dmah_iova_cache_open(&w->cache);
		w->closed--;
	}
	while (w->nout)
		unmap_strictly(w);
	for (unsigned int i = 0; i < FLUSHES; i++)
		if (w->flush[i].under_way)
			end_flush(w, &w->flush[i]);
	begin_flush(w, &w->flush[0]);
	end_flush(w, &w->flush[0]);
	drain(w);
	compare(w);
	assert_int_equal(w->iova.depot.used, 0);
	free(w->memory);
	free(w->depot);
}

static void random_calls(void **state)
{
	static struct world w;

	(void)state;
	for (unsigned int round = 0; round < 60; round++) {
		seed = round + 1;
		begin(&w, 4u << rnd(4), round % 2 ? 0u - rnd(3000) : rnd(3000));
		for (unsigned int i = 0; i < 3; i++)
			live(&w, 1000, rnd(3) ? 10 + rnd(200) : GRANULES);
		end(&w);
	}
}

/*
 * The owner alone, who takes the lock only where it must: as many as possible are given back and then as many as possible
 * put, from every state that this leads to.
 */
static void never_overrun(void **state)
{
	static struct world w;

	(void)state;
	for (unsigned int round = 0; round < 40; round++) {
		seed = round + 1;
		begin(&w, 4u << rnd(4), rnd(2) ? 0 : 0xffffff80u);
		for (unsigned int i = 0; i < 60; i++) {
			unsigned int n = rnd(120);

			w.now++;
			if (!rnd(4))
				set_depth(&w);
			for (unsigned int k = 0; k < 200 && w.nout < GRANULES / 4; k++)
				take(&w);
			for (unsigned int k = 0; w.nout && k < n; k++) {
				unmap_strictly(&w);
				compare(&w);
			}
			for (unsigned int k = 0; w.nout && k < 120; k++) {
				unmap_lazily(&w);
				compare(&w);
			}
			if (rnd(2)) {
				begin_flush(&w, &w.flush[0]);
				end_flush(&w, &w.flush[0]);
				compare(&w);
			}
		}
		end(&w);
	}
}

/* Another CPU gives the memory while the owner is at work: the owner takes the lock until the cache is complete. */
static void closed_until_complete(void **state)
{
	static const uint32_t depth[IOVA_RINGS] = { 4, 4, 4, 4, 4, 4, 4 };
	uint32_t *memory = calloc(1, dmah_iova_cache_memory(8));
	struct iova_cache c;

	(void)state;
	dmah_iova_cache_init(&c, true);
	dmah_iova_cache_give_piece(&c, 8, memory);
	for (unsigned int class = 0; class < IOVA_RINGS; class ++)
		assert_true(cache_before(c.ring[class].limit, c.ring[class].out));
	dmah_iova_cache_set_depth(&c, depth);
	for (unsigned int class = 0; class < IOVA_RINGS; class ++)
		assert_false(cache_before(c.ring[class].limit, c.ring[class].out));
	free(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_calls),
		cmocka_unit_test(never_overrun),
		cmocka_unit_test(closed_until_complete),
	};

	return cmocka_run_group_tests_name("cache", tests, NULL, NULL);
}
