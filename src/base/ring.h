/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A ring inside.
 *
 * Mappings are numbered: @pushed have begun, @popped have ended, and of those @flushed translate nowhere any more. Behind
 * an IOMMU mapping number k lies in slot k & (2n - 1) of the ring's own IOVAs. At most n are live, and at most n wait for
 * a flush, so that the slot of the next one was flushed since it was last used. tests/spin/ring.pml is a model of this.
 *
 * A plain mapping (see backend/iommu/plain.h) leaves nothing behind but its page-table entry, whose address stays in it
 * for the history when it is cleared; any other has a handle in
 * @entry. Every entry of a ring's slots says that it continues a mapping, so that to the address-keyed calls a slot is
 * the middle of something, which they do not end; the granules before the first slot are never mapped, so that the ring
 * does not seem to continue a neighbour.
 */
#ifndef DMAH_BASE_RING_H
#define DMAH_BASE_RING_H

#include "base/domain.h"

/**
 * struct ring_end - where a ring's oldest mapping is, or where its next one will be.
 * @pte: its first page-table entry.
 * @iova: its IOVA.
 * @left: slots from here to the end of the leaf table.
 */
struct ring_end {
	uint64_t *pte;
	dmah_addr_t iova;
	uint32_t left;
};

/**
 * struct ring_pops - mappings that were popped together.
 * @until: @popped afterwards.
 * @timestamp: when: history_timestamp().
 */
struct ring_pops {
	uint64_t until;
	uint64_t timestamp;
};
#define RING_POPS 16u

/**
 * struct dmah_ring - a ring.
 * @dev: whose mappings it holds.
 * @pushed, @popped: mappings begun and ended. Written by the owner.
 * @full_at: no more than these may have been pushed.
 * @tail, @head: where they are; behind an IOMMU.
 * @prot: what the page-table entry of a plain mapping has beside its address.
 * @room: bytes in a slot, minus 1.
 * @step: granules in a slot.
 * @unsure: a push failed, and so did the invalidation of what it had written: the next one needs a flush.
 * @mask: slots minus 1.
 * @first: index of the first slot's first granule.
 * @has_slots: there are slots: the backend is an IOMMU's.
 * @fast: its mappings may be plain.
 * @handles: mappings that are live and have handles.
 * @flushed: see above, as far as the owner knows; it may be behind the truth.
 * @others_flushed: the same, as far as flushes of the domain know; written under its setup lock.
 * @since: when the oldest mapping that waits for a flush was popped, or earlier; dmah_host_now().
 * @elsewhere_begun, @elsewhere_ended: mappings that the backend's map and unmap have counted.
 * @cfg: as given, with the slot rounded up.
 * @serial: which of all rings there ever were.
 * @caller: who set it up: what the history says of its plain mappings.
 * @pops, @npops: the last pops, for the history; by number of pops.
 * @next: the device's other rings, under the domain's setup lock.
 * @entry: handles, by number & (cfg.entries - 1); idle for plain mappings.
 */
struct dmah_ring {
	struct dmah_device *dev;
	uint64_t pushed;
	uint64_t full_at;
	struct ring_end tail;
	uint64_t prot;
	uint32_t room;
	uint32_t step;
	uint64_t popped;
	struct ring_end head;
	uint32_t handles;
	bool has_slots;
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

/** ring_flushed() - mappings of a ring that translate nowhere any more. */
static inline uint64_t ring_flushed(const struct dmah_ring *ring)
{
	uint64_t own = __atomic_load_n(&ring->flushed, __ATOMIC_ACQUIRE),
		 others = __atomic_load_n(&ring->others_flushed, __ATOMIC_ACQUIRE);

	return own > others ? own : others;
}

#endif /* DMAH_BASE_RING_H */
