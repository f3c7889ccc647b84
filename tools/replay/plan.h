/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A plan: the calls of a trace, ready to be made. Gaps and contradictions of the record are resolved in it, so that executing
 * it needs no decisions.
 *
 * Every unmap in the plan has its map, and every map its unmap. Buffers are in one memory, "data", which begins at 0 and is
 * as large as the memory that the trace touches (see place.c).
 */
#ifndef DMAH_REPLAY_PLAN_H
#define DMAH_REPLAY_PLAN_H

#include <stdbool.h>
#include <stdint.h>
#include "trace.h"

/** enum item_kind - kinds of mappings. */
enum item_kind {
	ITEM_SINGLE, /* one buffer */
	ITEM_SG, /* a scatter list */
	ITEM_COHERENT, /* coherent memory; the library chooses its address */
	ITEM_KINDS
};

/** enum op_kind - kinds of calls. A sync of an ITEM_SG is of the whole list. */
enum op_kind {
	OP_MAP,
	OP_UNMAP,
	OP_SYNC_CPU,
	OP_SYNC_DEVICE,
};

/**
 * struct piece - physically contiguous memory.
 * @phys: offset of its first byte in data.
 * @len: bytes.
 */
struct piece {
	uint64_t phys;
	uint32_t len;
};

/**
 * struct item - a mapping, from its map to its unmap.
 * @first: index of its first piece.
 * @pieces: number of pieces; ITEM_SINGLE has one, ITEM_COHERENT one with a length only.
 * @total: bytes of all pieces.
 * @line: line of its map in the trace.
 * @kept: index of the driver's record of it, below plan.kept[kind]; reused after the unmap.
 * @device: index of its device.
 * @kind: enum item_kind.
 * @dir: enum dmah_dir.
 * @attrs: enum dmah_attr.
 * @shares_line: it begins or ends in a cache line of which another live mapping has bytes, and a device writes one of the
 *	two mappings.
 */
struct item {
	uint32_t first;
	uint32_t pieces;
	uint64_t total;
	uint64_t line;
	uint32_t kept;
	uint16_t device;
	uint8_t kind;
	uint8_t dir;
	uint8_t attrs;
	bool shares_line;
};

/**
 * struct op - a call.
 * @item: the mapping.
 * @off: first byte of a sync of an ITEM_SINGLE, from the beginning of the mapping.
 * @len: bytes of such a sync.
 * @cpu: the calling CPU.
 * @kind: enum op_kind.
 * @item_kind: the mapping's kind: a copy, so that the timed loop reads no item.
 */
struct op {
	uint32_t item;
	uint32_t off;
	uint32_t len;
	uint16_t cpu;
	uint8_t kind;
	uint8_t item_kind;
};

/**
 * struct plan_device - a device of the trace.
 * @name: its name, in the trace's memory.
 * @wide: the trace has DMA addresses above 4 GiB for it.
 * @live_max: most bytes mapped at one time, rounded to pages.
 */
struct plan_device {
	const char *name;
	bool wide;
	uint64_t live_max;
};

/**
 * struct plan - a plan.
 * @trace: its trace.
 * @ops: calls, in order.
 * @nops: number of calls that the trace recorded.
 * @ntail: number of further calls behind those, which end the mappings that are live at the end.
 * @items: mappings.
 * @pieces: memory of the mappings.
 * @devices: devices.
 * @cpus: number of CPUs.
 * @kept: number of a driver's records for each enum item_kind: the most mappings that are live at one time.
 * @max_pieces: pieces of the longest scatter list.
 * @data: bytes of memory.
 * @live_max: most bytes of buffers mapped at one time, rounded to pages.
 * @coherent_max: most bytes of coherent memory at one time, rounded to pages.
 * @unmatched: unmaps and syncs of unknown mappings, passed over.
 * @failed: maps and allocations that failed when they were recorded, passed over.
 * @implied: unmaps that the record lacks, filled in.
 * @guessed: scatter lists with guessed lengths.
 * @refused: events that cannot be replayed, left out; the first few are named on stderr.
 * @singles: unmaps of single buffers among the first @nops calls.
 */
struct plan {
	const struct trace *trace;
	struct op *ops;
	uint32_t nops, ntail, ops_cap;
	struct item *items;
	uint32_t nitems, items_cap;
	struct piece *pieces;
	uint32_t npieces, pieces_cap;
	struct plan_device *devices;
	uint32_t ndevices;
	uint32_t cpus;
	uint32_t kept[ITEM_KINDS];
	uint32_t max_pieces;
	uint64_t data;
	uint64_t live_max;
	uint64_t coherent_max;
	uint64_t unmatched;
	uint64_t failed;
	uint64_t implied;
	uint64_t guessed;
	uint64_t refused;
	uint64_t singles;
};

/**
 * plan_make() - Makes a plan of a trace.
 * @trace: from trace_load(); must live as long as the plan.
 *
 * Return: NULL, after a message, if the trace cannot be replayed at all.
 */
struct plan *plan_make(const struct trace *trace);

/** plan_free() - Frees a plan, which may be NULL. */
void plan_free(struct plan *plan);

/* ---- its parts, for each other ---- */

/**
 * plan_pieces() - Computes the lengths of a scatter list's pieces, by the rules in pieces.c.
 * @pieces: the pieces; @phys is read, @len written.
 * @n: number of pieces.
 * @lens: lengths of its DMA segments, as far as the record has them.
 * @nlens: number of lengths.
 * @whole: the record has all segments.
 * @guessed: set to true if more than one answer fits.
 *
 * Return: number of pieces that have bytes.
 */
uint32_t plan_pieces(struct piece *pieces, uint32_t n, const uint32_t *lens, uint32_t nlens,
		     bool whole, bool *guessed);

/** plan_place() - Moves the pieces from the trace's memory into data. Return: false if they are too many bytes. */
bool plan_place(struct plan *plan);

/** plan_kept() - Assigns each mapping the index of a driver's record, and computes how much is live at most. */
void plan_kept(struct plan *plan);

/** plan_lines() - Marks mappings that share cache lines. Call before plan_place(). */
void plan_lines(struct plan *plan);

#endif
