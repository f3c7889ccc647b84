// SPDX-License-Identifier: MIT OR GPL-2.0-only
#define _GNU_SOURCE
#include <stdarg.h>
#include "check.h"
#include "xalloc.h"

static const struct {
	const char *name, *what;
} kinds[NR_FINDING_KINDS] = {
	[DOUBLE_UNMAP] = { "double-unmap", "unmapped or freed twice" },
	[UNMAP_UNKNOWN] = { "unmap-unknown",
			    "unmapped or freed, but never mapped, or by the wrong function" },
	[SIZE_MISMATCH] = { "size-mismatch",
			    "unmapped with another size, or number of entries, than mapped" },
	[DIRECTION_MISMATCH] = { "direction-mismatch",
				 "unmapped in another direction than mapped" },
	[ATTRS_MISMATCH] = { "attrs-mismatch", "unmapped with other attributes than mapped" },
	[CPU_ADDRESS_MISMATCH] = { "cpu-address-mismatch",
				   "freed with another CPU address than allocated" },
	[SYNC_OUT_OF_RANGE] = { "sync-out-of-range", "a sync reaches outside the mapping" },
	[SYNC_UNMAPPED] = { "sync-unmapped", "a sync where nothing is mapped" },
	[SYNC_DIRECTION] = { "sync-direction", "a sync in another direction than mapped" },
	[SYNC_ENTRIES] = { "sync-entries", "a sync of a list with another number of entries" },
	[USE_OF_FAILED_MAP] = { "use-of-failed-map", "an unmap or sync of a mapping that failed" },
	[BAD_DIRECTION] = { "bad-direction", "mapped with DMA_NONE" },
	[OVERLAP] = { "overlap", "two live mappings share bytes, and a device may write to one" },
	[EXPOSURE] = { "exposure",
		       "per device: pages left in reach by other mappings of them, and bytes "
		       "beside mappings that the granule exposes" },
	[SHARED_LINE] = { "shared-line", "two live mappings share a cache line, and a device may "
					 "write to one" },
	[LIVE_AT_END] = { "live-at-end",
			  "mapped or allocated when the trace ends (an error with --final)" },
	[IOVA_REUSED] = { "iova-reused", "an address was given out twice without an unmap" },
	[ZERO_LENGTH] = { "zero-length", "a mapping, or an entry of a list, of 0 bytes" },
	[SEGMENT_BOUNDARY] = { "segment-boundary",
			       "a segment of a list crosses a boundary (--boundary)" },
	[EMPTY_SYNC] = { "empty-sync", "a sync of a list of 0 entries" },
	[SYNC_COHERENT] = { "sync-coherent", "a sync of coherent memory" },
	[FAILED_MAP] = { "failed-map", "per device: maps and allocations that failed" },
	[LONG_LIST] = { "long-list", "per device: lists whose unmap the kernel may not record" },
	[LOST_EVENTS] = { "lost-events", "the record has holes: errors after them are only noted" },
};

const char *finding_name(enum finding_kind kind)
{
	return kinds[kind].name;
}

const char *finding_what(enum finding_kind kind)
{
	return kinds[kind].what;
}

bool finding_is_error_kind(enum finding_kind kind)
{
	return kind < EXPOSURE;
}

enum finding_kind finding_kind_find(const char *name, size_t len)
{
	int k;

	for (k = 0; k < NR_FINDING_KINDS; k++)
		if (strlen(kinds[k].name) == len && memcmp(kinds[k].name, name, len) == 0)
			break;
	return (enum finding_kind)k;
}

void findings_add(struct findings *fs, const struct finding *f, const char *fmt, ...)
{
	va_list ap;

	if (fs->seen[f->kind][f->error]++ >= FINDINGS_KEPT)
		return;
	xgrow(fs->list, fs->nr, fs->cap);
	fs->list[fs->nr] = *f;
	if (f->ev) {
		struct trace_event *ev = xmalloc(sizeof(*ev));

		/* the event may be gone when the finding is printed */
		*ev = *f->ev;
		ev->physs = ev->dmas = NULL;
		ev->lens = NULL;
		fs->list[fs->nr].ev = ev;
	}
	va_start(ap, fmt);
	if (vasprintf(&fs->list[fs->nr].text, fmt, ap) < 0)
		xcheck(NULL);
	va_end(ap);
	fs->nr++;
}

uint64_t findings_left_out(const struct findings *fs, enum finding_kind kind)
{
	uint64_t left = 0;

	for (int error = 0; error < 2; error++)
		if (fs->seen[kind][error] > FINDINGS_KEPT)
			left += fs->seen[kind][error] - FINDINGS_KEPT;
	return left;
}

size_t findings_errors(const struct findings *fs)
{
	size_t n = 0;

	for (size_t i = 0; i < fs->nr; i++)
		n += fs->list[i].error;
	return n;
}

void findings_free(struct findings *fs)
{
	for (size_t i = 0; i < fs->nr; i++) {
		free(fs->list[i].text);
		free((void *)(uintptr_t)fs->list[i].ev);
	}
	free(fs->list);
	*fs = (struct findings){ 0 };
}
