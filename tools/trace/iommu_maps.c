// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "internal.h"
#include "iommu_maps.h"
#include "xalloc.h"

#define SLOTS 1024u

struct waiting {
	bool any;
	int32_t pid;
	uint32_t cpu;
	uint64_t first, last;
	uint64_t nr; /* events, of adjacent addresses */
};

/* One for each task that was seen last in its slot; pid 0 is one task on each CPU. */
struct iommu_maps {
	struct waiting slots[SLOTS];
};

static struct waiting *slot_of(struct trace *t, int32_t pid, uint32_t cpu)
{
	uint32_t key = pid ? (uint32_t)pid : 0x80000000u | cpu;

	return &t->iommu->slots[key * 2654435761u >> 22];
}

static void count(struct trace *t, struct waiting *w)
{
	if (w->any)
		t->info.iommu_maps_alone += w->nr;
	w->any = false;
}

void iommu_maps_add(struct trace *t, int32_t pid, uint32_t cpu, uint64_t first, uint64_t last)
{
	struct waiting *w;

	if (!t->iommu)
		t->iommu = xcalloc(1, sizeof(*t->iommu));
	t->info.iommu_maps++;
	w = slot_of(t, pid, cpu);
	if (w->any && w->pid == pid && w->last + 1 == first) {
		w->last = last;
		w->nr++;
		return;
	}
	count(t, w);
	*w = (struct waiting){ true, pid, cpu, first, last, 1 };
}

void iommu_maps_event(struct trace *t, const struct trace_event *ev)
{
	struct waiting *w;

	if (!t->iommu || trace_act(ev->kind) != TRACE_ACT_MAP)
		return;
	w = slot_of(t, ev->pid, ev->cpu);
	/* a list of a probe has its addresses later; a failed map gives its addresses back */
	if (w->any && w->pid == ev->pid &&
	    (ev->failed || ev->dma == TRACE_NO_ADDR || (ev->dma >= w->first && ev->dma <= w->last)))
		w->any = false;
}

void iommu_maps_end(struct trace *t)
{
	for (uint32_t i = 0; t->iommu && i < SLOTS; i++)
		count(t, &t->iommu->slots[i]);
}

void iommu_maps_free(struct trace *t)
{
	free(t->iommu);
}
