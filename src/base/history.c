/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "base/domain.h"
#include "base/fault.h"

size_t dmah_history_memory(uint32_t records)
{
	return records * sizeof(struct history_record);
}

void dmah_history_init(struct history *history, void *memory, uint32_t records)
{
	history->record = memory;
	history->mask = dmah_history_memory(records) - sizeof(struct history_record);
	history->timestamp = 1ull << HISTORY_TIMESTAMP_SHIFT;
}

void dmah_history_flush_time(struct history *history, uint64_t now)
{
	uint32_t n = __atomic_fetch_add(&history->nflush_times, 1, __ATOMIC_RELAXED);
	uint64_t tick = now >> HISTORY_TICK_SHIFT & HISTORY_TICKS;

	history_store(&history->flush_time[n % HISTORY_FLUSH_TIMES], tick);
	/* Avoid a timestamp of 0, which means never unmapped. */
	history_store(&history->timestamp, (tick ? tick : 1) << HISTORY_TIMESTAMP_SHIFT);
}

void dmah_history_map(struct dmah_device *dev, const struct dmah *h, const void *caller)
{
	const struct dmah_domain *dom = dev->dom;
	uint64_t gen = dom->ops->generation ? dom->ops->generation(dom, h->dma) : 0;
	struct history_record *record = history_at(&dom->history, h->dma);

	history_begin(&dom->history, dev, h->dma, history_word(h->phys, h->dma, gen), h->len,
		      meta_dir(h->meta), caller);
	if (h->meta & (META_HAS_BUS | META_LATER))
		history_store(&record->ended,
			      history_load(&record->ended) |
				      (h->meta & META_HAS_BUS ? HISTORY_HAS_BUS : 0) |
				      (h->meta & META_LATER ? HISTORY_INSIDE : 0));
}

void dmah_history_unmap(struct dmah_device *dev, const struct dmah *h)
{
	bool in_entries = dev->dom->ops->timestamps;

	if (in_entries && h->len < 1u << PT_LEAF_SHIFT)
		return;
	history_end(&dev->dom->history, h->dma, in_entries ? dmah_host_now() & HISTORY_ENDED : 0);
}

/* Copy a record. Returns false if another CPU wrote the record at the same time. */
static bool copy(const struct history_record *from, struct history_record *to)
{
	to->dma = history_load(&from->dma);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	to->phys = history_load(&from->phys);
	to->caller = __atomic_load_n(&from->caller, __ATOMIC_RELAXED);
	to->len = __atomic_load_n(&from->len, __ATOMIC_RELAXED);
	to->ended = history_load(&from->ended);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return to->dma && history_load(&from->dma) == to->dma;
}

/* Returns true if a mapping has bytes in the page of @dma. */
static bool covers(const struct history_record *record, dmah_addr_t dma)
{
	uint64_t page = dma & ~(PT_GRANULE - 1), first = record->dma & ~(PT_GRANULE - 1);

	return page >= first && page - first < record->dma - first + record->len;
}

bool dmah_history_find(const struct history *history, dmah_addr_t dma,
		       bool (*about)(void *ctx, const struct history_record *record), void *ctx,
		       struct history_record *found)
{
	struct history_record one;
	bool any = false;

	if (copy(history_at(history, dma), &one) && covers(&one, dma) &&
	    (one.dma ^ dma) < PT_GRANULE && about(ctx, &one)) {
		*found = one;
		return true;
	}
	for (uint64_t i = 0; i <= history->mask / sizeof(one); i++) {
		if (!copy(&history->record[i], &one) || !covers(&one, dma) ||
		    (any && one.dma < found->dma) || !about(ctx, &one))
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

bool dmah_history_age(const struct history *history, uint64_t timestamp, uint64_t now,
		      uint64_t *least, uint64_t *most)
{
	uint64_t age, next = 0;
	uint32_t n = __atomic_load_n(&history->nflush_times, __ATOMIC_RELAXED);

	if (!(timestamp & HISTORY_TIMESTAMP))
		return false;
	age = ticks_ago(now, (timestamp & HISTORY_TIMESTAMP) >> HISTORY_TIMESTAMP_SHIFT);
	*most = (age + 1) << HISTORY_TICK_SHIFT;
	/*
	 * A lazy unmap lies after the flush at @timestamp and before the next flush: find the next
	 * one.
	 */
	for (uint32_t i = 0; i < HISTORY_FLUSH_TIMES && i < n; i++) {
		uint64_t other = ticks_ago(now, history_load(&history->flush_time[i]));

		if (other < age && other >= next)
			next = other;
	}
	if (!(timestamp & HISTORY_EXACT))
		age = next;
	*least = (age ? age - 1 : 0) << HISTORY_TICK_SHIFT;
	return true;
}

/*
 * Rebuild a return address from its low 32 bits: take the address nearest to the library's own
 * code.
 */
static const void *near(uint32_t low)
{
	uintptr_t here = (uintptr_t)&dmah_fault_remember;

	return low ? (const void *)(here + (uintptr_t)(int64_t)(int32_t)(low - (uint32_t)here))
		   : NULL;
}

void dmah_fault_remember(struct fault_place *what, const struct history_record *record,
			 uint64_t gen_bits)
{
	what->phys = history_phys(record, gen_bits);
	what->len = record->len;
	what->dir = (enum dmah_dir)(record->ended >> HISTORY_DIR_SHIFT & META_DIR);
	what->owner = (uint32_t)(record->ended >> HISTORY_DEVICE_SHIFT);
	what->caller = near(record->caller);
}
