// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * The rules. One pass over the trace in time order, with what is mapped at each moment in a
 * struct state.
 *
 * When an error is only noted: where events were lost before it, and, for what a mapping made
 * before the trace began would explain, on a device whose record does not begin with a map or an
 * allocation. --from-start yes overrules both, no takes no record as whole.
 */
#include <inttypes.h>
#include <stdarg.h>
#include "check.h"
#include "state.h"
#include "xalloc.h"

struct check {
	const struct trace *t;
	const struct check_options *opt;
	struct findings *fs;
	struct state s;
	const char *unit; /* "line", or "record" of a trace.dat */
	bool lost; /* events are missing before the present one */
	const struct trace_event *ev;
};

/* How sure an error is */
enum doubt {
	SURE, /* the record shows all of it */
	UNSEEN, /* a mapping made before the record began would explain it */
	CONCEDED, /* the driver says that it knows what it does */
};

static bool whole(const struct check *c, const struct device *dev)
{
	if (c->opt->from_start != FROM_START_AUTO)
		return c->opt->from_start == FROM_START_YES;
	/* that nothing was lost has been asked before */
	return dev->starts_with_map;
}

static const char *downgrade(const struct check *c, enum doubt doubt)
{
	if (doubt == CONCEDED)
		return " (only noted: the driver maps it with SKIP_CPU_SYNC or CACHELINES_OVERLAP "
		       "and so answers for the caches itself)";
	if (c->opt->from_start == FROM_START_YES)
		return NULL;
	if (c->lost)
		return " (only noted: events were lost before it)";
	if (doubt == UNSEEN && !whole(c, &c->s.devices[c->ev->device]))
		return " (only noted: it may have been mapped before the trace began)";
	return NULL;
}

static struct finding at_event(const struct check *c, enum finding_kind kind)
{
	return (struct finding){ .kind = kind,
				 .ev = c->ev,
				 .device = trace_device(c->t, c->ev->device),
				 .dma = c->ev->dma,
				 .phys = c->ev->phys,
				 .size = c->ev->size,
				 .has_size = c->ev->kind != TRACE_UNMAP_SG };
}

/* A finding about an event and, if there is one, a mapping. */
__attribute__((format(printf, 5, 6))) static void error(struct check *c, enum finding_kind kind,
							enum doubt doubt,
							const struct trace_event *map,
							const char *fmt, ...)
{
	struct finding f = at_event(c, kind);
	const char *why = downgrade(c, doubt);
	char text[400];
	va_list ap;

	f.error = !why;
	if (map) {
		f.map_line = map->line;
		if (f.phys == TRACE_NO_ADDR)
			f.phys = map->phys;
		if (f.dma == TRACE_NO_ADDR)
			f.dma = map->dma;
		if (!f.has_size) {
			f.size = map->size;
			f.has_size = true;
		}
	}
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	findings_add(c->fs, &f, "%s%s", text, why ? why : "");
}

static void note(struct check *c, enum finding_kind kind, const struct trace_event *map,
		 const char *text)
{
	struct finding f = at_event(c, kind);

	f.map_line = map->line;
	findings_add(c->fs, &f, "%s", text);
}

/* ---- maps ---- */

struct meeting {
	struct check *c;
	struct mapping *m;
	uint64_t first, last;
};

static bool harmless(const struct mapping *a, const struct mapping *b)
{
	return a == b || !(trace_dir_writes(a->ev->dir) || trace_dir_writes(b->ev->dir));
}

/*
 * Bytes of the caller's buffers are compared, also where one is bounced: the copy back at unmap
 * writes to them just as the device would.
 */
static bool overlap(struct inode *n, void *arg)
{
	const uint64_t caches = TRACE_ATTR_SKIP_CPU_SYNC | TRACE_ATTR_CACHELINES_OVERLAP;
	struct meeting *g = arg;
	struct mapping *other = n->owner;
	uint64_t from, to;
	char whose[160] = "";

	if (harmless(g->m, other) || other->mark == g->c->s.search)
		return true;
	other->mark = g->c->s.search;
	from = n->first > g->first ? n->first : g->first;
	to = n->last < g->last ? n->last : g->last;
	if (other->ev->device != g->m->ev->device)
		snprintf(whose, sizeof(whose), " of device %s",
			 trace_device(g->c->t, other->ev->device));
	error(g->c, OVERLAP, (g->m->ev->attrs | other->ev->attrs) & caches ? CONCEDED : SURE,
	      other->ev,
	      "shares %" PRIu64 " bytes of memory from 0x%" PRIx64
	      " with the live mapping%s of %s %" PRIu64 " (dma 0x%" PRIx64 ", %s), and %s can be "
	      "written by the device",
	      to - from + 1, from, whose, g->c->unit, other->ev->line, other->ev->dma,
	      trace_dir_name(other->ev->dir),
	      !trace_dir_writes(g->m->ev->dir)	  ? "that one"
	      : !trace_dir_writes(other->ev->dir) ? "this one"
						  : "both");
	return true;
}

/* A bounce slot has cache lines of its own. */
static bool shared_line(struct inode *n, void *arg)
{
	struct meeting *g = arg;
	struct mapping *other = n->owner;
	char text[200];

	if (harmless(g->m, other) || other->mark == g->c->s.search || other->bounced ||
	    g->m->bounced)
		return true;
	other->mark = g->c->s.search;
	snprintf(text, sizeof(text),
		 "shares a cache line of %u bytes with the live mapping of %s %" PRIu64
		 " (dma 0x%" PRIx64 ", %s)",
		 CACHE_LINE, g->c->unit, other->ev->line, other->ev->dma,
		 trace_dir_name(other->ev->dir));
	note(g->c, SHARED_LINE, other->ev, text);
	return true;
}

static void meet(struct check *c, struct mapping *m)
{
	struct meeting g = { .c = c, .m = m };

	c->s.search++;
	for (uint32_t i = 0; i < m->nr_phys; i++) {
		g.first = m->phys[i].first;
		g.last = m->phys[i].last;
		itree_each(&c->s.phys, g.first, g.last, overlap, &g);
	}
	for (uint32_t i = 0; i < m->nr_phys; i++)
		itree_each(&c->s.phys, m->phys[i].first & ~(uint64_t)(CACHE_LINE - 1),
			   m->phys[i].last | (CACHE_LINE - 1), shared_line, &g);
}

struct stale {
	const struct mapping *new;
	struct mapping *found;
};

static bool find_stale(struct inode *n, void *arg)
{
	struct stale *st = arg;

	if (n->owner == st->new)
		return true;
	st->found = n->owner;
	return false;
}

/* After a loss: an IOVA that is given out again was unmapped, though nobody recorded it. */
static void forget_stale(struct check *c, const struct mapping *m)
{
	struct device *dev = &c->s.devices[m->ev->device];
	struct stale st;

	if (!c->lost || m->ev->dma == m->ev->phys)
		return;
	for (uint32_t i = 0; i < m->nr_dma; i++) {
		do {
			st = (struct stale){ m, NULL };
			itree_each(&dev->dma, m->dma[i].first, m->dma[i].last, find_stale, &st);
			if (st.found)
				state_unmap(&c->s, st.found, NULL);
		} while (st.found);
	}
}

/* Bytes that the granule lets the device reach around a mapping */
static void count_beside(struct device *dev, const struct mapping *m)
{
	uint64_t beside = 0;

	if ((m->cls != BUFFER && m->cls != LIST) || m->bounced || m->nr_phys == 0)
		return;
	for (uint32_t i = 0; i < m->nr_dma; i++)
		beside += (m->dma[i].first & (GRANULE - 1)) +
			  (GRANULE - 1 - (m->dma[i].last & (GRANULE - 1)));
	dev->maps++;
	dev->maps_beside += beside != 0;
	dev->beside += beside;
	if (beside && !dev->first_exposed)
		dev->first_exposed = m->ev;
}

static void map(struct check *c)
{
	struct mapping *m;

	if (c->ev->failed) {
		state_fail(&c->s, c->ev);
		return;
	}
	m = state_map(&c->s, c->ev);
	forget_stale(c, m);
	meet(c, m);
	count_beside(&c->s.devices[c->ev->device], m);
}

/* ---- unmaps ---- */

struct exposure {
	const struct mapping *m;
	bool reachable, writable;
};

static bool exposes(struct inode *n, void *arg)
{
	struct exposure *x = arg;
	const struct mapping *other = n->owner;

	if (other == x->m || other->bounced || other->ev->device != x->m->ev->device)
		return true;
	x->reachable = true;
	if (trace_dir_writes(other->ev->dir))
		x->writable = true;
	return !x->writable;
}

/* Does the unmap leave a page of the buffer in reach of the device? */
static void count_exposure(struct check *c, const struct mapping *m)
{
	struct device *dev = &c->s.devices[m->ev->device];
	struct exposure x = { m, false, false };

	if (m->bounced || m->nr_phys == 0)
		return;
	for (uint32_t i = 0; i < m->nr_phys && !x.writable; i++)
		itree_each(&c->s.phys, m->phys[i].first & ~(uint64_t)(GRANULE - 1),
			   m->phys[i].last | (GRANULE - 1), exposes, &x);
	dev->unmaps++;
	dev->reachable += x.reachable;
	dev->writable += x.writable;
	if (x.reachable && !dev->first_exposed)
		dev->first_exposed = c->ev;
}

static bool covers(struct inode *n, void *arg)
{
	*(struct mapping **)arg = n->owner;
	return false;
}

/* A failed map leaves DMA_MAPPING_ERROR, all ones; an offset may have been added to it. */
static bool is_failed_address(const struct device *dev, uint64_t dma)
{
	if (dma == TRACE_NO_ADDR)
		return true;
	return dev->failed &&
	       (dma == dev->failed->dma || dma - dev->failed->dma < dev->failed->size);
}

static void no_such_mapping(struct check *c, bool list)
{
	struct device *dev = &c->s.devices[c->ev->device];
	const char *verb = state_class(c->ev->kind) >= COHERENT ? "freed" : "unmapped";
	const struct past *p = state_past(&c->s, c->ev);
	struct mapping *inside = NULL;
	/* without translation an address may be mapped twice, the first time before the trace */
	enum doubt twice = SURE;

	if (p && p->unmap) {
		if (!list && p->map->dma == p->map->phys)
			twice = UNSEEN;
		error(c, DOUBLE_UNMAP, twice, p->map,
		      "%s again: the mapping of %s %" PRIu64 " was %s in %s %" PRIu64
		      " and nothing is mapped there since",
		      verb, c->unit, p->map->line, verb, c->unit, p->unmap->line);
		return;
	}
	if (p || (!list && is_failed_address(dev, c->ev->dma))) {
		const struct trace_event *failed = p ? p->map : dev->failed;

		if (failed)
			error(c, USE_OF_FAILED_MAP, SURE, failed,
			      "%s, but the map in %s %" PRIu64 " had failed", verb, c->unit,
			      failed->line);
		else
			error(c, USE_OF_FAILED_MAP, SURE, NULL,
			      "%s the address that a failed map returns", verb);
		return;
	}
	if (list) {
		error(c, UNMAP_UNKNOWN, UNSEEN, NULL,
		      "unmapped a scatter list of %u entries that is not mapped", c->ev->nents);
		return;
	}
	itree_each(&dev->dma, c->ev->dma, c->ev->dma, covers, &inside);
	if (inside)
		error(c, UNMAP_UNKNOWN, UNSEEN, inside->ev,
		      "%s an address inside the mapping of %s %" PRIu64
		      ", which begins at 0x%" PRIx64 " and can only be taken away whole",
		      verb, c->unit, inside->ev->line, inside->ev->dma);
	else
		error(c, UNMAP_UNKNOWN, UNSEEN, NULL, "%s an address %s", verb,
		      downgrade(c, UNSEEN) ? "of which the trace has no map"
					   : "that was never mapped");
}

/* 6.18 and newer unmap a resource like a buffer; before, the functions go in pairs. */
static bool wrong_function(const struct mapping *m, enum mapping_class cls)
{
	if (m->cls <= RESOURCE && cls <= RESOURCE && m->ev->attrs & TRACE_ATTR_MMIO)
		return false;
	return m->cls != cls;
}

/*
 * The direction of an allocation is not compared: 6.12 declares it in the record and does not store
 * it (tools/trace/event.c).
 */
static bool wrong_direction(const struct check *c, const struct mapping *m)
{
	return m->cls != COHERENT && m->cls != PAGES && m->ev->dir != c->ev->dir;
}

static void unmap(struct check *c)
{
	bool list = c->ev->kind == TRACE_UNMAP_SG, exact = true;
	enum mapping_class cls = state_class(c->ev->kind);
	enum doubt doubt;
	struct mapping *m;

	/* freeing nothing is allowed */
	if ((c->ev->kind == TRACE_FREE || c->ev->kind == TRACE_FREE_PAGES) && c->ev->has_virt &&
	    c->ev->virt == 0)
		return;
	m = list ? state_find_list(&c->s, c->ev, &exact) : state_find(&c->s, c->ev);
	if (!m) {
		no_such_mapping(c, list);
		return;
	}
	doubt = m->ev->dma == m->ev->phys ? UNSEEN : SURE;
	if (wrong_function(m, cls))
		error(c, UNMAP_UNKNOWN, doubt, m->ev,
		      "%s takes away what %s made in %s %" PRIu64
		      ": nothing of its own kind is mapped there",
		      c->ev->name, m->ev->name, c->unit, m->ev->line);
	else if (list && !exact)
		error(c, SIZE_MISMATCH, doubt, m->ev,
		      "unmapped a scatter list with %u entries, mapped with %u in %s %" PRIu64
		      " (an unmap takes the number that was given to the map, not what it "
		      "returned)",
		      c->ev->nents, m->ev->nents, c->unit, m->ev->line);
	else if (!list && m->ev->size != c->ev->size)
		error(c, SIZE_MISMATCH, doubt, m->ev,
		      "%s with %" PRIu64 " bytes, mapped with %" PRIu64 " in %s %" PRIu64,
		      cls >= COHERENT ? "freed" : "unmapped", c->ev->size, m->ev->size, c->unit,
		      m->ev->line);
	if (!wrong_function(m, cls) && wrong_direction(c, m))
		error(c, DIRECTION_MISMATCH, doubt, m->ev,
		      "unmapped as %s, mapped as %s in %s %" PRIu64, trace_dir_name(c->ev->dir),
		      trace_dir_name(m->ev->dir), c->unit, m->ev->line);
	count_exposure(c, m);
	state_unmap(&c->s, m, c->ev);
}

/* ---- syncs ---- */

struct sync {
	const struct trace_event *ev;
	uint64_t first, last;
	struct inode *best;
	unsigned int score;
};

/*
 * What Linux's own checker (kernel/dma/debug.c, check_sync) allows: a BIDIRECTIONAL mapping may be
 * synced in any direction, any other only in its own; for_cpu and for_device are both allowed for
 * each direction. Coherent memory has no direction.
 */
static bool direction_fits(const struct mapping *m, const struct trace_event *ev)
{
	return m->cls == COHERENT || m->cls == PAGES || m->ev->dir == TRACE_BIDIRECTIONAL ||
	       m->ev->dir == ev->dir;
}

static bool sync_fits(struct inode *n, void *arg)
{
	struct sync *y = arg;
	/* beginning inside counts most, then reaching no further, then the direction */
	unsigned int score = 1 + 4 * (n->first <= y->first) + 2 * (n->last >= y->last) +
			     direction_fits(n->owner, y->ev);

	if (score > y->score) {
		y->score = score;
		y->best = n;
	}
	return true;
}

/* One range of a sync. Return: false if something was found. */
static bool sync_range(struct check *c, uint64_t dma, uint64_t size)
{
	struct device *dev = &c->s.devices[c->ev->device];
	struct sync y = { c->ev, dma, dma + size - 1, NULL, 0 };
	const struct trace_event *m;
	const struct past *p;

	/* where a list was coalesced, its further entries have no bytes */
	if (size == 0)
		return true;
	if (y.last < y.first)
		y.last = UINT64_MAX;
	itree_each(&dev->dma, y.first, y.last, sync_fits, &y);
	if (y.best) {
		m = ((struct mapping *)y.best->owner)->ev;
		if (!(y.score & 4) && is_failed_address(dev, dma))
			goto failed;
		if (y.score < 1 + 4 + 2) {
			bool before = dma < y.best->first;

			error(c, SYNC_OUT_OF_RANGE, SURE, m,
			      "synced %" PRIu64 " bytes from 0x%" PRIx64 ", %" PRIu64
			      " of them %s the mapping of %s %" PRIu64,
			      size, dma, before ? y.best->first - dma : y.last - y.best->last,
			      before ? "ahead of" : "beyond the end of", c->unit, m->line);
			return false;
		}
		if (!direction_fits(y.best->owner, c->ev)) {
			error(c, SYNC_DIRECTION, SURE, m,
			      "synced as %s, mapped as %s in %s %" PRIu64,
			      trace_dir_name(c->ev->dir), trace_dir_name(m->dir), c->unit, m->line);
			return false;
		}
		return true;
	}
	if (is_failed_address(dev, dma)) {
failed:
		if (dev->failed)
			error(c, USE_OF_FAILED_MAP, SURE, dev->failed,
			      "synced, but the map in %s %" PRIu64 " had failed", c->unit,
			      dev->failed->line);
		else
			error(c, USE_OF_FAILED_MAP, SURE, NULL,
			      "synced the address that a failed map returns");
		return false;
	}
	/* it may be in the part of a list that the trace did not keep */
	if (dev->truncated)
		return true;
	p = state_past_at(&c->s, c->ev->device, dma);
	if (p && p->unmap)
		error(c, SYNC_UNMAPPED, p->map->dma == p->map->phys ? UNSEEN : SURE, p->map,
		      "synced 0x%" PRIx64 " after its mapping of %s %" PRIu64
		      " was unmapped in %s %" PRIu64,
		      dma, c->unit, p->map->line, c->unit, p->unmap->line);
	else
		error(c, SYNC_UNMAPPED, UNSEEN, NULL,
		      "synced 0x%" PRIx64 ", where nothing is mapped", dma);
	return false;
}

static void sync(struct check *c)
{
	if (c->ev->kind == TRACE_SYNC_CPU || c->ev->kind == TRACE_SYNC_DEVICE) {
		sync_range(c, c->ev->dma, c->ev->size);
		return;
	}
	/* one finding for a list is enough */
	for (uint32_t i = 0; i < c->ev->nr_dma; i++)
		if (!sync_range(c, c->ev->dmas[i], c->ev->lens[i]))
			return;
}

/* ---- the rest ---- */

static void lost(struct check *c)
{
	const struct trace_event *ev = c->ev;
	struct finding f = {
		.kind = LOST_EVENTS, .ev = ev, .dma = TRACE_NO_ADDR, .phys = TRACE_NO_ADDR
	};

	switch (ev->lost) {
	case TRACE_LOST_OVERWRITTEN:
		findings_add(c->fs, &f,
			     "%" PRIu64 " events were overwritten in the buffer before it was read",
			     ev->lost_events);
		break;
	case TRACE_LOST_BEFORE:
		findings_add(c->fs, &f, "of CPU %u nothing is recorded before this %s",
			     ev->lost_cpu, c->unit);
		break;
	default:
		if (ev->lost_cpu == TRACE_NO_CPU)
			findings_add(c->fs, &f,
				     "the text of one event was too long and is missing");
		else if (ev->lost_events)
			findings_add(c->fs, &f, "%" PRIu64 " events of CPU %u are missing here",
				     ev->lost_events, ev->lost_cpu);
		else
			findings_add(c->fs, &f, "events of CPU %u are missing here", ev->lost_cpu);
		break;
	}
	c->lost = true;
}

static void live_at_end(struct check *c)
{
	for (struct mapping *m = c->s.oldest; m; m = m->newer) {
		struct finding f;
		const char *why;

		c->ev = m->ev;
		f = at_event(c, LIVE_AT_END);
		f.map_line = m->ev->line;
		why = downgrade(c, SURE);
		f.error = c->opt->final && !why;
		findings_add(c->fs, &f, "%s (%s) is still live at the end of the trace%s",
			     m->cls >= COHERENT ? "an allocation" : "a mapping", m->ev->name,
			     c->opt->final && why ? why : "");
	}
}

static void exposure(struct check *c)
{
	for (uint32_t i = 0; i < c->s.nr_devices; i++) {
		const struct device *d = &c->s.devices[i];
		struct finding f = { .kind = EXPOSURE,
				     .ev = d->first_exposed,
				     .device = trace_device(c->t, i),
				     .dma = TRACE_NO_ADDR,
				     .phys = TRACE_NO_ADDR,
				     .size = d->beside,
				     .has_size = true };

		if (!d->reachable && !d->beside)
			continue;
		f.dma = f.ev->dma;
		f.phys = f.ev->phys;
		findings_add(
			c->fs, &f,
			"%" PRIu64 " of %" PRIu64 " unmaps (%" PRIu64
			" %%) left the page in reach of the device through another live mapping, "
			"%" PRIu64 " of them for writing; %" PRIu64 " of %" PRIu64
			" maps exposed %" PRIu64 " bytes beside them, by the granule of %u bytes",
			d->reachable, d->unmaps,
			d->unmaps ? (d->reachable * 100 + d->unmaps / 2) / d->unmaps : 0,
			d->writable, d->maps_beside, d->maps, d->beside, GRANULE);
	}
}

void check_trace(const struct trace *t, const struct check_options *opt, struct findings *fs)
{
	struct check *c = xcalloc(1, sizeof(*c));
	const struct trace_event *ev;
	size_t nr;

	c->t = t;
	c->opt = opt;
	c->fs = fs;
	c->unit = trace_info(t)->dat ? "record" : "line";
	state_init(&c->s, trace_nr_devices(t));
	ev = trace_events(t, &nr);
	/* these two tell of a hole that lies before them, and not where it begins */
	for (size_t i = 0; i < nr; i++)
		if (ev[i].kind == TRACE_LOST && ev[i].lost != TRACE_LOST_HERE)
			c->lost = true;
	for (size_t i = 0; i < nr; i++, ev++) {
		struct device *dev = ev->kind == TRACE_LOST ? NULL : &c->s.devices[ev->device];

		c->ev = ev;
		if (dev && !dev->seen) {
			dev->seen = true;
			switch (ev->kind) {
			case TRACE_MAP:
			case TRACE_MAP_RESOURCE:
			case TRACE_MAP_SG:
			case TRACE_MAP_SG_ERR:
			case TRACE_ALLOC:
			case TRACE_ALLOC_PAGES:
			case TRACE_ALLOC_SGT:
			case TRACE_ALLOC_SGT_ERR:
				dev->starts_with_map = true;
				break;
			default:
				break;
			}
		}
		switch (ev->kind) {
		case TRACE_MAP:
		case TRACE_MAP_RESOURCE:
		case TRACE_MAP_SG:
		case TRACE_MAP_SG_ERR:
		case TRACE_ALLOC:
		case TRACE_ALLOC_PAGES:
		case TRACE_ALLOC_SGT:
		case TRACE_ALLOC_SGT_ERR:
			map(c);
			break;
		case TRACE_UNMAP:
		case TRACE_UNMAP_RESOURCE:
		case TRACE_UNMAP_SG:
		case TRACE_FREE:
		case TRACE_FREE_PAGES:
		case TRACE_FREE_SGT:
			unmap(c);
			break;
		case TRACE_SYNC_CPU:
		case TRACE_SYNC_DEVICE:
		case TRACE_SYNC_SG_CPU:
		case TRACE_SYNC_SG_DEVICE:
			sync(c);
			break;
		case TRACE_LOST:
			lost(c);
			break;
		default:
			break;
		}
	}
	live_at_end(c);
	exposure(c);
	state_free(&c->s);
	free(c);
}
