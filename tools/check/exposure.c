// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Bytes that a device can reach beside its mappings, and pages that an unmap leaves in reach. */
#include "state.h"

static void remember_first(struct device *dev, const struct trace_event *ev)
{
	if (dev->exposed)
		return;
	dev->exposed = true;
	dev->first_exposed = *ev;
	dev->first_exposed.physs = dev->first_exposed.dmas = NULL;
	dev->first_exposed.lens = NULL;
}

void count_beside(struct device *dev, const struct mapping *m)
{
	uint64_t beside = 0;

	if ((m->cls != TRACE_CLASS_BUFFER && m->cls != TRACE_CLASS_LIST) || m->bounced ||
	    m->nr_phys == 0)
		return;
	for (uint32_t i = 0; i < m->nr_dma; i++)
		beside += (m->dma[i].first & (GRANULE - 1)) +
			  (GRANULE - 1 - (m->dma[i].last & (GRANULE - 1)));
	dev->maps++;
	dev->maps_beside += beside != 0;
	dev->beside += beside;
	if (beside)
		remember_first(dev, &m->ev);
}

struct exposure {
	const struct mapping *m;
	bool reachable, writable;
};

static bool exposes(struct inode *n, void *arg)
{
	struct exposure *x = arg;
	const struct mapping *other = n->owner;

	if (other == x->m || other->bounced || other->ev.device != x->m->ev.device)
		return true;
	x->reachable = true;
	if (trace_dir_writes(other->ev.dir))
		x->writable = true;
	return !x->writable;
}

/* Count an unmap that leaves a page of the buffer in reach of the device. */
void count_exposure(struct state *s, const struct mapping *m, const struct trace_event *ev)
{
	struct device *dev = &s->devices[m->ev.device];
	struct exposure x = { m, false, false };

	if (m->bounced || m->nr_phys == 0)
		return;
	for (uint32_t i = 0; i < m->nr_phys && !x.writable; i++)
		itree_each(&s->phys, m->phys[i].first & ~(uint64_t)(GRANULE - 1),
			   m->phys[i].last | (GRANULE - 1), exposes, &x);
	dev->unmaps++;
	dev->reachable += x.reachable;
	dev->writable += x.writable;
	if (x.reachable)
		remember_first(dev, ev);
}
