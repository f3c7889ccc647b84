// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Findings that only the end of the trace shows: one for each device, or for each group. */
#include <inttypes.h>
#include "leaks.h"
#include "rules.h"
#include "xalloc.h"

static struct finding of_device(struct check *c, enum finding_kind kind, uint32_t device,
				const struct trace_event *ev)
{
	return (struct finding){ .kind = kind,
				 .ev = ev,
				 .device = trace_device(c->t, device),
				 .dma = ev->dma,
				 .phys = ev->phys,
				 .size = ev->size,
				 .has_size = true };
}

static void exposure(struct check *c, uint32_t device)
{
	const struct device *d = &c->s.devices[device];
	struct finding f;

	if (!d->reachable && !d->beside)
		return;
	f = of_device(c, EXPOSURE, device, &d->first_exposed);
	f.size = d->beside;
	findings_add(c->fs, &f,
		     "%" PRIu64 " of %" PRIu64 " unmaps (%" PRIu64
		     " %%) left the page in reach of the device through another live mapping, "
		     "%" PRIu64 " of them for writing; %" PRIu64 " of %" PRIu64
		     " maps exposed %" PRIu64 " bytes beside them, by the granule of %u bytes",
		     d->reachable, d->unmaps,
		     d->unmaps ? (d->reachable * 100 + d->unmaps / 2) / d->unmaps : 0, d->writable,
		     d->maps_beside, d->maps, d->beside, GRANULE);
}

static void failures(struct check *c, uint32_t device, bool allocs)
{
	const struct device *d = &c->s.devices[device];
	const struct failures *f = allocs ? &d->failed_allocs : &d->failed_maps;
	struct finding out;
	const char *cause = "";

	/* failed maps that were used have been reported as errors */
	if (f->nr <= f->used)
		return;
	if (!allocs && d->bounces)
		cause = "; the device bounces, so the bounce buffer (swiotlb) may be full";
	else if (!allocs && f->high)
		cause = "; memory above 4 GiB is among it, so the DMA mask may be too small, or "
			"the "
			"bounce buffer (swiotlb) full";
	out = of_device(c, FAILED_MAP, device, &f->first);
	out.count = f->nr;
	findings_add(c->fs, &out,
		     "%" PRIu64 " %s%s of this device failed, the first in %s %" PRIu64
		     ", the last in %s %" PRIu64 "%s",
		     f->nr, allocs ? "allocation" : "map", f->nr == 1 ? "" : "s", c->unit,
		     f->first.line, c->unit, f->last_line, cause);
}

static void long_lists(struct check *c, uint32_t device)
{
	const struct device *d = &c->s.devices[device];
	struct finding f;

	if (!d->long_lists)
		return;
	f = of_device(c, LONG_LIST, device, &d->first_long);
	f.count = d->long_lists;
	f.map_line = d->first_long.line;
	f.map_caller = d->first_long.caller;
	findings_add(c->fs, &f,
		     "%" PRIu64 " list%s of this device %s so long (the first has %u entries) that "
		     "the kernel drops the record of the unmap, and the trace has no unmap of %s: "
		     "leaks and overlaps of such lists cannot be found",
		     d->long_lists, d->long_lists == 1 ? "" : "s",
		     d->long_lists == 1 ? "is" : "are", d->first_long.nents,
		     d->long_lists == 1 ? "it" : "them");
}

static void reused(struct check *c, const struct mapping *m)
{
	struct finding f = of_device(c, IOVA_REUSED, m->ev.device, &m->ev);

	f.map_line = m->ev.line;
	f.map_caller = m->ev.caller;
	findings_add(
		c->fs, &f,
		"%s %s %s %" PRIu64
		", and the trace has too few unmaps of it: one is missing in the trace, or the "
		"IOVA has two users",
		m->cls >= TRACE_CLASS_COHERENT ? "an allocation" : "a mapping",
		m->reused ? "has an IOVA that was given out again in"
			  : "was given the IOVA of the mapping in",
		c->unit, m->reused ? m->reused : m->over);
}

struct search {
	uint64_t line;
	bool found;
};

static bool has_line(struct inode *n, void *arg)
{
	struct search *s = arg;
	const struct mapping *m = n->owner;

	s->found = m->ev.line == s->line;
	return !s->found;
}

/* Returns true if the mapping took an IOVA that another had, of which only one unmap is recorded. */
static bool took_over(struct check *c, const struct mapping *m)
{
	struct search s = { m->over, false };

	if (!m->over)
		return false;
	for (uint32_t i = 0; i < m->nr_dma && !s.found; i++)
		itree_each(&device_of(c, &m->ev)->dma, m->dma[i].first, m->dma[i].last, has_line,
			   &s);
	return !s.found;
}

/* Mappings that are still live: long lists are counted, reused addresses reported, others grouped. */
static void live_at_end(struct check *c)
{
	struct leaks *leaks = leaks_new();

	for (struct mapping *m = c->s.oldest; m; m = m->newer) {
		struct device *dev = device_of(c, &m->ev);

		c->ev = &m->ev;
		if (m->ended_wrongly)
			continue;
		if (m->may_end_unseen) {
			if (!dev->long_lists++)
				dev->first_long = m->ev;
		} else if (m->reused || took_over(c, m)) {
			reused(c, m);
		} else {
			leaks_add(leaks, &m->ev);
		}
	}
	leaks_report(leaks, c);
	leaks_free(leaks);
}

void rule_end(struct check *c)
{
	live_at_end(c);
	for (uint32_t i = 0; i < c->s.nr_devices; i++) {
		failures(c, i, false);
		failures(c, i, true);
		long_lists(c, i);
		exposure(c, i);
	}
}
