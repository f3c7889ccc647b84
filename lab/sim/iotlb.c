/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "iotlb.h"
#include "rnd.h"

#include <stdlib.h>

static const uint8_t shifts[3] = { 12, 21, 30 };

static unsigned int index_of(unsigned int shift)
{
	return shift == 12 ? 0 : shift == 21 ? 1 : 2;
}

static uint64_t hash(uint32_t tag, uint64_t iova, unsigned int shift)
{
	uint64_t x = (iova >> shift) * 0x9e3779b97f4a7c15u ^ (uint64_t)tag * 0xc2b2ae3d27d4eb4fu ^
		     shift;

	return x ^ x >> 29;
}

static uint64_t page_of(uint64_t iova, unsigned int shift)
{
	return iova >> shift << shift;
}

void sim_tlb_fini(struct sim_tlb *tlb)
{
	free(tlb->slot);
	*tlb = (struct sim_tlb){ .limit = tlb->limit, .rnd = tlb->rnd };
}

static struct sim_tlb_entry *find(const struct sim_tlb *tlb, uint32_t tag, uint64_t page,
				  unsigned int shift)
{
	if (!tlb->of_shift[index_of(shift)])
		return NULL;
	for (uint64_t i = hash(tag, page, shift);; i++) {
		struct sim_tlb_entry *e = &tlb->slot[i & (tlb->size - 1)];

		if (!e->used)
			return NULL;
		if (e->tag == tag && e->iova == page && e->shift == shift)
			return e;
	}
}

const struct sim_tlb_entry *sim_tlb_find(const struct sim_tlb *tlb, uint32_t tag, uint64_t iova)
{
	struct sim_tlb_entry *e;

	for (unsigned int i = 0; i < 3; i++) {
		if (!tlb->of_shift[i])
			continue;
		e = find(tlb, tag, page_of(iova, shifts[i]), shifts[i]);
		if (!e && tlb->globals)
			e = find(tlb, TLB_GLOBAL, page_of(iova, shifts[i]), shifts[i]);
		if (e)
			return e;
	}
	return NULL;
}

/* Empty an entry, and move later entries of the probe sequence up, so that no search ends early. */
static void drop(struct sim_tlb *tlb, struct sim_tlb_entry *e)
{
	uint64_t mask = tlb->size - 1, hole = (uint64_t)(e - tlb->slot), i = hole;

	tlb->count--;
	tlb->of_shift[index_of(e->shift)]--;
	tlb->globals -= e->tag == TLB_GLOBAL;
	for (;;) {
		struct sim_tlb_entry *next;
		uint64_t home;

		i = (i + 1) & mask;
		next = &tlb->slot[i];
		if (!next->used)
			break;
		home = hash(next->tag, next->iova, next->shift) & mask;
		/* An entry may move unless its hash position lies behind the hole. */
		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		tlb->slot[hole] = *next;
		hole = i;
	}
	tlb->slot[hole].used = 0;
}

static void put(struct sim_tlb *tlb, const struct sim_tlb_entry *entry)
{
	uint64_t i = hash(entry->tag, entry->iova, entry->shift);

	while (tlb->slot[i & (tlb->size - 1)].used)
		i++;
	tlb->slot[i & (tlb->size - 1)] = *entry;
	tlb->slot[i & (tlb->size - 1)].used = 1;
	tlb->count++;
	tlb->of_shift[index_of(entry->shift)]++;
	tlb->globals += entry->tag == TLB_GLOBAL;
}

static bool grow(struct sim_tlb *tlb)
{
	struct sim_tlb bigger = { .size = tlb->size ? tlb->size * 2 : 64,
				  .limit = tlb->limit,
				  .rnd = tlb->rnd };

	bigger.slot = calloc((size_t)bigger.size, sizeof(*bigger.slot));
	if (!bigger.slot)
		return false;
	for (uint64_t i = 0; i < tlb->size; i++)
		if (tlb->slot[i].used)
			put(&bigger, &tlb->slot[i]);
	free(tlb->slot);
	*tlb = bigger;
	return true;
}

static void drop_random(struct sim_tlb *tlb)
{
	uint64_t i = sim_rnd(&tlb->rnd);

	while (tlb->count && !tlb->slot[i & (tlb->size - 1)].used)
		i++;
	if (tlb->count)
		drop(tlb, &tlb->slot[i & (tlb->size - 1)]);
}

void sim_tlb_insert(struct sim_tlb *tlb, const struct sim_tlb_entry *entry)
{
	struct sim_tlb_entry e = *entry, *old;

	e.iova = page_of(e.iova, e.shift);
	old = find(tlb, e.tag, e.iova, e.shift);
	if (old)
		drop(tlb, old);
	while (tlb->limit && tlb->count >= tlb->limit)
		drop_random(tlb);
	if ((tlb->count + 1) * 2 > tlb->size && !grow(tlb))
		return;
	put(tlb, &e);
}

void sim_tlb_set_limit(struct sim_tlb *tlb, uint64_t limit, uint64_t seed)
{
	tlb->limit = limit;
	tlb->rnd = seed;
	while (limit && tlb->count > limit)
		drop_random(tlb);
}

/* By address a global entry goes with any ASID's; by ASID alone it stays (Arm ARM D8.14, TLBI). */
static bool overlaps(const struct sim_tlb_entry *e, uint32_t tag, uint64_t iova, uint64_t size)
{
	if (!size)
		return e->tag == tag;
	return (e->tag == tag || e->tag == TLB_GLOBAL) && e->iova <= iova + size - 1 &&
	       iova <= e->iova + (1ull << e->shift) - 1;
}

static void sweep(struct sim_tlb *tlb, uint32_t tag, uint64_t iova, uint64_t size,
		  void (*gone)(void *ctx, const struct sim_tlb_entry *entry), void *ctx)
{
	struct sim_tlb_entry *out = NULL;
	uint64_t n = 0;

	if (gone)
		out = malloc((size_t)tlb->count * sizeof(*out));
	for (uint64_t i = 0; i < tlb->size;) {
		struct sim_tlb_entry *e = &tlb->slot[i];

		if (!e->used || !overlaps(e, tag, iova, size)) {
			i++;
			continue;
		}
		if (out)
			out[n++] = *e;
		/* Another may have moved into the slot: look again. What moves from the front to the end was seen. */
		drop(tlb, e);
	}
	for (uint64_t i = 0; i < n; i++)
		gone(ctx, &out[i]);
	free(out);
}

void sim_tlb_invalidate(struct sim_tlb *tlb, uint32_t tag, uint64_t iova, uint64_t size,
			void (*gone)(void *ctx, const struct sim_tlb_entry *entry), void *ctx)
{
	struct sim_tlb_entry *e, was;

	if (!tlb->count)
		return;
	/* Scan all entries: the range is long, or global entries may match. */
	if (!size || size >> 12 > 64 || tlb->globals) {
		sweep(tlb, tag, iova, size, gone, ctx);
		return;
	}
	for (unsigned int s = 0; s < 3; s++) {
		uint64_t last = page_of(iova + size - 1, shifts[s]);

		if (!tlb->of_shift[s])
			continue;
		for (uint64_t page = page_of(iova, shifts[s]);; page += 1ull << shifts[s]) {
			e = find(tlb, tag, page, shifts[s]);
			if (e) {
				was = *e;
				drop(tlb, e);
				if (gone)
					gone(ctx, &was);
			}
			if (page == last)
				break;
		}
	}
}

static struct sim_psc_entry *psc_slot(const struct sim_psc *psc, uint32_t tag, uint64_t iova,
				      unsigned int level)
{
	uint64_t i = hash(tag, iova, 12 + 9 * level) % SIM_PSC;

	return (struct sim_psc_entry *)&psc->slot[i];
}

struct sim_step sim_psc_find(const struct sim_psc *psc, uint32_t tag, uint64_t iova)
{
	/* A table of @level covers 1 << (12 + 9 * level) bytes. */
	for (unsigned int level = 1; psc->count && level <= 5; level++) {
		uint64_t page = page_of(iova, 12 + 9 * level);
		const struct sim_psc_entry *e = psc_slot(psc, tag, page, level);

		if (e->used && e->tag == tag && e->iova == page && e->step.level == level)
			return e->step;
	}
	return (struct sim_step){ 0, 0, 0 };
}

void sim_psc_insert(struct sim_psc *psc, uint32_t tag, uint64_t iova, const struct sim_walk *walk)
{
	for (unsigned int i = 0; i < walk->ntrail; i++) {
		const struct sim_step *step = &walk->trail[i];
		struct sim_psc_entry *e;
		uint64_t page;

		/* Skip the first: the context names the root, and a cached table need not be cached again. */
		if (!i)
			continue;
		page = page_of(iova, 12 + 9 * step->level);
		e = psc_slot(psc, tag, page, step->level);
		psc->count += !e->used;
		*e = (struct sim_psc_entry){ .iova = page, .step = *step, .tag = tag, .used = true };
	}
}

void sim_psc_invalidate(struct sim_psc *psc, uint32_t tag, uint64_t iova, uint64_t size)
{
	for (unsigned int i = 0; psc->count && i < SIM_PSC; i++) {
		struct sim_psc_entry *e = &psc->slot[i];
		uint64_t reach = 1ull << (12 + 9 * e->step.level);

		if (!e->used || e->tag != tag)
			continue;
		if (size && (e->iova > iova + size - 1 || iova > e->iova + reach - 1))
			continue;
		e->used = false;
		psc->count--;
	}
}
