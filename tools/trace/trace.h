/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Reader of recorded DMA traces: tracefs text and trace-cmd's trace.dat, plain or compressed, give
 * the same events.
 *
 * Linux 6.1 has no dma:* events. There dmah record puts probes on the functions (probes.h), and this
 * reader makes the same events of their records. Two things differ. The event of a map stands at the
 * end of the call, the event of an unmap or a sync at its beginning. And trace_next() gives the map
 * of a scatter list without its DMA addresses, and gives them with the unmap; trace_load() moves
 * them to the map.
 *
 * Facts about the dma:* events: include/trace/events/dma.h of Linux 6.12 (dma_map_page) and 7.3
 * (dma_map_phys).
 */
#ifndef DMAH_TOOLS_TRACE_H
#define DMAH_TOOLS_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** TRACE_NO_ADDR - result of a failed map (DMA_MAPPING_ERROR), and an address that is unknown */
#define TRACE_NO_ADDR UINT64_MAX

/** TRACE_NO_DEVICE - the device of an event that names none (only TRACE_LOST) */
#define TRACE_NO_DEVICE UINT32_MAX

/** TRACE_NO_CPU - the CPU of an event, or of a loss, that the recording does not tell */
#define TRACE_NO_CPU UINT32_MAX

/**
 * enum trace_kind - kind of event
 *
 * dma_map_page and dma_map_phys (its name since 6.18) are both TRACE_MAP, and so on;
 * trace_event.name keeps the name that the trace used.
 */
enum trace_kind {
	TRACE_MAP, /* one buffer */
	TRACE_UNMAP,
	TRACE_MAP_RESOURCE, /* MMIO, not memory */
	TRACE_UNMAP_RESOURCE,
	TRACE_MAP_SG, /* a scatter list */
	TRACE_MAP_SG_ERR, /* a scatter list that could not be mapped */
	TRACE_UNMAP_SG,
	TRACE_ALLOC, /* coherent memory */
	TRACE_ALLOC_PAGES,
	TRACE_ALLOC_SGT, /* non-contiguous memory */
	TRACE_ALLOC_SGT_ERR,
	TRACE_FREE,
	TRACE_FREE_PAGES,
	TRACE_FREE_SGT,
	TRACE_SYNC_CPU, /* dma_sync_single_for_cpu */
	TRACE_SYNC_DEVICE,
	TRACE_SYNC_SG_CPU,
	TRACE_SYNC_SG_DEVICE,
	TRACE_LOST, /* here the record has a hole: see trace_event.lost_* */
	TRACE_NR_KINDS
};

/** enum trace_act - effect of an event on the set of live mappings and allocations */
enum trace_act {
	TRACE_ACT_MAP, /* begins one, or fails to */
	TRACE_ACT_UNMAP, /* ends one */
	TRACE_ACT_SYNC, /* syncs one, or a part */
	TRACE_ACT_NONE /* TRACE_LOST */
};

/** enum trace_class - sort of memory; a mapping is ended by an event of its own class */
enum trace_class {
	TRACE_CLASS_BUFFER,
	TRACE_CLASS_RESOURCE, /* MMIO */
	TRACE_CLASS_LIST, /* a scatter list */
	TRACE_CLASS_COHERENT,
	TRACE_CLASS_PAGES,
	TRACE_CLASS_NONCONTIGUOUS
};

/** enum trace_dir - direction of the data; the values are Linux's enum dma_data_direction */
enum trace_dir {
	TRACE_BIDIRECTIONAL = 0,
	TRACE_TO_DEVICE = 1,
	TRACE_FROM_DEVICE = 2,
	TRACE_NONE = 3,
	TRACE_DIR_UNKNOWN = 4 /* the trace does not say: 6.12's allocations need not */
};

/* Attributes: the bits are those of Linux's DMA_ATTR_*, so that text and trace.dat agree. */
#define TRACE_ATTR_WEAK_ORDERING      (UINT64_C(1) << 1)
#define TRACE_ATTR_WRITE_COMBINE      (UINT64_C(1) << 2)
#define TRACE_ATTR_NO_KERNEL_MAPPING  (UINT64_C(1) << 4)
#define TRACE_ATTR_SKIP_CPU_SYNC      (UINT64_C(1) << 5)
#define TRACE_ATTR_FORCE_CONTIGUOUS   (UINT64_C(1) << 6)
#define TRACE_ATTR_ALLOC_SINGLE_PAGES (UINT64_C(1) << 7)
#define TRACE_ATTR_NO_WARN	      (UINT64_C(1) << 8)
#define TRACE_ATTR_PRIVILEGED	      (UINT64_C(1) << 9)
#define TRACE_ATTR_MMIO		      (UINT64_C(1) << 10)
#define TRACE_ATTR_CACHELINES_OVERLAP (UINT64_C(1) << 11)
#define TRACE_ATTR_REQUIRE_COHERENT   (UINT64_C(1) << 12)
#define TRACE_ATTR_CC_SHARED	      (UINT64_C(1) << 13)
#define TRACE_ATTR_ALLOC_CC_SHARED    (UINT64_C(1) << 14)
#define TRACE_ATTR_OTHER	      (UINT64_C(1) << 63) /* a name newer than this reader */

/** enum trace_lost - how the reader knows that events are missing */
enum trace_lost {
	TRACE_LOST_OVERWRITTEN, /* the header: fewer entries in the buffer than were written */
	TRACE_LOST_BEFORE, /* "CPU n buffer started": nothing of CPU n before this place */
	TRACE_LOST_HERE /* "CPU:n [LOST m EVENTS]", or a trace.dat record says so */
};

/**
 * struct trace_event - one event, in fields that do not apply 0 (addresses: TRACE_NO_ADDR)
 * @line: line of the text, or number of the record of a trace.dat, in time order, from 1
 * @time: nanoseconds of the trace's clock, or its counts where trace_info.counts is set
 * @cpu: CPU that recorded the event
 * @pid: task
 * @task: name of the task, "" where unknown; lives as long as the trace
 * @name: name of the event ("dma_map_page"), a constant string
 * @caller: function outside the DMA API that made the call, from the event's stack trace, "" where
 *	unknown; only in a loaded trace; lives as long as the trace
 * @device: index for trace_device()
 * @kind: kind of event
 * @dir: direction
 * @failed: a map or an allocation that gave nothing (@dma is then TRACE_NO_ADDR, except that a
 *	failed allocation of an older kernel has what the kernel printed)
 * @has_virt: @virt was printed as a number (not hashed)
 * @truncated: a scatter list of which the trace kept only the first 128 entries
 * @error: of TRACE_MAP_SG_ERR, negative
 * @dma: DMA address. Scatter lists: of the first entry
 * @phys: physical address of the caller's buffer, never a bounce slot. An unmap has none
 * @size: bytes. Scatter lists: the sum of @lens, of the recorded entries only if @truncated
 * @attrs: TRACE_ATTR_*
 * @virt: CPU address of an allocation, as printed
 * @gfp: allocation flags, or 0 where the text's names do not say
 * @nents: entries of the caller's list, as given to the map (may exceed @nr_phys)
 * @ents: entries after coalescing (may exceed @nr_dma)
 * @nr_phys: length of @physs
 * @nr_dma: length of @dmas and @lens
 * @physs: physical address of each entry of the caller's list
 * @dmas: DMA address of each coalesced entry
 * @lens: bytes of each coalesced entry. In a sync of a coalesced list the rest has length 0
 * @lost: TRACE_LOST: how it is known
 * @lost_cpu: TRACE_LOST: on which CPU, or TRACE_NO_CPU
 * @lost_events: TRACE_LOST: how many, 0 where unknown
 *
 * The lists of an event from trace_next() are valid until the next call; those of trace_load()
 * as long as the trace.
 */
struct trace_event {
	uint64_t line;
	uint64_t time;
	uint32_t cpu;
	int32_t pid;
	const char *task;
	const char *name;
	const char *caller;
	uint32_t device;
	enum trace_kind kind;
	enum trace_dir dir;
	bool failed;
	bool has_virt;
	bool truncated;
	int error;
	uint64_t dma;
	uint64_t phys;
	uint64_t size;
	uint64_t attrs;
	uint64_t virt;
	uint64_t gfp;
	uint32_t nents;
	uint32_t ents;
	uint32_t nr_phys;
	uint32_t nr_dma;
	const uint64_t *physs;
	const uint64_t *dmas;
	const uint32_t *lens;
	enum trace_lost lost;
	uint32_t lost_cpu;
	uint64_t lost_events;
};

/** struct trace_error - a message: names the file, the line if there is one, and the fault */
struct trace_error {
	char text[512];
};

/**
 * struct trace_info - facts of a trace, as far as it was read
 * @events: DMA events
 * @unknown: other events, passed over
 * @probes: events of the probes of dmah record, of which DMA events were made
 * @left_out: after trace_load(), scatter lists of which only the probe of the unmap would have had
 *	the DMA addresses, and the trace has none
 * @lost: places where events are missing
 * @lost_events: how many are missing, as far as numbers were given
 * @counts: the clock counts something other than time (x86-tsc, counter, uptime)
 * @dat: it is a trace.dat, so that a "line" is a record
 * @cut: the last line was cut off and is left out: its number, or 0
 * @other_text: lines that are no part of a trace and were passed over, as in a mail
 * @first_other: the first of them, or 0
 * @stacks: stack traces of DMA events
 * @iommu_maps: iommu:map events
 * @iommu_maps_alone: iommu:map events whose address no DMA event of the task has
 * @has_counts: dma_map_sg tells the numbers of entries, as since February 2026
 * @pages_have_dir: the kernel records the direction of dma_alloc_pages()
 * @lost_before: a loss lies before its place in the trace, and may reach back to its beginning
 */
struct trace_info {
	uint64_t events;
	uint64_t unknown;
	uint64_t probes;
	uint64_t left_out;
	uint64_t lost;
	uint64_t lost_events;
	bool counts;
	bool dat;
	uint64_t cut;
	uint64_t other_text, first_other;
	uint64_t stacks;
	uint64_t iommu_maps, iommu_maps_alone;
	bool has_counts;
	bool pages_have_dir;
	bool lost_before;
};

struct trace;

/**
 * trace_open() - open a trace for reading with trace_next()
 * @path: file, "-" for standard input; .xz, .gz and .zst are recognised by content, not by name
 * @err: filled in on failure
 *
 * Return: the trace, or NULL: no such file, a directory, empty, not a trace.
 */
struct trace *trace_open(const char *path, struct trace_error *err);

/**
 * trace_open_fd() - the same for an open file
 * @fd: read from its present position, closed by trace_close() and on failure
 * @name: for messages
 * @err: filled in on failure
 */
struct trace *trace_open_fd(int fd, const char *name, struct trace_error *err);

/**
 * trace_next() - read one event, in the order of the file
 * @t: from trace_open()
 * @ev: filled in
 * @err: filled in on failure
 *
 * A trace without any DMA event is an error, found at its end.
 *
 * Return: 1, or 0 at the end, or -1.
 */
int trace_next(struct trace *t, struct trace_event *ev, struct trace_error *err);

/**
 * trace_load() - open and read a whole trace
 * @path: as trace_open()
 * @err: filled in on failure
 *
 * The events are in the order of their times; those of one time stay in the order of the file. A
 * trace in that order is kept packed, at about 25 bytes an event without lists.
 *
 * Return: the trace, or NULL.
 */
struct trace *trace_load(const char *path, struct trace_error *err);

/** trace_load_fd() - load an open file, see trace_open_fd() */
struct trace *trace_load_fd(int fd, const char *name, struct trace_error *err);

/**
 * trace_on_progress() - call a function now and then while traces are loaded
 * @fn: given the part of the file that has been read, 0 to 1, or a negative number where its size is
 *	not known, and the events so far; NULL: none
 */
void trace_on_progress(void (*fn)(double part, uint64_t events));

struct trace_cursor;

/** trace_begin() - Returns a place before the first event of a loaded trace. */
struct trace_cursor *trace_begin(struct trace *t);

/** trace_step() - Returns the next event, valid until the next call, or NULL at the end. */
const struct trace_event *trace_step(struct trace_cursor *c);

/** trace_end() - free a cursor */
void trace_end(struct trace_cursor *c);

/**
 * trace_events() - unpack all events of a loaded trace
 * @t: from trace_load()
 * @nr: their number
 *
 * The first call unpacks them, into about 200 bytes each.
 *
 * Return: the events, which live as long as the trace.
 */
const struct trace_event *trace_events(const struct trace *t, size_t *nr);

/** trace_info() - Returns the facts of the trace so far; complete after trace_load(). */
const struct trace_info *trace_info(const struct trace *t);

/** trace_path() - the name it was opened by */
const char *trace_path(const struct trace *t);

/** trace_nr_devices() - how many devices have been seen so far: their indices are 0 to n - 1 */
uint32_t trace_nr_devices(const struct trace *t);

/** trace_device() - name of a device, as Linux's dev_name(); NULL for TRACE_NO_DEVICE */
const char *trace_device(const struct trace *t, uint32_t device);

/** trace_close() - free all of it; NULL is allowed */
void trace_close(struct trace *t);

/** trace_act() - Returns what an event of this kind does to mappings. */
enum trace_act trace_act(enum trace_kind kind);

/** trace_class() - Returns the sort of memory that an event of this kind is about. */
enum trace_class trace_class(enum trace_kind kind);

/** trace_kind_name() - "dma_map_page" for TRACE_MAP, as Linux 6.12 names it */
const char *trace_kind_name(enum trace_kind kind);

/** trace_attr_names() - write attributes as Linux does, "NO_WARN|MMIO", or "no attribute"; Returns @to */
const char *trace_attr_names(uint64_t attrs, char *to, size_t n);

/** trace_dir_name() - "TO_DEVICE" and so on, as Linux prints it */
const char *trace_dir_name(enum trace_dir dir);

/** trace_dir_writes() - can a device write to memory mapped in this direction? */
static inline bool trace_dir_writes(enum trace_dir dir)
{
	return dir == TRACE_FROM_DEVICE || dir == TRACE_BIDIRECTIONAL;
}

#endif
