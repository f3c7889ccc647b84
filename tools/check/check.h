/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Misuse of the DMA API in a recorded trace. */
#ifndef DMAH_TOOLS_CHECK_H
#define DMAH_TOOLS_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "trace.h"

/** enum finding_kind - errors first, then what is only noted */
enum finding_kind {
	DOUBLE_UNMAP,
	UNMAP_UNKNOWN,
	SIZE_MISMATCH,
	DIRECTION_MISMATCH,
	SYNC_OUT_OF_RANGE,
	SYNC_UNMAPPED,
	SYNC_DIRECTION,
	USE_OF_FAILED_MAP,
	OVERLAP,
	EXPOSURE,
	SHARED_LINE,
	LIVE_AT_END,
	LOST_EVENTS,
	NR_FINDING_KINDS
};

/** finding_name() - "double-unmap" and so on */
const char *finding_name(enum finding_kind kind);

/** enum from_start - is a device's record taken to begin with the life of its driver? */
enum from_start { FROM_START_AUTO, FROM_START_YES, FROM_START_NO };

/** struct check_options - what the command line says */
struct check_options {
	bool final; /* what is live at the end is an error */
	enum from_start from_start;
};

/**
 * struct finding - one finding; unknown addresses are TRACE_NO_ADDR
 * @kind: what
 * @error: an error, else a note
 * @ev: event at which it was found; NULL if it belongs to none
 * @device: name, or NULL
 * @dma: DMA address
 * @phys: physical address of the caller's buffer
 * @size: bytes
 * @has_size: @size is known
 * @map_line: line of the map that it is about, or 0
 * @text: a sentence
 */
struct finding {
	enum finding_kind kind;
	bool error;
	const struct trace_event *ev;
	const char *device;
	uint64_t dma, phys, size;
	bool has_size;
	uint64_t map_line;
	char *text;
};

/** struct findings - in the order of the trace's time; zero is empty */
struct findings {
	struct finding *list;
	size_t nr, cap;
};

/** findings_add() - append one; @text is filled in from @fmt */
__attribute__((format(printf, 3, 4))) void
findings_add(struct findings *fs, const struct finding *f, const char *fmt, ...);

/** findings_errors() - how many of them are errors */
size_t findings_errors(const struct findings *fs);

void findings_free(struct findings *fs);

/**
 * check_trace() - find all misuse in a loaded trace
 * @t: from trace_load(); the findings point into it
 * @opt: options
 * @fs: to append to
 */
void check_trace(const struct trace *t, const struct check_options *opt, struct findings *fs);

/** print_text() - findings of one trace for people, then a table */
void print_text(FILE *to, const struct trace *t, const struct findings *fs);

struct json_t;

/** json_add() - append the findings of one trace to a JSON array of libjansson */
void json_add(struct json_t *array, const struct trace *t, const struct findings *fs);

#endif
