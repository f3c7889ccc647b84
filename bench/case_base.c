// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* The loop alone, and the least that a mapping behind an IOMMU can be. */
#include "cases.h"
#include "memory.h"

#define RING_ENTRIES 4096u
#define PTE_BITS     0x3u

static bool nothing(struct work *w)
{
	(void)w;
	return true;
}

static bool fill_slots(struct work *w)
{
	for (uint64_t i = 0; i <= w->mask; i++) {
		w->slots[i].page = work_page(w, i);
		w->slots[i].dma = w->slots[i].page;
		w->slots[i].len = w->size;
	}
	w->k = w->mask + 1;
	return true;
}

static const char *check_slots(struct work *w)
{
	for (uint64_t i = 0; i <= w->mask; i++)
		if (w->slots[i].dma != w->slots[i].page || w->slots[i].len != w->size)
			return "a slot is not what was written";
	return NULL;
}

/* Reads what an unmap would be given, writes what a map would give. */
static inline void harness(struct work *w, struct slot *s, dmah_phys_t page)
{
	dmah_addr_t dma = s->dma;
	uint32_t len = s->len;

	__asm__ volatile("" : : "r"(dma), "r"(len) : "memory");
	s->dma = page;
	s->len = w->size;
	s->page = page;
}

WORK_RUN(run_harness, harness)

const struct bench_case case_harness = {
	.name = "harness",
	.what = "the loop alone: a slot is chosen, read and written",
	.fill = fill_slots,
	.run = run_harness,
	.drain = nothing,
	.check = check_slots,
};

/* For the syncs, which write nothing. */
static inline void harness_sync(struct work *w, struct slot *s, dmah_phys_t page)
{
	uint32_t len = s->len;

	(void)w;
	__asm__ volatile("" : : "r"(len), "r"(page), "r"(s) : "memory");
}

WORK_RUN(run_harness_sync, harness_sync)

const struct bench_case case_harness_sync = {
	.name = "harness-sync",
	.what = "the loop around a sync alone",
	.fill = fill_slots,
	.run = run_harness_sync,
	.drain = nothing,
	.check = check_slots,
	.no_maps = true,
};

static bool fill_floor(struct work *w)
{
	w->pte = memory_alloc((w->mask + 1) * sizeof(*w->pte));
	w->ring = memory_alloc(RING_ENTRIES * 16);
	for (uint64_t i = 0; i <= w->mask; i++)
		w->pte[i] = work_page(w, i) | PTE_BITS;
	return fill_slots(w);
}

static inline void floor_op(struct work *w, struct slot *s, dmah_phys_t page)
{
	dmah_addr_t dma = s->dma;
	uint32_t len = s->len;
	uint64_t i = (uint64_t)(s - w->slots);
	uint64_t *pte = &w->pte[i], *d = &w->ring[(w->tail++ & (RING_ENTRIES - 1)) * 2];

	__asm__ volatile("" : : "r"(dma), "r"(len) : "memory");
	__atomic_store_n(pte, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&d[0], 2, __ATOMIC_RELAXED);
	__atomic_store_n(&d[1], i << 12, __ATOMIC_RELAXED);
	__atomic_store_n(pte, page | PTE_BITS, __ATOMIC_RELEASE);
	s->dma = page;
	s->len = w->size;
	s->page = page;
}

WORK_RUN(run_floor, floor_op)

static const char *check_floor(struct work *w)
{
	for (uint64_t i = 0; i <= w->mask; i++)
		if (w->pte[i] != (w->slots[i].page | PTE_BITS))
			return "an entry is not what was written";
	return check_slots(w);
}

const struct bench_case case_floor = {
	.name = "floor",
	.what = "one entry cleared, one 16-byte descriptor, one entry written: no allocation, no "
		"check",
	.fill = fill_floor,
	.run = run_floor,
	.drain = nothing,
	.check = check_floor,
};
