// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "state.h"
#include "xalloc.h"

void state_init(struct state *s, uint32_t nr_devices)
{
	memset(s, 0, sizeof(*s));
	s->devices = xcalloc(nr_devices, sizeof(*s->devices));
	s->nr_devices = nr_devices;
}

static void free_mapping(struct mapping *m)
{
	free(m->dma);
	free(m->phys);
	free(m);
}

void state_free(struct state *s)
{
	while (s->oldest) {
		struct mapping *m = s->oldest;

		s->oldest = m->newer;
		free_mapping(m);
	}
	for (size_t i = 0; i < STATE_BUCKETS; i++) {
		while (s->past[i]) {
			struct past *p = s->past[i];

			s->past[i] = p->chain;
			free(p);
		}
	}
	free(s->devices);
}

enum mapping_class state_class(enum trace_kind kind)
{
	switch (kind) {
	case TRACE_MAP_RESOURCE:
	case TRACE_UNMAP_RESOURCE:
		return RESOURCE;
	case TRACE_MAP_SG:
	case TRACE_MAP_SG_ERR:
	case TRACE_UNMAP_SG:
		return LIST;
	case TRACE_ALLOC:
	case TRACE_FREE:
		return COHERENT;
	case TRACE_ALLOC_PAGES:
	case TRACE_FREE_PAGES:
		return PAGES;
	case TRACE_ALLOC_SGT:
	case TRACE_ALLOC_SGT_ERR:
	case TRACE_FREE_SGT:
		return NONCONTIGUOUS;
	default:
		return BUFFER;
	}
}

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 29;
}

/* Lists are found by their first entry, so that a wrong number of entries is found as well. */
static uint64_t list_key(const struct trace_event *ev)
{
	return mix(mix(1, ev->device), ev->nr_phys ? ev->physs[0] : 0);
}

static uint64_t address_key(uint32_t device, uint64_t dma)
{
	return mix(mix(2, device), dma);
}

static uint64_t event_key(const struct trace_event *ev)
{
	return state_class(ev->kind) == LIST ? list_key(ev) : address_key(ev->device, ev->dma);
}

static uint64_t last_of(uint64_t first, uint64_t size)
{
	uint64_t last = size ? first + size - 1 : first;

	return last < first ? UINT64_MAX : last;
}

static struct inode range(struct mapping *m, uint64_t first, uint64_t size)
{
	return (struct inode){ .first = first, .last = last_of(first, size), .owner = m };
}

/*
 * Bytes of each entry of the caller's list. The event has lengths of the coalesced entries only.
 * Where nothing was coalesced they are the same. Where it was, the common case is recognised: each
 * entry inside one page, and the pages add up. Else only this is sure: entries are coalesced where
 * one ends and the next begins at the end of a granule, so all but the last of a run reach at least
 * that far; and each has a first byte.
 */
static void list_lengths(const struct trace_event *ev, uint64_t *len)
{
	uint32_t p = 0, d = 0;
	uint64_t rest = ev->lens[0];

	if (ev->nents == ev->ents) {
		for (p = 0; p < ev->nr_phys; p++)
			len[p] = p < ev->nr_dma ? ev->lens[p] : 1;
		return;
	}
	for (p = 0; !ev->truncated && p < ev->nr_phys && d < ev->nr_dma; p++) {
		uint64_t page = GRANULE - (ev->physs[p] & (GRANULE - 1));

		len[p] = rest < page ? rest : page;
		rest -= len[p];
		if (rest == 0 && ++d < ev->nr_dma)
			rest = ev->lens[d];
	}
	if (ev->truncated || p < ev->nr_phys || d < ev->nr_dma)
		for (p = 0; p < ev->nr_phys; p++)
			len[p] = ev->ents > 1 || p == ev->nr_phys - 1
					 ? 1
					 : GRANULE - (ev->physs[p] & (GRANULE - 1));
}

/* Memory that the device reaches, as far as the event tells */
static void physical(struct mapping *m)
{
	const struct trace_event *ev = m->ev;

	if (ev->attrs & TRACE_ATTR_MMIO)
		return;
	if (m->cls == BUFFER && ev->size) {
		m->nr_phys = 1;
		m->phys = xcalloc(1, sizeof(*m->phys));
		m->phys[0] = range(m, ev->phys, ev->size);
	} else if (m->cls == LIST) {
		uint64_t *len = xcalloc(ev->nr_phys, sizeof(*len));

		list_lengths(ev, len);
		m->phys = xcalloc(ev->nr_phys, sizeof(*m->phys));
		for (uint32_t i = 0; i < ev->nr_phys; i++)
			if (len[i])
				m->phys[m->nr_phys++] = range(m, ev->physs[i], len[i]);
		free(len);
	}
}

/*
 * An IOMMU keeps the offset inside the granule, and without one the addresses are equal: an offset
 * that differs is a bounce slot's. A slot may also happen to have the same offset; so on a device
 * that bounces, all but whole granules (which an IOMMU need not bounce) are taken to be in slots.
 */
static bool bounced(struct device *dev, const struct mapping *m)
{
	const struct trace_event *ev = m->ev;

	if (m->cls != BUFFER && m->cls != LIST)
		return false;
	if ((ev->dma ^ ev->phys) & (GRANULE - 1)) {
		dev->bounces = true;
		return true;
	}
	return dev->bounces && ev->dma != ev->phys &&
	       ((ev->dma | ev->size) & (GRANULE - 1) || m->cls == LIST);
}

struct mapping *state_map(struct state *s, const struct trace_event *ev)
{
	struct device *dev = &s->devices[ev->device];
	struct mapping *m = xcalloc(1, sizeof(*m));

	m->ev = ev;
	m->cls = state_class(ev->kind);
	m->nr_dma = m->cls == LIST ? ev->nr_dma : 1;
	m->dma = xcalloc(m->nr_dma, sizeof(*m->dma));
	if (m->cls == LIST)
		for (uint32_t i = 0; i < ev->nr_dma; i++)
			m->dma[i] = range(m, ev->dmas[i], ev->lens[i]);
	else
		m->dma[0] = range(m, ev->dma, ev->size);
	physical(m);
	m->bounced = bounced(dev, m);

	for (uint32_t i = 0; i < m->nr_dma; i++)
		itree_insert(&dev->dma, &m->dma[i]);
	for (uint32_t i = 0; i < m->nr_phys; i++)
		itree_insert(&s->phys, &m->phys[i]);
	m->older = s->newest;
	if (s->newest)
		s->newest->newer = m;
	else
		s->oldest = m;
	s->newest = m;
	if (m->cls == LIST) {
		struct mapping **at = &s->lists[list_key(ev) % STATE_BUCKETS];

		/* the oldest first */
		while (*at)
			at = &(*at)->chain;
		*at = m;
	}
	dev->truncated += ev->truncated;
	return m;
}

static void remember(struct state *s, const struct trace_event *who, const struct trace_event *map,
		     const struct trace_event *unmap)
{
	uint64_t key = event_key(who);
	struct past **at = &s->past[key % STATE_BUCKETS], *p;

	for (p = *at; p && p->key != key; p = p->chain)
		;
	if (!p) {
		p = xcalloc(1, sizeof(*p));
		p->key = key;
		p->chain = *at;
		*at = p;
	}
	p->map = map;
	p->unmap = unmap;
}

void state_unmap(struct state *s, struct mapping *m, const struct trace_event *ev)
{
	struct device *dev = &s->devices[m->ev->device];

	for (uint32_t i = 0; i < m->nr_dma; i++)
		itree_remove(&dev->dma, &m->dma[i]);
	for (uint32_t i = 0; i < m->nr_phys; i++)
		itree_remove(&s->phys, &m->phys[i]);
	*(m->older ? &m->older->newer : &s->oldest) = m->newer;
	*(m->newer ? &m->newer->older : &s->newest) = m->older;
	if (m->cls == LIST) {
		struct mapping **at = &s->lists[list_key(m->ev) % STATE_BUCKETS];

		while (*at != m)
			at = &(*at)->chain;
		*at = m->chain;
	}
	dev->truncated -= m->ev->truncated;
	if (ev)
		remember(s, m->ev, m->ev, ev);
	free_mapping(m);
}

void state_fail(struct state *s, const struct trace_event *ev)
{
	if (state_class(ev->kind) == LIST)
		remember(s, ev, ev, NULL);
	else if (state_class(ev->kind) == BUFFER || state_class(ev->kind) == RESOURCE)
		s->devices[ev->device].failed = ev;
}

static const struct past *past(const struct state *s, uint64_t key)
{
	const struct past *p = s->past[key % STATE_BUCKETS];

	while (p && p->key != key)
		p = p->chain;
	return p;
}

/* How far two lists agree: at least in all entries that both have? */
static bool same_start(const struct trace_event *a, const struct trace_event *b)
{
	uint32_t n = a->nr_phys < b->nr_phys ? a->nr_phys : b->nr_phys;

	return n && memcmp(a->physs, b->physs, n * sizeof(*a->physs)) == 0;
}

const struct past *state_past(const struct state *s, const struct trace_event *ev)
{
	const struct past *p = past(s, event_key(ev));

	return p && state_class(ev->kind) == LIST && !same_start(p->map, ev) ? NULL : p;
}

const struct past *state_past_at(const struct state *s, uint32_t device, uint64_t dma)
{
	return past(s, address_key(device, dma));
}

struct best {
	const struct trace_event *ev;
	struct mapping *m;
	unsigned int score;
};

static bool better(struct inode *n, void *arg)
{
	struct best *b = arg;
	struct mapping *m = n->owner;
	unsigned int score;

	if (n->first != b->ev->dma || n != &m->dma[0])
		return true;
	score = 8 + 4 * (m->cls == state_class(b->ev->kind)) + 2 * (m->ev->size == b->ev->size) +
		(m->ev->dir == b->ev->dir);
	/* the tree gives those of one address by age */
	if (score > b->score) {
		b->score = score;
		b->m = m;
	}
	return true;
}

struct mapping *state_find(const struct state *s, const struct trace_event *ev)
{
	struct best b = { ev, NULL, 0 };

	itree_each(&s->devices[ev->device].dma, ev->dma, ev->dma, better, &b);
	return b.m;
}

struct mapping *state_find_list(const struct state *s, const struct trace_event *ev, bool *exact)
{
	struct mapping *m, *best = NULL;
	unsigned int score, top = 0;

	for (m = s->lists[list_key(ev) % STATE_BUCKETS]; m; m = m->chain) {
		if (m->ev->device != ev->device || !same_start(m->ev, ev))
			continue;
		score = 1 + 4 * (m->ev->nents == ev->nents) + 2 * (m->ev->dir == ev->dir);
		if (score > top) {
			top = score;
			best = m;
		}
	}
	*exact = top > 4;
	return best;
}
