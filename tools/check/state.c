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
	free(m->physs);
	free(m);
}

void state_free(struct state *s)
{
	while (s->oldest) {
		struct mapping *m = s->oldest;

		s->oldest = m->newer;
		free_mapping(m);
	}
	past_free(&s->pasts);
	free(s->devices);
}

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 29;
}

/* Find lists by their first entry, so that one with a wrong number of entries is found as well. */
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
	return trace_class(ev->kind) == TRACE_CLASS_LIST ? list_key(ev)
							 : address_key(ev->device, ev->dma);
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
 * Compute the bytes of each entry of the caller's list. The event has lengths of the coalesced
 * entries only.
 *
 * Where nothing was coalesced, these are the same. Else the common case is tried: each entry lies
 * inside one page, and the pages add up. Else only a lower bound is sure: entries are coalesced
 * where one ends and the next begins at the end of a granule, so each but the last reaches at least
 * to the end of its granule; and each has a first byte.
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

/* List the memory that the device reaches, as far as the event tells. */
static void physical(struct mapping *m, const struct trace_event *ev)
{
	if (ev->attrs & TRACE_ATTR_MMIO)
		return;
	if (m->cls == TRACE_CLASS_BUFFER && ev->size) {
		m->nr_phys = 1;
		m->phys = xcalloc(1, sizeof(*m->phys));
		m->phys[0] = range(m, ev->phys, ev->size);
	} else if (m->cls == TRACE_CLASS_LIST) {
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
 * Returns true if the mapping bounces.
 *
 * An IOMMU keeps the offset inside the granule, and without an IOMMU the addresses are equal: an
 * offset that differs is a bounce slot's. A slot may have the right offset by chance. So on a device
 * that bounces, all mappings but whole granules (which an IOMMU need not bounce) count as bounced.
 */
static bool bounced(struct device *dev, const struct mapping *m)
{
	const struct trace_event *ev = &m->ev;

	if (m->cls != TRACE_CLASS_BUFFER && m->cls != TRACE_CLASS_LIST)
		return false;
	if ((ev->dma ^ ev->phys) & (GRANULE - 1)) {
		dev->bounces = true;
		return true;
	}
	return dev->bounces && ev->dma != ev->phys &&
	       ((ev->dma | ev->size) & (GRANULE - 1) || m->cls == TRACE_CLASS_LIST);
}

bool state_untranslated(const struct device *dev)
{
	return dev->same && !dev->other;
}

static void link_mapping(struct state *s, struct mapping *m)
{
	struct device *dev = &s->devices[m->ev.device];

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
	if (m->cls == TRACE_CLASS_LIST) {
		struct mapping **at = &s->lists[list_key(&m->ev) % STATE_BUCKETS];

		/* the oldest first */
		while (*at)
			at = &(*at)->chain;
		*at = m;
	}
	dev->truncated += m->ev.truncated;
}

struct mapping *state_map(struct state *s, const struct trace_event *ev, bool may_end_unseen)
{
	struct device *dev = &s->devices[ev->device];
	struct mapping *m = xcalloc(1, sizeof(*m));

	m->ev = *ev;
	m->ev.dmas = NULL;
	m->ev.lens = NULL;
	m->ev.physs = NULL;
	m->cls = trace_class(ev->kind);
	m->may_end_unseen = may_end_unseen;
	if (m->cls == TRACE_CLASS_LIST) {
		m->nr_dma = ev->nr_dma;
		m->dma = xcalloc(m->nr_dma, sizeof(*m->dma));
		for (uint32_t i = 0; i < ev->nr_dma; i++)
			m->dma[i] = range(m, ev->dmas[i], ev->lens[i]);
		m->physs = xmalloc(ev->nr_phys * sizeof(*m->physs));
		memcpy(m->physs, ev->physs, ev->nr_phys * sizeof(*m->physs));
		m->ev.physs = m->physs;
	} else {
		m->nr_dma = 1;
		m->dma = xcalloc(1, sizeof(*m->dma));
		m->dma[0] = range(m, ev->dma, ev->size);
	}
	physical(m, ev);
	m->bounced = bounced(dev, m);
	if (m->cls <= TRACE_CLASS_LIST && !m->bounced && ev->phys != TRACE_NO_ADDR) {
		dev->same += ev->dma == ev->phys;
		dev->other += ev->dma != ev->phys;
	}
	link_mapping(s, m);
	return m;
}

static void remember(struct state *s, const struct mapping *m, const struct trace_event *unmap)
{
	const struct past p = { .map_line = m->ev.line,
				.unmap_line = unmap ? unmap->line : 0,
				.unseen = !unmap,
				.dma = m->ev.dma,
				.phys = m->ev.phys,
				.size = m->ev.size,
				.nr_phys = m->physs ? m->ev.nr_phys : 0 };

	past_add(&s->pasts, event_key(&m->ev), &p, m->physs);
}

static void unlink_phys(struct state *s, struct mapping *m)
{
	for (uint32_t i = 0; i < m->nr_phys; i++)
		itree_remove(&s->phys, &m->phys[i]);
	m->nr_phys = 0;
}

void state_unmap(struct state *s, struct mapping *m, const struct trace_event *ev)
{
	struct device *dev = &s->devices[m->ev.device];

	for (uint32_t i = 0; i < m->nr_dma; i++)
		itree_remove(&dev->dma, &m->dma[i]);
	unlink_phys(s, m);
	*(m->older ? &m->older->newer : &s->oldest) = m->newer;
	*(m->newer ? &m->newer->older : &s->newest) = m->older;
	if (m->cls == TRACE_CLASS_LIST) {
		struct mapping **at = &s->lists[list_key(&m->ev) % STATE_BUCKETS];

		while (*at != m)
			at = &(*at)->chain;
		*at = m->chain;
	}
	dev->truncated -= m->ev.truncated;
	if (ev || m->may_end_unseen)
		remember(s, m, ev);
	free_mapping(m);
}

void state_end_wrongly(struct state *s, struct mapping *m)
{
	unlink_phys(s, m);
	m->ended_wrongly = true;
}

static void count_failure(struct failures *f, const struct trace_event *ev)
{
	if (!f->nr++) {
		f->first = *ev;
		f->first.physs = f->first.dmas = NULL;
		f->first.lens = NULL;
	}
	f->last_line = ev->line;
	f->high += ev->phys != TRACE_NO_ADDR && ev->phys > UINT32_MAX;
}

void state_fail(struct state *s, const struct trace_event *ev)
{
	struct device *dev = &s->devices[ev->device];
	enum trace_class cls = trace_class(ev->kind);

	count_failure(cls >= TRACE_CLASS_COHERENT ? &dev->failed_allocs : &dev->failed_maps, ev);
	if (cls == TRACE_CLASS_LIST) {
		const struct past p = { .map_line = ev->line,
					.failed = true,
					.dma = ev->dma,
					.phys = ev->phys,
					.size = ev->size,
					.nr_phys = ev->nr_phys };

		past_add(&s->pasts, event_key(ev), &p, ev->physs);
	} else if (cls == TRACE_CLASS_BUFFER || cls == TRACE_CLASS_RESOURCE) {
		dev->failed = (struct failed){ .any = true,
					       .line = ev->line,
					       .dma = ev->dma,
					       .phys = ev->phys,
					       .size = ev->size };
	}
}

/* Returns true if two lists agree in all entries that both have, and in one at least. */
static bool same_start(const uint64_t *a, uint32_t nr_a, const struct trace_event *b)
{
	uint32_t n = nr_a < b->nr_phys ? nr_a : b->nr_phys;

	return n && memcmp(a, b->physs, n * sizeof(*a)) == 0;
}

const struct past *state_past(const struct state *s, const struct trace_event *ev)
{
	const struct past *p = past_find(&s->pasts, event_key(ev));

	if (p && trace_class(ev->kind) == TRACE_CLASS_LIST && !same_start(p->physs, p->nr_phys, ev))
		return NULL;
	return p;
}

const struct past *state_past_at(const struct state *s, uint32_t device, uint64_t dma)
{
	return past_find(&s->pasts, address_key(device, dma));
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
	score = 16 + 8u * (m->cls == trace_class(b->ev->kind)) + 4u * !m->ended_wrongly +
		2u * (m->ev.size == b->ev->size) + (m->ev.dir == b->ev->dir);
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
		if (m->ev.device != ev->device || !same_start(m->physs, m->ev.nr_phys, ev))
			continue;
		score = 1 + 4u * (m->ev.nents == ev->nents) + 2u * (m->ev.dir == ev->dir);
		if (score > top) {
			top = score;
			best = m;
		}
	}
	*exact = top > 4;
	return best;
}
