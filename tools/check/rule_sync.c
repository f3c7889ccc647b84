// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Rules for syncs. */
#include <inttypes.h>
#include "long_list.h"
#include "rules.h"

struct sync {
	const struct check *c;
	uint64_t first, last;
	struct inode *best;
	unsigned int score;
};

/*
 * Returns true if a mapping may be synced in this direction: a BIDIRECTIONAL one in any, another only
 * in its own. for_cpu and for_device are both allowed in each direction. (Facts: check_sync() in
 * kernel/dma/debug.c.) Coherent memory has no direction, and pages have one where it is recorded.
 */
static bool direction_fits(const struct check *c, const struct mapping *m)
{
	enum trace_dir is = c->ev->dir, was = m->ev.dir;

	if (m->cls == TRACE_CLASS_COHERENT ||
	    (m->cls == TRACE_CLASS_PAGES && (!c->pages_have_dir || was == TRACE_DIR_UNKNOWN)))
		return true;
	return was == TRACE_BIDIRECTIONAL || was == is;
}

static bool sync_fits(struct inode *n, void *arg)
{
	struct sync *y = arg;
	const struct mapping *m = n->owner;
	/* beginning inside counts most, then reaching no further, then the direction */
	unsigned int score = 1 + 4u * (n->first <= y->first) + 2u * (n->last >= y->last) +
			     direction_fits(y->c, m);

	if (score > y->score) {
		y->score = score;
		y->best = n;
	}
	return true;
}

static void sync_failed(struct check *c)
{
	struct device *dev = device_of(c, c->ev);

	failed_map(c, dev->failed.any ? &dev->failed : NULL, "synced");
}

static void sync_unmapped(struct check *c, uint64_t dma)
{
	struct device *dev = device_of(c, c->ev);
	const struct past *p = state_past_at(&c->s, c->ev->device, dma);
	const struct trace_event *near;
	char where[200];
	bool dropped;

	/* the address may be in the part of a list that the trace did not keep */
	if (dev->truncated || dev->long_lists)
		return;
	if (p && p->unmap_line) {
		struct trace_event map = {
			.line = p->map_line, .dma = p->dma, .phys = p->phys, .size = p->size
		};

		error(c, SYNC_UNMAPPED, p->dma == p->phys ? UNSEEN : SURE, &map,
		      "synced 0x%" PRIx64 " after its mapping of %s %" PRIu64
		      " was unmapped in %s %" PRIu64,
		      dma, c->unit, p->map_line, c->unit, p->unmap_line);
		return;
	}
	dropped = trace_class(c->ev->kind) == TRACE_CLASS_LIST && !trace_info(c->t)->has_counts &&
		  long_list_old_map(c->ev->nents, trace_device(c->t, c->ev->device));
	near = describe_near(c, dma, where, sizeof(where));
	error(c, SYNC_UNMAPPED, dropped ? DROPPED : UNSEEN, near,
	      "synced 0x%" PRIx64 ", where nothing is mapped%s", dma, where);
}

/* Check one range of a sync. Return: false if something was found. */
static bool sync_range(struct check *c, uint64_t dma, uint64_t size)
{
	struct device *dev = device_of(c, c->ev);
	struct sync y = { c, dma, dma + size - 1, NULL, 0 };
	const struct mapping *m;

	/* the further entries of a coalesced list have no bytes */
	if (size == 0)
		return true;
	if (y.last < y.first)
		y.last = UINT64_MAX;
	itree_each(&dev->dma, y.first, y.last, sync_fits, &y);
	if (is_failed_address(dev, dma) && !(y.score & 4)) {
		sync_failed(c);
		return false;
	}
	if (!y.best) {
		sync_unmapped(c, dma);
		return false;
	}
	m = y.best->owner;
	if (y.score < 1 + 4 + 2) {
		bool before = dma < y.best->first;

		error(c, SYNC_OUT_OF_RANGE, SURE, &m->ev,
		      "synced %" PRIu64 " bytes from 0x%" PRIx64 ", %" PRIu64
		      " of them %s the mapping of %s %" PRIu64,
		      size, dma, before ? y.best->first - dma : y.last - y.best->last,
		      before ? "ahead of" : "beyond the end of", c->unit, m->ev.line);
		return false;
	}
	if (!direction_fits(c, m)) {
		error(c, SYNC_DIRECTION, SURE, &m->ev, "synced as %s, mapped as %s in %s %" PRIu64,
		      trace_dir_name(c->ev->dir), trace_dir_name(m->ev.dir), c->unit, m->ev.line);
		return false;
	}
	if (m->cls == TRACE_CLASS_COHERENT) {
		note(c, SYNC_COHERENT, &m->ev,
		     "synced coherent memory (%s in %s %" PRIu64 "), which needs no sync",
		     m->ev.name, c->unit, m->ev.line);
		return false;
	}
	return true;
}

/*
 * Compare the number of entries with the map's: like an unmap, a sync takes the number that was given
 * to the map. The kernel records all entries of a sync.
 */
static bool check_entries(struct check *c)
{
	const struct trace_event *ev = c->ev;
	struct sync y = { c, ev->dmas[0], ev->dmas[0], NULL, 0 };
	const struct mapping *m;
	uint32_t was;

	itree_each(&device_of(c, ev)->dma, y.first, y.last, sync_fits, &y);
	if (!y.best)
		return true;
	m = y.best->owner;
	if (y.best != &m->dma[0] ||
	    (m->cls != TRACE_CLASS_LIST && m->cls != TRACE_CLASS_NONCONTIGUOUS))
		return true;
	was = m->ev.nents;
	if (was == ev->nents)
		return true;
	error(c, SYNC_ENTRIES, SURE, &m->ev,
	      "synced a scatter list with %u entries, mapped with %u in %s %" PRIu64
	      " (a sync takes the number that was given to the map, not what it returned)",
	      ev->nents, was, c->unit, m->ev.line);
	return false;
}

void rule_sync(struct check *c)
{
	const struct trace_event *ev = c->ev;

	if (trace_class(ev->kind) != TRACE_CLASS_LIST) {
		sync_range(c, ev->dma, ev->size);
		return;
	}
	if (ev->nr_dma == 0) {
		note(c, EMPTY_SYNC, NULL, "synced a scatter list of 0 entries, which does nothing");
		return;
	}
	/* one finding for a list is enough */
	if (!check_entries(c))
		return;
	for (uint32_t i = 0; i < ev->nr_dma; i++)
		if (!sync_range(c, ev->dmas[i], ev->lens[i]))
			return;
}
