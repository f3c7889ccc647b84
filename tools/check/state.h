/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What is mapped at a moment of a trace, and what was. */
#ifndef DMAH_TOOLS_CHECK_STATE_H
#define DMAH_TOOLS_CHECK_STATE_H

#include "itree.h"
#include "trace.h"

/* The granule of every IOMMU that the DMA API is used with, and the unit of exposure */
#define GRANULE 4096u
/* Cache line of the CPUs that Linux's IOMMU drivers run on, for shared-line */
#define CACHE_LINE 64u

/** enum mapping_class - which function takes it away again */
enum mapping_class { BUFFER, RESOURCE, LIST, COHERENT, PAGES, NONCONTIGUOUS };

/**
 * struct mapping - something live
 * @ev: event that made it
 * @dma: ranges of DMA addresses
 * @phys: ranges of physical memory; none for MMIO and allocations
 * @bounced: the device reaches a bounce slot and not @phys
 * @mark: number of the last search that saw it
 */
struct mapping {
	const struct trace_event *ev;
	enum mapping_class cls;
	struct inode *dma, *phys;
	uint32_t nr_dma, nr_phys;
	bool bounced;
	uint64_t mark;
	struct mapping *older, *newer; /* of all, by the order of their maps */
	struct mapping *chain; /* lists with the same hash */
};

/** struct past - the last thing that happened to an address, or a list, that is not mapped now */
struct past {
	const struct trace_event *map; /* NULL: unknown */
	const struct trace_event *unmap; /* NULL: the map failed */
	uint64_t key;
	struct past *chain;
};

/** struct device - one device of the trace */
struct device {
	struct itree dma;
	bool seen;
	bool starts_with_map;
	bool bounces; /* a mapping of it was seen to bounce */
	uint32_t truncated; /* live lists of which only a part is recorded */
	const struct trace_event *failed; /* the last failed map of a buffer */
	/* exposure */
	uint64_t unmaps, reachable, writable, beside, maps, maps_beside;
	const struct trace_event *first_exposed;
};

#define STATE_BUCKETS (1u << 16)

/** struct state - all of it */
struct state {
	struct device *devices;
	uint32_t nr_devices;
	struct itree phys;
	struct mapping *oldest, *newest;
	struct mapping *lists[STATE_BUCKETS];
	struct past *past[STATE_BUCKETS];
	uint64_t search;
};

void state_init(struct state *s, uint32_t nr_devices);
void state_free(struct state *s);

/** state_class() - what a map or allocation makes, what an unmap or free wants */
enum mapping_class state_class(enum trace_kind kind);

/** state_map() - a mapping that succeeded is live from now on */
struct mapping *state_map(struct state *s, const struct trace_event *ev);

/** state_unmap() - it no longer is; @ev ended it, NULL: nobody saw how. Frees @m */
void state_unmap(struct state *s, struct mapping *m, const struct trace_event *ev);

/** state_fail() - the map failed */
void state_fail(struct state *s, const struct trace_event *ev);

/** state_past() - what was last known of the address or the list of an event, or NULL */
const struct past *state_past(const struct state *s, const struct trace_event *ev);

/** state_past_at() - the same by address */
const struct past *state_past_at(const struct state *s, uint32_t device, uint64_t dma);

/**
 * state_find() - the live mapping that begins at the DMA address of an event
 *
 * Without an IOMMU one address may be mapped several times; of those that fit best (class, then
 * size, then direction) it is the oldest. With several CPUs too: an unmap is recorded after it is
 * done, when another CPU may have mapped the same IOVA already and recorded it first.
 */
struct mapping *state_find(const struct state *s, const struct trace_event *ev);

/**
 * state_find_list() - the live list that an unmap of a list means
 * @exact: set if the numbers of entries agree
 *
 * The record of an unmap has physical addresses only. The record of the map may be cut off: then
 * the beginning and the number must agree.
 */
struct mapping *state_find_list(const struct state *s, const struct trace_event *ev, bool *exact);

#endif
