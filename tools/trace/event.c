// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * The dma:* events of Linux 6.12 and newer (facts from include/trace/events/dma.h).
 *
 * What changed between the kernels:
 * - 6.18 renamed dma_map_page to dma_map_phys and dma_unmap_page to dma_unmap_phys, and a resource
 *   is mapped there as dma_map_phys with the attribute MMIO.
 * - dma_map_sg has nents=, ents= and [TRUNCATED] only since the record was cut at 128 entries.
 * - Until 6.17 or so dma_alloc and its like declare a direction but do not store it: the value is
 *   whatever the ring buffer held. So it is taken where it is one of the names, and never insisted
 *   on.
 * - dma_map_sg_err prints physical addresses under the name dma_addrs.
 */
#include <stdio.h>
#include <string.h>
#include "event.h"

#define MAP   (EV_DIR | EV_DMA | EV_SIZE | EV_PHYS | EV_ATTRS)
#define UNMAP (EV_DIR | EV_DMA | EV_SIZE | EV_ATTRS)
#define ALLOC (EV_DIR | EV_NODIR | EV_DMA | EV_SIZE | EV_VIRT | EV_GFP | EV_ATTRS)
#define FREE  (EV_DIR | EV_NODIR | EV_DMA | EV_SIZE | EV_VIRT | EV_ATTRS)
#define SYNC  (EV_DIR | EV_DMA | EV_SIZE)

static const struct event_desc table[] = {
	{ "dma_map_page", TRACE_MAP, MAP },
	{ "dma_map_phys", TRACE_MAP, MAP },
	{ "dma_unmap_page", TRACE_UNMAP, UNMAP },
	{ "dma_unmap_phys", TRACE_UNMAP, UNMAP },
	{ "dma_map_resource", TRACE_MAP_RESOURCE, MAP },
	{ "dma_unmap_resource", TRACE_UNMAP_RESOURCE, UNMAP },
	{ "dma_map_sg", TRACE_MAP_SG, EV_DIR | EV_PHYSS | EV_DMAS | EV_NENTS | EV_ATTRS },
	{ "dma_map_sg_err", TRACE_MAP_SG_ERR, EV_DIR | EV_PHYSS | EV_PDMAS | EV_ERR | EV_ATTRS },
	{ "dma_unmap_sg", TRACE_UNMAP_SG, EV_DIR | EV_PHYSS | EV_ATTRS },
	{ "dma_alloc", TRACE_ALLOC, ALLOC },
	{ "dma_alloc_pages", TRACE_ALLOC_PAGES, ALLOC },
	{ "dma_alloc_sgt", TRACE_ALLOC_SGT,
	  EV_DIR | EV_DMA | EV_SIZE | EV_PHYSS | EV_GFP | EV_ATTRS },
	{ "dma_alloc_sgt_err", TRACE_ALLOC_SGT_ERR, ALLOC },
	{ "dma_free", TRACE_FREE, FREE },
	{ "dma_free_pages", TRACE_FREE_PAGES, FREE },
	{ "dma_free_sgt", TRACE_FREE_SGT, EV_DIR | EV_DMA | EV_SIZE | EV_PHYSS },
	{ "dma_sync_single_for_cpu", TRACE_SYNC_CPU, SYNC },
	{ "dma_sync_single_for_device", TRACE_SYNC_DEVICE, SYNC },
	{ "dma_sync_sg_for_cpu", TRACE_SYNC_SG_CPU, EV_DIR | EV_DMAS },
	{ "dma_sync_sg_for_device", TRACE_SYNC_SG_DEVICE, EV_DIR | EV_DMAS },
	{ NULL, TRACE_NR_KINDS, 0 },
};

static const struct {
	const char *name;
	uint64_t bit;
} attrs[] = {
	{ "WEAK_ORDERING", TRACE_ATTR_WEAK_ORDERING },
	{ "WRITE_COMBINE", TRACE_ATTR_WRITE_COMBINE },
	{ "NO_KERNEL_MAPPING", TRACE_ATTR_NO_KERNEL_MAPPING },
	{ "SKIP_CPU_SYNC", TRACE_ATTR_SKIP_CPU_SYNC },
	{ "FORCE_CONTIGUOUS", TRACE_ATTR_FORCE_CONTIGUOUS },
	{ "ALLOC_SINGLE_PAGES", TRACE_ATTR_ALLOC_SINGLE_PAGES },
	{ "NO_WARN", TRACE_ATTR_NO_WARN },
	{ "PRIVILEGED", TRACE_ATTR_PRIVILEGED },
	{ "MMIO", TRACE_ATTR_MMIO },
	{ "CACHELINES_OVERLAP", TRACE_ATTR_CACHELINES_OVERLAP },
	{ "CACHE_CLEAN", TRACE_ATTR_CACHELINES_OVERLAP }, /* in the first 7.0 kernels */
	{ "REQUIRE_COHERENT", TRACE_ATTR_REQUIRE_COHERENT },
	{ "CC_SHARED", TRACE_ATTR_CC_SHARED },
	{ "ALLOC_CC_SHARED", TRACE_ATTR_ALLOC_CC_SHARED },
};

const struct event_desc *event_table(void)
{
	return table;
}

const struct event_desc *event_find(const char *name, size_t len)
{
	if (len < 4 || memcmp(name, "dma_", 4) != 0)
		return NULL;
	for (const struct event_desc *d = table; d->name; d++)
		if (strlen(d->name) == len && memcmp(d->name, name, len) == 0)
			return d;
	return NULL;
}

const char *trace_attr_names(uint64_t bits, char *to, size_t n)
{
	size_t at = 0;

	snprintf(to, n, "no attribute");
	for (size_t i = 0; i < sizeof(attrs) / sizeof(attrs[0]) && at < n; i++)
		/* of two names of one bit, the first */
		if (bits & attrs[i].bit && !(i && attrs[i].bit == attrs[i - 1].bit))
			at += (size_t)snprintf(to + at, n - at, "%s%s", at ? "|" : "",
					       attrs[i].name);
	return to;
}

uint64_t event_attr(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(attrs) / sizeof(attrs[0]); i++)
		if (strlen(attrs[i].name) == len && memcmp(attrs[i].name, name, len) == 0)
			return attrs[i].bit;
	return TRACE_ATTR_OTHER;
}

/*
 * A dma_addr_t of 32 bits is recorded in a field of 64, so a 32-bit kernel's DMA_MAPPING_ERROR is
 * 0xffffffff. A good mapping of one byte could be there too; its physical address would end alike.
 */
static bool is_mapping_error(const struct trace_event *ev)
{
	return ev->dma == TRACE_NO_ADDR || (ev->dma == UINT32_MAX && (ev->phys & 0xfff) != 0xfff);
}

void event_finish(struct trace_event *ev, unsigned int fields)
{
	switch (ev->kind) {
	case TRACE_MAP:
	case TRACE_MAP_RESOURCE:
		ev->failed = is_mapping_error(ev);
		break;
	case TRACE_ALLOC:
	case TRACE_ALLOC_PAGES:
		ev->failed = ev->has_virt && ev->virt == 0;
		break;
	case TRACE_ALLOC_SGT_ERR:
	case TRACE_MAP_SG_ERR:
		ev->failed = true;
		break;
	default:
		break;
	}
	if (fields & EV_DMAS) {
		ev->size = 0;
		for (uint32_t i = 0; i < ev->nr_dma; i++)
			ev->size += ev->lens[i];
		ev->dma = ev->nr_dma ? ev->dmas[0] : TRACE_NO_ADDR;
	}
	if (fields & EV_PHYSS)
		ev->phys = ev->nr_phys ? ev->physs[0] : TRACE_NO_ADDR;
	if (ev->nents < ev->nr_phys)
		ev->nents = ev->nr_phys;
	/* a sync's record has all entries of the caller's list, by their DMA addresses only */
	if ((fields & EV_DMAS) && !(fields & EV_PHYSS) && ev->nents < ev->nr_dma)
		ev->nents = ev->nr_dma;
	if (ev->ents < ev->nr_dma)
		ev->ents = ev->nr_dma;
	if ((fields & EV_NENTS) && (ev->nents > ev->nr_phys || ev->ents > ev->nr_dma))
		ev->truncated = true;
}

const char *trace_kind_name(enum trace_kind kind)
{
	if (kind == TRACE_LOST)
		return "lost";
	for (const struct event_desc *d = table; d->name; d++)
		if (d->kind == kind)
			return d->name;
	return "?";
}

const char *trace_dir_name(enum trace_dir dir)
{
	static const char *const names[] = { "BIDIRECTIONAL", "TO_DEVICE", "FROM_DEVICE", "NONE" };

	return (unsigned int)dir < 4 ? names[dir] : "unknown";
}
