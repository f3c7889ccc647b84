/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What a domain remembers of its mappings, live and ended, for the day that a device is refused: who made it, of what
 * memory, and when it ended. Always on, so it must cost next to nothing:
 *
 * - A map writes one record, in a table of fixed size, at a place that its DMA address chooses. Another mapping whose
 *   address chooses the same place takes it.
 * - An unmap behind an IOMMU leaves its time in the page-table entries that it clears, where the hardware ignores it. What
 *   was mapped by blocks has its time in the record.
 * - The shortest lazy unmaps read no clock. It takes the time of the last flush; as the times of flushes are kept too, it is known
 *   between which two it was. A strict unmap reads the clock while the hardware is at work on its invalidation.
 *
 * Records are read while they are written: a reader that meets one half written takes it for none. Two CPUs whose
 * mappings choose one place in the same few nanoseconds may mix their records; the page table then tells which address
 * is mapped all the same.
 */
#ifndef DMAH_BASE_HISTORY_H
#define DMAH_BASE_HISTORY_H

#include <dmah/device.h>
#include <dmah/dmah.h>
#include "pt/pt.h"

struct dmah_domain;

/**
 * struct history_record - one mapping.
 * @dma: its DMA address; 0: there is none.
 * @phys: physical address of its first byte, with the generation of its page-table entries where those have it.
 * @caller: who mapped it: a return address, its low 32 bits.
 * @len: bytes.
 * @ended: when it was unmapped, 50 bits of dmah_host_now(); 1: not known; 0: it was not, or its page-table entries know.
 *	Above that two flags, direction and device.
 */
struct history_record {
	dmah_addr_t dma;
	dmah_phys_t phys;
	uint32_t caller;
	uint32_t len;
	uint64_t ended;
};

#define HISTORY_DIR_SHIFT    52
#define HISTORY_DEVICE_SHIFT 54
#define HISTORY_HAS_BUS	     (1ull << 51) /* mapped by bus address */
#define HISTORY_INSIDE	     (1ull << 50) /* its first entry continues a list's or ring's */
#define HISTORY_ENDED	     (HISTORY_INSIDE - 1)

/** HISTORY_FLUSH_TIMES - how many times of flushes are kept. */
#define HISTORY_FLUSH_TIMES 32u

/**
 * struct history - a domain's.
 * @record: the table.
 * @mask: bytes of the table minus those of a record.
 * @timestamp: the time of the last flush, as a cleared page-table entry holds it: history_timestamp().
 * @nflush_times: times of flushes that there ever were.
 * @flush_time: the last of them, in ticks.
 */
struct history {
	struct history_record *record;
	uint64_t mask;
	uint64_t timestamp;
	uint32_t nflush_times;
	uint64_t flush_time[HISTORY_FLUSH_TIMES];
};

/*
 * A time in a cleared entry: where the address was, ticks of 1,024 ns, and below them whether it is that of the unmap
 * itself and not of the last flush before. 0: it was never unmapped. Ticks come round after 9 hours.
 */
#define HISTORY_TICK_SHIFT	10
#define HISTORY_TIMESTAMP	0x0000fffffffff000ull
#define HISTORY_EXACT		0x0000000000001000ull
#define HISTORY_TIMESTAMP_SHIFT 13
#define HISTORY_TICKS		(HISTORY_TIMESTAMP >> HISTORY_TIMESTAMP_SHIFT)

/** dmah_history_memory() - bytes of a table. */
size_t dmah_history_memory(uint32_t records);

/** dmah_history_init() - empty. @memory: dmah_history_memory() bytes, zeroed, aligned to 64. */
void dmah_history_init(struct history *history, void *memory, uint32_t records);

/** dmah_history_flush_time() - a flush begins at @now, or lazy unmaps after none. Context: any. */
void dmah_history_flush_time(struct history *history, uint64_t now);

/** dmah_history_map() - a mapping was made. @caller: by whom. */
void dmah_history_map(struct dmah_device *dev, const struct dmah *h, const void *caller);

/** dmah_history_unmap() - it ends, and its entries do not tell when: without an IOMMU, where it is not known, or of blocks. */
void dmah_history_unmap(struct dmah_device *dev, const struct dmah *h);

/**
 * dmah_history_find() - the record of a mapping that has a DMA address's page.
 * @about: whether it is the one that is looked for: there may have been several since.
 * @ctx: passed to it.
 * @found: where to copy it.
 *
 * Of several the one that begins nearest. Visits all of the table where none begins at that page. Return: whether there
 * is one.
 */
bool dmah_history_find(const struct history *history, dmah_addr_t dma,
		       bool (*about)(void *ctx, const struct history_record *record), void *ctx,
		       struct history_record *found);

/** dmah_history_age() - when a mapping was unmapped whose entry holds @timestamp: ages in ns. Return: false: it never was. */
bool dmah_history_age(const struct history *history, uint64_t timestamp, uint64_t now,
		      uint64_t *least, uint64_t *most);

/* Plain stores where the CPU has them, and relaxed ones for the sanitizer's sake. */
static inline void history_store(uint64_t *word, uint64_t value)
{
#if UINTPTR_MAX > 0xffffffffu
	__atomic_store_n(word, value, __ATOMIC_RELAXED);
#else
	*(volatile uint64_t *)word = value;
#endif
}

static inline uint64_t history_load(const uint64_t *word)
{
#if UINTPTR_MAX > 0xffffffffu
	return __atomic_load_n(word, __ATOMIC_RELAXED);
#else
	return *(const volatile uint64_t *)word;
#endif
}

/** history_at() - the place that a DMA address chooses: its page's number, in records. */
static inline struct history_record *history_at(const struct history *history, dmah_addr_t dma)
{
	_Static_assert(sizeof(struct history_record) == 1u << 5, "a page is a record");
	size_t at = (size_t)(dma >> (PT_GRANULE_SHIFT - 5) & history->mask);

	return (struct history_record *)(void *)((char *)history->record + at);
}

/**
 * history_begin() - a mapping is made.
 * @phys: with its generation.
 * @caller: by whom.
 */
static inline void history_begin(const struct history *history, const struct dmah_device *dev,
				 dmah_addr_t dma, uint64_t phys, uint32_t len, enum dmah_dir dir,
				 const void *caller)
{
	struct history_record *record = history_at(history, dma);

	history_store(&record->dma, 0);
	history_store(&record->phys, phys);
	__atomic_store_n(&record->caller, (uint32_t)(uintptr_t)caller, __ATOMIC_RELAXED);
	__atomic_store_n(&record->len, len, __ATOMIC_RELAXED);
	history_store(&record->ended, dev->owner | (uint64_t)dir << HISTORY_DIR_SHIFT);
	/* Only CPUs read this. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	history_store(&record->dma, dma);
}

/** history_timestamp() - what a lazy unmap leaves in the entry that it clears. */
static inline uint64_t history_timestamp(const struct history *history)
{
	return history_load(&history->timestamp);
}

/** history_timestamp_at() - the same where the time of the unmap itself is known. */
static inline uint64_t history_timestamp_at(uint64_t now)
{
	return ((now >> HISTORY_TICK_SHIFT) << HISTORY_TIMESTAMP_SHIFT & HISTORY_TIMESTAMP) |
	       HISTORY_EXACT;
}

/** history_owner() - what a device's records carry. */
static inline uint64_t history_owner(uint16_t slot)
{
	return (uint64_t)slot << HISTORY_DEVICE_SHIFT;
}

#endif /* DMAH_BASE_HISTORY_H */
