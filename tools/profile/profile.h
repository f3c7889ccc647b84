/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* DMA mapping on a machine, summed up from a trace: for each device, and each caller on it. */
#ifndef DMAH_TOOLS_PROFILE_H
#define DMAH_TOOLS_PROFILE_H

#include <stdio.h>
#include "trace.h"

#define SIZE_BINS 40 /* bin n: sizes from 2^n on, below 2^(n+1) */
#define LIFE_BINS 10 /* bin n: lifetimes below 10^n microseconds; the last: all others */
#define TIME_BINS 240

/*
 * Instructions of Linux 6.12's dma-iommu with VT-d, measured in the project's lab
 * (docs/profile.md): a lookup of the physical address by page-table walk, which an unmap needs; and
 * a pair of map and unmap in lazy mode, against one of a mapping that is kept.
 */
#define LOOKUP_INSTRUCTIONS 159
#define PAIR_INSTRUCTIONS   1763
#define KEPT_INSTRUCTIONS   254

/**
 * struct tally - counts of a device, or of one caller on a device
 * @name: of the caller, "" if the trace has no stacks
 * @maps: successful maps of buffers, resources and lists
 * @lists: maps that are of scatter lists
 * @allocs: successful allocations
 * @failed: failed maps and allocations
 * @unmaps: ends of maps and allocations
 * @syncs: sync calls
 * @bytes: sum of all maps
 * @alloc_bytes: sum of all allocations
 * @dirs: maps by enum trace_dir
 * @sizes: maps by size
 * @lives: ended maps by lifetime
 * @live, @live_bytes: mappings at present
 * @peak, @peak_bytes: the most at one time
 * @entries, @segments: of lists, as given to the map, and after coalescing
 * @bounced, @bounced_bytes: maps through a bounce slot
 * @again, @again_bytes: maps of memory that the device had mapped before
 * @pages: different 4 KiB pages mapped
 * @lookups: unmaps of a single buffer of a device behind an IOMMU
 */
struct tally {
	const char *name;
	uint64_t maps, lists, allocs, failed, unmaps, syncs;
	uint64_t bytes, alloc_bytes;
	uint64_t dirs[TRACE_DIR_UNKNOWN + 1];
	uint64_t sizes[SIZE_BINS];
	uint64_t lives[LIFE_BINS];
	uint64_t live, live_bytes, peak, peak_bytes;
	uint64_t entries, segments;
	uint64_t bounced, bounced_bytes;
	uint64_t again, again_bytes;
	uint64_t pages;
	uint64_t lookups;
};

/**
 * struct device_profile - one device
 * @name: of the device
 * @all: counts of the device
 * @callers: counts of each caller, most maps first
 * @nr_callers: number of callers
 * @live: most live mappings in each part of the trace's time
 * @live_bytes: most bytes
 * @beside, @maps_beside: bytes beside mappings that granules expose, and such mappings
 * @ends, @reachable, @writable: unmaps; those that left a page in reach of the device through
 *	another mapping; and those of them by one that it may write
 * @hottest: a page that was mapped most often, and how often
 */
struct device_profile {
	const char *name;
	struct tally all;
	struct tally *callers;
	uint32_t nr_callers, cap_callers, last_caller;
	uint64_t live[TIME_BINS];
	uint64_t live_bytes[TIME_BINS];
	uint32_t bin; /* of the last event */
	uint64_t now, now_bytes; /* live after the last event */
	uint64_t beside, maps_beside;
	uint64_t ends, reachable, writable;
	uint64_t hottest, hottest_maps;
};

/**
 * struct profile - all devices of a trace
 * @path: name of the trace
 * @events: DMA events
 * @lost: lost events, at least
 * @begin, @end: times of the first and the last event; indices if @counts
 * @counts: the trace's clock is no time
 * @has_stacks: the trace names callers
 * @nr: number of devices
 */
struct profile {
	const char *path;
	uint64_t events, lost;
	uint64_t begin, end;
	bool counts, has_stacks;
	uint32_t nr;
	struct device_profile *devices;
};

/** profile_trace() - Returns the profile of a loaded trace, whose names it uses. */
struct profile *profile_trace(struct trace *t);

void profile_free(struct profile *p);

/** profile_lives_median() - Returns the upper end of the bin with the median lifetime, in microseconds. */
double profile_lives_median(const struct tally *t);

void profile_text(FILE *to, const struct profile *p);
void profile_json(FILE *to, const struct profile *p);

/** profile_html() - write a self-contained page with plots */
void profile_html(FILE *to, const struct profile *p);

#endif
