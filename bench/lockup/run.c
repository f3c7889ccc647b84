// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "run.h"

#include <stdlib.h>
#include <string.h>

#include "message.h"

#define MOST_FAILED 8u

/** struct mapping - a live mapping. */
struct mapping {
	uint64_t first;
	uint32_t pages;
	uint32_t id;
};

/**
 * struct run - a run.
 * @space: the domain.
 * @live: live mappings, oldest first.
 * @n: number of those.
 * @most: the most mappings of the run.
 * @ids: allocations so far.
 * @seed: of the random order.
 * @worst: most steps of a call.
 * @round: most steps of a call of this round.
 * @trace: the calls; may be NULL.
 */
struct run {
	struct space space;
	struct mapping *live;
	uint32_t n;
	uint32_t most;
	uint32_t ids;
	uint64_t seed;
	uint64_t worst;
	uint64_t round;
	struct trace *trace;
};

static void record(struct run *r, const struct call *call)
{
	struct trace *t = r->trace;

	r->worst = call->steps > r->worst ? call->steps : r->worst;
	r->round = call->steps > r->round ? call->steps : r->round;
	if (!t)
		return;
	if (t->n == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 1024;
		t->call = must(realloc(t->call, t->cap * sizeof(*t->call)));
	}
	t->call[t->n++] = *call;
}

/* Returns false if there was no room. */
static bool alloc_one(struct run *r, const struct act *a)
{
	struct call call = { .pages = a->pages, .mask = a->mask, .id = r->ids };
	uint64_t first;

	if (r->ids == r->most)
		return false;
	first = space_alloc(&r->space, r->ids, a->pages, a->mask, &call.steps);
	call.failed = !first;
	record(r, &call);
	if (first)
		r->live[r->n++] = (struct mapping){ first, a->pages, r->ids };
	r->ids++;
	return first;
}

/* Frees a live mapping, and leaves its place in the list. */
static void free_at(struct run *r, uint32_t i)
{
	struct mapping *m = &r->live[i];
	struct call call = { .id = m->id };

	call.steps = space_free(&r->space, m->id, m->first, m->pages);
	record(r, &call);
	m->pages = 0;
}

static void close_gaps(struct run *r)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->n; i++)
		if (r->live[i].pages)
			r->live[n++] = r->live[i];
	r->n = n;
}

static uint32_t choose(struct run *r, const struct act *a)
{
	uint32_t found = 0;

	switch (a->order) {
	case ORDER_OLDEST:
		return 0;
	case ORDER_NEWEST:
		return r->n - 1;
	case ORDER_EVERY:
		return a->pages % r->n;
	case ORDER_LOWEST:
	case ORDER_HIGHEST:
		for (uint32_t i = 1; i < r->n; i++)
			if ((r->live[i].first < r->live[found].first) == (a->order == ORDER_LOWEST))
				found = i;
		return found;
	case ORDER_RANDOM:
	default:
		return rnd(&r->seed, r->n);
	}
}

static void probe(struct run *r, const struct act *a)
{
	if (a->kind == ACT_ALLOC) {
		(void)alloc_one(r, a);
	} else if (a->kind == ACT_FREE && r->n) {
		uint32_t i = choose(r, a);

		free_at(r, i);
		memmove(&r->live[i], &r->live[i + 1], (--r->n - i) * sizeof(*r->live));
	}
}

static int by_address(const void *a, const void *b)
{
	const struct mapping *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

static int by_age(const void *a, const void *b)
{
	const struct mapping *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static void free_many(struct run *r, const struct act *a, uint32_t n)
{
	bool sorted = a->order == ORDER_LOWEST || a->order == ORDER_HIGHEST;

	if (sorted)
		qsort(r->live, r->n, sizeof(*r->live), by_address);
	n = n < r->n ? n : r->n;
	if (a->order == ORDER_RANDOM) {
		for (uint32_t k = 0; k < n; k++) {
			uint32_t i = rnd(&r->seed, r->n);

			if (r->live[i].pages)
				free_at(r, i);
		}
	} else if (a->order == ORDER_EVERY) {
		for (uint32_t i = 0; i < r->n; i += a->pages + 1)
			free_at(r, i);
	} else {
		bool low = a->order == ORDER_LOWEST || a->order == ORDER_OLDEST;

		for (uint32_t k = 0; k < n; k++)
			free_at(r, low ? k : r->n - 1 - k);
	}
	close_gaps(r);
	if (sorted)
		qsort(r->live, r->n, sizeof(*r->live), by_age);
}

static void fill(struct run *r, const struct act *a, uint32_t mappings)
{
	uint32_t n = (uint32_t)((uint64_t)mappings * a->share / 16);

	if (a->kind == ACT_FREE)
		free_many(r, a, n);
	/* A full space stays full. */
	for (uint32_t i = 0, failed = 0; a->kind == ACT_ALLOC && i < n && failed < MOST_FAILED; i++)
		failed += !alloc_one(r, a);
}

static int by_steps(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

struct result workload_run(const struct workload *w, const struct allocator *a, uint32_t mappings,
			   struct trace *trace)
{
	struct run r = { .most = mappings * WORKLOAD_FILLS + WORKLOAD_ROUNDS * WORKLOAD_PROBES,
			 .seed = w->seed,
			 .trace = trace };
	uint64_t rounds[WORKLOAD_ROUNDS];
	struct result result = { 0 };

	space_open(&r.space, a, r.most);
	r.live = must(malloc(r.most * sizeof(*r.live)));
	for (unsigned int i = 0; i < WORKLOAD_FILLS; i++) {
		fill(&r, &w->fill[i], mappings);
		result.live = r.n > result.live ? r.n : result.live;
	}
	for (unsigned int k = 0; k < WORKLOAD_ROUNDS; k++) {
		r.round = 0;
		for (unsigned int i = 0; i < WORKLOAD_PROBES; i++)
			probe(&r, &w->probe[i]);
		rounds[k] = r.round;
		result.live = r.n > result.live ? r.n : result.live;
	}
	qsort(rounds, WORKLOAD_ROUNDS, sizeof(rounds[0]), by_steps);
	result.worst = r.worst;
	result.lasting = rounds[WORKLOAD_ROUNDS / 4];
	r.trace = NULL;
	for (uint32_t i = 0; i < r.n; i++)
		free_at(&r, i);
	space_close(&r.space);
	free(r.live);
	return result;
}

uint64_t trace_run(struct trace *t, const struct allocator *a)
{
	struct mapping *live;
	struct space space;
	uint32_t ids = 0;
	uint64_t worst = 0;

	for (uint32_t i = 0; i < t->n; i++)
		ids = t->call[i].id >= ids ? t->call[i].id + 1 : ids;
	live = must(calloc(ids + 1u, sizeof(*live)));
	space_open(&space, a, ids + 1);
	for (uint32_t i = 0; i < t->n; i++) {
		struct call *c = &t->call[i];
		struct mapping *m = &live[c->id];

		if (c->pages) {
			m->first = space_alloc(&space, c->id, c->pages, c->mask, &c->steps);
			m->pages = m->first ? c->pages : 0;
			c->failed = !m->first;
		} else if (m->pages) {
			c->steps = space_free(&space, c->id, m->first, m->pages);
			m->pages = 0;
		}
		worst = c->steps > worst ? c->steps : worst;
	}
	for (uint32_t i = 0; i < ids; i++)
		if (live[i].pages)
			(void)space_free(&space, i, live[i].first, live[i].pages);
	space_close(&space);
	free(live);
	return worst;
}
