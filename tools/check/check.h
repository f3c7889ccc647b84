/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Misuse of the DMA API in a recorded trace. */
#ifndef DMAH_TOOLS_CHECK_H
#define DMAH_TOOLS_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "trace.h"

/** enum finding_kind - errors first, then kinds that are only noted */
enum finding_kind {
	DOUBLE_UNMAP,
	UNMAP_UNKNOWN,
	SIZE_MISMATCH,
	DIRECTION_MISMATCH,
	ATTRS_MISMATCH,
	CPU_ADDRESS_MISMATCH,
	SYNC_OUT_OF_RANGE,
	SYNC_UNMAPPED,
	SYNC_DIRECTION,
	SYNC_ENTRIES,
	USE_OF_FAILED_MAP,
	BAD_DIRECTION,
	OVERLAP,
	EXPOSURE,
	SHARED_LINE,
	LIVE_AT_END,
	IOVA_REUSED,
	ZERO_LENGTH,
	SEGMENT_BOUNDARY,
	EMPTY_SYNC,
	SYNC_COHERENT,
	FAILED_MAP,
	LONG_LIST,
	LOST_EVENTS,
	NR_FINDING_KINDS
};

/** finding_name() - "double-unmap" and so on */
const char *finding_name(enum finding_kind kind);

/** enum from_start - does a device's record begin with the life of its driver? */
enum from_start { FROM_START_AUTO, FROM_START_YES, FROM_START_NO };

#define DEFAULT_CACHE_LINE 64u
#define DEFAULT_BOUNDARY   (UINT64_C(1) << 32)
#define NO_BOUNDARY	   UINT64_MAX

/**
 * struct check_options - options of the command line; zero is the default of each
 * @final: mappings that are live at the end are errors
 * @from_start: the trace holds the whole life of the drivers
 * @cache_line: bytes of a cache line, a power of two
 * @boundary: bytes; no segment of a list may cross a multiple, or NO_BOUNDARY
 */
struct check_options {
	bool final;
	enum from_start from_start;
	uint32_t cache_line;
	uint64_t boundary;
};

/** enum finding_state - new findings, and those that the user knows of */
enum finding_state {
	FINDING_NEW,
	FINDING_KNOWN, /* the baseline has it */
	FINDING_SUPPRESSED /* a line of the suppression file matches */
};

/**
 * struct finding - one finding; unknown addresses are TRACE_NO_ADDR
 * @kind: kind
 * @error: an error, else a note
 * @ev: event at which it was found, without its lists; NULL if it belongs to none
 * @device: name, or NULL
 * @dma: DMA address
 * @phys: physical address of the caller's buffer
 * @size: bytes
 * @has_size: @size is known
 * @map_line: line of the map concerned, or 0
 * @map_caller: caller of that map, "" or NULL if unknown
 * @count: events that this finding sums up; 0 and 1 are one
 * @other: another device whose mapping is concerned, or NULL
 * @text: a sentence
 * @state: new, or known to the user
 */
struct finding {
	enum finding_kind kind;
	bool error;
	enum finding_state state;
	const char *other;
	const struct trace_event *ev;
	const char *device;
	uint64_t dma, phys, size;
	bool has_size;
	uint64_t map_line;
	const char *map_caller;
	uint64_t count;
	char *text;
};

/* Errors, and notes, of one kind are kept up to this many; the rest are counted. */
#define FINDINGS_KEPT 20000u

/**
 * struct findings - in the order of the trace's time; zero is empty
 * @list: findings
 * @nr: length of @list
 * @seen: number of notes (0) and errors (1) of each kind, those not in @list, too
 */
struct findings {
	struct finding *list;
	size_t nr, cap;
	uint64_t seen[NR_FINDING_KINDS][2];
};

/** findings_left_out() - Returns the number of findings of a kind that are not in the list. */
uint64_t findings_left_out(const struct findings *fs, enum finding_kind kind);

/** findings_add() - append a copy of a finding and its event; its text is made from @fmt */
__attribute__((format(printf, 3, 4))) void
findings_add(struct findings *fs, const struct finding *f, const char *fmt, ...);

/** findings_errors() - Returns the number of errors. */
size_t findings_errors(const struct findings *fs);

void findings_free(struct findings *fs);

/**
 * check_trace() - find all misuse in a loaded trace
 * @t: from trace_load(); the findings use its names
 * @opt: options
 * @fs: to append to
 */
void check_trace(struct trace *t, const struct check_options *opt, struct findings *fs);

/** print_text() - findings of one trace for people, then a table */
void print_text(FILE *to, const struct trace *t, const struct findings *fs);

/** finding_kind_find() - Returns the kind of a name, or NR_FINDING_KINDS. */
enum finding_kind finding_kind_find(const char *name, size_t len);

/** finding_what() - Returns what a kind means, in a few words. */
const char *finding_what(enum finding_kind kind);

/** finding_is_error_kind() - Returns true for a kind that is an error where nothing speaks against it. */
bool finding_is_error_kind(enum finding_kind kind);

struct json_t;

/** json_add() - append the findings of one trace to a JSON array of libjansson */
void json_add(struct json_t *array, const struct trace *t, const struct findings *fs);

#endif
