// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * How a rule reports.
 *
 * An error becomes a note where the record cannot show it for sure: events were lost before it; a
 * mapping from before the trace would explain it, on a device whose record does not begin with a map
 * or an allocation; or the kernel drops records of that length. --from-start=yes says that the trace
 * is whole, --from-start=no that no device's record is.
 */
#include <inttypes.h>
#include <stdarg.h>
#include "rules.h"
#include "xalloc.h"

static bool whole(const struct check *c, const struct device *dev)
{
	if (c->opt->from_start != FROM_START_AUTO)
		return c->opt->from_start == FROM_START_YES;
	/* losses have been ruled out by the caller */
	return dev->starts_with_map;
}

const char *downgrade(const struct check *c, enum doubt doubt)
{
	if (doubt == CONCEDED_SKIP)
		return " (only noted: the new mapping has SKIP_CPU_SYNC, so the driver syncs the "
		       "caches itself)";
	if (doubt == CONCEDED_LINES)
		return " (only noted: both mappings have CACHELINES_OVERLAP or REQUIRE_COHERENT, "
		       "so the driver says that this is meant)";
	if (doubt == DROPPED)
		return " (only noted: the kernel drops records of lists that are longer than a "
		       "page of the ring buffer)";
	if (c->opt->from_start == FROM_START_YES)
		return NULL;
	if (c->lost)
		return " (only noted: events were lost before it)";
	if (doubt == UNSEEN && !whole(c, &c->s.devices[c->ev->device]))
		return " (only noted: it may have been mapped before the trace began)";
	return NULL;
}

static struct finding at_event(const struct check *c, enum finding_kind kind,
			       const struct trace_event *map)
{
	struct finding f = { .kind = kind,
			     .ev = c->ev,
			     .device = trace_device(c->t, c->ev->device),
			     .dma = c->ev->dma,
			     .phys = c->ev->phys,
			     .size = c->ev->size,
			     .has_size = c->ev->kind != TRACE_UNMAP_SG };

	if (map) {
		f.map_line = map->line;
		f.map_caller = map->caller;
	}
	/* in the other kinds the mapping is always the device's own */
	if (map && map->device != c->ev->device &&
	    (kind == OVERLAP || kind == SHARED_LINE || kind == UNMAP_UNKNOWN ||
	     kind == SYNC_UNMAPPED))
		f.other = trace_device(c->t, map->device);
	return f;
}

void error(struct check *c, enum finding_kind kind, enum doubt doubt, const struct trace_event *map,
	   const char *fmt, ...)
{
	struct finding f = at_event(c, kind, map);
	const char *why = downgrade(c, doubt);
	char text[700];
	va_list ap;

	f.error = !why;
	if (map) {
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

void note(struct check *c, enum finding_kind kind, const struct trace_event *map, const char *fmt,
	  ...)
{
	struct finding f = at_event(c, kind, map);
	char text[700];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	findings_add(c->fs, &f, "%s", text);
}

void failed_map(struct check *c, struct failed *f, const char *verb)
{
	struct trace_event map = { .line = 0 };

	if (!f) {
		error(c, USE_OF_FAILED_MAP, SURE, NULL, "%s the address that a failed map returns",
		      verb);
		return;
	}
	if (!f->used)
		device_of(c, c->ev)->failed_maps.used++;
	f->used = true;
	map.line = f->line;
	map.dma = f->dma;
	map.phys = f->phys;
	map.size = f->size;
	error(c, USE_OF_FAILED_MAP, SURE, &map, "%s, but the map in %s %" PRIu64 " had failed",
	      verb, c->unit, f->line);
}

/* A failed map returns DMA_MAPPING_ERROR, all ones; an offset may have been added to it. */
bool is_failed_address(const struct device *dev, uint64_t dma)
{
	const struct failed *f = &dev->failed;

	if (dma == TRACE_NO_ADDR)
		return true;
	return f->any && (dma == f->dma || dma - f->dma < f->size);
}

/* ---- addresses without a mapping ---- */

struct near {
	uint64_t dma;
	const struct inode *inside, *beside;
	uint64_t distance;
};

static uint64_t distance(const struct inode *n, uint64_t dma)
{
	if (dma < n->first)
		return n->first - dma;
	return dma > n->last ? dma - n->last : 0;
}

static bool nearest(struct inode *n, void *arg)
{
	struct near *a = arg;
	uint64_t d = distance(n, a->dma);

	if (d == 0 && !a->inside)
		a->inside = n;
	if (d && (!a->beside || d < a->distance)) {
		a->beside = n;
		a->distance = d;
	}
	return true;
}

/* Search the granules before and after the address, too. */
static struct near look(const struct device *dev, uint64_t dma)
{
	struct near a = { .dma = dma };

	itree_each(&dev->dma, dma < GRANULE ? 0 : dma - GRANULE,
		   dma > UINT64_MAX - GRANULE ? UINT64_MAX : dma + GRANULE, nearest, &a);
	return a;
}

static const struct trace_event *inside(struct check *c, const struct inode *n, char *to,
					size_t len)
{
	const struct mapping *m = n->owner;

	if (m->cls == TRACE_CLASS_LIST)
		snprintf(to, len,
			 " inside the list of %s %" PRIu64
			 " (entry %td of %u), which begins at 0x%" PRIx64,
			 c->unit, m->ev.line, n - m->dma + 1, m->ev.ents, m->ev.dma);
	else
		snprintf(to, len,
			 " inside the mapping of %s %" PRIu64 ", which begins at 0x%" PRIx64,
			 c->unit, m->ev.line, m->ev.dma);
	return &m->ev;
}

static const struct trace_event *of_other_device(struct check *c, uint64_t dma, char *to,
						 size_t len)
{
	for (uint32_t i = 0; i < c->s.nr_devices; i++) {
		struct near a;
		const struct mapping *m;

		if (i == c->ev->device)
			continue;
		a = look(&c->s.devices[i], dma);
		if (!a.inside)
			continue;
		m = a.inside->owner;
		snprintf(to, len, "; device %s has this address mapped, in %s %" PRIu64,
			 trace_device(c->t, i), c->unit, m->ev.line);
		return &m->ev;
	}
	return NULL;
}

const struct trace_event *describe_near(struct check *c, uint64_t dma, char *to, size_t len)
{
	struct near a = look(&c->s.devices[c->ev->device], dma);
	const struct trace_event *other;
	const struct mapping *m;

	to[0] = '\0';
	if (a.inside)
		return inside(c, a.inside, to, len);
	other = of_other_device(c, dma, to, len);
	if (other || !a.beside)
		return other;
	m = a.beside->owner;
	snprintf(to, len, "; the nearest, %" PRIu64 " bytes %s, is the %s of %s %" PRIu64,
		 a.distance, dma > a.beside->last ? "before" : "after",
		 m->cls == TRACE_CLASS_LIST	  ? "list"
		 : m->cls >= TRACE_CLASS_COHERENT ? "allocation"
						  : "mapping",
		 c->unit, m->ev.line);
	return &m->ev;
}
