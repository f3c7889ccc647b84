// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* One pass over a trace, with the live mappings of dmah check's state. */
#include "pages.h"
#include "profile.h"
#include "state.h"
#include "xalloc.h"

struct collector {
	struct profile *p;
	struct state s;
	struct pages pages;
	const struct trace_event *ev;
	uint64_t index; /* of the event */
};

/* ---- tallies ---- */

static struct tally *caller_of(struct device_profile *d, const char *caller)
{
	/* names are kept once, so that their addresses can be compared */
	if (d->nr_callers && d->callers[d->last_caller].name == caller)
		return &d->callers[d->last_caller];
	for (uint32_t i = 0; i < d->nr_callers; i++) {
		if (strcmp(d->callers[i].name, caller) != 0)
			continue;
		d->last_caller = i;
		return &d->callers[i];
	}
	xgrow(d->callers, d->nr_callers, d->cap_callers);
	d->callers[d->nr_callers] = (struct tally){ .name = caller };
	d->last_caller = d->nr_callers;
	return &d->callers[d->nr_callers++];
}

/* Both tallies of an event: the device's, and the caller's on the device. */
struct both {
	struct tally *t[2];
};

static struct both tallies(struct device_profile *d, const char *caller)
{
	return (struct both){ { &d->all, caller_of(d, caller) } };
}

static unsigned int size_bin(uint64_t size)
{
	unsigned int bin = 0;

	while (size >>= 1)
		bin++;
	return bin < SIZE_BINS ? bin : SIZE_BINS - 1;
}

static unsigned int life_bin(uint64_t ns)
{
	uint64_t limit = 1000;
	unsigned int bin = 0;

	while (bin < LIFE_BINS - 1 && ns >= limit) {
		limit *= 10;
		bin++;
	}
	return bin;
}

double profile_lives_median(const struct tally *t)
{
	uint64_t all = 0, sum = 0;
	double limit = 1;

	for (int i = 0; i < LIFE_BINS; i++)
		all += t->lives[i];
	for (int i = 0; i < LIFE_BINS; i++, limit *= 10) {
		sum += t->lives[i];
		if (all && sum * 2 >= all)
			return limit;
	}
	return 0;
}

static uint64_t position(const struct collector *c)
{
	return c->p->counts ? c->index : c->ev->time;
}

/* Parts of the time without events have what was live after the event before. */
static void fill(struct device_profile *d, uint32_t bin)
{
	for (; d->bin < bin; d->bin++) {
		if (d->now > d->live[d->bin + 1])
			d->live[d->bin + 1] = d->now;
		if (d->now_bytes > d->live_bytes[d->bin + 1])
			d->live_bytes[d->bin + 1] = d->now_bytes;
	}
}

static void sample(struct collector *c, struct device_profile *d)
{
	double range = (double)(c->p->end - c->p->begin) + 1;
	uint32_t bin = (uint32_t)((double)(position(c) - c->p->begin) * TIME_BINS / range);

	if (bin >= TIME_BINS)
		bin = TIME_BINS - 1;
	fill(d, bin);
	d->now = d->all.live;
	d->now_bytes = d->all.live_bytes;
	if (d->now > d->live[bin])
		d->live[bin] = d->now;
	if (d->now_bytes > d->live_bytes[bin])
		d->live_bytes[bin] = d->now_bytes;
}

/* ---- events ---- */

/* Count the pages of a mapping. Return: true if the device had mapped its first before. */
static bool count_pages(struct collector *c, struct device_profile *d, const struct mapping *m,
			uint64_t *fresh)
{
	bool again = false;

	for (uint32_t i = 0; i < m->nr_phys; i++) {
		for (uint64_t page = m->phys[i].first / GRANULE; page <= m->phys[i].last / GRANULE;
		     page++) {
			uint32_t n = pages_add(&c->pages, m->ev.device, page);

			*fresh += n == 1;
			if (i == 0 && page == m->phys[0].first / GRANULE)
				again = n > 1;
			if (n > d->hottest_maps) {
				d->hottest_maps = n;
				d->hottest = page * GRANULE;
			}
		}
	}
	return again;
}

struct search {
	const struct mapping *new;
	struct mapping *found;
};

static bool find_ended(struct inode *n, void *arg)
{
	struct search *s = arg;
	struct mapping *old = n->owner;

	/* without translation, memory may be mapped twice at one address */
	if (old == s->new || old->ev.dma - old->ev.phys == s->new->ev.dma - s->new->ev.phys)
		return true;
	s->found = old;
	return false;
}

static void ended(struct collector *c, struct mapping *m, const struct trace_event *ev)
{
	struct device_profile *d = &c->p->devices[m->ev.device];
	struct both b = tallies(d, m->ev.caller);

	for (int i = 0; i < 2; i++) {
		b.t[i]->live--;
		b.t[i]->live_bytes -= m->ev.size;
		if (!ev)
			continue;
		b.t[i]->unmaps++;
		if (m->cls <= TRACE_CLASS_LIST && !c->p->counts && ev->time >= m->ev.time)
			b.t[i]->lives[life_bin(ev->time - m->ev.time)]++;
		if (m->cls <= TRACE_CLASS_RESOURCE && m->ev.dma != m->ev.phys)
			b.t[i]->lookups++;
	}
	if (ev)
		count_exposure(&c->s, m, ev);
	state_unmap(&c->s, m, ev);
}

/* An IOVA that is given out again was unmapped, and the trace does not have that. */
static void end_stale(struct collector *c, const struct mapping *m)
{
	struct search s;

	for (uint32_t i = 0; i < m->nr_dma; i++) {
		do {
			s = (struct search){ m, NULL };
			itree_each(&c->s.devices[m->ev.device].dma, m->dma[i].first, m->dma[i].last,
				   find_ended, &s);
			if (s.found)
				ended(c, s.found, NULL);
		} while (s.found);
	}
}

static void add_map(struct tally *t, const struct mapping *m, bool again, uint64_t fresh)
{
	const struct trace_event *ev = &m->ev;

	t->live++;
	t->live_bytes += ev->size;
	if (t->live > t->peak)
		t->peak = t->live;
	if (t->live_bytes > t->peak_bytes)
		t->peak_bytes = t->live_bytes;
	if (m->cls >= TRACE_CLASS_COHERENT) {
		t->allocs++;
		t->alloc_bytes += ev->size;
		return;
	}
	t->maps++;
	t->bytes += ev->size;
	t->dirs[ev->dir]++;
	t->sizes[size_bin(ev->size)]++;
	t->pages += fresh;
	if (m->cls == TRACE_CLASS_LIST) {
		t->lists++;
		t->entries += ev->nents;
		t->segments += ev->ents;
	}
	if (m->bounced) {
		t->bounced++;
		t->bounced_bytes += ev->size;
	}
	if (again) {
		t->again++;
		t->again_bytes += ev->size;
	}
}

static void map(struct collector *c, struct device_profile *d)
{
	struct both b = tallies(d, c->ev->caller);
	struct mapping *m;
	uint64_t fresh = 0;
	bool again;

	if (c->ev->failed) {
		b.t[0]->failed++;
		b.t[1]->failed++;
		return;
	}
	m = state_map(&c->s, c->ev, false);
	end_stale(c, m);
	again = count_pages(c, d, m, &fresh);
	/* ending a mapping may have moved the callers */
	b = tallies(d, c->ev->caller);
	add_map(b.t[0], m, again, fresh);
	add_map(b.t[1], m, again, fresh);
	count_beside(&c->s.devices[c->ev->device], m);
}

static void event(struct collector *c)
{
	struct device_profile *d;
	struct mapping *m;
	bool exact;

	if (trace_act(c->ev->kind) == TRACE_ACT_NONE)
		return;
	d = &c->p->devices[c->ev->device];
	switch (trace_act(c->ev->kind)) {
	case TRACE_ACT_MAP:
		map(c, d);
		break;
	case TRACE_ACT_UNMAP:
		m = c->ev->kind == TRACE_UNMAP_SG ? state_find_list(&c->s, c->ev, &exact)
						  : state_find(&c->s, c->ev);
		if (m)
			ended(c, m, c->ev);
		break;
	default:
		d->all.syncs++;
		caller_of(d, c->ev->caller)->syncs++;
		break;
	}
	sample(c, d);
}

/* ---- the whole ---- */

static void measure(struct trace *t, struct profile *p)
{
	struct trace_cursor *c = trace_begin(t);
	const struct trace_event *ev;
	uint64_t n = 0;

	while ((ev = trace_step(c))) {
		if (ev->kind == TRACE_LOST)
			continue;
		if (!n++)
			p->begin = ev->time;
		p->end = ev->time;
	}
	trace_end(c);
	if (p->end <= p->begin)
		p->counts = true;
	if (p->counts) {
		p->begin = 0;
		p->end = n ? n - 1 : 0;
	}
}

static int by_maps(const void *pa, const void *pb)
{
	const struct tally *a = pa, *b = pb;

	if (a->maps + a->allocs != b->maps + b->allocs)
		return a->maps + a->allocs > b->maps + b->allocs ? -1 : 1;
	return strcmp(a->name, b->name);
}

struct profile *profile_trace(struct trace *t)
{
	struct collector *c = xcalloc(1, sizeof(*c));
	const struct trace_info *info = trace_info(t);
	struct profile *p = xcalloc(1, sizeof(*p));
	struct trace_cursor *cursor;

	p->path = trace_path(t);
	p->events = info->events;
	p->lost = info->lost_events;
	p->counts = info->counts;
	p->has_stacks = info->stacks != 0;
	p->nr = trace_nr_devices(t);
	p->devices = xcalloc(p->nr, sizeof(*p->devices));
	for (uint32_t i = 0; i < p->nr; i++)
		p->devices[i].name = trace_device(t, i);
	measure(t, p);
	c->p = p;
	state_init(&c->s, p->nr);
	cursor = trace_begin(t);
	while ((c->ev = trace_step(cursor))) {
		event(c);
		c->index += c->ev->kind != TRACE_LOST;
	}
	trace_end(cursor);
	for (uint32_t i = 0; i < p->nr; i++) {
		struct device_profile *d = &p->devices[i];
		const struct device *dev = &c->s.devices[i];

		fill(d, TIME_BINS - 1);
		qsort(d->callers, d->nr_callers, sizeof(*d->callers), by_maps);
		d->beside = dev->beside;
		d->maps_beside = dev->maps_beside;
		d->ends = dev->unmaps;
		d->reachable = dev->reachable;
		d->writable = dev->writable;
	}
	pages_free(&c->pages);
	state_free(&c->s);
	free(c);
	return p;
}

void profile_free(struct profile *p)
{
	for (uint32_t i = 0; i < p->nr; i++)
		free(p->devices[i].callers);
	free(p->devices);
	free(p);
}
