/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The TLB of an IOMMU or a device, and the paging-structure cache, which keeps addresses of tables. Entries stay, stale or
 * not, until they are invalidated. Call with the IOMMU's lock held.
 */
#ifndef SIM_IOTLB_H
#define SIM_IOTLB_H

#include "walk.h"

/**
 * struct sim_tlb_entry - an entry.
 * @tag: the tag that the entry belongs to; TLB_GLOBAL: all tags.
 * @iova: first byte, a multiple of 1 << @shift.
 * @out: machine address of the first byte.
 * @shift: 12, 21 or 30.
 * @perm: enum sim_perm; 0 in an entry that does not translate.
 * @reason: enum sim_reason of an entry that does not translate (caching mode).
 * @code: the specification's number of the fault.
 * @used: the entry is valid.
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
 * @size: capacity, a power of two, at least twice @count.
 * @count: valid entries.
 * @of_shift: entries of each page size.
 * @globals: entries with TLB_GLOBAL.
 * @limit: most entries; 0: no limit.
 * @rnd: state of the random numbers that choose the entry to drop.
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

/** sim_tlb_find() - Returns the entry that @iova hits, or NULL. */
const struct sim_tlb_entry *sim_tlb_find(const struct sim_tlb *tlb, uint32_t tag, uint64_t iova);

/** sim_tlb_insert() - add or replace an entry. Without memory nothing is added, which a TLB may do. */
void sim_tlb_insert(struct sim_tlb *tlb, const struct sim_tlb_entry *entry);

/**
 * sim_tlb_invalidate() - drop the entries of @tag that overlap [@iova, @iova + @size); @size 0: all of @tag.
 * @gone: called for each dropped entry; may be NULL, and may insert.
 */
void sim_tlb_invalidate(struct sim_tlb *tlb, uint32_t tag, uint64_t iova, uint64_t size,
			void (*gone)(void *ctx, const struct sim_tlb_entry *entry), void *ctx);

/** SIM_PSC - capacity of the paging-structure cache. */
#define SIM_PSC 256u

/**
 * struct sim_psc_entry - the cached address of a table.
 * @tag: the tag that the entry belongs to.
 * @iova: first byte that the table covers.
 * @step: the table, and the permissions of the entries above it.
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

/** sim_psc_find() - Returns the lowest cached table for @iova; level 0: none. */
struct sim_step sim_psc_find(const struct sim_psc *psc, uint32_t tag, uint64_t iova);
/** sim_psc_insert() - add the tables that a walk passed, but for the root. */
void sim_psc_insert(struct sim_psc *psc, uint32_t tag, uint64_t iova, const struct sim_walk *walk);
/** sim_psc_invalidate() - drop tables as sim_tlb_invalidate() drops entries. */
void sim_psc_invalidate(struct sim_psc *psc, uint32_t tag, uint64_t iova, uint64_t size);

#endif /* SIM_IOTLB_H */
