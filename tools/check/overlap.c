// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Two live mappings of the same memory, or of the same cache line, of which a device writes one.
 *
 * Bytes of the caller's buffers are compared even where one is bounced: the copy back at unmap
 * writes to them just as the device would.
 *
 * Linux excuses the new mapping if it has SKIP_CPU_SYNC, and both if both have CACHELINES_OVERLAP or
 * REQUIRE_COHERENT (facts: add_dma_entry() in kernel/dma/debug.c of 7.3).
 */
#include <inttypes.h>
#include "rules.h"
#include "xalloc.h"

#define MEANT (TRACE_ATTR_CACHELINES_OVERLAP | TRACE_ATTR_REQUIRE_COHERENT)

struct meeting {
	struct check *c;
	struct mapping *m;
	uint64_t first, last;
};

/* Returns true if the driver says that the mapping may share cache lines. */
static bool is_meant(const struct mapping *m)
{
	return m->ev.attrs & MEANT;
}

static enum doubt excuse(const struct mapping *new, const struct mapping *old)
{
	if (new->ev.attrs & TRACE_ATTR_SKIP_CPU_SYNC)
		return CONCEDED_SKIP;
	if (is_meant(new) && is_meant(old))
		return CONCEDED_LINES;
	return old->may_end_unseen ? DROPPED : SURE;
}

static bool harmless(const struct mapping *a, const struct mapping *b)
{
	return a == b || !(trace_dir_writes(a->ev.dir) || trace_dir_writes(b->ev.dir));
}

static bool overlap(struct inode *n, void *arg)
{
	struct meeting *g = arg;
	struct mapping *other = n->owner;
	uint64_t from, to;
	char whose[160] = "";

	if (harmless(g->m, other) || other->mark == g->c->s.search)
		return true;
	other->mark = g->c->s.search;
	from = n->first > g->first ? n->first : g->first;
	to = n->last < g->last ? n->last : g->last;
	if (other->ev.device != g->m->ev.device)
		snprintf(whose, sizeof(whose), " of device %s",
			 trace_device(g->c->t, other->ev.device));
	error(g->c, OVERLAP, excuse(g->m, other), &other->ev,
	      "shares %" PRIu64 " bytes of memory from 0x%" PRIx64
	      " with the live mapping%s of %s %" PRIu64 " (dma 0x%" PRIx64 ", %s), and %s can be "
	      "written by the device",
	      to - from + 1, from, whose, g->c->unit, other->ev.line, other->ev.dma,
	      trace_dir_name(other->ev.dir),
	      !trace_dir_writes(g->m->ev.dir)	 ? "that one"
	      : !trace_dir_writes(other->ev.dir) ? "this one"
						 : "both");
	return true;
}

/* A bounce slot has cache lines of its own. */
static bool shared_line(struct inode *n, void *arg)
{
	struct meeting *g = arg;
	struct mapping *other = n->owner;

	if (harmless(g->m, other) || other->mark == g->c->s.search || other->bounced ||
	    g->m->bounced || excuse(g->m, other) != SURE)
		return true;
	other->mark = g->c->s.search;
	note(g->c, SHARED_LINE, &other->ev,
	     "shares a cache line of %u bytes with the live mapping of %s %" PRIu64
	     " (dma 0x%" PRIx64 ", %s)",
	     g->c->opt->cache_line, g->c->unit, other->ev.line, other->ev.dma,
	     trace_dir_name(other->ev.dir));
	return true;
}

static int by_address(const void *pa, const void *pb)
{
	const struct inode *a = *(struct inode *const *)pa, *b = *(struct inode *const *)pb;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return a < b ? -1 : a > b;
}

/* Compare the entries of one list with each other: sorted by address, only neighbours can meet. */
static void overlap_inside(struct check *c, struct mapping *m)
{
	struct inode **order;

	if (m->cls != TRACE_CLASS_LIST || m->nr_phys < 2 || !trace_dir_writes(m->ev.dir))
		return;
	order = xcalloc(m->nr_phys, sizeof(struct inode *));
	for (uint32_t i = 0; i < m->nr_phys; i++)
		order[i] = &m->phys[i];
	qsort(order, m->nr_phys, sizeof(struct inode *), by_address);
	for (uint32_t i = 1; i < m->nr_phys; i++) {
		const struct inode *a = order[i - 1], *b = order[i];

		if (a->last < b->first)
			continue;
		error(c, OVERLAP, excuse(m, m), &m->ev,
		      "entries %td and %td of the list share memory from 0x%" PRIx64
		      ", and the device can write it",
		      (a < b ? a : b) - m->phys + 1, (a < b ? b : a) - m->phys + 1, b->first);
		break;
	}
	free(order);
}

static bool coherent(struct inode *n, void *arg)
{
	struct meeting *g = arg;
	const struct mapping *other = n->owner;

	if (other->cls != TRACE_CLASS_COHERENT || other->ended_wrongly)
		return true;
	error(g->c, OVERLAP, SURE, &other->ev,
	      "maps memory of the live coherent allocation of %s %" PRIu64 " (0x%" PRIx64
	      ", %" PRIu64 " bytes), which must not be mapped again",
	      g->c->unit, other->ev.line, other->ev.dma, other->ev.size);
	return false;
}

/*
 * A coherent allocation's record has no physical address. On a device without translation the DMA
 * address is the physical one.
 */
static void maps_coherent(struct check *c, struct meeting *g)
{
	struct device *dev = device_of(c, c->ev);

	if (g->m->bounced || !state_untranslated(dev))
		return;
	for (uint32_t i = 0; i < g->m->nr_phys; i++)
		itree_each(&dev->dma, g->m->phys[i].first, g->m->phys[i].last, coherent, g);
}

void rule_overlap(struct check *c, struct mapping *m)
{
	uint64_t line = c->opt->cache_line;
	struct meeting g = { .c = c, .m = m };

	c->s.search++;
	for (uint32_t i = 0; i < m->nr_phys; i++) {
		g.first = m->phys[i].first;
		g.last = m->phys[i].last;
		itree_each(&c->s.phys, g.first, g.last, overlap, &g);
	}
	for (uint32_t i = 0; i < m->nr_phys; i++)
		itree_each(&c->s.phys, m->phys[i].first & ~(line - 1), m->phys[i].last | (line - 1),
			   shared_line, &g);
	overlap_inside(c, m);
	maps_coherent(c, &g);
}
