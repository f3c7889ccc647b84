/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A ring's private structures.
 *
 * Mappings are numbered: @pushed have begun, @popped have ended, and @flushed can no longer
 * translate. Behind an IOMMU, mapping number k uses entry k & (2n - 1) of the ring's 2n entries of
 * IOVA. At most n mappings are live, and at most n wait for a flush, so the entry of the next
 * mapping has been flushed since its last use. tests/spin/ring.pml is a model of this.
 *
 * A mapping on the fast path (see backend/iommu/fast.h) leaves only its page-table entry, and the
 * history finds its address in the cleared entry. Any other mapping has a handle in @entry.
 *
 * All page-table entries of a ring carry the mark "continues a mapping", so the address-keyed calls
 * see the middle of a mapping and refuse to end it; a second mark (@more of struct pt_leaf) tells them
 * from a list that goes on at a boundary. The granules before the first entry are never
 * mapped, so the ring does not look like the continuation of a neighbour.
 */
#ifndef DMAH_BASE_RING_H
#define DMAH_BASE_RING_H

#include "base/domain.h"

/**
 * struct ring_end - the position of a ring's oldest mapping, or of its next one.
 * @pte: first page-table entry.
 * @iova: IOVA.
 * @left: ring entries from here to the end of the leaf table.
 */
struct ring_end {
	uint64_t *pte;
	dmah_addr_t iova;
	uint32_t left;
};

/**
 * struct ring_pops - mappings that were popped together.
 * @until: value of @popped after the pop.
 * @timestamp: time of the pop: history_timestamp().
 */
struct ring_pops {
	uint64_t until;
	uint64_t timestamp;
};
#define RING_POPS 16u

/**
 * struct dmah_ring - a ring.
 * @dev: the device of its mappings.
 * @pushed, @popped: mappings begun and ended. Written by the owner.
 * @full_at: the ring is full when @pushed reaches this number.
 * @tail, @head: positions of the next and of the oldest mapping; behind an IOMMU.
 * @prot: bits of a fast-path page-table entry beside its address and generation.
 * @gen_bits: bits of an entry that hold the generation.
 * @room: bytes in a ring entry, minus 1.
 * @step: granules in a ring entry.
 * @unsure: a push failed, and the invalidation of its page-table entries was not confirmed: the
 *	next push needs a flush.
 * @mask: ring entries minus 1.
 * @first: index of the first granule of the first ring entry.
 * @has_iova: the ring has entries of IOVA: the backend is an IOMMU's.
 * @fast: mappings may use the fast path.
 * @handles: number of live mappings with handles.
 * @flushed: mappings that can no longer translate, as known to the owner; may be too low.
 * @others_flushed: mappings that can no longer translate, as known to the domain's flushes; written
 *	under the domain's setup lock.
 * @since: time (dmah_host_now()) at or before the pop of the oldest mapping that waits for a flush.
 * @elsewhere_begun, @elsewhere_ended: mappings that the backend's map and unmap have counted.
 * @cfg: the configuration, with the entry size rounded up.
 * @serial: number of this ring, unique among all rings.
 * @caller: code address that the history records for fast-path mappings.
 * @pops, @npops: the last pops, for the history; indexed by number of pops.
 * @next: the device's next ring, under the domain's setup lock.
 * @entry: handles, by number & (cfg.entries - 1); idle for fast-path mappings.
 */
struct dmah_ring {
	struct dmah_device *dev;
	uint64_t pushed;
	uint64_t full_at;
	struct ring_end tail;
	uint64_t prot;
	uint64_t gen_bits;
	uint32_t room;
	uint32_t step;
	uint64_t popped;
	struct ring_end head;
	uint32_t handles;
	bool has_iova;
	bool fast;
	bool unsure;
	uint32_t mask;
	uint32_t first;
	uint64_t flushed;
	uint64_t others_flushed;
	uint64_t since;
	uint64_t elsewhere_begun;
	uint64_t elsewhere_ended;
	struct dmah_ring_config cfg;
	uint32_t serial;
	const void *caller;
	uint32_t npops;
	struct ring_pops pops[RING_POPS];
	struct dmah_ring *next;
	struct dmah entry[] __attribute__((aligned(64)));
};

static inline struct dmah *ring_entry(struct dmah_ring *ring, uint64_t number)
{
	return &ring->entry[number & (ring->cfg.entries - 1)];
}

/** ring_flushed() - return the number of a ring's mappings that can no longer translate. */
static inline uint64_t ring_flushed(const struct dmah_ring *ring)
{
	uint64_t own = __atomic_load_n(&ring->flushed, __ATOMIC_ACQUIRE),
		 others = __atomic_load_n(&ring->others_flushed, __ATOMIC_ACQUIRE);

	return own > others ? own : others;
}

#endif /* DMAH_BASE_RING_H */
