// SPDX-License-Identifier: MIT OR GPL-2.0-only
#define _GNU_SOURCE
#include <stdarg.h>
#include "check.h"
#include "xalloc.h"

const char *finding_name(enum finding_kind kind)
{
	static const char *const names[NR_FINDING_KINDS] = {
		[DOUBLE_UNMAP] = "double-unmap",
		[UNMAP_UNKNOWN] = "unmap-unknown",
		[SIZE_MISMATCH] = "size-mismatch",
		[DIRECTION_MISMATCH] = "direction-mismatch",
		[ATTRS_MISMATCH] = "attrs-mismatch",
		[CPU_ADDRESS_MISMATCH] = "cpu-address-mismatch",
		[SYNC_OUT_OF_RANGE] = "sync-out-of-range",
		[SYNC_UNMAPPED] = "sync-unmapped",
		[SYNC_DIRECTION] = "sync-direction",
		[SYNC_ENTRIES] = "sync-entries",
		[USE_OF_FAILED_MAP] = "use-of-failed-map",
		[BAD_DIRECTION] = "bad-direction",
		[OVERLAP] = "overlap",
		[EXPOSURE] = "exposure",
		[SHARED_LINE] = "shared-line",
		[LIVE_AT_END] = "live-at-end",
		[IOVA_REUSED] = "iova-reused",
		[ZERO_LENGTH] = "zero-length",
		[SEGMENT_BOUNDARY] = "segment-boundary",
		[EMPTY_SYNC] = "empty-sync",
		[SYNC_COHERENT] = "sync-coherent",
		[FAILED_MAP] = "failed-map",
		[LONG_LIST] = "long-list",
		[LOST_EVENTS] = "lost-events",
	};

	return names[kind];
}

void findings_add(struct findings *fs, const struct finding *f, const char *fmt, ...)
{
	va_list ap;

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
