// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Rules for maps and allocations. */
#include <inttypes.h>
#include "long_list.h"
#include "rules.h"

/* ---- addresses that are given out again ---- */

struct reuse {
	struct check *c;
	struct mapping *new, *found;
};

/* Two mappings of one physical address at one DMA address: without translation, both are right. */
static bool same_translation(const struct inode *a, const struct inode *b)
{
	const struct mapping *ma = a->owner, *mb = b->owner;

	if (ma->ev.phys == TRACE_NO_ADDR || mb->ev.phys == TRACE_NO_ADDR)
		return false;
	if (ma->cls == TRACE_CLASS_LIST || mb->cls == TRACE_CLASS_LIST)
		return ma->ev.dma == ma->ev.phys && mb->ev.dma == mb->ev.phys;
	return ma->ev.dma - ma->ev.phys == mb->ev.dma - mb->ev.phys;
}

/* Returns true if the older mapping has ended, and the trace lacks the event. */
static bool has_ended(const struct reuse *r, const struct mapping *old)
{
	if (old->may_end_unseen || old->ended_wrongly)
		return true;
	/*
	 * Linux does not trace the free of memory from a device's own pool
	 * (dma_release_from_dev_coherent() in kernel/dma/mapping.c).
	 */
	if (old->cls == TRACE_CLASS_COHERENT && r->new->cls == TRACE_CLASS_COHERENT)
		return true;
	return r->c->lost;
}

static bool find_ended(struct inode *n, void *arg)
{
	struct reuse *r = arg;
	struct mapping *old = n->owner;

	if (old == r->new)
		return true;
	if (has_ended(r, old)) {
		if (r->c->lost && !old->may_end_unseen && !old->ended_wrongly &&
		    r->new->ev.dma == r->new->ev.phys)
			return true;
		r->found = old;
		return false;
	}
	if (!old->reused && !state_untranslated(device_of(r->c, &old->ev)) &&
	    !same_translation(n, &r->new->dma[0])) {
		old->reused = r->new->ev.line;
		r->new->over = old->ev.line;
	}
	return true;
}

static bool find_long(struct inode *n, void *arg)
{
	struct reuse *r = arg;
	struct mapping *old = n->owner;

	if (old == r->new || !old->may_end_unseen ||
	    !(trace_dir_writes(old->ev.dir) || trace_dir_writes(r->new->ev.dir)))
		return true;
	r->found = old;
	return false;
}

static void end_unseen(struct check *c, struct mapping *m)
{
	struct device *dev = device_of(c, &m->ev);

	if (m->may_end_unseen && !m->ended_wrongly && !dev->long_lists++) {
		dev->first_long = m->ev;
		dev->first_long.physs = NULL;
	}
	if (!m->may_end_unseen && !m->ended_wrongly && !c->lost)
		note(c, IOVA_REUSED, &m->ev,
		     "the address of the allocation of %s %" PRIu64
		     " was given out again, and the trace has no free of it (Linux does not trace "
		     "the free of memory from a device's own pool)",
		     c->unit, m->ev.line);
	state_unmap(&c->s, m, NULL);
}

void rule_reused(struct check *c, struct mapping *m)
{
	struct device *dev = device_of(c, &m->ev);
	struct reuse r = { c, m, NULL };

	for (uint32_t i = 0; i < m->nr_dma; i++) {
		do {
			r.found = NULL;
			itree_each(&dev->dma, m->dma[i].first, m->dma[i].last, find_ended, &r);
			if (r.found)
				end_unseen(c, r.found);
		} while (r.found);
	}
	/* memory that is mapped again: a long list, whose unmap may have been dropped, is over */
	for (uint32_t i = 0; i < m->nr_phys; i++) {
		do {
			r.found = NULL;
			itree_each(&c->s.phys, m->phys[i].first, m->phys[i].last, find_long, &r);
			if (r.found)
				end_unseen(c, r.found);
		} while (r.found);
	}
}

/* ---- arguments ---- */

static void check_direction(struct check *c)
{
	if (c->ev->dir == TRACE_NONE && trace_class(c->ev->kind) != TRACE_CLASS_COHERENT &&
	    (trace_class(c->ev->kind) != TRACE_CLASS_PAGES || c->pages_have_dir))
		error(c, BAD_DIRECTION, SURE, NULL,
		      "mapped with DMA_NONE, which is no direction that memory can be mapped in");
}

static void check_lengths(struct check *c)
{
	const struct trace_event *ev = c->ev;

	if (trace_class(ev->kind) != TRACE_CLASS_LIST) {
		if (ev->size == 0)
			note(c, ZERO_LENGTH, NULL, "%s of 0 bytes",
			     trace_class(ev->kind) >= TRACE_CLASS_COHERENT ? "an allocation"
									   : "a mapping");
		return;
	}
	for (uint32_t i = 0; i < ev->nr_dma; i++) {
		if (ev->lens[i])
			continue;
		note(c, ZERO_LENGTH, NULL, "entry %u of %u of the scatter list has 0 bytes", i + 1,
		     ev->ents);
		return;
	}
}

/* Compare each segment with the boundary that no segment may cross; Linux's default is 4 GiB. */
static void check_boundary(struct check *c)
{
	const struct trace_event *ev = c->ev;
	uint64_t size = c->opt->boundary;

	if (trace_class(ev->kind) != TRACE_CLASS_LIST)
		return;
	for (uint32_t i = 0; i < ev->nr_dma; i++) {
		uint64_t first = ev->dmas[i], last = first + ev->lens[i] - 1;

		if (!ev->lens[i] || first / size == last / size)
			continue;
		note(c, SEGMENT_BOUNDARY, NULL,
		     "segment %u of the list, %u bytes at 0x%" PRIx64
		     ", crosses a boundary of 0x%" PRIx64 " bytes%s",
		     i + 1, ev->lens[i], first, size,
		     size == DEFAULT_BOUNDARY ? " (the default of Linux)" : "");
		return;
	}
}

void rule_map(struct check *c)
{
	const struct trace_event *ev = c->ev;
	const char *device = trace_device(c->t, ev->device);
	bool is_list = trace_class(ev->kind) == TRACE_CLASS_LIST ||
		       trace_class(ev->kind) == TRACE_CLASS_NONCONTIGUOUS;
	struct mapping *m;

	if (ev->failed) {
		state_fail(&c->s, ev);
		return;
	}
	check_direction(c);
	check_lengths(c);
	check_boundary(c);
	m = state_map(&c->s, ev, is_list && long_list_unmap(ev->nents, device));
	rule_reused(c, m);
	rule_overlap(c, m);
	count_beside(device_of(c, ev), m);
}
