// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Rules for unmaps and frees. */
#include <inttypes.h>
#include "long_list.h"
#include "rules.h"

/*
 * Attributes that must be the same at map and unmap: facts from check_unmap() in kernel/dma/debug.c
 * of 7.3. Others, as SKIP_CPU_SYNC and NO_WARN, may differ.
 */
#define SAME_ATTRS                                                                      \
	(TRACE_ATTR_NO_KERNEL_MAPPING | TRACE_ATTR_FORCE_CONTIGUOUS | TRACE_ATTR_MMIO | \
	 TRACE_ATTR_REQUIRE_COHERENT | TRACE_ATTR_PRIVILEGED | TRACE_ATTR_CC_SHARED)

static const char *verb_of(const struct trace_event *ev)
{
	return trace_class(ev->kind) >= TRACE_CLASS_COHERENT ? "freed" : "unmapped";
}

/* ---- nothing is mapped there ---- */

static void double_unmap(struct check *c, const struct past *p)
{
	bool list = c->ev->kind == TRACE_UNMAP_SG;
	struct trace_event map = {
		.line = p->map_line, .dma = p->dma, .phys = p->phys, .size = p->size
	};

	/* without translation an address may be mapped twice, the first time before the trace */
	error(c, DOUBLE_UNMAP, !list && p->dma == p->phys ? UNSEEN : SURE, &map,
	      "%s again: the mapping of %s %" PRIu64 " was %s in %s %" PRIu64
	      " and nothing is mapped there since%s",
	      verb_of(c->ev), c->unit, p->map_line, verb_of(c->ev), c->unit, p->unmap_line,
	      list ? "; or a later map of this list failed, which the kernel does not record" : "");
}

struct list_search {
	const struct trace_event *ev;
	bool other_devices;
	const struct mapping *found;
	uint32_t entry;
};

/* Does a list hold the entries of another, from one of its entries on? */
static bool holds(struct inode *n, void *arg)
{
	struct list_search *l = arg;
	const struct mapping *m = n->owner;

	if (m->cls != TRACE_CLASS_LIST || (m->ev.device != l->ev->device) != l->other_devices)
		return true;
	for (uint32_t i = 0; i < m->ev.nr_phys; i++) {
		uint32_t rest = m->ev.nr_phys - i;

		if (rest > l->ev->nr_phys)
			rest = l->ev->nr_phys;
		if (memcmp(m->physs + i, l->ev->physs, rest * sizeof(*m->physs)) == 0) {
			l->found = m;
			l->entry = i + 1;
			return false;
		}
	}
	return true;
}

static const struct mapping *search_list(struct check *c, bool other_devices, uint32_t *entry)
{
	struct list_search l = { c->ev, other_devices, NULL, 0 };

	if (c->ev->nr_phys)
		itree_each(&c->s.phys, c->ev->physs[0], c->ev->physs[0], holds, &l);
	*entry = l.entry;
	return l.found;
}

static void no_such_list(struct check *c)
{
	const struct trace_event *ev = c->ev;
	bool dropped = !trace_info(c->t)->has_counts &&
		       long_list_old_map(ev->nents, trace_device(c->t, ev->device));
	const struct mapping *m;
	uint32_t entry;

	m = search_list(c, false, &entry);
	if (m) {
		error(c, UNMAP_UNKNOWN, UNSEEN, &m->ev,
		      "unmapped a scatter list of %u entries that begins inside the list of %s "
		      "%" PRIu64 ", at its entry %u of %u",
		      ev->nents, c->unit, m->ev.line, entry, m->ev.nents);
		return;
	}
	m = search_list(c, true, &entry);
	if (m)
		error(c, UNMAP_UNKNOWN, UNSEEN, &m->ev,
		      "unmapped a scatter list of %u entries that is not mapped; device %s has "
		      "these "
		      "entries mapped, in %s %" PRIu64,
		      ev->nents, trace_device(c->t, m->ev.device), c->unit, m->ev.line);
	else
		error(c, UNMAP_UNKNOWN, dropped ? DROPPED : UNSEEN, NULL,
		      "unmapped a scatter list of %u entries that is not mapped%s", ev->nents,
		      ev->nents ? "; or its map failed, which the kernel does not record" : "");
}

static void no_such_mapping(struct check *c)
{
	struct device *dev = device_of(c, c->ev);
	const struct past *p = state_past(&c->s, c->ev);
	bool list = c->ev->kind == TRACE_UNMAP_SG;
	const struct trace_event *near;
	char where[200];

	/* the record of its unmap was thought to be dropped, and comes late */
	if (p && p->unseen)
		return;
	if (p && !p->failed) {
		double_unmap(c, p);
		return;
	}
	if (p) {
		struct failed f = { .any = true,
				    .line = p->map_line,
				    .dma = p->dma,
				    .phys = p->phys,
				    .size = p->size };

		failed_map(c, &f, verb_of(c->ev));
		return;
	}
	if (!list && is_failed_address(dev, c->ev->dma)) {
		failed_map(c, dev->failed.any ? &dev->failed : NULL, verb_of(c->ev));
		return;
	}
	if (list) {
		no_such_list(c);
		return;
	}
	near = describe_near(c, c->ev->dma, where, sizeof(where));
	if (where[0] == ' ')
		error(c, UNMAP_UNKNOWN, UNSEEN, near,
		      "%s an address%s and can only be taken away whole", verb_of(c->ev), where);
	else
		error(c, UNMAP_UNKNOWN, UNSEEN, near, "%s an address %s%s", verb_of(c->ev),
		      downgrade(c, UNSEEN) ? "of which the trace has no map"
					   : "that was never mapped",
		      where);
}

/* ---- arguments that differ from those of the map ---- */

/* 6.18 and newer unmap a resource like a buffer; before, the functions go in pairs. */
static bool wrong_function(const struct mapping *m, enum trace_class cls)
{
	if (m->cls <= TRACE_CLASS_RESOURCE && cls <= TRACE_CLASS_RESOURCE &&
	    m->ev.attrs & TRACE_ATTR_MMIO)
		return false;
	return m->cls != cls;
}

static void check_function(struct check *c, struct mapping *m, enum doubt doubt)
{
	error(c, UNMAP_UNKNOWN, doubt, &m->ev,
	      "%s takes away what %s made in %s %" PRIu64
	      ": nothing of its own kind is mapped there",
	      c->ev->name, m->ev.name, c->unit, m->ev.line);
}

static void check_size(struct check *c, const struct mapping *m, bool exact, enum doubt doubt)
{
	bool list = c->ev->kind == TRACE_UNMAP_SG;

	if (list && !exact)
		error(c, SIZE_MISMATCH, doubt, &m->ev,
		      "unmapped a scatter list with %u entries, mapped with %u in %s %" PRIu64
		      " (an unmap takes the number that was given to the map, not what it "
		      "returned)",
		      c->ev->nents, m->ev.nents, c->unit, m->ev.line);
	else if (!list && m->ev.size != c->ev->size)
		error(c, SIZE_MISMATCH, doubt, &m->ev,
		      "%s with %" PRIu64 " bytes, mapped with %" PRIu64 " in %s %" PRIu64,
		      verb_of(c->ev), c->ev->size, m->ev.size, c->unit, m->ev.line);
}

/*
 * Coherent memory is always BIDIRECTIONAL. The direction of pages is compared where the kernel
 * records it: the first 6.12 kernels declare it and do not store it (tools/trace/event.c).
 */
static bool has_direction(const struct check *c, const struct mapping *m)
{
	if (m->cls == TRACE_CLASS_PAGES)
		return c->pages_have_dir && m->ev.dir != TRACE_DIR_UNKNOWN &&
		       c->ev->dir != TRACE_DIR_UNKNOWN;
	return m->cls != TRACE_CLASS_COHERENT;
}

static void check_rest(struct check *c, const struct mapping *m, enum doubt doubt)
{
	const struct trace_event *map = &m->ev, *ev = c->ev;
	uint64_t compared = SAME_ATTRS, differ;
	char was[100], is[100];

	if (has_direction(c, m) && map->dir != ev->dir)
		error(c, DIRECTION_MISMATCH, doubt, map,
		      "unmapped as %s, mapped as %s in %s %" PRIu64, trace_dir_name(ev->dir),
		      trace_dir_name(map->dir), c->unit, map->line);
	/* dma_map_resource() has no MMIO before 6.18, where its events have a name of their own */
	if (map->kind == TRACE_MAP_RESOURCE || ev->kind == TRACE_UNMAP_RESOURCE)
		compared &= ~TRACE_ATTR_MMIO;
	differ = (map->attrs ^ ev->attrs) & compared;
	/* these two have no attributes, or none in their record */
	if (m->cls != TRACE_CLASS_PAGES && m->cls != TRACE_CLASS_NONCONTIGUOUS && differ)
		error(c, ATTRS_MISMATCH, doubt, map,
		      "%s with %s, mapped with %s in %s %" PRIu64
		      ": these attributes must be the same",
		      verb_of(ev), trace_attr_names(ev->attrs & differ, is, sizeof(is)),
		      trace_attr_names(map->attrs & differ, was, sizeof(was)), c->unit, map->line);
	if ((m->cls == TRACE_CLASS_COHERENT || m->cls == TRACE_CLASS_PAGES) && map->has_virt &&
	    ev->has_virt && map->virt != ev->virt)
		error(c, CPU_ADDRESS_MISMATCH, doubt, map,
		      "freed with the CPU address 0x%" PRIx64 ", allocated with 0x%" PRIx64
		      " in %s %" PRIu64,
		      ev->virt, map->virt, c->unit, map->line);
}

void rule_unmap(struct check *c)
{
	bool list = c->ev->kind == TRACE_UNMAP_SG, exact = true;
	enum doubt doubt;
	struct mapping *m;

	/* freeing nothing is allowed */
	if ((c->ev->kind == TRACE_FREE || c->ev->kind == TRACE_FREE_PAGES) && c->ev->has_virt &&
	    c->ev->virt == 0)
		return;
	m = list ? state_find_list(&c->s, c->ev, &exact) : state_find(&c->s, c->ev);
	if (!m) {
		no_such_mapping(c);
		return;
	}
	doubt = m->ev.dma == m->ev.phys ? UNSEEN : SURE;
	if (wrong_function(m, trace_class(c->ev->kind))) {
		check_function(c, m, doubt);
		if (state_untranslated(device_of(c, c->ev))) {
			state_end_wrongly(&c->s, m);
			return;
		}
	} else {
		check_size(c, m, exact, doubt);
		check_rest(c, m, doubt);
	}
	count_exposure(&c->s, m, c->ev);
	state_unmap(&c->s, m, c->ev);
}
