// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Makes a plan of a trace's events.
 *
 * An unmap finds its single mapping by device and DMA address. The unmap of a scatter list has no DMA address: it finds its
 * mapping by device and the list of physical addresses, compared as far as the record of the map goes. Events of several
 * CPUs are one sequence, in order of time. The end of an unknown mapping is counted and passed over. A map at an address
 * that is live shows that an unmap was lost: the plan ends the older mapping first.
 */
#include <dmah/types.h>
#include <inttypes.h>
#include "message.h"
#include "plan.h"
#include "rbtree.h"
#include "xalloc.h"

#define MOST_DEVICES 4096u
#define MOST_PHYS    (1ull << 52)
#define MESSAGES     8u
/* The event dma_alloc_pages has no physical address. The plan takes one from here on, where no machine has memory. */
#define NOWHERE (1ull << 60)

/* A mapping that is live in the trace. */
struct live {
	struct rbtree_node by_dma;
	struct rbtree_node by_phys; /* only of a scatter list */
	uint64_t dma;
	uint32_t item;
	uint32_t nents; /* number of entries in the driver's list */
	bool identity;
	bool cut; /* the record of the list is cut off */
};

struct known {
	struct rbtree dma;
	struct rbtree phys;
};

struct maker {
	struct plan *plan;
	const struct trace *trace;
	const struct trace_event *ev;
	struct known *known; /* live mappings of each device */
	uint16_t cpu_of[65536]; /* the plan's CPU, counted from 1; 0: none yet */
};

#define OF(node, member) ((struct live *)(void *)((char *)(node)-offsetof(struct live, member)))

/* ---- events that cannot be replayed ---- */

static void refuse(struct maker *m, const char *why)
{
	const struct trace_event *ev = m->ev;

	if (++m->plan->refused > MESSAGES)
		return;
	message("%s: %s %" PRIu64 ": device %s: %s %s", trace_path(m->trace),
		trace_info(m->trace)->dat ? "record" : "line", ev->line,
		trace_device(m->trace, ev->device), ev->name, why);
}

static bool sane(struct maker *m, uint64_t phys, uint64_t size)
{
	if (!size)
		refuse(m, "of 0 bytes is left out");
	else if (size > UINT32_MAX)
		refuse(m, "of more than 4 GiB - 1 bytes is left out");
	else if (phys >= MOST_PHYS && (phys < NOWHERE || phys >= 2 * NOWHERE))
		refuse(m, "of memory that no machine has is left out");
	else
		return true;
	return false;
}

/* ---- building ---- */

static uint16_t cpu_of(struct maker *m, uint32_t cpu)
{
	uint16_t *at = &m->cpu_of[cpu & 0xffff];

	if (!*at)
		*at = (uint16_t)(m->plan->cpus < 256 ? ++m->plan->cpus : cpu % 256 + 1);
	return (uint16_t)(*at - 1);
}

static struct op *add_op(struct maker *m, enum op_kind kind, uint32_t item)
{
	struct plan *p = m->plan;
	struct op *op;

	xgrow(p->ops, p->nops, p->ops_cap);
	op = &p->ops[p->nops++];
	*op = (struct op){ .item = item,
			   .kind = (uint8_t)kind,
			   .item_kind = p->items[item].kind,
			   .cpu = m->ev ? cpu_of(m, m->ev->cpu) : 0 };
	return op;
}

static void add_piece(struct plan *p, uint64_t phys, uint32_t len)
{
	xgrow(p->pieces, p->npieces, p->pieces_cap);
	p->pieces[p->npieces++] = (struct piece){ .phys = phys, .len = len };
}

static uint8_t dir_of(enum trace_dir dir)
{
	switch (dir) {
	case TRACE_TO_DEVICE:
		return DMAH_TO_DEVICE;
	case TRACE_FROM_DEVICE:
		return DMAH_FROM_DEVICE;
	default:
		return DMAH_BIDIRECTIONAL;
	}
}

static uint8_t attrs_of(const struct trace_event *ev)
{
	return (uint8_t)((ev->attrs & TRACE_ATTR_SKIP_CPU_SYNC ? DMAH_ATTR_NO_CPU_SYNC : 0) |
			 (ev->attrs & TRACE_ATTR_MMIO || ev->kind == TRACE_MAP_RESOURCE
				  ? DMAH_ATTR_MMIO
				  : 0));
}

static void end(struct maker *m, struct live *l)
{
	struct known *k = &m->known[m->plan->items[l->item].device];

	add_op(m, OP_UNMAP, l->item);
	rbtree_erase(&k->dma, &l->by_dma);
	if (m->plan->items[l->item].kind == ITEM_SG)
		rbtree_erase(&k->phys, &l->by_phys);
	free(l);
}

/* Ends mappings at the DMA address of a new one. Untranslated addresses stay: there two mappings may have one address. */
static void end_what_was(struct maker *m, uint64_t dma, bool identity)
{
	struct known *k = &m->known[m->ev->device];
	struct rbtree_node *n = rbtree_lower(&k->dma, dma), *next;

	for (; n && n->key == dma; n = next) {
		struct live *l = OF(n, by_dma);

		next = rbtree_step(n, true);
		if (identity && l->identity)
			continue;
		m->plan->implied++;
		end(m, l);
	}
}

/* Adds an item whose pieces are those from @first to the last. */
static void begin(struct maker *m, enum item_kind kind, uint32_t first, uint64_t dma, uint64_t phys)
{
	const struct trace_event *ev = m->ev;
	struct plan *p = m->plan;
	struct known *k = &m->known[ev->device];
	struct live *l = xcalloc(1, sizeof(*l));
	struct item *item;

	l->dma = dma;
	l->identity = dma == phys;
	l->cut = ev->kind == TRACE_MAP_SG && ev->truncated;
	l->nents = ev->nents;
	end_what_was(m, dma, l->identity);

	xgrow(p->items, p->nitems, p->items_cap);
	l->item = p->nitems++;
	item = &p->items[l->item];
	*item = (struct item){ .first = first,
			       .pieces = p->npieces - first,
			       .line = ev->line,
			       .device = (uint16_t)ev->device,
			       .kind = (uint8_t)kind,
			       .dir = kind == ITEM_COHERENT ? DMAH_BIDIRECTIONAL : dir_of(ev->dir),
			       .attrs = kind == ITEM_COHERENT ? 0 : attrs_of(ev) };
	for (uint32_t i = 0; i < item->pieces; i++)
		item->total += p->pieces[first + i].len;
	add_op(m, OP_MAP, l->item);
	if (dma > UINT32_MAX || dma + item->total - 1 > UINT32_MAX)
		p->devices[ev->device].wide = true;

	l->by_dma.key = dma;
	rbtree_insert(&k->dma, &l->by_dma);
	if (kind == ITEM_SG) {
		l->by_phys.key = phys;
		rbtree_insert(&k->phys, &l->by_phys);
	}
}

static void begin_single(struct maker *m, enum item_kind kind, uint64_t phys)
{
	const struct trace_event *ev = m->ev;

	if (ev->dir == TRACE_NONE && kind != ITEM_COHERENT) {
		refuse(m, "in no direction is left out");
		return;
	}
	if (!sane(m, phys, ev->size) || !sane(m, phys, phys % 4096 + ev->size))
		return;
	add_piece(m->plan, phys, (uint32_t)ev->size);
	begin(m, kind, m->plan->npieces - 1, ev->dma, phys);
}

static void begin_list(struct maker *m, const uint32_t *lens, uint32_t nlens, bool whole)
{
	const struct trace_event *ev = m->ev;
	struct plan *p = m->plan;
	uint32_t first = p->npieces, n = ev->nr_phys;
	bool guessed, ok = n > 0 && nlens > 0;

	if (!ok)
		refuse(m, "of an empty list is left out");
	if (ok && ev->dir == TRACE_NONE) {
		refuse(m, "in no direction is left out");
		return;
	}
	for (uint32_t i = 0; ok && i < nlens; i++)
		ok = sane(m, 0, lens[i]);
	for (uint32_t i = 0; ok && i < n; i++) {
		ok = sane(m, ev->physs[i], 1);
		add_piece(p, ev->physs[i], 0);
	}
	if (ok) {
		n = plan_pieces(&p->pieces[first], n, lens, nlens, whole, &guessed);
		p->guessed += guessed;
		p->npieces = first + n;
	}
	for (uint32_t i = 0; ok && i < n; i++)
		ok = sane(m, 0, p->pieces[first + i].len);
	if (!ok) {
		p->npieces = first;
		return;
	}
	begin(m, ITEM_SG, first, ev->dma, ev->physs[0]);
}

/* ---- finding the mapping of an unmap ---- */

static bool ends_as(const struct item *item, enum trace_kind kind)
{
	if (kind == TRACE_FREE)
		return item->kind == ITEM_COHERENT;
	return item->kind == ITEM_SINGLE || (item->kind == ITEM_SG && kind == TRACE_FREE_SGT);
}

/* Finds the oldest mapping at the event's address, but prefers one of its size and direction. */
static struct live *find_by_dma(struct maker *m)
{
	const struct trace_event *ev = m->ev;
	struct rbtree_node *n = rbtree_lower(&m->known[ev->device].dma, ev->dma);
	struct live *best = NULL;

	for (; n && n->key == ev->dma; n = rbtree_step(n, true)) {
		struct live *l = OF(n, by_dma);
		const struct item *item = &m->plan->items[l->item];

		if (!ends_as(item, ev->kind))
			continue;
		if (item->total == ev->size && item->dir == dir_of(ev->dir))
			return l;
		if (!best)
			best = l;
	}
	return best;
}

/* Compares lists by the trace's physical addresses, which pieces keep until plan_place(). */
static bool same_list(const struct plan *p, const struct live *l, const struct trace_event *ev)
{
	const struct item *item = &p->items[l->item];
	uint32_t n = item->pieces < ev->nr_phys ? item->pieces : ev->nr_phys;

	for (uint32_t i = 0; i < n; i++)
		if (p->pieces[item->first + i].phys != ev->physs[i])
			return false;
	return l->nents == ev->nents;
}

static struct live *find_list(struct maker *m)
{
	const struct trace_event *ev = m->ev;
	struct rbtree_node *n = ev->nr_phys ? rbtree_lower(&m->known[ev->device].phys, ev->physs[0])
					    : NULL;
	struct live *best = NULL;

	for (; n && n->key == ev->physs[0]; n = rbtree_step(n, true)) {
		struct live *l = OF(n, by_phys);
		const struct item *item = &m->plan->items[l->item];

		if (!same_list(m->plan, l, ev))
			continue;
		if (item->pieces == ev->nr_phys && item->dir == dir_of(ev->dir))
			return l;
		if (!best)
			best = l;
	}
	return best;
}

/*
 * Completes a list that the record of its map cuts off. The record of the unmap has all addresses; each piece that was
 * missing reaches to the end of its page. No call before the unmap needs them.
 */
static void complete(struct maker *m, struct live *l)
{
	const struct trace_event *ev = m->ev;
	struct plan *p = m->plan;
	uint32_t first = p->npieces, had = p->items[l->item].pieces, at = p->items[l->item].first;

	if (!l->cut || ev->nr_phys <= had)
		return;
	for (uint32_t i = 0; i < ev->nr_phys; i++) {
		uint32_t len = 4096 - (uint32_t)(ev->physs[i] % 4096);

		if (i >= had && !sane(m, ev->physs[i], len)) {
			p->npieces = first;
			return;
		}
		add_piece(p, ev->physs[i], i < had ? p->pieces[at + i].len : len);
		if (i >= had)
			p->items[l->item].total += len;
	}
	p->items[l->item].first = first;
	p->items[l->item].pieces = ev->nr_phys;
	p->guessed++;
}

static void sync_single(struct maker *m)
{
	const struct trace_event *ev = m->ev;
	uint64_t steps = 0;
	struct rbtree_node *n = rbtree_floor(&m->known[ev->device].dma, ev->dma, &steps);
	struct op *op;

	/* Untranslated addresses: several mappings may overlap here. */
	for (unsigned int i = 0; n && i < 64; i++, n = rbtree_step(n, false)) {
		struct live *l = OF(n, by_dma);
		const struct item *item = &m->plan->items[l->item];
		uint64_t off = ev->dma - l->dma;

		if (item->kind != ITEM_SINGLE || off >= item->total ||
		    ev->size > item->total - off || !ev->size)
			continue;
		op = add_op(m, ev->kind == TRACE_SYNC_CPU ? OP_SYNC_CPU : OP_SYNC_DEVICE, l->item);
		op->off = (uint32_t)off;
		op->len = (uint32_t)ev->size;
		return;
	}
	m->plan->unmatched++;
}

static void sync_list(struct maker *m)
{
	const struct trace_event *ev = m->ev;
	struct rbtree_node *n = rbtree_lower(&m->known[ev->device].dma, ev->dma);

	for (; n && n->key == ev->dma; n = rbtree_step(n, true)) {
		struct live *l = OF(n, by_dma);

		if (m->plan->items[l->item].kind != ITEM_SG)
			continue;
		add_op(m, ev->kind == TRACE_SYNC_SG_CPU ? OP_SYNC_CPU : OP_SYNC_DEVICE, l->item);
		return;
	}
	m->plan->unmatched++;
}

/* ---- events ---- */

static void begin_event(struct maker *m)
{
	const struct trace_event *ev = m->ev;
	uint32_t size = (uint32_t)ev->size;

	if (ev->failed || ev->dma == TRACE_NO_ADDR || ev->kind == TRACE_MAP_SG_ERR ||
	    ev->kind == TRACE_ALLOC_SGT_ERR) {
		m->plan->failed++;
		return;
	}
	switch (ev->kind) {
	case TRACE_MAP_SG:
		begin_list(m, ev->lens, ev->nr_dma, ev->nr_dma >= ev->ents);
		break;
	case TRACE_ALLOC_SGT:
		if (ev->nr_phys != 1 && sane(m, 0, ev->size))
			begin_list(m, &size, 1, true);
		else if (ev->nr_phys == 1)
			begin_single(m, ITEM_SINGLE, ev->physs[0]);
		break;
	case TRACE_ALLOC_PAGES:
		begin_single(m, ITEM_SINGLE,
			     NOWHERE | (uint64_t)(ev->device & 0xff) << 52 |
				     (ev->dma & (MOST_PHYS - 1)));
		break;
	case TRACE_ALLOC:
		begin_single(m, ITEM_COHERENT, 0);
		break;
	default:
		begin_single(m, ITEM_SINGLE, ev->phys);
	}
}

static void end_event(struct maker *m)
{
	struct live *l = m->ev->kind == TRACE_UNMAP_SG ? find_list(m) : find_by_dma(m);

	/* Drivers may free NULL, and Linux records that. */
	if (m->ev->kind == TRACE_FREE && m->ev->has_virt && !m->ev->virt)
		return;
	if (!l) {
		m->plan->unmatched++;
		return;
	}
	if (m->ev->kind == TRACE_UNMAP_SG)
		complete(m, l);
	m->plan->singles += m->plan->items[l->item].kind == ITEM_SINGLE;
	end(m, l);
}

static void event(struct maker *m)
{
	switch (trace_act(m->ev->kind)) {
	case TRACE_ACT_MAP:
		begin_event(m);
		break;
	case TRACE_ACT_UNMAP:
		end_event(m);
		break;
	case TRACE_ACT_SYNC:
		if (trace_class(m->ev->kind) == TRACE_CLASS_LIST)
			sync_list(m);
		else
			sync_single(m);
		break;
	case TRACE_ACT_NONE:
		break;
	}
}

/* Ends mappings that are live at the end of the trace. These calls are not part of the trace and are not timed. */
static void add_tail(struct maker *m)
{
	uint32_t n = m->plan->nops;

	m->ev = NULL;
	for (uint32_t d = 0; d < m->plan->ndevices; d++) {
		struct rbtree_node *node;

		while ((node = rbtree_lower(&m->known[d].dma, 0)))
			end(m, OF(node, by_dma));
	}
	m->plan->ntail = m->plan->nops - n;
	m->plan->nops = n;
}

static void finish(struct plan *p)
{
	for (uint32_t i = 0; i < p->nitems; i++)
		if (p->items[i].kind == ITEM_SG && p->items[i].pieces > p->max_pieces)
			p->max_pieces = p->items[i].pieces;
	if (!p->cpus)
		p->cpus = 1;
	/* A plan without calls is valid. */
	if (!p->ops)
		p->ops = xcalloc(1, sizeof(*p->ops));
}

struct plan *plan_make(const struct trace *trace)
{
	struct plan *p = xcalloc(1, sizeof(*p));
	struct maker *m = xcalloc(1, sizeof(*m));
	const struct trace_event *events;
	bool ok = true;
	size_t n;

	m->plan = p;
	m->trace = p->trace = trace;
	p->ndevices = trace_nr_devices(trace);
	if (p->ndevices > MOST_DEVICES) {
		message("%s: %u devices are more than %u, the most that can be replayed",
			trace_path(trace), p->ndevices, MOST_DEVICES);
		free(m);
		free(p);
		return NULL;
	}
	p->devices = xcalloc(p->ndevices, sizeof(*p->devices));
	for (uint32_t i = 0; i < p->ndevices; i++)
		p->devices[i].name = trace_device(trace, i);
	m->known = xcalloc(p->ndevices, sizeof(*m->known));
	events = trace_events(trace, &n);
	for (size_t i = 0; i < n; i++) {
		m->ev = &events[i];
		if (m->ev->kind != TRACE_LOST)
			event(m);
	}
	add_tail(m);
	if (p->refused > MESSAGES)
		message("%s: %" PRIu64 " more events were left out", trace_path(trace),
			p->refused - MESSAGES);
	finish(p);
	plan_lines(p);
	plan_kept(p);
	if (!plan_place(p)) {
		message("%s: the trace touches more than 64 GiB of memory", trace_path(trace));
		ok = false;
	}
	free(m->known);
	free(m);
	if (ok)
		return p;
	plan_free(p);
	return NULL;
}

void plan_free(struct plan *p)
{
	if (!p)
		return;
	free(p->ops);
	free(p->items);
	free(p->pieces);
	free(p->devices);
	free(p);
}
