/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Rings behind an IOMMU: slots of IOVA in rotation.
 */
#ifndef DMAH_BACKEND_IOMMU_RING_H
#define DMAH_BACKEND_IOMMU_RING_H

#include "backend/iommu/entries.h"
#include "pt/extent.h"
#include "backend/iommu/flush.h"
#include "backend/iommu/invalidate.h"
#include "base/count.h"
#include "base/ring.h"

/** dmah_iommu_ring_init() - slots, with their page tables. Return: 0, DMAH_ENOMEM, DMAH_ENOSPC. */
int dmah_iommu_ring_init(struct dmah_ring *ring);

/** dmah_iommu_ring_fini() - the slots go back. Nothing is live. Return: 0, DMAH_ETIMEDOUT. */
int dmah_iommu_ring_fini(struct dmah_ring *ring);

/** dmah_iommu_ring_make_room() - the ring is full, or seems so for want of a flush. Return: 0, DMAH_ETIMEDOUT. */
int dmah_iommu_ring_make_room(struct dmah_ring *ring);

/** dmah_iommu_ring_push() - a mapping with a handle. Return: as the backend's map. */
int dmah_iommu_ring_push(struct dmah_ring *ring, const struct map_req *req);

/** dmah_iommu_ring_skip() - in passthrough the slots of @n mappings stay empty. @end: the ring's head or tail. */
void dmah_iommu_ring_skip(struct dmah_ring *ring, struct ring_end *end, uint32_t n);

/** dmah_iommu_ring_pop() - end mappings; their handles are checked. Return: 0, DMAH_ETIMEDOUT, DMAH_ESTALE. */
int dmah_iommu_ring_pop(struct dmah_ring *ring, uint32_t n);

/**
 * dmah_iommu_ring_push_stands() - Returns true if the mapping that was just pushed stays; else it is taken back, since
 *	the device was killed or the domain's mode changed meanwhile.
 */
bool dmah_iommu_ring_push_stands(struct dmah_ring *ring);

/** dmah_iommu_ring_end_lazy() - flush what was popped lazily just before the mode changed. Return: 0, DMAH_ETIMEDOUT. */
int dmah_iommu_ring_end_lazy(struct dmah_ring *ring);

/** struct ring_mark - a ring, and how many had been popped when a flush began. */
struct ring_mark {
	uint32_t serial;
	uint64_t until;
};
#define RING_MARKS 24u

/** dmah_iommu_rings_capture() - up to RING_MARKS of the domain's rings, with serial numbers beyond @after. Return: how many. */
unsigned int dmah_iommu_rings_capture(struct dmah_domain *dom, uint32_t after,
				      struct ring_mark marks[RING_MARKS]);

/** dmah_iommu_rings_flushed() - a flush that began at @begun, after they were captured, was confirmed. */
void dmah_iommu_rings_flushed(struct dmah_domain *dom, const struct ring_mark *marks,
			      unsigned int n, uint64_t begun);

/** dmah_iommu_rings_deadline() - when the first of the domain's rings must be flushed; UINT64_MAX: none has to. */
uint64_t dmah_iommu_rings_deadline(struct dmah_domain *dom);

/** dmah_ring_next_table() - an end has come to the last slot of a leaf table. */
void dmah_ring_next_table(const struct dmah_ring *ring, struct ring_end *end);

/** iommu_ring_in_use() - Returns true if mappings are made in the ring's IOVAs: not in passthrough. */
static inline bool iommu_ring_in_use(const struct dmah_ring *ring)
{
	return ring->has_iova && !domain_passes_through(ring->dev->dom);
}

/**
 * ring_still_defers() - Returns true if what was just popped may wait for a flush.
 *
 * dmah_set_mode() stores the new mode, lets a memory barrier pass on every CPU (dmah_host_quiesce()), and then flushes what
 * is popped by now. So either this sees the new mode, or that flush covers the pop. No barrier is needed here.
 */
static inline bool ring_still_defers(const struct dmah_ring *ring)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	return iommu_defers(ring->dev);
}

/** ring_is_full() - no more may be pushed, for now. */
static inline bool ring_is_full(const struct dmah_ring *ring)
{
	return (int64_t)(ring->pushed - ring->full_at) >= 0;
}

/** ring_advance() - an end goes on to the next slot. */
static inline void ring_advance(const struct dmah_ring *ring, struct ring_end *end)
{
	uint32_t step = ring->step;

	if (!--end->left) {
		dmah_ring_next_table(ring, end);
		return;
	}
	end->pte += step;
	end->iova += (uint64_t)step << PT_GRANULE_SHIFT;
}

/**
 * enum ring_pushed - the result of ring_fast_push().
 * @RING_LEFT: not mapped: nothing has changed.
 * @RING_PUSHED: mapped.
 * @RING_TABLE_END: mapped, in the last entry of a leaf table: call dmah_ring_next_table().
 * @RING_CLOSED: mapped while the fast path was closed: dmah_iommu_ring_push_stands() decides, then ring_advance().
 */
enum ring_pushed {
	RING_LEFT,
	RING_PUSHED,
	RING_TABLE_END,
	RING_CLOSED,
};

/** ring_fast_push() - the fast path, for a buffer of one granule. It calls nothing, so that it saves no register. */
static inline enum ring_pushed ring_fast_push(struct dmah_ring *ring, dmah_phys_t phys,
					      uint32_t len, dmah_addr_t *dma)
{
	uint64_t offset = phys & GRANULE_MASK, *pte = ring->tail.pte;
	uint32_t last = len - 1;
	size_t step = ring->step;

	/* All memory lies beyond fast_end where the fast path is closed. A length of 0 is too much. */
	if (ring_is_full(ring) || !ring->fast || last + offset > GRANULE_MASK ||
	    phys >= hint_load(&ring->dev->fast_end))
		return RING_LEFT;
	leaf_set(pte, (phys - offset) | ring->prot | (pt_load(pte) & ring->gen_bits));
	dmah_host_wmb();
	*dma = ring->tail.iova + offset;
	count_add(&ring->pushed, 1);
	/* As in ring_still_defers(): the fast path is closed before what is pushed is counted. */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (!hint_load(&ring->dev->fast_end))
		return RING_CLOSED;
	if (!--ring->tail.left)
		return RING_TABLE_END;
	ring->tail.pte = pte + step;
	ring->tail.iova += (uint64_t)step << PT_GRANULE_SHIFT;
	return RING_PUSHED;
}

/** ring_all_present() - Returns true if all of @n entries, @step apart, are present. */
static inline bool ring_all_present(const struct pt_leaf *leaf, const uint64_t *pte, uint32_t n,
				    uint32_t step)
{
	for (; n; n--, pte += step)
		if (!pt_present(leaf, pt_load(pte)))
			return false;
	return true;
}

/** RING_MANY - from this many entries on, a loop of four entries a turn pays for its registers. */
#define RING_MANY 8u

/** dmah_iommu_ring_all_fast() - ring_all_fast() for many entries. */
bool dmah_iommu_ring_all_fast(const struct dmah_ring *ring, const uint64_t *pte, uint32_t n);

/** dmah_iommu_ring_clear() - ring_clear() for many entries. */
void dmah_iommu_ring_clear(const struct pt_leaf *leaf, uint64_t *pte, uint32_t n, size_t step);

/** ring_all_fast() - Returns true if all of @n entries of a ring are as ring_fast_push() writes them. */
static inline bool ring_all_fast(const struct dmah_ring *ring, const uint64_t *pte, uint32_t n)
{
	size_t step = ring->step;
	uint64_t all = ~0ull;

	for (; n; n--, pte += step)
		all &= extent_load(pte);
	return !(~all & ring->prot);
}

/** ring_cleared() - as pt_cleared(), but that the address stays. */
static inline uint64_t ring_cleared(const struct pt_leaf *leaf, uint64_t entry)
{
	return (entry + leaf->gen_one) & (leaf->gen_bits | leaf->addr_mask);
}

/** ring_clear() - clear @n entries, @step apart. */
static inline void ring_clear(const struct pt_leaf *leaf, uint64_t *pte, uint32_t n, size_t step)
{
	for (; n; n--, pte += step)
		leaf_clear(pte, ring_cleared(leaf, extent_load(pte)));
}

/** ring_date() - mappings up to the number @until were popped. */
static inline void ring_date(struct dmah_ring *ring, uint64_t until, uint64_t timestamp)
{
	struct ring_pops *pops = &ring->pops[ring->npops % RING_POPS];

	history_store(&pops->until, until);
	history_store(&pops->timestamp, timestamp);
	__atomic_store_n(&ring->npops, ring->npops + 1, __ATOMIC_RELEASE);
}

/**
 * ring_fast_pop() - the fast path in lazy mode, where no flush is due, none has just been, and the last slot of a
 *	leaf table is not among them.
 *
 * @many: @n is RING_MANY or more.
 * @err: set where the mode changed meanwhile, to the result of the flush that this takes.
 *
 * Return: false where they were not popped: nothing has changed.
 */
__attribute__((always_inline)) static inline bool ring_fast_pop(struct dmah_ring *ring, uint32_t n,
								bool many, int *err)
{
	uint64_t popped = ring->popped, waiting, *pte = ring->head.pte;
	const struct dmah_domain *dom = ring->dev->dom;
	size_t step = ring->step;

	if (!ring->fast || ring->handles || n >= ring->head.left || n > ring->pushed - popped ||
	    !__atomic_load_n(&ring->dev->fast_end, __ATOMIC_RELAXED) ||
	    __atomic_load_n(&dom->cfg.mode, __ATOMIC_RELAXED) != DMAH_LAZY)
		return false;
	waiting = popped - ring_flushed(ring);
	if (!waiting || waiting + n >= ring->cfg.entries ||
	    !(many ? dmah_iommu_ring_all_fast(ring, pte, n) : ring_all_fast(ring, pte, n)))
		return false;
	if (many)
		dmah_iommu_ring_clear(&dom->pt.leaf, pte, n, step);
	else
		ring_clear(&dom->pt.leaf, pte, n, step);
	dmah_host_wmb();
	ring->head.left -= n;
	ring->head.pte = pte + n * step;
	ring->head.iova += (uint64_t)n * step << PT_GRANULE_SHIFT;
	/* A flush that sees this sees the cleared entries. */
	__atomic_store_n(&ring->popped, popped + n, __ATOMIC_RELEASE);
	ring->full_at = popped + n + ring->cfg.entries;
	ring_date(ring, popped + n, history_timestamp(&dom->history));
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	*err = __atomic_load_n(&dom->cfg.mode, __ATOMIC_RELAXED) == DMAH_LAZY
		       ? DMAH_OK
		       : dmah_iommu_ring_end_lazy(ring);
	return true;
}

#endif /* DMAH_BACKEND_IOMMU_RING_H */
