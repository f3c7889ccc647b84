// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "past.h"
#include "xalloc.h"

static uint64_t bytes_of(const struct past *p)
{
	return sizeof(*p) + p->nr_phys * sizeof(uint64_t);
}

static void unchain(struct past *p)
{
	*p->back = p->chain;
	if (p->chain)
		p->chain->back = p->back;
}

static void forget_oldest(struct pasts *ps)
{
	struct past *p = ps->oldest;

	ps->oldest = p->next;
	if (!ps->oldest)
		ps->end = &ps->oldest;
	/* a replaced entry has left its chain before */
	if (p->back)
		unchain(p);
	ps->bytes -= bytes_of(p);
	free(p);
}

const struct past *past_find(const struct pasts *ps, uint64_t key)
{
	const struct past *p = ps->buckets ? ps->buckets[key % PAST_BUCKETS] : NULL;

	while (p && p->key != key)
		p = p->chain;
	return p;
}

void past_add(struct pasts *ps, uint64_t key, const struct past *from, const uint64_t *physs)
{
	struct past *old = (struct past *)(uintptr_t)past_find(ps, key), *p, **at;

	if (!ps->buckets) {
		ps->buckets = xcalloc(PAST_BUCKETS, sizeof(*ps->buckets));
		ps->end = &ps->oldest;
	}
	if (old && old->nr_phys == from->nr_phys) {
		/* the common case: no new memory, and no change of order */
		struct past keep = *old;

		*old = *from;
		old->key = key;
		old->chain = keep.chain;
		old->next = keep.next;
		old->back = keep.back;
		if (old->nr_phys)
			memcpy(old->physs, physs, old->nr_phys * sizeof(*physs));
		return;
	}
	if (old) {
		unchain(old);
		old->back = NULL;
	}
	p = xmalloc(sizeof(*p) + from->nr_phys * sizeof(*physs));
	*p = *from;
	p->key = key;
	if (p->nr_phys)
		memcpy(p->physs, physs, p->nr_phys * sizeof(*physs));
	at = &ps->buckets[key % PAST_BUCKETS];
	p->chain = *at;
	p->back = at;
	if (p->chain)
		p->chain->back = &p->chain;
	*at = p;
	p->next = NULL;
	*ps->end = p;
	ps->end = &p->next;
	ps->bytes += bytes_of(p);
	while (ps->bytes > PAST_BYTES)
		forget_oldest(ps);
}

void past_free(struct pasts *ps)
{
	while (ps->oldest)
		forget_oldest(ps);
	free(ps->buckets);
	*ps = (struct pasts){ 0 };
}
