/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A TLB, in an IOMMU or a device: entries stay, stale or not, until they are invalidated.
 *
 * And the paging-structure cache beside it, which keeps where tables are. Callers hold the IOMMU's lock.
 */
#ifndef SIM_IOTLB_H
#define SIM_IOTLB_H

#include "walk.h"

/**
 * struct sim_tlb_entry - an entry.
 * @tag: whose it is; TLB_GLOBAL: everybody's.
 * @iova: first byte, a multiple of 1 << @shift.
 * @out: where it goes.
 * @shift: 12, 21 or 30.
 * @perm: enum sim_perm; 0 in an entry that does not translate.
 * @reason: why not (caching mode).
 * @code: the specification's number of that.
 * @used: the slot is taken.
 */
struct sim_tlb_entry {
	uint64_t iova;
	uint64_t out;
	uint32_t tag;
	uint32_t code;
	uint8_t shift;
	uint8_t perm;
	uint8_t reason;
	uint8_t used;
};

#define TLB_GLOBAL UINT32_MAX

/**
 * struct sim_tlb - a hash table of entries, open addressing.
 * @slot: the table.
 * @size: slots, a power of two, at least twice @count.
 * @count: entries.
 * @of_shift: entries of each page size.
 * @globals: entries with TLB_GLOBAL.
 * @limit: most entries; 0: no limit.
 * @rnd: state of the random numbers that choose what goes.
 */
struct sim_tlb {
	struct sim_tlb_entry *slot;
	uint64_t size;
	uint64_t count;
	uint64_t of_shift[3];
	uint64_t globals;
	uint64_t limit;
	uint64_t rnd;
};

void sim_tlb_fini(struct sim_tlb *tlb);
void sim_tlb_set_limit(struct sim_tlb *tlb, uint64_t limit, uint64_t seed);

/** sim_tlb_find() - the entry that @iova hits; NULL. */
const struct sim_tlb_entry *sim_tlb_find(const struct sim_tlb *tlb, uint32_t tag, uint64_t iova);

/** sim_tlb_insert() - one that is there already is replaced; without memory the TLB forgets, as it may. */
void sim_tlb_insert(struct sim_tlb *tlb, const struct sim_tlb_entry *entry);

/**
 * sim_tlb_invalidate() - drop what overlaps [@iova, @iova + @size) of @tag; @size 0: all of @tag.
 * @gone: called for each entry that went; may be NULL, and may insert.
 */
void sim_tlb_invalidate(struct sim_tlb *tlb, uint32_t tag, uint64_t iova, uint64_t size,
			void (*gone)(void *ctx, const struct sim_tlb_entry *entry), void *ctx);

/** SIM_PSC - slots of the paging-structure cache. */
#define SIM_PSC 256u

/**
 * struct sim_psc_entry - where a table is.
 * @tag: whose.
 * @iova: first byte that it is about, a multiple of its table's reach.
 * @step: the table, and what the entries above it allow.
 */
struct sim_psc_entry {
	uint64_t iova;
	struct sim_step step;
	uint32_t tag;
	bool used;
};

/** struct sim_psc - the paging-structure cache; one entry a hash value. */
struct sim_psc {
	struct sim_psc_entry slot[SIM_PSC];
	unsigned int count;
};

/** sim_psc_find() - the lowest table known on the way to @iova; level 0 where none is. */
struct sim_step sim_psc_find(const struct sim_psc *psc, uint32_t tag, uint64_t iova);
/** sim_psc_insert() - the tables that a walk passed, but for the root. */
void sim_psc_insert(struct sim_psc *psc, uint32_t tag, uint64_t iova, const struct sim_walk *walk);
/** sim_psc_invalidate() - as sim_tlb_invalidate(). */
void sim_psc_invalidate(struct sim_psc *psc, uint32_t tag, uint64_t iova, uint64_t size);

#endif /* SIM_IOTLB_H */
