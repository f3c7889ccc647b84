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
		[SYNC_OUT_OF_RANGE] = "sync-out-of-range",
		[SYNC_UNMAPPED] = "sync-unmapped",
		[SYNC_DIRECTION] = "sync-direction",
		[USE_OF_FAILED_MAP] = "use-of-failed-map",
		[OVERLAP] = "overlap",
		[EXPOSURE] = "exposure",
		[SHARED_LINE] = "shared-line",
		[LIVE_AT_END] = "live-at-end",
		[LOST_EVENTS] = "lost-events",
	};

	return names[kind];
}

void findings_add(struct findings *fs, const struct finding *f, const char *fmt, ...)
{
	va_list ap;

	xgrow(fs->list, fs->nr, fs->cap);
	fs->list[fs->nr] = *f;
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
	for (size_t i = 0; i < fs->nr; i++)
		free(fs->list[i].text);
	free(fs->list);
	*fs = (struct findings){ 0 };
}
