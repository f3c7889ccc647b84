/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Cases, and the data of one thread.
 *
 * An operation picks a live mapping, unmaps it and maps another page in its place. All cases share the loop around the
 * operation (work_loop()), which is compiled once for each order, with and without a fence. The case "harness" is the loop
 * alone; subtracting it leaves the mapping calls.
 */
#ifndef DMAH_BENCH_WORK_H
#define DMAH_BENCH_WORK_H

#include <dmah/addr.h>
#include <dmah/dmah.h>

#include "clock.h"
#include "machine.h"
#include "peers/linux/peer.h"

#define LIKELY_NOT(x) __builtin_expect(!!(x), 0)

/** WORK_BATCH - mappings in a batch. */
#define WORK_BATCH 32u
/** WORK_BATCHES - batches under way at one time, to hide the latency of an invalidation. */
#define WORK_BATCHES 16u

/**
 * struct buffer - a driver's record of a buffer, one cache line. Those of Linux's e1000e, igb and nvme take 32 to 72 bytes.
 * @h: the handle; the other APIs use @dma and @len in its place.
 * @dma: DMA address, for the APIs without a handle.
 * @len: length, for the APIs without a handle.
 * @page: physical address of the mapped page, for the driver and for the checks.
 * @mark: number of the batch that the buffer is in.
 * @driver: space for the driver's other data.
 */
struct buffer {
	union {
		struct dmah h;
		struct {
			dmah_addr_t dma;
			uint32_t len;
		};
	};
	dmah_phys_t page;
	uint32_t mark;
	uint32_t driver[5];
} __attribute__((aligned(64)));

struct bench_case;
struct linux_series;
struct work_batches;
struct work_links;
struct work_lists;
struct work_vectors;

/**
 * struct work - data of a thread.
 * @buffers: the driver's records, each with a live mapping.
 * @mask: number of buffers, a power of two, minus 1.
 * @k: operations so far.
 * @rng: state of the generator that gives the order.
 * @dev: the device.
 * @page_base: see work_page().
 * @page_mask: see work_page().
 * @page_shift: see work_page().
 * @size: bytes of each mapping.
 * @failed: calls that returned an error.
 * @fifo: an operation takes the oldest mapping; else a random one.
 * @serialised: each operation ends before the next begins.
 * @pte: entries of the case "floor".
 * @ring: descriptors of the case "floor".
 * @tail: number of those descriptors.
 * @nodes: tree nodes of the case "address-rbtree", by buffer.
 * @lookup: tree of that case.
 * @peer: Linux's domain.
 * @skip_sync: linux_peer_skip_sync() of that.
 * @dma_ring: ring of the ring cases.
 * @batches: data of the batch case.
 * @vectors: data of the vector cases.
 * @lists: data of the cases of Linux's scatter lists.
 * @links: data of the cases of Linux's ranges that pages are linked into.
 * @segments: pieces of each vector.
 * @c: the case.
 * @m: the machine; NULL without.
 * @cpu: the thread's CPU, as the library counts them.
 */
struct work {
	struct buffer *buffers;
	uint64_t mask;
	uint64_t k;
	uint64_t rng;
	struct dmah_device *dev;
	dmah_phys_t page_base;
	uint64_t page_mask;
	unsigned int page_shift;
	uint32_t size;
	uint64_t failed;
	bool fifo;
	bool serialised;
	uint64_t *pte;
	uint64_t *ring;
	uint64_t tail;
	struct iova_node *nodes;
	struct lookup_state *lookup;
	struct linux_peer *peer;
	const bool *skip_sync;
	struct dmah_ring *dma_ring;
	struct work_batches *batches;
	struct work_vectors *vectors;
	struct work_lists *lists;
	struct work_links *links;
	uint32_t segments;
	const struct bench_case *c;
	struct machine *m;
	unsigned int cpu;
};

/** enum case_needs - the thing that a case works on. */
enum case_needs {
	NEEDS_NOTHING,
	NEEDS_MACHINE,
	NEEDS_PEER,
};

/**
 * struct bench_case - a case.
 * @name: its name in tables and JSON.
 * @what: its operation, described for readers.
 * @needs: the thing that it works on.
 * @series: with NEEDS_PEER: the version of Linux.
 * @fill: maps all buffers. Return: false on an error.
 * @run: makes @n operations; the batch and ring cases round up to whole batches.
 * @drain: unmaps all buffers. Return: false on an error.
 * @check: compares the mappings with the buffers' pages. Return: NULL, or a text that names the difference.
 * @lookup: lookup of the address-keyed calls.
 * @segments: pieces of a vector; 0: no vector.
 * @dir: direction; 0: DMAH_FROM_DEVICE.
 * @noncoherent: see struct machine_config.
 * @untrusted: see struct machine_config.
 * @pool: the machine has a bounce pool, and buffers have memory.
 * @no_maps: operations neither map nor unmap.
 * @looks_up: expected reverse lookups of an operation; any other number is an error.
 */
struct bench_case {
	const char *name;
	const char *what;
	enum case_needs needs;
	const struct linux_series *series;
	bool (*fill)(struct work *w);
	void (*run)(struct work *w, uint64_t n);
	bool (*drain)(struct work *w);
	const char *(*check)(struct work *w);
	enum lookup lookup;
	uint32_t segments;
	enum dmah_dir dir;
	bool noncoherent;
	bool untrusted;
	bool pool;
	bool no_maps;
	unsigned int looks_up;
};

/** cases - all cases; ends with NULL. */
extern const struct bench_case *const cases[];

/** case_named() - Returns the case of that name, NULL if there is none. */
const struct bench_case *case_named(const char *name);

/** work_page() - Returns the page of the @k-th operation. Within 2^20 / (page size / 4 KiB) operations none comes twice. */
static inline dmah_phys_t work_page(const struct work *w, uint64_t k)
{
	return w->page_base + (((k * 0x9e3779b1u) & w->page_mask) << w->page_shift);
}

/** work_loop() - Makes @n operations @op. Each case compiles the loop anew, with @op inline. */
static inline __attribute__((always_inline)) void
work_loop(struct work *w, uint64_t n, bool fifo, bool serialised,
	  void (*op)(struct work *w, struct buffer *s, dmah_phys_t page))
{
	uint64_t k = w->k, end = k + n, rng = w->rng, mask = w->mask;
	struct buffer *buffers = w->buffers;

	for (; k != end; k++) {
		uint64_t i = k & mask;

		if (!fifo) {
			rng = rng * 6364136223846793005u + 1442695040888963407u;
			i = rng >> 33 & mask;
		}
		if (serialised)
			clock_serialise();
		op(w, &buffers[i], work_page(w, k));
	}
	w->k = k;
	w->rng = rng;
}

/** WORK_RUN() - Defines @name(), a bench_case.run of operations @op. */
#define WORK_RUN(name, op)                                        \
	static void name(struct work *w, uint64_t n)              \
	{                                                         \
		if (w->fifo) {                                    \
			if (w->serialised)                        \
				work_loop(w, n, true, true, op);  \
			else                                      \
				work_loop(w, n, true, false, op); \
		} else if (w->serialised) {                       \
			work_loop(w, n, false, true, op);         \
		} else {                                          \
			work_loop(w, n, false, false, op);        \
		}                                                 \
	}

/** work_check_buffer() - Checks that a mapping leads to its page, over its whole length. Return: NULL, or the difference. */
const char *work_check_buffer(struct work *w, const struct buffer *s, dmah_addr_t dma,
			      uint64_t len);

#endif
