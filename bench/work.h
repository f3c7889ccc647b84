/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What is measured: cases, and what one thread works on.
 *
 * One operation picks a live mapping, unmaps it and maps another buffer in its place. All cases have the same loop around
 * it (work_loop()), compiled once for each order and with or without a fence, so that what is left when the case
 * "harness" is subtracted is the mapping alone.
 */
#ifndef DMAH_BENCH_WORK_H
#define DMAH_BENCH_WORK_H

#include <dmah/addr.h>
#include <dmah/dmah.h>

#include "clock.h"
#include "machine.h"
#ifdef HAVE_LINUX_PEER
#include "peers/linux/peer.h"
#endif

#define LIKELY_NOT(x) __builtin_expect(!!(x), 0)

/** WORK_BATCH - mappings in a batch. */
#define WORK_BATCH 32u
/** WORK_BATCHES - batches under way at one time: what hides the latency of an invalidation. */
#define WORK_BATCHES 16u

/**
 * struct slot - what a driver keeps of a buffer: a cache line. Linux's e1000e, igb and nvme have 32 to 72 bytes.
 * @h: the handle, or:
 * @dma, @len: what an address-keyed API makes drivers keep.
 * @page: the buffer, by which the driver finds its memory; also what the checks go by.
 * @mark: of the batch that it is in.
 * @driver: the driver's own.
 */
struct slot {
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
struct linux_peer;
struct work_batches;
struct work_vectors;

/**
 * struct work - a thread's.
 * @slots: live mappings, each in its slot.
 * @mask: how many, a power of two, minus 1.
 * @k: operations so far.
 * @rng: for the order.
 * @dev: for whom.
 * @page_base, @page_mask, @page_shift: buffers: the k-th is at base + (scrambled k & mask) << shift.
 * @size: bytes in each.
 * @failed: calls that returned an error.
 * @fifo: the oldest mapping is next; else any.
 * @serialised: each operation ends before the next begins.
 * @pte, @ring, @tail: the floor's own: entries and descriptors.
 * @nodes: of the tree, one a slot.
 * @lookup: the tree.
 * @peer: Linux's.
 * @dma_ring: a dmah_ring.
 * @batches, @vectors: those cases' own.
 * @segments: pieces of each vector.
 * @c: the case.
 * @m: the machine; NULL without.
 * @cpu: of the thread.
 */
struct work {
	struct slot *slots;
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
	struct dmah_ring *dma_ring;
	struct work_batches *batches;
	struct work_vectors *vectors;
	uint32_t segments;
	const struct bench_case *c;
	struct machine *m;
	unsigned int cpu;
};

/** enum case_needs - what a case works on. */
enum case_needs {
	NEEDS_NOTHING,
	NEEDS_MACHINE,
	NEEDS_PEER,
};

/**
 * struct bench_case - a case.
 * @name: in the output.
 * @what: for people.
 * @needs: what it works on.
 * @fill: map all slots. Return: false where something failed.
 * @run: @n operations, or as many as make up whole batches.
 * @drain: unmap all slots. Return: false where something failed.
 * @check: what is mapped, against the slots' pages. Return: what is wrong, or NULL.
 * @lookup: of the address-keyed calls.
 * @segments: of a vector; 0: not one.
 * @dir: which way bytes go; 0: DMAH_FROM_DEVICE.
 * @noncoherent, @untrusted, @pool, @memory: of its machine: struct machine_config; buffers that exist.
 * @no_maps: no mapping is made or ended by an operation.
 * @looks_up: reverse lookups of an operation that are expected; any other number is an error.
 */
struct bench_case {
	const char *name;
	const char *what;
	enum case_needs needs;
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

/** cases - all of them; the last has no name. */
extern const struct bench_case *const cases[];

/** case_named() - the case of that name, or NULL. */
const struct bench_case *case_named(const char *name);

/** work_page() - the @k-th buffer. No two within 2^20 are the same, where memory is not scarce. */
static inline dmah_phys_t work_page(const struct work *w, uint64_t k)
{
	return w->page_base + (((k * 0x9e3779b1u) & w->page_mask) << w->page_shift);
}

/** work_loop() - @n operations @op; to be compiled into each case. */
static inline __attribute__((always_inline)) void
work_loop(struct work *w, uint64_t n, bool fifo, bool serialised,
	  void (*op)(struct work *w, struct slot *s, dmah_phys_t page))
{
	uint64_t k = w->k, end = k + n, rng = w->rng, mask = w->mask;
	struct slot *slots = w->slots;

	for (; k != end; k++) {
		uint64_t i = k & mask;

		if (!fifo) {
			rng = rng * 6364136223846793005u + 1442695040888963407u;
			i = rng >> 33 & mask;
		}
		if (serialised)
			clock_serialise();
		op(w, &slots[i], work_page(w, k));
	}
	w->k = k;
	w->rng = rng;
}

/** WORK_RUN() - define @name(), a bench_case.run of operations @op. */
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

/** work_check_slot() - a check that slot @s leads to its page, in the whole of its length. Return: NULL, or what is wrong. */
const char *work_check_slot(struct work *w, const struct slot *s, dmah_addr_t dma, uint64_t len);

#endif
