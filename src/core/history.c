/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "core/domain.h"

static uint64_t records(const struct history *history)
{
	return history->mask / sizeof(struct history_record) + 1;
}

size_t history_memory(uint32_t records)
{
	return records * sizeof(struct history_record);
}

void history_init(struct history *history, void *memory, uint32_t records)
{
	history->record = memory;
	history->mask = history_memory(records) - sizeof(struct history_record);
	history->note = 1ull << HISTORY_NOTE_SHIFT;
}

void history_stamp(struct history *history, uint64_t now)
{
	uint32_t n = __atomic_fetch_add(&history->nstamps, 1, __ATOMIC_RELAXED);
	uint64_t note = history_note_at(now);

	history_store(&history->stamp[n % HISTORY_STAMPS], note >> HISTORY_NOTE_SHIFT);
	history_store(&history->note, note);
}

void history_begin_many(const struct history *history, const struct dmah_device *dev,
			dmah_addr_t dma, dmah_phys_t phys, uint32_t len, enum dmah_dir dir,
			uint32_t n, const void *caller)
{
	uint64_t first = dma & ~(PT_GRANULE - 1), all = records(history);

	/* A longer one meets every record once. */
	for (uint64_t i = 1; i < n && i < all; i++) {
		struct history_record *record =
			history_at(history, first + (i << PT_GRANULE_SHIFT));
		uint64_t key = history_load(&record->key);

		if (key && (key - first) >> PT_GRANULE_SHIFT < n)
			history_store(&record->key, 0);
	}
	history_begin(history, dev, dma, phys, len, dir, caller);
}

uint64_t history_time(const struct dmah_domain *dom)
{
	return dom->cfg.backend == DMAH_BACKEND_IOMMU ? dmah_host_now() : HISTORY_NO_TIME;
}

void history_map(struct dmah_device *dev, const struct dmah *h, const void *caller)
{
	uint64_t bytes = (h->dma & (PT_GRANULE - 1)) + h->len;

	history_begin_many(&dev->dom->history, dev, h->dma, h->phys, h->len, meta_dir(h->meta),
			   (uint32_t)((bytes + PT_GRANULE - 1) >> PT_GRANULE_SHIFT), caller);
}

void history_unmap(struct dmah_device *dev, const struct dmah *h, uint64_t now)
{
	struct history_record *record = history_at(&dev->dom->history, h->dma);

	/* Where no IOMMU is, several mappings have one page. */
	if ((history_load(&record->key) ^ h->dma) < PT_GRANULE &&
	    history_load(&record->phys) == h->phys)
		history_store(&record->ended, now | 1);
}

/* A copy of a record that nobody wrote meanwhile. */
static bool copy(const struct history_record *from, struct history_record *to)
{
	to->key = history_load(&from->key);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	to->phys = history_load(&from->phys);
	to->caller = __atomic_load_n(&from->caller, __ATOMIC_RELAXED);
	to->len = __atomic_load_n(&from->len, __ATOMIC_RELAXED);
	to->ended = history_load(&from->ended);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return to->key && history_load(&from->key) == to->key;
}

/* Whether a mapping's granules hold the page of @dma. */
static bool covers(const struct history_record *record, dmah_addr_t dma)
{
	uint64_t first = record->key & ~(PT_GRANULE - 1);
	uint64_t bytes = (record->phys & (PT_GRANULE - 1)) + record->len;

	return dma - first < ((bytes + PT_GRANULE - 1) & ~(PT_GRANULE - 1));
}

bool history_find(const struct history *history, dmah_addr_t dma, struct history_record *found)
{
	uint64_t all = records(history);
	bool any = false;

	if (copy(history_at(history, dma), found) && (found->key ^ dma) < PT_GRANULE)
		return true;
	for (uint64_t i = 0; i < all; i++) {
		struct history_record one;

		if (!copy(&history->record[i], &one) || !covers(&one, dma) ||
		    (any && one.key < found->key))
			continue;
		*found = one;
		any = true;
	}
	return any;
}

static uint64_t ticks_ago(uint64_t now, uint64_t tick)
{
	return ((now >> HISTORY_TICK_SHIFT) - tick) & HISTORY_TICKS;
}

bool history_ended(const struct history *history, uint64_t note, uint64_t now, uint64_t *least,
		   uint64_t *most)
{
	uint64_t tick = (note & HISTORY_NOTE) >> HISTORY_NOTE_SHIFT, age, next = 0, oldest = 0;
	uint32_t n = __atomic_load_n(&history->nstamps, __ATOMIC_RELAXED);
	bool coarse = false;

	if (!tick)
		return false;
	age = ticks_ago(now, tick);
	for (uint32_t i = 0; i < HISTORY_STAMPS && i < n; i++) {
		uint64_t other = ticks_ago(now, history_load(&history->stamp[i]));

		coarse |= other == age;
		/* The first flush after it, of those that are known. */
		if (other < age && other >= next)
			next = other;
		if (other > oldest)
			oldest = other;
	}
	/* Before all flushes that are known: it may have been a time of one that is not. */
	coarse |= n && age > oldest;
	*most = (age + 1) << HISTORY_TICK_SHIFT;
	*least = (coarse ? next : age) << HISTORY_TICK_SHIFT;
	return true;
}
