/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A plan: what a trace asks of a DMA mapping layer, with all that is odd in the record settled, so that executing it
 * needs no decisions.
 *
 * Every end of a mapping has its beginning in the plan and the other way round; buffers are in one memory, "data", which
 * begins at 0 and is as large as what the trace touches (see memory.c).
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
	ITEM_COHERENT, /* coherent memory, of which the library chooses the place */
	ITEM_KINDS
};

/** enum op_kind - what is executed. For an ITEM_SG the syncs are of the whole list. */
enum op_kind {
	OP_MAP,
	OP_UNMAP,
	OP_SYNC_CPU,
	OP_SYNC_DEVICE,
};

/**
 * struct piece - physically contiguous memory.
 * @phys: its first byte, in data.
 * @len: bytes.
 */
struct piece {
	uint64_t phys;
	uint32_t len;
};

/**
 * struct item - a mapping, from its map to its unmap.
 * @first: index of its first piece.
 * @pieces: how many; ITEM_SINGLE has one, ITEM_COHERENT one of which only the length counts.
 * @total: bytes of all.
 * @line: where in the trace it was made.
 * @slot: where a driver keeps it: an index below plan.slots[kind], reused after its end.
 * @device: whose.
 * @kind: enum item_kind.
 * @dir: enum dmah_dir.
 * @attrs: enum dmah_attr.
 * @shares_line: while it lives, another mapping has bytes of a cache line in which it begins or ends, and one of the
 *	two is written by a device.
 */
struct item {
	uint32_t first;
	uint32_t pieces;
	uint64_t total;
	uint64_t line;
	uint32_t slot;
	uint16_t device;
	uint8_t kind;
	uint8_t dir;
	uint8_t attrs;
	bool shares_line;
};

/**
 * struct op - a call.
 * @item: the mapping.
 * @off: of a sync of an ITEM_SINGLE: from its first byte.
 * @len: of the same: bytes.
 * @cpu: who calls.
 * @kind: enum op_kind.
 * @item_kind: the mapping's kind, for the executing loop.
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
 * @name: lives as long as the trace.
 * @wide: it was given addresses above 4 GiB.
 * @live_max: most bytes mapped at one time, rounded to pages.
 */
struct plan_device {
	const char *name;
	bool wide;
	uint64_t live_max;
};

/**
 * struct plan - what is executed.
 * @trace: where it comes from.
 * @ops: calls, in order.
 * @nops: those that stand for the trace.
 * @ntail: those behind them, which end what is live at the end.
 * @items: mappings.
 * @pieces: their memory.
 * @devices: devices.
 * @cpus: how many.
 * @slots: most mappings of each enum item_kind that are live at one time.
 * @max_pieces: in the longest scatter list.
 * @data: bytes of memory.
 * @live_max: most bytes of buffers mapped at one time, as bounce slots count them.
 * @coherent_max: the same of coherent memory.
 * @unmatched: ends and syncs of mappings that are not known, passed over.
 * @failed: maps and allocations that had failed, passed over.
 * @implied: mappings whose end is not in the record but must have been.
 * @guessed: scatter lists in which lengths had to be guessed.
 * @refused: events that make no sense (a message was printed for each), passed over.
 * @singles: ends of single buffers among the first @nops ops.
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
	uint32_t slots[ITEM_KINDS];
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
 * plan_make() - a plan for a trace.
 * @trace: from trace_load(); must live as long as the plan.
 *
 * Events that make no sense are named on stderr. Return: the plan, or NULL where the trace cannot be replayed at all, and
 * stderr says why.
 */
struct plan *plan_make(const struct trace *trace);

/** plan_free() - free it; NULL is allowed. */
void plan_free(struct plan *plan);

/* ---- its parts, for each other ---- */

/**
 * plan_pieces() - lengths of a scatter list's pieces; the rules are in pieces.c.
 * @pieces: the pieces; @phys is read, @len written.
 * @n: how many.
 * @lens: lengths of its DMA segments, as far as the record has them.
 * @nlens: how many.
 * @whole: that is all of them.
 * @guessed: whether more than one answer would have fitted.
 *
 * Return: how many of the pieces have bytes.
 */
uint32_t plan_pieces(struct piece *pieces, uint32_t n, const uint32_t *lens, uint32_t nlens,
		     bool whole, bool *guessed);

/** plan_place() - move the pieces from the trace's memory into data. Return: false: they are too many bytes. */
bool plan_place(struct plan *plan);

/** plan_slots() - choose the slots, and find what is live at most. */
void plan_slots(struct plan *plan);

/** plan_lines() - find which mappings share cache lines; before plan_place(). */
void plan_lines(struct plan *plan);

#endif
