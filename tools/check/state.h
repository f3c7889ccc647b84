/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Mappings and allocations that are live at a moment of a trace. */
#ifndef DMAH_TOOLS_CHECK_STATE_H
#define DMAH_TOOLS_CHECK_STATE_H

#include "itree.h"
#include "past.h"
#include "trace.h"

/* Granule of every IOMMU that the DMA API is used with, and the unit of exposure */
#define GRANULE 4096u

/**
 * struct mapping - a live mapping or allocation
 * @ev: copy of the event that made the mapping. Its only list is @ev.physs, for scatter lists
 * @cls: sort of memory
 * @dma: ranges of DMA addresses
 * @phys: ranges of physical memory; none for MMIO and allocations
 * @nr_dma: length of @dma
 * @nr_phys: length of @phys
 * @bounced: the device reaches a bounce slot instead of @phys
 * @may_end_unseen: the kernel may drop the record of the unmap: see long_list.h
 * @ended_wrongly: freed by a wrong function, on a device without translation, where that takes no
 *	mapping away: the right free may still come
 * @reused: line of a later map that was given the same IOVA, or 0
 * @over: line of an earlier map that still had the same IOVA, or 0
 * @mark: number of the last search that visited this mapping
 * @physs: memory of @ev.physs
 */
struct mapping {
	struct trace_event ev;
	enum trace_class cls;
	struct inode *dma, *phys;
	uint32_t nr_dma, nr_phys;
	bool bounced;
	bool may_end_unseen;
	bool ended_wrongly;
	uint64_t reused, over;
	uint64_t mark;
	uint64_t *physs;
	struct mapping *older, *newer; /* all mappings, in the order of their maps */
	struct mapping *chain; /* lists with the same hash */
};

/** struct failed - the last failed map of a buffer; zero is none */
struct failed {
	bool any;
	bool used; /* an error has named it */
	uint64_t line, dma, phys, size;
};

/**
 * struct failures - maps or allocations of a device that failed
 * @nr: number of failures
 * @used: of these, whose address was used, which an error says
 * @first: first of them, without its lists
 * @last_line: line of the last
 * @high: physical address was above 4 GiB in so many
 */
struct failures {
	uint64_t nr, used;
	struct trace_event first;
	uint64_t last_line;
	uint64_t high;
};

/** struct device - one device of the trace */
struct device {
	struct itree dma;
	bool seen;
	bool starts_with_map;
	bool bounces; /* one of its mappings was seen to bounce */
	uint64_t same; /* mappings whose DMA and physical addresses were equal */
	uint64_t other; /* mappings of which they differed, bounced ones aside */
	uint32_t truncated; /* live lists of which the trace has only a part */
	struct failed failed;
	struct failures failed_maps, failed_allocs;
	/* lists above the limits of long_list.h */
	uint64_t long_lists; /* ended without a record of their unmap */
	struct trace_event first_long;
	/* exposure */
	uint64_t unmaps, reachable, writable, beside, maps, maps_beside;
	struct trace_event first_exposed;
	bool exposed;
};

#define STATE_BUCKETS (1u << 16)

/** struct state - live mappings of all devices, and the last end at each address */
struct state {
	struct device *devices;
	uint32_t nr_devices;
	struct itree phys;
	struct mapping *oldest, *newest;
	struct mapping *lists[STATE_BUCKETS];
	struct pasts pasts;
	uint64_t search;
};

void state_init(struct state *s, uint32_t nr_devices);
void state_free(struct state *s);

/** state_map() - Adds the mapping of an event that succeeded. */
struct mapping *state_map(struct state *s, const struct trace_event *ev, bool may_end_unseen);

/**
 * state_unmap() - remove and free a mapping
 * @s: state
 * @m: mapping
 * @ev: event that ended the mapping; NULL if the trace does not have that event
 */
void state_unmap(struct state *s, struct mapping *m, const struct trace_event *ev);

/** state_end_wrongly() - Keeps the addresses of a mapping, for the right free, but not its memory. */
void state_end_wrongly(struct state *s, struct mapping *m);

/** state_fail() - Records a failed map. */
void state_fail(struct state *s, const struct trace_event *ev);

/** state_untranslated() - Returns true if the device is known to use physical addresses. */
bool state_untranslated(const struct device *dev);

/**
 * state_find() - find the live mapping that begins at the DMA address of an event
 *
 * Without an IOMMU one address may be mapped several times. The best fit wins (class, then size, then
 * direction); of equal fits, the oldest. The same rule serves several CPUs: an unmap is recorded
 * after it is done, so another CPU may have mapped the same IOVA and recorded that map first.
 */
struct mapping *state_find(const struct state *s, const struct trace_event *ev);

/**
 * state_find_list() - find the live list that an unmap of a list means
 * @s: state
 * @ev: unmap
 * @exact: set if the numbers of entries agree
 *
 * The record of an unmap has physical addresses only. The record of the map may be cut off: then
 * the recorded entries and the number of entries must agree.
 */
struct mapping *state_find_list(const struct state *s, const struct trace_event *ev, bool *exact);

/** count_beside() - sum up the bytes beside a new mapping that its granules expose */
void count_beside(struct device *dev, const struct mapping *m);

/** count_exposure() - sum up the pages that the end of a mapping, by @ev, leaves in reach */
void count_exposure(struct state *s, const struct mapping *m, const struct trace_event *ev);

/** state_past() - Returns the last end at the address, or of the list, of an event; or NULL. */
const struct past *state_past(const struct state *s, const struct trace_event *ev);

/** state_past_at() - Returns the last end at an address, or NULL. */
const struct past *state_past_at(const struct state *s, uint32_t device, uint64_t dma);

#endif
